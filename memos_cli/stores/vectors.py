"""The vector route: every span of every memory in one int8 matrix, scanned whole for each question.

Owns: turning memories and their vectors into rows and labels, filters over those, scores, the best
few, and what is in doubt about them (mean and spread of all scores). Does not own: the files
(`stores/flatfile`), embedding (`providers`), nor what a hit's text is.

A row is stored three times: as int8 with one scale of its own, which the scan reads; as float16,
which only the best few are scored with again, and the pair agrees with float32 on the first ten hits;
and as signs, which stand before the scan where that would take long (`vector_signs`).
Filters are exact and apply before the cut, so that a narrow filter never returns too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memos_cli.errors import EmbedderMismatch, NotPermitted, ProjectionDamaged, ProjectionOutdated
from memos_cli.schema import Filters, MemoryItem, Status, Tail
from memos_cli.stores import vector_windows
from memos_cli.stores.flatfile import FlatFile
from memos_cli.stores.flatrows import CHUNK, FILTER_COLUMNS, Block, Snapshot, row_type
from memos_cli.stores.vector_filters import CODES, continuing_rows, item_facts, labels_of, passing_rows
from memos_cli.stores.vector_scan import SCAN_CHUNK, quantised, scores_of_all, signs
from memos_cli.stores.vector_signs import OnDemand, moments, near

SCHEMA = 3
"""Version of what the rows mean; another one in the header makes the cube rebuild them."""

RESCORED = 48
"""Hits that are scored again with float16: 40 are enough for the first ten on real vectors."""

SKETCHED = 300_000
"""Rows that pass from which on their signs are scanned first; fewer are all scored exactly."""

NEAR, NEAR_SHARE = 20_000, 0.02
"""Rows, and their share of those that pass, that are scored exactly after the signs: `vector_signs` says
what they hold."""

NEAR_EACH = 60
"""So many for each hit at least, where a long list is asked for."""


ByMemory = np.ndarray | OnDemand
"""A memory's best score at its first row: of all rows, or of those that are asked for."""


