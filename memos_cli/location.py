"""Which directory a cube's reference means: a name under the data home, or a path.

Owns: the rules of `-c/--cube` and of cube names. Does not own: whether a cube is there or
sound (`session` finds out on opening), nor the files inside one (`cube/layout`).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from .settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_LIST = re.compile(rf"{_NAME.pattern}(?:[\s,:;]+{_NAME.pattern})+", re.ASCII)
_SEVERAL = "It names one cube; `memos search -c A -c B` asks several."
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class CubeRef:
    """A cube's place: `name` is what to call it, `is_name` whether it was given by name alone."""

    name: str
    path: Path
    is_name: bool


def resolve(ref: str | None, settings: Settings) -> CubeRef:
    """The place that `ref` means; None means the configured cube.

    A path is what holds a separator, starts with `.` or `~`, or names a cube in the present
    directory; everything else is a name under `settings.cubes_dir`. The configured cube's
    bare name is never looked for in the present directory: a stranger's checkout with a
    folder called `default` must not receive what was meant for the owner's own cube.

    Raises:
        UsageError: the reference is empty, not a valid name, or on a remote that is not read.
    """
    given = settings.cube if ref is None else ref
    if not given or "\0" in given:
        raise UsageError(detail="The cube's name is empty.", hint="Give a name or a path with -c.")
    if _CONTROL.search(given):
        raise UsageError(
            detail=f"{given!r} holds a control character, which the table's engine takes in no path.",
            hint="Name another directory with -c.",
        )
    if _SCHEME.match(given):
        raise UsageError(
            detail=f"{given} is on a remote, and cubes are opened from this machine's disks only.",
            hint="Copy the cube here and give its path with -c.",
        )
    if _is_path(given) or (ref is not None and holds_cube(Path(given))):
        path = _absolute(given)
        return CubeRef(name=path.name or str(path), path=path, is_name=False)
    if not _NAME.fullmatch(given):
        raise UsageError(
            detail=f"{given!r} is not a cube's name: letters, digits, '.', '_' and '-' make one, at most 100.",
            hint=_SEVERAL
            if _LIST.fullmatch(given)
            else "For a directory, give its path, such as ./memories.",
        )
    return CubeRef(name=given, path=settings.cubes_dir / given, is_name=True)


def distinct(refs: Iterable[CubeRef]) -> tuple[CubeRef, ...]:
    """Every cube once, in order, whatever way it was named; two of one name are called by their paths."""
    kept: dict[object, CubeRef] = {}
    for ref in refs:
        kept.setdefault(_place(ref.path), ref)
    names = Counter(ref.name for ref in kept.values())
    return tuple(ref if names[ref.name] == 1 else replace(ref, name=str(ref.path)) for ref in kept.values())


def _place(path: Path) -> tuple[int, int] | str:
    """The same for every way to write a directory: symlinks, and mounts and letters' case besides."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


def _is_path(given: str) -> bool:
    separators = {os.sep, os.altsep or os.sep, "/"}
    return given.startswith((".", "~")) or any(separator in given for separator in separators)


def _absolute(given: str) -> Path:
    try:
        path = Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(detail=f"{given}: {error}", hint="Give the path in full.") from error
    return Path(os.path.normpath(path.absolute()))


def is_vacant(path: Path) -> bool:
    """Whether a cube could be made there: nothing stands at the path, or an empty directory."""
    try:
        return not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir()))
    except OSError:  # no right to look: opening it as a cube says more
        return False


def holds_cube(folder: Path) -> bool:
    """Whether a folder is a cube, as far as one look tells; what may not be looked into is none."""
    from .cube.layout import Layout

    try:
        return Layout(folder).config.is_file()
    except OSError:  # no right to look, a name too long: opening it as a cube says more
        return False
