"""What every store asks of the operating system: its refusals as our errors, names made durable."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memos_cli.errors import NotPermitted, StorageError, StorageFull


@contextmanager
def mapped_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into ours; other errors pass."""
    try:
        yield
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(path=path) from e
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotPermitted(detail=f"{e.strerror} ({e.filename or path})") from e
        raise StorageError(path=path, reason=e.strerror or e) from e


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def ensure_directory(directory: Path) -> None:
    """A directory of our own there, whatever stood in its place; what a link led to is left alone."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        directory.unlink()
    directory.mkdir(parents=True, exist_ok=True)


def remove_tree(folder: Path) -> None:
    """Remove a folder that other processes may be adding to or removing from; none is well too.

    Raises NotPermitted, StorageError.
    """
    import shutil

    with mapped_errors(folder):
        for attempt in range(10):
            if not folder.exists():
                return
            try:
                shutil.rmtree(folder)
            except OSError:
                if attempt == 9:
                    raise
