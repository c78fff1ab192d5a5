"""What a score means: how likely a hit is to bear on the question, the same in every cube.

Owns: the map from a ranking's sums to 0-1 and its constants. Does not own: the ranking.

A sum of signals orders the hits of one answer, but three standard deviations are much in a hundred
memories and little in a million, and the best of a cube that knows nothing of the matter stands out
as well. So the sum is read together with its place, how far the best is ahead, and what is the same for all
hits of a question: how near the nearest memory lies by meaning, how much of the question's words
one memory holds. A logistic regression over these (Platt 1999) was fitted on the first ten hits of
questions whose evidence is known, each set counting alike, by `scripts/tune_recall.py calibrate`,
which also prints how well it does on sets that had no part in it: an expected calibration error of
.02 to .16 in hybrid mode. Within one answer scores fall with the rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from memos_cli.retrieval.pipeline import Ranked

NAMES = ("sum", "lead", "place", "nearest", "coverage", "others", "one")
"""What is weighed: the hit's sum of signals; how far it is behind the best; one over its place; the
highest cosine; the coverage; how much better others' turns fit than those of the speaker whom the
question names; 1."""

HYBRID = (0.196, -0.335, 1.495, 3.939, -0.101, -0.111, -5.069)
WORDS = (0.085, -0.13, 1.73, 0.0, 0.313, -0.002, -2.833)
"""Their weights with the vector route and without it."""

VECTOR = (4.708, -4.475)
"""For the vector route alone: weights of a hit's cosine and of 1."""


def likelihood(ranked: Ranked) -> Callable[[int], float]:
    """What gives the likelihood of the candidate at a place of `ranked`; few of them are asked for."""
    if ranked.setting is None:
        return lambda place: _of_places(ranked, place)
    weights = HYBRID if ranked.setting.dense else WORDS
    rest = _of_all(ranked)
    return lambda place: logistic(
        sum(w * x for w, x in zip(weights, (*_of_one(ranked, place), *rest), strict=True))
    )


def features(ranked: Ranked) -> list[Sequence[float]]:
    """What NAMES says, of each candidate."""
    rest = _of_all(ranked)
    return [(*_of_one(ranked, place), *rest) for place in range(len(ranked.sums))]


def _of_one(ranked: Ranked, place: int) -> tuple[float, float, float]:
    total = ranked.sums[place]
    return total, ranked.sums[0] - total, 1 / (1 + place)


def _of_all(ranked: Ranked) -> tuple[float, float, float, float]:
    assert ranked.setting is not None
    return ranked.nearest, ranked.setting.coverage, _others(ranked), 1.0


def _others(ranked: Ranked) -> float:
    """How far the best of others stands above the best of the speaker asked for, their bonus apart; 0
    where nobody is named. Somebody asked for what another person said gets no answer from this."""
    given = ranked.parts.get("speaker", [])
    mine = [total - bonus for total, bonus in zip(ranked.sums, given, strict=False) if bonus]
    theirs = [total for total, bonus in zip(ranked.sums, given, strict=False) if not bonus]
    return max(theirs) - max(mine) if mine and theirs else 0.0


def _of_places(ranked: Ranked, place: int) -> float:
    """Without scales: cosines where the vector route stood alone, else the highest one and the place.

    Where nothing stands out from the others, as in a cube of one memory, no sum is any evidence: only
    how near the nearest lies says whether the cube knows anything of the matter.
    """
    if ranked.trace.get("fusion") == "vector only":
        return logistic(VECTOR[0] * ranked.sums[place] + VECTOR[1])
    _, _, of_place, of_nearest, _, _, constant = HYBRID
    return logistic(of_place / (1 + place) + of_nearest * ranked.nearest + constant)


def logistic(x: float) -> float:
    """1 / (1 + e^-x), for any x."""
    return 1 / (1 + math.exp(-max(min(x, 60.0), -60.0)))
