"""The graph of a cube's memories: parents and relations, in Kùzu.

Owns: the generation files of `graph/`, which of them is current, how memories become nodes and
edges. Does not own: text, versions or vectors (the table's), nor what a walk is good for
(`retrieval`). Beside `graph_query`, where a user's own queries run, the only file that imports kuzu.

A generation is written beside the others, closed, synced and renamed to its name, and is never
changed after that; `CURRENT`, a small JSON file renamed into place, says which one counts, how
long it is and its CRC-32. Kùzu locks a file for its writer and can ruin it when killed within a
checkpoint; here readers and writers never share a file, and a killed writer leaves only a file
that nothing names. The generation before the current one stays, for readers that are opening it.

Nodes are memories by id, in their current version. A memory that something points to and that is
not (or no longer) there is a node without a kind, so that no edge is lost.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memos_cli.errors import (
    MemosError,
    NotPermitted,
    ProjectionDamaged,
    ProjectionOutdated,
    StorageFull,
    UsageError,
)
from memos_cli.schema import Tail
from memos_cli.stores.disk import ensure_directory, mapped_errors, sync_directory
from memos_cli.stores.graph_nodes import TABLES, Node, apply, copy, latest, merged, rows_of
from memos_cli.stores.graph_query import Answer, Asked, Refused, TooLarge, TooSlow, ask

SCHEMA = 3
"""Version of the node and edge tables, of the kinds in them, and of what else is in the file; another one in CURRENT makes the cube rebuild them."""

CURRENT = "CURRENT"

BUFFER_POOL = 64 << 20
"""Bytes; Kùzu's default is most of the machine's memory."""

MAX_SIZE = 1 << 34
"""Bytes of address space set aside for one file; Kùzu's default is 8 TiB."""

RESERVE, RESERVE_PER_EDGE = 12 << 20, 1 << 10
"""Bytes that must be free before Kùzu writes, and further ones for each node and edge of the tail.

When the disk is full Kùzu 0.11 may end the process from within a destructor. What it needs was
measured at 7 MiB for the smallest graph and at 0.1 to 0.3 KiB more for a node or an edge.
"""


@dataclass
class GraphContents:
    """All of a graph: nodes as id → (kind, level, status), id → parent, (id, kind, target) → weight.

    `placeholders` are the ids that edges point to and that no current memory has.
    """

    nodes: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    relations: dict[tuple[str, str, str], float] = field(default_factory=dict)
    placeholders: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Generation:
    """One entry of CURRENT."""

    file: str
    revision: int
    size: int
    crc: int


