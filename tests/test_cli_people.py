"""What people see on a terminal: histories, logs, tables, next steps; and that a pipe keeps every field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_cli_edge import on_terminal, run
from test_reorganize import labelled
from typer.testing import CliRunner, Result

from memos_cli.interfaces.cli.app import app
from memos_cli.interfaces.cli.output import Output, Table
from memos_cli.settings import SETTINGS

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    for name, value in {"HOME": tmp_path, "EMBEDDER": "hash:64", "ACTOR": "tester", "FSYNC": "false"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", str(value))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def memos(*words: str, **more: Any) -> Result:
    result = CliRunner().invoke(app, list(words), **more)
    assert result.exit_code == 0, result.output
    return result


def moved() -> str:
    """The id of a memory that was true of Porto, then of Lisbon."""
    memos("add", "Ana lives in Porto", "--id", "home", "--time", "2025-01-01")
    memos("add", "Ana lives in Lisbon", "--id", "home", "--time", "2026-03-01")
    found: str = json.loads(memos("list", "--json").stdout)["items"][0]["id"]
    return found


def test_a_list_in_a_pipe_says_when_it_was_said() -> None:
    memos("add", "The gate is green.", "--time", "2026-05-10")
    (line,) = memos("list").stdout.splitlines()
    assert line.split("\t")[1] == "2026-05-10T00:00:00Z"


def test_ids_of_suggestions_stand_whole_on_a_terminal() -> None:
    memos("add", "The plumber comes on 3 June 2026 to mend the kitchen tap.", "--time", "2026-05-10")
    id = json.loads(memos("list", "--json").stdout)["items"][0]["id"]
    code, shown = on_terminal("suggest", "--now", "2026-06-20")
    assert code == 0
    assert ID.findall(shown) == [id]
    (line,) = memos("suggest", "--now", "2026-06-20").stdout.splitlines()
    assert line.split("\t")[2] == id


def test_history_says_when_each_version_was_true() -> None:
    code, shown = on_terminal("history", moved())
    lines = [line.strip() for line in shown.splitlines()]
    assert code == 0
    assert lines[0] == "1 Ana lives in Porto"
    assert lines[1].startswith("valid from 2025-01-01 to 2026-03-01 · known from 2")
    assert lines[1].endswith(" · add by tester")
    assert lines[2] == "2 Ana lives in Lisbon"
    assert lines[3].startswith("valid from 2026-03-01 · known from 2")


def test_history_in_a_pipe_and_as_a_document_has_every_time() -> None:
    id = moved()
    first, second = (line.split("\t") for line in memos("history", id).stdout.splitlines())
    versions = json.loads(memos("history", id, "--json").stdout)["versions"]
    for line, version in zip((first, second), versions, strict=True):
        assert line == [
            str(version["version"]),
            *(version[name] or "" for name in ("known_from", "valid_from", "valid_to", "verb", "status")),
            version["memory"],
            version["actor"],
            "",
        ]
    assert first[2:4] == ["2025-01-01T00:00:00Z", "2026-03-01T00:00:00Z"]
    assert second[3] == ""


def test_an_archived_version_says_so_and_one_without_times_keeps_still() -> None:
    memos("add", "The gate is green.")
    id = json.loads(memos("list", "--json").stdout)["items"][0]["id"]
    memos("archive", id)
    _, shown = on_terminal("history", id)
    assert re.search(r"2 The gate is green\.\s+.*archive by tester · archived", shown)


def test_what_a_reorganization_changed_is_said_in_a_word(home: Path) -> None:
    memos("add", *(text for subject, text in labelled() if subject in ("garden", "cat")))
    memos("reorganize")
    listed = json.loads(memos("list", "--json").stdout)["items"]
    one = next(item for item in listed if item["parent"])
    above = json.loads(memos("get", one["parent"], "--json").stdout)["key"]
    second = memos("history", one["id"]).stdout.splitlines()[1].split("\t")
    assert second[-1] == f"filed under {above}"
    _, shown = on_terminal("history", one["id"])
    assert f"filed under {above}" in " ".join(shown.split())
    last = json.loads(memos("log", "--json").stdout)["changes"][0]
    placed = sum(bool(item["parent"]) for item in listed)
    assert (last["verb"], last["opened"] - last["nodes"]) == ("reorganize", placed)
    said = f"{placed} memories and {last['nodes']} node"
    assert memos("log").stdout.splitlines()[0].split("\t")[-1].startswith(f"sorted {said}")
    undone = memos("undo")
    assert f"Took back {said}" in undone.stderr


def test_the_log_shows_whole_ids_and_says_how_to_go_on() -> None:
    moved()
    code, shown = on_terminal("log", "-n", "1")
    assert code == 0
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d add by tester: Ana lives in Lisbon *\r?$", shown, re.M)
    lines = memos("log").stdout.splitlines()
    assert ID.findall(shown) == [lines[0].split("\t")[0]]
    assert "1 of 2; go on with --offset 1." in shown
    assert lines[0].split("\t")[2:] == ["add", "tester", "1", "1", "Ana lives in Lisbon"]


def test_the_log_says_which_memories_a_change_touched() -> None:
    long = "A story \n" * 40
    memos("add", long, *(f"{n} sheep jump over the gate {'abcdefgh'[n] * 9}." for n in range(7)))
    memos("add", "Something short.")
    (last, first) = json.loads(memos("log", "--json").stdout)["changes"]
    assert [one["memory"] for one in last["memories"]] == ["Something short."]
    assert len(first["memories"]) == 5
    assert (first["memories"][0]["memory"], first["opened"]) == (f"{long[:199]}…", 8)
    assert first["memories"][4]["memory"].startswith("3 sheep")
    listed = {one["id"] for one in json.loads(memos("list", "--json").stdout)["items"]}
    assert {one["id"] for one in first["memories"]} < listed
    said = memos("log", "--offset", "1").stdout.rstrip("\n").split("\t")[-1]
    assert said.startswith("A story A story")
    assert said.endswith("… + 7 more")
    assert len(said) < 100
    memos("purge", last["memories"][0]["id"], "--yes")
    purged = json.loads(memos("log", "--json").stdout)["changes"][0]
    assert [one["memory"] for one in purged["memories"]] == [""]
    assert memos("log", "-n", "1").stdout.rstrip("\n").endswith("\t(text removed)")


@pytest.mark.parametrize(
    ("change", "back", "gone"),
    [
        (("update", "ID", "The gate is red."), ["The gate is green."], ["The gate is red."]),
        (("archive", "ID"), ["The gate is green."], []),
        (("add", "A pond was dug."), [], ["A pond was dug."]),
    ],
    ids=["update", "archive", "add"],
)
def test_undo_says_what_came_back_and_what_went(
    change: tuple[str, ...], back: list[str], gone: list[str]
) -> None:
    memos("add", "The gate is green.")
    id = json.loads(memos("list", "--json").stdout)["items"][0]["id"]
    memos(*(id if word == "ID" else word for word in change))
    for dry in (("--dry-run",), ()):
        done = json.loads(memos("undo", *dry, "--json").stdout)
        assert [one["memory"] for one in done["back"]] == back
        assert [one["memory"] for one in done["gone"]] == gone
    memos("undo")  # the other way round
    told = memos("undo").stderr.splitlines()
    assert [line.partition(": ")[2] for line in told if line.startswith("Back: ")] == back
    assert [line.partition(": ")[2] for line in told if line.startswith("Gone: ")] == gone


def test_a_table_leaves_out_columns_that_hold_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("what", "id", "reason"), [("added", "1", ""), ("added", "2", None)])
    Output(color="always").emit({}, table)
    shown = capsys.readouterr().out
    assert "what" in shown
    assert "reason" not in shown
    Output().emit({}, table)
    assert capsys.readouterr().out == "added\t1\t\nadded\t2\t\n", "a pipe keeps its fields"


def test_ids_of_a_change_stand_alone() -> None:
    id = moved()
    _, shown = on_terminal("archive", id)
    assert shown.splitlines()[0].strip() == id
    assert "Archived 1 memory." in shown.splitlines()[1]
    assert on_terminal("config", "get", "text")[1].strip() == "general_text"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], ""),
        (["default"], ""),
        (["work"], " -c work"),
        (["-c", "work"], " -c work"),
        (["./my notes"], " -c './my notes'"),
    ],
)
def test_init_names_the_next_step(words: list[str], named: str) -> None:
    assert memos("init", *words).stderr == f'Put something in: `memos add{named} "…"`.\n'


def test_an_empty_cube_says_how_to_fill_it() -> None:
    memos("init")
    assert "`memos add` stores some" in memos("list").stderr
    assert memos("list", "--tag", "x").stderr == "No memory matches.\n"
    assert memos("list", "--offset", "3").stderr == "No memory matches.\n"


def test_help_without_a_topic_says_what_to_type() -> None:
    assert "`memos help TOPIC`" in memos("help").stderr


@pytest.mark.parametrize("words", [["config", "--help"], ["config", "set", "--help"]])
def test_help_in_a_pipe_is_plain(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: memos config")
    assert "│" not in done.stdout


def test_numbers_of_seconds_are_as_one_writes_them() -> None:
    assert memos("config", "get", "lock_timeout").stdout == "60\n"
    assert "lock_timeout\t60\tdefault\n" in memos("config", "list").stdout
    assert json.loads(memos("config", "get", "lock_timeout", "--json").stdout)["value"] == 60.0


def test_doctor_advises_only_where_something_is_to_be_done() -> None:
    checks = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)["checks"]
    assert {one["hint"] for one in checks if one["check"] in ("python", "disk", "numpy")} == {""}
