"""Whether a statement may name a time at all, told by its words alone.

Owns: the words without which no rule of the grammar makes a time of anything, in Latin script. Does not own:
the grammar (`timepoints`, `timephrases`), whose every rule has its words here, nor the words' meaning
(`timewords`).

Every text that is added is read for times, and most have none. A text that passes may still name nothing; one
that does not pass names nothing for certain (`tests/test_hints.py` reads real texts with this test and
without). Chinese passes as it is: its words are not parted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from memos_cli.dates.english import words_tagged

_SAYS_IT = words_tagged(
    "MONTH", "WEEKDAY", "SEASON", "HOLIDAY", "OFFSET", "DAYPART", "WEEKEND", "DECADE", "WEEKDAYS"
) | frozenset(("boxing", "festival", "independence", "patrick", "valentine", "q"))
"""A word of these may be a time by itself; the last ones stand in names of days ("Boxing Day") and of quarters ("Q2")."""
_STRETCH = words_tagged("UNIT", "PART", "WEEKENDS", "QUARTER", "FORTNIGHT")
_WHICH = words_tagged(
    "LAST", "PAST", "NEXT", "THIS", "AGO", "BACK", "OTHERDAY", "NOW", "FROM", "BEGINNING"
) | {"new"}
"""With a stretch: 'last week', 'a year ago', 'the other day', 'two days from now', "New Year's Eve"."""
_WITHIN = words_tagged("IN")
_COUNT = words_tagged("A", "FEW", "NUMBER")
"""'In' a count of units: 'in two weeks'."""
_ORDINAL = words_tagged("ORD") | frozenset(("st", "nd", "rd", "th"))

_WORD = re.compile("[A-Za-z]+")
_LETTERS = bytes(c | 0x20 if chr(c).isalpha() and c < 128 else 0x20 for c in range(256))
"""For ASCII: letters in lower case, all else as spaces; twice as fast as a regular expression."""
_ALIKE = str.maketrans("İıſK", "iisk")
"""What `re.IGNORECASE` takes for ASCII letters beside their capitals, though it may part words, too."""
_PASSES = re.compile("[\u4e00-\u9fff\uff10-\uff19]")
_DIGIT, _DIGITS = re.compile(r"\d"), re.compile(r"\d\d")
_YEAR = re.compile(r"(?:(?<!\d)(?:19|20)\d\d|['’]\d\d)(?!\d)|\d0['’]?s", re.IGNORECASE)
_YEAR_BEGINS = ("19", "0", "'", "’")


@lru_cache(maxsize=64)
def small_words(text: str) -> tuple[str, ...]:
    """The runs of letters of an ASCII text, in lower case and in order."""
    return tuple(text.encode().translate(_LETTERS).decode().split())


@lru_cache(maxsize=64)
def may_name(text: str) -> bool:
    """Whether any rule might find a time in a text, or in a part of it."""
    if text.isascii():
        words = frozenset(small_words(text))
    elif _PASSES.search(text):
        return True
    else:
        runs = _WORD.findall(text) + _WORD.findall(text.translate(_ALIKE))
        words = frozenset(map(str.lower, runs))
    if not words.isdisjoint(_SAYS_IT):
        return True
    if not words.isdisjoint(_STRETCH):
        if not words.isdisjoint(_WHICH):
            return True
        if not words.isdisjoint(_WITHIN) and (not words.isdisjoint(_COUNT) or _DIGIT.search(text)):
            return True
    if "on" in words and "the" in words and not words.isdisjoint(_ORDINAL):
        return True
    # Looked for one by one: the expressions try something at every letter.
    begun = any(map(text.__contains__, _YEAR_BEGINS))
    return begun and bool(_DIGITS.search(text) and _YEAR.search(text))
