"""`memos add`: drafts become memories, unless they are there already.

Owns: what counts as known, updates by external id, what a judgement becomes in the cube, batching,
and the result. Does not own: how input is read (`reader`), what makes two texts the same
(`stores/nearness`), what a draft is to what is there (`operations/judge`), the commit (`cube/cube`).

A batch is compared with the cube twice: before it is embedded, without the lock, so that nothing
known is embedded; and again under the lock, since another process may have added it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.cube.cube import valid_end
from memos_cli.errors import BadInput, LLMError, NoLLM, UnknownLLM
from memos_cli.operations.browse import language_notes
from memos_cli.operations.dependents import reworded
from memos_cli.operations.edit import kept_vectors, next_text, next_version
from memos_cli.operations.judge import Judge, Ruling, true_from
from memos_cli.operations.preferences import Learned, Reader, Told, by_rule, learn, told_in
from memos_cli.operations.refinable import refinable
from memos_cli.operations.tiers import overflow
from memos_cli.operations.versions import Edited
from memos_cli.reader.annotate import READ, annotated, fields_told_by
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Added,
    AddResult,
    Change,
    Closing,
    Draft,
    Kind,
    Known,
    Linked,
    MemoryItem,
    Preferred,
    Reading,
    Refinement,
    Relation,
    Skipped,
    Source,
    Status,
    Updated,
    Visibility,
    now,
    storable,
    uuid7,
)
from memos_cli.session import TextVectors
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import content_hash, same

if TYPE_CHECKING:
    from memos_cli.session import Session

Progress = Callable[[str, int, int | None], None]
"""Called with (stage, done, total or None)."""

BATCH = 1_000
NEAR_COSINE = 0.95
"""Texts that shingles call near-identical are the same only if their vectors agree as well."""

AHEAD = 20
"""Memories of the same batch on one matter that a draft is compared with: the last so many."""

FUTURE = timedelta(days=1)
"""A time of saying later than this from now is refused unless allowed: clocks and zones differ."""

_SHOWN = (Status.ACTIVATED, Status.RESOLVING)


@dataclass
class _Update:
    """A version that ends, and the one after it; `old` may be of the same batch."""

    old: MemoryItem
    new: MemoryItem
    relation: str = "update"
    reason: str = "same id, other text"


@dataclass
class _Plan:
    """What a batch comes to."""

    change: Change
    """The change to be, still empty: its id, verb, actor and time stand in every new version."""
    new: list[MemoryItem] = field(default_factory=list)
    updates: list[_Update] = field(default_factory=list)
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


def add(
    session: Session,
    drafts: Iterable[Draft | Skipped],
    *,
    allow_duplicates: bool = False,
    allow_future: bool = False,
    judge: bool | None = None,
    reading: Reading = Reading.FAST,
    preferences: Reader | bool | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> AddResult:
    """Store drafts; what is there already is reported as known, and linked to what is there.

    `judge`: whether a draft that says of the same matter something else closes what is there
    (`memos help judgement`); None: as the settings say.

    `reading` AUTO: what facts can be drawn from waits for `refine`; FINE: a language model draws them
    at once, and what it does not manage waits.

    Preferences that they tell of are learned in the same change, by rule or by a `Reader` of the
    caller's; False learns none, None does as the settings say.

    Streams in batches of 1,000, each committed whole; all of them carry the same change id.
    Raises what the reader raises, and Busy, StorageFull, EmbedderFailed: batches that were
    committed before stay.
    """
    change = uuid7()
    judge = session.settings.judge if judge is None else judge
    read = _reader(session, preferences)
    skipped: list[Skipped] = []
    parts: list[AddResult] = []
    good = _accepted(drafts, skipped, allow_future)
    done = 0
    while batch := list(islice(good, BATCH)):
        report = _stage(progress, done)
        parts.append(
            _add_batch(
                session,
                batch,
                change,
                report,
                read,
                allow_duplicates=allow_duplicates,
                judge=judge and not allow_duplicates,
                reading=reading,
                dry_run=dry_run,
            )
        )
        done += len(batch)
        if progress:
            progress("storing", done, None)
    wrote = not dry_run and any(part.change for part in parts)
    added = tuple(chain.from_iterable(part.added for part in parts))
    notes = dict.fromkeys(chain.from_iterable(part.notes for part in parts))
    result = AddResult(
        change=change if wrote else None,
        added=added,
        updated=tuple(chain.from_iterable(part.updated for part in parts)),
        known=tuple(chain.from_iterable(part.known for part in parts)),
        linked=tuple(chain.from_iterable(part.linked for part in parts)),
        skipped=tuple(skipped),
        queued=sum(part.queued for part in parts),
        preferences=tuple(chain.from_iterable(part.preferences for part in parts)),
        notes=(*notes, *_notes(session, added)),
    )
    return (
        _refined(session, result, judge, progress)
        if reading is Reading.FINE and result.queued and wrote
        else result
    )


def _refined(session: Session, result: AddResult, judge: bool, progress: Progress | None) -> AddResult:
    """The result of `--read fine`: what came is stored, and a model draws facts from it now. What it does
    not manage waits: a model that fails costs no memory."""
    from memos_cli.operations.refine import refine

    try:
        ids = [one.id for one in result.added] + [one.id for one in result.updated]
        done = refine(session, ids=ids, judge=judge, progress=progress)
    except (LLMError, NoLLM, UnknownLLM) as error:
        note = f"Stored, and waiting for its refinement: {error.message} {error.next_step}"
        return result.but(notes=(*result.notes, note.strip()))
    left = result.queued - done.refined
    told = [f"{sum(done.dropped.values())} answers of the model were dropped."] if done.dropped else []
    told += [f"{len(one.ids)} wait for their refinement: {one.error.message}" for one in done.failed]
    return result.but(
        facts=done.facts,
        updated=(*result.updated, *done.updated),
        known=(*result.known, *done.known),
        linked=(*result.linked, *done.linked),
        queued=max(left, 0),
        notes=(*result.notes, *done.notes, *told),
    )


def _reader(session: Session, asked: Reader | bool | None) -> Reader | None:
    if callable(asked):
        return asked
    return by_rule if (session.settings.preferences if asked is None else asked) else None


def _stage(progress: Progress | None, done: int) -> Callable[[int, int], None] | None:
    """Where a batch's embedding has got to, counted from the start of the whole run."""
    if progress is None:
        return None
    return lambda made, _: progress("embedding", done + made, None)


