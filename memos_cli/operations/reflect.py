"""`memos reflect`: a language model draws insights from what came lately, each resting on memories.

Owns: which memories are read together, which insights are known already, and the one change that
stores them. Does not own: the question and what is believed (`reflecting`), what becomes of an
insight whose evidence goes (`insights`).

What came since the last time is read, a few memories at a time, each with the earlier ones that a search
finds near them: so the cost goes with what is new, and the old is not left out. Nothing is concluded
from one user's memories to another's, nor from what is only for its session. The model is asked
without the write lock; the commit looks again at what the insights rest on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from memos_cli.cube import reflected
from memos_cli.cube.lock import alone
from memos_cli.errors import LLMBudgetSpent, LLMError, LLMUnavailable, NoLLM
from memos_cli.operations.edit import kept_vectors
from memos_cli.operations.insights import IN_USE, evidence_of, follow, insights, is_founded
from memos_cli.operations.outline import PLACED, can_be_placed
from memos_cli.operations.plan import Draft
from memos_cli.operations.reflecting import Answer, Drawn, DroppedInsight, draw
from memos_cli.operations.search import answer
from memos_cli.operations.versions import Edited, next_version
from memos_cli.reader.fine import Line, Window
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Change,
    Closing,
    Failure,
    Filters,
    Kind,
    Level,
    MemoryItem,
    Origin,
    Query,
    Relation,
    RelationKind,
    Status,
    Value,
    Visibility,
    now,
    uuid7,
)
from memos_cli.session import TextVectors
from memos_cli.stores.facts import is_learned
from memos_cli.stores.nearness import content_hash, same

if TYPE_CHECKING:
    from memos_cli.providers.llm import LLM
    from memos_cli.session import Session

    Progress = Callable[[str, int, int | None], None]

FIRST = timedelta(days=7)
"""How far back the first run goes."""
FRESH, EARLIER = 30, 12
"""Memories of a window: those that are new, and those that were there before."""
PROBES = 6
"""New memories of a window whose neighbours are looked for."""
WINDOWS = 20
"""Windows of one run; what is left waits for the next."""
SHOWN = 600
"""Characters of a memory that a model is shown."""
MOST = 5
"""Insights of one run, the surest, unless the caller says otherwise."""
ALIKE = 0.9
"""Cosine from which on two insights of one owner say the same in other words."""
STOP_AFTER = 3
"""Windows that fail one after the other before a run ends: the model is down, or no good."""
PAGE = 200


class Insight(Value, frozen=True, kw_only=True):
    """An insight in an answer; `evidence` are the ids of the memories that it rests on."""

    id: str
    memory: str
    key: str | None = None
    confidence: int = 50
    evidence: tuple[str, ...] = ()


class ReflectFailure(Value, frozen=True, kw_only=True):
    """How many memories could not be reflected on, and why; the next run reads them again."""

    memories: int
    error: Failure


class ReflectResult(Value, frozen=True, kw_only=True):
    """`change` is null when nothing was stored."""

    change: str | None = None
    insights: tuple[Insight, ...] = ()
    read: int = 0
    """New memories that the model was shown."""
    known: int = 0
    """Insights that were there already."""
    dropped: tuple[DroppedInsight, ...] = ()
    archived: tuple[str, ...] = ()
    """Insights whose evidence had gone."""
    left: int = 0
    """New memories that wait for the next run."""
    failed: tuple[ReflectFailure, ...] = ()
    tokens: int = 0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


Owner = tuple[str | None, str | None]


@dataclass
class _Run:
    session: Session
    llm: LLM
    most: int
    deadline: float | None
    known: Mapping[Owner, list[MemoryItem]]
    drawn: list[tuple[Owner, Drawn]] = field(default_factory=list)
    dropped: list[DroppedInsight] = field(default_factory=list)
    failed: dict[str, ReflectFailure] = field(default_factory=dict)
    unread: list[MemoryItem] = field(default_factory=list)
    in_a_row: int = 0
    over: bool = False
    late: bool = False


def reflect(
    session: Session,
    *,
    since: datetime | None = None,
    most: int = MOST,
    dry_run: bool = False,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> ReflectResult:
    """Draw insights from what came `since` then; None: since the last run, of the last week at first.

    `deadline` in seconds of `time.monotonic`: when no model is asked any more. With `dry_run` it is asked,
    and nothing is stored. Raises NoLLM, UnknownLLM, LLMUnavailable when the model cannot even be opened,
    AtWork, Busy; whatever else goes wrong with the model is in `failed`, and the rest goes on.
    """
    if (llm := session.llm) is None:
        raise NoLLM(verb="reflect")
    layout = session.cube.layout
    with alone(layout.reflecting, "reflect"):
        used = llm.meter.used.tokens
        fresh = recent(session, since or reflected.read(layout) or now() - FIRST)
        windows = list(_windows(fresh))
        run = _Run(session, llm, most, deadline, _by_owner(insights(session)))
        _ask(run, windows[:WINDOWS], progress)
        chosen = _chosen(run)
        result = _stored(run, chosen, dry_run)
        late = [item for _, items in windows[WINDOWS:] for item in items]
        if not dry_run and since is None and fresh:
            reflected.write(layout, _until(fresh, [*run.unread, *late]))
    notes = result.notes
    if run.late:
        notes = (*notes, "the time was up before all had been read; the next run goes on")
    return result.but(
        read=len(fresh) - len(run.unread) - len(late),
        left=len(run.unread) + len(late),
        dropped=tuple(run.dropped),
        failed=tuple(run.failed.values()),
        tokens=llm.meter.used.tokens - used,
        dry_run=dry_run,
        notes=notes if fresh else (*notes, "nothing new has come since the last time"),
    )


def _until(fresh: Sequence[MemoryItem], unread: Sequence[MemoryItem]) -> datetime:
    """Up to when everything was read."""
    if unread:
        return min(item.created_at for item in unread) - timedelta(microseconds=1)
    return max(item.created_at for item in fresh)


# -- what is read


def recent(session: Session, since: datetime) -> list[MemoryItem]:
    """Memories that the cube first held after that moment, the oldest first: facts and what was said,
    without what is only for its session."""
    view = session.cube.view(vectors=False)
    filters = Filters(kinds=tuple(sorted(PLACED)), levels=(Level.FACT,))
    found: dict[str, MemoryItem] = {}
    for place, shard in enumerate(view.keywords):
        stale = view.hidden if place == 0 and not view.whole else frozenset()
        ordinals = [o for o in shard.filter_only(filters, (1 << 31) - 1) if o not in stale]
        for page in _pages(sorted(ordinals, reverse=True)):
            items = shard.items(page).values()
            found |= {item.id: item for item in items if item.id not in view.gone}
            # Ordinals grow from change to change, so what follows was written even earlier.
            if all(item.known_from <= since for item in items):
                break
    kept = (item for item in found.values() if item.created_at > since and _is_read(item))
    return sorted(kept, key=lambda item: (item.created_at, item.id))


def _pages(ordinals: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ordinals[start : start + PAGE] for start in range(0, len(ordinals), PAGE))


def _is_read(item: MemoryItem) -> bool:
    return (
        item.known_to is None
        and item.status in IN_USE
        and item.visibility is not Visibility.SESSION
        and can_be_placed(item)
        # What a preference was learned from is read itself.
        and not is_learned(item)
    )


def _owner(item: MemoryItem) -> Owner:
    return item.user_id, item.agent_id


def _by_owner(items: Sequence[MemoryItem]) -> dict[Owner, list[MemoryItem]]:
    found: dict[Owner, list[MemoryItem]] = {}
    for item in items:
        found.setdefault(_owner(item), []).append(item)
    return found


def _windows(fresh: Sequence[MemoryItem]) -> Iterator[tuple[Owner, list[MemoryItem]]]:
    """What is read together, the longest waiting first."""
    parts = [
        (owner, items[start : start + FRESH])
        for owner, items in _by_owner(fresh).items()
        for start in range(0, len(items), FRESH)
    ]
    return iter(sorted(parts, key=lambda part: part[1][0].created_at))


def _window(session: Session, items: Sequence[MemoryItem]) -> Window:
    """New memories with the earlier ones that are near them."""
    earlier: dict[str, MemoryItem] = {}
    mine = {item.id for item in items}
    step = max(1, len(items) // PROBES)
    for item in items[::step][:PROBES]:
        users = (item.user_id,) if item.user_id else ()
        filters = Filters(kinds=tuple(sorted(PLACED)), levels=(Level.FACT,), users=users)
        for hit in answer(
            session, Query(text=item.memory[:SHOWN], k=2 + EARLIER // PROBES, filters=filters)
        ).hits:
            near = hit.item
            if near.id not in mine and _owner(near) == _owner(item) and _is_read(near):
                earlier.setdefault(near.id, near)
    before = [Line(item, item.memory[:SHOWN], False) for item in list(earlier.values())[:EARLIER]]
    return Window((*before, *(Line(item, item.memory[:SHOWN]) for item in items)), chat=False)


# -- asking


def _ask(run: _Run, parts: Sequence[tuple[Owner, list[MemoryItem]]], progress: Progress | None) -> None:
    """Ask about some windows at a time. They are put together here, since searching is no work for the
    threads that wait for a model."""
    coming = iter(parts)
    done = 0
    while batch := list(islice(coming, run.llm.parallel)):
        if run.deadline is not None and time.monotonic() >= run.deadline:
            run.over, run.late = True, True
        if run.over:
            run.unread += [item for _, items in batch for item in items]
            continue
        windows = [(owner, _window(run.session, items)) for owner, items in batch]
        answers = run.llm.each(lambda pair: _drawn(run, *pair), windows)
        for (owner, items), said in zip(batch, answers, strict=True):
            if isinstance(said, LLMError):
                _fail(run, items, said)
            else:
                run.in_a_row = 0
                run.drawn += [(owner, one) for one in said[0]]
                run.dropped += said[1]
        done += len(batch)
        if progress:
            progress("Reflecting", done, len(parts))


def _drawn(run: _Run, owner: Owner, window: Window) -> Answer:
    known = [one.memory for one in run.known.get(owner, ()) if one.status in IN_USE]
    return draw(run.llm, window, known, run.most)


def _fail(run: _Run, items: Sequence[MemoryItem], error: LLMError) -> None:
    run.unread += items
    run.in_a_row += 1
    run.over |= isinstance(error, (LLMBudgetSpent, LLMUnavailable)) or run.in_a_row >= STOP_AFTER
    before = run.failed.get(error.code)
    run.failed[error.code] = ReflectFailure(
        memories=len(items) + (before.memories if before else 0),
        error=Failure(code=error.code, message=error.message, hint=error.next_step),
    )


def _chosen(run: _Run) -> list[tuple[Owner, Drawn]]:
    """The surest ones; the rest is named."""
    ordered = sorted(run.drawn, key=lambda pair: -pair[1].confidence)
    run.dropped += [
        DroppedInsight(text=one.text, reason="others are surer (--max-insights)")
        for _, one in ordered[run.most :]
    ]
    return ordered[: run.most]


# -- storing


def _stored(run: _Run, chosen: Sequence[tuple[Owner, Drawn]], dry_run: bool) -> ReflectResult:
    """Make the insights that are new one change, with what becomes of those whose evidence has gone."""
    session = run.session
    vectors = TextVectors(session)
    vectors.complete([one.text for _, one in chosen])
    with session.cube.writing("reflect"):
        vectors.complete([one.text for _, one in chosen])
        change = Change(verb="reflect", actor=session.actor, id=uuid7(), time=now())
        draft = Draft()
        follow(session, draft)
        there = _Known(session, vectors, draft)
        new, known = list[MemoryItem](), 0
        for owner, one in chosen:
            if (standing := _standing(session, one)) is None:
                run.dropped.append(DroppedInsight(text=one.text, reason="what it rests on changed meanwhile"))
            elif (old := there.of(owner, one.text)) is not None:
                known += 1
                if old not in new:
                    _founded(session, draft, old, standing)
            else:
                new.append(_item(run, owner, one, standing, change))
                there.add(owner, new[-1])
        edits: list[Edited] = [
            (old, next_version(old, **fields), None) for old, fields in draft.edits.values()
        ]
        told = tuple(_told(item) for item in new)
        away = tuple(old.id for old, after, _ in edits if after.status is Status.ARCHIVED)
        if dry_run or not (new or edits):
            return ReflectResult(insights=told, known=known, archived=away)
        done = session.cube.commit(_change(session, change, new, edits, vectors))
    return ReflectResult(change=change.id, insights=told, known=known, archived=away, notes=tuple(done.notes))


def _change(
    session: Session, change: Change, new: Sequence[MemoryItem], edits: list[Edited], vectors: TextVectors
) -> Change:
    made = {item.row: vectors[item.memory] for item in new if item.memory in vectors}
    return Change(
        verb=change.verb,
        actor=change.actor,
        id=change.id,
        time=change.time,
        puts=(*new, *(after for _, after, _ in edits)),
        closings=tuple(Closing(id=old.id, row=old.row) for old, _, _ in edits),
        vectors=kept_vectors(session, edits) | made,
    )


def _standing(session: Session, one: Drawn) -> list[MemoryItem] | None:
    """What an insight rests on as it is now; None where any of it is gone or says something else."""
    view = session.cube.view(vectors=False)
    current: dict[str, MemoryItem] = {}
    for shard in view.keywords:
        found = shard.current([item.id for item in one.evidence])
        current |= {id: item for id, (_, item) in found.items() if id not in view.gone}
    items = [current[item.id] for item in one.evidence if item.id in current]
    whole = len(items) == len(one.evidence) and all(
        item.status in IN_USE and item.content_hash == shown.content_hash
        for item, shown in zip(items, one.evidence, strict=True)
    )
    return items if whole else None


class _Known:
    """The insights of each owner, by their words and by their vectors."""

    def __init__(self, session: Session, vectors: TextVectors, draft: Draft) -> None:
        self._items = _by_owner([draft.current(one) for one in insights(session)])
        self._old = {one.id: one for ones in self._items.values() for one in ones}
        self._vectors = vectors
        self._made: dict[str, np.ndarray] = {}
        column = session.cube.column
        if self._old and column is not None:
            for tail in session.cube.table.tails(f"kind = '{Kind.INSIGHT}' AND known_to IS NULL", column):
                self._made |= {i.id: tail.vectors[i.row] for i in tail.items if i.row in tail.vectors}

    def add(self, owner: Owner, item: MemoryItem) -> None:
        self._items.setdefault(owner, []).append(item)
        if item.memory in self._vectors:
            self._made[item.id] = self._vectors[item.memory]

    def of(self, owner: Owner, text: str) -> MemoryItem | None:
        """The insight that says the same."""
        for item in self._items.get(owner, ()):
            if same(item.memory, text) or self._near(item, text):
                return self._old.get(item.id, item)
        return None

    def _near(self, item: MemoryItem, text: str) -> bool:
        if item.id not in self._made or text not in self._vectors:
            return False
        a, b = (rows[0].astype(np.float32) for rows in (self._made[item.id], self._vectors[text]))
        lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
        return lengths > 0 and float(a @ b) / lengths >= ALIKE


def _founded(session: Session, draft: Draft, old: MemoryItem, standing: Sequence[MemoryItem]) -> None:
    """An insight that is there rests on what it was drawn from anew, too. One that somebody archived
    stays archived; one that went since its evidence went comes back."""
    item = draft.current(old)
    back = item.status is Status.ARCHIVED
    if back and is_founded(session, old):
        return
    before = () if back else evidence_of(item)
    fresh = [one.id for one in standing if one.id not in before]
    if not fresh and not item.stale:
        return
    others = tuple(r for r in item.relations if r.kind != RelationKind.EVIDENCE)
    edges = (Relation(kind=RelationKind.EVIDENCE, target=id) for id in (*before, *fresh))
    draft.edit(old, status=Status.ACTIVATED, relations=(*others, *edges), stale=False)


def _item(run: _Run, owner: Owner, one: Drawn, standing: Sequence[MemoryItem], change: Change) -> MemoryItem:
    public = all(item.visibility is Visibility.PUBLIC for item in standing)
    return MemoryItem(
        memory=one.text,
        kind=Kind.INSIGHT,
        origin=Origin.INFERRED,
        language=language_of(one.text),
        key=one.key,
        tags=one.tags,
        valid_from=change.time,
        confidence=one.confidence,
        visibility=Visibility.PUBLIC if public else Visibility.PRIVATE,
        user_id=owner[0],
        agent_id=owner[1],
        relations=tuple(Relation(kind=RelationKind.EVIDENCE, target=item.id) for item in standing),
        known_from=change.time,
        created_at=change.time,
        content_hash=content_hash(one.text),
        info={"model": run.llm.name},
    )


def _told(item: MemoryItem) -> Insight:
    return Insight(
        id=item.id,
        memory=item.memory,
        key=item.key,
        confidence=item.confidence,
        evidence=evidence_of(item),
    )


def reasons(dropped: Sequence[DroppedInsight]) -> dict[str, int]:
    """How many were dropped, by reason."""
    return dict(Counter(one.reason for one in dropped).most_common())


__all__ = ["Insight", "ReflectResult", "reasons", "recent", "reflect"]
