"""The memory table: a LanceDB table that is the one canonical store of a cube.

Owns: its columns, how items become rows and back, every call into Lance, the fsync barrier,
compaction, and the mapping of Lance's exceptions. Does not own: what a change means
(`cube/cube`), the projections, locking.

Writers are serialised by the cube's lock. One commit is one Lance version. Rows are appended,
or replaced whole when a change closes them: `seq` is the version whose commit touched a row
last, `ordinal` names the row for ever (`seq << 24 | place in the change`).

Importing this file loads neither Lance nor pyarrow; the newest version is read from file
names, which is all that a search on an up-to-date cube asks of the table.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.errors import (
    ForeignTable,
    MemosError,
    NotPermitted,
    StorageError,
    StorageFull,
    TableDamaged,
)
from memos_cli.schema import EmbedderInfo, MemoryItem, Tail
from memos_cli.stores.disk import mapped_errors
from memos_cli.stores.rows import (
    FORMAT_COLUMNS,
    first_spans,
    item_of,
    lacking,
    other_spans,
    table_schema,
    to_arrow,
)

if TYPE_CHECKING:
    import lance
    import numpy as np
    import pyarrow as pa

STORAGE_VERSION = "2.2"
"""Lance file version, set explicitly: lancedb 0.40 embeds Lance 13, pylance is 14, both write 2.2."""

MARK = "memos"
"""Transaction property that our own commits carry; a commit without it is another program's."""

TIERS = ((2_048, 48), (65_536, 64), (1_048_576, 96))
"""(rows, count): when `count` fragments have fewer than `rows` rows they are merged. Three tiers
as in a log-structured merge tree, so that the cost of an add stays flat as the table grows."""

KEEP_VERSIONS = timedelta(minutes=2)
"""How long superseded table versions stay, for readers that have one open."""

BATCH_ROWS = 8_192

RESTORE = "Put `memories.lance` back from a copy of the cube; the indexes beside it follow it."

GO_BACK = (
    "Go back to the version before with LanceDB (`table.restore(version)`), "
    "or put `memories.lance` back from a copy of the cube."
)

MAGIC = b"LANC"
"""What every manifest and every data file ends in."""


class Gap(StrEnum):
    """What happened to the table between two of its versions."""

    NOTHING = "no row changed"
    OURS = "our own commits"
    FOREIGN = "another program's commits"
    UNKNOWN = "versions that were cleaned up meanwhile"


class VectorColumn(msgspec.Struct, frozen=True):
    """Where vectors of one embedder stand: a column for the first span, one for the others."""

    name: str
    dimension: int

    @property
    def spans(self) -> str:
        return f"{self.name}_spans"


@contextlib.contextmanager
def lance_errors(path: Path) -> Iterator[None]:
    """Lance's exceptions, told apart by text (it raises OSError, ValueError and RuntimeError)."""
    try:
        yield
    except MemosError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise storage_error(error, path) or TableDamaged(reason=_reason(error)) from error


def storage_error(error: BaseException, path: Path) -> MemosError | None:
    """The error for a full disk, a forbidden or a read-only path; None for anything else."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text or "os error 28" in text:
        return StorageFull(path=path, reason="no space left")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or any(
        mark in text for mark in ("Permission denied", "Read-only file system", "os error 13", "os error 30")
    ):
        return NotPermitted(detail=f"{path} cannot be written")
    if number == errno.EIO:
        return StorageError(path=path, reason=_reason(error))
    return None


_SOURCE = re.compile(r",? ?/\S+\.rs(:\d+)*")
_KIND = re.compile(
    r"^(External error|LanceError\(\w+\)|Generic \w+ error|Invalid user input|Encountered \w+): "
)
_PLACE = re.compile(r"\S*/((?:data|_deletions|_versions|_transactions)(?:/|\b))")


def _reason(error: BaseException) -> str:
    """What Lance says, without the places in its source, its layers' names and our own path."""
    told = getattr(error, "strerror", None) or str(error)
    text = (told.strip().splitlines() or [type(error).__name__])[0]
    text = _PLACE.sub(r"\1", _SOURCE.sub("", text))
    while kind := _KIND.match(text):
        text = text[kind.end() :]
    return text[:300].rstrip(". ")


