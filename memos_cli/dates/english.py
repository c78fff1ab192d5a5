"""Words of Latin script that speak of time, and what may be glued to them.

Owns: the English words with their tags, numbers, dates in figures, possessives and hyphens. Does not own: the
tags (`tags`), cutting a text into runs (`timewords`). A word that could be no time is OTHER; numbers with
anything attached (2023B, 1.2.3, $2023, 555-2023) are OTHER too.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from memos_cli.dates.tags import (
    AFTERNOON,
    AUTUMN,
    COUPLE,
    DAY,
    EVENING,
    FEW,
    HOUR,
    MINUTE,
    MONTH,
    MORNING,
    NIGHT,
    SEVERAL,
    SPRING,
    SUMMER,
    TAG,
    WEEK,
    WINTER,
    YEAR,
    Token,
)

_MONTHS = (
    "january jan, february feb, march mar, april apr, may, june jun, july jul, august aug, "
    "september sep sept, october oct, november nov, december dec"
)
_WEEKDAYS = "monday mon, tuesday tue tues, wednesday wed, thursday thu thur thurs, friday fri, saturday sat, sunday sun"
_SHORT_DAYS = frozenset(["mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"])
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_QUANTITIES = (
    "people words steps miles km meters metres feet dollars euros pounds pieces copies users rows lines pages items "
    "times calories kcal points guests followers subscribers members students employees photos books stars votes "
    "commits files questions songs games cards cars euro percent degrees friends participants attendees tickets"
)
_HOLIDAYS = {"christmas": "christmas", "xmas": "christmas", "easter": "easter", "halloween": "halloween"}
_HOLIDAYS |= {"thanksgiving": "thanksgiving"}
_DECADES = {
    "thirties": 1930,
    "forties": 1940,
    "fifties": 1950,
    "sixties": 1960,
    "seventies": 1970,
    "eighties": 1980,
}
_DECADES |= {"nineties": 1990, "noughties": 2000}
_DECADES |= {f"{n % 100}{s}": n for n in range(1930, 2000, 10) for s in ("s", "'s", "’s")}
"""Without a century only those that are hardly ever of another one: 'the twenties' are two."""
_TENS = (*range(1800, 1900, 10), *range(1910, 2000, 10), *range(2000, 2050, 10))
_SINGLE: dict[str, tuple[str, str]] = {
    "OWNER": ("my your his her their our its", ""),
    "EVERY": ("every each per", ""),
    "MORE": ("more most how as", ""),
    "HALF": ("half", ""),
    "LAST": ("last previous", ""),
    "PAST": ("past", ""),
    "NEXT": ("next coming", ""),
    "THIS": ("this", ""),
    "EARLIER": ("earlier", ""),
    "LATER": ("later", ""),
    "AGO": ("ago", ""),
    "BACK": ("back", ""),
    "A": ("a an", ""),
    "THE": ("the", ""),
    "OTHERDAY": ("other", ""),
    "RECENT": ("recently lately recent", ""),
    "WITHIN": ("within", ""),
    "ON": ("on", ""),
    "AT": ("at", ""),
    "FOR": ("for", ""),
    "OF": ("of", ""),
    "SINCE": ("since", ""),
    "BEFORE": ("before", ""),
    "AFTER": ("after", ""),
    "UNTIL": ("until till", ""),
    "BY": ("by", ""),
    "BETWEEN": ("between", ""),
    "AND": ("and &", ""),
    "FROM": ("from", ""),
    "TO": ("to through thru - – — ~", ""),
    "AROUND": ("around circa near roughly approximately", ""),
    "ABOUT": ("about", ""),
    "WEEKEND": ("weekend", ""),
    "WEEKENDS": ("weekends", ""),
    "QUARTER": ("quarter", ""),
    "FORTNIGHT": ("fortnight", ""),
    "NOW": ("now", ""),
    "DROP": (
        "drop drops dropped dropping stop stops stopped stopping swing swings swung pass passed passing come came comes",
        "",
    ),
}
_VALUED: dict[str, dict[str, Any]] = {
    "IN": {"in": "in", "during": "during", "throughout": "during", "over": "over"},
    "SEASON": {"spring": SPRING, "summer": SUMMER, "autumn": AUTUMN, "fall": AUTUMN, "winter": WINTER},
    "OFFSET": {"yesterday": -1, "today": 0, "tomorrow": 1},
    "DAYPART": {"tonight": (0, NIGHT)},
    "PART": {part: part for part in (MORNING, AFTERNOON, EVENING, NIGHT)},
    "FEW": {"few": FEW, "couple": COUPLE, "several": SEVERAL, "some": FEW},
    "EARLY": {"early": 0, "mid": 1, "late": 2},
    "BEGINNING": {"beginning": 0, "start": 0, "middle": 1, "end": 2},
    "HOLIDAY": _HOLIDAYS,
    "DECADE": _DECADES | {str(n) + s: n for n in _TENS for s in ("s", "'s", "’s")},
    "QTR": {f"q{n}": n for n in range(1, 5)},
}
_UNITS = {unit + plural: unit for unit in (DAY, WEEK, MONTH, YEAR, HOUR, MINUTE) for plural in ("", "s")}
_UNITS |= {"nights": DAY}


@cache
def english_words() -> dict[str, tuple[str, Any]]:
    words: dict[str, tuple[str, Any]] = {}
    for name, (group, _) in _SINGLE.items():
        words |= dict.fromkeys(group.split(), (TAG[name], None))
    for name, values in _VALUED.items():
        words |= {word: (TAG[name], value) for word, value in values.items()}
    words |= dict.fromkeys(_QUANTITIES.split(), (TAG["QUANTITY"], None))
    words |= {word: (TAG["UNIT"], unit) for word, unit in _UNITS.items()}
    words |= {word: (TAG["NUMBER"], n) for n, word in enumerate(_NUMBERS.split(), 1)}
    words |= {word: (TAG["ORD"], n) for n, word in enumerate(_ORDINALS.split(), 1)}
    words |= {group.split()[0] + "s": (TAG["WEEKDAYS"], n) for n, group in enumerate(_WEEKDAYS.split(", "))}
    for name, groups, start in (("MONTH", _MONTHS, 1), ("WEEKDAY", _WEEKDAYS, 0)):
        for n, group in enumerate(groups.split(", "), start):
            words |= dict.fromkeys(group.split(), (TAG[name], n))
    words["as"] = (TAG["AS"], None)
    return words


def words_tagged(*names: str) -> frozenset[str]:
    """The words of Latin script that may have one of these tags, `MONTH` for `SHY_MONTH` and the like."""
    tags = {TAG[name] for name in names}
    return frozenset(word for word, (tag, _) in english_words().items() if tag in tags)


def latin_tokens(chunk: str, start: int, first: bool) -> list[Token]:
    """The tokens of a run without spaces; `first`: it begins a sentence."""
    body = chunk.rstrip(".:'’")
    if not body:
        return [Token(TAG["STOP"], None, start, start + len(chunk))]
    lead = len(body) - len(body.lstrip("'’"))
    body = body[lead:]
    start += lead
    end = start + len(body)
    low = body.lower()
    if (known := english_words().get(low)) is not None:
        return [Token(*_cased(known, body, first), start, end), *_full_stop(chunk, low, end)]
    parts = _hyphened(body, start) if "-" in body else None
    return [*(parts or [_odd(body, low, start, end, lead == 1)]), *_full_stop(chunk, low, end)]


def _full_stop(chunk: str, low: str, end: int) -> list[Token]:
    ends = chunk.endswith(":") or (chunk.endswith(".") and not (low in english_words() and len(low) < 5))
    return [Token(TAG["STOP"], None, end, end)] if ends else []


def _cased(known: tuple[str, Any], body: str, first: bool) -> tuple[str, Any]:
    """What a known word is, given its case: 'may' is a verb, 'Sat' a day, 'mar' no month."""
    tag, value = known
    if tag == TAG["MONTH"]:
        if body.lower() in ("may", "march", "mar") and (first or not body[0].isupper()):
            return TAG["SHY_MONTH"], value
    elif tag == TAG["WEEKDAY"] and body.lower() in _SHORT_DAYS and not body[0].isupper():
        return TAG["OTHER"], None
    return tag, value


_ORDINAL = re.compile(r"(?:([1-9])|[12]\d|3[01])(?:st|nd|rd|th)", re.IGNORECASE)
_ISO_DATE = re.compile(r"((?:19|20)\d\d)([-/.])(\d{1,2})\2(\d{1,2})(?:T[\d:.+Z]*)?")
_ISO_MONTH = re.compile(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])")
_QUARTER = re.compile(r"((?:19|20)\d\d)[-/]?q([1-4])|q([1-4])[-/]?((?:19|20)\d\d)")
_NAMED_DATE = re.compile(r"(\d{1,2})-([a-z]{3,9})-((?:19|20)\d\d)")


def _odd(body: str, low: str, start: int, end: int, short: bool = False) -> Token:
    """A number, a date, somebody's, or a word of no interest."""
    if body.isascii() and body.isdecimal():
        return Token(*(_short_year(int(body)) if short and len(body) == 2 else _number(body)), start, end)
    if low.endswith(("'s", "’s")):
        return Token(*_possessive(low[:-2]), start, end)
    if _ORDINAL.fullmatch(body):
        return Token(TAG["ORD"], int(body[:-2]), start, end)
    if match := _ISO_DATE.fullmatch(body):
        return Token(TAG["DATE"], (int(match[1]), int(match[3]), int(match[4])), start, end)
    if match := _ISO_MONTH.fullmatch(body):
        return Token(TAG["YEARMONTH"], (int(match[1]), int(match[2])), start, end)
    if match := _QUARTER.fullmatch(low):
        return Token(TAG["QTRYEAR"], (int(match[1] or match[4]), int(match[2] or match[3])), start, end)
    if match := _NAMED_DATE.fullmatch(low):
        tag, month = english_words().get(match[2], ("", None))
        if tag == TAG["MONTH"]:
            return Token(TAG["DATE"], (int(match[3]), month, int(match[1])), start, end)
    return Token(TAG["OTHER"], None, start, end)


