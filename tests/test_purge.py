"""A purge leaves no word of a memory in the tree, and is no failure for words that others have."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import OpenCube, add_texts

from memos_cli.cube.check import check
from memos_cli.cube.overlay import PREFIX
from memos_cli.errors import IntegrityError
from memos_cli.operations import browse, edit, maintain
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.transfer import import_lines
from memos_cli.schema import Filters, Level
from memos_cli.session import Session

ROME = (
    "Ana went to Rome and ate gelato",
    "Ana went to Rome for the museum",
    "Ana went to Rome by train in May",
    "Ana saw Rome from the hill",
    "Ana missed the bus in Rome",
)


def _concepts(session: Session) -> list[str]:
    return [i.memory for i in browse.list_memories(session, Filters(levels=(Level.CONCEPT,))).items]


def _holds(session: Session, word: str) -> list[str]:
    return [p.name for p in session.cube.root.rglob("*") if p.is_file() and word.encode() in p.read_bytes()]


@pytest.fixture
def planted(open_cube: OpenCube) -> tuple[Session, list[str]]:
    session = open_cube(depth="tree_text")
    ids = add_texts(session, *ROME)
    reorganize(session)
    return session, ids


def test_a_concept_goes_with_a_memory_that_it_quotes(planted: tuple[Session, list[str]]) -> None:
    session, ids = planted
    (concept,) = _concepts(session)
    quoted = next(place for place, text in enumerate(ROME) if text in concept)
    result = edit.purge(session, [ids[quoted]])
    assert len(result.ids) == 2
    assert _holds(session, ROME[quoted]) == []
    assert _concepts(session) == []
    reorganize(session)
    assert len(_concepts(session)) == 1
    assert ROME[quoted] not in _concepts(session)[0]
    assert maintain.check(session).problems == ()


def test_a_concept_goes_with_a_memory_that_an_older_version_of_it_quotes(
    planted: tuple[Session, list[str]],
) -> None:
    session, ids = planted
    (concept,) = _concepts(session)
    quoted = next(place for place, text in enumerate(ROME) if text in concept)
    edit.update(session, browse.list_memories(session, Filters(levels=(Level.CONCEPT,))).items[0].id, "Rome")
    edit.purge(session, [ids[quoted]])
    assert _holds(session, ROME[quoted]) == []


def test_a_concept_stays_that_has_no_word_of_the_memory(planted: tuple[Session, list[str]]) -> None:
    session, ids = planted
    (concept,) = _concepts(session)
    other = next(place for place, text in enumerate(ROME) if text not in concept)
    assert edit.purge(session, [ids[other]]).ids == (ids[other],)
    assert _concepts(session) == [concept]
    assert _holds(session, ROME[other]) == []


@pytest.mark.parametrize("word", ["home", "LongTermMemory", "memory", "hash:64", "tester"])
def test_words_that_stand_in_other_fields_are_no_trace(word: str, session: Session) -> None:
    (id,) = add_texts(session, word)
    add_texts(session, "The key hangs at the door", tags=("home",))
    assert edit.purge(session, [id]).change is not None
    assert maintain.check(session).problems == ()


def test_a_file_that_has_the_text_is_a_trace(session: Session) -> None:
    (id,) = add_texts(session, "The quoll sleeps in the barn")
    (session.cube.root / "notes.txt").write_text("The quoll sleeps in the barn")
    with pytest.raises(IntegrityError, match=r"notes\.txt"):
        edit.purge(session, [id])


def test_a_purged_id_is_not_used_again(session: Session) -> None:
    (id,) = add_texts(session, "The quoll sleeps in the barn")
    edit.purge(session, [id])
    result = import_lines(session, [f'{{"id": "{id}", "memory": "The quoll is back"}}'])
    assert result.imported == 0
    assert "was purged here" in result.skipped[0].reason
    assert maintain.check(session).problems == ()


def test_what_a_killed_reader_left_goes_with_the_next_check_or_write(
    open_cube: OpenCube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It may have been searching, while the purge ran, a state in which the text was there.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    ours, theirs = (tmp_path / f"{PREFIX}{pid}-x" for pid in (os.getpid(), int(gone.stdout)))
    session = open_cube("naive_text")

    def left() -> None:
        for folder in (ours, theirs):
            folder.mkdir(exist_ok=True)
            (folder / "0.store").write_text("the gate code is 4711")

    left()
    check(session.cube)
    assert (ours.exists(), theirs.exists()) == (True, False)
    left()
    add_texts(open_cube("naive_text"), "The gate has a new code.")
    assert (ours.exists(), theirs.exists()) == (True, False)
