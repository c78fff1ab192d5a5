"""Which of two hits is what holds now: a memory that updates or contradicts another stands before it.

Owns: the order of hits between which such a relation stands. Does not own: who draws the relation
(`judge`, `merging`), nor memories that were closed and are no hits at all.

A turn of a conversation is never closed (`memos help judgement`), so both what Anna said in May and what
she said in June are found. The words of the older one often fit a question better; that she said
otherwise since decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from memos_cli.schema import Hit, MemoryItem

OVERRIDES = frozenset({"update", "contradiction", "supersedes", "contradicts"})
"""Kinds of relation whose two ends cannot both hold."""


def newest_first(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, each that another one updates behind that one, and marked with its id (`updated_by`).

    What moves up takes the score of the hit before which it now stands: at least as likely is it the answer.
    """
    places = {hit.item.id: place for place, hit in enumerate(hits)}
    later: dict[str, str] = {}
    for hit in hits:
        for relation in hit.item.relations:
            if relation.kind in OVERRIDES and relation.target in places and relation.target != hit.item.id:
                old, new = _in_time(hits[places[relation.target]].item, hit.item)
                later[old.id] = _latest(hits, places, later.get(old.id), new)
    if not later:
        return list(hits)
    ordered: list[Hit] = []
    for hit in hits:
        _place(hit, hits, places, later, ordered, hit.score, set())
    return ordered


def _in_time(one: MemoryItem, other: MemoryItem) -> tuple[MemoryItem, MemoryItem]:
    """(the older, the newer), by when they were true or said; who has the relation is newer in a tie."""
    return (other, one) if other.time < one.time else (one, other)


def _latest(hits: Sequence[Hit], places: dict[str, int], known: str | None, new: MemoryItem) -> str:
    if known is None:
        return new.id
    return _in_time(hits[places[known]].item, new)[1].id


def _place(
    hit: Hit,
    hits: Sequence[Hit],
    places: dict[str, int],
    later: dict[str, str],
    ordered: list[Hit],
    score: float,
    above: set[str],
) -> None:
    """Put a hit behind what updates it; `above` ends a circle of relations."""
    if any(hit.item.id == done.item.id for done in ordered) or hit.item.id in above:
        return
    newer = later.get(hit.item.id)
    if newer is not None:
        ahead = hits[places[newer]]
        _place(ahead, hits, places, later, ordered, max(score, ahead.score), above | {hit.item.id})
    raised = hit if hit.score >= score else hit.but(score=score)
    ordered.append(raised if newer is None else raised.but(updated_by=newer))
