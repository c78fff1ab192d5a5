"""`static`: a table of token vectors distilled from MiniLM, for bulk and tiny machines.

Owns: reading the table and averaging its rows. Does not own: how the table was made
(`scripts/build_static.py`), nor the tokenizer, which is MiniLM's and lies beside that model.

The recipe is model2vec's (Minish Lab): one vector per token of the vocabulary, reduced by PCA and
weighted by how rare the token is; a text is the mean of its tokens. Nothing knows of order or
context. `memos help embedders` says where that is enough and where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import MODELS, Progress, mean_vector, spans, unit
from memos_cli.providers.tokens import encode, open_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPAN = 128
"""Tokens averaged into one vector. In the mean of more a single sentence is hardly seen."""
_TEXTS_AT_ONCE = 512

_WORDS = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")
_NOT_PLAIN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\[]")
"""What BERT's tokenizer treats specially in ASCII: control characters, which it drops, and the
bracket that opens a special token."""
_LONGEST_KEPT = 40
_WORDS_KEPT = 200_000


class StaticEmbedder:
    """The embedder `static`, or any table of the same form."""

    name = "static"
    max_tokens: int | None = SPAN
    languages: tuple[str, ...] = ("en",)

    def __init__(self, table: Path = MODELS / "static" / "table.npy", tokenizer: Path | None = None) -> None:
        opened = open_tokenizer(tokenizer or MODELS / "minilm" / "tokenizer.json", self.name)
        self._table = _open_table(table, opened.get_vocab_size())
        self._words = _Words(opened)
        self.dimension = int(self._table.shape[1])

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
        pieces, counts = [], []
        for ids in self._words.ids(texts):
            cuts = spans(len(ids), SPAN)
            counts.append(len(cuts))
            pieces += [ids] if len(cuts) == 1 else [ids[a:b] for a, b in cuts]
        vectors = unit(self._sums(pieces))
        ends = np.cumsum(counts)
        return [vectors[end - count : end] for end, count in zip(ends.tolist(), counts, strict=True)]

    def _sums(self, pieces: Sequence[list[int]]) -> np.ndarray:
        """(pieces, dimension); zero where there is no token. One piece at a time is the fastest
        way through numpy: `add.reduceat` over all of them takes five times as long."""
        out = np.zeros((len(pieces), self.dimension), np.float32)
        for row, ids in zip(out, pieces, strict=True):
            if ids:
                np.add.reduce(self._table.take(ids, axis=0), axis=0, out=row)
        return out


class _Words:
    """Token ids of texts, with a memory of words.

    BERT's tokenizer treats every word and every mark by itself, so the ids of a word can be looked
    up, which is eight times cheaper than tokenising it again. In ASCII the borders are plain; a
    stretch with other characters is looked up whole, from space to space. Text with characters
    that work across words goes through the tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._plain(text) if not _NOT_PLAIN.search(text) else self._tokenised(text) for text in texts]

    def _plain(self, text: str) -> list[int]:
        words = _WORDS.findall(text.lower()) if text.isascii() else _mixed_words(text)
        try:
            return list(chain.from_iterable(map(self._known.__getitem__, words)))
        except KeyError:
            return list(chain.from_iterable(map(self._learn, words)))

    def _tokenised(self, text: str) -> list[int]:
        return encode(self._tokenizer, [text], add_special_tokens=False)[0].ids

    def _learn(self, word: str) -> list[int]:
        ids = self._known.get(word)
        if ids is None:
            ids = self._tokenised(word)
            if len(word) <= _LONGEST_KEPT and len(self._known) < _WORDS_KEPT:
                self._known[word] = ids
        return ids


def _mixed_words(text: str) -> list[str]:
    words: list[str] = []
    for stretch in re.split(r"[ \t\r\n]+", text):
        words += _WORDS.findall(stretch.lower()) if stretch.isascii() else [stretch]
    return words


def _open_table(file: Path, vocabulary: int) -> np.ndarray:
    """float32 (tokens, dimension) of a file of int8. Its scale is one number for all rows, which
    normalising drops."""
    try:
        table = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EmbedderUnavailable(name="static", reason=f"{file} cannot be read: {error}") from error
    if table.ndim != 2 or table.dtype != np.int8 or len(table) != vocabulary:
        reason = f"{file} holds {table.dtype} of shape {table.shape}, not int8 rows for {vocabulary} tokens"
        raise EmbedderUnavailable(name="static", reason=reason)
    rows: np.ndarray = table.astype(np.float32)
    return rows
