"""`hash:N`: feature hashing, the last resort: no model, no file, any language.

Owns: the features of a text and their places. Does not own meaning: two texts are alike only as
far as they share words or parts of words.

Signed feature hashing after Weinberger et al. (2009), "Feature Hashing for Large Scale Multitask
Learning". Features are words, and the letters of a word in threes so that inflections meet;
scripts written without spaces give single characters and pairs.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from memos_cli.errors import UnknownEmbedder
from memos_cli.providers.embedder import Progress, encodable, unit

DIMENSION = 1024
_SMALLEST, _LARGEST = 16, 65_536
_TRIGRAM_WEIGHT = 0.5
"""Long words are mostly the telling ones, and this gives them more places (LoCoMo: 0.36 at 0.3, 0.42 here)."""
_UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿가-힯฀-๿"
"""Kana, CJK ideographs, Hangul, Thai."""
_WORDS = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+")


class HashEmbedder:
    """Vectors of hashed words; the same on every machine."""

    max_tokens: int | None = None
    languages: tuple[str, ...] = ()

    def __init__(self, dimension: int = DIMENSION) -> None:
        self.name = f"hash:{dimension}"
        self.dimension = dimension

    @classmethod
    def from_text(cls, text: str) -> HashEmbedder:
        """`hash:` or `hash:1024`."""
        if not text:
            return cls()
        if not (text.isascii() and text.isdecimal() and _SMALLEST <= int(text) <= _LARGEST):
            hint = f"Write `hash:{DIMENSION}`, or another number from {_SMALLEST} to {_LARGEST}."
            raise UnknownEmbedder(name=repr(f"hash:{text}"), hint=hint)
        return cls(int(text))

    def embed_query(self, text: str) -> np.ndarray:
        vector: np.ndarray = self.embed_documents([text])[0][0]
        return vector

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> list[np.ndarray]:
        out = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(out, texts, strict=True):
            for feature, weight in _features(text).items():
                place, sign = _place(feature, self.dimension)
                row[place] += sign * weight
        if progress and texts:
            progress(len(texts), len(texts))
        return np.split(unit(out), len(texts)) if texts else []


def _features(text: str) -> dict[str, float]:
    """Features and weights of a text: words count by the root of how often they come."""
    counts = Counter(_WORDS.findall(encodable(text).casefold()))
    weights: defaultdict[str, float] = defaultdict(float)
    for word, count in counts.items():
        for feature, weight in _parts(word):
            weights[feature] += weight * math.sqrt(count)
    return weights


def _parts(word: str) -> Iterator[tuple[str, float]]:
    if re.match(f"[{_UNSPACED}]", word):
        yield from ((c, 0.5) for c in word)
        yield from ((word[i : i + 2], 1.0) for i in range(len(word) - 1))
        return
    yield word, 1.0
    edged = f"<{word}>"
    if len(word) > 3:
        yield from ((edged[i : i + 3], _TRIGRAM_WEIGHT) for i in range(len(edged) - 2))


@lru_cache(maxsize=65_536)
def _place(feature: str, dimension: int) -> tuple[int, float]:
    """Where a feature goes and with which sign; from one CRC, whose top bit is free for the sign."""
    code = zlib.crc32(feature.encode())
    return (code & 0x7FFFFFFF) % dimension, 1.0 if code & 0x80000000 else -1.0
