"""`memos list`: by when it was said, whatever was done to the memories since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import OpenCube, add_texts
from test_reorganize import labelled, put

from memos_cli.operations.add import add
from memos_cli.operations.browse import list_memories
from memos_cli.operations.edit import pin
from memos_cli.operations.reorganize import reorganize
from memos_cli.schema import Draft, Filters
from memos_cli.session import Session
from memos_cli.stores import keyword_recency as recency

START = datetime(2026, 1, 1, tzinfo=UTC)


def texts(session: Session, filters: Filters | None = None, **more: int) -> list[str]:
    return [item.memory for item in list_memories(session, filters or Filters(), **more).items]


def pages(session: Session, size: int) -> list[str]:
    total = list_memories(session, Filters()).total
    return [text for offset in range(0, total, size) for text in texts(session, limit=size, offset=offset)]


def said(session: Session, *days: int) -> None:
    for day in days:
        add(session, [Draft(memory=f"The gauge was read, number {day}.", said_at=START + timedelta(day))])


def test_what_was_said_last_comes_first(session: Session) -> None:
    said(session, 3, 1, 4, 2)
    wanted = [f"The gauge was read, number {day}." for day in (4, 3, 2, 1)]
    assert texts(session) == wanted
    pin(session, [list_memories(session, Filters()).items[2].id])
    assert texts(session) == wanted
    assert texts(session, limit=2) == wanted[:2]
    assert texts(session, Filters(as_of=datetime(2026, 2, 1, tzinfo=UTC))) == wanted
    assert texts(session, Filters(until=START + timedelta(2, hours=1))) == wanted[2:]


@pytest.mark.parametrize("ties", [recency.TIES, 1])
def test_pages_are_whole_whatever_the_ties(
    session: Session, monkeypatch: pytest.MonkeyPatch, ties: int
) -> None:
    monkeypatch.setattr(recency, "TIES", ties)
    said(session, 5)
    many = add_texts(session, *(f"Sheep number {n} is white." for n in range(12)))
    said(session, 6)
    every = texts(session, limit=50)
    assert len(set(every)) == len(many) + 2
    assert every[:12] == [f"Sheep number {n} is white." for n in reversed(range(12))]
    for size in (1, 5, 13):
        assert pages(session, size) == every


def test_filing_changes_no_order(open_cube: OpenCube) -> None:
    session = open_cube("tree_text", embedder="static")
    put(session, *(text for subject, text in labelled() if subject in ("garden", "cat", "guitar", "编程")))
    before = texts(session, limit=500)
    assert reorganize(session).counts["placed"]
    assert texts(session, limit=500) == before
    assert pages(session, 7) == before
