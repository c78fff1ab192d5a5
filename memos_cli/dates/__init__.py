"""The grammar of dates in English and Chinese: what words say about when.

Owns: words, points and phrases of time, the calendar, tense. Does not own: what a search makes of a
question's times (`retrieval/temporal`), nor what is kept of a memory's (`reader/events`). Imports
nothing itself and no heavy library: a keyword search loads it.
"""
