"""`memos usage`: what language models used on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import shell_of

COLUMNS = ("day", "model", "verb", "calls", "prompt tokens", "answer tokens", "cost", "unpriced", "estimated")


def usage(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Only calls made then or later.")
    ] = None,
) -> None:
    """Say what language models used, by day, model and command.

    Tokens and cost. Days are in UTC. Prices come from the setting llm_prices, as it was when a call was made.
    """
    from memos_cli.operations import usage as operation

    shell = shell_of(ctx)
    result = operation.usage(shell.settings, options.moment(since))
    rows = [(one.day, one.model, one.verb, *_counts(one)) for one in result.rows]
    if len(rows) > 1 and not shell.out.machine:
        rows.append(("total", "", "", *_counts(result.total)))
    shell.out.emit(documents.dump(result), Table(COLUMNS, rows, empty="No language model was used."))
    if not shell.out.machine:
        shell.out.notes(result.notes)


def _counts(one: object) -> tuple[int | float | None, ...]:
    names = ("calls", "prompt_tokens", "completion_tokens", "cost", "unpriced", "estimated")
    return tuple(getattr(one, name) for name in names)
