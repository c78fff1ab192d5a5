"""The vector projection: against brute force, across folds, kills, replays and damage."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from memos_cli.errors import EmbedderMismatch, ProjectionDamaged
from memos_cli.schema import Filters, Kind, Level, MemoryItem, Source, Status, Tail, Visibility
from memos_cli.stores import flatfile, vector_scan, vectors
from memos_cli.stores.vectors import Vectors

DIMENSION = 16
ALL_DEFAULT = Filters()
START = datetime(2026, 1, 1, tzinfo=UTC)
SEARCHABLE = tuple(s for s in Status if s is not Status.PURGED)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def unit(rng: np.random.Generator, spans: int = 1, dimension: int = DIMENSION) -> np.ndarray:
    matrix = rng.standard_normal((spans, dimension))
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float16)


def some_item(pick: random.Random) -> MemoryItem:
    known_from = day(pick.randrange(50))
    return MemoryItem(
        memory="x",
        kind=pick.choice(list(Kind)),
        level=pick.choice(list(Level)),
        status=pick.choices(SEARCHABLE, (6, 1, 1, 1))[0],
        visibility=pick.choice(list(Visibility)),
        user_id=pick.choice([None, "ann", "bob"]),
        session_id=pick.choice([None, "s1", "s2"]),
        agent_id=pick.choice([None, "a1"]),
        tags=tuple(pick.sample(["red", "green", "blue", "été"], pick.randrange(4))),
        sources=tuple(some_source(pick) for _ in range(pick.randrange(3))),
        said_at=pick.choice([None, day(pick.randrange(40))]),
        valid_from=pick.choice([None, day(pick.randrange(20))]),
        valid_to=pick.choice([None, day(20 + pick.randrange(20))]),
        known_from=known_from,
        created_at=known_from,
        known_to=pick.choice([None, None, known_from + timedelta(days=pick.randrange(1, 20))]),
    )


def some_source(pick: random.Random) -> Source:
    path = pick.choice([None, "notes/a.md", "b.md"])
    return Source(
        type=pick.choice(["chat", "file"]),
        role=pick.choice([None, "user"]),
        path=path,
        url=pick.choice([None, "https://x.org"]),
    )


def some_filters(pick: random.Random) -> Filters:
    def maybe(values: Sequence) -> tuple:
        return tuple(pick.sample(list(values), pick.randrange(1, 3))) if pick.random() < 0.25 else ()

    def moment() -> datetime | None:
        return day(pick.randrange(45)) if pick.random() < 0.25 else None

    return Filters(
        kinds=maybe(Kind),
        levels=maybe(Level),
        tags=maybe(["red", "green", "été", "none"]),
        users=maybe(["ann", "bob", "eve"]),
        sessions=maybe(["s1", "s2"]),
        agents=maybe(["a1", "a2"]),
        visibility=maybe(Visibility),
        statuses=pick.choice([Filters().statuses, (Status.ARCHIVED,), SEARCHABLE, ()]),
        sources=maybe(["chat", "a.md", "notes/a.md", "user", "https://x.org"]),
        since=moment(),
        until=moment(),
        as_of=moment(),
        known_at=moment(),
    )


def passes(item: MemoryItem, f: Filters) -> bool:
    """The filters once more, written for one item at a time."""
    if item.status is Status.PURGED or (f.statuses and item.status not in f.statuses):
        return False
    if f.as_of is None and f.known_at is None and item.known_to is not None:
        return False
    if f.known_at and not (
        item.known_from <= f.known_at and (item.known_to is None or item.known_to > f.known_at)
    ):
        return False
    if f.as_of and item.valid_from is not None and item.valid_from > f.as_of:
        return False
    if f.as_of and item.valid_to is not None and item.valid_to <= f.as_of:
        return False
    names = {n for s in item.sources for n in (s.type, s.role, s.url, s.path, s.path and Path(s.path).name)}
    alternatives = (
        (f.kinds, {item.kind}),
        (f.levels, {item.level}),
        (f.visibility, {item.visibility}),
        (f.users, {item.user_id}),
        (f.sessions, {item.session_id}),
        (f.agents, {item.agent_id}),
        (f.tags, set(item.tags)),
        (f.sources, names),
    )
    if any(wanted and not set(wanted) & has for wanted, has in alternatives):
        return False
    return not ((f.since and item.time < f.since) or (f.until and item.time > f.until))


class Oracle:
    """What was absorbed, kept in plain Python."""

    def __init__(self, seed: int = 0) -> None:
        self.rows: dict[int, tuple[MemoryItem, np.ndarray | None]] = {}
        self.pick = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.seq = 0

    def tail(self, count: int, max_spans: int = 1) -> Tail:
        self.seq += 1
        tail = {}
        for i in range(count):
            spans = self.rng.integers(1, max_spans + 1)
            vector = None if self.pick.random() < 0.1 else unit(self.rng, spans)
            tail[self.seq << 24 | i] = (some_item(self.pick), vector)
        self.rows |= tail
        return as_tail(tail)

    def closings(self, count: int) -> Tail:
        """Some rows once more, closed or archived since."""
        tail = {}
        for ordinal in sorted(self.pick.sample(sorted(self.rows), count)):
            item, vector = self.rows[ordinal]
            closed = {"known_to": day(60), "valid_to": day(self.pick.randrange(60))}
            tail[ordinal] = (item.but(**closed), vector)
        self.rows |= tail
        return as_tail(tail)

    def everything(self) -> Tail:
        return as_tail(self.rows)

    def scores(self, query: np.ndarray, filters: Filters) -> dict[int, float]:
        return {
            o: float((v.astype(np.float32) @ query).max())
            for o, (item, v) in self.rows.items()
            if v is not None and passes(item, filters)
        }


def as_tail(rows: dict[int, tuple[MemoryItem, np.ndarray | None]]) -> Tail:
    ordered = dict(sorted(rows.items()))
    found = {item.row: v for item, v in ordered.values() if v is not None}
    return Tail(tuple(item for item, _ in ordered.values()), tuple(ordered), found)


def oracle_of(*tails: Tail) -> Oracle:
    """What is there after these tails."""
    oracle = Oracle()
    for tail in tails:
        for ordinal, item in zip(tail.ordinals, tail.items, strict=True):
            oracle.rows[ordinal] = (item, tail.vectors.get(item.row))
    return oracle


def agree(store: Vectors, oracle: Oracle, filters: Filters = ALL_DEFAULT, limit: int = 20) -> None:
    query = unit(oracle.rng)[0].astype(np.float32)
    query /= np.linalg.norm(query)
    expected = oracle.scores(query, filters)
    hits = store.search(query, filters, limit)
    assert hits.total == len(expected)
    assert len(hits.ordinals) == min(limit, len(expected))
    assert len(set(hits.ordinals.tolist())) == len(hits.ordinals)
    assert (np.diff(hits.scores) <= 0).all()
    # int8 may swap neighbours at the cut, so scores are compared and not places.
    best = sorted(expected.values(), reverse=True)[:limit]
    assert hits.scores == pytest.approx(best, abs=0.02)
    assert hits.scores == pytest.approx([expected[o] for o in hits.ordinals.tolist()], abs=0.02)
    if expected:
        values = np.array(list(expected.values()))
        assert hits.mean == pytest.approx(values.mean(), abs=0.01)
        assert hits.std == pytest.approx(values.std(), abs=0.01)
    asked = sorted(oracle.rows)
    truth = np.array([expected.get(o, np.nan) for o in asked], np.float32)
    np.testing.assert_allclose(hits.score_of(asked), truth, atol=0.02)


def complete(store: Vectors, oracle: Oracle) -> None:
    spans = {o: len(v) for o, (_, v) in oracle.rows.items() if v is not None}
    assert store.all_ordinals() == spans


@pytest.fixture(params=[4096, 40], ids=["log", "folds"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vectors]:
    """A fresh projection; with a log that is folded every few batches, and with one that is not."""
    monkeypatch.setattr(flatfile.FlatFile, "log_limit", request.param)
    made = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    made.rebuild([], 0)
    return made


def reopened(store: Vectors) -> Vectors:
    return Vectors(store._file.directory, store.column, store.dimension)


@pytest.mark.parametrize("max_spans", [1, 4])
def test_every_filter_agrees_with_brute_force(store: Vectors, max_spans: int) -> None:
    oracle = Oracle(max_spans)
    pick = random.Random(5)
    for revision in range(1, 13):
        store.absorb(oracle.tail(pick.choice([1, 3, 30, 60]), max_spans), revision)
        if revision % 3 == 0:
            store.absorb(oracle.closings(5), revision)
        for reader in (store, reopened(store)):
            assert reader.revision == revision
            agree(reader, oracle)
            agree(reader, oracle, some_filters(pick), limit=pick.choice([1, 7, 500]))
    for _ in range(40):
        agree(store, oracle, some_filters(pick))
    complete(reopened(store), oracle)
    rebuilt = reopened(store)
    rebuilt.rebuild([oracle.everything()], 99)
    assert rebuilt.revision == store.revision == 99
    for _ in range(20):
        agree(store, oracle, some_filters(pick))
    complete(store, oracle)


def test_a_replayed_tail_changes_nothing(store: Vectors) -> None:
    oracle = Oracle()
    for revision in range(1, 6):
        tail = oracle.tail(15, 3)
        for _ in range(3):
            store.absorb(tail, revision)
    store.absorb(oracle.everything(), 6)
    complete(reopened(store), oracle)
    agree(reopened(store), oracle)


def test_an_empty_tail_advances_the_revision(store: Vectors) -> None:
    oracle = Oracle()
    store.absorb(oracle.tail(5), 1)
    for revision in range(2, 100):
        store.absorb(Tail((), ()), revision)
    assert reopened(store).revision == 99
    before = {p.name: p.stat().st_size for p in store._file.directory.iterdir()}
    store.absorb(Tail((), ()), 99)
    assert {p.name: p.stat().st_size for p in store._file.directory.iterdir()} == before
    complete(reopened(store), oracle)


def test_other_vectors_labels_and_late_rows_are_put_in_their_place(store: Vectors) -> None:
    oracle = Oracle()
    store.absorb(oracle.tail(30, 3), 1)
    store.absorb(oracle.tail(30, 3), 2)
    ordinals = sorted(oracle.rows)
    item, _ = oracle.rows[ordinals[3]]
    oracle.rows[ordinals[3]] = (item, unit(oracle.rng, 2))
    item, vector = oracle.rows[ordinals[40]]
    oracle.rows[ordinals[40]] = (
        item.but(tags=("new",)),
        unit(oracle.rng) if vector is None else vector,
    )
    item, vector = oracle.rows[ordinals[50]]
    oracle.rows[ordinals[50]] = (item.but(known_to=day(70)), vector)
    late = ordinals[29] + 5
    oracle.rows[late] = (some_item(oracle.pick), unit(oracle.rng, 3))
    changed = {o: oracle.rows[o] for o in (ordinals[3], ordinals[40], ordinals[50], late)}
    store.absorb(as_tail(changed), 3)
    store.absorb(oracle.tail(5), 4)
    for reader in (store, reopened(store)):
        complete(reader, oracle)
        for filters in (Filters(), Filters(tags=("new",)), Filters(known_at=day(69)), Filters(statuses=())):
            agree(reader, oracle, filters)


def test_rebuild_sorts_what_comes_out_of_order(store: Vectors) -> None:
    oracle = Oracle()
    batches = [oracle.tail(40, 3) for _ in range(5)]
    store.rebuild(reversed(batches), 5)
    complete(store, oracle)
    for filters in (Filters(), Filters(tags=("red",)), Filters(users=("ann",), statuses=())):
        agree(store, oracle, filters)
    store.absorb(oracle.tail(3), 6)
    agree(reopened(store), oracle)


def test_a_purged_row_is_never_found(store: Vectors) -> None:
    oracle = Oracle()
    store.absorb(oracle.tail(10), 1)
    ordinal = next(o for o, (_, v) in oracle.rows.items() if v is not None)
    item = oracle.rows[ordinal][0].but(status=Status.PURGED, memory="")
    tombstone = MemoryItem(memory="", status=Status.PURGED)
    vector = {tombstone.row: unit(oracle.rng)}
    store.absorb(Tail((item, tombstone), (ordinal, 9 << 24), vector), 2)
    everything = Filters(statuses=(), known_at=day(1000))
    for filters in (everything, Filters(statuses=tuple(Status))):
        assert not {ordinal, 9 << 24} & set(store.search(unit(oracle.rng)[0], filters).ordinals.tolist())


def test_more_labels_than_one_record_holds(store: Vectors) -> None:
    rng = np.random.default_rng(0)
    tags = tuple(f"tag{i}" for i in range(60))
    items = (
        MemoryItem(memory="a", tags=tags),
        MemoryItem(memory="b", tags=("tag59",)),
        MemoryItem(memory="c"),
    )
    store.absorb(Tail(items, (1, 2, 3), {item.row: unit(rng, 2) for item in items}), 1)
    for tag, found in (("tag0", {1}), ("tag31", {1}), ("tag59", {1, 2}), ("tag60", set())):
        assert set(store.search(unit(rng)[0], Filters(tags=(tag,))).ordinals.tolist()) == found


def test_stored_vectors_come_back(store: Vectors) -> None:
    rng = np.random.default_rng(0)
    items = [MemoryItem(memory=str(i)) for i in range(50)]
    given = [unit(rng, 1 + i % 3) for i in range(50)]
    for i, (item, vector) in enumerate(zip(items, given, strict=True)):
        store.absorb(Tail((item,), (i,), {item.row: vector}), i)
    found = store.vectors([3, 49, 1000])
    assert list(found) == [3, 49]
    for i in (3, 49):
        assert found[i].dtype == np.float32
        np.testing.assert_array_equal(found[i], given[i].astype(np.float32))


def test_best_hits_carry_float16_scores(store: Vectors) -> None:
    rng = np.random.default_rng(0)
    items = [MemoryItem(memory=str(i)) for i in range(300)]
    given = unit(rng, 300)
    store.rebuild(
        [Tail(tuple(items), tuple(range(300)), {m.row: v[None] for m, v in zip(items, given, strict=True)})],
        1,
    )
    query = given[7].astype(np.float32) / np.linalg.norm(given[7].astype(np.float32))
    hits = store.search(query, Filters())
    exact = given.astype(np.float32) @ query
    np.testing.assert_allclose(
        hits.scores[: vectors.RESCORED], exact[hits.ordinals[: vectors.RESCORED]], atol=1e-6
    )
    assert hits.ordinals[:10].tolist() == np.argsort(-exact)[:10].tolist()


def test_narrow_filters_lose_nothing(store: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    items = tuple(MemoryItem(memory=str(i), user_id=f"u{i % 100}") for i in range(3000))
    store.rebuild([Tail(items, tuple(range(3000)), {m.row: unit(rng) for m in items})], 1)
    query = unit(rng)[0]
    sparse = store.search(query, Filters(users=("u42",)))
    assert sorted(sparse.ordinals.tolist()) == list(range(42, 3000, 100))
    monkeypatch.setattr(vector_scan, "SPARSE", 10**9)
    dense = store.search(query, Filters(users=("u42",)))
    np.testing.assert_allclose(sparse.scores, dense.scores, atol=1e-6)
    many = tuple(f"u{i}" for i in range(0, 40, 2))
    assert store.search(query, Filters(users=many), 5000).total == 600


def test_numpy_and_simsimd_agree(store: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = Oracle()
    store.absorb(oracle.tail(100, 2), 1)
    query = unit(oracle.rng)[0]
    fast = store.search(query, Filters())
    monkeypatch.setitem(sys.modules, "simsimd", None)
    vector_scan._kernel.cache_clear()
    try:
        assert vector_scan._kernel() is vector_scan._plain_products
        plain = store.search(query, Filters())
    finally:
        vector_scan._kernel.cache_clear()
    np.testing.assert_array_equal(fast.ordinals, plain.ordinals)
    np.testing.assert_allclose(fast.scores, plain.scores, atol=1e-6)


def test_zero_and_broken_vectors_find_nothing_and_break_nothing(store: Vectors) -> None:
    rng = np.random.default_rng(1)
    items = tuple(MemoryItem(memory=str(i)) for i in range(3))
    broken = np.full((1, DIMENSION), np.nan, np.float32)
    tail = Tail(
        items,
        (0, 1, 2),
        {items[0].row: np.zeros((1, DIMENSION)), items[1].row: broken, items[2].row: unit(rng)},
    )
    store.absorb(tail, 1)
    store.absorb(tail, 1)
    hits = store.search(store.vectors([2])[2][0], Filters())
    assert hits.ordinals.tolist() == [2, 0, 1]
    assert np.isfinite(hits.scores).all()
    assert store.search(np.zeros(DIMENSION), Filters()).total == 3


def test_an_empty_store_answers(store: Vectors) -> None:
    hits = store.search(np.ones(DIMENSION), Filters(tags=("x",)))
    assert (len(hits.ordinals), hits.total, hits.mean, hits.std) == (0, 0, 0.0, 0.0)
    assert np.isnan(hits.score_of([5])).all()
    assert store.vectors([5]) == {}


def test_another_model_or_dimension_is_not_read(store: Vectors) -> None:
    store.absorb(Oracle().tail(5), 1)
    directory = store._file.directory
    assert Vectors(directory, "other", DIMENSION).revision is None
    assert Vectors(directory, "minilm", 8).revision is None
    item = MemoryItem(memory="x")
    with pytest.raises(EmbedderMismatch):
        store.absorb(Tail((item,), (9 << 24,), {item.row: np.ones((1, 8), np.float16)}), 2)
    with pytest.raises(EmbedderMismatch):
        store.search(np.ones(8), Filters())
    assert store.revision == 1
    other = Vectors(directory, "other", 8)
    other.rebuild([Tail((item,), (9 << 24,), {item.row: np.ones((1, 8), np.float16)})], 3)
    assert other.all_ordinals() == {9 << 24: 1}
    assert store.revision is None


def damages() -> dict[str, object]:
    def edit(**fields: object) -> object:
        def damage(directory: Path) -> None:
            header = json.loads((directory / "header").read_bytes())
            (directory / "header").write_text(json.dumps(header | fields))

        return damage

    def cut(directory: Path) -> None:
        file = max(directory.glob("int8.*"), key=lambda p: p.stat().st_size)
        os.truncate(file, file.stat().st_size // 2)

    return {
        "no header": lambda d: (d / "header").unlink(),
        "empty header": lambda d: (d / "header").write_bytes(b""),
        "garbage": lambda d: (d / "header").write_bytes(os.urandom(300)),
        "a directory": lambda d: ((d / "header").unlink(), (d / "header").mkdir()),
        "a list": lambda d: (d / "header").write_text("[]"),
        "wrong magic": edit(magic="x"),
        "older schema": edit(identity={"schema": 0}),
        "negative": edit(rows=-5),
        "escapes": edit(log="../log.1"),
        "no log": lambda d: next(d.glob("log.*")).unlink(),
        "no column": lambda d: next(d.glob("state.*")).unlink(),
        "short column": cut,
    }


@pytest.mark.parametrize("name", damages())
def test_damage_is_said_and_rebuilt(tmp_path: Path, name: str) -> None:
    oracle = Oracle()
    store = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    store.rebuild([oracle.tail(20)], 1)
    store.absorb(oracle.tail(20), 2)
    damages()[name](store._file.directory)  # type: ignore[operator]
    fresh = reopened(store)
    assert fresh.revision is None
    with pytest.raises(ProjectionDamaged):
        fresh.search(np.ones(DIMENSION), Filters())
    with pytest.raises(ProjectionDamaged):
        fresh.absorb(oracle.tail(1), 3)
    (store._file.directory / "junk").mkdir()
    fresh.rebuild([oracle.everything()], 3)
    complete(fresh, oracle)
    assert not (store._file.directory / "junk").exists()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_torn_log_falls_back_to_the_batch_before(tmp_path: Path, kept: float) -> None:
    oracle = Oracle()
    store = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    store.rebuild([], 0)
    store.absorb(oracle.tail(7), 1)
    log = next(store._file.directory.glob("log.*"))
    whole = log.stat().st_size
    last = oracle.tail(9)
    store.absorb(last, 2)
    end = log.stat().st_size
    os.truncate(log, int(whole + (end - whole) * kept))
    with log.open("ab") as f:  # power was lost: the length is there, the content is not
        f.write(bytes(end - log.stat().st_size))
    assert store.revision == 1
    fresh = reopened(store)
    assert fresh.revision == 1
    fresh.absorb(last, 2)
    assert fresh.revision == store.revision == 2
    complete(fresh, oracle)
    complete(store, oracle)


def test_what_no_header_counts_is_cut_off(tmp_path: Path) -> None:
    oracle = Oracle()
    store = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    store.rebuild([oracle.tail(10)], 1)
    for file in store._file.directory.iterdir():
        if file.name != "header":
            with file.open("ab") as f:
                f.write(os.urandom(5000))
    (store._file.directory / "state.77").write_bytes(b"left behind")
    for reader in (store, reopened(store)):
        assert reader.revision == 1
        agree(reader, oracle)
    writer = reopened(store)
    writer._file.log_limit = 3
    writer.absorb(oracle.tail(10), 2)
    assert not (store._file.directory / "state.77").exists()
    agree(store, oracle, Filters(tags=("red",)))
    complete(store, oracle)


def test_a_reader_keeps_its_state_while_files_are_replaced(store: Vectors) -> None:
    oracle = Oracle()
    store.absorb(oracle.tail(30), 1)
    query = unit(oracle.rng)[0]
    reader = reopened(store)
    hits = reader.search(query, Filters())
    before = dict(zip(hits.ordinals.tolist(), hits.scores.tolist(), strict=True))
    store.absorb(oracle.closings(20), 2)
    store.rebuild([oracle.everything()], 3)
    assert hits.score_of(list(before)).tolist() == list(before.values())
    assert reader.revision == 3
    agree(reader, oracle)


@pytest.mark.parametrize("watched", [False, True], ids=["alone", "another thread looks too"])
def test_a_file_that_goes_between_header_and_mapping_is_looked_up_again(
    watched: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = Oracle()
    store = Vectors(tmp_path / "vectors", "minilm", DIMENSION)
    store.rebuild([oracle.tail(20)], 1)
    reader = reopened(store)
    parse, moved = reader._file._parse, []

    def parse_slowly(content: bytes) -> dict:
        header = parse(content)
        if not moved:
            moved.append(store.rebuild([oracle.everything()], 2))
            if watched:  # by another thread, which takes the next state for both
                assert reader.revision == 2
        return header

    monkeypatch.setattr(reader._file, "_parse", parse_slowly)
    assert reader.revision == 2
    agree(reader, oracle)


def test_threads_share_one_store(store: Vectors) -> None:
    oracle, pick = Oracle(), random.Random(3)
    store.absorb(oracle.tail(200, 2), 1)
    stop, failures = threading.Event(), []

    def look() -> None:
        mine = random.Random(threading.get_ident())
        while not stop.is_set():
            hits = store.search(np.ones(DIMENSION), some_filters(mine), 10)
            if len(set(hits.ordinals.tolist())) != min(10, hits.total):
                failures.append(hits)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for revision in range(2, 30):
            store.absorb(oracle.tail(3, 2), revision)
            store.absorb(oracle.closings(3), revision)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    for _ in range(10):
        agree(store, oracle, some_filters(pick))


FULL = textwrap.dedent("""
    import os, subprocess, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from memos_cli.errors import MemosError
    from memos_cli.stores.vectors import Vectors
    from test_vectors import DIMENSION, Oracle, complete, oracle_of

    def attempt(write):
        try:
            write()
            print("done")
        except MemosError as e:
            print(e.code)
        complete(Vectors(root / "vectors", "minilm", DIMENSION), oracle_of(first))

    root, oracle = Path(sys.argv[1]), Oracle(3)
    first, small, large = oracle.tail(50), oracle.tail(40), oracle.tail(6000)
    store = Vectors(root / "vectors", "minilm", DIMENSION)
    writes = (lambda: store.absorb(small, 2), lambda: store.absorb(large, 2), lambda: store.rebuild([large], 2))
    for write in writes:
        store.rebuild([first], 1)
        disk = os.statvfs(root)
        (root / "ballast").write_bytes(bytes((disk.f_bavail - 2) * disk.f_frsize))
        attempt(write)
        (root / "ballast").unlink()
        store.absorb(small, 2)
        complete(store, oracle_of(first, small))
    store.rebuild([first], 1)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(root)], check=True)
    for write in writes:
        attempt(write)
