"""`memos tree`, `memos graph`, `memos cypher`: looking at how memories hang together.

Owns: what they answer. Does not own: making the tree (`reorganize`), how it is drawn
(`interfaces/cli/diagrams`), the engine of the graph (`stores/graph`).

Tree and neighbourhood are read from the table's own parents and relations, so they work at any
depth and are never behind; only `cypher` needs the graph of depth tree_text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from memos_cli.errors import MemoryNotFound, NodeNotFound, UsageError
from memos_cli.operations.browse import find
from memos_cli.operations.outline import Outline, is_node, outlines, sessions_of
from memos_cli.operations.search import search
from memos_cli.schema import Depth, MemoryItem, Query, RelationKind, Value

if TYPE_CHECKING:
    from memos_cli.session import Session

PARENT = "parent"
"""Kind of an edge that is drawn for the column of that name, and is no relation."""

CONCEPT_DEPTH = 2
"""Depth at which concepts are shown; one more shows the memories."""


class Branch(Value, frozen=True, kw_only=True):
    """A topic, concept or memory with what stands below it, as deep as was asked for.

    `size` counts the memories below, all the way down; `name` is a memory's own text.
    """

    id: str
    level: str
    name: str
    size: int
    summary: str = ""
    tags: tuple[str, ...] = ()
    user: str | None = None
    stale: bool = False
    below: tuple[Branch, ...] = ()


class TreeResult(Value, frozen=True, kw_only=True):
    """`loose` counts the memories that are in no concept."""

    branches: tuple[Branch, ...]
    memories: int
    loose: int
    notes: tuple[str, ...] = ()


class Spot(Value, frozen=True, kw_only=True):
    """One memory of a neighbourhood; `distance` in edges from the first one."""

    id: str
    level: str
    memory: str
    status: str
    distance: int


class Edge(Value, frozen=True, kw_only=True):
    source: str
    kind: str
    target: str
    weight: float = 1.0


class GraphResult(Value, frozen=True, kw_only=True):
    """`left_out`: neighbours beyond the limit."""

    start: str
    nodes: tuple[Spot, ...]
    edges: tuple[Edge, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


class CypherResult(Value, frozen=True, kw_only=True):
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()


# -- tree


def tree(session: Session, *, depth: int = 2, topic: str | None = None) -> TreeResult:
    """Topics (depth 1), concepts (2), memories (3), the largest first; below one node with `topic`,
    its id or a part of its name. Raises NodeNotFound."""
    found = outlines(session.cube, vectors=False)
    branches: list[Branch] = []
    for _, outline in sorted(found.items(), key=lambda pair: pair[0] or ""):
        if depth > CONCEPT_DEPTH and topic is None:
            outline.facts.keep()  # all of them are shown
        branches += _branches(outline, depth, topic)
    if topic and not branches:
        raise NodeNotFound(name=topic)
    memories = sum(len(o.facts) for o in found.values())
    loose = memories - sum(1 for o in found.values() for id in o.facts if id in o.above)
    notes = () if branches else ("There is no tree yet; `memos reorganize` makes it.",)
    return TreeResult(branches=tuple(branches), memories=memories, loose=loose, notes=notes)


def _branches(outline: Outline, depth: int, topic: str | None) -> list[Branch]:
    below = outline.below()
    if topic is None:
        roots = [id for id in outline.nodes if id not in outline.above]
    else:
        wanted = topic.casefold()
        named = [i for i, n in outline.nodes.items() if i.startswith(wanted) or wanted in _name(n).casefold()]
        roots = [id for id in named if outline.above.get(id) not in named]
    made = (_branch(outline, below, id, depth) for id in roots)
    return sorted(made, key=lambda branch: (-branch.size, branch.name))


def _branch(outline: Outline, below: dict[str, list[str]], id: str, depth: int) -> Branch:
    item = outline.nodes.get(id) or outline.facts[id]
    under = below.get(id, [])
    nodes = [i for i in under if i in below]
    shown: list[Branch] = []
    if depth >= CONCEPT_DEPTH:
        made = (_branch(outline, below, i, depth) for i in nodes)
        shown = sorted(made, key=lambda branch: (-branch.size, branch.name))
    if depth > CONCEPT_DEPTH:
        shown += [_branch(outline, below, i, depth) for i in sorted(under) if i not in below]
    return Branch(
        id=id,
        level=str(item.level),
        name=_name(item),
        size=_size(below, id),
        summary=_summary(item) if is_node(item) else "",
        tags=item.tags if is_node(item) else (),
        user=item.user_id,
        stale=item.stale,
        below=tuple(shown),
    )


def _size(below: dict[str, list[str]], id: str) -> int:
    return sum(_size(below, i) if i in below else 1 for i in below[id]) if id in below else 1


def _name(item: MemoryItem) -> str:
    return (item.key or item.memory.split(":")[0]) if is_node(item) else item.memory


def _summary(item: MemoryItem) -> str:
    return item.memory.removeprefix(f"{item.key}: ")


# -- neighbourhood


def neighbourhood(session: Session, what: str, *, depth: int = 1, limit: int = 60) -> GraphResult:
    """What hangs together with a memory, named by its id or found by a question, within `depth` edges.

    Raises MemoryNotFound when nothing is found.
    """
    start = _start(session, what)
    rows = session.cube.table.items("known_to IS NULL AND status NOT IN ('purged', 'deleted')")
    items = {item.id: item for item in rows}
    edges = list(dict.fromkeys(_edges(items)))
    near: dict[str, list[str]] = {}
    for edge in edges:
        near.setdefault(edge.source, []).append(edge.target)
        near.setdefault(edge.target, []).append(edge.source)
    distances = _reached(start, near, depth)
    kept = list(distances)[:limit]
    chosen = set(kept)
    return GraphResult(
        start=start,
        nodes=tuple(_spot(items[id], distances[id]) for id in kept),
        edges=tuple(e for e in edges if e.source in chosen and e.target in chosen),
        left_out=len(distances) - len(kept),
    )


def _start(session: Session, what: str) -> str:
    if re.fullmatch(r"[0-9a-f-]{4,36}", what):
        try:
            return find(session, what).id
        except MemoryNotFound:
            if len(what) == 36:
                raise
    hits = search(session, Query(text=what, k=1)).hits
    if not hits:
        raise MemoryNotFound(id=what)
    return hits[0].item.id


def _edges(items: dict[str, MemoryItem]) -> Iterator[Edge]:
    """Every edge between memories that are there; a session's turns follow each other."""
    for id, item in items.items():
        if item.parent in items:
            yield Edge(source=id, kind=PARENT, target=str(item.parent))
        if item.refines in items:
            yield Edge(source=id, kind=RelationKind.REFINES, target=str(item.refines))
        for relation in item.relations:
            if relation.target not in items:
                continue
            if relation.kind == RelationKind.HOLDS:
                yield Edge(source=relation.target, kind=PARENT, target=id)
            else:
                yield Edge(source=id, kind=relation.kind, target=relation.target, weight=relation.weight)
    for run in sessions_of(items.values()):
        for before, after in pairwise(run):
            yield Edge(source=after, kind=RelationKind.FOLLOWS, target=before)


