"""What a batch of drafts comes to: what is new, an update, a successor, or there already.

Owns: what counts as known, updates by external id, what a judgement becomes in the cube, and how a
draft becomes a memory. Does not own: what makes two texts the same (`stores/nearness`), what a draft is
to what is there (`operations/judge`), embedding and writing (`operations/add`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.operations.edit import next_text, next_version
from memos_cli.operations.judge import Judge, Ruling, ended, true_from, until
from memos_cli.operations.refinable import refinable
from memos_cli.reader.annotate import READ, annotated, fields_told_by
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Change,
    Draft,
    Kind,
    MemoryItem,
    Reading,
    Refinement,
    Relation,
    Source,
    Status,
    Visibility,
    now,
)
from memos_cli.session import TextVectors
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import content_hash, same

if TYPE_CHECKING:
    from memos_cli.session import Session


NEAR_COSINE = 0.95
"""Texts that shingles call near-identical are the same only if their vectors agree as well."""


AHEAD = 20
"""Memories of the same batch on one matter that a draft is compared with: the last so many."""


_SHOWN = (Status.ACTIVATED, Status.RESOLVING)
_CORRECTS, _WITHDRAWS = ("update", "feedback"), ("feedback",)
"""Verbs of changes by which somebody says that words were wrong, and that they shall go."""


@dataclass
class Update:
    """A version that ends, and the one after it; `old` may be of the same batch."""

    old: MemoryItem
    new: MemoryItem
    relation: str = "update"
    reason: str = "same id, other text"


@dataclass
class Plan:
    """What a batch comes to."""

    change: Change
    """The change to be, still empty: its id, verb, actor and time stand in every new version."""
    new: list[MemoryItem] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    linked: list[tuple[MemoryItem, Ruling]] = field(default_factory=list)
    """New memories that have to do with one that is there."""
    replaced: dict[str, MemoryItem] = field(default_factory=dict)
    """By id: the version that a judgement of this batch opened."""
    said: dict[str, list[str]] = field(default_factory=dict)
    """By term (`stores/claims`): ids of memories of this batch, which no index knows yet."""
    known: list[tuple[MemoryItem, Draft, str]] = field(default_factory=list)
    links: dict[str, tuple[MemoryItem, MemoryItem]] = field(default_factory=dict)
    """Memories that got a further source: id → (current version, next version)."""
    sources: dict[str, set[Source]] = field(default_factory=dict)
    """By id: where a memory came from; a file that repeats itself gives one thousands of sources."""

    reading: Reading = Reading.FAST

    next_places: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    """By user and session: the place of the next turn that comes without one."""
    _places: dict[str, int] = field(default_factory=dict)
    """By id: the places in `new`, as far as anybody has asked; nothing there is ever moved."""

    def of_batch(self, id: str) -> MemoryItem:
        """The newest version of a memory that this batch made or judged."""
        if (version := self.replaced.get(id)) is not None:
            return version
        place = self.place(id)
        assert place is not None
        return self.new[place]

    def latest(self, item: MemoryItem) -> MemoryItem:
        """The version of a memory that this batch leaves."""
        if (version := self.replaced.get(item.id)) is not None:
            return version
        if (linked := self.links.get(item.id)) is not None:
            return linked[1]
        place = self.place(item.id) if item.change == self.change.id else None
        return item if place is None else self.new[place]

    def edited(self) -> list[str]:
        """Ids of memories in the cube that get another version."""
        return [*(update.old.id for update in self.updates), *self.links]

    def place(self, id: str) -> int | None:
        """Where in `new` a memory stands: by id, since it is another object once it has been linked to."""
        for place in range(len(self._places), len(self.new)):
            self._places[self.new[place].id] = place
        return self._places.get(id)


def plan_of(
    session: Session,
    drafts: Sequence[Draft],
    vectors: TextVectors,
    allow_duplicates: bool,
    change: Change,
    judge: Judge,
    reading: Reading,
) -> Plan:
    plan = Plan(change, reading=reading)
    keywords = session.cube.view(vectors=False).keywords[-1]
    hashes = [content_hash(d.memory) for d in drafts]
    there: dict[str, list[MemoryItem]] = {}
    pending: dict[str, MemoryItem] = {}
    if not allow_duplicates:
        for item in keywords.with_hash(list(dict.fromkeys(hashes))):
            there.setdefault(item.content_hash, []).append(item)
    corrected = {} if allow_duplicates else _corrected(session, drafts, hashes, there)
    near = _near(session, drafts, hashes, there, allow_duplicates)
    time = change.time
    judge.look(drafts, (i for i, d in enumerate(drafts) if _stands(there.get(hashes[i], ()), d, time)))
    told = _told_by([None if hashes[i] in there else d for i, d in enumerate(drafts)], change.time)
    for place, (draft, digest) in enumerate(zip(drafts, hashes, strict=True)):
        if draft.external_id and _by_external(session, plan, draft, digest, pending):
            continue
        if (right := corrected.get(place)) is not None:
            plan.known.append(
                (right, draft, "corrected since" if right.status in _SHOWN else "withdrawn since")
            )
            continue
        match = (
            None
            if allow_duplicates
            else _match(session, plan, draft, there.get(digest, ()), near[place], vectors)
        )
        if match is not None:
            _link(plan, match[0], draft, match[1])
        elif (made := _judged(session, plan, judge, place, digest, draft, told[place])) is not None:
            there.setdefault(digest, []).append(made)
            if draft.external_id:
                pending[draft.external_id] = made
    return plan


def _told_by(drafts: Sequence[Draft | None], now: datetime) -> list[dict[str, Any] | None]:
    """What the texts tell beside their words; None where a draft is None, and mostly known."""
    fresh = [draft for draft in drafts if draft is not None]
    languages = [draft.language or language_of(draft.memory) for draft in fresh]
    fields = fields_told_by(fresh, now)
    told = ({**said, "language": language} for said, language in zip(fields, languages, strict=True))
    return [None if draft is None else next(told) for draft in drafts]


def _stands(equals: Sequence[MemoryItem], draft: Draft, time: datetime) -> bool:
    """Whether a memory with a draft's own words may hold still, so that the draft needs no judging."""
    return not is_turn(draft) and any(not ended(item, draft, time) for item in equals)


