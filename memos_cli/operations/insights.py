"""What becomes of an insight when a memory that it rests on changes.

Owns: the insights of a cube, which of them rest on a memory, and that they go when their evidence is
gone. Does not own: drawing insights (`reflect`), the changes themselves (`edit`, `add`, `reorganize`).

An insight is a conclusion, so it rests on two memories at least. One of them that is archived, purged
or says something else now is evidence no more: the insight lets go of it and is marked stale, and with
fewer than two left it goes into the archive with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from memos_cli.operations.versions import Edited, next_version
from memos_cli.schema import Filters, Kind, MemoryItem, Origin, Relation, RelationKind, Status

if TYPE_CHECKING:
    from memos_cli.operations.plan import Draft
    from memos_cli.session import Session

FEWEST = 2
"""Memories that an insight rests on at least."""
IN_USE = (Status.ACTIVATED, Status.RESOLVING)
_EVERY = (1 << 31) - 1
_CHAIN = 32
"""Merges that are followed from one memory to the next."""


def insights(session: Session, statuses: tuple[Status, ...] = (*IN_USE, Status.ARCHIVED)) -> list[MemoryItem]:
    """The current insights that were drawn from memories, the oldest first."""
    view = session.cube.view(vectors=False)
    filters = Filters(kinds=(Kind.INSIGHT,), statuses=statuses)
    found: dict[str, MemoryItem] = {}
    for place, shard in enumerate(view.keywords):
        stale = view.hidden if place == 0 and not view.whole else frozenset()
        ordinals = [o for o in shard.filter_only(filters, _EVERY) if o not in stale]
        items = shard.items(ordinals) if ordinals else {}
        found |= {item.id: item for _, item in sorted(items.items()) if item.id not in view.gone}
    return [item for item in found.values() if item.known_to is None and is_insight(item)]


def is_insight(item: MemoryItem) -> bool:
    """Whether it rests on evidence, as against a memory that somebody only gave that kind."""
    return item.kind is Kind.INSIGHT and item.origin is Origin.INFERRED and bool(evidence_of(item))


def evidence_of(item: MemoryItem) -> tuple[str, ...]:
    """Ids of the memories that an insight rests on."""
    return tuple(edge.target for edge in item.relations if edge.kind == RelationKind.EVIDENCE)


def losing(session: Session, gone: Collection[str]) -> list[Edited]:
    """What happens to insights when these memories are evidence no more."""
    if not gone:
        return []
    found = ((one, _left(one, gone)) for one in insights(session, IN_USE) if one.id not in gone)
    return [(one, _next(one, left), None) for one, left in found if left != evidence_of(one)]


def regaining(session: Session, back: Collection[str], changes: Collection[str]) -> list[Edited]:
    """Insights that come back with their evidence: those that one of `changes` archived with it."""
    if not back:
        return []
    archived = (one for one in insights(session, (Status.ARCHIVED,)) if one.id not in back)
    return [
        (one, next_version(one, status=Status.ACTIVATED), None)
        for one in archived
        if one.change in changes and not set(back).isdisjoint(evidence_of(one))
    ]


def purging(session: Session, gone: Collection[str]) -> tuple[list[MemoryItem], list[Edited]]:
    """Insights that go for good with these memories, and those that stay and rest on others; archived
    and undone ones too, since they say what the memories said."""
    away: list[MemoryItem] = []
    stay: list[Edited] = []
    for one in insights(session, (*IN_USE, Status.ARCHIVED, Status.DELETED)):
        left = _left(one, gone)
        if one.id in gone or left == evidence_of(one):
            continue
        if len(left) < FEWEST:
            away.append(one)
        else:
            stay.append((one, _next(one, left), None))
    return away, stay


def follow(session: Session, draft: Draft) -> None:
    """Add to `draft` what becomes of insights whose evidence it archives or merges, or that lost it in a
    way that took no notice of them."""
    from memos_cli.operations.plan import Step

    found = insights(session, IN_USE)
    if not found:
        return
    there = _Lookup(session, draft)
    for one in found:
        heirs = (there.heir(id) for id in evidence_of(one))
        left = tuple(dict.fromkeys(id for id in heirs if id is not None))
        if left == evidence_of(one):
            continue
        after = _next(one, left)
        draft.edit(one, status=after.status, relations=after.relations, stale=after.stale)
        if after.status is Status.ARCHIVED:
            draft.count("insights without evidence")
            draft.steps.append(Step(action="archive", what="insight", id=one.id, text=one.memory))


def is_founded(session: Session, one: MemoryItem) -> bool:
    """Whether all that it rests on is there."""
    there = _Lookup(session)
    return all(there.heir(id) == id for id in evidence_of(one))


class _Lookup:
    """Memories as they are, or as a draft leaves them."""

    def __init__(self, session: Session, draft: Draft | None = None) -> None:
        self._view = session.cube.view(vectors=False)
        self._draft = draft

    def heir(self, id: str) -> str | None:
        """The memory that stands for `id`: itself, or what it was merged into; None when it is gone."""
        for _ in range(_CHAIN):
            item = self._item(id)
            if item is None or item.status in IN_USE:
                return None if item is None else id
            merged = next(
                (edge.target for edge in item.relations if edge.kind == RelationKind.MERGED_TO), None
            )
            if merged is None:
                return None
            id = merged
        return None

    def _item(self, id: str) -> MemoryItem | None:
        if id in self._view.gone:
            return None
        for shard in reversed(self._view.keywords):
            if found := shard.current([id]).get(id):
                return self._draft.current(found[1]) if self._draft else found[1]
        return None


def _left(one: MemoryItem, gone: Collection[str]) -> tuple[str, ...]:
    return tuple(id for id in evidence_of(one) if id not in gone)


def _next(one: MemoryItem, left: Sequence[str]) -> MemoryItem:
    """The insight resting on `left` alone, or archived with all it rested on, so that it can come back."""
    if len(left) < FEWEST:
        return next_version(one, status=Status.ARCHIVED)
    weights = {edge.target: edge.weight for edge in one.relations if edge.kind == RelationKind.EVIDENCE}
    others = (edge for edge in one.relations if edge.kind != RelationKind.EVIDENCE)
    edges = (Relation(kind=RelationKind.EVIDENCE, target=id, weight=weights.get(id, 1.0)) for id in left)
    fewer = len(left) < len(evidence_of(one))
    return next_version(one, relations=(*others, *edges), stale=one.stale or fewer)
