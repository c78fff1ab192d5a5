"""Phrases about time: points combined into stretches, and the engine that applies the grammar.

Owns: the second layer ('from … to …', 'the week before …', 'early …') and how rules are applied.
Does not own: the first layer (`timepoints`), the words (`timewords`), the calendar (`timespans`).

In each layer every rule is tried everywhere and the longest matches win. A rule that claims its
words and answers None says that they are no time after all; nothing is better than a wrong stretch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from memos_cli.dates import timespans as cal
from memos_cli.dates.counted import PERIODS, count_of
from memos_cli.dates.question import Point, Question, Rule, Words, few_away, replace_end
from memos_cli.dates.tags import DAY, TAG, WEEK, Token, needed, pattern
from memos_cli.dates.tense import Tense
from memos_cli.dates.timepoints import COUNT, POINTS
from memos_cli.dates.timespans import Cycle, Span
from memos_cli.dates.timewords import tokens

BEGINNING, END = datetime.min, datetime.max
"""The open ends of 'before 2022' and 'after May'."""


def _points(words: Words) -> list[Point]:
    return words.all("POINT", "WEAK")


def _combined(span: Span | None) -> Point | None:
    return Point(span, dated=True) if span and span.start < span.end else None


def _range(words: Words, question: Question) -> Point | None:
    left, right = _points(words)
    spans = _ends(left, right, question)
    return _combined(replace_end(*spans)) if spans else None


def _ends(left: Point, right: Point, question: Question) -> tuple[Span, Span] | None:
    """Both ends of a range; an end without a year takes its year from the other."""
    if left.cycle and not right.cycle and right.span:
        first = cal.latest(left.cycle, right.span.end.date() - timedelta(days=1))
        return (first, right.span) if first else None
    if right.cycle and (first := left.span or _first_of_two(left, right, question)):
        last = cal.earliest(right.cycle, first.first)
        return (first, last) if last else None
    return (left.span, right.span) if left.span and right.span else None


def _first_of_two(left: Point, right: Point, question: Question) -> Span | None:
    """Where a range begins whose ends both come again: its end decides which one is meant."""
    unclear = (
        question.tense in (Tense.UNKNOWN, Tense.PRESENT) and right.cycle and right.cycle.kind == "weekday"
    )
    if left.cycle is None or unclear:
        return None
    if question.tense is Tense.FUTURE:
        return question.resolve(left)
    last = question.resolve(right)
    return cal.latest(left.cycle, last.first) if last else None


def _range_of_weak(words: Words, question: Question) -> Point | None:
    """'March to May 2023' is a range, 'April to June' may be two people."""
    left, right = _points(words)
    return _range(words, question) if right.dated and right.unit != "in-year" and not left.unit else None


def _past(words: Words, question: Question) -> Span | None:
    """The last one, whatever the tense of the question: 'since May' can only look back."""
    point = _points(words)[0]
    if _adjective(words):
        return None
    if point.cycle and question.tense is not Tense.HABIT:
        return cal.latest(point.cycle, question.today)
    return point.span


def _since(words: Words, question: Question) -> Point | None:
    span = _past(words, question)
    return _combined(Span(span.start, question.now, span.fuzzy)) if span else None


def _before(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    return _combined(Span(BEGINNING, span.start, span.fuzzy)) if span else None


def _until(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    return _combined(Span(BEGINNING, span.end, span.fuzzy)) if span else None


def _after(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    if span is None:
        return None
    end = question.now if span.end < question.now and question.tense is not Tense.FUTURE else END
    return _combined(Span(span.end, end, span.fuzzy))


def _resolved(words: Words, question: Question) -> Span | None:
    return None if _adjective(words) else question.resolve(_points(words)[-1])


def _adjective(words: Words) -> bool:
    """'the June deadline': a month with an article says which thing, not when."""
    point = _points(words)[-1]
    after_the = words.tags[-2:-1] == TAG["THE"]
    return after_the and point.weak and bool(point.cycle and point.cycle.kind in ("month", "weekday"))


def _around(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    return _combined(span._replace(fuzzy=max(5.0, 3 * span.fuzzy))) if span else None


def _as_of(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    return _combined(span._replace(fuzzy=max(30.0, span.fuzzy))) if span else None


def _bit(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    which = words.get("EARLY", "BEGINNING")
    return _combined(cal.third(span, which)) if span and span.length > timedelta(days=2) else None


def _from_bit(words: Words, question: Question) -> Point | None:
    """'since early 2022', 'by the end of May'."""
    point = _bit(words, question)
    if point is None or point.span is None:
        return None
    span = point.span
    if words.has("SINCE"):
        return _combined(Span(span.start, question.now, span.fuzzy))
    return _combined(Span(BEGINNING, span.start if words.has("BEFORE") else span.end, span.fuzzy))


def _beside_unit(words: Words, question: Question) -> Point | None:
    """'the week before 3 May', 'two weeks after Christmas', 'the Monday before …'."""
    span = _resolved(words, question)
    way = -1 if words.has("BEFORE") else 1
    return _combined(_beside(words, span, way)) if span else None


def _beside(words: Words, span: Span, way: int) -> Span | None:
    edge = span.start if way < 0 else span.end - timedelta(days=1)
    points, unit = _points(words), words.get("UNIT")
    if len(points) == 2:
        named = points[0].unit
        return _neighbour(named, points[0], span, way) if named in (WEEK, "weekend", "weekday") else None
    if words.has("FEW"):
        return few_away(edge, words.get("FEW"), unit, way)
    if words.has("NUM") or words.has("NUMBER"):
        if points[-1].cycle:
            edge = cal.core(points[-1].cycle, span).start
        return cal.away(edge, way * count_of(words), unit)
    return _neighbour(unit, None, span, way)


def _neighbour(unit: str | None, named: Point | None, span: Span, way: int) -> Span | None:
    """The unit that lies next to a span: the seven days before it, the Saturday and Sunday after it."""
    if unit in ("weekday", "weekend"):
        cycle = named.cycle if named and named.cycle else _cycle_of(named, unit)
        day = span.first - timedelta(days=1 if unit == "weekday" else 2) if way < 0 else span.end.date()
        return cal.latest(cycle, day) if way < 0 else cal.earliest(cycle, day)
    if unit not in (DAY, *PERIODS):
        return None
    first, last = span.first, span.end.date()
    start, end = (cal.shifted(first, -1, unit), first) if way < 0 else (last, cal.shifted(last, 1, unit))
    return Span(cal.midnight(start), cal.midnight(end), cal.FUZZY[unit])


def _cycle_of(named: Point | None, unit: str) -> Cycle:
    weekday = named.span.first.weekday() if named and named.span else 0
    return Cycle(unit, weekday)


def _part_before(words: Words, question: Question) -> Point | None:
    """'the night before Christmas', 'the evening after 3 May'."""
    span = _resolved(words, question)
    if span is None:
        return None
    day = span.first - timedelta(days=1) if words.has("BEFORE") else span.end.date()
    return _combined(cal.part_of(day, words.get("PART")))


def _around_day(words: Words, question: Question) -> Point | None:
    """'the week of 6 November', 'the weekend of 4 November'."""
    span = _resolved(words, question)
    unit = "weekend" if len(_points(words)) == 2 else words.get("UNIT")
    if span is None or span.length > timedelta(days=7) or unit not in (WEEK, "weekend"):
        return None
    if len(_points(words)) == 2 and _points(words)[0].unit != "weekend":
        return None
    return _combined(cal.period(unit, span.first, 0))


def _nth(words: Words, question: Question) -> Point | None:
    """'the first weekend of August 2023', 'the last two weeks of August', 'the second Tuesday of May'."""
    whole, named = _resolved(words, question), _points(words)[0]
    if whole is None:
        return None
    place = -1 if words.has("LAST") else words.get("ORD")
    if len(_points(words)) == 2:
        return _combined(_nth_named(whole, named, place))
    return _combined(_nth_unit(whole, words.get("UNIT"), place, words.get("NUM", "NUMBER") or 1))


def _half_of(words: Words, question: Question) -> Point | None:
    """'the second half of last year', 'the first half of May'."""
    whole, which = _resolved(words, question), words.get("ORD")
    if whole is None or which not in (1, 2):
        return None
    if whole.length.days in (365, 366):
        return _combined(cal.half(whole.first.year, which - 1))
    if not 28 <= whole.length.days <= 31:
        return None
    middle = whole.start + timedelta(days=15)
    return _combined(whole._replace(end=middle) if which == 1 else whole._replace(start=middle))


def _quarter_of(words: Words, question: Question) -> Point | None:
    """'the third quarter of 2023', 'the last quarter of last year'."""
    whole, place = _resolved(words, question), 4 if words.has("LAST") else words.get("ORD")
    if whole is None or whole.length.days not in (365, 366) or not 1 <= place <= 4:
        return None
    return _combined(cal.quarter(whole.first.year, place))


def _nth_named(whole: Span, named: Point, place: int) -> Span | None:
    if named.cycle is None or named.cycle.kind not in ("weekday", "weekend") or not -1 <= place <= 5:
        return None
    weekend = named.cycle.kind == "weekend"
    day = cal.nth_weekday(whole, 5 if weekend else int(named.cycle.which), place)
    return cal.days(day, 2 if weekend else 1, cal.FUZZY["weekend"] if weekend else cal.FUZZY["day"])


def _nth_unit(whole: Span, unit: str, place: int, count: int) -> Span | None:
    if unit not in (DAY, *PERIODS) or whole.length < timedelta(days=2):
        return None
    first, end = whole.first, whole.end.date()
    if place < 0:
        span = Span(cal.midnight(cal.shifted(end, -count, unit)), whole.end, cal.FUZZY[unit])
    else:
        start = cal.shifted(first, (place - 1) * count, unit)
        span = Span(cal.midnight(start), cal.midnight(cal.shifted(start, count, unit)), cal.FUZZY[unit])
    return span if whole.start <= span.start and span.end <= whole.end else None


_ALLOWED = {
    "month": ("in", "during"),
    "season": ("in", "during", "over", "for"),
    "holiday": ("in", "during", "over", "for", "on", "at"),
    "quarter": ("in", "during", "for"),
    "weekday": ("on",),
    "weekend": ("on", "at", "over", "during", "for"),
    "in-year": ("in", "during", "of"),
}


def _placed(words: Words, question: Question) -> Point | None:
    """A weak point with a preposition that goes with its kind: 'in May', 'on Friday', 'at Christmas'."""
    point = _points(words)[0]
    kind = point.cycle.kind if point.cycle else point.unit or ""
    word = words.get("IN") or next((w for w in ("on", "at", "for", "of") if words.has(w.upper())), "")
    if word == "for" and words.has("THE") == (kind == "weekend") and kind in ("weekday", "weekend"):
        return Point(question.booked(point))
    if word == "for" and kind in ("season", "holiday"):
        return Point(question.booked(point))
    if (
        word not in _ALLOWED.get(kind, ())
        or _adjective(words)
        or (kind == "weekend" and not words.has("THE"))
    ):
        return None
    span = question.resolve(point)
    if span and (part := words.get("PART")):
        span = cal.part_of(span.first, part)
    return Point(span, dated=kind == "in-year")


def _weekday_part(words: Words, question: Question) -> Point | None:
    span = _resolved(words, question)
    if span is None or span.length > timedelta(days=1):
        return Point(span)
    return Point(cal.part_of(span.first, words.get("PART")), dated=_points(words)[0].dated)


_ANY = "[POINT WEAK]"
_STRETCHES: tuple[Rule, ...] = (
    (f"(?: FROM | IN ) THE? {_ANY} (?: TO | UNTIL ) THE? {_ANY}", _range),
    (f"BETWEEN THE? {_ANY} (?: AND | TO ) THE? {_ANY}", _range),
    ("POINT (?: TO | UNTIL ) POINT", _range),
    (f"{_ANY} (?: TO | UNTIL ) POINT", _range_of_weak),
    (f"(?<! BETWEEN ) SINCE THE? {_ANY}", _since),
    ("FROM? POINT SINCE_POST", _since),
    ("FROM POINT START_POST", _since),
    (f"BEFORE THE? {_ANY}", _before),
    ("POINT AGO", _before),
    ("(?<! DROP ) BY POINT", _until),
    ("(?: (?<! DROP ) BY | UNTIL ) THE? [POINT]", _until),
    ("UNTIL THE? WEAK", _until),
    (f"AFTER THE? {_ANY}", _after),
    ("POINT AFTER_POST", _after),
    (f"AROUND THE? {_ANY}", _around),
    ("POINT AROUND_POST", _around),
    (f"AS OF THE? {_ANY}", _as_of),
    (f"EARLY IN? {_ANY}", _bit),
    (f"BEGINNING OF THE? {_ANY}", _bit),
    (f"[SINCE BY UNTIL BEFORE] THE? (?: BEGINNING OF | EARLY ) THE? {_ANY}", _from_bit),
    (f"THE? LAST? UNIT (?: BEFORE | AFTER ) THE? {_ANY}", _beside_unit),
    (f"{COUNT} UNIT (?: BEFORE | AFTER ) THE? {_ANY}", _beside_unit),
    (f"(?: THE | ON | IN )* {_ANY} (?: BEFORE | AFTER ) THE? {_ANY}", _beside_unit),
    (f"THE? PART (?: BEFORE | AFTER ) THE? {_ANY}", _part_before),
    ("THE UNIT OF POINT", _around_day),
    ("[ON IN AT]? THE WEAK OF POINT", _around_day),
    (f"ORD HALF OF THE? {_ANY}", _half_of),
    (f"(?: ORD | LAST ) QUARTER OF THE? {_ANY}", _quarter_of),
    (f"(?: ORD | LAST ) (?: NUM | NUMBER )? UNIT (?: OF | IN ) THE? {_ANY}", _nth),
    (f"(?: ORD | LAST ) WEAK (?: OF | IN ) THE? {_ANY}", _nth),
    ("(?: IN | ON | AT | FOR | OF ) THE? WEAK PART?", _placed),
    ("POINT OF? PART", _weekday_part),
)

_SEEDS = (
    "[MONTH SHY_MONTH CMONTH YEAR CYEAR DATE YEARMONTH DOM WEEKDAY ITS_WEEKDAY CWEEKDAY WEEKSDAY SEASON CSEASON "
    "HOLIDAY CHOLIDAY OFFSET DAYPART WEEKEND CWEEKEND PERIOD AGO BACK RECENT OTHERDAY OTHERDAYS YEARPART "
    "DECADE CDECADE QUARTER QTR QTRYEAR YEARHALF FORTNIGHT PASSING] "
    "| [LAST PAST NEXT THIS] [A FEW NUM NUMBER]* OF? (?: UNIT | PART ) | IN [ABOUT AROUND]? [A FEW NUM NUMBER]+ OF? UNIT | UNIT AFTER_POST "
    "| HALF A? UNIT | ON THE ORD | BEFORE LAST | AFTER NEXT | UNIT FROM NOW | BEGINNING OF THE UNIT"
)
"""What a text must hold for any rule to match: most texts are done here."""


def stretches(text: str, now: datetime) -> list[tuple[Span, int, int]]:
    """Every stretch of time that `text` names, with the place of its words; `now` is local, without a zone."""
    question = Question(text, now)
    strong = [(token.value, token) for token in phrases(text, question) if token.tag == TAG["POINT"]]
    dated = any(point.dated for point, _ in strong)
    found = [
        (span, token)
        for point, token in strong
        if not (dated and point.vague)
        for span in _spans(point, question)
    ]
    return [(span, token.start, token.end) for span, token in found if span]


def phrases(text: str, question: Question) -> list[Token]:
    """The words of a text with its phrases of time put together, each a token POINT, or WEAK where it
    lacks the word that would make it one. Nothing at all where no word of time is found."""
    words = tokens(text, question.today.year)
    tags = "".join(token.tag for token in words)
    if not pattern(_SEEDS).search(tags):
        return []
    words = _apply(POINTS, words, tags, question)
    return _apply(_STRETCHES, words, "".join(token.tag for token in words), question)


def _spans(point: Point, question: Question) -> list[Span | None]:
    try:
        if point.unit == "two-winters" and point.span:
            first = point.span.start.year
            return [cal.in_year(Cycle("season", 3), number) for number in (first, first + 1)]
        return [question.resolve(point)]
    except (ValueError, OverflowError):
        return []  # it lies beyond the first or the last year of the calendar


@cache
def _compiled(rules: tuple[Rule, ...]) -> tuple[tuple[frozenset[str], re.Pattern[str]], ...]:
    return tuple((needed(phrase), pattern(phrase)) for phrase, _ in rules)


def _apply(rules: tuple[Rule, ...], words: list[Token], tags: str, question: Question) -> list[Token]:
    """The words with the longest matches of the rules put in their places."""
    present = frozenset(tags)
    matches = [
        (match.start() - match.end(), match.start(), place)
        for place, (needs, compiled) in enumerate(_compiled(rules))
        if needs <= present
        for match in compiled.finditer(tags)
    ]
    if not matches:
        return words
    free = bytearray(b"\1" * len(words))
    made: dict[int, tuple[int, Token]] = {}
    for minus, start, place in sorted(matches):
        end = start - minus
        if free.find(0, start, end) < 0:
            free[start:end] = bytes(end - start)
            made[start] = (end, _made(rules[place][1], words[start:end], question))
    return _merged(words, made)


def _made(
    build: Callable[[Words, Question], Point | None], matched: list[Token], question: Question
) -> Token:
    question.place = matched[0].start
    try:
        point = build(Words(matched), question)
    except (ValueError, OverflowError):
        point = None  # 31 June, the year 12023: words that look like a time and are none
    name = "OTHER" if point is None or not (point.span or point.cycle) else "WEAK" if point.weak else "POINT"
    return Token(TAG[name], point, matched[0].start, matched[-1].end)


def _merged(words: list[Token], made: dict[int, tuple[int, Token]]) -> list[Token]:
    merged: list[Token] = []
    done = 0
    for start in sorted(made):
        end, token = made[start]
        merged += words[done:start]
        merged.append(token)
        done = end
    return merged + words[done:]