def _judged(
    session: Session,
    plan: Plan,
    judge: Judge,
    place: int,
    digest: str,
    draft: Draft,
    told: dict[str, Any] | None,
) -> MemoryItem | None:
    """Store a draft as what it is to the memories that are there; None: it is known."""
    ahead = [id for term in judge.sought(place) for id in plan.said.get(term, ())[-AHEAD:]]
    there = (*map(plan.latest, judge.candidates(place)), *map(plan.of_batch, dict.fromkeys(ahead)))
    items = {item.id: item for item in there}
    ruling = judge.ruling(place, draft, items.values(), plan.latest, plan.change.time)
    if ruling is not None and ruling.merges:
        _link(plan, ruling.item, draft, ruling.reason)
        return None
    item = _item(_in_place(session, plan, draft), digest, plan.change, _waits(plan, draft), told)
    if ruling is None:
        plan.new.append(item)
    elif ruling.closes:
        item = _successor(ruling.item, item, true_from(item, plan.change.time))
        if ruling.ends_with is not None:
            item = until(item, ruling.ends_with)
        plan.updates.append(Update(ruling.item, item, ruling.relation, ruling.reason))
        plan.replaced[item.id] = item
    else:
        item = item.but(relations=(*item.relations, Relation(kind=ruling.kind, target=ruling.item.id)))
        if ruling.earlier:
            item = until(item, ruling.item)
        plan.new.append(item)
        plan.linked.append((item, ruling))
    for term in judge.terms(item):
        plan.said.setdefault(term, []).append(item.id)
    return item


def _successor(old: MemoryItem, item: MemoryItem, since: datetime) -> MemoryItem:
    """What came, as the next version of the memory that it replaces; what was set by hand stays."""
    said_at = item.said_at or (item.known_from if old.said_at else None)
    return item.but(
        id=old.id,
        version=old.version + 1,
        predecessor=old.row,
        created_at=old.created_at,
        said_at=said_at,
        valid_from=since,
        tags=tuple(dict.fromkeys((*old.tags, *item.tags))),
        key=item.key or old.key,
        info={name: value for name, value in old.info.items() if name != READ} | item.info,
        relations=(*old.relations, *item.relations),
        parent=item.parent or old.parent,
        pinned=old.pinned,
        refinement=item.refinement if old.refinement is Refinement.NONE else Refinement.QUEUED,
    )


def _in_place(session: Session, plan: Plan, draft: Draft) -> Draft:
    """A turn that comes without its place in the session follows the last one that is there."""
    if not is_turn(draft) or draft.position is not None or draft.session_id is None:
        return draft
    talk = (draft.user_id, draft.session_id)
    if talk not in plan.next_places:
        keywords = session.cube.view(vectors=False).keywords[-1]
        plan.next_places[talk] = keywords.next_position(draft.session_id, draft.user_id)
    plan.next_places[talk] += 1
    return draft.but(position=plan.next_places[talk] - 1)


