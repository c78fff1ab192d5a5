"""`memos cron`: what each scheduler is given, that removing leaves nothing, and one run of a job.

The schedulers' programs are small scripts of the test's own that keep what they are told, since a
test must not touch this machine's timers; where the real ones can check a file, they do.
"""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memos_cli.cron.job import Jobs
from memos_cli.cron.run import LOG_BYTES, LOGS
from memos_cli.cron.run import run as run_job
from memos_cli.cron.schedule import Schedule, schedule
from memos_cli.errors import UsageError
from memos_cli.interfaces.cli.app import COMMANDS, app, build
from memos_cli.interfaces.cli.commands.cron import VALUED

CRONTAB = """#!/bin/sh
tab="{folder}/tab"
case "$1" in
-l) if [ -f "$tab" ]; then cat "$tab"; else echo "no crontab for me" >&2; exit 1; fi ;;
-r) rm "$tab" ;;
-) cat > "$tab" ;;
esac
"""
TOLD = """#!/bin/sh
echo "$@" >> "{folder}/{name}.told"
[ ! -f "{folder}/{name}.fails" ] || {{ echo "Failed: no bus" >&2; exit 1; }}
"""
MINE = "MAILTO=me\n0 5 * * * /usr/bin/backup 100\\%\n"


@dataclass
class Machine:
    """A home of its own, with the schedulers' programs on the path."""

    folder: Path
    tools: Path

    def memos(self, *words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["cron", *words])
        return result.exit_code, result.output

    def answer(self, *words: str) -> dict[str, object]:
        result = CliRunner().invoke(app, ["cron", words[0], "--json", *words[1:]])
        assert result.exit_code == 0, result.output
        found: dict[str, object] = json.loads(result.stdout)
        return found

    def told(self, name: str) -> list[str]:
        path = self.folder / f"{name}.told"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def tab(self) -> Path:
        return self.folder / "tab"

    def left(self) -> list[str]:
        """Files that are there, but for the programs and what they keep."""
        return sorted(
            str(p.relative_to(self.folder))
            for p in self.folder.rglob("*")
            if p.is_file() and self.tools not in p.parents and p.suffix != ".told" and p != self.tab
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("crontab", CRONTAB), ("systemctl", TOLD), ("launchctl", TOLD)):
        script = tools / name
        script.write_text(text.format(folder=tmp_path, name=name))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path / "home of memos"))
    monkeypatch.setenv("MEMOS_CUBE", str(tmp_path / "a 100% cube"))
    monkeypatch.chdir(tmp_path)
    return Machine(tmp_path, tools)


