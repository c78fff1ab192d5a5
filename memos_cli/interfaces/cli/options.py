"""Options that several commands share, each declared once: the common ones and the filters.

Owns: their names, help and reading. Does not own: which command takes which (`app`), nor
what a filter means (`schema.Filters`).

A set of options is a function's signature. Its parameters are attached to a command and
leave their values in the context, so that twenty commands need not repeat them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime, time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_cli.errors import BadFilter, BadInput, UsageError

from . import output
from .shell import shell_of

if TYPE_CHECKING:
    from enum import StrEnum

    from memos_cli.schema import Filters, Reading

    from .shell import Shell

FILTERS = "memos.filters"


def common(
    cube: Annotated[
        list[str] | None,
        typer.Option(
            "--cube",
            "-c",
            metavar="CUBE",
            help="Cube to use: a name or a directory; of several, `search` asks each.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say which cube is used.")] = False,
) -> None:
    """What every command takes, before the command's name or after it."""


def streaming(
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON document a line.")] = False,
) -> None:
    """What commands take that answer with a list."""


def modelling(
    llm: Annotated[
        str | None,
        typer.Option(
            "--llm",
            metavar="MODEL",
            help="Language model to use; the setting llm when left out, `none` for none.",
        ),
    ] = None,
    max_llm_tokens: Annotated[
        int | None,
        typer.Option("--max-llm-tokens", metavar="N", min=0, help="Tokens it may use; 0: any number."),
    ] = None,
) -> None:
    """What commands take that can use a language model."""


def filtering(
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="Only this kind of memory; may be repeated, as all filters."
        ),
    ] = None,
    level: Annotated[
        list[str] | None, typer.Option("--level", metavar="LEVEL", help="fact, concept or topic.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Only with this tag.")] = None,
    user: Annotated[list[str] | None, typer.Option("--user", metavar="ID", help="Only of this user.")] = None,
    session: Annotated[
        list[str] | None, typer.Option("--session", metavar="ID", help="Only of this session.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option("--agent", metavar="ID", help="Only of this agent.")
    ] = None,
    visibility: Annotated[
        list[str] | None,
        typer.Option("--visibility", metavar="VISIBILITY", help="private, public or session."),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="activated, resolving, archived, deleted or all."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="SOURCE", help="Only from this file, url, role or type of source."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Said or stored at that time or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Said or stored at that time or earlier.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="WHEN", help="What was true then.")] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", metavar="WHEN", help="What the cube held then.")
    ] = None,
) -> None:
    """Which memories a command sees."""


def attach(command: Any, declaration: Callable[..., None], keep: Callable[[Any, str, Any], None]) -> None:
    """Give `command` the options of `declaration`; `keep(ctx, name, value)` receives each value."""

    def receive(ctx: typer.Context, param: Any, value: Any) -> Any:
        keep(ctx, param.name, value)
        return value

    taken = {name for param in command.params for name in param.opts}
    for param in _params(declaration):
        if taken.isdisjoint(param.opts):
            param = copy(param)  # the same option of another command keeps its value elsewhere
            param.expose_value = False
            param.callback = receive
            command.params.append(param)


def spare(command: Any) -> None:
    """Leave values alone that need no reading: texts, and whatever was not given; refuse empty ones.

    Typer reads each value through a pydantic adapter of its own, at half a millisecond per
    option and ten for the first; a search has two dozen options of which one or two are given.
    """
    for param in command.params:
        _spare(param)
    find_help = command.get_help_option  # made on demand, and the same object each time

    def help_option(ctx: Any) -> Any:
        option = find_help(ctx)
        return None if option is None else _spare(option)

    command.get_help_option = help_option


def _spare(param: Any) -> Any:
    if "process_value" in vars(param):
        return param
    param.process_value = partial(_spared, param, param.process_value)
    _show_by_name(param)
    return param


def _show_by_name(param: Any) -> None:
    """Show a parameter by its name for the value alone, without Python's types, braces and ranges."""
    param.metavar = param.metavar or param.name.upper()
    shown = param.metavar if param.param_type_name == "option" and not param.is_flag else None
    param.display_type_rich = lambda ctx: shown
    param._get_number_range_help_str = lambda: None
    if param.param_type_name == "argument":
        name = f"{param.metavar}{'...' if param.nargs == -1 else ''}"
        pieces = [] if param.hidden else [name if param.required else f"[{name}]"]
        param.get_usage_pieces = lambda ctx: pieces


