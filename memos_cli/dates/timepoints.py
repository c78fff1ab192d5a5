"""Times that words name: the first layer of the grammar, English and Chinese in one.

Owns: which runs of tagged words make a point ('3 May 2023', 'last Friday', 三天前, '2023年初') and
which stretch of the calendar a point means. Does not own: combinations of points (`timephrases`),
the words (`timewords`), the calendar (`timespans`), tense (`tense`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from memos_cli.dates import timespans as cal
from memos_cli.dates.tense import Tense, speaks_of_birth, tense
from memos_cli.dates.timespans import Cycle, Span
from memos_cli.dates.timewords import DAY, HOUR, MINUTE, MONTH, NIGHT, TAG, WEEK, YEAR, Token

RECENT_DAYS = 14
"""How far back 'recently' reaches."""

_NEEDS_TENSE = {
    Tense.UNKNOWN: ("season", "holiday"),
    Tense.PRESENT: ("season", "holiday", "weekday", "weekend", "monthday"),
}
"""What is not looked for in the past when the question does not look there."""


@dataclass(frozen=True)
class Point:
    """A time that words name: a span, or something that comes again and waits for its year.

    `weak` ones count only with a word before them ('in May'); `unit` is set where 'before X' makes
    another time of it ('the week before X'); `vague` ones give way to a date in the same question.
    """

    span: Span | None = None
    cycle: Cycle | None = None
    weak: bool = False
    unit: str | None = None
    dated: bool = False
    vague: bool = False


class Question:
    """What the rules need of the question beside its words."""

    def __init__(self, text: str, now: datetime) -> None:
        self._lower = text.casefold()
        self.now = now
        self.today = now.date()
        self.place = 0
        """Where in the text the words stand that a rule is asked about."""

    @cached_property
    def tense(self) -> Tense:
        return tense(self._lower)

    @cached_property
    def birth(self) -> bool:
        return speaks_of_birth(self._lower)

    def resolve(self, point: Point) -> Span | None:
        """The span that is meant; None where that cannot be told."""
        if point.unit == "two-winters":
            return None
        if point.span or point.cycle is None:
            return point.span
        cycle = point.cycle
        if self.tense in (Tense.HABIT, Tense.BOTH) or (
            self.birth and cycle.kind in ("month", "day", "monthday")
        ):
            return None
        if self.tense is Tense.FUTURE:
            return self.coming(cycle)
        if cycle.kind in _NEEDS_TENSE.get(self.tense, ()):
            return None
        last = cal.latest(cycle, self.today)
        return None if self.tense is Tense.PRESENT and self._rather_ahead(last, cycle) else last

    def _rather_ahead(self, last: Span | None, cycle: Cycle) -> bool:
        """Whether the next one is much nearer than the last: 'what is on 15 September', asked in August."""
        ahead = cal.earliest(cycle, self.today)
        return bool(
            last and ahead and last.end < self.now and 2 * (ahead.start - self.now) < self.now - last.end
        )

    def coming(self, cycle: Cycle) -> Span | None:
        """The one that is running or comes first."""
        running = cal.latest(cycle, self.today)
        return running if running and running.end > self.now else cal.earliest(cycle, self.today)

    def following(self, cycle: Cycle) -> Span | None:
        """The one that 'next' names."""
        if cycle.kind == "weekend":
            return cal.weekend(self.today, 1)
        return cal.earliest(cycle, self.today + timedelta(days=1))

    def looks_ahead(self) -> bool:
        """Whether 'in three days' is a time from now on, not how long something took."""
        return self.tense is Tense.FUTURE

    def away(self, count: int, unit: str) -> Span:
        """What lies `count` units from now."""
        return cal.away(self.now, count, unit)

    def few(self, few: tuple[int, int], unit: str, way: int) -> Span:
        """A few units before or after now."""
        return few_away(self.now, few, unit, way)

    def half(self, unit: str, way: int) -> Span:
        """Half a year, or half a month, before or after now."""
        return cal.away(self.now, 6 * way, MONTH) if unit == YEAR else cal.away(self.now, 15 * way, DAY)

    def other_days(self, back: tuple[int, int], fuzzy: float, *, counted: bool = True) -> Span | None:
        """Some day so many days back, as 前几天 (`counted`: few days) or 'the other day' says."""
        first = self.today - timedelta(days=back[1])
        span = cal.days(first, back[1] - back[0] + 1, fuzzy)
        return Span(span.start, min(span.end, self.now), fuzzy)

    def booked(self, point: Point) -> Span | None:
        """What 'for Friday' and 'for the summer' name."""
        weekday = point.cycle is not None and point.cycle.kind == "weekday"
        return None if weekday else self.resolve(point)

    def recent(self) -> Span | None:
        """What 'recently' names."""
        start = cal.midnight(self.today - timedelta(days=RECENT_DAYS))
        return Span(start, self.now, float(RECENT_DAYS))

    def last(self, cycle: Cycle) -> Span | None:
        """The last one that is over: never the one running."""
        found = cal.latest(cycle, self.today - timedelta(days=1))
        if found and found.end > cal.midnight(self.today):
            found = cal.latest(cycle, found.first - timedelta(days=1))
        return found


Rule = tuple[str, Callable[["Words", Question], "Point | None"]]


class Words:
    """The tokens one rule matched, asked by tag."""

    def __init__(self, matched: Sequence[Token]) -> None:
        self.tokens = matched
        self.tags = "".join(token.tag for token in matched)

    def get(self, *names: str) -> Any:
        """The value of the first token that has one of these tags; None: there is none."""
        tags = {TAG[name] for name in names}
        return next((token.value for token in self.tokens if token.tag in tags), None)

    def all(self, *names: str) -> list[Any]:
        tags = {TAG[name] for name in names}
        return [token.value for token in self.tokens if token.tag in tags]

    def has(self, name: str) -> bool:
        return TAG[name] in self.tags


def replace_end(first: Span, last: Span) -> Span:
    """From the beginning of one span to the end of another."""
    return Span(first.start, last.end, max(first.fuzzy, last.fuzzy))


def _nothing(words: Words, question: Question) -> Point | None:
    return None


def _date(words: Words, question: Question) -> Point | None:
    number = words.get("MONTH", "SHY_MONTH", "CMONTH")
    day = words.get("NUM", "ORD", "DOM")
    of_year = words.get("YEAR", "CYEAR")
    if of_year is not None:
        return Point(cal.days(date(of_year, number, day), 1), dated=True)
    date(2000, number, day)  # 29 February passes, 31 June does not
    return Point(cycle=Cycle("day", number, day, words.get("WEEKDAY", "ITS_WEEKDAY", "CWEEKDAY")))


def _days_of_month(words: Words, question: Question) -> Point | None:
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


def _iso(words: Words, question: Question) -> Point | None:
    return Point(cal.days(date(*words.get("DATE")), 1), dated=True)


def _year_month(words: Words, question: Question) -> Point | None:
    return Point(cal.month(*words.get("YEARMONTH")), dated=True)


def _month_of_year(words: Words, question: Question) -> Point | None:
    of_year = words.get("YEAR", "CYEAR")
    return Point(cal.month(of_year, words.get("MONTH", "SHY_MONTH", "CMONTH")), dated=True)


def _year(words: Words, question: Question) -> Point | None:
    return Point(cal.year(words.get("YEAR", "CYEAR")), dated=True)


def _bare_year(words: Words, question: Question) -> Point | None:
    return replace(_year(words, question) or Point(), weak=True, unit="in-year")


def _month(words: Words, question: Question) -> Point | None:
    number = words.get("MONTH", "SHY_MONTH", "CMONTH")
    return Point(cycle=Cycle("month", number), weak=not words.has("CMONTH"))


def _weekday(words: Words, question: Question) -> Point | None:
    which = words.get("WEEKDAY", "ITS_WEEKDAY", "CWEEKDAY")
    return Point(cycle=Cycle("weekday", which), weak=words.has("WEEKDAY"), unit="weekday")


def _weekend(words: Words, question: Question) -> Point | None:
    return Point(cycle=Cycle("weekend", 0), weak=words.has("WEEKEND"), unit="weekend")


def _season(words: Words, question: Question) -> Point | None:
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


def _holiday(words: Words, question: Question) -> Point | None:
    which, of_year = words.get("HOLIDAY", "CHOLIDAY"), words.get("YEAR", "CYEAR")
    if of_year is not None:
        return Point(cal.in_year(Cycle("holiday", which), of_year), dated=True)
    return Point(cycle=Cycle("holiday", which), weak=words.has("HOLIDAY"))


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


def _last_one(words: Words, question: Question) -> Point | None:
    cycle = _named_cycle(words)
    span = question.last(cycle)
    if span and cycle.kind in ("month", "season", "holiday"):
        # 'last May' said in November may be this year's or the year's before.
        span = span._replace(fuzzy=span.fuzzy * 3)
    return _with_part(words, Point(span, unit=cycle.kind if cycle.kind.startswith("week") else None))


def _next_one(words: Words, question: Question) -> Point | None:
    return _with_part(words, Point(question.following(_named_cycle(words))))


def _this_one(words: Words, question: Question) -> Point | None:
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


def _offset(words: Words, question: Question) -> Point | None:
    day = question.today + timedelta(days=words.get("OFFSET"))
    part = words.get("PART")
    return Point(cal.part_of(day, part) if part else cal.days(day, 1))


def _beyond_offset(words: Words, question: Question) -> Point | None:
    """The day before yesterday, the day after tomorrow."""
    offset = words.get("OFFSET")
    step = -1 if words.has("BEFORE") else 1
    return (
        Point(cal.days(question.today + timedelta(days=offset + step), 1))
        if words.get("UNIT") == DAY
        else None
    )


def _day_part(words: Words, question: Question) -> Point | None:
    offset, part = words.get("DAYPART")
    return Point(cal.part_of(question.today + timedelta(days=offset), part))


def _this_part(words: Words, question: Question) -> Point | None:
    return Point(cal.part_of(question.today, words.get("PART")))


def _last_part(words: Words, question: Question) -> Point | None:
    part = words.get("PART")
    return (
        Point(cal.part_of(question.today - timedelta(days=1), part)) if part in (NIGHT, "evening") else None
    )


PERIODS = (WEEK, MONTH, YEAR)


def _period(words: Words, question: Question) -> Point | None:
    if words.has("PERIOD"):
        unit, offset = words.get("PERIOD")
    else:
        unit, offset = words.get("UNIT"), -1 if words.has("LAST") else 1 if words.has("NEXT") else 0
    if unit not in (*PERIODS, "weekend"):
        return None
    if words.has("BEFORE"):
        offset = -2
    return _bit_of(
        words, Point(cal.period(unit, question.today, offset), unit=unit if offset == -1 else None)
    )


def _before_last(words: Words, question: Question) -> Point | None:
    unit = "weekend" if words.has("WEEKEND") else words.get("UNIT")
    return Point(cal.period(unit, question.today, -2)) if unit in (*PERIODS, "weekend") else None


def _part_of_period(words: Words, question: Question) -> Point | None:
    """'earlier this year', 'later this week'."""
    unit = words.get("UNIT")
    if unit not in (*PERIODS, DAY):
        return None
    span = cal.days(question.today, 1) if unit == DAY else cal.period(unit, question.today, 0)
    return Point(_cut(span, question.now, words.has("LATER")))


def _part_of_today(words: Words, question: Question) -> Point | None:
    return Point(_cut(cal.days(question.today, 1), question.now, words.has("LATER")))


def _cut(span: Span, now: datetime, later: bool) -> Span:
    return Span(now, span.end, span.fuzzy) if later else Span(span.start, now, span.fuzzy)


def _weeks_day(words: Words, question: Question) -> Point | None:
    weeks, weekday = words.get("WEEKSDAY")
    day = question.today + timedelta(days=7 * weeks + weekday - question.today.weekday())
    part = words.get("PART")
    return Point(cal.part_of(day, part) if part else cal.days(day, 1))


def _weekends_ago(words: Words, question: Question) -> Point | None:
    """'two weekends ago': the last one that is over counts as one."""
    last = question.last(Cycle("weekend", 0))
    weeks = count_of(words) - 1
    return Point(cal.weekend(last.first, -weeks)) if last and not words.has("FEW") else None


def _of_period(words: Words, question: Question) -> Point | None:
    """'July last year', 'the spring of last year', '5 May last year', 'Tuesday next week'."""
    unit, offset = words.get("UNIT"), -1 if words.has("LAST") else 1 if words.has("NEXT") else 0
    if unit == WEEK and words.has("WEEKDAY"):
        return Point(cal.days(cal.week(question.today, offset).first + timedelta(words.get("WEEKDAY")), 1))
    if unit != YEAR or words.has("WEEKDAY"):
        return None
    number, of_year = words.get("MONTH", "SHY_MONTH"), question.today.year + offset
    if words.has("SEASON"):
        return Point(cal.in_year(Cycle("season", words.get("SEASON")), of_year), dated=True)
    day = words.get("NUM", "ORD")
    return Point(cal.days(date(of_year, number, day), 1) if day else cal.month(of_year, number), dated=True)


def _rolling(words: Words, question: Question) -> Point | None:
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


def few_away(moment: datetime, few: tuple[int, int], unit: str, way: int) -> Span:
    near, far = (cal.away(moment, way * count, unit) for count in few)
    start, end = min(near.start, far.start), max(near.end, far.end)
    if few[0] == few[1]:
        fuzzy = {DAY: 1.5, WEEK: 5.0, MONTH: 20.0, YEAR: 200.0}.get(unit, near.fuzzy)
        return Span(start, end, fuzzy)
    return Span(start, end, max(near.fuzzy, (end - start) / timedelta(days=2)))


def _ago(words: Words, question: Question) -> Point | None:
    if words.has("HALF") and words.get("UNIT") in (HOUR, MINUTE, DAY, WEEK):
        return None
    if words.has("OFFSET") and not words.has("FEW") and words.get("UNIT") in (*PERIODS, DAY):
        day = question.today + timedelta(days=words.get("OFFSET"))  # 'a year ago today' is that very day
        return Point(cal.days(cal.shifted(day, -count_of(words), words.get("UNIT")), 1))
    return Point(_away(words, question, -1), vague=words.has("FEW"))


def _ahead(words: Words, question: Question) -> Point | None:
    if not question.looks_ahead() or words.get("IN") not in (None, "in"):
        return None
    return Point(_away(words, question, 1))


def _other_day(words: Words, question: Question) -> Point | None:
    unit, part = words.get("UNIT"), words.get("PART")
    if unit == DAY or part == NIGHT:
        return _vague(question.other_days((2, 7), 3.0, counted=False))
    return _vague(question.other_days((7, 28), 7.0, counted=False)) if unit == WEEK else None


def _other_days(words: Words, question: Question) -> Point | None:
    near, far = words.get("OTHERDAYS")
    return _vague(question.other_days((near, far), max(2.0, (far - near) / 2)))


def _vague(span: Span | None) -> Point | None:
    return Point(span, vague=True) if span else None


def _recent(words: Words, question: Question) -> Point | None:
    return _vague(question.recent())


def _bit_of(words: Words, point: Point) -> Point | None:
    which = words.get("BIT")
    return (
        point
        if which is None or point.span is None
        else Point(cal.third(point.span, which), dated=point.dated)
    )


def _bit_of_chinese(words: Words, question: Question) -> Point | None:
    """2023年初, 去年5月底, 5月中旬."""
    number, of_year = words.get("CMONTH"), words.get("CYEAR")
    if number is None:
        return _bit_of(words, Point(cal.year(of_year), dated=True))
    if of_year is not None:
        return _bit_of(words, Point(cal.month(of_year, number), dated=True))
    return _bit_of(words, Point(question.resolve(Point(cycle=Cycle("month", number)))))


def _year_part(words: Words, question: Question) -> Point | None:
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


def _of_then(words: Words, question: Question) -> Point | None:
    """三年前的夏天, 三年前的5月: a season or month of a year counted back."""
    if words.get("UNIT") != YEAR:
        return None
    number = question.today.year - count_of(words)
    if words.has("CSEASON"):
        return Point(cal.in_year(Cycle("season", words.get("CSEASON")), number), dated=True)
    return Point(cal.month(number, words.get("CMONTH")), dated=True)


def _this_day_then(words: Words, question: Question) -> Point | None:
    """去年的今天."""
    day = question.today + timedelta(days=words.get("OFFSET"))
    return Point(cal.days(date(words.get("CYEAR"), day.month, day.day), 1), dated=True)


def _day_of_period(words: Words, question: Question) -> Point | None:
    """上个月5号."""
    unit, offset = words.get("PERIOD")
    whole = cal.period(unit, question.today, offset)
    return Point(cal.days(whole.first.replace(day=words.get("DOM", "NUM")), 1)) if unit == MONTH else None


def _day_of_month(words: Words, question: Question) -> Point | None:
    """5号, 'on the 5th': of the month that the tense points to."""
    return Point(cycle=Cycle("monthday", 0, words.get("DOM", "ORD")))


COUNT = "(?: A? FEW OF? | [A NUM NUMBER] )"
_IN_DATE = "(?: ITS_WEEKDAY COMMA? | WEEKDAY COMMA? THE? | CWEEKDAY )?"
POINTS: tuple[Rule, ...] = (
    (f"{_IN_DATE} [NUM ORD] OF? MONTH (?: COMMA? OF? YEAR )? (?! QUANTITY )", _date),
    ("[NUM ORD] (?: OF SHY_MONTH (?: COMMA? YEAR )? | SHY_MONTH COMMA? YEAR )", _date),
    ("(?<= ON ) THE? [NUM ORD] SHY_MONTH", _date),
    ("(?<= ON THE ) [NUM ORD] SHY_MONTH", _date),
    (f"{_IN_DATE} (?<! IN ) MONTH THE? [NUM ORD] (?! QUANTITY | TO NUM )", _date),
    (f"{_IN_DATE} [MONTH SHY_MONTH] THE? [NUM ORD] COMMA? OF? YEAR", _date),
    ("(?<= ON ) SHY_MONTH [NUM ORD]", _date),
    ("SHY_MONTH ORD", _date),
    ("(?: CYEAR OF? )? CMONTH [NUM DOM] (?: COMMA? CWEEKDAY )?", _date),
    ("MONTH [NUM ORD] TO [NUM ORD] (?: COMMA? YEAR )?", _days_of_month),
    (
        "(?: FROM | BETWEEN )? THE? [NUM ORD] (?: TO | AND | UNTIL ) THE? [NUM ORD] OF? MONTH (?: COMMA? YEAR )?",
        _days_of_month,
    ),
    ("FROM? (?: CYEAR OF? )? CMONTH [NUM DOM] (?: TO | AND ) [NUM DOM]", _days_of_month),
    ("DATE", _iso),
    ("YEARMONTH", _year_month),
    ("MONTH (?: COMMA | OF )? YEAR", _month_of_year),
    ("SHY_MONTH OF? YEAR", _month_of_year),
    ("CYEAR OF? CMONTH", _month_of_year),
    ("CYEAR", _year),
    ("(?: THE )? UNIT YEAR", lambda w, q: _year(w, q) if w.get("UNIT") == YEAR else None),
    ("YEAR (?! QUANTITY )", _bare_year),
    ("CMONTH | MONTH | (?<= [IN SINCE UNTIL] ) SHY_MONTH", _month),
    ("WEEKDAY COMMA? THE? ORD", _nothing),
    ("WEEKDAY | ITS_WEEKDAY | CWEEKDAY", _weekday),
    ("EVERY [WEEKDAY CWEEKDAY UNIT MONTH SEASON WEEKEND HOLIDAY CMONTH WEEKSDAY PART]", _nothing),
    ("WEEKEND | CWEEKEND", _weekend),
    ("SEASON (?: IN | OF | COMMA )? YEAR | CYEAR OF? CSEASON", _season),
    ("SEASON | CSEASON", _season),
    ("HOLIDAY (?: IN | OF | COMMA )? YEAR | CYEAR OF? CHOLIDAY", _holiday),
    ("HOLIDAY | CHOLIDAY", _holiday),
    (
        "(?<! OWNER ) (?: THIS? PAST | LAST ) [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! OF | YEAR )",
        _last_one,
    ),
    (
        "(?<! OWNER ) NEXT [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! OF | YEAR )",
        _next_one,
    ),
    ("THIS NEXT? [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! YEAR )", _this_one),
    ("THE NEXT UNIT", _nothing),
    ("OFFSET OF? PART? | PART OFFSET", _offset),
    ("THE? UNIT (?: BEFORE | AFTER ) OFFSET", _beyond_offset),
    ("DAYPART", _day_part),
    ("THIS PART", _this_part),
    ("(?<! OWNER ) (?<! THE ) LAST PART", _last_part),
    ("(?<! [OWNER THE A EVERY] ) [LAST NEXT] UNIT (?! OF )", _period),
    ("THIS UNIT (?! OF )", _period),
    ("PERIOD", _period),
    ("PERIOD [BIT]", _period),
    ("THE? (?: UNIT | WEEKEND ) BEFORE LAST", _before_last),
    ("[EARLIER LATER] THIS UNIT", _part_of_period),
    ("[EARLIER LATER] OFFSET", lambda w, q: _part_of_today(w, q) if w.get("OFFSET") == 0 else _offset(w, q)),
    ("WEEKSDAY OF? PART?", _weeks_day),
    ("(?<! OWNER ) THE (?: LAST | PAST ) UNIT (?! OF | BEFORE | AFTER )", _rolling),
    ("(?<! OWNER ) THIS? PAST UNIT (?! OF )", _rolling),
    (f"(?<! OWNER ) THE? (?: LAST | PAST | NEXT ) {COUNT} UNIT (?! OF | BEFORE | AFTER )", _rolling),
    (f"{COUNT} UNIT (?: AGO | BACK )", _ago),
    (f"{COUNT} UNIT AGO OFFSET", _ago),
    ("HALF A? UNIT AGO", _ago),
    (f"{COUNT} [WEEKEND WEEKENDS] AGO", _weekends_ago),
    ("[MONTH SEASON WEEKDAY] OF? [LAST NEXT THIS] UNIT", _of_period),
    ("(?<= IN ) SHY_MONTH OF? [LAST NEXT THIS] UNIT", _of_period),
    (
        "[NUM ORD] OF? MONTH OF? [LAST NEXT THIS] UNIT | MONTH THE? [NUM ORD] OF? [LAST NEXT THIS] UNIT",
        _of_period,
    ),
    (f"(?: AND | NUM | NUMBER ) A? HALF {COUNT}? UNIT AGO", _nothing),
    (f"IN {COUNT} UNIT (?! OF )", _ahead),
    ("[NUMBER FEW] UNIT AFTER_POST", _ahead),
    ("THE OTHERDAY (?: UNIT | PART )", _other_day),
    ("OTHERDAYS", _other_days),
    ("(?<! MORE ) (?<! AS ) RECENT", _recent),
    ("CYEAR BIT | (?: CYEAR OF? )? CMONTH OF? BIT", _bit_of_chinese),
    ("(?: CYEAR OF? | PERIOD OF? | EVERY )? YEARPART", _year_part),
    ("DOM (?: CWEEKDAY )?", _day_of_month),
    ("DOM AGO", _nothing),
    ("[NUMBER NUM] UNIT AGO OF? [CSEASON CMONTH]", _of_then),
    ("CYEAR OF? OFFSET", _this_day_then),
    ("PERIOD OF? [DOM NUM]", _day_of_period),
    ("(?<= ON THE ) ORD (?= STOP | COMMA | $ )", _day_of_month),
)
