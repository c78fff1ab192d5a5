"""What a ranking is worth: recall, reciprocal rank, gain, and how sure the means are.

Owns: the measures and the bootstrap. Does not own: where rankings come from (`run`).

recall@k is the fraction of a question's evidence among the first k hits, any@k and all@k whether
some or all of it is there; MRR is the mean of 1 / rank of the first piece of evidence; nDCG@k is
that of Järvelin and Kekäläinen (2002) with linear gains, as in trec_eval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

RESAMPLES = 1000
"""Bootstrap samples; the ends of a 95 % interval are then good to about a tenth of its width."""

GAIN_AT = 10
BINS = 10


@dataclass(frozen=True)
class Ranking:
    """Where a question's evidence stood: the rank of each piece that was found (from 1, ascending),
    how many pieces there are, and nDCG@10."""

    ranks: tuple[int, ...]
    gold: int
    gain: float
    places: Mapping[str, int | None] = field(default_factory=dict, compare=False)
    """Of each piece its rank, None where it was not found; empty where only figures were kept."""


@dataclass(frozen=True)
class Answer:
    """One question's outcome."""

    id: str
    category: str
    text: str
    unit: Ranking
    session: Ranking
    apart: bool = False
    answerable: bool = True
    seconds: float = 0.0
    cpu: float = 0.0
    top: float = 0.0
    """The score of the first hit; 0 where there was none."""
    tokens: tuple[int, ...] = ()
    """Tokens of the first 1, 2, 3 … hits together."""
    within: Mapping[int, float] = field(default_factory=dict)
    """Recall among the hits that a search with that token budget returns."""
    scored: tuple[tuple[float, bool], ...] = ()
    """The first ten hits' scores, and whether each is evidence."""
    first: tuple[tuple[tuple[str, ...], str], ...] = ()
    """The first few hits: the benchmark's ids that each stands for, and its text."""

    def at(self, level: str) -> Ranking:
        return self.session if level == "session" else self.unit


def ranking(found: Sequence[set[str]], gold: Mapping[str, float]) -> Ranking:
    """`found` holds, hit by hit, the ids that the hit stands for; `gold` the evidence's grades."""
    ranks: dict[str, int] = {}
    for place, ids in enumerate(found, start=1):
        for id in ids & gold.keys():
            ranks.setdefault(id, place)
    gained = sum(gold[id] / math.log2(1 + r) for id, r in ranks.items() if r <= GAIN_AT)
    best = sorted(gold.values(), reverse=True)[:GAIN_AT]
    ideal = sum(grade / math.log2(1 + place) for place, grade in enumerate(best, start=1))
    # One memory may stand for several pieces of evidence, all of which it puts at its own rank.
    gain = min(1.0, gained / ideal) if ideal else 0.0
    return Ranking(tuple(sorted(ranks.values())), len(gold), gain, {id: ranks.get(id) for id in gold})


def measures(one: Ranking, ks: Sequence[int]) -> dict[str, float]:
    """Every measure of one question, by name."""
    values: dict[str, float] = {}
    for k in ks:
        hits = sum(rank <= k for rank in one.ranks)
        values[f"recall@{k}"] = hits / one.gold
        values[f"any@{k}"] = float(hits > 0)
        values[f"all@{k}"] = float(hits == one.gold)
    values["mrr"] = 1 / one.ranks[0] if one.ranks else 0.0
    values[f"ndcg@{GAIN_AT}"] = one.gain
    return values


def table(rankings: Sequence[Ranking], ks: Sequence[int]) -> tuple[list[str], np.ndarray]:
    """The measures' names, and their values (questions, measures)."""
    rows = [measures(one, ks) for one in rankings]
    names = list(rows[0])
    return names, np.array([[row[name] for name in names] for row in rows])


def summary(rankings: Sequence[Ranking], ks: Sequence[int]) -> dict[str, object]:
    """Means with their 95 % bootstrap intervals, and the number of questions."""
    names, values = table(rankings, ks)
    low, high = interval(values)
    means: dict[str, object] = {name: _round(v) for name, v in zip(names, values.mean(0), strict=True)}
    means["n"] = len(rankings)
    means["interval"] = {name: [_round(a), _round(b)] for name, a, b in zip(names, low, high, strict=True)}
    return means


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % percentile bootstrap intervals of the columns' means; (n, m) → (m,), (m,).

    Questions are drawn, whole rows with replacement (Efron and Tibshirani 1993); the seed is fixed.
    """
    n = len(values)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    low, high = np.percentile(draws @ values / n, [2.5, 97.5], axis=0)
    return low, high


def paired(new: np.ndarray, old: np.ndarray) -> list[dict[str, float]]:
    """For each column of two (n, m) tables of the same questions: the mean difference, its 95 %
    interval, and `p`, twice the share of resamples on the smaller side of 0 (at most 1)."""
    difference = new - old
    n = len(difference)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    means = draws @ difference / n
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    tail = np.minimum((means <= 1e-12).mean(0), (means >= -1e-12).mean(0))
    columns = zip(difference.mean(0), low, high, np.minimum(1.0, 2 * tail), strict=True)
    return [
        {"difference": _round(d), "low": _round(a), "high": _round(b), "p": _round(p)}
        for d, a, b, p in columns
    ]


def separation(yes: Sequence[float], no: Sequence[float]) -> float:
    """How often a score of `yes` exceeds one of `no`, ties counting half (the area under the ROC
    curve; Hanley and McNeil 1982)."""
    first, second = np.asarray(yes)[:, None], np.asarray(no)[None, :]
    return _round(((first > second) + 0.5 * (first == second)).mean())


def calibration(scored: Sequence[tuple[float, bool]]) -> dict[str, object]:
    """How far scores are from frequencies: the expected calibration error over ten equal bins
    (Naeini, Cooper and Hauskrecht 2015), the Brier score, and each bin's mean score and frequency."""
    if not scored:
        return {"ece": None, "brier": None, "bins": []}
    scores = np.array([score for score, _ in scored])
    true = np.array([hit for _, hit in scored], float)
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    rows = [
        {
            "n": int((bins == b).sum()),
            "score": _round(scores[bins == b].mean()),
            "relevant": _round(true[bins == b].mean()),
        }
        for b in sorted(set(bins.tolist()))
    ]
    error = sum(row["n"] * abs(row["score"] - row["relevant"]) for row in rows) / len(scores)
    return {"ece": _round(error), "brier": _round(((scores - true) ** 2).mean()), "bins": rows}


def _round(value: float) -> float:
    return round(float(value), 5)


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile, in milliseconds."""
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return round(float(p50), 3), round(float(p95), 3)
