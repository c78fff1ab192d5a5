"""`memos list`, `get`, `history`, `log` and `stats`: looking at what a cube holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.answers import pairs, show_result
from memos_cli.interfaces.cli.output import Entries, Entry, Fields, Table
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.schema import MemoryItem

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a memory, or its beginning.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Entries at most.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="Entries to pass over.")]


def list_memories(ctx: typer.Context, limit: Limit = 50, offset: Offset = 0) -> None:
    """List memories, newest first."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.list_memories(session, options.filters_of(ctx), limit=limit, offset=offset)
    items = [documents.dump(item) for item in result.items] if shell.out.machine else []
    shell.out.emit(
        {"items": items, "total": result.total},
        Entries([_entry(item) for item in result.items], empty="No memory matches."),
        lines=items,
    )
    _remainder(shell, offset + len(result.items), result.total)


def get(ctx: typer.Context, id: Id) -> None:
    """Show one memory with all it carries."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        item = browse.get(session, id)
    document = documents.dump(item)
    shell.out.emit(document, Fields([("memory", item.memory), *pairs(document, skip=("memory",))]))


def history(ctx: typer.Context, id: Id) -> None:
    """Show every version of a memory, the oldest first."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.history(session, id)
    rows = [
        (item.version, documents.day(item.known_from), item.verb, str(item.status), item.memory, item.actor)
        for item in result.versions
    ]
    columns = ("version", "known from", "verb", "status", "memory", "actor")
    shell.out.emit(documents.dump(result), Table(columns, rows, wide="memory"))


def log(ctx: typer.Context, limit: Limit = 50, offset: Offset = 0) -> None:
    """List the changes made to the cube, newest first."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.log(session, limit, offset)
    document = documents.dump(result)
    rows = [
        (change.id, documents.stamp(change.time), change.verb, change.actor, change.opened, change.closed)
        for change in result.changes
    ]
    columns = ("id", "time", "verb", "actor", "opened", "closed")
    shell.out.emit(document, Table(columns, rows, empty="No change yet."), lines=document["changes"])


def stats(ctx: typer.Context) -> None:
    """Say what the cube holds and how large it is."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.stats(session)
    show_result(shell, result)


def _entry(item: MemoryItem) -> Entry:
    kind = str(item.kind)
    return Entry(
        lead="•",
        text=item.memory,
        facts=documents.facts(item),
        cells=(item.id, documents.stamp(item.created_at), kind, item.memory),
    )


def _remainder(shell: Shell, shown: int, total: int) -> None:
    if shown < total and not shell.out.machine:
        shell.out.note(f"{shown} of {total}; go on with --offset {shown}.")
