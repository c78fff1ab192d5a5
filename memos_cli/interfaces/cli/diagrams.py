"""Trees and neighbourhoods in the languages of drawing tools: Graphviz DOT and Mermaid.

Owns: their syntax and what has to be escaped in it. Does not own: what is drawn
(`operations/tree`), drawing on a terminal (`output`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .output import one_line

if TYPE_CHECKING:
    from memos_cli.operations.tree import Branch, GraphResult

LABEL = 60
"""Characters of a label."""

_DOT_SHAPES = {"topic": "folder", "concept": "box", "fact": "plaintext"}
_MERMAID_SHAPES = {"topic": ("[[", "]]"), "concept": ("[", "]"), "fact": ("(", ")")}


@dataclass(frozen=True)
class Drawing:
    """Nodes as (id, level, label), edges as (source, target, label)."""

    nodes: Sequence[tuple[str, str, str]]
    edges: Sequence[tuple[str, str, str]]


def of_tree(branches: Iterable[Branch]) -> Drawing:
    nodes: list[tuple[str, str, str]] = []
    edges: list[tuple[str, str, str]] = []
    for branch, above in _walk(branches, None):
        size = f" ({branch.size})" if branch.level != "fact" else ""
        nodes.append((branch.id, branch.level, _cut(branch.name) + size))
        if above:
            edges.append((above, branch.id, ""))
    return Drawing(nodes, edges)


def _walk(branches: Iterable[Branch], above: str | None) -> Iterator[tuple[Branch, str | None]]:
    for branch in branches:
        yield branch, above
        yield from _walk(branch.below, branch.id)


def of_graph(result: GraphResult) -> Drawing:
    return Drawing(
        [(spot.id, spot.level, _cut(spot.memory)) for spot in result.nodes],
        [(edge.source, edge.target, edge.kind) for edge in result.edges],
    )


def dot(drawing: Drawing) -> str:
    """A digraph for `dot -Tsvg`."""
    lines = ["digraph memories {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    for id, level, label in drawing.nodes:
        lines.append(f"  {_quoted(id)} [shape={_DOT_SHAPES.get(level, 'box')}, label={_quoted(label)}];")
    for source, target, label in drawing.edges:
        said = f" [label={_quoted(label)}]" if label else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}{said};")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mermaid(drawing: Drawing) -> str:
    """A flowchart, as Markdown viewers draw it in a `mermaid` block."""
    names = {id: f"n{place}" for place, (id, _, _) in enumerate(drawing.nodes)}
    lines = ["flowchart LR"]
    for id, level, label in drawing.nodes:
        left, right = _MERMAID_SHAPES.get(level, ("[", "]"))
        lines.append(f'  {names[id]}{left}"{_entities(label)}"{right}')
    for source, target, label in drawing.edges:
        arrow = f"-- {_entities(label)} -->" if label else "-->"
        lines.append(f"  {names[source]} {arrow} {names[target]}")
    return "\n".join(lines) + "\n"


def _entities(text: str) -> str:
    """Mermaid has no escape but HTML's."""
    for sign, name in (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;"), ("`", "&#96;")):
        text = text.replace(sign, name)
    return text


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LABEL else line[: LABEL - 1] + "…"
