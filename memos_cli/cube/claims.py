"""Who is refining which memories of a cube just now, and which of them failed before.

Owns: `.memos/refining.json` and its lock. Does not own: the queue, which stands in the memories
themselves. Losing the file is no damage: what is written in the end is decided under the write lock.

A claim keeps two processes from paying a model twice for the same memory. It ends with its process,
and after an hour at the latest. Failures put a memory behind those that did not fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from memos_cli.cube.layout import Layout
from memos_cli.cube.lock import WriteLock
from memos_cli.errors import StorageError
from memos_cli.stores.table_files import storage_error

LONGEST = 3600.0
"""Seconds after which a claim counts for nothing, whoever holds it."""


class Claims:
    """The claims of one run. Raises NotPermitted, StorageFull, Busy."""

    def __init__(self, layout: Layout, timeout: float = 60) -> None:
        self._path = layout.refining
        self._lock = WriteLock(layout.refining_lock, timeout=timeout)
        self._owner = uuid4().hex

    def take(self, ids: Iterable[str]) -> set[str]:
        """Claim memories; those that nobody else is refining."""
        mine = [self._owner, os.getpid(), platform.node(), time.time()]
        with self._book() as (claims, _):
            free = {id for id in ids if not self._taken(claims.get(id))}
            claims.update(dict.fromkeys(free, mine))
        return free

    def release(self, ids: Iterable[str], failed: Mapping[str, str] | None = None) -> None:
        """Give claims back; `failed` says of some why their refinement failed."""
        with self._book() as (claims, failures):
            for id in ids:
                if claims.get(id, [None])[0] == self._owner:
                    del claims[id]
                if not failed or id not in failed:
                    failures.pop(id, None)
            for id, reason in (failed or {}).items():
                count = failures[id][0] if id in failures else 0
                failures[id] = [count + 1, reason]

    def failures(self) -> dict[str, int]:
        """How often each memory's refinement has failed."""
        return {id: failure[0] for id, failure in _read(self._path)[1].items()}

    def _taken(self, claim: list[Any] | None) -> bool:
        if claim is None or claim[0] == self._owner or time.time() - claim[3] > LONGEST:
            return False
        return claim[2] != platform.node() or _alive(claim[1])

    @contextlib.contextmanager
    def _book(self) -> Iterator[tuple[dict[str, list[Any]], dict[str, list[Any]]]]:
        with self._lock.hold("refine"):
            claims, failures = _read(self._path)
            yield claims, failures
            kept = {
                id: claim for id, claim in claims.items() if claim[0] == self._owner or self._taken(claim)
            }
            _write(self._path, {"claims": kept, "failures": failures})


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's, and alive
        return True
    return True


def _read(path: Path) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Claims and failures; without those that no program of ours wrote."""
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}, {}
    book = document if isinstance(document, dict) else {}
    return _entries(book.get("claims"), (str, int, str, float)), _entries(book.get("failures"), (int, str))


def _entries(found: object, types: tuple[type, ...]) -> dict[str, list[Any]]:
    if not isinstance(found, dict):
        return {}
    return {
        id: entry
        for id, entry in found.items()
        if isinstance(entry, list)
        and len(entry) == len(types)
        and all(isinstance(part, kind) for part, kind in zip(entry, types, strict=True))
    }


def _write(path: Path, document: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(document), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise storage_error(error, path) or StorageError(path=path, reason=str(error)) from error
