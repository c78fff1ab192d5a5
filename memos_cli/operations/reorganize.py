"""`memos reorganize`: duplicates merged, the tree brought up to the memories, all in one change.

Owns: the order of its steps, what happens when the cube changes meanwhile, that two do not run at
once. Does not own: what is planned (`merging`, `planting`), the plan's file (`plan`).

Everything is computed without the write lock, so that others add and search meanwhile, and is
committed at once: a process killed at any moment has changed nothing or all of it, and `memos undo`
takes all of it back. A version that somebody else changed in between makes the commit fail, and the
work is done again on what is there now. What was added in between waits for the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from memos_cli.cube.lock import WriteLock
from memos_cli.errors import Busy, Reorganizing, StaleChange
from memos_cli.operations import plan as plans
from memos_cli.operations.merging import Judge, ruled
from memos_cli.operations.outline import Outline, outlines
from memos_cli.operations.plan import Draft, Plan, Step
from memos_cli.operations.planting import Tell, plant
from memos_cli.operations.telling import Teller
from memos_cli.schema import Depth, Value

if TYPE_CHECKING:
    from memos_cli.session import Session

ATTEMPTS = 3

Progress = Callable[[str, int, int | None], None]


class ReorganizeResult(Value, frozen=True, kw_only=True):
    """`change` is null when nothing had to be done or only a plan was asked for."""

    change: str | None
    steps: tuple[Step, ...] = ()
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


def propose(
    session: Session, *, judge: Judge = ruled, tell: Tell | None = None, progress: Progress | None = None
) -> tuple[Plan, list[Outline]]:
    """What would bring the cube into order, and the outlines it rests on. Changes nothing."""
    cube = session.cube
    revision = cube.revision
    found = outlines(cube)
    draft = Draft()
    if cube.column is None:
        draft.notes.append(
            "this cube keeps no vectors: memories were grouped by their words; "
            "`memos deepen --text general_text` gives it vectors"
        )
    for place, (owner, outline) in enumerate(sorted(found.items(), key=lambda pair: pair[0] or "")):
        if progress:
            progress("Grouping", place, len(found))
        plant(outline, owner, draft, by_words=cube.column is None, judge=judge, tell=tell)
    return draft.plan(cube, revision), list(found.values())


def reorganize(
    session: Session,
    *,
    dry_run: bool = False,
    save_to: Path | None = None,
    judge: Judge = ruled,
    tell: Tell | None = None,
    time_budget: float | None = None,
    progress: Progress | None = None,
) -> ReorganizeResult:
    """Bring the cube into order. With `dry_run` or `save_to` only the plan is made.

    Names and summaries are the language model's where the settings have one, until its budget or
    `time_budget` seconds are spent; what it did not tell is told by terms, and by it the next time.
    Raises Reorganizing when another process is at it, Busy, StaleChange when others keep changing
    what it rests on, BadInput when the plan cannot be saved.
    """
    began = time.monotonic()
    notes: list[str] = []
    if tell is None and session.llm is not None:
        tell = Teller(session.llm, notes, None if time_budget is None else began + time_budget)
    if dry_run or save_to:
        plan, _ = propose(session, judge=judge, tell=tell, progress=progress)
        if save_to:
            plans.save(plan, save_to)
        return _result(plan, None, began, dry_run=True, notes=tuple(notes))
    with _alone(session):
        for attempt in range(1, ATTEMPTS + 1):
            plan, found = propose(session, judge=judge, tell=tell, progress=progress)
            try:
                return _carried_out(session, plan, found, began, notes)
            except StaleChange:
                if attempt == ATTEMPTS:
                    raise
    raise AssertionError("unreachable")


def apply(session: Session, path: Path) -> ReorganizeResult:
    """Carry out a saved plan. Raises BadInput, PlanOutdated when the cube has changed since, Reorganizing."""
    began = time.monotonic()
    plan = plans.read(path)
    with _alone(session), session.cube.writing("reorganize"):
        plans.check_current(plan, session.cube)
        return _carried_out(session, plan, list(outlines(session.cube).values()), began, [])


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Held while one process reorganizes; a second one is refused at once."""
    lock = WriteLock(session.cube.layout.reorganizing, timeout=0)
    with ExitStack() as held:
        try:
            held.enter_context(lock.hold("reorganize"))
        except Busy as error:
            raise Reorganizing(holder=error.fields["holder"]) from error
        yield


def _carried_out(
    session: Session, plan: Plan, found: list[Outline], began: float, notes: list[str]
) -> ReorganizeResult:
    if not plan:
        return _result(plan, None, began, notes=tuple(notes))
    change = plans.change_of(plan, session.actor, found)
    committed = session.cube.commit(change)
    if session.cube.config.depth is Depth.TREE:
        session.cube.ready_graph()
    return _result(plan, change.id, began, notes=(*notes, *committed.notes))


def _result(
    plan: Plan, change: str | None, began: float, *, dry_run: bool = False, notes: tuple[str, ...] = ()
) -> ReorganizeResult:
    return ReorganizeResult(
        change=change,
        steps=plan.steps,
        counts=plan.counts,
        seconds=round(time.monotonic() - began, 3),
        dry_run=dry_run,
        notes=tuple(dict.fromkeys((*plan.notes, *notes))),
    )
