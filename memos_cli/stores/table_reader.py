"""Reading the memory table: its newest version, checked, and the rows of it.

Owns: opening a version, what is damaged or foreign in it, every read, what happened between two
versions. Does not own: writing and upkeep (`table`), its files and engine errors (`table_files`),
how rows stand in Arrow (`rows`, `table_rows`).

Importing this file loads neither Lance nor pyarrow; the newest version is read from file
names, which is all that a search on an up-to-date cube asks of the table.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.errors import ForeignTable, TableDamaged
from memos_cli.schema import EmbedderInfo, MemoryItem, Tail
from memos_cli.stores.rows import lacking
from memos_cli.stores.table_files import (
    is_torn,
    is_whole,
    lance_errors,
    manifest_of,
    newest_version,
    versions_of,
)
from memos_cli.stores.table_rows import VectorColumn, tail_of

if TYPE_CHECKING:
    import lance
    import pyarrow as pa

MARK = "memos"
"""Transaction property that our own commits carry; a commit without it is another program's."""

BATCH_ROWS = 8_192

RESTORE = "Put `memories.lance` back from a copy of the cube; the indexes beside it follow it."

GO_BACK = (
    "Go back to the version before with LanceDB (`table.restore(version)`), "
    "or put `memories.lance` back from a copy of the cube."
)


class Gap(StrEnum):
    """What happened to the table between two of its versions."""

    NOTHING = "no row changed"
    OURS = "our own commits"
    FOREIGN = "another program's commits"
    UNKNOWN = "versions that were cleaned up meanwhile"


class TableReader:
    """The table at one path, for reading. `version` follows the newest commit that this object has seen."""

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        self.path = path
        self.fsync = fsync
        self._of_thread = threading.local()

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
                    if is_torn(manifest_of(self.path, newest)):
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
                    if not is_whole(f"{self.path}/data/{file.path}", file.file_size_bytes):
                        return f"{file.path} is missing, or not as it was written"
                if (deletions := fragment.deletion_file()) and not (self.path / deletions).is_file():
                    return f"{Path(deletions).name} is missing"
        return None

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
            return any(_is_foreign(dataset, version) for version in sorted(versions_of(self.path)))

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
                yield tail_of(batch, column, fresh)

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


_CHANGES_NO_ROW = frozenset(
    {"Rewrite", "BaseOperation", "CreateIndex", "Project", "DataReplacement", "UpdateConfig"}
)
"""Operations that change no row: compaction (whose first half, reserving fragment ids, shows as
BaseOperation), indexing, dropped columns, table configuration."""


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
