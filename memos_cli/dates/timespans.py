"""Stretches of the calendar: how long a named time lasts and which of its recurrences is meant.

Owns: days, weeks, months, seasons and holidays as spans, and finding the latest or next of those
that come again. Does not own: the words for them (`timewords`), nor phrases (`timephrases`).

Everything here is local time without a zone. Weeks begin on Monday, seasons are the northern
meteorological ones (summer is June to August), Thanksgiving is that of the United States.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from memos_cli.dates.tags import (
    AFTERNOON,
    DAWN,
    EVENING,
    FIRST_DAY,
    HOUR,
    LAST_DAY,
    MINUTE,
    MONTH,
    MORNING,
    NIGHT,
    NOON,
    WEEK,
    YEAR,
)

FUZZY = {"part": 0.25, "day": 0.5, "weekend": 1.0, "week": 1.0, "holiday": 1.0, "month": 3.0}
FUZZY |= {"season": 10.0, "year": 15.0}
"""Days over which relevance halves outside a span of that kind."""

_PARTS = {
    DAWN: (0, 6),
    MORNING: (4, 12),
    NOON: (11, 14),
    AFTERNOON: (12, 18),
    EVENING: (17, 24),
    NIGHT: (18, 28),
}
"""Hours; a night ends at four in the morning of the next day."""

_FIXED = {
    "christmas": (12, 24, 3),
    "christmas_eve": (12, 24, 1),
    "christmas_day": (12, 25, 1),
    "boxing_day": (12, 26, 1),
    "new_years_eve": (12, 31, 1),
    "new_years_day": (1, 1, 1),
    "valentine": (2, 14, 1),
    "patrick": (3, 17, 1),
    "independence": (7, 4, 1),
    "halloween": (10, 31, 1),
    "women": (3, 8, 1),
    "labour": (5, 1, 5),
    "children": (6, 1, 1),
    "teachers": (9, 10, 1),
    "national": (10, 1, 7),
    "singles": (11, 11, 1),
}
"""Month, first day and number of days."""

# Days of the lunar calendar, 2015 to 2030, as month and day (Hong Kong Observatory's tables).
_LUNAR_FIRST = 2015
_LUNAR = {
    "spring_festival": "0219 0208 0128 0216 0205 0125 0212 0201 0122 0210 0129 0217 0206 0126 0213 0203",
    "dragon_boat": "0620 0609 0530 0618 0607 0625 0614 0603 0622 0610 0531 0619 0609 0528 0616 0605",
    "lantern": "0305 0222 0211 0302 0219 0208 0226 0215 0205 0224 0212 0303 0220 0209 0227 0217",
    "qixi": "0820 0809 0828 0817 0807 0825 0814 0804 0822 0810 0829 0819 0808 0826 0816 0805",
    "double_ninth": "1021 1009 1028 1017 1007 1025 1014 1004 1023 1011 1029 1018 1008 1026 1016 1005",
    "mid_autumn": "0927 0915 1004 0924 0913 1001 0921 0910 0929 0917 1006 0925 0915 1003 0922 0912",
}
_LUNAR_LENGTH = {"spring_festival": 7}
"""Days; the others last one."""
_SUNDAYS = {"mothers": (5, 2), "fathers": (6, 3)}
"""Month, and which of its Sundays."""
_CORE = {"christmas": 1, "easter": 2}
"""Which day of a holiday of several days it is that days are counted from."""


class Span(NamedTuple):
    """From `start` up to but not including `end`, local, and days of decay outside."""

    start: datetime
    end: datetime
    fuzzy: float

    @property
    def first(self) -> date:
        return self.start.date()

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Cycle(NamedTuple):
    """Something that comes again: a month, a day of a month, a weekday, a season, a holiday."""

    kind: str
    which: int | str
    day: int = 0
    weekday: int | None = None
    """The day of the week that a date is said to be, which may tell its year."""


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def days(first: date, count: int, fuzzy: float = FUZZY["day"]) -> Span:
    """`count` whole days from `first` on."""
    return Span(midnight(first), midnight(first + timedelta(days=count)), fuzzy)


def month(year: int, number: int) -> Span:
    """The month; `number` may run below 1 or over 12 into other years."""
    extra, index = divmod(number - 1, 12)
    year += extra
    return days(date(year, index + 1, 1), monthrange(year, index + 1)[1], FUZZY["month"])


def year(number: int) -> Span:
    return Span(datetime(number, 1, 1), datetime(number + 1, 1, 1), FUZZY["year"])


def decade(first: int) -> Span:
    return Span(datetime(first, 1, 1), datetime(first + 10, 1, 1), FUZZY["year"])


def quarter(number: int, place: int) -> Span:
    """The quarter of a year; `place` may run below 1 or over 4 into other years."""
    return Span(month(number, 3 * place - 2).start, month(number, 3 * place).end, FUZZY["month"])


def half(number: int, which: int) -> Span:
    """The first (0) or second (1) half of a year."""
    return Span(quarter(number, 2 * which + 1).start, quarter(number, 2 * which + 2).end, FUZZY["season"])


def week(day: date, offset: int = 0) -> Span:
    """The week of `day`, Monday to Sunday, or the one `offset` weeks later."""
    return days(day - timedelta(days=day.weekday() - 7 * offset), 7, FUZZY["week"])


def weekend(day: date, offset: int = 0) -> Span:
    """Saturday and Sunday of the week of `day`."""
    return days(week(day, offset).first + timedelta(days=5), 2, FUZZY["weekend"])


def period(unit: str, today: date, offset: int) -> Span:
    """This, the last or the next whole week, weekend, month or year."""
    if unit == WEEK:
        return week(today, offset)
    if unit == "weekend":
        return weekend(today, offset)
    if unit == "quarter":
        return quarter(today.year, (today.month + 2) // 3 + offset)
    return month(today.year, today.month + offset) if unit == MONTH else year(today.year + offset)


def part_of(day: date, part: str) -> Span:
    """The morning, afternoon … of a day."""
    first, last = _PARTS[part]
    start = midnight(day)
    return Span(start + timedelta(hours=first), start + timedelta(hours=last), FUZZY["part"])


def shifted(day: date, count: int, unit: str) -> date:
    """The day that lies `count` units later; 31 March less a month is the end of February."""
    if unit in (MONTH, YEAR):
        number, index = divmod(day.year * 12 + day.month - 1 + count * (12 if unit == YEAR else 1), 12)
        return date(number, index + 1, min(day.day, monthrange(number, index + 1)[1]))
    return day + timedelta(days=count * (7 if unit == WEEK else 1))


def away(moment: datetime, count: int, unit: str) -> Span:
    """What lies `count` units from `moment`: one unit wide, that day in its middle."""
    if unit in (HOUR, MINUTE):
        centre = moment + timedelta(hours=count) if unit == HOUR else moment + timedelta(minutes=count)
        half = timedelta(minutes=30 if unit == HOUR else 5)
        return Span(centre - half, centre + half, 1 / 24)
    centre_day = shifted(moment.date(), count, unit)
    half_width = {"day": 0, WEEK: 3, MONTH: 15, YEAR: 182}[unit]
    fuzzy = {"day": 0.5 if abs(count) < 10 else 2.0, WEEK: 2.0, MONTH: 7.0, YEAR: 60.0}[unit]
    return days(centre_day - timedelta(days=half_width), 2 * half_width + 1, fuzzy)


def rolling(moment: datetime, count: int, unit: str) -> Span:
    """The stretch of `count` units that ends (or, for a negative count, begins) at `moment`."""
    if unit in (HOUR, MINUTE):
        edge = moment - (timedelta(hours=count) if unit == HOUR else timedelta(minutes=count))
        return Span(min(edge, moment), max(edge, moment), 1 / 24)
    other = midnight(shifted(moment.date(), -count, unit))
    fuzzy = {"day": 1.0, WEEK: 2.0, MONTH: 5.0, YEAR: 30.0}[unit]
    return Span(other, moment, fuzzy) if count > 0 else Span(moment, other + timedelta(days=1), fuzzy)


def third(span: Span, which: int) -> Span:
    """The early (0), middle (1) or late (2) part of a span, in whole days; or its first or last day.

    A third of it; of a decade three, four and three years; of a year January to March, May to August or October to December, since 'late
    2023' is hardly September.
    """
    if which in (FIRST_DAY, LAST_DAY):
        return days(span.first if which == FIRST_DAY else (span.end - timedelta(days=1)).date(), 1)
    count = span.length.days
    if count > 3650:
        borders = ((0, 3), (3, 7), (7, 10))[which]
        start, end = (datetime(span.first.year + border, 1, 1) for border in borders)
        return Span(start, end, span.fuzzy)
    if count in (365, 366):
        first, last = ((1, 3), (5, 8), (10, 12))[which]
        start, end = month(span.first.year, first).start, month(span.first.year, last).end
        return Span(start, end, 30.0)
    edges = [0, count // 3, 2 * count // 3, count]
    first_day = span.first + timedelta(days=edges[which])
    return days(first_day, edges[which + 1] - edges[which], max(1.0, count / 6))


def in_year(cycle: Cycle, number: int) -> Span | None:
    """The cycle's span that begins in that year; None: that year has none (29 February)."""
    if cycle.kind == "month":
        return month(number, int(cycle.which))
    if cycle.kind == "quarter":
        return quarter(number, int(cycle.which))
    if cycle.kind == "day":
        if cycle.day > monthrange(number, int(cycle.which))[1]:
            return None
        day = date(number, int(cycle.which), cycle.day)
        return days(day, 1) if cycle.weekday in (None, day.weekday()) else None
    if cycle.kind == "season":
        first = month(number, 3 * int(cycle.which) + 3)
        return Span(first.start, month(number, 3 * int(cycle.which) + 5).end, FUZZY["season"])
    return _holiday(str(cycle.which), number) if cycle.kind == "holiday" else None


