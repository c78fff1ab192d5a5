"""`memos add`: texts, files, folders, pages and standard input, handed to `operations/add` as drafts.

Owns: where the input comes from and what its options mean. Does not own: how a file is
split (`reader`) or what counts as known already (`operations/batch`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TypedDict, Unpack

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Output, Progress, Table, finish
from memos_cli.interfaces.cli.shell import Shell, shell_of
from memos_cli.schema import DEEPEST

if TYPE_CHECKING:
    from memos_cli.operations.origins import Left, Origins
    from memos_cli.reader.files import ReadOptions
    from memos_cli.schema import AddResult, Draft, Reading, Skipped
    from memos_cli.session import Session


def add(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts; `-` reads standard input.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", metavar="PATH", help="A file or a folder; may be repeated."),
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option("--url", metavar="URL", help="A page or a file on the web; may be repeated."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="Kind of memory; LongTermMemory when left out."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="May be repeated.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Its title, searched too.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="Whose memory it is.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="ID", help="The agent that met it.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="The conversation.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", metavar="NAME", help="Who said it.")] = None,
    visibility: Annotated[
        str | None,
        typer.Option(
            "--visibility", metavar="VISIBILITY", help="private (when left out), public or session."
        ),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option("--time", metavar="WHEN", help="When it was said or was true: ISO, or words."),
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="Your own id; adding it again for the same --user updates the memory.",
        ),
    ] = None,
    info: Annotated[str | None, typer.Option("--info", metavar="JSON", help="Free JSON object.")] = None,
    reading: Annotated[
        str | None,
        typer.Option(
            "--read",
            metavar="HOW",
            help="fast: as it is; auto: fast, facts are drawn later (`memos refine`); fine: at once.",
        ),
    ] = None,
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="Store what is known already once more.")
    ] = False,
    no_judge: Annotated[
        bool,
        typer.Option("--no-judge", help="Store as is: nothing that is there is updated or contradicted."),
    ] = False,
    no_preferences: Annotated[
        bool, typer.Option("--no-preferences", help="Learn no preferences from what is added.")
    ] = False,
    allow_future: Annotated[
        bool, typer.Option("--allow-future", help="Accept a time of saying that is yet to come.")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Store standard input while it runs, each line a memory or a turn; with --jsonl also records.",
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Archive memories of these files and folders that are no longer in them."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before archiving.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; say what would happen.")] = False,
) -> None:
    """Store texts, files, pages or standard input as memories.

    Each TEXT becomes one memory. Files are split at their turns, headings and paragraphs. What
    is known already is reported and not stored twice, so adding a folder again adds what is new
    in it; what is gone from it stays until --prune. If anything had to be skipped the exit code is
    1; the rest is stored.
    """
    from memos_cli.location import is_vacant
    from memos_cli.operations import add as operation
    from memos_cli.operations.accepted import sift
    from memos_cli.operations.origins import Origins
    from memos_cli.schema import Kind, Visibility
    from memos_cli.session import fetcher

    shell = shell_of(ctx)
    read = _read_options(
        kind=None if kind is None else options.choice(Kind, "kind", kind),
        tags=tuple(tag or ()),
        key=key,
        user_id=user,
        agent_id=agent,
        session_id=session,
        speaker=speaker,
        visibility=None if visibility is None else options.choice(Visibility, "visibility", visibility),
        said_at=options.moment(when),
        external_id=external_id,
        info=_info(info),
    )
    files, urls = file or [], url or []
    if follow and sys.stdin is None:
        raise _nothing()
    if prune and not files:
        raise UsageError(detail="--prune works on files.", hint="Name them with --file PATH.")
    how = _How(
        allow_duplicates=allow_duplicates,
        allow_future=allow_future,
        reading=options.reading(shell, reading),
        judge=False if no_judge else None,
    )
    if follow:
        _refuse_beside(text or [], files, urls, dry_run, external_id)
        whole = _follow(shell, read, **how)
        raise typer.Exit(0 if whole else 1)
    texts = _texts(text or [], [*files, *urls], external_id)
    origins = Origins(files, user_id=user, agent_id=agent, dry_run=dry_run)
    eyes = _Eyes()
    read = replace(read, call=origins.call, describe=eyes if shell.settings.llm else None)
    with shell.out.progress() as progress:
        drafts = origins.watch(_drafts(texts, files, urls, read, fetcher(shell.settings), progress))
        result = None
        # No cube is made of nothing. (A model that describes pictures needs one before the first draft.)
        if is_vacant(shell.ref.path) and read.describe is None:
            drafts, result = sift(drafts, allow_future=allow_future)
        if result is None:
            with shell.open_to_add(dry_run=dry_run) as cube:
                origins.bind(cube)
                eyes.bind(cube)
                result = operation.add(
                    cube,
                    drafts,
                    **how,
                    preferences=False if no_preferences else None,
                    dry_run=dry_run,
                    progress=progress,
                )
                result = _pruned(shell, result, origins, prune=prune, yes=yes or dry_run)
    _show(shell, result, dry_run)
    if result.skipped:
        raise typer.Exit(1)


def _pruned(shell: Shell, result: AddResult, origins: Origins, *, prune: bool, yes: bool) -> AddResult:
    """`result` with what its files no longer hold: archived where that was asked for, else as notes."""
    left = origins.left(result)
    if not left.items:
        return result
    if prune and (yes or not shell.out.can_ask or shell.out.confirm(_question(left))):
        archived, notes = origins.archive(left)
        return result.but(archived=archived, notes=(*result.notes, *notes))
    return result.but(notes=(*result.notes, *origins.notes(left)))


class _Eyes:
    """The settings' language model as what describes a picture, from when there is a session."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def bind(self, session: Session) -> None:
        self._session = session

    def __call__(self, image: bytes, media: str) -> str:
        from memos_cli.operations.describe import describe

        assert self._session is not None
        return describe(self._session, image, media)


