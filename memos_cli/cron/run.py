"""One run of a job, as the scheduler starts it: alone, with a log of its own.

Owns: the lock against overlap, the log and its rotation, the note of how it ended. Does not own:
what the verb does; it runs as a process of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from memos_cli.cron.job import Job, Jobs, Last
from memos_cli.schema import now

LOG_BYTES = 1 << 20
"""Size at which a log is set aside."""
LOGS = 3
"""Logs that are kept besides the one that is written."""
HELD = -1
"""Instead of an exit code: the run before was still at work."""


def run(jobs: Jobs, job: Job) -> int:
    """Run the job once, and give its exit code; 0 without running where it is running already.

    Raises OSError when the log cannot be written.
    """
    with _alone(jobs.lock(job.name)) as alone, _log(jobs, job.name) as log:
        started = now()
        if not alone:
            _say(log, started, "skipped: the run before is still at work")
            return 0
        _say(log, started, f"memos {' '.join(job.words)} on {job.cube}")
        jobs.keep_last(job.name, Last(started=started))
        code = _run(job, log)
        ended = now()
        _say(log, ended, f"ended with exit code {code} after {(ended - started).total_seconds():.1f} s")
        jobs.keep_last(job.name, Last(started=started, ended=ended, exit=code))
        return code


def _run(job: Job, log: IO[bytes]) -> int:
    try:
        done = subprocess.run(
            job.run, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=job.cwd, check=False
        )
    except OSError as error:  # the interpreter or the folder is gone
        log.write(f"It cannot be started: {error}\n".encode())
        return 127
    return done.returncode


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no other run holds the lock; it is freed when the process ends, however it ends."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _log(jobs: Jobs, name: str) -> Iterator[IO[bytes]]:
    path = jobs.log(name)
    if path.exists() and path.stat().st_size >= LOG_BYTES:
        for place in range(LOGS - 1, 0, -1):
            older = path.with_name(f"{path.name}.{place}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{place + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))
    with path.open("ab", buffering=0) as handle:
        yield handle


def _say(log: IO[bytes], moment: datetime, text: str) -> None:
    log.write(f"{moment:%Y-%m-%d %H:%M:%SZ} {text}\n".encode("utf-8", "replace"))
