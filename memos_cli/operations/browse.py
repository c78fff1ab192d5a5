"""`memos get`, `list`, `history`, `log`, `stats`: reading a cube without a question.

Owns: what they answer. Does not own: ranking (`search`). `get` and `list` read the keyword
projection while it is level with the table; history and log read the table, where closed
versions stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_cli.errors import MemoryNotFound, UsageError
from memos_cli.schema import Added, ChangeEntry, Depth, Filters, Level, MemoryItem, Origin, Status, Value
from memos_cli.stores.facts import PINNED
from memos_cli.stores.keyword_recency import latest_first
from memos_cli.stores.table import quoted
from memos_cli.stores.table_files import newest_version

if TYPE_CHECKING:
    from memos_cli.cube.cube import View
    from memos_cli.session import Session

EVERYTHING = (1 << 31) - 1
"""A limit that no cube reaches."""
_AT_ONCE = 1_000
"""Memories that are read from the index at a time."""

NODES = frozenset({Level.CONCEPT, Level.TOPIC})

EXCERPTS = 5
"""Memories that an answer about a change names; there may be a hundred thousand."""

EXCERPT = 200
"""Characters of each of them."""

MOSTLY = 0.5
"""Share of memories from which on a cube counts as being in other languages than its embedder."""


class ListResult(Value, frozen=True, kw_only=True):
    items: tuple[MemoryItem, ...]
    total: int
    notes: tuple[str, ...] = ()


class HistoryResult(Value, frozen=True, kw_only=True):
    versions: tuple[MemoryItem, ...]
    changed: tuple[str, ...] = ()
    """Of each version what sets it apart from the one before, where both say the same; else empty."""


class LogResult(Value, frozen=True, kw_only=True):
    changes: tuple[ChangeEntry, ...]
    total: int


class StatsResult(Value, frozen=True, kw_only=True):
    cube: str
    path: str
    cube_id: str
    revision: int
    text: Depth
    embedder: str | None
    dimension: int | None
    memories: int
    versions: int
    kinds: dict[str, int]
    statuses: dict[str, int]
    languages: dict[str, int]
    users: int
    sessions: int
    pinned: int
    used: int
    """Memories that searches have found."""
    uses: int
    """How often, all together."""
    bytes: dict[str, int]
    fragments: int
    notes: tuple[str, ...] = ()


def find(session: Session, id: str) -> MemoryItem:
    """The current version of the memory called `id`, or by the beginning of its id.

    Raises MemoryNotFound (a purged one too), UsageError when a beginning fits several.
    """
    view = session.cube.view(vectors=False)
    for keywords in reversed(view.keywords):
        if (found := keywords.current([id]).get(id)) and id not in view.gone:
            return found[1]
    if len(id) < 4 or not all(c in "0123456789abcdef-" for c in id.lower()):
        raise MemoryNotFound(id=id)
    condition = f"starts_with(id, {quoted([id.lower()])}) AND known_to IS NULL AND status != 'purged'"
    matches = {i.id: i for i in session.cube.table.items(condition)}
    if len(matches) > 1:
        raise UsageError(
            detail=f"{len(matches)} memories have an id that begins with {id}.",
            hint="Type more of it; `memos list` shows whole ids.",
        )
    if not matches:
        raise MemoryNotFound(id=id)
    return next(iter(matches.values()))


def get(session: Session, id: str) -> MemoryItem:
    """The current version of a memory. Raises MemoryNotFound."""
    return find(session, id)


def kin(session: Session, item: MemoryItem) -> tuple[list[MemoryItem], list[MemoryItem]]:
    """The facts drawn from a memory, and the memories that it was drawn from itself."""
    from memos_cli.operations.dependents import facts_of

    view = session.cube.view(vectors=False)
    raw: dict[str, MemoryItem] = {}
    for keywords in view.keywords:
        raw |= {
            id: found for id, (_, found) in keywords.current(item.rests_on).items() if id not in view.gone
        }
    return facts_of(session, [item.id]), [raw[id] for id in item.rests_on if id in raw]


class Usage(Value, frozen=True, kw_only=True):
    """How often searches found a memory, and when last."""

    count: int
    last: datetime | None


def usage_of(session: Session, id: str) -> Usage:
    """How often a memory was used; a memory that was never found has a count of 0."""
    used = session.cube.usage.counts().get(id)
    if used is None:
        return Usage(count=0, last=None)
    return Usage(count=used.uses, last=datetime.fromtimestamp(used.last, UTC))


def list_memories(
    session: Session, filters: Filters, *, limit: int = 50, offset: int = 0, pinned: bool = False
) -> ListResult:
    """Memories that pass the filters, those said last first, and how many there are in all; topics and
    concepts only where a level names them; or only what is pinned."""
    from memos_cli.operations.search import ordinary

    view = session.cube.view(vectors=False)
    filters = ordinary(view, filters)
    marked = PINNED if pinned else None
    if view.whole and filters.as_of is None and (filters.known_at is None or not pinned):
        (keywords,) = view.keywords
        ordered = keywords.latest(filters, offset + limit, marked)
        total = keywords.count(filters, marked)
    else:
        rows = _rows(view, filters).items()
        ordered = latest_first([(o, item) for o, item in rows if item.pinned or not pinned], {})
        total = len(ordered)
    return ListResult(items=tuple(ordered[offset : offset + limit]), total=total, notes=view.notes)


def each_memory(session: Session, filters: Filters) -> Iterator[MemoryItem]:
    """Memories that pass the filters, as `list_memories` finds them, oldest first, some at a time in memory."""
    from memos_cli.operations.search import ordinary

    view = session.cube.view(vectors=False)
    filters = ordinary(view, filters)
    if not view.whole or filters.as_of is not None:
        rows = _rows(view, filters)
        yield from (rows[ordinal] for ordinal in sorted(rows))
        return
    (keywords,) = view.keywords
    ordinals = sorted(keywords.filter_only(filters, EVERYTHING))
    for start in range(0, len(ordinals), _AT_ONCE):
        found = keywords.items(ordinals[start : start + _AT_ONCE])
        yield from (found[ordinal] for ordinal in sorted(found))


def _rows(view: View, filters: Filters) -> dict[int, MemoryItem]:
    """Every memory that passes, once, by ordinal; for views and times where counting is not enough."""
    from memos_cli.operations.search import latest

    found: dict[str, tuple[int, MemoryItem]] = {}
    for place, keywords in enumerate(view.keywords):
        stale = view.hidden if place == 0 and not view.whole else frozenset()
        ordinals = [o for o in keywords.filter_only(filters, EVERYTHING) if o not in stale]
        rows = [(o, i) for o, i in keywords.items(ordinals).items() if i.id not in view.gone]
        for ordinal, item in latest(view, rows, filters) if filters.as_of else rows:
            if item.id not in found or found[item.id][1].version < item.version:
                found[item.id] = (ordinal, item)
    return dict(found.values())


def history(session: Session, id: str) -> HistoryResult:
    """Every version of a memory, the oldest first. Raises MemoryNotFound."""
    versions = session.cube.table.items(f"id = {quoted([id])}")
    if not versions or any(i.status is Status.PURGED for i in versions):
        versions = session.cube.table.items(f"id = {quoted([find(session, id).id])}")
    ordered = sorted(versions, key=lambda i: i.version)
    return HistoryResult(versions=tuple(ordered), changed=tuple(_changed(session, ordered)))


def _changed(session: Session, versions: list[MemoryItem]) -> Iterator[str]:
    """What each version changed, in a few words."""
    nodes: dict[str, str] = {}
    for shard in session.cube.view(vectors=False).keywords:
        found = shard.current([item.parent for item in versions if item.parent])
        nodes |= {id: str(node.key) for id, (_, node) in found.items() if node.key}
    for before, item in zip([None, *versions], versions, strict=False):
        same = before is not None and before.memory == item.memory
        yield ", ".join(_differences(before, item, nodes)) if before is not None and same else ""


def _differences(before: MemoryItem, item: MemoryItem, nodes: dict[str, str]) -> Iterator[str]:
    if before.parent != item.parent:
        above = nodes.get(item.parent or "", "a topic that is gone")
        yield f"filed under {above}" if item.parent else "filed under nothing"
    if before.pinned != item.pinned:
        yield "pinned" if item.pinned else "unpinned"
    if before.stale != item.stale:
        yield "to be told anew" if item.stale else "told anew"
    yield from (name for name in ("tags", "relations") if getattr(before, name) != getattr(item, name))


def log(session: Session, limit: int = 50, offset: int = 0) -> LogResult:
    """Changes, newest first, with how many versions each opened and closed, and of which memories."""
    columns = ["change", "verb", "actor", "known_from", "closed_by", "ordinal", "level", "origin"]
    rows = session.cube.table.arrow(None, columns).to_pylist()
    opened = Counter(r["change"] for r in rows)
    closed = Counter(r["closed_by"] for r in rows if r["closed_by"])
    nodes = Counter(r["change"] for r in rows if r["level"] in NODES and r["origin"] == Origin.SUMMARY)
    made = {r["change"]: r for r in rows}
    entries = [
        ChangeEntry(
            id=id,
            verb=r["verb"] or "",
            actor=r["actor"] or "",
            time=r["known_from"],
            opened=opened[id],
            closed=closed[id],
            nodes=nodes[id],
        )
        for id, r in made.items()
        if id
    ]
    entries.sort(key=lambda e: (e.time, e.id), reverse=True)
    shown = entries[offset : offset + limit]
    touched = _touched(session, {e.id for e in shown}, rows)
    return LogResult(
        changes=tuple(e.but(memories=tuple(touched.get(e.id, ()))) for e in shown), total=len(entries)
    )


def excerpt(id: str, memory: str) -> Added:
    """A memory with the beginning of its text, for an answer that is not about the text."""
    return Added(id=id, memory=memory if len(memory) <= EXCERPT else f"{memory[: EXCERPT - 1]}…")


def _touched(session: Session, changes: set[str], rows: Iterable[dict[str, Any]]) -> dict[str, list[Added]]:
    """By change, its first memories; only their texts are read, since one change may hold thousands."""
    first: dict[str, list[int]] = {}
    for row in rows:
        ordinals = first.setdefault(row["change"], []) if row["change"] in changes else None
        if ordinals is not None and len(ordinals) < EXCERPTS:
            ordinals.append(row["ordinal"])
    wanted = [ordinal for ordinals in first.values() for ordinal in ordinals]
    if not wanted:
        return {}
    condition = f"ordinal IN ({', '.join(map(str, wanted))})"
    found: dict[str, list[Added]] = {}
    texts = session.cube.table.arrow(condition, ["change", "id", "memory", "ordinal"]).to_pylist()
    for row in sorted(texts, key=lambda r: int(r["ordinal"])):
        found.setdefault(row["change"], []).append(excerpt(row["id"], row["memory"]))
    return found


def stats(session: Session) -> StatsResult:
    """What the cube holds, in numbers."""
    cube, config = session.cube, session.cube.config
    columns = ["id", "kind", "status", "language", "user_id", "session_id", "pinned", "known_to"]
    rows = cube.table.arrow("status != 'purged'", columns)
    current = rows.filter(rows["known_to"].is_null())
    shown = [r for r in current.to_pylist() if r["status"] != Status.DELETED]
    languages = _count(r["language"] or "unknown" for r in shown)
    counts = cube.usage.counts()
    used = [counts[r["id"]].uses for r in shown if r["id"] in counts]
    return StatsResult(
        cube=session.ref.name,
        path=str(cube.root),
        cube_id=config.cube_id,
        revision=newest_version(cube.layout.table) or 0,
        text=config.depth,
        embedder=config.embedder.name if config.embedder else None,
        dimension=config.embedder.dimension if config.embedder else None,
        memories=len(shown),
        versions=rows.num_rows,
        kinds=_count(r["kind"] for r in shown),
        statuses=_count(r["status"] for r in current.to_pylist()),
        languages=languages,
        users=len({r["user_id"] for r in shown if r["user_id"]}),
        sessions=len({r["session_id"] for r in shown if r["session_id"]}),
        pinned=sum(bool(r["pinned"]) for r in shown),
        used=len(used),
        uses=sum(used),
        bytes=_sizes(cube.root),
        fragments=len(cube.table.dataset.get_fragments()),
        notes=language_notes(session, languages),
    )


def language_notes(session: Session, languages: dict[str, int]) -> tuple[str, ...]:
    """One note when most text is in languages that the cube's embedder was not trained for."""
    info = session.cube.config.embedder
    known = {code: n for code, n in languages.items() if code != "unknown"}
    if info is None or not info.languages or not known:
        return ()
    foreign = {code: n for code, n in known.items() if code not in info.languages}
    if sum(foreign.values()) <= MOSTLY * sum(languages.values()):
        return ()
    most = max(foreign, key=lambda code: foreign[code])
    return (
        f"Most of this cube's text is not in a language that {info.name} reads ({most} leads); "
        "`memos reembed --embedder use` gives it multilingual vectors (needs memoskit[multilingual]).",
    )


def _count(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _sizes(root: Path) -> dict[str, int]:
    sizes = {
        part.name: sum(f.stat().st_size for f in part.rglob("*") if f.is_file())
        for part in sorted(root.iterdir())
        if part.is_dir()
    }
    return {**sizes, "total": sum(f.stat().st_size for f in root.rglob("*") if f.is_file())}
