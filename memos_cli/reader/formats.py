"""Which reader a file gets: by its content first, by its name second.

Owns: telling formats apart, refusing what none of them is. Does not own: any format, nor where
files come from (`files`, `folders`).

The readers of formats are imported when a file needs them: most adds are of a text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, TextIO

from memos_cli.errors import BadInput
from memos_cli.reader.decode import OLD_OFFICE, as_text, binary_kind, encoding_of, require_text
from memos_cli.reader.images import Describe
from memos_cli.reader.images import kind_of as image_kind
from memos_cli.schema import Draft, Skipped

LARGEST_WHOLE = 256 << 20
"""Bytes of the largest PDF, Office, EPUB, HTML or JSON file. Text, Markdown, code, CSV, JSON Lines,
transcripts and mailboxes are read as streams and may have any size."""
HTML_START = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)
PDF, ZIP = b"%PDF-", b"PK\x03\x04"

_HEAD = 4096
_DEEPEST = 3
"""Mails inside of mails that are opened."""
_PACKAGES = frozenset({".docx", ".pptx", ".xlsx", ".epub"})
_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
_TABLES = frozenset({".csv", ".tsv"})
_HTML = frozenset({".html", ".htm", ".xhtml"})
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_PROSE = frozenset({"", ".txt", ".text", ".log", ".md", ".markdown", ".mdown", ".mkd"})
"""Suffixes of files that may be a transcript."""
_JOURNAL = _PROSE - {".log"}
"""Suffixes of files whose lines may be entries of a journal; those of a log belong together."""
_SAMPLE = 1 << 16
_CUE = re.compile(r"\s*\d+\s*\n\s*\d{1,2}:\d{2}:\d{2}[.,]\d{3}\s*-->")
_OLD = {
    ".doc": "Word's old format; save it as .docx",
    ".xls": "Excel's old format; save it as .xlsx",
    ".ppt": "PowerPoint's old format; save it as .pptx",
    ".msg": "Outlook's own format; save it as .eml",
}

Read = Iterator[Draft | Skipped]


def read_stream(
    stream: BinaryIO,
    name: str,
    suffix: str,
    session: str,
    describe: Describe | None = None,
    *,
    depth: int = 0,
) -> Read:
    """What a seekable binary stream holds. Raises BadInput, before the first draft wherever possible.

    `suffix` (with its dot, lower case, may be empty) decides between formats that are all text;
    `session` names a chat that has no id of its own; `describe` says what is on an image;
    `depth` counts the mails around this one.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    _refuse_known(head, name, suffix)
    if image_kind(head) is not None:
        from memos_cli.reader.images import read_image

        return read_image(stream, name, describe)
    if PDF in head[:1024] and suffix not in (".eml", ".mbox"):
        from memos_cli.reader.documents import read_pdf

        return read_pdf(_not_too_large(stream, name), name)
    if head.startswith(ZIP):
        return _read_package(_not_too_large(stream, name), name)
    mail = _mail_reader(head, suffix)
    if mail is not None:
        return mail(stream, name, partial(_attachment, session=session, describe=describe, depth=depth + 1))
    return _read_text(stream, name, suffix, session, head)


def _refuse_known(head: bytes, name: str, suffix: str) -> None:
    """Raises BadInput for what is no text we can read, by its first bytes."""
    if not head:
        raise BadInput(source=name, reason="it is empty")
    if head.startswith(OLD_OFFICE):
        old = _OLD.get(suffix, "Word's old format; save it as .docx without a password")
        raise BadInput(source=name, reason=f"it is encrypted or of {old}")
    if head.startswith(b"{\\rtf"):
        raise BadInput(source=name, reason="it is RTF; save it as .docx or as plain text")
    if (suffix == ".pdf" and PDF not in head[:1024]) or (suffix in _PACKAGES and not head.startswith(ZIP)):
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


