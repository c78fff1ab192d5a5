"""Times with a name of their own: dates, months, weekdays, seasons, holidays.

Owns: what the words of such a name come to, and 'last', 'next' and 'this' before it. Does not own: which words
make one (`timepoints`), what is counted from now (`counted`), the calendar (`timespans`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from memos_cli.dates import timespans as cal
from memos_cli.dates.question import Point, Question, Words, replace_end
from memos_cli.dates.tense import Tense
from memos_cli.dates.timespans import Cycle, Span


def nothing(words: Words, question: Question) -> Point | None:
    return None


def full_date(words: Words, question: Question) -> Point | None:
    number = words.get("MONTH", "SHY_MONTH", "CMONTH")
    day = words.get("NUM", "ORD", "DOM")
    of_year = words.get("YEAR", "CYEAR")
    if of_year is not None:
        return Point(cal.days(date(of_year, number, day), 1), dated=True)
    date(2000, number, day)  # 29 February passes, 31 June does not
    return Point(cycle=Cycle("day", number, day, words.get("WEEKDAY", "ITS_WEEKDAY", "CWEEKDAY")))


def days_of_month(words: Words, question: Question) -> Point | None:
    number, of_year = words.get("MONTH", "CMONTH"), words.get("YEAR", "CYEAR")
    first, last = words.all("NUM", "ORD", "DOM")
    if not first < last:
        return None
    if of_year is None:
        start = question.resolve(Point(cycle=Cycle("day", number, first)))
        if start is None:
            return None
        of_year = start.start.year
    start = cal.days(date(of_year, number, first), 1)
    return Point(replace_end(start, cal.days(date(of_year, number, last), 1)), dated=True)


def iso(words: Words, question: Question) -> Point | None:
    return Point(cal.days(date(*words.get("DATE")), 1), dated=True)


def year_month(words: Words, question: Question) -> Point | None:
    return Point(cal.month(*words.get("YEARMONTH")), dated=True)


def month_of_year(words: Words, question: Question) -> Point | None:
    of_year = words.get("YEAR", "CYEAR")
    return Point(cal.month(of_year, words.get("MONTH", "SHY_MONTH", "CMONTH")), dated=True)


def year(words: Words, question: Question) -> Point | None:
    return Point(cal.year(words.get("YEAR", "CYEAR")), dated=True)


def bare_year(words: Words, question: Question) -> Point | None:
    return replace(year(words, question) or Point(), weak=True, unit="in-year")


def month(words: Words, question: Question) -> Point | None:
    number = words.get("MONTH", "SHY_MONTH", "CMONTH")
    return Point(cycle=Cycle("month", number), weak=not words.has("CMONTH"))


def weekday(words: Words, question: Question) -> Point | None:
    which = words.get("WEEKDAY", "ITS_WEEKDAY", "CWEEKDAY")
    return Point(cycle=Cycle("weekday", which), weak=words.has("WEEKDAY"), unit="weekday")


def weekend(words: Words, question: Question) -> Point | None:
    return Point(cycle=Cycle("weekend", 0), weak=words.has("WEEKEND"), unit="weekend")


def season(words: Words, question: Question) -> Point | None:
    which, of_year = words.get("SEASON", "CSEASON"), words.get("YEAR", "CYEAR")
    if of_year is None:
        return Point(cycle=Cycle("season", which), weak=words.has("SEASON"))
    span = cal.in_year(Cycle("season", which), of_year)
    if which == 3 and span:
        # The winter of a year is the one it begins with as often as the one it ends with.
        before = cal.in_year(Cycle("season", which), of_year - 1)
        span = Span(before.start, span.end, 0.0) if before else span
        return Point(span, dated=True, unit="two-winters")
    return Point(span, dated=True)


def holiday(words: Words, question: Question) -> Point | None:
    which, of_year = words.get("HOLIDAY", "CHOLIDAY"), words.get("YEAR", "CYEAR")
    if of_year is not None:
        return Point(cal.in_year(Cycle("holiday", which), of_year), dated=True)
    return Point(cycle=Cycle("holiday", which), weak=words.has("HOLIDAY"))


def decade(words: Words, question: Question) -> Point | None:
    """'in the nineties', 八十年代: of the last century, but not of degrees or points."""
    if question.measures:
        return None
    span = cal.decade(words.get("DECADE", "CDECADE"))
    which = words.get("EARLY", "BIT")
    return Point(span if which is None else cal.third(span, which), dated=True)


def quarter(words: Words, question: Question) -> Point | None:
    """'Q2 2024', 2024年第二季度, '2024Q2'; without its year one that comes again."""
    of_year, place = words.get("QTRYEAR") or (words.get("YEAR", "CYEAR"), words.get("QTR"))
    if of_year is not None:
        return Point(cal.quarter(of_year, place), dated=True)
    return Point(cycle=Cycle("quarter", place), weak=True)


def _named_cycle(words: Words) -> Cycle:
    for name, kind in (
        ("SEASON", "season"),
        ("HOLIDAY", "holiday"),
        ("WEEKDAY", "weekday"),
        ("WEEKEND", "weekend"),
    ):
        if words.has(name):
            return Cycle(kind, words.get(name) or 0)
    if words.has("ITS_WEEKDAY"):
        return Cycle("weekday", words.get("ITS_WEEKDAY"))
    return Cycle("month", words.get("MONTH", "SHY_MONTH"))


def last_one(words: Words, question: Question) -> Point | None:
    cycle = _named_cycle(words)
    span = question.last(cycle)
    if span and cycle.kind in ("month", "season", "holiday"):
        # 'last May' said in November may be this year's or the year's before.
        span = span._replace(fuzzy=span.fuzzy * (2 if cycle.kind == "holiday" else 3))
    return _with_part(words, Point(span, unit=cycle.kind if cycle.kind.startswith("week") else None))


def next_one(words: Words, question: Question) -> Point | None:
    return _with_part(words, Point(question.following(_named_cycle(words))))


def this_one(words: Words, question: Question) -> Point | None:
    cycle = _named_cycle(words)
    ahead = question.tense in (Tense.FUTURE, Tense.PRESENT, Tense.UNKNOWN)
    if cycle.kind in ("weekday", "weekend"):
        span = question.coming(cycle) if ahead else cal.latest(cycle, question.today)
        return _with_part(words, Point(span))
    span = cal.in_year(cycle, question.today.year)
    return Point(span)


def _with_part(words: Words, point: Point) -> Point | None:
    part = words.get("PART")
    if part is None or point.span is None:
        return point
    return Point(cal.part_of(point.span.first, part))
