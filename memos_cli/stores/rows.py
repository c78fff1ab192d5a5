"""How a MemoryItem stands in a row of the memory table, and back.

Owns: the Arrow schema of format 1 and the conversion both ways. Does not own: where rows are
kept (`table`). The specification printed by `memos help format` is made from `COLUMNS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from memos_cli.errors import EmbedderMismatch, TableDamaged
from memos_cli.schema import EmbedderInfo, MemoryItem, Relation, Source, why

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Column(NamedTuple):
    """One column: its name, the short name of its Arrow type, and what it holds."""

    name: str
    type: str
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("row", "key", "UUIDv7 of this version of the memory; the table's unenforced primary key"),
    Column("id", "text", "UUIDv7 of the memory, the same over its versions"),
    Column("ordinal", "int64", "number of the row for ever: seq << 24 | place in the change"),
    Column("seq", "int64", "table version whose commit touched the row last"),
    Column("memory", "text", "the text"),
    Column("kind", "text", "WorkingMemory, LongTermMemory, UserMemory …"),
    Column("origin", "text", "said, inferred or summary"),
    Column("language", "text", "ISO 639-1 code, when known"),
    Column("level", "text", "fact, concept or topic"),
    Column("key", "text", "a short title"),
    Column("tags", "texts", "labels"),
    Column("speaker", "text", "who said it"),
    Column("position", "int32", "place in its session or document, from 0"),
    Column(
        "sources", "json", "where it came from: a JSON list of objects (type, role, time, path, offsets …)"
    ),
    Column("external_id", "text", "the caller's own id"),
    Column("status", "text", "activated, resolving, archived, deleted; purged marks a tombstone"),
    Column("version", "int32", "1, 2, 3 … over the versions of a memory"),
    Column("predecessor", "text", "row of the version before"),
    Column("said_at", "time", "when it was said"),
    Column("event_start", "time", "when what it tells of began"),
    Column("event_end", "time", "when what it tells of ended, not included"),
    Column("event_precision", "text", "second, minute, day, month or year"),
    Column("valid_from", "time", "true from then on; null: always was"),
    Column("valid_to", "time", "true until then; null: still is"),
    Column("known_from", "time", "the cube held this version from then on"),
    Column("known_to", "time", "the cube held this version until then; null: the current version"),
    Column("created_at", "time", "when the cube first held the memory"),
    Column("change", "text", "UUIDv7 of the change that made this version"),
    Column("verb", "text", "what that change was: add, update, archive, undo …"),
    Column("actor", "text", "who made it"),
    Column("closed_by", "text", "UUIDv7 of the change that closed this version"),
    Column("confidence", "int32", "0-100"),
    Column("visibility", "text", "private, public or session"),
    Column("user_id", "text", "whose memory it is"),
    Column("session_id", "text", "the conversation it belongs to"),
    Column("agent_id", "text", "the agent it belongs to"),
    Column("relations", "relations", "edges to other memories, owned by this row"),
    Column("parent", "text", "id of the concept or topic above it"),
    Column("refinement", "text", "none, queued or done"),
    Column("refines", "text", "id of the raw memory that this one was refined from"),
    Column("stale", "bool", "true when what it was made from has changed"),
    Column("pinned", "bool", "true when it must not be evicted"),
    Column("topic", "text", "a preference's topic"),
    Column("strength", "float64", "a preference's strength, 0-1"),
    Column("content_hash", "text", "hash of the normalised text"),
    Column("info", "json", "free JSON object"),
)


FORMAT_COLUMNS = frozenset(c.name for c in COLUMNS)


@cache
def arrow_type(short: str) -> pa.DataType:
    """The Arrow type behind a short name in COLUMNS."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "key": pa.string(),
        "text": pa.string(),
        "json": pa.string(),
        "texts": pa.list_(pa.string()),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "time": pa.timestamp("us", "UTC"),
        "relations": pa.list_(
            pa.struct([("kind", pa.string()), ("target", pa.string()), ("weight", pa.float64())])
        ),
    }
    return types[short]


def table_schema(vector: tuple[str, int] | None = None, info: EmbedderInfo | None = None) -> pa.Schema:
    """The schema of format 1; `vector` adds the columns (name, dimension) of one embedder."""
    import pyarrow as pa

    fields = [
        pa.field(c.name, arrow_type(c.type), nullable=c.type != "key", metadata=_metadata(c)) for c in COLUMNS
    ]
    if vector:
        name, dimension = vector
        metadata = {b"memos:embedder": msgspec.json.encode(info)} if info else None
        fields.append(pa.field(name, pa.list_(pa.float16(), dimension), metadata=metadata))
        fields.append(pa.field(f"{name}_spans", pa.list_(pa.float16())))
    return pa.schema(fields)


def lacking(schema: pa.Schema) -> list[str]:
    """Names of the format's columns that a table of this schema lacks, or has in another type."""
    have = {part.name: part.type for part in schema}
    return [c.name for c in COLUMNS if have.get(c.name) != arrow_type(c.type)]


def _metadata(column: Column) -> dict[bytes, bytes] | None:
    # Without a primary key two processes that merge the same new key duplicate it silently.
    return {b"lance-schema:unenforced-primary-key": b"true"} if column.type == "key" else None


