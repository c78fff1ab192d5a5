"""Bytes to text: which encoding a file has, and whether all of it is text.

Owns: byte order marks, strict decoding with the offset of the first bad byte, telling text
from binary files. Does not own: what the text says.

UTF-8 (with or without a byte order mark) and, where a byte order mark says so, UTF-16 and
UTF-32 are text. Nothing else is guessed, and no byte is ever replaced: a file in another
encoding is refused with the place of its first byte that is not UTF-8.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from memos_cli.errors import BadInput

CHUNK = 1 << 20

_MARKS = (
    # UTF-32's mark begins with UTF-16's, so it is looked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a sound, film or WebP file"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"OggS", "a sound file"),
    (b"ID3", "a sound file"),
)
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def encoding_of(head: bytes) -> str:
    """The codec named by the byte order mark at the start of `head`, else `utf-8`."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")


def require_text(stream: BinaryIO, name: str) -> str:
    """Read `stream` to its end and back; its codec if every byte is text.

    Raises BadInput, naming the first byte that is not.
    """
    stream.seek(0)
    head = stream.read(CHUNK)
    if not head:
        raise BadInput(source=name, reason="it is empty")
    encoding = encoding_of(head)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset, chunk = 0, head
    while chunk:
        _decode(decoder, chunk, offset, head, name)
        offset += len(chunk)
        chunk = stream.read(CHUNK)
    _decode(decoder, b"", offset, head, name)
    stream.seek(0)
    return encoding


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, head: bytes, name: str) -> None:
    pending = _pending(decoder)
    try:
        text = decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as exc:
        if binary := binary_kind(head):
            raise BadInput(source=name, reason=binary) from exc
        codec = exc.encoding.upper()
        reason = f"byte {offset - pending + exc.start} is not valid {codec}; save the file as UTF-8"
        raise BadInput(source=name, reason=reason) from exc
    if "\0" in text:
        where = f"it is a binary file (a NUL character near byte {offset + max(chunk.find(0), 0)})"
        raise BadInput(source=name, reason=binary_kind(head) or where)


def _pending(decoder: codecs.IncrementalDecoder) -> int:
    """Bytes of a character begun in the chunk before, which the decoder still holds."""
    held = decoder.getstate()[0]
    return len(held) if isinstance(held, bytes) else 0


def binary_kind(head: bytes) -> str | None:
    """What a well-known binary format is called, from its first bytes."""
    return next((f"it is {kind}" for magic, kind in _MAGIC if head.startswith(magic)), None)


@contextmanager
def as_text(stream: BinaryIO, encoding: str, newline: str | None = None) -> Iterator[TextIO]:
    """`stream` as text from its start; it stays open afterwards."""
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def numbered(text: TextIO, longest: int) -> Iterator[tuple[int, str]]:
    """(offset, line) pairs, offsets in characters; a line of more than `longest` comes in pieces."""
    offset = 0
    while line := text.readline(longest):
        yield offset, line
        offset += len(line)
