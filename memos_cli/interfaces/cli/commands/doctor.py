"""`memos doctor`: what on this machine could keep memos from working."""

from __future__ import annotations

import typer

from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import shell_of


def doctor(ctx: typer.Context) -> None:
    """Look for trouble in this installation.

    Versions of the engines, the folders, the embedder, and whether another program is called
    memos. The exit code is 1 when something needs care.
    """
    from memos_cli.operations import doctor as operation

    shell = shell_of(ctx)
    result = operation.doctor(shell.settings)
    rows = [(one.check, "ok" if one.ok else "TROUBLE", one.detail, one.hint) for one in result.checks]
    shell.out.emit(documents.dump(result), Table(("check", "state", "found", "next"), rows, wide="found"))
    if not result.ok:
        raise typer.Exit(1)
