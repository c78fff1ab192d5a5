"""Blending a reranker's scores into the order of a search.

Owns: how much each of the two counts at which rank, and hits in the blended order. Does not own:
the models (`providers/reranker`), nor what happens when one fails (`operations/search`).
"""

from __future__ import annotations

from collections.abc import Sequence

from memos_cli.schema import Hit, Route

DEPTH = 50
"""Hits that a reranker is shown: a quarter of a second of a small cross-encoder's time when they are
short (`memos help reranking`)."""


def blend(fused: Sequence[float], rerank: Sequence[float]) -> list[float]:
    """Scores in 0-1 that sort candidates, from the search's scores (best first) and a reranker's.

    `rerank` holds those of the first candidates, in the same order; any further candidates stay
    behind these, in their order. Of the search its ranks count, not its scores, which have
    another scale for every question; equal scores share a rank.

        blended = (1 - w(rank)) * rerank + w(rank) * part(rank)

    w is .75 for ranks 1-3, .60 to rank 10 and .40 further down, so that the reranker has less to
    say where the search is surest: the position-aware blending of qmd (github.com/tobi/qmd,
    `src/store.ts`). Two things differ. qmd's part is 1 / rank, with which nothing can ever pass
    the first hit (.75 against .25 + .75 / 2 at most); here it falls evenly over `DEPTH` ranks, so
    that a first hit of no use (rerank 0: .75) is passed by a tenth one that answers (1: .89), and
    one that is half right (.5: .88) by no more than a few. And w goes from .60 to .40 over ranks
    11-15 rather than at once, which makes the blend fair: of two candidates that the reranker
    likes equally, the one that the search had first stays first.

    1 means first for the search and perfect for the reranker. It is no probability, and not to be
    compared with scores of another question, nor with those of a search without a reranker.
    """
    ranks = _ranks(fused)
    padded = [*rerank, *[0.0] * (len(fused) - len(rerank))]
    return [
        (1 - weight(rank)) * score + weight(rank) * part(rank)
        for rank, score in zip(ranks, padded, strict=True)
    ]


def weight(rank: int) -> float:
    """How much the search counts at `rank` (from 1)."""
    if rank <= 3:
        return 0.75
    return max(0.4, 0.6 * min(1.0, 10 / rank))


def part(rank: int) -> float:
    """The search's own contribution at `rank`: 1 to 1 / DEPTH, and on towards 0 beyond it."""
    return 1 - (rank - 1) / DEPTH if rank <= DEPTH else 1 / rank


def _ranks(scores: Sequence[float]) -> list[int]:
    """Ranks from 1 of descending scores; equal ones share the first of theirs."""
    ranks: list[int] = []
    for place, score in enumerate(scores):
        ranks.append(ranks[-1] if place and score == scores[place - 1] else place + 1)
    return ranks


def reranked(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    """Hits in their blended order; `scores` are the reranker's for the first of them."""
    blended = blend([hit.score for hit in hits], scores)
    places = {i: rank for rank, i in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), 1)}
    changed = [
        hit.but(
            score=round(blended[i], 6),
            routes=hit.routes
            | ({"rerank": Route(rank=places[i], score=round(scores[i], 6))} if i in places else {}),
        )
        for i, hit in enumerate(hits)
    ]
    # Sorting is stable: candidates of equal worth stay as the search had them.
    return [changed[i] for i in sorted(range(len(changed)), key=lambda i: -blended[i])]
