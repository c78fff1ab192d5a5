"""`memos reorganize`: duplicates merged, the tree brought up to the memories, all in one change.

Owns: the order of its steps, what happens when the cube changes meanwhile, that two do not run at
once. Does not own: what is planned (`merging`, `planting`), the plan's file (`plan`).

Everything is computed without the write lock, so that others add and search meanwhile, and is
committed at once: a process killed at any moment has changed nothing or all of it, and `memos undo`
takes all of it back. Where more than some thousand memories have to be filed they are committed concept
by concept (`plan.changes_of`), each commit whole and all of them one change for `memos undo`; the next
run goes on where a killed one was. Within a time limit it is done in portions (`portions`), each of them whole, all
of them one change for `memos undo`. A version that somebody else changed in between makes the commit fail, and the
work is done again on what is there now. What was added in between waits for the next run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from memos_cli.cube.lock import alone
from memos_cli.errors import Reorganizing, StaleChange
from memos_cli.operations import plan as plans
from memos_cli.operations.insights import follow
from memos_cli.operations.merging import Judge, ruled
from memos_cli.operations.outline import Outline, outlines
from memos_cli.operations.plan import Draft, Plan, Step
from memos_cli.operations.planting import Tell, plant
from memos_cli.operations.portions import Portions
from memos_cli.operations.telling import Teller
from memos_cli.schema import Depth, Value, uuid7

if TYPE_CHECKING:
    from memos_cli.session import Session

ATTEMPTS = 3
_STANDS = ("memories", "placed")
"""Counts that say how it stands in the end, as against those that say what was done."""

Progress = Callable[[str, int, int | None], None]


class ReorganizeResult(Value, frozen=True, kw_only=True):
    """`change` is null when nothing had to be done or only a plan was asked for."""

    change: str | None
    steps: tuple[Step, ...] = ()
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    left: int = 0
    """Memories that are in no concept because the time was up."""
    seconds: float = 0.0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


def propose(
    session: Session,
    *,
    judge: Judge = ruled,
    tell: Tell | None = None,
    portions: Portions | None = None,
    progress: Progress | None = None,
) -> tuple[Plan, dict[str | None, Outline]]:
    """What would bring the cube into order, or the next portion of it, and the outlines it rests on.
    Changes nothing."""
    cube = session.cube
    revision = cube.revision
    portions = portions or Portions()
    portions.begin()
    found = outlines(cube)
    draft = Draft()
    if cube.column is None:
        draft.notes.append(
            "this cube keeps no vectors: memories were grouped by their words; "
            "`memos deepen --text general_text` gives it vectors"
        )
    for place, (owner, outline) in enumerate(portions.order(found)):
        if progress:
            progress("Grouping", place, len(found))
        plant(portions.of(outline), owner, draft, by_words=cube.column is None, judge=judge, tell=tell)
    follow(session, draft)
    return draft.plan(cube, revision), found


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

    Within `time_budget` seconds as many portions are done as end in time, one in any case; what is left
    is done by the next run, and `left` says how much. A plan holds the first portion then. Names and
    summaries are the language model's where the settings have one, until its budget or the time is
    spent; what it did not tell is told by terms, and by it the next time.
    Raises Reorganizing when another process is at it, Busy, StaleChange when others keep changing
    what it rests on, NotPermitted and StorageError when the plan cannot be saved.
    """
    began = time.monotonic()
    notes: list[str] = []
    portions = Portions(None if time_budget is None else began + time_budget, start=session.cube.revision)
    if tell is None and session.llm is not None:
        tell = Teller(session.llm, notes, portions.deadline)
    if dry_run or save_to:
        plan, _ = propose(session, judge=judge, tell=tell, portions=portions, progress=progress)
        if save_to:
            plans.save(plan, save_to)
        return _result([plan], None, began, portions, dry_run=True, notes=notes)
    change, done = uuid7(), list[Plan]()
    with _alone(session):
        while True:
            done.append(_round(session, change, judge, tell, portions, notes, progress))
            if not portions.left or portions.over:
                break
    return _result(done, change if any(done) else None, began, portions, notes=notes)


def _round(
    session: Session,
    change: str,
    judge: Judge,
    tell: Tell | None,
    portions: Portions,
    notes: list[str],
    progress: Progress | None,
) -> Plan:
    """One plan, made and carried out; made again on what is there where others changed it meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        trial = portions.copy()
        plan, found = propose(session, judge=judge, tell=tell, portions=trial, progress=progress)
        try:
            notes += _carried_out(session, plan, found, change)
        except StaleChange:
            if attempt == ATTEMPTS:
                raise
        else:
            portions.take(trial)
            return plan
    raise AssertionError("unreachable")


def apply(session: Session, path: Path) -> ReorganizeResult:
    """Carry out a saved plan. Raises BadInput, PlanOutdated when the cube has changed since, Reorganizing."""
    began = time.monotonic()
    plan = plans.read(path)
    change = uuid7()
    with _alone(session), session.cube.writing("reorganize"):
        plans.check_current(plan, session.cube)
        notes = _carried_out(session, plan, outlines(session.cube), change)
    return _result([plan], change if plan else None, began, Portions(), notes=notes)


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Held while one process reorganizes; a second one is refused at once."""
    with alone(session.cube.layout.reorganizing, "reorganize", Reorganizing):
        yield


def _carried_out(session: Session, plan: Plan, found: dict[str | None, Outline], change: str) -> list[str]:
    """Commit a plan as (a part of) the change of that id; notes of what lags behind."""
    if not plan:
        return []
    notes: list[str] = []
    for part in plans.changes_of(plan, session.actor, found):
        notes += session.cube.commit(part.but(id=change)).notes
    if session.cube.config.depth is Depth.TREE:
        session.cube.ready_graph()
    return notes


def _result(
    done: list[Plan],
    change: str | None,
    began: float,
    portions: Portions,
    *,
    notes: list[str],
    dry_run: bool = False,
) -> ReorganizeResult:
    counts: Counter[str] = Counter()
    for plan in done:
        counts.update({name: count for name, count in plan.counts.items() if name not in _STANDS})
    if portions.left:
        notes = [*notes, f"the time was up: {portions.left} memories are left to be placed by the next run"]
    return ReorganizeResult(
        change=change,
        steps=tuple(step for plan in done for step in plan.steps),
        counts={name: count for name, count in done[-1].counts.items() if name in _STANDS} | counts,
        left=portions.left,
        seconds=round(time.monotonic() - began, 3),
        dry_run=dry_run,
        notes=tuple(dict.fromkeys((*(note for plan in done for note in plan.notes), *notes))),
    )
