"""Memories that wait for their refinement, and the windows in which they are read.

Owns: the order of the queue, which turns or passages are read together and
what stands before them. Does not own: what is worth refining
(`refinable`), asking the model (`reader/fine`), committing (`refine`).

The queue is no list of its own: a memory that waits says so (`refinement` is `queued`), and the
keyword index finds it by that. So nothing can be queued and missing, or the other way round.

Windows are MemOS's: 10 turns or 1,600 tokens, with 2 turns before them (MEM_READER_CHAT_CHUNK_*).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from memos_cli.operations.refinable import refinable
from memos_cli.operations.search import tokens
from memos_cli.reader.fine import Line, Window
from memos_cli.reader.split import spans
from memos_cli.schema import Filters, MemoryItem, Refinement, Status
from memos_cli.stores.facts import is_turn

if TYPE_CHECKING:
    from memos_cli.cube.cube import View
    from memos_cli.session import Session

TURNS = 10
OVERLAP = 2
TOKENS = 1600
GAP = 4
"""Places between two turns of a session beyond which they are read apart."""
CONTEXT = 600
"""Characters of a line that is there for understanding alone."""
PIECE = 4 * TOKENS
"""Characters of a piece of a memory that is too long for one window."""
SLICE = 200
"""Memories that are claimed and read at a time."""

_IN_USE = (Status.ACTIVATED, Status.RESOLVING)


@dataclass(frozen=True)
class Job:
    """Memories that are done together, and the windows in which they are read: one, except for a memory
    that is too long for one."""

    items: tuple[MemoryItem, ...]
    windows: tuple[Window, ...]

    @cached_property
    def halves(self) -> tuple[Job, Job] | None:
        """The same as two; None where there is nothing to part."""
        if len(self.items) < 2:
            return None
        (window,) = self.windows
        earlier = [line for line in window.lines if not line.fresh]
        fresh = [line for line in window.lines if line.fresh]
        middle = len(fresh) // 2
        before = [Line(line.item, line.text[:CONTEXT], False) for line in fresh[:middle]][-OVERLAP:]
        parts = ((earlier, fresh[:middle]), (before, fresh[middle:]))
        first, second = (_job(context, lines, window.chat) for context, lines in parts)
        return first, second


def count_waiting(session: Session) -> int:
    """How many memories wait."""
    view = session.cube.view(vectors=False)
    return len(_ordinals(view, [shard.queued() for shard in view.keywords]))


def slices(
    session: Session, ids: Sequence[str] | None, everything: bool, failures: dict[str, int]
) -> Iterator[list[MemoryItem]]:
    """What is to be refined, some memories at a time, the longest waiting first; those that failed before
    come last. `ids`: these, whether they wait or not; `everything`: all that were never refined."""
    held: list[MemoryItem] = []
    for items in _pages(session, ids, everything):
        found = [item for item in items if refinable(item)]
        held += [item for item in found if item.id in failures]
        if fresh := [item for item in found if item.id not in failures]:
            yield fresh
    held.sort(key=lambda item: failures[item.id])
    for start in range(0, len(held), SLICE):
        yield held[start : start + SLICE]


def _pages(session: Session, ids: Sequence[str] | None, everything: bool) -> Iterator[list[MemoryItem]]:
    view = session.cube.view(vectors=False)
    if ids is not None:
        for start in range(0, len(ids), SLICE):
            found: dict[str, MemoryItem] = {}
            for shard in view.keywords:
                found |= {id: item for id, (_, item) in shard.current(ids[start : start + SLICE]).items()}
            yield [item for id, item in found.items() if id not in view.gone]
        return
    limit = (1 << 31) - 1
    listed = [
        shard.filter_only(Filters(), limit) if everything else shard.queued() for shard in view.keywords
    ]
    ordinals = _ordinals(view, listed)
    for start in range(0, len(ordinals), SLICE):
        page = ordinals[start : start + SLICE]
        items: dict[int, MemoryItem] = {}
        for shard in view.keywords:
            items |= shard.items(page)
        # What was listed may be an old version by now.
        chosen = [i for o in page if (i := items.get(o)) and i.known_to is None and i.id not in view.gone]
        yield [i for i in chosen if not everything or i.refinement is not Refinement.DONE]


def unchanged(session: Session, items: Sequence[MemoryItem]) -> list[MemoryItem]:
    """Those of `items` that are in use, say what they said, and wait as they waited; as they are now."""
    view = session.cube.view(vectors=False)
    current: dict[str, MemoryItem] = {}
    for shard in view.keywords:
        current |= {id: item for id, (_, item) in shard.current([item.id for item in items]).items()}
    pairs = ((item, current[item.id]) for item in items if item.id in current)
    return [
        now
        for item, now in pairs
        if now.id not in view.gone
        and now.status in _IN_USE
        and (now.content_hash, now.refinement) == (item.content_hash, item.refinement)
    ]


def _ordinals(view: View, listed: Sequence[Iterable[int]]) -> list[int]:
    """Of every shard's ordinals those that are not out of date, the oldest first."""
    found: set[int] = set()
    for place, ordinals in enumerate(listed):
        stale = view.hidden if place == 0 and not view.whole else frozenset()
        found.update(o for o in ordinals if o not in stale)
    return sorted(found)


