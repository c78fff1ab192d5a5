"""A list of words as it is written in a grammar: one string, words parted by spaces."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())
