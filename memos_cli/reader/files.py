"""From what a person names (text, standard input, files, folders) to drafts.

Owns: which reader a file gets, by content first and name second; walking folders; stamping the
caller's options on each draft. Does not own: any format, nor what `add` does with a draft.

The readers of formats are imported when a file needs them: most adds are of a text.

Nothing here stops at a bad file: it becomes a Skipped that says why, and the next one is read.
What a file says wins over an option; tags add up, and a `key` given by the caller stands before
a document's own headings.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from memos_cli.errors import BadInput
from memos_cli.reader.decode import CHUNK, OLD_OFFICE, as_text, binary_kind, encoding_of, require_text
from memos_cli.reader.split import LONGEST
from memos_cli.schema import Draft, Kind, Skipped, Source, Visibility, storable

LARGEST_WHOLE = 256 << 20
"""Bytes of the largest PDF, Word, HTML or JSON file. Text, Markdown, CSV and JSON Lines are
read as streams and may have any size."""
STDIN = "standard input"

_HEAD = 4096
_TICK = 64
_PDF, _ZIP = b"%PDF-", b"PK\x03\x04"
_NO_FILE = "it is a device, a pipe or a socket, not a file"
_CUBE = "it is a MemCube; `memos export` and `memos import` copy its memories"
_LEFT_OUT = frozenset({"node_modules", "__pycache__"})
_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
_TABLES = frozenset({".csv", ".tsv"})
_HTML = frozenset({".html", ".htm", ".xhtml"})
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_HTML_START = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)

Progress = Callable[[int, int | None], None]
"""Called with the bytes read so far and the bytes there are (None: unknown)."""
Read = Iterator[Draft | Skipped]


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
    return _Stamp(options).put_on(Draft(memory=trimmed, sources=(Source(type="text"),)))


def read_stdin(stream: BinaryIO | TextIO, options: ReadOptions) -> Read:
    """Standard input: a short text is one draft, anything else is read like a file."""
    source = getattr(stream, "buffer", stream)
    with _spooled(source) as spool:
        yield from map(_Stamp(options, path=False), _guarded(_stdin(spool, options), STDIN))


@contextmanager
def _spooled(source: BinaryIO | TextIO) -> Iterator[BinaryIO]:
    """What comes out of a pipe, where it can be read twice: in memory, beyond 8 MB on disk."""
    with tempfile.SpooledTemporaryFile(max_size=8 * CHUNK) as spool:
        while chunk := source.read(CHUNK):
            spool.write(chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk)
        spool.seek(0)
        yield cast(BinaryIO, spool)


def _stdin(spool: BinaryIO, options: ReadOptions) -> Read:
    head = spool.read(LONGEST * 4 + 1)
    if len(head) <= LONGEST * 4 and not head.startswith((_PDF, _ZIP)) and not _short_chat(head):
        with as_text(spool, require_text(spool, STDIN)) as text:
            whole = text.read()
        if not whole.strip():
            raise BadInput(source=STDIN, reason="it is empty")
        if len(whole) <= LONGEST and not _HTML_START.match(whole):
            yield Draft(memory=whole.rstrip("\n"), sources=(Source(type="text"),))
            return
    yield from read_stream(spool, STDIN, "", options.session_id or STDIN)


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

    Inside a folder, hidden files, `node_modules` and `__pycache__` are passed over, and links
    are not followed: what a link leads to is read in its own place, and where that lies outside
    the folder the link is named.
    """
    stamp = _Stamp(options)
    found = [each for path in paths for each in _found(Path(path), options.leave_out)]
    total = sum(size for _, size in found)
    before = 0
    for each, size in found:
        if isinstance(each, Skipped):
            yield each
            continue
        tick = _ticker(progress, before, before + size, total)
        yield from map(stamp, _guarded(_read_file(each, options, tick), _shown(each)))
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
        yield Skipped(source=name, reason=_refusal(exc))


def _refusal(exc: OSError) -> str:
    if isinstance(exc, FileNotFoundError):
        return "there is no such file"
    if isinstance(exc, PermissionError):
        return "its permissions do not let you read it"
    return (exc.strerror or str(exc)).casefold()


