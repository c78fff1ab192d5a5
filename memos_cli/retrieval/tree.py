"""The tree as a route: what stands under the concepts of the first hits comes next.

A question for a list ("which books has she read?") has several answers of which some share no word with
it; its first hits say what it is about, and the concept that holds them holds the others. Owns: which
memories that leads to. Does not own: the tree (`operations/reorganize`), the order (`retrieval/pipeline`).

Only after the first hits: who sorts by subject ranks all of a concept before what fits the question,
and let into the first ten, siblings cost recall@10 whatever their weight (LoCoMo -.004 to -.016), while
behind them they add to recall@20: multi-hop .656 to .671, nothing else down (`memos eval --tree`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from memos_cli.cube.cube import View
from memos_cli.schema import MemoryItem
from memos_cli.stores.facts import is_turn

FIRST = 10
"""First hits, which keep their places and whose concepts are followed."""


def siblings(view: View, first: Sequence[int]) -> dict[int, float]:
    """By ordinal, what stands under a concept of the `first` hits, and how much of them that concept
    holds: the root of its share, so that one of ten says .32 and all of ten say 1."""
    if not any(shard.holds("level:concept") for shard in view.keywords):
        return {}
    items = {o: item for shard in view.keywords for o, item in shard.items(first).items()}
    above = _concepts(view, items)
    counts = Counter(above[item.id] for item in items.values() if item.id in above)
    found: dict[int, float] = {}
    for concept, count in counts.items():
        found |= dict.fromkeys(_under(view, concept), math.sqrt(count / FIRST))
    return found


def _concepts(view: View, items: Mapping[int, MemoryItem]) -> dict[str, str]:
    """The concept above each memory, by id: a note names it itself, a turn is named by it."""
    above = {item.id: item.parent for item in items.values() if item.parent is not None}
    turns = [item.id for item in items.values() if item.parent is None and is_turn(item)]
    for shard in view.keywords:
        above |= shard.holders(turns)
    return above


def _under(view: View, concept: str) -> set[int]:
    """Ordinals of what a concept holds now."""
    held: set[int] = set()
    for place, shard in enumerate(view.keywords):
        stale = view.hidden if place == 0 and not view.whole else frozenset()
        held |= shard.held_by(concept) - stale
    return held
