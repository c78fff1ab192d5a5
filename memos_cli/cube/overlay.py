"""What a reader searches beside the cube's own indexes while these are behind the table.

Owns: small projections of the rows that are missing there, in a folder for temporary files, and
that none is left there by killed readers (it holds memories). Does not own: when one is needed
(`cube/cube`).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from memos_cli.cube.layout import Layout
from memos_cli.errors import NotPermitted, StorageError
from memos_cli.schema import Status, Tail
from memos_cli.stores.disk import remove_tree
from memos_cli.stores.keywords import Keywords
from memos_cli.stores.table_rows import VectorColumn

if TYPE_CHECKING:
    from memos_cli.stores.vectors import Vectors

PREFIX = "memos-overlay-"
"""How names of overlays begin in the folder for temporary files; the process's id comes next."""


class Overlay(msgspec.Struct, frozen=True, weakref=True):
    """Projections of some rows; their files go when nothing refers to any of these any more.

    Not when the overlay is dropped: another thread may do that, for a newer one, while this one's
    keywords are still searched.

    `hidden` are the ordinals of the rows, `gone` the ids of memories that they purge.
    """

    keywords: Keywords
    vectors: Vectors | None
    hidden: frozenset[int]
    gone: frozenset[str]

    @classmethod
    def of(cls, tails: Sequence[Tail], revision: int, column: VectorColumn | None) -> Overlay:
        """Build one; with vectors when `column` is given. Raises StorageFull, NotPermitted."""
        remove_dead_overlays()
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        place = Layout(folder)
        keywords, vectors = Keywords(place.keywords), None
        if column is not None:
            from memos_cli.stores.vectors import Vectors

            vectors = Vectors(place.vectors, column.name, column.dimension)
        hidden = frozenset(o for t in tails for o in t.ordinals)
        gone = frozenset(i.id for t in tails for i in t.items if i.status is Status.PURGED)
        keywords.keeper = _Files(folder)
        keywords.rebuild(tails, revision)
        if vectors is not None:
            vectors.keeper = keywords.keeper
            vectors.rebuild(tails, revision)
        return cls(keywords, vectors, hidden, gone)


class _Files:
    """A folder that is removed with the last reference to this."""

    def __init__(self, folder: Path) -> None:
        weakref.finalize(self, remove_tree, folder)


def remove_dead_overlays() -> None:
    """Remove overlays whose process is gone without having done so itself."""
    try:
        with os.scandir(tempfile.gettempdir()) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(PREFIX)]
    except PermissionError:  # a folder that may be used, but not listed
        return
    for name in names:
        pid = name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            with contextlib.suppress(NotPermitted, StorageError):  # another user's
                remove_tree(Path(tempfile.gettempdir(), name))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
