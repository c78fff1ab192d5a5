"""What becomes of refined facts, learned preferences and insights when a memory they rest on changes.

Owns: which facts and preferences follow their memory into the archive, out of it, or away. Does not own:
insights (`insights`, asked here so that whoever changes a memory asks once), drawing facts (`refine`),
learning preferences (`preferences`), nor the changes themselves (`edit`, `add`). Everything here runs
under the lock.

A fact rests on one memory or on several. Where the only one goes, the fact goes with it; where one of
several goes, it rests on the others. A preference stays as long as any memory that tells of it is in use;
where one is purged it goes as well, because it has that memory's words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.operations import insights
from memos_cli.operations.browse import EVERYTHING
from memos_cli.operations.nodes import nodes_telling
from memos_cli.operations.versions import Edited, next_version
from memos_cli.schema import Filters, Kind, MemoryItem, RelationKind, Status
from memos_cli.stores.facts import LEARNED, evidence_of, is_learned
from memos_cli.stores.table import quoted

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
    """What is archived with the memories that go there: facts and preferences that rest on nothing else;
    and what happens to insights."""
    facts = [f for f in facts_of(session, going) if f.status in _IN_USE and f.id not in going]
    facts = [fact for fact in facts if _alone(fact, going)]
    lonely = learned_alone(session, going.keys() | {fact.id for fact in facts})
    away = (*facts, *lonely)
    edits: list[Edited] = [(old, next_version(old, status=Status.ARCHIVED), None) for old in away]
    return edits + insights.losing(session, {*going, *(old.id for old in away)})


def learned_alone(session: Session, gone: Collection[str]) -> list[MemoryItem]:
    """Learned preferences in use that no memory tells of but these."""
    learned = _learned_from(session, gone, _IN_USE)
    others = _current(session, {id for one in learned for id in evidence_of(one)} - set(gone))
    left = {id for id, item in others.items() if item.status in _IN_USE}
    return [one for one in learned if not evidence_of(one) & left]


def unarchived_with(session: Session, coming: Mapping[str, MemoryItem]) -> list[Edited]:
    """Facts, preferences and insights that come back with their memories: those that were archived by the
    same change as a memory that they rest on."""
    changes = {item.change for item in coming.values()}
    facts = (f for f in facts_of(session, coming) if f.status is Status.ARCHIVED and f.id not in coming)
    back = [fact for fact in facts if fact.change in changes]
    learned = _learned_from(session, coming.keys() | {fact.id for fact in back}, (Status.ARCHIVED,))
    told = _current(session, {id for one in learned for id in evidence_of(one)})
    back += [
        one for one in learned if any(told[i].change == one.change for i in evidence_of(one) if i in told)
    ]
    edits: list[Edited] = [(old, next_version(old, status=Status.ACTIVATED), None) for old in back]
    return edits + insights.regaining(session, {*coming, *(old.id for old in back)}, changes)


def _learned_from(session: Session, ids: Collection[str], statuses: tuple[Status, ...]) -> list[MemoryItem]:
    """Learned preferences, not among `ids`, that any of these memories tells of."""
    keywords = session.cube.keywords
    if not ids or not keywords.holds(LEARNED):
        return []
    found = keywords.items(keywords.filter_only(Filters(learned=True, statuses=statuses), EVERYTHING))
    return [one for one in found.values() if evidence_of(one) & set(ids) and one.id not in ids]


def _current(session: Session, ids: Collection[str]) -> dict[str, MemoryItem]:
    return {id: item for id, (_, item) in session.cube.keywords.current(list(ids)).items()} if ids else {}


def reworded(session: Session, new_from: Mapping[str, datetime]) -> list[Edited]:
    """What happens to the facts of memories that get another text, true from then on: they are facts of
    the old one. Those that rest on it alone are archived, their validity closed. Insights lose it too."""
    edits: list[Edited] = []
    for fact in facts_of(session, new_from):
        if fact.status not in _IN_USE:
            continue
        if _alone(fact, new_from):
            end = max(new_from[id] for id in fact.rests_on)
            edits.append((fact, next_version(fact, status=Status.ARCHIVED), valid_end(fact, end)))
        else:
            edits.append((fact, _without(fact, new_from), None))
    archived = (new.id for _, new, _ in edits if new.status is Status.ARCHIVED)
    return edits + insights.losing(session, {*new_from, *archived})


def purged_with(session: Session, going: Mapping[str, MemoryItem]) -> tuple[list[MemoryItem], list[Edited]]:
    """What goes for good with the memories, and facts and insights that stay and rest on others from now on.

    A preference goes even if others tell of it: it may have the words of one that goes, in this version or
    in an older one. So do topics and concepts that have them.
    """
    facts = [fact for fact in facts_of(session, going) if fact.id not in going]
    gone = [fact for fact in facts if _alone(fact, going)]
    ids = going.keys() | {fact.id for fact in gone}
    versions = session.cube.table.items(f"kind = {quoted([Kind.PREFERENCE])}")
    learned = {one.id for one in versions if is_learned(one) and evidence_of(one) & ids} - ids
    gone += {one.id: one for one in versions if one.id in learned}.values()
    gone += nodes_telling(session, {*going, *(one.id for one in gone)})
    stay: list[Edited] = [(f, _without(f, going), None) for f in facts if not _alone(f, going)]
    away, others = insights.purging(session, {*going, *(one.id for one in gone)})
    return gone + away, stay + others


def _alone(fact: MemoryItem, ids: Mapping[str, object]) -> bool:
    return all(id in ids for id in fact.rests_on)


def _without(fact: MemoryItem, ids: Mapping[str, object]) -> MemoryItem:
    left = [id for id in fact.rests_on if id not in ids]
    relations = tuple(r for r in fact.relations if r.kind != RelationKind.REFINES or r.target in left)
    return next_version(fact, refines=left[0], relations=relations)
