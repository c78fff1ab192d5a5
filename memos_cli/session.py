"""A session: which cube, on whose behalf, with which embedder. The one hallway to a cube.

Owns: opening a cube for a verb and handing out its models when they are first needed. Does not
own: what the verb does (`operations`), nor the lock, which each commit takes for itself so that
reading and embedding never make another writer wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from memos_cli.cube.config import check_writable
from memos_cli.cube.cube import MemCube
from memos_cli.errors import CubeExists, CubeNotFound, NoVectors

if TYPE_CHECKING:
    from memos_cli.location import CubeRef
    from memos_cli.providers.embedder import Embedder
    from memos_cli.settings import Settings


class Session:
    """An open cube and this machine's settings for it."""

    def __init__(self, ref: CubeRef, cube: MemCube, settings: Settings) -> None:
        self.ref = ref
        self.cube = cube
        self.settings = settings

    @property
    def actor(self) -> str:
        return self.settings.actor

    @property
    def embeds(self) -> bool:
        """Whether the cube keeps vectors."""
        return self.cube.column is not None

    @cached_property
    def embedder(self) -> Embedder:
        """The cube's embedder, loaded and compared with the fingerprint that the cube records.

        Raises NoVectors at depth naive_text, EmbedderUnavailable, EmbedderMismatch.
        """
        from memos_cli.providers.embedder import resolve, verify

        info = self.cube.config.embedder
        if info is None:
            raise NoVectors(verb="search --mode vector")
        embedder = resolve(info.name, settings=self.settings)
        verify(embedder, info)
        return embedder

    def forget_embedder(self) -> None:
        """After the cube's embedder was changed: load it anew when it is next asked for."""
        self.__dict__.pop("embedder", None)


@contextlib.contextmanager
def open_session(
    ref: CubeRef, settings: Settings, *, write: bool = False, create: bool = False
) -> Iterator[Session]:
    """Open a cube; `create` makes it first when it is not there.

    Raises CubeNotFound, ConfigDamaged, FormatTooNew, NotPermitted.
    """
    cube = _open(ref, settings, create=create)
    if write:
        check_writable(cube.config)
    yield Session(ref, cube, settings)


def _open(ref: CubeRef, settings: Settings, *, create: bool) -> MemCube:
    try:
        return MemCube.open(ref.path, lock_timeout=settings.lock_timeout, fsync=settings.fsync)
    except CubeNotFound:
        if not create:
            raise CubeNotFound(path=ref.path, name=ref.name if ref.is_name else ref.path) from None
    try:
        return make_cube(ref, settings)
    except CubeExists:  # another process made it in the same moment
        return MemCube.open(ref.path, lock_timeout=settings.lock_timeout, fsync=settings.fsync)


def make_cube(
    ref: CubeRef, settings: Settings, *, depth: str | None = None, embedder: str | None = None
) -> MemCube:
    """Make a cube of the depth and with the embedder asked for, else those of the settings.

    Raises CubeExists, UnknownEmbedder, EmbedderUnavailable, StorageFull, NotPermitted.
    """
    from memos_cli.providers.embedder import fingerprint, resolve
    from memos_cli.schema import Depth

    depth_ = Depth(depth or settings.text)
    info = None
    if depth_ is not Depth.NAIVE:
        info = fingerprint(resolve(embedder or settings.embedder, settings=settings))
    return MemCube.create(
        ref.path, depth=depth_, embedder=info, lock_timeout=settings.lock_timeout, fsync=settings.fsync
    )
