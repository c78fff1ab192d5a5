"""`memos refine`: a language model draws facts from memories that wait, beside which they are stored.

Owns: the run over the queue, when it stops, and the change that stores facts and ends the waiting of
their memories. Does not own: the queue and its windows (`waiting`), what is believed (`reader/fine`),
what a fact is to the memories that are there (`judge_facts`, `drawn`), who works on what (`cube/claims`).

Nothing is lost, whatever happens: the memory itself is never touched but for the word that says
whether it waits, and that word changes in the same commit that stores its facts. A run that is killed
leaves everything it committed and the rest waiting. The model is asked without the lock; the commit
looks again, and what changed meanwhile is left waiting.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from memos_cli.cube.claims import Claims
from memos_cli.errors import (
    LLMBudgetSpent,
    LLMError,
    LLMRefused,
    LLMTooLong,
    LLMUnavailable,
    LLMUnusable,
    NoLLM,
)
from memos_cli.operations.drawn import Drawn, drawn
from memos_cli.operations.edit import kept_vectors
from memos_cli.operations.judge_facts import FactJudge
from memos_cli.operations.waiting import Job, count_waiting, jobs, slices, unchanged
from memos_cli.providers.meter import tokens_at_most
from memos_cli.reader.fine import FoundFact, Read, material, read
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Change,
    Fact,
    Failure,
    Known,
    Linked,
    MemoryItem,
    Relation,
    RelationKind,
    Status,
    Updated,
    Value,
    now,
    uuid7,
)
from memos_cli.session import TextVectors
from memos_cli.stores.nearness import content_hash

if TYPE_CHECKING:
    from memos_cli.providers.llm import LLM
    from memos_cli.session import Session

    Progress = Callable[[str, int, int | None], None]

STOP_AFTER = 3
"""Windows that fail one after the other before a run ends: the model is down, or no good."""
PATIENCE = 5
"""Parts of one window that are tried in vain before the window counts as failed."""
SOURCES = 3
"""Sources of its memory that a fact repeats."""
_IN_USE = (Status.ACTIVATED, Status.RESOLVING)


class RefineFailure(Value, frozen=True, kw_only=True):
    """Memories whose refinement failed, which go on waiting, and why."""

    ids: tuple[str, ...]
    error: Failure


class RefineResult(Value, frozen=True, kw_only=True):
    change: str | None = None
    facts: tuple[Fact, ...] = ()
    refined: int = 0
    """Memories that wait no more."""
    updated: tuple[Updated, ...] = ()
    """Those of `facts` that ended an older fact."""
    known: tuple[Known, ...] = ()
    """Facts that a memory says already, which rests on one more memory now."""
    linked: tuple[Linked, ...] = ()
    """Those of `facts` that have to do with a memory that stays."""
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    """Answers that the words do not bear out, by reason."""
    failed: tuple[RefineFailure, ...] = ()
    waiting: int = 0
    """Memories that still wait, of the whole cube."""
    tokens: int = 0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


@dataclass
class _Run:
    """What a run has come to so far."""

    session: Session
    llm: LLM
    judge: bool
    failures: dict[str, int]
    """By id: how often refining a memory has failed before this run."""
    deadline: float | None = None
    change: str = field(default_factory=uuid7)
    facts: list[Fact] = field(default_factory=list)
    updated: list[Updated] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    refined: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, RefineFailure] = field(default_factory=dict)
    """By the error's code."""
    notes: dict[str, None] = field(default_factory=dict)
    in_a_row: int = 0
    stopped: bool = False

    def take(self, made: Drawn) -> None:
        """What a window came to is stored."""
        self.facts += [_told(item) for item in made.new.values()]
        self.updated += made.updated
        self.known += made.known
        self.linked += made.linked


