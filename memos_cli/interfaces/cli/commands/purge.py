"""`memos purge`: removal for good, asked about first."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli.answers import show_change
from memos_cli.interfaces.cli.shell import shell_of


def purge(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of memories.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
) -> None:
    """Remove memories from every store, index and history, for good.

    All versions go, the files are rewritten, and then searched for the text to prove it. This
    cannot be undone; without a terminal to ask on it needs --yes.
    """
    from memos_cli.operations import edit

    shell = shell_of(ctx)
    if not dry_run:
        count = "this memory" if len(ids) == 1 else f"these {len(ids)} memories"
        shell.insist(f"Remove {count} for good, with all versions?", yes=yes, required=True)
    with shell.open(write=True) as session, shell.out.progress():
        result = edit.purge(session, ids, dry_run=dry_run)
    show_change(shell, "Would remove" if dry_run else "Removed", result)
