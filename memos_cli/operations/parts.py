"""What a long run answers, entry by entry: a sequence that takes no more memory the longer it gets.

Owns: keeping the entries, the first thousands in memory and the rest in a temporary file. Does not own: what
an entry says (`schema`), who reads it.
"""

from __future__ import annotations

import tempfile
import weakref
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import IO, Any, Generic, TypeVar, overload

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

IN_MEMORY = 10_000
"""Entries; with their texts some megabytes."""
BLOCK = 1_000
"""Entries that are written, and read again, at a time."""


class Parts(Sequence[T], Generic[T]):
    """Entries of one kind, in the order in which they came.

    A temporary file that cannot be written to is done without: then the entries stay in memory."""

    def __init__(self, kind: type[T]) -> None:
        self._first: list[T] = []
        self._last: list[T] = []
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self._written = 0
        self._file: IO[bytes] | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]

    def extend(self, entries: Sequence[T]) -> None:
        room = max(IN_MEMORY - len(self._first), 0) if not self._places and not self._last else 0
        self._first += entries[:room]
        self._last += entries[room:]
        while len(self._last) >= BLOCK and self._write(self._last[:BLOCK]):
            del self._last[:BLOCK]

    def whole(self) -> Sequence[T]:
        """The entries as a tuple where they are in memory anyway, else themselves."""
        return self if self._places else (*self._first, *self._last)

    def __len__(self) -> int:
        return len(self._first) + self._written + len(self._last)

    def __iter__(self) -> Iterator[T]:
        yield from self._first
        for number in range(len(self._places)):
            yield from self._read(number)
        yield from self._last

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        if isinstance(place, slice):
            return tuple(self[each] for each in range(*place.indices(len(self))))
        place = range(len(self))[place]
        if place < len(self._first):
            return self._first[place]
        place -= len(self._first)
        if place >= self._written:
            return self._last[place - self._written]
        number = bisect_right(self._starts, place) - 1
        return self._read(number)[place - self._starts[number]]

    def _write(self, entries: list[T]) -> bool:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
                weakref.finalize(self, self._file.close)
            begin = self._file.seek(0, 2)
            self._file.write(block := self._encode(entries))
            self._file.flush()
        except OSError:
            return False
        self._places.append((begin, len(block)))
        self._starts.append(self._written)
        self._written += len(entries)
        return True

    def _read(self, number: int) -> list[Any]:
        begin, length = self._places[number]
        assert self._file is not None
        self._file.seek(begin)
        return self._decode(self._file.read(length))
