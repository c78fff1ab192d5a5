"""`memos suggest`: questions worth asking of a cube."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Entries, Entry
from memos_cli.interfaces.cli.shell import shell_of


def suggest(
    ctx: typer.Context,
    k: Annotated[
        int, typer.Option("-k", "--limit", "-n", metavar="N", min=1, max=100, help="Questions at most.")
    ] = 8,
    now: Annotated[
        str | None, typer.Option("--now", metavar="WHEN", help="The moment that plans are compared with.")
    ] = None,
    phrase: Annotated[
        bool, typer.Option("--phrase", help="Have the language model word the questions.")
    ] = False,
) -> None:
    """Suggest questions worth asking of this cube, from its topics and its open ends.

    Contradictions, plans whose time is over or near, questions without an answer, what has become stale,
    topics and names. Each question is put to the search first: what does not find its memories among the
    first ten is not suggested.
    """
    from memos_cli.operations.suggest import suggest as run

    at = options.moment(now)
    shell = shell_of(ctx)
    with shell.open() as session, shell.out.progress():
        result = run(session, k=k, at=at, phrase=phrase)
    shell.out.emit(
        documents.dump(result),
        Entries(
            # Ids are there to be copied, and a column of a table would break them over lines.
            [
                Entry(
                    lead=str(number),
                    text=one.question,
                    facts=(one.reason, *one.evidence),
                    cells=(one.question, one.reason, ", ".join(one.evidence)),
                )
                for number, one in enumerate(result.suggestions, 1)
            ],
            empty="Nothing to ask yet.",
        ),
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)
