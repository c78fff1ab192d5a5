"""Files of the memory table: its versions by name, what is torn or cut short, and engine errors.

Owns: which manifests are there, whether one or a data file reached the disk, fsync, and what becomes
of the exceptions of Lance and of the file system. Does not own: what stands in the files (`table`).

Importing this file loads neither Lance nor pyarrow: the newest version is read from file names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from memos_cli.errors import MemosError, NotPermitted, StorageError, StorageFull, TableDamaged

MAGIC = b"LANC"
"""What every manifest and every data file ends in."""

_ENDING = ".manifest"


_INVERTED, _LENGTH = str(1 << 63).zfill(20), 20 + len(_ENDING)
"""Of the v2 naming are names of this length from here on: the first one is the newest version."""


def newest_version(path: Path) -> int | None:
    """The newest version of the table at `path` by its file names; None when there is none.

    Every search asks twice, and the folder is listed each time: its time of change is too coarse a
    clock to tell that nothing was written since. Of the v2 names only the first is read as a number.
    """
    names = _names(path)
    inverted = [name for name in names if len(name) == _LENGTH and name >= _INVERTED and name[:20].isdigit()]
    others = [name for name in names if len(name) != _LENGTH] if len(inverted) < len(names) else []
    return max(_numbers([min(inverted), *others] if inverted else names), default=None)


def versions_of(path: Path) -> list[int]:
    """Every version whose manifest is there, in no order; none where the folder is missing."""
    return list(_numbers(_names(path)))


def _names(path: Path) -> list[str]:
    """What stands in the folder of manifests: `<2^64-1-version>.manifest` (v2 naming), `<version>.manifest`."""
    try:
        return os.listdir(f"{path}/_versions")  # noqa: PTH208 - half the cost of iterdir on the hot path
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise storage_error(error, path) or TableDamaged(reason=str(error)) from error


def _numbers(names: Iterable[str]) -> Iterator[int]:
    for name in names:
        stem = name.removesuffix(_ENDING)
        if stem.isdigit() and stem != name:
            number = int(stem)
            yield (1 << 64) - 1 - number if len(stem) == 20 and number >> 63 else number


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise storage_error(error, path) or StorageError(
            path=path, reason=error.strerror or str(error)
        ) from error
    finally:
        os.close(handle)


def is_torn(manifest: Path) -> bool:
    """A manifest ends in its magic `LANC`; one that does not was cut off or never reached the disk."""
    data = manifest.read_bytes()
    return len(data) < 16 or data[-4:] != MAGIC or not any(data[:16])


def is_whole(path: str, size: int | None) -> bool:
    """Whether a data file is there, as far as its length and its end tell."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        found = os.fstat(handle).st_size
        if found < len(MAGIC) or found != (size or found):
            return False
        return os.pread(handle, len(MAGIC), found - len(MAGIC)) == MAGIC
    finally:
        os.close(handle)


@contextlib.contextmanager
def lance_errors(path: Path) -> Iterator[None]:
    """Lance's exceptions, told apart by text (it raises OSError, ValueError and RuntimeError)."""
    try:
        yield
    except MemosError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise storage_error(error, path) or TableDamaged(reason=reason_of(error)) from error


def storage_error(error: BaseException, path: Path) -> MemosError | None:
    """The error for a full disk, a forbidden or a read-only path; None for anything else."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text or "os error 28" in text:
        return StorageFull(path=path, reason="no space left")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or any(
        mark in text for mark in ("Permission denied", "Read-only file system", "os error 13", "os error 30")
    ):
        return NotPermitted(detail=f"{path} cannot be written")
    if number == errno.EIO:
        return StorageError(path=path, reason=reason_of(error))
    return None


_SOURCE = re.compile(r",? ?/\S+\.rs(:\d+)*")
_KIND = re.compile(
    r"^(External error|LanceError\(\w+\)|Generic \w+ error|Invalid user input|Encountered \w+): "
)
_PLACE = re.compile(r"\S*/((?:data|_deletions|_versions|_transactions)(?:/|\b))")


def reason_of(error: BaseException) -> str:
    """What Lance says, without the places in its source, its layers' names and our own path."""
    told = getattr(error, "strerror", None) or str(error)
    text = (told.strip().splitlines() or [type(error).__name__])[0]
    text = _PLACE.sub(r"\1", _SOURCE.sub("", text))
    while kind := _KIND.match(text):
        text = text[kind.end() :]
    return text[:300].rstrip(". ")


def manifest_of(path: Path, version: int) -> Path:
    """Where the manifest of a version of the table at `path` stands."""
    folder = path / "_versions"
    new = folder / f"{(1 << 64) - 1 - version:020d}.manifest"
    return new if new.exists() else folder / f"{version}.manifest"