""")


def in_small_filesystem(code: str, mount: Path, size: str) -> list[str]:
    """What a program prints that has a file system of its own; skips where namespaces are forbidden."""
    mount.mkdir()
    inside = ["sh", "-c", f"mount -t tmpfs -o size={size} none {mount}"]
    try:
        subprocess.run(["unshare", "-Urm", *inside], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as e:
        pytest.skip(f"cannot mount a file system here: {e}")
    program = mount.with_suffix(".py")
    program.write_text(code.format(tests=str(Path(__file__).parent)))
    inside[-1] += f" && {sys.executable} {program} {mount}"
    done = subprocess.run(["unshare", "-Urm", *inside], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_full_or_read_only_disk_is_named_and_leaves_the_state(tmp_path: Path) -> None:
    printed = in_small_filesystem(FULL, tmp_path / "disk", "8m")
    assert printed == ["storage_full"] * 3 + ["not_permitted"] * 3


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import numpy as np
    from memos_cli.stores.flatfile import FlatFile
    from memos_cli.stores.vectors import Vectors
    from test_vectors import DIMENSION, history, states

    FlatFile.log_limit = 30
    store = Vectors(Path(sys.argv[1]), "minilm", DIMENSION)
    tails, whole = list(history(int(sys.argv[2]))), states(int(sys.argv[2]))
    print("ready", flush=True)
    for revision, tail in tails:
        if revision <= (store.revision or 0):
            continue
        if revision % 17 == 0:
            store.rebuild([whole[revision].everything()], revision)
        else:
            store.absorb(tail, revision)
        print(revision, flush=True)
""")


