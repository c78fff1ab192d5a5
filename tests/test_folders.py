"""Folders: what ignore rules leave out, and what adding one again says, keeps and archives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memos_cli.operations.add import add
from memos_cli.operations.browse import list_memories
from memos_cli.operations.edit import undo, update
from memos_cli.operations.feedback import feedback
from memos_cli.operations.origins import Origins
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import AddResult, Draft, Filters, Skipped, Source
from memos_cli.session import Session


def written(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def names(root: Path, *given: Path) -> list[str]:
    found = read_paths(given or [root], ReadOptions())
    paths = [each.sources[0].path if isinstance(each, Draft) else each.source for each in found]
    return [os.path.relpath(str(path), root) for path in paths]


# Ignore rules


def test_what_git_and_memos_ignore_is_passed_over(tmp_path: Path) -> None:
    root = written(
        tmp_path / "r",
        {
            ".gitignore": "*.log\nbuild/\n!keep.log\n/top.txt\n# comment\n\ndraft-?.md\n",
            ".memosignore": "private/\n!draft-1.md\n",
            "a.md": "a",
            "x.log": "x",
            "keep.log": "k",
            "top.txt": "t",
            "in/top.txt": "t",
            "build/out.txt": "o",
            "in/build/out.txt": "o",
            "private/p.txt": "p",
            "draft-1.md": "1",
            "draft-2.md": "2",
            "in/.gitignore": "!*.log\nlocal.txt\n",
            "in/y.log": "y",
            "in/local.txt": "l",
            "node_modules/m/index.js": "m",
            "__pycache__/c.txt": "c",
            ".hidden/h.txt": "h",
            "~$plan.docx": "lock",
            "old~": "old",
        },
    )
    assert names(root) == ["a.md", "draft-1.md", "in/top.txt", "in/y.log", "keep.log"]


def test_rules_above_the_folder_count_inside_a_repository_alone(tmp_path: Path) -> None:
    files = {".gitignore": "*.log\n/docs/gen/\n", "docs/a.md": "a", "docs/b.log": "b", "docs/gen/c.md": "c"}
    loose = written(tmp_path / "loose", files)
    assert names(loose, loose / "docs") == ["docs/a.md", "docs/b.log", "docs/gen/c.md"]
    repository = written(tmp_path / "repo", {**files, ".git/HEAD": "ref"})
    assert names(repository, repository / "docs") == ["docs/a.md"]
    assert names(repository) == ["docs/a.md"]


def test_a_file_that_is_named_is_read_whatever_the_rules_say(tmp_path: Path) -> None:
    root = written(tmp_path, {".gitignore": "*.log", "x.log": "x"})
    assert names(root, root / "x.log") == ["x.log"]


def test_rules_that_are_none_stop_nothing(tmp_path: Path) -> None:
    root = written(tmp_path / "r", {".gitignore": "!\n[\n\\\n*.log\n", "a.md": "a", "b.log": "b"})
    (root / ".memosignore").write_bytes(b"\xff\xfe\n*.tmp\n")
    written(root, {"c.tmp": "c"})
    assert names(root) == ["a.md"]


# Adding again

Add = Callable[..., tuple[AddResult, Origins]]


@pytest.fixture
def again(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """`again(*roots, prune=False, **options)`: one `memos add --file ROOT …` in the folder of the test."""
    monkeypatch.chdir(tmp_path)

    def run(
        *roots: str | Path, prune: bool = False, dry_run: bool = False, **owner: str
    ) -> tuple[AddResult, Origins]:
        paths = [Path(root) for root in roots]
        origins = Origins(paths, dry_run=dry_run, **owner)
        origins.bind(session)
        options = replace(ReadOptions(**owner), call=origins.call)  # type: ignore[arg-type]
        result = add(session, origins.watch(read_paths(paths, options)), dry_run=dry_run)
        left = origins.left(result)
        if prune:
            archived, _ = origins.archive(left)
            return result.but(archived=archived), origins
        return result.but(notes=origins.notes(left)), origins

    return run


def texts(session: Session) -> list[str]:
    return sorted(item.memory for item in list_memories(session, Filters(), limit=100).items)


def test_only_what_changed_is_added_and_nothing_is_removed(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path / "notes", {"a.md": "One fact.\n\nTwo facts.", "b.txt": "Stays.", "c.txt": "Goes."})
    first, _ = again("notes")
    assert len(first.added) == 4
    assert not first.notes
    same, _ = again("notes")
    assert (len(same.added), len(same.known), same.notes) == (0, 4, ())
    written(tmp_path / "notes", {"a.md": "Zero facts.\n\nTwo facts."})
    (tmp_path / "notes/c.txt").unlink()
    changed, _ = again("notes")
    assert [one.memory for one in changed.added] == ["Zero facts."]
    assert changed.notes == (
        "notes/a.md changed: 1 memory of the earlier text is still there; "
        "`memos add --file notes --prune` archives it.",
        "notes/c.txt is gone: 1 memory of it is still there; `memos add --file notes --prune` archives it.",
    )
    assert texts(session) == ["Goes.", "One fact.", "Stays.", "Two facts.", "Zero facts."]


def test_pruning_archives_what_is_no_longer_there_and_can_be_undone(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path / "notes", {"a.md": "One fact.\n\nTwo facts.", "c.txt": "Goes."})
    again("notes")
    written(tmp_path / "notes", {"a.md": "Two facts."})
    (tmp_path / "notes/c.txt").unlink()
    planned, _ = again("notes", prune=True, dry_run=True)
    assert sorted(one.memory for one in planned.archived) == ["Goes.", "One fact."]
    assert texts(session) == ["Goes.", "One fact.", "Two facts."]
    done, _ = again("notes", prune=True)
    assert done.archived == planned.archived
    assert texts(session) == ["Two facts."]
    undo(session)
    assert texts(session) == ["Goes.", "One fact.", "Two facts."]


def test_a_preference_is_no_earlier_text_of_its_file_and_goes_with_what_told_of_it(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path / "notes", {"a.md": "I love jazz.\n\nTwo facts."})
    first, _ = again("notes")
    assert [one.memory for one in first.preferences] == ["I love jazz"]
    assert not first.notes
    assert again("notes")[0].notes == ()
    written(tmp_path / "notes", {"a.md": "Two facts."})
    done, _ = again("notes", prune=True)
    assert [one.memory for one in done.archived] == ["I love jazz."]
    assert texts(session) == ["Two facts."]


@pytest.mark.parametrize("by", ["update", "feedback"])
def test_a_correction_outlives_the_file_it_corrects(
    by: str, session: Session, tmp_path: Path, again: Add
) -> None:
    wrong, right = "The boiler runs at 1.5 bar.", "The boiler runs at 2 bar."
    written(tmp_path / "notes", {"a.md": f"{wrong}\n\nTwo facts."})
    (id,) = [one.id for one in again("notes")[0].added if one.memory == wrong]
    if by == "update":
        update(session, id, right)
    else:
        assert feedback(session, "The boiler runs at 2 bar, not 1.5 bar.").change
    same, _ = again("notes")
    assert [(one.id, one.reason) for one in same.known if one.memory == wrong] == [(id, "corrected since")]
    assert (same.added, same.updated, same.notes) == ((), (), ())
    assert texts(session) == [right, "Two facts."]
    undo(session)
    assert texts(session) == [wrong, "Two facts."]
    update(session, id, right)
    other = add(session, [Draft(memory=wrong, sources=(Source(type="document", path="elsewhere.md"),))])
    assert not other.known, "another file that says so is news"


def test_what_feedback_took_away_does_not_come_back_with_its_file(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path / "notes", {"a.md": "The gate code is 4711.\n\nTwo facts."})
    again("notes")
    assert feedback(session, "Forget the gate code.").change
    same, _ = again("notes")
    assert [one.reason for one in same.known if "gate" in one.memory] == ["withdrawn since"]
    assert texts(session) == ["Two facts."]


def test_a_file_that_says_again_what_it_said_before_is_believed(
    session: Session, tmp_path: Path, again: Add
) -> None:
    for content in ("The rent is 900 euros.", "The rent is 950 euros.", "The rent is 900 euros."):
        written(tmp_path / "notes", {"a.md": content})
        again("notes", prune=True)
    assert texts(session) == ["The rent is 900 euros."]


def test_a_file_named_by_itself_is_pruned_by_itself(session: Session, tmp_path: Path, again: Add) -> None:
    written(tmp_path / "notes", {"a.md": "One.", "b.md": "Two."})
    again("notes")
    (tmp_path / "notes/a.md").unlink()
    (tmp_path / "notes/b.md").unlink()
    done, _ = again("notes/b.md", prune=True)
    assert [one.memory for one in done.archived] == ["Two."]
    assert texts(session) == ["One."]


def test_one_file_has_one_name_from_wherever_it_is_named(
    session: Session, tmp_path: Path, again: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "notes", {"a.md": "One.\n\nTwo."})
    again("notes/a.md")
    monkeypatch.chdir(tmp_path / "notes")
    for name in ("a.md", "./a.md", "../notes/a.md", tmp_path / "notes/a.md"):
        result, _ = again(name)
        assert (len(result.known), result.change) == (2, None)
    written(tmp_path / "notes", {"a.md": "One."})
    done, _ = again("a.md", prune=True)
    assert [one.memory for one in done.archived] == ["Two."]


def test_another_file_of_the_same_name_is_another_file(
    session: Session, tmp_path: Path, again: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, text in (("one", "From one."), ("two", "From two.")):
        written(tmp_path / folder, {"notes.md": text})
        monkeypatch.chdir(tmp_path / folder)
        result, _ = again("notes.md", prune=True)
        assert not result.archived
    assert texts(session) == ["From one.", "From two."]
    paths = {item.sources[0].path for item in list_memories(session, Filters()).items}
    assert paths == {"notes.md", str(tmp_path / "two/notes.md")}


def test_where_nobody_knows_whose_a_name_is_nothing_is_pruned(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path, {"notes.md": "One.\n\nTwo."})
    again("notes.md")
    session.cube.layout.places.unlink()  # as in a cube that came from another machine
    written(tmp_path, {"notes.md": "Two.\n\nThree."})
    done, _ = again("notes.md", prune=True)
    assert not done.archived
    assert texts(session) == ["One.", "Three.", "Two."]


def test_what_has_another_source_or_another_owner_stays(session: Session, tmp_path: Path, again: Add) -> None:
    written(
        tmp_path / "notes", {"a.md": "In a file.\n\nSaid as well.\n\nIn two files.", "b.md": "In two files."}
    )
    again("notes")
    again("notes", user_id="anna")
    from memos_cli.schema import Source

    add(session, [Draft(memory="Said as well.", sources=(Source(type="chat", message_id="m1"),))])
    written(tmp_path / "notes", {"a.md": "New."})
    done, _ = again("notes", prune=True)
    assert [one.memory for one in done.archived] == ["In a file."]
    assert texts(session).count("In a file.") == 1  # Anna's


def test_a_file_that_could_not_be_read_whole_leaves_nothing_over(
    session: Session, tmp_path: Path, again: Add
) -> None:
    written(tmp_path, {"log.jsonl": '{"a": "one"}\n{"a": "two"}\n', "b.txt": "words"})
    again("log.jsonl", "b.txt")
    written(tmp_path, {"log.jsonl": '{"a": "one"}\n{"a": "tw'})
    (tmp_path / "b.txt").write_bytes(b"\xff\xff")
    result, _ = again("log.jsonl", "b.txt", prune=True)
    assert len(result.skipped) == 2
    assert not result.archived


def test_the_list_of_places_survives_a_torn_line(session: Session, tmp_path: Path, again: Add) -> None:
    written(tmp_path, {"a.md": "One.\n\nTwo."})
    again("a.md")
    with session.cube.layout.places.open("a") as file:
        file.write('{"path": "b.m')
    written(tmp_path, {"a.md": "Two."})
    done, _ = again("a.md", prune=True)
    assert [one.memory for one in done.archived] == ["One."]
    lines = session.cube.layout.places.read_text().splitlines()
    assert json.loads(lines[0]) == {"path": "a.md", "at": str(tmp_path / "a.md")}


def test_a_missing_file_that_was_never_added_is_only_named(tmp_path: Path, again: Add) -> None:
    result, _ = again("no-such-file.md", prune=True)
    assert result.skipped == (Skipped(source="no-such-file.md", reason="there is no such file"),)
    assert not result.archived
