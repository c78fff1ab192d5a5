"""`memos maintain`: its parts, its budget, its locks, and a month of nights; a reorganize within a time limit."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import OpenCube, add_texts
from llm_server import REFUSED, Script
from typer.testing import CliRunner

from memos_cli.cube.lock import WriteLock
from memos_cli.errors import AtWork
from memos_cli.interfaces.cli.app import app
from memos_cli.operations import portions
from memos_cli.operations.add import add
from memos_cli.operations.browse import list_memories, log
from memos_cli.operations.edit import undo
from memos_cli.operations.maintain import check
from memos_cli.operations.outline import outlines
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.upkeep import KINDS, MaintainResult, Part, State, maintain
from memos_cli.operations.waiting import count_waiting
from memos_cli.schema import Draft, Filters, Reading
from memos_cli.session import Session

FACTS = [
    line
    for line in (Path(__file__).parent / "data" / "topics" / "facts.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("# ")
]


def parts(result: MaintainResult) -> dict[str, Part]:
    return {part.name: part for part in result.parts}


def states(result: MaintainResult) -> dict[str, str]:
    return {part.name: str(part.state) for part in result.parts}


def placed(session: Session) -> int:
    found = outlines(session.cube, vectors=False).values()
    return sum(id in one.facts for one in found for id in one.above)


@pytest.fixture
def facts(open_cube: OpenCube) -> Session:
    session = open_cube("tree_text", embedder="static", judge=False)
    add_texts(session, *FACTS)
    return session


# -- a reorganize within a time limit


def test_it_stops_in_time_and_the_next_run_goes_on(facts: Session) -> None:
    first = reorganize(facts, time_budget=0.0)
    assert first.left == len(FACTS) - portions.SMALLEST
    assert f"{first.left} memories are left" in " ".join(first.notes)
    assert 0 < placed(facts) <= portions.SMALLEST
    assert check(facts).ok
    second = reorganize(facts, time_budget=0.0)
    assert (second.left, second.notes) == (0, ())
    assert placed(facts) >= 0.97 * len(FACTS)
    assert reorganize(facts, time_budget=0.0).change is None, "there is nothing left to do"


def test_several_portions_are_one_change(facts: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "LARGEST", 100)
    result = reorganize(facts, time_budget=300.0)
    assert result.left == 0
    assert result.counts["memories"] == len(FACTS)
    assert placed(facts) >= 0.97 * len(FACTS)
    assert {entry.verb: entry.id for entry in log(facts).changes}["reorganize"] == result.change
    assert sum(entry.verb == "reorganize" for entry in log(facts).changes) == 1
    undo(facts, result.change)
    assert placed(facts) == 0
    assert check(facts).ok


def test_what_fits_nowhere_keeps_nobody_waiting() -> None:
    """Under a limit the portion begins elsewhere in each run, with users and with memories."""
    from memos_cli.cube.columns import Columns
    from memos_cli.operations.outline import Outline
    from memos_cli.schema import MemoryItem
    from memos_cli.stores.rows import table_schema, to_arrow

    made = [MemoryItem(memory=str(n)) for n in range(1000)]
    items = Columns(to_arrow(made, range(1000), 1, {}, table_schema(), None))
    seen: set[str] = set()
    first_users = set()
    for revision in range(0, 2000, 50):
        run = portions.Portions(deadline=0.0, start=revision)
        run.begin()
        order = run.order({"a": Outline(), "b": Outline(), None: Outline(facts=items)})
        first_users.add(order[0][0])
        taken = run.of(Outline(facts=items)).facts
        assert (len(taken), run.left) == (portions.SMALLEST, 1000 - portions.SMALLEST)
        seen |= set(taken)
    assert seen == set(items)
    assert first_users == {"a", "b", None}


def test_a_plan_under_a_limit_is_its_first_portion(facts: Session, tmp_path: Path) -> None:
    from memos_cli.operations.reorganize import apply

    plan = reorganize(facts, save_to=tmp_path / "plan.json", time_budget=0.0)
    assert plan.left == len(FACTS) - portions.SMALLEST
    assert placed(facts) == 0
    assert apply(facts, tmp_path / "plan.json").change
    assert placed(facts) <= portions.SMALLEST


# -- the parts


def test_every_part_says_what_it_did(facts: Session) -> None:
    add(facts, [Draft(memory="Ana said that the gate is green.")], reading=Reading.AUTO)
    result = maintain(facts)
    assert result.ok
    assert states(result) == {
        "refine": "skipped" if count_waiting(facts) else "nothing to do",
        "reorganize": "done",
        "balance": "nothing to do",
        "compact": states(result)["compact"],
        "check": "done",
    }
    assert parts(result)["reorganize"].change
    revision = facts.cube.revision
    again = maintain(facts)
    assert states(again) | {"refine": ""} == {
        "refine": "",
        "reorganize": "nothing to do",
        "balance": "nothing to do",
        "compact": "nothing to do",
        "check": "done",
    }
    assert facts.cube.revision == revision, "a second run has nothing to do"


def waiting(session: Session) -> None:
    assert add(session, [Draft(memory=text) for text in FACTS[:12]], reading=Reading.AUTO).queued == 12


def test_what_waits_waits_for_a_model(llm_server: Script, open_cube: OpenCube) -> None:
    waiting(open_cube(**llm_server.settings))
    refine = parts(maintain(open_cube()))["refine"]
    assert (refine.state, count_waiting(open_cube())) == (State.SKIPPED, 12)
    assert "12 memories wait for a language model" in refine.said
    assert "memos help llm" in refine.said


def test_with_a_model_it_is_refined(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings)
    waiting(session)
    llm_server.otherwise = lambda request: {"facts": [], "insights": [], "name": "A", "summary": "B."}
    result = maintain(session, with_reflect=True)
    assert states(result)["refine"] == states(result)["reflect"] == "done"
    assert parts(result)["refine"].counts == {"refined": 12, "facts": 0, "waiting": 0}
    assert result.tokens > 0


def test_a_part_that_fails_keeps_no_other_from_its_work(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings)
    waiting(session)
    llm_server.otherwise = lambda request: REFUSED
    result = maintain(session)
    assert not result.ok
    assert states(result) | {"compact": ""} == {
        "refine": "failed", "reorganize": "done", "balance": "nothing to do", "compact": "", "check": "done",
    }  # fmt: skip
    error = parts(result)["refine"].error
    assert error is not None
    assert error.code == "llm_refused"
    assert count_waiting(session) == 12


def test_a_model_that_is_not_there(llm_server: Script, open_cube: OpenCube) -> None:
    waiting(open_cube(**llm_server.settings))
    session = open_cube(llm="no such model")
    result = maintain(session, with_reflect=True)
    assert states(result)["reorganize"] == "done", "the tree is told by terms"
    assert (states(result)["refine"], states(result)["reflect"]) == ("failed", "failed")
    assert not result.only_busy


def test_a_budget_of_tokens_is_no_failure(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings, max_llm_tokens=10)
    waiting(session)
    result = maintain(session, with_reflect=True)
    assert result.ok
    assert (result.tokens, llm_server.requests, count_waiting(session)) == (0, [], 12)
    assert any("budget" in note for note in parts(result)["refine"].notes)


def test_when_the_time_is_up_the_rest_is_left(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings)
    waiting(session)
    result = maintain(session, time_budget=0.0)
    assert states(result) == {
        "refine": "skipped", "reorganize": "skipped", "balance": "skipped", "compact": "skipped", "check": "done",
    }  # fmt: skip
    assert llm_server.requests == []


def test_a_full_tier_is_balanced(open_cube: OpenCube) -> None:
    session = open_cube(capacity_long_term=0)
    add_texts(session, *FACTS[:9])
    full = open_cube(capacity_long_term=5)
    planned = parts(maintain(full, dry_run=True))["balance"]
    assert (planned.state, planned.counts) == (State.PLANNED, {"promoted": 0, "archived": 4})
    done = parts(maintain(full))["balance"]
    assert (done.state, done.counts) == (State.DONE, {"promoted": 0, "archived": 4})
    assert len(list_memories(full, Filters()).items) == 5


def test_a_slow_model_leaves_time_for_the_others(
    llm_server: Script, open_cube: OpenCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first answers half an hour has gone by, as the part sees it: its share of the time."""
    session = open_cube(**llm_server.settings, llm_parallel=1)
    waiting(session)

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + (1800 if llm_server.requests else 0)

    monkeypatch.setattr("memos_cli.operations.refine.time", Clock)
    llm_server.otherwise = lambda request: {"facts": [], "name": "A", "summary": "B."}
    result = maintain(session, time_budget=3600.0)
    assert count_waiting(session) == 10, "two were asked about at once"
    assert "the time was up" in " ".join(parts(result)["refine"].notes)
    assert states(result)["reorganize"] == "done"


