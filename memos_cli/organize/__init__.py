"""Clusters and their names: numbers and words in, groups and titles out.

Owns: who is near whom, which of them belong together, what a group is called and which of its
texts say most of it. Does not own: memories, cubes or changes (`operations/reorganize`).
"""