def jobs(session: Session, items: Sequence[MemoryItem]) -> list[Job]:
    """The windows in which `items` are read, each memory in one job."""
    groups: dict[tuple[object, ...], list[MemoryItem]] = {}
    for item in items:
        groups.setdefault(_together(item), []).append(item)
    return [job for group in groups.values() for job in _windows(session, group)]


def _together(item: MemoryItem) -> tuple[object, ...]:
    """Only what is of one owner is read together, and of one conversation or document."""
    owner = (item.user_id, item.agent_id, item.visibility, item.kind)
    if is_turn(item):
        return (*owner, "talk", item.session_id)
    path = next((s.path or s.url for s in item.sources if s.path or s.url), None)
    return (*owner, "document", path) if path and item.position is not None else (*owner, "note", item.id)


def _windows(session: Session, group: Sequence[MemoryItem]) -> Iterator[Job]:
    chat = is_turn(group[0])
    lines: list[Line] = []
    before: list[Line] = []
    for item in sorted(group, key=lambda one: one.position or 0):
        if tokens(item.memory) > TOKENS:
            pieces = [item.memory[start:end] for start, end in spans(item.memory, PIECE)]
            yield Job((item,), tuple(Window((Line(item, piece),), chat) for piece in pieces))
            continue
        if lines and (_full(lines, item) or _apart(lines[-1].item, item)):
            yield _job(before, lines, chat)
            near = [] if _apart(lines[-1].item, item) else lines[-OVERLAP:]
            before, lines = [Line(line.item, line.text[:CONTEXT], False) for line in near], []
        if not lines and not before and chat:
            before = _earlier(session, item)
        lines.append(Line(item, item.memory))
    if lines:
        yield _job(before, lines, chat)


def _full(lines: Sequence[Line], item: MemoryItem) -> bool:
    return len(lines) == TURNS or sum(tokens(line.text) for line in lines) + tokens(item.memory) > TOKENS


def _apart(first: MemoryItem, second: MemoryItem) -> bool:
    return (second.position or 0) - (first.position or 0) > GAP


def _job(before: Sequence[Line], lines: Sequence[Line], chat: bool) -> Job:
    return Job(tuple(line.item for line in lines), (Window((*before, *lines), chat),))


def _earlier(session: Session, item: MemoryItem) -> list[Line]:
    """The turns before one, whether they were refined or not."""
    if not item.position or item.session_id is None:
        return []
    keywords = session.cube.view(vectors=False).keywords[0]
    turns = keywords.turns(item.session_id, item.user_id, item.position - OVERLAP, item.position - 1)
    mine = [turn for _, turn in turns if (turn.agent_id, turn.visibility) == (item.agent_id, item.visibility)]
    return [Line(turn, turn.memory[:CONTEXT], False) for turn in mine][-OVERLAP:]
