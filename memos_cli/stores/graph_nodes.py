"""Nodes and edges: what a memory is in the graph, and the statements that write it.

Owns: the graph's tables, which rows of the table become nodes, bringing a graph up to date.
Does not own: files and generations, nor opening them (`stores/graph`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from memos_cli.schema import MemoryItem, Status

TABLES = (
    "CREATE NODE TABLE Memory(id STRING PRIMARY KEY, kind STRING, level STRING, status STRING, ordinal INT64)",
    "CREATE REL TABLE PARENT(FROM Memory TO Memory)",
    "CREATE REL TABLE RELATION(FROM Memory TO Memory, kind STRING, weight DOUBLE)",
)

SCANS_PAY = 20
"""Memories from which on one scan of all nodes costs less than a statement for each of them."""

GONE = (Status.DELETED, Status.PURGED)
"""Memories of these states have no node."""


@dataclass(frozen=True)
class Node:
    """What the graph keeps of a memory's current version."""

    ordinal: int
    facts: tuple[str, str, str]
    parent: str | None
    relations: dict[tuple[str, str], float]

    def targets(self) -> Iterator[str]:
        if self.parent is not None:
            yield self.parent
        yield from (target for _, target in self.relations)


def latest(pairs: Iterable[tuple[int, MemoryItem]]) -> dict[str, tuple[int, Node | None]]:
    """Each memory's newest row: its ordinal, and its node, None where it has no current version."""
    newest: dict[str, tuple[int, Node | None]] = {}
    for ordinal, item in pairs:
        if item.id in newest and newest[item.id][0] > ordinal:
            continue
        newest[item.id] = (ordinal, _node(ordinal, item))
    return newest


def _node(ordinal: int, item: MemoryItem) -> Node | None:
    if item.known_to is not None or item.status in GONE:
        return None
    relations = {(r.kind, r.target): r.weight for r in item.relations}
    return Node(ordinal, (str(item.kind), str(item.level), str(item.status)), item.parent, relations)


def merged(nodes: dict[str, Node], changes: dict[str, tuple[int, Node | None]]) -> dict[str, Node]:
    merged = dict(nodes)
    for id, (ordinal, node) in changes.items():
        if id in merged and merged[id].ordinal > ordinal:
            continue
        merged.pop(id, None)
        if node is not None:
            merged[id] = node
    return merged


def apply(connection: Any, changes: dict[str, tuple[int, Node | None]]) -> None:
    """Bring a copy of the graph up to date, in one transaction.

    Kùzu looks keys up in its index when they are literal or merged, and scans all nodes for a
    MATCH whose keys come from UNWIND: hence MERGE where a node may as well come into being.
    """
    connection.execute("BEGIN TRANSACTION")
    before = dict(rows_of(connection, _TOUCH, {"ids": list(changes)}))
    changes = {id: c for id, c in changes.items() if before[id] is None or before[id] <= c[0]}
    nodes = {id: node for id, (_, node) in changes.items() if node is not None}
    gone = [id for id in changes if id not in nodes]
    loose = _unlink(connection, [id for id in changes if before[id] is not None])
    _set(connection, nodes)
    for id in gone:
        connection.execute(_EMPTY, {"id": id})
    targets = {target for node in nodes.values() for target in node.targets()}
    if targets:
        connection.execute("UNWIND $ids AS id MERGE (m:Memory {id: id})", {"ids": sorted(targets)})
    _copy_edges(connection, nodes)
    _drop_unnamed(connection, sorted(loose.union(gone) - targets - nodes.keys()))
    connection.execute("COMMIT")


_TOUCH = "UNWIND $ids AS id MERGE (m:Memory {id: id}) RETURN id, m.ordinal"
"""The ordinals of memories, None for those that are not there, which from now on are."""

_EMPTY = "MATCH (m:Memory {id: $id}) SET m.kind = NULL, m.level = NULL, m.status = NULL, m.ordinal = NULL"


