"""What was said otherwise since stands behind what holds now, in hits that a search found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import OpenCube

from memos_cli.operations.add import add
from memos_cli.operations.search import search
from memos_cli.operations.succession import newest_first
from memos_cli.schema import Draft, Filters, Hit, MemoryItem, Query, Relation

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def said(texts: list[str], who: str = "Ida") -> list[Draft]:
    return [
        Draft(memory=text, speaker=who, session_id=f"s{n}", said_at=MAY + timedelta(days=30 * n))
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("texts", "question"),
    [
        (["I live in Lisbon.", "I moved to Porto.", "I live in Rome now."], "In which town does Ida live?"),
        (["我住在北京。", "我搬到上海了。", "我现在住在广州。"], "Ida住在哪里？"),
    ],
)
def test_the_newest_turn_stands_first_and_no_turn_is_lost(
    open_cube: OpenCube, texts: list[str], question: str
) -> None:
    session = open_cube("general_text")
    add(session, said(texts))
    hits = search(session, Query(text=question)).hits
    assert [hit.item.memory for hit in hits] == texts[::-1]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].updated_by is None
    assert all(hit.updated_by in {one.item.id for one in hits} for hit in hits[1:])
    then = Query(text=question, filters=Filters(as_of=MAY + timedelta(days=45)))
    assert [hit.item.memory for hit in search(session, then).hits] == texts[1::-1]


def hit(id: str, score: float, day: int, *updates: str) -> Hit:
    relations = tuple(Relation(kind="update", target=target) for target in updates)
    said_at = MAY + timedelta(days=day)
    return Hit(item=MemoryItem(id=id, memory=id, said_at=said_at, relations=relations), score=score)


def order(hits: list[Hit]) -> list[str]:
    return [one.item.id for one in newest_first(hits)]


def test_only_what_another_hit_updates_moves() -> None:
    assert order([hit("a", 0.9, 1), hit("b", 0.8, 2), hit("c", 0.7, 3, "a"), hit("d", 0.6, 0)]) == [
        "c",
        "a",
        "b",
        "d",
    ]
    untouched = [hit("a", 0.9, 1, "elsewhere"), hit("b", 0.8, 2)]
    assert newest_first(untouched) == untouched


def test_time_decides_which_is_newer_whoever_has_the_relation() -> None:
    assert order([hit("early", 0.9, 1, "late"), hit("late", 0.5, 2)]) == ["late", "early"]


def test_a_circle_and_a_relation_to_itself_end() -> None:
    assert sorted(order([hit("a", 0.9, 1, "b", "a"), hit("b", 0.8, 1, "a")])) == ["a", "b"]