def refine(
    session: Session,
    *,
    ids: Sequence[str] | None = None,
    everything: bool = False,
    limit: int | None = None,
    judge: bool | None = None,
    dry_run: bool = False,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> RefineResult:
    """Refine what waits; `ids`: these memories, whether they wait or not; `everything`: all that were
    never refined. At most `limit` memories. `judge`: whether a fact closes an older one that it updates
    or contradicts, and is no fact of its own where the cube says it already (`memos help judgement`);
    None: as the settings say. `deadline` in seconds of `time.monotonic`: when no model is
    asked any more; what was not read goes on waiting.

    Raises NoLLM, UnknownLLM, LLMUnavailable when the model cannot even be opened, and what committing
    raises; whatever else goes wrong with the model is in `failed`, and its memories go on waiting.
    """
    if dry_run:
        return _dry(session, ids, everything, limit)
    llm = session.llm
    if llm is None:
        raise NoLLM(verb="refine")
    claims = Claims(session.cube.layout, timeout=session.cube.lock.timeout)
    judge = session.settings.judge if judge is None else judge
    run = _Run(session, llm, judge, claims.failures(), deadline)
    used = llm.meter.used.tokens
    busy = done = 0
    for items in _limited(slices(session, ids, everything, run.failures), limit):
        mine = claims.take([item.id for item in items])
        busy += len(items) - len(mine)
        try:
            # Who held a claim until this moment may have refined what it was for.
            _slice(run, unchanged(session, [item for item in items if item.id in mine]))
        finally:
            told = {id: one.error.code for one in run.failed.values() for id in one.ids if id in mine}
            claims.release(mine, told)
        done += len(items)
        if progress:
            progress("refining", done, limit)
        if run.stopped:
            break
    if busy:
        run.notes[f"{busy} are being refined by another process just now."] = None
    return _result(run, llm.meter.used.tokens - used)


def _limited(found: Iterator[list[MemoryItem]], limit: int | None) -> Iterator[list[MemoryItem]]:
    left = limit
    for items in found:
        if left is not None:
            items = items[:left]
            left -= len(items)
        if not items:
            return
        yield items


def _dry(session: Session, ids: Sequence[str] | None, everything: bool, limit: int | None) -> RefineResult:
    windows = tokens = memories = 0
    for items in _limited(slices(session, ids, everything, {}), limit):
        memories += len(items)
        for job in jobs(session, items):
            windows += len(job.windows)
            texts = (text for window in job.windows for text in (window.prompt.text, material(window)))
            tokens += tokens_at_most([{"content": text} for text in texts])
    note = f"{memories} memories in {windows} windows: at most {tokens} tokens of prompts, and the answers."
    return RefineResult(waiting=count_waiting(session), dry_run=True, notes=(note,) if memories else ())


def _result(run: _Run, tokens: int) -> RefineResult:
    return RefineResult(
        change=run.change if run.refined else None,
        facts=tuple(run.facts),
        refined=run.refined,
        updated=tuple(run.updated),
        known=tuple(run.known),
        linked=tuple(run.linked),
        dropped=dict(run.dropped),
        failed=tuple(run.failed.values()),
        waiting=count_waiting(run.session),
        tokens=tokens,
        notes=tuple(run.notes),
    )


# -- asking


Outcome = tuple[Job, Read | LLMError]


def _slice(run: _Run, items: Sequence[MemoryItem]) -> None:
    """Ask about some memories, a few windows at a time, and commit each window's answer as it comes."""
    coming = iter(jobs(run.session, items))
    while not run.stopped and (batch := list(islice(coming, 2 * run.llm.parallel))):
        if run.deadline is not None and time.monotonic() >= run.deadline:
            run.notes["the time was up before all that waits had been read"] = None
            run.stopped = True
            return
        for outcomes in run.llm.each(lambda job: _asked(run.llm, job), batch):
            assert not isinstance(outcomes, LLMError)
            for job, outcome in outcomes:
                if isinstance(outcome, LLMError):
                    _fail(run, job, outcome)
                else:
                    _commit(run, job, outcome)


def _asked(llm: LLM, job: Job, failures: list[LLMError] | None = None) -> list[Outcome]:
    """What the model says of a job; where it cannot deal with the whole, of its halves, so that one
    memory that it refuses does not keep nine others waiting."""
    failures = [] if failures is None else failures
    try:
        reads = [read(llm, window) for window in job.windows]
    except (LLMUnusable, LLMRefused, LLMTooLong) as error:
        failures.append(error)
        if job.halves is None or len(failures) >= PATIENCE:
            return [(job, error)]
        return [outcome for half in job.halves for outcome in _asked(llm, half, failures)]
    except LLMError as error:
        return [(job, error)]
    failures.clear()
    facts = tuple(fact for one in reads for fact in one.facts)
    return [(job, Read(facts, sum((one.dropped for one in reads), Counter())))]


def _fail(run: _Run, job: Job, error: LLMError) -> None:
    ids = tuple(item.id for item in job.items)
    told = Failure(code=error.code, message=error.message, hint=error.next_step)
    same = run.failed.get(error.code)
    run.failed[error.code] = RefineFailure(ids=(*(same.ids if same else ()), *ids), error=told)
    run.in_a_row += 1
    if isinstance(error, (LLMBudgetSpent, LLMUnavailable)) or run.in_a_row >= STOP_AFTER:
        run.stopped = True


# -- storing


def _commit(run: _Run, job: Job, answer: Read) -> None:
    """Store a window's facts and end the waiting of its memories, in one change of the cube. Where the
    model does not get to judge them nothing is stored, and its memories go on waiting."""
    cube = run.session.cube
    found = [fact for fact in answer.facts if content_hash(fact.text) != fact.main.content_hash]
    vectors = TextVectors(run.session)
    vectors.complete([fact.text for fact in found])
    judge = FactJudge(run.session, vectors, on=run.judge, patient=_failed_before(run, job))
    change = Change(verb="refine", actor=run.session.actor, id=run.change, time=now())
    items = [_item(run, fact, {item.id: item for item in job.items}, change) for fact in found]
    try:
        judge.look(items)
    except LLMError as error:
        _fail(run, job, error)
        return
    with cube.writing("refine"):
        standing = _standing(run.session, job)
        if not standing:
            return
        change = change.but(time=now())
        facts = {p: _item(run, f, standing, change) for p, f in enumerate(found) if f.main.id in standing}
        judge.look([facts.get(p, item) for p, item in enumerate(items)])
        made = drawn(run.session, facts, standing.values(), judge, change)
        vectors.complete([item.memory for item in made.new.values()])
        by_row = {item.row: vectors[item.memory] for item in made.puts if item.memory in vectors}
        kept = kept_vectors(run.session, list(made.edits.values()))
        whole = change.but(puts=tuple(made.puts), closings=tuple(made.closings), vectors=by_row | kept)
        done = cube.commit(whole)
    run.in_a_row = 0
    run.notes.update(dict.fromkeys((*judge.notes, *done.notes)))
    run.dropped.update(answer.dropped)
    if repeated := len(answer.facts) - len(found):
        run.dropped["it repeats its source"] += repeated
    run.refined += len(standing)
    run.take(made)


def _failed_before(run: _Run, job: Job) -> bool:
    return any(item.id in run.failures for item in job.items)


def _standing(session: Session, job: Job) -> dict[str, MemoryItem]:
    """Those of a job's memories that say what they said when they were read, and that nobody else refined
    meanwhile; as they are now."""
    return {item.id: item for item in unchanged(session, job.items)}


def _item(run: _Run, fact: FoundFact, standing: dict[str, MemoryItem], change: Change) -> MemoryItem:
    """A fact as a memory: of the owner of its source, true since its source was."""
    main = standing[fact.main.id]
    others = run.session.cube.keywords.current(list(fact.others))
    rests_on = [main.id, *(id for id in fact.others if id in others and others[id][1].status in _IN_USE)]
    return MemoryItem(
        memory=fact.text,
        kind=main.kind,
        origin=fact.origin,
        language=language_of(fact.text) or main.language,
        key=fact.key,
        tags=tuple(dict.fromkeys((*main.tags, *fact.tags))),
        speaker=main.speaker,
        position=main.position,
        sources=main.sources[:SOURCES],
        said_at=main.said_at,
        valid_from=main.valid_from,
        confidence=fact.confidence,
        visibility=main.visibility,
        user_id=main.user_id,
        session_id=main.session_id,
        agent_id=main.agent_id,
        relations=tuple(Relation(kind=RelationKind.REFINES, target=id) for id in rests_on),
        refines=main.id,
        known_from=change.time,
        created_at=change.time,
        change=change.id,
        verb=change.verb,
        actor=change.actor,
        content_hash=content_hash(fact.text),
        info={"importance": fact.importance, "model": run.llm.name},
        **fact.event,
    )


def _told(item: MemoryItem) -> Fact:
    return Fact(
        id=item.id,
        memory=item.memory,
        refines=item.refines or "",
        origin=item.origin,
        confidence=item.confidence,
    )


__all__ = ["RefineResult", "refine"]
