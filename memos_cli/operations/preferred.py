"""Learned preferences beside the hits of a search: which bear on the question, within a token budget.

Owns: how relevant a preference is, and which fit. Does not own: how they came to be (`preferences`), the
hits, from which they are kept apart (`search`), nor the routes (`retrieval/routes`).

Two kinds come in: those that bear on the question, the most relevant first, then those that concern every
answer ("Please answer in short"), the newest first. Whose session, file or tag a preference came from
says nothing of where it applies, so of the search's filters only the owner, the visibility, the status and
the two kinds of past are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos_cli.reader.language import language_of
from memos_cli.retrieval.routes import keyword_route, vector_route
from memos_cli.schema import Filters, Hit, MemoryItem, Route
from memos_cli.stores.subjects import stems

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.cube.cube import View

GENERAL = "general"
"""Tag of a preference that concerns every answer, whatever the question is about."""

CANDIDATES = 20
"""Preferences that each route brings."""

RELEVANT = 0.3
"""Relevance from which on a preference is shown."""

WORDS = 0.5
"""Relevance of a preference whose whole topic the question names, where its vector says nothing."""


def beside(filters: Filters) -> Filters:
    """The filters of the preferences beside a search's hits."""
    return Filters(
        users=filters.users,
        agents=filters.agents,
        visibility=filters.visibility,
        statuses=filters.statuses,
        as_of=filters.as_of,
        known_at=filters.known_at,
        learned=True,
    )


@dataclass(frozen=True)
class Candidates:
    """Preferences that the routes bring for a question: what each gave them, by ordinal."""

    routes: dict[str, dict[int, float]]
    terms: frozenset[str]
    """The question's words, as the index knows them."""

    @property
    def ordinals(self) -> list[int]:
        return list(dict.fromkeys(ordinal for scores in self.routes.values() for ordinal in scores))

    def relevance(self, ordinal: int, item: MemoryItem) -> float:
        """How closely a preference bears on the question, 0 to 1.

        The cosine; the share of its topic that the question names, or of what it is a favourite of, fills
        up to WORDS of what that leaves.
        """
        cosine = min(max(self.routes.get("vector", {}).get(ordinal, 0.0), 0.0), 1.0)
        named = [stems(str(about)) for about in (item.topic, item.info.get("slot")) if about]
        share = max((len(words & self.terms) / len(words) for words in named), default=0.0)
        return 1 - (1 - cosine) * (1 - WORDS * share)

    def hit(self, ordinal: int, score: float, item: MemoryItem, cube: str) -> Hit:
        """A preference as a hit."""
        places = {
            name: Route(rank=list(scores).index(ordinal) + 1, score=round(scores[ordinal], 6))
            for name, scores in self.routes.items()
            if ordinal in scores
        }
        return Hit(item=item, score=round(score, 6), cube=cube, routes=places)


def candidates(
    view: View, text: str, filters: Filters, vector: np.ndarray | None, languages: tuple[str, ...]
) -> Candidates:
    """Preferences that share a word with a question, or whose vector is near enough, where the embedder
    reads the question's language."""
    keyword = keyword_route(view, text, filters, CANDIDATES, windows=False)
    routes = {"keyword": keyword.own}
    if vector is not None and (not languages or language_of(text) in (None, *languages)):
        nearest = vector_route(view, vector, filters, CANDIDATES).scores
        routes["vector"] = {
            ordinal: cosine
            for ordinal, cosine in nearest.items()
            if cosine >= RELEVANT or ordinal in keyword.own
        }
    return Candidates(routes, frozenset(keyword.terms))


def relevant(
    found: Candidates, items: Iterable[tuple[int, MemoryItem]], cube: str
) -> tuple[list[Hit], list[Hit]]:
    """Preferences that bear on the question, the most relevant first, and those that concern every answer."""
    hits, general = [], []
    for ordinal, item in items:
        hit = found.hit(ordinal, found.relevance(ordinal, item), item, cube)
        if hit.score >= RELEVANT:
            hits.append(hit)
        elif GENERAL in item.tags:
            general.append(hit)
    return sorted(hits, key=lambda hit: -hit.score), general


def general(view: View, filters: Filters) -> list[int]:
    """Preferences that concern every answer, the newest first."""
    tagged = filters.but(tags=(GENERAL,))
    shards = [shard for shard in view.keywords if shard.holds(f"tag:{GENERAL}")]
    return [ordinal for shard in shards for ordinal in shard.filter_only(tagged, CANDIDATES)]


def fitting(hits: Iterable[Hit], budget: int, count: Callable[[str], int]) -> Iterator[Hit]:
    """The hits that fit into a budget of tokens, each memory once; one that does not fit is passed over."""
    seen: set[str] = set()
    for hit in hits:
        cost = count(hit.item.memory)
        if hit.item.id not in seen and cost <= budget:
            seen.add(hit.item.id)
            budget -= cost
            yield hit
