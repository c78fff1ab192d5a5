"""`memos tree`, `memos graph` and `memos cypher`: how memories hang together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli import diagrams, documents
from memos_cli.interfaces.cli.output import Leaf, Plain, Table, Tree
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.operations.tree import Branch, GraphResult

Dot = Annotated[bool, typer.Option("--dot", help="Print it for Graphviz.")]
Mermaid = Annotated[bool, typer.Option("--mermaid", help="Print it for Mermaid.")]


def tree(
    ctx: typer.Context,
    depth: Annotated[
        int, typer.Option("--depth", min=1, max=3, help="1: topics; 2: concepts too; 3: memories too.")
    ] = 2,
    topic: Annotated[
        str | None,
        typer.Option("--topic", metavar="TOPIC", help="Only what is below this node: its name, or its id."),
    ] = None,
    dot: Dot = False,
    mermaid: Mermaid = False,
) -> None:
    """Draw the topics and concepts that `memos reorganize` made."""
    from memos_cli.operations import tree as trees

    shell = shell_of(ctx)
    _one_form(dot, mermaid)
    with shell.open() as session:
        result = trees.tree(session, depth=depth, topic=topic)
    if dot or mermaid:
        _draw(shell, documents.dump(result), diagrams.of_tree(result.branches), dot=dot)
    else:
        shell.out.emit(documents.dump(result), Tree(tuple(_leaves(result.branches, result.branches))))
    if shell.out.machine:
        return
    shell.out.notes(result.notes)
    if result.loose and result.branches:
        shell.out.note(f"{result.loose} of {result.memories} memories are in no concept.")


def _leaves(branches: Iterable[Branch], roots: Iterable[Branch]) -> Iterator[Leaf]:
    several = len({root.user for root in roots}) > 1
    for branch in branches:
        size = f"({branch.size})" if branch.level != "fact" else ""
        facts = [
            size,
            f"of {branch.user}" if several and branch.user else "",
            "stale" if branch.stale else "",
        ]
        yield Leaf(
            branch.name, " ".join(f for f in facts if f), branch.id, tuple(_leaves(branch.below, (branch,)))
        )


def graph(
    ctx: typer.Context,
    what: Annotated[
        list[str], typer.Argument(metavar="QUERY", help="A memory's id, or a question that finds it.")
    ],
    depth: Annotated[int, typer.Option("--depth", min=1, max=6, help="Edges to go.")] = 1,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Memories to show at most.")] = 60,
    dot: Dot = False,
    mermaid: Mermaid = False,
) -> None:
    """Show what a memory hangs together with: its concept, its evidence, what it contradicts or follows."""
    from memos_cli.operations import tree as trees

    shell = shell_of(ctx)
    _one_form(dot, mermaid)
    with shell.open() as session:
        result = trees.neighbourhood(session, " ".join(what), depth=depth, limit=limit)
    document = documents.dump(result)
    if dot or mermaid:
        _draw(shell, document, diagrams.of_graph(result), dot=dot)
    else:
        shell.out.emit(document, Table(("memory", "edge", "memory of the other", "id"), list(_lines(result))))
    if shell.out.machine:
        return
    if not result.edges:
        shell.out.note("Nothing hangs together with it yet; `memos reorganize` looks for what does.")
    if result.left_out:
        shell.out.note(f"{result.left_out} more are left out; --limit takes more.")


def _lines(result: GraphResult) -> Iterator[tuple[str, str, str, str]]:
    texts = {spot.id: documents.beginning(spot.memory, 60) for spot in result.nodes}
    for edge in result.edges:
        weight = "" if edge.weight == 1.0 else f" {edge.weight:.2f}"
        other = edge.target if edge.source == result.start else edge.source
        yield texts[edge.source], f"{edge.kind}{weight}", texts[edge.target], other


def cypher(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One statement that only reads.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Rows at most.")] = 1000,
    seconds: Annotated[float, typer.Option("--seconds", min=0.001, help="Seconds it may take.")] = 10.0,
    memory: Annotated[int, typer.Option("--memory", min=64, help="Memory it may take, in MB.")] = 1024,
) -> None:
    """Run a Cypher query that only reads on the cube's graph.

    Nodes are `Memory(id, kind, level, status, ordinal)`, edges `PARENT` and `RELATION(kind, weight)`; texts
    are not in it (`memos get ID`). The cube must have depth tree_text: `memos deepen --text tree_text`.
    An example stands in `memos help tree`. A query over its time or memory ends with exit code 2.
    """
    from memos_cli.operations import tree as trees

    shell = shell_of(ctx)
    with shell.open() as session:
        result = trees.cypher(session, query, limit=limit, seconds=seconds, memory=memory)
    shell.out.emit(documents.dump(result), Table(result.columns, [tuple(_cells(row)) for row in result.rows]))
    if not shell.out.machine:
        shell.out.notes(result.notes)


def _cells(row: Iterable[Any]) -> Iterator[Any]:
    for cell in row:
        yield cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)


def _one_form(dot: bool, mermaid: bool) -> None:
    if dot and mermaid:
        raise UsageError(detail="--dot and --mermaid exclude each other.")


def _draw(shell: Shell, document: Any, drawing: diagrams.Drawing, *, dot: bool) -> None:
    shell.out.emit(document, Plain(diagrams.dot(drawing) if dot else diagrams.mermaid(drawing)))
