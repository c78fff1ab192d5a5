"""A session: which cube, on whose behalf, with which embedder. The one hallway to a cube.

Owns: opening a cube for a verb and handing out its models when they are first needed. Does not
own: what the verb does (`operations`), nor the lock, which each commit takes for itself so that
reading and embedding never make another writer wait.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from memos_cli.cube.config import check_writable
from memos_cli.cube.cube import MemCube
from memos_cli.errors import CubeExists, CubeNotFound, NoVectors
from memos_cli.location import is_vacant

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.cube.config import CubeConfig
    from memos_cli.location import CubeRef
    from memos_cli.providers.embedder import Embedder
    from memos_cli.providers.llm import LLM
    from memos_cli.providers.meter import Meter
    from memos_cli.providers.reranker import Reranker
    from memos_cli.providers.web import Fetcher
    from memos_cli.schema import EmbedderInfo
    from memos_cli.settings import Settings

    LoadEmbedder = Callable[[EmbedderInfo], Embedder]


class Session:
    """An open cube and this machine's settings for it."""

    def __init__(
        self, ref: CubeRef, cube: MemCube, settings: Settings, load: LoadEmbedder | None = None
    ) -> None:
        self.ref = ref
        self.cube = cube
        self.settings = settings
        self._load = load
        self._embedder: tuple[EmbedderInfo, Embedder] | None = None
        self._rerankers: dict[str, Reranker] = {}
        self.verb = "python"
        """On whose behalf models are asked; the command line writes its command's name."""

    @property
    def actor(self) -> str:
        return self.settings.actor

    @property
    def embeds(self) -> bool:
        """Whether the cube keeps vectors."""
        return self.cube.column is not None

    @property
    def embedder(self) -> Embedder:
        """The cube's embedder, loaded and compared with the fingerprint that the cube records.

        Another one from the moment on when somebody gave the cube another. Raises NoVectors at
        depth naive_text, EmbedderUnavailable, EmbedderMismatch.
        """
        info = self.cube.config.embedder
        if info is None:
            raise NoVectors(verb="search --mode vector")
        if self._embedder is None or self._embedder[0] != info:
            self._embedder = info, self._load(info) if self._load else self._own(info)
        return self._embedder[1]

    def reranker(self, name: str) -> Reranker:
        """The reranker called `name`, loaded when it is first asked for.

        Raises UnknownReranker, RerankerUnavailable.
        """
        from memos_cli.providers.reranker import resolve

        if name not in self._rerankers:
            self._rerankers[name] = resolve(name, settings=self.settings)
        return self._rerankers[name]

    @cached_property
    def meter(self) -> Meter:
        """What this session uses of language models, against the budget of its settings."""
        from memos_cli.providers.ledger import Ledger
        from memos_cli.providers.meter import Meter
        from memos_cli.settings import read_prices

        return Meter(
            self.settings.max_llm_tokens or None,
            verb=self.verb,
            prices=read_prices(self.settings.llm_prices),
            ledger=Ledger(self.settings.usage_file),
        )

    @cached_property
    def llm(self) -> LLM | None:
        """The language model of the settings; None when none is configured.

        Raises UnknownLLM, LLMUnavailable.
        """
        if not self.settings.llm:
            return None
        from memos_cli.providers.llm import resolve

        return resolve(self.settings.llm, settings=self.settings, meter=self.meter)

    def _own(self, info: EmbedderInfo) -> Embedder:
        from memos_cli.providers.embedder import resolve, verify

        embedder = resolve(info.name, settings=self.settings)
        verify(embedder, info)
        return embedder


class TextVectors(dict[str, "np.ndarray"]):
    """Vectors by text, (spans, dimension), all of them made by the cube's embedder.

    They are made before the lock is taken, and meanwhile another process may give the cube
    another embedder: so ask `complete` again under the lock, where nobody can.
    """

    def __init__(self, session: Session, report: Callable[[int, int], None] | None = None) -> None:
        super().__init__()
        self._session = session
        self._report = report
        self._config: CubeConfig = session.cube.config

    def complete(self, texts: Iterable[str]) -> None:
        """Make the vectors that are missing; all of them when the cube has another embedder now.

        At depth naive_text there are none. Raises what `Session.embedder` raises, EmbedderFailed.
        """
        if self._session.cube.config is not self._config:  # the object changes with the file
            self.clear()
            self._config = self._session.cube.config
        missing = list(dict.fromkeys(t for t in texts if t not in self))
        if missing and self._session.embeds:
            made = self._session.embedder.embed_documents(missing, self._report)
            self.update(zip(missing, made, strict=True))


def fetcher(settings: Settings) -> Fetcher:
    """What fetches pages, within this machine's limits; no cube is needed for it."""
    from memos_cli.providers.web import Fetcher

    return Fetcher.of(settings)


@contextlib.contextmanager
def open_session(
    ref: CubeRef,
    settings: Settings,
    *,
    write: bool = False,
    create: bool = False,
    load: LoadEmbedder | None = None,
) -> Iterator[Session]:
    """Open a cube; `create` makes it first when it is not there. `load` gives the embedder that a
    fingerprint describes, compared with it, to a caller who has several cubes share theirs.

    Raises CubeNotFound, ConfigDamaged, FormatTooNew, NotPermitted.
    """
    cube = _open(ref, settings, create=create)
    if write:
        check_writable(cube.config)
    yield Session(ref, cube, settings, load)


def _open(ref: CubeRef, settings: Settings, *, create: bool) -> MemCube:
    try:
        return MemCube.open(ref.path, lock_timeout=settings.lock_timeout, fsync=settings.fsync)
    except CubeNotFound:
        if not create:
            raise _not_found(ref) from None
    try:
        return make_cube(ref, settings)
    except CubeExists:  # another process made it in the same moment
        return MemCube.open(ref.path, lock_timeout=settings.lock_timeout, fsync=settings.fsync)


def _not_found(ref: CubeRef) -> CubeNotFound:
    if os.path.lexists(ref.path) and not is_vacant(ref.path):
        hint = "Something else is there: name a directory that is empty or not there yet."
        return CubeNotFound(path=ref.path, hint=hint)
    return CubeNotFound(path=ref.path, name=ref.name if ref.is_name else ref.path)


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
