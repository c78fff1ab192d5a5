"""Facts that are drawn meet what the cube holds: known, or the end of an older fact; and nothing is lost.

The model is the scripted server: what it is asked to draw and what it is asked to judge are told apart
by the lines that it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenCube
from llm_server import NOT_JSON, REFUSED, Answer, Request, Script, complaint
from typer.testing import CliRunner

from memos_cli.cube.check import check
from memos_cli.errors import MemosError
from memos_cli.interfaces.cli.app import app
from memos_cli.operations.add import add
from memos_cli.operations.browse import get, list_memories
from memos_cli.operations.edit import archive, pin, purge, undo, update
from memos_cli.operations.refine import RefineResult, refine
from memos_cli.operations.search import search
from memos_cli.operations.waiting import count_waiting
from memos_cli.providers.chatendpoint import EndpointModel
from memos_cli.schema import Draft, Filters, MemoryItem, Origin, Query, Reading, Refinement, Source, Status
from memos_cli.session import Session
from memos_cli.stores.facts import is_turn

MAY, JUNE, JULY = (datetime(2023, month, 8, 12, tzinfo=UTC) for month in (5, 6, 7))
OSLO, BERGEN = "Ana lives in Oslo.", "Ana moved to Bergen."


class Told:
    """A model that draws what it was told to from the words that tell of it, and judges by another rule."""

    def __init__(self, server: Script) -> None:
        self.server = server
        self.facts: dict[str, list[str]] = {}
        self.days: dict[str, str] = {}
        self.judges: Callable[[str], Any] = lambda asked: {"relation": "new"}
        self.judged: list[str] = []
        server.otherwise = self.answer

    def answer(self, request: Request) -> Any:
        shown = request["messages"][-1]["content"]
        if "<lines>" not in shown:
            self.judged.append(shown)
            return self.judges(shown)
        fresh = shown.split("<lines>")[1]
        lines = {text: re.search(rf"\[(\d+)\][^\n]*{re.escape(text)}", fresh) for text in self.facts}
        return {
            "facts": [
                {
                    "text": fact,
                    "turns": [int(line[1])],
                    "confidence": 90,
                    "event_start": self.days.get(text, ""),
                }
                for text, line in lines.items()
                if line
                for fact in self.facts[text]
            ]
        }


@pytest.fixture
def told(llm_server: Script) -> Told:
    return Told(llm_server)


@pytest.fixture
def model(told: Told, open_cube: OpenCube) -> Session:
    return open_cube("naive_text", **told.server.settings)


def turn(text: str, when: datetime = MAY, place: int = 0, **more: Any) -> Draft:
    stated: dict[str, Any] = {
        "speaker": "Ana",
        "session_id": f"{when:%B}",
        "position": place,
        "said_at": when,
        "sources": (Source(type="chat", role="user", message_id=f"m{when:%m}{place}"),),
    }
    return Draft(memory=text, **stated | more)


def wait(session: Session, *drafts: Draft) -> list[str]:
    return [one.id for one in add(session, drafts, reading=Reading.AUTO).added]


def drawn(session: Session, told: Told, text: str, fact: str, when: datetime, **more: Any) -> RefineResult:
    """What refining one turn comes to of which one fact is drawn."""
    told.facts = {text: [fact]}
    wait(session, turn(text, when, **more))
    return refine(session)


def shown(session: Session, **filters: Any) -> list[str]:
    """The facts that a search finds, by themselves."""
    query = Query(text="Ana lives moved Oslo Bergen", filters=Filters(**filters))
    return [hit.item.memory for hit in search(session, query).hits if hit.item.refines]


def listed(session: Session) -> dict[str, MemoryItem]:
    return {item.memory: item for item in list_memories(session, Filters()).items}


def sound(session: Session) -> None:
    assert list(check(session.cube).problems) == []


TALK = "My flat in Oslo is small, I live in it alone.", "I moved to Bergen, hooray!"


@pytest.fixture
def moved(model: Session, told: Told) -> tuple[Session, RefineResult, RefineResult]:
    """Ana lived in Oslo in May and moved to Bergen in June."""
    first = drawn(model, told, TALK[0], OSLO, MAY)
    return model, first, drawn(model, told, TALK[1], BERGEN, JUNE)


# -- an update


def test_an_update_ends_the_older_fact_and_no_turn(
    moved: tuple[Session, RefineResult, RefineResult], told: Told
) -> None:
    session, first, second = moved
    [old], [new] = first.facts, second.facts
    [updated] = second.updated
    before = get(session, old.id)
    assert (updated.id, updated.memory, updated.relation) == (new.id, BERGEN, "update")
    assert updated.replaces == before.predecessor
    assert (before.status, before.valid_to) == (Status.ARCHIVED, JUNE)
    after = get(session, new.id)
    assert (after.status, after.valid_from, after.rests_on) == (Status.ACTIVATED, JUNE, (after.refines,))
    assert shown(session) == [BERGEN]
    assert shown(session, as_of=datetime(2023, 5, 20, tzinfo=UTC)) == [OSLO]
    turns = [item for item in listed(session).values() if is_turn(item)]
    assert sorted(item.memory for item in turns) == sorted(TALK)
    assert all(item.status is Status.ACTIVATED and item.valid_to is None for item in turns)
    assert told.judged == []  # the rules were clear
    sound(session)


def test_undo_takes_it_back_whole(moved: tuple[Session, RefineResult, RefineResult]) -> None:
    session, first, second = moved
    undo(session, second.change)
    old = get(session, first.facts[0].id)
    assert (old.status, old.valid_to) == (Status.ACTIVATED, None)
    assert get(session, second.facts[0].id).status is Status.DELETED
    assert count_waiting(session) == 1
    assert shown(session) == [OSLO]
    again = refine(session)
    assert [one.memory for one in again.facts] == [BERGEN]
    assert shown(session) == [BERGEN]


def test_each_fact_goes_with_its_own_memory(moved: tuple[Session, RefineResult, RefineResult]) -> None:
    session, first, second = moved
    [old], [new] = first.facts, second.facts
    assert old.id in purge(session, [old.refines]).ids
    with pytest.raises(MemosError):
        get(session, old.id)
    assert get(session, new.id).status is Status.ACTIVATED
    sound(session)


def test_what_was_said_before_is_stored_with_its_end(model: Session, told: Told) -> None:
    drawn(model, told, TALK[1], BERGEN, JUNE)
    result = drawn(model, told, TALK[0], OSLO, MAY)
    assert result.updated == ()
    [linked] = result.linked
    assert "said before" in linked.reason
    late = get(model, result.facts[0].id)
    assert (late.valid_from, late.valid_to) == (MAY, JUNE)
    assert listed(model)[BERGEN].valid_to is None


def test_said_again_later_it_holds_again_and_said_earlier_it_stays_over(
    moved: tuple[Session, RefineResult, RefineResult], told: Told
) -> None:
    session, first, _ = moved
    early = drawn(session, told, "Oslo it is, I live here in spring.", OSLO, MAY, place=5)
    assert ([one.id for one in early.known], early.facts) == ([first.facts[0].id], ())
    ended = get(session, first.facts[0].id)
    assert (ended.status, ended.valid_to, len(ended.rests_on)) == (Status.ARCHIVED, JUNE, 2)
    back = drawn(session, told, "I live in Oslo again!", OSLO, JULY)
    [one] = back.facts
    assert one.id != first.facts[0].id
    assert [u.id for u in back.updated] == [one.id]
    assert shown(session) == [OSLO]
    assert listed(session)[OSLO].valid_from == JULY


def test_of_two_facts_of_one_window_the_later_ends_the_earlier(model: Session, told: Told) -> None:
    told.facts = {TALK[0]: [OSLO], TALK[1]: [BERGEN]}
    ids = wait(model, turn(TALK[0]), turn(TALK[1], MAY.replace(day=9), 1, session_id="May"))
    result = refine(model)
    assert [one.memory for one in result.facts] == [OSLO, BERGEN]
    [updated] = result.updated
    versions = model.cube.table.items(f"id = '{result.facts[0].id}'")
    assert sorted((i.version, i.status, i.known_to is None) for i in versions) == [
        (1, Status.ACTIVATED, False), (2, Status.ARCHIVED, True),
    ]  # fmt: skip
    assert updated.replaces in {item.row for item in versions}
    assert shown(model) == [BERGEN]
    sound(model)
    undo(model, result.change)
    assert {get(model, one.id).status for one in result.facts} == {Status.DELETED}
    assert {get(model, id).refinement for id in ids} == {Refinement.QUEUED}


# -- what is known


def test_a_fact_in_other_words_is_one_more_ground(model: Session, told: Told) -> None:
    first = drawn(model, told, TALK[0], OSLO, MAY)
    second = drawn(model, told, "I am living in Oslo, you know.", "Ana is living in Oslo.", JUNE)
    assert (second.facts, second.updated) == ((), ())
    [known] = second.known
    assert (known.id, known.memory) == (first.facts[0].id, "Ana is living in Oslo.")
    assert len(get(model, known.id).rests_on) == 2
    # Either turn may go; the fact rests on the other.
    archive(model, [first.facts[0].refines])
    assert get(model, known.id).status is Status.ACTIVATED


def test_the_same_words_of_another_day_are_another_fact(model: Session, told: Told) -> None:
    swam = "Ana swam in the cold lake."
    told.days = {
        "I swam in the cold lake today.": "2023-05-08",
        "I swam in the cold lake yesterday.": "2023-05-07",
        "Yesterday, I swam in the cold lake, brr.": "2023-05-07",
    }
    days = [drawn(model, told, text, swam, MAY, place=place) for place, text in enumerate(told.days)]
    assert [len(one.facts) for one in days] == [1, 1, 0]
    starts = {get(model, one.facts[0].id).event_start for one in days[:2]}
    assert starts == {datetime(2023, 5, 8, tzinfo=UTC), datetime(2023, 5, 7, tzinfo=UTC)}
    assert [one.id for one in days[2].known] == [days[1].facts[0].id]


def test_a_fact_that_a_note_says_is_linked_to_the_note(model: Session, told: Told) -> None:
    [note] = add(model, [Draft(memory=OSLO, speaker="Ana", session_id=None)]).added
    result = drawn(model, told, TALK[0], OSLO, MAY)
    assert result.facts == ()
    assert [one.id for one in result.known] == [note.id]
    item = get(model, note.id)
    source = next(s for s in item.sources if s.message_id)
    assert (source.message_id, source.role, source.text) == ("m050", None, None)
    turns = [i for i in listed(model).values() if is_turn(i)]
    assert [r.target for r in item.relations if r.kind == "mentioned_in"] == [turns[0].id]
    assert (item.status, item.memory, is_turn(item)) == (Status.ACTIVATED, OSLO, False)
    undo(model, result.change)
    assert get(model, note.id).relations == ()
    assert count_waiting(model) == 1


def test_a_note_is_never_ended_by_what_a_model_read(model: Session, told: Told) -> None:
    [note] = add(model, [Draft(memory=OSLO, speaker="Ana", said_at=MAY)]).added
    result = drawn(model, told, TALK[1], BERGEN, JUNE)
    assert result.updated == ()
    assert [(one.to, one.relation) for one in result.linked] == [(note.id, "update")]
    assert get(model, note.id).status is Status.ACTIVATED
    hits = search(model, Query(text="Where does Ana live?")).hits
    order = [hit.item.memory for hit in hits if hit.item.memory in (OSLO, BERGEN)]
    assert order == [BERGEN, OSLO]


def test_what_is_only_concluded_or_pinned_ends_nothing(model: Session, told: Told) -> None:
    first = drawn(model, told, TALK[0], OSLO, MAY)
    pin(model, [first.facts[0].id])
    pinned = drawn(model, told, TALK[1], BERGEN, JUNE)
    assert (pinned.updated, len(pinned.linked)) == ((), 1)
    undo(model, pinned.change)
    vague = "Boxes everywhere, Bergen outside the window, and no sleep."
    concluded = drawn(model, told, vague, "Ana lives in Bergen now.", JUNE, place=4)
    assert [one.origin for one in concluded.facts] == [Origin.INFERRED]
    assert (concluded.updated, len(concluded.linked)) == ((), 1)
    assert get(model, first.facts[0].id).status is Status.ACTIVATED


def test_owners_are_not_mixed(model: Session, told: Told) -> None:
    drawn(model, told, TALK[0], OSLO, MAY, user_id="a")
    for more in ({"user_id": "b"}, {"user_id": "a", "agent_id": "x"}, {"user_id": "a", "speaker": "Ben"}):
        text = "Ana moved to Bergen, hooray, she did!" if "speaker" in more else TALK[1]
        result = drawn(model, told, text, BERGEN, JUNE, **more)
        assert (len(result.facts), result.updated, result.known, result.linked) == (1, (), (), ()), more


def test_without_judging_facts_are_stored_as_they_are(
    model: Session, told: Told, open_cube: OpenCube
) -> None:
    drawn(model, told, TALK[0], OSLO, MAY)
    told.facts[TALK[1]] = [BERGEN]
    wait(model, turn(TALK[1], JUNE))
    result = refine(open_cube("naive_text", **told.server.settings, judge=False))
    assert (len(result.facts), result.updated) == (1, ())
    undo(model, result.change)
    assert refine(model, judge=False).updated == ()
    assert {OSLO, BERGEN} <= listed(model).keys()


def test_what_comes_by_hand_is_not_judged_by_facts(
    moved: tuple[Session, RefineResult, RefineResult],
) -> None:
    session, _, second = moved
    result = add(session, [Draft(memory="Ana lives in Rome.", speaker="Ana")])
    assert (len(result.added), result.updated, result.linked) == (1, (), ())
    assert get(session, second.facts[0].id).status is Status.ACTIVATED


# -- a model has its say


BREAD, CLAY = "Ana bakes bread on Sundays with friends.", "Ana took up pottery instead of baking bread."
HOBBY = [
    "On Sundays I bake bread with friends, always bread.",
    "I took up pottery instead of baking bread.",
]


def changed(asked: str) -> dict[str, Any]:
    found = re.search(rf"(\d)\. \[\S+\] {re.escape(BREAD)}", asked)
    return {"relation": "update", "number": int(found[1]) if found else 0, "subject": "Ana",
            "before": "bakes bread on Sundays", "after": "took up pottery instead of baking",
            "reason": "Her hobby changed."}  # fmt: skip


@pytest.fixture
def hobby(model: Session, told: Told) -> Session:
    """A fact about bread; a turn about pottery waits, of which the rules know nothing to say."""
    drawn(model, told, HOBBY[0], BREAD, MAY)
    told.facts[HOBBY[1]] = [CLAY]
    wait(model, turn(HOBBY[1], JUNE))
    told.judged.clear()
    return model


def test_a_model_decides_where_the_rules_are_silent(hobby: Session, told: Told) -> None:
    told.judges = changed
    result = refine(hobby)
    [updated] = result.updated
    assert "Her hobby changed." in updated.reason
    assert len(told.judged) == 1
    assert BREAD in told.judged[0]
    assert HOBBY[0] not in told.judged[0]  # raw record is not shown
    assert {BREAD} & listed(hobby).keys() == set()


@pytest.mark.parametrize(
    "wrong", [{"number": 4}, {"subject": "Eva"}, {"before": "lives in Oslo"}, {"after": "moved"}]
)
def test_it_is_not_believed_without_evidence(hobby: Session, told: Told, wrong: dict[str, Any]) -> None:
    told.judges = lambda asked: changed(asked) | wrong
    result = refine(hobby)
    assert (len(result.facts), result.updated, result.failed) == (1, (), ())
    assert {BREAD, CLAY} <= listed(hobby).keys()


def test_what_has_changed_meanwhile_is_not_ended(hobby: Session, told: Told, open_cube: OpenCube) -> None:
    other = open_cube("naive_text")
    [old] = [item for item in listed(hobby).values() if item.memory == BREAD]

    def meanwhile(asked: str) -> Any:
        update(other, old.id, "Ana bakes rolls on Mondays.")
        return changed(asked)

    told.judges = meanwhile
    result = refine(hobby)
    assert (len(result.facts), result.updated) == (1, ())
    assert get(hobby, old.id).memory == "Ana bakes rolls on Mondays."


FAILURES: dict[str, tuple[Any, str]] = {
    "dropped": (Answer(drop=True), "llm_failed"),
    "cut": (Answer({"relation": "new"}, cut=10), "llm_failed"),
    "500": (complaint("boom", 500), "llm_failed"),
    "429": (complaint("slow down", 429), "llm_failed"),
    "401": (complaint("no key", 401), "llm_unavailable"),
    "html": (NOT_JSON, "llm_failed"),
    "slow": (Answer({"relation": "new"}, wait=0.5), "llm_failed"),
    "words": ("I am not sure.", "llm_unusable"),
    "another form": ({"relation": "sideways"}, "llm_unusable"),
    "cut off": (Answer('{"relation": "upd', finish="length"), "llm_unusable"),
    "refused": (REFUSED, "llm_refused"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_where_it_cannot_be_judged_the_memory_waits(
    name: str, hobby: Session, told: Told, open_cube: OpenCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EndpointModel.__init__.__kwdefaults__, "retries", 0)
    before = {item.row for item in listed(hobby).values()}
    answer, code = FAILURES[name]
    told.judges = lambda asked: answer
    impatient = told.server.settings | ({"llm_timeout": 0.2} if name == "slow" else {})
    result = refine(open_cube("naive_text", **impatient))
    assert [one.error.code for one in result.failed] == [code]
    assert (result.change, result.facts, result.refined, result.waiting) == (None, (), 0, 1)
    assert {item.row for item in listed(hobby).values()} == before  # not a version more
    told.judges = changed
    assert len(refine(hobby).updated) == 1
    assert count_waiting(hobby) == 0


def test_a_model_that_cannot_judge_at_all_does_not_keep_it_waiting_for_ever(
    hobby: Session, told: Told
) -> None:
    told.judges = lambda asked: "nonsense"
    assert refine(hobby).waiting == 1
    result = refine(hobby)
    assert (result.waiting, len(result.facts), result.updated) == (0, 1, ())
    assert any("by rule alone" in note for note in result.notes)
    assert {BREAD, CLAY} <= listed(hobby).keys()


def test_a_budget_that_ends_between_reading_and_judging_keeps_it_waiting(
    hobby: Session, told: Told, open_cube: OpenCube
) -> None:
    spent: list[int] = []
    told.judges = lambda asked: spent.append(1) or {"relation": "new"}
    limit = refine(hobby, dry_run=True).notes[0]
    prompts = int(re.findall(r"most (\d+) tokens", limit)[0])
    session = open_cube("naive_text", **told.server.settings, max_llm_tokens=prompts + 100)
    result = refine(session)
    assert (spent, result.refined, result.waiting) == ([], 0, 1)
    assert [one.error.code for one in result.failed] == ["llm_budget_spent"]


# -- at once, and on the command line


def test_fine_reports_what_its_facts_come_to(model: Session, told: Told) -> None:
    told.facts = {TALK[0]: [OSLO], TALK[1]: [BERGEN], "Oslo was home, but I live in Bergen.": [BERGEN]}
    add(model, [turn(TALK[0])], reading=Reading.FINE)
    second = add(model, [turn(TALK[1], JUNE)], reading=Reading.FINE)
    assert [one.id for one in second.updated] == [one.id for one in second.facts]
    third = add(model, [turn("Oslo was home, but I live in Bergen.", JULY)], reading=Reading.FINE)
    assert (third.facts, [one.id for one in third.known]) == ((), [second.facts[0].id])
    told.facts["I live in Rome now, in a tower."] = ["Ana lives in Rome now."]
    unjudged = add(
        model, [turn("I live in Rome now, in a tower.", JULY, 3)], reading=Reading.FINE, judge=False
    )
    assert (len(unjudged.facts), unjudged.updated) == (1, ())


def test_the_command_line(
    told: Told, environment: dict[str, str], cube_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, value in {"TEXT": "naive_text", "LLM": "openai:m", "LLM_BASE_URL": told.server.url}.items():
        monkeypatch.setenv(f"MEMOS_{name}", value)

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, [*words], prog_name="memos")
        assert result.exit_code == 0, result.output
        return result.output

    told.facts = {TALK[0]: [OSLO], TALK[1]: [BERGEN]}
    run("add", TALK[0], "--speaker", "Ana", "--session", "s", "--time", "2023-05-08")
    run("refine")
    run("add", TALK[1], "--speaker", "Ana", "--session", "s", "--time", "2023-06-08")
    assert json.loads(run("refine", "--no-judge", "--json"))["updated"] == []
    run("undo")
    found = json.loads(run("refine", "--json"))
    [updated] = found["updated"]
    assert updated.keys() == {"id", "memory", "replaces", "relation", "reason"}
    assert (updated["id"], found["known"], found["linked"]) == (found["facts"][0]["id"], [], [])
    run("undo")
    assert "1 of them in place of older ones" in run("refine")
