"""The routes of a search: BM25 over the keyword projection, cosine over the vector projection.

Owns: asking every shard of a view and giving one list a route, by ordinal, with the numbers that
fusion needs. Does not own: how routes are combined (`fuse`), nor turning ordinals into memories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos_cli.cube.cube import View
from memos_cli.schema import Filters

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.stores.vectors import VectorHits

DEPTH = 1000
"""Length of a route's list. Cut at 200, recall@10 falls by up to .009; 1,000 cost next to nothing."""


@dataclass(frozen=True)
class KeywordRoute:
    """BM25 scores by ordinal, best first; units that are not listed score 0 (retrieval.md)."""

    scores: dict[int, float]
    total: int
    coverage: float
    mean_tokens: float
    terms: tuple[str, ...]

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation over all units, those without a match counting as 0."""
        n = max(self.total, len(self.scores), 1)
        mean = sum(self.scores.values()) / n
        square = sum(s * s for s in self.scores.values()) / n
        return mean, math.sqrt(max(square - mean * mean, 0.0))


@dataclass(frozen=True)
class VectorRoute:
    """Cosines by ordinal, best first, and their mean and standard deviation over all units."""

    scores: dict[int, float]
    mean: float
    std: float
    total: int
    shards: tuple[VectorHits, ...]
    hidden: frozenset[int]

    def of(self, ordinals: Sequence[int]) -> dict[int, float]:
        """Cosines of any rows, listed or not; rows without a vector are left out."""
        found: dict[int, float] = {}
        for place, shard in enumerate(self.shards):
            for ordinal, score in zip(ordinals, shard.score_of(ordinals).tolist(), strict=True):
                stale = place == 0 and len(self.shards) > 1 and ordinal in self.hidden
                if not math.isnan(score) and not stale:
                    found[ordinal] = score
        return found


def keyword_route(view: View, text: str, filters: Filters, limit: int = DEPTH) -> KeywordRoute:
    """BM25 over every shard of the view."""
    found = [shard.search(text, filters, limit) for shard in view.keywords]
    pairs = [
        (score, ordinal)
        for place, hits in enumerate(found)
        for ordinal, score in zip(hits.ordinals, hits.scores, strict=True)
        if not (place == 0 and len(found) > 1 and ordinal in view.hidden)
    ]
    pairs.sort(key=lambda p: (-p[0], p[1]))
    total = sum(hits.total for hits in found)
    return KeywordRoute(
        scores={ordinal: score for score, ordinal in pairs[:limit]},
        total=total,
        coverage=max((hits.coverage for hits in found), default=0.0),
        mean_tokens=max((hits.mean_tokens for hits in found), default=0.0),
        terms=tuple(dict.fromkeys(t for hits in found for t in hits.terms)),
    )


def vector_route(view: View, query: np.ndarray, filters: Filters, limit: int = 200) -> VectorRoute:
    """Exact cosine over every shard of the view; `query` is (dimension,), normalised."""
    found = tuple(shard.search(query, filters, limit) for shard in view.vectors)
    pairs = [
        (score, ordinal)
        for place, hits in enumerate(found)
        for ordinal, score in zip(hits.ordinals.tolist(), hits.scores.tolist(), strict=True)
        if not (place == 0 and len(found) > 1 and ordinal in view.hidden)
    ]
    pairs.sort(key=lambda p: (-p[0], p[1]))
    total = sum(hits.total for hits in found)
    mean = sum(h.mean * h.total for h in found) / total if total else 0.0
    square = sum((h.std**2 + h.mean**2) * h.total for h in found) / total if total else 0.0
    return VectorRoute(
        scores={ordinal: score for score, ordinal in pairs[:limit]},
        mean=mean,
        std=math.sqrt(max(square - mean * mean, 0.0)),
        total=total,
        shards=found,
        hidden=view.hidden,
    )
