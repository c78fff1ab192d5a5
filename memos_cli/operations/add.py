"""`memos add`: drafts become memories, unless they are there already.

Owns: batching, embedding, the change that a batch becomes, and the result. Does not own: how input is
read (`reader`), what is refused (`operations/accepted`), what a draft is to what is there
(`operations/batch`, `operations/judge`), the commit (`cube/cube`).

A batch is compared with the cube twice: before it is embedded, without the lock, so that nothing
known is embedded; and again under the lock, since another process may have added it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.errors import LLMError, NoLLM, UnknownLLM
from memos_cli.operations.accepted import accepted
from memos_cli.operations.batch import Plan, plan_of
from memos_cli.operations.browse import language_notes
from memos_cli.operations.dependents import reworded
from memos_cli.operations.edit import kept_vectors
from memos_cli.operations.judge import Judge
from memos_cli.operations.parts import Parts
from memos_cli.operations.preferences import Learned, Reader, Told, by_rule, learn, told_in
from memos_cli.operations.tiers import overflow
from memos_cli.operations.versions import Edited
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Added,
    AddResult,
    Change,
    Closing,
    Draft,
    Known,
    Linked,
    MemoryItem,
    Preferred,
    Reading,
    Refinement,
    Skipped,
    Updated,
    now,
    uuid7,
)
from memos_cli.session import TextVectors
from memos_cli.stores.heap import give_back

if TYPE_CHECKING:
    from memos_cli.session import Session

Progress = Callable[[str, int, int | None], None]
"""Called with (stage, done, total or None)."""

BATCH = 1_000


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
    came = _Came()
    good = accepted(drafts, skipped, allow_future)
    done = 0
    while batch := list(islice(good, BATCH)):
        report = _stage(progress, done)
        came.take(
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
        if len(batch) == BATCH:
            give_back()
        if progress:
            progress("storing", done, None)
    added = came.added.whole()
    result = AddResult(
        change=change if came.wrote and not dry_run else None,
        added=added,
        updated=came.updated.whole(),
        known=came.known.whole(),
        linked=came.linked.whole(),
        skipped=tuple(skipped),
        queued=came.queued,
        preferences=tuple(came.preferences),
        notes=(*came.notes, *_notes(session, added)),
    )
    return (
        _refined(session, result, judge, progress)
        if reading is Reading.FINE and result.queued and result.change
        else result
    )


class _Came:
    """What the batches of a run came to."""

    def __init__(self) -> None:
        self.added, self.updated, self.known, self.linked = (
            Parts(Added), Parts(Updated), Parts(Known), Parts(Linked),
        )  # fmt: skip
        self.preferences: list[Preferred] = []
        self.notes: dict[str, None] = {}
        self.queued = 0
        self.wrote = False

    def take(self, part: AddResult) -> None:
        self.added.extend(part.added)
        self.updated.extend(part.updated)
        self.known.extend(part.known)
        self.linked.extend(part.linked)
        self.preferences += part.preferences
        self.notes |= dict.fromkeys(part.notes)
        self.queued += part.queued
        self.wrote |= part.change is not None


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
    plan = plan_of(session, drafts, vectors, allow_duplicates, empty, judging, reading)
    told = _told(plan, read)
    if dry_run:
        learned = learn(session, told, empty, vectors)
        return _result(plan, None, tuple(judging.notes), learned.told())
    _embed(plan, vectors, told)
    with cube.writing("add"):
        if cube.revision != view.revision or not view.whole:
            plan = plan_of(session, drafts, vectors, allow_duplicates, empty, judging, reading)
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
    session: Session, plan: Plan, learned: Learned, edits: Sequence[Edited], vectors: TextVectors
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


def _writes(plan: Plan) -> tuple[list[MemoryItem], list[Closing]]:
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


def _told(plan: Plan, read: Reader | None) -> list[Told]:
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


def _embed(plan: Plan, vectors: TextVectors, told: Sequence[Told]) -> None:
    """Vectors by text: equal texts have equal vectors, and a second plan finds the first one's."""
    texts = [i.memory for i in plan.new]
    texts += [update.new.memory for update in plan.updates]
    texts += [new.memory for _, new in plan.links.values()]
    vectors.complete(texts + [draft.memory for _, draft in told])


# -- the answer


def _result(
    plan: Plan,
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
