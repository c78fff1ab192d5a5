"""What there is to ask of a cube: its topics, who and what it is about, and its open ends.

Owns: finding them among the current memories, the questions they give by template (English and
Chinese), the reason and the memories behind each. Does not own: whether a question finds its memories
(`suggest`), nor the tree (`reorganize`).

An open end is a pair that contradict each other, a plan whose time is over or near and of which nothing
was said since, a question that nobody answered, a summary or an insight that rests on less than it did.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from memos_cli.operations.insights import evidence_of
from memos_cli.operations.outline import Outline
from memos_cli.reader.entities import entities_in
from memos_cli.reader.events import event_fields
from memos_cli.schema import Kind, MemoryItem, Precision, RelationKind, Status
from memos_cli.stores.facts import is_turn

SOON = timedelta(days=14)
"""How far ahead a plan is near."""
LONGEST = 110
"""Characters of a memory that a question quotes."""
SHOWN = 3
"""Memories behind a question about a topic."""
FEWEST = 3
"""Memories that somebody or something must stand in to be asked about."""
ANSWER = 2
"""Turns within which a question counts as answered."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_ASKS = re.compile(r"[?？]\s*[\"”’』」)]*\s*$")


class Sort(StrEnum):
    """Why a question is asked, the most urgent first."""

    CONFLICT = "conflict"
    PREFERENCE = "preference"
    OVER = "plan that is over"
    SOON = "plan that is near"
    UNANSWERED = "unanswered question"
    STALE = "stale"
    TOPIC = "topic"
    ENTITY = "entity"


@dataclass(frozen=True)
class Open:
    """One question that could be asked. `needed` of the memories `evidence` must be found by it."""

    sort: Sort
    question: str
    reason: str
    evidence: tuple[str, ...]
    needed: int
    language: str
    plan: MemoryItem | None = None
    """Of a plan: the memory, of which something may have been said since."""
    name: str | None = None
    """Of somebody or something: the name, which may stand in more memories than it begins to be known by."""
    owner: str | None = None
    """Whose memories it stands in."""

    def standing_in(self, count: int) -> Open:
        """The same with `count` memories that the name stands in."""
        place = 1 if self.language == "zh" else 0
        return replace(self, reason=_REASONS[self.sort][place].format(count=count))


_QUESTIONS: dict[Sort, tuple[str, str]] = {
    Sort.CONFLICT: ("Which is true: “{a}” or “{b}”?", "“{a}”和“{b}”，哪一个是对的？"),
    Sort.PREFERENCE: ("Does it still hold: “{a}”, or rather “{b}”?", "现在还是“{a}”，还是“{b}”？"),
    Sort.OVER: ("What became of this: “{a}”?", "“{a}”后来怎么样了？"),
    Sort.SOON: ("What is there to prepare for this: “{a}”?", "为“{a}”要做哪些准备？"),
    Sort.STALE: ("What is still true of {a}?", "关于{a}，现在的情况是怎样的？"),
    Sort.TOPIC: ("What is known about {a}?", "关于{a}，都记录了什么？"),
    Sort.ENTITY: ("What is there to know about {a}?", "关于{a}，有哪些值得知道的事？"),
}
_REASONS: dict[Sort, tuple[str, str]] = {
    Sort.CONFLICT: ("two memories contradict each other", "两条记忆互相矛盾"),
    Sort.PREFERENCE: ("a preference is contradicted by another", "一条偏好与另一条矛盾"),
    Sort.OVER: (
        "its time ended on {day}, and nothing was said of it since",
        "它在 {day} 已经结束，之后没有再提到",
    ),
    Sort.SOON: ("it begins on {day}", "它将于 {day} 开始"),
    Sort.UNANSWERED: ("it was asked, and no answer stands after it", "有人问过，之后没有回答"),
    Sort.STALE: ("what it rests on has changed since it was told", "它所依据的记忆后来有了变化"),
    Sort.TOPIC: ("a topic of {count} memories", "一个有 {count} 条记忆的主题"),
    Sort.ENTITY: ("it stands in {count} memories", "出现在 {count} 条记忆中"),
}