def _question(left: Left) -> str:
    count = len(left.items)
    return f"Archive {'1 memory' if count == 1 else f'{count} memories'} that these files no longer hold?"


def _refuse_beside(
    texts: list[str], files: list[Path], urls: list[str], dry_run: bool, external_id: str | None
) -> None:
    """Raises UsageError for what makes no sense beside a stream that does not end."""
    if files or urls or texts not in ([], ["-"]):
        raise UsageError(
            detail="--follow reads standard input alone.", hint="Pipe lines in: `… | memos add --follow -`."
        )
    if dry_run or external_id is not None:
        raise UsageError(detail="--follow stores as it reads: it takes neither --dry-run nor --id.")


class _How(TypedDict):
    """What `add` is told, whatever it reads."""

    allow_duplicates: bool
    allow_future: bool
    reading: Reading
    judge: bool | None


def _follow(shell: Shell, read: ReadOptions, **how: Unpack[_How]) -> bool:
    """Store standard input while it runs; SIGINT and SIGTERM end it after what has come is stored."""
    import signal

    from memos_cli.operations.follow import follow

    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda got, _: asked.append(got))
        for number in (signal.SIGINT, signal.SIGTERM)
    }

    def answer(result: AddResult) -> None:
        _show(shell, result, dry_run=False)
        finish()  # whoever reads the answers shall have each as it is given

    try:
        with shell.open_to_add(dry_run=False) as cube:
            source, records = sys.stdin.fileno(), shell.out.jsonl
            return follow(cube, source, read, answer, stop=lambda: bool(asked), records=records, **how)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _read_options(**fields: Any) -> ReadOptions:
    from memos_cli.location import holds_cube
    from memos_cli.reader.files import ReadOptions

    for name, value in fields.items():
        if any(
            "\0" in one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, str)
        ):
            raise UsageError(detail=f"The value of {name} holds a NUL character.", hint="Leave it out.")
    return ReadOptions(**fields, leave_out=holds_cube)


def _info(text: str | None) -> dict[str, Any]:
    """The object of `--info`.

    Raises:
        UsageError: it is no JSON object, or holds what JSON cannot.
    """
    if text is None:
        return {}
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()  # lone surrogates, infinities
    except (ValueError, RecursionError) as error:
        raise UsageError(detail=f"--info is no JSON: {error}.", hint="Write it like '{\"a\": 1}'.") from error
    if _depth(value) > DEEPEST:
        raise UsageError(detail=f"--info is nested more than {DEEPEST} levels deep.", hint="Flatten it.")
    if not isinstance(value, dict):
        raise UsageError(detail="--info must be a JSON object.", hint="Write it like '{\"a\": 1}'.")
    return value


