"""The tree of one user's memories, planned: where each stands, which nodes there are, what they say.

Owns: both levels of grouping, topics' and concepts' rows, when a node is told anew. Does not own: the
grouping itself and the words of a title without a language model (`organize`), duplicates
(`merging`), committing (`reorganize`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from memos_cli.operations.merging import BLOCK, Judge, relate, resolve, ruled
from memos_cli.operations.outline import OWN_VERBS, Outline, talks_of
from memos_cli.operations.plan import Draft, Step
from memos_cli.organize.growth import CONCEPTS, LOOSE, TOPICS, grown
from memos_cli.organize.neighbours import (
    Neighbours,
    among_turns,
    centred,
    left_over,
    nearest,
    scaled,
    unit,
    word_vectors,
)
from memos_cli.organize.titles import central, name_of, summary_of, title_terms, words_of
from memos_cli.reader.language import language_of
from memos_cli.schema import Level, MemoryItem, Origin, Relation, RelationKind, Status, Visibility
from memos_cli.stores.nearness import content_hash

FEWEST_CONCEPTS = 6
"""Concepts under which topics above them would only be in the way."""
BACKGROUND = 2_000
"""Memories of other concepts that say which words are common; more change no name."""
GROWTH = 0.25
"""Share of its members by which a node may grow or shrink before it is told anew."""


@dataclass(frozen=True)
class Title:
    """What a node is called and says."""

    name: str
    summary: str
    tags: tuple[str, ...] = ()
    by: str = "terms"
    """`terms`, or the language model's name."""
    confidence: int = 100
    related: tuple[tuple[int, RelationKind, int, float], ...] = ()
    """(place of a text, what it is to, place of another text, how sure), as far as it was asked."""


@dataclass(frozen=True)
class Untold:
    """A node to be told: its level, its title without a language model, and its texts."""

    level: Level
    plain: Title
    texts: tuple[str, ...]


Tell = Callable[[Sequence[Untold]], Sequence[Title | None]]
"""Of each node a better title; None: the plain one stays."""


@dataclass
class _Node:
    """A topic or concept while it is being planned."""

    id: str
    old: MemoryItem | None
    members: list[str] = field(default_factory=list)
    """Ids of the memories below, all the way down."""
    parent: str | None = None
    names: list[str] = field(default_factory=list)
    """Of a topic what its concepts are called."""
    evidence: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """Unit vectors of memories, and which row is whose."""

    vectors: np.ndarray
    at: Mapping[str, int]

    def of(self, ids: Sequence[str]) -> np.ndarray:
        return np.asarray(self.vectors[[self.at[id] for id in ids]])


def plant(
    outline: Outline,
    owner: str | None,
    draft: Draft,
    *,
    by_words: bool,
    judge: Judge = ruled,
    tell: Tell | None = None,
) -> None:
    """Add to `draft` what brings the tree of one user to his memories. Titles come from `tell` where
    there is one and it knows one, else from terms and the most central memories."""
    ids = [i for i in sorted(outline.facts) if by_words or i in outline.vectors]
    if bare := len(outline.facts) - len(ids):
        draft.notes.append(f"{bare} memories have no vector and were left out; `memos reindex` makes them")
    plain = _matrix(outline, ids, by_words)
    if not len(plain):
        return _archive_empty(outline, {}, draft)
    before, names = _places(outline, ids)
    fresh = np.flatnonzero(before == LOOSE)
    level, found = _found(outline, plain, fresh)
    gone = resolve(outline, ids, plain, fresh.tolist(), draft, judge, found)
    if gone:
        kept = np.array([i not in gone for i in ids], bool)
        ids, plain, before = [i for i in ids if i not in gone], plain[kept], before[kept]
        level = None
    rows = _among(outline, ids, plain)
    level = centred(rows) if level is None else level
    if gone and found:
        found = left_over(found, kept, level, fresh)
    groups = grown(level, before, CONCEPTS, found)
    del level
    concepts = _concepts(outline, ids, groups, names)
    at = {id: place for place, id in enumerate(ids)}
    topics = _topics(outline, concepts, Rows(rows, at))
    draft.count("memories", len(ids))
    draft.count("placed", int((groups != LOOSE).sum()))
    _tell_all(outline, owner, concepts, topics, Rows(plain, at), draft, tell)
    _file(outline, concepts, draft)
    return _archive_empty(outline, {**concepts, **topics}, draft)


def _found(
    outline: Outline, plain: np.ndarray, fresh: np.ndarray
) -> tuple[np.ndarray | None, Neighbours | None]:
    """The rows centred and the neighbours of what is new, looked up once for duplicates and for the
    tree: where nothing is a turn, which leans on others for the one and not for the other."""
    if not len(fresh) or outline.facts.turns:
        return None, None
    rows = centred(plain)
    among = rows if len(fresh) == len(rows) else rows[fresh]
    return rows, nearest(among, rows, CONCEPTS.k, own=fresh)


def _matrix(outline: Outline, ids: Sequence[str], by_words: bool) -> np.ndarray:
    if by_words:
        return word_vectors([*outline.facts.texts(ids)])
    return scaled(outline.vectors.middles(ids)) if ids else np.zeros((0, 1), np.float32)


