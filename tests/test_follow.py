"""Streams: lines stored while they come, broken ones named, nothing lost at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from memos_cli.operations import follow as following
from memos_cli.operations.browse import list_memories
from memos_cli.operations.follow import follow
from memos_cli.reader import stream
from memos_cli.reader.files import ReadOptions
from memos_cli.schema import AddResult, Filters, MemoryItem
from memos_cli.session import Session


def said(text: str, **more: Any) -> bytes:
    return json.dumps({"role": "user", "content": text, **more}).encode() + b"\n"


def stored(session: Session) -> list[MemoryItem]:
    return sorted(list_memories(session, Filters(), limit=1000).items, key=lambda item: item.id)


def run(session: Session, *pieces: bytes | float, **options: Any) -> tuple[list[AddResult], bool]:
    """What is answered to `pieces`, written one after another; numbers are pauses in seconds."""
    out, into = os.pipe()

    def write() -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                os.write(into, piece)
            else:
                time.sleep(piece)
        os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    answers: list[AddResult] = []
    whole = follow(session, out, ReadOptions(**options), answers.append)
    writer.join()
    os.close(out)
    return answers, whole


def test_turns_records_and_texts_are_stored_as_they_come(session: Session) -> None:
    answers, whole = run(
        session,
        b"\xef\xbb\xbf" + said("Hi."),
        b"\n",
        said("Hi."),
        said("Bye.", session_id="other"),
        b'{"level": "warn", "what": "disk"}\n',
        b"[2026-03-14] plain words\r\n",
        b"no end of line",
    )
    assert whole
    (answer,) = answers
    assert [one.memory for one in answer.added] == [
        *("Hi.", "Hi.", "Bye.", "level: warn\nwhat: disk", "[2026-03-14] plain words", "no end of line")
    ]
    turns = [item for item in stored(session) if item.memory == "Hi."]
    # Two equal turns are two, one after the other, said when they came.
    assert sorted(item.position for item in turns if item.position is not None) == [0, 1]
    assert all(item.said_at for item in turns)
    assert {item.session_id for item in turns} == {"standard input"}


def test_without_records_json_is_a_text_like_any_other(session: Session) -> None:
    lines = [b'{"memory": "x"}\n', b'{"level": "warn"}\n', b"{broken\n", said("Hi.")]
    out, into = os.pipe()
    os.write(into, b"".join(lines))
    os.close(into)
    assert follow(session, out, ReadOptions(), lambda answer: None, records=False)
    os.close(out)
    kept = ['{"memory": "x"}', '{"level": "warn"}', "{broken", "Hi."]
    assert sorted(item.memory for item in stored(session)) == sorted(kept)


def test_a_record_with_a_memory_is_that_memory(session: Session) -> None:
    run(session, b'{"memory": "The lamp is blue.", "room": "hall"}\n', b'{"memory": 3}\n')
    lamp, number = stored(session)
    assert (lamp.memory, lamp.info) == ("The lamp is blue.", {"line": 1, "room": "hall"})
    assert number.memory == "memory: 3"


def test_a_second_stream_goes_on_where_the_first_ended(session: Session) -> None:
    run(session, said("one"), session_id="s")
    run(session, said("two"), session_id="s")
    assert [(item.memory, item.position) for item in stored(session)] == [("one", 0), ("two", 1)]


def test_batches_end_after_a_time_or_a_number_of_lines(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SECONDS", 0.2)
    monkeypatch.setattr(following, "LINES", 3)
    answers, _ = run(session, b"a\nb\nc\nd\n", 0.8, b"e\n")
    assert [[one.memory for one in answer.added] for answer in answers] == [["a", "b", "c"], ["d"], ["e"]]


def test_broken_lines_are_named_and_the_others_go_in(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 100)
    monkeypatch.setattr(following, "LONGEST_LINE", 100)
    bad = [
        b"{broken\n",
        b"caf\xe9\n",
        b"a\0b\n",
        b"x" * 500 + b"\n",
        b'{"role": "user", "content": "\\ud83d"}\n',
    ]
    answers, whole = run(session, b"first\n", *bad, b"last\n")
    assert not whole
    skipped = [one for answer in answers for one in answer.skipped]
    assert [one.source for one in skipped] == [f"standard input:{number}" for number in range(2, 7)]
    assert all(one.reason.startswith(f"line {number}: ") for number, one in enumerate(skipped, start=2))
    assert [item.memory for item in stored(session)] == ["first", "last"]


def test_a_call_waits_for_its_result_and_is_stored_without_one_at_the_end(session: Session) -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in ("add", "lost")]
    line = json.dumps({"role": "assistant", "content": None, "tool_calls": calls}).encode() + b"\n"
    result = json.dumps({"role": "tool", "tool_call_id": "add", "content": "3"}).encode() + b"\n"
    run(session, line, result)
    assert [item.memory for item in stored(session)] == ["add({})\nResult: 3", "lost({})"]


def test_lines_that_came_before_the_stop_are_stored(session: Session) -> None:
    out, into = os.pipe()
    os.write(into, b"one\ntwo\nthree")
    answers: list[AddResult] = []
    assert follow(session, out, ReadOptions(), answers.append, stop=lambda: True)
    assert [one.memory for answer in answers for one in answer.added] == ["one", "two", "three"]
    os.close(into)
    os.close(out)


def test_nothing_at_all_is_no_failure(session: Session) -> None:
    assert run(session) == ([], True)


def process(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memos_cli", "add", "--follow", *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("words", "kept"), [((), 1), (("--no-judge",), 2)])
def test_what_is_followed_is_judged_unless_told_not_to(
    environment: dict[str, str], session: Session, words: tuple[str, ...], kept: int
) -> None:
    with process(environment, *words) as memos:
        _, complaints = memos.communicate("Anna lives in Oslo.\nAnna moved to Bergen.\n", timeout=60)
    assert memos.returncode == 0, complaints
    assert len(stored(session)) == kept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_everything_answered_stored(
    environment: dict[str, str], session: Session, number: signal.Signals
) -> None:
    with process(environment, "--jsonl", "-") as memos:
        assert memos.stdin is not None
        assert memos.stdout is not None
        memos.stdin.write('{"role": "user", "content": "first"}\n')
        memos.stdin.flush()
        answer = json.loads(memos.stdout.readline())
        assert [one["memory"] for one in answer["added"]] == ["first"]
        memos.stdin.write('{"role": "user", "content": "second"}\n')
        memos.stdin.flush()
        memos.send_signal(number)
        rest, complaints = memos.communicate(timeout=30)
    assert memos.returncode == 0, complaints
    told = [one["memory"] for line in rest.splitlines() for one in json.loads(line)["added"]]
    assert [item.memory for item in stored(session)] == ["first", *told] == ["first", "second"]


@pytest.mark.parametrize(
    "words", [["--follow", "text"], ["--follow", "--file", "a"], ["--follow", "--dry-run"], ["--follow", "--id", "x"], ["--prune", "text"]]
)  # fmt: skip
def test_what_makes_no_sense_beside_a_stream_is_refused(words: list[str]) -> None:
    import typer.testing

    from memos_cli.interfaces.cli.app import app

    result = typer.testing.CliRunner().invoke(app, ["add", *words])
    assert result.exit_code == 2
