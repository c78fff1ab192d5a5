"""Mail: single messages (`.eml`) and mailboxes (`.mbox`) as drafts.

Owns: headers, which of a message's bodies is read, quotes, attachments. Does not own: how an
attachment is read (the caller hands that in), HTML (`hypertext`).

Read with the standard library's email package. A mailbox is read message by message, so it may
have any size. Format: RFC 5322, RFC 4155.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from itertools import count
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from memos_cli.errors import BadInput
from memos_cli.reader.documents import numbered_lines
from memos_cli.reader.foreign import foreign
from memos_cli.reader.hypertext import blocks_of
from memos_cli.reader.split import Block, paragraphs, passages, without_controls
from memos_cli.schema import Draft, Skipped, Source

if TYPE_CHECKING:
    from email.message import EmailMessage

LARGEST = 64 << 20
"""Bytes of the largest single message."""

ReadAttachment = Callable[[BinaryIO, str, str], Iterator[Draft | Skipped]]
"""Called with (stream, name, suffix)."""

_HEADER = re.compile(rb"[!-9;-~]+:|[ \t]")
_TELLING = (b"message-id:", b"mime-version:", b"received:", b"return-path:", b"delivered-to:")
_FROM_LINE = re.compile(rb"From \S+.*\d{4}\s*$")
_QUOTE = re.compile(r"(?:>[ ]?)+")
_CITED = re.compile(r".{0,200}\b(?:wrote|schrieb|a écrit|escribió|写道)\s?[:：]?\s*$")


def is_mail(head: bytes) -> bool:
    """Whether a file begins with the headers of a message, of which two are such as no letter has by hand."""
    lines = head.split(b"\n\n")[0].split(b"\r\n\r\n")[0].splitlines()
    told = [line.lower() for line in lines if line.lower().startswith((*_TELLING, b"from:", b"date:"))]
    return (
        len(told) >= 2
        and any(line.startswith(_TELLING) for line in told)
        and all(map(_HEADER.match, lines[:-1]))
    )


def is_mailbox(head: bytes) -> bool:
    """Whether a file begins like a mailbox: a `From ` line, then headers."""
    first, _, rest = head.partition(b"\n")
    return bool(_FROM_LINE.match(first)) and bool(_HEADER.match(rest))


def read_mail(stream: BinaryIO, name: str, attached: ReadAttachment) -> Iterator[Draft | Skipped]:
    """The paragraphs of a message under its subject: who wrote it, when and to whom; then its attachments.

    Raises BadInput for a message without any text, or larger than `LARGEST`.
    """
    stream.seek(0)
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadInput(source=name, reason=f"the message is larger than {LARGEST >> 20} MB")
    something = False
    for each in _message(data, name, {}, count(), attached):
        something = True
        yield each
    if not something:
        raise BadInput(source=name, reason="the message holds no text")


def read_mailbox(stream: BinaryIO, name: str, attached: ReadAttachment) -> Iterator[Draft | Skipped]:
    """Every message of a mailbox, its number (from 1) in info; one that cannot be read is named."""
    positions, something = count(), False
    for number, data in enumerate(_messages(stream), start=1):
        something = True
        if data is None:
            yield Skipped(
                source=f"{name}:{number}", reason=f"message {number} is larger than {LARGEST >> 20} MB"
            )
            continue
        try:
            yield from _message(data, name, {"message": number}, positions, attached)
        except BadInput as exc:
            yield Skipped(source=f"{name}:{number}", reason=f"message {number}: {exc.fields['reason']}")
    if not something:
        raise BadInput(source=name, reason="it holds no message")


def _messages(stream: BinaryIO) -> Iterator[bytes | None]:
    """Messages between `From ` lines that follow a blank line; None for one that is too large."""
    stream.seek(0)
    lines: list[bytes] = []
    size, blank, begun = 0, True, False
    while line := stream.readline(LARGEST + 1):
        if blank and _FROM_LINE.match(line):
            if begun:
                yield b"".join(lines) if size <= LARGEST else None
            lines, size, begun = [], 0, True
        elif begun:
            size += len(line)
            if size <= LARGEST:
                # Lines of a body that begin with `From ` were written `>From ` (mboxrd: one more `>`).
                lines.append(line[1:] if re.match(rb">+From ", line) else line)
            else:
                lines.clear()
        blank = not line.strip()
    if begun:
        yield b"".join(lines) if size <= LARGEST else None


def _message(
    data: bytes, name: str, info: dict[str, Any], positions: Iterator[int], attached: ReadAttachment
) -> Iterator[Draft | Skipped]:
    from email import message_from_bytes
    from email.policy import default

    with foreign(name, "read it as mail"):
        message: Any = message_from_bytes(data, policy=default)
        facts = _facts(message, name)
        blocks = list(_blocks(message, name))
        files = list(_attachments(message))
    about = {**info, **facts.pop("info")}
    subject = facts.pop("subject")
    for block in blocks:
        quoted = block.headings == ("quoted",)
        for passage in passages([block]):
            yield Draft(
                memory=passage.text,
                key=" > ".join(filter(None, (subject, *passage.headings))) or None,
                position=next(positions),
                sources=(facts["source"],),
                # What is quoted was written by somebody else, earlier.
                speaker=None if quoted else facts["speaker"],
                said_at=None if quoted else facts["said_at"],
                info=about,
            )
    for file, suffix, content in files:
        yield from attached(io.BytesIO(content), f"{name}: {file}", suffix)


def _facts(message: EmailMessage, name: str) -> dict[str, Any]:
    """Who wrote the message, when, to whom, about what."""
    said_at = _date(message["date"])
    sender = next(iter(_people(message, "from")), None)
    own = _clean(message["message-id"]).strip("<> ")
    info = {field: people for field in ("to", "cc") if (people := _people(message, field))}
    return {
        "subject": _clean(message["subject"])[:200],
        "speaker": sender,
        "said_at": said_at,
        "source": Source(type="mail", time=said_at, message_id=own or None, path=name),
        "info": info,
    }


def _clean(value: object) -> str:
    return " ".join(without_controls(str(value or "")).encode("utf-8", "replace").decode().split())


def _people(message: EmailMessage, field: str) -> list[str]:
    """The names in a header, addresses where there are none."""
    listed = getaddresses([_clean(each) for each in message.get_all(field, [])])
    return [_clean(called or address) for called, address in listed[:20] if called or address]


def _date(value: object) -> datetime | None:
    try:
        told = parsedate_to_datetime(str(value)) if value else None
    except (ValueError, TypeError, OverflowError):
        return None
    if told is None:
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def _blocks(message: EmailMessage, name: str) -> Iterator[Block]:
    body: Any = message.get_body(("plain", "html"))
    if body is None:
        return
    text = without_controls(_content(body)).encode("utf-8", "replace").decode()
    if body.get_content_subtype() == "html":
        yield from blocks_of(text, name)
    else:
        yield from _plain(text.replace("\r\n", "\n"))


def _content(part: Any) -> str:
    """A part's text; one that names no encoding Python knows is read as Latin-1, as mail programs do."""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        return str((part.get_payload(decode=True) or b"").decode("latin-1"))


