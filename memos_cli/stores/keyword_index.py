"""Files of the keyword index: generations, the pointer to the current one, and engine errors.

Owns: the layout of `keywords/`, opening an index, telling one committed state from another, the
checksums, and what becomes of the exceptions of tantivy and of the file system. Does not own:
what a row holds (`stores/keyword_rows`), nor what is asked of it (`stores/keyword_query`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from memos_cli.errors import (
    Busy,
    MemosError,
    NotPermitted,
    ProjectionDamaged,
    ProjectionOutdated,
    StorageFull,
)

if TYPE_CHECKING:
    import tantivy

SCHEMA = "11"
"""Version of the fields and of the analysis; an index of another one counts as missing."""

TIMES = ("time", "valid_from", "valid_to", "known_from", "known_to")
"""Integer fields that hold microseconds since 1970."""

FACTS = ("talk", "position", "speaker", "marks")
"""Integer fields that ranking asks of a hit: see `stores/facts`."""

WINDOWS = {"near": 2, "wide": 6}
"""Fields that hold a turn's terms with those of its neighbours, and how many places they reach."""

MARKER = -1
"""Ordinal of the document that says which table version the index has absorbed."""

HEAP = 15_000_000
"""Bytes a writer may hold before it writes a segment; the engine takes no less."""


class Pointer(msgspec.Struct, frozen=True):
    """What CURRENT says. `moved`: an index marked with the first counts as being at the second."""

    dir: str
    moved: tuple[int, int] | None = None


def read_pointer(directory: Path) -> Pointer:
    """What CURRENT says. Raises ProjectionDamaged where it is missing or torn, ProjectionOutdated."""
    try:
        found = json.loads((directory / "CURRENT").read_bytes())
        if (schema := found["schema"]) != SCHEMA:
            raise ProjectionOutdated(store="keyword", found=schema, wanted=SCHEMA)
        name, moved = found["dir"], found["moved"]
        pointer = Pointer(name, None if moved is None else (int(moved[0]), int(moved[1])))
    except FileNotFoundError:
        raise ProjectionDamaged(store="keyword", reason="there is none") from None
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ProjectionDamaged(store="keyword", reason="CURRENT is not readable") from error
    if not isinstance(name, str) or Path(name).name != name or not name.startswith("g-"):
        raise ProjectionDamaged(store="keyword", reason="CURRENT names no generation")
    return pointer


