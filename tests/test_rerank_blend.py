"""Blending by hand: what the search and a reranker each have to say at which rank."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from memos_cli.retrieval.rerank import DEPTH, blend, part, reranked, weight
from memos_cli.schema import Hit, MemoryItem, Route

SEEDS = (0, 1, 2, 3, 11, 30, 49, 50, 51, 60, 90, 200)


def drawn(seed: int, count: int) -> list[float]:
    """What a reranker may say: anything, and often exactly nothing or everything."""
    random = Random(seed)
    return [random.choice([0.0, 1.0, random.random()]) for _ in range(count)]


def falling(count: int) -> list[float]:
    """Scores of a search, all different."""
    return [1 - i / (count + 1) for i in range(count)]


def test_worked_out_by_hand() -> None:
    found = blend(falling(11), [0.0, 1.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    assert found[0] == pytest.approx(0.75 * 1.0)
    assert found[1] == pytest.approx(0.75 * 0.98 + 0.25)
    assert found[2] == pytest.approx(0.75 * 0.96 + 0.125)
    assert found[3] == pytest.approx(0.60 * 0.94 + 0.40)
    assert found[4] == pytest.approx(0.60 * 0.92)
    assert found[9] == pytest.approx(0.60 * 0.82 + 0.40)
    assert found[10] == pytest.approx(0.6 * 10 / 11 * 0.80 + 1 - 0.6 * 10 / 11)


def test_weights_at_their_borders() -> None:
    assert [weight(r) for r in (1, 3, 4, 10)] == [0.75, 0.75, 0.6, 0.6]
    assert [weight(r) for r in (12, 15, 16, 50, 5000)] == pytest.approx([0.5, 0.4, 0.4, 0.4, 0.4])
    assert [part(1), part(DEPTH), part(DEPTH + 1)] == pytest.approx([1.0, 0.02, 1 / 51])


def test_a_first_hit_of_no_use_is_passed_by_the_tenth_that_answers() -> None:
    ten = falling(10)
    useless = blend(ten, [0.0] * 9 + [1.0])
    assert max(useless) == useless[9]
    half = blend(ten, [0.9] + [0.0] * 8 + [1.0])
    assert max(half) == half[0]


def test_the_search_is_trusted_more_at_the_top() -> None:
    """What a reranker can take from a hit by saying 0 instead of 1."""
    fifty = falling(50)
    lost = [a - b for a, b in zip(blend(fifty, [1.0] * 50), blend(fifty, [0.0] * 50), strict=True)]
    assert lost[0] == pytest.approx(0.25)
    assert lost[5] == pytest.approx(0.40)
    assert lost[30] == pytest.approx(0.60)
    assert [round(one, 9) for one in lost] == sorted(round(one, 9) for one in lost)


def test_equal_scores_share_a_rank() -> None:
    assert blend([0.9, 0.5, 0.5, 0.5, 0.2], [0.0] * 5) == pytest.approx(
        [0.75, 0.75 * 0.98, 0.75 * 0.98, 0.75 * 0.98, 0.60 * 0.92]
    )


def test_nothing() -> None:
    assert blend([], []) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_and_the_place_of_what_was_not_reranked(seed: int) -> None:
    rerank = drawn(seed, min(seed, DEPTH))
    found = blend(falling(seed), rerank)
    assert all(0 <= s <= 1 for s in found)
    tail = found[len(rerank) :]
    assert tail == sorted(tail, reverse=True)
    assert not tail or min(found[: len(rerank)]) > tail[0]


@pytest.mark.parametrize("liked", [0.0, 0.001, 0.3, 0.5, 0.9, 0.97, 1.0])
@pytest.mark.parametrize("count", [2, 4, 11, 16, 50])
def test_of_two_equally_liked_the_first_stays_first(liked: float, count: int) -> None:
    """Which qmd's steps of weight would break between ranks 10 and 11."""
    found = blend(falling(count), [liked] * count)
    assert all(a >= b - 1e-12 for a, b in pairwise(found))


@pytest.mark.parametrize("seed", SEEDS)
def test_more_from_the_reranker_never_lowers_a_hit(seed: int) -> None:
    rerank = drawn(seed, 50)
    before = blend(falling(len(rerank)), rerank)
    after = blend(falling(len(rerank)), [min(1.0, s + 0.1) for s in rerank])
    assert all(a >= b for a, b in zip(after, before, strict=True))


def hits(*scores: float) -> list[Hit]:
    return [
        Hit(item=MemoryItem(memory=f"m{i}"), score=s, routes={"keyword": Route(rank=i + 1, score=s)})
        for i, s in enumerate(scores)
    ]


def test_hits_carry_what_the_reranker_said() -> None:
    found = reranked(hits(0.9, 0.8, 0.7), [0.1, 0.9])
    assert [hit.item.memory for hit in found] == ["m1", "m0", "m2"]
    assert found[0].routes == {"keyword": Route(rank=2, score=0.8), "rerank": Route(rank=1, score=0.9)}
    assert found[1].routes["rerank"] == Route(rank=2, score=0.1)
    assert "rerank" not in found[2].routes
    assert [hit.score for hit in found] == pytest.approx([0.96, 0.775, 0.72])


def test_hits_of_equal_worth_stay_as_they_were() -> None:
    found = reranked(hits(0.5, 0.5, 0.5), [0.4, 0.4, 0.4])
    assert [hit.item.memory for hit in found] == ["m0", "m1", "m2"]
    assert [hit.routes["rerank"].rank for hit in found] == [1, 2, 3]
