"""What a score means."""

from __future__ import annotations

import math

from memos_cli.retrieval.pipeline import Ranked


def likely(ranked: Ranked, place: int) -> float:
    return 1 / (1 + math.exp(-max(min(ranked.sums[place] / 2, 60.0), -60.0)))
