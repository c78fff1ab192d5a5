"""Vectors made comparable, and the nearest of each: the graph that clusters are found in.

Owns: centring, vectors made of words where there is no embedder, turns read among their
neighbours, exact k nearest neighbours. Does not own: groups (`communities`, `growth`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from zlib import crc32

import numpy as np

from memos_cli.stores.analysis import content_terms

TILE = 2_048
"""Rows whose products with as many others, or with WIDE, are held at once."""
WIDE = 8_192
NOTHING = -2
"""Less than any cosine: the weight of a neighbour that has not been found."""

WORD_DIMENSION = 256
AROUND = 0.5
"""Weight of the turn before and after in a turn's vector. On LoCoMo's development conversations a
turn alone is put with its session at V .30, among its neighbours at .42 (k-means, same k)."""


@dataclass(frozen=True)
class Neighbours:
    """Of each row its nearest others: `places` int64 and `weights` float32 (cosine, at least 0),
    both (rows, k), nearest first; a weight of 0 is no neighbour."""

    places: np.ndarray
    weights: np.ndarray


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32; what has no length stays zero."""
    return scaled(np.array(vectors, np.float32))


def centred(vectors: np.ndarray) -> np.ndarray:
    """Unit rows without what all of them share, which says nothing of any. V of k-means on labelled
    facts: .578 as they are, .606 centred. Fewer than eight rows have no middle worth the name."""
    if len(vectors) < 8:
        return unit(vectors)
    return scaled(np.asarray(vectors - vectors.mean(axis=0), np.float32))


def scaled(own: np.ndarray) -> np.ndarray:
    """Rows (float32) brought to length 1 in place: a hundred thousand rows are 150 MB, and each further copy of them took as long as this."""
    lengths = np.sqrt(np.einsum("ij,ij->i", own, own))
    own /= np.maximum(lengths, np.float32(1e-9))[:, None]
    return own


def among_turns(vectors: np.ndarray, runs: Sequence[Sequence[int]]) -> np.ndarray:
    """A copy in which the rows of each run (a session's turns, in order) lean on the ones beside them."""
    blended = vectors.astype(np.float32, copy=True)
    for run in runs:
        if len(run) > 1:
            rows = np.asarray(run)
            blended[rows[1:]] += AROUND * vectors[rows[:-1]]
            blended[rows[:-1]] += AROUND * vectors[rows[1:]]
    return unit(blended)


def word_vectors(texts: Sequence[str]) -> np.ndarray:
    """Vectors (texts, WORD_DIMENSION) of tf-idf weights, each word a fixed random direction.

    For cubes without an embedder: V .48 where an embedder reaches .68. Beside an embedder words
    only blur (.65), so they are not mixed.
    """
    counted = [Counter(content_terms(text)) for text in texts]
    spread = Counter(term for terms in counted for term in terms)
    made = np.zeros((len(texts), WORD_DIMENSION), np.float32)
    directions: dict[str, np.ndarray] = {}
    for row, terms in zip(made, counted, strict=True):
        for term, count in terms.items():
            if spread[term] < 2:
                continue  # nobody else says it
            if term not in directions:
                random = np.random.default_rng(crc32(term.encode()))
                directions[term] = random.choice(np.array([-1, 1], np.float32), WORD_DIMENSION)
            row += count**0.5 * log(1 + len(texts) / spread[term]) * directions[term]
    return unit(made)


def nearest(rows: np.ndarray, among: np.ndarray, k: int, own: np.ndarray | None = None) -> Neighbours:
    """The k of `among` nearest to each of `rows`; `own[i]` is the place of row i in `among`, left out.

    Exact. Of two tables that are one and the same each product is made once, and what is held at a
    time is a tile of TILE rows either way, however many there are.
    """
    k = min(k, len(among) - (own is not None))
    best = _Best(len(rows), max(k, 0))
    if k < 1:
        return best.neighbours()
    if rows is among and own is not None and len(rows) > TILE and bool((own == np.arange(len(own))).all()):
        _among_themselves(rows, best)
    else:
        for start in range(0, len(rows), TILE):
            for other in range(0, len(among), WIDE):
                products = rows[start : start + TILE] @ among[other : other + WIDE].T
                if own is not None:
                    _blank(products, own[start : start + TILE] - other)
                best.offer(products, start, other)
    return best.neighbours()


