"""Times that a statement names: the grammar of dates, read as something that somebody tells.

Owns: which clause a time stands in and what its verbs say, which of several readings a statement
means ('last', 'next', 'ago', 'in three months'), how exact the answer is, and what is left alone.
Does not own: the grammar (`timepoints`, `timephrases`), nor what is kept of it (`reader/events`).

A wrong date is worse than none. 'On Friday' with no verb that looks back or ahead, 'next Friday'
on a Monday, 'March' as a name, a habit, a birthday: all of these name nothing. Days are whole: a
message comes without its time zone, so that hours would be claims. Units are those of TIMEX3
(Pustejovsky and others 2003): 'three months ago' is a calendar month, 'two years ago' a year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property

from memos_cli.dates import timespans as cal
from memos_cli.dates.question import Point, Question, replace_end
from memos_cli.dates.signs import may_name
from memos_cli.dates.tags import DAY, HOUR, MINUTE, MONTH, TAG, YEAR, Token
from memos_cli.dates.tense import Tense, statement_tense
from memos_cli.dates.timephrases import phrases
from memos_cli.dates.timespans import Cycle, Span
from memos_cli.dates.timewords import without_quotations
from memos_cli.schema import Precision

LONGEST = 4_000
"""Characters of a text that are read; more is a document, whose passages are shorter than this."""

_HALF = {YEAR: (5, 7, MONTH), MONTH: (12, 18, DAY)}
_COUPLE = (2, 3)
_EARLIEST, _LATEST = datetime(1000, 1, 1), datetime(3000, 1, 1)


@dataclass(frozen=True)
class Told:
    """A time that a statement names: from `start` up to but not including `end`, local, whole days.

    `first` and `last` are the offsets of its words; `main` says that they stand in a main clause.
    """

    start: datetime
    end: datetime
    precision: Precision
    first: int
    last: int
    main: bool


def told(text: str, said: datetime | None) -> tuple[Told, ...]:
    """Every time that a text names, in the order of its words.

    `said` is when it was said, local, without a zone; None: unknown, and only full dates count.
    """
    if not may_name(text[:LONGEST]) or not _might().search(text[:LONGEST]):
        return ()
    plain = without_quotations(text[:LONGEST])
    found = [one for start, end in _sentences(plain) for one in _told(plain, start, end, said)]
    ends = [later.first for later in found[1:]]
    return tuple(
        one
        for one, end in zip(found, [*ends, len(plain)][: len(found)], strict=True)
        if not _is_taken_back(plain, one.last, end, last=end == len(plain))
    )


def _is_taken_back(text: str, start: int, end: int, *, last: bool) -> bool:
    """'On Thursday, no wait, on Friday': whether what follows a time says that another one is meant."""
    if _taken_back().match(text, start, end):
        return True
    return not last and bool(_put_right().match(text, start, end))


def _told(text: str, start: int, end: int, said: datetime | None) -> Iterator[Told]:
    sentence = text[start:end]
    if not may_name(sentence) or not _might().search(sentence):
        return
    statement = Statement(sentence, said or datetime(2000, 1, 1))
    for token in phrases(sentence, statement):
        span = _span(statement, token, sentence)
        if span is None or (said is None and not (token.value.dated and _spelled_out(sentence, token))):
            continue
        whole = _whole_days(span)
        main = not statement.subordinate(token.start)
        yield Told(*whole, _precision(span, *whole), start + token.start, start + token.end, main)


def _spelled_out(sentence: str, token: Token) -> bool:
    """Whether the words hold their own year, so that they mean the same whenever they were said."""
    return bool(_year().search(sentence, token.start, token.end))


def _span(statement: Statement, token: Token, sentence: str) -> Span | None:
    if token.tag not in (TAG["POINT"], TAG["WEAK"]):
        return None
    statement.place = token.start
    point: Point = token.value
    try:
        if _is_name(sentence, token):
            return None
        weak = token.tag == TAG["WEAK"]
        span = statement.bare(point, token.start, token.end) if weak else statement.resolve(point)
    except (ValueError, OverflowError):
        return None  # it lies beyond the first or the last year of the calendar
    return span if span and _EARLIEST < span.start < span.end < _LATEST else None


def _is_name(sentence: str, token: Token) -> bool:
    """The film Next Friday; 'Friday's' is a restaurant unless what it belongs to is an event; 'Saturday Night Live'; and what
    only 'feels like yesterday' was not then; 今年57岁 is an age."""
    words, after = sentence[token.start : token.end], sentence[token.end : token.end + 24]
    if _title().match(after) or _age().match(after) or _likened().search(sentence[: token.start]):
        return True
    if _may_be_called().search(words) and _called().search(sentence[: token.start]):
        return True
    if _title_case().match(words) and _small_before().search(sentence[: token.start]):
        return True
    return bool(_whose_day().search(words)) and not _event().match(after)


def _whole_days(span: Span) -> tuple[datetime, datetime]:
    """Grown to whole days; a night belongs to the day it begins in."""
    first, last = span.start, span.end
    if last - first <= timedelta(hours=10):
        last = first
    elif last.time() == datetime.min.time():
        last -= timedelta(days=1)
    return cal.midnight(first.date()), cal.midnight(last.date() + timedelta(days=1))


def _precision(span: Span, start: datetime, end: datetime) -> Precision:
    """By its borders; one that runs up to now by how far its kind reaches."""
    if start.day == end.day == 1:
        return Precision.YEAR if start.month == end.month == 1 else Precision.MONTH
    if span.fuzzy >= cal.FUZZY["year"]:
        return Precision.YEAR
    return Precision.MONTH if span.fuzzy in (cal.FUZZY["month"], cal.FUZZY["season"]) else Precision.DAY


class Statement(Question):
    """One sentence of a statement, said at `now`."""

    def __init__(self, text: str, now: datetime) -> None:
        super().__init__(text, now)
        self._text = text
        self._tenses: dict[int, Tense] = {}

    @cached_property
    def _clauses(self) -> list[int]:
        return [0, *(match.start() for match in _clause_border().finditer(self._text)), len(self._text)]

    def _clause(self, place: int) -> int:
        return max(n for n, start in enumerate(self._clauses[:-1]) if start <= place)

    def _words_of(self, clause: int) -> str:
        return self._text[self._clauses[clause] : self._clauses[clause + 1]]

    @property
    def tense(self) -> Tense:
        """What the verbs of the clause at `place` say; where it has but its time, those of the sentence."""
        clause = self._clause(self.place)
        if clause not in self._tenses:
            own = statement_tense(self._words_of(clause))
            self._tenses[clause] = statement_tense(self._text) if self._borrows(clause, own) else own
        return self._tenses[clause]

    def _borrows(self, clause: int, own: Tense) -> bool:
        """Whether a clause is a time and no more: 'On Friday, I went …'. One with a verb that is not known
        must not take the tense of another: '… is gone, and 31 March counts'."""
        return own is Tense.UNKNOWN and not _more_than_time().search(self._words_of(clause))

    def subordinate(self, place: int) -> bool:
        """Whether the clause there begins with a word that hangs it on another."""
        return bool(_subordinator().match(self._words_of(self._clause(place))))

    def resolve(self, point: Point) -> Span | None:
        if point.span or point.cycle is None or self.birth:
            return point.span if point.unit != "two-winters" else None
        if self.tense is Tense.PAST:
            if self._arranges():
                return (
                    self.coming(point.cycle) if self._text[: self.place].endswith((" for ", " to ")) else None
                )
            last = self._latest(point.cycle)
            borrowed = statement_tense(self._words_of(self._clause(self.place))) is Tense.UNKNOWN
            return None if borrowed and self._rather_ahead(last, point.cycle) else last
        return self.coming(point.cycle) if self.tense is Tense.FUTURE else None

    def _latest(self, cycle: Cycle) -> Span | None:
        """'On Friday' said on a Friday is a week ago or today: nobody can tell."""
        span = cal.latest(cycle, self.today)
        return None if span and cycle.kind == "weekday" and span.first == self.today else span

    def coming(self, cycle: Cycle) -> Span | None:
        span = super().coming(cycle)
        return None if span and cycle.kind == "weekday" and span.first == self.today else span

    def _arranges(self) -> bool:
        """'I booked a table on Friday': the past verb is about something ahead."""
        return bool(_arranging().search(self._words_of(self._clause(self.place))))

    def bare(self, point: Point, start: int, end: int) -> Span | None:
        """A weekday without a preposition: 'see you Friday', 'Monday was awful'."""
        if point.cycle is None or point.cycle.kind != "weekday":
            return None
        before, after = self._text[:start], self._text[end:]
        if not _may_follow().match(after) or not _may_precede().search(before):
            return None
        return self.resolve(point)

    def booked(self, point: Point) -> Span | None:
        """The coming one: nothing is booked for a day that is over. 'Closed for the winter' and 'went
        there for the weekend' tell it only while it is running."""
        if point.cycle is None or self.tense is Tense.HABIT:
            return None
        if point.cycle.kind == "weekday" or self.tense is Tense.FUTURE:
            return self.coming(point.cycle)
        running = cal.latest(point.cycle, self.today)
        return running if running and running.end > self.now else None

    def following(self, cycle: Cycle) -> Span | None:
        """The one that is next by either reading: the coming one, if it lies in the next week or year.

        'Next Friday' said on a Monday is this week's to some and next week's to others. Nobody calls
        tomorrow so.
        """
        if cycle.kind == "weekend":
            return cal.weekend(self.today, 1) if self.today.weekday() >= 5 else None
        if cycle.kind == "weekday":
            span = cal.earliest(cycle, self.today + timedelta(days=2))
            return span if span and span.first >= cal.week(self.today, 1).first else None
        span = cal.earliest(cycle, self.today + timedelta(days=1))
        return span if span and span.first.year > self.today.year else None

    def last(self, cycle: Cycle) -> Span | None:
        """The last one that is over. Nobody calls yesterday 'last Friday'."""
        span = super().last(cycle)
        yesterday = self.today - timedelta(days=1)
        if span and cycle.kind == "weekday" and span.first == yesterday:
            return None
        recent = span and cycle.kind == "month" and span.first.year == self.today.year
        return None if recent else span

    def looks_ahead(self) -> bool:
        """'I leave in two days', 两年后退休, not 'you learn it in two days'."""
        if self.tense is Tense.FUTURE:
            return True
        words = self._words_of(self._clause(self.place))
        chinese = not words.isascii() and self.tense is Tense.PRESENT
        return chinese or (self.tense is Tense.UNKNOWN and not _anybody().search(words))

    def away(self, count: int, unit: str) -> Span:
        if unit == YEAR:
            return cal.year(self.today.year + count)
        if unit == MONTH:
            return cal.month(self.today.year, self.today.month + count)
        if unit in (HOUR, MINUTE):
            there = self.now + (timedelta(hours=count) if unit == HOUR else timedelta(minutes=count))
            return cal.days(there.date(), 1)
        return cal.away(self.now, count, unit)

    def few(self, few: tuple[int, int], unit: str, way: int) -> Span:
        near, far = few if few[0] < few[1] else _COUPLE
        return _between(self.away(way * near, unit), self.away(way * far, unit))

    def half(self, unit: str, way: int) -> Span:
        near, far, smaller = _HALF.get(unit, (0, 0, DAY))
        return _between(self.away(way * near, smaller), self.away(way * far, smaller))

    def other_days(self, back: tuple[int, int], fuzzy: float, *, counted: bool = True) -> Span | None:
        sure = counted and back[0] > 0 and back[1] <= 7
        return super().other_days(back, fuzzy) if sure else None

    def recent(self) -> Span | None:
        return None


