"""What `add` does with a statement on a matter that the cube knows: versions, links, and what never happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from llm_server import NOT_JSON, REFUSED, Answer, Script
from typer.testing import CliRunner

from memos_cli.cube.check import check
from memos_cli.interfaces.cli.app import app
from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.operations.browse import find, log
from memos_cli.operations.edit import undo
from memos_cli.operations.search import search
from memos_cli.schema import AddResult, Draft, Filters, Kind, MemoryItem, Query, Source, Status
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings
from memos_cli.stores.claims import sought, terms_of

Open = Callable[..., Session]


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def tell(session: Session, *texts: str, **fields: object) -> AddResult:
    judge = fields.pop("judge", None)
    return add(session, [Draft(memory=t, **fields) for t in texts], judge=judge)  # type: ignore[arg-type]


def shown(session: Session) -> list[str]:
    return sorted(item.memory for item in current(session))


def current(session: Session) -> list[MemoryItem]:
    return [i for i in session.cube.table.items("known_to IS NULL") if i.status is Status.ACTIVATED]


def test_a_new_value_is_the_next_version_of_the_same_memory(session: Session) -> None:
    first = tell(session, "Anna lives in Oslo.", said_at=at("2023-05-01"), tags=("people",))
    second = tell(session, "Anna moved to Bergen.", said_at=at("2024-02-01"), tags=("moves",))
    (updated,) = second.updated
    assert not second.added
    assert updated.id == first.added[0].id
    old, new = sorted(session.cube.table.items(None), key=lambda i: i.version)
    assert (updated.replaces, updated.relation, updated.reason) == (old.row, "update", updated.reason)
    assert updated.reason
    assert (old.memory, old.valid_to, old.closed_by) == (
        "Anna lives in Oslo.",
        at("2024-02-01"),
        second.change,
    )
    assert (new.version, new.predecessor, new.valid_from) == (2, old.row, at("2024-02-01"))
    assert (new.tags, new.said_at) == (("people", "moves"), at("2024-02-01"))
    asked = Query(text="where does Anna live", filters=Filters(as_of=at("2023-06-01")))
    assert [h.item.memory for h in search(session, asked).hits] == ["Anna lives in Oslo."]
    assert [h.item.memory for h in search(session, Query(text="Anna")).hits] == ["Anna moved to Bergen."]
    assert check(session.cube).ok


def test_an_old_text_that_says_more_is_linked_and_stays(session: Session) -> None:
    (old,) = tell(session, "Anna lives in Oslo; her sister lives next door.").added
    result = tell(session, "Anna moved to Bergen.")
    (linked,) = result.linked
    assert (linked.to, linked.relation) == (old.id, "update")
    assert shown(session) == ["Anna lives in Oslo; her sister lives next door.", "Anna moved to Bergen."]
    replaced = tell(session, "Anna lives in Trondheim; she has a boat.")
    assert [u.memory for u in replaced.updated] == ["Anna lives in Trondheim; she has a boat."]
    assert shown(session) == [
        "Anna lives in Oslo; her sister lives next door.",
        "Anna lives in Trondheim; she has a boat.",
    ]


def test_what_is_done_is_linked_to_when_it_was_due(session: Session) -> None:
    (due,) = tell(session, "Anna's novel Fjord is due on 3 May 2024.").added
    tell(session, "Anna's novel Fjord is due on 9 June 2024.")
    (linked,) = tell(session, "Anna handed in her novel Fjord; it comes out in September.").linked
    assert (linked.to, linked.relation) == (due.id, "update")
    assert len(shown(session)) == 2


def test_undo_takes_a_judged_update_back(session: Session) -> None:
    tell(session, "I work at Google.")
    change = tell(session, "I no longer work at Google.").change
    undo(session, change)
    assert log(session).changes[1].id == change
    (item,) = current(session)
    assert (item.memory, item.valid_to, item.version) == ("I work at Google.", None, 3)


def test_what_one_batch_says_of_one_matter_is_one_memory_with_its_history(session: Session) -> None:
    result = tell(
        session,
        "Anna lives in Oslo.",
        "Anna moved to Bergen.",
        "Anna moved to Trondheim.",
        "Anna lives in Oslo.",
    )
    assert [a.memory for a in result.added] == ["Anna lives in Oslo."]
    assert [u.memory for u in result.updated] == [
        "Anna moved to Bergen.",
        "Anna moved to Trondheim.",
        "Anna lives in Oslo.",
    ]
    rows = sorted(session.cube.table.items(None), key=lambda i: i.version)
    assert len({i.id for i in rows}) == 1
    assert [i.predecessor for i in rows] == [None, *(i.row for i in rows[:-1])]
    assert [u.replaces for u in result.updated] == [i.row for i in rows[:-1]]
    assert all(i.known_to and i.closed_by == result.change for i in rows[:-1])
    assert shown(session) == ["Anna lives in Oslo."]
    assert check(session.cube).ok
    undo(session, result.change)
    assert shown(session) == []
    tell(session, "Anna lives in Rome.")
    assert shown(session) == ["Anna lives in Rome."]


def test_undo_of_a_batch_restores_what_stood_before_all_of_it(session: Session) -> None:
    tell(session, "Anna lives in Oslo.")
    change = tell(session, "Anna moved to Bergen.", "Anna moved to Trondheim.").change
    assert shown(session) == ["Anna moved to Trondheim."]
    undo(session, change)
    (item,) = current(session)
    assert (item.memory, item.valid_to) == ("Anna lives in Oslo.", None)


def test_a_source_and_an_update_of_one_memory_in_one_batch_are_both_kept(session: Session) -> None:
    tell(session, "Anna lives in Oslo.")
    there = Draft(memory="Anna lives in Oslo.", sources=(Source(type="web", url="http://a"),))
    moved = Draft(memory="Anna moved to Bergen.", sources=(Source(type="web", url="http://b"),))
    again = Draft(memory="Anna moved to Bergen!", sources=(Source(type="web", url="http://c"),))
    result = add(session, [there, moved, again], judge=True)
    # What two pages say is linked; what they say in the same words is one memory with two sources.
    assert [a.memory for a in result.added] == ["Anna moved to Bergen."]
    assert [i.relation for i in result.linked] == ["update"]
    assert [k.memory for k in result.known] == ["Anna lives in Oslo.", "Anna moved to Bergen!"]
    assert {s.url for s in find(session, result.added[0].id).sources} == {"http://b", "http://c"}
    assert check(session.cube).ok


def test_paraphrases_are_known_and_their_words_kept(session: Session) -> None:
    (one,) = tell(session, "My favourite colour is green.").added
    result = tell(session, "Green is my favorite color.")
    assert [(k.id, k.memory) for k in result.known] == [(one.id, "Green is my favorite color.")]
    assert not result.added


def test_a_contradiction_of_what_is_so_for_good_keeps_both_in_history(session: Session) -> None:
    tell(session, "Maria's birthday is 4 May.")
    (updated,) = tell(session, "Maria's birthday is 9 June.").updated
    assert updated.relation == "contradiction"
    assert {i.memory for i in session.cube.table.items(None)} == {
        "Maria's birthday is 4 May.",
        "Maria's birthday is 9 June.",
    }


def test_details_are_linked_and_never_merged(session: Session) -> None:
    (one,) = tell(session, "Anna lives in Oslo.").added
    result = tell(session, "Anna lives in Oslo with her two cats.")
    assert [(i.to, i.relation) for i in result.linked] == [(one.id, "complement")]
    assert find(session, result.added[0].id).relations[0].target == one.id
    assert len(shown(session)) == 2


def test_what_was_said_earlier_does_not_close_what_is_known(session: Session) -> None:
    tell(session, "Anna lives in Bergen.", said_at=at("2024-02-01"))
    result = tell(session, "Anna lives in Oslo.", said_at=at("2022-01-01"))
    assert not result.updated
    assert [i.relation for i in result.linked] == ["update"]
    late = find(session, result.added[0].id)
    assert (late.valid_from, late.valid_to) == (at("2022-01-01"), at("2024-02-01"))


def lived(session: Session, day: str) -> list[str]:
    asked = Query(text="Where does Tom live?", filters=Filters(as_of=at(day)))
    return [hit.item.memory for hit in search(session, asked).hits]


def test_what_is_so_again_is_no_duplicate_of_what_had_ended(session: Session) -> None:
    tell(session, "Tom lives in Oslo.", said_at=at("2024-05-01"))
    tell(session, "Tom lives in Bergen.", said_at=at("2023-05-01"))
    back = tell(session, "Tom lives in Bergen.", said_at=at("2025-05-01"))
    assert [u.memory for u in back.updated] == ["Tom lives in Bergen."]
    assert [lived(session, day) for day in ("2023-06-01", "2024-06-01", "2025-06-01")] == [
        ["Tom lives in Bergen."],
        ["Tom lives in Oslo."],
        ["Tom lives in Bergen."],
    ]
    assert tell(session, "Tom lives in Bergen.", said_at=at("2025-06-01")).known
    assert tell(session, "Tom lives in Bergen.", said_at=at("2023-05-01")).known


def test_what_was_said_between_two_ends_the_earlier_and_ends_with_the_later(session: Session) -> None:
    tell(session, "Tom lives in Oslo.", said_at=at("2024-05-01"))
    tell(session, "Tom lives in Bergen.", said_at=at("2023-05-01"))
    between = tell(session, "Tom moved to Rome.", said_at=at("2023-09-01"))
    assert [u.memory for u in between.updated] == ["Tom moved to Rome."]
    tell(session, "Tom lives in Lima.", said_at=at("2022-01-01"))
    days = ("2022-06-01", "2023-06-01", "2023-10-01", "2024-06-01")
    assert [lived(session, day)[0] for day in days] == [
        "Tom lives in Lima.",
        "Tom lives in Bergen.",
        "Tom moved to Rome.",
        "Tom lives in Oslo.",
    ]


def test_the_change_is_dated_when_it_happened(session: Session) -> None:
    tell(session, "Anna lives in Oslo.", said_at=at("2024-01-01"))
    tell(session, "Anna moved to Bergen three months ago.", said_at=at("2024-06-01"))
    rows = sorted(session.cube.table.items(None), key=lambda i: i.version)
    assert (rows[0].valid_to, rows[1].valid_from) == (at("2024-03-01"), at("2024-03-01"))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"user_id": "ana"}, {"user_id": "ben"}),
        ({"agent_id": "x"}, {}),
        ({"kind": Kind.USER}, {}),
        ({"speaker": "Ana"}, {"speaker": "Ben"}),
        ({}, {"kind": Kind.TOOL_TRAJECTORY}),
    ],
)
def test_one_owner_says_nothing_about_another(
    session: Session, first: dict[str, object], then: dict[str, object]
) -> None:
    tell(session, "I live in Oslo.", **first)
    result = tell(session, "I live in Rome.", **then)
    assert len(result.added) == 1
    assert (result.updated, result.linked, result.known) == ((), (), ())


def test_turns_are_raw_record_and_only_linked(session: Session) -> None:
    turn = {"session_id": "s", "speaker": "Ana"}
    (said,) = tell(session, "I live in Oslo.", said_at=at("2023-01-01"), **turn).added
    result = tell(session, "I moved to Rome.", "I live in Oslo.", said_at=at("2024-01-01"), **turn)
    assert [a.memory for a in result.added] == ["I moved to Rome.", "I live in Oslo."]
    assert {(i.memory, i.relation) for i in result.linked} >= {("I moved to Rome.", "update")}
    assert result.linked[0].to == said.id
    note = tell(session, "I live in Bern.", speaker="Ana", said_at=at("2025-01-01"))
    assert len(note.added) == 1
    assert len(shown(session)) == 4


def test_memories_with_the_callers_own_id_are_the_callers(session: Session) -> None:
    tell(session, "Anna lives in Oslo.", external_id="anna-home")
    result = tell(session, "Anna moved to Bergen.")
    assert len(result.added) == 1
    assert [i.relation for i in result.linked] == ["update"]
    assert (
        tell(session, "Anna lives in Rome.", external_id="anna-home").updated[0].reason
        == "same id, other text"
    )


def test_the_deadline_of_one_document_is_not_that_of_another(session: Session) -> None:
    def piece(text: str, path: str) -> AddResult:
        return add(session, [Draft(memory=text, sources=(Source(type="file", path=path),))])

    piece("The project deadline is 12 March.", "a.md")
    assert piece("The project deadline was moved to 2 April.", "b.md").linked
    assert piece("The project deadline was moved to 3 April.", "a.md").updated


def test_judging_is_switched_off_by_flag_and_setting(open_cube: Open) -> None:
    session = open_cube(judge=False)
    assert tell(session, "Anna lives in Oslo.", "Anna moved to Bergen.").updated == ()
    assert tell(session, "Anna moved to Rome.", judge=True).updated
    assert tell(open_cube(), "Anna moved to Berlin.", judge=False).added


def test_a_dry_run_says_what_would_happen_and_stores_nothing(session: Session) -> None:
    tell(session, "Anna lives in Oslo.")
    result = add(session, [Draft(memory="Anna moved to Bergen.")], dry_run=True)
    assert result.updated
    assert shown(session) == ["Anna lives in Oslo."]


def test_chinese_statements_are_judged_too(session: Session) -> None:
    tell(session, "我住在北京。", "小红的生日是5月4日。")
    result = tell(session, "我搬到上海了。", "小红的生日是五月四号。", "我喜欢爬山。")
    assert [u.memory for u in result.updated] == ["我搬到上海了。"]
    assert [k.memory for k in result.known] == ["小红的生日是五月四号。"]
    assert [a.memory for a in result.added] == ["我喜欢爬山。"]


def test_the_index_finds_a_matter_again_after_a_rebuild(session: Session) -> None:
    (one,) = tell(session, "Anna lives in Oslo.").added
    with session.cube.writing("reindex"):
        session.cube.reindex()
    draft = Draft(memory="Anna moved to Bergen.")
    found = session.cube.keywords.claiming(sought(draft))
    assert {i.id for items in found.values() for i in items} == {one.id}
    assert set(terms_of(draft)) & found.keys()
    tell(session, "Anna moved to Bergen.")
    assert [i.memory for i in session.cube.keywords.claiming(sought(draft)).popitem()[1]] == [
        "Anna moved to Bergen."
    ]


def test_recall_of_a_conversation_is_the_same_with_judgement(tmp_path: Path, settings: Settings) -> None:
    """Every turn is there and every question finds the same turns; what was said otherwise since stands first."""
    said = [
        ("Ana", "I live in Oslo."), ("Ben", "Nice! I work at Siemens."), ("Ana", "I have a dog called Rex."),
        ("Ben", "I like jazz."), ("Ana", "I moved to Bergen."), ("Ben", "I left Siemens."), ("Ana", "I live in Bergen."),
        ("Ben", "I no longer like jazz."), ("Ana", "I moved to Rome."), ("Ben", "I joined Bosch."),
    ]  # fmt: skip
    drafts = [
        Draft(memory=text, speaker=who, session_id="talk", position=i, said_at=at(f"2024-03-{i + 1:02}"))
        for i, (who, text) in enumerate(said)
    ]
    answers = []
    for judge in (True, False):
        ref = CubeRef(f"c{judge}", tmp_path / f"c{judge}", is_name=False)
        with open_session(ref, settings, write=True, create=True) as session:
            result = add(session, drafts, judge=judge)
            assert len(result.added) == len(said)
            assert bool(result.linked) is judge
            asked = (
                "where does Ana live",
                "Ben's employer",
                "does Ben like jazz",
                "Rex",
                "who moved to Rome",
            )
            answers.append([[h.item.memory for h in search(session, Query(text=q)).hits] for q in asked])
    assert [sorted(hits) for hits in answers[0]] == [sorted(hits) for hits in answers[1]]
    assert answers[0][0].index("I moved to Rome.") < answers[0][0].index("I live in Oslo.")


# -- the command line


@pytest.fixture
def memos(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    for name, value in {"HOME": str(settings.home), "EMBEDDER": "hash:64", "FSYNC": "false"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", value)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_command_says_what_happened(memos: Callable[..., str]) -> None:
    first = json.loads(memos("add", "Anna lives in Oslo", "--json"))
    answer = json.loads(memos("add", "Anna moved to Bergen", "--json"))
    (updated,) = answer["updated"]
    assert updated.keys() == {"id", "memory", "replaces", "relation", "reason"}
    assert (updated["id"], updated["relation"]) == (first["added"][0]["id"], "update")
    (linked,) = json.loads(memos("add", "Anna lives in Bergen with a cat", "--json"))["linked"]
    assert linked.keys() == {"id", "memory", "to", "relation", "reason"}
    versions = json.loads(memos("history", updated["id"], "--json"))
    assert "Anna lives in Oslo" in json.dumps(versions)
    assert json.loads(memos("add", "Anna moved to Rome", "--no-judge", "--json"))["updated"] == []
    assert "update" in memos("add", "Anna moved to Berlin")


# -- a language model has its say


JUDGED = {
    "relation": "update",
    "number": 1,
    "subject": "Anna",
    "before": "bakes bread on Sundays",
    "after": "took up pottery instead of baking",
    "reason": "Her hobby changed.",
}
OLD, NEW = "Anna bakes bread on Sundays with friends", "Anna took up pottery instead of baking"


@pytest.fixture
def asked(open_cube: Open, llm_server: Script) -> Session:
    session = open_cube(**llm_server.settings)
    llm_server.otherwise = lambda request: {"relation": "new"}
    tell(session, OLD)
    llm_server.requests.clear()
    return session


def test_a_model_decides_where_the_rules_are_silent(asked: Session, llm_server: Script) -> None:
    llm_server.answers = [JUDGED]
    (updated,) = tell(asked, NEW).updated
    assert "Her hobby changed." in updated.reason
    assert shown(asked) == [NEW]
    told = llm_server.requests[0]["messages"][-1]["content"]
    assert OLD in told
    assert NEW in told
    assert len(llm_server.requests) == 1


def test_a_model_is_not_asked_about_what_the_rules_decide_or_turns(
    asked: Session, llm_server: Script
) -> None:
    tell(asked, "Ben lives in Oslo.")
    llm_server.requests.clear()
    assert tell(asked, "Ben moved to Rome.").updated
    tell(asked, "Anna likes bread on Sundays", session_id="s", speaker="Ana")
    tell(asked, OLD)
    assert llm_server.requests == []


@pytest.mark.parametrize(
    "change",
    [
        {"number": 7},
        {"number": 0},
        {"relation": "new"},
        {"subject": "Berta"},
        {"subject": "bread"},
        {"subject": ""},
        {"before": "lives in Oslo"},
        {"after": "moved to Bergen"},
        {"before": "", "after": ""},
        {"relation": "duplicate", "number": 9},
        {"relation": "complement", "subject": "sourdough"},
    ],
)
def test_a_model_is_not_believed_without_evidence(
    asked: Session, llm_server: Script, change: dict[str, object]
) -> None:
    llm_server.answers = [JUDGED | change]
    result = tell(asked, NEW)
    assert [a.memory for a in result.added] == [NEW]
    assert (result.updated, result.linked, result.known) == ((), (), ())
    assert len(shown(asked)) == 2


def test_a_model_cannot_merge_what_differs_in_a_number_or_a_denial(
    open_cube: Open, llm_server: Script
) -> None:
    session = open_cube(**llm_server.settings)

    def same_as_the_first(request: dict[str, Any]) -> dict[str, Any]:
        """The number under which the memory of 5 kilometres without a "never" is shown."""
        shown = re.findall(r"(\d)\. \[\S+\] Anna ran (\d)", request["messages"][-1]["content"])
        number = next((int(n) for n, kilometres in shown if kilometres == "5"), 0)
        return {"relation": "duplicate", "number": number, "subject": "Anna", "reason": "same"}

    llm_server.otherwise = same_as_the_first
    tell(session, "Anna ran 5 kilometres around the lake on a sunny morning")
    texts = (
        "Anna ran 8 kilometres around the lake on a sunny morning",
        "Anna never ran 5 kilometres around the lake on that sunny morning",
    )
    for text in texts:
        assert tell(session, text).added
    merged = tell(session, "Around the lake Anna went running, 5 kilometres of it, on a sunny morning")
    assert merged.known
    assert len(shown(session)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        "complete nonsense",
        NOT_JSON,
        REFUSED,
        Answer(status=500),
        Answer(drop=True),
        {"relation": "sideways"},
        Answer(wait=3.0, says="{}"),
    ],
    ids=["words", "html", "refused", "500", "dropped", "other form", "slow"],
)
def test_whatever_a_model_does_wrong_the_memory_is_stored_with_a_note(
    open_cube: Open, llm_server: Script, answer: Answer | str
) -> None:
    session = open_cube(**llm_server.settings | {"llm_timeout": 1.0})
    tell(session, OLD, judge=False)
    llm_server.otherwise = lambda request: answer
    result = tell(session, NEW)
    assert [a.memory for a in result.added] == [NEW]
    assert any("unjudged" in note for note in result.notes), result.notes
    assert shown(session) == sorted([OLD, NEW])


def test_a_spent_budget_stores_what_comes_unjudged(open_cube: Open, llm_server: Script) -> None:
    session = open_cube(**llm_server.settings | {"max_llm_tokens": 10})
    tell(session, OLD, judge=False)
    result = tell(session, NEW)
    assert result.added
    assert any("budget" in note for note in result.notes)
    assert llm_server.requests == []


def test_a_model_is_asked_once_when_another_writer_comes_between(
    asked: Session, llm_server: Script, open_cube: Open
) -> None:
    """The second plan, under the lock, uses the first answer: unless its memory has another version now."""
    other = open_cube()

    def answered(request: dict[str, object]) -> dict[str, object]:
        tell(other, "Carl plays chess.", judge=False)
        return JUDGED

    llm_server.otherwise = answered
    assert tell(asked, NEW).updated
    assert len(llm_server.requests) == 1
    assert shown(asked) == sorted([NEW, "Carl plays chess."])


def test_an_answer_about_a_version_that_is_gone_is_not_used(
    asked: Session, llm_server: Script, open_cube: Open
) -> None:
    from memos_cli.operations.edit import update

    other, (item,) = open_cube(), current(asked)

    def answered(request: dict[str, object]) -> dict[str, object]:
        update(other, item.id, "Anna sold her oven")
        return JUDGED

    llm_server.otherwise = answered
    result = tell(asked, NEW)
    assert [a.memory for a in result.added] == [NEW]
    assert shown(asked) == sorted([NEW, "Anna sold her oven"])