def _among(outline: Outline, ids: Sequence[str], rows: np.ndarray) -> np.ndarray:
    if not outline.facts.turns:
        return rows
    at = {id: place for place, id in enumerate(ids)}
    return among_turns(rows, [[at[i] for i in run if i in at] for run in talks_of(outline.facts)])


def _places(outline: Outline, ids: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The number of each memory's concept, LOOSE for none, and the concepts by number.

    A memory that was changed since its concept was told is placed anew.
    """
    names = sorted(outline.concepts)
    numbers = {name: number for number, name in enumerate(names)}
    before = np.full(len(ids), LOOSE, np.int64)
    for place, id in enumerate(ids):
        number = numbers.get(outline.above.get(id, ""))
        if number is not None and not _changed(outline, id, outline.concepts[names[number]]):
            before[place] = number
    return before, names


def _changed(outline: Outline, id: str, node: MemoryItem) -> bool:
    moment = outline.corrected.get(id)
    return moment is not None and moment > node.known_from


def _concepts(
    outline: Outline, ids: Sequence[str], groups: np.ndarray, names: Sequence[str]
) -> dict[str, _Node]:
    nodes: dict[int, _Node] = {}
    for id, group in zip(ids, groups.tolist(), strict=True):
        if group == LOOSE:
            continue
        if group not in nodes:
            nodes[group] = _node(outline.concepts.get(names[group]) if group < len(names) else None)
        nodes[group].members.append(id)
    return {node.id: node for node in nodes.values()}


def _node(old: MemoryItem | None) -> _Node:
    from memos_cli.schema import uuid7

    return _Node(old.id if old else uuid7(), old)


def _topics(outline: Outline, concepts: dict[str, _Node], rows: Rows) -> dict[str, _Node]:
    if len(concepts) < FEWEST_CONCEPTS and not outline.topics:
        return {}
    names = sorted(outline.topics)
    numbers = {name: number for number, name in enumerate(names)}
    order = sorted(concepts)
    middles = np.array([rows.of(concepts[c].members).mean(axis=0) for c in order])
    before = np.array([numbers.get(outline.above.get(c, ""), LOOSE) for c in order], np.int64)
    groups = grown(centred(middles), before, TOPICS)
    nodes: dict[int, _Node] = {}
    for id, group in zip(order, groups.tolist(), strict=True):
        if group == LOOSE:
            continue
        if group not in nodes:
            nodes[group] = _node(outline.topics.get(names[group]) if group < len(names) else None)
        concepts[id].parent = nodes[group].id
        nodes[group].members += concepts[id].members
    return {node.id: node for node in nodes.values()}


# -- what the nodes say


def _tell_all(
    outline: Outline,
    owner: str | None,
    concepts: dict[str, _Node],
    topics: dict[str, _Node],
    rows: Rows,
    draft: Draft,
    tell: Tell | None,
) -> None:
    told = {id: node for id, node in concepts.items() if _is_due(outline, node, tell)}
    titles = _titles(outline, told, rows, tell, Level.CONCEPT)
    said: dict[str, str] = {}
    for id, node in concepts.items():
        _write(outline, owner, node, Level.CONCEPT, titles.get(id), draft)
        for one, kind, other, sure in titles[id].related if id in titles else ():
            relate(*_two(outline, node.members[one], node.members[other]), kind, sure, draft)
        said[id] = titles[id].name if id in titles else str(node.old.key if node.old else "")
    changed = {node.parent for id, node in concepts.items() if id in told or _moved(node)}
    due = {id: node for id, node in topics.items() if id in changed or _is_due(outline, node, tell)}
    names: dict[str | None, list[str]] = {}
    for c, concept in concepts.items():
        names.setdefault(concept.parent, []).append(said[c])
    for id, node in topics.items():
        node.names = names.get(id, [])
    titles = _titles(outline, due, rows, tell, Level.TOPIC)
    for id, node in topics.items():
        _write(outline, owner, node, Level.TOPIC, titles.get(id), draft)


def _two(outline: Outline, one: str, other: str) -> tuple[MemoryItem, MemoryItem]:
    return outline.facts[one], outline.facts[other]


def _moved(node: _Node) -> bool:
    return node.old is None or node.old.parent != node.parent


def _is_due(outline: Outline, node: _Node, tell: Tell | None) -> bool:
    """Whether a node has to be told: new, stale, grown, its evidence gone or changed, or never told
    by the language model that there is now."""
    old = node.old
    if old is None or old.stale:
        return True
    if old.verb not in OWN_VERBS or old.pinned:
        return False
    told_from = int(old.info.get("size", 0))
    if abs(len(node.members) - told_from) > max(2.0, GROWTH * told_from):
        return True
    evidence = (r.target for r in old.relations if r.kind == RelationKind.EVIDENCE)
    if any(id not in outline.facts or _changed(outline, id, old) for id in evidence):
        return True
    return tell is not None and old.info.get("by") == "terms"


def _titles(
    outline: Outline, nodes: dict[str, _Node], rows: Rows, tell: Tell | None, level: Level
) -> dict[str, Title]:
    if not nodes:
        return {}
    used = {id for node in nodes.values() for id in node.members}
    others = [id for id in outline.facts if id not in used]
    step = max(1, len(others) // BACKGROUND)
    facts = outline.facts
    words = [words_of(facts.texts(node.members)) for node in nodes.values()]
    terms = title_terms(words, words_of(facts.texts(others[::step])))
    untold = []
    for node, found in zip(nodes.values(), terms, strict=True):
        texts = tuple(facts.texts(node.members)) if level is Level.CONCEPT and tell else tuple(node.names)
        untold.append(Untold(level, _title(outline, node, found, rows, level), texts))
    told = tell(untold) if tell else [None] * len(untold)
    return {id: better or one.plain for id, one, better in zip(nodes, untold, told, strict=True)}


def _title(outline: Outline, node: _Node, terms: Sequence[str], rows: Rows, level: Level) -> Title:
    vectors = rows.of(node.members)
    middle = unit(vectors.mean(axis=0)[None])[0]
    best = central(vectors)
    node.evidence = [(node.members[place], float(vectors[place] @ middle)) for place in best]
    quoted = [outline.facts.text(id) for id, _ in node.evidence]
    summary = summary_of(quoted) if level is Level.CONCEPT else " · ".join(node.names)
    return Title(name_of(terms), summary, tuple(term.lower() for term in terms))  # tags are small


def _write(
    outline: Outline, owner: str | None, node: _Node, level: Level, title: Title | None, draft: Draft
) -> None:
    """The node's next version, if it says anything else than the one that is there."""
    holds = [
        Relation(kind=RelationKind.HOLDS, target=i)
        for i in (sorted(node.members) if level is Level.CONCEPT and outline.facts.turns else ())
        if outline.facts.is_turn(i)
    ]
    old = node.old
    if title is None and old is not None:
        rest = [r for r in old.relations if r.kind != RelationKind.HOLDS]
        fields: dict[str, object] = {"parent": node.parent, "relations": (*holds, *rest)}
    else:
        assert title is not None
        evidence = [
            Relation(kind=RelationKind.EVIDENCE, target=i, weight=round(w, 4)) for i, w in node.evidence
        ]
        fields = {**_words(title), "parent": node.parent, "relations": (*holds, *evidence)}
        fields["info"] = {"size": len(node.members), "by": title.by}
    fields["visibility"] = _visibility(outline, node.members)
    node_members = tuple(node.members)
    if old is None:
        fields |= {"level": level, "origin": Origin.SUMMARY, "user_id": owner, "id": node.id}
        item = MemoryItem(**fields)  # type: ignore[arg-type]
        draft.fresh.append(item)
        draft.members[item.id] = node_members
        draft.count(f"new {level}s")
        draft.steps.append(
            Step(action="add", what=str(level), id=item.id, text=f"{item.key} ({len(node_members)})")
        )
        return
    draft.edit(old, **fields)
    if old.id in draft.edits:
        draft.members[old.id] = node_members
        draft.count(f"changed {level}s")
        key = str(fields.get("key", old.key))
        draft.steps.append(
            Step(
                action="change",
                what=str(level),
                id=old.id,
                text=f"{key} ({len(node_members)})",
                before=str(old.key) if key != old.key else "",
            )
        )


def _words(title: Title) -> dict[str, object]:
    text = f"{title.name}: {title.summary}"
    return {
        "memory": text,
        "key": title.name,
        "tags": title.tags,
        "content_hash": content_hash(text),
        "language": language_of(text),
        "confidence": title.confidence,
        "stale": False,
    }


def _visibility(outline: Outline, members: Iterable[str]) -> Visibility:
    """As wide as the narrowest of its memories: a summary must not tell what they would not."""
    public = all(outline.facts.is_public(i) for i in members)
    return Visibility.PUBLIC if public else Visibility.PRIVATE


def _file(outline: Outline, concepts: dict[str, _Node], draft: Draft) -> None:
    """Notes name the concept above them; turns are named by it, and what is in none names none."""
    above = {id: node.id for node in concepts.values() for id in node.members}
    filed = 0
    due: list[str] = []
    for id, parent in zip(outline.facts, outline.facts.column("parent"), strict=True):
        theirs = parent in outline.facts  # below another memory: somebody's own order
        if parent != above.get(id) and not theirs and not outline.facts.is_turn(id):
            due.append(id)
        filed += outline.above.get(id) != above.get(id)
    for start in range(0, len(due), BLOCK):
        for id, item in outline.facts.made(due[start : start + BLOCK]).items():
            if draft.current(item).status is not Status.ARCHIVED:
                draft.edit(item, parent=above.get(id))
    if filed:
        draft.count("moved", filed)
        draft.steps.append(Step(action="place", what="memories", text=str(filed)))


def _archive_empty(outline: Outline, kept: dict[str, _Node], draft: Draft) -> None:
    for id, node in outline.nodes.items():
        if id not in kept:
            draft.edit(node, status=Status.ARCHIVED)
            draft.count("archived")
            draft.steps.append(Step(action="archive", what=str(node.level), id=id, text=str(node.key)))