def _between(one: Span, other: Span) -> Span:
    first, last = sorted((one, other))
    return replace_end(first, last)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _sentence_end().finditer(text):
        yield start, match.end()
        start = match.end()
    if start < len(text):
        yield start, len(text)


# -- patterns, each made at its first use


@cache
def _might() -> re.Pattern[str]:
    """What every text that names a time holds; most texts are done here."""
    words = (
        "yesterday|today|tonight|tomorrow|ago|week|month|year|weekend|day|night|morning|afternoon|evening|spring"
        "|summer|autumn|fall|winter|christmas|xmas|easter|halloween|thanksgiving|new year|festival|fourth of july"
        "|mon|tue|wed|thu|fri|sat|sun|january|jan|february|feb|march|april|apr|may|june|jun|july|jul|august|aug"
        "|september|sept?|october|oct|november|nov|december|dec|hours?|minutes?|quarter|fortnight|q[1-4]|noughties"
        "|(?:thir|for|fif|six|seven|eigh|nine)ties"
    )
    return re.compile(
        rf"\b(?:{words})|(?:1\d|20)\d\d|\d0['’]?s\b|\d(?:st|nd|rd|th)\b|[天日号月年周晚早晨夜季旬]|[昨今明前后]儿|星期|礼拜|[小分][时钟]"
        "|春节|中秋|端午|圣诞|元旦|国庆|五一|双十一|双11|[节夜夕]",
        re.IGNORECASE,
    )


