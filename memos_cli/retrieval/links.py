"""The second step of a question: what its first hits name and it does not, other memories tell of.

"Where is the company that Ana works for?" finds "Ana works at Acme"; where Acme is stands in a memory
that shares no word with the question. Owns: the names in a text, and which memories hold those of the
first hits. Does not own: what that is worth (`retrieval/weights`), nor the order (`retrieval/pipeline`).

Only among notes and documents: who talks names the same people and places all day, so among turns
every hit leads everywhere (LoCoMo loses .03 recall@10, BEAM .02; MuSiQue gains .12, HotpotQA .03).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from memos_cli.cube.cube import View
from memos_cli.retrieval.routes import KeywordRoute
from memos_cli.stores.analysis import exact_terms, parse
from memos_cli.stores.facts import is_turn

SOURCES = 2
"""First hits whose names are followed; a third adds nothing on MuSiQue."""

READ = 4_000
"""Characters of a hit among which names are looked for."""

NAMES = 24
"""Names of one hit that are followed at most, from the first on."""

REACHED = 100
"""Memories that one hit leads to at most, those with the rarest names first."""


def links(
    view: View, keyword: KeywordRoute, question: str, first: Sequence[int]
) -> Iterator[tuple[int, dict[int, float]]]:
    """For each of the `first` hits that is no turn, its place and the memories that hold what it names:
    by ordinal, how rare the rarest such name is, 0 to 1."""
    # Who quotes words wants what holds them, and nothing that this leads to.
    if keyword.turns >= keyword.total or parse(question).phrases:
        return
    asked = frozenset(exact_terms(question))
    found = {o: item for shard in view.keywords for o, item in shard.items(first).items()}
    for place, ordinal in enumerate(first):
        item = found.get(ordinal)
        if item is None or is_turn(item):
            continue
        reached = _holding(view, keyword, names(item.memory, asked))
        reached.pop(ordinal, None)
        if reached:
            yield place, reached


def _holding(view: View, keyword: KeywordRoute, named: Sequence[tuple[str, ...]]) -> dict[int, float]:
    reached: dict[int, float] = {}
    if named:
        for place, shard in enumerate(view.keywords):
            stale = view.hidden if place == 0 and len(view.keywords) > 1 else frozenset()
            holding = shard.mentioning(named, keyword.filters, REACHED)
            reached |= {o: rarity for o, rarity in holding.items() if o not in stale}
    return reached


def names(text: str, asked: frozenset[str] = frozenset()) -> list[tuple[str, ...]]:
    """Names in a text, as exact words, those whose every word is among `asked` left out.

    A name is a run of capitalised words; of scripts without capitals nothing is known.
    """
    found = (tuple(exact_terms(name)) for name in _names().findall(text[:READ]))
    return [name for name in dict.fromkeys(found) if name and not asked.issuperset(name)][:NAMES]


@cache
def _names() -> re.Pattern[str]:
    word = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w-]+(?:['’](?!s\b)\w+)*"
    return re.compile(rf"\b{word}(?:\s+(?:(?:of|the|de|la|van|von|der)\s+){{0,2}}{word})*")
