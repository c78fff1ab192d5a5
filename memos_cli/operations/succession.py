"""Which of two hits is what holds now: what came later of the same matter stands first.

Owns: the order of two hits of which one updates the other, or says the same of the same with other
words. Does not own: who draws the relation (`judge`, `merging`), nor memories that were closed and are no
hits at all.

A turn of a conversation is never closed (`memos help judgement`), and what the rules cannot judge stays
beside what it replaces. So both what Anna said in May and what she said in June are found, and the words
of the older one often fit a question better. Nothing is hidden here: later goes first, that is all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations

import msgspec

from memos_cli.schema import Hit, Kind, Level, MemoryItem, RelationKind
from memos_cli.stores.analysis import content_terms, exact_terms
from memos_cli.stores.facts import is_turn

OVERRIDES = frozenset({RelationKind.SUPERSEDES, RelationKind.UPDATED_BY, RelationKind.CONTRADICTS})
"""Kinds of relation whose two ends cannot both hold."""

FIRST = 20
"""Hits among which statements of the same matter are looked for."""

SHORT = 160
"""Characters of a statement at most, as in `memos help judgement`."""

BEGIN_ALIKE = 3
"""Words with which two statements begin that are of the same matter: "The code is …"."""

RUN_ALIKE = 5
"""Or words in a row that both have, wherever: "… is the chair of the association"."""

SHARED = 0.6
"""Or the share of the shorter one's content terms, numbers aside, that both have."""

_STATED = frozenset({Kind.LONG_TERM, Kind.USER, Kind.WORKING, Kind.PREFERENCE})

_PAST = re.compile(
    r"\b(?:was|were|did|had|used to|before|previous(?:ly)?|former(?:ly)?|earlier|original(?:ly)?|first|once|ago"
    r"|(?:18|19|20)\d\d)\b|以前|之前|曾经|过去|原来|当时|那时|最初|\d年",
    re.IGNORECASE,
)
"""A question about what was: the later of two answers is not the better one."""


_IS_NUMBER = re.compile(
    r"(?P<who>.+(?:\b(?:is|are|am|ist)\s|[:=]\s?|[\u4e00-\u9fff](?:是|为|[:：])\s?))(?:now\s|现在)?"
    r"(?P<value>[$€£¥#]?[A-Za-z]{0,2}\d[A-Za-z0-9.,:-]*?)[.!。]?"
    r"(?P<rest>|(?!\s?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|[ap]\.?m\b)|[月日号点年])[\s\u4e00-\u9fff].*?)[.!。]?"
)
"""A statement that something is a number, no day or hour."""


class _Order(msgspec.Struct, dict=True):
    """Hits as they are put in order."""

    hits: Sequence[Hit]
    later: dict[str, str] = msgspec.field(default_factory=dict)
    """By id: the hit that has to stand before it."""
    done: dict[str, Hit] = msgspec.field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Hit]:
        return {hit.item.id: hit for hit in self.hits}

    def note(self, one: MemoryItem, other: MemoryItem) -> None:
        """Of two that say something of the same matter, the later one stands first; the latest of several."""
        old, new = in_time(one, other)
        known = self.later.get(old.id)
        if known is None or in_time(self.by_id[known].item, new)[1] is new:
            self.later[old.id] = new.id

    def place(self, hit: Hit, score: float, above: frozenset[str]) -> None:
        """Put a hit behind what is later; `above` ends a circle of relations."""
        if hit.item.id in self.done or hit.item.id in above:
            return
        if (newer := self.later.get(hit.item.id)) is not None:
            ahead = self.by_id[newer]
            self.place(ahead, max(score, ahead.score), above | {hit.item.id})
        self.done[hit.item.id] = hit if hit.score >= score else hit.but(score=score)


