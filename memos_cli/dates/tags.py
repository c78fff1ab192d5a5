"""The tags that words of time carry, and phrases written with them.

Owns: the kinds of words, one character each, so that a phrase is a regular expression over tags (`pattern`)
and scanning stays linear. Does not own: which word has which tag (`english`, `chinese`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

_NAMES = """
    OTHER COMMA STOP QUANTITY OWNER EVERY MORE HALF
    MONTH SHY_MONTH CMONTH YEAR CYEAR DATE YEARMONTH NUM NUMBER ORD DOM WEEKDAY ITS_WEEKDAY CWEEKDAY
    WEEKSDAY SEASON CSEASON HOLIDAY CHOLIDAY OFFSET DAYPART PART UNIT WEEKEND CWEEKEND PERIOD
    LAST PAST NEXT THIS EARLIER LATER AGO BACK A THE FEW OTHERDAY OTHERDAYS RECENT
    IN WITHIN ON AT FOR OF SINCE BEFORE AFTER UNTIL BY BETWEEN AND FROM TO AS AROUND ABOUT
    EARLY BEGINNING BIT YEARPART SINCE_POST START_POST AROUND_POST AFTER_POST
    WEEKENDS DECADE CDECADE QUARTER QTR QTRYEAR YEARHALF FORTNIGHT NOW DROP PASSING WEEKDAYS POINT WEAK
"""
TAG = {name: chr(0xE000 + place) for place, name in enumerate(_NAMES.split())}
"""One character of the private use area for each kind of word."""


class Token(NamedTuple):
    """One word: its tag, what it says, and where it stands in the text."""

    tag: str
    value: Any
    start: int
    end: int


DAY, WEEK, MONTH, YEAR, HOUR, MINUTE = "day", "week", "month", "year", "hour", "minute"
MORNING, NOON, AFTERNOON, EVENING, NIGHT, DAWN = "morning", "noon", "afternoon", "evening", "night", "dawn"
SPRING, SUMMER, AUTUMN, WINTER = range(4)
FIRST_DAY, LAST_DAY = 3, 4
"""Of a stretch; its early, middle and late parts are 0, 1 and 2."""
COUPLE, FEW, SEVERAL = (2, 2), (2, 6), (3, 9)


@cache
def pattern(phrase: str) -> re.Pattern[str]:
    """A regular expression over tags, written with their names: 'NUM OF? MONTH'."""
    return re.compile(re.sub(r"[A-Z_]+", lambda m: TAG[m[0]], phrase).replace(" ", ""))


def needed(phrase: str) -> frozenset[str]:
    """Tags without which a phrase cannot match; a few of them, cheap to ask for first."""
    for part in (
        r"\(\?[=!<][^()]*\)",
        r"\(\?:[^()]*\)[?*]?",
        r"\(\?:[^()]*\)[?*]?",
        r"\[[^\]]*\][?*]?",
        r"[A-Z_]+[?*]",
    ):
        phrase = re.sub(part, " ", phrase)
    return frozenset() if "|" in phrase else frozenset(TAG[name] for name in re.findall(r"[A-Z_]+", phrase))
