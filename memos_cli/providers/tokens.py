"""Texts to token ids, for models read through a `tokenizer.json`.

Owns: tokenising once, cutting what is longer than the model reads, grouping pieces of like
length into padded batches. Does not own: what is done with a batch (`onnx`, `static`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import encodable, spans

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

BATCH_TOKENS = 1024
"""Tokens in a batch, padding included. On one thread larger batches are no faster (measured: 4,096
is 10 % slower, its attention matrices fall out of the cache) and need four times the memory."""


def open_tokenizer(file: Path, name: str) -> Tokenizer:
    """The tokenizer of `file` without its own padding and truncation.

    Files published with models often pad to a fixed length and cut long texts (MiniLM's: 128 and
    128); both would be applied silently.
    """
    from tokenizers import Tokenizer

    if not file.is_file():
        raise EmbedderUnavailable(name=name, reason=f"{file} is missing")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the binding raises bare Exception for every bad file
        raise EmbedderUnavailable(name=name, reason=f"{file} is not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str], **options: Any) -> list[Encoding]:
    """Encodings without offsets; one text takes the path that starts no threads."""
    texts = [encodable(t) for t in texts]
    if len(texts) == 1:
        return [tokenizer.encode(texts[0], **options)]
    return tokenizer.encode_batch_fast(texts, **options)


@dataclass(frozen=True)
class Piece:
    """What the model reads at once: one text, or one span of a long one."""

    ids: list[int]
    prompt: int
    """How many of the first ids are special tokens and prompt."""
    empty: bool
    """No token of the text itself is in it."""


@dataclass(frozen=True)
class _Frame:
    """The ids that stand around every piece: special tokens and prompt."""

    head: list[int]
    tail: list[int]


class Pieces:
    """Cuts texts into pieces of at most `max_tokens` ids."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, name: str) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._name = name
        self._frames: dict[str, _Frame] = {}

    def cut(self, texts: Sequence[str], prompt: str = "") -> list[list[Piece]]:
        """One or more pieces per text; every piece of a long text has the prompt before it."""
        frame = self._frame(prompt)
        encodings = encode(self._tokenizer, [prompt + t for t in texts] if prompt else texts)
        return [self._pieces(e.ids, frame) for e in encodings]

    def _pieces(self, ids: list[int], frame: _Frame) -> list[Piece]:
        head = frame.head[: _shared(frame.head, ids)]
        body = len(ids) - len(head) - len(frame.tail)
        if len(ids) <= self._max_tokens:
            return [Piece(ids, len(head), body <= 0)]
        window = self._max_tokens - len(frame.head) - len(frame.tail)
        inner = ids[len(head) : len(ids) - len(frame.tail)]
        cuts = spans(len(inner), window)
        return [Piece([*frame.head, *inner[a:b], *frame.tail], len(frame.head), False) for a, b in cuts]

    def _frame(self, prompt: str) -> _Frame:
        if prompt not in self._frames:
            self._frames[prompt] = self._read_frame(prompt)
        return self._frames[prompt]

    def _read_frame(self, prompt: str) -> _Frame:
        alone = self._tokenizer.encode(prompt)
        closing = _trailing_ones(alone.special_tokens_mask)
        if not prompt:  # nothing tells the opening special tokens from the closing ones
            closing = self._tokenizer.encode("a").special_tokens_mask[::-1].index(0)
        stop = len(alone.ids) - closing
        if self._max_tokens - len(alone.ids) < 8:
            reason = f"its prompt of {len(alone.ids)} tokens fills the {self._max_tokens} that it reads"
            raise EmbedderUnavailable(name=self._name, reason=reason)
        return _Frame(alone.ids[:stop], alone.ids[stop:])


def _shared(a: Sequence[int], b: Sequence[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _trailing_ones(mask: Sequence[int]) -> int:
    return next((i for i, m in enumerate(reversed(mask)) if not m), len(mask))


def batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Positions of `lengths`, longest first, in groups whose padded size stays within `budget`."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist()
    at = 0
    while at < len(order):
        fit = max(1, budget // max(1, lengths[order[at]]))
        yield order[at : at + fit]
        at += fit


def padded(rows: Sequence[Sequence[int]], pad: int, left: bool) -> tuple[np.ndarray, np.ndarray]:
    """(ids, mask), both int64 (rows, longest)."""
    width = max(len(r) for r in rows)
    ids, mask = np.full((len(rows), width), pad, np.int64), np.zeros((len(rows), width), np.int64)
    for i, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[i, where], mask[i, where] = row, 1
    return ids, mask
