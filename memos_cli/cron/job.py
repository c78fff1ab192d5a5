"""A job: one verb on one cube, when it runs, and the files it has on this machine.

Owns: the job's name, its file, where its lock, log and last result lie. Does not own: the
scheduler's own files (`schedulers`), running it (`run`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from memos_cli.cron.schedule import Schedule
from memos_cli.errors import JobDamaged, JobNotFound, StorageError

PREFIX = "memos-"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run, and when. `words` are the verb and its own words; `python` the interpreter
    that has memos; `home` is set where it was named by the environment, which no scheduler hands on."""

    name: str
    words: tuple[str, ...]
    cube: str
    python: str
    cwd: str
    schedule: Schedule
    scheduler: str
    home: str | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """What the scheduler starts: absolute, and nothing that a shell could take for its own."""
        return (self.python, "-m", "memos_cli", "cron", "run", self.name)

    @property
    def run(self) -> tuple[str, ...]:
        """What the run itself starts."""
        return (self.python, "-m", "memos_cli", *self.words, "-c", self.cube)


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """How the last run ended: `exit` None while it runs, -1 where it was held up by the one before."""

    started: datetime
    ended: datetime | None = None
    exit: int | None = None


class Jobs:
    """The jobs of this machine, a file each under `home`/cron."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "cron"

    def __iter__(self) -> Iterator[Job]:
        """Raises JobDamaged for a file that is none."""
        files = sorted(self.folder.glob(f"{PREFIX}*.job.json")) if self.folder.is_dir() else []
        return (self.find(file.name.removesuffix(".job.json")) for file in files)

    def find(self, name: str) -> Job:
        """Raises JobNotFound, JobDamaged."""
        path = self._file(name, "job.json")
        try:
            return msgspec.json.decode(path.read_bytes(), type=Job)
        except FileNotFoundError as error:
            raise JobNotFound(name=name) from error
        except (ValueError, OSError) as error:
            raise JobDamaged(path=path) from error

    def keep(self, job: Job) -> None:
        """Raises StorageError."""
        self._write(self._file(job.name, "job.json"), msgspec.json.format(msgspec.json.encode(job)))

    def drop(self, name: str) -> None:
        """The job's file, lock, log and result: no trace is left."""
        for path in [*self.logs(name), *(self._file(name, end) for end in ("last.json", "lock", "job.json"))]:
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def last(self, name: str) -> Last | None:
        """How it ran last, None where it never did or the note of it is lost."""
        try:
            return msgspec.json.decode(self._file(name, "last.json").read_bytes(), type=Last)
        except (OSError, ValueError):
            return None

    def keep_last(self, name: str, last: Last) -> None:
        self._write(self._file(name, "last.json"), msgspec.json.encode(last))

    def lock(self, name: str) -> Path:
        return self._file(name, "lock")

    def log(self, name: str) -> Path:
        return self._file(name, "log")

    def logs(self, name: str) -> list[Path]:
        """The log and those it was rotated to."""
        return [self.log(name), *sorted(self.folder.glob(f"{name}.log.*"))]

    def _file(self, name: str, end: str) -> Path:
        if not re.fullmatch(r"memos-[a-z0-9-]+", name):
            raise JobNotFound(name=name)
        return self.folder / f"{name}.{end}"

    def _write(self, path: Path, data: bytes) -> None:
        beside = path.with_name(f".{path.name}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(path)
        except OSError as error:
            raise StorageError(path=path, reason=error.strerror or str(error)) from error


def name_of(words: Sequence[str], cube: Path) -> str:
    """The same for the same verb on the same cube: installing it again replaces it."""
    mark = hashlib.blake2b(f"{words[0]}\0{cube}".encode("utf-8", "replace"), digest_size=3).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "-", cube.name.lower()).strip("-")[:30]
    return "-".join(filter(None, (f"{PREFIX}{words[0]}", slug, mark)))