@dataclass(frozen=True)
class VectorHits:
    """The best memories for one question, and how all that passed the filters scored.

    `ordinals` int64 and `scores` float32 (cosine), best first; `mean` and `std` over the `total`
    memories that pass, each counted once by its best span.
    """

    ordinals: np.ndarray
    scores: np.ndarray
    mean: float
    std: float
    total: int
    _snapshot: Snapshot = field(repr=False)
    _best: ByMemory = field(repr=False)
    _passing: np.ndarray | None = field(repr=False)

    def spans_of(self, ordinals: Sequence[int] | np.ndarray) -> np.ndarray:
        """How many rows each of these memories has; 0 without a vector."""
        return self._snapshot.locate(np.asarray(ordinals, np.int64))[1]

    def among_neighbours(self, ordinals: Sequence[int] | np.ndarray) -> np.ndarray:
        """Scores (float32) of the given rows, each with its neighbours (`vector_windows`); NaN as below."""
        first, there = self._passing_rows(ordinals)
        found = np.full(len(first), np.nan, np.float32)
        found[there] = vector_windows.scores(self._snapshot, self._best, self._passing, first[there])
        return found

    def moments_among_neighbours(self) -> tuple[float, float]:
        """Mean and standard deviation of such scores over all turns that pass, from a sample."""
        return vector_windows.moments(self._snapshot, self._best, self._passing)

    def score_of(self, ordinals: Sequence[int] | np.ndarray) -> np.ndarray:
        """Scores (float32) of the given rows; NaN without a vector, or where filtered out."""
        first, there = self._passing_rows(ordinals)
        scores = np.full(len(first), np.nan, np.float32)
        scores[there] = self._best[first[there]]
        return scores

    def _passing_rows(self, ordinals: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first row of each ordinal, and whether it is there and passes."""
        first, count = self._snapshot.locate(np.asarray(ordinals, np.int64))
        there = count > 0
        if self._passing is not None:
            there[there] = self._passing[first[there]]
        return first, there


class Vectors:
    """The projection of a cube's vectors in `directory`.

    `column` names the vector column of the table that they come from, which names the embedder:
    rows of another column or dimension are never read (revision None).
    """

    def __init__(self, directory: Path, column: str, dimension: int) -> None:
        self.column = column
        self.dimension = dimension
        identity = {"schema": SCHEMA, "column": column, "dimension": dimension, "codes": CODES}
        self._file = FlatFile(directory, identity)
        self.keeper: object = None
        """Whatever has to live as long as this does: the owner of temporary files."""

    @property
    def revision(self) -> int | None:
        """The table version absorbed; None when there is nothing readable of this column."""
        try:
            return self._file.snapshot().revision
        except ProjectionDamaged:
            return None

    @property
    def outdated(self) -> bool:
        """Whether it was written in another schema, by an older or a later version of memos."""
        try:
            self._file.snapshot()
        except ProjectionOutdated:
            return True
        except (ProjectionDamaged, NotPermitted):
            return False
        return False

    @property
    def rows(self) -> int:
        """How many spans are stored. Raises ProjectionDamaged."""
        return self._file.snapshot().rows

    def absorb(self, tail: Tail, revision: int) -> None:
        """Take in the tail's rows; those that are there already are replaced, never doubled.

        Raises ProjectionDamaged where there is nothing to add to (rebuild it then), StorageFull,
        NotPermitted, EmbedderMismatch for vectors of another dimension.
        """
        snapshot = self._file.snapshot()
        ordinals = np.array(tail.ordinals, np.int64)
        known = snapshot.locate(ordinals)[1] > 0
        late = ~known & (ordinals <= snapshot.last)
        late &= np.array([_stored(item, tail) for item in tail.items], bool)
        amendments, replaced = self._differences(snapshot, _part(tail, known))
        fresh = _part(tail, ~known & ~late)
        if late.any() or replaced.any():
            again = late.copy()
            again[np.flatnonzero(known)[replaced]] = True
            old = self._without(self._file.preview(amendments), ordinals[again])
            self._file.write(_chain(old, self._blocks(_part(tail, again)), self._blocks(fresh)), revision)
        else:
            self._file.append(self._blocks(fresh), amendments, revision)

    def rebuild(self, batches: Iterable[Tail], revision: int) -> None:
        """Write everything anew from the table's rows; in any order, each ordinal once."""
        self._file.write((block for tail in batches for block in self._blocks(tail)), revision)

    def search(self, query: np.ndarray, filters: Filters, limit: int = 200) -> VectorHits:
        """The `limit` memories nearest to `query` (float, shape (dimension,)) among those that pass.

        Raises ProjectionDamaged when the files cannot be read, EmbedderMismatch for a query of
        another dimension.
        """
        query = np.asarray(query, np.float32).reshape(-1)
        self._check_dimension(query)
        length = float(np.linalg.norm(query))
        query = query / length if length else query
        return _search(self._file.snapshot(), query, filters, limit)

    def vectors(self, ordinals: Sequence[int]) -> dict[int, np.ndarray]:
        """The stored vectors, float32 of shape (spans, dimension), of those rows that have any."""
        return _stored_vectors(self._file.snapshot(), ordinals)

    def all_ordinals(self) -> dict[int, int]:
        """Every ordinal that is stored, with its number of spans."""
        column = self._file.snapshot().column("ordinal")
        if (np.diff(column) < 0).any():
            raise ProjectionDamaged(store="vectors", reason="its rows are out of order")
        ordinals, spans = np.unique(column, return_counts=True)
        return dict(zip(ordinals.tolist(), spans.tolist(), strict=True))

    def differing(self, tail: Tail) -> set[int]:
        """Ordinals of the tail's rows that stand here otherwise than they would be written now; for `check`.

        Rows that are missing here are not among them.
        """
        snapshot = self._file.snapshot()
        there = _part(tail, snapshot.locate(np.array(tail.ordinals, np.int64))[1] > 0)
        ordinals = np.array(there.ordinals, np.int64)
        facts, replaced = self._differences(snapshot, there)
        first, count = snapshot.locate(ordinals)
        span = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        rows = np.repeat(first, count) + span
        odd = snapshot.take("span", rows) != span
        with np.errstate(invalid="ignore"):  # what is damaged may be no number
            codes, scales = quantised(snapshot.take("float16", rows))
            bits = signs(snapshot.take("float16", rows))
        odd |= (snapshot.take("int8", rows) != codes).any(axis=1) | (snapshot.take("scale", rows) != scales)
        odd |= (snapshot.take("sketch", rows) != bits).any(axis=1)
        found = [facts["ordinal"], ordinals[replaced], np.repeat(ordinals, count)[odd]]
        return set(np.concatenate(found).tolist())

    def _check_dimension(self, vectors: np.ndarray) -> None:
        if vectors.shape[-1] != self.dimension:
            found = f"a model with vectors of {vectors.shape[-1]} numbers"
            raise EmbedderMismatch(stored=f"{self.column} ({self.dimension} numbers)", found=found)

    def _blocks(self, tail: Tail) -> Iterator[Block]:
        """Rows of those items that have a vector, CHUNK items at a time."""
        for i in range(0, len(tail.items), CHUNK):
            block = self._block(tail.items[i : i + CHUNK], tail.ordinals[i : i + CHUNK], tail)
            if len(block):
                yield block

    def _block(self, items: Sequence[MemoryItem], ordinals: Sequence[int], tail: Tail) -> Block:
        pairs = [(item, o) for item, o in zip(items, ordinals, strict=True) if _stored(item, tail)]
        items, ordinals = [item for item, _ in pairs], [o for _, o in pairs]
        spans = [self._matrix(tail.vectors[item.row]) for item in items]
        counts = np.array([len(s) for s in spans], np.int64)
        first = np.cumsum(counts) - counts
        rows = self._facts(items, ordinals)[np.repeat(np.arange(len(items)), counts)]
        if len(rows):
            rows["span"] = np.arange(len(rows)) - np.repeat(first, counts)
            rows["float16"] = _halves(np.concatenate(spans))
            rows["int8"], rows["scale"] = quantised(rows["float16"])
            rows["sketch"] = signs(rows["float16"])
        labels = [labels_of(item) for item in items]
        label_row = np.repeat(first, [len(found) for found in labels])
        return Block(rows, label_row, np.array([label for found in labels for label in found], np.uint64))

    def _matrix(self, vectors: np.ndarray) -> np.ndarray:
        """A memory's vectors as (spans, dimension)."""
        matrix = np.asarray(vectors)
        matrix = matrix[None] if matrix.ndim == 1 else matrix
        self._check_dimension(matrix)
        return matrix

    def _facts(self, items: Sequence[MemoryItem], ordinals: Sequence[int]) -> np.ndarray:
        """One row per item: its ordinal and what filters need, no vector."""
        rows = np.zeros(len(items), row_type(self.dimension))
        rows["ordinal"] = ordinals
        facts = zip(*map(item_facts, items), strict=True)
        for name, values in zip(FILTER_COLUMNS, facts, strict=bool(len(items))):
            rows[name] = values
        return rows

    def _differences(self, snapshot: Snapshot, tail: Tail) -> tuple[np.ndarray, np.ndarray]:
        """Of rows that are there: new filter values, and which have another vector or other labels."""
        facts = self._facts(tail.items, tail.ordinals)
        first, count = snapshot.locate(facts["ordinal"])
        changed = np.zeros(len(facts), bool)
        for name in FILTER_COLUMNS:
            changed |= snapshot.take(name, first) != facts[name]
        replaced = np.zeros(len(facts), bool)
        for i, (item, labels) in enumerate(zip(tail.items, snapshot.labels_of(first), strict=True)):
            if item.status == Status.PURGED:
                continue
            stored = snapshot.take("float16", np.arange(first[i], first[i] + count[i]))
            same = not _stored(item, tail) or np.array_equal(
                _halves(self._matrix(tail.vectors[item.row])), stored
            )
            replaced[i] = not same or (_stored(item, tail) and labels != frozenset(labels_of(item)))
        return facts[changed & ~replaced], replaced

    def _without(self, snapshot: Snapshot, ordinals: np.ndarray) -> Iterator[Block]:
        for start in range(0, snapshot.rows, CHUNK):
            block = snapshot.block(start, min(start + CHUNK, snapshot.rows))
            yield block.where(~np.isin(block.rows["ordinal"], ordinals))


def _chain(*streams: Iterable[Block]) -> Iterator[Block]:
    for stream in streams:
        yield from stream


def _part(tail: Tail, chosen: np.ndarray) -> Tail:
    if chosen.all():
        return tail
    places = np.flatnonzero(chosen).tolist()
    items, ordinals = tuple(tail.items[i] for i in places), tuple(tail.ordinals[i] for i in places)
    return Tail(items, ordinals, tail.vectors, tail.fresh)


def _stored(item: MemoryItem, tail: Tail) -> bool:
    """Whether the item has rows here: it has a vector and is no tombstone."""
    return item.status != Status.PURGED and len(tail.vectors.get(item.row, ())) > 0


def _halves(matrix: np.ndarray) -> np.ndarray:
    """As stored, float16; a number that is none becomes 0, and a row of these finds nothing."""
    with np.errstate(over="ignore"):
        halves = matrix.astype(np.float16)
    return halves if np.isfinite(halves).all() else np.nan_to_num(halves, nan=0.0, posinf=0.0, neginf=0.0)


def _search(snapshot: Snapshot, query: np.ndarray, filters: Filters, limit: int) -> VectorHits:
    rows_passing = passing_rows(snapshot, filters)
    count = snapshot.rows if rows_passing is None else int(np.count_nonzero(rows_passing))
    close = int(max(NEAR, NEAR_SHARE * count, NEAR_EACH * limit))
    if count >= max(SKETCHED, 2 * close):
        return _search_by_signs(snapshot, query, rows_passing, limit, close)
    scores = scores_of_all(snapshot, query, rows_passing)
    best, passing = _by_memory(snapshot, scores, rows_passing)
    rows, mean, std, total = _select(best, passing, limit)
    _score_again(snapshot, query, best, rows[:RESCORED], _best_spans(snapshot, scores, rows[:RESCORED]))
    rows = rows[np.lexsort((rows, -best[rows]))]
    ordinals = snapshot.take("ordinal", rows)
    return VectorHits(ordinals, best[rows], mean, std, total, snapshot, best, passing)


def _search_by_signs(
    snapshot: Snapshot, query: np.ndarray, rows_passing: np.ndarray | None, limit: int, close: int
) -> VectorHits:
    """The same, scored exactly only among the `close` nearest by signs, and in a sample of all."""
    rows = near(snapshot, query, rows_passing, close)
    if snapshot.continued:
        rows = np.unique(rows - snapshot.take("span", rows))
    passing = _first_passing(snapshot, rows_passing)
    best = OnDemand(snapshot, query)
    mean, std, total = moments(best, snapshot, passing)
    scores = best[rows]
    chosen, _ = _highest(scores, np.arange(len(rows)), limit)
    chosen = chosen[np.lexsort((rows[chosen], -scores[chosen]))]
    again = rows[chosen[:RESCORED]]
    _score_again(snapshot, query, best, again, best.spans(again))
    scores[chosen[:RESCORED]] = best[again]
    chosen = chosen[np.lexsort((rows[chosen], -scores[chosen]))]
    ordinals = snapshot.take("ordinal", rows[chosen])
    return VectorHits(ordinals, scores[chosen], mean, std, total, snapshot, best, passing)


def _by_memory(
    snapshot: Snapshot, scores: np.ndarray, passing: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """A memory's best score at its first row, and its first rows only as passing."""
    if not snapshot.continued:
        return scores, passing
    continuing, first = continuing_rows(snapshot)
    best = scores.copy()
    np.maximum.at(best, first, scores[continuing])
    return best, _first_passing(snapshot, passing)


def _first_passing(snapshot: Snapshot, passing: np.ndarray | None) -> np.ndarray | None:
    if not snapshot.continued:
        return passing
    first: np.ndarray = snapshot.column("span") == 0
    return first if passing is None else first & passing


def _select(best: np.ndarray, passing: np.ndarray | None, limit: int) -> tuple[np.ndarray, float, float, int]:
    """The rows of the `limit` highest, best first; mean, standard deviation and number of all.

    One pass in pieces that stay in the cache: only scores above the lowest of the best so far are
    looked at twice.
    """
    total = len(best) if passing is None else int(np.count_nonzero(passing))
    if not total:
        return np.empty(0, np.int64), 0.0, 0.0, 0
    rows, threshold, sums, squares = np.empty(0, np.int64), -np.inf, 0.0, 0.0
    for i in range(0, len(best), SCAN_CHUNK):
        piece = best[i : i + SCAN_CHUNK]
        counted = piece if passing is None else piece * passing[i : i + SCAN_CHUNK]
        sums += float(counted.sum())
        squares += float(counted @ counted)
        above = np.flatnonzero(piece > threshold) + i
        rows = np.concatenate([rows, above if passing is None else above[passing[above]]])
        if len(rows) > 4 * limit:
            rows, threshold = _highest(best, rows, limit)
    rows, _ = _highest(best, rows, limit)
    mean = sums / total
    std = max(0.0, squares / total - mean * mean) ** 0.5
    return rows[np.lexsort((rows, -best[rows]))], mean, std, total


def _highest(best: np.ndarray, rows: np.ndarray, limit: int) -> tuple[np.ndarray, float]:
    if len(rows) <= limit:
        return rows, -np.inf
    scores = best[rows]
    rows = rows[np.argpartition(scores, len(rows) - limit)[len(rows) - limit :]]
    return rows, float(best[rows].min())


def _best_spans(snapshot: Snapshot, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The row of the best span of each memory, by its first row."""
    if not snapshot.continued or not len(rows):
        return rows
    first, count = snapshot.locate(snapshot.take("ordinal", rows))
    return np.array([a + np.argmax(scores[a : a + n]) for a, n in zip(first, count, strict=True)])


def _score_again(
    snapshot: Snapshot, query: np.ndarray, best: ByMemory, rows: np.ndarray, spans: np.ndarray
) -> None:
    """Replace the int8 scores of a few memories by those of their best spans' float16 vectors."""
    if not len(rows):
        return
    found = snapshot.take("float16", spans).astype(np.float32) @ query
    if not np.isfinite(found).all():
        raise ProjectionDamaged(store="vectors", reason="a vector holds what is no number")
    best[rows] = found


def _stored_vectors(snapshot: Snapshot, ordinals: Sequence[int]) -> dict[int, np.ndarray]:
    found = {}
    for ordinal, a, n in zip(ordinals, *snapshot.locate(np.asarray(ordinals, np.int64)), strict=True):
        if n:
            found[int(ordinal)] = snapshot.take("float16", np.arange(a, a + n)).astype(np.float32)
    return found
