"""What ranking asks of a memory beside its words: whose turn it is, in which talk, and how it reads.

Owns: what a turn of a conversation is, the integers that stand for it in the keyword index, and
the labels by which speakers are known. Does not own: the index (`stores/keyword_index`), what
ranking makes of these facts (`retrieval/pipeline`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple

from memos_cli.schema import Draft, Kind, Level, MemoryItem, RelationKind, Status
from memos_cli.stores.hints import DIGITS, lacks, words_in

LIVE = frozenset({Status.ACTIVATED, Status.RESOLVING})
"""Statuses that a search sees unless told otherwise."""

PINNED, UNOWNED, LEARNED = "pinned", "unowned", "learned"
"""Marks of rows in the keyword index: it is pinned; it is no user's; see `is_learned`."""


COUNTED = 15
"""Content terms of a turn are counted up to here."""

TURN, USER, ASSISTANT, ASKS, TIMED = (1 << bit for bit in range(4, 9))
"""Bits of `marks` above the count: a turn; its role; it ends in a question mark; it names a time."""

_DAY_BITS = 17
_EVENT, _LASTS = 9, 9 + _DAY_BITS
"""Where in `marks` the day stands on which what a memory tells of began, and how many days it lasted."""

_FIRST_DAY = datetime(1800, 1, 1, tzinfo=UTC)
"""Day 1 of `marks`; 17 bits reach into the year 2158."""

NOBODY = frozenset({"user", "assistant", "system", "tool", "human", "ai", "bot", "a", "b", "q"})
"""Labels that say a role and name no person."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASKS = ("?", "？", '?"', "?)")


class Facts(NamedTuple):
    """Of one row; 0 where there is none.

    `talk` is a hash of the conversation, `speaker` of the speaker's label, `time` microseconds
    since 1970 of when it was said.
    """

    talk: int
    position: int
    speaker: int
    marks: int
    time: int

    @property
    def turn(self) -> bool:
        return bool(self.marks & TURN)

    @property
    def event(self) -> tuple[datetime, datetime] | None:
        """From when up to but not including when lasted what it tells of, in whole days; None: no time is told."""
        day = self.marks >> _EVENT & (1 << _DAY_BITS) - 1
        if not day:
            return None
        start = _FIRST_DAY + timedelta(days=day - 1)
        return start, start + timedelta(days=self.marks >> _LASTS & (1 << _DAY_BITS) - 1)

    @property
    def terms(self) -> int:
        """Content terms, up to COUNTED."""
        return self.marks & COUNTED


FEEDBACK = "feedback"
"""Type and role of the source of what somebody corrected or added; it makes no turn."""


def is_turn(item: MemoryItem | Draft) -> bool:
    """A turn of a conversation: in a session, and somebody said it. A refined fact is none: it stands
    beside its turn, whose place in the conversation it must not take."""
    if isinstance(item, MemoryItem) and item.refines is not None:
        return False
    return item.session_id is not None and (
        item.speaker is not None or any(s.role not in (None, FEEDBACK) for s in item.sources)
    )


def is_learned(item: MemoryItem) -> bool:
    """A preference that was read from other memories, which are there as well; one that somebody stored
    as such is a memory like any other."""
    return item.kind is Kind.PREFERENCE and bool(evidence_of(item))


def evidence_of(item: MemoryItem) -> set[str]:
    """Ids of the memories that tell of a preference."""
    return {relation.target for relation in item.relations if relation.kind == RelationKind.EVIDENCE}


def talk_of(item: MemoryItem) -> int:
    """The conversation that a turn belongs to, while it is current and has a place there; else 0.

    Conversations of two users are two, whatever their sessions are called.
    """
    placed = item.position is not None and item.level is Level.FACT and is_turn(item)
    if not placed or item.known_to is not None or item.status not in LIVE:
        return 0
    return talk_number(item.user_id, item.session_id)


@lru_cache(maxsize=1024)
def talk_number(user_id: str | None, session_id: str | None) -> int:
    """The number of a user's session."""
    return number_of(f"{user_id or ''}\0{session_id}")


def marks_of(item: MemoryItem, terms: int) -> int:
    """The bits of `marks`; `terms` is the number of content terms of the text. What is no turn has those
    of its event alone."""
    if not is_turn(item):
        return _event_of(item)
    role = next((s.role for s in item.sources if s.role), None) or item.speaker
    text = item.memory.rstrip()
    return (
        TURN
        | _event_of(item)
        | min(terms, COUNTED)
        | (USER if role == "user" else 0)
        | (ASSISTANT if role == "assistant" else 0)
        | (ASKS if text.endswith(_ASKS) else 0)
        | (TIMED if _names_time(text) else 0)
    )


def _event_of(item: MemoryItem) -> int:
    """The bits of an event; 0 where the memory tells of none, or of one that the bits cannot hold."""
    if item.event_start is None:
        return 0
    day = (item.event_start - _FIRST_DAY).days + 1
    lasts = -(((item.event_end or item.event_start) - item.event_start) // -timedelta(days=1))
    sound = 0 < day < 1 << _DAY_BITS and 0 <= lasts < 1 << _DAY_BITS
    return day << _EVENT | max(lasts, 1) << _LASTS if sound else 0


def labels_of(speaker: str | None) -> Iterator[str]:
    """The names a speaker is called by in a question: the whole label, and its first word."""
    label = (speaker or "").strip()
    if not label or label.casefold() in NOBODY:
        return
    yield label
    first = label.split()[0]
    if first != label and len(first) > 1 and first.casefold() not in NOBODY and not first.endswith("."):
        yield first


@lru_cache(maxsize=1024)
def speaker_number(label: str | None) -> int:
    """What stands for a speaker: a hash of the first word of the label, whole where that is a role or a
    title ("User 1", "Dr. Lee"); 0 for a role alone or nobody."""
    called = next(labels_of(label), None)
    if called is None:
        return 0
    first = called.split()[0].casefold()
    return number_of(called.casefold() if first in NOBODY or first.endswith(".") else first)


def moment(micros: int) -> datetime:
    """An instant from microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def number_of(text: str) -> int:
    """A hash of a text as a positive 63-bit integer, never 0."""
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1 or 1


_TIMES = (
    "yesterday today tonight tomorrow ago last next week weekend month year recently since monday tuesday wednesday "
    "thursday friday saturday sunday summer winter spring fall morning just january february march april june july "
    "august september october november december may"
)
_TIME_HINTS = frozenset(_TIMES.split()) | DIGITS


def _names_time(text: str) -> bool:
    """Whether a text names a time by a word or a year; told of an English text without one by its hints."""
    if text.isascii() and lacks(words_in(text), _TIME_HINTS):
        return False
    return bool(_timed().search(text))


@cache
def _timed() -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:{'|'.join(_TIMES.split())}|19\d\d|20\d\d)\b"
        r"|\d+[月日号点]|[上下这本]周|明天|昨天|今天|后天|周[一二三四五六日末]|星期",
        re.IGNORECASE,
    )