def _short_year(value: int) -> tuple[str, Any]:
    """'22 is 2022, '69 and later are of the century before (POSIX's rule for two digits)."""
    return TAG["YEAR"], value + (2000 if value < 69 else 1900)


def _number(body: str) -> tuple[str, Any]:
    value = int(body) if len(body) < 6 else -1
    if len(body) == 4 and 1900 <= value < 2100:
        return TAG["YEAR"], value
    if len(body) <= 2 and 1 <= value <= 31:
        return TAG["NUM"], value
    return (TAG["NUMBER"], value) if 0 < value < 10_000 else (TAG["OTHER"], None)


_NO_OWNERS = frozenset(
    [
        "what",
        "who",
        "where",
        "when",
        "how",
        "it",
        "that",
        "there",
        "here",
        "he",
        "she",
        "let",
        "which",
        "this",
    ]
)


def _possessive(base: str) -> tuple[str, Any]:
    if base in _NO_OWNERS:
        return TAG["OTHER"], None
    tag, value = english_words().get(base, ("", None))
    if tag == TAG["WEEKDAY"] and base not in _SHORT_DAYS:
        return TAG["ITS_WEEKDAY"], value
    if tag in (TAG["OFFSET"], TAG["UNIT"], TAG["DAYPART"], TAG["PART"], TAG["WEEKEND"], TAG["SEASON"]):
        return tag, value
    return TAG["OWNER"], None


def _hyphened(body: str, start: int) -> list[Token] | None:
    """'mid-May', '3-5', 'May-June', '2020-2022' as their parts; None: it is one word."""
    left, _, right = body.partition("-")
    if not left or not right or "-" in right:
        return None
    if _ISO_MONTH.fullmatch(body):
        return None
    place = start + len(left)
    pair = [_half(left, start), _half(right, place + 1)]
    first, second = pair[0].tag, pair[1].tag
    dated = (TAG["MONTH"], TAG["YEAR"], TAG["SEASON"])
    if first == TAG["EARLY"] and second in dated:
        return pair
    alike = first == second and first in (*dated, TAG["WEEKDAY"], TAG["NUM"], TAG["ORD"])
    return [pair[0], Token(TAG["TO"], None, place, place + 1), pair[1]] if alike else None


def _half(word: str, start: int) -> Token:
    known = english_words().get(word.lower())
    if known is None:
        return _odd(word, word.lower(), start, start + len(word))
    return Token(*_cased(known, word, False), start, start + len(word))
