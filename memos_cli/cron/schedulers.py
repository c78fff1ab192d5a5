"""The schedulers of this machine: systemd user timers, crontab, launchd.

Owns: which one is there, the files or lines a job has in each, putting them in and taking them out.
Does not own: what a job is (`job`) and when it runs (`schedule`).

Every path is absolute and nothing is read from a login shell's profile, since no scheduler starts one.
"""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memos_cli.cron.job import Job
from memos_cli.errors import NotPermitted, SchedulerFailed, StorageError, UsageError

NAMES = ("systemd", "crontab", "launchd")
_WAIT = 30.0
"""Seconds that a scheduler's own program may take."""


@dataclass(frozen=True)
class Scheduler:
    """One way to have a job run. `text` is what stands for it: a file's content each, by path; of
    crontab, whose file is not ours, the block of lines under an empty path."""

    name: str
    files: Callable[[Job], Mapping[Path, str]]
    install: Callable[[Job], tuple[str, ...]]
    """Puts it in, in place of what is there by that name; gives notes. Raises SchedulerFailed."""
    remove: Callable[[Job], None]
    holds: Callable[[Job], bool]


def choose(name: str | None, *, to_show: bool = False) -> Scheduler:
    """The scheduler called `name`, else the one that works here; `to_show`: else crontab, which most
    can read.

    Raises:
        UsageError: an unknown name. SchedulerFailed: there is none.
    """
    if name is not None:
        if name not in _ALL:
            raise UsageError(detail=f"{name!r} is no scheduler; known: {', '.join(NAMES)}.")
        return _ALL[name]
    if sys.platform == "darwin":
        return _ALL["launchd"]
    if shutil.which("systemctl") and _ask("systemctl", "--user", "show-environment") is not None:
        return _ALL["systemd"]
    if to_show or shutil.which("crontab"):
        return _ALL["crontab"]
    raise SchedulerFailed(
        name="this machine",
        reason="it has neither a systemd user session nor crontab",
        hint="`memos cron install --print` shows a crontab line to give to the scheduler that you have.",
    )


# -- systemd


def _units() -> Path:
    import platformdirs

    return platformdirs.user_config_path("systemd/user", appauthor=False).resolve()