@cache
def _year() -> re.Pattern[str]:
    return re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)|['’]\d\d\b")


@cache
def _sentence_end() -> re.Pattern[str]:
    return re.compile(
        r"(?=[.!?…])(?<!\bJan)(?<!\bFeb)(?<!\bMar)(?<!\bApr)(?<!\bJun)(?<!\bJul)(?<!\bAug)(?<!\bSep)(?<!\bOct)(?<!\bNov)"
        r"(?<!\bDec)(?<!\bMr)(?<!\bDr)(?<!\bSt)(?<!\bMrs)[.!?…]+[\"”’)\]]*\s+(?![a-z])|[。！？]+[”’」』）]*|\n+"
    )


@cache
def _clause_border() -> re.Pattern[str]:
    joining = "but|because|although|though|while|which|who|whom|so|and|when|if|unless|then|or"
    return re.compile(rf"[,;:()–—，；：、]\s*|\s-+\s|(?<=\s)(?=(?:{joining})\s)", re.IGNORECASE)


@cache
def _subordinator() -> re.Pattern[str]:
    return re.compile(
        r"[\s,;:()–—，；：、-]*(?:(?:when|because|since|if|unless|who|whom|which|that|while|although|though|as|than|until"
        r"|whether|before|after|where)\b|因为|虽然|如果|要是|当|自从|由于|尽管)",
        re.IGNORECASE,
    )


_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"


@cache
def _more_than_time() -> re.Pattern[str]:
    """A word that belongs to no time and opens no clause."""
    few = "on|in|at|the|and|but|so|then|of|by|early|late|last|next|this|yes|no|oh|hey|well|also|anyway|a|an|again|back|just"
    times = (
        "morning|afternoon|evening|night|weekend|week|month|year|day|spring|summer|autumn|fall|winter|christmas|easter"
        "|thanksgiving|halloween|eve|new|years?|valentines?|january|february|march|april|may|june|july|august|september"
        "|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thur?s?|fri|sat|sun|st|nd|rd|th|s"
    )
    return re.compile(rf"\b(?!(?:{few}|{times}|{_DAYS})\b)[a-z]+", re.IGNORECASE)


@cache
def _whose_day() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_DAYS})['’]s$", re.IGNORECASE)


@cache
def _event() -> re.Pattern[str]:
    return re.compile(
        r"\s+(?:[a-z]+ )?(?:meeting|game|match|class|party|exam|test|dinner|lunch|session|concert|lecture|practice"
        r"|appointment|interview|race|call|workshop|storm|election|vote|talk|walk|run|hike|lesson|rehearsal|show)\b"
    )


@cache
def _title() -> re.Pattern[str]:
    return re.compile(
        r"\s+(?:Night(?:s| Live)|Morning|Evening|School|Club|Times|Post|Mail|Murder|Blues|Fever|Sale)\b"
    )


@cache
def _title_case() -> re.Pattern[str]:
    return re.compile(r"(?:Last|Next|This|Yesterday|Today|Tomorrow|Tonight)\b")


@cache
def _may_be_called() -> re.Pattern[str]:
    return re.compile(r"^[a-z]+$|[月春夏秋冬节夕]|元旦", re.IGNORECASE)


@cache
def _called() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:called|named|nicknamed|titled)\s+$|(?:叫做?|名为|姓|绰号|昵称是?)$", re.IGNORECASE
    )


