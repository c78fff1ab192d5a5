"""The write lock of a cube.

Owns: `flock` on one file, waiting for it with a limit, and who holds it; the same for verbs that only
exclude themselves. Does not own: what is done under it. The kernel frees the lock when the holding process dies, so it cannot go stale on
a local disk; readers never take it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from memos_cli.errors import AtWork, Busy, StorageError
from memos_cli.stores.table_files import storage_error


class WriteLock:
    """Re-entrant within one object and its threads take turns."""

    def __init__(self, path: Path, *, timeout: float = 60) -> None:
        self.path = path
        self.timeout = timeout
        self._thread = threading.RLock()
        self._depth = 0
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        return self._depth > 0

    @contextlib.contextmanager
    def hold(self, verb: str = "") -> Iterator[bool]:
        """Wait up to `timeout` seconds. Yields True when this call took the lock, False when it was
        held already by this object. Raises Busy, NotPermitted."""
        with self._thread:
            if self._depth:
                self._depth += 1
                try:
                    yield False
                finally:
                    self._depth -= 1
                return
            handle = self._open()
            try:
                self._wait(handle)
                self._depth = 1
                _note_holder(handle, self.path, verb)
                yield True
            finally:
                self._depth = 0
                os.close(handle)  # closing releases the flock

    def try_hold(self) -> contextlib.AbstractContextManager[bool]:
        """Without waiting: yields True when the lock is held within, False when somebody else has it."""
        return self._try_hold()

    @contextlib.contextmanager
    def _try_hold(self) -> Iterator[bool]:
        if not self._thread.acquire(blocking=False):
            yield False
            return
        try:
            if self._depth:
                yield True
                return
            handle = self._open()
            try:
                if not _take(handle):
                    yield False
                    return
                self._depth = 1
                _note_holder(handle, self.path, "catch-up")
                yield True
            finally:
                self._depth = 0
                os.close(handle)
        finally:
            self._thread.release()

    def holder(self) -> dict[str, object] | None:
        """Who holds the lock now: pid, verb, since; None when nobody does."""
        if not self.path.exists():
            return None
        handle = os.open(self.path, os.O_RDONLY)
        try:
            if _take(handle):
                return None
            return _read_holder(self.path)
        finally:
            os.close(handle)

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise storage_error(error, self.path) or StorageError(
                path=self.path, reason=str(error)
            ) from error

    def _wait(self, handle: int) -> None:
        if _take(handle):
            return
        # A blocking flock queues in order of arrival where polling starves; it cannot be given a
        # limit, so it waits in a thread of its own that lets go of what it gets too late.
        waiter = _Waiter(handle)
        waiter.start()
        waiter.join(self.timeout)
        if not waiter.settle():
            holder = _read_holder(self.path)
            who = f"process {holder.get('pid')}, {holder.get('verb')}" if holder else "unknown process"
            raise Busy(path=self.path.parent.parent, holder=who, seconds=f"{self.timeout:g}")


@contextlib.contextmanager
def alone(path: Path, verb: str, refusal: type[Busy] = AtWork) -> Iterator[None]:
    """Held while one process does something that takes long and leaves the write lock to others; a second
    one is refused at once. Raises `refusal`, NotPermitted."""
    lock = WriteLock(path, timeout=0)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock.hold(verb))
        except Busy as error:
            raise refusal(verb=verb, holder=error.fields["holder"]) from error
        yield


class _Waiter(threading.Thread):
    """Waits for the lock on a descriptor of its own open file; `settle` says whether it was got."""

    def __init__(self, handle: int) -> None:
        super().__init__(daemon=True)
        self._copy = os.dup(handle)  # flock belongs to the open file, which both descriptors share
        self._guard = threading.Lock()
        self._got = self._given_up = False

    def run(self) -> None:
        fcntl.flock(self._copy, fcntl.LOCK_EX)
        with self._guard:
            self._got = True
            if self._given_up:
                fcntl.flock(self._copy, fcntl.LOCK_UN)
            os.close(self._copy)

    def settle(self) -> bool:
        with self._guard:
            self._given_up = not self._got
            return self._got


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note_holder(handle: int, path: Path, verb: str) -> None:
    note = json.dumps({"pid": os.getpid(), "verb": verb, "since": time.time()}).encode()
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, note, 0)
    except OSError as error:
        raise storage_error(error, path) or StorageError(
            path=path, reason=error.strerror or str(error)
        ) from error


def _read_holder(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_bytes() or b"{}")
    except ValueError:  # being written this moment
        return {}
    return note if isinstance(note, dict) else {}
