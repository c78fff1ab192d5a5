"""Times counted from now: 'yesterday', 'last week', 'three days ago', 去年年初.

Owns: what the words of such a time come to. Does not own: which words make one (`timepoints`), times with a
name of their own (`named`), the calendar (`timespans`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from memos_cli.dates import timespans as cal
from memos_cli.dates.question import Point, Question, Words
from memos_cli.dates.tags import DAY, HOUR, MINUTE, MONTH, NIGHT, WEEK, YEAR
from memos_cli.dates.tense import Tense
from memos_cli.dates.timespans import Cycle, Span


def offset(words: Words, question: Question) -> Point | None:
    day = question.today + timedelta(days=words.get("OFFSET"))
    part = words.get("PART")
    return Point(cal.part_of(day, part) if part else cal.days(day, 1))


def beyond_offset(words: Words, question: Question) -> Point | None:
    """The day before yesterday, the day after tomorrow."""
    offset = words.get("OFFSET")
    step = -1 if words.has("BEFORE") else 1
    return (
        Point(cal.days(question.today + timedelta(days=offset + step), 1))
        if words.get("UNIT") == DAY
        else None
    )


def day_part(words: Words, question: Question) -> Point | None:
    offset, part = words.get("DAYPART")
    return Point(cal.part_of(question.today + timedelta(days=offset), part))


def this_part(words: Words, question: Question) -> Point | None:
    return Point(cal.part_of(question.today, words.get("PART")))


def last_part(words: Words, question: Question) -> Point | None:
    part = words.get("PART")
    return (
        Point(cal.part_of(question.today - timedelta(days=1), part)) if part in (NIGHT, "evening") else None
    )


PERIODS = (WEEK, MONTH, YEAR)


def period(words: Words, question: Question) -> Point | None:
    if words.has("PERIOD"):
        unit, offset = words.get("PERIOD")
    else:
        unit = "quarter" if words.has("QUARTER") else words.get("UNIT")
        offset = -1 if words.has("LAST") else 1 if words.has("NEXT") else 0
    if unit not in (*PERIODS, "weekend", "quarter"):
        return None
    if words.has("BEFORE"):
        offset = -2
    return _bit_of(
        words, Point(cal.period(unit, question.today, offset), unit=unit if offset == -1 else None)
    )


def before_last(words: Words, question: Question) -> Point | None:
    """'the week before last', 'the month after next'."""
    unit, offset = words.get("UNIT"), -2 if words.has("BEFORE") else 2
    if words.has("WEEKEND"):
        unit, offset = "weekend", offset if words.has("BEFORE") else 0
    if offset == 0:
        return None  # the weekend after next: the coming one counts to some, to others not
    return Point(cal.period(unit, question.today, offset)) if unit in (*PERIODS, "weekend") else None


def part_of_period(words: Words, question: Question) -> Point | None:
    """'earlier this year', 'later this week'."""
    unit = words.get("UNIT")
    if unit not in (*PERIODS, DAY):
        return None
    span = cal.days(question.today, 1) if unit == DAY else cal.period(unit, question.today, 0)
    return Point(_cut(span, question.now, words.has("LATER")))


def part_of_today(words: Words, question: Question) -> Point | None:
    return Point(_cut(cal.days(question.today, 1), question.now, words.has("LATER")))


def _cut(span: Span, now: datetime, later: bool) -> Span:
    return Span(now, span.end, span.fuzzy) if later else Span(span.start, now, span.fuzzy)


def weeks_day(words: Words, question: Question) -> Point | None:
    weeks, weekday = words.get("WEEKSDAY")
    day = question.today + timedelta(days=7 * weeks + weekday - question.today.weekday())
    part = words.get("PART")
    return Point(cal.part_of(day, part) if part else cal.days(day, 1))


def weekends_ago(words: Words, question: Question) -> Point | None:
    """'two weekends ago', 'three Sundays ago': the last one that is over counts as one."""
    weeks = count_of(words) - 1
    if words.has("WEEKDAYS"):
        latest = cal.latest(Cycle("weekday", words.get("WEEKDAYS")), question.today - timedelta(days=1))
        return Point(cal.days(latest.first - timedelta(days=7 * weeks), 1)) if latest else None
    last = question.last(Cycle("weekend", 0))
    return Point(cal.weekend(last.first, -weeks)) if last and not words.has("FEW") else None


def of_period(words: Words, question: Question) -> Point | None:
    """'July last year', 'the spring of last year', '5 May last year', 'Tuesday next week'."""
    unit, offset = words.get("UNIT"), -1 if words.has("LAST") else 1 if words.has("NEXT") else 0
    if unit == WEEK and words.has("WEEKDAY"):
        return Point(cal.days(cal.week(question.today, offset).first + timedelta(words.get("WEEKDAY")), 1))
    if unit != YEAR or words.has("WEEKDAY"):
        return None
    number, of_year = words.get("MONTH", "SHY_MONTH"), question.today.year + offset
    if words.has("HOLIDAY"):
        return Point(cal.in_year(Cycle("holiday", words.get("HOLIDAY")), of_year), dated=True)
    if words.has("SEASON"):
        return Point(cal.in_year(Cycle("season", words.get("SEASON")), of_year), dated=True)
    day = words.get("NUM", "ORD")
    return Point(cal.days(date(of_year, number, day), 1) if day else cal.month(of_year, number), dated=True)


def rolling(words: Words, question: Question) -> Point | None:
    """'the past month', 'the last ten days', 最近三天; with 'next' the days ahead."""
    unit, count = words.get("UNIT"), count_of(words)
    few = words.get("FEW")
    if words.has("LAST") and count == 1 and few is None and unit not in PERIODS:
        return None  # at the last minute, on the last day
    count = few[1] if few else count
    return Point(cal.rolling(question.now, -count if words.has("NEXT") else count, unit))


def count_of(words: Words) -> int:
    value = words.get("NUM", "NUMBER", "ORD")
    if value is None:
        return 1
    if not 0 < value < 10_000:
        raise ValueError(f"{value} units")
    return int(value)


def _away(words: Words, question: Question, way: int) -> Span:
    unit, few = words.get("UNIT"), words.get("FEW")
    if words.has("HALF"):
        return question.half(unit, way)
    return question.away(way * count_of(words), unit) if few is None else question.few(few, unit, way)


def ago(words: Words, question: Question) -> Point | None:
    if words.has("HALF") and words.get("UNIT") in (HOUR, MINUTE, DAY, WEEK):
        return None
    if words.has("OFFSET") and not words.has("FEW") and words.get("UNIT") in (*PERIODS, DAY):
        day = question.today + timedelta(days=words.get("OFFSET"))  # 'a year ago today' is that very day
        return Point(cal.days(cal.shifted(day, -count_of(words), words.get("UNIT")), 1))
    return Point(_away(words, question, -1), vague=words.has("FEW"))


def ahead(words: Words, question: Question) -> Point | None:
    if not question.looks_ahead() or words.get("IN") not in (None, "in"):
        return None
    return Point(_away(words, question, 1))


def from_now(words: Words, question: Question) -> Point | None:
    """'eight days from now', 'a week from today', 再过十天: ahead whatever the verbs say."""
    if words.has("OFFSET") and not words.has("FEW") and words.get("UNIT") in (*PERIODS, DAY):
        day = question.today + timedelta(days=words.get("OFFSET"))
        return Point(cal.days(cal.shifted(day, count_of(words), words.get("UNIT")), 1))
    return None if words.has("HALF") else Point(_away(words, question, 1))


def fortnight(words: Words, question: Question) -> Point | None:
    """'a fortnight ago', 'in a fortnight'."""
    if words.has("IN") and (not question.looks_ahead() or words.get("IN") != "in"):
        return None
    return Point(question.away(2 if words.has("IN") or words.has("FROM") else -2, WEEK))


def bit_of_this(words: Words, question: Question) -> Point | None:
    """'at the beginning of the month': of the one that is now, where the verbs look the same way."""
    if words.get("UNIT") not in (MONTH, YEAR):
        return None
    span = cal.third(cal.period(words.get("UNIT"), question.today, 0), words.get("BEGINNING"))
    back = question.tense is Tense.PAST and span.start <= question.now
    ahead = question.tense is Tense.FUTURE and span.end > question.now
    return Point(span) if back or ahead else Point()


def half_year(words: Words, question: Question) -> Point | None:
    """去年下半年; without a year, of this one where the verbs look the same way."""
    which, of_year = words.get("YEARHALF"), words.get("CYEAR")
    if of_year is not None:
        return Point(cal.half(of_year, which), dated=True)
    span = cal.half(question.today.year, which)
    back = question.tense is Tense.PAST and span.start + timedelta(days=60) <= question.now
    ahead = question.tense is Tense.FUTURE and span.start > question.now
    return Point(span) if back or ahead else Point()


def other_day(words: Words, question: Question) -> Point | None:
    unit, part = words.get("UNIT"), words.get("PART")
    if unit == DAY or part == NIGHT:
        return _vague(question.other_days((2, 7), 3.0, counted=False))
    return _vague(question.other_days((7, 28), 7.0, counted=False)) if unit == WEEK else None


def other_days(words: Words, question: Question) -> Point | None:
    near, far = words.get("OTHERDAYS")
    return _vague(question.other_days((near, far), max(2.0, (far - near) / 2)))


def _vague(span: Span | None) -> Point | None:
    return Point(span, vague=True) if span else None


def recent(words: Words, question: Question) -> Point | None:
    return _vague(question.recent())


def _bit_of(words: Words, point: Point) -> Point | None:
    which = words.get("BIT")
    return (
        point
        if which is None or point.span is None
        else Point(cal.third(point.span, which), dated=point.dated)
    )


def bit_of_chinese(words: Words, question: Question) -> Point | None:
    """2023年初, 去年5月底, 5月中旬."""
    number, of_year = words.get("CMONTH"), words.get("CYEAR")
    if number is None:
        return _bit_of(words, Point(cal.year(of_year), dated=True))
    if of_year is not None:
        return _bit_of(words, Point(cal.month(of_year, number), dated=True))
    return _bit_of(words, Point(question.resolve(Point(cycle=Cycle("month", number)))))


def year_part(words: Words, question: Question) -> Point | None:
    """年初, 月底: of the year or month that is now, or of the one named before."""
    unit, which = words.get("YEARPART")
    if question.birth:
        return None
    if words.has("CYEAR") and unit == YEAR:
        return Point(cal.third(cal.year(words.get("CYEAR")), which), dated=True)
    if words.has("PERIOD"):
        named, offset = words.get("PERIOD")
        return Point(cal.third(cal.period(unit, question.today, offset), which)) if named == unit else None
    if words.has("CYEAR") or words.has("EVERY"):
        return None
    return Point(cal.third(cal.period(unit, question.today, 0), which))


def of_then(words: Words, question: Question) -> Point | None:
    """三年前的夏天, 三年前的5月: a season or month of a year counted back."""
    if words.get("UNIT") != YEAR:
        return None
    number = question.today.year - count_of(words)
    if words.has("CSEASON"):
        return Point(cal.in_year(Cycle("season", words.get("CSEASON")), number), dated=True)
    return Point(cal.month(number, words.get("CMONTH")), dated=True)


def this_day_then(words: Words, question: Question) -> Point | None:
    """去年的今天."""
    day = question.today + timedelta(days=words.get("OFFSET"))
    return Point(cal.days(date(words.get("CYEAR"), day.month, day.day), 1), dated=True)


def day_of_period(words: Words, question: Question) -> Point | None:
    """上个月5号."""
    unit, offset = words.get("PERIOD")
    whole = cal.period(unit, question.today, offset)
    return Point(cal.days(whole.first.replace(day=words.get("DOM", "NUM")), 1)) if unit == MONTH else None


def day_of_month(words: Words, question: Question) -> Point | None:
    """5号, 'on the 5th': of the month that the tense points to."""
    return Point(cycle=Cycle("monthday", 0, words.get("DOM", "ORD")))
