"""Rows of the memory table as Arrow holds them: their vectors, and what is carried over.

Owns: where an embedder's vectors stand, reading rows with their vectors, and keeping what another
program has in a row. Does not own: the format's columns (`rows`), reading and writing (`table`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from memos_cli.schema import Tail
from memos_cli.stores.rows import FORMAT_COLUMNS, item_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class VectorColumn(msgspec.Struct, frozen=True):
    """Where vectors of one embedder stand: a column for the first span, one for the others."""

    name: str
    dimension: int

    @property
    def spans(self) -> str:
        return f"{self.name}_spans"


def carried(rows: pa.Table, old: pa.Table, column: VectorColumn | None) -> pa.Table:
    """`rows` with what `old`, the same rows before, has in columns that no item and not `column` fills."""
    ours = {*FORMAT_COLUMNS, *((column.name, column.spans) if column else ())}
    for place, part in enumerate(rows.schema):
        if part.name not in ours:
            rows = rows.set_column(place, part, old[part.name])
    return rows


def vector_names(rows: pa.Table) -> list[str]:
    return [n for n in rows.schema.names if n.startswith("vector_")]


def tail_of(rows: pa.Table, column: VectorColumn | None, fresh: bool) -> Tail:
    plain = rows.drop_columns(vector_names(rows))
    items = tuple(item_of(row) for row in plain.to_pylist())
    ordinals = tuple(rows["ordinal"].to_pylist())
    vectors = vectors_of(rows, column) if column else {}
    return Tail(items, ordinals, vectors, fresh)


def vectors_of(rows: pa.Table, column: VectorColumn) -> dict[str, np.ndarray]:
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
