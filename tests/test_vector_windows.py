"""A turn's vector among its neighbours: against the blend computed plainly in float32.

Does not cover the rows and the scan (`test_vectors`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memos_cli.schema import Filters, MemoryItem, Source, Status, Tail
from memos_cli.stores import flatfile
from memos_cli.stores.vector_windows import REACH, SAMPLE, WEIGHT
from memos_cli.stores.vectors import Vectors

DIMENSION = 48
CLOSE = 0.02
"""What int8 may cost a cosine of vectors of 48 numbers."""


def turn(session: str, position: int, **facts: object) -> MemoryItem:
    given = {"speaker": "Ann", "sources": (Source(role="user" if position % 2 else "assistant"),)}
    return MemoryItem(memory="x", session_id=session, position=position, **given | facts)  # type: ignore[arg-type]


class Talks:
    """What was stored, kept in plain Python, in the order of the table."""

    def __init__(self, store: Vectors, seed: int = 0) -> None:
        self.store = store
        self.rng = np.random.default_rng(seed)
        self.items: list[MemoryItem] = []
        self.vectors: list[np.ndarray] = []
        self.seq = 0

    def put(self, *items: MemoryItem, spans: int = 1) -> None:
        made = [self._vectors(spans) for _ in items]
        first = len(self.items)
        self.items += items
        self.vectors += made
        self.seq += 1
        by_row = {item.row: v for item, v in zip(items, made, strict=True)}
        self.store.absorb(Tail(items, tuple(range(first, first + len(items))), by_row, fresh=True), self.seq)

    def _vectors(self, spans: int) -> np.ndarray:
        # Neither short of a common direction, which real embedders have, nor of spread.
        matrix = self.rng.standard_normal((spans, DIMENSION)) + 0.4
        return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float16)

    def query(self) -> np.ndarray:
        vector = self.rng.standard_normal(DIMENSION) + 0.4
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def expected(self, ordinal: int, query: np.ndarray, hidden: frozenset[int] = frozenset()) -> float:
        """Cosine of the question with v + WEIGHT · (before + after): each memory by its best span in
        the numerator, by its first in the length, as the module says."""
        total, blend = 0.0, np.zeros(DIMENSION, np.float32)
        for other, weight in self._around(ordinal, hidden):
            spans = self.vectors[other].astype(np.float32)
            total += weight * float((spans @ query).max())
            blend += weight * spans[0]
        return total / float(np.linalg.norm(blend))

    def _around(self, ordinal: int, hidden: frozenset[int]) -> list[tuple[int, float]]:
        mine = self.items[ordinal]
        found = [(ordinal, 1.0)]
        if mine.session_id is None or mine.position is None or mine.known_to is not None:
            return found
        for other, item in enumerate(self.items):
            same = (item.session_id, item.user_id) == (mine.session_id, mine.user_id)
            if same and item.known_to is None and other not in hidden and item.position is not None:
                found += [(other, WEIGHT)] * (abs(item.position - mine.position) == 1)
        return found


@pytest.fixture(params=[4096, 10], ids=["log", "folds"])
def talks(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talks:
    """With all rows in the log, and with most in the column files."""
    monkeypatch.setattr(flatfile.FlatFile, "log_limit", request.param)
    store = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    store.rebuild([], 0)
    return Talks(store)


def agree(talks: Talks, filters: Filters = Filters(), hidden: frozenset[int] = frozenset()) -> None:  # noqa: B008
    shown = [o for o in range(len(talks.items)) if o not in hidden]
    for _ in range(3):
        query = talks.query()
        hits = talks.store.search(query, filters)
        assert hits.total == len(shown)
        expected = [talks.expected(o, query, hidden) for o in shown]
        np.testing.assert_allclose(hits.among_neighbours(shown), expected, atol=CLOSE)
        mixed = hits.among_neighbours([*sorted(hidden), 10**6, shown[-1]])
        assert np.isnan(mixed[:-1]).all()
        assert not np.isnan(mixed[-1])


def test_one_conversation(talks: Talks) -> None:
    talks.put(*(turn("s", p) for p in range(30)))
    agree(talks)


def test_neighbours_are_one_place_away_in_the_same_conversation(talks: Talks) -> None:
    """Several conversations at once, one row each in turn; gaps; one session of two users; notes."""
    for p in range(8):
        talks.put(turn("s", p), turn("t", 2 * p), MemoryItem(memory="note"))
        talks.put(turn("s", p, user_id="ann"))
        talks.put(turn("s", p, user_id="bob"), turn("u", p))
    agree(talks)
    query = talks.query()
    hits = talks.store.search(query, Filters())
    alone = [o for o, item in enumerate(talks.items) if item.session_id in (None, "t")]
    np.testing.assert_allclose(hits.among_neighbours(alone), hits.score_of(alone), rtol=1e-5)


def test_a_blend_is_no_mean_of_its_parts(talks: Talks) -> None:
    """Its length counts: three equal vectors are found as well together as alone."""
    talks.put(*(turn("s", p) for p in range(3)))
    talks.vectors[:] = [talks.vectors[0]] * 3
    rows = {item.row: v for item, v in zip(talks.items, talks.vectors, strict=True)}
    talks.store.rebuild([Tail(tuple(talks.items), (0, 1, 2), rows)], 9)
    query = talks.query()
    hits = talks.store.search(query, Filters())
    np.testing.assert_allclose(hits.among_neighbours([0, 1, 2]), hits.score_of([0, 1, 2]), atol=CLOSE)


def test_conversations_written_at_once_keep_their_neighbours_up_to_reach(talks: Talks) -> None:
    for p in range(4):
        talks.put(*(turn(f"s{i}", p) for i in range(REACH)))
    agree(talks)


def test_beyond_reach_a_turn_stands_for_itself(talks: Talks) -> None:
    for p in range(3):
        talks.put(*(turn(f"s{i}", p) for i in range(REACH + 1)))
    query = talks.query()
    hits = talks.store.search(query, Filters())
    everything = list(range(len(talks.items)))
    np.testing.assert_allclose(hits.among_neighbours(everything), hits.score_of(everything), rtol=1e-5)


def test_memories_of_several_spans(talks: Talks) -> None:
    for p in range(0, 30, 3):
        talks.put(turn("s", p), spans=3)
        talks.put(turn("s", p + 1), turn("t", p))
        talks.put(turn("s", p + 2), turn("t", p + 1), MemoryItem(memory="note"), spans=2)
    agree(talks)


@pytest.mark.parametrize("spans", [1, 2])
def test_what_a_filter_hides_is_no_neighbour(talks: Talks, spans: int) -> None:
    for p in range(24):
        tags = ("red",) if p % 5 else ()
        talks.put(turn("s", p, tags=tags), turn("t", p, tags=("red",)), spans=spans)
    hidden = frozenset(o for o, item in enumerate(talks.items) if not item.tags)
    agree(talks, Filters(tags=("red",)), hidden)
    hidden = frozenset(o for o, item in enumerate(talks.items) if item.position % 2 == 0)  # type: ignore[operator]
    agree(talks, Filters(sources=("user",)), hidden)


def test_what_was_closed_is_no_neighbour_any_more(talks: Talks) -> None:
    talks.put(*(turn("s", p) for p in range(12)))
    agree(talks)
    closed = talks.items[5].but(known_to=talks.items[5].known_from)
    talks.items[5] = closed
    talks.store.absorb(Tail((closed,), (5,), {closed.row: talks.vectors[5]}), 2)
    agree(talks, hidden=frozenset({5}))
    archived = turn("s", 5, status=Status.ARCHIVED)
    talks.put(archived)
    agree(talks, hidden=frozenset({5, 12}))


# --- mean and spread ---------------------------------------------------------------------------


def estimated(talks: Talks, filters: Filters, hidden: frozenset[int] = frozenset()) -> None:
    """The estimate is near the truth: within int8's error where all turns are in the sample."""
    query = talks.query()
    turns = [o for o, i in enumerate(talks.items) if i.session_id is not None and o not in hidden]
    truth = np.array([talks.expected(o, query, hidden) for o in turns])
    mean, std = talks.store.search(query, filters).moments_among_neighbours()
    by_chance = 3.0 * (len(turns) > SAMPLE) / np.sqrt(SAMPLE)
    assert mean == pytest.approx(truth.mean(), abs=by_chance * truth.std() + CLOSE / 10)
    assert std == pytest.approx(truth.std(), rel=by_chance + 0.03)


