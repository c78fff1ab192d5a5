"""Scores of rows: of all that pass a filter, or of those somebody asks for; and how far signs differ.

Owns: rows as int8 and as signs, and the kernels over both. Does not own: filters (`vector_filters`),
which rows are worth an exact score (`vector_signs`), what becomes of the scores (`stores/vectors`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from memos_cli.stores.flatrows import CHUNK, Snapshot

SCAN_CHUNK = 32_768
"""Rows per call of a kernel, whose float64 answers then stay in the cache."""

SPARSE = 16
"""Where fewer than one row in SPARSE is asked for, only those rows are read."""

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes one row and many; gives a number for each of the many."""


def quantised(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows as int8 and the factor that gives each back its length; zeros stay zeros."""
    matrix = matrix.astype(np.float32)
    scale = np.abs(matrix).max(axis=1) / 127
    divisor = np.where(scale > 0, scale, 1)[:, None]
    return np.rint(matrix / divisor).astype(np.int8), scale.astype(np.float32)


def signs(matrix: np.ndarray) -> np.ndarray:
    """Rows as bits, uint8 of shape (rows, dimension / 8 rounded up): 1 where a number is above 0."""
    return np.packbits(matrix > 0, axis=1)


def scores_of_all(snapshot: Snapshot, query: np.ndarray, passing: np.ndarray | None) -> np.ndarray:
    """Cosine of each row that passes, from int8; 0 elsewhere. Shape (rows,), float32."""
    scores = np.zeros(snapshot.rows, np.float32)
    code, factor = quantised(query[None])
    start = 0
    for matrix, scale in zip(snapshot.parts("int8"), snapshot.parts("scale"), strict=True):
        part = slice(start, start + len(matrix))
        chosen = None if passing is None else passing[part]
        if chosen is None or np.count_nonzero(chosen) * SPARSE >= len(chosen):
            _scan(code, matrix, scale, scores[part])
        else:
            rows = np.flatnonzero(chosen)
            found = np.empty(len(rows), np.float32)
            for i in range(0, len(rows), CHUNK):
                some = rows[i : i + CHUNK]
                _scan(code, matrix[some], scale[some], found[i : i + CHUNK])
            scores[part][rows] = found
        start += len(matrix)
    scores *= factor[0]
    return scores


def scores_of(snapshot: Snapshot, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The same numbers for the given rows, in their order. Shape (len(rows),), float32."""
    scores = np.empty(len(rows), np.float32)
    for i in range(0, len(rows), CHUNK):
        some = rows[i : i + CHUNK]
        codes, scales = snapshot.take("int8", some), snapshot.take("scale", some)
        scores[i : i + CHUNK] = scores_of_codes(query, codes, scales)
    return scores


def scores_of_codes(query: np.ndarray, codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The same numbers for rows that are at hand, int8 and their scales."""
    scores = np.empty(len(codes), np.float32)
    code, factor = quantised(query[None])
    _scan(code, codes, scales, scores)
    scores *= factor[0]
    return scores


def _scan(code: np.ndarray, matrix: np.ndarray, scale: np.ndarray, scores: np.ndarray) -> None:
    products = _kernel()
    for i in range(0, len(matrix), SCAN_CHUNK):
        part = slice(i, i + SCAN_CHUNK)
        np.multiply(products(code, matrix[part]), scale[part], out=scores[part], casting="same_kind")


@cache
def _kernel() -> Kernel:
    """Inner products of one int8 row with many, shape (rows,): SimSIMD's kernel, else numpy."""
    try:
        from simsimd import cdist
    except ImportError:
        return _plain_products
    return lambda code, matrix: np.asarray(cdist(code, matrix, "dot"))[0]


def _plain_products(code: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    products = np.empty(len(matrix), np.float32)
    for i in range(0, len(matrix), CHUNK):
        products[i : i + CHUNK] = matrix[i : i + CHUNK].astype(np.float32) @ code[0].astype(np.float32)
    return products


@cache
def sign_kernel() -> Kernel:
    """In how many bits one row differs from each of many, shape (rows,): SimSIMD's kernel, else numpy."""
    try:
        from simsimd import cdist
    except ImportError:
        return _plain_differences
    return lambda asked, rows: np.asarray(cdist(asked, rows, metric="hamming", dtype="bin8"))[0]


def _plain_differences(asked: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.bitwise_count(rows ^ asked).sum(axis=1, dtype=np.uint16)
