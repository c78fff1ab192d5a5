"""`memos doctor`: what on this machine could keep memos from working."""

from __future__ import annotations

import typer

from memos_cli.interfaces.cli.answers import show_result
from memos_cli.interfaces.cli.shell import shell_of


def doctor(ctx: typer.Context) -> None:
    """Look for trouble in this installation.

    Versions of the engines, the folders, the embedder, and whether another program is called
    memos. The exit code is 1 when something needs care.
    """
    from memos_cli.operations import doctor as operation

    shell = shell_of(ctx)
    document = show_result(shell, operation.doctor(shell.settings))
    if not document.get("ok", True):
        raise typer.Exit(1)
