"""Chats in OpenAI's message format, and other JSON, as drafts.

Owns: telling chats from other JSON, turns as drafts (text untouched, order, time, speaker), the
session each belongs to, JSON Lines. Does not own: records that are no chat (`records`).

A message is an object with a `role` and a `content`, `tool_calls` or `function_call`. A chat is
an object with a list of `messages`, a list of messages, or JSON Lines with a message on each
line; several may stand in one list or one file. Each turn is one draft; a system prompt is a
turn like any other. What tools are asked and what they answer is ToolTrajectoryMemory, what a
chat says its tools are is ToolSchemaMemory. Messages without any text carry nothing and are
passed over; one that has only pictures or sounds is named.

Format: https://platform.openai.com/docs/api-reference/chat (`messages`).
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO

from memos_cli.errors import BadInput, BadTime
from memos_cli.reader import records
from memos_cli.reader.decode import as_text
from memos_cli.reader.split import passages, without_controls
from memos_cli.reader.times import absolute_time
from memos_cli.schema import Draft, Kind, Skipped, Source, storable

LONGEST_LINE = 64 << 20
"""Bytes of the longest line of JSON Lines that is read; a longer one is named and skipped."""

_TIMES = ("timestamp", "time", "created_at", "chat_time", "create_time", "date", "datetime")
_SESSIONS = ("session_id", "conversation_id", "thread_id", "chat_id")
_NAMES = ("name", "speaker")
_IDS = ("id", "message_id", "uuid")
_TEXTS = ("text", "refusal", "content", "transcript")
_TOOL_ROLES = ("tool", "function")


def parse(text: str, name: str) -> Any:
    """A JSON document. Raises BadInput with the line and column of the first error."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as exc:
        line = f"line {exc.lineno}, " if "\n" in text.rstrip() else ""
        where = f"{line}column {exc.colno}"
        raise BadInput(source=name, reason=f"it is not JSON: {exc.msg} at {where}") from exc
    except RecursionError as exc:
        raise BadInput(source=name, reason="its JSON is nested too deeply") from exc
    except ValueError as exc:
        raise BadInput(source=name, reason=f"its JSON cannot be read: {exc}") from exc
    return document


def is_message(value: Any) -> bool:
    """Whether a JSON value is a turn of a chat."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and any(part in value for part in ("content", "tool_calls", "function_call"))
    )


def is_chat(value: Any) -> bool:
    """Whether a JSON value is one whole conversation."""
    if isinstance(value, dict):
        value = value.get("messages")
    return isinstance(value, list) and any(is_message(element) for element in value)


def holds_chat(value: Any) -> bool:
    """Whether a JSON document is a chat or a list with chats in it."""
    return is_chat(value) or (isinstance(value, list) and any(is_chat(element) for element in value))


def read_json(value: Any, name: str, session: str) -> Iterator[Draft | Skipped]:
    """A JSON document's turns or records. `session` names the first chat that has no id of its own."""
    book = Book(name, session)
    if holds_chat(value) and not is_chat(value):
        for number, element in enumerate(value, start=1):
            yield from book.read(element, f"element {number}: ")
    else:
        yield from book.read(value, "")
    book.finish()


def read_json_lines(stream: BinaryIO, encoding: str, name: str, session: str) -> Iterator[Draft | Skipped]:
    """Turns, chats or records, one JSON value a line; a broken line is named, the others are read."""
    book = Book(name, session)
    for number, line in enumerate(_lines(stream, encoding), start=1):
        try:
            value = parse(_decoded(line, name), name) if line.strip() else None
        except BadInput as exc:
            yield book.skip(f"line {number}: {exc.fields['reason']}", f"{name}:{number}")
            continue
        if value is not None:
            yield from book.read(value, f"line {number}: ", {"line": number})
    book.finish()


def is_json_lines(stream: BinaryIO, encoding: str, *, strict: bool) -> bool:
    """Whether the first line with something on it is a JSON value by itself, and more lines follow.

    `strict`: the second line too, and both are objects or arrays.
    """
    values: list[Any] = []
    for line in _lines(stream, encoding):
        if not line.strip():
            continue
        if values and not strict:
            return True
        try:
            values.append(parse(_decoded(line, ""), ""))
        except BadInput:
            return False
        if len(values) == 2:
            return all(isinstance(value, dict | list) for value in values)
    return False