def test_a_dry_run_asks_and_changes_nothing(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings)
    waiting(session)
    revision = session.cube.revision
    result = maintain(session, dry_run=True, with_reflect=True)
    assert {name: state for name, state in states(result).items() if "would" in state} == {
        "refine": "would be done", "reorganize": "would be done", "reflect": "would be done",
    }  # fmt: skip
    assert (session.cube.revision, llm_server.requests) == (revision, [])
    assert all(part.change is None for part in result.parts)


# -- locks


def test_two_at_once_exclude_each_other(facts: Session) -> None:
    with WriteLock(facts.cube.layout.maintaining).hold("maintain"), pytest.raises(AtWork) as caught:
        maintain(facts)
    assert "`memos maintain` is at work on this cube already" in caught.value.message


@pytest.fixture
def writer(facts: Session) -> Iterator[None]:
    """Somebody who writes all the time."""
    with WriteLock(facts.cube.layout.lock).hold("add"):
        yield


@pytest.mark.usefixtures("writer")
def test_while_somebody_writes_it_says_busy(facts: Session, environment: dict[str, str]) -> None:
    runner = CliRunner(env=environment | {"MEMOS_LOCK_TIMEOUT": "0.1", "MEMOS_EMBEDDER": "static"})
    done = runner.invoke(app, ["maintain", "--json"])
    assert done.exit_code == 5, done.output
    document = json.loads(done.stdout)
    errors = {part["name"]: (part["error"] or {}).get("code") for part in document["parts"]}
    assert (errors["reorganize"], document["ok"]) == ("busy", False)
    assert next(part["state"] for part in document["parts"] if part["name"] == "check") == "done"


