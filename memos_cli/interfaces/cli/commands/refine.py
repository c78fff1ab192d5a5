"""`memos refine`: a language model draws facts from what waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.operations.refine import RefineResult


def refine(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="These memories, whether they wait or not; else all that wait."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were never refined, whether they wait or not.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", min=1, help="Memories at most.")
    ] = None,
    no_judge: Annotated[
        bool, typer.Option("--no-judge", help="Store every fact as is: none closes an older one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked; ask nothing.")] = False,
) -> None:
    """Draw facts from memories that wait for it.

    The memories stay as they are; facts stand beside them, and are found with them. An interrupted run
    keeps what it did. If a memory could not be refined the exit code is 1, and it goes on waiting.
    """
    from memos_cli.operations import browse
    from memos_cli.operations.refine import refine as run

    if ids and everything:
        raise UsageError(detail="--all is for every memory, and some are named.", hint="Give one of the two.")
    shell = shell_of(ctx)
    with shell.open(write=True) as session, shell.out.progress() as progress:
        chosen = [browse.find(session, id).id for id in ids] if ids else None
        result = run(
            session,
            ids=chosen,
            everything=everything,
            limit=limit,
            judge=False if no_judge else None,
            dry_run=dry_run,
            progress=progress,
        )
    _show(shell, result)
    if result.failed:
        raise typer.Exit(1)


def _show(shell: Shell, result: RefineResult) -> None:
    rows = [(one.id, one.memory, one.refines, str(one.origin), one.confidence) for one in result.facts]
    listed = [] if shell.out.quiet else [Table(("id", "fact", "refines", "origin", "%"), rows, wide="fact")]
    shell.out.emit(documents.dump(result), *listed)
    if shell.out.machine:
        return
    for one in result.failed:
        memories = "1 memory was" if len(one.ids) == 1 else f"{len(one.ids)} memories were"
        shell.out.error_line(f"{memories} not refined: {one.error.message} {one.error.hint}".strip())
    shell.out.notes(result.notes)
    if not result.dry_run:
        shell.out.note(_summary(result))


def _summary(result: RefineResult) -> str:
    said = [f"{result.refined} refined, {len(result.facts)} facts drawn"]
    said += [f"{len(result.updated)} of them in place of older ones"] if result.updated else []
    said += [f"{len(result.known)} known already"] if result.known else []
    said += [f"{count} dropped ({reason})" for reason, count in result.dropped.items()]
    return f"{', '.join(said)}; {result.waiting} wait. {result.tokens} tokens."
