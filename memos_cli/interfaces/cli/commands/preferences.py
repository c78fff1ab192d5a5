"""`memos preferences`: what people like and do not, with how sure it is and where it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Entries, Entry
from memos_cli.interfaces.cli.shell import shell_of

if TYPE_CHECKING:
    from memos_cli.operations.preferences import Preference


def preferences(
    ctx: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="TOPIC", help="Only about this; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="Entries at most.")] = 50,
) -> None:
    """List preferences, the strongest first.

    Each stands with the memories that tell of it. One that was the other way round before is marked as changed; `memos history ID` shows how. See
    `memos help preferences`.
    """
    from memos_cli.operations import preferences as operation

    shell = shell_of(ctx)
    with shell.open() as session:
        result = operation.preferences(session, options.filters_of(ctx), topic or (), limit=limit)
    document = documents.dump(result)
    shell.out.emit(
        document,
        Entries([_entry(one) for one in result.preferences], empty="No preference is held here."),
        lines=document["preferences"],
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)
        if len(result.preferences) < result.total:
            shell.out.note(f"{len(result.preferences)} of {result.total}; show more with --limit.")


def _entry(one: Preference) -> Entry:
    told = f"told {one.told} times" if one.told > 1 else ""
    changed = f"changed {one.changed} time{'s' * (one.changed > 1)}" if one.changed else ""
    return Entry(
        lead="+" if one.polarity > 0 else "-",
        text=one.memory,
        facts=[
            one.topic or "",
            f"strength {one.strength:.2f}",
            str(one.origin),
            told,
            changed,
            one.speaker or one.user_id or "",
            "pinned" if one.pinned else "",
            documents.day(one.since),
            one.id,
        ],
        cells=(one.id, one.topic, one.polarity, one.strength, str(one.origin), one.changed, one.memory),
        reasons=[f"told by: {told.memory}" for told in one.evidence if told.memory not in (None, one.memory)],
    )
