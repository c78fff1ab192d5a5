"""Models whose work is done once: documents' vectors on disk from run to run, what was made for the
last question in memory.

Owns: the cache's files. Does not own: the embedders and rerankers.

A cache is a folder per embedder (its fingerprint) with shards, each an .npy matrix of vectors and
an .npy table that says which texts they belong to. Shards are written whole and never changed.
Vectors are kept as float16, which is what a cube keeps of them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memos_cli.errors import BadInput
from memos_cli.schema import EmbedderInfo, uuid7
from memos_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTRY = np.dtype([("text", "S32"), ("first", "<i8"), ("count", "<i8")])


class Cache:
    """Document vectors of one embedder by text, in `folder`."""

    def __init__(self, folder: Path, info: EmbedderInfo) -> None:
        self.folder = folder / _digest(f"{info.name} {info.dimension} {[round(x, 3) for x in info.probe]}")
        self._known: dict[bytes, tuple[np.ndarray, int, int]] = {}
        with _reported(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(self.folder.glob("*.texts.npy")):
                vectors = np.load(file.with_name(file.name.replace(".texts.", ".vectors.")), mmap_mode="r")
                self._learn(np.load(file), vectors)

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._known

    def __getitem__(self, text: str) -> np.ndarray:
        vectors, first, count = self._known[_key(text)]
        return np.asarray(vectors[first : first + count], np.float32)

    def keep(self, texts: Sequence[str], vectors: Sequence[np.ndarray]) -> None:
        """Write a shard."""
        counts = np.array([len(one) for one in vectors])
        entries = np.zeros(len(texts), _ENTRY)
        entries["text"] = [_key(text) for text in texts]
        entries["count"] = counts
        entries["first"] = np.cumsum(counts) - counts
        matrix = np.concatenate(vectors).astype(np.float16)
        with _reported(self.folder):
            # The table names a shard, so it comes last: without it nobody looks at the vectors.
            name = uuid7()
            _save(self.folder / f"{name}.vectors.npy", matrix)
            _save(self.folder / f"{name}.texts.npy", entries)
        self._learn(entries, matrix)

    def _learn(self, entries: np.ndarray, vectors: np.ndarray) -> None:
        for text, first, count in entries.tolist():
            self._known[text] = (vectors, first, count)


def _save(path: Path, array: np.ndarray) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, array)
    part.replace(path)


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadInput(source=folder, reason=f"the cache cannot be used: {error}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _key(text: str) -> bytes:
    return _digest(text).encode()


class Remembering:
    """An embedder that looks into a cache for documents, and knows the last question it was asked.

    Budgets and long lists are asked of the same question, and only its first search is timed:
    `forget` before it makes that one embed.
    """

    def __init__(self, embedder: Any, cache: Cache | None) -> None:
        self._embedder = embedder
        self._cache = cache
        self._last: tuple[str, np.ndarray] | None = None
        self.reused = 0
        """Documents whose vectors came from the cache."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def forget(self) -> None:
        self._last = None

    def embed_query(self, text: str) -> np.ndarray:
        if self._last is None or self._last[0] != text:
            self._last = text, self._embedder.embed_query(text)
        return self._last[1]

    def embed_documents(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> list[np.ndarray]:
        if self._cache is None:
            made: list[np.ndarray] = self._embedder.embed_documents(texts, progress)
            return made
        missing = list(dict.fromkeys(text for text in texts if text not in self._cache))
        if missing:
            self._cache.keep(missing, self._embedder.embed_documents(missing, progress))
        self.reused += len(texts) - len(missing)
        return [self._cache[text] for text in texts]


class RememberingReranker:
    """A reranker that knows what it last scored, so that a longer list of the same question costs
    nothing; `forget` makes the next search pay for itself."""

    def __init__(self, reranker: Any) -> None:
        self._reranker = reranker
        self._last: tuple[tuple[str, ...], list[float]] | None = None
        self.name = reranker.name

    def forget(self) -> None:
        self._last = None

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        asked = (query, *texts)
        if self._last is None or self._last[0] != asked:
            self._last = asked, self._reranker.score(query, texts)
        return self._last[1]


class EvaluationSession(Session):
    """A session whose models outlive it: hundreds of small cubes load them once."""

    rerankers: dict[str, RememberingReranker]
    """By name, shared by all sessions of a run."""

    shared: Remembering | None = None

    @property
    def embedder(self) -> Any:
        return Session.embedder.fget(self) if self.shared is None else self.shared  # type: ignore[attr-defined]

    def reranker(self, name: str) -> Any:
        if name not in self.rerankers:
            self.rerankers[name] = RememberingReranker(super().reranker(name))
        return self.rerankers[name]
