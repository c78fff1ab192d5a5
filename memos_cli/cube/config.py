"""config.json: the facts a cube states about itself.

Owns: its fields, reading, validating and replacing it. Does not own: what this machine prefers
(`settings`). Nothing in it names code, an endpoint or a secret.
"""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from memos_cli.cube.layout import FEATURES, Layout
from memos_cli.errors import ConfigDamaged, CubeNotFound, FormatTooNew, StorageError
from memos_cli.schema import FORMAT, FORMAT_VERSION, Depth, EmbedderInfo, now, plain, uuid7, why
from memos_cli.stores.table_files import storage_error, sync

LIMIT = 4 << 20
"""Largest config.json that is read, bytes; one from elsewhere is untrusted."""


VectorName = Annotated[str, Meta(pattern=r"^vector_\w+$")]


class TextSlot(msgspec.Struct, frozen=True, kw_only=True):
    depth: Depth = Depth.GENERAL


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Which kinds of memory the cube holds, and the depth of its text."""

    text_mem: TextSlot = TextSlot()
    pref_mem: bool = True
    act_mem: bool = True
    para_mem: bool = True


class CubeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The content of config.json."""

    format: Annotated[str, Meta(description="always `memcube`")] = FORMAT
    version: Annotated[int, Meta(description="format version")] = FORMAT_VERSION
    features_read: Annotated[tuple[str, ...], Meta(description="features one must know to read the cube")] = (
        "table-1",
    )
    features_write: Annotated[tuple[str, ...], Meta(description="features one must know to write to it")] = (
        "table-1",
    )
    cube_id: Annotated[str, Meta(description="UUIDv7 of the cube, the same in its copies")] = msgspec.field(
        default_factory=uuid7
    )
    created: Annotated[datetime, Meta(description="when it was made, UTC")] = msgspec.field(
        default_factory=now
    )
    slots: Annotated[
        Slots,
        Meta(
            description="kinds of memory it holds; `text_mem.depth` is naive_text, general_text or tree_text"
        ),
    ] = Slots()
    embedder: Annotated[
        EmbedderInfo | None,
        Meta(
            description="fingerprint of the live embedder: name, dimension, normalisation, a probe's vector; null at depth naive_text"
        ),
    ] = None
    vector_column: Annotated[VectorName | None, Meta(description="the table's live vector column")] = None

    def but(self, **changes: Any) -> Self:
        """The same facts with other `changes`."""
        return msgspec.structs.replace(self, **changes)

    @property
    def depth(self) -> Depth:
        return self.slots.text_mem.depth


def read_config(path: Path) -> CubeConfig:
    """Read and validate. Raises CubeNotFound, ConfigDamaged, FormatTooNew, NotPermitted."""
    try:
        if path.stat().st_size > LIMIT:
            raise ConfigDamaged(path=path, reason="it is far too large")
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        if Layout(path.parent).table.is_dir():
            raise ConfigDamaged(path=path, reason="it is missing") from error
        raise CubeNotFound(path=path.parent, name=path.parent.name) from error
    except IsADirectoryError as error:
        hint = f"Move that folder out of the cube, then rebuild {path.name} with `memos repair`."
        raise ConfigDamaged(path=path, reason="a folder stands in its place", hint=hint) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise CubeNotFound(path=path.parent, name=path.parent.name) from error
        raise storage_error(error, path) or ConfigDamaged(
            path=path, reason=error.strerror or str(error)
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigDamaged(path=path, reason=f"not JSON ({error})") from error
    _check_format(path, document)
    try:
        config = msgspec.convert(document, CubeConfig)
    except msgspec.ValidationError as error:
        raise ConfigDamaged(path=path, reason=why(error)) from error
    if config.depth is not Depth.NAIVE and None in (config.embedder, config.vector_column):
        # Else the cube would go on as one without vectors, and say so as if that were its nature.
        raise ConfigDamaged(path=path, reason=f"its depth is {config.depth}, and it names no embedder")
    return config


def _check_format(path: Path, document: Any) -> None:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigDamaged(path=path, reason=f"its format is not {FORMAT!r}")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise ConfigDamaged(path=path, reason="it has no format version")
    if version > FORMAT_VERSION:
        raise FormatTooNew(needed=f"format version {version}")
    features = document.get("features_read")
    unknown = [f for f in features if str(f) not in FEATURES] if isinstance(features, list) else []
    if unknown:
        raise FormatTooNew(needed=f"the feature {unknown[0]!r}")


def check_writable(config: CubeConfig) -> None:
    """Raises FormatTooNew when the cube asks for a write feature that is not known here."""
    for feature in config.features_write:
        if feature not in FEATURES:
            raise FormatTooNew(needed=f"the write feature {feature!r}")


def write_config(path: Path, config: CubeConfig) -> None:
    """Replace config.json in one rename. Raises StorageFull, NotPermitted."""
    text = json.dumps(plain(config), ensure_ascii=False, indent=2) + "\n"
    replace_file(path, text.encode())


def replace_file(path: Path, data: bytes) -> None:
    """Write beside, fsync, rename: the file is the old one or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise storage_error(error, path) or StorageError(
            path=path, reason=error.strerror or str(error)
        ) from error
    sync(path.parent)