class Graph:
    """The projection of a cube's parents and relations in `directory`."""

    small_tail = 200
    """Memories up to which a tail is applied to a copy; more, and the file is written anew by COPY."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._opened: tuple[_Generation, Any, Any] | None = None

    @property
    def revision(self) -> int | None:
        """The table version absorbed; None when there is no readable generation."""
        try:
            return self._current().revision
        except ProjectionDamaged:
            return None

    @property
    def outdated(self) -> bool:
        """Whether it was written in another schema, by an older or a later version of memos."""
        try:
            self._current()
        except ProjectionOutdated:
            return True
        except (ProjectionDamaged, NotPermitted):
            return False
        return False

    def absorb(self, tail: Tail, revision: int) -> None:
        """Publish a generation with the tail's memories; the same tail again gives the same graph.

        Raises ProjectionDamaged where there is nothing to add to (rebuild it then), StorageFull,
        NotPermitted.
        """
        with _mapped(self.directory):
            now = self._current()
            changes = latest(zip(tail.ordinals, tail.items, strict=True))
            if not changes:
                if revision != now.revision:
                    self._announce(_Generation(now.file, revision, now.size, now.crc))
                return
            if len(changes) > self.small_tail:
                self._rewrite(merged(self._nodes(), changes), revision)
                return
            new = self._unfinished(now.size, [node for _, node in changes.values() if node is not None])
            shutil.copyfile(self.directory / now.file, new)
            _verify(new, now)
            with _database(new) as connection:
                apply(connection, changes)
            self._publish(new, revision)

    def rebuild(self, batches: Iterable[Tail], revision: int) -> None:
        """Publish a generation of these memories and nothing else; whatever was there is removed."""
        with _mapped(self.directory):
            ensure_directory(self.directory)
            pairs = (pair for tail in batches for pair in zip(tail.ordinals, tail.items, strict=True))
            self._rewrite(merged({}, latest(pairs)), revision)

    def query(self, cypher: str, parameters: dict[str, Any] | None = None) -> list[list[Any]]:
        """Rows of a read-only query on the current generation.

        Raises UsageError for a query that Kùzu does not understand, ProjectionDamaged.
        """
        with self._lock:
            for _ in range(5):
                now = self._current()
                try:
                    with _mapped(self.directory):
                        return rows_of(self._connection(now), cypher, parameters)
                except ProjectionDamaged:
                    self._close()
                    if self._current() == now:
                        raise
            raise ProjectionDamaged(store="graph", reason="its generations keep moving")

    def table(
        self, cypher: str, *, limit: int, seconds: float, memory: int
    ) -> tuple[list[str], list[list[Any]], bool]:
        """Column names, at most `limit` rows, and whether there were more, of a read-only query.

        It runs in a process of its own (`graph_query`), so that the limits hold: `memory` in bytes.
        Raises UsageError for a query that Kùzu does not understand, that takes longer than `seconds`
        or more than `memory`, ProjectionDamaged.
        """
        for _ in range(5):
            now = self._current()
            try:
                with _mapped(self.directory):
                    answer = self._asked(now, cypher, limit, seconds, memory)
                return answer.columns, answer.rows, answer.more
            except ProjectionDamaged:
                if self._current() == now:
                    raise
        raise ProjectionDamaged(store="graph", reason="its generations keep moving")

    def _asked(self, now: _Generation, cypher: str, limit: int, seconds: float, memory: int) -> Answer:
        path = self.directory / now.file
        try:
            _verify(path, now)
        except FileNotFoundError as e:
            raise ProjectionDamaged(store="graph", reason=f"{now.file} is missing") from e
        pool = min(BUFFER_POOL, memory // 2)
        try:
            return ask(Asked(str(path.absolute()), cypher, limit, seconds, memory, pool, MAX_SIZE))
        except TooSlow as error:
            raise UsageError(
                detail=f"The query took longer than {seconds:g} s.",
                hint="Narrow it, or give it more with --seconds.",
            ) from error
        except TooLarge as error:
            raise UsageError(
                detail=f"The query needs more than {memory >> 20} MB of memory.",
                hint="Narrow it, or give it more with --memory.",
            ) from error
        except Refused as error:
            if str(error).startswith(_ASKED_WRONGLY):
                raise UsageError(detail=str(error), hint=_LABELS) from error
            raise RuntimeError(str(error)) from error

    def close(self) -> None:
        """Let go of the generation that is open; the next query opens one again."""
        with self._lock:
            self._close()

    def edges(self) -> GraphContents:
        """The whole graph, for check."""
        found = GraphContents()
        for id, node in self._nodes().items():
            found.nodes[id] = node.facts
            if node.parent is not None:
                found.parents[id] = node.parent
            found.relations |= {(id, kind, to): weight for (kind, to), weight in node.relations.items()}
        empty = self.query("MATCH (m:Memory) WHERE m.kind IS NULL RETURN m.id")
        found.placeholders = {id for (id,) in empty}
        return found

    def children(self, id: str) -> list[str]:
        """Ids of the memories whose parent this is, in order."""
        found = self.query(
            "MATCH (m:Memory)-[:PARENT]->(:Memory {id: $id}) RETURN m.id ORDER BY m.id", {"id": id}
        )
        return [child for (child,) in found]

    def neighbours(self, ids: Sequence[str], depth: int) -> dict[str, int]:
        """Memories within `depth` edges of any of `ids`, either way, and how many edges away they are.

        The given ids themselves are left out, and so are placeholders, which end no walk but
        which every walk may pass: two memories that name the same missing one are related.
        """
        found: dict[str, int] = {}
        walk = f"MATCH (:Memory {{id: $id}})-[e:PARENT|:RELATION* SHORTEST 1..{depth}]-(m:Memory) "
        for id in dict.fromkeys(ids) if depth > 0 else ():
            reached = self.query(walk + "WHERE m.kind IS NOT NULL RETURN m.id, length(e)", {"id": id})
            for other, distance in reached:
                found[other] = min(distance, found.get(other, distance))
        return {id: found[id] for id in sorted(found, key=lambda id: (found[id], id)) if id not in ids}

    def _current(self) -> _Generation:
        """What CURRENT says, after a look at whether the file it names is there in its length."""
        with _mapped(self.directory):
            missing = ""
            for _ in range(5):
                try:
                    return self._stated()
                except FileNotFoundError as e:
                    # A writer may have published between the two looks; CURRENT then has moved.
                    if e.filename == missing:
                        break
                    missing = e.filename
                except PermissionError:
                    raise
                except OSError as e:
                    raise ProjectionDamaged(store="graph", reason=e) from e
            raise ProjectionDamaged(store="graph", reason=f"{missing} is missing")

    def _stated(self) -> _Generation:
        content = (self.directory / CURRENT).read_bytes()
        try:
            fields = json.loads(content)
            if (schema := fields.pop("schema")) != SCHEMA:
                raise ProjectionOutdated(store="graph", found=schema, wanted=SCHEMA)
            now = _Generation(**fields)
            whole = Path(now.file).name == now.file and type(now.revision) is int
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise ProjectionDamaged(store="graph", reason="CURRENT is not readable") from e
        if not whole:
            raise ProjectionDamaged(store="graph", reason="it was written in another format")
        size = (self.directory / now.file).stat().st_size
        if size != now.size:
            raise ProjectionDamaged(store="graph", reason=f"{now.file} has {size} bytes, not {now.size}")
        return now

    def _connection(self, now: _Generation) -> Any:
        """A read-only connection to a generation, kept until CURRENT names another."""
        if self._opened is None or self._opened[0].file != now.file:
            self._close()
            path = self.directory / now.file
            try:
                _verify(path, now)
            except FileNotFoundError as e:
                raise ProjectionDamaged(store="graph", reason=f"{now.file} is missing") from e
            self._opened = (now, *_open(path, read_only=True))
        return self._opened[2]

    def _close(self) -> None:
        if self._opened is not None:
            _, database, connection = self._opened
            self._opened = None
            connection.close()
            database.close()

    def _nodes(self) -> dict[str, Node]:
        """Every memory of the current generation."""
        found = self.query(
            "MATCH (m:Memory) WHERE m.kind IS NOT NULL RETURN m.id, m.ordinal, m.kind, m.level, m.status"
        )
        nodes = {
            id: Node(ordinal, (kind, level, status), None, {}) for id, ordinal, kind, level, status in found
        }
        for id, parent in self.query("MATCH (m:Memory)-[:PARENT]->(p:Memory) RETURN m.id, p.id"):
            nodes[id] = Node(nodes[id].ordinal, nodes[id].facts, parent, nodes[id].relations)
        edges = "MATCH (m:Memory)-[r:RELATION]->(t:Memory) RETURN m.id, r.kind, t.id, r.weight"
        for id, kind, target, weight in self.query(edges):
            nodes[id].relations[kind, target] = weight
        return nodes

    def _unfinished(self, copied: int, nodes: Iterable[Node]) -> Path:
        """Where the next generation grows, with room for it; what a killed writer left goes first."""
        self._sweep(self._kept())
        disk = os.statvfs(self.directory)
        needed = copied + RESERVE + RESERVE_PER_EDGE * sum(2 + len(node.relations) for node in nodes)
        if disk.f_bavail * disk.f_frsize < needed:
            raise StorageFull(path=self.directory)
        return self.directory / "unfinished"

    def _rewrite(self, nodes: dict[str, Node], revision: int) -> None:
        new = self._unfinished(0, nodes.values())
        with _database(new) as connection:
            for statement in TABLES:
                connection.execute(statement)
            copy(connection, nodes)
        self._publish(new, revision)

    def _publish(self, new: Path, revision: int) -> None:
        kept = self._kept()
        with new.open("rb") as f:
            os.fsync(f.fileno())
        file = f"g{self._serial() + 1:08d}.kuzu"
        now = _Generation(file, revision, new.stat().st_size, _crc(new))
        new.rename(self.directory / file)
        sync_directory(self.directory)
        self._announce(now)
        self._sweep({*kept, file})

    def _announce(self, now: _Generation) -> None:
        path = self.directory / f"{CURRENT}.new"
        with path.open("w", encoding="utf-8") as f:
            json.dump({"schema": SCHEMA, **vars(now)}, f)
            f.flush()
            os.fsync(f.fileno())
        path.replace(self.directory / CURRENT)
        sync_directory(self.directory)

    def _kept(self) -> set[str]:
        """The current generation's file, which a reader may be opening at this moment."""
        try:
            return {self._current().file}
        except ProjectionDamaged:
            return set()

    def _serial(self) -> int:
        """The highest number of any generation file."""
        numbers = (p.name[1:-5] for p in self.directory.glob("g*.kuzu"))
        return max((int(n) for n in numbers if n.isdecimal()), default=0)

    def _sweep(self, keep: set[str]) -> None:
        for entry in list(os.scandir(self.directory)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif entry.name != CURRENT and entry.name not in keep:
                Path(entry.path).unlink(missing_ok=True)


def _open(path: Path, read_only: bool) -> tuple[Any, Any]:
    import kuzu

    database = kuzu.Database(
        str(path),
        read_only=read_only,
        max_num_threads=1,
        buffer_pool_size=BUFFER_POOL,
        max_db_size=MAX_SIZE,
    )
    return database, kuzu.Connection(database)


M_PERTURB = -6
"""glibc's `mallopt`: memory is handed out filled with the complement of this byte, 0 for none."""


_BLANKING = threading.Lock()
"""One graph at a time is written in a process, or the first to end would take it from the others."""


@contextmanager
def _blank_memory() -> Iterator[None]:
    """Memory that is handed out meanwhile is zeros.

    Kùzu 0.11 writes some 12 KiB into every file that it never filled: what the process freed before, be
    it a purged text, would stand in the graph. Only glibc can be told so; elsewhere nothing is done.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    with _BLANKING:
        mallopt(M_PERTURB, 0xFF)
        try:
            yield
        finally:
            mallopt(M_PERTURB, 0)


@contextmanager
def _database(path: Path) -> Iterator[Any]:
    """A generation that is being written; closing it writes everything into the one file."""
    with _blank_memory():
        database, connection = _open(path, read_only=False)
        try:
            yield connection
        finally:
            connection.close()
            database.close()
    if path.with_name(path.name + ".wal").exists():
        raise ProjectionDamaged(store="graph", reason="Kùzu left a log behind")


_LABELS = "See `memos help tree` for the nodes and edges that a query can name."
_ASKED_WRONGLY = ("Catalog exception", "Conversion exception", "Overflow exception", "Runtime exception")
"""How errors begin that a query can bring about on a sound graph; elsewhere they mean damage."""


@contextmanager
def _mapped(directory: Path) -> Iterator[None]:
    """Turn Kùzu's errors, which are all RuntimeErrors told apart by their text, into ours."""
    try:
        with mapped_errors(directory):
            yield
    except MemosError:
        raise
    except RuntimeError as e:
        text = str(e)
        if "No space left" in text:
            raise StorageFull(path=directory) from e
        if "Permission denied" in text or "Read-only file system" in text:
            raise NotPermitted(detail=f"{directory} cannot be opened or written") from e
        if text.startswith(("Parser exception", "Binder exception", "Connection exception")):
            raise UsageError(detail=text, hint=_LABELS) from e
        raise ProjectionDamaged(store="graph", reason="the engine cannot make sense of its file") from e


def _verify(path: Path, generation: _Generation) -> None:
    """Kùzu trusts what it reads, and a flipped bit may end the process: look before it does."""
    if _crc(path) != generation.crc:
        raise ProjectionDamaged(store="graph", reason=f"{generation.file} is not what was written")


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as f:
        while piece := f.read(1 << 20):
            crc = zlib.crc32(piece, crc)
    return crc
