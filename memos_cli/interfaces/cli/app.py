"""The command line of memos: the table of commands, the shared flags, and the one edge for errors.

Owns: which commands there are and in which file each lives, their order in `--help`, and
the exit code of every way a run can end. Does not own: what a command does (`commands/`)
or how anything looks (`output`).

A command's file is imported when the command is typed, so `memos --help` and a keyword
search pay for nothing they do not use. Exit codes are those of the errors' classes, 2 for a
wrong command line, 130 after an interruption, 1 for what we did not foresee.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup

from memos_cli.errors import MemosError

from . import options, output
from .shell import Shell, shell_of

CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]
"""What typer raises for a wrong command line. Newer versions carry their own copy of click,
so the class is reached through one that every version exports."""

PROGRAM = "memos"
INTERRUPTED = 130


class Command(msgspec.Struct, frozen=True):
    """Where a command lives, its line in `--help`, and which shared options it takes."""

    place: str
    """`module:attribute` under `commands/`: a function, or a Typer app holding several."""
    summary: str
    panel: str = "Memories"
    streams: bool = False
    filters: bool = False
    several: bool = False
    """Whether it works on several cubes at once."""
    models: bool = False
    """Whether it can use a language model (`--llm`, `--max-llm-tokens`)."""


COMMANDS: dict[str, Command] = {
    "init": Command("init:init", "Make a cube.", "Cubes"),
    "add": Command(
        "add:add", "Store texts, files, pages or standard input as memories.", streams=True, models=True
    ),
    "search": Command(
        "search:search", "Find memories by meaning and by words.", streams=True, filters=True, several=True
    ),
    "refine": Command("refine:refine", "Draw facts from memories that wait for it.", models=True),
    "list": Command(
        "browse:list_memories", "List memories, those said last first.", streams=True, filters=True
    ),
    "get": Command("browse:get", "Show one memory with all it carries."),
    "tools": Command("tools:tools", "List tools, what they are for, and how their uses went.", streams=True),
    "update": Command("edit:update", "Replace a memory's text; the old version is kept."),
    "feedback": Command(
        "feedback:feedback", "Correct, add or forget in plain words.", filters=True, models=True
    ),
    "archive": Command("edit:archive", "Hide memories from search."),
    "unarchive": Command("edit:unarchive", "Show archived memories again."),
    "pin": Command("edit:pin", "Keep memories where they are."),
    "unpin": Command("edit:unpin", "Take the pins off memories."),
    "preferences": Command(
        "preferences:preferences", "List preferences, the strongest first.", streams=True, filters=True
    ),
    "purge": Command("purge:purge", "Remove memories from every store, index and history, for good."),
    "reorganize": Command(
        "reorganize:reorganize",
        "Merge duplicates and bring the tree of topics and concepts up to date.",
        "Order",
        models=True,
    ),
    "maintain": Command(
        "upkeep:maintain", "Refine what waits, reorganize, compact and check.", "Order", models=True
    ),
    "reflect": Command("reflect:reflect", "Draw insights from what came lately.", "Order", models=True),
    "suggest": Command(
        "suggest:suggest", "Suggest questions worth asking of this cube.", "Order", models=True
    ),
    "tree": Command("tree:tree", "Draw the topics and concepts that `memos reorganize` made.", "Order"),
    "graph": Command("tree:graph", "Show what a memory hangs together with.", "Order"),
    "cypher": Command("tree:cypher", "Run a Cypher query that only reads on the cube's graph.", "Order"),
    "history": Command("browse:history", "Show every version of a memory.", "History"),
    "log": Command("browse:log", "List the changes made to the cube, newest first.", "History", streams=True),
    "undo": Command("edit:undo", "Take back a change, the last one unless told.", "History"),
    "stats": Command("browse:stats", "Say what the cube holds and how large it is.", "Cubes"),
    "check": Command("maintain:check", "Compare every store with the table; changes nothing.", "Cubes"),
    "repair": Command("maintain:repair", "Set damage aside and rebuild what can be rebuilt.", "Cubes"),
    "reindex": Command("maintain:reindex", "Rebuild the indexes from the table.", "Cubes"),
    "compact": Command("maintain:compact", "Merge small files and drop old table versions.", "Cubes"),
    "balance": Command("maintain:balance", "Make every tier fit its capacity.", "Cubes"),
    "reembed": Command("vectors:reembed", "Make all vectors anew with another embedder.", "Cubes"),
    "deepen": Command("vectors:deepen", "Give the cube vectors or a graph it did not have.", "Cubes"),
    "unlock": Command(
        "maintain:unlock", "Say who holds the write lock; free it if nobody alive does.", "Cubes"
    ),
    "export": Command("transfer:export", "Write memories as JSON lines.", "Cubes", filters=True),
    "import": Command("transfer:import_memories", "Read memories from JSON lines.", "Cubes"),
    "eval": Command("eval:evaluate", "Measure recall on a public benchmark.", "This machine"),
    "usage": Command(
        "usage:usage", "Say what language models used, by day, model and command.", "This machine"
    ),
    "config": Command("config:app", "Show and change this machine's settings.", "This machine"),
    "cron": Command("cron:app", "Have a verb run by itself, at night or every few hours.", "This machine"),
    "doctor": Command("doctor:doctor", "Look for trouble in this installation.", "This machine"),
    "help": Command("help:show_help", "Read about a topic.", "This machine"),
}


def build(name: str) -> Any:
    """The command called `name`, its file imported and the shared options attached."""
    entry = COMMANDS[name]
    module, attribute = entry.place.split(":")
    target = getattr(importlib.import_module(f"{__package__}.commands.{module}"), attribute)
    if not isinstance(target, typer.Typer):
        app = _typer()
        app.command(name)(target)
        target = app
    else:
        target.rich_markup_mode = _markup()
    command: Any = typer.main.get_command(target)
    command.name = name
    command.rich_help_panel = entry.panel
    for leaf in (*getattr(command, "commands", {}).values(), command):
        if entry.filters:
            options.attach(leaf, options.filtering, options.keep_filter)
        if entry.streams:
            options.attach(leaf, options.streaming, options.keep_common)
        if entry.models:
            options.attach(leaf, options.modelling, options.keep_model)
        several = entry.several or hasattr(leaf, "commands")  # of a group, its command says so
        keep = options.keep_common if several else options.keep_for_one_cube
        options.attach(leaf, options.common, keep)
        options.spare(leaf)
    return command


def _markup() -> Literal["rich"] | None:
    return None if output.is_plain() else "rich"


def _typer(**settings: Any) -> typer.Typer:
    """A Typer app with our settings: rich panels for people, plain help in a pipe, no pretty tracebacks."""
    return typer.Typer(
        rich_markup_mode=_markup(),
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **({"add_completion": False} | settings),
    )


class CommandTable(TyperGroup):
    """The group that imports a command when it is typed, and the edge where every run ends."""

    _listing = False

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        options.attach(self, options.common, options.keep_common)
        options.attach(self, options.streaming, options.keep_common)

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or its name and summary alone while the list is drawn."""
        if cmd_name not in COMMANDS:
            return None
        if self._listing:
            entry = COMMANDS[cmd_name]
            return TyperCommand(cmd_name, help=entry.summary, rich_help_panel=entry.panel)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = build(cmd_name)
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Draw the list of commands without importing any."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for a name that is not one, say which are near."""
        name = args[0]
        shell_of(ctx).verb = name
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command: {name}.{meant}")
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line and leave with its exit code."""
        options.spare(self)
        shell = Shell()
        words = list(sys.argv[1:] if args is None else args)
        # A command line that cannot be parsed must still be answered in the form it asks for.
        before_dashes = words[: words.index("--")] if "--" in words else words
        shell.out.json = "--json" in before_dashes
        shell.out.jsonl = "--jsonl" in before_dashes

        def run() -> Any:
            return super(CommandTable, self).main(
                words, prog_name or PROGRAM, complete_var, False, windows_expand_args, obj=shell, **extra
            )

        sys.exit(_ending(run, shell))


def _ending(run: Any, shell: Shell) -> int:
    """Run, and turn every way it can end into words and an exit code."""
    out = shell.out
    try:
        code = run()
        output.finish()
    except MemosError as error:
        out.error(error)
        if shell.verbose and error.__cause__ is not None:
            out.note(f"Caused by {type(error.__cause__).__name__}: {error.__cause__}")
        return _flushed(error.exit_code)
    except CommandLineError as error:
        out.failure("usage_error", _text_of(error), f"See `{_help_for(error)}`.")
        return _flushed(2)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        output.abandon(sys.stdout)
        return 1
    except output.Unwritable as error:
        return _unwritten(out, error)
    except Exception as error:
        if out.machine:
            out.failure("internal_error", f"{type(error).__name__}: {error}", "This is a defect of memos.")
        raise
    if code == INTERRUPTED:
        out.failure("interrupted", "Interrupted. What was reported as stored is stored.")
    return code if isinstance(code, int) else 0


def _flushed(code: int) -> int:
    try:
        output.finish()
    except (BrokenPipeError, output.Unwritable):
        output.abandon(sys.stdout)
    return code


def _unwritten(out: output.Output, error: output.Unwritable) -> int:
    """Said on stderr also with `--json`: the document is what could not be written."""
    output.abandon(sys.stdout)
    out.error_line(f"Error: The answer cannot be written to standard output: {error}.")
    out.error_line("  The command itself was carried out; what it stored is stored.")
    return 1


def _text_of(error: Any) -> str:
    text: str = error.format_message()
    return text if text.endswith((".", "?")) else f"{text}."


def _help_for(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else PROGRAM} --help"


app = _typer(name=PROGRAM, cls=CommandTable, invoke_without_command=True, add_completion=True)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.Output().emit({}, output.Plain(f"memos {version('memoskit')}"))
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Memories for language models and agents, kept in directories you own.

    Start with `memos add "…"` and `memos search …`; `memos help` lists what there is to read.
    """
    if ctx.invoked_subcommand is None:
        shell_of(ctx).out.emit({"commands": list(COMMANDS)}, output.Plain(ctx.get_help()))


def main() -> None:
    """Run `memos` with the words of this process's command line."""
    output.prepare_streams()
    app()