class _Statement:
    """A hit that states something, each of its sides worked out once for all pairs that it is in."""

    __slots__ = ("_runs", "item", "owner", "terms", "time", "told", "words")

    def __init__(self, hit: Hit) -> None:
        item = hit.item
        self.item = item
        self.time = item.time
        self.owner = hit.cube, item.user_id, item.agent_id, item.speaker
        """What is somebody's in one cube is another one's in the next."""
        self.terms = frozenset(content_terms(item.memory))
        self.told = frozenset(term for term in self.terms if not term.isdecimal())
        """Its terms, numbers aside."""
        self.words = exact_terms(item.memory)
        self._runs: frozenset[tuple[str, ...]] | None = None

    @property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """Its words, RUN_ALIKE in a row."""
        if self._runs is None:
            self._runs = frozenset(zip(*(self.words[at:] for at in range(RUN_ALIKE)), strict=False))
        return self._runs


def newest_first(hits: Sequence[Hit], question: str) -> list[Hit]:
    """The hits, each behind the one that is later of the same matter.

    A hit that has a relation to another, or the same words with another number, says so of it (`updated_by`).
    What moves up takes the score of the
    hit before which it now stands: it is at least as likely the answer.
    """
    order = _Order(hits)
    updated = dict(_related(order.by_id))
    for old, new in updated.items():
        order.note(order.by_id[old].item, order.by_id[new].item)
    valued: set[tuple[str, str]] = set()
    for one, other in _of_one_matter(hits[:FIRST], question):
        if one.id not in updated and other.id not in updated:
            order.note(one, other)
            if says_another_value(one.memory, other.memory):
                valued.add((one.id, other.id))
    updated |= dict(pair for pair in order.later.items() if pair in valued)
    if not order.later:
        return list(hits)
    for hit in hits:
        order.place(hit, hit.score, frozenset())
    return [hit.but(updated_by=updated[id]) if id in updated else hit for id, hit in order.done.items()]


def says_another_value(one: str, other: str) -> bool:
    """Whether two statements differ in one number alone, of which they say that it is so: "The code is 4471.".
    What was done ("ran 5 km") may have been done twice, and of "is on 5 May" there may be two."""
    before, after = _IS_NUMBER.fullmatch(one.strip()), _IS_NUMBER.fullmatch(other.strip())
    if before is None or after is None or before["value"] == after["value"]:
        return False
    return before["who"].casefold() == after["who"].casefold() and before["rest"] == after["rest"]


def in_time(one: MemoryItem, other: MemoryItem) -> tuple[MemoryItem, MemoryItem]:
    """(the older, the newer), by when they were said; the second is newer in a tie."""
    return (other, one) if other.time < one.time else (one, other)


def _related(hits: dict[str, Hit]) -> Iterator[tuple[str, str]]:
    """(the older, the newer) of hits between which a relation says that not both hold; the latest last."""
    found = [
        in_time(hits[relation.target].item, hit.item)
        for hit in hits.values()
        for relation in hit.item.relations
        if relation.kind in OVERRIDES and relation.target in hits and relation.target != hit.item.id
    ]
    yield from ((old.id, new.id) for old, new in sorted(found, key=lambda pair: pair[1].time))


def _of_one_matter(hits: Sequence[Hit], question: str) -> Iterator[tuple[MemoryItem, MemoryItem]]:
    """Pairs of statements of one owner about the same matter, of which the later answers as much."""
    statements = [_Statement(hit) for hit in hits if _is_statement(hit.item)]
    if len(statements) < 2 or _PAST.search(question):
        return
    asked = frozenset(content_terms(question))
    for one, other in combinations(statements, 2):
        if one.owner != other.owner or one.time == other.time:
            continue
        old, new = (other, one) if other.time < one.time else (one, other)
        if asked & old.terms <= new.terms and _alike(old, new):
            yield old.item, new.item


def _is_statement(item: MemoryItem) -> bool:
    return (
        item.kind in _STATED
        and item.level is Level.FACT
        and len(item.memory) <= SHORT
        and not is_turn(item)
        and not any(source.path and source.start is not None for source in item.sources)
    )


def _alike(one: _Statement, other: _Statement) -> bool:
    if len(one.told & other.told) >= SHARED * max(min(len(one.told), len(other.told)), 1):
        return True
    begun = one.words[:BEGIN_ALIKE]
    if len(begun) == BEGIN_ALIKE and begun == other.words[:BEGIN_ALIKE]:
        return True
    return not one.runs.isdisjoint(other.runs)
