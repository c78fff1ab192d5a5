"""`memos export` and `memos import`: memories as JSON lines.

Owns: the form of a line and what happens when an id is there already. Does not own: reading
files (`interfaces`), what makes two texts the same (`add`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.cube.cube import valid_end
from memos_cli.operations.add import Progress
from memos_cli.operations.browse import EVERYTHING
from memos_cli.operations.edit import next_version
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    MOMENTS,
    Change,
    Closing,
    Filters,
    MemoryItem,
    Status,
    Value,
    is_blank,
    now,
    plain,
    uuid7,
    why,
)
from memos_cli.session import TextVectors
from memos_cli.stores.nearness import content_hash
from memos_cli.stores.table import quoted

if TYPE_CHECKING:
    from memos_cli.session import Session

BATCH = 1_000
MAX_ID = 200
MAX_VERSION = 1 << 30
"""Far above what anybody writes, and half of what the table's column holds."""

ALONE = "it is a closed version, and no later one of its memory is there"

Held = dict[str, list[tuple[int, "bytes | str"]]]
"""Numbered lines, by the id of their memory."""

_VISIBLE = (Status.ACTIVATED, Status.RESOLVING)


class SkippedLine(Value, frozen=True, kw_only=True):
    line: int
    reason: str


class ImportResult(Value, frozen=True, kw_only=True):
    imported: int
    known: int
    skipped: tuple[SkippedLine, ...] = ()
    change: str | None = None
    notes: tuple[str, ...] = ()


def export(
    session: Session, *, filters: Filters, vectors: bool = False, history: bool = False
) -> Iterator[dict[str, Any]]:
    """Memories that pass the filters, oldest first, every field; archived ones too unless asked
    otherwise. `history` adds their closed versions, `vectors` their vectors (with the embedder)."""
    cube = session.cube
    if filters.statuses == _VISIBLE:
        filters = filters.but(statuses=(*_VISIBLE, Status.ARCHIVED))
    view = cube.view(vectors=False)
    wanted: set[int] = set()
    for place, shard in enumerate(view.keywords):
        stale = view.hidden if place == 0 and len(view.keywords) > 1 else frozenset()
        wanted |= {o for o in shard.filter_only(filters, EVERYTHING) if o not in stale}
    ids = _ids(session, wanted) if history else set()
    column = cube.column if vectors else None
    for tail in cube.table.tails("status != 'purged'", column):
        for item, ordinal in zip(tail.items, tail.ordinals, strict=True):
            if ordinal in wanted or item.id in ids:
                line = plain(item)
                if vectors and column and item.row in tail.vectors:
                    line["vectors"] = tail.vectors[item.row].astype("float32").round(6).tolist()
                    line["embedder"] = cube.config.embedder.name if cube.config.embedder else None
                yield line


def _ids(session: Session, ordinals: set[int]) -> set[str]:
    rows = session.cube.table.arrow(None, ["ordinal", "id"]).to_pylist()
    return {r["id"] for r in rows if r["ordinal"] in ordinals}


