"""The command line itself: what it offers, how it refuses, how a run ends, what it prints where."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from memos_cli import errors
from memos_cli.errors import MemoryNotFound
from memos_cli.interfaces.cli import app as command_line
from memos_cli.interfaces.cli import documents, help_topics, options, output
from memos_cli.interfaces.cli.app import COMMANDS, app, build
from memos_cli.interfaces.cli.output import Entries, Entry, Fields, Output, Table
from memos_cli.settings import SETTINGS

MEMOS = [sys.executable, "-m", "memos_cli"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path))
    return tmp_path


def memos(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MEMOS, *words], text=True, capture_output=True, timeout=60, check=False, **more)


def on_terminal(*words: str, answer: str = "", program: Sequence[str] = MEMOS) -> tuple[int, str]:
    """Exit code and everything shown when run on a terminal of 100 columns, with `answer` typed in."""
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([*program, *words], stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    if answer:
        os.write(parent, answer.encode())
    shown = b"".join(_chunks(parent))
    os.close(parent)
    return process.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux reports the end of a terminal as an input error
            return
        if not chunk:
            return
        yield chunk


# What is offered


def pages() -> Iterator[tuple[str, ...]]:
    """The words of every command that has a page of its own."""
    yield ()
    for name in COMMANDS:
        yield from (
            (name, *inner) for inner in [(), *((one,) for one in getattr(build(name), "commands", ()))]
        )


@pytest.mark.parametrize("words", list(pages()), ids=" ".join)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "rich"])
def test_help_names_every_value_by_one_word(
    words: tuple[str, ...], plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "is_plain", lambda: plain)
    shown = memos(*words, "--help", env={"COLUMNS": "200"}).stdout
    assert "Usage:" in shown
    # Python's names of types, braces around what must be given, bounds, alternatives.
    assert not re.search(r"<\w|\{|\bx[<>]=|[<>]=x|[A-Z]\|", shown), shown
    command = build(words[0]) if words else None
    for param in command.commands[words[1]].params if words[1:] else command.params if command else ():
        if not getattr(param, "is_flag", False) and not param.hidden:
            assert re.fullmatch(r"[A-Z]{1,12}", param.metavar or ""), param.name


@pytest.mark.parametrize(
    "words",
    [
        ("search", "x", "--rerank", ""),
        ("search", "x", "--mode", " "),
        ("search", "x", "--tag", "a", "--tag", ""),
        ("search", "x", "--since", ""),
        ("list", "--limit", ""),
        ("add", "x", "--file", ""),
        ("add", "x", "--user", ""),
        ("list", "--cube", ""),
        ("export", "--output", ""),
        ("init", "--embedder", ""),
    ],
    ids=lambda words: " ".join(words),
)
def test_an_option_without_a_value_is_named(words: tuple[str, ...]) -> None:
    result = memos(*words, "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    name = words[-2]
    assert (error["code"], error["message"]) == ("usage_error", f"The value of {name} is empty.")
    assert name in error["hint"]


def test_config_alone_lists_the_settings() -> None:
    for form in ((), ("--json",)):
        alone = memos("config", *form)
        assert alone.exit_code == 0, alone.output
        assert alone.stdout == memos("config", "list", *form).stdout
        assert "embedder" in alone.stdout


def test_export_to_a_bare_file_names_the_forms_there_are() -> None:
    result = memos("export", "my memories.jsonl")
    assert result.exit_code == 2
    assert "memos export --output 'my memories.jsonl'" in result.stderr
    assert "memos export > 'my memories.jsonl'" in result.stderr
    assert "FILE" not in memos("export", "--help").stdout.split("Options")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = build(name)
    first = (command.help or "").split("\n\n")[0]
    summary = COMMANDS[name].summary
    assert " ".join(first.split()).startswith(summary.rstrip(".")), first
    assert len(summary) < 72


def _leaves(name: str) -> list[Any]:
    command = build(name)
    return list(getattr(command, "commands", {"": command}).values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_common_options(name: str) -> None:
    for leaf in _leaves(name):
        spelled = [spelling for param in leaf.params for spelling in param.opts]
        assert {"-c", "--cube", "--json", "-q", "-v"} <= set(spelled)
        assert len(spelled) == len(set(spelled)), f"{name} spells an option twice"


FILTERS = "kind tag user session agent visibility status source since until as-of known-at"
CONTRACT = {
    "init": "text embedder",
    "add": "file kind tag key user agent session speaker visibility time id info allow-duplicates allow-future",
    "search": f"mode now explain max-tokens jsonl {FILTERS}",
    "list": f"limit offset jsonl {FILTERS}",
    "log": "jsonl",
    "export": f"vectors jsonl {FILTERS}",
    "import": "on-conflict dry-run",
    "purge": "yes dry-run",
    "undo": "dry-run",
    "repair": "dry-run yes",
    "reembed": "embedder dry-run yes",
    "deepen": "text dry-run yes",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_flags_that_scripts_rely_on(name: str) -> None:
    spelled = {spelling for param in build(name).params for spelling in param.opts}
    assert {f"--{flag}" for flag in CONTRACT[name].split()} <= spelled


def test_help_lists_every_command_without_importing_any() -> None:
    before = {name for name in sys.modules if ".cli.commands." in name}
    result = memos("--help")
    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert re.search(rf"^ +{name} +{re.escape(entry.summary[:30])}", result.stdout, re.MULTILINE)
    assert {name for name in sys.modules if ".cli.commands." in name} == before


def test_alone_it_shows_its_help() -> None:
    result = memos()
    assert result.exit_code == 0
    assert "Usage: memos" in result.stdout
    assert memos("-h").stdout.strip() == result.stdout.strip()


def test_version() -> None:
    result = memos("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"memos \d+\.\d+.*\n", result.stdout)


# How it refuses


def test_a_wrong_command_gets_a_suggestion() -> None:
    result = memos("serach", "x")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Did you mean search?" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "serach"],
        ["serach", "--json"],
        ["get", "--json"],
        ["--json", "search", "x", "-k", "0"],
        ["search", "x", "-k", "many", "--json"],
        ["search", "x", "--json", "--nonsense"],
        ["search", "", "--json"],
        ["search", "x", "--json", "--kind", "Nonsense"],
        ["search", "x", "--json", "--mode", "psychic"],
        ["search", "x", "--json", "--since", "someday soon"],
        ["search", "x", "--json", "--status", "purged"],
        ["add", "x", "--json", "--info", "{"],
        ["add", "x", "--json", "--info", "[1]"],
        ["add", "x", "--json", "--info", '{"a": NaN}'],
        ["add", "x", "--json", "--info", '{"a": 1e999}'],
        ["add", "x", "--json", "--info", '{"a": "\\ud800"}'],
        ["add", "x", "--json", "--info", '{"a":' * 65 + "1" + "}" * 65],
        ["add", "x", "--json", "--info", "[" * 5000],
        ["add", "\udcff", "--json"],
        ["add", "x", "--json", "--tag", "\udcff"],
        ["add", "x", "y", "--json", "--id", "one-for-two"],
        ["add", "x", "--json", "--time", "03/04/2026"],
        ["add", "--json", "-", "-"],
        ["purge", "x", "--json"],
        ["config", "get", "nonsense", "--json"],
        ["config", "set", "text", "deep", "--json"],
        ["config", "set", "embedder", "bogus", "--json"],
        ["config", "set", "embedder", "org/model", "--json"],
        ["config", "set", "openai_base_url", "notaurl", "--json"],
        ["config", "set", "llm_base_url", "http://", "--json"],
        ["config", "set", "text", "--json"],
        ["import", "--json", "--on-conflict", "fight"],
        ["import", "--json", "no-such-file"],
        ["help", "nonsense", "--json"],
        ["-c", "hf://org/name", "--json", "list"],
        ["-c", "", "--json", "list"],
        ["deepen", "--json"],
        ["deepen", "--json", "--text", "deep"],
    ],
)
def test_usage_errors_are_documents_too(words: list[str]) -> None:
    result = memos(*words)
    assert result.exit_code == 2, result.output
    document = json.loads(result.stdout)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "hint"}
    assert document["error"]["message"]
    assert result.stderr == ""


def test_without_json_an_error_is_two_lines_on_stderr() -> None:
    result = memos("search", "x", "--kind", "Nonsense")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: 'Nonsense' is not a kind; known: WorkingMemory")
    assert len(result.stderr.splitlines()) <= 2


def test_a_missing_cube_is_not_found(home: Path) -> None:
    result = memos("-c", str(home / "nowhere"), "list", "--json")
    assert result.exit_code == 3
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "cube_not_found"
    assert "memos init" in error["hint"]
    assert not (home / "nowhere").exists()


# How a run ends


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make `memos doctor` raise."""

    def doctor() -> None:
        """Look for trouble in this installation."""
        raise error

    monkeypatch.setattr("memos_cli.interfaces.cli.commands.doctor.doctor", doctor)