def to_arrow(
    items: Sequence[MemoryItem],
    ordinals: Sequence[int],
    seq: int,
    vectors: Mapping[str, np.ndarray],
    schema: pa.Schema,
    vector: str | None,
) -> pa.Table:
    """Items as rows of `schema`; `vectors` maps a row to (spans, dimension), any float type."""
    import pyarrow as pa

    n = len(items)
    columns: list[Any] = []
    for part in schema:
        if part.name == "ordinal":
            columns.append(pa.array(ordinals, pa.int64()))
        elif part.name == "seq":
            columns.append(pa.array([seq] * n, pa.int64()))
        elif part.name == vector:
            columns.append(first_spans([i.row for i in items], vectors, part.type.list_size))
        elif vector and part.name == f"{vector}_spans":
            columns.append(other_spans([i.row for i in items], vectors))
        elif part.name in _FIELDS:
            values = map(attrgetter(part.name), items)
            cell = _write.get(part.name)
            columns.append(pa.array(list(map(cell, values) if cell else values), part.type))
        else:
            columns.append(_blank(n, part))
    return pa.Table.from_arrays(columns, schema=schema)


def _blank(n: int, part: pa.Field) -> pa.Array:
    """Nothing, in a column that is another program's; where that may not be null, its type's zero."""
    import pyarrow as pa

    if part.nullable:
        return pa.nulls(n, part.type)
    for fits, zero in (
        (pa.types.is_boolean, False),
        (pa.types.is_integer, 0),
        (pa.types.is_floating, 0.0),
    ):
        if fits(part.type):
            return pa.array([zero] * n, part.type)
    return pa.array([""] * n, pa.string()).cast(part.type)


def _sources(value: tuple[Source, ...]) -> str | None:
    if not value:
        return None
    return msgspec.json.encode(value).decode()


def _info(value: dict[str, Any]) -> str | None:
    return _as_json(value) if value else None


_as_json = json.JSONEncoder(ensure_ascii=False).encode


def _relations(value: tuple[Relation, ...]) -> list[dict[str, Any]] | None:
    return [{"kind": r.kind, "target": r.target, "weight": r.weight} for r in value] or None


def _tags(value: tuple[str, ...]) -> list[str] | None:
    return list(value) or None


_FIELDS = frozenset(MemoryItem.__struct_fields__)

_write: dict[str, Callable[[Any], Any]] = {
    "sources": _sources,
    "info": _info,
    "relations": _relations,
    "tags": _tags,
}


def first_spans(rows: Sequence[str], vectors: Mapping[str, np.ndarray], dimension: int) -> pa.Array:
    """The column of first spans for `rows`: fixed_size_list<float16>, null where there is no vector.

    Raises EmbedderMismatch for a vector of another dimension.
    """
    import numpy as np
    import pyarrow as pa

    matrix = np.zeros((len(rows), dimension), np.float16)
    missing = np.ones(len(rows), bool)
    for i, row in enumerate(rows):
        if (found := vectors.get(row)) is not None and len(found):
            if found.shape[1:] != (dimension,):
                raise EmbedderMismatch(
                    stored=f"a model of {dimension} dimensions", found=f"one of {found.shape[-1]}"
                )
            matrix[i], missing[i] = found[0], False
    # By its buffer: `pa.array` of a numpy array loads numpy.ma, 30 ms in every process that adds.
    values = pa.Array.from_buffers(pa.float16(), matrix.size, [None, pa.py_buffer(matrix)])
    return pa.FixedSizeListArray.from_arrays(values, dimension, mask=pa.array(missing.tolist(), pa.bool_()))


def other_spans(rows: Sequence[str], vectors: Mapping[str, np.ndarray]) -> pa.Array:
    """The column of further spans for `rows`: list<float16>, one after the other, null for none."""
    import numpy as np
    import pyarrow as pa

    rest = [vectors.get(row) for row in rows]
    return pa.array(
        [None if v is None or len(v) < 2 else np.asarray(v[1:], np.float16).reshape(-1) for v in rest],
        pa.list_(pa.float16()),
    )


def item_of(row: Mapping[str, Any]) -> MemoryItem:
    """The memory in a row (`pa.Table.to_pylist` form). Raises TableDamaged for what is none."""
    try:
        return msgspec.convert(
            {
                name: _cell(name, value)
                for name, value in row.items()
                if value is not None and name in _FIELDS
            },
            MemoryItem,
        )
    except (ValueError, TypeError) as error:
        reason = why(error) if isinstance(error, msgspec.ValidationError) else str(error)
        raise TableDamaged(reason=f"row {row.get('row')!r} is not a memory: {reason}") from error


def _cell(name: str, value: Any) -> Any:
    try:
        return _read[name](value) if name in _read else value
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: it cannot be read ({str(error).splitlines()[0]})") from error


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_read: dict[str, Callable[[Any], Any]] = {
    "sources": json.loads,
    "info": json.loads,
    "tags": tuple,
    "relations": tuple,
    **{c.name: _aware for c in COLUMNS if c.type == "time"},
}