def write_pointer(directory: Path, pointer: Pointer) -> None:
    """Make `pointer` what CURRENT says, durably and at once."""
    data = json.dumps({"schema": SCHEMA, "dir": pointer.dir, "moved": pointer.moved}).encode()
    fresh = directory / "CURRENT.new"
    with fresh.open("wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    fresh.replace(directory / "CURRENT")
    _sync(directory)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_others(directory: Path, keep: str) -> None:
    """Remove all but CURRENT and the generation `keep`; readers keep what they have mapped."""
    for entry in directory.iterdir():
        if entry.name in (keep, "CURRENT"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


Stamp = tuple[tuple[int, int, int], tuple[int, int, int]]


def stamp(directory: Path, name: str) -> Stamp | None:
    """What tells one committed state from another without opening it; None: something is gone."""
    try:
        return _file_stamp(f"{directory}/CURRENT"), _file_stamp(f"{directory}/{name}/meta.json")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _file_stamp(path: str) -> tuple[int, int, int]:
    # Both files are renamed into place, so a new state has a new inode, whatever the clock says.
    s = os.stat(path)  # noqa: PTH116 - a search asks this twenty times, and a Path costs more than the answer
    return s.st_ino, s.st_mtime_ns, s.st_size


def segment_files(path: Path) -> list[Path]:
    """Files that the index's list of segments names; what a killed writer left is not among them."""
    segments = json.loads((path / "meta.json").read_bytes())["segments"]
    kept: dict[str, str] = {}
    for segment in segments:
        deletes = segment["deletes"]
        kept[segment["segment_id"].replace("-", "")] = f"{deletes['opstamp']}.del" if deletes else ""
    named = ((file, *file.name.partition(".")[::2]) for file in path.iterdir())
    return [f for f, id, rest in named if id in kept and (not rest.endswith(".del") or rest == kept[id])]


def intact(path: Path) -> bool:
    """Whether the CRC-32 in tantivy's footer (JSON, its length, 1337; little endian) is the body's."""
    data = path.read_bytes()
    if len(data) < 8 or int.from_bytes(data[-4:], "little") != 1337:
        return False
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    try:
        footer = json.loads(data[start:-8]) if start >= 0 else {}
    except ValueError:
        return False
    return bool(footer.get("crc") == zlib.crc32(data[:start]))


def create(path: Path) -> None:
    """An empty index with this schema's fields.

    Dictionary fields are raw terms with a prefix that names them (`now:`, `kind:` …), times are
    microseconds since 1970. Windows hold stems that were made before, with spaces between them.
    """
    from tantivy import Index, SchemaBuilder

    schema = SchemaBuilder()
    schema.add_integer_field("ordinal", indexed=True, fast=True)
    schema.add_integer_field("revision", fast=True)
    for name in TIMES:
        schema.add_integer_field(name, fast=True)
    for name in FACTS:
        schema.add_integer_field(name, indexed=name == "position", fast=True)
    schema.add_text_field("content", tokenizer_name="content", index_option="freq")
    for name in WINDOWS:
        schema.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    schema.add_text_field("exact", tokenizer_name="exact", index_option="position")
    schema.add_text_field("terms", tokenizer_name="raw", index_option="basic")
    schema.add_text_field("band", tokenizer_name="raw", index_option="basic")
    schema.add_bytes_field("item", stored=True)
    Index(schema.build(), path=str(path))


def open_index(path: Path) -> tantivy.Index:
    """The index that is there; never makes one."""
    from tantivy import Index

    index = Index.open(str(path))
    # Without this every process would keep a thread that watches the directory.
    index.config_reader("manual")
    return index


@contextlib.contextmanager
def writing(index: tantivy.Index, heap: int) -> Iterator[tantivy.IndexWriter]:
    """The index's one writer, holding up to `heap` bytes; finished and unlocked afterwards."""
    writer = index.writer(heap, 1)
    try:
        yield writer
    except BaseException:
        # The first error is the one to report; a writer that failed once fails to finish too.
        with contextlib.suppress(ValueError, RuntimeError):
            writer.wait_merging_threads()
        raise
    # Releases the engine's own lock now, and keeps the number of segments from growing.
    writer.wait_merging_threads()


def collect_garbage(path: Path) -> None:
    """Remove what a killed writer left and no segment list names."""
    with writing(open_index(path), HEAP) as writer:
        writer.garbage_collect_files()


def opened(path: Path) -> tantivy.Index:
    """The index for reading, also where this process may not write."""
    try:
        return open_index(path)
    except ValueError as error:
        if not isinstance(_from_text(str(error), path), NotPermitted):
            raise
    return _open_read_only(path)


def _open_read_only(path: Path) -> tantivy.Index:
    """Open an index in a directory that this process may only read.

    The engine makes a lock file beside the index even to read it, so it is given a directory of
    links; the files stay mapped when the links are gone.
    """
    with tempfile.TemporaryDirectory(prefix="memos-") as links:
        for file in path.resolve().iterdir():
            if file.suffix != ".lock":
                (Path(links) / file.name).symlink_to(file)
        return open_index(Path(links))


@contextlib.contextmanager
def engine(path: Path) -> Iterator[None]:
    """Turns what tantivy and the file system raise into this package's errors."""
    try:
        yield
    except OSError as error:
        raise _from_errno(error.errno, path) from error
    except ValueError as error:
        raise _from_text(str(error), path) from error
    except BaseException as error:
        # A panic in the engine is no Exception, and its class cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise ProjectionDamaged(store="keyword", reason="the engine gave up on its files") from error


def _from_errno(number: int | None, path: Path) -> MemosError:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(path=path)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NotPermitted(detail=f"{path} cannot be opened or written ({os.strerror(number)})")
    told = os.strerror(number) if number else "the system refused to say why"
    return ProjectionDamaged(store="keyword", reason=f"a file of it cannot be used ({told})")


def _from_text(text: str, path: Path) -> MemosError:
    """The engine passes the operating system's error on as words, or only says that a worker died."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
        if f"os error {number})" in text or f"code: {number}," in text:
            return _from_errno(number, path)
    if "LockBusy" in text:
        return Busy(path=path, holder="a writer of the keyword index", seconds=0)
    if _full(path):
        return StorageFull(path=path)
    return ProjectionDamaged(store="keyword", reason="the engine cannot make sense of its files")


def _full(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path).free < 1_000_000
    return False
