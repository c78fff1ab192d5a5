"""`memos config get|set|list`: this machine's settings and where each comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from memos_cli.interfaces.cli.output import Fields, Table
from memos_cli.interfaces.cli.shell import Shell, shell_of

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Show and change this machine's settings.

    A flag beats the environment, the environment beats config.toml, that beats the default.
    `memos help settings` says what each is for. Without a command they are listed.""",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a setting.")]


@app.callback(invoke_without_command=True)
def settings(ctx: typer.Context) -> None:
    """List the settings where no command is given."""
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command("get")
def get(ctx: typer.Context, name: Name) -> None:
    """Print one setting."""
    shell = shell_of(ctx)
    document = _document(shell, name)
    shell.out.emit(document, Table(("value",), [(_plainly(document["value"]),)]))


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE", help="The new value; `-` reads it from standard input.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Remove it from config.toml.")] = False,
) -> None:
    """Write one setting to config.toml, which only you can read."""
    import sys

    from memos_cli.errors import UsageError
    from memos_cli.operations.configure import configure

    shell = shell_of(ctx)
    if (value is None) != unset:
        raise UsageError(detail="Give a VALUE, or --unset.", hint="See `memos help settings`.")
    if value == "-" and sys.stdin is None:
        raise UsageError(detail="Standard input is closed.", hint="Give the VALUE itself.")
    text = sys.stdin.readline().strip() if value == "-" else value
    path = configure(shell.settings, name, text)
    shell.__dict__.pop("settings", None)
    document = _document(shell, name)
    shell.out.emit(document, Fields([(str(document["name"]), _plainly(document["value"]))]))
    if not shell.out.machine:
        shell.out.note(f"Written to {path}.")
        if str(document["origin"]).startswith("environment"):
            shell.out.note(f"But the {document['origin']} wins.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Print every setting, its value and where it comes from."""
    from memos_cli.settings import SETTINGS

    shell = shell_of(ctx)
    documents = [_document(shell, setting.name) for setting in SETTINGS]
    rows = [(str(one["name"]), _plainly(one["value"]), str(one["origin"])) for one in documents]
    shell.out.emit(
        {"file": str(shell.settings.config_file), "settings": documents},
        Table(("name", "value", "from"), rows, title=str(shell.settings.config_file)),
    )


def _plainly(value: str | float | bool | None) -> str | float | bool | None:
    """A number as a person would write it: 60, and not 60.0000."""
    return f"{value:g}" if isinstance(value, float) else value


def _document(shell: Shell, name: str) -> dict[str, str | float | bool | None]:
    from memos_cli.settings import find, shown

    setting = find(name)
    return {
        "name": setting.name,
        "value": shown(setting, shell.settings),
        "origin": shell.settings.origin(setting.name),
    }