REVISIONS = 60


def history(seed: int) -> Iterator[tuple[int, Tail]]:
    """A fixed sequence of tails: new rows, and some of the older ones closed."""
    oracle = Oracle(seed)
    for revision in range(1, REVISIONS + 1):
        fresh = oracle.tail(1 + revision % 7, 3)
        if revision % 2:
            yield revision, fresh
        else:
            closed = oracle.closings(2)
            rows = {o: oracle.rows[o] for o in (*fresh.ordinals, *closed.ordinals)}
            yield revision, as_tail(rows)


def states(seed: int) -> list[Oracle]:
    """What is there after each revision of the history, from 0 on."""
    tails = [tail for _, tail in history(seed)]
    return [oracle_of(*tails[:n]) for n in range(len(tails) + 1)]


def test_killed_writers_leave_a_whole_state(tmp_path: Path) -> None:
    """Eight writers are killed at random moments while a reader looks on; the ninth finishes."""
    seed, directory = 1, tmp_path / "vectors"
    reader = Vectors(directory, "minilm", DIMENSION)
    reader.rebuild([], 0)
    pick = random.Random(seed)
    code = WRITER.format(tests=str(Path(__file__).parent))
    told, seen, whole = 0, set(), states(seed)
    every = Filters(statuses=(), known_at=day(1000))
    for kill in range(9):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(directory), str(seed)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            deadline = time.monotonic() + pick.uniform(0.005, 0.06) if kill < 8 else np.inf
            while time.monotonic() < deadline and writer.poll() is None:
                hits = reader.search(np.ones(DIMENSION), every, 5)
                seen.add(hits.total)
            writer.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in writer.stdout.read().split())])
        revision = Vectors(directory, "minilm", DIMENSION).revision
        assert revision is not None
        assert revision >= told
        now = whole[revision]
        complete(reader, now)
        agree(reader, now, Filters())
        agree(reader, now, some_filters(pick))
    assert told == REVISIONS
    assert seen <= {len(state.scores(np.ones(DIMENSION, np.float32), every)) for state in whole}
