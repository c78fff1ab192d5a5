"""The memory table: a LanceDB table that is the one canonical store of a cube.

Owns: every commit to it, the fsync barrier, compaction and cleaning. Does not own: reading it
(`table_reader`), its files and Lance's exceptions (`table_files`), how rows stand in Arrow (`rows`,
`table_rows`), what a change means (`cube/cube`), the projections, locking.

Writers are serialised by the cube's lock. One commit is one Lance version. Rows are appended,
or replaced whole when a change closes them: `seq` is the version whose commit touched a row
last, `ordinal` names the row for ever (`seq << 24 | place in the change`).

Importing this file loads neither Lance nor pyarrow.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.errors import TableDamaged
from memos_cli.schema import EmbedderInfo, MemoryItem, Tail
from memos_cli.stores.disk import mapped_errors
from memos_cli.stores.rows import (
    first_spans,
    item_of,
    other_spans,
    table_schema,
    to_arrow,
)
from memos_cli.stores.table_files import (
    is_torn,
    lance_errors,
    manifest_of,
    sync,
    versions_of,
)
from memos_cli.stores.table_reader import BATCH_ROWS, MARK, RESTORE, TableReader
from memos_cli.stores.table_rows import VectorColumn, carried, tail_of, vector_names, vectors_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

STORAGE_VERSION = "2.2"
"""Lance file version, set explicitly: lancedb 0.40 embeds Lance 13, pylance is 14, both write 2.2."""

TIERS = ((2_048, 48), (65_536, 64), (1_048_576, 96))
"""(rows, count): when `count` fragments have fewer than `rows` rows they are merged. Three tiers
as in a log-structured merge tree, so that the cost of an add stays flat as the table grows."""

KEEP_VERSIONS = timedelta(minutes=2)
"""How long superseded table versions stay, for readers that have one open."""


class Table(TableReader):
    """The table at one path. `version` follows the newest commit that this object has seen."""

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

    def set_aside_torn(self) -> list[int]:
        """Under the lock: put aside manifests that a power loss tore (Lance never calls fsync).

        Returns the versions put aside, newest first; their files keep the suffix `.torn`.
        Raises TableDamaged, and puts nothing aside, when no version is whole.
        """
        torn: list[int] = []
        for version in sorted(versions_of(self.path), reverse=True):
            if not is_torn(manifest_of(self.path, version)):
                break
            torn.append(version)
        else:
            raise TableDamaged(reason=f"{self.path.name} has no whole version", hint=RESTORE)
        with mapped_errors(self.path):
            for version in torn:
                manifest = manifest_of(self.path, version)
                manifest.rename(manifest.with_name(manifest.name + ".torn"))
        self.verify()
        return torn

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
        edited = [edit(item_of(row)) for row in old.drop_columns(vector_names(old)).to_pylist()]
        kept_ordinals = tuple(old["ordinal"].to_pylist())
        kept = vectors_of(old, column) if column else {}
        live = column.name if column else None
        rewritten = carried(
            to_arrow(edited, kept_ordinals, seq, {**kept, **vectors}, dataset.schema, live), old, column
        )
        ordinals = tuple((seq << 24) + i for i in range(len(items)))
        fresh = to_arrow(items, ordinals, seq, vectors, dataset.schema, column.name if column else None)
        self._swap(condition, pa.concat_tables([rewritten, fresh]), whole=False)
        every = tail_of(rewritten, column, fresh=False)
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
        items = [read(row) for row in old.drop_columns(vector_names(old)).to_pylist()]
        ordinals = tuple((seq << 24) + i for i in range(len(items)))
        rows = carried(to_arrow(items, ordinals, seq, {}, dataset.schema, None), old, None)
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
        fresh.add(manifest_of(self.path, version))
        folders = {self.path / "data", self.path / "_versions", self.path}
        deletions = self.path / "_deletions"
        if deletions.is_dir():
            fragments = self.dataset.get_fragments()
            fresh |= {deletions / Path(n).name for f in fragments if (n := f.deletion_file())}
            folders.add(deletions)
        for path in [*sorted(fresh), *sorted(folders)]:
            if path.exists():
                sync(path)


def quoted(values: Iterable[str]) -> str:
    """String literals for a SQL `IN (…)`; safe for any text."""
    return ", ".join("'" + v.replace("'", "''") + "'" for v in values)


def embedder_metadata(info: EmbedderInfo) -> dict[bytes, bytes]:
    """Field metadata that names the embedder of a vector column, so that config.json can be rebuilt."""
    return {b"memos:embedder": msgspec.json.encode(info)}
