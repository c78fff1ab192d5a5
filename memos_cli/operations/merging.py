"""Pairs of memories: which say the same, and what follows from it.

Owns: which pairs are looked at, when two memories may become one, and how (the older one stays and
takes the other's sources; the other is archived and says where it went). Does not own: judging
what a pair's words mean beyond being the same (a `Judge` that is handed in).

A turn of a conversation is never merged: it is what was said. Nor is a piece of a document, whose
place among the others matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from memos_cli.operations.outline import Outline
from memos_cli.operations.plan import Draft, Step
from memos_cli.organize.neighbours import Neighbours, nearest, weighed
from memos_cli.schema import MemoryItem, Relation, RelationKind, Status
from memos_cli.stores.claims import owner_of
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import content_hash, same
from memos_cli.stores.verdicts import by_rule

NEAR = 0.7
"""Cosine from which on a pair is looked at."""
LOOKED_AT = 6
"""Neighbours of a memory that are looked at."""
BLOCK = 2_000
"""Pairs whose memories are made at once."""

Verdict = tuple[RelationKind, float]
"""What the newer memory is to the older one, and how sure that is, 0 to 1."""
Judge = Callable[[MemoryItem, MemoryItem], Verdict | None]
"""Of (older, newer); None: nothing that could be told."""


def certain(older: MemoryItem, newer: MemoryItem) -> Verdict | None:
    """What words alone tell for certain: two memories that say the same in the same words. A number,
    a name, a date, a negation or any other word that differs keeps them apart (`stores/nearness`)."""
    return (RelationKind.DUPLICATE, 1.0) if same(older.memory, newer.memory) else None


def ruled(older: MemoryItem, newer: MemoryItem) -> Verdict | None:
    """What the rules for added memories make of a pair (`stores/verdicts`), as far as they are sure.

    Here nobody stands by: only what says that something is over or has changed archives the older
    memory; two that deny each other both stay, and the newer one says so.
    """
    if owner_of(older) != owner_of(newer):
        return None
    found = by_rule(older.memory, newer.memory)
    if not found.sure or (_document(older) != _document(newer) and not found.verbatim):
        return None
    kind = found.relation.kind
    owned = older.external_id is not None or newer.external_id is not None
    return None if kind is RelationKind.SUPERSEDES and owned else (kind, _SURE[kind])


_SURE = {
    RelationKind.DUPLICATE: 1.0,
    RelationKind.SUPERSEDES: 0.9,
    RelationKind.CONTRADICTS: 0.9,
    RelationKind.COMPLEMENTS: 0.8,
}


def _document(item: MemoryItem) -> str | None:
    return next((s.path or s.url for s in item.sources if s.path or s.url), None)


def resolve(
    outline: Outline,
    ids: Sequence[str],
    rows: np.ndarray,
    fresh: Sequence[int],
    draft: Draft,
    judge: Judge = ruled,
    found: Neighbours | None = None,
) -> set[str]:
    """Judge the pairs that something new is part of, and note what follows. Returns the ids that go.

    `rows` are unit vectors of the memories `ids`, `fresh` the places of those that are new, ascending;
    `found` their neighbours, where they are known.
    """
    gone: set[str] = set()
    for a, b, first, second in _made(outline, _pairs(outline, ids, rows, fresh, found)):
        older, newer = sorted((first, second), key=lambda i: (i.time, i.id))
        if a in gone or b in gone or (verdict := judge(older, newer)) is None:
            continue
        kind, sure = verdict
        if kind is RelationKind.DUPLICATE:
            if mergeable(older, newer):
                kept, dropped = (newer, older) if newer.pinned and not older.pinned else (older, newer)
                _merge(kept, dropped, draft)
                gone.add(dropped.id)
        elif kind is RelationKind.SUPERSEDES:
            if not older.pinned:
                relate(newer, older, kind, sure, draft)
                draft.edit(older, status=Status.ARCHIVED, valid_to=newer.valid_from or newer.said_at)
                draft.count("superseded")
                draft.steps.append(Step(action="archive", what="memory", id=older.id, text=older.memory))
                gone.add(older.id)
        else:
            relate(newer, older, kind, sure, draft)
    return gone


def _made(
    outline: Outline, pairs: Iterator[tuple[str, str]]
) -> Iterator[tuple[str, str, MemoryItem, MemoryItem]]:
    """Pairs with their memories, which are made for many pairs at once."""
    while block := list(islice(pairs, BLOCK)):
        items = outline.facts.made(id for pair in block for id in pair)
        for a, b in block:
            yield a, b, items[a], items[b]


def _pairs(
    outline: Outline, ids: Sequence[str], rows: np.ndarray, fresh: Sequence[int], found: Neighbours | None
) -> Iterator[tuple[str, str]]:
    """Pairs of notes, each once: equal after normalising, or near each other."""
    notes = [place for place, id in enumerate(ids) if not outline.facts.is_turn(id)]
    at = {place: row for row, place in enumerate(notes)}
    new = [place for place in fresh if place in at]
    if not new:
        return
    seen: set[tuple[str, str]] = set()
    for a, b in chain(_equal(outline, ids, notes, set(new)), _near(ids, rows, notes, new, at, found)):
        pair = (min(a, b), max(a, b))
        if pair not in seen:
            seen.add(pair)
            yield pair


def _equal(
    outline: Outline, ids: Sequence[str], notes: Sequence[int], new: set[int]
) -> Iterator[tuple[str, str]]:
    hashes = dict(zip(outline.facts, outline.facts.column("content_hash"), strict=True))
    first: dict[str, int] = {}
    for place in notes:
        key = hashes[ids[place]] or content_hash(outline.facts.text(ids[place]))
        if key not in first:
            first[key] = place
        elif place in new or first[key] in new:
            yield ids[first[key]], ids[place]


def _near(
    ids: Sequence[str],
    rows: np.ndarray,
    notes: Sequence[int],
    new: Sequence[int],
    at: dict[int, int],
    found: Neighbours | None,
) -> Iterator[tuple[str, str]]:
    if found is None:
        among = rows if len(notes) == len(rows) else rows[list(notes)]
        found = nearest(rows[list(new)], among, LOOKED_AT, own=np.array([at[p] for p in new]))
    else:
        found = weighed(rows, np.array(new), found.places[:, :LOOKED_AT])
    for place, column in np.argwhere(found.weights >= NEAR).tolist():
        yield ids[new[place]], ids[notes[int(found.places[place, column])]]


def mergeable(a: MemoryItem, b: MemoryItem) -> bool:
    """Whether two memories that say the same may become one: of the same owner, kind, place and time."""
    if is_turn(a) or is_turn(b) or a.position is not None or b.position is not None:
        return False
    if a.external_id and b.external_id:
        return False  # two things elsewhere, each of which will be looked for here again
    mine, theirs = ((i.user_id, i.agent_id, i.kind, i.visibility, i.level, i.session_id) for i in (a, b))
    times = [(i.event_start, i.event_end, i.valid_to) for i in (a, b)]
    return mine == theirs and times[0] == times[1] and not (a.pinned and b.pinned)


def _merge(kept: MemoryItem, dropped: MemoryItem, draft: Draft) -> None:
    now = draft.current(kept)
    draft.edit(
        kept,
        sources=tuple(dict.fromkeys((*now.sources, *dropped.sources))),
        tags=tuple(dict.fromkeys((*now.tags, *dropped.tags))),
        relations=with_relation(now, Relation(kind=RelationKind.MERGED_FROM, target=dropped.id)),
    )
    draft.edit(
        dropped,
        status=Status.ARCHIVED,
        relations=with_relation(
            draft.current(dropped), Relation(kind=RelationKind.MERGED_TO, target=kept.id)
        ),
    )
    draft.count("merged")
    draft.steps.append(
        Step(action="merge", what="memory", id=kept.id, text=kept.memory, before=dropped.memory)
    )


def relate(newer: MemoryItem, older: MemoryItem, kind: RelationKind, sure: float, draft: Draft) -> None:
    """The newer one says what it is to the older one; turns stay as they were said."""
    known = any((r.kind, r.target) == (kind, older.id) for r in draft.current(newer).relations)
    if is_turn(newer) or known:
        return
    relation = Relation(kind=kind, target=older.id, weight=round(sure, 3))
    draft.edit(newer, relations=with_relation(draft.current(newer), relation))
    draft.count("related")
    draft.steps.append(Step(action="relate", what=kind, id=newer.id, text=newer.memory, before=older.memory))


def with_relation(item: MemoryItem, relation: Relation) -> tuple[Relation, ...]:
    """Its relations and this one; another of the same kind to the same memory goes."""
    kept = (r for r in item.relations if (r.kind, r.target) != (relation.kind, relation.target))
    return (*kept, relation)