def test_a_known_error_has_its_code_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    _raising(monkeypatch, MemoryNotFound(id="42"))
    plain = memos("doctor")
    assert (plain.exit_code, plain.stdout) == (3, "")
    assert plain.stderr.splitlines() == [
        "Error: No memory has the id 42.",
        "  See `memos list` for the ids that are there.",
    ]
    assert json.loads(memos("doctor", "--json").stdout) == MemoryNotFound(id="42").document()


def test_an_interruption_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    _raising(monkeypatch, KeyboardInterrupt())
    result = memos("doctor")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.startswith("Interrupted.")
    assert json.loads(memos("doctor", "--json").stdout)["error"]["code"] == "interrupted"


def test_two_interruptions_in_a_row_are_130_and_leave_the_cube_whole(tmp_path: Path) -> None:
    """The embedder's threads are at work then; to wait for them ended in an abort (-6) now and then."""
    pieces = tmp_path / "pieces.csv"
    pieces.write_text("number,word\n" + "".join(f"{n},word{n}\n" for n in range(20_000)))
    assert run("init", str(tmp_path / "cube"), "--embedder", "minilm").returncode == 0
    words = [*MEMOS, "-c", str(tmp_path / "cube"), "add", "--file", str(pieces)]
    for pause in (0.0, 0.1):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
        assert process.returncode == 130, complaints
    assert run("-c", str(tmp_path / "cube"), "check").returncode == 0


