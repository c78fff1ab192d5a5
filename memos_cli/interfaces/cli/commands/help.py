"""`memos help`: the pages shipped with the program and those made from its code."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli.output import Markdown, Table
from memos_cli.interfaces.cli.shell import shell_of


def show_help(
    ctx: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(metavar="TOPIC", help="A topic, or a command's name.")
    ] = None,
) -> None:
    """Read about a topic; without one, list the topics."""
    from memos_cli.interfaces.cli import help_topics

    shell = shell_of(ctx)
    if topic is None:
        rows = help_topics.summaries()
        shell.out.emit(
            {"topics": [{"topic": name, "summary": summary} for name, summary in rows]},
            Table(("topic", "about"), rows, wide="about"),
        )
        if not shell.out.machine:
            shell.out.note("Read one with `memos help TOPIC`; a command's name is a topic too.")
        return
    text = help_topics.page(topic)
    if text is None:
        near = help_topics.near(topic)
        raise UsageError(
            detail=f"There is no page about {topic!r}." + (f" Did you mean {near}?" if near else ""),
            hint="`memos help` lists the topics.",
        )
    shell.out.emit({"topic": topic, "text": text}, Markdown(text))
