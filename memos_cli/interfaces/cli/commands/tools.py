"""`memos tools`: which tools the memories know, and how often they were used, with what success."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli import documents
from memos_cli.interfaces.cli.output import Table
from memos_cli.interfaces.cli.shell import shell_of


def tools(
    ctx: typer.Context,
    user: Annotated[list[str] | None, typer.Option("--user", metavar="ID", help="Only of this user.")] = None,
) -> None:
    """List tools, what they are for, and how their uses went.

    Definitions come in with `memos add --file tools.json`, uses with chats that hold tool calls.
    `memos search --kind ToolSchemaMemory NEED` finds a tool by what is needed.
    """
    from memos_cli.operations import tools as operation

    shell = shell_of(ctx)
    with shell.open() as session:
        result = operation.tools(session, users=tuple(user or ()))
    rows = [
        (one.name, one.description, one.use.calls, one.use.successes, one.use.last_error or "")
        for one in result.tools
    ]
    listed = [documents.tool(one) for one in result.tools]
    shell.out.emit(
        {"tools": listed, "notes": list(result.notes)},
        Table(
            ("tool", "description", "calls", "successes", "last error"),
            rows,
            wide="description",
            empty="No tools.",
        ),
        lines=listed,
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)
