"""Answers over more than fits in memory well: `operations/parts`, and the documents that are made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.output import Output
from memos_cli.location import CubeRef
from memos_cli.operations import add as adding
from memos_cli.operations import parts
from memos_cli.operations.add import add
from memos_cli.operations.browse import each_memory, list_memories
from memos_cli.operations.parts import Parts
from memos_cli.schema import Added, AddResult, Draft, Filters, plain
from memos_cli.session import open_session
from memos_cli.settings import Settings


def entries(count: int) -> list[Added]:
    return [Added(id=f"{n}", memory=f"Row {n}: 灯塔") for n in range(count)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten entries in memory, blocks of four."""
    monkeypatch.setattr(parts, "IN_MEMORY", 10)
    monkeypatch.setattr(parts, "BLOCK", 4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [0, 9, 10, 11, 14, 33])
def test_what_comes_out_is_what_went_in(count: int) -> None:
    came = Parts(Added)
    for start in range(0, count, 7):
        came.extend(entries(count)[start : start + 7])
    whole = came.whole()
    assert list(whole) == entries(count)
    assert len(whole) == count
    assert [whole[n] for n in range(count)] == entries(count)
    assert list(whole[-5:]) == entries(count)[-5:]
    assert isinstance(whole, tuple) is (count < 14)
    with pytest.raises(IndexError):
        whole[count]


@pytest.mark.usefixtures("small")
def test_two_readers_do_not_disturb_each_other() -> None:
    came = Parts(Added)
    came.extend(entries(30))
    pairs = list(zip(came.whole(), came.whole(), strict=True))
    assert pairs == list(zip(entries(30), entries(30), strict=True))


@pytest.mark.usefixtures("small")
def test_without_a_place_for_a_file_the_entries_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts.tempfile, "TemporaryFile", full)
    came = Parts(Added)
    came.extend(entries(30))
    came.extend(entries(3))
    assert came.whole() == (*entries(30), *entries(3))


@pytest.mark.usefixtures("small")
def test_the_document_of_a_long_answer_is_that_of_a_short_one(capsys: pytest.CaptureFixture[str]) -> None:
    came = Parts(Added)
    came.extend(entries(30))
    for result in (
        AddResult(change="c", added=came.whole()),
        AddResult(change="c", added=tuple(entries(30))),
    ):
        Output(json=True).emit(documents.added(result))
        assert plain(result)["added"] == [{"id": one.id, "memory": one.memory} for one in entries(30)]
    long, short = capsys.readouterr().out.splitlines()
    assert long == short == json.dumps(json.loads(short), ensure_ascii="灯" not in short)
    assert len(json.loads(long)["added"]) == 30


@pytest.mark.usefixtures("small")
def test_an_add_of_many_rows_names_each_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "BATCH", 10)
    drafts = [Draft(memory=f"The lamp of lighthouse number {n} was lit.") for n in range(45)]
    settings = Settings(home=tmp_path, embedder="hash:64", fsync=False)
    with open_session(
        CubeRef("c", tmp_path / "c", is_name=False), settings, write=True, create=True
    ) as session:
        first = add(session, drafts)
        again = add(session, drafts)
        stored = {item.id: item.memory for item in each_memory(session, Filters())}
        listed = list_memories(session, Filters(), limit=100).items
    assert [one.memory for one in first.added] == [draft.memory for draft in drafts]
    assert stored == {one.id: one.memory for one in first.added} == {i.id: i.memory for i in listed}
    assert [one.id for one in again.known] == [one.id for one in first.added]
    assert not again.added
