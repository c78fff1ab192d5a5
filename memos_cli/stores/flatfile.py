"""A flat, append-only file of columns with a log in front of it: the ground the vector store stands on.

Owns: the files of a directory (column files, label files, the log, the header), their commit
points, folding, what a killed writer left, and reading all of it by mapping. Does not own: what a
memory is, filters, scores (`stores/vectors`).

On disk:

    header        JSON, renamed into place: rows and labels that the column files hold, the file of
                  each column, the log's file, the revision when the log is empty
    <column>.<n>  one array, `rows` long; appended to, never changed below `rows`
    log.<n>       fixed-size records behind the columns; each batch ends in a record with the
                  revision, the number of records and a CRC-32 of them

Two commit points. A small batch is appended to the log and synced: one fsync, and the last record
of the batch makes it valid. A large batch, or a full log, is folded: the rows go behind the
columns, every file is synced, and the header is renamed. A column that an amendment changed below
`rows` is written anew under another name. So each state that a reader can see is complete:

- killed while the log grows: the batch has no valid last record and the next writer cuts it off;
- killed while columns grow: the header does not count those rows and the next writer cuts them off;
- killed after the rename: files that no header names are removed by the next writer.

Readers take no lock. They read the header and map at once every file that it names, as far as it
counts; files that are replaced afterwards live on while they are mapped, and a reader that came
too late for a file reads the header again.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from memos_cli.errors import MemosError, NotPermitted, ProjectionDamaged, ProjectionOutdated
from memos_cli.stores.disk import ensure_directory, mapped_errors, sync_directory
from memos_cli.stores.flatrows import (
    AMEND,
    CHUNK,
    LABEL_SLOTS,
    LABELS,
    ROW,
    Block,
    Snapshot,
    column_type,
    columns,
    mapped_column,
    record_type,
    row_type,
)

HEADER = "header"
MAGIC = "memos-flat"


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _write_all(fd: int, data: memoryview, offset: int) -> None:
    while data:
        done = os.pwrite(fd, data, offset)
        data, offset = data[done:], offset + done


class FlatFile:
    """Reads and writes one directory; `identity` must equal what the header says of its content.

    One writer at a time (the cube's lock sees to that), any number of readers.
    """

    log_limit = 4096
    """Records in the log before it is folded into the columns."""

    def __init__(self, directory: Path, identity: dict[str, Any]) -> None:
        self.directory = directory
        self._header_path = f"{directory}/{HEADER}"
        self.identity = identity
        self.rows = row_type(identity["dimension"])
        self.record = record_type(self.rows)
        self._seen: tuple[bytes, Snapshot] | None = None
        """The newest state that was opened and the header that named it: one value, since threads
        share it, and a snapshot taken for another header's would miss its files for ever."""

    def snapshot(self) -> Snapshot:
        """The newest committed state, every file of it open: no writer can take it away any more.

        A file that is gone while the header still names it is damage. One that is gone because a
        writer published the next header meanwhile is none, however often that happens: each
        time, that writer has got on. Raises ProjectionDamaged, NotPermitted.
        """
        while True:
            header = self._read_header()
            try:
                return self._opened_at(header)
            except FileNotFoundError as e:
                self._seen = None
                if self._read_header() == header:
                    raise _unreadable(e) from e
            except OSError as e:
                raise _unreadable(e) from e

    def preview(self, amendments: np.ndarray) -> Snapshot:
        """The state with amendments that are not committed, on pages of its own."""
        now = self.snapshot()
        records = np.concatenate([now.records, self._amendment_records(amendments)])
        return Snapshot(now.header, self.directory, records)

    def _read_header(self) -> bytes:
        try:
            handle = os.open(self._header_path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return os.read(handle, os.fstat(handle).st_size)
            finally:
                os.close(handle)
        except OSError as e:
            raise _unreadable(e) from e

    def _opened_at(self, content: bytes) -> Snapshot:
        seen = self._seen
        if seen is None or seen[0] != content:
            return self._opened_snapshot(content)
        snapshot = seen[1]
        log = f"{self.directory}/{snapshot.header['log']}"
        # Beyond the committed records only a killed or a busy writer's bytes can stand: look again.
        if os.stat(log).st_size != len(snapshot.records) * self.record.itemsize:  # noqa: PTH116 - hot path
            records = self._read_log(Path(log))
            if len(records) < len(snapshot.records):
                return self._opened_snapshot(content)
            if len(records) > len(snapshot.records):
                snapshot = snapshot.successor(records)
                self._seen = content, snapshot
        return snapshot

    def _opened_snapshot(self, content: bytes) -> Snapshot:
        header = self._parse(content)
        snapshot = Snapshot(header, self.directory, self._read_log(self.directory / header["log"]))
        snapshot.open(self._names())
        self._seen = content, snapshot
        return snapshot

    def _parse(self, content: bytes) -> dict[str, Any]:
        try:
            header = json.loads(content)
            identity, schema = header["identity"], self.identity["schema"]
            known = header["magic"] == MAGIC and identity == self.identity
            if header["magic"] == MAGIC and identity["schema"] != schema:
                raise ProjectionOutdated(store="vectors", found=identity["schema"], wanted=schema)
            numbers = [header[k] for k in ("rows", "labels", "serial", "revision", "last")]
            names = [header["log"], *header["files"].values()]
            whole = all(type(n) is int for n in numbers) and all(Path(n).name == n for n in names)
            whole = whole and set(header["files"]) == set(self._names()) and header["rows"] >= 0
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise ProjectionDamaged(store="vectors", reason="its header is not readable") from e
        if not known or not whole:
            raise ProjectionDamaged(store="vectors", reason="it was written for another model or format")
        return header

    def _names(self) -> list[str]:
        return [*columns(self.rows), "label_row", "label_hash"]

    def _read_log(self, path: Path) -> np.ndarray:
        """The records up to the last valid end of a batch."""
        with path.open("rb") as f:
            end = self._log_end(f.fileno())
            if not end:
                return np.empty(0, self.record)
            # Only what is committed is mapped: a writer may cut the rest off at any moment.
            return np.frombuffer(
                mmap.mmap(f.fileno(), end * self.record.itemsize, access=mmap.ACCESS_READ), self.record
            )

    def _log_end(self, fd: int) -> int:
        size = self.record.itemsize

        def load(start: int, count: int) -> np.ndarray:
            content = os.pread(fd, count * size, start * size)
            return np.frombuffer(content[: len(content) // size * size], self.record)

        for end in range(os.fstat(fd).st_size // size, 0, -1):
            last = load(end - 1, 1)
            if len(last) and last["last"][0] == 1 and 0 < last["count"][0] <= end:
                count = int(last["count"][0])
                batch = load(end - count, count)
                if len(batch) == count and _crc(batch) == last["crc"][0]:
                    return end
        return 0

    def append(self, blocks: Iterable[Block], amendments: np.ndarray, revision: int) -> None:
        """Commit new rows (ordinals above `last`) and amendments (rows with their new filter values)."""
        snapshot = self.snapshot()
        with mapped_errors(self.directory):
            self._sweep(snapshot.header)
            blocks = iter(blocks)
            batches, rest = [self._amendment_records(amendments)], None
            for block in blocks:
                batches.append(self._block_records(block))
                if len(snapshot.records) + sum(map(len, batches)) > self.log_limit:
                    batches.pop()
                    rest = block
                    break
            batch = np.concatenate(batches)
            if rest is None and not len(batch) and revision == snapshot.revision:
                return
            if rest is None and len(snapshot.records) + len(batch) < self.log_limit:
                self._append_log(snapshot, batch, revision)
            else:
                # Pages of its own: what readers of this process map must not show what may fail.
                records = np.concatenate([snapshot.records, batch])
                joined = Snapshot(snapshot.header, self.directory, records)
                self._fold(joined, [rest, *blocks] if rest is not None else blocks, revision)

    def write(self, blocks: Iterable[Block], revision: int) -> None:
        """Commit a new generation that holds the blocks and nothing else; old files are removed.

        Blocks out of order are sorted by ordinal afterwards, column by column.
        """
        with mapped_errors(self.directory):
            ensure_directory(self.directory)
            if (self.directory / HEADER).is_dir():
                shutil.rmtree(self.directory / HEADER)
            serial = self._next_serial()
            files = {name: f"{name}.{serial}" for name in self._names()}
            header = self._header(serial, files)
            ordered = self._extend(header, blocks)
            if not ordered:
                self._sort(header)
            header["revision"] = revision
            self._publish(header)

    def _header(self, serial: int, files: dict[str, str]) -> dict[str, Any]:
        counts = {"rows": 0, "labels": 0, "last": -1, "revision": -1, "continued": False}
        head = {"magic": MAGIC, "identity": self.identity, "serial": serial, "log": f"log.{serial}"}
        return {**head, **counts, "files": files}

    def _next_serial(self) -> int:
        """A number that no file of the directory carries, whatever the header says."""
        ends = (p.name.rpartition(".")[2] for p in self.directory.iterdir())
        return max((int(e) for e in ends if e.isdecimal()), default=0) + 1

    def _block_records(self, block: Block) -> np.ndarray:
        """Log records of a block: each row, followed by LABELS records where one does not do."""
        owned = np.bincount(block.label_row, minlength=len(block))
        length = np.maximum(1, -(-owned // LABEL_SLOTS))
        start = np.cumsum(length) - length
        records = np.zeros(int(length.sum()), self.record)
        records["type"] = LABELS
        records["type"][start] = ROW
        records["row"][start] = block.rows
        order = np.argsort(block.label_row, kind="stable")
        row = block.label_row[order]
        place = np.arange(len(row)) - (np.cumsum(owned) - owned)[row]
        records["labels"][start[row] + place // LABEL_SLOTS, place % LABEL_SLOTS] = block.label_hash[order]
        return records

    def _amendment_records(self, amendments: np.ndarray) -> np.ndarray:
        records = np.zeros(len(amendments), self.record)
        records["type"] = AMEND
        records["row"] = amendments
        return records

    def _append_log(self, snapshot: Snapshot, batch: np.ndarray, revision: int) -> None:
        if not len(batch):
            batch = np.zeros(1, self.record)
        batch["revision"] = revision
        batch["last"][-1] = 1
        batch["count"][-1] = len(batch)
        batch["crc"][-1] = _crc(batch)
        offset = len(snapshot.records) * self.record.itemsize
        fd = os.open(self.directory / snapshot.header["log"], os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, offset)
            _write_all(fd, _bytes(batch), offset)
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _fold(self, snapshot: Snapshot, blocks: Iterable[Block], revision: int) -> None:
        """Move the log and `blocks` into the columns; amended columns are written anew."""
        old = snapshot.header
        serial = self._next_serial()
        header = {**old, "serial": serial, "log": f"log.{serial}", "revision": revision}
        header["files"] = dict(old["files"])
        for name in snapshot.changed_columns():
            header["files"][name] = f"{name}.{serial}"
            with (self.directory / header["files"][name]).open("wb") as f:
                f.write(_bytes(snapshot.parts(name)[0]))
        if not self._extend(header, [snapshot.log_block(), *blocks]):
            raise AssertionError("rows were appended out of order")
        self._publish(header)

    def _extend(self, header: dict[str, Any], blocks: Iterable[Block]) -> bool:
        """Write blocks behind what the header counts, sync, count them; whether they are in order."""
        ordered = True
        with ExitStack() as stack:
            files = {n: stack.enter_context(self._opened(header, n)) for n in self._names()}
            for block in blocks:
                if not len(block):
                    continue
                for name in columns(self.rows):
                    files[name].write(_bytes(block.rows[name]))
                files["label_row"].write((block.label_row + header["rows"]).astype("<u4").tobytes())
                files["label_hash"].write(block.label_hash.astype("<u8").tobytes())
                ordinals = block.rows["ordinal"]
                ordered &= bool(ordinals[0] > header["last"]) and bool((np.diff(ordinals) >= 0).all())
                header["rows"] += len(block)
                header["labels"] += len(block.label_row)
                header["last"] = max(header["last"], int(ordinals.max()))
                header["continued"] |= bool(block.rows["span"].any())
            for f in files.values():
                f.flush()
                os.fsync(f.fileno())
        return ordered

    def _opened(self, header: dict[str, Any], name: str) -> IO[bytes]:
        """A column's file, cut at what the header counts and ready to be appended to."""
        count = header["labels"] if name.startswith("label_") else header["rows"]
        fd = os.open(self.directory / header["files"][name], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        os.ftruncate(fd, count * column_type(name, self.rows).itemsize)
        os.lseek(fd, 0, os.SEEK_END)
        return os.fdopen(fd, "r+b")

    def _sort(self, header: dict[str, Any]) -> None:
        """Put the rows of a generation that nobody reads yet in order."""
        order = np.argsort(mapped_column(self.directory, header, "ordinal", private=False), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        for name in columns(self.rows):
            self._rewrite(header, name, order)
        label_row = place[mapped_column(self.directory, header, "label_row", private=False)]
        order = np.argsort(label_row, kind="stable")
        self._rewrite(header, "label_hash", order)
        _replace(self.directory / header["files"]["label_row"], [label_row[order].astype("<u4")])

    def _rewrite(self, header: dict[str, Any], name: str, order: np.ndarray) -> None:
        column = mapped_column(self.directory, header, name, private=False)
        chunks = (column[order[i : i + CHUNK]] for i in range(0, len(order), CHUNK))
        _replace(self.directory / header["files"][name], chunks)

    def _publish(self, header: dict[str, Any]) -> None:
        log, new = self.directory / header["log"], self.directory / f"{HEADER}.{header['serial']}"
        for path, content in ((log, b""), (new, json.dumps(header).encode())):
            with path.open("wb") as f:
                f.write(content)
                f.flush()
                os.fsync(f.fileno())
        # The names of new columns and the log must be durable before the header that names them.
        sync_directory(self.directory)
        new.replace(self.directory / HEADER)
        sync_directory(self.directory)
        self._sweep(header)

    def _sweep(self, header: dict[str, Any]) -> None:
        """Remove what the header does not name: replaced files and a killed writer's."""
        keep = {HEADER, header["log"], *header["files"].values()}
        for entry in list(os.scandir(self.directory)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif entry.name not in keep:
                Path(entry.path).unlink(missing_ok=True)


def _unreadable(error: OSError) -> MemosError:
    name = Path(error.filename or HEADER).name
    if isinstance(error, FileNotFoundError):
        return ProjectionDamaged(store="vectors", reason=f"{name} is missing")
    if isinstance(error, PermissionError):
        return NotPermitted(detail=f"{error.strerror} ({error.filename})")
    return ProjectionDamaged(store="vectors", reason=f"{name}: {error.strerror or error}")


def _crc(batch: np.ndarray) -> int:
    """CRC-32 of a batch, without the field of the last record that holds it."""
    content, fields = _bytes(batch), batch.dtype.fields
    assert fields is not None
    place = len(content) - batch.dtype.itemsize + fields["crc"][1]
    return zlib.crc32(content[place + 4 :], zlib.crc32(content[:place]))


def _replace(path: Path, chunks: Iterable[np.ndarray]) -> None:
    new = path.with_name(path.name + ".sorted")
    with new.open("wb") as f:
        for chunk in chunks:
            f.write(_bytes(chunk))
        f.flush()
        os.fsync(f.fileno())
    new.replace(path)