def _refuse_empty(param: Any, value: Any) -> None:
    """An option that is given says something: an empty one is mostly a variable that was never set."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    if param.param_type_name == "option" and any(isinstance(t, str) and not t.strip() for t in texts):
        name = max(param.opts, key=len)
        raise UsageError(
            detail=f"The value of {name} is empty.", hint=f"Give {name} a value, or leave it out."
        )


def _spared(param: Any, read: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    _refuse_empty(param, value)
    if value is None or value is param.default:
        if param.required:
            return read(ctx, value)  # which says what is missing
        many = param.nargs != 1 or getattr(param, "multiple", False)
        value = () if value is None and many else value
    else:
        plain = _plainly(param, value)
        if plain is None:
            with output.noticing():  # --help prints here, by typer's own means
                return read(ctx, value)
        value = plain
    return value if param.callback is None else param.callback(ctx, param, value)


def _plainly(param: Any, value: Any) -> Any:
    """The value of a text or of a whole number within its bounds; None where typer has to judge."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if annotation in (str, list[str]):
        for text in [value] if isinstance(value, str) else value:
            if not is_unicode(text):
                raise UsageError(detail=f"The value of {param.opts[0]} is not valid UTF-8.")
        return value or None
    if annotation is int and isinstance(value, str) and value.isdecimal() and len(value) < 16:
        number = int(value)
        if (param.min or 0) <= number <= (param.max or number):
            return number
    return None


@cache
def _params(declaration: Callable[..., None]) -> list[Any]:
    """Made once, and copied for each command."""
    app = typer.Typer(add_completion=False)
    app.command()(declaration)
    return list(typer.main.get_command(app).params)


def keep_common(ctx: typer.Context, name: str, value: Any) -> None:
    """Store a common option in the shell; what was not given changes nothing."""
    if not value:
        return
    shell = shell_of(ctx)
    if name == "cube":
        shell.cubes = tuple(value)
    else:
        setattr(shell if name == "verbose" else shell.out, name, value)


def keep_model(ctx: typer.Context, name: str, value: Any) -> None:
    """Let an option beat the setting of its name."""
    if value is not None:
        shell_of(ctx).overrides[name] = "" if value == "none" else value


def keep_for_one_cube(ctx: typer.Context, name: str, value: Any) -> None:
    """`keep_common` for a command that works on one cube.

    Raises:
        UsageError: several were named, before the command's name or after it.
    """
    keep_common(ctx, name, value)
    cubes = shell_of(ctx).cubes
    if name == "cube" and len(cubes) > 1:
        raise UsageError(
            detail=f"`{ctx.command_path}` works on one cube, and {len(cubes)} are named: {', '.join(cubes)}.",
            hint="Give one -c; `memos search` alone takes several.",
        )


def keep_filter(ctx: typer.Context, name: str, value: Any) -> None:
    """Store a filter's words; `filters_of` reads them."""
    ctx.meta.setdefault(FILTERS, {})[name] = value


def is_filtered(ctx: typer.Context) -> bool:
    """Whether the command line holds any filter."""
    return any(value for value in ctx.meta.get(FILTERS, {}).values())


def filters_of(ctx: typer.Context, now: datetime | None = None) -> Filters:
    """The filters of the command line; `now` is what words like 'yesterday' are counted from.

    Raises:
        BadFilter, BadTime, UsageError for an end before its beginning.
    """
    from memos_cli.schema import Filters, Kind, Level, Visibility

    given = ctx.meta.get(FILTERS, {})

    def words(name: str) -> tuple[str, ...]:
        return tuple(given.get(name) or ())

    times = {name: moment(given.get(name), now) for name in ("since", "as_of", "known_at")}
    values: dict[str, Any] = {
        "kinds": tuple(choice(Kind, "kind", word) for word in words("kind")),
        "levels": tuple(choice(Level, "level", word) for word in words("level")),
        "tags": words("tag"),
        "users": words("user"),
        "sessions": words("session"),
        "agents": words("agent"),
        "visibility": tuple(choice(Visibility, "visibility", word) for word in words("visibility")),
        "sources": words("source"),
        "until": moment(given.get("until"), now, end=True),
        **times,
    }
    if values["since"] and values["until"] and values["until"] < values["since"]:
        raise UsageError(
            detail=f"Nothing lies between --since {given['since']} and --until {given['until']}, which is earlier.",
            hint="Exchange the two.",
        )
    if words("status"):
        values["statuses"] = _statuses(words("status"))
    return Filters(**values)


