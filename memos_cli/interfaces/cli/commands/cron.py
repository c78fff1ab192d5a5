"""`memos cron install|list|remove|run`: verbs that run by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_cli.interfaces.cli.output import Fields, Plain, Table
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.cron.job import Job, Jobs

app = typer.Typer(
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Have a verb run by itself, at night or every few hours.

    A job is a systemd user timer, a block of the crontab or a launchd file. Each
    has a lock, so that it never overlaps itself, and its own log. `memos cron remove` leaves
    nothing behind.""",
)

_NOT_ALONE = ("cron", "help", "eval", "config", "init")
"""Verbs that make no sense without a person."""
VALUED = ("--every", "--at", "--with")
"""Options of `install` with a value; they and --print are options of no verb, so they may follow one."""


@app.command("install", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def install(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERB", help="The verb to run, with its own options."),
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="PERIOD", help="30m, 6h, 1d or 1w, among others.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Daily at this time, as 03:30, which it is when left out."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--with", metavar="NAME", help="systemd, crontab or launchd; else what is there."),
    ] = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Show what would be installed, and change nothing.")
    ] = False,
) -> None:
    """Install a job; `maintain` where no verb is named. The same verb on the same cube is replaced.

    --every, --at, --with and --print may stand after the verb as well. The verb's own options are read
    now: what it would refuse is not installed.
    """
    from memos_cli.cron import schedulers
    from memos_cli.cron.job import Jobs

    shell = shell_of(ctx)
    job_words, said = _apart(words or [])
    only_print = only_print or "--print" in said
    chosen = schedulers.choose(said.get("--with", scheduler), to_show=only_print)
    when = (said.get("--every", every), said.get("--at", at))
    job = _job(shell, job_words or ["maintain"], *when, chosen.name)
    files = chosen.files(job)
    document: dict[str, Any] = {
        "name": job.name,
        "scheduler": chosen.name,
        "schedule": job.schedule.words,
        "cube": job.cube,
        "words": list(job.words),
        "files": [{"path": _shown(path), "text": text} for path, text in files.items()],
        "installed": not only_print,
        "log": None,
        "notes": [],
    }
    if only_print:
        parts = [f"# {_shown(path) or 'crontab'}\n{text}" for path, text in files.items()]
        shell.out.emit(document, Plain("\n".join(parts)))
        return
    jobs = Jobs(shell.settings.home)
    jobs.keep(job)
    try:
        notes = chosen.install(job)
    except BaseException:
        jobs.drop(job.name)
        raise
    notes = (*notes, *_of_keys(shell))
    document |= {"log": str(jobs.log(job.name)), "notes": list(notes)}
    shell.out.emit(
        document,
        Fields(
            [
                ("name", job.name),
                ("runs", f"memos {' '.join(job.words)}, {job.schedule.words}"),
                ("cube", job.cube),
                ("with", chosen.name),
                ("log", str(jobs.log(job.name))),
            ]
        ),
    )
    shell.out.notes(notes)


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """Show the jobs of this machine, and how each ran last."""
    from memos_cli.cron.job import Jobs

    shell = shell_of(ctx)
    jobs = Jobs(shell.settings.home)
    documents = [_document(jobs, job) for job in jobs]
    shell.out.emit(
        {"jobs": documents},
        Table(
            ("name", "verb", "cube", "schedule", "with", "last run", "exit"),
            [
                (
                    one["name"],
                    " ".join(one["words"]),
                    one["cube"],
                    one["schedule"],
                    one["scheduler"] if one["installed"] else f"{one['scheduler']}: gone",
                    one["last_started"],
                    one["last_exit"],
                )
                for one in documents
            ],
            wide="cube",
            empty="No job is installed; make one with `memos cron install`.",
        ),
    )


@app.command("remove")
def remove(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Jobs, as `memos cron list` calls them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every job of this machine.")] = False,
) -> None:
    """Remove jobs with all their files, logs included."""
    from memos_cli.cron import schedulers
    from memos_cli.cron.job import Jobs
    from memos_cli.errors import UsageError

    shell = shell_of(ctx)
    if bool(names) == everything:
        raise UsageError(detail="Name the jobs to remove, or give --all.", hint="See `memos cron list`.")
    jobs = Jobs(shell.settings.home)
    chosen = list(jobs) if everything else [jobs.find(name) for name in names or ()]
    for job in chosen:
        schedulers.choose(job.scheduler).remove(job)
        jobs.drop(job.name)
    removed = [job.name for job in chosen]
    shell.out.emit({"removed": removed}, Table(("removed",), [(name,) for name in removed]))


