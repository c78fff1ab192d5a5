"""JSON values that are no chat, as text.

Owns: which parts of a value are records of their own, how a record reads as `key: value` lines.
Does not own: chats (`chat`), CSV rows (`tables`).

The rule: each element of an array is a record. An object is one record, but a field of it that
is an array of objects gives a record per element, with the field's name as the key. Inside a
record, nested fields are written with their path (`address.city: Berlin`), plain arrays in one
line (`tags: a, b`), nothing is written for null and for empty text. A record with a text called
`memory`, as memos prints them, is that text, with the rest as its info.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from memos_cli.reader.dated import day_of_fields
from memos_cli.reader.split import Block, without_controls


class Record(NamedTuple):
    """A record as text, and when it says it was, or the object around it does."""

    key: str | None
    text: str
    said_at: datetime | None
    info: dict[str, Any]


def records(value: Any) -> Iterator[Record]:
    """The records of a JSON `value`; those without any text are left out."""
    around = day_of_fields(value) if isinstance(value, dict) else None
    rows: Iterator[tuple[str | None, Any]]
    if isinstance(value, list):
        rows = ((None, element) for element in value)
    elif isinstance(value, dict):
        rows = _fields(value)
    else:
        rows = iter([(None, value)])
    for key, row in rows:
        own = day_of_fields(row) if isinstance(row, dict) else None
        told, info = _told(row)
        if text := as_lines(told):
            yield Record(key, text, own or around, info)


def _told(row: Any) -> tuple[Any, dict[str, Any]]:
    """What of a row is its text, and what stands beside it."""
    memory = row.get("memory") if isinstance(row, dict) else None
    if not isinstance(memory, str) or not memory.strip():
        return row, {}
    return memory, {name: one for name, one in row.items() if name != "memory"}


def _fields(value: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    parted = {name: rows for name, rows in value.items() if _is_table(rows)}
    yield None, {name: field for name, field in value.items() if name not in parted}
    for name, rows in parted.items():
        yield from ((name, row) for row in rows)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def as_lines(value: Any) -> str:
    """A record as `path: value` lines."""
    lines = (f"{path}: {text}" if path else text for path, text in _leaves(value))
    return without_controls("\n".join(lines))


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """(path, text) of the leaves of a value, in order; without recursion, whatever its depth."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, here = stack.pop()
        if isinstance(here, dict):
            stack += reversed([(f"{path}.{name}" if path else name, field) for name, field in here.items()])
        elif isinstance(here, list) and any(isinstance(each, dict | list) for each in here):
            stack += reversed([(f"{path}[{n}]", each) for n, each in enumerate(here)])
        elif text := _scalar(here):
            yield path, text


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(filter(None, map(_scalar, value)))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def as_block(key: str | None, text: str) -> Block:
    """A record as a block, cut at line ends where it is over-long."""
    return Block(text, 0, len(text), (key,) if key else (), lines=True)
