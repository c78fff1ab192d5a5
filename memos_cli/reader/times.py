"""Times as people and files write them.

Owns: reading a point in time from text or from a number, in English, Chinese and ISO 8601.
Does not own: what the time is used for, nor whether a time in the future is allowed.

A time without a zone is UTC. A date without a time of day is the start of that day, a month
the start of its first day. Nothing is guessed: 03/04/2026 could be two days, so it is refused.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from memos_cli.errors import BadTime

_MONTH_NAMES = (
    "jan january, feb february, mar march, apr april, may, jun june, jul july, aug august, "
    "sep sept september, oct october, nov november, dec december"
)
_WEEKDAY_NAMES = "mon monday, tue tues tuesday, wed wednesday, thu thur thurs thursday, fri friday, sat saturday, sun sunday"


def _numbered(names: str, start: int) -> dict[str, int]:
    return {name: n for n, group in enumerate(names.split(", "), start) for name in group.split()}


_MONTHS = _numbered(_MONTH_NAMES, 1)
_WEEKDAYS = _numbered(_WEEKDAY_NAMES, 0)
_LONGEST = 100
"""Characters of the longest text that is looked at; the patterns are for phrases, not for pages."""
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_COUNTS |= {"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "a couple of": 2, "couple of": 2}
_CHINESE_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_CHINESE_UNITS = {"分钟": "minute", "小时": "hour", "个小时": "hour", "天": "day", "日": "day", "周": "week"}
_CHINESE_UNITS |= {
    "星期": "week",
    "个星期": "week",
    "礼拜": "week",
    "个月": "month",
    "月": "month",
    "年": "year",
}
_CHINESE_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0, "明天": 1, "后天": 2}
_CHINESE_PERIODS = {"上周": "last week", "上星期": "last week", "上个星期": "last week", "下周": "next week"}
_CHINESE_PERIODS |= {"下星期": "next week", "上个月": "last month", "上月": "last month", "去年": "last year"}
_CHINESE_PERIODS |= {"下个月": "next month", "下月": "next month", "明年": "next year", "前年": "2 years ago"}
_CHINESE_YEARS = {"去年": -1, "今年": 0, "明年": 1}

_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WEEKDAY = "(?P<weekday>" + "|".join(sorted(_WEEKDAYS, key=len, reverse=True)) + ")"
_COUNT = "(?P<count>" + "|".join(sorted(_COUNTS, key=len, reverse=True)) + r"|\d{1,5})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_NUMBER = r"(?P<count>\d{1,5}|[一二两三四五六七八九十]{1,3})"

_ZONE = re.compile(
    r"(?:(?<=\d)|\s)(z|utc|gmt|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|[a-z]+(?:/[a-z_+\-]+){1,2})$"
)
_CLOCK = re.compile(
    r"(?:(?:\bat\s+|(?<=\d)t)?(?<!\d))?\b(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?\s*(?P<half>[ap]\.?m\.?)?(?![\w:])"
)
_CLOCK_HOUR = re.compile(r"(?:\bat\s+)?\b(?P<hour>\d{1,2})\s*(?P<half>[ap]\.?m\.?)(?!\w)")
_CLOCK_CHINESE = re.compile(
    r"(?P<half>凌晨|早上|上午|中午|下午|傍晚|晚上)?\s*(?P<hour>\d{1,2})[点时:]"
    r"(?:(?P<minute>\d{1,2})分?(?:(?P<second>\d{1,2})秒)?|(?P<thirty>半))?"
)
_ISO_LIKE = re.compile(r"\d{4}-?(?:\d{2}|w\d{2})-?\d{1,3}(?:[t ].*)?", re.IGNORECASE)
_EPOCH = re.compile(r"\d{10}(?:\.\d+)?|\d{13}")

_ABSOLUTE = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_YEAR}[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})[日号]?",
        rf"{_YEAR}[-/年](?P<month>\d{{1,2}})月?",
        rf"{_YEAR}年?",
        rf"{_DAY} (?:of )?{_MONTH} {_YEAR}",
        rf"{_MONTH} {_DAY} {_YEAR}",
        rf"{_MONTH} {_YEAR}",
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}",
        rf"{_DAY}-{_MONTH}-{_YEAR}",
        rf"(?P<left>\d{{1,2}})/(?P<right>\d{{1,2}})/{_YEAR}",
    )
)
_YEARLESS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_DAY} (?:of )?{_MONTH}",
        rf"{_MONTH} {_DAY}",
        r"(?P<relative>去年|今年|明年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]?",
    )
)


def parse_time(text: str, now: datetime) -> datetime:
    """The instant that `text` names, in UTC; words such as 'yesterday' count from `now`.

    Days and longer ('yesterday', 'two weeks ago') give the start of that day unless a time of
    day follows; hours and minutes ('3 hours ago') are exact. Raises BadTime.
    """
    try:
        if len(text) > _LONGEST:
            raise BadTime(text[:_LONGEST] + "…")
        return _absolute(text) or _relative(text, now.astimezone(UTC)) or _refuse(text)
    except (ValueError, OverflowError) as exc:
        raise BadTime(text) from exc


def absolute_time(value: str | int | float) -> datetime:
    """The instant that a file's `value` names, in UTC: never a word that depends on today.

    Numbers are Unix times in seconds, milliseconds, microseconds or nanoseconds, told apart by
    their size (seconds up to the year 5138). Raises BadTime.
    """
    try:
        if isinstance(value, str):
            return _absolute(value[: _LONGEST + 1]) or _refuse(value[:_LONGEST])
        return _epoch(float(value))
    except (ValueError, OverflowError, OSError) as exc:
        raise BadTime(value) from exc


def _refuse(text: str) -> datetime:
    raise BadTime(text)


def _epoch(value: float) -> datetime:
    for divisor in (1, 1e3, 1e6, 1e9):
        if abs(value / divisor) < 1e11:
            return datetime.fromtimestamp(value / divisor, UTC)
    raise ValueError(f"{value} is no Unix time")


def _absolute(text: str) -> datetime | None:
    stripped = text.strip()
    if _EPOCH.fullmatch(stripped):
        return _epoch(float(stripped))
    if _ISO_LIKE.fullmatch(stripped) and (moment := _iso(stripped)):
        return moment
    words, zone = _take_zone(_normalised(text))
    rest, clock = _take_clock(words)
    rest = _without_weekday(rest)
    for pattern in _ABSOLUTE:
        if match := pattern.fullmatch(rest):
            return _at(_date_of(match), clock, zone)
    return None


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _normalised(text: str) -> str:
    """Lower case, full-width forms made plain, commas and brackets gone, one space between words."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[,()。]", " ", folded).split()).strip(". ")


