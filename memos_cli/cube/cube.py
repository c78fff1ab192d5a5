"""The MemCube: one directory, one table, and projections that follow it.

Owns: making and opening a cube, the order of a write, catching up after a crash, what a reader
sees while projections are behind. Does not own: the engines (`stores`), deciding what to write
(`operations`), judging and mending damage (`cube/check`).

Crash windows of a write, in its order:
- before the table's commit: nothing happened; orphan files are swept by a later clean-up
- after the commit, before a projection published: that projection is behind; the next writer
  brings it up by `seq`, and a reader that cannot lock overlays the rows it lacks
- a purge whose clean-up or rebuild was cut short: its tombstones are in the gap between a
  projection's revision and the table, so the next writer finishes it before anything else
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from memos_cli.cube.config import (
    CubeConfig,
    Slots,
    TextSlot,
    check_writable,
    read_config,
    write_config,
)
from memos_cli.cube.layout import Layout, card
from memos_cli.cube.lock import WriteLock
from memos_cli.cube.overlay import Overlay, remove_dead_overlays
from memos_cli.cube.recent import note_shown
from memos_cli.errors import (
    Busy,
    CubeExists,
    ForeignTable,
    FormatTooNew,
    MemosError,
    NotPermitted,
    ProjectionDamaged,
    StaleChange,
    StorageError,
    TableDamaged,
)
from memos_cli.schema import Change, Closing, Depth, EmbedderInfo, Filters, MemoryItem, Status, Tail
from memos_cli.stores.disk import remove_tree
from memos_cli.stores.keywords import Keywords
from memos_cli.stores.table import Table, quoted
from memos_cli.stores.table_files import newest_version, storage_error
from memos_cli.stores.table_reader import RESTORE, Gap
from memos_cli.stores.table_rows import VectorColumn
from memos_cli.stores.usage import Usage

if TYPE_CHECKING:
    from memos_cli.stores.graph import Graph
    from memos_cli.stores.vectors import Vectors

EMPTY = Tail((), ())


class Projection(Protocol):
    """What every derived store keeps: see `memos help format`, "Derived parts"."""

    @property
    def revision(self) -> int | None:
        """Table version absorbed; None when missing, unreadable or of another schema."""

    @property
    def outdated(self) -> bool:
        """Whether it was written in another schema; whoever needs it next rebuilds it."""

    def absorb(self, tail: Tail, revision: int) -> None:
        """Take rows in; repeating it is harmless."""

    def rebuild(self, batches: Iterable[Tail], revision: int) -> None:
        """Start anew; what was there goes."""


class View(msgspec.Struct, frozen=True):
    """What a reader searches: the projections, and an overlay of rows they lack.

    `hidden` are ordinals whose version in the first shard is out of date, `gone` the ids of
    memories purged meanwhile.
    """

    revision: int
    keywords: tuple[Keywords, ...]
    vectors: tuple[Vectors, ...] = ()
    hidden: frozenset[int] = frozenset()
    gone: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    overlay: Overlay | None = None
    """Held, since its files go with it while the cube may have moved on to another."""

    @property
    def whole(self) -> bool:
        """Whether one keyword projection holds every row; else some stand in the overlay alone."""
        return len(self.keywords) == 1


class CommitResult(msgspec.Struct):
    """`revision` is the table version that holds the change; `notes` say what lags behind it."""

    revision: int
    notes: list[str] = msgspec.field(default_factory=list)


class MemCube:
    """An open cube. Make one with `create` or `open`; it holds no lock until it writes."""

    def __init__(
        self, root: Path, config: CubeConfig, *, lock_timeout: float = 60, fsync: bool = True
    ) -> None:
        self.layout = Layout(root)
        self.root = root
        self.table = Table(self.layout.table, fsync=fsync)
        self.lock = WriteLock(self.layout.lock, timeout=lock_timeout)
        self.fsync = fsync
        self._config = config
        self._config_path = self.layout.config
        self._config_stamp = _stamp(self._config_path)
        self._overlay: tuple[tuple[int | None, ...], Overlay] | None = None
        self._settled: int | None = None

    # -- making and opening

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        depth: Depth = Depth.GENERAL,
        embedder: EmbedderInfo | None = None,
        lock_timeout: float = 60,
        fsync: bool = True,
    ) -> MemCube:
        """Make a cube in a directory beside, then rename it into place: it is whole or not there.

        Raises CubeExists when `root` holds anything, StorageFull, NotPermitted.
        """
        if _is_taken(root):
            raise CubeExists(path=root)
        column = vector_column(embedder) if embedder and depth is not Depth.NAIVE else None
        config = CubeConfig(
            slots=Slots(text_mem=TextSlot(depth=depth)),
            embedder=embedder if column else None,
            vector_column=column.name if column else None,
        )
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=f".{root.name}.", suffix=".tmp", dir=root.parent))
        except OSError as error:
            raise storage_error(error, root) or StorageError(
                path=root, reason=error.strerror or str(error)
            ) from error
        try:
            cls._fill(beside, root.name, config, column, fsync=fsync)
            beside.chmod(0o755)
            beside.rename(root)
        except OSError as error:
            if root.exists() and any(root.iterdir()):
                raise CubeExists(path=root) from error
            raise storage_error(error, root) or StorageError(
                path=root, reason=error.strerror or str(error)
            ) from error
        finally:
            remove_tree(beside)
        return cls.open(root, lock_timeout=lock_timeout, fsync=fsync)

    @classmethod
    def _fill(
        cls, root: Path, name: str, config: CubeConfig, column: VectorColumn | None, *, fsync: bool
    ) -> None:
        layout = Layout(root)
        Table.create(layout.table, column, config.embedder, fsync=fsync)
        layout.readme.write_text(card(name, config.cube_id))
        layout.local.mkdir()
        write_config(layout.config, config)
        cube = cls(root, config, fsync=fsync)
        cube._catch_up()

    @classmethod
    def open(cls, root: Path, *, lock_timeout: float = 60, fsync: bool = True) -> MemCube:
        """Open what is there. Raises CubeNotFound, ConfigDamaged, FormatTooNew, NotPermitted."""
        config = read_config(Layout(root).config)
        return cls(root, config, lock_timeout=lock_timeout, fsync=fsync)

    # -- facts

    @property
    def config(self) -> CubeConfig:
        """config.json as it is now; another process may have replaced it."""
        stamp = _stamp(self._config_path)
        if stamp != self._config_stamp:
            self._config = read_config(self.layout.config)
            self._config_stamp = stamp
            self.__dict__.pop("vectors", None)
        return self._config

    def set_config(self, config: CubeConfig) -> None:
        """Under the lock: replace config.json."""
        write_config(self.layout.config, config)
        self._config, self._config_stamp = config, _stamp(self.layout.config)
        self.__dict__.pop("vectors", None)

    @property
    def column(self) -> VectorColumn | None:
        """Where the live embedder's vectors stand; None at depth naive_text."""
        config = self.config
        if config.vector_column is None or config.embedder is None:
            return None
        return VectorColumn(config.vector_column, config.embedder.dimension)

    @cached_property
    def keywords(self) -> Keywords:
        return Keywords(self.layout.keywords)

    @cached_property
    def usage(self) -> Usage:
        """How often each memory was found: beside the versions, and lost without harm."""
        return Usage(self.layout.usage, self.layout.usage_spool)

    def count_uses(self, ids: Iterable[str]) -> bool:
        """Note a search's hits, without the lock and without waiting. False where nothing may be written."""
        return self._ours and self.usage.note(ids)

    def note_shown(self, ids: Iterable[str]) -> None:
        """Remember what a person was shown, beside the versions, where something may be written."""
        if self._ours:
            note_shown(self.layout, ids)

    @property
    def _ours(self) -> bool:
        """Whether this program knows the cube's format well enough to write into it."""
        try:
            check_writable(self.config)
        except FormatTooNew:
            return False
        return True

    @cached_property
    def vectors(self) -> Vectors | None:
        """The vector projection; None at depth naive_text."""
        if (column := self.column) is None:
            return None
        from memos_cli.stores.vectors import Vectors

        return Vectors(self.layout.vectors, column.name, column.dimension)

    @cached_property
    def graph(self) -> Graph:
        from memos_cli.stores.graph import Graph

        return Graph(self.layout.graph)

    @property
    def revision(self) -> int:
        """The newest version of the table. Raises TableDamaged when there is none."""
        newest = newest_version(self.table.path)
        if newest is None:
            raise TableDamaged(reason=f"{self.layout.table.name} is missing or has no version", hint=RESTORE)
        return newest

    # -- reading

    def view(self, *, vectors: bool = True) -> View:
        """Something to search, brought up to date if that needs no waiting; else with an overlay.

        Raises TableDamaged, ForeignTable when the table must be read and cannot be, or has lost the
        vectors asked for.
        """
        _ = self.config
        stores: list[Projection] = [self.keywords]
        if vectors and self.vectors is not None:
            stores.append(self.vectors)
        revision = self.revision
        if all(p.revision == revision for p in stores):
            return self._plain_view(revision, stores)
        if self._catch_up_if_free():
            revision = self.revision
            if all(p.revision == revision for p in stores):
                return self._plain_view(revision, stores)
        return self._overlaid_view(stores)

    def _plain_view(self, revision: int, stores: list[Projection]) -> View:
        self._overlay = None
        vectors = self.vectors if len(stores) > 1 else None
        if vectors is not None and not vectors.rows and self.keywords.count(Filters()):
            self._refuse_lost_vectors()
        kept = tuple(p for p in stores[1:])
        return View(revision, (self.keywords,), kept)  # type: ignore[arg-type]

    def _refuse_lost_vectors(self) -> None:
        """Raises TableDamaged when the vector column is gone and there is something to be found.

        The index made of such a table has no rows, and a search in it would just find nothing.
        """
        column = self.column
        if column is not None and column.name not in self.table.columns:
            self.table.require(column)

    def _catch_up_if_free(self) -> bool:
        try:
            check_writable(self.config)
            with self.lock.try_hold() as ok:
                if ok:
                    self._settle()
                return ok
        except (NotPermitted, StorageError, FormatTooNew):
            return False  # a read-only or full disk, a later format: the reader overlays instead

    def _overlaid_view(self, stores: list[Projection]) -> View:
        revision = self.table.version
        marks = [self._mark(p) for p in stores]
        if len(stores) > 1:
            self._refuse_lost_vectors()
        overlay = self._overlay_for((revision, *marks))
        usable = [m is not None for m in marks]
        shards_k = (*((self.keywords,) if usable[0] else ()), overlay.keywords)
        shards_v: tuple[Vectors, ...] = ()
        if len(stores) > 1 and overlay.vectors is not None and self.vectors is not None:
            shards_v = (*((self.vectors,) if usable[1] else ()), overlay.vectors)
        note = "the indexes are behind the table (another process is writing, or the disk is read-only); newer rows were read from the table"
        return View(revision, shards_k, shards_v, overlay.hidden, overlay.gone, (note,), overlay)

    def _mark(self, projection: Projection) -> int | None:
        """The version a projection may be trusted up to; None when it must not be used at all."""
        mark = projection.revision
        if mark is None or mark > self.table.version or self.table.since(mark) in (Gap.FOREIGN, Gap.UNKNOWN):
            return None
        return mark

    def _overlay_for(self, key: tuple[int | None, ...]) -> Overlay:
        if self._overlay is not None and self._overlay[0] == key:
            return self._overlay[1]
        marks = key[1:]
        after = -1 if None in marks else min(m for m in marks if m is not None)
        condition = f"seq > {after}" if after >= 0 else None
        tails = list(self.table.tails(condition, self.column))
        column = self.column if len(marks) > 1 else None
        overlay = Overlay.of(tails, key[0] or 0, column)
        self._overlay = key, overlay
        return overlay

    def ready_graph(self) -> Graph:
        """The graph, brought up to the table. Raises Busy when another process writes for too long."""
        if self.graph.revision != self.revision:
            with self.writing("graph"):
                self._bring_up(self.graph)
        return self.graph

    # -- writing

    @contextlib.contextmanager
    def writing(self, verb: str) -> Iterator[None]:
        """Hold the write lock, with every projection level with the table on entry.

        Raises Busy, NotPermitted, FormatTooNew, and what catching up raises.
        """
        check_writable(self.config)
        with self.lock.hold(verb) as taken:
            if taken:
                check_writable(self.config)  # it may have been replaced while we waited
                self._settle()
            yield

    def commit(self, change: Change) -> CommitResult:
        """Make a change: all of it or nothing. The only thing that writes memories.

        On return the change is on disk. Raises Busy, NotPermitted, StorageFull; when it raises,
        nothing of the change is there.
        """
        if not change:
            return CommitResult(self.revision)
        with self.writing(change.verb):
            before = self.revision
            tail = self._write(change)
            done = self._follow(tail, before, purge=bool(change.purges))
            if self.usage.due():
                with contextlib.suppress(OSError):  # counts are a hint; the spool waits for the next writer
                    self.usage.fold()
            return done

    def _write(self, change: Change) -> Tail:
        puts = [_stamped(item, change) for item in change.puts]
        if change.purges:
            if puts or change.closings:
                raise ValueError("a purge is a change of its own")
            return self.table.expunge(f"id IN ({quoted(change.purges)})", self._tombstones(change))
        if not change.closings:
            return self.table.append(puts, change.vectors, self.column)
        closing = {c.row: c for c in change.closings}

        def close(item: MemoryItem) -> MemoryItem:
            update: dict[str, object] = {"known_to": change.time, "closed_by": change.id}
            if (valid_to := closing[item.row].valid_to) is not None:
                update["valid_to"] = valid_to
            return item.but(**update)

        condition = f"ordinal IN ({', '.join(map(str, self._ordinals(change.closings)))})"
        return self.table.replace(condition, close, puts, change.vectors, self.column)

    def _ordinals(self, closings: Sequence[Closing]) -> list[int]:
        """Where the versions to be closed stand; eight bytes a row to scan where `row` has forty.

        Raises StaleChange when one of them is not the current version any more.
        """
        current = self.keywords.current([c.id for c in closings])
        for closing in closings:
            if closing.id not in current or current[closing.id][1].row != closing.row:
                raise StaleChange(id=closing.id)
        return [current[c.id][0] for c in closings]

    def _tombstones(self, change: Change) -> list[MemoryItem]:
        current = self.keywords.current(list(change.purges))
        return [
            _stamped(
                MemoryItem(id=i, memory="", status=Status.PURGED, version=current[i][1].version + 1), change
            )
            for i in change.purges
            if i in current
        ]

    def _follow(self, tail: Tail, before: int, *, purge: bool) -> CommitResult:
        """Bring the projections behind a commit; from here on everything can be redone."""
        result = CommitResult(self.table.version)
        try:
            if meanwhile := self.table.version != before + 1:
                self.adopt()  # another program, which knows no lock, wrote in the same moment
            if purge:
                self._finish_purge()
            elif meanwhile:
                self._catch_up()
            else:
                self._absorb(tail)
        except MemosError as error:
            # The change is in the table, so it is stored; the next writer brings the indexes up.
            result.notes.append(f"stored, but an index could not follow: {error.message}")
        self._settled = self.table.version
        return result

    def _absorb(self, tail: Tail) -> None:
        target = self.table.compact_due()
        compacted = target is not None and self.table.compact(target)
        version = self.table.version
        for projection in self._eager():
            try:
                projection.absorb(tail, version)
            except ProjectionDamaged:
                self._rebuild(projection)
        if compacted:
            self.table.clean()

    def _eager(self) -> list[Projection]:
        return [self.keywords, *([self.vectors] if self.vectors is not None else [])]

    # -- catching up (under the lock)

    def _settle(self) -> None:
        """Bring the cube into order before a write: torn manifests aside, projections level."""
        if self._settled == newest_version(self.layout.table) and self._level():
            return
        self.table.set_aside_torn()
        self._catch_up()
        remove_dead_overlays()
        self._settled = self.table.version

    def _level(self) -> bool:
        return all(p.revision == self._settled for p in self._eager())

    def _catch_up(self) -> None:
        for projection in self._eager():
            self._bring_up(projection)

    def _bring_up(self, projection: Projection) -> None:
        mark, version = projection.revision, self.table.version
        if mark == version:
            return
        if mark is None or mark > version:
            self._rebuild(projection)
            return
        gap = self.table.since(mark)
        if gap is Gap.NOTHING:
            self._try_absorb(projection, [EMPTY])
        elif gap is Gap.UNKNOWN and projection not in self._eager():
            self._rebuild(projection)  # a lazy one, which a clean-up overtook
        elif gap in (Gap.FOREIGN, Gap.UNKNOWN):
            self.adopt()
            self.reindex()
        else:
            self._bring_up_tail(projection, mark)

    def _bring_up_tail(self, projection: Projection, mark: int) -> None:
        tails = list(self.table.tails(f"seq > {mark}", self._column_for(projection)))
        if any(item.status is Status.PURGED for tail in tails for item in tail.items):
            self._finish_purge()
        else:
            self._try_absorb(projection, tails)

    def _try_absorb(self, projection: Projection, tails: list[Tail]) -> None:
        version = self.table.version
        merged = Tail(
            tuple(i for t in tails for i in t.items),
            tuple(o for t in tails for o in t.ordinals),
            {row: v for t in tails for row, v in t.vectors.items()},
        )
        try:
            projection.absorb(merged, version)
        except ProjectionDamaged:
            self._rebuild(projection)

    def _rebuild(self, projection: Projection) -> None:
        column = self._column_for(projection)
        projection.rebuild(self.table.tails(None, column, fresh=True), self.table.version)

    def _column_for(self, projection: Projection) -> VectorColumn | None:
        """The vectors that a projection wants read; none but one of them does."""
        return self.column if projection is self.__dict__.get("vectors") else None

    def _finish_purge(self) -> None:
        """Remove every file that still holds purged text or its vectors, then rebuild what is derived."""
        self.table.clean(everything=True)
        remove_tree(self.layout.staging)
        remove_dead_overlays()
        self.reindex()

    def level(self) -> None:
        """Under the lock: bring the projections to the table after upkeep that changed no row."""
        self._catch_up()
        self._settled = self.table.version

    def reindex(self) -> None:
        """Under the lock: rebuild every projection that the cube has from the table."""
        for projection in self._eager():
            self._rebuild(projection)
        if self.layout.graph.exists():
            self._rebuild(self.graph)
        self._settled = self.table.version

    def adopt(self) -> int:
        """Under the lock: give rows that another program wrote what they lack. Returns how many.

        Raises ForeignTable when a row cannot be read as a memory.
        """
        missing = "ordinal IS NULL OR id IS NULL"
        return self.table.swap_in(missing, _adopted) if self.table.count(missing) else 0


