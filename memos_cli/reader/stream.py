"""Lines that keep coming: one line of a stream as drafts.

Owns: what a line is (a turn of a chat, a record, a text), and naming lines that cannot be read.
Does not own: waiting for lines, nor when they are stored (`operations/follow`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from memos_cli.errors import BadInput
from memos_cli.reader.chat import Book, is_chat, is_message, parse
from memos_cli.reader.dated import day_of_fields
from memos_cli.reader.files import STDIN, ReadOptions, Stamp
from memos_cli.reader.split import without_controls
from memos_cli.schema import Draft, Skipped, Source, now

LONGEST_LINE = 1 << 20
"""Bytes of the longest line; a longer one is named and passed over."""


class Lines:
    """The lines of one stream, in order.

    With `records`, a JSON object or array is a message, a chat or a record, as in a file of JSON Lines;
    a record with a text called `memory`, as memos prints them, is that text with the rest as its info; a
    line that begins with `{` and is no JSON is broken and named. Without, only messages and chats are
    read as what they are. Anything else is a text, stored as it came.

    A turn that says no time was said when it came, and has no place: it follows the last one that
    is stored.
    """

    def __init__(self, options: ReadOptions, *, records: bool = True) -> None:
        self._records = records
        self._stamp = Stamp(options, path=False)
        self._book = Book(STDIN, options.session_id or STDIN)
        self._number = 0

    def read(self, line: bytes) -> Iterator[Draft | Skipped]:
        """The drafts of the next line, none for an empty one."""
        self._number += 1
        try:
            yield from self._stamped(self._parts(line))
        except BadInput as exc:
            yield self._skipped(exc.fields["reason"])

    def rest(self) -> Iterator[Draft | Skipped]:
        """What still waited for a later line: calls of tools that nothing answered."""
        try:
            yield from self._stamped(self._book.finish())
        except BadInput:  # nothing came at all, which is no failure of a stream
            return

    def _parts(self, line: bytes) -> Iterator[Draft | Skipped]:
        if len(line) > LONGEST_LINE:
            raise BadInput(source=STDIN, reason=f"it is longer than {LONGEST_LINE >> 20} MB")
        try:
            text = line.decode("utf-8-sig" if self._number == 1 else "utf-8").strip("\r\n")
        except UnicodeDecodeError as exc:
            raise BadInput(source=STDIN, reason=f"byte {exc.start} is not valid UTF-8") from exc
        if "\0" in text:
            raise BadInput(source=STDIN, reason="it holds a NUL character")
        bare = text.strip()
        if not bare:
            return
        if bare[0] in "{[":
            try:
                value = parse(bare, STDIN)
            except BadInput:
                if bare[0] == "{" and self._records:
                    raise
            else:
                if self._records or is_message(value) or is_chat(value):
                    yield from self._values(value)
                    return
        yield Draft(memory=without_controls(text), sources=(Source(type="text"),))

    def _values(self, value: Any) -> Iterator[Draft | Skipped]:
        where, info = f"line {self._number}: ", {"line": self._number}
        told = value.get("memory") if isinstance(value, dict) else None
        if not isinstance(told, str) or not told.strip() or is_message(value) or is_chat(value):
            yield from self._book.read(value, where, info)
            return
        rest = {name: one for name, one in value.items() if name != "memory"}
        for each in self._book.records(told, info | rest):
            yield each if isinstance(each, Skipped) else each.but(key=None, said_at=day_of_fields(rest))

    def _stamped(self, parts: Iterable[Draft | Skipped]) -> Iterator[Draft | Skipped]:
        for each in parts:
            if isinstance(each, Skipped):
                yield self._skipped(each.reason)
                continue
            if each.session_id is not None and any(source.role for source in each.sources):
                each = each.but(position=None, said_at=each.said_at or now())
            yield self._stamp.put_on(each)

    def _skipped(self, reason: str) -> Skipped:
        told = reason if reason.startswith(f"line {self._number}: ") else f"line {self._number}: {reason}"
        return Skipped(source=f"{STDIN}:{self._number}", reason=told)
