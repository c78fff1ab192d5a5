"""A query of a user on the graph, in a process of its own that has a limit of time and of memory.

Owns: the child process and its limits. Does not own: which generation is asked, what an answer's
errors mean to the user (`graph`), what may be asked (`operations/tree`).

Kùzu 0.11 has a limit of each, and neither holds: it looks at the time between two vectors of rows, and
`range(1, 100000000)` is one cell that grows outside of its buffer pool until the machine has no memory
left. So the process itself is limited. This file is run as a script by the child, which loads nothing
of memos but this, and by its parent imported.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STARTING = 20.0
"""Seconds that a child may need beside its query, to start and to tell its answer, on a busy machine."""

OVER = 77
"""What a child ends with when it grew over its limit of memory."""

WATCHED_EVERY = 0.02
"""Seconds between two looks at a child's memory, where the system does not limit it."""

FULL = ("std::bad_alloc", "Buffer manager exception")
"""How Kùzu's errors begin that mean that memory has come to its limit."""


@dataclass(frozen=True)
class Asked:
    """A query, the file it is asked of, and its limits: rows, seconds, bytes."""

    file: str
    cypher: str
    limit: int
    seconds: float
    memory: int
    pool: int
    """Bytes of the memory that are Kùzu's buffer pool."""
    size: int
    """Bytes of address space set aside for the file."""


class TooSlow(Exception):
    """The query did not end in time."""


class TooLarge(Exception):
    """The query needs more memory than it may have."""


class Refused(Exception):
    """Kùzu's own words, for which see `graph`."""


@dataclass(frozen=True)
class Answer:
    """Column names, rows of what JSON can say, and whether there were more."""

    columns: list[str]
    rows: list[list[Any]]
    more: bool


def ask(asked: Asked) -> Answer:
    """Ask in a child process, and wait for its answer.

    Raises TooSlow, TooLarge, Refused, OSError.
    """
    told = json.dumps({"path": sys.path, "asked": asdict(asked)})
    try:
        # Without `site`, which looks for packages that the path given names already.
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__],
            input=told.encode(),
            capture_output=True,
            timeout=asked.seconds + STARTING,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TooSlow from error
    if done.returncode == -signal.SIGALRM:
        raise TooSlow
    # Out of memory, Kùzu may also end the process; and the system may, before our limit does.
    if done.returncode in (OVER, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV):
        raise TooLarge
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return _read(json.loads(done.stdout))


def _read(answer: dict[str, Any]) -> Answer:
    error = answer.get("error")
    if error is None:
        return Answer(**answer)
    if str(error).startswith(FULL):
        raise TooLarge
    raise Refused(error)


# -- in the child


def _answer(asked: Asked) -> dict[str, Any]:
    """What the child tells: the fields of an Answer, or Kùzu's error."""
    import kuzu

    try:
        database = kuzu.Database(
            asked.file,
            read_only=True,
            max_num_threads=1,
            buffer_pool_size=asked.pool,
            max_db_size=asked.size,
        )
        connection = kuzu.Connection(database)
        _bound(asked.memory - asked.pool)
        # Its default action ends the process, in the middle of whatever it is at.
        signal.setitimer(signal.ITIMER_REAL, asked.seconds)
        result: Any = connection.execute(asked.cypher)
        rows: list[list[Any]] = []
        while result.has_next() and len(rows) < asked.limit:
            rows.append([_plain(cell) for cell in result.get_next()])
        return {"columns": result.get_column_names(), "rows": rows, "more": result.has_next()}
    except RuntimeError as error:
        return {"error": str(error)}


def _plain(cell: Any) -> Any:
    """A cell as JSON can tell it; what is neither text, number, list nor map is told as text."""
    if isinstance(cell, dict):
        return {str(name): _plain(value) for name, value in cell.items()}
    if isinstance(cell, (list, tuple)):
        return [_plain(part) for part in cell]
    return cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)


def _bound(memory: int) -> None:
    """Let this process take `memory` bytes more than it has: by the system, or where that does not hold
    to it (macOS), by a look at what was taken, every now and then."""
    import resource

    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
    else:
        most = _taken() + memory
        threading.Thread(target=_watch, args=(most,), daemon=True).start()


def _taken() -> int:
    """The most bytes that this process had in memory at any time."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _watch(most: int) -> None:
    while _taken() <= most:
        time.sleep(WATCHED_EVERY)
    os._exit(OVER)


def main() -> None:
    """The child: a question from the standard input, its answer to the standard output."""
    given = json.load(sys.stdin)
    sys.path[:] = given["path"]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        told = json.dumps(_answer(Asked(**given["asked"])))
        with os.fdopen(1, "w", encoding="ascii") as out:
            out.write(told)
    except MemoryError:
        os._exit(OVER)
    # Kùzu's own end of its database takes memory and time, and has nothing to write.
    os._exit(0)


if __name__ == "__main__":
    main()