def _lines(stream: BinaryIO, encoding: str) -> Iterator[bytes | str]:
    """Lines as bytes where a line can be decoded by itself, else as text."""
    if encoding in ("utf-8", "utf-8-sig"):
        stream.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
        yield from _bounded(stream)
    else:
        with as_text(stream, encoding) as text:
            yield from iter(text.readline, "")


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of `stream`; one that is over-long keeps one byte too many, and no more is held of it."""
    while line := stream.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        yield line


def _decoded(line: bytes | str, name: str) -> str:
    if len(line) > LONGEST_LINE:
        raise BadInput(source=name, reason=f"it is longer than {LONGEST_LINE >> 20} MB")
    if isinstance(line, str):
        return line
    try:
        return line.decode()
    except UnicodeDecodeError as exc:
        raise BadInput(source=name, reason=f"byte {exc.start} of the line is not valid UTF-8") from exc


@dataclass
class Book:
    """What has been read of one file: how many chats, and the next place in each session."""

    name: str
    session: str
    _chats: int = 0
    _places: Counter[str] = field(default_factory=Counter)
    _loose: str | None = None
    _records: int = 0
    _something: bool = False

    def read(self, value: Any, where: str, info: dict[str, Any] | None = None) -> Iterator[Draft | Skipped]:
        """The drafts of one JSON value; `where` begins the reason of what is skipped."""
        if is_message(value):
            yield from self._message(value, self._loose_session(value), None, where)
        elif is_chat(value):
            yield from self._chat(value, where)
        elif isinstance(value, dict) and value.get("messages") == []:
            yield self.skip(f"{where}a chat without messages")
        else:
            yield from self.records(value, info)

    def records(self, value: Any, info: dict[str, Any] | None = None) -> Iterator[Draft | Skipped]:
        """The records of a value that is no chat; over-long ones in several drafts."""
        for key, text in records.records(value):
            for passage in passages([records.as_block(key, text)]):
                yield from self._sound(partial(self._record, key, passage.text, info or {}), "a record: ")
                self._records += 1

    def _record(self, key: str | None, text: str, info: dict[str, Any]) -> Draft:
        source = Source(type="file", path=self.name)
        return Draft(memory=text, key=key, position=self._records, sources=(source,), info=info)

    def _sound(self, make: Callable[[], Draft], where: str) -> Iterator[Draft | Skipped]:
        """What `make` gives; where JSON's escapes spell what no file can hold, the reason."""
        try:
            draft = make()
            for text in (draft.memory, draft.key, draft.speaker, draft.session_id):
                storable(text or "")
        except ValueError as exc:
            yield self.skip(f"{where}{exc}")
        else:
            self._something = True
            yield draft

    def skip(self, reason: str, source: str | None = None) -> Skipped:
        """Name a part of the file that cannot be read."""
        self._something = True
        return Skipped(source=source or self.name, reason=reason)

    def finish(self) -> None:
        """Raises BadInput if nothing at all was found."""
        if not self._something:
            raise BadInput(source=self.name, reason="it holds no text")

    def _next_session(self) -> str:
        self._chats += 1
        return self.session if self._chats == 1 else f"{self.session}#{self._chats}"

    def _loose_session(self, message: dict[str, Any]) -> str:
        """The session of a message that stands by itself: its own, else one for the whole file."""
        if own := _first(message, _SESSIONS):
            return own
        self._loose = self._loose or self._next_session()
        return self._loose

    def _chat(self, value: Any, where: str) -> Iterator[Draft | Skipped]:
        about: dict[str, Any] = value if isinstance(value, dict) else {}
        session = _first(about, (*_SESSIONS, "id")) or self._next_session()
        time, _ = _time(about)
        for tool in _tools(about):
            yield from self._sound(partial(_tool, tool, session, self.name), f"{where}a tool: ")
        for number, message in enumerate(about.get("messages", value), start=1):
            here = f"{where}message {number}: "
            if is_message(message):
                yield from self._message(message, session, time, here)
            else:
                yield self.skip(f"{here}it has no role and content")

    def _message(
        self, message: dict[str, Any], session: str, default: datetime | None, where: str
    ) -> Iterator[Draft | Skipped]:
        position = self._places[session]
        self._places[session] += 1
        text, info = _words(message)
        if text.strip():
            make = partial(_turn, message, text, info, default, session, position, self.name)
            yield from self._sound(make, where)
        elif left_out := info.get("left_out"):
            yield self.skip(f"{where}it holds no text, only {', '.join(left_out)}")


