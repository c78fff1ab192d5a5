"""Questions for a time: those that name nothing else, and those about what held then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import OpenCube

from memos_cli.operations.add import add
from memos_cli.operations.search import DOUBTFUL, search
from memos_cli.retrieval.asked import read
from memos_cli.schema import Draft, Filters, Query, SearchResult
from memos_cli.session import Session

NOW = datetime(2026, 11, 27, 17, tzinfo=UTC)

NOTES = {
    "We planted the pear tree.": (3, 4),
    "Tomas lives in Utrecht.": (4, 11),
    "我们种了西红柿。": (4, 12),
    "The dentist said the crown is fine.": (5, 22),
    "Swam in the lake with Ana, as every spring.": (8, 11),
    "Tomas lives in Bergen.": (9, 1),
}


@pytest.fixture(params=["naive_text", "general_text"])
def noted(request: pytest.FixtureRequest, open_cube: OpenCube) -> Session:
    session = open_cube(request.param)
    for text, (month, day) in NOTES.items():
        add(session, [Draft(memory=text, said_at=datetime(2026, month, day, 12, tzinfo=UTC))])
    return session


def asked(session: Session, question: str, **how: object) -> SearchResult:
    return search(session, Query(text=question, now=NOW, **how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "months"),
    [
        ("What did I say in spring?", {3, 4, 5}),
        ("what happened last summer", {8}),
        ("Anything from March 2026?", {3}),
        ("四月我做了什么？", {4}),
    ],
)
def test_a_question_for_a_time_alone_is_held_to_it(noted: Session, question: str, months: set[int]) -> None:
    result = asked(noted, question)
    at = {text for text, (month, _) in NOTES.items() if month in months} - {"Tomas lives in Utrecht."}
    assert {hit.item.memory for hit in result.hits} == at
    assert all(hit.score >= DOUBTFUL for hit in result.hits)
    [note] = [note for note in result.notes if "a time alone" in note]
    assert "--without dates" in note
    assert not any("perhaps nothing here bears" in note for note in result.notes)


def test_what_else_is_asked_or_told_leaves_the_times_open(noted: Session) -> None:
    for question, how in (
        ("What did Ana do in spring?", {}),
        ("What did I plant in spring?", {}),
        ("what happened in 1999", {}),
        ("what happened last summer", {"without": frozenset({"dates"})}),
        ("what happened last summer", {"filters": Filters(since=datetime(2026, 3, 1, tzinfo=UTC))}),
    ):
        assert not any("a time alone" in note for note in asked(noted, question, **how).notes)


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("What did we talk about yesterday?", True),
        ("上周发生了什么事？", True),
        ("What did we talk about yesterday with the plumber?", False),
        ("上周谁生病了？", False),
        ("When was spring?", False),
        ("What did I do in May and in June?", False),
    ],
)
def test_what_names_a_time_alone(question: str, alone: bool) -> None:
    assert read(question, lambda names: [], NOW).time_alone is alone


def test_what_took_the_place_of_what_held_then_is_told(noted: Session) -> None:
    result = asked(noted, "Where did Tomas live in May 2026?")
    assert result.hits[0].item.memory == "Tomas lives in Bergen."
    [note] = [note for note in result.notes if "--as-of" in note]
    assert "--as-of 2026-05-31" in note
    then = Filters(as_of=datetime(2026, 5, 31, tzinfo=UTC))
    assert (
        asked(noted, "Where did Tomas live?", filters=then).hits[0].item.memory == "Tomas lives in Utrecht."
    )
    for question in ("Where did Tomas live in October 2026?", "When did Tomas live in Bergen in May 2026?"):
        assert not any("--as-of" in note for note in asked(noted, question).notes)
