"""Current rows of the memory table as Arrow holds them: a memory is made of one when it is asked for.

Owns: looking rows up by the memory's id, single columns of many rows, their vectors. Does not own:
which rows are read (`stores/table_reader`), what a row means (`stores/rows`).

A hundred thousand memories take 8 s and a quarter of a GB to become objects, their columns half
a second and 130 MB with the vectors; who looks at a whole cube mostly asks for a column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos_cli.schema import MemoryItem, Visibility
from memos_cli.stores.facts import is_turn
from memos_cli.stores.rows import item_of
from memos_cli.stores.table_rows import VectorColumn

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BLOCK = 4_096
"""Rows that are objects at once while many are made."""


class Columns(Mapping[str, MemoryItem]):
    """Rows by the id of their memory, one of each, in the order of `ids`; `places` says where each
    stands in `rows`. Looking a memory up makes it anew each time: see `made` and `keep`."""

    def __init__(self, rows: pa.Table | None = None, places: Mapping[str, int] | None = None) -> None:
        self._rows = rows
        self.places: Mapping[str, int] = {} if rows is None else places or _places(rows)
        self._kept: dict[str, MemoryItem] = {}

    def __getitem__(self, id: str) -> MemoryItem:
        place = self.places[id]
        return self._kept.get(id) or self._items([place])[0]

    def __contains__(self, id: object) -> bool:
        return id in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def without(self, ids: Collection[str]) -> Columns:
        """The same rows but those."""
        return Columns(self._rows, {id: place for id, place in self.places.items() if id not in ids})

    def keep(self) -> Columns:
        """Make all memories now and keep them, for who reads most of each."""
        self._kept = self.made(self.places)
        return self

    def made(self, ids: Iterable[str]) -> dict[str, MemoryItem]:
        """These memories, which costs a fifth of asking for one after the other."""
        wanted = [id for id in dict.fromkeys(ids) if id not in self._kept]
        found = {id: self._kept[id] for id in ids if id in self._kept} if self._kept else {}
        for start in range(0, len(wanted), BLOCK):
            block = wanted[start : start + BLOCK]
            found |= zip(block, self._items([self.places[id] for id in block]), strict=True)
        return found

    def text(self, id: str) -> str:
        return str(self._memory[self.places[id]].as_py())

    def texts(self, ids: Iterable[str]) -> Iterator[str]:
        return map(self.text, ids)

    def column(self, name: str) -> list[Any]:
        """What each memory has in a column of texts or numbers, in order."""
        found = self._column(name).to_pylist()
        return [found[place] for place in self.places.values()]

    def is_turn(self, id: str) -> bool:
        """As `facts.is_turn` of the memory."""
        return self.places[id] in self.turns

    def is_public(self, id: str) -> bool:
        return self.places[id] in self._public

    def rewritten(self, own: Collection[str]) -> dict[str, datetime]:
        """When the memories that have an earlier version were written, but by one of the verbs `own`."""
        versions = self._column("version").fill_null(1).to_numpy().tolist() if self.places else []
        verbs, times = self._column("verb").to_pylist(), self._column("known_from")
        return {
            id: times[place].as_py()
            for id, place in self.places.items()
            if versions[place] > 1 and verbs[place] not in own
        }

    # -- rows

    def _column(self, name: str) -> Any:
        import pyarrow as pa

        if self._rows is None:
            return pa.array([], pa.string())
        found = self._rows[name]
        return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()

    @cached_property
    def _memory(self) -> Any:
        return self._column("memory")

    @cached_property
    def _public(self) -> frozenset[int]:
        public = str(Visibility.PUBLIC)
        return frozenset(
            n for n, value in enumerate(self._column("visibility").to_pylist()) if value == public
        )

    @cached_property
    def turns(self) -> frozenset[int]:
        """Places of the rows that are turns. Who said it stands in a column of its own, or in one of the sources."""
        if self._rows is None:
            return frozenset()
        return frozenset(turns_in(self._rows))

    def _items(self, places: Sequence[int]) -> list[MemoryItem]:
        assert self._rows is not None
        if places == list(range(places[0], places[0] + len(places))):
            rows = self._rows.slice(places[0], len(places))
        else:
            rows = self._rows.take(list(places))
        return [item_of(row) for row in rows.to_pylist()]


def _places(rows: pa.Table) -> dict[str, int]:
    return {id: place for place, id in enumerate(rows["id"].to_pylist())}


def turns_in(rows: pa.Table) -> list[int]:
    """Places of the rows that are turns of a conversation (`facts.is_turn`)."""
    if rows["session_id"].null_count == len(rows):
        return []
    found, unsure = [], []
    names = ("session_id", "refines", "speaker", "sources")
    for place, row in enumerate(zip(*(rows[name].to_pylist() for name in names), strict=True)):
        session, refines, speaker, sources = row
        if session is None or refines is not None:
            continue
        if speaker is not None:
            found.append(place)
        elif sources and '"role"' in sources:
            unsure.append(place)
    made = rows.take(unsure).to_pylist() if unsure else []
    found += [place for place, row in zip(unsure, made, strict=True) if is_turn(item_of(row))]
    return sorted(found)


class Spans(Mapping[str, "np.ndarray"]):
    """The vectors (spans, dimension), float16, of memories by their id, as the table has them."""

    def __init__(self, rows: pa.Table | None = None, column: VectorColumn | None = None) -> None:
        self._at: dict[str, int] = {}
        self._more: dict[int, np.ndarray] = {}
        if rows is not None and column is not None and column.name in rows.schema.names:
            self._read(rows, column)

    def _read(self, rows: pa.Table, column: VectorColumn) -> None:
        import numpy as np

        first = rows[column.name].combine_chunks()
        present = first.is_valid().to_numpy(zero_copy_only=False)
        matrix = first.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.dimension)
        # Rows without a vector may or may not have a slot of their own in the values.
        slots = np.arange(len(first)) if len(matrix) == len(first) else np.cumsum(present) - 1
        self._matrix = matrix
        ids = rows["id"].to_pylist()
        self._at = {ids[place]: int(slots[place]) for place in np.flatnonzero(present).tolist()}
        more = rows[column.spans]
        if more.null_count < len(rows):
            for place in np.flatnonzero(
                present & more.combine_chunks().is_valid().to_numpy(zero_copy_only=False)
            ):
                rest = np.asarray(more[int(place)].as_py(), np.float16).reshape(-1, column.dimension)
                if len(rest):
                    self._more[int(slots[place])] = rest

    def __getitem__(self, id: str) -> np.ndarray:
        import numpy as np

        slot = self._at[id]
        head = self._matrix[slot : slot + 1]
        return np.concatenate([head, self._more[slot]]) if slot in self._more else head

    def __contains__(self, id: object) -> bool:
        return id in self._at

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)

    def middles(self, ids: Sequence[str]) -> np.ndarray:
        """The mean (float32) of each memory's spans, shape (ids, dimension)."""
        import numpy as np

        slots = np.array([self._at[id] for id in ids], np.int64)
        found = self._matrix[slots].astype(np.float32)
        for place, slot in enumerate(slots.tolist()) if self._more else ():
            if slot in self._more:
                found[place] = self[ids[place]].astype(np.float32).mean(axis=0)
        return found


def by_owner(rows: pa.Table, column: str = "user_id") -> dict[str | None, list[int]]:
    """The places of rows by whose they are, in order."""
    found: dict[str | None, list[int]] = {}
    for place, owner in enumerate(rows[column].to_pylist()):
        found.setdefault(owner, []).append(place)
    return found


def in_order(rows: pa.Table) -> pa.Table:
    """Rows by their ordinal, as they mostly stand already: sorting copies all of them."""
    ordinals = rows["ordinal"].to_numpy()
    return rows if bool((ordinals[1:] > ordinals[:-1]).all()) else rows.sort_by("ordinal")


def plain_names(names: Iterable[str], column: VectorColumn | None) -> list[str]:
    """Of a table's columns those of the memory itself, and of one embedder's vectors."""
    wanted = {column.name, column.spans} if column else set()
    return [name for name in names if not name.startswith("vector_") or name in wanted]


__all__ = ["Columns", "Spans", "by_owner", "in_order", "plain_names", "turns_in"]
