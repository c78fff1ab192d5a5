"""How often memories were found, and when last: a spool that searches append to, and the counts made of it.

Owns: both files and their crash windows. Does not own: what counts as a use (`operations/search`), nor
what follows from it (`operations/tiers`).

    usage.jsonl            the spool: one line a search, `[seconds since 1970, id, id …]`
    usage.<hex>.jsonl      a spool that is being folded, or was when its folder was killed
    usage.json             `{id: [uses, seconds of the last one]}`

A search appends its line in one `write` to a file opened with O_APPEND, under a shared `flock` that it
never waits for; so any number of processes write at once and no line is torn. Folding renames the spool,
takes the renamed file for itself if nobody is in the middle of a line (else the next fold does), writes
the counts anew beside the old ones, renames them into place, and removes the spool. A kill between the
last two counts those lines twice. All of it may be deleted: usage is a hint, and no memory is in here.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

FOLD_AT = 64 * 1024
"""Bytes of spool from which on the next writer folds it: some two hundred searches."""

LIMIT = 4 * 1024 * 1024
"""Bytes of spool at which counting stops until somebody folds: some ten thousand searches."""

TRIES = 20
"""Times that a spool is opened again because a fold took it away in that moment."""


class Used(NamedTuple):
    """How often one memory was found, and when last in seconds since 1970."""

    uses: int = 0
    last: int = 0


class Usage:
    """The usage counts of one cube. Nothing in here waits for anybody."""

    def __init__(self, counts: Path, spool: Path) -> None:
        self._counts = counts
        self._spool = spool

    def note(self, ids: Iterable[str]) -> bool:
        """Append one search's hits to the spool. False when that was not possible: a read-only disk, a
        full one, a spool at its limit; a search is none the worse for it."""
        line = msgspec.json.encode([int(time.time()), *ids]) + b"\n"
        try:
            return any(self._append(line) for _ in range(TRIES))
        except OSError:
            return False

    def _append(self, line: bytes) -> bool:
        """False when a fold took the file away before the line was in it."""
        handle = os.open(
            self._spool, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
        )
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            state = os.fstat(handle)
            if not state.st_nlink:
                return False
            if state.st_size >= LIMIT:
                raise OSError("the spool is full")
            os.write(handle, line)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(handle)

    def due(self) -> bool:
        """Whether the spool is long enough to be folded."""
        try:
            return self._spool.stat().st_size >= FOLD_AT
        except OSError:
            return False

    def counts(self) -> dict[str, Used]:
        """Uses by memory, the spool's included; what cannot be read counts as nothing."""
        found = self._folded()
        for path in (self._spool, *self._taken()):
            _count(found, _lines(path))
        return found

    def fold(self) -> int:
        """Under the cube's lock: put what the spool says into the counts. Returns how many searches.

        Raises OSError when the files cannot be written; the spool stays then.
        """
        if self._spool.exists():
            self._spool.rename(self._spool.with_name(f"{self._spool.stem}.{uuid4().hex}{self._spool.suffix}"))
        found, folded, done = self._folded(), 0, list[Path]()
        for path in self._taken():
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # a search is writing its line into it; the next fold takes it
                folded += _count(found, file.read().splitlines())
                done.append(path)
                self._replace(found)
                path.unlink()
        return folded

    def _folded(self) -> dict[str, Used]:
        try:
            stored = msgspec.json.decode(self._counts.read_bytes(), type=dict[str, tuple[int, int]])
        except (OSError, msgspec.MsgspecError):
            return {}
        return {id: Used(*numbers) for id, numbers in stored.items()}

    def _taken(self) -> list[Path]:
        """Spools on their way into the counts."""
        return sorted(self._spool.parent.glob(f"{self._spool.stem}.*{self._spool.suffix}"))

    def _replace(self, counts: Mapping[str, Used]) -> None:
        fresh = self._counts.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(counts))
        fresh.replace(self._counts)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []


def _count(counts: dict[str, Used], lines: Iterable[bytes]) -> int:
    """Add lines to `counts`; returns how many were readable."""
    read = 0
    for moment, ids in _parsed(lines):
        read += 1
        for id in ids:
            before = counts.get(id, Used())
            counts[id] = Used(before.uses + 1, max(before.last, moment))
    return read


def _parsed(lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    for line in lines:
        try:
            moment, *ids = msgspec.json.decode(line, type=list[int | str])
        except (msgspec.MsgspecError, ValueError):
            continue  # cut short by a full disk
        if isinstance(moment, int):
            yield moment, [id for id in ids if isinstance(id, str)]
