"""What a score means: its two likelihoods, and what an answer says when neither is high."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from memos_cli.operations.search import doubts
from memos_cli.retrieval.asked import Asked
from memos_cli.retrieval.calibration import (
    COSINES,
    DOUBTFUL,
    HYBRID,
    SURE,
    WORDS,
    Fitted,
    hits_of,
    likelihood,
    logistic,
    of_question,
)
from memos_cli.retrieval.pipeline import FEW_UNITS, UNRELATED, Ranked, Setting, nearness
from memos_cli.retrieval.routes import Moments
from memos_cli.retrieval.weights import DEFAULT
from memos_cli.schema import Hit, MemoryItem

SUMS = [4.0, 3.0, 2.5, 2.0, 1.0, 0.5]


def ranked(
    sums: list[float],
    mine: frozenset[int] = frozenset(),
    nearest: float = 0.5,
    dense: bool = True,
    **more: float,
) -> Ranked:
    """Candidates with these sums, best first; those at the places in `mine` are of the speaker asked for."""
    scale = Moments(0.1, 0.1) if dense else None
    setting = Setting(Asked("x", "x"), 1.0, 1.0, scale, 600, 0.5, True, DEFAULT, frozenset())
    bonus = [DEFAULT.speaker if place in mine else 0.0 for place in range(len(sums))]
    words = [more.get("words", total) - b for total, b in zip(sums, bonus, strict=True)]
    parts = {"words": words, "speaker": bonus}
    return Ranked(
        list(range(len(sums))), sums, parts, setting, nearest=nearest, coverage=more.get("coverage", 0.5)
    )


def test_a_score_is_worked_out_by_hand() -> None:
    found = ranked(SUMS, nearest=0.4, coverage=0.3)
    a, b = HYBRID.question, HYBRID.hit
    answered = 1 / (1 + math.exp(-(a[1] * 0.4 + a[2] * 0.3 + a[3])))
    second = 1 / (1 + math.exp(-(b[0] * SURE + b[1] * 1.0 + b[2] / 2 + b[3])))
    assert likelihood(found)(1) == pytest.approx(answered * second)


def test_within_one_answer_scores_fall_with_the_rank() -> None:
    likely = likelihood(ranked(SUMS))
    scores = [likely(place) for place in range(len(SUMS))]
    assert all(a > b for a, b in pairwise(scores))
    assert all(0 < score < 1 for score in scores)


@pytest.mark.parametrize("fitted", [HYBRID, WORDS, COSINES])
def test_weights_have_the_signs_that_they_must_have(fitted: Fitted) -> None:
    others, nearest, coverage, _ = fitted.question
    best, lead, place, _ = fitted.hit
    assert others <= 0 <= min(nearest, coverage)
    assert lead < 0 < place
    assert best >= 0


def test_nearer_and_better_covered_questions_are_likelier_answered() -> None:
    assert likelihood(ranked(SUMS, nearest=0.7))(0) > 2 * likelihood(ranked(SUMS, nearest=0.3))(0)
    assert likelihood(ranked(SUMS, coverage=0.9))(0) > likelihood(ranked(SUMS, coverage=0.2))(0)
    words = [likelihood(ranked(SUMS, dense=False, coverage=c, nearest=0.0))(0) for c in (0.1, 0.9)]
    assert words[1] > 2 * words[0]


def test_a_best_hit_that_stands_out_far_is_surer_and_one_that_does_not_is_not_less_sure() -> None:
    usual, low, far = (likelihood(ranked(SUMS, words=words))(0) for words in (SURE, 2.0, 10.0))
    assert usual == low < far


def test_what_another_person_said_is_no_answer_about_the_one_who_is_asked_for() -> None:
    hers, his = frozenset({0, 1, 2}), frozenset({3, 4, 5})
    right, wrong = ranked(SUMS, hers), ranked(SUMS, his)
    assert of_question(right)[0] == pytest.approx(3.5 / 3 - (9.5 / 3 - DEFAULT.speaker))
    assert of_question(right)[0] < 0 < of_question(wrong)[0]
    assert likelihood(right)(0) > 2 * likelihood(wrong)(0)
    # Nobody is named, or nobody else speaks: there is nothing to compare.
    assert of_question(ranked(SUMS))[0] == of_question(ranked(SUMS, hers | his))[0] == 0.0


def test_the_vector_route_alone_goes_by_its_cosines() -> None:
    near, far = (
        Ranked([0, 1], [top, 0.2], nearest=top, trace={"fusion": "vector only"}) for top in (0.7, 0.25)
    )
    assert likelihood(near)(0) > 2 * likelihood(far)(0)
    assert likelihood(near)(0) > likelihood(near)(1)
    assert hits_of(near, 9) == [(SURE, 0.0, 1.0, 1.0), (SURE, pytest.approx(0.5), 0.5, 1.0)]


def test_where_nothing_stands_out_a_score_still_asks_whether_the_cube_knows() -> None:
    near, far = (
        Ranked([0], [1 / 61], nearest=nearest, coverage=0.5, trace={"fusion": "ranks"})
        for nearest in (0.7, 0.0)
    )
    assert likelihood(near)(0) > 0.3
    assert likelihood(far)(0) < DOUBTFUL


def test_an_empty_ranking_has_the_values_of_a_question() -> None:
    assert of_question(Ranked([], [])) == (0.0, 0.0, 0.0, 1.0)
    assert hits_of(Ranked([], []), 10) == []


def test_nearness_is_on_the_way_from_what_all_share_to_the_same() -> None:
    many = 10**6
    assert nearness(0.6, 0.2, many) == pytest.approx(0.5, abs=1e-3)
    assert nearness(0.8, 0.6, many) == pytest.approx(0.5, abs=1e-3)  # an embedder whose cosines are high
    assert nearness(1.0, 0.6, many) == pytest.approx(1.0)
    assert nearness(1.0, 1.0, many) == pytest.approx(0.0, abs=0.05)  # all are the same
    # One memory is its own mean, which says nothing of what is unrelated.
    assert nearness(0.7, 0.7, 1) == pytest.approx(0.66, abs=0.02)
    assert nearness(0.7, 0.7, FEW_UNITS) == pytest.approx((0.7 - 0.4) / 0.6)
    assert UNRELATED < 0.2


def test_logistic_takes_any_number() -> None:
    assert logistic(0.0) == 0.5
    assert logistic(1e9) == pytest.approx(1.0)
    assert logistic(-1e9) == pytest.approx(0.0, abs=1e-20)


def test_an_answer_says_when_no_hit_is_likely() -> None:
    def hit(score: float) -> Hit:
        return Hit(item=MemoryItem(id="0" * 36, memory="x"), score=score, cube="c")

    assert doubts([]) == []
    assert doubts([hit(DOUBTFUL)]) == doubts([hit(0.1), hit(0.4)]) == []
    assert doubts([hit(DOUBTFUL - 0.002)])[0].endswith("no score reaches 0.15, the best is 0.14")
    (note,) = doubts([hit(0.04), hit(0.07)])
    assert note == "perhaps nothing here bears on the question: no score reaches 0.15, the best is 0.07"
