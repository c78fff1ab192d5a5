"""What a rule of the grammar works with: the sentence it reads, the words it matched, the point it makes.

Owns: how a question settles a time that comes again ('in May', 'on Friday'), by its tense; statements settle
theirs in `statement`. Does not own: the rules (`timepoints`, `timephrases`), nor what they make of their words
(`named`, `counted`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any

from memos_cli.dates import timespans as cal
from memos_cli.dates.tags import DAY, MONTH, TAG, WEEK, YEAR, Token
from memos_cli.dates.tense import Tense, speaks_of_birth, tense
from memos_cli.dates.timespans import Cycle, Span

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

    @cached_property
    def measures(self) -> bool:
        """Whether it speaks of degrees or points, so that 'the nineties' are no years."""
        return bool(_measures().search(self._lower))

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


@cache
def _measures() -> re.Pattern[str]:
    return re.compile(
        r"degrees|temperature|forecast|humid|heat|weather|score|percent|pulse|heart rate|\biq\b"
    )


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


def few_away(moment: datetime, few: tuple[int, int], unit: str, way: int) -> Span:
    near, far = (cal.away(moment, way * count, unit) for count in few)
    start, end = min(near.start, far.start), max(near.end, far.end)
    if few[0] == few[1]:
        fuzzy = {DAY: 1.5, WEEK: 5.0, MONTH: 20.0, YEAR: 200.0}.get(unit, near.fuzzy)
        return Span(start, end, fuzzy)
    return Span(start, end, max(near.fuzzy, (end - start) / timedelta(days=2)))