def left_over(found: Neighbours, kept: np.ndarray, rows: np.ndarray, own: np.ndarray) -> Neighbours:
    """The neighbours that are left where only the `kept` (bool) places stay, which are `rows` then; `own`
    are the places that `found` was asked for. Who lost a neighbour gets others."""
    places, weights = found.places[kept[own]], found.weights[kept[own]]
    new = np.cumsum(kept) - 1
    own = new[own[kept[own]]]
    lost = np.flatnonzero(~kept[places].all(axis=1))
    places = new[places]
    if len(lost):
        again = nearest(rows[own[lost]], rows, places.shape[1], own=own[lost])
        if again.places.shape != places[lost].shape:  # fewer are left than were asked for
            return nearest(rows[own], rows, places.shape[1], own=own)
        places[lost], weights[lost] = again.places, again.weights
    return Neighbours(places, weights)


def weighed(rows: np.ndarray, chosen: np.ndarray, places: np.ndarray) -> Neighbours:
    """How near each of the `chosen` rows is to the rows at its `places` (chosen, k)."""
    weights = np.zeros(places.shape, np.float32)
    for start in range(0, len(chosen), TILE):
        part = slice(start, start + TILE)
        weights[part] = np.einsum("ij,ikj->ik", rows[chosen[part]], rows[places[part]])
    return Neighbours(places, weights)


def _among_themselves(rows: np.ndarray, best: _Best) -> None:
    """Tiles on the diagonal first, so that every row knows how near is near enough; then those above it,
    each of which serves its rows and its columns."""
    starts = range(0, len(rows), TILE)
    for start in starts:
        products = rows[start : start + TILE] @ rows[start : start + TILE].T
        np.fill_diagonal(products, NOTHING)
        best.offer(products, start, start)
    for start in starts:
        for other in range(start + TILE, len(rows), TILE):
            products = rows[start : start + TILE] @ rows[other : other + TILE].T
            best.offer(products, start, other)
            best.offer(products, other, start, across=True)


def _blank(products: np.ndarray, own: np.ndarray) -> None:
    there = np.flatnonzero((own >= 0) & (own < products.shape[1]))
    products[there, own[there]] = NOTHING


class _Best:
    """The k best places of each row among those offered so far, nearest first, ties by place."""

    def __init__(self, count: int, k: int) -> None:
        self._places = np.zeros((count, k), np.int64)
        self._weights = np.full((count, k), NOTHING, np.float32)

    def offer(self, products: np.ndarray, start: int, other: int, *, across: bool = False) -> None:
        """Products of the rows from `start` on with the places from `other` on; with `across` the rows
        are the columns. Only the few that are nearer than what a row has are sorted."""
        rows, places, weights = _hits(products, self._weights[start:, -1], self._weights.shape[1], across)
        if len(rows):
            self._take(rows + start, places + other, weights)

    def _take(self, rows: np.ndarray, places: np.ndarray, weights: np.ndarray) -> None:
        k = self._places.shape[1]
        touched = np.unique(rows)
        rows = np.concatenate([np.repeat(touched, k), rows])
        places = np.concatenate([self._places[touched].ravel(), places])
        weights = np.concatenate([self._weights[touched].ravel(), weights])
        order = np.lexsort((places, -weights, rows))
        first = np.searchsorted(rows[order], touched)
        kept = order[first[:, None] + np.arange(k)]
        self._places[touched], self._weights[touched] = places[kept], weights[kept]

    def neighbours(self) -> Neighbours:
        return Neighbours(self._places, np.maximum(self._weights, 0))


def _hits(
    products: np.ndarray, low: np.ndarray, k: int, across: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, place, product) of the products that are above what their row has, which is `low`."""
    height, width = products.shape
    low = low[: width if across else height]
    if not across and width > k and bool((low == NOTHING).all()):
        column = np.argpartition(products, -k, axis=1)[:, -k:].ravel()
        line = np.repeat(np.arange(height), k)
        return line, column, products[line, column]
    found = np.flatnonzero(products > (low[None, :] if across else low[:, None]))
    line, column = np.divmod(found, width)
    weights = products.ravel()[found]
    return (column, line, weights) if across else (line, column, weights)
