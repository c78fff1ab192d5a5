"""`memos reorganize`: the cube brought into order, or the plan of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.options import duration
from memos_cli.interfaces.cli.output import Plain, clean
from memos_cli.interfaces.cli.shell import shell_of

if TYPE_CHECKING:
    from memos_cli.operations.plan import Step
    from memos_cli.operations.reorganize import ReorganizeResult

SHOWN = 40
"""Steps of one kind that are listed; the plan's file has all."""

_SIGNS = {"add": "+", "change": "~", "merge": "=", "archive": "-", "relate": "&", "place": ">"}


def reorganize(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; do nothing.")] = False,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Save what would be done; do nothing.")
    ] = None,
    apply: Annotated[
        Path | None, typer.Option("--apply", metavar="FILE", help="Do what a saved plan says.")
    ] = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            "--time-budget", metavar="SPAN", help="As 90s or 10m: what is left then is for the next run."
        ),
    ] = None,
) -> None:
    """Merge duplicates and bring the tree of topics and concepts up to date.

    Others may add and search meanwhile. Nothing is lost: what is merged is archived, and
    `memos undo` takes all of it back.
    """
    from memos_cli.operations import reorganize as verb

    shell = shell_of(ctx)
    if apply and (plan or dry_run):
        raise UsageError(detail="--apply excludes --plan and --dry-run.")
    seconds = duration(time_budget, "--time-budget")
    writes = not (dry_run or plan)
    with shell.open(write=writes) as session, shell.out.progress() as progress:
        if apply:
            result = verb.apply(session, apply)
        else:
            result = verb.reorganize(
                session, dry_run=dry_run, save_to=plan, time_budget=seconds, progress=progress
            )
    shell.out.emit(documents.dump(result), Plain("".join(f"{line}\n" for line in _lines(result.steps))))
    if shell.out.machine:
        return
    shell.out.notes(result.notes)
    shell.out.note(_sentence(result))
    if plan:
        shell.out.note(f"The plan is in {plan}; `memos reorganize --apply {plan}` carries it out.")


def _lines(steps: tuple[Step, ...]) -> list[str]:
    """The plan as a diff: `+` new, `~` told anew, `=` merged, `-` archived, `&` related, `>` filed."""
    lines: list[str] = []
    left: dict[str, int] = {}
    listed: dict[str, int] = {}
    for step in steps:
        kind = f"{step.action} {step.what}"
        listed[kind] = listed.get(kind, 0) + 1
        if listed[kind] > SHOWN:
            left[kind] = left.get(kind, 0) + 1
            continue
        text = documents.beginning(step.text, 100)
        before = f"{documents.beginning(step.before, 60)} → " if step.before else ""
        lines.append(clean(f"{_SIGNS[step.action]} {step.what:8} {before}{text}"))
    return lines + [f"  … and {count} more: {kind}" for kind, count in left.items()]


def _sentence(result: ReorganizeResult) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items())
    if not result.steps:
        return f"Nothing to do ({counts})." if counts else "Nothing to do."
    if result.dry_run:
        return f"Nothing was changed. It would be: {counts}."
    return f"Reorganized in {result.seconds:.1f} s: {counts}. Change {result.change}."