def sift(
    drafts: Iterable[Draft | Skipped], *, allow_future: bool = False
) -> tuple[Iterator[Draft | Skipped], AddResult | None]:
    """The same drafts, read up to the first that can be stored; where none can be, what came of them.

    For a caller that makes a cube only when there is something to put into it.
    """
    coming = iter(drafts)
    refused: list[Skipped] = []
    for draft in _accepted(coming, refused, allow_future):
        return chain(refused, [draft], coming), None
    return iter(refused), AddResult(skipped=tuple(refused))


def _accepted(
    drafts: Iterable[Draft | Skipped], skipped: list[Skipped], allow_future: bool
) -> Iterator[Draft]:
    limit = None if allow_future else now() + FUTURE
    for draft in drafts:
        if isinstance(draft, Skipped):
            skipped.append(draft)
        elif reason := _refusal(draft, limit):
            skipped.append(Skipped(source=_name(draft), reason=reason))
        else:
            yield draft


def _refusal(draft: Draft, limit: datetime | None) -> str | None:
    """Why a draft cannot be stored; `limit`: the latest time of saying that is believed."""
    if reason := _unstorable(draft):
        return reason
    if not draft.memory.strip():
        return "the text is empty"
    if limit is not None and draft.said_at and draft.said_at > limit:
        return f"its time {draft.said_at:%Y-%m-%d} lies in the future (--allow-future stores it)"
    return None


def _unstorable(draft: Draft) -> str | None:
    names = (draft.key, draft.speaker, draft.external_id, draft.user_id, draft.session_id, draft.agent_id)
    try:
        for text in filter(None, (draft.memory, *names, *draft.tags)):
            storable(text)
    except ValueError as error:
        return str(error)
    return None