def _systemd_files(job: Job) -> dict[Path, str]:
    environment = f"Environment={_unit_word(f'MEMOS_HOME={job.home}')}\n" if job.home else ""
    service = (
        "[Unit]\n"
        f"Description={_percent(_title(job))}\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        f"ExecStart={' '.join(map(_unit_word, job.command))}\n"
        f"{environment}"
        "Nice=10\n"
    )
    timer = (
        "[Unit]\n"
        f"Description={_percent(_title(job))}, {job.schedule.words}\n"
        "\n"
        "[Timer]\n"
        f"OnCalendar={job.schedule.calendar()}\n"
        "# Made up for after a night in which the machine was off.\n"
        "Persistent=true\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )
    return {_units() / f"{job.name}.service": service, _units() / f"{job.name}.timer": timer}


def _systemd_install(job: Job) -> tuple[str, ...]:
    for path, text in _systemd_files(job).items():
        _write(path, text)
    _do("systemd", "systemctl", "--user", "daemon-reload")
    _do("systemd", "systemctl", "--user", "enable", "--now", f"{job.name}.timer")
    return ("It runs while you are logged in; `loginctl enable-linger` lets it run at other times too.",)


def _systemd_remove(job: Job) -> None:
    if _systemd_holds(job):
        _do("systemd", "systemctl", "--user", "disable", "--now", f"{job.name}.timer")
    for path in _systemd_files(job):
        path.unlink(missing_ok=True)
    _do("systemd", "systemctl", "--user", "daemon-reload")


def _systemd_holds(job: Job) -> bool:
    return all(path.is_file() for path in _systemd_files(job))


def _unit_word(word: str) -> str:
    """A word of a unit file's command line (systemd.service(5), "Command lines")."""
    quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return _percent(f'"{quoted}"')


def _percent(text: str) -> str:
    return text.replace("%", "%%")


# -- crontab


def _block(job: Job) -> str:
    home = f"MEMOS_HOME={shlex.quote(job.home)} " if job.home else ""
    # cron ends a command at an unescaped per cent sign (crontab(5)).
    command = (home + shlex.join(job.command)).replace("%", "\\%")
    begin, end = _marks(job)
    return f"{begin}\n{job.schedule.crontab()} {command} >/dev/null 2>&1\n{end}\n"


def _marks(job: Job) -> tuple[str, str]:
    return f"# >>> {job.name} (made by `memos cron`) >>>", f"# <<< {job.name} <<<"


def _crontab_install(job: Job) -> tuple[str, ...]:
    before = _crontab()
    kept = _without(before, job)
    _set_crontab(kept + ("" if not kept or kept.endswith("\n") else "\n") + _block(job))
    return ()


def _crontab_remove(job: Job) -> None:
    before = _crontab()
    after = _without(before, job)
    if after == before:
        return
    if after.strip():
        _set_crontab(after)
    else:
        _do("crontab", "crontab", "-r")


def _crontab_holds(job: Job) -> bool:
    return _marks(job)[0] in _crontab().splitlines()


def _without(text: str, job: Job) -> str:
    """The crontab without the job's block; a block whose end is gone is left for a person to mend."""
    begin, end = _marks(job)
    lines = text.splitlines(keepends=True)
    bare = [line.rstrip("\n") for line in lines]
    if begin not in bare:
        return text
    first = bare.index(begin)
    if end not in bare[first:]:
        raise SchedulerFailed(
            name="crontab",
            reason=f"the line {end!r} is missing from it",
            hint="Mend it by hand with `crontab -e`.",
        )
    return "".join(lines[:first] + lines[bare.index(end, first) + 1 :])


def _crontab() -> str:
    """The crontab; empty where there is none, which cron says with an exit code of 1 and "no crontab"."""
    done = _start("crontab", "crontab", "-l")
    if done.returncode and "no crontab" not in done.stderr.lower():
        raise SchedulerFailed(name="crontab", reason=_why(done))
    return "" if done.returncode else done.stdout


def _set_crontab(text: str) -> None:
    _do("crontab", "crontab", "-", given=text)


# -- launchd


def _agent(job: Job) -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{_label(job)}.plist"


def _label(job: Job) -> str:
    return f"cli.memos.{job.name}"


def _launchd_files(job: Job) -> dict[Path, str]:
    keys: dict[str, object] = {
        "Label": _label(job),
        "ProgramArguments": list(job.command),
        "ProcessType": "Background",
        **({"EnvironmentVariables": {"MEMOS_HOME": job.home}} if job.home else {}),
        **job.schedule.launchd(),
    }
    return {_agent(job): plistlib.dumps(keys, sort_keys=False).decode()}


def _launchd_install(job: Job) -> tuple[str, ...]:
    if _launchd_holds(job):
        _start("launchd", "launchctl", "unload", "-w", str(_agent(job)))
    for path, text in _launchd_files(job).items():
        _write(path, text)
    _do("launchd", "launchctl", "load", "-w", str(_agent(job)))
    return ()


def _launchd_remove(job: Job) -> None:
    if _launchd_holds(job):
        _do("launchd", "launchctl", "unload", "-w", str(_agent(job)))
        _agent(job).unlink(missing_ok=True)


def _launchd_holds(job: Job) -> bool:
    return _agent(job).is_file()


_ALL = {
    "systemd": Scheduler("systemd", _systemd_files, _systemd_install, _systemd_remove, _systemd_holds),
    "crontab": Scheduler(
        "crontab", lambda job: {Path(): _block(job)}, _crontab_install, _crontab_remove, _crontab_holds
    ),
    "launchd": Scheduler("launchd", _launchd_files, _launchd_install, _launchd_remove, _launchd_holds),
}


def _title(job: Job) -> str:
    return f"memos {job.words[0]} on {job.cube}"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except PermissionError as error:
        raise NotPermitted(detail=f"{path} cannot be written") from error
    except OSError as error:
        raise StorageError(path=path, reason=error.strerror or str(error)) from error


def _ask(*command: str) -> str | None:
    """What a program says; None where it fails."""
    done = _start(command[0], *command)
    return None if done.returncode else done.stdout


def _do(name: str, *command: str, given: str | None = None) -> None:
    done = _start(name, *command, given=given)
    if done.returncode:
        raise SchedulerFailed(name=name, reason=_why(done))


def _start(name: str, *command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=_WAIT, check=False
        )
    except FileNotFoundError as error:
        raise SchedulerFailed(name=name, reason=f"{command[0]} is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SchedulerFailed(name=name, reason=f"{command[0]} gives no answer") from error


def _why(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr or done.stdout).strip().splitlines()
    return said[0] if said else f"its exit code is {done.returncode}"


def unsafe(words: Sequence[str]) -> bool:
    """Whether a word could end its line in a scheduler's file."""
    return any(character in word for word in words for character in "\n\r\0")
