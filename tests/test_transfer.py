"""Import of versions: what came stays whole, checks as sound, and can be undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import OpenCube, add_texts

from memos_cli.operations import browse, edit, maintain
from memos_cli.operations.add import add
from memos_cli.operations.transfer import BATCH, ImportResult, export, import_lines
from memos_cli.schema import Draft, Filters
from memos_cli.session import Session

MINE = "0197a000-0000-7000-8000-000000000001"
OLD = {"known_from": "2025-01-01T00:00:00Z", "known_to": "2025-06-01T00:00:00Z"}


def _take(session: Session, *lines: dict[str, object], **how: str) -> ImportResult:
    return import_lines(session, [json.dumps({"id": MINE, **line}) for line in lines], **how)  # type: ignore[arg-type]


def _said(session: Session, id: str = MINE) -> list[tuple[int, str]]:
    return [(item.version, item.memory) for item in browse.history(session, id).versions]


def _listed(session: Session) -> list[str]:
    return [item.memory for item in browse.list_memories(session, Filters()).items]


def _sound(session: Session) -> None:
    assert maintain.check(session).problems == ()


@pytest.fixture
def other(open_cube: OpenCube, tmp_path: Path) -> Session:
    return open_cube(path=tmp_path / "other")


@pytest.mark.parametrize("there", [True, False], ids=["there", "not there"])
def test_every_text_of_an_id_that_comes_twice_is_kept(there: bool, session: Session) -> None:
    if there:
        _take(session, {"memory": "first"})
        result = _take(session, {"memory": "second"}, {"memory": "third"}, on_conflict="replace")
    else:
        lines = ({"memory": text} for text in ("first", "second", "third"))
        result = _take(session, *lines, on_conflict="replace")
    assert result.skipped == ()
    assert _said(session) == [(1, "first"), (2, "second"), (3, "third")]
    _sound(session)
    edit.undo(session)
    assert _said(session)[-1] == (4, "first" if there else "third")
    assert _listed(session) == (["first"] if there else [])
    _sound(session)


def test_a_closed_version_without_a_current_one_is_named(session: Session) -> None:
    result = _take(session, {"memory": "old", **OLD}, {"memory": "x", "id": "another"})
    assert [(one.line, "closed version" in one.reason) for one in result.skipped] == [(1, True)]
    assert result.imported == 1
    _sound(session)


def test_a_closed_version_waits_for_a_current_one_of_a_later_batch(session: Session) -> None:
    rest = [{"memory": f"Note {n}", "id": f"note-{n}"} for n in range(BATCH)]
    now = {"memory": "new", "version": 2}
    assert (
        _take(session, {"memory": "old", **OLD}, *rest, now, {"memory": "older", **OLD}).imported == BATCH + 2
    )
    assert _said(session) == [(1, "old"), (2, "new")]
    _sound(session)


def test_histories_that_went_apart_do_not_mix(session: Session, other: Session) -> None:
    (id,) = add_texts(session, "Ana lives in Lisbon")
    import_lines(other, [json.dumps(line, default=str) for line in export(session, filters=Filters())])
    edit.update(session, id, "Ana lives in Porto")
    edit.update(other, id, "Ana lives in Rome")
    edit.update(other, id, "Ana lives in Faro")
    lines = [json.dumps(line) for line in export(other, filters=Filters(), history=True)]
    kept = import_lines(session, lines)
    assert [one.line for one in kept.skipped] == [1, 2, 3]
    assert [text for _, text in _said(session, id)] == ["Ana lives in Lisbon", "Ana lives in Porto"]
    taken = import_lines(session, lines, on_conflict="newer")
    assert taken.imported == 1
    assert ["another version" in one.reason for one in taken.skipped] == [True, True]
    assert _said(session, id)[-1] == (3, "Ana lives in Faro")
    _sound(session)


@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
def test_an_import_of_changed_memories_can_be_undone(history: bool, session: Session, other: Session) -> None:
    (id,) = add_texts(session, "Ana lives in Lisbon")
    edit.update(session, id, "Ana lives in Porto")
    import_lines(other, [json.dumps(line) for line in export(session, filters=Filters(), history=history)])
    edit.undo(other)
    assert _listed(other) == []
    edit.undo(other)
    assert _listed(other) == ["Ana lives in Porto"]
    _sound(other)


def test_a_version_number_that_leaves_none_for_the_next_is_refused(session: Session) -> None:
    result = _take(session, {"memory": "x", "version": 2**31 - 1})
    assert [one.reason for one in result.skipped] == ["its version 2147483647 leaves no number for the next"]


def test_a_line_that_ends_before_it_begins_or_says_nothing_is_skipped(session: Session) -> None:
    result = _take(
        session,
        {"id": "a", "memory": "Ana kept bees.", "valid_from": "2020-01-01", "valid_to": "2019-01-01"},
        {"id": "b", "memory": "\u200b\u2060 \ufeff"},
        {"id": "c", "memory": "Ana kept geese.", "valid_to": "2019-01-01"},
    )
    assert [(one.line, one.reason) for one in result.skipped] == [
        (1, "its valid_to lies before its valid_from"),
        (2, "it has no text under `memory`"),
    ]
    assert _listed(session) == ["Ana kept geese."]
    assert browse.find(session, "c").valid_from is None
    _sound(session)
    assert add(session, [Draft(memory="\u200b\u200d")]).skipped[0].reason == "the text is empty"