def _statuses(words: Sequence[str]) -> tuple[Any, ...]:
    from memos_cli.schema import Status

    seen = [status for status in Status if status is not Status.PURGED]
    if "all" in words:
        return tuple(seen)
    return tuple(choice(Status, "status", word, known=(*seen, "all")) for word in words)


def choice(values: type[StrEnum], name: str, word: str, known: Sequence[str] = ()) -> Any:
    """The member that `word` names; case, `-`, `_` and the ending `Memory` make no difference.

    Raises:
        BadFilter.
    """
    allowed = list(known or values)
    folded = _fold(word)
    for member in values:
        if folded in (_fold(member), _fold(member).removesuffix("memory")) and member in allowed:
            return member
    raise BadFilter(value=repr(word), field=name, known=", ".join(allowed))


def _fold(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def is_unicode(text: str) -> bool:
    """Whether `text` can be stored: bytes that are not UTF-8 arrive as lone surrogates."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def text_of(words: str, what: str) -> str:
    """A text of the command line, checked to be text.

    Raises:
        UsageError: it is empty, or its bytes are not UTF-8.
    """
    if not is_unicode(words):
        raise UsageError(detail=f"The {what} is not valid UTF-8.", hint="Convert it first, or use --file.")
    if not words.strip():
        raise UsageError(detail=f"The {what} is empty.", hint="Give some words.")
    return words


def standard_input(what: str) -> str:
    """All of standard input as text.

    Raises:
        BadInput: it is closed, or its bytes are not UTF-8.
    """
    if sys.stdin is None:
        raise BadInput(source=what, reason="standard input is closed")
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise BadInput(source=what, reason=f"byte {error.start} is not valid UTF-8") from error


def moment(text: str | None, now: datetime | None = None, *, end: bool = False) -> datetime | None:
    """A time typed by a person, in UTC; `end` takes the last instant of a bare day, month or year.

    Raises:
        BadTime.
    """
    if text is None:
        return None
    from memos_cli.reader.times import parse_time
    from memos_cli.schema import now as present

    start = parse_time(text, now or present())
    return _last_instant(text, start) if end else start


def duration(text: str | None, option: str) -> float | None:
    """Seconds of a span typed by a person: `90`, `30s`, `10m`, `2h`.

    Raises:
        UsageError: it is none; `option` is named.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,7}(?:\.\d+)?) ?([smh]?)", text.strip().lower())
    if found is None:
        raise UsageError(
            detail=f"The value of {option}, {text!r}, is no span of time.", hint="Write it as 10m."
        )
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def past(text: str | None) -> datetime | None:
    """A moment, also as how long ago it was: `7d`, `2w`, `12h`.

    Raises:
        BadTime.
    """
    from memos_cli.schema import now as present

    found = re.fullmatch(r"(\d{1,4})([hdw])", text.strip().lower()) if text else None
    if found is None:
        return moment(text)
    return (
        present()
        - int(found[1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[found[2]]
    )


def _last_instant(text: str, start: datetime) -> datetime:
    try:
        following = _following(text.strip().lower(), start)
    except (ValueError, OverflowError):  # what follows the last day of the calendar
        return datetime.max.replace(tzinfo=start.tzinfo)
    return following - timedelta(microseconds=1) if following > start else start


def _following(words: str, start: datetime) -> datetime:
    """When the day, month or year of these words is over; `start` for words that name a moment."""
    if re.fullmatch(r"\d{4}年?", words):
        return start.replace(year=start.year + 1)
    if re.fullmatch(r"\d{4}[-/年]\d{1,2}月?|[a-z]+\.? \d{4}", words):
        return (start + timedelta(days=32)).replace(day=1)
    if start.time() == time() and not re.search(r"\d[:点时]|t\d|\d ?[ap]m|midnight|ago$|now$", words):
        return start + timedelta(days=1)
    return start


def reading(shell: Shell, given: str | None) -> Reading:
    """What `--read`, else the setting `reader`, else the presence of a model says.

    Raises:
        UsageError: there is no such way. NoLLM: a model is needed and none is configured.
    """
    from memos_cli.errors import NoLLM
    from memos_cli.schema import Reading

    named = given or shell.settings.reader
    if not named:
        return Reading.AUTO if shell.settings.llm else Reading.FAST
    how: Reading = choice(Reading, "way to read", named)
    if how is Reading.FINE and not shell.settings.llm:
        raise NoLLM(verb="add --read fine")
    return how