def _reached(start: str, near: dict[str, list[str]], depth: int) -> dict[str, int]:
    """Distances in edges, the nearest first."""
    distances, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for other in near.get(here, ()) if distances[here] < depth else ():
            if other not in distances:
                distances[other] = distances[here] + 1
                waiting.append(other)
    return distances


def _spot(item: MemoryItem, distance: int) -> Spot:
    return Spot(
        id=item.id,
        level=str(item.level),
        memory=_name(item),
        status=str(item.status),
        distance=distance,
    )


# -- cypher

READING = ("MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN")
"""What a query may begin with."""
_WRITES = re.compile(
    r"\b(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|DROP|ALTER|COPY|LOAD|INSTALL|UNINSTALL|UPDATE|ATTACH|USE"
    r"|EXPORT|IMPORT|CALL|BEGIN|COMMIT|ROLLBACK|CHECKPOINT|COMMENT|PROFILE|MACRO|PROJECT_GRAPH)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"""/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`|\.\s*\w+""", re.DOTALL)
"""Comments, texts, quoted names and property names, in which a word means nothing."""


MEMORY = 1024
"""MB that a query may take."""


def cypher(
    session: Session, query: str, *, limit: int = 1000, seconds: float = 10.0, memory: int = MEMORY
) -> CypherResult:
    """Rows of a query that only reads, on the graph of a cube of depth tree_text; `memory` is in MB.

    Raises UsageError for a query that would write, that Kùzu does not understand or that takes too
    long or too much memory, and for a cube without a graph.
    """
    if session.cube.config.depth is not Depth.TREE:
        raise UsageError(
            detail="This cube has no graph.", hint="Give it one with `memos deepen --text tree_text`."
        )
    refuse_writes(query)
    graph = session.cube.ready_graph()
    columns, rows, more = graph.table(query, limit=limit, seconds=seconds, memory=memory << 20)
    notes = (f"Only the first {limit} rows are shown; --limit takes more.",) if more else ()
    return CypherResult(columns=tuple(columns), rows=tuple(_plain(rows)), notes=notes)


def refuse_writes(query: str) -> None:
    """Raises UsageError unless it is one statement that only reads. The graph is opened read-only as
    well; this also keeps a query from files, extensions and procedures."""
    bare = _ASIDE.sub(" ", query).strip().rstrip(";").strip()
    hint = "Write one query with MATCH … RETURN; see `memos help tree`."
    if ";" in bare:
        raise UsageError(detail="More than one statement.", hint=hint)
    if not bare.upper().startswith(READING):
        raise UsageError(detail=f"A query begins with one of {', '.join(READING)}.", hint=hint)
    if found := _WRITES.search(bare):
        raise UsageError(detail=f"{found[0].upper()} is not allowed: queries only read.", hint=hint)


def _plain(rows: Iterable[list[Any]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(_value(cell) for cell in row)


def _value(cell: Any) -> Any:
    if isinstance(cell, dict):
        return {str(k): _value(v) for k, v in cell.items() if k not in ("_id", "_label", "_src", "_dst")}
    if isinstance(cell, (list, tuple)):
        return [_value(part) for part in cell]
    if isinstance(cell, float) and cell != cell:
        return None
    return cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)
