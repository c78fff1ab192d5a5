"""Large cubes: signs first, exact scores of the nearest. Against the scan of everything, in a small file.

Does not cover the rows and the exact scan (`test_vectors`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memos_cli.schema import Filters, MemoryItem, Source, Tail
from memos_cli.stores import vector_scan, vector_signs, vectors
from memos_cli.stores.vectors import Vectors

DIMENSION = 52
"""No multiple of eight: the last byte of signs is not full."""

GROUPS, EACH = 40, 50
USERS = ("ann", "bob", "eve")
ALL = Filters()
SOME = Filters(users=("ann", "eve"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    """Groups of alike memories and turns, some of several spans, some rows still in the log."""
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((GROUPS, DIMENSION)) + 0.2
    store = Vectors(tmp_path_factory.mktemp("large"), "v", DIMENSION)
    items, given = [], {}
    for place in range(GROUPS * EACH):
        talk = {"session_id": f"s{place // 100}", "position": place % 100} if place % 3 else {}
        sources = (Source(role="user"),) if talk else ()
        item = MemoryItem(memory=str(place), user_id=USERS[place // 100 % 3], sources=sources, **talk)  # type: ignore[arg-type]
        near = centres[place % GROUPS] + 0.35 * rng.standard_normal((1 + place % 2 * 2, DIMENSION))
        items.append(item)
        given[item.row] = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16)
    cut = len(items) - 30
    store.rebuild([Tail(tuple(items[:cut]), tuple(range(cut)), given)], 1)
    store.absorb(Tail(tuple(items[cut:]), tuple(range(cut, len(items))), given), 2)
    return store


@pytest.fixture(scope="module")
def questions(store: Vectors) -> list[np.ndarray]:
    """Close to one memory each."""
    rng = np.random.default_rng(5)
    asked = (store.vectors([place])[place][0] for place in range(7, GROUPS * EACH, 97))
    return [vector + 0.03 * rng.standard_normal(DIMENSION).astype(np.float32) for vector in asked]


@pytest.fixture
def by_signs(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Even so small a cube is searched as a large one, with a tenth of it scored exactly."""
    monkeypatch.setattr(vectors, "SKETCHED", 0)
    monkeypatch.setattr(vectors, "NEAR", 0)
    monkeypatch.setattr(vectors, "NEAR_EACH", 0)
    monkeypatch.setattr(vectors, "NEAR_SHARE", 0.1)
    monkeypatch.setattr(vector_signs, "SAMPLE", 500)
    vector_signs._spread.cache_clear()
    yield monkeypatch
    vector_signs._spread.cache_clear()


@pytest.mark.parametrize("filters", [ALL, SOME], ids=["all", "some"])
def test_the_first_are_the_same_with_the_same_scores(
    store: Vectors, questions: list[np.ndarray], by_signs: pytest.MonkeyPatch, filters: Filters
) -> None:
    found = [store.search(question, filters, 20) for question in questions]
    assert all(isinstance(hits._best, vector_signs.OnDemand) for hits in found)
    by_signs.setattr(vectors, "SKETCHED", 10**9)
    for question, hits in zip(questions, found, strict=True):
        exact = store.search(question, filters, 20)
        assert hits.ordinals[:10].tolist() == exact.ordinals[:10].tolist()
        np.testing.assert_array_equal(hits.scores[:10], exact.scores[:10])
        assert hits.total == exact.total
        assert hits.mean == pytest.approx(exact.mean, abs=exact.std / 5)
        assert hits.std == pytest.approx(exact.std, rel=0.2)


@pytest.mark.parametrize("filters", [ALL, SOME], ids=["all", "some"])
def test_whatever_is_asked_for_has_its_exact_score(
    store: Vectors, questions: list[np.ndarray], by_signs: pytest.MonkeyPatch, filters: Filters
) -> None:
    asked = np.array([*range(0, GROUPS * EACH, 5), GROUPS * EACH + 9])
    hits = store.search(questions[0], filters, 20)
    given = hits.score_of(asked), hits.among_neighbours(asked), hits.moments_among_neighbours()
    by_signs.setattr(vectors, "SKETCHED", 10**9)
    exact = store.search(questions[0], filters, 20)
    # Of the few that were scored again with float16 the others know only int8.
    np.testing.assert_allclose(given[0], exact.score_of(asked), atol=0.01)
    np.testing.assert_allclose(given[1], exact.among_neighbours(asked), atol=0.01)
    np.testing.assert_allclose(given[2], exact.moments_among_neighbours(), atol=0.01)
    assert np.isnan(given[0][-1])


def test_where_few_pass_or_many_are_wanted_everything_is_scored(
    store: Vectors, questions: list[np.ndarray], by_signs: pytest.MonkeyPatch
) -> None:
    by_signs.setattr(vectors, "NEAR_EACH", 60)
    assert isinstance(store.search(questions[0], ALL, 100)._best, np.ndarray)
    by_signs.setattr(vectors, "NEAR_EACH", 0)
    by_signs.setattr(vectors, "SKETCHED", 2_500)  # of some 4,000 rows
    assert isinstance(store.search(questions[0], ALL, 20)._best, vector_signs.OnDemand)
    assert isinstance(store.search(questions[0], Filters(users=("bob",)), 20)._best, np.ndarray)


def test_vectors_that_are_all_alike_are_all_looked_at(tmp_path: Path, by_signs: pytest.MonkeyPatch) -> None:
    items = tuple(MemoryItem(memory=str(place)) for place in range(300))
    one = np.ones((1, DIMENSION), np.float16) / 8
    store = Vectors(tmp_path, "v", DIMENSION)
    store.rebuild([Tail(items, tuple(range(300)), {item.row: one for item in items})], 1)
    hits = store.search(np.ones(DIMENSION), ALL, 300)
    assert hits.ordinals.tolist() == list(range(300))
    assert hits.std == pytest.approx(0, abs=1e-6)


def test_numpy_and_simsimd_count_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = vector_scan.signs(np.random.default_rng(0).standard_normal((100, DIMENSION)))
    fast = vector_scan.sign_kernel()(rows[:1], rows)
    monkeypatch.setitem(sys.modules, "simsimd", None)
    vector_scan.sign_kernel.cache_clear()
    try:
        assert vector_scan.sign_kernel() is vector_scan._plain_differences
        plain = vector_scan.sign_kernel()(rows[:1], rows)
    finally:
        vector_scan.sign_kernel.cache_clear()
    np.testing.assert_array_equal(fast, plain)
    assert plain[0] == 0
    assert 10 < plain[1:].mean() < DIMENSION - 10


def test_damaged_signs_are_noticed(tmp_path: Path) -> None:
    item = MemoryItem(memory="x")
    store = Vectors(tmp_path, "v", DIMENSION)
    tail = Tail((item,), (0,), {item.row: np.linspace(-1, 1, DIMENSION, dtype=np.float16)[None]})
    store.rebuild([tail], 1)
    assert store.differing(tail) == set()
    (file,) = tmp_path.glob("sketch.*")
    file.write_bytes(bytes(len(file.read_bytes())))
    assert Vectors(tmp_path, "v", DIMENSION).differing(tail) == {0}
