"""Which words a text has, so that a pattern is tried only where a word stands that it cannot do without.

Owns: the words of a text as hints, and the question whether any of some is among them. Does not own: which
words a pattern needs; that stands beside the pattern.

A hint may be there though nothing matches, never the other way round: runs of letters are at most as long as
what a pattern calls a word, letters that it takes for one another without regard to case are one here, and
every digit counts by itself. `tests/test_hints.py` reads real texts with the hints and without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

DIGITS = frozenset("0123456789")
"""The hints of a number in digits; those of other scripts count as 0."""

_LETTERS = bytes(c | 0x20 if chr(c).isalpha() and c < 128 else 0x20 for c in range(256))
"""For ASCII: letters in lower case, all else as spaces; twice as fast as a regular expression."""
_SIGN = re.compile(r"[0-9:=]")
_NO_SIGN = bytes(c for c in range(256) if chr(c) not in "0123456789:=")
_WORD = re.compile(r"[^\W\d_]+")
_ALIKE = str.maketrans("İıſK", "iisk")
"""What `re.IGNORECASE` takes for ASCII letters beside their capitals."""


@lru_cache(maxsize=64)
def words_in(text: str) -> frozenset[str]:
    """Its runs of letters in lower case, its digits, colons and signs of equality, each alone."""
    if text.isascii():
        plain = text.encode()
        words = plain.translate(_LETTERS).decode().split()
        return frozenset((*words, *signs.decode()) if (signs := plain.translate(None, _NO_SIGN)) else words)
    alike = text.translate(_ALIKE).casefold()
    digit = ("0",) if any(map(str.isdigit, text)) else ()
    return frozenset((*_WORD.findall(alike), *_SIGN.findall(alike), *digit))


def lacks(words: frozenset[str], hints: frozenset[str]) -> bool:
    """Whether none of the hints is among the words of a text."""
    return words.isdisjoint(hints)


def hints_of(phrases: Iterable[str]) -> frozenset[str]:
    """For each phrase of ASCII one word that no text lacks which holds the phrase: its longest."""
    return frozenset(max(_WORD.findall(phrase), key=len) for phrase in phrases)
