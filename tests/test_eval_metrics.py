"""The measures of `memos eval`, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memos_cli.evaluation import compare, metrics
from memos_cli.evaluation.metrics import Ranking, measures, ranking


def test_ranks_are_those_of_the_evidence() -> None:
    found = [{"x"}, {"a"}, {"y"}, {"b"}]
    one = ranking(found, {"a": 1.0, "b": 1.0, "c": 1.0})
    assert (one.ranks, one.gold) == ((2, 4), 3)
    # Gains at ranks 2 and 4, of the three that were to be had at 1, 2 and 3.
    gained = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert one.gain == pytest.approx(gained / ideal)


def test_a_hit_that_stands_for_two_pieces_gives_both_its_rank() -> None:
    one = ranking([{"x"}, {"a", "b"}, {"a"}], {"a": 1.0, "b": 1.0})
    assert one.ranks == (2, 2)
    assert one.gain <= 1


def test_grades_weigh_the_gain() -> None:
    one = ranking([{"low"}, {"high"}], {"high": 3.0, "low": 1.0})
    assert one.gain == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


def test_gain_is_cut_at_ten_and_recall_at_each_k() -> None:
    found = [{f"x{place}"} for place in range(1, 12)] + [{"a"}]
    one = ranking(found, {"a": 1.0})
    assert (one.ranks, one.gain) == ((12,), 0.0)
    assert measures(one, (5, 20)) == {
        "recall@5": 0.0,
        "any@5": 0.0,
        "all@5": 0.0,
        "recall@20": 1.0,
        "any@20": 1.0,
        "all@20": 1.0,
        "mrr": 1 / 12,
        "ndcg@10": 0.0,
    }


def test_recall_is_a_fraction_and_any_and_all_are_not() -> None:
    values = measures(Ranking((1, 7), 4, 0.5), (5, 10))
    assert (values["recall@5"], values["any@5"], values["all@5"]) == (0.25, 1.0, 0.0)
    assert (values["recall@10"], values["mrr"]) == (0.5, 1.0)


def test_means_and_their_intervals() -> None:
    hit, missed = Ranking((1,), 1, 1.0), Ranking((), 1, 0.0)
    found = metrics.summary([hit] * 30 + [missed] * 10, (5,))
    assert (found["recall@5"], found["mrr"], found["n"]) == (0.75, 0.75, 40)
    low, high = found["interval"]["recall@5"]  # type: ignore[index]
    # The normal approximation: 0.75 ± 1.96 · √(0.75 · 0.25 / 40).
    assert low == pytest.approx(0.616, abs=0.03)
    assert high == pytest.approx(0.884, abs=0.03)


def test_an_interval_of_equal_values_has_no_width() -> None:
    low, high = metrics.interval(np.full((20, 2), 0.5))
    assert low.tolist() == high.tolist() == [0.5, 0.5]


def test_paired_differences() -> None:
    old = np.zeros((50, 3))
    new = np.column_stack([np.ones(50), np.zeros(50), np.tile([0.4, -0.4], 25)])
    better, same, either = metrics.paired(new, old)
    assert better == {"difference": 1.0, "low": 1.0, "high": 1.0, "p": 0.0}
    assert same == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}
    assert either["difference"] == pytest.approx(0, abs=1e-9)
    assert either["low"] < 0 < either["high"]
    assert either["p"] > 0.5


def test_separation_counts_pairs() -> None:
    # Of the six pairs 0.9 beats three, 0.5 beats 0.1, ties with 0.5 and loses to 0.7.
    assert metrics.separation([0.9, 0.5], [0.1, 0.5, 0.7]) == pytest.approx(4.5 / 6, abs=1e-5)


def test_calibration_compares_scores_with_frequencies() -> None:
    found = metrics.calibration([(0.95, True), (0.95, False), (0.15, False), (1.0, True)])
    assert found["bins"] == [
        {"n": 1, "score": 0.15, "relevant": 0.0},
        {"n": 3, "score": 0.96667, "relevant": 0.66667},
    ]
    assert found["ece"] == pytest.approx((0.15 + 3 * 0.3) / 4, abs=1e-4)
    assert found["brier"] == pytest.approx((0.05**2 + 0.95**2 + 0.15**2) / 4, abs=1e-4)
    assert metrics.calibration([]) == {"ece": None, "brier": None, "bins": []}


def test_percentiles_are_milliseconds() -> None:
    assert metrics.percentiles([0.001 * n for n in range(1, 102)]) == (51.0, 96.0)


def test_comparison_pairs_by_question_and_keeps_the_adversarial_apart() -> None:
    hit, missed = Ranking((1,), 1, 1.0), Ranking((), 1, 0.0)
    new = {"a": ("x", False, hit), "b": ("x", False, hit), "c": ("y", True, missed), "new": ("x", False, hit)}
    old = {"a": ("x", False, missed), "b": ("x", False, hit), "c": ("y", True, hit)}
    found = compare.compared("before", new, old)
    assert found["unpaired"] == 1
    assert found["overall"]["n"] == 2
    assert found["overall"]["recall@10"]["difference"] == 0.5
    assert found["overall"]["recall@10"]["baseline"] == 0.5
    assert found["categories"]["y"]["mrr"]["difference"] == -1.0
