"""Texts, standard input, files and folders: what is read, stamped, passed over and named."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memos_cli.errors import BadInput
from memos_cli.reader.files import STDIN, ReadOptions, read_paths, read_stdin, read_text
from memos_cli.reader.split import LONGEST
from memos_cli.schema import Draft, Kind, Skipped, Visibility

CHAT = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "name": "Bo", "content": "Hello"}]}'


def written(path: Path, content: str | bytes = "words") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(*paths: Path, options: ReadOptions | None = None) -> list[Draft | Skipped]:
    return list(read_paths(paths, options or ReadOptions()))


def stdin(content: bytes | str, options: ReadOptions | None = None) -> list[Draft | Skipped]:
    stream = io.StringIO(content) if isinstance(content, str) else io.BytesIO(content)
    return list(read_stdin(stream, options or ReadOptions()))


# One text


@pytest.mark.parametrize(
    "text", ["Anna likes tea.", "  two\n\nparagraphs ", "\x1b[31mred", "a" * 100_000, "👩‍👩‍👧"]
)
def test_a_text_is_one_memory_untouched(text: str) -> None:
    draft = read_text(text + "\n", ReadOptions())
    assert draft.memory == text
    assert draft.sources[0].type == "text"
    assert draft.sources[0].path is None


@pytest.mark.parametrize(
    ("text", "reason"), [("", "empty"), (" \n\t", "empty"), ("a\0b", "NUL"), ("a\udcff", "lone surrogate")]
)
def test_a_text_that_cannot_be_stored_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as caught:
        read_text(text, ReadOptions())
    assert caught.value.exit_code == 2


# What the caller says

GIVEN = ReadOptions(
    kind=Kind.WORKING,
    tags=("a", "b", "a"),
    key="K",
    user_id="u",
    session_id="s",
    agent_id="g",
    speaker="Anna",
    visibility=Visibility.PUBLIC,
    said_at=datetime(2026, 3, 14),
    external_id="x",
    info={"n": 1},
)


def test_options_are_stamped_on_every_draft(tmp_path: Path) -> None:
    one, two = read(written(tmp_path / "a.md", "# H\n\none\n\ntwo"), options=GIVEN)
    assert isinstance(one, Draft)
    assert isinstance(two, Draft)
    assert {n: getattr(one, n) for n in GIVEN.__dataclass_fields__ if hasattr(one, n)} == {
        "kind": "WorkingMemory",
        "tags": ("a", "b"),
        "key": "K > H",
        "user_id": "u",
        "session_id": "s",
        "agent_id": "g",
        "speaker": "Anna",
        "visibility": "public",
        "said_at": datetime(2026, 3, 14, tzinfo=UTC),
        "external_id": "x",
        "info": {"n": 1},
    }
    assert two.external_id == "x#2"


def test_what_a_file_says_wins(tmp_path: Path) -> None:
    chat = (
        '{"id": "own", "messages": [{"role": "user", "content": "Hi", "time": "2020-01-01"},'
        ' {"role": "assistant", "name": "Bo", "content": "Hello"}, {"role": "tool", "content": "42"}]}'
    )
    drafts = [
        each for each in read(written(tmp_path / "c.json", chat), options=GIVEN) if isinstance(each, Draft)
    ]
    assert {draft.session_id for draft in drafts} == {"own"}
    assert [draft.speaker for draft in drafts] == ["Anna", "Bo", "tool"]
    assert [draft.said_at and draft.said_at.year for draft in drafts] == [2020, 2026, 2026]
    assert {draft.kind for draft in drafts} == {Kind.WORKING}


# Standard input


def test_a_short_standard_input_is_one_memory() -> None:
    (draft,) = stdin(b"First.\n\nSecond.\n")
    assert isinstance(draft, Draft)
    assert draft.memory == "First.\n\nSecond."
    assert draft.sources[0].path is None


def test_a_long_standard_input_is_cut() -> None:
    drafts = stdin("\n\n".join(f"Paragraph {number}." for number in range(200)))
    assert len(drafts) == 200
    assert all(isinstance(draft, Draft) and draft.sources[0].path is None for draft in drafts)


@pytest.mark.parametrize(
    "chat", [CHAT, '{"role": "user", "content": "Hi"}\n{"role": "assistant", "content": "Hello"}\n']
)
def test_a_chat_is_recognised_on_standard_input(chat: str) -> None:
    for content in (chat, chat.encode(), b"\xef\xbb\xbf" + chat.encode(), chat.encode("utf-16")):
        drafts = stdin(content)
        assert [draft.memory for draft in drafts if isinstance(draft, Draft)] == ["Hi", "Hello"]
        assert {draft.session_id for draft in drafts if isinstance(draft, Draft)} == {STDIN}


def test_json_that_is_no_chat_is_a_short_text() -> None:
    (draft,) = stdin('{"a": 1}')
    assert isinstance(draft, Draft)
    assert draft.memory == '{"a": 1}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"a\xff", "byte 1 is not valid UTF-8"),
        (b"a\0b", "binary"),
        (b"a" * 9_000 + b"\xff", "byte 9000"),
        ("\udcff", "not valid UTF-8"),
    ],
)
def test_standard_input_that_cannot_be_read_is_named(content: bytes | str, reason: str) -> None:
    (skipped,) = stdin(content)
    assert isinstance(skipped, Skipped)
    assert skipped.source == STDIN
    assert reason in skipped.reason


def test_a_real_pipe_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        (draft,) = read_stdin(stream, ReadOptions())
    assert isinstance(draft, Draft)
    assert draft.memory == "through a pipe"


def test_a_file_that_is_a_pipe_of_the_shell_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a process")
    os.close(writing)
    try:
        (draft,) = read(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
    assert isinstance(draft, Draft)
    assert draft.memory == "from a process"


# Files and folders


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.txt"), written(tmp_path / "bad.json", "{")
    found = read(bad, tmp_path / "missing.txt", good)
    assert [type(each) for each in found] == [Skipped, Skipped, Draft]
    assert [each.source for each in found if isinstance(each, Skipped)] == [
        str(bad),
        str(tmp_path / "missing.txt"),
    ]
    assert isinstance(found[1], Skipped)
    assert found[1].reason == "there is no such file"


def test_a_relative_path_stays_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "in" / "chat.json", CHAT)
    monkeypatch.chdir(tmp_path)
    (relative, _), (absolute, _) = read(Path("in/chat.json")), read(tmp_path / "in/chat.json")
    assert isinstance(relative, Draft)
    assert isinstance(absolute, Draft)
    assert relative.sources[0].path == "in/chat.json"
    assert relative.session_id == absolute.session_id == "in/chat.json"


def test_a_folder_in_natural_order_without_what_nobody_wrote(tmp_path: Path) -> None:
    for name in [
        "turn 10.txt",
        "turn 2.txt",
        "Sub/b.txt",
        "a.txt",
        ".hidden",
        ".git/config",
        "node_modules/x.txt",
    ]:
        written(tmp_path / name, name)
    written(tmp_path / "sub2" / "__pycache__" / "x.txt")
    found = read(tmp_path)
    assert [each.memory for each in found if isinstance(each, Draft)] == [
        "a.txt",
        "Sub/b.txt",
        "turn 2.txt",
        "turn 10.txt",
    ]
    assert not [each for each in found if isinstance(each, Skipped)]


def test_links_are_not_followed_out_of_a_folder(tmp_path: Path) -> None:
    outside = written(tmp_path / "outside.txt", "secret")
    folder = tmp_path / "folder"
    written(folder / "a.txt", "inside")
    written(folder / ".data" / "real.txt", "behind")
    for name, target in [("out", outside), ("up", tmp_path), ("again", folder / "a.txt"), ("loop", folder)]:
        (folder / name).symlink_to(target)
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    (folder / "self").symlink_to(folder / "self")
    (folder / "shown").symlink_to(folder / ".data" / "real.txt")
    found = read(folder)
    assert [each.memory for each in found if isinstance(each, Draft)] == ["inside", "behind"]
    named = {Path(each.source).name: each.reason for each in found if isinstance(each, Skipped)}
    assert named == {
        **dict.fromkeys(("out", "up"), "it is a link that leaves the folder"),
        **dict.fromkeys(("gone", "self"), "it is a link to nothing"),
    }


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    assert read(tmp_path) == [Skipped(source=str(tmp_path), reason="the folder holds no file to read")]


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        found = [*read(tmp_path), *read(tmp_path / "fifo", Path("/dev/null"))]
    assert len(found) == 4
    assert all(isinstance(each, Skipped) and "not a file" in each.reason for each in found)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000, "", "a/b/c"])
def test_paths_that_cannot_be(tmp_path: Path, name: str) -> None:
    (found,) = read(tmp_path / "none" / name)
    assert isinstance(found, Skipped)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    written(tmp_path / "a.txt").chmod(0)
    (found,) = read(tmp_path / "a.txt")
    assert isinstance(found, Skipped)
    assert "permission" in found.reason


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    path = written(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")))
    (draft,) = read(path)
    assert isinstance(draft, Draft)
    assert draft.sources[0].path == f"{tmp_path}/caf\\xe9.txt"


def test_a_folder_a_thousand_levels_deep(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        (found,) = read(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # too deep for pytest's own clean-up
    assert isinstance(found, Skipped)


def test_progress_counts_bytes_and_never_goes_back(tmp_path: Path) -> None:
    total = 0
    for name in ("a.txt", "b.txt"):
        total += written(tmp_path / name, "word.\n\n" * 2_000).stat().st_size
    told: list[tuple[int, int | None]] = []
    list(read_paths([tmp_path], ReadOptions(), lambda done, whole: told.append((done, whole))))
    assert told[-1] == (total, total)
    assert sorted(told) == told
    assert len({done for done, _ in told}) > 2


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.txt", "a paragraph {}\n\n"),
        ("a.csv", "{},some words\n"),
        ("a.jsonl", '{{"role": "user", "content": "{}"}}\n'),
    ],
)
def test_large_files_are_read_in_bounded_memory(tmp_path: Path, name: str, line: str) -> None:
    path = written(tmp_path / name, "".join(map(line.format, range(100_000))))
    count = 0
    tracemalloc.start()
    try:
        for each in read_paths([path], ReadOptions()):
            count += isinstance(each, Draft)
            if count == 4_000:
                break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 4_000
    assert peak < 5_000_000


def test_a_long_line_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "word " * 2_000_000)
    tracemalloc.start()
    try:
        first = next(read_paths([path], ReadOptions()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(first, Draft)
    assert len(first.memory) <= LONGEST
    assert peak < 5_000_000