def _turn(
    message: dict[str, Any],
    text: str,
    info: dict[str, Any],
    default: datetime | None,
    session: str,
    position: int,
    name: str,
) -> Draft:
    called = message.get("tool_calls") or message.get("function_call")
    role, own = message["role"].casefold(), _first(message, _IDS)
    time, unread = _time(message)
    source = Source(type="chat", role=role, time=time or default, message_id=own, path=name)
    return Draft(
        memory=without_controls(text),
        kind=Kind.TOOL_TRAJECTORY if called or role in _TOOL_ROLES else Kind.LONG_TERM,
        speaker=_first(message, _NAMES),
        said_at=source.time,
        session_id=session,
        position=position,
        sources=(source,),
        info=info | ({"time": unread} if unread else {}),
    )


def _words(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A message's text, tool calls after it, and what is worth keeping besides."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content, message.get("refusal")]
    texts, left_out = [], []
    for part in parts:
        text = _part_text(part)
        if text is None and isinstance(part, dict):
            left_out.append(str(part.get("type", "a part of unknown type")))
        elif text:
            texts.append(text)
    calls = _calls(message)
    info: dict[str, Any] = {"left_out": left_out} if left_out else {}
    if isinstance(call_id := message.get("tool_call_id"), str):
        info["tool_call_id"] = call_id
    if ids := [call["id"] for call in calls if isinstance(call.get("id"), str)]:
        info["tool_call_ids"] = ids
    return "\n".join([*texts, *map(_call_text, calls)]), info


def _part_text(part: Any) -> str | None:
    """The text of one part of a content; None if the part is of a kind that has none."""
    if isinstance(part, dict):
        return next((part[key] for key in _TEXTS if isinstance(part.get(key), str)), None)
    return "" if part is None else str(part)


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, list) else [message.get("function_call")]
    return [call for call in calls if isinstance(call, dict)]


def _call_text(call: dict[str, Any]) -> str:
    """`name(arguments)`, the arguments as they were sent."""
    function = call.get("function")
    called = function if isinstance(function, dict) else call
    arguments = called.get("arguments", "")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"{called.get('name', 'tool')}({written})"


def _tools(about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a chat says its tools are, the function itself where it stands in a wrapper."""
    listed = about.get("tools") or about.get("functions") or []
    for tool in listed if isinstance(listed, list) else []:
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        if isinstance(function, dict) and records.as_lines(function):
            yield function


def _tool(function: dict[str, Any], session: str, name: str) -> Draft:
    return Draft(
        memory=records.as_lines(function),
        kind=Kind.TOOL_SCHEMA,
        key=_first(function, ("name",)),
        session_id=session,
        sources=(Source(type="chat", path=name),),
    )


def _time(value: dict[str, Any]) -> tuple[datetime | None, str | None]:
    """When a message or chat says it was, and what it says if that is no time we can read."""
    unread = None
    for name in _TIMES:
        told = value.get(name)
        if not isinstance(told, str | int | float) or isinstance(told, bool) or told in ("", 0):
            continue
        try:
            return absolute_time(told), None
        except BadTime:
            unread = unread or str(told)
    return None, unread


def _first(value: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of the fields called `names` that names something: text or a whole number."""
    told = (value.get(name) for name in names)
    found = next(
        (each for each in told if isinstance(each, str | int) and not isinstance(each, bool) and each != ""),
        None,
    )
    return None if found is None else without_controls(str(found))
