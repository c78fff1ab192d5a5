"""The rows of a flat file in memory: their types, blocks of them, and one committed state.

Owns: what a row and a log record are, mapping a header's columns, applying amendments to private
pages, finding rows by ordinal or label. Does not own: writing, and which state is the newest
(`stores/flatfile`).
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from memos_cli.errors import ProjectionDamaged

T = TypeVar("T")

PAD = "padding"

ROW, LABELS, AMEND = 1, 2, 3
"""Types of a log record: a row, further labels of the row before, new filter values of older rows."""

LABEL_SLOTS = 12
"""Labels in one log record; a row with more has LABELS records behind it."""

CHUNK = 8192
"""Rows handled at a time where a whole column would not do."""

FILTER_COLUMNS: dict[str, str] = {
    "user": "<u8",
    "session": "<u8",
    "agent": "<u8",
    "time": "<i8",
    "valid_from": "<i8",
    "valid_to": "<i8",
    "known_from": "<i8",
    "known_to": "<i8",
    "position": "<i4",
    "state": "u1",
    "kind": "u1",
    "level": "u1",
    "visibility": "u1",
}
"""What an amendment may change: everything but a row's ordinal, its vector and its labels."""


@cache
def row_type(dimension: int) -> np.dtype:
    """One row: a span of a memory, its vector (int8, float16, and its signs as bits), what filters need."""
    return _padded(
        [
            ("ordinal", "<i8"),
            *FILTER_COLUMNS.items(),
            ("span", "<u4"),
            ("scale", "<f4"),
            ("float16", "<f2", (dimension,)),
            ("int8", "i1", (dimension,)),
            ("sketch", "u1", (-(-dimension // 8),)),
        ]
    )


def record_type(rows: np.dtype) -> np.dtype:
    return _padded(
        [
            ("row", rows),
            ("labels", "<u8", (LABEL_SLOTS,)),
            ("revision", "<i8"),
            ("count", "<u4"),
            ("crc", "<u4"),
            ("type", "u1"),
            ("last", "u1"),
        ]
    )


def _padded(fields: list[Any]) -> np.dtype:
    """A packed type whose size is a multiple of 8.

    The fields stand so that each is aligned. The padding is a field too: numpy leaves what an
    aligned type has between its fields unset, and what was in memory then would reach the disk.
    """
    return np.dtype([*fields, (PAD, "u1", (8 - np.dtype(fields).itemsize % 8,))])


def columns(rows: np.dtype) -> list[str]:
    return [name for name in rows.names or () if name != PAD]


@dataclass(frozen=True)
class Block:
    """Rows in memory, ordinals ascending, and their labels as (place in `rows`, hash) pairs."""

    rows: np.ndarray
    label_row: np.ndarray
    label_hash: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, keep: np.ndarray) -> Block:
        """The rows where `keep` (bool, one per row) holds, with their labels."""
        place = np.cumsum(keep) - 1
        kept = keep[self.label_row]
        return Block(self.rows[keep], place[self.label_row[kept]], self.label_hash[kept])


class Snapshot:
    """One committed state: the columns a header names and the log as far as it is valid.

    Columns are mapped when they are first asked for. Each comes in two parts, the column file
    and the rows that still stand in the log, amendments applied to private copies of the pages.
    """

    def __init__(self, header: dict[str, Any], directory: Path, records: np.ndarray) -> None:
        self.header = header
        self.records = records
        self.base_rows: int = header["rows"]
        self._directory = directory
        self._base: dict[str, np.ndarray] = {}
        self._base_amended: dict[str, int] = {}
        self._base_lock = threading.RLock()
        self._rows = np.flatnonzero(records["type"] == ROW)
        self._amendments = np.flatnonzero(records["type"] == AMEND)
        self._targets: tuple[np.ndarray, np.ndarray] | None = None
        self._parts: dict[str, list[np.ndarray]] = {}
        self._remembered: dict[str, Any] = {}

    def open(self, names: list[str]) -> None:
        """Map these columns now. Raises FileNotFoundError, ProjectionDamaged for one cut short."""
        with self._base_lock:
            for name in names:
                self._mapped(name)

    def successor(self, records: np.ndarray) -> Snapshot:
        """The same columns with a longer log; what is mapped stays mapped."""
        later = Snapshot(self.header, self._directory, records)
        later._base = self._base
        later._base_amended = self._base_amended
        later._base_lock = self._base_lock
        return later

    @property
    def revision(self) -> int:
        if len(self.records):
            return int(self.records["revision"][-1])
        return int(self.header["revision"])

    @property
    def rows(self) -> int:
        return self.base_rows + len(self._rows)

    @property
    def last(self) -> int:
        """The highest ordinal; -1 where there is none."""
        if len(self._rows):
            return int(self.records["row"]["ordinal"][self._rows[-1]])
        return int(self.header["last"])

    @property
    def continued(self) -> bool:
        """Whether any memory has more than one row."""
        if self.header["continued"]:
            return True
        return bool(len(self._rows)) and bool(self.parts("span")[1].any())

    def remembered(self, name: str, make: Callable[[], T]) -> T:
        """Something made of this state once, however often it is asked for."""
        if name not in self._remembered:
            self._remembered[name] = make()
        found: T = self._remembered[name]
        return found

    @cached_property
    def firsts(self) -> np.ndarray:
        """The first row of every memory."""
        return np.flatnonzero(self.column("span") == 0)

    def parts(self, name: str) -> list[np.ndarray]:
        """A column as [column file, rows in the log]; read-only to callers."""
        if name not in self._parts:
            self._parts[name] = [self._base_column(name), self._log_column(name)]
        return self._parts[name]

    def column(self, name: str) -> np.ndarray:
        """A column in one array; copied when the log holds rows, so not for large ones."""
        base, tail = self.parts(name)
        return np.concatenate([base, tail]) if len(tail) else base

    def take(self, name: str, rows: np.ndarray) -> np.ndarray:
        """The column's values in the given rows, in their order."""
        base, tail = self.parts(name)
        if not len(tail):
            return base[rows]
        values = np.empty((len(rows), *base.shape[1:]), base.dtype)
        below = rows < self.base_rows
        values[below] = base[rows[below]]
        values[~below] = tail[rows[~below] - self.base_rows]
        return values

    def locate(self, ordinals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First row and number of rows of each ordinal; number 0 where it is not there."""
        base, tail = self.parts("ordinal")
        first = np.searchsorted(base, ordinals, "left")
        count = np.searchsorted(base, ordinals, "right") - first
        if len(tail):
            left = np.searchsorted(tail, ordinals, "left")
            inside = np.searchsorted(tail, ordinals, "right") - left
            first = np.where(inside > 0, left + self.base_rows, first)
            count = np.where(inside > 0, inside, count)
        return first, count

    def labelled(self, hashes: list[int]) -> np.ndarray:
        """The first rows of all memories that carry any of these labels."""
        wanted = np.array(hashes, np.uint64)
        return np.concatenate([row[np.isin(label, wanted)] for row, label in self._label_parts()])

    def labels_of(self, rows: np.ndarray) -> list[frozenset[int]]:
        """The labels of each of the given rows; only a memory's first row carries any."""
        found: list[list[int]] = [[] for _ in rows]
        for label_row, label in self._label_parts():
            first = np.searchsorted(label_row, rows, "left")
            end = np.searchsorted(label_row, rows, "right")
            for labels, a, b in zip(found, first, end, strict=True):
                labels += label[a:b].tolist()
        return [frozenset(labels) for labels in found]

    def block(self, start: int, stop: int) -> Block:
        """Rows `start` to `stop` in memory, amendments applied."""
        wanted = np.arange(start, stop)
        rows = np.zeros(stop - start, self.records.dtype["row"])
        for name in columns(rows.dtype):
            rows[name] = self.take(name, wanted)
        inside = [(row, label, np.searchsorted(row, [start, stop])) for row, label in self._label_parts()]
        label_row = np.concatenate([row[a:b].astype(np.int64) - start for row, _, (a, b) in inside])
        return Block(rows, label_row, np.concatenate([label[a:b] for _, label, (a, b) in inside]))

    def log_block(self) -> Block:
        """The rows that stand in the log."""
        return self.block(self.base_rows, self.rows)

    def changed_columns(self) -> list[str]:
        """The columns whose file no longer says what the amendments say."""
        rows = self._target_rows()[0]
        rows = rows[rows < self.base_rows]
        if not len(rows):
            return []
        files = {
            name: mapped_column(self._directory, self.header, name, private=False) for name in FILTER_COLUMNS
        }
        return [n for n, f in files.items() if not np.array_equal(f[rows], self._base_column(n)[rows])]

    def _base_column(self, name: str) -> np.ndarray:
        private = name in FILTER_COLUMNS
        with self._base_lock:
            self._mapped(name)
            done = self._base_amended.get(name, 0)
            if private and done < len(self._amendments):
                rows, source = self._target_rows(done)
                below = rows < self.base_rows
                self._base[name][rows[below]] = self.records["row"][name][source[below]]
                self._base_amended[name] = len(self._amendments)
            return self._base[name]

    def _mapped(self, name: str) -> None:
        if name not in self._base:
            private = name in FILTER_COLUMNS
            self._base[name] = mapped_column(self._directory, self.header, name, private=private)

    def _log_column(self, name: str) -> np.ndarray:
        column = self.records["row"][name]
        if len(self._rows) == len(self.records):
            return column
        column = column[self._rows]
        if name in FILTER_COLUMNS and len(self._amendments):
            rows, source = self._target_rows()
            inside = rows >= self.base_rows
            column[rows[inside] - self.base_rows] = self.records["row"][name][source[inside]]
        return column

    def _target_rows(self, since: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Rows that amendments from number `since` on change, and the records that change them."""
        if self._targets is None:
            first, count = self.locate(self.records["row"]["ordinal"][self._amendments])
            source = np.repeat(self._amendments, count)
            within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
            self._targets = np.repeat(first, count) + within, source
        rows, source = self._targets
        if since:
            later = source >= self._amendments[since]
            return rows[later], source[later]
        return rows, source

    def _label_parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Labels as (row, hash), rows ascending: those of the column files, those of the log."""
        labels = self.records["labels"]
        record, slot = np.nonzero(labels)
        # A LABELS record belongs to the row before it.
        row = self.base_rows + np.cumsum(self.records["type"] == ROW) - 1
        base = self._base_column("label_row"), self._base_column("label_hash")
        return [base, (row[record], labels[record, slot])]


def column_type(name: str, rows: np.dtype) -> np.dtype:
    if name == "label_row":
        return np.dtype("<u4")
    if name == "label_hash":
        return np.dtype("<u8")
    return rows[name]


def mapped_column(directory: Path, header: dict[str, Any], name: str, private: bool) -> np.ndarray:
    rows = row_type(header["identity"]["dimension"])
    dtype = column_type(name, rows)
    count = header["labels"] if name.startswith("label_") else header["rows"]
    element, shape = dtype.base, (count, *dtype.shape)
    length = count * dtype.itemsize
    if not length:
        return np.empty(shape, element)
    fd = os.open(f"{directory}/{header['files'][name]}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(fd).st_size < length:
            raise ProjectionDamaged(
                store="vectors", reason=f"{header['files'][name]} is shorter than its header says"
            )
        access = mmap.ACCESS_COPY if private else mmap.ACCESS_READ
        return np.frombuffer(mmap.mmap(fd, length, access=access), element).reshape(shape)
    finally:
        os.close(fd)
