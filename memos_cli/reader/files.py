"""From what a person names (text, standard input, files, folders, addresses) to drafts.

Owns: opening what was named, keeping on after a bad file, stamping the caller's options on each
draft. Does not own: which files a folder holds (`folders`), which reader a file gets (`formats`),
fetching (`providers/web`), nor what `add` does with a draft.

Nothing here stops at a bad file: it becomes a Skipped that says why, and the next one is read.
What a file says wins over an option, save the day of a note, which gives way to a time; tags add up, and a `key` given by the caller stands before
a document's own headings.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from memos_cli.errors import BadInput
from memos_cli.reader.decode import CHUNK, as_text, encoding_of, require_text
from memos_cli.reader.folders import found, refusal, shown
from memos_cli.reader.formats import HTML_START, LARGEST_WHOLE, PDF, ZIP, Read, read_stream
from memos_cli.reader.split import LONGEST
from memos_cli.schema import Draft, Kind, Skipped, Source, Visibility, storable

if TYPE_CHECKING:
    from memos_cli.providers.web import Page
    from memos_cli.reader.images import Describe

__all__ = ["LARGEST_WHOLE", "STDIN", "ReadOptions", "read_paths", "read_stdin", "read_text", "read_urls"]

STDIN = "standard input"

_TICK = 64
_TIMED = ("chat", "mail")
"""Sources whose parts have times of their own."""
_NO_FILE = "it is a device, a pipe or a socket, not a file"

Progress = Callable[[int, int | None], None]
"""Called with the bytes read so far and the bytes there are (None: unknown)."""


Fetch = Callable[[str], "AbstractContextManager[Page]"]
"""Opens the page at an address; raises BadInput."""


@dataclass(frozen=True)
class ReadOptions:
    """What the caller says about everything that is read."""

    kind: Kind | None = None
    tags: tuple[str, ...] = ()
    key: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    speaker: str | None = None
    visibility: Visibility | None = None
    said_at: datetime | None = None
    external_id: str | None = None
    """The caller's own id. Where one call gives several drafts, the second gets `ID#2`, and so on."""
    info: dict[str, Any] = field(default_factory=dict)
    leave_out: Callable[[Path], bool] | None = None
    """Folders inside an added folder that are passed over and named: other cubes."""
    call: Callable[[Path], str] | None = None
    """What a file is called in its memories; its path as it was named when None."""
    describe: Describe | None = None
    """What is on an image, in words; None: images are refused by name."""


def read_text(text: str, options: ReadOptions) -> Draft:
    """One text as one draft, untouched but for the line end after it.

    Raises BadInput if it is empty, or holds what no store can: a NUL character, half a character.
    """
    trimmed = text.rstrip("\r\n")
    if not trimmed.strip():
        raise BadInput(source="the text", reason="it is empty")
    try:
        storable(trimmed)
    except ValueError as exc:
        raise BadInput(source="the text", reason=str(exc)) from exc
    return Stamp(options).put_on(Draft(memory=trimmed, sources=(Source(type="text"),)))


def read_stdin(stream: BinaryIO | TextIO, options: ReadOptions) -> Read:
    """Standard input: a short text is one draft, anything else is read like a file."""
    source = getattr(stream, "buffer", stream)
    with _spooled(source) as spool:
        yield from map(Stamp(options, path=False), _guarded(_stdin(spool, options), STDIN))


@contextmanager
def _spooled(source: BinaryIO | TextIO) -> Iterator[BinaryIO]:
    """What comes out of a pipe, where it can be read twice: in memory, beyond 8 MB on disk."""
    with tempfile.SpooledTemporaryFile(max_size=8 * CHUNK) as spool:
        while chunk := source.read(CHUNK):
            spool.write(chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk)
        spool.seek(0)
        yield cast(BinaryIO, spool)


def _stdin(spool: BinaryIO, options: ReadOptions) -> Read:
    from memos_cli.reader.transcript import shape_of

    head = spool.read(LONGEST * 4 + 1)
    if len(head) <= LONGEST * 4 and not head.startswith((PDF, ZIP)) and not _short_chat(head):
        with as_text(spool, require_text(spool, STDIN)) as text:
            whole = text.read()
        if not whole.strip():
            raise BadInput(source=STDIN, reason="it is empty")
        if len(whole) <= LONGEST and not HTML_START.match(whole) and not shape_of(whole):
            yield Draft(memory=whole.rstrip("\n"), sources=(Source(type="text"),))
            return
    yield from read_stream(spool, STDIN, "", options.session_id or STDIN, options.describe)


def _short_chat(head: bytes) -> bool:
    """Whether a short input is a chat: one JSON document, or a message a line."""
    from memos_cli.reader import chat

    try:
        text = head.decode(encoding_of(head)).strip()
    except UnicodeDecodeError:
        return False
    return text.startswith(("{", "[")) and any(
        chat.is_message(value) or chat.holds_chat(value) for value in _parsed(text, text.partition("\n")[0])
    )


def _parsed(*texts: str) -> Iterator[Any]:
    """The values of those texts that are JSON."""
    from memos_cli.reader import chat

    for text in texts:
        with suppress(BadInput):
            yield chat.parse(text, STDIN)


def read_paths(paths: Sequence[Path], options: ReadOptions, progress: Progress | None = None) -> Read:
    """Everything in `paths`, in order, as a stream; folders in the natural order of their names.

    Inside a folder, hidden and ignored files are passed over (`folders`), and links are not
    followed: what a link leads to is read in its own place, and where that lies outside the
    folder the link is named.
    """
    stamp = Stamp(options)
    listed = [each for path in paths for each in found(Path(path), options.leave_out)]
    total = sum(size for _, size in listed)
    before = 0
    for each, size in listed:
        if isinstance(each, Skipped):
            yield each
            continue
        tick = _ticker(progress, before, before + size, total)
        yield from map(stamp, _guarded(_read_file(each, options, tick), _name(each, options)))
        tick(size)
        before += size


