"""In a large cube: first the signs of all vectors, then exact scores only of what may be among the best.

Owns: which rows lie near by their signs, exact scores of the memories that somebody asks for, and a
sample of all. Does not own: the kernels (`vector_scan`), what is made of the scores (`stores/vectors`).

The signs of a vector, one bit a number, take an eighth of its int8, and the more of them differ from
the question's, the wider the angle (Charikar 2002). Of MiniLM's vectors of 22,944 real texts, asked
400 questions of six sets, the 2 % that are nearest by signs hold .9982 of the exact first ten, which
are to them what the first 435 are to a million; the 10 % hold .9998 of the first thirty.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from memos_cli.stores.flatrows import Snapshot
from memos_cli.stores.vector_scan import SCAN_CHUNK, scores_of, scores_of_codes, sign_kernel, signs

SAMPLE = 20_000
"""Memories from which mean and spread of all are taken; the mean's standard error is .7 % of the spread."""


def near(snapshot: Snapshot, query: np.ndarray, passing: np.ndarray | None, count: int) -> np.ndarray:
    """The rows that pass and differ from the question in the fewest signs, ascending: `count` of them at
    least, and all that differ in as many as the last of these."""
    asked, differing = signs(query[None]), sign_kernel()
    beyond = 8 * asked.shape[1] + 1
    distances, tally, start = np.empty(snapshot.rows, np.uint16), np.zeros(beyond + 1, np.int64), 0
    for part in snapshot.parts("sketch"):
        for i in range(0, len(part), SCAN_CHUNK):
            some = part[i : i + SCAN_CHUNK]
            piece = distances[start + i : start + i + len(some)]
            piece[:] = differing(asked, some)
            if passing is not None:
                np.putmask(piece, ~passing[start + i : start + i + len(some)], beyond)
            tally += np.bincount(piece, minlength=len(tally))
        start += len(part)
    reach = int(np.searchsorted(np.cumsum(tally[:beyond]), count))
    return np.flatnonzero(distances <= min(reach, beyond - 1))


class OnDemand:
    """A memory's best score at its first row, as an array has it, worked out when it is asked for."""

    def __init__(self, snapshot: Snapshot, query: np.ndarray) -> None:
        self._snapshot = snapshot
        self._query = query
        self._known = np.empty(0, np.int64), np.empty(0, np.float32)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Scores (float32) of first rows."""
        best = self._scored(rows)[0]
        known, scores = self._known
        if len(known):
            place = np.minimum(np.searchsorted(known, rows), len(known) - 1)
            there = known[place] == rows
            best[there] = scores[place[there]]
        return best

    def __setitem__(self, rows: np.ndarray, scores: np.ndarray) -> None:
        """From now on these are the scores of these rows."""
        order = np.argsort(rows)
        self._known = rows[order], scores[order]

    def sampled(self, passing: np.ndarray | None) -> np.ndarray:
        """Scores of those of a fixed sample that pass; of memories in several spans there is none."""
        if self._snapshot.continued:
            return np.empty(0, np.float32)
        rows, codes, scales = self._snapshot.remembered("sample", lambda: _sampled(self._snapshot))
        scores = scores_of_codes(self._query, codes, scales)
        return scores if passing is None else scores[passing[rows]]

    def spans(self, rows: np.ndarray) -> np.ndarray:
        """The row of each memory's best span."""
        return self._scored(rows)[1]

    def _scored(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self._snapshot.continued or not len(rows):
            return scores_of(self._snapshot, self._query, rows), rows
        count = self._snapshot.locate(self._snapshot.take("ordinal", rows))[1]
        starts = np.cumsum(count) - count
        spans = np.repeat(rows - starts, count) + np.arange(count.sum())
        scores = scores_of(self._snapshot, self._query, spans)
        best = np.maximum.reduceat(scores, starts)
        highest = np.flatnonzero(scores == np.repeat(best, count))
        return best, spans[highest[np.searchsorted(highest, starts)]]


def moments(best: OnDemand, snapshot: Snapshot, passing: np.ndarray | None) -> tuple[float, float, int]:
    """Mean and standard deviation of the scores of the memories that pass, from a sample, and how many
    they are. `passing`: first rows; None: all."""
    rows = (snapshot.firsts if snapshot.continued else None) if passing is None else np.flatnonzero(passing)
    total = snapshot.rows if rows is None else len(rows)
    if not total:
        return 0.0, 0.0, 0
    scores = best.sampled(passing)
    if len(scores) < SAMPLE // 2:
        places = np.arange(total) if total <= SAMPLE else _spread(total)
        scores = best[places if rows is None else rows[places]]
    return float(scores.mean(dtype=np.float64)), float(scores.std(dtype=np.float64)), total


def _sampled(snapshot: Snapshot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SAMPLE rows of all, their int8 and their scales, side by side: where they lie, each costs a look
    into memory of its own."""
    rows = _spread(snapshot.rows)
    return rows, snapshot.take("int8", rows), snapshot.take("scale", rows)


@lru_cache(maxsize=4)
def _spread(total: int) -> np.ndarray:
    """SAMPLE places among `total`, one somewhere in each of as many stretches: evenly spaced ones could
    all be turns of one of two who talk in turns."""
    within = np.random.default_rng(0).random(SAMPLE)
    return ((np.arange(SAMPLE) + within) * (total / SAMPLE)).astype(np.int64)