class TestSchedule:
    @pytest.mark.parametrize(
        ("every", "at", "crontab", "calendar"),
        [
            ("6h", None, "{m} */6 * * *", "*-*-* 00/6:{m:02}:00"),
            ("1h", None, "{m} * * * *", "*-*-* 00/1:{m:02}:00"),
            ("15m", None, "{f}-59/15 * * * *", "*-*-* *:{f:02}/15:00"),
            ("1d", None, "{m} 3 * * *", "*-*-* 03:{m:02}:00"),
            ("1 week", None, "{m} 3 * * 0", "Sun *-*-* 03:{m:02}:00"),
            (None, "3:05", "5 3 * * *", "*-*-* 03:05:00"),
            (None, None, "30 3 * * *", "*-*-* 03:30:00"),
        ],
    )
    def test_it_means_the_same_everywhere(
        self, every: str | None, at: str | None, crontab: str, calendar: str
    ) -> None:
        made = schedule(every, at, "memos-x")
        values = {"m": made.spread, "f": made.spread % 15}
        assert made.crontab() == crontab.format(**values)
        assert made.calendar() == calendar.format(**values)
        assert 0 <= made.spread < 60

    def test_launchd(self) -> None:
        assert Schedule(every="6h").launchd() == {"StartInterval": 21_600}
        assert Schedule(at="03:30").launchd() == {"StartCalendarInterval": {"Hour": 3, "Minute": 30}}
        weekly = Schedule(every="1w", spread=7).launchd()
        assert weekly == {"StartCalendarInterval": {"Hour": 3, "Minute": 7, "Weekday": 0}}

    @pytest.mark.parametrize(
        ("every", "at"),
        [("5h", None), ("0m", None), ("soon", None), (None, "24:00"), (None, "3"), ("6h", "3:30")],
    )
    def test_what_cannot_be_met_is_refused(self, every: str | None, at: str | None) -> None:
        with pytest.raises(UsageError):
            schedule(every, at, "memos-x")

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
    @pytest.mark.parametrize("every", ["1m", "30m", "1h", "12h", "1d", "1w"])
    def test_systemd_reads_it(self, every: str) -> None:
        command = ["systemd-analyze", "calendar", schedule(every, None, "memos-x").calendar()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


class TestCrontab:
    def test_a_block_comes_and_goes_and_the_rest_stays(self, machine: Machine) -> None:
        machine.tab.write_text(MINE)
        made = machine.answer("install", "--with", "crontab", "--every", "6h", "compact")
        text = machine.tab.read_text()
        assert text.startswith(MINE)
        (line,) = [one for one in text.splitlines() if "cron run" in one]
        assert sys.executable in line
        assert "MEMOS_HOME='" in line, "the environment that names the home is gone under cron"
        machine.memos("install", "--with", "crontab", "--at", "04:00", "compact")
        assert machine.tab.read_text().count("cron run") == 1, "installed again, it is replaced"
        assert "0 4 * * *" in machine.tab.read_text()
        machine.memos("remove", str(made["name"]))
        assert machine.tab.read_text() == MINE
        assert machine.left() == []

    def test_a_crontab_of_our_own_is_removed_whole(self, machine: Machine) -> None:
        machine.memos("install", "--with", "crontab", "compact")
        assert machine.tab.exists()
        machine.memos("remove", "--all")
        assert not machine.tab.exists()
        assert machine.left() == []

    def test_two_cubes_have_two_blocks(self, machine: Machine) -> None:
        for cube in ("./one", "./two"):
            machine.answer("install", "--with", "crontab", "-c", cube, "compact")
        assert machine.tab.read_text().count("# >>>") == 2
        first = machine.answer("list")["jobs"][0]  # type: ignore[index]
        assert first["installed"] is True
        machine.answer("remove", first["name"])
        assert machine.tab.read_text().count("# >>>") == 1

    def test_a_damaged_block_is_left_for_a_person(self, machine: Machine) -> None:
        made = machine.answer("install", "--with", "crontab", "compact")
        broken = "\n".join(line for line in machine.tab.read_text().splitlines() if "<<<" not in line)
        machine.tab.write_text(broken + "\n" + MINE)
        code, output = machine.memos("remove", str(made["name"]))
        assert code == 1
        assert "crontab -e" in output
        assert MINE in machine.tab.read_text()

    def test_cron_runs_the_line(self, machine: Machine) -> None:
        """The line as a shell sees it, with its per cent signs and quotes."""
        machine.memos("install", "--with", "crontab", "check")
        (line,) = [one for one in machine.tab.read_text().splitlines() if "cron run" in one]
        command = line.split(None, 5)[5].replace("\\%", "%").removesuffix(">/dev/null 2>&1")
        bare = {k: v for k, v in os.environ.items() if not k.startswith("MEMOS")}
        root = str(Path(__file__).resolve().parents[1])
        done = subprocess.run(command, shell=True, env=bare | {"PYTHONPATH": root}, check=False)
        assert done.returncode == 3, "there is no such cube, and the exit code says so"
        (job,) = machine.answer("list")["jobs"]  # type: ignore[misc]
        assert job["last_exit"] == 3
        assert "There is no cube" in Path(job["log"]).read_text()


class TestSystemd:
    def test_units_come_and_go(self, machine: Machine) -> None:
        made = machine.answer("install", "--every", "6h", "compact", "--quiet")
        assert made["scheduler"] == "systemd", "a user session answers, so it is taken"
        name = made["name"]
        service = (machine.folder / "config/systemd/user" / f"{name}.service").read_text()
        assert f'"{sys.executable}" "-m" "memos_cli" "cron" "run" "{name}"' in service
        assert "MEMOS_HOME=" in service
        assert "a 100%% cube" in service
        assert machine.told("systemctl")[-1] == f"--user enable --now {name}.timer"
        machine.answer("remove", str(name))
        assert f"--user disable --now {name}.timer" in machine.told("systemctl")
        assert machine.left() == []

    def test_a_refusal_leaves_no_job(self, machine: Machine) -> None:
        (machine.folder / "systemctl.fails").touch()
        code, output = machine.memos("install", "--with", "systemd", "compact")
        assert code == 1
        assert "no bus" in output
        assert machine.answer("list") == {"jobs": []}

    @pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
    @pytest.mark.parametrize(
        "words", [["--every", "15m", "check"], [], ["--at", "03:30", "maintain", "--time-budget", "10m"]]
    )
    def test_systemd_verifies_the_units(self, machine: Machine, tmp_path: Path, words: list[str]) -> None:
        made = machine.answer("install", "--with", "systemd", "--print", *words)
        paths = []
        for file in made["files"]:  # type: ignore[attr-defined]
            path = tmp_path / Path(file["path"]).name
            path.write_text(file["text"])
            paths.append(str(path))
        done = subprocess.run(
            ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False
        )
        ours = [line for line in done.stderr.splitlines() if "memos-" in line]
        assert not ours, done.stderr


@pytest.mark.parametrize("scheduler", ["systemd", "crontab", "launchd"])
def test_maintain_is_what_runs_unless_another_verb_is_named(machine: Machine, scheduler: str) -> None:
    made = machine.answer("install", "--with", scheduler, "--print")
    assert made["words"] == ["maintain"]
    verb = machine.answer("install", "--with", scheduler, "--print", "reorganize", "--time-budget", "5m")
    assert verb["words"] == ["reorganize", "--time-budget", "5m"]


def test_its_own_options_may_follow_the_verb(machine: Machine) -> None:
    shown = machine.answer("install", "reorganize", "--time-budget", "5m", "--print", "--with=crontab")
    assert (shown["words"], shown["installed"]) == (["reorganize", "--time-budget", "5m"], False)
    assert machine.left() == []
    assert not machine.tab.exists()
    made = machine.answer("install", "maintain", "--every", "6h", "--with", "crontab")
    assert (made["words"], made["schedule"]) == (["maintain"], "every 6h")
    daily = machine.answer("install", "--with", "crontab", "maintain", "--at=04:15")
    assert daily["schedule"] == "daily at 04:15"
    machine.answer("remove", "--all")


def test_no_verb_has_an_option_of_that_name() -> None:
    for name in COMMANDS:
        if name != "cron":
            command = build(name)
            for leaf in (command, *getattr(command, "commands", {}).values()):
                taken = {option for parameter in leaf.params for option in parameter.opts}
                assert taken.isdisjoint((*VALUED, "--print")), name


def test_launchd(machine: Machine) -> None:
    made = machine.answer("install", "--with", "launchd", "--at", "03:30", "compact")
    (path,) = (machine.folder / "Library/LaunchAgents").iterdir()
    plist = plistlib.loads(path.read_bytes())
    assert plist["ProgramArguments"] == [sys.executable, "-m", "memos_cli", "cron", "run", made["name"]]
    assert plist["StartCalendarInterval"] == {"Hour": 3, "Minute": 30}
    assert machine.told("launchctl") == [f"load -w {path}"]
    machine.answer("remove", "--all")
    assert machine.told("launchctl")[-1] == f"unload -w {path}"
    assert machine.left() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("install", "cron"), "runs by itself"),
        (("install", "nonsense"), "runs by itself"),
        (("install", "maintain", "--nonsense"), "No such option: --nonsense"),
        (("install", "maintain", "--max-llm-tokens", "many"), "--max-llm-tokens"),
        (("install", "search"), "QUERY"),
        (("install", "maintain", "more"), "unexpected extra argument"),
        (("install", "maintain", "--help"), "nothing to run"),
        (("install", "maintain", "--print", "--nonsense"), "No such option: --nonsense"),
        (("install", "maintain", "--every"), "--every needs a value"),
        (("install", "maintain", "--every", "--print"), "--every needs a value"),
        (("install", "maintain", "--every", "7h"), "period"),
        (("install", "--with", "at", "compact"), "no scheduler"),
        (("install", "--every", "7h", "compact"), "period"),
        (("remove",), "--all"),
        (("remove", "memos-nothing"), "cron list"),
        (("run", "../../etc/passwd"), "No job"),
    ],
)
def test_bad_words_get_one_sentence(machine: Machine, words: tuple[str, ...], says: str) -> None:
    code, output = machine.memos(*words)
    assert code in (2, 3), output
    assert says in output
    assert not machine.tab.exists()


