"""Every command on a real cube, as scripts use it: documents, exit codes, what stands on which stream."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llm_server import Script
from typer.testing import CliRunner, Result

from memos_cli.interfaces.cli import help_topics
from memos_cli.interfaces.cli.app import COMMANDS, app
from memos_cli.settings import SETTINGS

GATE = "The garden gate code is 4711."
LISBON = "Ana moved to Lisbon in March."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home of its own, with the embedder that starts fastest."""
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MEMOS_EMBEDDER", "static")
    monkeypatch.setenv("MEMOS_ACTOR", "tester")
    monkeypatch.setenv("MEMOS_FSYNC", "false")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def memos(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def document(*words: str, code: int = 0, **more: Any) -> Any:
    """The one JSON document on stdout of a command that ends with `code`."""
    result = memos(*words, "--json", **more)
    assert result.exit_code == code, result.output
    assert len(result.stdout.splitlines()) == 1
    return json.loads(result.stdout)


def ids(*texts: str) -> list[str]:
    """Ids of texts stored just now."""
    return [one["id"] for one in document("add", *texts)["added"]]


# add


def test_add_and_search_are_the_whole_set_up(home: Path) -> None:
    stored = memos("add", GATE)
    assert stored.exit_code == 0
    assert "Made the cube default" in stored.stderr
    assert stored.stdout.split("\t")[0] == "added"
    found = memos("search", "gate code")
    assert found.exit_code == 0
    line = found.stdout.splitlines()[0].split("\t")
    assert line[2] == GATE
    assert re.fullmatch(r"[0-9a-f-]{36}", line[0])
    assert 0 <= float(line[1]) <= 1


@pytest.mark.parametrize("there", [None, "empty"])
@pytest.mark.parametrize("words", [("add", GATE), ("import", "-")], ids=["add", "import"])
@pytest.mark.parametrize("cube", ["notes", "./made/notes"], ids=["name", "path"])
def test_a_cube_is_made_where_nothing_is_and_said_to_be(
    cube: str, words: tuple[str, ...], there: str | None, home: Path
) -> None:
    path = Path(cube) if "/" in cube else home / "cubes" / cube
    if there:
        path.mkdir(parents=True)
    result = memos(*words, "-c", cube, input=json.dumps({"memory": GATE}))
    assert result.exit_code == 0, result.output
    assert f"Made the cube notes at {path.absolute()}" in result.stderr
    assert document("search", "gate", "-c", cube)["hits"][0]["memory"] == GATE


@pytest.mark.parametrize("cube", ["notes", "./notes"], ids=["name", "path"])
def test_no_cube_is_made_among_other_things(cube: str, home: Path) -> None:
    path = Path(cube) if "/" in cube else home / "cubes" / cube
    path.mkdir(parents=True)
    (path / "mine.txt").write_text("mine")
    for dry in ((), ("--dry-run",)):
        error = document("add", GATE, "-c", cube, *dry, code=3)["error"]
        assert error["code"] == "cube_not_found"
        assert "Something else is there" in error["hint"]
    assert [file.name for file in path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["wet", "dry"])
@pytest.mark.parametrize("words", [("--file", "missing.txt"), ("-",), ("x", "--time", "2999-01-01")])
def test_no_cube_is_made_when_there_is_nothing_to_store(
    words: tuple[str, ...], dry: tuple[str, ...], home: Path
) -> None:
    for cube in ("notes", "./notes"):
        result = document("add", *words, *dry, "-c", cube, code=1, input="\0")
        assert result["added"] == []
        assert len(result["skipped"]) == 1
    assert not (home / "cubes").exists()
    assert not Path("notes").exists()


@pytest.mark.parametrize(
    "lines", ["", "\n", 'not json\n{"x": 1}\n', '{"memory": "old", "known_to": "2025-01-01T00:00:00Z"}']
)
def test_no_cube_is_made_for_lines_that_cannot_be_imported(lines: str, home: Path) -> None:
    bad = [number for number, line in enumerate(lines.splitlines(), 1) if line]
    result = document("import", "-", "-c", "notes", code=1 if bad else 0, input=lines)
    assert [one["line"] for one in result["skipped"]] == bad
    assert result["imported"] == 0
    assert not (home / "cubes").exists()


def test_what_can_be_stored_goes_into_the_new_cube_and_what_cannot_is_named(home: Path) -> None:
    Path("good.txt").write_text(LISBON)
    result = document("add", "--file", "missing.txt", "--file", "good.txt", "--file", "none.txt", code=1)
    assert [one["memory"] for one in result["added"]] == [LISBON]
    assert [one["source"] for one in result["skipped"]] == ["missing.txt", "none.txt"]


def test_a_dry_run_shows_what_a_new_cube_would_hold_and_makes_none(home: Path) -> None:
    for cube in ("notes", "./notes"):
        result = memos("add", GATE, GATE, LISBON, "--dry-run", "-c", cube)
        assert result.exit_code == 0, result.output
        assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["added", "added", "known"]
        assert "none was made (--dry-run)" in result.stderr
        dry = document("import", "-", "--dry-run", "-c", cube, input=json.dumps({"memory": GATE}))
        assert dry["imported"] == 1
    assert not (home / "cubes").exists()
    assert not Path("notes").exists()


def test_add_answers_added_and_known(home: Path) -> None:
    first = document("add", GATE, LISBON)
    assert [one["memory"] for one in first["added"]] == [GATE, LISBON]
    again = document("add", GATE)
    assert again["added"] == []
    assert again["known"][0]["id"] == first["added"][0]["id"]
    assert again["known"][0]["memory"] == GATE
    assert again["known"][0]["reason"]
    assert len(document("add", GATE, "--allow-duplicates")["added"]) == 1


def test_every_option_of_add_arrives(home: Path) -> None:
    line = "--kind preference --tag a --tag b --key k --user u --agent g --session s --speaker p"
    words = [
        *line.split(" "),
        "--visibility",
        "public",
        "--time",
        "2026-01-02",
        "--id",
        "x1",
        "--info",
        '{"n": [1, "ü"]}',
    ]
    item = document("get", document("add", "Tea, not coffee", *words)["added"][0]["id"])
    wanted = {
        "memory": "Tea, not coffee",
        "kind": "PreferenceMemory",
        "tags": ["a", "b"],
        "key": "k",
        "user_id": "u",
        "agent_id": "g",
        "session_id": "s",
        "speaker": "p",
        "visibility": "public",
        "said_at": "2026-01-02T00:00:00Z",
        "external_id": "x1",
        "info": {"n": [1, "ü"]},
        "actor": "tester",
        "verb": "add",
        "version": 1,
    }
    assert {name: item[name] for name in wanted} == wanted


def test_the_same_external_id_with_another_text_is_an_update(home: Path) -> None:
    first = document("add", "Ana lives in Porto", "--id", "home")["added"][0]["id"]
    updated = document("add", "Ana lives in Lisbon", "--id", "home")
    assert updated["added"] == []
    assert [one["id"] for one in updated["updated"]] == [first]
    assert document("get", first)["memory"] == "Ana lives in Lisbon"


def test_standard_input_is_read_for_a_dash_and_when_nothing_else_is_there(home: Path) -> None:
    assert document("add", "-", input="From a pipe")["added"][0]["memory"] == "From a pipe"
    assert document("add", input="Without a dash")["added"][0]["memory"] == "Without a dash"
    both = document("add", "A text", "-", input="and a pipe")
    assert [one["memory"] for one in both["added"]] == ["A text", "and a pipe"]


def test_nothing_in_a_pipe_is_no_memory(home: Path) -> None:
    result = memos("add", "--json", input="")
    assert result.exit_code in (1, 2)
    assert "error" in json.loads(result.stdout) or json.loads(result.stdout)["skipped"]


def test_files_and_folders(home: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# Garden\n\nThe gate sticks in winter.\n")
    (notes / "b.txt").write_text("Bruno is allergic to walnuts.\n")
    result = document("add", "--file", str(notes))
    assert {"The gate sticks in winter.", "Bruno is allergic to walnuts."} <= {
        one["memory"].splitlines()[-1] for one in result["added"]
    }
    assert document("add", "--file", str(notes))["added"] == []
    assert document("list", "--source", "b.txt")["total"] == 1


def test_a_broken_file_is_named_and_the_others_go_in(home: Path, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("Carla plays the cello.")
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing else")
    words = ("add", "--file", str(tmp_path / "bad.pdf"), "--file", str(tmp_path / "good.txt"))
    result = document(*words, code=1)
    assert len(result["added"]) == 1
    assert "bad.pdf" in result["skipped"][0]["source"]
    plain = memos(*words)
    assert plain.exit_code == 1
    assert "Skipped" in plain.stderr
    assert "bad.pdf" in plain.stderr


def test_a_missing_file_is_skipped_by_name(home: Path) -> None:
    result = document("add", "--file", "no-such-file", code=1)
    assert result["added"] == []
    assert "no-such-file" in result["skipped"][0]["source"]


def test_a_dry_run_stores_nothing(home: Path) -> None:
    ids(GATE)
    result = document("add", LISBON, "--dry-run")
    assert result["change"] is None
    assert document("list")["total"] == 1


def test_what_only_reads_makes_no_cube(home: Path, tmp_path: Path) -> None:
    for words in (
        ("search", "x"),
        ("list",),
        ("update", "0", "x"),
        ("archive", "0"),
        ("reindex",),
        ("undo",),
    ):
        error = document(*words, "-c", "./typo", code=3)["error"]
        assert error["code"] == "cube_not_found"
        assert "memos init" in error["hint"]
    assert not (tmp_path / "typo").exists()


def test_a_cube_by_path(home: Path, tmp_path: Path) -> None:
    made = document("init", "./here", "--text", "naive_text")
    assert made["path"] == str(tmp_path / "here")
    assert made["embedder"] is None
    document("add", GATE, "-c", "./here")
    assert document("-c", "here", "list")["total"] == 1, "a cube in this folder is found by its bare name"
    assert document("init", "./here", code=1)["error"]["code"] == "cube_exists"


# search


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A cube of a few memories with different facts about them, made once, and their ids by name."""
    texts = {
        "gate": (GATE, "--tag", "home", "--user", "ana", "--time", "2026-01-10"),
        "lisbon": (LISBON, "--tag", "travel", "--user", "ana", "--session", "s1", "--time", "2026-03-05"),
        "walnuts": ("Bruno is allergic to walnuts.", "--user", "bruno", "--kind", "UserMemory"),
    }
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("library")
        patch.setenv("MEMOS_HOME", str(folder))
        patch.setenv("MEMOS_EMBEDDER", "static")
        patch.setenv("MEMOS_FSYNC", "false")
        names = {name: document("add", *words)["added"][0]["id"] for name, words in texts.items()}
    return folder / "cubes" / "default", names


@pytest.fixture
def filled(library: tuple[Path, dict[str, str]], home: Path) -> dict[str, str]:
    """The library's cube, copied to be this test's default cube; ids by name."""
    cube, names = library
    shutil.copytree(cube, home / "cubes" / "default")
    return names


def test_the_shape_of_a_hit(filled: dict[str, str]) -> None:
    result = document("search", "gate code", "-k", "1")
    assert result["query"] == "gate code"
    assert result["notes"] == []
    (hit,) = result["hits"]
    assert {"id", "memory", "score", "kind", "created_at", "cube", "routes", "tags", "said_at"} <= set(hit)
    assert (hit["id"], hit["memory"], hit["cube"]) == (filled["gate"], GATE, "default")
    assert set(hit["routes"]) == {"keyword", "vector"}
    assert hit["routes"]["keyword"]["rank"] == 1
    assert "trace" not in result


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--tag", "home"], {"gate"}),
        (["--tag", "home", "--tag", "travel"], {"gate", "lisbon"}),
        (["--user", "ana", "--tag", "travel"], {"lisbon"}),
        (["--session", "s1"], {"lisbon"}),
        (["--kind", "user"], {"walnuts"}),
        (["--since", "2026-02-01", "--until", "2026-03-05"], {"lisbon"}),
        (["--until", "2026-02"], {"gate"}),
        (["--visibility", "public"], set()),
        (["--status", "archived"], set()),
        (["--status", "all"], {"gate", "lisbon", "walnuts"}),
    ],
)
@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_filters(filled: dict[str, str], words: list[str], names: set[str], mode: str) -> None:
    question = "gate Lisbon walnuts Ana Bruno"
    hits = document("search", question, "--mode", mode, *words)["hits"]
    assert {hit["id"] for hit in hits} == {filled[name] for name in names}
    listed = document("list", *words)
    assert {item["id"] for item in listed["items"]} == {filled[name] for name in names}
    assert listed["total"] == len(names)


def test_words_need_no_quotes_and_phrases_do(filled: dict[str, str]) -> None:
    assert document("search", "gate", "code")["query"] == "gate code"
    assert document("search", '"gate code"', "--mode", "keyword")["hits"][0]["id"] == filled["gate"]
    assert document("search", '"code gate"', "--mode", "keyword")["hits"] == []


def test_no_hit_is_no_failure(filled: dict[str, str]) -> None:
    result = memos("search", "zeppelin", "--mode", "keyword")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing found" in result.stderr


def test_explain_shows_the_routes(filled: dict[str, str]) -> None:
    assert document("search", "gate code", "--explain")["trace"]
    plain = memos("search", "gate code", "--explain", "-k", "1").stdout.splitlines()
    assert plain[0].split("\t")[2] == GATE
    assert len(plain[0].split("\t")) == 7


def test_streams_are_lines(filled: dict[str, str]) -> None:
    for words in (["search", "gate"], ["list"], ["log"], ["export"]):
        lines = memos(*words, "--jsonl").stdout.splitlines()
        assert len(lines) >= 1
        assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_budget_of_tokens(filled: dict[str, str]) -> None:
    few = document("search", "gate Lisbon walnuts", "--max-tokens", "12")["hits"]
    assert 1 <= len(few) < 3


# looking at it


def test_list_pages_through_everything(filled: dict[str, str]) -> None:
    first = document("list", "--limit", "2")
    second = document("list", "--limit", "2", "--offset", "2")
    assert first["total"] == second["total"] == 3
    assert {item["id"] for item in first["items"] + second["items"]} == set(filled.values())
    assert "go on with --offset 2" in memos("list", "-n", "2").stderr


def test_get_takes_the_beginning_of_an_id(filled: dict[str, str]) -> None:
    assert memos("get", filled["gate"]).stdout.startswith(f"memory\t{GATE}\n")
    assert document("get", "no-such-id", code=3)["error"]["code"] == "memory_not_found"


# changing it


def test_update_history_and_undo(filled: dict[str, str]) -> None:
    gate = filled["gate"]
    changed = document("update", gate, "The garden gate code is 1234.")
    assert changed["ids"] == [gate]
    versions = document("history", gate)["versions"]
    assert [version["version"] for version in versions] == [1, 2]
    assert versions[0]["memory"] == GATE
    assert versions[0]["known_to"] is not None
    assert document("log")["changes"][0]["id"] == changed["change"]
    planned = document("undo", "--dry-run")
    assert (planned["change"], planned["ids"]) == (None, [gate])
    taken = planned["undone"]
    assert (taken["change"], taken["verb"], taken["time"][:2]) == (changed["change"], "update", "20")
    assert f"It was the change {changed['change']}: update, 20" in memos("undo", "--dry-run").stderr
    assert document("undo", changed["change"])["ids"] == [gate]
    assert document("get", gate)["memory"] == GATE
    assert document("undo", "no-such-change", code=3)["error"]["code"] == "change_not_found"


def test_update_from_a_pipe(filled: dict[str, str]) -> None:
    assert memos("update", filled["gate"], "-", input="The gate is open.\n").exit_code == 0
    assert document("get", filled["gate"])["memory"] == "The gate is open."
    assert document("update", filled["gate"], " ", code=2)["error"]["code"] == "usage_error"


def test_archive_hides_and_unarchive_shows(filled: dict[str, str]) -> None:
    assert document("archive", filled["gate"], filled["lisbon"])["ids"] == [filled["gate"], filled["lisbon"]]
    assert document("list")["total"] == 1
    assert document("list", "--status", "archived")["total"] == 2
    assert document("unarchive", filled["gate"])["ids"] == [filled["gate"]]
    assert document("search", "gate code", "--mode", "keyword")["hits"][0]["id"] == filled["gate"]


def test_purge_leaves_nothing(filled: dict[str, str], home: Path) -> None:
    assert document("purge", filled["gate"], "--dry-run")["change"] is None
    assert document("purge", filled["gate"], "--yes")["ids"] == [filled["gate"]]
    assert document("get", filled["gate"], code=3)["error"]["code"] == "memory_not_found"
    assert document("search", "4711", "--mode", "keyword", "--status", "all")["hits"] == []
    for file in (home / "cubes" / "default").rglob("*"):
        if file.is_file():
            # Not the number alone: it stands in one of some hundred random ids.
            assert not re.search(rb"garden|code is 4711", file.read_bytes())
    assert document("undo", code=1)["error"]["code"] == "nothing_to_undo"


def test_what_was_true_and_what_was_known(home: Path) -> None:
    memos("add", "Ana lives in Porto", "--id", "home", "--time", "2025-01-01")
    memos("add", "Ana lives in Lisbon", "--id", "home", "--time", "2026-03-01")
    assert document("search", "Ana lives", "--as-of", "2025-06-01")["hits"][0]["memory"].endswith("Porto")
    assert document("search", "Ana lives", "--as-of", "2026-06-01")["hits"][0]["memory"].endswith("Lisbon")
    assert document("search", "Ana lives", "--known-at", "2020-01-01")["hits"] == []


# its health


def test_a_sound_cube_checks_out(filled: dict[str, str]) -> None:
    result = document("check")
    assert result["ok"] is True
    assert result["problems"] == []
    assert isinstance(result["revision"], int)
    for command in ("reindex", "compact", "unlock"):
        assert memos(command).exit_code == 0
    assert document("repair", "--dry-run") is not None
    assert document("list")["total"] == 3


def test_deepen_and_reembed(home: Path) -> None:
    document("init", "plain", "--text", "naive_text")
    document("add", GATE, "-c", "plain")
    document("deepen", "--text", "general_text", "-c", "plain", "--yes")
    assert document("search", "entrance number", "--mode", "vector", "-c", "plain")["hits"]
    document("reembed", "--embedder", "hash:", "-c", "plain", "--yes")
    assert document("stats", "-c", "plain")["embedder"].startswith("hash")
    assert document("check", "-c", "plain")["ok"]


def test_doctor_finds_its_way(home: Path) -> None:
    result = memos("doctor", "--json")
    assert result.exit_code in (0, 1)
    assert isinstance(json.loads(result.stdout), dict)


# moving it


def test_export_and_import_give_the_same_memories(filled: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    assert document("export", "-o", str(file))["exported"] == 3
    first = document("import", str(file), "-c", "copy")
    again = document("import", str(file), "-c", "copy")
    counts = ("imported", "known", "skipped")
    assert [first[name] for name in counts] == [3, 0, []]
    assert [again[name] for name in counts] == [0, 3, []]
    copied = {item["id"]: item["memory"] for item in document("list", "-c", "copy")["items"]}
    assert copied == {item["id"]: item["memory"] for item in document("list")["items"]}
    assert len(document("export")["items"]) == 3
    assert len(memos("export", "--tag", "home").stdout.splitlines()) == 1


def test_import_names_the_lines_it_skips(home: Path) -> None:
    lines = '{"memory": "one"}\nnot json\n{"text": "no memory"}\n\n{"memory": "two"}\n'
    result = document("import", code=1, input=lines)
    assert result["imported"] == 2
    assert [one["line"] for one in result["skipped"]] == [2, 3]
    plain = memos("import", "-", input=lines.encode() + b'{"memory": "\xff"}\n')
    assert plain.exit_code == 1
    assert "Skipped line 2" in plain.stderr
    assert "Skipped line 6" in plain.stderr


def test_an_export_that_cannot_be_written_leaves_nothing(filled: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "missing" / "all.jsonl"
    assert document("export", "-o", str(target), code=1)["error"]["code"] == "storage_error"
    assert not list(tmp_path.glob(".all*"))


# the shape of every document


OPEN = {"kinds", "statuses", "languages", "bytes", "routes", "info", "counts", "trace", "holder"}
OPEN |= {"interval", "categories", "levels", "dropped"}
"""Keys whose value is an object with keys of its own choosing."""
EXCERPTS = {"items", "versions", "memories"}
"""Lists whose elements the page shows in part, since `memos get` shows them whole."""


def _documented() -> Iterator[tuple[str, Any]]:
    page = help_topics.page("json") or ""
    for title, block in re.findall(r"^## memos ([^\n]+)\n.*?```json\n(.*?)\n```", page, re.S | re.M):
        for name in re.split(r", ", title):
            yield name, json.loads(block)


def _same_shape(example: Any, real: Any, place: str, whole: bool = True) -> list[str]:
    if example is None or real is None:
        return []
    if isinstance(example, bool) or isinstance(real, bool):
        return [] if isinstance(example, bool) and isinstance(real, bool) else [f"{place}: {real!r}"]
    if isinstance(example, (int, float)) and isinstance(real, (int, float)):
        return [] if isinstance(example, float) or isinstance(real, int) else [f"{place}: {real!r}"]
    if type(example) is not type(real):
        return [f"{place}: {type(real).__name__}, documented as {type(example).__name__}"]
    if isinstance(example, list):
        if not example or not real:
            return []
        whole = place.rpartition(".")[2] not in EXCERPTS
        return _same_shape(example[0], real[0], f"{place}[]", whole)
    if isinstance(example, dict) and place.rpartition(".")[2] not in OPEN:
        differ = set(example) ^ set(real) if whole else set(example) - set(real)
        found = [f"{place}: {name} is in one of the two only" for name in sorted(differ)]
        return found + [
            problem
            for name in set(example) & set(real)
            for problem in _same_shape(example[name], real[name], f"{place}.{name}")
        ]
    return []


def _deepened(words: list[str]) -> list[str]:
    """The command, on a cube that has a graph from now on."""
    memos("deepen", "--text", "tree_text", "--yes")
    return words


SCRIPTS: dict[str, Callable[[dict[str, str], Path], list[str]]] = {
    "init": lambda ids, tmp: ["init", "another"],
    "add": lambda ids, tmp: ["add", "Something new", GATE, "--file", str(tmp / "none")],
    "search": lambda ids, tmp: ["search", "gate code"],
    "refine": lambda ids, tmp: ["refine", "--dry-run"],
    "list": lambda ids, tmp: ["list"],
    "get": lambda ids, tmp: ["get", ids["gate"]],
    "history": lambda ids, tmp: ["history", ids["gate"]],
    "update": lambda ids, tmp: ["update", ids["gate"], "The gate is open."],
    "feedback": lambda ids, tmp: ["feedback", "It should be 4712", "--on", ids["gate"], "--yes"],
    "archive": lambda ids, tmp: ["archive", ids["gate"]],
    "unarchive": lambda ids, tmp: ["unarchive", ids["gate"]],
    "pin": lambda ids, tmp: ["pin", ids["gate"]],
    "unpin": lambda ids, tmp: ["unpin", ids["gate"]],
    "balance": lambda ids, tmp: ["balance"],
    "preferences": lambda ids, tmp: ["preferences"],
    "purge": lambda ids, tmp: ["purge", ids["gate"], "--yes"],
    "undo": lambda ids, tmp: ["undo"],
    "log": lambda ids, tmp: ["log"],
    "reorganize": lambda ids, tmp: ["reorganize"],
    "maintain": lambda ids, tmp: ["maintain"],
    "reflect": lambda ids, tmp: ["reflect", "--llm", "openai:m"],
    "suggest": lambda ids, tmp: ["suggest"],
    "tree": lambda ids, tmp: ["tree"],
    "graph": lambda ids, tmp: ["graph", ids["gate"]],
    "cypher": lambda ids, tmp: _deepened(["cypher", "RETURN 1 AS one"]),
    "stats": lambda ids, tmp: ["stats"],
    "tools": lambda ids, tmp: ["tools"],
    "check": lambda ids, tmp: ["check"],
    "repair": lambda ids, tmp: ["repair", "--yes"],
    "reindex": lambda ids, tmp: ["reindex"],
    "compact": lambda ids, tmp: ["compact"],
    "reembed": lambda ids, tmp: ["reembed", "--embedder", "hash:", "--yes"],
    "deepen": lambda ids, tmp: ["deepen", "--text", "tree_text", "--yes"],
    "unlock": lambda ids, tmp: ["unlock"],
    "export": lambda ids, tmp: ["export", "-o", str(tmp / "out.jsonl")],
    "import": lambda ids, tmp: ["import", str(tmp / "in.jsonl")],
    "eval": lambda ids, tmp: ["eval", "prefeval", str(tmp / "food.json")],
    "usage": lambda ids, tmp: ["usage"],
    "config get": lambda ids, tmp: ["config", "get", "cube"],
    "config set": lambda ids, tmp: ["config", "set", "cube", "default"],
    "cron install": lambda _, __: ["cron", "install", "--with", "crontab", "--print"],
    "cron list": lambda _, __: ["cron", "list"],
    "cron remove": lambda _, __: ["cron", "remove", "--all"],
    "config list": lambda ids, tmp: ["config", "list"],
    "doctor": lambda ids, tmp: ["doctor"],
    "help": lambda ids, tmp: ["help"],
}


def test_every_command_is_documented_with_an_example() -> None:
    documented = {name for name, _ in _documented()}
    assert documented == set(SCRIPTS)
    assert {name.split()[0] for name in documented} == set(COMMANDS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_documents_are_what_the_page_says(
    name: str,
    filled: dict[str, str],
    tmp_path: Path,
    home: Path,
    llm_server: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEMOS_LLM_BASE_URL", llm_server.url)
    insight = {"text": "Ana moved to Lisbon and keeps the garden gate code.", "lines": [1, 2]}
    llm_server.otherwise = lambda request: {"insights": [insight, insight | {"lines": [1]}]}
    (tmp_path / "in.jsonl").write_text('{"memory": "one"}\nbroken\n')
    call = '{"at": "2026-03-14T10:00:00+00:00", "model": "openai:m", "verb": "add", '
    (home / "usage.jsonl").write_text(call + '"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.5}\n')
    (tmp_path / "food.json").write_text('[{"preference": "I eat no nuts.", "question": "Which cake?"}]')
    example = dict(_documented())[name]
    result = memos(*SCRIPTS[name](filled, tmp_path), "--json")
    assert result.exit_code in (0, 1), result.output
    assert _same_shape(example, json.loads(result.stdout), name) == []


# many at once


def test_a_search_is_answered_while_another_process_writes(filled: dict[str, str], home: Path) -> None:
    lock = home / "cubes" / "default" / ".memos" / "lock"
    holder = "import fcntl,sys,time; f=open(sys.argv[1],'a+'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holder, str(lock)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            assert document("search", "gate code")["hits"][0]["id"] == filled["gate"]
            os.environ["MEMOS_LOCK_TIMEOUT"] = "0.2"
            error = document("add", "Blocked", code=5)["error"]
            assert error["code"] == "busy"
        finally:
            os.environ.pop("MEMOS_LOCK_TIMEOUT", None)
            process.kill()
    deadline = time.monotonic() + 30
    while memos("add", "Not blocked any more").exit_code == 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert document("list")["total"] == 4
