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

CHUNK = 1024
"""Rows whose products with all others are held at once."""

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
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def centred(vectors: np.ndarray) -> np.ndarray:
    """Unit rows without what all of them share, which says nothing of any. V of k-means on labelled
    facts: .578 as they are, .606 centred. Fewer than eight rows have no middle worth the name."""
    return unit(vectors - vectors.mean(axis=0)) if len(vectors) >= 8 else unit(vectors)


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
    """The k of `among` nearest to each of `rows`; `own[i]` is the place of row i in `among`, left out."""
    k = min(k, len(among) - (own is not None))
    places = np.zeros((len(rows), max(k, 0)), np.int64)
    weights = np.zeros((len(rows), max(k, 0)), np.float32)
    if k < 1:
        return Neighbours(places, weights)
    for start in range(0, len(rows), CHUNK):
        products = rows[start : start + CHUNK] @ among.T
        lines = np.arange(len(products))
        if own is not None:
            products[lines, own[start : start + CHUNK]] = -2
        best = np.argpartition(products, -k, axis=1)[:, -k:]
        found = products[lines[:, None], best]
        order = np.lexsort((best, -found), axis=1)
        places[start : start + CHUNK] = best[lines[:, None], order]
        weights[start : start + CHUNK] = np.maximum(found[lines[:, None], order], 0)
    return Neighbours(places, weights)
