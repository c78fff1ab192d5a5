"""What becomes of refined facts when the memory they were drawn from changes.

Owns: which facts follow their memory into the archive, out of it, or away. Does not own: drawing
facts (`refine`), nor the changes themselves (`edit`, `add`). Everything here runs under the lock.

A fact rests on one memory or on several. Where the only one goes, the fact goes with it; where one of
several goes, it rests on the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.operations.versions import Edited, next_version
from memos_cli.schema import REFINES, MemoryItem, Status

if TYPE_CHECKING:
    from memos_cli.session import Session

_IN_USE = (Status.ACTIVATED, Status.RESOLVING)


def facts_of(session: Session, ids: Collection[str]) -> list[MemoryItem]:
    """The facts that rest on any of these memories, archived ones too."""
    found: dict[str, MemoryItem] = {}
    if not ids:
        return []
    view = session.cube.view(vectors=False)
    wanted = list(ids)
    for keywords in view.keywords:
        found.update({item.id: item for item in keywords.refined_from(wanted) if item.id not in view.gone})
    return list(found.values())


def archived_with(session: Session, going: Mapping[str, MemoryItem]) -> list[Edited]:
    """Facts that are archived with the memories that go there: those that rest on nothing else."""
    facts = (f for f in facts_of(session, going) if f.status in _IN_USE and f.id not in going)
    return [(f, next_version(f, status=Status.ARCHIVED), None) for f in facts if _alone(f, going)]


def unarchived_with(session: Session, coming: Mapping[str, MemoryItem]) -> list[Edited]:
    """Facts that come back with their memories: those that were archived by the same change."""
    changes = {item.change for item in coming.values()}
    facts = (f for f in facts_of(session, coming) if f.status is Status.ARCHIVED and f.id not in coming)
    return [(f, next_version(f, status=Status.ACTIVATED), None) for f in facts if f.change in changes]


def reworded(session: Session, new_from: Mapping[str, datetime]) -> list[Edited]:
    """What happens to the facts of memories that get another text, true from then on: they are facts of
    the old one. Those that rest on it alone are archived, their validity closed."""
    edits: list[Edited] = []
    for fact in facts_of(session, new_from):
        if fact.status not in _IN_USE:
            continue
        if _alone(fact, new_from):
            end = max(new_from[id] for id in fact.rests_on)
            edits.append((fact, next_version(fact, status=Status.ARCHIVED), valid_end(fact, end)))
        else:
            edits.append((fact, _without(fact, new_from), None))
    return edits


def purged_with(session: Session, going: Mapping[str, MemoryItem]) -> tuple[list[MemoryItem], list[Edited]]:
    """Facts that go for good with their memories, and those that stay and rest on others from now on."""
    facts = [fact for fact in facts_of(session, going) if fact.id not in going]
    gone = [fact for fact in facts if _alone(fact, going)]
    return gone, [(f, _without(f, going), None) for f in facts if not _alone(f, going)]


def _alone(fact: MemoryItem, ids: Mapping[str, object]) -> bool:
    return all(id in ids for id in fact.rests_on)


def _without(fact: MemoryItem, ids: Mapping[str, object]) -> MemoryItem:
    left = [id for id in fact.rests_on if id not in ids]
    relations = tuple(r for r in fact.relations if r.kind != REFINES or r.target in left)
    return next_version(fact, refines=left[0], relations=relations)
