"""What `memos reorganize` does for large cubes, with the sizes made small: columns, tiles, commits in pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memos_cli.cube.columns import Columns, Spans
from memos_cli.operations import edit, plan
from memos_cli.operations.maintain import check
from memos_cli.operations.outline import outlines
from memos_cli.operations.reorganize import reorganize
from memos_cli.organize import neighbours
from memos_cli.organize.neighbours import left_over, nearest, unit
from memos_cli.schema import Change, MemoryItem, Source, Visibility
from memos_cli.session import Session
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import content_hash
from memos_cli.stores.rows import table_schema, to_arrow
from memos_cli.stores.table_rows import VectorColumn

FACTS = Path(__file__).parent / "data" / "topics" / "facts.txt"
COLUMN = VectorColumn("vector_x_4", 4)


# -- neighbours


def brute(rows: np.ndarray, among: np.ndarray, k: int, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    products = rows @ among.T
    products[np.arange(len(rows)), own] = -2
    best = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return best, np.maximum(np.take_along_axis(products, best, 1), 0)


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "TILE", 16)
    monkeypatch.setattr(neighbours, "WIDE", 24)


@pytest.mark.parametrize("count", [2, 8, 16, 17, 40, 200])
@pytest.mark.usefixtures("tiles")
def test_neighbours_are_the_same_in_tiles(count: int) -> None:
    rows = unit(np.random.default_rng(count).normal(size=(count, 12)))
    every = np.arange(count)
    for own in (every, every[::3]):
        found = nearest(rows if len(own) == count else rows[own], rows, 6, own=own)
        places, weights = brute(rows[own], rows, min(6, count - 1), own)
        assert np.allclose(found.weights, weights, atol=1e-6)
        assert (found.places == places)[weights > 0].all()


@pytest.mark.usefixtures("tiles")
def test_who_lost_a_neighbour_gets_another() -> None:
    rows = unit(np.random.default_rng(4).normal(size=(60, 12)))
    every = np.arange(60)
    kept = np.random.default_rng(5).random(60) < 0.7
    rest = rows[kept]
    there = left_over(nearest(rows, rows, 5, own=every), kept, rest, every)
    places, weights = brute(rest, rest, 5, np.arange(len(rest)))
    assert np.allclose(there.weights, weights, atol=1e-6)
    assert (there.places == places)[weights > 0].all()


# -- columns


@pytest.fixture(scope="module")
def items() -> list[MemoryItem]:
    said = {"session_id": "s", "position": 1}
    chat = (Source(type="chat", role="user"),)
    return [
        MemoryItem(memory="a note", visibility=Visibility.PUBLIC),
        MemoryItem(memory="a turn", speaker="Ana", **said),
        MemoryItem(memory="a turn by its role", sources=chat, **said),
        MemoryItem(memory="a correction", sources=(Source(role="feedback"),), **said),
        MemoryItem(memory="a fact of a turn", speaker="Ana", refines="x", **said),
        MemoryItem(memory="a second version", version=2, verb="update", predecessor="y"),
    ]


def rows_of(items: list[MemoryItem], vectors: dict[str, np.ndarray]) -> Any:
    schema = table_schema((COLUMN.name, COLUMN.dimension))
    return to_arrow(items, range(len(items)), 1, vectors, schema, COLUMN.name)


def test_columns_say_what_the_memories_say(items: list[MemoryItem]) -> None:
    columns = Columns(rows_of(items, {}).drop_columns([COLUMN.name, COLUMN.spans]))
    ids = [item.id for item in items]
    assert list(columns) == ids
    assert [columns[id] for id in ids] == items
    assert list(columns.made(reversed(ids)).values()) == items[::-1]
    assert [columns.is_turn(id) for id in ids] == [is_turn(item) for item in items]
    assert [columns.is_public(id) for id in ids] == [True] + [False] * 5
    assert list(columns.texts(ids)) == [item.memory for item in items]
    assert columns.rewritten({"undo"}) == {ids[5]: items[5].known_from}
    assert columns.rewritten({"update"}) == {}
    some = columns.without({ids[0], ids[4]})
    assert list(some) == [ids[1], ids[2], ids[3], ids[5]]
    assert some.column("memory") == ["a turn", "a turn by its role", "a correction", "a second version"]
    assert some.keep()[ids[3]] is some[ids[3]]


def test_vectors_of_columns_with_and_without_further_spans(items: list[MemoryItem]) -> None:
    made = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float16)
    vectors = {items[0].row: made[:1], items[2].row: made[1:]}
    spans = Spans(rows_of(items, vectors), COLUMN)
    assert set(spans) == {items[0].id, items[2].id}
    assert np.array_equal(spans[items[2].id], made[1:])
    middles = spans.middles([items[2].id, items[0].id])
    assert np.allclose(middles, [made[1:].astype(np.float32).mean(axis=0), made[0]], atol=1e-6)


# -- commits in pieces

OpenCube = Callable[..., Session]


@pytest.fixture
def garden(open_cube: OpenCube) -> Session:
    session = open_cube(embedder="static")
    texts = [t for t in FACTS.read_text(encoding="utf-8").splitlines() if t and not t.startswith("#")][:120]
    made = [MemoryItem(memory=t, content_hash=content_hash(t)) for t in texts]
    embedded = session.embedder.embed_documents(texts)
    vectors = {item.row: v for item, v in zip(made, embedded, strict=True)}
    session.cube.commit(Change(verb="add", puts=tuple(made), vectors=vectors))
    return session


def shape(session: Session) -> set[frozenset[str]]:
    """Which memories stand together."""
    (outline,) = outlines(session.cube, vectors=False).values()
    below = outline.below()
    return {frozenset(outline.facts.texts(below[c])) for c in outline.concepts}


@pytest.mark.usefixtures("tiles")
def test_a_plan_in_pieces_gives_the_same_tree_and_is_one_change(
    garden: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reorganize(garden)
    once = shape(garden)
    edit.undo(garden, whole.change)
    assert shape(garden) == set()
    monkeypatch.setattr(plan, "PIECE", 25)
    before = garden.cube.revision
    pieces = reorganize(garden)
    assert garden.cube.revision >= before + 5
    assert pieces.counts == whole.counts
    assert shape(garden) == once
    assert len(garden.cube.table.items(f"change = '{pieces.change}' AND level = 'fact'")) == 120
    (outline,) = outlines(garden.cube).values()
    assert set(outline.facts) | set(outline.nodes) == set(outline.vectors)
    assert check(garden).ok
    assert reorganize(garden).change is None
    edit.undo(garden, pieces.change)
    assert shape(garden) == set()
    assert check(garden).ok


def test_the_next_run_goes_on_where_one_ended_between_two_pieces(
    garden: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE", 25)
    commit, done = garden.cube.commit, []

    def ended(change: Change) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(change)
        return commit(change)

    monkeypatch.setattr(garden.cube, "commit", ended)
    with pytest.raises(KeyboardInterrupt):
        reorganize(garden)
    monkeypatch.setattr(garden.cube, "commit", commit)
    (outline,) = outlines(garden.cube).values()
    assert sum(id in outline.above for id in outline.facts) == 50
    placed = {id: outline.above[id] for id in outline.facts if id in outline.above}
    reorganize(garden)
    (outline,) = outlines(garden.cube).values()
    assert all(id in outline.above for id in outline.facts)
    assert sum(outline.above[id] == concept for id, concept in placed.items()) >= 40
    assert check(garden).ok


def test_what_changed_between_two_pieces_is_placed_by_another_plan(
    garden: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "PIECE", 25)
    commit, refused = garden.cube.commit, []

    def overtaken(change: Change) -> Any:
        if not refused and change.verb == "reorganize" and len(change.puts) == 25:
            refused.append(change.puts[0].id)
            edit.update(garden, change.puts[0].id, "The bank lends money at three per cent.")
        return commit(change)

    monkeypatch.setattr(garden.cube, "commit", overtaken)
    result = reorganize(garden)
    assert refused
    assert result.change
    (outline,) = outlines(garden.cube).values()
    assert outline.facts[refused[0]].memory.startswith("The bank")
    assert len(outline.above.keys() & set(outline.facts)) >= 118
    assert check(garden).ok
