"""What a score means: how likely a hit is to bear on the question, the same in every cube.

Owns: the map from a ranking's sums to 0-1, its constants, and from which score on a best hit is worth
showing without a warning. Does not own: the ranking.

A sum of signals orders the hits of one answer, but three standard deviations are much in a hundred
memories and little in a million, and the best of a cube that knows nothing of the matter stands out
as well. So a score is the product of two likelihoods, each a logistic regression (Platt 1999):

- that the cube holds an answer at all, from what does not depend on how its memories compare with
  each other: how near the nearest lies by meaning, how much of the question's words one memory holds,
  and whether others than the one whom the question names said what fits it best. Fitted on questions
  that have an answer against those that have none, which are questions of another conversation, the
  same with the names of this one's speakers, and those that benchmarks ask about the wrong person;
- that this hit is it if there is one, from its place, how far it is behind the best, and how far the
  best stands out.

Half of the questions are taken to have no answer, so among questions that all have one the scores are
low rather than high. `scripts/tune_recall.py calibrate` fits both, each set counting alike, and prints
how they do on conversations and sets that had no part in it (`memos help search` has the figures).
How far the best stands out says nothing of whether there is an answer (BEAM's questions without one
stand out more than the others), so it counts only in the second and only from SURE on: that costs
calibration on sets of paragraphs, and keeps the two kinds of question apart. Within one answer scores
fall with the rank.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence

import msgspec

from memos_cli.retrieval.pipeline import Ranked

DOUBTFUL = 0.15
"""A best score below which an answer says that perhaps nothing bears on the question: so have 0 to 13 in 100
questions with an answer, and of those from elsewhere 47 to 99 (of requests for advice, PrefEval, 65 of those
with an answer do)."""

SURE = 6.0
"""Standard deviations, words and meaning together, from which on a best hit that stands out more is surer."""

SPOKEN = 5
"""Turns of each side that are compared where a question names a speaker: one alone says less (LoCoMo,
category 5 against the others: AUROC .757 with one, .818 with five)."""

QUESTION = ("others", "nearest", "coverage", "one")
"""What is weighed of a question: how much better others' turns fit than those of the speaker whom it
names; how near the nearest lies by meaning; the largest share of its words, by idf, that one memory holds; 1."""

HIT = ("best", "lead", "place", "one")
"""What is weighed of a hit: by how much the best stands out, at least SURE; how far this one is behind
it; one over its place; 1."""


class Fitted(msgspec.Struct, frozen=True):
    """Weights of what QUESTION and HIT name."""

    question: tuple[float, float, float, float]
    hit: tuple[float, float, float, float]


HYBRID = Fitted((-2.039, 8.44, 1.704, -4.404), (0.425, -0.423, 1.841, -4.606))
WORDS = Fitted((-1.161, 0.0, 2.224, -0.917), (0.151, -0.263, 2.2, -3.828))
"""Without the vector route."""

COSINES = Fitted((0.0, 9.505, 0.0, -4.128), (0.0, -2.115, 2.241, -2.59))
"""For the vector route alone, whose sums are cosines."""


def likelihood(ranked: Ranked) -> Callable[[int], float]:
    """What gives the likelihood of the candidate at a place of `ranked`; few of them are asked for."""
    fitted = _fitted(ranked)
    answered = logistic(_weighed(fitted.question, of_question(ranked)))
    best = _best(ranked)
    return lambda place: answered * logistic(_weighed(fitted.hit, of_hit(ranked, place, best)))


def _fitted(ranked: Ranked) -> Fitted:
    if ranked.trace.get("fusion") == "vector only":
        return COSINES
    return WORDS if ranked.setting is not None and ranked.setting.dense is None else HYBRID


def _weighed(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(w * x for w, x in zip(weights, values, strict=True))


def of_question(ranked: Ranked) -> tuple[float, float, float, float]:
    """The values of QUESTION."""
    return _others(ranked), ranked.nearest, ranked.coverage, 1.0


def of_hit(ranked: Ranked, place: int, best: float) -> tuple[float, float, float, float]:
    """The values of HIT for the candidate at a place. Without scales nobody is behind by anything: where
    nothing stands out, as in a cube of one memory, no sum is any evidence."""
    lead = 0.0 if ranked.trace.get("fusion") == "ranks" else ranked.sums[0] - ranked.sums[place]
    return best, lead, 1 / (1 + place), 1.0


def hits_of(ranked: Ranked, count: int) -> list[tuple[float, float, float, float]]:
    """The values of HIT for the first `count` candidates."""
    best = _best(ranked)
    return [of_hit(ranked, place, best) for place in range(min(count, len(ranked.sums)))]


def _best(ranked: Ranked) -> float:
    if ranked.setting is None or not ranked.sums:
        return SURE
    words = ranked.parts["words"]
    meaning = ranked.parts.get("meaning", [0.0] * len(words))
    return max(SURE, max(map(sum, zip(words, meaning, strict=True)), default=SURE))


def _others(ranked: Ranked) -> float:
    """How far the best turns of others stand above those of the speaker asked for, their bonus apart; 0
    where nobody is named. Somebody asked for what another person said gets no answer from this."""
    given = ranked.parts.get("speaker", [])
    mine = [total - bonus for total, bonus in zip(ranked.sums, given, strict=False) if bonus]
    theirs = [total for total, bonus in zip(ranked.sums, given, strict=False) if not bonus]
    return _top(theirs) - _top(mine) if mine and theirs else 0.0


def _top(sums: Sequence[float]) -> float:
    best = heapq.nlargest(SPOKEN, sums)
    return sum(best) / len(best)


def logistic(x: float) -> float:
    """1 / (1 + e^-x), for any x."""
    return 1 / (1 + math.exp(-max(min(x, 60.0), -60.0)))
