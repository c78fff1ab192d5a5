"""`memos update`, `archive`, `unarchive`, `pin`, `unpin` and `undo`: changes that keep what was there before."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.errors import BadInput
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.answers import show_change
from memos_cli.interfaces.cli.shell import shell_of

Ids = Annotated[list[str], typer.Argument(metavar="ID", help="Ids of memories.")]


def update(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="Id of the memory.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The new text; `-` reads standard input.")],
    when: Annotated[
        str | None, typer.Option("--time", metavar="WHEN", help="Since when the new text is true.")
    ] = None,
) -> None:
    """Replace a memory's text; the old version is kept.

    `memos history ID` shows both, and `memos undo` brings the old one back.
    """
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    words = options.standard_input("the new text").strip() if text == "-" else text
    if "\0" in words:
        raise BadInput(source="the new text", reason="it holds a NUL character")
    said_at = options.moment(when)
    with shell.open(write=True) as session:
        result = edit.update(session, id, options.text_of(words, "text"), said_at=said_at)
    show_change(shell, "Updated", result)


def archive(ctx: typer.Context, ids: Ids) -> None:
    """Hide memories from search.

    `memos search --status archived` still finds them, `memos unarchive` shows them again.
    """
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    with shell.open(write=True) as session:
        result = edit.archive(session, ids)
    show_change(shell, "Archived", result)


def unarchive(ctx: typer.Context, ids: Ids) -> None:
    """Show archived memories again."""
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    with shell.open(write=True) as session:
        result = edit.unarchive(session, ids)
    show_change(shell, "Unarchived", result)


def pin(ctx: typer.Context, ids: Ids) -> None:
    """Keep memories where they are.

    No capacity moves or archives what is pinned. `memos list --pinned` shows it, `memos unpin` takes the pin off.
    """
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    with shell.open(write=True) as session:
        result = edit.pin(session, ids)
    show_change(shell, "Pinned", result)


def unpin(ctx: typer.Context, ids: Ids) -> None:
    """Take the pins off memories."""
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    with shell.open(write=True) as session:
        result = edit.unpin(session, ids)
    show_change(shell, "Unpinned", result)


def undo(
    ctx: typer.Context,
    change: Annotated[
        str | None, typer.Argument(metavar="CHANGE", help="Id of a change; the last one when left out.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
) -> None:
    """Take back a change, the last one unless told.

    Undoing is a change too, so it can be undone. A purge cannot. What says nothing else of any memory is
    no change: `reembed`, `deepen`, `reindex` and the like are passed over.
    """
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    with shell.open(write=True) as session:
        result = edit.undo(session, change, dry_run=dry_run)
    show_change(shell, "Would take back" if dry_run else "Took back", result, documents.undone(result))
    if not shell.out.machine:
        if (taken := result.undone) is not None:
            shell.out.note(f"It was the change {taken.change}: {taken.verb}, {documents.day(taken.time)}.")
        for what, memories in (("Back", result.back), ("Gone", result.gone)):
            shell.out.notes(f"{what}: {documents.beginning(one.memory)}" for one in memories)