@cache
def _small_before() -> re.Pattern[str]:
    """A word in small letters, after which no sentence begins."""
    return re.compile(r"\b[a-z]+\s+$")


@cache
def _taken_back() -> re.Pattern[str]:
    return re.compile(
        r"\s*[.…,，。;；—–-]+\s*(?:no,? (?:wait|sorry)|wait,? no|scratch that|correction\b|不对(?!劲)|哦不|我?[说记]错了)",
        re.IGNORECASE,
    )


@cache
def _put_right() -> re.Pattern[str]:
    """What means another time only right before one."""
    return re.compile(
        r"(?:[\u4e00-\u9fff]{0,3}(?=[.…,，。]))?[\s.…,，。;；—–-]*(?:sorry|i mean|make that|(?:or )?rather|应该是|我是说)[^.。!?！？\n]{0,12}$",
        re.IGNORECASE,
    )


@cache
def _age() -> re.Pattern[str]:
    return re.compile(r"[都才已经刚满]{0,3}(?:\d{1,3}|[一二三四五六七八九十]{1,3})岁|多大")


@cache
def _anybody() -> re.Pattern[str]:
    return re.compile(r"\b(?:you|one|it|people|everyone|they|ready|done|only|just|all)\b", re.IGNORECASE)


@cache
def _likened() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:like|as if)\s+(?:it\s+(?:was|were)\s+)?(?:just\s+|only\s+)?$|(?:像|仿佛)(?:就|只|还)?(?:是|在)?$",
        re.IGNORECASE,
    )