def import_lines(
    session: Session,
    lines: Iterable[bytes | str],
    *,
    on_conflict: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Take memories in from JSON lines, of which only `memory` is required.

    Same id and text (or, without an id, the same text of the same owner): known. Same id, other
    text: skipped, unless `on_conflict` is `newer` (the later one stands), `keep` (what is there
    stands and the line is known) or `replace`; what it replaces becomes an older version. Closed
    versions come in below a current one. Unusable lines are skipped with the reason.
    """
    change = uuid7()
    skipped: list[SkippedLine] = []
    notes: list[str] = []
    came: dict[str, int] = {}
    held: Held = {}
    imported = known = done = 0
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, BATCH)):
        make = partial(_planned, session, batch, on_conflict, change, held, came)
        plan = make(TextVectors(session))
        if not dry_run:
            plan, said = _stored(session, plan, make)
            notes += said
        skipped += plan.skipped
        imported += plan.imported
        known += plan.known
        held = plan.held
        came |= {id: item.version for id, item in plan.puts.items()}
        done += len(batch)
        if progress:
            progress("importing", done, None)
    skipped += [SkippedLine(line=n, reason=ALONE) for lines_ in held.values() for n, _ in lines_]
    return ImportResult(
        imported=imported,
        known=known,
        skipped=tuple(sorted(skipped, key=lambda one: one.line)),
        change=change if imported and not dry_run else None,
        notes=tuple(dict.fromkeys(notes)),
    )


def sift(lines: Iterable[bytes | str]) -> tuple[Iterator[bytes | str], ImportResult | None]:
    """The same lines, read up to the first that can be stored; where none can be, what came of them.

    For a caller that makes a cube only when there is something to put into it.
    """
    coming = iter(lines)
    read: list[bytes | str] = []
    skipped: list[SkippedLine] = []
    for number, line in enumerate(coming, 1):
        read.append(line)
        if not line.strip():
            continue
        found = _parsed(line)
        if not isinstance(found, str) and found[1].known_to is None:
            return chain(read, coming), None
        skipped.append(SkippedLine(line=number, reason=found if isinstance(found, str) else ALONE))
    return iter(read), ImportResult(imported=0, known=0, skipped=tuple(skipped))


def _planned(
    session: Session,
    batch: list[tuple[int, bytes | str]],
    on_conflict: str | None,
    change: str,
    held: Held,
    came: Mapping[str, int],
    vectors: TextVectors,
) -> _Plan:
    plan = _Plan(session, on_conflict, change, came, vectors)
    for number, line in batch:
        if line.strip() and (reason := plan.take(number, line)):
            plan.skipped.append(SkippedLine(line=number, reason=reason))
    plan.place_closed(held)
    return plan


def _stored(session: Session, plan: _Plan, make: Callable[[TextVectors], _Plan]) -> tuple[_Plan, list[str]]:
    """Embed without the lock, then commit; planned anew when somebody wrote in between."""
    plan.embed()
    with session.cube.writing("import"):
        if session.cube.revision != plan.view.revision or not plan.view.whole:
            plan = make(plan.vectors)
        plan.embed()
        return plan, plan.commit()


class _Plan:
    """One batch of lines, compared with the cube and with each other.

    `came` holds the versions of memories that earlier batches brought.
    """

    def __init__(
        self,
        session: Session,
        on_conflict: str | None,
        change: str,
        came: Mapping[str, int],
        vectors: TextVectors,
    ) -> None:
        self.session = session
        self.view = session.cube.view(vectors=False)
        self.change = change
        self.came = came
        self.moment = now()
        self.skipped: list[SkippedLine] = []
        self.on_conflict = on_conflict
        self.keywords = self.view.keywords[-1]
        self.puts: dict[str, MemoryItem] = {}
        """Current versions to be, by id."""
        self.closed: dict[str, MemoryItem] = {}
        """Versions that came closed or were replaced by a later line, by row."""
        self.held: Held = {}
        """Lines with closed versions, until a later version of their memory is there."""
        self.replaced: dict[str, MemoryItem] = {}
        self.vectors = vectors
        """By text: equal texts have equal vectors."""
        self.texts: dict[tuple[object, ...], str] = {}
        self.imported = self.known = 0

    def take(self, number: int, line: bytes | str) -> str | None:
        """Plan one line; a reason when it cannot be used."""
        found = _parsed(line)
        if isinstance(found, str):
            return found
        document, item = found
        if item.known_to is not None:
            self.held.setdefault(item.id, []).append((number, line))
            return None
        self._keep_vectors(document, item)
        return self._take_current(item, named="id" in document)

    def place_closed(self, held: Held) -> None:
        """Take in closed versions, also of earlier batches, whose memory has a later version now.

        Every version of a memory has a number of its own and the current one the highest: what does
        not fit in is held back, or skipped where its number is taken.
        """
        waiting, self.held = self.held, {}
        for id, lines in held.items():
            if id in self.puts:
                waiting[id] = [*lines, *waiting.get(id, ())]
            else:
                self.held[id] = [*lines, *waiting.pop(id, ())]
        latest = self._latest(waiting)
        rows = {id: dict[str, int]() for id in waiting}
        if waiting:
            condition = f"id IN ({quoted(waiting)})"
            for row in self.session.cube.table.arrow(condition, ["id", "row", "version"]).to_pylist():
                rows[row["id"]][row["row"]] = row["version"]
        for item in chain(self.puts.values(), self.closed.values()):
            rows.setdefault(item.id, {})[item.row] = item.version
        for id, lines in waiting.items():
            for number, line in lines:
                self._place(number, line, rows[id], latest.get(id, 0))

    def _latest(self, ids: Iterable[str]) -> dict[str, int]:
        """The numbers of the current versions, of those that have one."""
        there = self.keywords.current(list(ids))
        found = {id: item.version for id, (_, item) in there.items()}
        return found | dict(self.came) | {id: item.version for id, item in self.puts.items()}

    def _place(self, number: int, line: bytes | str, rows: dict[str, int], latest: int) -> None:
        document, item = _read(line)
        if rows.get(item.row) == item.version:
            self.known += 1
        elif item.version >= latest:
            self.held.setdefault(item.id, []).append((number, line))
        elif item.row in rows or item.version in rows.values():
            reason = f"another version {item.version} of {item.id} is there"
            self.skipped.append(SkippedLine(line=number, reason=reason))
        else:
            rows[item.row] = item.version
            self._keep_vectors(document, item)
            self.closed[item.row] = item.but(closed_by=self.change)
            self.imported += 1

    @cached_property
    def purged(self) -> set[str]:
        """Ids that name nothing any more, so that nobody reuses them."""
        return set(self.session.cube.table.arrow("status = 'purged'", ["id"])["id"].to_pylist())

    def _take_current(self, item: MemoryItem, *, named: bool) -> str | None:
        old = self.puts.get(item.id)
        if old is None and named and (found := self.keywords.current([item.id]).get(item.id)):
            old = found[1]
        if old is None and named and item.id in self.purged:
            return f"{item.id} was purged here (without its id it comes in as a memory of its own)"
        if old is None:
            self._take_new(item, named=named)
            return None
        if old.content_hash == item.content_hash and old.status == item.status:
            self.known += 1
            return None
        if self.on_conflict is None:
            return f"{item.id} is there with another text (--on-conflict says what to do)"
        if self.on_conflict == "keep" or (self.on_conflict == "newer" and item.known_from <= old.known_from):
            self.known += 1
            return None
        self.imported += 1
        if item.id in self.puts:
            end = valid_end(old, item.valid_from or self.moment)
            self.closed[old.row] = old.but(
                known_from=self.moment, known_to=self.moment, closed_by=self.change, valid_to=end
            )
        else:
            self.replaced[item.id] = old
        fields = {n: getattr(item, n) for n in MemoryItem.__struct_fields__ if n not in _OF_VERSION}
        version = max(old.version + 1, item.version)
        self.puts[item.id] = next_version(old, **fields, version=version)
        return None

    def _take_new(self, item: MemoryItem, *, named: bool) -> None:
        owner = (
            item.content_hash,
            item.user_id,
            item.agent_id,
            item.kind,
            item.session_id,
            item.speaker,
            item.said_at,
        )
        if not named and (owner in self.texts or self._same_text(item)):
            self.known += 1
            return
        self.texts[owner] = item.id
        self.puts[item.id] = item
        self.imported += 1

    def _same_text(self, item: MemoryItem) -> bool:
        return any(
            (i.user_id, i.agent_id, i.kind, i.session_id, i.speaker, i.said_at)
            == (item.user_id, item.agent_id, item.kind, item.session_id, item.speaker, item.said_at)
            and i.status in _VISIBLE
            for i in self.keywords.with_hash([item.content_hash])
        )

    def _keep_vectors(self, document: dict[str, Any], item: MemoryItem) -> None:
        """Vectors of a line count only when the cube's own embedder made them."""
        info = self.session.cube.config.embedder
        given = document.get("vectors")
        if info is None or not given or document.get("embedder") != info.name:
            return
        import numpy as np

        matrix = np.asarray(given, np.float32)
        if matrix.ndim == 2 and matrix.shape[1] == info.dimension and bool(np.isfinite(matrix).all()):
            self.vectors[item.memory] = matrix

    def _all(self) -> list[MemoryItem]:
        return [*self.closed.values(), *self.puts.values()]

    def embed(self) -> None:
        """Make the vectors that did not come along."""
        self.vectors.complete(i.memory for i in self._all())

    def commit(self) -> list[str]:
        """Under the lock: commit the batch; notes of the commit."""
        closings = tuple(
            Closing(id=old.id, row=old.row, valid_to=valid_end(old, self.puts[id].valid_from or now()))
            for id, old in self.replaced.items()
        )
        done = self.session.cube.commit(
            Change(
                id=self.change,
                verb="import",
                actor=self.session.actor,
                puts=tuple(self._all()),
                closings=closings,
                vectors={i.row: self.vectors[i.memory] for i in self._all() if i.memory in self.vectors},
            )
        )
        return done.notes


_OF_VERSION = {
    "id", "row", "version", "predecessor", "known_from", "known_to", "created_at",
    "change", "verb", "actor", "closed_by",
}  # fmt: skip


def _moment(name: str, value: Any) -> Any:
    """A time as any program writes it in ISO 8601; the strict reader takes RFC 3339 alone."""
    if name not in MOMENTS or not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{name}: {value[:40]!r} is no time in ISO 8601") from error


def _parsed(line: bytes | str) -> tuple[dict[str, Any], MemoryItem] | str:
    """A line's document and its memory, or the reason why it cannot be used."""
    try:
        return _read(line)
    except msgspec.ValidationError as error:
        return why(error)
    except ValueError as error:
        return str(error)


def _read(line: bytes | str) -> tuple[dict[str, Any], MemoryItem]:
    """A line's document and its memory. Raises ValueError, of which msgspec.ValidationError is one."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document, _item(document)


def _since(item: MemoryItem) -> datetime | None:
    """Since when a memory is true that does not say so: not known of what was over by then."""
    since = item.said_at or now()
    return None if item.valid_to and item.valid_to < since else since


def _item(document: dict[str, Any]) -> MemoryItem:
    """A line as a memory: unknown keys are kept in `info`, hash and language are made here."""
    memory = document.get("memory")
    if not isinstance(memory, str) or is_blank(memory):
        raise ValueError("it has no text under `memory`")
    known = {
        n: _moment(n, v) for n, v in document.items() if n in MemoryItem.__struct_fields__ and v is not None
    }
    other = {
        n: v
        for n, v in document.items()
        if n not in MemoryItem.__struct_fields__ and n not in ("vectors", "embedder")
    }
    id = known.get("id", "-")
    if not isinstance(id, str) or not 0 < len(id) <= MAX_ID or not id.isprintable():
        raise ValueError("its id is not a short printable text")
    if known.get("status") == Status.PURGED:
        raise ValueError("it is the tombstone of a purged memory")
    if (version := known.get("version", 1)) and isinstance(version, int) and version > MAX_VERSION:
        raise ValueError(f"its version {version} leaves no number for the next")
    info = known.get("info", {})
    if not isinstance(info, dict):
        raise ValueError("its info is not a JSON object")
    item = msgspec.convert({**known, "info": {**info, **other}}, MemoryItem, strict=False)
    if item.valid_from and item.valid_to and item.valid_to < item.valid_from:
        raise ValueError("its valid_to lies before its valid_from")
    update: dict[str, object] = {
        "content_hash": content_hash(item.memory),
        "language": item.language or language_of(item.memory),
        "valid_from": item.valid_from or _since(item),
    }
    if item.known_to is None:
        update |= {"row": uuid7(), "closed_by": None}
    return item.but(**update)
