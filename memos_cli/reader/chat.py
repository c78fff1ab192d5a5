"""Chats in OpenAI's message format, and other JSON, as drafts.

Owns: telling chats from other JSON, turns as drafts (text untouched, order, time, speaker), the
session each belongs to, JSON Lines. Does not own: records that are no chat (`records`).

A message is an object with a `role` and a `content`, `tool_calls` or `function_call`. A chat is
an object with a list of `messages`, a list of messages, or JSON Lines with a message on each
line; several may stand in one list or one file. Each turn is one draft; a system prompt is a
turn like any other. What a tool is asked and what it answers is one ToolTrajectoryMemory, what a
chat says its tools are is ToolSchemaMemory (`tools`). Messages without any text carry nothing and
are passed over; one that has only pictures or sounds is named. Exports of messengers are read in
the same way (`exports`).

Format: https://platform.openai.com/docs/api-reference/chat (`messages`).
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from memos_cli.errors import BadInput, BadTime
from memos_cli.reader import exports, records, tools
from memos_cli.reader.decode import as_text
from memos_cli.reader.records import Record
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
_KEPT = 1_000
"""Characters of a call's arguments and of its result that stand in info as well."""


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
        # Python's guard against numbers that take for ever to read.
        raise BadInput(source=name, reason="a whole number in its JSON is longer than 4,300 digits") from exc
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
    value = exports.as_chats(value)
    listed = None if holds_chat(value) else tools.definitions(value)
    if listed is not None:
        yield from book.tools(listed, None, "")
    elif holds_chat(value) and not is_chat(value):
        for number, element in enumerate(value, start=1):
            yield from book.read(element, f"element {number}: ")
    else:
        yield from book.read(value, "")
    yield from book.finish()


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
    yield from book.finish()


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
    _calls: dict[tuple[str, str], _Call] = field(default_factory=dict)
    """By session and id (or name): calls whose results have not come yet, in their order."""

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
        for record in records.records(value):
            for passage in passages([records.as_block(record.key, record.text)]):
                make = partial(self._record, record._replace(text=passage.text), info or {})
                yield from self._sound(make, "a record: ")
                self._records += 1

    def _record(self, record: Record, info: dict[str, Any]) -> Draft:
        return Draft(
            memory=record.text,
            key=record.key,
            position=self._records,
            said_at=record.said_at,
            sources=(Source(type="file", path=self.name),),
            info=info | record.info,
        )

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

    def finish(self) -> Iterator[Draft | Skipped]:
        """The calls that nothing answered. Raises BadInput if nothing at all was found."""
        for (session, _), call in self._calls.items():
            yield from self._unanswered(call, session)
        self._calls.clear()
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
        yield from self.tools(_tools(about), session, where)
        for number, message in enumerate(about.get("messages", value), start=1):
            here = f"{where}message {number}: "
            if is_message(message):
                yield from self._message(message, session, time, here)
            else:
                yield self.skip(f"{here}it has no role and content")

    def tools(
        self, functions: Iterable[dict[str, Any]], session: str | None, where: str
    ) -> Iterator[Draft | Skipped]:
        """Tools that a chat or a file defines."""
        for function in functions:
            yield from self._sound(partial(_tool, function, session, self.name), f"{where}a tool: ")

    def _place(self, session: str) -> int:
        """The next place in a session."""
        self._places[session] += 1
        return self._places[session] - 1

    def _message(
        self, message: dict[str, Any], session: str, default: datetime | None, where: str
    ) -> Iterator[Draft | Skipped]:
        position = self._place(session)
        text, info = _words(message)
        if message["role"].casefold() in _TOOL_ROLES:
            yield from self._result(message, text, info, default, session, position, where)
            return
        calls = _calls(message)
        if text.strip():
            make = partial(_turn, message, text, info, default, session, position, self.name)
            yield from self._sound(make, where)
        elif not calls and (left_out := info.get("left_out")):
            yield self.skip(f"{where}it holds no text, only {', '.join(left_out)}")
        for number, call in enumerate(calls):
            own = call.get("id")
            key = session, own if isinstance(own, str) and own else f"{position}.{number}"
            if (before := self._calls.pop(key, None)) is not None:
                yield from self._unanswered(before, session)
            self._calls[key] = _Call(call, message, default, where)

    def _unanswered(self, call: _Call, session: str) -> Iterator[Draft | Skipped]:
        make = partial(_use, call, None, session, self._place(session), self.name)
        yield from self._sound(make, call.where)

    def _result(
        self,
        message: dict[str, Any],
        text: str,
        info: dict[str, Any],
        default: datetime | None,
        session: str,
        position: int,
        where: str,
    ) -> Iterator[Draft | Skipped]:
        """What a tool answered, with the call that it answers; by itself where there is none."""
        call = self._answered(message, session)
        if call is not None:
            result = _Result(message, text)
            yield from self._sound(partial(_use, call, result, session, position, self.name), where)
        elif text.strip():
            make = partial(_turn, message, text, info, default, session, position, self.name)
            yield from self._sound(make, where)

    def _answered(self, message: dict[str, Any], session: str) -> _Call | None:
        """The call that a result answers: of the same id, else the first one of the same name that waits."""
        own, called = message.get("tool_call_id"), message.get("name")
        if isinstance(own, str) and (session, own) in self._calls:
            return self._calls.pop((session, own))
        for (place, key), call in self._calls.items():
            unnamed = not isinstance(own, str) and place == session
            if unnamed and (called is None or tools.name_of(call.call) == called):
                return self._calls.pop((place, key))
        return None


