"""The README says what is so: its tour prints what it shows, its commands exist, CI runs its test command.

Does not cover the figures, which `scripts/bench_cube.py` prints, nor the example (`test_example`).
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tour() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_tour", ROOT / "scripts" / "write_tour.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sentences(printed: str) -> list[str]:
    """The memories among what a search prints on a terminal, their lines joined."""
    found = re.findall(r"^ \d\.\d\d (.*\n(?:      (?!.* · ).*\n)*)", printed, re.M)
    return [" ".join(text.split()) for text in found]


def test_the_tour_prints_what_the_readme_shows(tour: ModuleType, tmp_path: Path) -> None:
    environment, shown, before, compared = tour.prepared(tmp_path), tour.shown(README), "", 0
    for command in tour.commands(README):
        done = subprocess.run(
            ["bash", "-c", tour.with_id(command, before)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed = " ".join(done.stdout.split())
        for sentence in _sentences(shown.get(command, "")):
            assert sentence in printed, command
            compared += 1
        before = done.stdout if tour._ID.search(done.stdout) else before
    assert compared >= 7


def test_the_json_in_the_readme_has_the_keys_that_come(tour: ModuleType) -> None:
    document = json.loads(next(text for text in tour.shown(README).values() if text.startswith("{")))
    assert {"query", "hits", "notes"} <= set(document)
    assert {"id", "memory", "score", "kind", "created_at", "cube", "routes"} <= set(document["hits"][0])


def test_the_python_example_runs(tour: ModuleType, tmp_path: Path) -> None:
    code = README.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=tour.prepared(tmp_path),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert re.fullmatch(r"[01]\.\d\d The figs are ripe in August\.\n", done.stdout), done.stderr


def test_the_table_of_commands_names_all_there_are() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "memos_cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    there = set(re.findall(r"^  ([a-z]+) {2,}", help_text.split("Commands:")[1], re.M))
    section = README.split("## Commands")[1].split("\n## ")[0]
    named = {
        word for row in re.findall(r"^\| (`.*?) \|", section, re.M) for word in re.findall(r"`(\w+)`", row)
    }
    assert named == there


def test_the_topics_of_help_are_all_named_once() -> None:
    (paragraph,) = re.findall(r"^`memos COMMAND --help`.*?\n\n", README, re.M | re.S)
    printed = subprocess.run(
        [sys.executable, "-m", "memos_cli", "help"], capture_output=True, text=True, check=True
    ).stdout
    topics = [line.split("\t")[0] for line in printed.splitlines()]
    assert sorted(re.findall(r"`([a-z]+)`", paragraph)) == sorted(topics)


def test_ci_calls_exactly_the_readmes_test_command() -> None:
    lines = [line for line in README.splitlines() if "pytest" in line and line.startswith("python3 -m venv")]
    assert len(lines) == 1
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0] in script
    assert all(tool in lines[0] for tool in ("ruff format --check", "ruff check", "mypy", "pytest"))


def test_every_requirement_is_pinned_exactly() -> None:
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().split("\n")
        if line and line[0] != "#"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(r for group in project["optional-dependencies"].values() for r in group),
    ]
    names = {re.match(r"[A-Za-z0-9-]+", requirement)[0].lower() for requirement in wanted}  # type: ignore[index]
    assert names <= set(pins)
    assert pins["torch"] == "2.13.0"
    assert all(re.fullmatch(r"[0-9][0-9A-Za-z.]*", version) for version in pins.values())