@cache
def _arranging() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:booked|scheduled|planned|arranged|signed up|registered|invited|agreed|promised|reserved|enrolled"
        r"|rescheduled|postponed|moved|decided|asked|told|reminded|(?:bought|got|ordered) (?:\w+ ){0,3}tickets?)\b"
        r"|约[了好]|[订定]了|安排了|报了名|答应",
        re.IGNORECASE,
    )


@cache
def _may_follow() -> re.Pattern[str]:
    return re.compile(
        r"\s*(?:$|[.,!?;:)…—–-]|(?:at|with|and|to|for|in|if|but|so|because|when|after|before|we|i|he|she|they|was|it"
        r"|then|i['’]\w+|we['’]\w+|night|morning|afternoon|evening)\b(?! (?:lights?|blues|fever|cartoons?|shows?)\b))",
        re.IGNORECASE,
    )


@cache
def _may_precede() -> re.Pattern[str]:
    """Not after an article, a preposition that makes a name or range of it, 'to be', nor a capitalised word."""
    return re.compile(
        r"(?:^\W*|[,;:(]\s*|(?:^|[\s'’])(?!(?:the|a|an|is|are|was|were|be|it's|it’s|s|of|every|each|any|some|most|my|your|his"
        r"|her|our|their|this|that|from|to|called|named|than|like|good|black|blue|or|and)\s)[a-z]+\s+)$"
    )


__all__ = ["Told", "told"]
