"""`memos maintain`: the one verb to schedule."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.errors import Busy
from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.options import duration
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import shell_of


def maintain(
    ctx: typer.Context,
    time_budget: Annotated[
        str | None,
        typer.Option("--time-budget", metavar="SPAN", help="As 90s or 10m, for all parts together."),
    ] = None,
    reflect: Annotated[
        bool, typer.Option("--reflect", help="Draw insights as well (`memos help insights`).")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; do nothing, ask no model.")
    ] = False,
) -> None:
    """Refine what waits, reorganize, compact and check: all that a cube needs from time to time.

    Each part does what has become necessary since the last time. One that fails keeps no other from its
    work; the exit code is 1 then, and 5 when nothing failed but another process was at work.
    """
    from memos_cli.operations import upkeep

    seconds = duration(time_budget, "--time-budget")
    shell = shell_of(ctx)
    with shell.open(write=not dry_run) as session, shell.out.progress() as progress:
        result = upkeep.maintain(
            session, time_budget=seconds, with_reflect=reflect, dry_run=dry_run, progress=progress
        )
    rows = [(part.name, str(part.state), part.said, f"{part.seconds:.1f}") for part in result.parts]
    shell.out.emit(documents.dump(result), Table(("part", "state", "what", "s"), rows, wide="what"))
    if not shell.out.machine:
        for part in result.parts:
            shell.out.notes(f"{part.name}: {note}" for note in part.notes)
            if part.error is not None and part.error.hint:
                shell.out.note(f"{part.name}: {part.error.hint}")
    if not result.ok:
        raise typer.Exit(Busy.exit_code if result.only_busy else 1)
