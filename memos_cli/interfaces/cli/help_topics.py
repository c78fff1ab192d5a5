"""The pages of `memos help`: Markdown files of the package, with tables made from the code.

Owns: which topics there are, and the tables of commands, errors, settings and prompts. Does not own:
the words of a page (`memos_cli/help/*.md`), or the on-disk specification (`cube/layout`).

A page that holds `{{commands}}`, `{{errors}}`, `{{settings}}` … gets the table in that place,
so that it cannot say anything else than the code does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from importlib import resources
from typing import Any

import memos_cli
from memos_cli import errors

from . import app as command_line

_HOLE = re.compile(r"^\{\{(\w+)\}\}$", re.MULTILINE)


def topics() -> list[str]:
    """Names of all pages, in alphabetical order."""
    files = resources.files(memos_cli).joinpath("help")
    names = {entry.name.removesuffix(".md") for entry in files.iterdir() if entry.name.endswith(".md")}
    return sorted(names | {"format"})


def summaries() -> list[tuple[str, str]]:
    """Each topic with the heading of its page."""
    return [(name, _heading(name)) for name in topics()]


def page(topic: str) -> str | None:
    """The page called `topic` as Markdown, or a command's reference, or None."""
    if topic == "format":
        from memos_cli.cube import layout

        return layout.specification()
    if topic in topics():
        return _HOLE.sub(lambda hole: TABLES[hole[1]](), _read(topic))
    if topic in command_line.COMMANDS:
        return "\n".join(_command_lines(topic))
    return None


def near(topic: str) -> str | None:
    """The topic or command that was probably meant."""
    found = get_close_matches(topic, [*topics(), *command_line.COMMANDS], n=1)
    return found[0] if found else None


def _read(topic: str) -> str:
    return resources.files(memos_cli).joinpath("help", f"{topic}.md").read_text(encoding="utf-8")


def _heading(topic: str) -> str:
    if topic == "format":
        return "The cube on disk"
    return _read(topic).partition("\n")[0].lstrip("# ").strip()


def commands_table() -> str:
    """Every command with its arguments and options, read from the command line itself."""
    lines: list[str] = []
    for name in command_line.COMMANDS:
        lines += [*_command_lines(name), ""]
    return "\n".join(lines).rstrip()


def common_table() -> str:
    """The options that every command takes."""
    return _options_table(param for param in command_line.build("get").params if param.name in _COMMON)


_COMMON = ("cube", "json", "quiet", "verbose")


def _command_lines(name: str) -> Iterator[str]:
    command = command_line.build(name)
    leaves = getattr(command, "commands", None)
    for inner, leaf in (leaves or {"": command}).items():
        yield f"## memos {name} {inner}".rstrip()
        yield ""
        yield " ".join((leaf.help or "").split())
        yield ""
        yield f"`{_usage(f'{name} {inner}'.strip(), leaf)}`"
        yield ""
        yield _options_table(param for param in leaf.params if param.name not in _COMMON)
        yield ""


def _usage(name: str, command: Any) -> str:
    arguments = [
        _argument(param)
        for param in command.params
        if param.param_type_name == "argument" and not param.hidden
    ]
    return " ".join(["memos", name, *arguments, "[OPTIONS]"])


def _argument(param: Any) -> str:
    name = (param.metavar or param.name.upper()) + ("…" if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"


def _options_table(params: Iterator[Any]) -> str:
    shown = (param for param in params if param.name != "help" and not param.hidden)
    rows = [(_spelling(param), param.help or "", _default(param)) for param in shown]
    return _table(("option", "meaning", "default"), rows) if rows else ""


def _spelling(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in param.opts)
    if param.is_flag:
        return names
    return f"{names} {param.metavar}"


def _default(param: Any) -> str:
    return "" if param.default in (None, False, "", ()) or param.required else f"`{param.default}`"


def errors_table() -> str:
    """Every error with its exit code, its message and what it advises."""
    rows = [
        (f"`{errors.code_of(cls)}`", str(cls.exit_code), _template(cls), cls.hint)
        for cls in errors.tree()
        if _template(cls) != "{detail}" or not cls.__subclasses__()
    ]
    return _table(("code", "exit", "message", "next"), rows)


def exits_table() -> str:
    """Every exit code, with the classes of errors that give it."""
    rows = [("0", "Done."), ("1", "Failed, or a part of it did."), ("2", "The command line is wrong.")]
    rows += [("3", "Not found."), ("4", "Not permitted."), ("5", "Busy: another process is writing.")]
    rows += [("6", "The cube is damaged."), ("130", "Interrupted.")]
    return _table(("exit", "meaning"), rows)


def _template(cls: type[errors.MemosError]) -> str:
    return " ".join((cls.__doc__ or "").split())


def settings_table() -> str:
    """Every setting, its variables and what it means."""
    from memos_cli.settings import SETTINGS

    rows = [
        (f"`{one.name}`", ", ".join(f"`{name}`" for name in one.environment), one.help) for one in SETTINGS
    ]
    return _table(("setting", "environment", "meaning"), rows)


def kinds_table() -> str:
    """The kinds of memory."""
    from memos_cli.schema import Kind

    return _table(("kind",), [(f"`{kind}`",) for kind in Kind])


def relations_table() -> str:
    """The kinds of relation."""
    from memos_cli.schema import relation_kinds

    return _table(("kind", "meaning"), [(f"`{kind}`", meaning) for kind, _, meaning in relation_kinds()])


def prompts_table() -> str:
    """Every prompt in every language, and then their words."""
    from memos_cli.prompts import prompts

    found = prompts()
    rows = [(f"`{one.name}`", one.language, str(one.version), one.purpose) for one in found]
    shown = [
        f"## {one.name}, {one.language}, version {one.version}\n\n````text\n{one.text}\n````" for one in found
    ]
    return "\n\n".join([_table(("prompt", "language", "version", "purpose"), rows), *shown])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "commands": commands_table,
    "common": common_table,
    "errors": errors_table,
    "exits": exits_table,
    "settings": settings_table,
    "kinds": kinds_table,
    "relations": relations_table,
    "prompts": prompts_table,
}
