"""`memos reembed` and `memos deepen`: other vectors, or a depth the cube did not have."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli import options
from memos_cli.interfaces.cli.answers import show_result
from memos_cli.interfaces.cli.shell import shell_of

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]


def reembed(
    ctx: typer.Context,
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder", metavar="NAME", help="The new embedder; the configured one when left out."
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Make all vectors anew with another embedder.

    An interrupted run goes on where it stopped. Searches use the old vectors until the last new
    one is there; the two are never mixed.
    """
    from memos_cli.operations import reembed as operation

    shell = shell_of(ctx)
    name = embedder or shell.settings.embedder
    if not dry_run:
        shell.insist(f"Make all vectors of {shell.ref.name} anew with {name}?", yes=yes, required=False)
    with shell.open(write=True) as session, shell.out.progress() as progress:
        result = operation.reembed(session, name, progress, dry_run)
    show_result(shell, result)


def deepen(
    ctx: typer.Context,
    text: Annotated[str, typer.Option("--text", metavar="DEPTH", help="general_text or tree_text.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Give the cube vectors or a graph it did not have.

    Nothing has to be imported again: what is stored is embedded, or drawn as a graph, where it lies.
    """
    from memos_cli.operations import maintain
    from memos_cli.schema import Depth

    shell = shell_of(ctx)
    depth = options.choice(Depth, "depth", text)
    if not dry_run:
        shell.insist(f"Raise {shell.ref.name} to {depth}?", yes=yes, required=False)
    with shell.open(write=True) as session, shell.out.progress() as progress:
        result = maintain.deepen(session, depth, progress, dry_run)
    show_result(shell, result)