def _worded(sort: Sort, language: str, **values: object) -> tuple[str, str]:
    """Question and reason."""
    place = 1 if language == "zh" else 0
    question = _QUESTIONS[sort][place].format(**values) if sort in _QUESTIONS else str(values["a"])
    return question, _REASONS[sort][place].format(**values)


def open_ends(outlines: Iterable[Outline], insights: Sequence[MemoryItem], now: datetime) -> list[Open]:
    """Everything worth a question, the most urgent first; of one sort the newest or the largest first."""
    found: list[Open] = []
    for outline in outlines:
        language = main_language(outline.facts.keep().values())
        for find in (_conflicts, _unanswered, _topics, _entities):
            found += find(outline, language)
        found += _plans(outline, language, now)
    found += _stale_insights(insights)
    order = list(Sort)
    return sorted(found, key=lambda one: order.index(one.sort))


def main_language(items: Iterable[MemoryItem]) -> str:
    """`zh` where most memories are in Chinese, else `en`."""
    counts = Counter("zh" if item.language == "zh" else "en" for item in items)
    return "zh" if counts["zh"] > counts["en"] else "en"


def _language(item: MemoryItem, otherwise: str) -> str:
    return "zh" if item.language == "zh" else "en" if item.language else otherwise


def quoted(item: MemoryItem) -> str:
    """The beginning of a memory in one line, without what would end a quotation."""
    return _short(item.memory)


def _planned(item: MemoryItem) -> str:
    """The sentence of a memory that names the time of its event, in one line."""
    sentences = _SENTENCE.split(item.memory)
    if len(sentences) > 1:
        for sentence in sentences:
            if event_fields(sentence, item.said_at)[0].get("event_start") == item.event_start:
                return _short(sentence)
    return _short(item.memory)


