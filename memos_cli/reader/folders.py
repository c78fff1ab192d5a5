"""What lies in a folder: which files an `add` of it reads, and in which order.

Owns: walking, the order of names, links, ignore rules. Does not own: reading a file (`files`,
`formats`).

Passed over without a word: hidden files, what `DEFAULTS` lists, and what `.gitignore` and
`.memosignore` files say, in the syntax of git (pathspec). A rule in an inner folder beats one
further out, `.memosignore` beats `.gitignore` beside it, and `!name` takes a file back in; a
folder that is left out is not looked into. Inside a git repository the `.gitignore` files above
the added folder count as well.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from memos_cli.schema import Skipped

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

DEFAULTS = (
    "node_modules/",
    "bower_components/",
    "__pycache__/",
    "*.pyc",
    "*.pyo",
    "*.class",
    "*.o",
    "*.swp",
    "*~",
    "~$*",
    "Thumbs.db",
    "desktop.ini",
)
"""Rules that hold in every folder, before those of its files. Hidden files are never read."""
IGNORE_FILES = (".gitignore", ".memosignore")

_NO_FILE = "it is a device, a pipe or a socket, not a file"
_CUBE = "it is a MemCube; `memos export` and `memos import` copy its memories"
_LARGEST_RULES = 1 << 20

Found = tuple[Path | Skipped, int]
"""(file or why there is none, bytes)."""


def found(path: Path, leave_out: Callable[[Path], bool] | None) -> Iterator[Found]:
    """What lies at `path`: itself, or all that is in it; folders that `leave_out` names are passed over."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        yield path, 0
        return
    if not stat.S_ISDIR(status.st_mode):
        yield path, status.st_size
        return
    empty = True
    for each, size in _walk(path, leave_out):
        empty = False
        yield each, size
    if empty:
        yield Skipped(source=shown(path), reason="the folder holds no file to read"), 0


def shown(path: Path) -> str:
    """A path as text; bytes of a name that are not UTF-8 are written `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def refusal(exc: OSError) -> str:
    """Why the system refused, in our words."""
    if isinstance(exc, FileNotFoundError):
        return "there is no such file"
    if isinstance(exc, PermissionError):
        return "its permissions do not let you read it"
    return (exc.strerror or str(exc)).casefold()


def _walk(root: Path, leave_out: Callable[[Path], bool] | None) -> Iterator[Found]:
    real_root = os.path.realpath(root)
    rules = _Rules(root)
    todo = [root]
    while todo:
        here = todo.pop()
        try:
            status = here.lstat() if here != root else here.stat()
            if stat.S_ISDIR(status.st_mode):
                if here != root and leave_out is not None and leave_out(here):
                    yield Skipped(source=shown(here), reason=_CUBE), 0
                    continue
                rules.enter(here)
                todo += sorted(filter(rules.wants, here.iterdir()), key=_natural, reverse=True)
                continue
        except OSError as exc:
            yield Skipped(source=shown(here), reason=refusal(exc)), 0
            continue
        if stat.S_ISLNK(status.st_mode):
            yield from _linked(here, Path(real_root))
        elif stat.S_ISREG(status.st_mode):
            yield here, status.st_size
        else:
            yield Skipped(source=shown(here), reason=_NO_FILE), 0


class _Rules:
    """The ignore rules of a folder, of those above it as far as git looks, and of those inside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._specs: dict[Path, GitIgnoreSpec] = {}
        self._defaults = _spec(DEFAULTS)
        absolute = Path(os.path.normpath(Path.cwd() / root))
        self._above: list[tuple[Path, GitIgnoreSpec]] = []
        """(folder, its rules) of the folders above, the nearest first."""
        if top := _repository(absolute):
            inner = absolute
            while inner != top:
                inner = inner.parent
                self._above.append((inner, _spec(_rules_in(inner, IGNORE_FILES[:1]))))
        self._absolute = absolute

    def enter(self, folder: Path) -> None:
        """Read the rules that a folder holds for what is in it."""
        if lines := _rules_in(folder, IGNORE_FILES):
            self._specs[folder] = _spec(lines)

    def wants(self, path: Path) -> bool:
        """Whether a file or a folder is looked at."""
        if path.name.startswith("."):
            return False
        ending = "/" if path.is_dir() and not path.is_symlink() else ""
        folder = path.parent
        while True:
            if (spec := self._specs.get(folder)) is not None:
                told = spec.check_file(path.relative_to(folder).as_posix() + ending).include
                if told is not None:
                    return not told
            if folder == self._root:
                break
            folder = folder.parent
        inside = path.relative_to(self._root)
        for above, spec in self._above:
            place = (self._absolute / inside).relative_to(above)
            told = spec.check_file(place.as_posix() + ending).include
            if told is not None:
                return not told
        return not self._defaults.check_file(inside.as_posix() + ending).include


def _spec(lines: tuple[str, ...] | list[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def _rules_in(folder: Path, names: tuple[str, ...]) -> list[str]:
    """The lines of a folder's ignore files, without those that are no rule."""
    from pathspec import GitIgnoreSpec

    lines: list[str] = []
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                written = file.read(_LARGEST_RULES).decode("utf-8", "replace").lstrip("\ufeff").splitlines()
        except OSError:  # none there, or it may not be read: git passes over it too
            continue
        for line in written:
            try:
                GitIgnoreSpec.from_lines([line])
            except ValueError:  # git takes such a line to match nothing
                continue
            lines.append(line)
    return lines


def _repository(folder: Path) -> Path | None:
    """The nearest folder at or above `folder` that is a git repository."""
    try:
        return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    except OSError:
        return None


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Sorts `turn 2` before `turn 10`."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], path.name


def _linked(link: Path, real_root: Path) -> Iterator[Found]:
    """What a link in a folder gives: a hidden file of that folder, or a reason; other files of it are
    read in their own place."""
    target = Path(os.path.realpath(link))
    if not target.exists():
        yield Skipped(source=shown(link), reason="it is a link to nothing"), 0
    elif not target.is_relative_to(real_root):
        yield Skipped(source=shown(link), reason="it is a link that leaves the folder"), 0
    elif target.is_file() and _hidden(target.relative_to(real_root)):
        yield link, target.stat().st_size


def _hidden(path: Path) -> bool:
    """Whether a file inside the folder is one that is passed over in its own place."""
    left_out = {rule.rstrip("/") for rule in DEFAULTS if rule.endswith("/")}
    return any(part.startswith(".") or part in left_out for part in path.parts)
