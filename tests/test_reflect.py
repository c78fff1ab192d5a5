"""`memos reflect`: insights with evidence, and nothing lost whatever the model does.

The model is the scripted server, a real one over HTTP, with what a script says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenCube, add_texts, found_by
from llm_server import FILTERED, NOT_JSON, REFUSED, Answer, Request, Script, complaint
from typer.testing import CliRunner

from memos_cli.cube import reflected
from memos_cli.cube.lock import WriteLock
from memos_cli.errors import AtWork, NoLLM
from memos_cli.interfaces.cli.app import app
from memos_cli.operations.add import add
from memos_cli.operations.browse import get, list_memories
from memos_cli.operations.edit import archive, purge, unarchive, undo, update
from memos_cli.operations.insights import evidence_of, insights
from memos_cli.operations.maintain import check
from memos_cli.operations.reflect import ReflectResult, recent, reflect
from memos_cli.operations.reorganize import reorganize
from memos_cli.schema import Draft, Filters, Kind, MemoryItem, Origin, Status, Visibility, now
from memos_cli.session import Session

DAYS = [
    "Mira slept badly on Monday after coffee in the evening.",
    "Mira slept badly on Thursday and had drunk coffee after dinner.",
    "Mira drank no coffee on Sunday and slept well.",
    "Jonas repaired the bicycle in the yard.",
]
COFFEE = "Coffee in the evening keeps Mira from sleeping well."


def insight(text: str, *places: object, **more: Any) -> dict[str, Any]:
    return {"text": text, "lines": list(places), "key": "", "tags": [], "confidence": 70} | more


def answer(*found: dict[str, Any]) -> dict[str, Any]:
    return {"insights": list(found)}


def citing(text: str, *memories: str, **more: Any) -> Callable[[Request], dict[str, Any]]:
    """An answer that cites memories by the numbers under which the request shows them."""

    def said(request: Request) -> dict[str, Any]:
        shown = request["messages"][-1]["content"]
        numbers = {m[2]: int(m[1]) for m in re.finditer(r"^\[(\d+)\] (.*)$", shown, re.M)}
        places = [next(n for line, n in numbers.items() if line.endswith(memory)) for memory in memories]
        return answer(insight(text, *places, **more))

    return said


@pytest.fixture
def model(llm_server: Script, open_cube: OpenCube) -> Session:
    """A session on an empty cube with the scripted model."""
    return open_cube("general_text", **llm_server.settings)


@pytest.fixture
def days(model: Session) -> list[str]:
    return add_texts(model, *DAYS)


def drawn(llm_server: Script, model: Session, *memories: str, text: str = COFFEE, **more: Any) -> MemoryItem:
    """The insight that a run draws from these memories."""
    llm_server.answers = [citing(text, *memories, **more)]
    result = reflect(model, since=now() - timedelta(days=1))
    assert len(result.insights) == 1, result
    return get(model, result.insights[0].id)


def nothing_changed(session: Session, result: ReflectResult) -> None:
    assert (result.change, result.insights) == (None, ())
    assert insights(session) == []
    assert {item.memory for item in list_memories(session, Filters()).items} == set(DAYS)


# -- drawing


def test_an_insight_stands_beside_its_evidence(llm_server: Script, model: Session, days: list[str]) -> None:
    llm_server.answers = [
        citing(COFFEE, *DAYS[:3], key="Coffee and sleep", tags=["sleep", "trip to Paris"], confidence=99)
    ]
    result = reflect(model)
    assert (result.read, result.left, result.known, result.dropped, result.failed) == (4, 0, 0, (), ())
    [one] = result.insights
    assert one.evidence == tuple(days[:3])
    item = get(model, one.id)
    assert (item.memory, item.kind, item.origin, item.confidence) == (
        COFFEE,
        Kind.INSIGHT,
        Origin.INFERRED,
        80,
    )
    assert (item.key, item.tags) == ("Coffee and sleep", ("sleep",)), "a name that is nowhere is no tag"
    assert (item.change, item.verb, item.info) == (result.change, "reflect", {"model": "openai:m"})
    assert COFFEE in found_by(model, "why does Mira sleep badly?")
    [request] = llm_server.requests
    assert "[1] Mira slept badly on Monday" in request["messages"][-1]["content"]
    assert request["response_format"]["type"] == "json_schema"
    undo(model, result.change)
    assert COFFEE not in found_by(model, "why does Mira sleep badly?")
    assert check(model).ok


def test_only_what_is_new_is_read_again(llm_server: Script, model: Session, days: list[str]) -> None:
    llm_server.otherwise = lambda request: answer()
    assert reflect(model).read == 4
    again = reflect(model)
    assert (again.read, again.notes) == (0, ("nothing new has come since the last time",))
    add_texts(model, "Mira drank coffee in the evening of Friday.")
    assert reflect(model).read == 1
    shown = llm_server.said()
    assert "<lines>\n" in shown
    assert shown.index("<earlier>") < shown.index(DAYS[0]) < shown.index("evening of Friday")
    assert reflect(model, since=now() - timedelta(days=1)).read == 5, "asked for, it is read again"


def test_nothing_is_concluded_across_users(llm_server: Script, model: Session) -> None:
    add(model, [Draft(memory=text, user_id="a") for text in DAYS[:2]])
    add(model, [Draft(memory=text, user_id="b") for text in DAYS[2:]])
    add(model, [Draft(memory="Only for this talk.", user_id="a", visibility=Visibility.SESSION)])
    llm_server.otherwise = lambda request: answer(insight(COFFEE, 1, 2))
    result = reflect(model)
    shown = [request["messages"][-1]["content"] for request in llm_server.requests]
    assert sorted(DAYS[0] in text for text in shown) == [False, True]
    assert not any((DAYS[0] in text) and (DAYS[2] in text) for text in shown)
    assert not any("Only for this talk" in text for text in shown)
    owners = {one.memory: get(model, one.id).user_id for one in result.insights}
    assert owners[COFFEE] in ("a", "b")
    assert {get(model, id).user_id for one in result.insights for id in one.evidence} <= {"a", "b"}
    assert all(
        {get(model, id).user_id for id in one.evidence} == {get(model, one.id).user_id}
        for one in result.insights
    )


def test_a_chinese_cube_is_asked_in_chinese(llm_server: Script, model: Session) -> None:
    texts = ["小林周一晚上喝了咖啡，没有睡好。", "小林周四晚饭后喝了咖啡，又没有睡好。"]
    add_texts(model, *texts)
    llm_server.answers = [citing("小林晚上喝咖啡就睡不好。", *texts)]
    result = reflect(model)
    assert [one.memory for one in result.insights] == ["小林晚上喝咖啡就睡不好。"]
    assert "每条洞察" in llm_server.said()


BAD = {
    "unknown": (insight(COFFEE, 1, 2, 99), "it rests on a memory that was not shown"),
    "no number": (insight(COFFEE, 1, "the second"), "it rests on a memory that was not shown"),
    "one": (insight(COFFEE, 1), "it rests on fewer than two memories"),
    "one twice": (insight(COFFEE, 1, 1), "it rests on fewer than two memories"),
    "none": (insight(COFFEE), "it rests on fewer than two memories"),
    "name": (insight("Coffee keeps Mira and Heinrich from sleeping.", 1, 2), "a name that was not told"),
    "number": (insight("Mira slept badly after 17 cups of coffee.", 1, 2), "a number that was not told"),
    "date": (insight("Mira slept badly after coffee on 3 May 2019.", 1, 2), "a date that was not told"),
    "repeats": (insight(DAYS[0], 1, 2), "it repeats a memory"),
    "unrelated": (insight("Whales sing in deep oceans.", 1, 2), "nothing of it was told"),
    "long": (insight("Mira slept. " * 80, 1, 2), "it is too long"),
    "empty": (insight(" ", 1, 2), "it says nothing"),
    "surrogate": (insight("Mira slept \ud800 badly.", 1, 2), "it cannot be stored"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_borne_out_is_dropped_and_named(
    llm_server: Script, model: Session, days: list[str], name: str
) -> None:
    bad, reason = BAD[name]
    llm_server.answers = [answer(bad)]
    result = reflect(model)
    assert [one.reason for one in result.dropped] == [reason]
    json.dumps([one.text for one in result.dropped]).encode()
    nothing_changed(model, result)


def test_the_surest_are_kept(llm_server: Script, model: Session, days: list[str]) -> None:
    other = "Mira sleeps well without coffee."
    llm_server.answers = [
        answer(insight(other, 2, 3, confidence=40), insight(COFFEE, 1, 2), insight(COFFEE, 1, 3))
    ]
    result = reflect(model, most=1)
    assert [one.memory for one in result.insights] == [COFFEE]
    assert [one.reason for one in result.dropped] == [
        "it is there twice",
        "others are surer (--max-insights)",
    ]


FAILURES = {
    "no JSON": (NOT_JSON, "llm_failed"),
    "words": (Answer("I would rather not."), "llm_unusable"),
    "other form": (Answer({"facts": []}), "llm_unusable"),
    "refused": (REFUSED, "llm_refused"),
    "filtered": (FILTERED, "llm_refused"),
    "error": (complaint("no", 400), "llm_failed"),
    "slow": (Answer(answer(), wait=1.0), "llm_failed"),
    "cut": (Answer(answer(insight(COFFEE, 1, 2)), cut=30), "llm_failed"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_whatever_the_model_does_nothing_is_lost(
    llm_server: Script, model: Session, days: list[str], open_cube: OpenCube, name: str
) -> None:
    said, code = FAILURES[name]
    llm_server.otherwise = lambda request: said
    impatient = {"llm_timeout": 0.2} if name == "slow" else {}
    session = open_cube(**(llm_server.settings | impatient))
    result = reflect(session)
    assert [(one.memories, one.error.code) for one in result.failed] == [(4, code)]
    assert (result.read, result.left) == (0, 4)
    nothing_changed(session, result)
    llm_server.otherwise = lambda request: answer(insight(COFFEE, 1, 2))
    assert len(reflect(model).insights) == 1, "the next run reads them again"


def test_a_budget_and_a_time_limit_leave_the_rest(
    llm_server: Script, model: Session, days: list[str], open_cube: OpenCube
) -> None:
    poor = open_cube(**llm_server.settings, max_llm_tokens=10)
    result = reflect(poor)
    assert [one.error.code for one in result.failed] == ["llm_budget_spent"]
    assert (result.left, llm_server.requests) == (4, [])
    late = reflect(model, deadline=0.0)
    assert (late.read, late.left, late.failed, llm_server.requests) == (0, 4, (), [])
    assert "the time was up" in late.notes[0]
    nothing_changed(model, late)


def test_without_a_model_it_says_so(session: Session) -> None:
    with pytest.raises(NoLLM) as caught:
        reflect(session)
    assert "memos config set llm" in caught.value.next_step
    done = CliRunner().invoke(app, ["reflect", "-c", str(session.cube.root)])
    assert done.exit_code == 2
    assert "needs a language model" in done.output


def test_two_at_once_exclude_each_other(model: Session, days: list[str]) -> None:
    with WriteLock(model.cube.layout.reflecting).hold("reflect"), pytest.raises(AtWork):
        reflect(model)


def test_a_dry_run_asks_and_stores_nothing(llm_server: Script, model: Session, days: list[str]) -> None:
    llm_server.otherwise = lambda request: answer(insight(COFFEE, 1, 2))
    result = reflect(model, dry_run=True)
    assert [one.memory for one in result.insights] == [COFFEE]
    assert (result.change, insights(model), reflected.read(model.cube.layout)) == (None, [], None)


# -- what is known


def test_it_is_not_repeated(llm_server: Script, model: Session, days: list[str]) -> None:
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    llm_server.answers = [citing(f"{COFFEE} ", DAYS[1], DAYS[2])]
    again = reflect(model, since=now() - timedelta(days=1))
    assert (again.insights, again.known) == ((), 1)
    assert COFFEE in llm_server.said(), "the model is told what is known"
    assert evidence_of(get(model, one.id)) == tuple(days[:3]), "it rests on one more memory now"
    revision = model.cube.revision
    llm_server.answers = [citing(COFFEE, DAYS[1], DAYS[2])]
    assert reflect(model, since=now() - timedelta(days=1)).change is None
    assert model.cube.revision == revision


def test_the_same_in_other_words_is_known(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(embedder="static", **llm_server.settings)
    add_texts(session, *DAYS)
    drawn(llm_server, session, DAYS[0], DAYS[1])
    llm_server.answers = [citing("Evening coffee keeps Mira from sleeping well.", DAYS[0], DAYS[1])]
    again = reflect(session, since=now() - timedelta(days=1))
    assert (again.insights, again.known) == ((), 1)


def test_one_that_somebody_archived_stays_away(llm_server: Script, model: Session, days: list[str]) -> None:
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    archive(model, [one.id])
    llm_server.answers = [citing(COFFEE, DAYS[0], DAYS[2])]
    result = reflect(model, since=now() - timedelta(days=1))
    assert (result.insights, result.known, result.change) == ((), 1, None)
    assert get(model, one.id).status is Status.ARCHIVED


def test_one_that_lost_its_evidence_comes_back_with_other(
    llm_server: Script, model: Session, days: list[str]
) -> None:
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    archive(model, [days[0]])
    llm_server.answers = [citing(COFFEE, DAYS[1], DAYS[2])]
    assert reflect(model, since=now() - timedelta(days=1)).known == 1
    back = get(model, one.id)
    assert (back.status, evidence_of(back)) == (Status.ACTIVATED, (days[1], days[2]))


# -- gone with its evidence


def test_it_goes_and_comes_with_its_evidence(llm_server: Script, model: Session, days: list[str]) -> None:
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    done = archive(model, [days[0]])
    assert done.notes == ("1 memory drawn from it went with it.",)
    assert get(model, one.id).status is Status.ARCHIVED
    assert COFFEE not in found_by(model, "coffee in the evening")
    unarchive(model, [days[0]])
    assert get(model, one.id).status is Status.ACTIVATED
    undo(model, archive(model, [days[1]]).change)
    assert get(model, one.id).status is Status.ACTIVATED
    assert check(model).ok


def test_of_three_memories_one_may_go(llm_server: Script, model: Session, days: list[str]) -> None:
    one = drawn(llm_server, model, *DAYS[:3])
    assert archive(model, [days[0]]).notes == ()
    left = get(model, one.id)
    assert (left.status, left.stale, evidence_of(left)) == (Status.ACTIVATED, True, tuple(days[1:3]))
    update(model, days[1], "Mira slept well on Thursday.")
    assert get(model, one.id).status is Status.ARCHIVED


def test_undoing_the_add_takes_it_along(llm_server: Script, model: Session) -> None:
    done = add(model, [Draft(memory=text) for text in DAYS])
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    undo(model, done.change)
    assert get(model, one.id).status is Status.ARCHIVED


def test_purging_takes_it_for_good(llm_server: Script, model: Session, days: list[str]) -> None:
    one = drawn(llm_server, model, DAYS[0], DAYS[1])
    archive(model, [one.id])
    done = purge(model, [days[0]])
    assert set(done.ids) == {days[0], one.id}
    assert not any(COFFEE.encode() in path.read_bytes() for path in _files(model.cube.root))
    assert check(model).ok


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_reorganize_has_it_follow_a_merge(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube("tree_text", **llm_server.settings, judge=False)
    add(session, [Draft(memory=text) for text in DAYS])
    [twin] = add(session, [Draft(memory=DAYS[1])], allow_duplicates=True).added
    ids = [item.id for item in list_memories(session, Filters()).items if item.memory == DAYS[1]]
    one = drawn(llm_server, session, DAYS[0], DAYS[1], DAYS[2])
    llm_server.otherwise = lambda request: Answer(status=500)
    before = set(evidence_of(one))
    reorganize(session, tell=lambda untold: [None] * len(untold))
    after = get(session, one.id)
    kept = next(id for id in ids if get(session, id).status is Status.ACTIVATED)
    assert after.status is Status.ACTIVATED
    assert set(evidence_of(after)) == before - {twin.id, *ids} | {kept}
    assert check(session).ok


# -- the command


def test_the_command(
    llm_server: Script, model: Session, days: list[str], environment: dict[str, str]
) -> None:
    settings = {f"MEMOS_{k.upper()}": str(v) for k, v in llm_server.settings.items()}
    runner = CliRunner(env=environment | settings)
    llm_server.answers = [answer(insight(COFFEE, 1, 2), insight("Paris is far.", 1, 7))]
    done = runner.invoke(app, ["reflect", "--since", "7d", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [one["memory"] for one in document["insights"]] == [COFFEE]
    assert [one["reason"] for one in document["dropped"]] == ["it rests on a memory that was not shown"]
    llm_server.otherwise = lambda request: REFUSED
    failed = runner.invoke(app, ["reflect", "--since", "2020-01-01"])
    assert failed.exit_code == 1
    assert "4 memories were not read" in failed.output
    assert runner.invoke(app, ["reflect", "--time-budget", "soon"]).exit_code == 2


def test_what_came_lately(model: Session) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    add_texts(model, "Said long ago, stored today.", said_at=old)
    assert [item.memory for item in recent(model, now() - timedelta(hours=1))] == [
        "Said long ago, stored today."
    ]
    assert recent(model, now() + timedelta(hours=1)) == []