@pytest.fixture
def many(talks: Talks) -> Talks:
    """Turns of three conversations at once, between notes."""
    for start in range(0, 120, 20):
        places = range(start, start + 20)
        talks.put(
            *(item for p in places for item in (*(turn(s, p) for s in "abc"), MemoryItem(memory="note")))
        )
    return talks


def test_moments_are_near_the_true_ones(many: Talks) -> None:
    for _ in range(3):
        estimated(many, Filters())


def test_moments_of_a_part_are_that_parts(many: Talks) -> None:
    few = frozenset(o for o, item in enumerate(many.items) if item.session_id != "b")
    estimated(many, Filters(sessions=("b",)), few)
    # Every neighbour is hidden, so that blends are the turns alone.
    answers = frozenset(o for o, i in enumerate(many.items) if i.position is None or i.position % 2 == 0)
    estimated(many, Filters(sources=("user",)), answers)


def test_few_turns_among_many_notes_have_a_sample_too(talks: Talks) -> None:
    for _ in range(6):
        talks.put(*(MemoryItem(memory="note") for _ in range(600)))
    talks.put(*(turn("s", p) for p in range(64)))
    estimated(talks, Filters())


def test_moments_of_nothing(talks: Talks) -> None:
    assert talks.store.search(talks.query(), Filters()).moments_among_neighbours() == (0.0, 0.0)
    talks.put(MemoryItem(memory="note"), MemoryItem(memory="note"))
    hits = talks.store.search(talks.query(), Filters())
    assert hits.moments_among_neighbours() == (0.0, 0.0)
    assert len(hits.among_neighbours([])) == 0
    talks.put(turn("s", 0), turn("s", 1))
    hits = talks.store.search(talks.query(), Filters(sessions=("other",)))
    assert hits.moments_among_neighbours() == (0.0, 0.0)