def _near(
    session: Session,
    drafts: Sequence[Draft],
    hashes: Sequence[str],
    there: dict[str, list[MemoryItem]],
    allow_duplicates: bool,
) -> list[list[MemoryItem]]:
    """Candidates for near-duplicates of each draft; turns of a conversation and exact matches have none."""
    if allow_duplicates:
        return [[] for _ in drafts]
    asked = [i for i, d in enumerate(drafts) if not is_turn(d) and hashes[i] not in there]
    keywords = session.cube.view(vectors=False).keywords[-1]
    found = keywords.near_many([drafts[i].memory for i in asked])
    by_place = dict(zip(asked, found, strict=True))
    return [by_place.get(i, []) for i in range(len(drafts))]


def _corrected(
    session: Session, drafts: Sequence[Draft], hashes: Sequence[str], there: dict[str, list[MemoryItem]]
) -> dict[int, MemoryItem]:
    """By place, of a piece of a file whose words somebody has corrected or withdrawn: the memory as it is
    now. Who adds the file again does not take that back."""
    asked = [i for i, draft in enumerate(drafts) if _paths(draft) and not is_turn(draft)]
    asked = [i for i in asked if not any(item.status in _SHOWN for item in there.get(hashes[i], ()))]
    if not asked:
        return {}
    keywords = session.cube.view(vectors=False).keywords[-1]
    former: dict[str, list[MemoryItem]] = {}
    for item in keywords.formerly([hashes[i] for i in asked]):
        former.setdefault(item.content_hash, []).append(item)
    found: dict[int, MemoryItem] = {}
    for i in asked:
        for item in (*there.get(hashes[i], ()), *former.get(hashes[i], ())):
            if _same_owner(item, drafts[i]) and _paths(item) & _paths(drafts[i]):
                *_, current = versions = keywords.versions(item.id)
                after = current if item.known_to is None else _after(item, versions)
                if after.verb in (_CORRECTS if current.status in _SHOWN else _WITHDRAWS):
                    found[i] = current
    return found


def _after(item: MemoryItem, versions: Sequence[MemoryItem]) -> MemoryItem:
    """The version that followed one, itself where none names it."""
    return next((version for version in versions if version.predecessor == item.row), item)


def _paths(of: Draft | MemoryItem) -> set[str]:
    return {source.path for source in of.sources if source.path}


def _match(
    session: Session,
    plan: Plan,
    draft: Draft,
    equals: Sequence[MemoryItem],
    near: Sequence[MemoryItem],
    vectors: TextVectors,
) -> tuple[MemoryItem, str] | None:
    """The memory that a draft is the same as, and why."""
    for item in equals:
        if plan.replaced.get(item.id, item).row != item.row:
            continue  # it said so until this batch
        if (
            item.status in _SHOWN
            and _same_owner(item, draft)
            and (_same_turn(item, draft) if is_turn(draft) else not ended(item, draft, plan.change.time))
        ):
            return item, "same turn" if is_turn(draft) else "same text"
    for item in near:
        if (
            item.id not in plan.replaced
            and item.status in _SHOWN
            and _same_owner(item, draft)
            and item.speaker == draft.speaker
            and not ended(item, draft, plan.change.time)
        ):
            reason = same(item.memory, draft.memory)
            if reason and _agree(session, item, draft, vectors):
                return item, reason
    return None


def _same_turn(item: MemoryItem, draft: Draft) -> bool:
    if (item.session_id, item.said_at, item.speaker) != (draft.session_id, draft.said_at, draft.speaker):
        return False
    # Without a time of saying only the place in the session tells two equal turns apart.
    # One that came without a place was given the next one.
    return draft.said_at is not None or draft.position in (None, item.position)


def _same_owner(item: MemoryItem, draft: Draft) -> bool:
    """Memories of one owner, kind and visibility: nothing leaks from one user or agent to another."""
    mine = (item.user_id, item.agent_id, item.kind, item.visibility, item.level)
    # What was drawn from words never stands for words that come.
    return item.refines is None and mine == (
        draft.user_id,
        draft.agent_id,
        draft.kind or Kind.LONG_TERM,
        draft.visibility or Visibility.PRIVATE,
        draft.level,
    )


def _agree(session: Session, item: MemoryItem, draft: Draft, vectors: TextVectors) -> bool:
    if not session.embeds:
        return True
    import numpy as np

    vectors.complete((item.memory, draft.memory))
    a, b = vectors[item.memory], vectors[draft.memory]
    return len(a) == len(b) and bool(np.min(np.sum(a * b, axis=1)) >= NEAR_COSINE)