def newest_version(path: Path) -> int | None:
    """The newest version of the table at `path` by its file names; None when there is none."""
    return max(_versions(path), default=None)


def _versions(path: Path) -> list[int]:
    """Every version whose manifest is there, in no order; none where the folder is missing.

    Lance names manifests `<2^64-1-version>.manifest` (v2 naming) or `<version>.manifest`.
    """
    try:
        names = os.listdir(path / "_versions")  # noqa: PTH208 - half the cost of iterdir on the hot path
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise storage_error(error, path) or TableDamaged(reason=str(error)) from error
    found = (_version_of(name) for name in names if name.endswith(".manifest"))
    return [version for version in found if version is not None]


def _version_of(name: str) -> int | None:
    stem = name.removesuffix(".manifest")
    if not stem.isdigit():
        return None
    number = int(stem)
    return (1 << 64) - 1 - number if len(stem) == 20 and number >> 63 else number


class Table:
    """The table at one path. `version` follows the newest commit that this object has seen."""

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        self.path = path
        self.fsync = fsync
        self._of_thread = threading.local()

    # -- opening

    @classmethod
    def create(
        cls, path: Path, column: VectorColumn | None, info: EmbedderInfo | None, *, fsync: bool
    ) -> Table:
        """A new, empty table. Raises StorageFull, NotPermitted."""
        import lance

        table = cls(path, fsync=fsync)
        schema = table_schema((column.name, column.dimension) if column else None, info)
        with lance_errors(path):
            table._dataset = lance.write_dataset(
                schema.empty_table(),
                str(path),
                schema=schema,
                data_storage_version=STORAGE_VERSION,  # type: ignore[arg-type]
                transaction_properties={MARK: "create"},
            )
        table._sync(set())
        return table

    @property
    def _dataset(self) -> lance.LanceDataset | None:
        """The handle of this thread. Lance changes a handle in place when it commits through it, and
        refuses whatever another thread asks of it meanwhile ("Already mutably borrowed")."""
        return getattr(self._of_thread, "dataset", None)

    @_dataset.setter
    def _dataset(self, opened: lance.LanceDataset | None) -> None:
        self._of_thread.dataset = opened

    @property
    def dataset(self) -> lance.LanceDataset:
        """The newest version. Raises TableDamaged when it cannot be opened, ForeignTable when
        another program left it without a column of the format."""
        newest = newest_version(self.path)
        if newest is None:
            raise TableDamaged(reason=f"{self.path.name} is missing or has no version", hint=RESTORE)
        if self._dataset is None or self._dataset.version != newest:
            import lance

            try:
                with lance_errors(self.path):
                    opened = lance.dataset(str(self.path))
            except TableDamaged as error:
                with contextlib.suppress(FileNotFoundError):
                    if _is_torn(self._manifest(newest)):
                        raise self._torn(newest) from error
                raise
            # Lance takes a manifest of zeros, which a power loss leaves, for an empty table.
            if opened.version < newest:
                raise self._torn(newest)
            if missing := lacking(opened.schema):
                raise ForeignTable(reason=f"it has no {_listed(missing)} any more", hint=GO_BACK)
            self._dataset = opened
        return self._dataset

    @property
    def version(self) -> int:
        return int(self.dataset.version)

    def _torn(self, version: int) -> TableDamaged:
        return TableDamaged(reason=f"version {version} of {self.path.name} is torn")

    def set_aside_torn(self) -> list[int]:
        """Under the lock: put aside manifests that a power loss tore (Lance never calls fsync).

        Returns the versions put aside, newest first; their files keep the suffix `.torn`.
        Raises TableDamaged, and puts nothing aside, when no version is whole.
        """
        torn: list[int] = []
        for version in sorted(_versions(self.path), reverse=True):
            if not _is_torn(self._manifest(version)):
                break
            torn.append(version)
        else:
            raise TableDamaged(reason=f"{self.path.name} has no whole version", hint=RESTORE)
        with mapped_errors(self.path):
            for version in torn:
                manifest = self._manifest(version)
                manifest.rename(manifest.with_name(manifest.name + ".torn"))
        self.verify()
        return torn

    def verify(self) -> None:
        """Look whether the files of the newest version are there and as long as it says.

        Lance appends to a table whose older files are gone or cut short without a word, and what
        was added goes when a copy is put back. Reads a few bytes a file. Raises TableDamaged.
        """
        while True:
            dataset = self.dataset
            reason = self._damage(dataset)
            if reason is None:
                return
            # A clean-up may have removed files of a version that has been superseded meanwhile.
            if newest_version(self.path) == dataset.version:
                raise TableDamaged(reason=reason, hint=RESTORE)

    def _damage(self, dataset: lance.LanceDataset) -> str | None:
        with lance_errors(self.path):
            for fragment in dataset.get_fragments():
                for file in fragment.metadata.files:
                    if not _is_whole(f"{self.path}/data/{file.path}", file.file_size_bytes):
                        return f"{file.path} is missing, or not as it was written"
                if (deletions := fragment.deletion_file()) and not (self.path / deletions).is_file():
                    return f"{Path(deletions).name} is missing"
        return None

    def _manifest(self, version: int) -> Path:
        folder = self.path / "_versions"
        new = folder / f"{(1 << 64) - 1 - version:020d}.manifest"
        return new if new.exists() else folder / f"{version}.manifest"

    # -- reading

    @property
    def columns(self) -> list[str]:
        return list(self.dataset.schema.names)

    def vector_columns(self) -> dict[VectorColumn, EmbedderInfo | None]:
        """The vector columns that the table has, with the fingerprint each was made by."""
        import pyarrow as pa

        found: dict[VectorColumn, EmbedderInfo | None] = {}
        for part in self.dataset.schema:
            if part.name.startswith("vector_") and pa.types.is_fixed_size_list(part.type):
                stored = (part.metadata or {}).get(b"memos:embedder")
                info = msgspec.json.decode(stored, type=EmbedderInfo) if stored else None
                found[VectorColumn(part.name, part.type.list_size)] = info
        return found

    def holds(self, column: VectorColumn) -> bool:
        """Whether the table has these columns, and vectors of this dimension in them."""
        schema = self.dataset.schema
        if column.name not in schema.names or column.spans not in schema.names:
            return False
        return bool(getattr(schema.field(column.name).type, "list_size", None) == column.dimension)

    def require(self, column: VectorColumn | None) -> None:
        """Raises TableDamaged when the table does not hold the column, which it would lose silently."""
        if column is not None and not self.holds(column):
            raise TableDamaged(
                reason=f"the vector column {column.name} is missing",
                hint="Make the vectors anew with `memos reembed`.",
            )

    def edited_elsewhere(self) -> bool:
        """Whether a version that is still there was made by another program and changed rows."""
        with lance_errors(self.path):
            dataset = self.dataset
            return any(_is_foreign(dataset, version) for version in sorted(_versions(self.path)))

    def count(self, condition: str | None = None) -> int:
        return int(self._reading(lambda dataset: dataset.count_rows(filter=condition)))

    def arrow(self, condition: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows that meet a SQL condition (build it with `quoted`), as an Arrow table."""
        return self._reading(
            lambda dataset: dataset.to_table(filter=condition, columns=list(columns) if columns else None)
        )

    def _reading(self, read: Callable[[lance.LanceDataset], Any]) -> Any:
        """Read a version; once more from the newest when a clean-up removed it meanwhile."""
        dataset = self.dataset
        try:
            with lance_errors(self.path):
                return read(dataset)
        except TableDamaged:
            if newest_version(self.path) == dataset.version:
                self.verify()  # which can say what is wrong, and what to do
                raise
        with lance_errors(self.path):
            return read(self.dataset)

    def items(self, condition: str | None = None) -> list[MemoryItem]:
        """Rows that meet a SQL condition as items, without vectors, oldest first."""
        return [item for tail in self.tails(condition, None) for item in tail.items]

    def tails(
        self, condition: str | None, column: VectorColumn | None, *, fresh: bool = False
    ) -> Iterator[Tail]:
        """Rows in batches, ordinals ascending within the whole; with vectors when `column` is given.

        Streams: memory is bounded by the ordinals (8 bytes a row) and one batch. Raises
        TableDamaged when a row cannot be read as a memory.
        """
        last = -1
        while True:
            version = self.version
            rest = f"ordinal > {last}" if last >= 0 else None
            both = " AND ".join(f"({c})" for c in (condition, rest) if c) or None
            try:
                for tail in self._stream(both, column, fresh):
                    last = tail.ordinals[-1]
                    yield tail
            except TableDamaged:
                if newest_version(self.path) == version:
                    self.verify()
                    raise
                # A clean-up removed the version that was being read: go on in the newest one.
            else:
                return

    def _stream(self, condition: str | None, column: VectorColumn | None, fresh: bool) -> Iterator[Tail]:
        if column is not None and not self.holds(column):
            column = None
        wanted = [n for n in self.columns if not n.startswith("vector_")]
        wanted += [column.name, column.spans] if column else []
        batches = self._ordered(condition, wanted)
        while True:
            with lance_errors(self.path):
                batch = next(batches, None)
            if batch is None:
                return
            if batch.num_rows:
                yield _tail_of(batch, column, fresh)

    def _ordered(self, condition: str | None, columns: list[str]) -> Iterator[pa.Table]:
        """Batches in order of `ordinal`: rewritten rows stand at the end of the table."""
        import numpy as np
        import pyarrow as pa

        dataset = self.dataset
        keys = dataset.to_table(columns=["ordinal", "_rowoffset"], filter=condition)
        ordinals = keys["ordinal"].to_numpy()
        if not len(ordinals):
            return
        order = np.argsort(ordinals, kind="stable")
        if condition is None and bool(np.all(order == np.arange(len(order)))):
            for raw in dataset.to_batches(columns=columns, batch_size=BATCH_ROWS):
                yield pa.Table.from_batches([raw])
            return
        offsets = keys["_rowoffset"].to_numpy()[order]
        for start in range(0, len(offsets), BATCH_ROWS):
            yield dataset.take(offsets[start : start + BATCH_ROWS].tolist(), columns=columns)

    def since(self, revision: int) -> Gap:
        """What happened after `revision`; UNKNOWN when a version in between is not there any more."""
        dataset, gap = self.dataset, Gap.NOTHING
        for version in range(revision + 1, dataset.version + 1):
            try:
                transaction = dataset.read_transaction(version)
            except (OSError, ValueError, RuntimeError):
                return Gap.UNKNOWN
            if transaction is None:
                return Gap.UNKNOWN
            if MARK in (transaction.transaction_properties or {}):
                gap = Gap.OURS
            elif type(transaction.operation).__name__ not in _CHANGES_NO_ROW:
                return Gap.FOREIGN
        return gap

    # -- writing (under the cube's lock)

    def append(
        self, items: Sequence[MemoryItem], vectors: Mapping[str, np.ndarray], column: VectorColumn | None
    ) -> Tail:
        """One commit that appends rows; returns them as the projections will see them.

        Raises TableDamaged when there are vectors and no column for them.
        """
        import lance

        if vectors:
            self.require(column)
        dataset = self.dataset
        seq = int(dataset.version) + 1
        ordinals = tuple((seq << 24) + i for i in range(len(items)))
        rows = to_arrow(items, ordinals, seq, vectors, dataset.schema, column.name if column else None)
        before = self._files()
        with lance_errors(self.path):
            self._dataset = lance.write_dataset(
                rows, dataset, mode="append", transaction_properties={MARK: "change"}
            )
        self._sync(before)
        return Tail(tuple(items), ordinals, vectors, fresh=True)

    def replace(
        self,
        condition: str,
        edit: Callable[[MemoryItem], MemoryItem],
        items: Sequence[MemoryItem],
        vectors: Mapping[str, np.ndarray],
        column: VectorColumn | None,
    ) -> Tail:
        """One commit that rewrites the rows meeting `condition` through `edit` and appends `items`.

        Rewritten rows keep their ordinal, their vectors of every embedder, and what stands in
        columns that are another program's; `vectors` may give a rewritten row another vector, or
        by an empty one none. Raises TableDamaged when there are vectors and no column for them.
        """
        import pyarrow as pa

        if vectors:
            self.require(column)
        if column is not None and not self.holds(column):
            column = None
        dataset = self.dataset
        seq = int(dataset.version) + 1
        with lance_errors(self.path):
            old = dataset.to_table(filter=condition)
        edited = [edit(item_of(row)) for row in old.drop_columns(_vector_names(old)).to_pylist()]
        kept_ordinals = tuple(old["ordinal"].to_pylist())
        kept = _vectors_of(old, column) if column else {}
        live = column.name if column else None
        rewritten = _carried(
            to_arrow(edited, kept_ordinals, seq, {**kept, **vectors}, dataset.schema, live), old, column
        )
        ordinals = tuple((seq << 24) + i for i in range(len(items)))
        fresh = to_arrow(items, ordinals, seq, vectors, dataset.schema, column.name if column else None)
        self._swap(condition, pa.concat_tables([rewritten, fresh]), whole=False)
        every = _tail_of(rewritten, column, fresh=False)
        return Tail(
            every.items + tuple(items), kept_ordinals + ordinals, {**every.vectors, **vectors}, fresh=False
        )

    def expunge(self, condition: str, tombstones: Sequence[MemoryItem]) -> Tail:
        """One commit that drops the rows meeting `condition` and appends tombstones.

        The fragments that held them are written anew without them, so that once old versions
        are cleaned up no file holds their text.
        """
        dataset = self.dataset
        seq = int(dataset.version) + 1
        ordinals = tuple((seq << 24) + i for i in range(len(tombstones)))
        self._swap(condition, to_arrow(tombstones, ordinals, seq, {}, dataset.schema, None), whole=True)
        return Tail(tuple(tombstones), ordinals)

    def swap_in(self, condition: str, read: Callable[[dict[str, Any]], MemoryItem]) -> int:
        """One commit that gives the rows meeting `condition` fresh ordinals, each as `read` takes it.

        Returns how many. Their vectors and columns that are another program's stay.
        """
        dataset = self.dataset
        seq = int(dataset.version) + 1
        with lance_errors(self.path):
            old = dataset.to_table(filter=condition)
        items = [read(row) for row in old.drop_columns(_vector_names(old)).to_pylist()]
        ordinals = tuple((seq << 24) + i for i in range(len(items)))
        rows = _carried(to_arrow(items, ordinals, seq, {}, dataset.schema, None), old, None)
        self._swap(condition, rows, whole=False)
        return len(items)

    def _swap(self, condition: str, rows: pa.Table, *, whole: bool) -> None:
        """Commit one Update: rows meeting `condition` leave, `rows` come.

        `whole` rewrites each fragment concerned instead of marking its rows deleted.
        """
        import lance
        from lance.fragment import write_fragments

        dataset = self.dataset
        removed: list[int] = []
        updated: list[Any] = []
        survivors: list[Any] = []
        before = self._files()
        with lance_errors(self.path):
            for fragment in dataset.get_fragments():
                if whole:
                    if fragment.count_rows(condition) or (fragment.metadata.num_deletions or 0):
                        removed.append(fragment.fragment_id)
                        rest = fragment.scanner(
                            filter=f"NOT ({condition})", batch_size=BATCH_ROWS
                        ).to_reader()
                        survivors += write_fragments(rest, dataset, mode="append")
                    continue
                left = fragment.delete(condition)
                if left is None:
                    removed.append(fragment.fragment_id)
                elif left.num_deletions != fragment.metadata.num_deletions:
                    updated.append(left)
            new = write_fragments(rows, dataset, mode="append") if rows.num_rows else []
            operation = lance.LanceOperation.Update(
                removed_fragment_ids=removed,
                updated_fragments=updated,
                new_fragments=[*survivors, *new],
                fields_modified=[],
            )
            transaction = lance.Transaction(
                read_version=dataset.version,
                operation=operation,
                uuid=str(uuid.uuid4()),
                transaction_properties={MARK: "change"},
            )
            self._dataset = lance.LanceDataset.commit(dataset, transaction)
        self._sync(before)

    def add_vectors(
        self, column: VectorColumn, info: EmbedderInfo, vectors: Mapping[str, np.ndarray]
    ) -> None:
        """One commit that adds an embedder's columns, filled by `row`; no other column changes."""
        import lance
        import pyarrow as pa

        dataset = self.dataset
        added = table_schema((column.name, column.dimension), info)
        first, spans = added.field(column.name), added.field(column.spans)

        def fill(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows = batch["row"].to_pylist()
            return pa.RecordBatch.from_arrays(
                [first_spans(rows, vectors, column.dimension), other_spans(rows, vectors)],
                schema=pa.schema([first, spans]),
            )

        before = self._files()
        with lance_errors(self.path):
            filled = lance.batch_udf(output_schema=pa.schema([first, spans]))(fill)
            dataset.add_columns(filled, read_columns=["row"], batch_size=BATCH_ROWS)
            self._dataset = None
        self._sync(before)

    def drop_vectors(self, column: VectorColumn) -> None:
        """One commit that takes an embedder's columns out of the schema."""
        with lance_errors(self.path):
            present = [n for n in (column.name, column.spans) if n in self.columns]
            if present:
                before = self._files()
                self.dataset.drop_columns(present)
                self._dataset = None
                self._sync(before)

    # -- upkeep (under the cube's lock)

    def compact_due(self) -> int | None:
        """The fragment size to merge up to, or None when there is nothing to merge yet."""
        sizes = [f.metadata.num_rows for f in self.dataset.get_fragments()]
        for rows, count in TIERS:
            if sum(size < rows for size in sizes) >= count:
                return rows
        return None

    def compact(self, target: int) -> bool:
        """Merge neighbouring fragments smaller than `target` rows. True when the version moved."""
        before, files = self.version, self._files()
        with lance_errors(self.path):
            self.dataset.optimize.compact_files(target_rows_per_fragment=target)
            self._dataset = None
        self._sync(files)
        return self.version != before

    def clean(self, *, everything: bool = False) -> None:
        """Remove superseded versions: those older than KEEP_VERSIONS, or all of them and any orphan."""
        with lance_errors(self.path):
            self.dataset.cleanup_old_versions(
                older_than=timedelta(0) if everything else KEEP_VERSIONS,
                delete_unverified=everything,
                error_if_tagged_old_versions=False,
            )
        if everything:
            for torn in (self.path / "_versions").glob("*.torn"):
                torn.unlink()

    def orphans(self) -> list[Path]:
        """Data files that the newest version does not use (none, right after `clean(everything=True)`)."""
        used = self._files()
        return sorted(p for p in (self.path / "data").glob("**/*.lance") if p not in used)

    def _files(self) -> set[Path]:
        return {
            self.path / "data" / file.path for f in self.dataset.get_fragments() for file in f.metadata.files
        }

    def _sync(self, before: set[Path]) -> None:
        """Make the newest commit survive a power loss: Lance itself never calls fsync."""
        if not self.fsync:
            return
        version = self.version
        fresh = self._files() - before
        fresh.add(self._manifest(version))
        folders = {self.path / "data", self.path / "_versions", self.path}
        deletions = self.path / "_deletions"
        if deletions.is_dir():
            fragments = self.dataset.get_fragments()
            fresh |= {deletions / Path(n).name for f in fragments if (n := f.deletion_file())}
            folders.add(deletions)
        for path in [*sorted(fresh), *sorted(folders)]:
            if path.exists():
                sync(path)


_CHANGES_NO_ROW = frozenset(
    {"Rewrite", "BaseOperation", "CreateIndex", "Project", "DataReplacement", "UpdateConfig"}
)
"""Operations that change no row: compaction (whose first half, reserving fragment ids, shows as
BaseOperation), indexing, dropped columns, table configuration."""


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise storage_error(error, path) or StorageError(
            path=path, reason=error.strerror or str(error)
        ) from error
    finally:
        os.close(handle)


def _is_torn(manifest: Path) -> bool:
    """A manifest ends in its magic `LANC`; one that does not was cut off or never reached the disk."""
    data = manifest.read_bytes()
    return len(data) < 16 or data[-4:] != MAGIC or not any(data[:16])


def _is_whole(path: str, size: int | None) -> bool:
    """Whether a data file is there, as far as its length and its end tell."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        found = os.fstat(handle).st_size
        if found < len(MAGIC) or found != (size or found):
            return False
        return os.pread(handle, len(MAGIC), found - len(MAGIC)) == MAGIC
    finally:
        os.close(handle)


def _is_foreign(dataset: lance.LanceDataset, version: int) -> bool:
    try:
        transaction = dataset.read_transaction(version)
    except (OSError, ValueError, RuntimeError):  # cleaned up, or never written
        return False
    if transaction is None or MARK in (transaction.transaction_properties or {}):
        return False
    return type(transaction.operation).__name__ not in _CHANGES_NO_ROW


def _listed(names: Sequence[str]) -> str:
    return f"column {names[0]}" if len(names) == 1 else f"columns {', '.join(names[:5])}"


def _carried(rows: pa.Table, old: pa.Table, column: VectorColumn | None) -> pa.Table:
    """`rows` with what `old`, the same rows before, has in columns that no item and not `column` fills."""
    ours = {*FORMAT_COLUMNS, *((column.name, column.spans) if column else ())}
    for place, part in enumerate(rows.schema):
        if part.name not in ours:
            rows = rows.set_column(place, part, old[part.name])
    return rows


def _vector_names(rows: pa.Table) -> list[str]:
    return [n for n in rows.schema.names if n.startswith("vector_")]


def _tail_of(rows: pa.Table, column: VectorColumn | None, fresh: bool) -> Tail:
    plain = rows.drop_columns(_vector_names(rows))
    items = tuple(item_of(row) for row in plain.to_pylist())
    ordinals = tuple(rows["ordinal"].to_pylist())
    vectors = _vectors_of(rows, column) if column else {}
    return Tail(items, ordinals, vectors, fresh)


def _vectors_of(rows: pa.Table, column: VectorColumn) -> dict[str, np.ndarray]:
    import numpy as np

    first = rows[column.name].combine_chunks()
    present = first.is_valid().to_numpy(zero_copy_only=False)
    matrix = first.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.dimension)
    places = np.cumsum(present) - 1
    if len(matrix) == len(first):  # nulls kept their slots
        places = np.arange(len(first))
    found: dict[str, np.ndarray] = {}
    more = rows[column.spans].to_pylist() if rows[column.spans].null_count < rows.num_rows else None
    for i, name in enumerate(rows["row"].to_pylist()):
        if present[i]:
            head = matrix[places[i]][None]
            rest = more[i] if more else None
            tail = np.asarray(rest, np.float16).reshape(-1, column.dimension) if rest else head[:0]
            found[name] = np.concatenate([head, tail]) if len(tail) else head
    return found


def quoted(values: Iterable[str]) -> str:
    """String literals for a SQL `IN (…)`; safe for any text."""
    return ", ".join("'" + v.replace("'", "''") + "'" for v in values)


def embedder_metadata(info: EmbedderInfo) -> dict[bytes, bytes]:
    """Field metadata that names the embedder of a vector column, so that config.json can be rebuilt."""
    return {b"memos:embedder": msgspec.json.encode(info)}