def _take_zone(text: str) -> tuple[str, tzinfo]:
    match = _ZONE.search(text)
    zone = _zone_named(match[1]) if match else None
    return (text[: match.start()].rstrip(), zone) if match and zone else (text, UTC)


def _zone_named(name: str) -> tzinfo | None:
    if name in ("z", "utc", "gmt"):
        return UTC
    if offset := re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?", name):
        # "14-03" ends in something that looks like an offset; a bare offset has its minutes.
        if not name.startswith(("utc", "gmt")) and not offset[3]:
            return None
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo("/".join(_zone_case(part) for part in name.split("/")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _zone_case(part: str) -> str:
    return "_".join(word.capitalize() for word in part.split("_"))


def _take_clock(text: str) -> tuple[str, time | None]:
    for pattern in (_CLOCK, _CLOCK_HOUR, _CLOCK_CHINESE):
        if match := pattern.search(text):
            rest = f"{text[: match.start()]} {text[match.end() :]}"
            return _date_words(rest), _clock_of(match.groupdict())
    for word, hour in (("noon", 12), ("midnight", 0), ("中午", 12)):
        if re.search(rf"(?:^|\b|(?<=天)){word}$", text):
            return _date_words(text[: -len(word)]), time(hour)
    return _date_words(text), None


def _date_words(text: str) -> str:
    """What is left for the date: without a dangling 'at', 'on', 'the' or 'T'."""
    without = re.sub(r"\b(?:at|on|the)\b", " ", text)
    return " ".join(re.sub(r"(?<=\d)\s*t\s*$", "", without).split())


def _clock_of(parts: dict[str, str | None]) -> time:
    hour, half = int(parts["hour"] or 0), (parts.get("half") or "").replace(".", "")
    minute = 30 if parts.get("thirty") else int(parts.get("minute") or 0)
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {half}")
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif half in ("下午", "傍晚", "晚上") and hour < 12:
        hour += 12
    fraction = (parts.get("fraction") or "").ljust(6, "0")[:6]
    return time(hour, minute, int(parts.get("second") or 0), int(fraction))


def _without_weekday(text: str) -> str:
    """Drop a day's name that stands beside a full date, as in 'Sat 14 March 2026'."""
    if not re.search(r"\d", text):
        return text
    plain = re.sub(rf"\b{_WEEKDAY}\b\.?", " ", text)
    return " ".join(re.sub(r"(?:周|星期|礼拜)[一二三四五六日天]$", "", plain.strip()).split())


def _date_of(match: re.Match[str]) -> date:
    parts = match.groupdict()
    if parts.get("left"):
        return _slashed(int(parts["left"]), int(parts["right"]), int(parts["year"]))
    return date(int(parts["year"]), _month_of(parts.get("month")), int(parts.get("day") or 1))


def _slashed(left: int, right: int, year: int) -> date:
    if left <= 12 and right <= 12 and left != right:
        raise ValueError("day and month could be either way round")
    return date(year, right, left) if left > 12 else date(year, left, right)


def _month_of(word: str | None) -> int:
    if word is None:
        return 1
    return int(word) if word.isdigit() else _MONTHS[word]


def _at(day: date, clock: time | None, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock or time(), zone).astimezone(UTC)


def _relative(text: str, now: datetime) -> datetime | None:
    words, zone = _take_zone(_normalised(text))
    here = now.astimezone(zone)
    if words in ("now", "just now", "现在", "刚才", "刚刚"):
        return now
    if exact := _hours_or_minutes(words, now):
        return exact
    rest, clock = _take_clock(words)
    day = here.date() if not rest and clock else _relative_day(rest, here.date())
    return _at(day, clock, zone) if day else None


def _hours_or_minutes(words: str, now: datetime) -> datetime | None:
    amount = _amount(words)
    if amount is None or amount[1] not in ("second", "minute", "hour"):
        return None
    return now + timedelta(**{amount[1] + "s": amount[0]})


def _amount(words: str) -> tuple[int, str] | None:
    """A signed count and its unit: 'two days ago' → (-2, 'day'), '三天后' → (3, 'day')."""
    if match := re.fullmatch(rf"{_COUNT} (?P<unit>second|minute|hour|day|week|month|year)s? ago", words):
        return -_count(match["count"]), match["unit"]
    if match := re.fullmatch(rf"in {_COUNT} (?P<unit>second|minute|hour|day|week|month|year)s?", words):
        return _count(match["count"]), match["unit"]
    units = "|".join(sorted(_CHINESE_UNITS, key=len, reverse=True))
    if match := re.fullmatch(rf"{_NUMBER}(?P<unit>{units})(?P<way>[以之]?[前后])", words):
        count = _count(match["count"])
        return (-count if match["way"].endswith("前") else count), _CHINESE_UNITS[match["unit"]]
    return None


def _count(word: str) -> int:
    if word.isdecimal():
        return int(word)
    if word in _COUNTS:
        return _COUNTS[word]
    tens, ten, ones = word.rpartition("十")
    if not ten:
        return _CHINESE_DIGITS[word]
    return 10 * _CHINESE_DIGITS.get(tens, 1) + _CHINESE_DIGITS.get(ones, 0)


def _relative_day(words: str, today: date) -> date | None:
    words = _CHINESE_PERIODS.get(words, words)
    ways: tuple[Callable[[str, date], date | None], ...] = (_named_day, _counted_day, _weekday, _yearless)
    return next((day for way in ways if (day := way(words, today))), None)


def _named_day(words: str, today: date) -> date | None:
    named = _CHINESE_DAYS | {"today": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2}
    named["day after tomorrow"] = 2
    return today + timedelta(days=named[words]) if words in named else None


def _counted_day(words: str, today: date) -> date | None:
    words = re.sub(r"^last (day|week|month|year)$", r"1 \1 ago", words)
    words = re.sub(r"^next (day|week|month|year)$", r"in 1 \1", words)
    amount = _amount(words)
    return _shifted(today, *amount) if amount else None


def _shifted(day: date, count: int, unit: str) -> date:
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    # 31 March less a month is the end of February: the day is held back, never carried over.
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _weekday(words: str, today: date) -> date | None:
    if match := re.fullmatch(rf"(?:(?P<which>last|next|this past) )?{_WEEKDAY}", words):
        wanted = _WEEKDAYS[match["weekday"]]
        if match["which"] == "next":
            return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
        return today - timedelta(days=(today.weekday() - wanted - 1) % 7 + 1)
    if match := re.fullmatch(r"(?P<which>上个?|下个?|这)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])", words):
        weeks = {"上": -1, "下": 1}.get((match["which"] or "")[:1], 0)
        monday = today - timedelta(days=today.weekday())
        return monday + timedelta(days=7 * weeks + "一二三四五六日天".index(match["day"]) % 7)
    return None


def _yearless(words: str, today: date) -> date | None:
    """A day and month alone: the latest such day that is not in the future."""
    words = _without_weekday(words)
    match = next((found for pattern in _YEARLESS if (found := pattern.fullmatch(words))), None)
    if match is None:
        return None
    parts = match.groupdict()
    month, day = _month_of(parts["month"]), int(parts["day"])
    if parts.get("relative"):
        return date(today.year + _CHINESE_YEARS[parts["relative"]], month, day)
    for year in range(today.year, today.year - 9, -1):  # 29 February comes at least every 8 years
        if day <= monthrange(year, month)[1] and date(year, month, day) <= today:
            return date(year, month, day)
    raise ValueError(f"no month {month} has a day {day}")
