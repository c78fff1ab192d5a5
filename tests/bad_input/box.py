"""A cube with memories in it, the command line on it, and the proof that it is intact.

Owns: the template cubes, running `memos` in this process or in another, what every refusal must
look like. Does not own: the cases, nor the hostile files (`files`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from memos_cli.interfaces.cli.app import app

MEMOS = [sys.executable, "-m", "memos_cli"]
EMBEDDER = "hash:64"
GATE = "The garden gate code is 4711."
LINES = (
    {"id": "aaaa0000-0000-7000-8000-000000000001", "memory": GATE, "user_id": "ana", "tags": ["home"]},
    {
        "id": "aaaa0000-0000-7000-8000-000000000002",
        "memory": "Ana moved to Lisbon in March.",
        "user_id": "ana",
        "session_id": "s1",
        "parent": "aaaa0000-0000-7000-8000-000000000001",
    },
    {"id": "bbbb0000-0000-7000-8000-000000000003", "memory": "Bruno is allergic to walnuts."},
    {"id": "bbbb0000-0000-7000-8000-000000000004", "memory": "The bicycle stands behind the barn."},
)
GATE_ID, LISBON_ID, WALNUTS_ID, BICYCLE_ID = (str(line["id"]) for line in LINES)
PURGED_ID = "dddd0000-0000-7000-8000-000000000009"
ENGINES = re.compile(
    r"Traceback|(?<!\.)lance(?!d)|LanceError|tantivy|kuzu|pydantic|0x[0-9a-f]{6}|\.py\b|/rustc/|Errno|Exception"
)
"""What an answer to a person never holds: stack traces, engines' source paths, Python's own words."""


@dataclass(frozen=True)
class Answer:
    """How one command line ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        lines = self.stdout.rstrip("\n").split("\n")
        assert len(lines) == 1, f"{len(lines)} lines on stdout: {self.stdout[:500]}{self.stderr[:500]}"
        return json.loads(lines[0])

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = self.document["error"]
        return found


class Box:
    """One cube under `root`, and the commands on it; `before` is what it held at the start."""

    def __init__(self, root: Path, template: Path | None = None) -> None:
        self.root = root
        self.cube = root / "cube"
        if template is not None:
            shutil.copytree(template, self.cube)
        self.before = self.memories() if template is not None else {}

    def memos(self, *words: str, input: bytes | None = None, cube: str | None = None) -> Answer:
        """Run a command line in this process, on the box's cube unless told otherwise."""
        line = [*words, "-c", cube or str(self.cube)] if cube != "" else [*words]
        if "--" in words:
            place = line.index("--")
            line = [*line[:place], *line[-2:], *line[place:-2]] if cube != "" else line
        result = CliRunner().invoke(app, line, input=input)
        failure = result.exception
        assert failure is None or isinstance(failure, SystemExit), f"{line}: {failure!r}"
        return Answer(result.exit_code, result.stdout, result.stderr)

    def run(self, *words: str, **more: Any) -> Answer:
        """Run a command line in a process of its own."""
        more = {"input": "", **more}
        if "stdin" in more:
            del more["input"]
        done = subprocess.run(
            [*MEMOS, *words, "-c", str(self.cube)],
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
            **more,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def document(self, *words: str, code: int = 0, input: bytes | None = None) -> Any:
        """The JSON document of a command that ends with `code`."""
        answer = self.memos(*words, "--json", input=input)
        assert answer.code == code, answer
        return answer.document

    def memories(self) -> dict[str, str]:
        """Id → text of every memory that is there, archived ones too."""
        items = self.document("list", "--status", "all", "--limit", "100000")["items"]
        return {item["id"]: item["memory"] for item in items}

    def copy(self, name: str) -> Box:
        """Another box with the cube in the state that it is in; it is compared with the same start."""
        root = self.root / name
        root.mkdir()
        shutil.copytree(self.cube, root / "cube", symlinks=True)
        other = Box(root)
        other.before = self.before
        return other

    def intact(self, *, grown: bool = False) -> None:
        """Nothing that was there is gone, and `memos check` finds nothing to say.

        `grown`: more may be there than at the start.
        """
        now = self.memories()
        kept = {id: text for id, text in now.items() if id in self.before}
        assert kept == self.before
        assert grown or now == self.before
        checked = self.memos("check", "--json")
        assert checked.code == 0, checked.stdout
        assert checked.document["ok"] is True
        assert "4711" in self.document("search", "gate code", "--mode", "keyword")["hits"][0]["memory"]


def assert_refusal(error: dict[str, str], code: str, says: str = "") -> None:
    """A refusal is one clear sentence, names its kind and the next step, and shows no engine's innards."""
    assert error["code"] == code, error
    assert says.lower() in f"{error['message']} {error['hint']}".lower(), error
    assert error["message"].endswith((".", "?")), error
    assert "\n" not in error["message"] + error["hint"]
    assert len(error["message"]) < 600
    assert error["hint"], error
    assert not ENGINES.search(error["message"] + error["hint"]), error


def assert_plain_refusal(answer: Answer, error: dict[str, str]) -> None:
    """For people the same stands on stderr, stdout stays empty."""
    assert answer.stdout == ""
    assert answer.stderr.startswith("Error: "), answer.stderr[:500]
    assert not ENGINES.search(answer.stderr)
    assert error["code"] == "usage_error" or error["hint"].split("`")[0][:20] in answer.stderr


def build(folder: Path, depth: str) -> Path:
    """A template cube: updated, archived, restored and purged memories, in several commits."""
    box = Box(folder)
    assert box.memos("init", str(box.cube), "--text", depth, "--embedder", EMBEDDER).code == 0
    lines = "".join(json.dumps(line) + "\n" for line in LINES)
    box.document("import", "-", input=lines.encode())
    gone = json.dumps({"id": PURGED_ID, "memory": "A secret that nobody needs."})
    box.document("import", "-", input=gone.encode())
    box.document("purge", PURGED_ID, "--yes")
    box.document("update", BICYCLE_ID, "The bicycle stands in the cellar.")
    box.document("archive", WALNUTS_ID)
    box.document("reindex")
    assert set(box.memories()) == {GATE_ID, LISBON_ID, WALNUTS_ID, BICYCLE_ID}
    return box.cube


def content(folder: Path) -> dict[str, str]:
    """Name → checksum of every file below `folder`, to see whether anything was written."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def as_another_user() -> dict[str, Any]:
    """Arguments of `subprocess` for a process without any privilege."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