# -- the command


def test_the_command(facts: Session, environment: dict[str, str]) -> None:
    runner = CliRunner(env=environment | {"MEMOS_EMBEDDER": "static"})
    done = runner.invoke(app, ["maintain", "--time-budget", "10m"])
    assert done.exit_code == 0, done.output
    for kind in KINDS:
        assert (kind.name in done.output) is not kind.asked_for
    for wrong in (["--time-budget", "-1"], ["--time-budget", "ten"], ["--time-budget", ""]):
        assert runner.invoke(app, ["maintain", *wrong]).exit_code == 2
    held = WriteLock(facts.cube.layout.maintaining)
    with held.hold("maintain"):
        assert runner.invoke(app, ["maintain"]).exit_code == 5


def test_damage_is_told(facts: Session, environment: dict[str, str]) -> None:
    maintain(facts)
    for file in facts.cube.layout.table.rglob("*.lance"):
        file.write_bytes(file.read_bytes()[:-100])
    quick = check(facts, quick=True)
    assert [problem.store for problem in quick.problems] == ["table"]
    result = maintain(facts)
    assert states(result)["check"] == "failed"
    done = CliRunner(env=environment | {"MEMOS_EMBEDDER": "static"}).invoke(app, ["maintain"])
    assert done.exit_code == 1


def test_the_quick_check_counts(facts: Session) -> None:
    assert check(facts, quick=True).ok
    facts.cube.keywords.rebuild([], facts.cube.revision)
    quick = check(facts, quick=True)
    assert [(problem.store, problem.what) for problem in quick.problems] == [
        ("keywords", f"it holds 0 rows, and the table {len(FACTS)}")
    ]


# -- a month


@pytest.mark.parametrize(
    "a_day", [20, pytest.param(400, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])], ids=str
)
def test_a_month_of_nights(open_cube: OpenCube, a_day: int) -> None:
    """Every night a growing cube is maintained: it stays whole, and the work goes with what came."""
    session = open_cube("tree_text", embedder="static")
    chance = random.Random(7)
    touched, rewritten = list[int](), list[int]()
    for day in range(30):
        at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
        new = [f"{chance.choice(FACTS)} ({at:%d %B}, note {place})" for place in range(a_day)]
        assert len(add(session, [Draft(memory=text, said_at=at) for text in new]).added) == a_day
        result = maintain(session)
        assert result.ok, result
        found = parts(result)
        entry = next((e for e in log(session, limit=2).changes if e.id == found["reorganize"].change), None)
        touched.append(entry.opened if entry else 0)
        rows = found["check"].counts["keywords"]
        rewritten.append(rows if found["compact"].state is State.DONE else 0)
    assert check(session).ok
    assert placed(session) >= 0.97 * 30 * a_day
    # Versions written: the new memories' own places, and the nodes above them.
    assert sum(touched) <= 2 * 30 * a_day, touched
    assert sum(touched[15:]) <= 1.4 * sum(touched[:15]), touched
    # Compacting rewrites what is there, but seldom: a fixed multiple of what was written in all.
    assert sum(rewritten) <= 11 * rows, rewritten
    revision = session.cube.revision
    assert maintain(session).ok
    assert session.cube.revision == revision
