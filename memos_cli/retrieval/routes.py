"""The routes of a search: BM25 over the keyword projection, cosine over the vector projection.

Owns: asking every shard of a view and giving one answer a route, by ordinal, with the numbers that
fusion needs. Does not own: how routes are combined (`pipeline`), nor turning ordinals into memories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import mul
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.cube.cube import View
from memos_cli.schema import Filters
from memos_cli.stores.facts import Facts

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.stores.keyword_query import KeywordHits
    from memos_cli.stores.vectors import VectorHits

DEPTH = 1000
"""Length of a keyword list. Cut at 200, recall@10 falls by up to .009; 1,000 cost next to nothing."""

NEAREST = 300
"""Length of the vector route's list at least: what neither route lists is not ranked."""


NO_FILTERS = Filters()


class Moments(msgspec.Struct, frozen=True):
    """Mean and standard deviation of a route's scores over all units."""

    mean: float
    std: float

    def z(self, score: Any) -> Any:
        """A score, or an array of them, in standard deviations from the mean; 0 without a scale."""
        return (score - self.mean) / self.std if self.std > 1e-9 else score * 0.0

    @classmethod
    def of(cls, scores: Iterable[float], total: int) -> Moments:
        """Of `total` scores, those that are not given being 0."""
        listed = list(scores)
        n = max(total, len(listed), 1)
        mean = sum(listed) / n
        squares = sum(map(mul, listed, listed))
        return cls(mean, math.sqrt(max(squares / n - mean * mean, 0.0)))


class KeywordRoute(msgspec.Struct, frozen=True):
    """BM25 by ordinal, best first; units that are not listed score 0 (retrieval.md).

    `own` by a memory's own words, `windows` by those around it, by field. `total` units pass the
    filters, `turns` of them are turns of conversations.
    """

    own: dict[int, float]
    windows: dict[str, dict[int, float]]
    total: int
    turns: int
    coverage: float
    mean_tokens: float
    terms: tuple[str, ...]
    shards: tuple[KeywordHits, ...] = ()
    filters: Filters = NO_FILTERS
    """What the route was held to."""


class VectorRoute(msgspec.Struct, frozen=True):
    """Cosines by ordinal, best first, and their mean and standard deviation over all units."""

    scores: dict[int, float]
    moments: Moments
    total: int
    shards: tuple[VectorHits, ...]
    hidden: frozenset[int] = frozenset()

    def of(self, ordinals: np.ndarray) -> np.ndarray:
        """Cosines of any rows, listed or not; NaN for rows without a vector."""
        return self._asked(ordinals, lambda shard: shard.score_of(ordinals))

    def spans(self, ordinals: np.ndarray) -> np.ndarray:
        """How many pieces each row was embedded in; 0 for rows without a vector."""
        import numpy as np

        return np.max([shard.spans_of(ordinals) for shard in self.shards], axis=0)  # type: ignore[no-any-return]

    def among_neighbours(self, ordinals: np.ndarray) -> np.ndarray:
        """Cosines of turns, each blended with the turns around it; NaN for rows without a vector."""
        return self._asked(ordinals, lambda shard: shard.among_neighbours(ordinals))

    def moments_among_neighbours(self) -> Moments:
        """Of such scores over all turns; of the largest shard, since an overlay has but a few."""
        largest = max(self.shards, key=lambda shard: shard.total)
        return Moments(*largest.moments_among_neighbours())

    def _asked(self, ordinals: np.ndarray, ask: Callable[[VectorHits], np.ndarray]) -> np.ndarray:
        """Each shard's answer; a later shard's counts before an earlier one's."""
        import numpy as np

        found = np.full(len(ordinals), np.nan, np.float32)
        for place, shard in enumerate(self.shards):
            scores = ask(shard)
            if place == 0 and len(self.shards) > 1:
                scores[np.isin(ordinals, list(self.hidden))] = np.nan
            found = np.where(np.isnan(scores), found, scores)
        return found


def keyword_route(
    view: View, text: str, filters: Filters, limit: int = DEPTH, *, windows: bool = True
) -> KeywordRoute:
    """BM25 over every shard of the view."""
    found = tuple(shard.search(text, filters, limit, windows=windows) for shard in view.keywords)
    names = dict.fromkeys(name for hits in found for name in hits.windows)
    return KeywordRoute(
        own=_merged(view, [hits.own for hits in found], limit),
        windows={
            name: _merged(view, [hits.windows.get(name, {}) for hits in found], limit) for name in names
        },
        total=sum(hits.total for hits in found),
        turns=sum(hits.turns for hits in found),
        coverage=max((hits.coverage for hits in found), default=0.0),
        mean_tokens=max((hits.mean_tokens for hits in found), default=0.0),
        terms=tuple(dict.fromkeys(t for hits in found for t in hits.terms)),
        shards=found,
        filters=filters,
    )


def facts(view: View, route: KeywordRoute, ordinals: Sequence[int]) -> dict[int, Facts]:
    """What ranking asks of these rows beside their words."""
    found: dict[int, Facts] = {}
    for shard, hits in zip(view.keywords, route.shards, strict=True):
        found |= shard.facts(hits, ordinals)
    return found


def naming(view: View, names: Iterable[str]) -> set[int]:
    """Rows that hold one of these names."""
    return {o for shard in view.keywords for name in names for o in shard.search(name, Filters(), DEPTH).own}


def vector_route(view: View, query: np.ndarray, filters: Filters, limit: int = NEAREST) -> VectorRoute:
    """Exact cosine over every shard of the view; `query` is (dimension,), of any length."""
    found = tuple(shard.search(query, filters, limit) for shard in view.vectors)
    lists = [dict(zip(hits.ordinals.tolist(), hits.scores.tolist(), strict=True)) for hits in found]
    total = sum(hits.total for hits in found)
    mean = sum(h.mean * h.total for h in found) / total if total else 0.0
    square = sum((h.std**2 + h.mean**2) * h.total for h in found) / total if total else 0.0
    return VectorRoute(
        scores=_merged(view, lists, limit),
        moments=Moments(mean, math.sqrt(max(square - mean * mean, 0.0))),
        total=total,
        shards=found,
        hidden=view.hidden,
    )


def _merged(view: View, lists: Sequence[Mapping[int, float]], limit: int) -> dict[int, float]:
    """The lists of all shards in one, best first; rows of the first that are out of date are left out."""
    if len(lists) == 1:
        return dict(lists[0])
    pairs = [
        (-score, ordinal)
        for place, scores in enumerate(lists)
        for ordinal, score in scores.items()
        if place or ordinal not in view.hidden
    ]
    return {ordinal: -score for score, ordinal in sorted(pairs)[:limit]}
