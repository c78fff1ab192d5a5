"""Rerankers: what they promise, and how a name becomes one.

Owns: the `Reranker` protocol, the names (`onnx:`, `st:`, `openai:`), and saying what went wrong
below as a reranker's failure. Does not own: any model. Each kind has its own file here, imported
when its name is resolved, so that importing this module loads neither numpy nor a runtime; nor
what becomes of the scores (`retrieval/rerank`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from memos_cli.errors import (
    EmbedderFailed,
    EmbedderUnavailable,
    RerankerFailed,
    RerankerUnavailable,
    UnknownReranker,
)
from memos_cli.providers.embedder import EmbedderSettings


class Reranker(Protocol):
    """A model that reads a question together with a text and says how well the text answers it."""

    @property
    def name(self) -> str:
        """`resolve(name)` gives the same model again."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score in 0-1 for each text, in the order of `texts`; the higher, the better it answers.

        `texts` come in the order of the search, best first: a reranker that has no opinion about
        some of them leaves these in that order. Raises RerankerFailed, and RerankerUnavailable
        when an endpoint refuses the key.
        """


class RerankerSettings(EmbedderSettings, Protocol):
    """What rerankers need to know of this machine; `settings.Settings` has it."""

    @property
    def rerank_base_url(self) -> str | None: ...
    @property
    def rerank_api_key(self) -> str | None: ...
    @property
    def rerank_timeout(self) -> float: ...


def resolve(spec: str, *, settings: RerankerSettings) -> Reranker:
    """The reranker called `spec`, loaded and ready.

    Raises UnknownReranker for a name that is none, RerankerUnavailable when a model, package, key
    or download is missing; the hint says what to type.
    """
    scheme, colon, rest = spec.strip().partition(":")
    open_it = _KINDS.get(scheme)
    if open_it is None or not colon or not rest:
        raise UnknownReranker(name=repr(spec), **_suggestion(spec))
    return open_it(rest, settings)


def _suggestion(spec: str) -> dict[str, str]:
    if "/" in spec and ":" not in spec:
        return {"hint": f"Write `st:{spec}` for a cross-encoder."}
    return {}


def _onnx(rest: str, settings: RerankerSettings) -> Reranker:
    from memos_cli.providers.crossencoder import load

    return load("onnx", rest, settings)


def _sentence_transformers(rest: str, settings: RerankerSettings) -> Reranker:
    from memos_cli.providers.crossencoder import load

    return load("st", rest, settings)


def _openai(rest: str, settings: RerankerSettings) -> Reranker:
    from memos_cli.providers.listwise import ListwiseReranker

    return ListwiseReranker.from_settings(rest, settings)


_KINDS: dict[str, Callable[[str, RerankerSettings], Reranker]] = {
    "onnx": _onnx,
    "st": _sentence_transformers,
    "openai": _openai,
}


@contextmanager
def as_reranker(name: str) -> Iterator[None]:
    """Failures of what embedders and rerankers share (the Hub, tokenizers, runtimes, endpoints),
    which that code raises as an embedder's, as a reranker's."""
    try:
        yield
    except EmbedderUnavailable as error:
        hint = None if error.next_step == EmbedderUnavailable.hint else error.next_step
        raise RerankerUnavailable(name=name, reason=error.fields["reason"], hint=hint) from error
    except EmbedderFailed as error:
        raise RerankerFailed(name=name, reason=error.fields["reason"]) from error