def _shown(path: Path) -> str:
    """A path as text; bytes of a name that are not UTF-8 are written `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _found(path: Path, leave_out: Callable[[Path], bool] | None) -> Iterator[tuple[Path | Skipped, int]]:
    """(file, bytes) of what lies at `path`: itself, or all that is in it."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        yield path, 0
        return
    if not stat.S_ISDIR(status.st_mode):
        yield path, status.st_size
        return
    empty = True
    for each, size in _walk(path, leave_out):
        empty = False
        yield each, size
    if empty:
        yield Skipped(source=_shown(path), reason="the folder holds no file to read"), 0


def _walk(root: Path, leave_out: Callable[[Path], bool] | None) -> Iterator[tuple[Path | Skipped, int]]:
    real_root = os.path.realpath(root)
    todo = [root]
    while todo:
        here = todo.pop()
        try:
            status = here.lstat() if here != root else here.stat()
            if stat.S_ISDIR(status.st_mode):
                if here != root and leave_out is not None and leave_out(here):
                    yield Skipped(source=_shown(here), reason=_CUBE), 0
                    continue
                todo += sorted(_wanted(here), key=_natural, reverse=True)
                continue
        except OSError as exc:
            yield Skipped(source=_shown(here), reason=_refusal(exc)), 0
            continue
        if stat.S_ISLNK(status.st_mode):
            yield from _linked(here, real_root)
        elif stat.S_ISREG(status.st_mode):
            yield here, status.st_size
        else:
            yield Skipped(source=_shown(here), reason=_NO_FILE), 0


def _wanted(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if _is_wanted(path.name))


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name not in _LEFT_OUT


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Sorts `turn 2` before `turn 10`."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], path.name


def _linked(link: Path, real_root: str) -> Iterator[tuple[Path | Skipped, int]]:
    """What a link in a folder gives: a file of that folder which is not walked by itself, or a reason."""
    target = Path(os.path.realpath(link))
    if not target.exists():
        yield Skipped(source=_shown(link), reason="it is a link to nothing"), 0
    elif not target.is_relative_to(real_root):
        yield Skipped(source=_shown(link), reason="it is a link that leaves the folder"), 0
    elif target.is_file() and not all(map(_is_wanted, target.relative_to(real_root).parts)):
        yield link, target.stat().st_size


def _read_file(path: Path, options: ReadOptions, tick: Callable[[int], None]) -> Read:
    name = _shown(path)
    session = options.session_id or _session_of(path)
    if "\0" in name:
        raise BadInput(source=name, reason="there is no such file")
    piped = name.startswith("/dev/fd/") or name == "/dev/stdin"
    if not piped and not stat.S_ISREG(path.stat().st_mode):
        raise BadInput(source=name, reason=_NO_FILE)
    with path.open("rb") as stream, _spooled(stream) if piped else nullcontext(stream) as whole:
        for number, draft in enumerate(read_stream(whole, name, path.suffix.casefold(), session), start=1):
            yield draft
            if number % _TICK == 0:
                tick(whole.tell())


def _session_of(path: Path) -> str:
    """`FOLDER/FILE`: the same wherever the file is named from, and readable."""
    absolute = Path(os.path.normpath(Path.cwd() / path))
    return _shown(Path(absolute.parent.name) / absolute.name)


def read_stream(stream: BinaryIO, name: str, suffix: str, session: str) -> Read:
    """What a seekable binary stream holds. Raises BadInput, before the first draft wherever possible.

    `suffix` (with its dot, lower case, may be empty) decides between formats that are all text;
    `session` names a chat that has no id of its own.
    """
    from memos_cli.reader import documents

    stream.seek(0)
    head = stream.read(_HEAD)
    _refuse_known(head, name, suffix)
    if _PDF in head[:1024]:
        return documents.read_pdf(_not_too_large(stream, name), name)
    if head.startswith(_ZIP):
        return documents.read_docx(_word_document(_not_too_large(stream, name), name), name)
    if suffix in _HTML or _HTML_START.match(_peeked(head)):
        return _read_html(_not_too_large(stream, name), name, head)
    if suffix in _JSON or (suffix not in _MARKDOWN | _TABLES and _peeked(head).lstrip()[:1] in ("{", "[")):
        return _read_json(stream, name, suffix, session, head)
    return _read_prose(stream, name, suffix)