def test_an_unknown_error_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _raising(monkeypatch, ZeroDivisionError("a defect"))
    result = memos("doctor", "--json")
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "internal_error"


def test_a_reader_that_leaves_early_is_no_trouble() -> None:
    process = subprocess.Popen(
        [*MEMOS, "help", "commands"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words", [["help", "commands"], ["help", "format", "--json"], ["--help"], ["add", "--help"]], ids=" ".join
)
def test_a_full_disk_behind_stdout_is_said(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([*MEMOS, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: The answer cannot be written")
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [
        (">&-", ["config", "list"], 0),
        (">&- 2>&- <&-", ["config", "list", "--json"], 0),
        ("2>&-", ["nonsense"], 2),
        ("2>/dev/full", ["nonsense"], 2),
        ("<&-", ["add", "-"], 2),
        ("<&-", ["add", "--follow"], 2),
        ("<&-", ["feedback", "-"], 2),
        ("<&-", ["config", "set", "cube", "-"], 2),
    ],
)
def test_closed_streams_are_no_defect(closed: str, words: list[str], code: int, tmp_path: Path) -> None:
    result = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *MEMOS, *words],
        env={**os.environ, "MEMOS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr


def test_as_a_module_and_under_an_ascii_locale() -> None:
    result = run("help", "search", env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert (result.returncode, result.stderr) == (0, "")


# What stands where


def test_json_before_and_after_the_command_is_the_same(home: Path) -> None:
    assert memos("--json", "config", "get", "cube").stdout == memos("config", "get", "cube", "--json").stdout


def test_jsonl_is_one_line() -> None:
    assert len(memos("--jsonl", "config", "list").stdout.splitlines()) == 1


def test_cube_before_and_after_the_command(home: Path) -> None:
    before = memos("-c", str(home / "x"), "list", "--json")
    after = memos("list", "--json", "-c", str(home / "x"))
    assert before.stdout == after.stdout
    assert str(home / "x") in before.stdout


def test_the_later_cube_wins(home: Path) -> None:
    result = memos("-c", str(home / "x"), "list", "--json", "-c", str(home / "y"))
    assert str(home / "y") in result.stdout


def test_text_for_people_cannot_drive_their_terminal() -> None:
    evil = "a\x1b]0;owned\x07b\x9bc\u202ed\u2066e\r\x08"
    assert output.clean(evil) == "a�]0;owned�b�c�d�e��"
    assert output.clean("tab\tand\nline, 中文 ünï 👍🏽") == "tab\tand\nline, 中文 ünï 👍🏽"


def test_lines_for_pipes_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    entry = Entry("1", "two\nlines\tand a tab", [], ("id", 0.5, "two\nlines\tand a tab"))
    Output().emit({}, Entries([entry]), Table(("a", "b"), [(None, True)]), Fields([("x", 1), ("none", None)]))
    assert capsys.readouterr().out == "id\t0.5000\ttwo lines and a tab\n\tyes\nx\t1\n"


def test_an_empty_list_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Output().emit({}, Table(("a",), [], empty="Nothing."))
    assert capsys.readouterr() == ("", "Nothing.\n")
    Output(quiet=True).emit({}, Table(("a",), [], empty="Nothing."))
    assert capsys.readouterr() == ("", "")


def test_json_takes_any_character(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).emit({"a": "ü\x1b\u2028"})
    assert json.loads(capsys.readouterr().out) == {"a": "ü\x1b\u2028"}
    Output(jsonl=True).emit({}, lines=[{"a": 1}, {"a": 2}])
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'


def test_on_a_terminal_people_get_tables() -> None:
    code, shown = on_terminal("config", "list")
    assert code == 0
    assert re.search(r"name\s+value\s+from", shown)
    code, shown = on_terminal("help", "concepts")
    assert code == 0
    assert "**" not in shown
    code, shown = on_terminal("--help")
    assert code == 0
    assert "╭─ Memories" in shown


def test_without_a_terminal_a_purge_insists_on_yes(home: Path) -> None:
    result = memos("purge", "x")
    assert result.exit_code == 2
    assert "--yes" in result.stderr


def test_on_a_terminal_a_purge_asks() -> None:
    code, shown = on_terminal("purge", "x", answer="n\n")
    assert code == 1
    assert "Remove this memory for good" in shown
    assert "Nothing was changed." in shown


def test_a_bar_appears_after_a_second_and_leaves_nothing() -> None:
    script = (
        "import time\n"
        "from memos_cli.interfaces.cli.output import Output\n"
        "with Output().progress() as progress:\n"
        "    time.sleep(2.5)\n"
        "    progress('storing', 50, 100)\n"
        "    time.sleep(0.2)\n"
        "Output().note('done')\n"
    )
    code, shown = on_terminal(program=[sys.executable, "-c", script])
    assert code == 0
    assert "working" in shown
    assert re.search(r"storing.*50%", shown)
    assert shown.rstrip().endswith("done")


def test_nobody_watching_means_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Output().progress() as progress:
        assert progress is None


def test_nothing_on_standard_input_is_nothing_to_add() -> None:
    result = run("add", "--json", stdin=subprocess.DEVNULL)
    assert result.returncode == 2
    assert "nothing to add" in result.stdout


# Reading what people type


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026", "2026-12-31T23:59:59.999999Z"),
        ("2026-02", "2026-02-28T23:59:59.999999Z"),
        ("march 2026", "2026-03-31T23:59:59.999999Z"),
        ("2026-03-14", "2026-03-14T23:59:59.999999Z"),
        ("14 March 2026", "2026-03-14T23:59:59.999999Z"),
        ("2026-03-14T09:30", "2026-03-14T09:30:00Z"),
        ("2026-03-14 00:00", "2026-03-14T00:00:00Z"),
        ("9999", "9999-12-31T23:59:59.999999Z"),
        ("December 9999", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_until_includes_the_day_it_names(text: str, last: str) -> None:
    assert documents.stamp(options.moment(text, end=True)) == last


def test_an_end_before_its_beginning_is_refused() -> None:
    memos("add", "The gate is open.")
    result = memos("search", "gate", "--since", "2025-06-01", "--until", "2024-01-01")
    assert result.exit_code == 2
    assert "--until 2024-01-01" in result.stderr
    assert "Exchange the two" in result.stderr
    assert memos("search", "gate", "--since", "2025-06-01", "--until", "2025-06-01").exit_code == 0


def test_words_for_times_count_from_the_given_moment() -> None:
    noon = options.moment("2026-03-14T12:00")
    assert documents.stamp(options.moment("yesterday", noon)) == "2026-03-13T00:00:00Z"
    assert documents.stamp(options.moment("yesterday", noon, end=True)) == "2026-03-13T23:59:59.999999Z"
    assert documents.stamp(options.moment("2 hours ago", noon, end=True)) == "2026-03-14T10:00:00Z"


def test_choices_are_read_kindly() -> None:
    from memos_cli.schema import Depth, Kind

    for word in ("LongTermMemory", "longtermmemory", "long-term", "LONG_TERM_MEMORY", "LongTerm"):
        assert options.choice(Kind, "kind", word) is Kind.LONG_TERM
    assert options.choice(Depth, "depth", "tree-text") is Depth.TREE


# Help


def test_every_page_has_a_heading_and_no_open_hole() -> None:
    listed = dict(help_topics.summaries())
    assert {"commands", "concepts", "errors", "format", "json", "search", "settings", "sizes", "time"} <= set(
        listed
    )
    for topic, summary in listed.items():
        text = help_topics.page(topic)
        assert text is not None
        assert text.startswith("# ")
        assert not [hole for hole in help_topics.TABLES if f"{{{{{hole}}}}}" in text]
        assert summary


def test_no_error_ends_in_two_full_stops() -> None:
    for reason in ("it is away.", "it is away", "wait…", "模型不在。"):
        told = errors.LLMFailed(name="gpt", reason=reason).message
        assert told == f"The language model gpt failed: {reason}" + ("" if reason[-1] in "…。." else ".")
    assert errors.UsageError(detail="Ends.").message == "Ends."


def test_the_error_page_names_every_error() -> None:
    page = help_topics.page("errors") or ""
    for cls in errors.tree():
        if not cls.__subclasses__():
            assert f"`{errors.code_of(cls)}`" in page
    for code in {cls.exit_code for cls in errors.tree()}:
        assert f"| {code} |" in page


def test_the_command_page_names_every_option() -> None:
    page = help_topics.page("commands") or ""
    for name in COMMANDS:
        for leaf in _leaves(name):
            for param in leaf.params:
                spelling = f"`{param.opts[0]}`" if param.param_type_name == "option" else param.metavar
                assert spelling in page


def test_the_settings_page_names_every_setting() -> None:
    page = help_topics.page("settings") or ""
    for setting in SETTINGS:
        assert all(f"`{name}`" in page for name in (setting.name, *setting.environment))


def test_pages_name_only_commands_that_exist() -> None:
    for topic in help_topics.topics():
        page = help_topics.page(topic) or ""
        for name in re.findall(r"`memos (?!-)([a-z]+)", page) + re.findall(
            r"^    memos ([a-z]+)", page, re.M
        ):
            assert name in COMMANDS, f"{topic}: memos {name}"


def test_a_command_is_a_topic_too() -> None:
    result = memos("help", "search")
    assert result.exit_code == 0
    assert memos("help", "undo").stdout.startswith("## memos undo")
    near = memos("help", "comands")
    assert near.exit_code == 2
    assert "Did you mean commands?" in near.stderr


# Settings


def test_config_writes_shows_and_hides(home: Path) -> None:
    assert memos("config", "set", "openai_api_key", "-", input="sk-0123456789abcdef\n").exit_code == 0
    assert memos("config", "set", "embedder", "static").exit_code == 0
    listed = memos("config", "list", "--json").stdout
    assert "sk-0123456789" not in listed
    settings = {one["name"]: one for one in json.loads(listed)["settings"]}
    assert settings["openai_api_key"]["value"] == "…cdef"
    assert settings["embedder"] == {
        "name": "embedder",
        "value": "static",
        "origin": f"config file {home / 'config.toml'}",
    }
    assert memos("config", "get", "embedder").stdout == "static\n"
    assert memos("config", "set", "embedder", "--unset").exit_code == 0
    assert memos("config", "get", "embedder").stdout == "minilm\n"


def test_a_setting_that_something_else_overrides_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_CUBE", "other")
    result = memos("config", "set", "cube", "mine")
    assert "MEMOS_CUBE wins" in result.stderr


def test_a_broken_config_file_stops_with_its_name(home: Path) -> None:
    (home / "config.toml").write_text("cube = ")
    result = memos("list")
    assert result.exit_code == 2
    assert "config.toml" in result.stderr
    assert memos("--help").exit_code == 0


def test_the_usage_error_class_is_typers() -> None:
    import typer

    assert issubclass(typer.BadParameter, command_line.CommandLineError)
    assert command_line.CommandLineError not in (Exception, BaseException)
