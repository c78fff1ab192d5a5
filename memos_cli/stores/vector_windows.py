"""A turn's vector among its neighbours': what was said just before and after colours what it means.

Owns: finding the turns before and after a row, the score of the blend, its mean and spread. Does
not own: the rows (`stores/flatrows`), nor what fusion makes of the score (`retrieval/pipeline`).

The blend of a turn is v + WEIGHT · (v before + v after), normalised; its cosine with a question
follows from the three scores that the scan has found already and from the blend's length, so no
second matrix is kept (retrieval.md: neighbour vectors are worth .007 recall@10 on LoCoMo).
"""

from __future__ import annotations

import numpy as np

from memos_cli.stores.flatrows import Snapshot

WEIGHT = 0.5

REACH = 8
"""Rows on either side among which a neighbour is looked for: as many conversations may be written
to at the same time before their turns lose sight of each other."""

SAMPLE = 256
"""Rows from which mean and spread are estimated: their standard error is 6 % of the spread."""


def scores(snapshot: Snapshot, best: np.ndarray, passing: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Cosine of the question with the blend of each row, float32; `best` has the rows' own scores.

    A row without neighbours keeps its own.
    """
    own = best[rows]
    if not len(rows):
        return own
    vectors = _vectors(snapshot, rows)
    blend = vectors.copy()
    total = own.copy()
    for step in (-1, 1):
        there = _neighbours(snapshot, rows, step)
        found = there >= 0
        if passing is not None:
            found[found] = passing[there[found]]
        blend[found] += WEIGHT * _vectors(snapshot, there[found])
        total[found] += WEIGHT * best[there[found]]
    before = np.linalg.norm(vectors, axis=1)
    after = np.linalg.norm(blend, axis=1)
    # A row's own score comes from its best span, its blend from its first: keep the ratio.
    return np.where(after > 0, total * before / np.maximum(after, 1e-6), own).astype(np.float32)


def moments(snapshot: Snapshot, best: np.ndarray, passing: np.ndarray | None) -> tuple[float, float]:
    """Mean and standard deviation of `scores` over the turns that pass; (0, 0) where there are none."""
    rows = np.arange(snapshot.rows) if passing is None else np.flatnonzero(passing)
    rows = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)]
    rows = rows[snapshot.take("position", rows) >= 0]
    if len(rows) < 2:
        return 0.0, 0.0
    found = scores(snapshot, best, passing, rows)
    return float(found.mean()), float(found.std())


def _vectors(snapshot: Snapshot, rows: np.ndarray) -> np.ndarray:
    return snapshot.take("float16", rows).astype(np.float32)


def _neighbours(snapshot: Snapshot, rows: np.ndarray, step: int) -> np.ndarray:
    """The first row of the turn one place on (`step` 1) or back (-1) in the same conversation, or -1."""
    found = np.full(len(rows), -1, np.int64)
    place = snapshot.take("position", rows)
    left = np.flatnonzero(place >= 0)
    at = rows.copy()
    for _ in range(REACH):
        at[left] = _next_first(snapshot, at[left], step)
        left = left[(at[left] >= 0) & (at[left] < snapshot.rows)]
        if not len(left):
            break
        same = snapshot.take("position", at[left]) == place[left] + step
        for name in ("session", "user"):
            same &= snapshot.take(name, at[left]) == snapshot.take(name, rows[left])
        found[left[same]] = at[left[same]]
        left = left[~same]
    return found


def _next_first(snapshot: Snapshot, rows: np.ndarray, step: int) -> np.ndarray:
    """The first row of the memory that stands before or after the one that each row belongs to."""
    if not snapshot.continued:
        return rows + step
    firsts = snapshot.firsts
    return _at(firsts, np.searchsorted(firsts, rows) + step, snapshot.rows)


def _at(firsts: np.ndarray, places: np.ndarray, rows: int) -> np.ndarray:
    inside = (places >= 0) & (places < len(firsts))
    return np.where(inside, firsts[np.clip(places, 0, len(firsts) - 1)], np.where(places < 0, -1, rows))
