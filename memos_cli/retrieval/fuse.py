"""Fusing the routes of a search on their scores.

Owns: the gate between words and meaning, and the map to 0-1. Does not own: the routes
themselves. Constants and figures: see `memos help search`; measured on public sets (LoCoMo,
PrefEval, BEAM, MemDaily, HotpotQA, MuSiQue, Cranfield).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from memos_cli.retrieval.routes import KeywordRoute, VectorRoute

GATE = 2.0
"""How much the words count: w = GATE · c / ln(1 + L), where c asks how far the best unit covers
the query's idf mass and L is the mean number of content tokens of a unit. c is about .6 where
words lead (dialogue, paragraphs) and .16 where they mislead (preferences)."""

CJK_WEIGHT = 4.0
"""The weight of words for a Chinese, Japanese or Korean query put to an embedder not trained for it."""

CJK_SHARE = 0.3
RRF_K = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009)."""

BM25_HALF = 8.0
"""The BM25 score that maps to 0.5 in a search by keywords alone."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Fused:
    """Scores in 0-1 by ordinal, best first, and the numbers that led to them."""

    scores: dict[int, float]
    trace: dict[str, float | str]


def fuse(
    keyword: KeywordRoute | None, vector: VectorRoute | None, query: str, languages: tuple[str, ...]
) -> Fused:
    """Combine the routes there are. `languages`: those the embedder reads (empty: unknown)."""
    if vector is None:
        scores = keyword.scores if keyword else {}
        return Fused({o: s / (s + BM25_HALF) for o, s in scores.items()}, {"fusion": "keyword only"})
    if keyword is None:
        return Fused({o: (1 + s) / 2 for o, s in vector.scores.items()}, {"fusion": "vector only"})
    mean, std = keyword.moments()
    if vector.std <= 1e-6 or std <= 1e-9:
        return _by_rank(keyword, vector)
    weight = _weight(keyword, query, languages)
    ordinals = list(dict.fromkeys([*keyword.scores, *vector.scores]))
    cosines = vector.of(ordinals)
    fused = {
        o: (
            (cosines.get(o, vector.mean) - vector.mean) / vector.std
            + weight * (keyword.scores.get(o, 0.0) - mean) / std
        )
        / (1 + weight)
        for o in ordinals
    }
    trace: dict[str, float | str] = {
        "fusion": "scores",
        "keyword_weight": round(weight, 4),
        "coverage": round(keyword.coverage, 4),
        "mean_tokens": round(keyword.mean_tokens, 2),
        "terms": " ".join(keyword.terms),
    }
    return Fused(_ordered({o: _logistic(z / 2) for o, z in fused.items()}), trace)


def _weight(keyword: KeywordRoute, query: str, languages: tuple[str, ...]) -> float:
    letters = sum(c.isalpha() for c in query)
    if letters and "zh" not in languages and len(_CJK.findall(query)) > CJK_SHARE * letters:
        return CJK_WEIGHT
    return GATE * keyword.coverage / math.log(1 + max(keyword.mean_tokens, 1.0))


def _by_rank(keyword: KeywordRoute, vector: VectorRoute) -> Fused:
    """Reciprocal rank fusion, for when a score scale is missing (all units score the same)."""
    sums: dict[int, float] = {}
    for route in (keyword.scores, vector.scores):
        for rank, ordinal in enumerate(route, 1):
            sums[ordinal] = sums.get(ordinal, 0.0) + 1 / (RRF_K + rank)
    best = 2 / (RRF_K + 1)
    return Fused(_ordered({o: s / best for o, s in sums.items()}), {"fusion": "ranks"})


def _ordered(scores: dict[int, float]) -> dict[int, float]:
    return dict(sorted(scores.items(), key=lambda p: (-p[1], p[0])))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(min(x, 60.0), -60.0)))