def _holiday(name: str, number: int) -> Span | None:
    if name in _FIXED:
        number_of_month, day, length = _FIXED[name]
        return days(date(number, number_of_month, day), length, FUZZY["holiday"])
    if name in _LUNAR:
        table = _LUNAR[name].split()
        if not 0 <= number - _LUNAR_FIRST < len(table):
            return None
        entry = table[number - _LUNAR_FIRST]
        first = date(number, int(entry[:2]), int(entry[2:]))
        return days(first, _LUNAR_LENGTH.get(name, 1), FUZZY["holiday"])
    if name == "lunar_eve":
        return _day_before(_holiday("spring_festival", number))
    if name == "qingming":
        return (
            days(date(number, 4, _qingming(number)), 1, FUZZY["holiday"]) if 2000 <= number < 2100 else None
        )
    if name in _SUNDAYS:
        number_of_month, count = _SUNDAYS[name]
        return days(nth_weekday(month(number, number_of_month), 6, count), 1, FUZZY["holiday"])
    if name == "thanksgiving":
        return days(nth_weekday(month(number, 11), 3, 4), 1, FUZZY["holiday"])
    sunday = easter(number)
    offset, length = {"easter": (-2, 4), "good_friday": (-2, 1), "easter_sunday": (0, 1)}.get(name, (1, 1))
    return days(sunday + timedelta(days=offset), length, FUZZY["holiday"])


