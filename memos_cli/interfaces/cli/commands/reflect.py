"""`memos reflect`: insights over recent memories, drawn by a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.options import duration, past
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.operations.reflect import ReflectResult


def reflect(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Memories stored since then, as 7d or a date; since the last run when left out, of 7 days at first.",
        ),
    ] = None,
    max_insights: Annotated[
        int, typer.Option("--max-insights", metavar="N", min=1, help="Insights at most, the surest ones.")
    ] = 5,
    time_budget: Annotated[
        str | None,
        typer.Option("--time-budget", metavar="SPAN", help="As 90s or 10m: when to ask no model any more."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the model and show what it finds; store nothing.")
    ] = False,
) -> None:
    """Draw insights from what came lately, each with the memories it rests on.

    They are memories of the kind InsightMemory, marked as inferred; `memos search` finds them. One whose
    evidence is gone is archived with it. If the model could not be asked the exit code is 1.
    """
    import time

    from memos_cli.operations.reflect import reflect as run

    seconds = duration(time_budget, "--time-budget")
    start = past(since)
    shell = shell_of(ctx)
    with shell.open(write=True) as session, shell.out.progress() as progress:
        result = run(
            session,
            since=start,
            most=max_insights,
            dry_run=dry_run,
            deadline=None if seconds is None else time.monotonic() + seconds,
            progress=progress,
        )
    _show(shell, result)
    if result.failed:
        raise typer.Exit(1)


def _show(shell: Shell, result: ReflectResult) -> None:
    rows = [(one.id, one.memory, one.confidence, len(one.evidence)) for one in result.insights]
    listed = [] if shell.out.quiet else [Table(("id", "insight", "%", "rests on"), rows, wide="insight")]
    shell.out.emit(documents.dump(result), *listed)
    if shell.out.machine:
        return
    for one in result.dropped:
        shell.out.note(f"Dropped ({one.reason}): {documents.beginning(one.text, 100)}")
    for failure in result.failed:
        shell.out.error_line(
            f"{failure.memories} memories were not read: {failure.error.message} {failure.error.hint}".strip()
        )
    shell.out.notes(result.notes)
    stored = "would be stored" if result.dry_run else "stored"
    shell.out.note(
        f"{result.read} memories read; {len(result.insights)} insights {stored}, {result.known} known already. "
        f"{result.tokens} tokens." + (f" Change {result.change}." if result.change else "")
    )
