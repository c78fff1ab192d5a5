"""`memos maintain`: everything that a cube needs from time to time, one part after the other.

Owns: the parts and their order, how the time is shared, that a part that fails keeps no other from its
work. Does not own: what a part does (`refine`, `reorganize`, `tiers`, `reflect`, `maintain`).

Each part does as much as has become necessary since the last time, so that a nightly run of a cube to
which little was added is short. Tokens are counted by the session's one meter, whose budget they share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from memos_cli.cube import reflected
from memos_cli.cube.lock import alone
from memos_cli.errors import (
    AtWork,
    Busy,
    LLMBudgetSpent,
    LLMUnavailable,
    MemosError,
    Reorganizing,
    UnknownLLM,
    code_of,
)
from memos_cli.operations import maintain as soundness
from memos_cli.operations.refine import refine
from memos_cli.operations.reflect import FIRST, recent, reflect
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.tiers import balance
from memos_cli.operations.waiting import count_waiting
from memos_cli.schema import Failure, Value, now

if TYPE_CHECKING:
    from memos_cli.operations.planting import Title, Untold
    from memos_cli.session import Session

    Progress = Callable[[str, int, int | None], None]

BUSY = frozenset(map(code_of, (Busy, Reorganizing, AtWork)))
_SPENT = code_of(LLMBudgetSpent)


class State(StrEnum):
    """How a part ended."""

    DONE = "done"
    NOTHING = "nothing to do"
    SKIPPED = "skipped"
    FAILED = "failed"
    PLANNED = "would be done"


class Part(Value, frozen=True, kw_only=True):
    """What one part of a run did, or why it did not. A part that failed may have done some of its work."""

    name: str
    state: State
    said: str = ""
    change: str | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
    error: Failure | None = None
    notes: tuple[str, ...] = ()


class MaintainResult(Value, frozen=True, kw_only=True):
    """`ok` is false when a part failed."""

    ok: bool
    parts: tuple[Part, ...]
    seconds: float = 0.0
    tokens: int = 0
    dry_run: bool = False

    @property
    def only_busy(self) -> bool:
        """Whether nothing failed but for somebody else who is at work."""
        failed = [part.error.code for part in self.parts if part.error is not None]
        return bool(failed) and BUSY.issuperset(failed)


@dataclass(frozen=True)
class _Turn:
    """What a part is given. `deadline` is in seconds of `time.monotonic`."""

    session: Session
    deadline: float | None
    dry_run: bool
    progress: Progress | None

    @property
    def seconds(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True)
class _Kind:
    """A part as such: its work, and its share of the time that is left when its turn comes."""

    name: str
    work: Callable[[_Turn], Part]
    share: float = 1.0
    always: bool = False
    """Also when the time is up: it takes none to speak of."""
    asked_for: bool = False
    """Only where the caller wants it."""


def maintain(
    session: Session,
    *,
    time_budget: float | None = None,
    with_reflect: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> MaintainResult:
    """Do all parts within `time_budget` seconds; with `dry_run` say what would be done, asking no model.

    Raises AtWork when another process maintains the cube, NotPermitted; what goes wrong in a part stands
    in its result, and the next one has its turn.
    """
    began = time.monotonic()
    end = None if time_budget is None else began + time_budget
    kinds = [kind for kind in KINDS if with_reflect or not kind.asked_for]
    lock = nullcontext() if dry_run else alone(session.cube.layout.maintaining, "maintain")
    with lock:
        parts = [_done(kind, session, end, dry_run, progress) for kind in kinds]
    return MaintainResult(
        ok=all(part.state is not State.FAILED for part in parts),
        parts=tuple(parts),
        seconds=round(time.monotonic() - began, 3),
        tokens=session.meter.used.tokens if session.settings.llm else 0,
        dry_run=dry_run,
    )


def _done(kind: _Kind, session: Session, end: float | None, dry_run: bool, progress: Progress | None) -> Part:
    began = time.monotonic()
    if end is not None and began >= end and not kind.always:
        return Part(name=kind.name, state=State.SKIPPED, said="the time was up")
    deadline = None if end is None else began + kind.share * max(0.0, end - began)
    try:
        part = kind.work(_Turn(session, deadline, dry_run, progress))
    except MemosError as error:
        part = Part(name=kind.name, state=State.FAILED, said=error.message, error=_failure(error))
    return part.but(seconds=round(time.monotonic() - began, 3))


def _failure(error: MemosError) -> Failure:
    return Failure(code=error.code, message=error.message, hint=error.next_step)


# -- the parts


def _refine(turn: _Turn) -> Part:
    waiting = count_waiting(turn.session)
    memories = _many(waiting, "memory", "memories")
    if not waiting:
        return Part(name="refine", state=State.NOTHING, said="no memory waits")
    if not turn.session.settings.llm:
        said = f"{memories} wait for a language model, and none is configured (`memos help llm`)"
        return Part(name="refine", state=State.SKIPPED, said=said)
    if turn.dry_run:
        return Part(name="refine", state=State.PLANNED, said=f"{memories} would be read")
    done = refine(turn.session, deadline=turn.deadline, progress=turn.progress)
    part = Part(
        name="refine",
        state=State.DONE,
        said=f"{done.refined} refined, {len(done.facts)} facts drawn; {done.waiting} wait",
        change=done.change,
        counts={"refined": done.refined, "facts": len(done.facts), "waiting": done.waiting},
        notes=done.notes,
    )
    return _ended(part, [one.error for one in done.failed])


def _reorganize(turn: _Turn) -> Part:
    with _notes_of_model(turn.session) as notes:
        silent = bool(notes) or turn.dry_run
        done = reorganize(
            turn.session,
            dry_run=turn.dry_run,
            tell=_say_nothing if silent else None,
            time_budget=turn.seconds,
            progress=turn.progress,
        )
    told = ", ".join(f"{count} {name}" for name, count in done.counts.items())
    left = f"; {done.left} left to be placed" if done.left else ""
    state = State.PLANNED if turn.dry_run else State.DONE
    return Part(
        name="reorganize",
        state=state if done.steps else State.NOTHING,
        said=f"{told}{left}",
        change=done.change,
        counts={**done.counts, "left": done.left},
        notes=(*notes, *done.notes),
    )


@contextmanager
def _notes_of_model(session: Session) -> Iterator[list[str]]:
    """Why the model cannot be used: the tree is told by terms then."""
    notes: list[str] = []
    try:
        _ = session.llm
    except (LLMUnavailable, UnknownLLM) as error:
        notes.append(error.message)
    yield notes


def _say_nothing(untold: Sequence[Untold]) -> Sequence[Title | None]:
    return [None] * len(untold)


def _balance(turn: _Turn) -> Part:
    done = balance(turn.session, turn.dry_run)
    if not (done.promoted or done.archived):
        return Part(name="balance", state=State.NOTHING, said="every tier fits")
    promoted, archived = len(done.promoted), len(done.archived)
    return Part(
        name="balance",
        state=State.PLANNED if turn.dry_run else State.DONE,
        said=f"{promoted} became long-term, {archived} archived",
        change=done.change,
        counts={"promoted": promoted, "archived": archived},
        notes=() if turn.dry_run else done.notes,
    )


def _reflect(turn: _Turn) -> Part:
    if not turn.session.settings.llm:
        said = "it needs a language model, and none is configured (`memos help llm`)"
        return Part(name="reflect", state=State.SKIPPED, said=said)
    if turn.dry_run:
        since = reflected.read(turn.session.cube.layout) or now() - FIRST
        fresh = len(recent(turn.session, since))
        state = State.PLANNED if fresh else State.NOTHING
        return Part(name="reflect", state=state, said=f"{_many(fresh, 'memory', 'memories')} would be read")
    done = reflect(turn.session, deadline=turn.deadline, progress=turn.progress)
    if not (done.read or done.left or done.change):
        return Part(name="reflect", state=State.NOTHING, said="nothing new has come")
    part = Part(
        name="reflect",
        state=State.DONE,
        said=f"{done.read} read, {len(done.insights)} insights, {done.known} known, {len(done.dropped)} dropped",
        change=done.change,
        counts={"read": done.read, "insights": len(done.insights), "left": done.left},
        notes=done.notes,
    )
    return _ended(part, [one.error for one in done.failed])


def _compact(turn: _Turn) -> Part:
    if not soundness.is_scattered(turn.session):
        return Part(name="compact", state=State.NOTHING, said="its files are few enough")
    if turn.dry_run:
        return Part(name="compact", state=State.PLANNED, said="its files would be merged")
    done = soundness.compact(turn.session)
    return Part(
        name="compact",
        state=State.DONE,
        said=f"{done.fragments_before} fragments became {done.fragments_after}",
        counts={"fragments_before": done.fragments_before, "fragments_after": done.fragments_after},
    )


def _check(turn: _Turn) -> Part:
    found = soundness.check(turn.session, quick=True)
    if found.ok:
        return Part(
            name="check", state=State.DONE, said="all is well", counts=found.counts, notes=found.notes
        )
    first = found.problems[0]
    said = "; ".join(f"{problem.store}: {problem.what}" for problem in found.problems)
    error = Failure(code="integrity_error", message=said, hint=first.hint)
    return Part(name="check", state=State.FAILED, said=said, error=error, notes=found.notes)


KINDS = (
    _Kind("refine", _refine, share=0.5),
    _Kind("reorganize", _reorganize, share=0.8),
    _Kind("balance", _balance),
    _Kind("reflect", _reflect, share=0.8, asked_for=True),
    _Kind("compact", _compact),
    _Kind("check", _check, always=True),
)
"""In their order: facts are drawn before they are put in order, what says the same is one before a tier
counts as full, and what is in order is looked at."""


def _ended(part: Part, errors: Sequence[Failure]) -> Part:
    """The end of a part that asks a model: a budget that is spent is no failure."""
    real = [error for error in errors if error.code != _SPENT]
    spent = tuple(error.message for error in errors if error.code == _SPENT)
    part = part.but(notes=(*part.notes, *spent))
    return part.but(state=State.FAILED, error=real[0]) if real else part


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