@app.command("run")
def run(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Run a job now, as the scheduler does: alone, with its log."""
    from memos_cli.cron.job import Jobs
    from memos_cli.cron.run import run as run_job

    jobs = Jobs(shell_of(ctx).settings.home)
    raise typer.Exit(run_job(jobs, jobs.find(name)))


def _apart(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words of the job, and the options of `install` itself that stand among them, which no verb has.

    Raises:
        UsageError: one of them has no value.
    """
    from memos_cli.errors import UsageError

    kept: list[str] = []
    said: dict[str, str] = {}
    left = iter(words)
    for word in left:
        if word == "--":
            kept += [word, *left]
            break
        name, given, value = word.partition("=")
        if word == "--print":
            said[word] = ""
        elif name not in VALUED:
            kept.append(word)
        elif (not given and (value := next(left, "")).startswith("-")) or not value:
            raise UsageError(detail=f"{name} needs a value.", hint="See `memos cron install --help`.")
        else:
            said[name] = value
    return kept, said


def _job(shell: Shell, words: list[str], every: str | None, at: str | None, scheduler: str) -> Job:
    import sys

    from memos_cli.cron.job import Job, name_of
    from memos_cli.cron.schedule import schedule
    from memos_cli.cron.schedulers import unsafe
    from memos_cli.errors import UsageError
    from memos_cli.interfaces.cli.app import COMMANDS

    verb = words[0]
    if verb not in COMMANDS or verb in _NOT_ALONE:
        known = ", ".join(name for name in COMMANDS if name not in _NOT_ALONE)
        raise UsageError(detail=f"{verb!r} is no verb that runs by itself.", hint=f"Known: {known}.")
    _check(words)
    path = shell.ref.path
    name = name_of(words, path)
    home = str(shell.settings.home) if "environment" in shell.settings.origin("home") else None
    cwd = str(Path.cwd())
    if unsafe([*words, str(path), cwd, sys.executable, home or ""]):
        raise UsageError(detail="A job's words and paths must stand on one line.")
    return Job(
        name=name,
        words=tuple(words),
        cube=str(path),
        python=sys.executable,
        cwd=cwd,
        schedule=schedule(every, at, name),
        scheduler=scheduler,
        home=home,
    )


def _check(words: list[str]) -> None:
    """Read the words as `memos` itself will, every time; raises UsageError for what it would refuse."""
    from memos_cli.errors import UsageError
    from memos_cli.interfaces.cli.app import PROGRAM, CommandLineError, build

    line, options = f"{PROGRAM} {words[0]}", words[1:]
    hint = f"See `{line} --help`."
    if not {"-h", "--help"}.isdisjoint(options):
        raise UsageError(detail=f"`{line} --help` is nothing to run by itself.", hint=hint)
    try:
        # Options are kept in the shell as they are read: they get one of their own.
        build(words[0]).make_context(line, list(options), obj=Shell())
    except CommandLineError as error:
        told = getattr(error, "format_message", error.__str__)().rstrip(".")
        raise UsageError(detail=f"`{PROGRAM} {' '.join(words)}` cannot run: {told}.", hint=hint) from error


def _document(jobs: Jobs, job: Job) -> dict[str, Any]:
    from memos_cli.cron import schedulers
    from memos_cli.interfaces.cli.documents import stamp

    last = jobs.last(job.name)
    return {
        "name": job.name,
        "words": list(job.words),
        "cube": job.cube,
        "schedule": job.schedule.words,
        "scheduler": job.scheduler,
        "installed": schedulers.choose(job.scheduler).holds(job),
        "last_started": stamp(last.started) if last else None,
        "last_ended": stamp(last.ended) if last else None,
        "last_exit": last.exit if last else None,
        "log": str(jobs.log(job.name)),
    }


def _of_keys(shell: Shell) -> list[str]:
    """Settings that only this terminal's environment has, and the job will not."""
    from memos_cli.settings import SETTINGS

    own = [
        setting.name
        for setting in SETTINGS
        if setting.in_file
        and setting.name != "cube"
        and shell.settings.origin(setting.name).startswith("environment")
    ]
    if not own:
        return []
    return [
        f"The job does not see this terminal's environment: set {', '.join(own)} with `memos config set`."
    ]


def _shown(path: Path) -> str:
    return "" if path == Path() else str(path)
