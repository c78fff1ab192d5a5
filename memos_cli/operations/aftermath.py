"""How often a name stands in memories, and whether something said later is about the same matter.

Owns: counting by the keyword index, and which words of two memories make them one matter. Does not own:
what is asked of a cube (`openends`), nor which of that is shown (`suggest`).

"Nothing was said of it since" is a strong sentence, and a search by meaning misses the arrival that ends a
journey. So one shared name, or one word that few memories hold, closes a matter: better a question too few
than one that the cube has answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from memos_cli.operations.search import ordinary
from memos_cli.reader.entities import entities_in
from memos_cli.reader.evidence import Text, overlap
from memos_cli.schema import Filters, MemoryItem
from memos_cli.stores.analysis import content_terms

if TYPE_CHECKING:
    from memos_cli.session import Session

RARE = 10
"""Memories at most that hold a word which tells one matter from others."""
COMMON = 0.05
"""Share of all memories from which on a name tells nothing, if more than RARE hold it."""
FOLLOWED = 0.4
"""Share of a memory's content that a later one must hold to be about it, whatever the words."""
LATER = 30
"""Later memories that are looked at, those with the most words in common first."""
EVERY = 1_000_000
"""A limit that no name reaches."""

_CALENDAR = re.compile(
    r"(?:jan|febr?|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thu|thurs|fri|sat|sun)"
    r"(?:uary|ch|il|e|y|ust|ember|ober|day|nesday|rsday|urday|sday)?s?|may",
    re.IGNORECASE,
)
_WHEN = frozenset(
    [
        "today",
        "tomorrow",
        "yesterday",
        "tonight",
        "morning",
        "noon",
        "afternoon",
        "evening",
        "night",
        "day",
        "days",
        "week",
        "weeks",
        "weekend",
        "month",
        "months",
        "year",
        "years",
        "next",
        "last",
        "first",
        "second",
        "soon",
        "later",
        "again",
        "until",
        "since",
        "before",
        "after",
        "date",
        "time",
    ]
)
_ARRANGING = frozenset(
    [
        "book",
        "booked",
        "books",
        "plan",
        "planned",
        "plans",
        "move",
        "moved",
        "moves",
        "schedule",
        "scheduled",
        "postpone",
        "postponed",
        "arrange",
        "arranged",
        "reserve",
        "reserved",
        "agree",
        "agreed",
        "decide",
        "decided",
        "come",
        "comes",
        "came",
        "coming",
        "going",
        "goes",
        "went",
        "gone",
        "get",
        "gets",
        "got",
        "take",
        "takes",
        "took",
        "will",
        "want",
        "wants",
        "meet",
        "meets",
        "visit",
        "visits",
        "start",
        "starts",
        "begin",
        "begins",
        "end",
        "ends",
        "have",
        "make",
        "made",
        "new",
        "also",
        "still",
        "already",
        "need",
        "needs",
    ]
)
"""Verbs that any plan is made of: two memories that share one share no matter."""
_WORD = re.compile(r"[^\W\d_]{3,}")
_HAN = re.compile("[\u4e00-\u9fff]+")
_HOLLOW = frozenset(
    "的了在是和与也都就把被从到对他她它我你您们这那有个吗呢吧啊着过得地之及或而且但因为所以很会要能说想去来给"
    "年月日号天周点时分上下午今明昨早晚前后期已经再又还没不将起开始结束预定订约好一二三四五六七八九十几第"
)
"""Characters of words for time and arranging, and of those that only hold a sentence together."""


def standing(session: Session, name: str, owner: str | None) -> int:
    """How many current memories of `owner` (None: of nobody) hold `name` word for word."""
    return len(_holding(session, name, Filters(users=(owner,) if owner else ()), owner))


def followed(session: Session, plan: MemoryItem) -> bool:
    """Whether something said after `plan` is about the same matter, as far as words tell."""
    users = (plan.user_id,) if plan.user_id else ()
    since = plan.time + timedelta(microseconds=1)
    later = _later(session, plan, Filters(users=users, since=since))
    if not later:
        return False
    if any(overlap(plan.memory, [Text(item.memory)])[0] >= FOLLOWED for item in later):
        return True
    texts = [_told(item.memory) for item in later]
    shared = (mark for mark in _marks(plan) if any(mark.terms <= said for said in texts))
    return any(_tells(session, mark) for mark in shared)


def _later(session: Session, plan: MemoryItem, filters: Filters) -> list[MemoryItem]:
    view = session.cube.view(vectors=False)
    filters = ordinary(view, filters)
    words = " ".join(_words(plan.memory))
    found: dict[str, MemoryItem] = {}
    for shard in view.keywords:
        hits = shard.search(words, filters, LATER)
        found |= {item.id: item for item in shard.items(hits.ordinals).values()}
    return [
        item
        for id, item in found.items()
        if id not in view.gone and id != plan.id and id not in plan.rests_on and plan.id not in item.rests_on
    ]


@dataclass(frozen=True)
class _Mark:
    """Terms of a name or of one word."""

    terms: frozenset[str]
    named: bool


def _marks(plan: MemoryItem) -> Iterator[_Mark]:
    """What may tell what a plan is about, names first; who speaks tells nothing."""
    for name in entities_in(plan.memory):
        if name != plan.speaker and (terms := _told(name)):
            yield _Mark(terms, named=True)
    for term in sorted(_told(plan.memory)):
        yield _Mark(frozenset([term]), named=False)


def _told(text: str) -> frozenset[str]:
    return frozenset(term for word in _words(text) for term in _terms(word))


def _terms(word: str) -> tuple[str, ...]:
    return (word,) if _HAN.match(word) else tuple(content_terms(word))


def _words(text: str) -> Iterator[str]:
    """Words that may tell a matter from others: no dates, numbers, or verbs of arranging; of Chinese the
    pairs of characters that mean something."""
    for word in _WORD.findall(_HAN.sub(" ", text)):
        small = word.lower()
        if small not in _ARRANGING and small not in _WHEN and not _CALENDAR.fullmatch(small):
            yield word
    for run in _HAN.findall(text):
        for pair in map("".join, pairwise(run)):
            if _HOLLOW.isdisjoint(pair):
                yield pair


def _tells(session: Session, mark: _Mark) -> bool:
    """Whether few enough memories hold its rarest term for it to tell one matter from others."""
    view = session.cube.view(vectors=False)
    filters = ordinary(view, Filters())
    everything = sum(shard.count(filters) for shard in view.keywords)
    most = max(RARE, int(COMMON * everything)) if mark.named else RARE

    def held(term: str) -> int:
        return sum(len(shard.search(term, filters, most + 1).own) for shard in view.keywords)

    return any(held(term) <= most for term in mark.terms)


def _holding(session: Session, name: str, filters: Filters, owner: str | None) -> set[str]:
    view = session.cube.view(vectors=False)
    filters = ordinary(view, filters)
    phrase = '"' + name.replace('"', " ") + '"'
    found: set[str] = set()
    for shard in view.keywords:
        items = shard.items(shard.search(phrase, filters, EVERY).ordinals).values()
        found |= {item.id for item in items if item.user_id == owner and item.id not in view.gone}
    return found