def _depth(value: Any) -> int:
    """How many objects and lists are inside one another."""
    deepest, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        deepest += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return deepest


def _texts(texts: list[str], files: Sequence[Path | str], external_id: str | None) -> list[str]:
    """The texts to store, `-` for standard input, which is also read when nothing was given.

    Raises:
        UsageError: there is nothing to add, or one id for several things.
    """
    closed = sys.stdin is None
    if "-" in texts and closed:
        raise _nothing()
    if not texts and not files:
        if closed or sys.stdin.isatty() or _ended(sys.stdin.buffer):
            raise _nothing()
        texts = ["-"]
    if texts.count("-") > 1:
        raise UsageError(detail="Standard input can be read once only.", hint="Give one `-`.")
    if external_id is not None and len(texts) + len(files) > 1:
        raise UsageError(detail="One --id names one memory.", hint="Add the others with ids of their own.")
    return [text if text == "-" else options.text_of(text, "text") for text in texts]


def _nothing() -> UsageError:
    return UsageError(
        detail="There is nothing to add.", hint="Give a text, --file PATH, --url URL, or pipe text in."
    )


def _ended(stream: BinaryIO) -> bool:
    """Whether a pipe has nothing to give, as under cron; a stream that cannot tell counts as full."""
    peek = getattr(stream, "peek", None)
    return peek is not None and not peek(1)


def _drafts(
    texts: list[str],
    files: list[Path],
    urls: list[str],
    read: ReadOptions,
    fetch: Callable[[str], Any],
    progress: Progress | None,
) -> Iterator[Draft | Skipped]:
    """Every draft of the command line, lazily: texts in their order, then files, then pages."""
    from memos_cli.reader import files as reader

    for text in texts:
        if text == "-":
            yield from reader.read_stdin(sys.stdin.buffer, read)
        else:
            yield reader.read_text(text, read)
    tick = partial(progress, "reading") if progress else None
    yield from reader.read_paths(files, read, tick)
    yield from reader.read_urls(urls, read, fetch)


def _show(shell: Shell, result: AddResult, dry_run: bool) -> None:
    if shell.out.machine:
        shell.out.emit(documents.added(result))
        return
    # Quiet: what was asked for goes in without a line for each, unless a program asked for them.
    rows = iter(()) if shell.out.quiet else _rows(result)
    while some := list(islice(rows, _ROWS)):
        shell.out.emit(None, Table(("what", "id", "memory", "reason"), some, wide="memory"))
    for one in result.skipped:
        shell.out.error_line(f"Skipped {one.source}: {one.reason}")
    shell.out.notes(result.notes)
    _summary(shell.out, result, dry_run)


_ROWS = 10_000
"""Lines that are drawn as one table; what is longer is drawn as several, so that it never stands in memory whole."""


def _rows(result: AddResult) -> Iterator[tuple[str, str, str, str]]:
    bears = {one.id: f"{one.relation} of {one.to}: {one.reason}" for one in result.linked}
    yield from (("added", one.id, one.memory, bears.get(one.id, "")) for one in result.added)
    yield from (("updated", one.id, one.memory, f"{one.relation}: {one.reason}") for one in result.updated)
    yield from (("known", one.id, one.memory, one.reason) for one in result.known)
    yield from (("archived", one.id, one.memory, "no longer in its file") for one in result.archived)
    yield from (("fact", one.id, one.memory, f"refines {one.refines}") for one in result.facts)
    yield from (("preference", one.id, one.memory, one.what) for one in result.preferences)


def _summary(out: Output, result: AddResult, dry_run: bool) -> None:
    learned = "preference" if len(result.preferences) == 1 else "preferences"
    counts = {
        "added": len(result.added),
        "updated": len(result.updated),
        "known already": len(result.known),
        "archived": len(result.archived),
        learned: len(result.preferences),
        "skipped": len(result.skipped),
        "facts drawn": len(result.facts),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "Nothing came in"
    out.note(f"{said}; nothing was stored (--dry-run)." if dry_run else f"{said}.")
    if result.queued and not dry_run:
        out.note(f"{result.queued} wait for their refinement: `memos refine`.")