def _short(text: str) -> str:
    text = " ".join(text.replace("“", "").replace("”", "").split())
    if len(text) <= LONGEST:
        return text.rstrip(".。")
    cut = text[:LONGEST]
    return (cut.rsplit(" ", 1)[0] if " " in cut[LONGEST // 2 :] else cut) + "…"


def _conflicts(outline: Outline, otherwise: str) -> Iterator[Open]:
    seen: set[frozenset[str]] = set()
    newest = sorted(outline.facts.values(), key=lambda item: (item.time, item.id), reverse=True)
    for item in newest:
        for edge in item.relations:
            other = outline.facts.get(edge.target)
            pair = frozenset((item.id, edge.target))
            if edge.kind != RelationKind.CONTRADICTS or other is None or pair in seen:
                continue
            seen.add(pair)
            liked = Kind.PREFERENCE in (item.kind, other.kind)
            sort = Sort.PREFERENCE if liked else Sort.CONFLICT
            language = _language(item, otherwise)
            question, reason = _worded(sort, language, a=quoted(other), b=quoted(item))
            yield Open(sort, question, reason, (item.id, other.id), 2, language)
        if item.status is Status.RESOLVING and not any(item.id in pair for pair in seen):
            language = _language(item, otherwise)
            question, reason = _worded(Sort.OVER, language, a=quoted(item), day=_day(item.time))
            _, reason = _worded(Sort.CONFLICT, language, a="", b="")
            yield Open(Sort.CONFLICT, question, reason, (item.id,), 1, language)


def _plans(outline: Outline, otherwise: str, now: datetime) -> Iterator[Open]:
    """Things that lay ahead when they were said: those that are over, and those that are near."""
    planned = [
        item
        for item in outline.facts.values()
        if item.event_start is not None
        and item.event_precision is not Precision.YEAR
        and item.event_start > item.time
    ]
    for item in sorted(planned, key=lambda item: str(item.event_start), reverse=True):
        start, end = item.event_start, item.event_end or item.event_start
        assert start is not None
        assert end is not None
        if end <= now:
            sort, day = Sort.OVER, end - timedelta(microseconds=1) if end > start else end
        elif now <= start <= now + SOON:
            sort, day = Sort.SOON, start
        else:
            continue
        language = _language(item, otherwise)
        question, reason = _worded(sort, language, a=_planned(item), day=_day(day))
        yield Open(sort, question, reason, (item.id,), 1, language, plan=item if sort is Sort.OVER else None)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _unanswered(outline: Outline, otherwise: str) -> Iterator[Open]:
    at: dict[str | None, dict[int, MemoryItem]] = {}
    for item in outline.facts.values():
        if item.position is not None and is_turn(item):
            at.setdefault(item.session_id, {})[item.position] = item
    newest = sorted(outline.facts.values(), key=lambda item: (item.time, item.id), reverse=True)
    for item in newest:
        if not _ASKS.search(item.memory) or len(item.memory) > 2 * LONGEST or _answered(item, at):
            continue
        language = _language(item, otherwise)
        question, reason = _worded(Sort.UNANSWERED, language, a=" ".join(item.memory.split()))
        yield Open(Sort.UNANSWERED, question, reason, (item.id,), 1, language)


def _answered(item: MemoryItem, at: Mapping[str | None, Mapping[int, MemoryItem]]) -> bool:
    """Whether somebody else spoke next. A piece of a document answers itself."""
    if not is_turn(item):
        return item.position is not None
    if item.position is None:
        return False
    following = (at[item.session_id].get(item.position + step) for step in range(1, ANSWER + 1))
    return any(one is not None and one.speaker != item.speaker for one in following)


def _topics(outline: Outline, otherwise: str) -> Iterator[Open]:
    """Topics and concepts; those that are stale come as that."""
    below = Counter(outline.above.values())
    below.update({t: below[c] for c, t in outline.above.items() if c in outline.concepts})
    nodes = sorted(outline.nodes.values(), key=lambda node: (-below[node.id], node.id))
    for node in nodes:
        stands = [
            e.target for e in node.relations if e.kind == RelationKind.EVIDENCE and e.target in outline.facts
        ]
        stands = stands or [
            e.target for e in node.relations if e.kind == RelationKind.HOLDS and e.target in outline.facts
        ]
        if node.key and stands:
            yield _about(Sort.STALE if node.stale else Sort.TOPIC, node, stands, below[node.id], otherwise)


def _about(sort: Sort, node: MemoryItem, stands: Sequence[str], count: int, otherwise: str) -> Open:
    language = _language(node, otherwise)
    question, reason = _worded(sort, language, a=node.key, count=count)
    evidence = tuple(stands[:SHOWN])
    return Open(sort, question, reason, evidence, min(2, len(evidence)), language)


def _stale_insights(insights: Sequence[MemoryItem]) -> Iterator[Open]:
    for one in insights:
        if one.stale and one.status is not Status.ARCHIVED:
            language = _language(one, "en")
            _, reason = _worded(Sort.STALE, language, a="")
            question, _ = _worded(Sort.OVER, language, a=quoted(one), day="")
            yield Open(Sort.STALE, question, reason, (one.id, *evidence_of(one)), 1, language)


def _entities(outline: Outline, otherwise: str) -> Iterator[Open]:
    """Who and what stands in several memories, by name; who speaks is no news."""
    stands: dict[str, list[MemoryItem]] = {}
    speakers = {item.speaker for item in outline.facts.values()}
    for item in outline.facts.values():
        for name in dict.fromkeys(entities_in(item.memory)):
            if name not in speakers:
                stands.setdefault(name, []).append(item)
    often = sorted(stands.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for name, items in often:
        if len(items) < FEWEST:
            break
        language = _language(items[-1], otherwise)
        question, reason = _worded(Sort.ENTITY, language, a=name, count=len(items))
        shortest = sorted(items, key=lambda item: (len(item.memory), item.id))
        evidence = tuple(item.id for item in shortest[: 2 * SHOWN])
        owner = items[-1].user_id
        yield Open(Sort.ENTITY, question, reason, evidence, 2, language, name=name, owner=owner)