def test_printing_changes_nothing(machine: Machine) -> None:
    for scheduler in ("systemd", "crontab", "launchd"):
        code, output = machine.memos("install", "--with", scheduler, "--print", "compact")
        assert code == 0
        assert "cron" in output
    assert machine.left() == []
    assert not machine.tab.exists()


class TestRun:
    @pytest.fixture
    def installed(self, machine: Machine) -> Callable[[str], tuple[Jobs, str]]:
        def made(code: str) -> tuple[Jobs, str]:
            """A job whose interpreter is a script that does `code`, so that a run can be watched."""
            script = machine.folder / "python"
            script.write_text(f"#!/bin/sh\n{code}\n")
            script.chmod(0o755)
            name = str(machine.answer("install", "--with", "crontab", "check")["name"])
            jobs = Jobs(machine.folder / "home of memos")
            import msgspec

            jobs.keep(msgspec.structs.replace(jobs.find(name), python=str(script)))
            return jobs, name

        return made

    def test_it_has_a_log_and_an_end(self, installed: Callable[[str], tuple[Jobs, str]]) -> None:
        jobs, name = installed('echo "said $*"; exit 6')
        assert run_job(jobs, jobs.find(name)) == 6
        log = jobs.log(name).read_text()
        assert "said -m memos_cli check -c" in log
        assert "ended with exit code 6" in log
        last = jobs.last(name)
        assert last is not None
        assert last.exit == 6

    def test_two_never_run_at_once(
        self, installed: Callable[[str], tuple[Jobs, str]], machine: Machine
    ) -> None:
        jobs, name = installed("echo ran; sleep 20")
        root = str(Path(__file__).resolve().parents[1])
        first = subprocess.Popen(
            [sys.executable, "-m", "memos_cli", "cron", "run", name], env=os.environ | {"PYTHONPATH": root}
        )
        try:
            until = time.monotonic() + 20
            while "ran" not in (jobs.log(name).read_text() if jobs.log(name).exists() else ""):
                assert time.monotonic() < until
                time.sleep(0.05)
            assert run_job(jobs, jobs.find(name)) == 0
        finally:
            first.kill()
            first.wait()
        log = jobs.log(name).read_text()
        assert log.count("ran\n") == 1
        assert "skipped: the run before is still at work" in log

    def test_logs_are_rotated(self, installed: Callable[[str], tuple[Jobs, str]]) -> None:
        jobs, name = installed("echo short")
        for _ in range(LOGS + 3):
            jobs.log(name).write_bytes(b"x" * LOG_BYTES)
            run_job(jobs, jobs.find(name))
        assert len(jobs.logs(name)) == LOGS + 1
        assert jobs.log(name).stat().st_size < 1_000

    def test_an_interpreter_that_is_gone(self, installed: Callable[[str], tuple[Jobs, str]]) -> None:
        jobs, name = installed("true")
        Path(jobs.find(name).python).unlink()
        assert run_job(jobs, jobs.find(name)) == 127
        assert "cannot be started" in jobs.log(name).read_text()

    def test_a_damaged_job_is_named(
        self, installed: Callable[[str], tuple[Jobs, str]], machine: Machine
    ) -> None:
        jobs, name = installed("true")
        (jobs.folder / f"{name}.job.json").write_text("{")
        code, output = machine.memos("list")
        assert code == 1
        assert name in output
