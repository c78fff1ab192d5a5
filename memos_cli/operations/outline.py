"""The tree as it stands in a cube: its topics and concepts, and which memory is below which.

Owns: which memories can be in the tree, reading it from rows. Does not own: making or changing it
(`reorganize`), drawing it (`interfaces/cli`), how rows are held (`cube/columns`).

A note, a document's piece or a refined fact names the concept above it in its own row (`parent`).
Turns of a conversation are evidence, and there are many: 10,000 of them doubled the table, and took
twelve seconds to commit, when each got a version that only says where it is filed. They stay as
they are, and the concept names them (relations of the kind `holds`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from memos_cli.cube.columns import Columns, Spans, by_owner, in_order, plain_names, turns_in
from memos_cli.schema import Kind, Level, MemoryItem, Origin, Refinement, RelationKind
from memos_cli.stores.facts import LIVE, is_turn

if TYPE_CHECKING:
    import pyarrow as pa

    from memos_cli.cube.cube import MemCube

PLACED = frozenset({Kind.LONG_TERM, Kind.USER, Kind.OUTER, Kind.RAW_FILE, Kind.PREFERENCE})
"""Kinds of memory that the tree is about: neither tools, skills, insights nor what is only at hand."""

NODES = frozenset({Level.CONCEPT, Level.TOPIC})
OWN_VERBS = frozenset({"reorganize", "undo"})
"""A node last written by another verb was corrected by somebody, and keeps its words."""


@dataclass
class Outline:
    """What one user's part of a cube holds; ids name memories, `vectors` (spans, dimension) are theirs.

    `above` says of each memory and concept what is above it, as far as that is still there.
    """

    facts: Columns = field(default_factory=Columns)
    concepts: dict[str, MemoryItem] = field(default_factory=dict)
    topics: dict[str, MemoryItem] = field(default_factory=dict)
    vectors: Spans = field(default_factory=Spans)
    above: dict[str, str] = field(default_factory=dict)

    @property
    def nodes(self) -> dict[str, MemoryItem]:
        return {**self.topics, **self.concepts}

    @cached_property
    def corrected(self) -> dict[str, datetime]:
        """When a memory was changed by anything but being filed."""
        return self.facts.rewritten(OWN_VERBS)

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

    Reads all current rows once; turns refined into facts, tools and skills are left out. Raises
    TableDamaged when the table cannot be read, or a topic or concept in it.
    """
    column = cube.column if vectors else None
    if column is not None and not cube.table.holds(column):
        column = None
    statuses = ", ".join(f"'{status}'" for status in sorted(LIVE))
    condition = f"known_to IS NULL AND status IN ({statuses})"
    rows = in_order(cube.table.arrow(condition, plain_names(cube.table.columns, column)))
    found = {}
    for owner, places in by_owner(rows).items():
        part = (rows if len(places) == len(rows) else rows.take(places)).combine_chunks()
        spans = Spans(part, column)
        if column is not None:
            part = part.drop_columns([column.name, column.spans])
        found[owner] = _outline(part, spans)
    return found


def _outline(rows: pa.Table, spans: Spans) -> Outline:
    every = Columns(rows)
    nodes = every.made(_nodes(every))
    topics = {id: item for id, item in nodes.items() if item.level is Level.TOPIC}
    concepts = {id: item for id, item in nodes.items() if item.level is Level.CONCEPT}
    outline = Outline(_placed(rows, every), concepts, topics, spans)
    _link(outline)
    return outline


def _nodes(every: Columns) -> list[str]:
    levels, origins = every.column("level"), every.column("origin")
    return [
        id
        for id, level, origin in zip(every, levels, origins, strict=True)
        if origin == Origin.SUMMARY and level in NODES
    ]


def _placed(rows: pa.Table, every: Columns) -> Columns:
    """As `can_be_placed` says of each."""
    turns = frozenset(turns_in(rows))
    columns = (every.column(name) for name in ("level", "kind", "refinement"))
    places = {
        id: place
        for (id, place), level, kind, refinement in zip(every.places.items(), *columns, strict=True)
        if level in (None, Level.FACT)
        and kind in _PLACED
        and not (refinement == Refinement.DONE and place in turns)
    }
    return Columns(rows, places)


_PLACED = frozenset({None, *map(str, PLACED)})
"""How `PLACED` stands in the table, where nothing is a long-term memory."""


def _link(outline: Outline) -> None:
    for id, parent in zip(outline.facts, outline.facts.column("parent"), strict=True):
        if parent is not None and (parent in outline.concepts or parent in outline.topics):
            outline.above[id] = parent
    for id, concept in outline.concepts.items():
        if concept.parent in outline.topics:
            outline.above[id] = str(concept.parent)
        for relation in concept.relations:
            if relation.kind == RelationKind.HOLDS and relation.target in outline.facts:
                outline.above.setdefault(relation.target, id)


def sessions_of(facts: Iterable[MemoryItem]) -> list[list[str]]:
    """Ids of turns, session by session, in their order."""
    return _runs(
        (item.session_id, item.position, item.id)
        for item in facts
        if item.position is not None and item.session_id is not None and is_turn(item)
    )


def talks_of(facts: Columns) -> list[list[str]]:
    """The same of memories that are columns."""
    columns = zip(facts.column("session_id"), facts.column("position"), facts, strict=True)
    return _runs(
        (session, position, id)
        for session, position, id in columns
        if session is not None and position is not None and facts.is_turn(id)
    )


def _runs(turns: Iterable[tuple[str, int, str]]) -> list[list[str]]:
    talks: dict[str, list[tuple[int, str]]] = {}
    for session, position, id in turns:
        talks.setdefault(session, []).append((position, id))
    return [[id for _, id in sorted(talk, key=itemgetter(0))] for talk in talks.values()]


__all__ = ["NODES", "OWN_VERBS", "Outline", "can_be_placed", "is_node", "outlines", "sessions_of", "talks_of"]