def _plain(text: str) -> Iterator[Block]:
    """Paragraphs; what is quoted of an earlier message (`> …`) as blocks of their own, without the marks."""
    own, quoted = [], []
    lines = list(numbered_lines(text))
    for number, (start, line) in enumerate(lines):
        if mark := _QUOTE.match(line):
            quoted.append((start + mark.end(), line[mark.end() :] or "\n"))
        elif not (
            _CITED.match(line) and any(_QUOTE.match(after) for _, after in lines[number + 1 : number + 3])
        ):
            own.append((start, line))
    yield from paragraphs(own)
    for block in paragraphs(quoted):
        yield Block(block.text, block.start, block.end, ("quoted",), block.gap, block.lines)


def _attachments(message: EmailMessage) -> Iterator[tuple[str, str, bytes]]:
    """(name, suffix, content) of attached files; pictures inside the text are none."""
    for part in message.iter_attachments():
        called = _clean(part.get_filename() or "") or f"attached {part.get_content_type()}"
        if part.get_content_disposition() != "attachment" and part.get_content_maintype() == "image":
            continue
        if part.get_content_type() == "message/rfc822":
            inner: Any = part.get_payload()
            yield called, ".eml", bytes(inner[0] if isinstance(inner, list) else inner)
            continue
        content: Any = part.get_payload(decode=True)
        if content:
            yield called, PurePath(called).suffix.casefold(), content