def _ticker(progress: Progress | None, before: int, after: int, total: int) -> Callable[[int], None]:
    """Reports a place in a file as one in all of them; PDF is read back and forth, the report only forth."""
    furthest = before

    def tick(place: int) -> None:
        nonlocal furthest
        furthest = max(furthest, min(before + place, after))
        if progress is not None:
            progress(furthest, total)

    return tick


def _guarded(drafts: Read, name: str) -> Read:
    """`drafts`, where what stops the reading of a file becomes a Skipped."""
    try:
        yield from drafts
    except BadInput as exc:
        yield Skipped(source=name, reason=exc.fields["reason"])
    except UnicodeError:
        yield Skipped(source=name, reason="it changed while it was read")
    except OSError as exc:
        yield Skipped(source=name, reason=refusal(exc))


def _name(path: Path, options: ReadOptions) -> str:
    return shown(path) if options.call is None else options.call(path)


def _read_file(path: Path, options: ReadOptions, tick: Callable[[int], None]) -> Read:
    from memos_cli.reader.code import suffix_of

    name, typed = _name(path, options), shown(path)
    session = options.session_id or _session_of(path)
    if "\0" in typed:
        raise BadInput(source=name, reason="there is no such file")
    piped = typed.startswith("/dev/fd/") or typed == "/dev/stdin"
    if not piped and not stat.S_ISREG(path.stat().st_mode):
        raise BadInput(source=name, reason=_NO_FILE)
    with path.open("rb") as stream, _spooled(stream) if piped else nullcontext(stream) as whole:
        day = None if options.said_at else _day_of(path)
        # Not kept under a name: a reader that is given up must let go of the file before it is closed.
        for number, draft in enumerate(
            read_stream(whole, name, suffix_of(path), session, options.describe), start=1
        ):
            yield draft if day is None or isinstance(draft, Skipped) else _on(draft, day)
            if number % _TICK == 0:
                tick(whole.tell())


def _day_of(path: Path) -> datetime | None:
    """The day that a file's name gives; none to code, whose name may count its versions so."""
    from memos_cli.reader.code import LANGUAGES, suffix_of
    from memos_cli.reader.dated import day_of_name

    return None if suffix_of(path) in LANGUAGES else day_of_name(path.name)


def _on(draft: Draft, day: datetime) -> Draft:
    """A draft said on a day, unless it says when itself; of what a mail quotes nobody knows."""
    known = draft.said_at is not None or any(source.type == "mail" for source in draft.sources)
    return draft if known else draft.but(said_at=day)


def _session_of(path: Path) -> str:
    """`FOLDER/FILE`: the same wherever the file is named from, and readable."""
    absolute = Path(os.path.normpath(Path.cwd() / path))
    return shown(Path(absolute.parent.name) / absolute.name)


def read_urls(urls: Sequence[str], options: ReadOptions, fetch: Fetch) -> Read:
    """What lies at `urls`, fetched one by one, the type it was sent as deciding the reader.

    What cannot be fetched or read is a Skipped.
    """
    stamp = Stamp(options, path=False)
    for url in urls:
        yield from map(stamp, _guarded(_read_url(url, options, fetch), url))


def _read_url(url: str, options: ReadOptions, fetch: Fetch) -> Read:
    with fetch(url) as page:
        session = options.session_id or page.url
        for each in read_stream(page.body, url, page.suffix, session, options.describe):
            yield each if isinstance(each, Skipped) else _from_web(each, page.url)


def _from_web(draft: Draft, url: str) -> Draft:
    sources = tuple(
        source.but(url=url, path=None, type="web" if source.type == "file" else source.type)
        for source in draft.sources
    )
    return draft.but(sources=sources)


class Stamp:
    """Puts the caller's options on each draft."""

    def __init__(self, options: ReadOptions, *, path: bool = True) -> None:
        self._options = options
        self._path = path
        self._count = 0
        said = options.said_at
        self._said_at = said.replace(tzinfo=UTC) if said and said.tzinfo is None else said

    def __call__(self, draft: Draft | Skipped) -> Draft | Skipped:
        return draft if isinstance(draft, Skipped) else self.put_on(draft)

    def put_on(self, draft: Draft) -> Draft:
        """A copy of `draft` with the options."""
        self._count += 1
        return draft.but(**self._update(draft))

    def _update(self, draft: Draft) -> dict[str, Any]:
        given, source = self._options, draft.sources[0]
        speaker = given.speaker if source.role in (None, "user") else None
        return {
            "kind": given.kind or draft.kind,
            "tags": tuple(dict.fromkeys((*draft.tags, *given.tags))),
            "key": " > ".join(filter(None, (given.key, draft.key))) or None,
            "user_id": given.user_id,
            "agent_id": given.agent_id,
            "session_id": draft.session_id or given.session_id,
            "speaker": draft.speaker or speaker or source.role,
            "visibility": given.visibility or draft.visibility,
            "said_at": self._when(draft),
            "external_id": self._external_id(),
            "info": given.info | draft.info,
            "sources": draft.sources if self._path else (source.but(path=None),),
        }

    def _when(self, draft: Draft) -> datetime | None:
        """When it was said: the time of a turn or a mail is its own; the day of a note (`dated`) is
        only what stands in for a time that nobody gave."""
        own, given = draft.said_at, self._said_at
        return (own or given) if draft.sources[0].type in _TIMED else (given or own)

    def _external_id(self) -> str | None:
        own = self._options.external_id
        return f"{own}#{self._count}" if own and self._count > 1 else own