def _day_before(span: Span | None) -> Span | None:
    return days(span.first - timedelta(days=1), 1, span.fuzzy) if span else None


def _qingming(number: int) -> int:
    """The day of April on which the sun stands at 15 degrees (the usual formula for 2000 to 2099)."""
    return int((number - 2000) * 0.2422 + 4.81) - (number - 2000) // 4


def core(cycle: Cycle, span: Span) -> Span:
    """The day of a holiday that 'two days after' counts from: 25 December, Easter Sunday, else its first."""
    if cycle.kind != "holiday":
        return span
    return days(span.first + timedelta(days=_CORE.get(str(cycle.which), 0)), 1, span.fuzzy)


def easter(number: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's algorithm)."""
    century, place = divmod(number, 100)
    golden = number % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    lead = (32 + 2 * (century % 4) + 2 * (place // 4) - epact - place % 4) % 7
    fix = (golden + 11 * epact + 22 * lead) // 451
    number_of_month, day = divmod(epact + lead - 7 * fix + 114, 31)
    return date(number, number_of_month, day + 1)


def nth_weekday(span: Span, weekday: int, count: int) -> date:
    """The count-th such weekday of the span; -1 is its last."""
    if count < 0:
        last = span.end.date() - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    return span.first + timedelta(days=(weekday - span.first.weekday()) % 7 + 7 * (count - 1))


def latest(cycle: Cycle, day: date) -> Span | None:
    """The last recurrence that begins on `day` or before."""
    if cycle.kind == "weekday":
        return days(day - timedelta(days=(day.weekday() - int(cycle.which)) % 7), 1)
    if cycle.kind == "weekend":
        found = weekend(day)
        return found if found.first <= day else weekend(day, -1)
    spans = (span for span in _near(cycle, day, -1) if span.first <= day)
    return next(spans, None)


def earliest(cycle: Cycle, day: date) -> Span | None:
    """The first recurrence that begins on `day` or later."""
    if cycle.kind == "weekday":
        return days(day + timedelta(days=(int(cycle.which) - day.weekday()) % 7), 1)
    if cycle.kind == "weekend":
        found = weekend(day)
        return found if found.first >= day else weekend(day, 1)
    return next((span for span in _near(cycle, day, 1) if span.first >= day), None)


def _near(cycle: Cycle, day: date, step: int) -> Iterator[Span]:
    """Recurrences in order of their distance; twelve years, since the same weekday may take eleven to return."""
    if cycle.kind == "monthday":
        for number in range(4):
            whole = month(day.year, day.month + step * number)
            if cycle.day <= monthrange(whole.first.year, whole.first.month)[1]:
                yield days(whole.first.replace(day=cycle.day), 1)
        return
    for number in range(day.year, day.year + 12 * step, step):
        if 1 < number < 9998 and (span := in_year(cycle, number)):
            yield span