def _refuse_known(head: bytes, name: str, suffix: str) -> None:
    """Raises BadInput for what is no text we can read, by its first bytes."""
    if not head:
        raise BadInput(source=name, reason="it is empty")
    if head.startswith(OLD_OFFICE):
        reason = "it is encrypted or of Word's old format; save it as .docx without a password"
        raise BadInput(source=name, reason=reason)
    if head.startswith(b"{\\rtf"):
        raise BadInput(source=name, reason="it is RTF; save it as .docx or as plain text")
    if (suffix == ".pdf" and _PDF not in head[:1024]) or (suffix == ".docx" and not head.startswith(_ZIP)):
        raise BadInput(
            source=name, reason=f"it is called {suffix} but is none: its beginning is damaged or missing"
        )


def _peeked(head: bytes) -> str:
    """The beginning of a file, for a look at its format; a character cut at the end does not matter."""
    return head.decode(encoding_of(head), "ignore")


def _not_too_large(stream: BinaryIO, name: str) -> BinaryIO:
    size = stream.seek(0, os.SEEK_END)
    if size > LARGEST_WHOLE:
        raise BadInput(source=name, reason=f"it is larger than {LARGEST_WHOLE >> 20} MB")
    stream.seek(0)
    return stream


def _word_document(stream: BinaryIO, name: str) -> BinaryIO:
    try:
        members = set(zipfile.ZipFile(stream).namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise BadInput(source=name, reason=f"it is a damaged Word document or ZIP archive: {exc}") from exc
    if "word/document.xml" not in members and "[Content_Types].xml" not in members:
        raise BadInput(source=name, reason="it is a ZIP archive; unpack it first")
    if any(member.startswith(("xl/", "ppt/")) for member in members):
        raise BadInput(source=name, reason="it is a spreadsheet or a presentation; save it as CSV or PDF")
    stream.seek(0)
    return stream


def _read_html(stream: BinaryIO, name: str, head: bytes) -> Read:
    from memos_cli.reader.hypertext import declared_charset, read_html

    try:
        encoding = require_text(stream, name)
    except BadInput:
        encoding = declared_charset(head) or ""
        if not _decodes(stream, encoding):
            raise
    with as_text(stream, encoding) as text:
        page = text.read()
    return read_html(page, name)


def _decodes(stream: BinaryIO, encoding: str) -> bool:
    """Whether the whole stream is text in the encoding that it declares."""
    try:
        with as_text(stream, encoding) as text:
            return "\0" not in text.read()
    except (LookupError, UnicodeError, ValueError):
        return False


def _read_json(stream: BinaryIO, name: str, suffix: str, session: str, head: bytes) -> Read:
    """A JSON document or JSON Lines; text that only begins like JSON, unless its name says it is."""
    from memos_cli.reader import chat

    encoding, named = encoding_of(head), suffix in _JSON
    if named and "\0" in _peeked(head):
        raise BadInput(source=name, reason=binary_kind(head) or "it is a binary file")
    if chat.is_json_lines(stream, encoding, strict=not named):
        return chat.read_json_lines(stream, encoding, name, session)
    try:
        value = _json_document(stream, name)
    except BadInput:
        if suffix in (".jsonl", ".ndjson"):
            return chat.read_json_lines(stream, encoding, name, session)
        if named:
            raise
        return _read_prose(stream, name, suffix)
    return chat.read_json(value, name, session)


def _json_document(stream: BinaryIO, name: str) -> Any:
    from memos_cli.reader import chat

    with as_text(_not_too_large(stream, name), require_text(stream, name)) as text:
        return chat.parse(text.read(), name)


def _read_prose(stream: BinaryIO, name: str, suffix: str) -> Read:
    from memos_cli.reader import documents
    from memos_cli.reader.tables import read_table

    encoding = require_text(stream, name)
    with as_text(stream, encoding, newline="" if suffix in _TABLES else None) as text:
        if suffix in _TABLES:
            yield from read_table(text, name)
            return
        read = documents.read_markdown if suffix in _MARKDOWN else documents.read_plain
        something = False
        for draft in read(text, name):
            something = True
            yield draft
    if not something:
        raise BadInput(source=name, reason="it holds no text")


class _Stamp:
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
            "said_at": draft.said_at or self._said_at,
            "external_id": self._external_id(),
            "info": given.info | draft.info,
            "sources": draft.sources if self._path else (source.but(path=None),),
        }

    def _external_id(self) -> str | None:
        own = self._options.external_id
        return f"{own}#{self._count}" if own and self._count > 1 else own
