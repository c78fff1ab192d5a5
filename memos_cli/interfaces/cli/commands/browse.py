"""`memos list`, `get`, `history`, `log` and `stats`: looking at what a cube holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.answers import amount, pairs, show_result
from memos_cli.interfaces.cli.output import Entries, Entry, Fields
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.schema import ChangeEntry, MemoryItem

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a memory, or its beginning.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="Entries at most.")]
Offset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Entries to pass over.")]


def list_memories(
    ctx: typer.Context,
    limit: Limit = 50,
    offset: Offset = 0,
    pinned: Annotated[bool, typer.Option("--pinned", help="Only what is pinned.")] = False,
) -> None:
    """List memories, those said last first; in a pipe: id, when it was said, kind, memory."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        filters = options.filters_of(ctx)
        result = browse.list_memories(session, filters, limit=limit, offset=offset, pinned=pinned)
    items = [documents.dump(item) for item in result.items] if shell.out.machine else []
    shell.out.emit(
        {"items": items, "total": result.total},
        Entries([_entry(item) for item in result.items], empty=_nothing(ctx, offset or pinned)),
        lines=items,
    )
    _remainder(shell, offset + len(result.items), result.total)


def get(ctx: typer.Context, id: Id) -> None:
    """Show one memory with all it carries."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        item = browse.get(session, id)
        facts, drawn_from = browse.kin(session, item)
        usage = browse.usage_of(session, item.id)
    document = {**documents.dump(item), "usage": documents.dump(usage)}
    document["facts"] = [documents.relative(one) for one in facts]
    document["drawn_from"] = [documents.relative(one) for one in drawn_from]
    shell.out.emit(document, Fields([("memory", item.memory), *pairs(document, skip=("memory",))]))


def history(ctx: typer.Context, id: Id) -> None:
    """Show every version of a memory, the oldest first.

    `known from` is when the cube came to hold a version; `valid from` and `valid to` are the
    times between which it was true.
    """
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.history(session, id)
    shell.out.emit(documents.dump(result), Entries(list(map(_version, result.versions, result.changed))))


def log(ctx: typer.Context, limit: Limit = 50, offset: Offset = 0) -> None:
    """List the changes made to the cube, newest first."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.log(session, limit, offset)
    document = documents.dump(result)
    shell.out.emit(
        document,
        Entries([_change(change) for change in result.changes], empty="No change yet."),
        lines=document["changes"],
    )
    _remainder(shell, offset + len(result.changes), result.total)


def stats(ctx: typer.Context) -> None:
    """Say what the cube holds and how large it is."""
    from memos_cli.operations import browse

    shell = shell_of(ctx)
    with shell.open() as session:
        result = browse.stats(session)
    show_result(shell, result)


def _nothing(ctx: typer.Context, cut: int | bool) -> str:
    if cut or options.is_filtered(ctx):
        return "No memory matches."
    return (
        "No memory is in use here. `memos add` stores some; `memos list --status all` shows hidden ones too."
    )


def _entry(item: MemoryItem) -> Entry:
    kind = str(item.kind)
    return Entry(
        lead="•",
        text=item.memory,
        facts=documents.facts(item),
        cells=(item.id, documents.stamp(item.time), kind, item.memory),
    )


def _version(item: MemoryItem, changed: str) -> Entry:
    """One version of a memory: when it was true, since when the cube knows it, who did what."""
    true = [
        f"{word} {documents.day(at)}" for word, at in (("from", item.valid_from), ("to", item.valid_to)) if at
    ]
    return Entry(
        lead=str(item.version),
        text=item.memory,
        facts=[
            " ".join(["valid", *true]) if true else "",
            f"known from {documents.day(item.known_from)}",
            f"{item.verb} by {item.actor}" if item.actor else item.verb,
            changed,
            "" if item.status == "activated" else str(item.status),
        ],
        cells=(
            item.version,
            *map(documents.stamp, (item.known_from, item.valid_from, item.valid_to)),
            item.verb,
            str(item.status),
            item.memory,
            item.actor,
            changed,
        ),
    )


def _change(change: ChangeEntry) -> Entry:
    time = documents.stamp(change.time)
    did = f"{change.verb} by {change.actor}" if change.actor else change.verb
    about = _about(change)
    return Entry(
        lead=change.time.astimezone().strftime("%Y-%m-%d %H:%M"),
        text=f"{did}: {about}",
        facts=[f"versions opened {change.opened}, closed {change.closed}", change.id],
        cells=(change.id, time, change.verb, change.actor, change.opened, change.closed, about),
    )


def _about(change: ChangeEntry) -> str:
    """The text of a change's first memory, cut, and how many others it touched; of a reorganization, which
    changes no text, how much it sorted."""
    if change.verb == "reorganize":
        return f"sorted {amount(change.opened - change.nodes, change.nodes)}"
    first = change.memories[0].memory if change.memories else ""
    more = f" + {change.opened - 1} more" if change.opened > 1 else ""
    return (documents.beginning(first) or "(text removed)") + more


def _remainder(shell: Shell, shown: int, total: int) -> None:
    if shown < total and not shell.out.machine:
        shell.out.note(f"{shown} of {total}; go on with --offset {shown}.")