def _adopted(row: dict[str, Any]) -> MemoryItem:
    from memos_cli.stores.nearness import content_hash
    from memos_cli.stores.rows import item_of

    memory = row.get("memory")
    hint = "Mend or delete that row with the program that wrote it, then run `memos reindex`."
    if not isinstance(memory, str) or not memory.strip():
        raise ForeignTable(reason=f"row {row.get('row')!r} has no text", hint=hint)
    try:
        item = item_of(row)
    except TableDamaged as error:
        raise ForeignTable(reason=error.fields["reason"], hint=hint) from error
    return item.but(content_hash=content_hash(memory), verb=item.verb or "adopt")


def _stamped(item: MemoryItem, change: Change) -> MemoryItem:
    made = {"change": change.id, "verb": change.verb, "actor": change.actor}
    if item.known_to is not None:  # an imported version that was closed elsewhere keeps its interval
        return item.but(**made)
    if (item.change, item.verb, item.actor, item.known_from) == (*made.values(), change.time):
        return item
    return item.but(**made, known_from=change.time)


def vector_column(info: EmbedderInfo) -> VectorColumn:
    """Name of the column for an embedder: readable, and another one for another dimension."""
    slug = "".join(c if c.isalnum() else "_" for c in info.name.lower()).strip("_")[:40]
    return VectorColumn(f"vector_{slug}_{info.dimension}", info.dimension)


def valid_end(old: MemoryItem, new_from: datetime) -> datetime:
    """When a version stops being true that a version true from `new_from` on replaces.

    Something said to be true from before the old one began corrects it: the old one was never true.
    One that had ended before stays so.
    """
    end = max(new_from, old.valid_from) if old.valid_from else new_from
    return min(end, old.valid_to) if old.valid_to else end


def _is_taken(root: Path) -> bool:
    """Whether anything stands there but an empty directory. Raises NotPermitted, StorageError."""
    try:
        if root.is_symlink() and not root.exists():
            return True
        return root.exists() and (not root.is_dir() or any(root.iterdir()))
    except OSError as error:
        raise storage_error(error, root) or StorageError(
            path=root, reason=error.strerror or str(error)
        ) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of what `Path.stat` costs, many times a search
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


__all__ = [
    "Busy",
    "CommitResult",
    "MemCube",
    "Projection",
    "View",
    "remove_tree",
    "valid_end",
    "vector_column",
]
