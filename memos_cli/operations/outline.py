"""The tree as it stands in a cube: its topics and concepts, and which memory is below which.

Owns: which memories can be in the tree, reading it from rows. Does not own: making or changing it
(`reorganize`), drawing it (`interfaces/cli`).

A note, a document's piece or a refined fact names the concept above it in its own row (`parent`).
Turns of a conversation are evidence, and there are many: 10,000 of them doubled the table, and took
twelve seconds to commit, when each got a version that only says where it is filed. They stay as
they are, and the concept names them (relations of the kind `holds`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos_cli.schema import Kind, Level, MemoryItem, Origin, Refinement, RelationKind
from memos_cli.stores.facts import LIVE, is_turn

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.cube.cube import MemCube

PLACED = frozenset({Kind.LONG_TERM, Kind.USER, Kind.OUTER, Kind.RAW_FILE, Kind.PREFERENCE})
"""Kinds of memory that the tree is about: neither tools, skills, insights nor what is only at hand."""

NODES = frozenset({Level.CONCEPT, Level.TOPIC})


@dataclass
class Outline:
    """What one user's part of a cube holds; ids name memories, `vectors` (spans, dimension) are theirs.

    `above` says of each memory and concept what is above it, as far as that is still there.
    """

    facts: dict[str, MemoryItem] = field(default_factory=dict)
    concepts: dict[str, MemoryItem] = field(default_factory=dict)
    topics: dict[str, MemoryItem] = field(default_factory=dict)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    above: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> dict[str, MemoryItem]:
        return {**self.topics, **self.concepts}

    def below(self) -> dict[str, list[str]]:
        """The other way round: of each node the ids that stand under it."""
        found: dict[str, list[str]] = {id: [] for id in self.nodes}
        for id, parent in self.above.items():
            found[parent].append(id)
        return found


def is_node(item: MemoryItem) -> bool:
    """A topic or concept that stands for others, as against a memory that was only given such a level."""
    return item.level in NODES and item.origin is Origin.SUMMARY


def can_be_placed(item: MemoryItem) -> bool:
    """Whether the tree has a place for it: a fact, and not a turn whose facts stand for it."""
    refined = item.refinement is Refinement.DONE and is_turn(item)
    return item.level is Level.FACT and item.kind in PLACED and not refined


def outlines(cube: MemCube, *, vectors: bool = True) -> dict[str | None, Outline]:
    """The outline of each user's memories, by user id: nobody's facts are told in another's summary.

    Reads all current rows once; turns refined into facts, tools and skills are left out.
    """
    found: dict[str | None, Outline] = {}
    statuses = ", ".join(f"'{status}'" for status in sorted(LIVE))
    column = cube.column if vectors else None
    for tail in cube.table.tails(f"known_to IS NULL AND status IN ({statuses})", column):
        for item in tail.items:
            outline = found.setdefault(item.user_id, Outline())
            _take(outline, item)
            if item.row in tail.vectors:
                outline.vectors[item.id] = tail.vectors[item.row]
    for outline in found.values():
        _link(outline)
    return found


def _take(outline: Outline, item: MemoryItem) -> None:
    if is_node(item):
        (outline.topics if item.level is Level.TOPIC else outline.concepts)[item.id] = item
    elif can_be_placed(item):
        outline.facts[item.id] = item


def _link(outline: Outline) -> None:
    for id, fact in outline.facts.items():
        if fact.parent in outline.concepts or fact.parent in outline.topics:
            outline.above[id] = str(fact.parent)
    for id, concept in outline.concepts.items():
        if concept.parent in outline.topics:
            outline.above[id] = str(concept.parent)
        for relation in concept.relations:
            if relation.kind == RelationKind.HOLDS and relation.target in outline.facts:
                outline.above.setdefault(relation.target, id)


def sessions_of(facts: Iterable[MemoryItem]) -> list[list[str]]:
    """Ids of turns, session by session, in their order."""
    talks: dict[str, list[MemoryItem]] = {}
    for item in facts:
        if item.position is not None and item.session_id is not None and is_turn(item):
            talks.setdefault(item.session_id, []).append(item)
    return [[i.id for i in sorted(talk, key=_place)] for talk in talks.values()]


def _place(item: MemoryItem) -> int:
    return item.position or 0


__all__ = ["NODES", "Outline", "can_be_placed", "is_node", "outlines", "sessions_of"]