def _drop_unnamed(connection: Any, ids: list[str]) -> None:
    """Remove those of the nodes that are placeholders and that nothing points to any more."""
    if not ids:
        return
    kinds = rows_of(connection, "UNWIND $ids AS id MERGE (m:Memory {id: id}) RETURN id, m.kind", {"ids": ids})
    for id in (id for id, kind in kinds if kind is None):
        pointing = "MATCH (:Memory {id: $id})<-[:PARENT|:RELATION]-(m:Memory) RETURN m.id LIMIT 1"
        if not rows_of(connection, pointing, {"id": id}):
            connection.execute("MATCH (m:Memory {id: $id}) DELETE m", {"id": id})


def _unlink(connection: Any, ids: list[str]) -> set[str]:
    """Remove the edges that these memories own; what they pointed to."""
    parameters: list[dict[str, Any]]
    if len(ids) <= SCANS_PAY:
        each, parameters = "MATCH (m:Memory {id: $id})", [{"id": id} for id in ids]
    else:
        each, parameters = "UNWIND $ids AS id MATCH (m:Memory {id: id})", [{"ids": ids}]
    targets: set[str] = set()
    for given in parameters:
        edges = rows_of(connection, f"{each}-[:PARENT|:RELATION]->(t:Memory) RETURN t.id", given)
        targets.update(target for (target,) in edges)
        for edge in ("PARENT", "RELATION") if edges else ():
            connection.execute(f"{each}-[e:{edge}]->(:Memory) DELETE e", given)
    return targets


def _set(connection: Any, nodes: dict[str, Node]) -> None:
    names = ("kind", "level", "status")
    rows = [
        {"id": i, "ordinal": n.ordinal, **dict(zip(names, n.facts, strict=True))} for i, n in nodes.items()
    ]
    if rows:
        connection.execute(_SET, {"rows": rows})


_SET = (
    "UNWIND $rows AS row MERGE (m:Memory {id: row.id}) "
    "SET m.kind = row.kind, m.level = row.level, m.status = row.status, m.ordinal = row.ordinal"
)


def copy(connection: Any, nodes: dict[str, Node]) -> None:
    """Fill empty tables: nodes, what they point to, edges."""
    import pyarrow as pa

    missing = sorted({target for node in nodes.values() for target in node.targets()} - nodes.keys())
    facts: list[tuple] = [(*node.facts, node.ordinal) for node in nodes.values()]
    facts += [(None, None, None, None)] * len(missing)
    columns = {"id": pa.array([*nodes, *missing], pa.string())}
    for place, name in enumerate(("kind", "level", "status")):
        columns[name] = pa.array([fact[place] for fact in facts], pa.string())
    columns["ordinal"] = pa.array([fact[3] for fact in facts], pa.int64())
    if nodes:
        _copy_table(connection, "Memory", pa.table(columns))
        _copy_edges(connection, nodes)


def _copy_edges(connection: Any, nodes: dict[str, Node]) -> None:
    import pyarrow as pa

    owners = [id for id, node in nodes.items() if node.parent is not None]
    if owners:
        parents = pa.array([nodes[id].parent for id in owners], pa.string())
        _copy_table(connection, "PARENT", pa.table({"from": pa.array(owners, pa.string()), "to": parents}))
    edges = [(id, edge, weight) for id, node in nodes.items() for edge, weight in node.relations.items()]
    if edges:
        columns = {
            "from": pa.array([id for id, _, _ in edges], pa.string()),
            "to": pa.array([target for _, (_, target), _ in edges], pa.string()),
            "kind": pa.array([kind for _, (kind, _), _ in edges], pa.string()),
            "weight": pa.array([weight for _, _, weight in edges], pa.float64()),
        }
        _copy_table(connection, "RELATION", pa.table(columns))


def _copy_table(connection: Any, table: str, rows: Any) -> None:
    # Kùzu finds `rows` by its name in this frame, and looks for pandas with importlib.util
    # without importing that itself.
    import importlib.util  # noqa: F401

    connection.execute(f"COPY {table} FROM rows")


def rows_of(connection: Any, cypher: str, parameters: dict[str, Any] | None = None) -> list[list[Any]]:
    result = connection.execute(cypher, parameters or {})
    try:
        return result.get_all()
    finally:
        result.close()