def _name(draft: Draft) -> str:
    source = draft.sources[0] if draft.sources else Source()
    name = source.path or source.url or draft.memory[:40] or source.type
    return name.encode(errors="replace").decode().replace("\0", "?")


def _add_batch(
    session: Session,
    drafts: list[Draft],
    change: str,
    report: Callable[[int, int], None] | None,
    read: Reader | None,
    *,
    allow_duplicates: bool,
    judge: bool,
    reading: Reading,
    dry_run: bool,
) -> AddResult:
    cube = session.cube
    vectors = TextVectors(session, report)
    judging = Judge(session, vectors, on=judge)
    view = cube.view(vectors=False)
    empty = Change(id=change, verb="add", actor=session.actor)
    plan = _plan(session, drafts, vectors, allow_duplicates, empty, judging, reading)
    told = _told(plan, read)
    if dry_run:
        learned = learn(session, told, empty, vectors)
        return _result(plan, None, tuple(judging.notes), learned.told())
    _embed(plan, vectors, told)
    with cube.writing("add"):
        if cube.revision != view.revision or not view.whole:
            plan = _plan(session, drafts, vectors, allow_duplicates, empty, judging, reading)
            told = _told(plan, read)
        _embed(plan, vectors, told)
        learned = learn(session, told, empty, vectors)
        since = {u.old.id: u.new.valid_from or empty.time for u in plan.updates}
        edited = set(plan.edited())
        facts = [edit for edit in reworded(session, since) if edit[0].id not in edited]
        shift = overflow(session, plan.new, [*edited, *(old.id for old, _, _ in facts)])
        whole = _change(session, plan, learned, [*facts, *shift.edits], vectors)
        done = cube.commit(whole)
    notes = (*judging.notes, *done.notes, *shift.notes())
    return _result(plan, change if whole else None, notes, learned.told())


def _change(
    session: Session, plan: _Plan, learned: Learned, edits: Sequence[Edited], vectors: TextVectors
) -> Change:
    """Everything that a batch comes to, as one change."""
    puts, closings = _writes(plan)
    puts += [*learned.puts, *(new for _, new, _ in edits)]
    closings += [
        *learned.closings,
        *(Closing(id=old.id, row=old.row, valid_to=end) for old, _, end in edits),
    ]
    by_row = {i.row: vectors[i.memory] for i in puts if i.memory in vectors} | kept_vectors(session, edits)
    return plan.change.but(puts=tuple(puts), closings=tuple(closings), vectors=by_row)


def _writes(plan: _Plan) -> tuple[list[MemoryItem], list[Closing]]:
    """Versions to be put, and those to be closed; one that this very batch opened and closed is put closed."""
    linked = plan.links.values()
    puts = {
        item.row: item for item in (*plan.new, *(u.new for u in plan.updates), *(new for _, new in linked))
    }
    closings = [Closing(id=old.id, row=old.row) for old, _ in linked]
    for update in plan.updates:
        old, new = update.old, update.new
        end = valid_end(old, new.valid_from or now())
        if old.row in puts:
            ended = {"known_to": plan.change.time, "closed_by": plan.change.id, "valid_to": end}
            puts[old.row] = puts[old.row].but(**ended)
        else:
            closings.append(Closing(id=old.id, row=old.row, valid_to=end))
    return list(puts.values()), closings


def _told(plan: _Plan, read: Reader | None) -> list[Told]:
    """The preferences that new texts tell of, and those that say in other words what is known."""
    if read is None:
        return []
    texts = [*plan.new, *(update.new for update in plan.updates)]
    fresh = {*plan.links, *(item.id for item in plan.new)}
    texts += [
        item.but(memory=draft.memory, said_at=draft.said_at, valid_from=draft.said_at or plan.change.time)
        for item, draft, _ in plan.known
        if draft.memory != item.memory and item.id in fresh
    ]
    return told_in(texts, read)


def _embed(plan: _Plan, vectors: TextVectors, told: Sequence[Told]) -> None:
    """Vectors by text: equal texts have equal vectors, and a second plan finds the first one's."""
    texts = [i.memory for i in plan.new]
    texts += [update.new.memory for update in plan.updates]
    texts += [new.memory for _, new in plan.links.values()]
    vectors.complete(texts + [draft.memory for _, draft in told])


