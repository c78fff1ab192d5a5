"""Which file of this machine each path in a cube's sources means.

Owns: the list of (path as the memories call it, absolute path), kept in the cube's local folder.
Does not own: the memories, nor what is done with files that are gone (`operations/origins`).

Memories call a file as it was typed (`notes/a.md`), so that a cube that travels tells nobody
whose home it comes from. Two files of one such name are told apart here: the second is called by
its absolute path. The list is local and never pushed. A line that cannot be read counts as
missing: what is not listed is never taken for a file of this machine.
"""

from __future__ import annotations

import json
from pathlib import Path

from memos_cli.cube.layout import Layout
from memos_cli.stores.disk import ensure_directory, mapped_errors


class Places:
    """The list of one cube, read when it is made."""

    def __init__(self, layout: Layout) -> None:
        self._file = layout.places
        self._at: dict[str, str] = {}
        self._called: dict[str, str] = {}
        for path, at in _pairs(self._file):
            self._at.setdefault(path, at)
            self._called.setdefault(at, path)

    def at(self, path: str) -> str | None:
        """The absolute path of the file that memories call `path`."""
        return self._at.get(path)

    def called(self, at: str) -> str | None:
        """What memories call the file at an absolute path."""
        return self._called.get(at)

    def under(self, folder: str) -> dict[str, str]:
        """(name, absolute path) of every listed file at or inside `folder`."""
        inside = folder.rstrip("/") + "/"
        return {path: at for path, at in self._at.items() if at == folder or at.startswith(inside)}

    def take(self, path: str, at: str) -> None:
        """Know a file for this run."""
        self._at.setdefault(path, at)
        self._called.setdefault(at, path)

    def note(self, path: str, at: str) -> None:
        """Know a file from now on; on disk before the first memory names it. Raises StorageError, NotPermitted."""
        self.take(path, at)
        line = json.dumps({"path": path, "at": at}) + "\n"
        with mapped_errors(self._file):
            ensure_directory(self._file.parent)
            # One short append: processes that write at the same time do not mix their lines.
            with self._file.open("a", encoding="utf-8") as file:
                file.write(line)


def _pairs(file: Path) -> list[tuple[str, str]]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not there yet, or not ours to read: then nothing is known
        return []
    pairs = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        if (
            isinstance(value, dict)
            and isinstance(value.get("path"), str)
            and isinstance(value.get("at"), str)
        ):
            pairs.append((value["path"], value["at"]))
    return pairs
