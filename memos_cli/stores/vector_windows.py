"""A turn's vector among its neighbours': what was said just before and after colours what it means.

Owns: finding the turns before and after a row, the score of the blend, its mean and spread. Does
not own: the rows (`stores/flatrows`), nor what fusion makes of the score (`retrieval/pipeline`).

The blend of a turn is v + WEIGHT · (v before + v after), normalised; its cosine with a question
follows from the three scores that the scan has found already and from the blend's length, so no
second matrix is kept (retrieval.md: neighbour vectors are worth .007 recall@10 on LoCoMo).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memos_cli.stores.flatrows import Snapshot
from memos_cli.stores.vector_signs import OnDemand

WEIGHT = 0.5

REACH = 8
"""Rows on either side among which a neighbour is looked for: as many conversations may be written
to at the same time before their turns lose sight of each other."""

SAMPLE = 256
"""Turns from which mean and spread are estimated: their standard error is 6 % of the spread."""


def scores(
    snapshot: Snapshot, best: np.ndarray | OnDemand, passing: np.ndarray | None, rows: np.ndarray
) -> np.ndarray:
    """Cosine of the question with the blend of each row, float32; `best` has the rows' own scores.

    A row without neighbours keeps its own.
    """
    around = _Around.of(snapshot, rows, passing)
    total = best[rows] + WEIGHT * (around.sum_of(best, -1) + around.sum_of(best, 1))
    scored: np.ndarray = total / around.length
    return scored


def moments(
    snapshot: Snapshot, best: np.ndarray | OnDemand, passing: np.ndarray | None
) -> tuple[float, float]:
    """Mean and standard deviation of `scores` over the turns that pass; (0, 0) where there are none."""
    turns = snapshot.remembered("turns", lambda: _turns(snapshot))
    around = snapshot.remembered("sampled turns", lambda: _Around.of(snapshot, _sample(turns), None))
    if passing is not None and not around.passes(passing):
        around = _Around.of(snapshot, _sample(turns[passing[turns]]), passing)
    if len(around.rows) < 2:
        return 0.0, 0.0
    total = best[around.rows] + WEIGHT * (around.sum_of(best, -1) + around.sum_of(best, 1))
    found = total / around.length
    return float(found.mean()), float(found.std())


def _turns(snapshot: Snapshot) -> np.ndarray:
    """The first rows of all turns."""
    turns = snapshot.column("position") >= 0
    return np.flatnonzero(turns & (snapshot.column("span") == 0) if snapshot.continued else turns)


def _sample(turns: np.ndarray) -> np.ndarray:
    return turns[np.linspace(0, len(turns) - 1, min(SAMPLE, len(turns))).astype(np.int64)]


@dataclass(frozen=True)
class _Around:
    """Rows with the rows of the turns before and after them, and the lengths of their blends."""

    rows: np.ndarray
    before: np.ndarray
    after: np.ndarray
    """-1 where there is none."""
    length: np.ndarray
    """Of the blend, in lengths of the row's own vector."""

    @classmethod
    def of(cls, snapshot: Snapshot, rows: np.ndarray, passing: np.ndarray | None) -> _Around:
        before, after = (_neighbours(snapshot, rows, step) for step in (-1, 1))
        if passing is not None:
            before, after = (np.where((n >= 0) & passing[n], n, -1) for n in (before, after))
        own = _vectors(snapshot, rows)
        blend = own.copy()
        for neighbours in (before, after):
            found = np.flatnonzero(neighbours >= 0)
            blend[found] += WEIGHT * _vectors(snapshot, neighbours[found])
        lengths = [np.sqrt(np.einsum("ij,ij->i", v, v)) for v in (own, blend)]
        # A row's own score comes from its best span, its blend from its first: keep the ratio.
        return cls(rows, before, after, np.maximum(lengths[1], 1e-6) / np.maximum(lengths[0], 1e-6))

    def passes(self, passing: np.ndarray) -> bool:
        """Whether all rows and all neighbours do."""
        return all(passing[n[n >= 0]].all() for n in (self.rows, self.before, self.after))

    def sum_of(self, best: np.ndarray | OnDemand, step: int) -> np.ndarray:
        """The scores of the neighbours on one side, 0 where there is none."""
        neighbours = self.before if step < 0 else self.after
        return np.where(neighbours >= 0, best[np.maximum(neighbours, 0)], 0.0)


def _vectors(snapshot: Snapshot, rows: np.ndarray) -> np.ndarray:
    """Vectors of rows from int8, in lengths that can be compared: close enough for a blend's length."""
    vectors = snapshot.take("int8", rows).astype(np.float32)
    vectors *= snapshot.take("scale", rows)[:, None]
    return vectors


def _neighbours(snapshot: Snapshot, rows: np.ndarray, step: int) -> np.ndarray:
    """The first row of the turn one place on (`step` 1) or back (-1) in the same conversation, or -1."""
    found = np.full(len(rows), -1, np.int64)
    place = snapshot.take("position", rows)
    mine = [snapshot.take(name, rows) for name in ("session", "user")]
    wanted = place + step
    left = np.flatnonzero((place >= 0) & (wanted >= 0))
    at = rows.copy()
    for _ in range(REACH):
        at[left] = _next_first(snapshot, at[left], step)
        left = left[(at[left] >= 0) & (at[left] < snapshot.rows)]
        if not len(left):
            break
        there = at[left]
        same = snapshot.take("position", there) == wanted[left]
        for name, own in zip(("session", "user"), mine, strict=True):
            same &= snapshot.take(name, there) == own[left]
        found[left[same]] = there[same]
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