# -- what is known


def _plan(
    session: Session,
    drafts: Sequence[Draft],
    vectors: TextVectors,
    allow_duplicates: bool,
    change: Change,
    judge: Judge,
    reading: Reading,
) -> _Plan:
    plan = _Plan(change, reading=reading)
    keywords = session.cube.view(vectors=False).keywords[-1]
    hashes = [content_hash(d.memory) for d in drafts]
    there: dict[str, list[MemoryItem]] = {}
    pending: dict[str, MemoryItem] = {}
    if not allow_duplicates:
        for item in keywords.with_hash(list(dict.fromkeys(hashes))):
            there.setdefault(item.content_hash, []).append(item)
    near = _near(session, drafts, hashes, there, allow_duplicates)
    judge.look(drafts, (i for i, d in enumerate(drafts) if hashes[i] in there and not is_turn(d)))
    told = _told_by([None if hashes[i] in there else d for i, d in enumerate(drafts)], change.time)
    for place, (draft, digest) in enumerate(zip(drafts, hashes, strict=True)):
        if draft.external_id and _by_external(session, plan, draft, digest, pending):
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


def _judged(
    session: Session,
    plan: _Plan,
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
        plan.updates.append(_Update(ruling.item, item, ruling.relation, ruling.reason))
        plan.replaced[item.id] = item
    else:
        item = item.but(relations=(*item.relations, Relation(kind=ruling.relation, target=ruling.item.id)))
        if ruling.earlier:
            item = item.but(
                valid_to=max(ruling.item.valid_from or item.known_from, item.valid_from or item.known_from)
            )
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


def _in_place(session: Session, plan: _Plan, draft: Draft) -> Draft:
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


def _match(
    session: Session,
    plan: _Plan,
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
            and (not is_turn(draft) or _same_turn(item, draft))
        ):
            return item, "same turn" if is_turn(draft) else "same text"
    for item in near:
        if (
            item.id not in plan.replaced
            and item.status in _SHOWN
            and _same_owner(item, draft)
            and item.speaker == draft.speaker
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
    session: Session, plan: _Plan, draft: Draft, digest: str, pending: dict[str, MemoryItem]
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
        plan.updates[done[old.id]] = _Update(old, new)
    else:
        plan.updates.append(_Update(old, new))
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


def _link(plan: _Plan, item: MemoryItem, draft: Draft, reason: str) -> None:
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


def _fresh_sources(plan: _Plan, item: MemoryItem, draft: Draft) -> tuple[Source, ...]:
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


def _waits(plan: _Plan, draft: Draft) -> bool:
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


# -- the answer


def _result(
    plan: _Plan,
    change: str | None,
    notes: tuple[str, ...] = (),
    preferences: tuple[Preferred, ...] = (),
) -> AddResult:
    return AddResult(
        change=change,
        added=tuple(Added(id=i.id, memory=i.memory) for i in plan.new),
        updated=tuple(
            Updated(
                id=update.new.id,
                memory=update.new.memory,
                replaces=update.old.row,
                relation=update.relation,
                reason=update.reason,
            )
            for update in plan.updates
        ),
        known=tuple(Known(id=i.id, memory=d.memory, reason=reason) for i, d, reason in plan.known),
        linked=tuple(
            Linked(id=item.id, memory=item.memory, to=r.item.id, relation=r.relation, reason=r.reason)
            for item, r in plan.linked
        ),
        queued=sum(i.refinement is Refinement.QUEUED for i in (*plan.new, *(u.new for u in plan.updates))),
        preferences=preferences,
        notes=notes,
    )


def _notes(session: Session, added: Sequence[Added]) -> tuple[str, ...]:
    """Says so when most of what came is in languages that the embedder does not read."""
    counts: dict[str, int] = {}
    for one in added[:500]:
        code = language_of(one.memory) or "unknown"
        counts[code] = counts.get(code, 0) + 1
    return language_notes(session, counts) if sum(counts.values()) >= 3 else ()


__all__ = ["BadInput", "add", "sift"]
