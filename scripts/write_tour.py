"""Run the commands of the README's tour and write what they print under them.

    python scripts/write_tour.py

The README is the source: every `$ …` line of its `console` blocks is run, in order, on a terminal
100 columns wide and in a copy of the example, and the lines below it are replaced. `ID` stands for
the first id that was printed last. `tests/test_readme.py` runs the same commands and compares.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
WIDTH = 100
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.S | re.M)
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PROGRESS = re.compile(r"^\w+ .*━.*\n|^\w+ .*\d:\d\d:\d\d\n", re.M)


def commands(readme: str) -> list[str]:
    """The tour's commands in their order."""
    return [
        line[2:] for block in _BLOCK.findall(readme) for line in block.splitlines() if line.startswith("$ ")
    ]


def shown(readme: str) -> dict[str, str]:
    """What the README prints under each command."""
    pieces = [piece for block in _BLOCK.findall(readme) for piece in re.split(r"^\$ ", block, flags=re.M)]
    return dict(piece.split("\n", 1) for piece in pieces if piece.strip())


def prepared(folder: Path) -> dict[str, str]:
    """Put the example into `folder`; the environment in which the tour is run there."""
    derived = shutil.ignore_patterns("keywords", "vectors", "graph", ".memos")
    shutil.copytree(ROOT / "cubes-example", folder / "cubes-example", ignore=derived)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {
        **kept,
        "HOME": str(folder),
        "TERM": "xterm",
        "NO_COLOR": "1",
        "MEMOS_HOME": str(folder / "home"),
        "MEMOS_CUBE": "./my-garden",
        "MEMOS_ACTOR": "me@home",
    }


def with_id(command: str, printed: str) -> str:
    """`command` with the first id of what was printed before in the place of `ID`."""
    found = _ID.search(printed)
    return re.sub(r"\bID\b", found[0], command) if found else command


def main() -> None:
    readme = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        outputs = _outputs(commands(readme), Path(place))
        written = _BLOCK.sub(lambda block: _filled(block[0], outputs), readme)
    README.write_text(written, encoding="utf-8")
    print(f"Wrote what {len(commands(readme))} commands print")


def _outputs(lines: list[str], folder: Path) -> Iterator[str]:
    environment = prepared(folder)
    before = ""
    for line in lines:
        printed = _on_terminal(with_id(line, before), folder, environment)
        before = printed if _ID.search(printed) else before
        yield printed


def _filled(block: str, outputs: Iterator[str]) -> str:
    lines = [line for line in block.splitlines() if line.startswith("$ ")]
    filled = [f"{line}\n{printed}" for line, printed in zip(lines, outputs, strict=False)]
    return "\n".join(filled).replace("\n\n\n", "\n\n").strip("\n") + "\n"


def _on_terminal(command: str, folder: Path, environment: dict[str, str]) -> str:
    """What `command` prints on a terminal, without colours, progress and blanks at line ends."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", f"stty cols {WIDTH}; {command}"], environment)
    raw = bytearray()
    while chunk := _read(terminal):
        raw += chunk
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"failed: {command}\n{raw.decode()}")
    text = _ESCAPE.sub("", raw.decode()).replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _PROGRESS.sub("", lines).strip("\n") + "\n" if lines.strip() else ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side has closed
        return b""


if __name__ == "__main__":
    main()