def _read_package(stream: BinaryIO, name: str) -> Read:
    from memos_cli.reader import packages

    kind = packages.kind_of(packages.opened(stream, name), name)
    stream.seek(0)
    if kind == "docx":
        from memos_cli.reader.documents import read_docx

        return read_docx(stream, name)
    if kind == "epub":
        from memos_cli.reader.epub import read_epub

        return read_epub(stream, name)
    from memos_cli.reader import office

    return office.read_pptx(stream, name) if kind == "pptx" else office.read_xlsx(stream, name)


def _mail_reader(head: bytes, suffix: str) -> Callable[..., Read] | None:
    """The reader of a message or of a mailbox; None for what is neither."""
    if suffix not in (".eml", ".mbox", ".txt", ""):
        return None
    from memos_cli.reader import mail

    if mail.is_mailbox(head):
        return mail.read_mailbox
    if suffix == ".eml" or mail.is_mail(head):
        return mail.read_mail
    return None


def _attachment(
    stream: BinaryIO, name: str, suffix: str, *, session: str, describe: Describe | None, depth: int
) -> Read:
    """What is attached to a mail, like a file; what cannot be read is named."""
    try:
        if depth > _DEEPEST:
            raise BadInput(source=name, reason=f"it is attached more than {_DEEPEST} mails deep")
        yield from read_stream(stream, name, suffix, f"{session} {name}", describe, depth=depth)
    except BadInput as exc:
        yield Skipped(source=name, reason=exc.fields["reason"])


def _read_text(stream: BinaryIO, name: str, suffix: str, session: str, head: bytes) -> Read:
    from memos_cli.reader.code import LANGUAGES

    peeked = _peeked(head)
    if suffix in (".srt", ".vtt") or peeked.startswith("WEBVTT") or _CUE.match(peeked):
        return _read_cues(stream, name, session)
    if suffix in LANGUAGES:
        return _read_code(stream, name, suffix)
    if suffix in _HTML or HTML_START.match(peeked):
        return _read_html(_not_too_large(stream, name), name, head)
    if suffix in _JSON or (suffix not in _MARKDOWN | _TABLES and peeked.lstrip()[:1] in ("{", "[")):
        return _read_json(stream, name, suffix, session, head)
    return _read_prose(stream, name, suffix, session)


def _read_cues(stream: BinaryIO, name: str, session: str) -> Read:
    from memos_cli.reader.subtitles import read_subtitles

    with as_text(stream, require_text(stream, name)) as text:
        yield from read_subtitles(text, name, session)


def _read_code(stream: BinaryIO, name: str, suffix: str) -> Read:
    from memos_cli.reader.code import read_code

    something = False
    with as_text(stream, require_text(stream, name)) as text:
        for draft in read_code(text, name, suffix):
            something = True
            yield draft
    if not something:
        raise BadInput(source=name, reason="it holds no text")


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
        return _read_prose(stream, name, suffix, session)
    return chat.read_json(value, name, session)


def _json_document(stream: BinaryIO, name: str) -> Any:
    from memos_cli.reader import chat

    with as_text(_not_too_large(stream, name), require_text(stream, name)) as text:
        return chat.parse(text.read(), name)


def _read_prose(stream: BinaryIO, name: str, suffix: str, session: str) -> Read:
    from memos_cli.reader import documents
    from memos_cli.reader.dated import is_journal
    from memos_cli.reader.tables import read_table

    encoding = require_text(stream, name)
    with as_text(stream, encoding, newline="" if suffix in _TABLES else None) as text:
        if suffix in _TABLES:
            yield from read_table(text, name)
            return
        if suffix in _PROSE and (shape := _transcript_shape(text)):
            from memos_cli.reader.transcript import read_transcript

            yield from read_transcript(text, shape, name, session)
            return
        text.seek(0)
        journal = suffix in _JOURNAL and is_journal(text.read(_SAMPLE))
        text.seek(0)
        prose = documents.read_markdown if suffix in _MARKDOWN else documents.read_plain
        read = documents.read_journal if journal else prose
        something = False
        for draft in read(text, name):
            something = True
            yield draft
    if not something:
        raise BadInput(source=name, reason="it holds no text")


def _transcript_shape(text: TextIO) -> str | None:
    from memos_cli.reader.transcript import SAMPLE, shape_of

    return shape_of(text.read(SAMPLE))
