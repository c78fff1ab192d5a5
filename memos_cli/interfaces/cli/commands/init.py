"""`memos init`: make a cube. What a cube consists of is `operations/init`'s matter."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer

from memos_cli.interfaces.cli import options
from memos_cli.interfaces.cli.answers import show_result
from memos_cli.interfaces.cli.shell import shell_of


def init(
    ctx: typer.Context,
    place: Annotated[str | None, typer.Argument(metavar="CUBE", help="A name, or a directory.")] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="DEPTH", help="naive_text, general_text (with vectors) or tree_text."),
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="NAME", help="See `memos help embedders`.")
    ] = None,
) -> None:
    """Make a cube.

    A name makes it under the data folder, a path makes it there. `memos add` to a name or a path
    where nothing is yet makes the cube by itself.
    """
    from memos_cli.location import resolve
    from memos_cli.operations.init import init as make
    from memos_cli.schema import Depth

    shell = shell_of(ctx)
    if place is not None:
        shell.cubes = (place,)
    depth = options.choice(Depth, "depth", text) if text is not None else None
    result = make(shell.ref, shell.settings, text=depth, embedder=embedder)
    show_result(shell, result)
    if not shell.out.machine:
        configured = shell.ref.path == resolve(None, shell.settings).path
        named = "" if configured else f" -c {quote(shell.cubes[0])}"
        shell.out.note(f'Put something in: `memos add{named} "…"`.')
