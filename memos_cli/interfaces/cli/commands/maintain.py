"""`memos check`, `repair`, `reindex`, `compact`, `balance` and `unlock`: the health of a cube."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.errors import IntegrityError
from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.answers import show_result
from memos_cli.interfaces.cli.output import Fields, Table
from memos_cli.interfaces.cli.shell import shell_of

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]


def check(ctx: typer.Context) -> None:
    """Compare every store with the table; changes nothing.

    The exit code is 0 when all is well and 6 when something is wrong.
    """
    from memos_cli.operations import maintain

    shell = shell_of(ctx)
    with shell.open() as session, shell.out.progress():
        result = maintain.check(session)
    rows = [
        (problem.store, problem.what, ", ".join(problem.ids[:5]), problem.hint) for problem in result.problems
    ]
    shell.out.emit(
        documents.dump(result),
        Fields([("ok", result.ok), ("revision", result.revision), *sorted(result.counts.items())]),
        Table(("store", "problem", "ids", "next"), rows, wide="problem"),
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)
    if not result.ok:
        raise typer.Exit(IntegrityError.exit_code)


def repair(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Set damage aside and rebuild what can be rebuilt.

    Nothing readable is removed: a torn version of the table is moved out of the way, and the
    indexes are made again. The exit code is 6 when something is left.
    """
    from memos_cli.operations import maintain

    shell = shell_of(ctx)
    if not dry_run:
        shell.insist(f"Repair the cube at {shell.ref.path}?", yes=yes, required=False)
    with shell.out.progress():
        result = maintain.repair(shell.ref, shell.settings, dry_run)
    show_result(shell, result)
    if not result.ok and not dry_run:
        raise typer.Exit(IntegrityError.exit_code)


def reindex(ctx: typer.Context) -> None:
    """Rebuild the indexes from the table."""
    from memos_cli.operations import maintain

    shell = shell_of(ctx)
    with shell.open(write=True) as session, shell.out.progress() as progress:
        result = maintain.reindex(session, progress)
    show_result(shell, result)


def compact(ctx: typer.Context) -> None:
    """Merge small files and drop old table versions.

    It also happens by itself while memories are added. No version of a memory is lost by it.
    """
    from memos_cli.operations import maintain

    shell = shell_of(ctx)
    with shell.open(write=True) as session, shell.out.progress():
        result = maintain.compact(session)
    show_result(shell, result)


def balance(ctx: typer.Context, dry_run: DryRun = False) -> None:
    """Make every tier fit its capacity.

    What is often used, or has no room in working memory, becomes long-term; what another tier has no
    room for is archived. All of it is one change, which `memos undo` takes back. See `memos help tiers`.
    """
    from memos_cli.operations import tiers

    shell = shell_of(ctx)
    with shell.open(write=not dry_run) as session:
        result = tiers.balance(session, dry_run)
    rows = [
        (what, one.id, str(one.kind), one.importance, one.memory, one.reason)
        for what, moved in (("promoted", result.promoted), ("archived", result.archived))
        for one in moved
    ]
    shell.out.emit(
        documents.dump(result),
        Table(("what", "id", "kind", "importance", "memory", "reason"), rows, wide="memory"),
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)


def unlock(ctx: typer.Context) -> None:
    """Say who holds the write lock; free it if nobody alive does."""
    from memos_cli.operations import maintain

    shell = shell_of(ctx)
    show_result(shell, maintain.unlock(shell.ref, shell.settings))
