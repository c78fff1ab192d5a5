"""Topics and concepts that have the words of memories that are to be purged.

Owns: which of them go for good with a memory. Does not own: the purge (`edit`), making the tree
(`reorganize`), which puts what stood under them in order the next time.

A concept quotes some of its memories and is named by terms of all; a topic is named by its concepts. All
their versions count, since a purge leaves no history either. A language model tells a node in words of
its own, so what it told of a memory goes whatever it says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from memos_cli.operations.outline import NODES, is_node
from memos_cli.schema import MemoryItem, RelationKind
from memos_cli.stores.table import quoted

if TYPE_CHECKING:
    from memos_cli.session import Session

Versions = dict[str, list[MemoryItem]]
"""By id, the oldest first."""


def nodes_telling(session: Session, going: Collection[str]) -> list[MemoryItem]:
    """The newest versions of the topics and concepts that go with these memories."""
    table = session.cube.table
    nodes: Versions = {}
    for item in table.items(f"level IN ({quoted(NODES)}) AND status != 'purged'"):
        if is_node(item) and item.id not in going:
            nodes.setdefault(item.id, []).append(item)
    if not nodes:
        return []
    purged = table.items(f"id IN ({quoted(going)})")
    above = _ever_above(nodes, purged)
    words = {word for item in purged for word in _words(item)}
    own = words & {word for id in above for item in nodes[id] for word in _words(item)}
    own = {word for word in own if not _told_elsewhere(session, word, going)}
    return [nodes[id][-1] for id in sorted(above) if any(_tells(item, going, own) for item in nodes[id])]


def _ever_above(nodes: Versions, purged: Collection[MemoryItem]) -> set[str]:
    """Nodes that any of the memories ever stood under, in any version of either."""
    ids = {item.id for item in purged}
    direct = {item.parent for item in purged if item.parent in nodes}
    direct |= {
        id for id, versions in nodes.items() if any(r.target in ids for v in versions for r in v.relations)
    }
    found: set[str] = set()
    while direct:
        found |= {id for id in direct if id}
        direct = {v.parent for id in direct if id for v in nodes[id] if v.parent in nodes} - found
    return found


def _tells(node: MemoryItem, going: Collection[str], own: Collection[str]) -> bool:
    """Whether it quotes one of the memories, has a word that only they have, or was told by a model."""
    quotes = any(edge.kind == RelationKind.EVIDENCE and edge.target in going for edge in node.relations)
    return quotes or node.info.get("by", "terms") != "terms" or not _words(node).isdisjoint(own)


def _words(item: MemoryItem) -> set[str]:
    from memos_cli.organize.titles import words_of  # brings numpy, which only a purge with nodes pays for

    return set(words_of([item.memory, *item.tags]).counts)


def _told_elsewhere(session: Session, word: str, going: Collection[str]) -> bool:
    others = f"level NOT IN ({quoted(NODES)}) AND id NOT IN ({quoted(going)}) AND status != 'purged'"
    return session.cube.table.count(f"contains(lower(memory), {quoted([word])}) AND {others}") > 0