class _Call(NamedTuple):
    """A call that waits for its result: the message it stands in, and the chat's own time."""

    call: dict[str, Any]
    message: dict[str, Any]
    default: datetime | None
    where: str


class _Result(NamedTuple):
    message: dict[str, Any]
    text: str


def _use(call: _Call, result: _Result | None, session: str, position: int, name: str) -> Draft:
    """One use of a tool: what it was asked, and what it answered where it did."""
    tool, arguments = tools.name_of(call.call), without_controls(tools.arguments_of(call.call))
    error = tools.error_of(result.message, result.text) if result else None
    answer = without_controls(result.text).strip() if result else ""
    time, _ = _time(call.message)
    if time is None and result is not None:
        time, _ = _time(result.message)
    info: dict[str, Any] = {"tool": tool, "arguments": arguments[:_KEPT]}
    if result is not None:
        info |= {"ok": error is None, "result": answer[:_KEPT]}
    if error is not None:
        info["error"] = error
    if isinstance(own := call.call.get("id"), str):
        info["tool_call_id"] = own
    said = f"{'Result' if error is None else 'Error'}: {answer or '(nothing)'}"
    source = Source(
        type="chat",
        role="tool",
        time=time or call.default,
        message_id=_first(call.message, _IDS),
        path=name,
    )
    return Draft(
        memory=f"{without_controls(tool)}({arguments})" + (f"\n{said}" if result else ""),
        kind=Kind.TOOL_TRAJECTORY,
        key=without_controls(tool),
        tags=tuple(map(without_controls, tools.tags_of(tool, error, answered=result is not None))),
        said_at=source.time,
        session_id=session,
        position=position,
        sources=(source,),
        info=info,
    )


def _turn(
    message: dict[str, Any],
    text: str,
    info: dict[str, Any],
    default: datetime | None,
    session: str,
    position: int,
    name: str,
) -> Draft:
    role, own = message["role"].casefold(), _first(message, _IDS)
    time, unread = _time(message)
    tool = message.get("name") if role in _TOOL_ROLES else None
    source = Source(type="chat", role=role, time=time or default, message_id=own, path=name)
    return Draft(
        memory=without_controls(text),
        kind=Kind.TOOL_TRAJECTORY if role in _TOOL_ROLES else Kind.LONG_TERM,
        tags=tools.tags_of(tool, tools.error_of(message, text)) if isinstance(tool, str) and tool else (),
        speaker=_first(message, _NAMES),
        said_at=source.time,
        session_id=session,
        position=position,
        sources=(source,),
        info=info | ({"time": unread} if unread else {}),
    )


def _words(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A message's text, without the tools it calls, and what is worth keeping besides."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content, message.get("refusal")]
    texts, left_out = [], []
    for part in parts:
        text = _part_text(part)
        if text is None and isinstance(part, dict):
            left_out.append(str(part.get("type", "a part of unknown type")))
        elif text:
            texts.append(text)
    info: dict[str, Any] = {"left_out": left_out} if left_out else {}
    if isinstance(call_id := message.get("tool_call_id"), str):
        info["tool_call_id"] = call_id
    return "\n".join(texts), info


def _part_text(part: Any) -> str | None:
    """The text of one part of a content; None if the part is of a kind that has none."""
    if isinstance(part, dict):
        return next((part[key] for key in _TEXTS if isinstance(part.get(key), str)), None)
    return "" if part is None else str(part)


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, list) else [message.get("function_call")]
    return [call for call in calls if isinstance(call, dict)]


def _tools(about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a chat says its tools are, the function itself where it stands in a wrapper."""
    listed = about.get("tools") or about.get("functions") or []
    for tool in listed if isinstance(listed, list) else []:
        if (function := tools.function_of(tool)) is not None:
            yield function


def _tool(function: dict[str, Any], session: str | None, name: str) -> Draft:
    """A tool's definition: in words, and whole as JSON in info."""
    called = _first(function, ("name",))
    return Draft(
        memory=tools.schema_text(function),
        kind=Kind.TOOL_SCHEMA,
        key=called,
        session_id=session,
        sources=(Source(type="chat" if session else "file", path=name),),
        info={"tool": called, "schema": json.dumps(function)} if called else {},
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