def _by_external(
    session: Session, plan: Plan, draft: Draft, digest: str, pending: dict[str, MemoryItem]
) -> bool:
    """A draft with the caller's own id: known when its text is the same, else an update."""
    assert draft.external_id is not None
    if (ahead := pending.get(draft.external_id)) is not None:
        if ahead.content_hash == digest:
            plan.known.append((ahead, draft, "same id and text"))
        else:  # the same id twice in one batch: the later text stands
            place = plan.place(ahead.id)
            assert place is not None
            plan.sources.pop(ahead.id, None)
            plan.new[place] = pending[draft.external_id] = _item(
                draft, digest, plan.change, _waits(plan, draft)
            ).but(id=ahead.id)
        return True
    keywords = session.cube.view(vectors=False).keywords[-1]
    found = keywords.by_external(draft.external_id, draft.user_id)
    if found is None:
        return False
    old = found[1]
    if old.status in _SHOWN and old.content_hash == digest:
        _link(plan, old, draft, "same id and text")
        return True
    done = {update.old.id: place for place, update in enumerate(plan.updates)}
    new = _updated(old, draft)
    if _waits(plan, draft):
        new = new.but(refinement=Refinement.QUEUED)
    if old.id in done:
        plan.updates[done[old.id]] = Update(old, new)
    else:
        plan.updates.append(Update(old, new))
    return True


def _updated(old: MemoryItem, draft: Draft) -> MemoryItem:
    stated: dict[str, object] = {
        name: value
        for name in (
            "kind",
            "key",
            "tags",
            "speaker",
            "session_id",
            "agent_id",
            "sources",
            "info",
            "visibility",
        )
        if (value := getattr(draft, name))
    }
    told = annotated(
        draft.but(
            said_at=draft.said_at or old.said_at,
            speaker=draft.speaker or old.speaker,
            info=draft.info or old.info,
        ),
        now(),
    )
    read = {name: getattr(told, name) for name in ("event_start", "event_end", "event_precision", "info")}
    return next_text(old, draft.memory, draft.said_at).but(**stated | read, status=Status.ACTIVATED)


def _link(plan: Plan, item: MemoryItem, draft: Draft, reason: str) -> None:
    """Report a draft as known, and keep what came as a further source of the memory that is there."""
    plan.known.append((item, draft, reason))
    if (version := plan.replaced.get(item.id)) is not None:
        if fresh := _fresh_sources(plan, version, draft):
            update = next(u for u in plan.updates if u.new.row == version.row)
            update.new = plan.replaced[item.id] = version.but(sources=version.sources + fresh)
        return
    place = plan.place(item.id)
    if place is not None:
        if fresh := _fresh_sources(plan, plan.new[place], draft):
            sources = plan.new[place].sources + fresh
            plan.new[place] = plan.new[place].but(sources=sources)
        return
    old, newest = plan.links.get(item.id, (item, item))
    if fresh := _fresh_sources(plan, newest, draft):
        plan.links[item.id] = (old, next_version(old, sources=newest.sources + fresh))


def _fresh_sources(plan: Plan, item: MemoryItem, draft: Draft) -> tuple[Source, ...]:
    """Where a draft came from, as far as the memory that it is known as does not say so yet."""
    came = draft.sources or (Source(),)
    if draft.memory != item.memory:
        came = tuple(s.but(text=draft.memory) for s in came)
    if item.id not in plan.sources:
        plan.sources[item.id] = set(item.sources)
    held = plan.sources[item.id]
    told = tuple(s for s in came if s not in held and s != Source())  # a bare text says nothing new
    held.update(told)
    return told


def _waits(plan: Plan, draft: Draft) -> bool:
    return plan.reading is not Reading.FAST and refinable(draft)


def _item(
    draft: Draft, digest: str, change: Change, waits: bool = False, told: dict[str, Any] | None = None
) -> MemoryItem:
    """A draft as a memory; `told`: what its text tells, where that was read before."""
    return MemoryItem(
        **{
            **msgspec.structs.asdict(draft),
            **(told or _told_by([draft], change.time)[0] or {}),
            "kind": draft.kind or Kind.LONG_TERM,
            "visibility": draft.visibility or Visibility.PRIVATE,
            "valid_from": draft.said_at or change.time,
            "known_from": change.time,
            "created_at": change.time,
            "change": change.id,
            "verb": change.verb,
            "actor": change.actor,
            "content_hash": digest,
            "refinement": Refinement.QUEUED if waits else Refinement.NONE,
        }
    )
