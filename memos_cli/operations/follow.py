"""`memos add --follow`: a stream of lines, stored while it runs.

Owns: waiting for lines, when a batch is stored, ending without losing what came. Does not own:
what a line is (`reader/stream`), how a batch is stored (`operations/add`).

Nothing is read while a batch is stored, so a writer that is faster than the cube is held back by
its pipe, and no line waits in memory beyond one batch.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator

from memos_cli.operations.add import add
from memos_cli.reader.files import ReadOptions
from memos_cli.reader.stream import LONGEST_LINE, Lines
from memos_cli.schema import AddResult, Draft, Reading, Skipped
from memos_cli.session import Session

LINES = 100
"""Lines of the largest batch."""
SECONDS = 1.0
"""How long the first line of a batch waits for others."""
_LOOK = 0.2
"""Seconds between two looks at whether the stream is to end."""
_CHUNK = 1 << 16
_NOTHING = bytearray(b"-")
"""Stands for "nothing came yet"; told from what comes by being this one object."""


def follow(
    session: Session,
    source: int,
    options: ReadOptions,
    answer: Callable[[AddResult], None],
    *,
    stop: Callable[[], bool] = lambda: False,
    allow_duplicates: bool = False,
    allow_future: bool = False,
    reading: Reading = Reading.FAST,
    judge: bool | None = None,
    records: bool = True,
) -> bool:
    """Store the lines of the file descriptor `source` until its end, or until `stop`.

    `records` says that JSON is read as records (`reader/stream`), else it is a text like any other.

    Each batch is answered once it is stored. Lines that had come when `stop` said so are stored as
    well. Returns whether every line could be read. Raises what `add` raises: what was answered
    for is stored.
    """
    lines = Lines(options, records=records)
    whole = True

    def store(drafts: list[Draft | Skipped]) -> None:
        nonlocal whole
        if drafts:
            result = add(
                session,
                drafts,
                allow_duplicates=allow_duplicates,
                allow_future=allow_future,
                reading=reading,
                judge=judge,
            )
            whole = whole and not result.skipped
            answer(result)

    for batch in _batches(source, stop):
        store([each for line in batch for each in lines.read(line)])
    store(list(lines.rest()))
    return whole


def _batches(source: int, stop: Callable[[], bool]) -> Iterator[list[bytes]]:
    """Whole lines, as many as come within `SECONDS` of the first, at most `LINES`; at last the rest."""
    batch: list[bytes] = []
    since = 0.0
    for line in _lines(source, stop):
        if line is not None:
            since = since if batch else time.monotonic()
            batch.append(line)
        if batch and (len(batch) >= LINES or time.monotonic() - since >= SECONDS):
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(source: int, stop: Callable[[], bool]) -> Iterator[bytes | None]:
    """Each line as it comes, None while none does. One that is over-long keeps one byte too many."""
    begun = bytearray()
    while chunk := _next_chunk(source, stop):
        if chunk is _NOTHING:
            yield None
            continue
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield bytes(begun + line)[: LONGEST_LINE + 1]
            begun.clear()
        begun += rest[: LONGEST_LINE + 1 - len(begun)]
    if begun:
        yield bytes(begun)


def _next_chunk(source: int, stop: Callable[[], bool]) -> bytes | bytearray:
    """What came, `_NOTHING` if nothing did for a moment, b"" at the end."""
    ending = stop()
    if not select.select([source], [], [], 0 if ending else _LOOK)[0]:
        return b"" if ending else _NOTHING
    return os.read(source, _CHUNK)
