"""The day that a note says it is of: in its row or record, at the start of its line, in the heading
above it, in its front matter, in the name of its file.

Owns: which fields, headings, lines and names say so, and what of it is believed. Does not own: reading a
single time (`times`), turns of chats (`chat`, `transcript`) and mails, which have times of their own.

A day that a text merely mentions is never taken: a heading, a name and a line must begin with it, and
nothing after it may make it a span or a limit. Only whole days count ("May 2026" is none), and none
that is yet to come: a note of what is planned was not written then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from memos_cli.errors import BadTime
from memos_cli.reader.split import Block, Gatherer
from memos_cli.reader.times import absolute_time
from memos_cli.schema import now

_DAYS = ("date", "日期", "day")
_CLOCKS = ("time", "时间")
_MOMENTS = ("datetime", "date time", "timestamp", "created at", "chat time", "create time", "日期时间")
_FRONT = re.compile(r"(?:date|datetime|created|created_at|日期)\s*:\s*(?P<when>\S.*?)\s*(?:#.*)?", re.I)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""A number that is no later than this in Unix time is a length or an amount, not a moment."""

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,?|(?:周|星期|礼拜)[一二三四五六日天])"
_NUMBERED = (
    r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{4}年\d{1,2}月\d{1,2}[日号])"
)
_WORDED = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?(?:{_MONTHS})[a-z]*\.?,? \d{{4}}"
    rf"|(?:{_MONTHS})[a-z]*\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{4}})"
)
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
_HEADING = re.compile(
    rf"(?:{_WEEKDAY}\s*)?(?P<date>{_NUMBERED}|{_WORDED})(?!\d)(?:\s*[(（]?{_WEEKDAY}[)）]?)?"
    rf"(?:(?:\s*,?\s+(?:at\s+)?|T)(?P<clock>{_CLOCK}))?(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_PARTED = re.compile(r"\s*(?:[-–—:：|·,，]|\s[(（])")
"""What parts a day in words from the words of a heading: "5 May 2026: Standup", not "5 May 2026 release"."""
_NO_DAY_OF_ITS_OWN = re.compile(
    r"\W*(?:to|until|till|through|and|or|bis|至|到|~)\b|\W*[至到]|\s*[-–—/]\s*\d{1,2}(?![\d:.]*\s*(?:[ap]m)?[a-z:])"
    r"|.*\d{4}[-/._]?\d{2}[-/._]?\d{2}|.*\d年\d|.*\b(?:deadline|due|expir|valid|planned|plan for)|.*(?:截止|到期|计划)",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(
    r"(?P<date>\d{4}([-_.]?)(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])|\d{4}年\d{1,2}月\d{1,2}[日号])(?!\d)"
)
_LINE = re.compile(
    rf"[ \t]*(?:[-*•]\s+)?(?:\[(?P<within>(?:{_NUMBERED}|{_WORDED})(?:(?:,?\s+|T){_CLOCK})?)\]\s*[:：\-–—]?"
    rf"|(?P<before>(?:{_NUMBERED}|{_WORDED})(?:(?:,?\s+|T){_CLOCK})?)\s*(?:[:：]|\s[-–—])(?!\d))\s*(?=\S)"
)
_LOG = re.compile(r"\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\b")
_LEAST = 3
"""Dated lines at least, before a text without other lines is a journal."""


def day_of_fields(fields: Mapping[str, Any]) -> datetime | None:
    """When a row or record says it was: a field that is called `date`, `time`, `timestamp`, … and holds
    a time that can be read; a date and a time of day in two fields make one."""
    named = {_plain(name): value for name, value in fields.items() if isinstance(name, str)}
    for name in _MOMENTS:
        if (told := moment(named.get(name))) is not None:
            return told
    date = next((one for name in _DAYS if (one := named.get(name)) not in (None, "")), None)
    clock = next((one for name in _CLOCKS if (one := named.get(name)) not in (None, "")), None)
    if (
        isinstance(date, str)
        and isinstance(clock, str)
        and (told := moment(f"{date.strip()} {clock.strip()}"))
    ):
        return told
    return moment(date) or moment(clock)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def moment(told: Any) -> datetime | None:
    """The instant of a field's value, None where it names no whole day, or one that is yet to come."""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    if isinstance(told, str) and not re.search(r"\d\D+\d|\d{8}", told):  # a year, or a count
        return None
    if isinstance(told, str) and re.fullmatch(r"\s*(?:\d{4}[-/年]\d{1,2}月?|[A-Za-z]+\.? \d{4})\s*", told):
        return None
    try:
        found = absolute_time(told)
    except BadTime:
        return None
    if not isinstance(told, str) and found < _EARLIEST:
        return None
    return None if _is_to_come(found) else found


def _is_to_come(found: datetime) -> bool:
    """Later than today, here and in UTC: a day without an hour is kept as midnight UTC."""
    present = now()
    if found.timetz() == time.min.replace(tzinfo=UTC):
        return found.date() > max(present.date(), present.astimezone().date())
    return found > present + timedelta(days=1)


def day_of_headings(headings: Sequence[str]) -> datetime | None:
    """The day that the nearest heading gives which gives one."""
    return next((told for title in reversed(headings) if (told := day_of_title(title))), None)


def day_of_title(title: str) -> datetime | None:
    """The day that a heading begins with, with its time of day where it has one."""
    found = _HEADING.match(title.strip().strip("*_[]# "))
    if found is None or _NO_DAY_OF_ITS_OWN.match(found["rest"]):
        return None
    worded = re.fullmatch(_WORDED, found["date"], re.IGNORECASE) is not None
    if worded and found["rest"].strip() and not _PARTED.match(found["rest"]):
        return None
    return moment(_written(found["date"], found["clock"]))


def _written(date: str, clock: str | None = None) -> str:
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", date, flags=re.IGNORECASE)
    if not re.fullmatch(r"[\d.]+", plain):
        plain = plain.replace(".", "-" if re.match(r"\d{4}\.", plain) else "")
    return f"{plain} {clock}" if clock else plain


def day_of_name(name: str) -> datetime | None:
    """The day that a file's name begins with: `2026-05-05.md`, `20260505 Meeting.txt`."""
    stem = PurePath(name).stem
    found = _NAME.match(stem)
    if found is None or _NO_DAY_OF_ITS_OWN.match(stem[found.end() :].replace("_", " ")):
        return None
    return moment(re.sub(r"[_.]", "-", found["date"]))


def without_day(lines: Iterable[tuple[int, str]]) -> tuple[datetime | None, list[tuple[int, str]]]:
    """The day of front matter, from its (offset, line) pairs, and the lines that say something else."""
    day, rest = None, []
    for start, line in lines:
        found = _FRONT.fullmatch(line.strip()) if day is None else None
        told = moment(_written(found["when"].strip("'\""))) if found else None
        if told is None:
            rest.append((start, line))
        else:
            day = told
    return day, rest


def is_journal(sample: str) -> bool:
    """Whether most lines of a text begin with a day: `2026-05-07: …`, `[2026-05-07 14:03] …`."""
    lines = [line for line in sample.splitlines()[:2_000] if line.strip()]
    found = [match for line in lines if (match := _LINE.match(line))]
    if len(found) < min(_LEAST, max(len(lines), 2)) or 2 * len(found) <= len(lines):
        return False
    return not any(_LOG.match(match.string, match.end()) for match in found)


def journal(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[datetime | None, list[Block]]]:
    """The entries of a journal from its (offset, line) pairs: the day of each, and its blocks.

    An entry goes on until the next dated line; its day is taken off its words, unless it is yet to come.
    """
    gatherer, day, blocks = Gatherer(), None, list[Block]()
    for start, line in lines:
        if found := _LINE.match(line):
            blocks += gatherer.flush()
            if blocks:
                yield day, blocks
            day, blocks = moment(_written(found["within"] or found["before"])), []
            cut = found.end() if day else 0
            blocks += gatherer.add(start + cut, line[cut:])
        elif line.isspace():
            blocks += gatherer.flush()
        else:
            blocks += gatherer.add(start, line)
    blocks += gatherer.flush()
    if blocks:
        yield day, blocks
