"""Answers that several commands give in the same form: a change, or a result shown as fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import documents
from .output import Fields, Table

if TYPE_CHECKING:
    from memos_cli.schema import ChangeResult

    from .shell import Shell


def show_change(
    shell: Shell, done: str, result: ChangeResult, document: documents.Document | None = None
) -> None:
    """Print what a change did: its document, or one line per memory and a sentence on stderr."""
    document = documents.changed(result) if document is None else document
    shell.out.emit(document, Table(("id",), [(id,) for id in result.ids]))
    if shell.out.machine:
        return
    shell.out.note(
        f"{done} {amount(len(result.ids) - len(result.nodes), len(result.nodes))}."
        + (f" Change {result.change}." if result.change else "")
    )
    shell.out.notes(result.notes)


def amount(memories: int, nodes: int) -> str:
    """How many memories, and how many topics and concepts, which nobody wrote."""
    above = "1 node of the tree" if nodes == 1 else f"{nodes} nodes of the tree"
    if nodes and not memories:
        return above
    own = "1 memory" if memories == 1 else f"{memories} memories"
    return f"{own} and {above}" if nodes else own


def show_result(shell: Shell, result: Any) -> dict[str, Any]:
    """Print any result with its fields, notes on stderr; returns its document."""
    document: dict[str, Any] = documents.dump(result)
    shell.out.emit(document, Fields(pairs(document, skip=("notes",))))
    if not shell.out.machine:
        shell.out.notes(document.get("notes", ()))
    return document


def pairs(document: dict[str, Any], skip: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """A document's fields for people: nested ones as `outer inner`, lists of plain values joined."""
    found: list[tuple[str, Any]] = []
    for name, value in document.items():
        if name not in skip:
            found += _flat(name, value)
    return found


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for inner, entry in value.items() for pair in _flat(f"{name} {inner}", entry)]
    if not isinstance(value, list):
        return [(name, value)]
    if all(isinstance(entry, (str, int, float)) for entry in value):
        return [(name, ", ".join(str(entry) for entry in value))]
    return [pair for place, entry in enumerate(value) for pair in _flat(f"{name} {place + 1}", entry)]
