"""`memos feedback`: what is understood, what is changed, and what never is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenCube, add_texts
from llm_server import FILTERED, NOT_JSON, REFUSED, Answer, Script
from typer.testing import CliRunner

from memos_cli.cube.check import check
from memos_cli.cube.recent import note_shown, read_shown
from memos_cli.errors import MemoryNotFound, NothingSeen, TooManyChanges
from memos_cli.interfaces.cli.app import app
from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.operations.browse import find, history, list_memories, log
from memos_cli.operations.edit import undo, update
from memos_cli.operations.feedback import FeedbackResult, feedback
from memos_cli.operations.framing import framed
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.search import note_hits, search
from memos_cli.operations.wording import attribute, filled, holds, one_slot, overfull, replaced, swapped
from memos_cli.schema import (
    Change,
    Draft,
    Filters,
    Kind,
    Level,
    MemoryItem,
    Origin,
    Query,
    Relation,
    RelationKind,
    Source,
    Status,
)
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import content_hash

DATA = Path(__file__).parent / "data"
Cube = tuple[Session, dict[str, str]]


def texts(session: Session) -> set[str]:
    return {i.memory for i in session.cube.table.items("known_to IS NULL AND status = 'activated'")}


# -- the labelled utterances


def rows(language: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (DATA / f"feedback_{language}.jsonl").read_text("utf-8").splitlines()
    ]


def draft(row: dict[str, Any], place: int) -> Draft:
    sources = (Source(type="file", path=row["path"]),) if "path" in row else ()
    sources = (Source(type="chat", role=row["role"]),) if "role" in row else sources
    return Draft(
        memory=row["memory"],
        kind=Kind(row["kind"]) if "kind" in row else None,
        session_id=row.get("session_id"),
        speaker=row.get("speaker"),
        position=place if "role" in row else None,
        sources=sources,
    )


@pytest.fixture(scope="module", params=["en", "zh"])
def labelled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Cube]]:
    """A language, and a session on the cube that its utterances are about, with ids by key."""
    path = tmp_path_factory.mktemp(request.param)
    settings = Settings(home=path / "home", embedder="hash:64", fsync=False, actor="tester")
    cube = [row for row in rows(request.param) if "cube" in row]
    with open_session(CubeRef("c", path / "c", is_name=False), settings, write=True, create=True) as session:
        result = add(session, [draft(row, place) for place, row in enumerate(cube)], judge=False)
        yield request.param, (session, {r["cube"]: a.id for r, a in zip(cube, result.added, strict=True)})


def judged(cube: Cube, row: dict[str, Any]) -> tuple[FeedbackResult, dict[str, str | None]]:
    """What an utterance comes to, and the memories that it overwrites, by key."""
    session, ids = cube
    result = feedback(session, row["say"], on=[ids[key] for key in row.get("on", ())], dry_run=True)
    keys = {id: key for key, id in ids.items()}
    return result, {keys[c.id]: c.after for c in result.changes if c.id}


def fits(after: str | None, wanted: Any) -> bool:
    return after in (wanted if isinstance(wanted, list) else [wanted])


def test_utterances_are_judged_and_change_what_they_mean(labelled: tuple[str, Cube]) -> None:
    """Without a language model: what is changed is right in at least nine of ten, and most is found."""
    language, cube = labelled
    right = changed = wanted = judgements = agreed = added = to_add = 0
    utterances = [row for row in rows(language) if "say" in row]
    for row in utterances:
        result, found = judged(cube, row)
        right += sum(key in row["changes"] and fits(text, row["changes"][key]) for key, text in found.items())
        changed += len(found)
        wanted += len(row["changes"])
        if row["part"] == "tricky":
            assert not found, row["say"]
            continue
        judgements += 1
        agreed += result.judgement == row["judgement"]
        if row.get("adds"):
            to_add += 1
            added += any(change.action == "add" for change in result.changes)
        if row["judgement"] in ("praise", "noise"):
            assert not result.changes, row["say"]
    assert right / changed >= 0.97
    assert right / wanted >= 0.93
    assert judgements >= 100
    assert agreed / judgements >= 0.97
    assert added == to_add
    assert log(cube[0]).total == 1  # a dry run changes nothing


@pytest.mark.parametrize("language", ["en", "zh"])
def test_utterances_of_the_blind_sets(language: str, session: Session) -> None:
    """The sets that were written without a look at the grammar, after it was mended for what they showed; the
    first runs stand in `tests/data/feedback.md`. What is not sure is asked or added, never overwritten."""
    lines = rows(f"blind_{language}")
    cube = [row for row in lines if "cube" in row]
    added = add(session, [draft(row, place) for place, row in enumerate(cube)], judge=False).added
    ids = {row["cube"]: one.id for row, one in zip(cube, added, strict=True)}
    utterances = [row for row in lines if "say" in row]
    wrong: list[str] = []
    right = wanted = agreed = 0
    for row in utterances:
        result, found = judged((session, ids), row)
        good = {key for key, text in found.items() if fits(text, row["changes"].get(key, ()))}
        wrong += [f"{row['say']} -> {key}: {found[key]}" for key in found.keys() - good]
        right, wanted = right + len(good), wanted + len(row["changes"])
        agreed += result.judgement in row["judgement"]
        assert not row.get("adds") or any(change.action == "add" for change in result.changes), row["say"]
    assert len(utterances) >= 110
    assert not wrong
    assert right / wanted >= 0.83
    assert agreed / len(utterances) >= 0.97


@pytest.mark.parametrize("language", ["en", "zh"])
def test_utterances_of_the_third_and_fourth_sets(language: str, session: Session) -> None:
    """As above; here a word of the memory's text afterwards is labelled."""
    lines = rows(f"third_{language}")
    cube = [row for row in lines if "cube" in row]
    added = add(session, [draft(row, place) for place, row in enumerate(cube)], judge=False).added
    ids = {row["cube"]: one.id for row, one in zip(cube, added, strict=True)}
    utterances = [row for row in lines if "say" in row]
    wrong: list[str] = []
    right = wanted = agreed = 0
    for row in utterances:
        result, found = judged((session, ids), row)
        good = {key for key, text in found.items() if key in row["holds"] and says(text, row["holds"][key])}
        wrong += [f"{row['say']} -> {key}: {found[key]}" for key in found.keys() - good]
        right, wanted = right + len(good), wanted + len(row["holds"])
        agreed += result.judgement == row["judgement"]
    assert len(utterances) == 90
    assert not wrong
    assert right / wanted >= 0.8
    assert agreed / len(utterances) >= 0.9


def says(text: str | None, word: str | None) -> bool:
    return text is None if word is None or text is None else word in text


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        (
            "The neighbour Greta owns a parrot.",
            "Greta owns a cockatoo",
            "The neighbour Greta owns a cockatoo.",
        ),
        ("The rent is 950 pounds a month.", "the rent is 990", "The rent is 990 pounds a month."),
        (
            "Paul's daughter Tilly is six years old.",
            "Tilly is seven",
            "Paul's daughter Tilly is seven years old.",
        ),
        ("The mother was born in Cork.", "The mother was born in Bray", "The mother was born in Bray."),
        ("Paul's wife is Ingrid.", "Paul's wife is kind", None),
        ("Paul is allergic to shellfish.", "Paul is tall", None),
        ("Paul runs ten miles every Sunday.", "Paul runs ten miles every Monday", None),
        ("The red door and the red gate lead to the yard.", "the red gate", None),
        ("邻居高阿姨养了一只鹦鹉。", "高阿姨养了一只乌龟", "邻居高阿姨养了一只乌龟。"),
        ("老周的妻子叫李梅。", "老周的妻子很善良", None),
        ("我每周日跑十公里。", "我每周六跑十公里", None),
    ],
)
def test_a_statement_is_laid_upon_a_memory(memory: str, said: str, after: str | None) -> None:
    assert framed(memory, said) == after


def rewritten(session: Session, memory: str, said: str) -> list[str | None]:
    """What a remark would make of the one memory of a cube."""
    add_texts(session, memory)
    return [change.after for change in feedback(session, said, dry_run=True).changes if change.id]


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        ("The user drinks tea.", "I like tea, not coffee.", None),
        ("The user's sister lives in Rome.", "My sister lives in Bonn.", None),
        ("The user's sister lives in Rome.", "No, my sister lives in Bonn.", "The user's sister lives in Bonn."),
        ("The user's mother lives in Rome.", "No, my mother lives in Bonn.", "The user's mother lives in Bonn."),
        ("The user's sister lives in Rome.", "My brother lives in Bonn.", None),
        ("用户的妈妈住在苏州。", "我们妈妈班在杭州", None),
        ("用户不喝酒。", "我喝酒的。", "用户喝酒。"),
        ("用户不喝酒。", "我喝茶的。", None),
        ("The team uses Trello.", "We switched from Trello to Jira.", "The team uses Jira."),
        ("The user drinks tea.", "I switched from tea to coffee.", None),
        ("The team uses Trello for plans.", "We switched from Trello to Jira for plans.", "The team uses Jira for plans."),
        ("The choir meets at 19:00.", "The choir meets at 20:00 these days.", "The choir meets at 20:00."),
        ("The choir meets at 19:00.", "The band meets at 20:00 these days.", None),
        ("Anna has a cat called Miso.", "Her cat is called Maki, not Miso.", "Anna has a cat called Maki."),
        ("Anna moved to Bergen.", "No, she lives in Lier, not Bergen.", None),
        ("The shop opens at 9.", "The shop is wrong.", None),
        ("Bea eats meat.", "Bea does not eat meat.", "Bea does not eat meat."),
        ("Bea eats meat.", "Ben does not eat meat.", None),
        ("Bea lives in Rome.", "As if Bea lived in Paris.", None),
        ("Bea lives in Rome.", "Don't delete that Bea lives in Rome.", None),
    ],
)  # fmt: skip
def test_what_a_sentence_overwrites(session: Session, memory: str, said: str, after: str | None) -> None:
    assert rewritten(session, memory, said) == ([after] if after else [])


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        ("Erik Lundgren reads the sensors every Tuesday.", "Erik's last name is Lundberg, not Lundgren", "Erik Lundberg reads the sensors every Tuesday."),
        ("The grant application is due on 15 April 2026.", "The grant deadline is 29 April, not 15 April", "The grant application is due on 29 April 2026."),
        ("The wedding will be on 22 May 2027 in Vadstena.", "The wedding date is 29 May, not 22 May", "The wedding will be on 29 May 2027 in Vadstena."),
        ("My bike is a green Crescent.", "My bike's colour is blue, not green", "My bike is a blue Crescent."),
        ("My car is a red Skoda.", "The colour of my car is dark blue, not red", "My car is a dark blue Skoda."),
        ("Our landlord is Mr. Holm and he lives below.", "The landlord's name is Holmberg, not Holm", "Our landlord is Mr. Holmberg and he lives below."),
        ("The dentist sits in the Ringstrasse 14.", "The dentist's address is Ringstrasse 41, not Ringstrasse 14", "The dentist sits in the Ringstrasse 41."),
        ("Jonas is 34 and lives in Lund.", "Jonas's age is 35, not 34", "Jonas is 35 and lives in Lund."),
        ("Marta's train leaves at 7:40.", "The departure time of Marta's train is 7:50, not 7:40", "Marta's train leaves at 7:50."),
        ("The deadline of the paper is 3 June.", "The deadline's 5 June, not 3 June", "The deadline of the paper is 5 June."),
        ("The rent is 900 euros.", "My salary is 1000 euros, not 900 euros", None),
    ],
)  # fmt: skip
def test_of_an_attribute_only_the_value_is_exchanged(
    session: Session, memory: str, said: str, after: str | None
) -> None:
    assert rewritten(session, memory, said) == ([after] if after else [])


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        ("The wedding will be on 22 May 2027 in Vadstena.", "The wedding is on 29 May 2027", "The wedding will be on 29 May 2027 in Vadstena."),
        ("My bike is a green Crescent.", "The bike is blue", "My bike is a blue Crescent."),
        ("My brother Tomas lives in Graz.", "Tomas no longer lives in Graz", "My brother Tomas no longer lives in Graz."),
        ("Tomas lives in Graz. He has a dog.", "Tomas no longer lives in Graz", "Tomas no longer lives in Graz. He has a dog."),
        ("The flight to Oslo leaves at 8:05 on Friday.", "The flight leaves at 8:15.", None),
        ("The red door and the blue gate are old.", "The door is green", None),
        ("The choir meets at 19:00.", "The party is at 20:00", None),
        ("Tomas moved to Graz in 2019.", "Tomas no longer lives in Graz", None),
    ],
)  # fmt: skip
def test_what_is_said_plainly_corrects_the_one_memory_of_that_slot(
    session: Session, memory: str, said: str, after: str | None
) -> None:
    add_texts(session, memory)
    changes = feedback(session, said, dry_run=True).changes
    assert [change.after for change in changes if change.id] == ([after] if after else [])
    assert changes


def test_what_hangs_on_what_is_over_is_asked_about(session: Session) -> None:
    (id,) = add_texts(session, "Tomas lives in Graz and works at the mill.")
    result = feedback(session, "Tomas no longer lives in Graz")
    assert (result.changes, [one.id for one in result.unsure]) == ((), [id])


@pytest.mark.parametrize("said", ["Forget the old freezer code", "Change the old freezer code to 7777"])
def test_where_none_fits_those_that_are_near_are_offered(session: Session, said: str) -> None:
    (id, *_) = add_texts(session, "The freezer code is 4471.", "The sea is calm.")
    result = feedback(session, said)
    assert (result.changes, [one.id for one in result.unsure], result.unclear) == ((), [id], True)
    add_texts(session, *(f"The freezer code of lab {n} is {n}71." for n in range(1, 9)))
    assert len(feedback(session, said).unsure) == 5


def test_what_would_be_more_than_a_value_is_asked_about(session: Session) -> None:
    (id,) = add_texts(session, "Anna loves chess.")
    result = feedback(session, "Anna plays tennis, not chess")
    assert (result.changes, [one.id for one in result.unsure]) == ((), [id])
    assert result.unclear
    assert overfull("Erik reads.", "Erik last name is Lundberg reads.")
    assert overfull("The bike is green.", "The bike is bike blue.")
    assert overfull("艾瑞读数据。", "名字是艾力读数据。")
    assert not overfull("The bike is green.", "The bike is dark blue.")


def test_what_is_no_longer_so_was_true_until_now(session: Session) -> None:
    (id,) = add_texts(session, "The choir meets at 19:00.")
    feedback(session, "The choir meets at 20:00 these days.")
    old, new = history(session, id).versions
    assert old.valid_to == new.valid_from
    assert (old.valid_from or new.said_at) != new.valid_from


# -- carrying out


def test_a_correction_is_one_change_with_its_source_and_can_be_undone(session: Session) -> None:
    (id,) = add_texts(session, "Anna lives in Oslo with her two cats.")
    result = feedback(session, "No, Anna lives in Bergen, not Oslo")
    assert (result.judgement, result.change is not None, result.stale) == ("correction", True, ())
    (change,) = result.changes
    assert (change.id, change.action, change.before) == (
        id,
        "update",
        "Anna lives in Oslo with her two cats.",
    )
    old, new = history(session, id).versions
    assert new.memory == change.after == "Anna lives in Bergen with her two cats."
    source = new.sources[-1]
    assert (source.type, source.role, source.text) == (
        "feedback",
        "feedback",
        "No, Anna lives in Bergen, not Oslo",
    )
    assert (new.verb, new.change, old.closed_by) == ("feedback", result.change, result.change)
    assert [i.id for i in list_memories(session, Filters(sources=("feedback",))).items] == [id]
    assert check(session.cube).ok
    undo(session, result.change)
    assert texts(session) == {"Anna lives in Oslo with her two cats."}


def test_what_was_wrong_was_never_true_and_what_changed_was(session: Session) -> None:
    then = datetime(2024, 5, 1, tzinfo=UTC)
    add(session, [Draft(memory=t, said_at=then) for t in ("Anna lives in Oslo.", "Ben works at Bosch.")])
    feedback(session, "No, Anna lives in Bergen.")
    feedback(session, "Ben left Bosch.")

    def so(question: str, at: datetime) -> list[str]:
        found = search(session, Query(text=question, k=1, filters=Filters(as_of=at)))
        return [hit.item.memory for hit in found.hits]

    later = then + timedelta(days=30)
    assert so("Anna", later) == ["Anna lives in Bergen."]
    assert so("Ben", later) == ["Ben works at Bosch."]
    assert so("Ben", datetime.now(UTC) + timedelta(days=1)) == ["Ben left Bosch."]


def test_a_supplement_belongs_to_the_user_and_names_what_it_is_about(session: Session) -> None:
    (id,) = add_texts(session, "Anna lives in Oslo.", user_id="u")
    result = feedback(session, "Also, Anna lives in Oslo with a cat.", filters=Filters(users=("u",)))
    assert result.judgement == "supplement"
    new = find(session, str(result.changes[0].id))
    assert (new.user_id, new.sources[0].type) == ("u", "feedback")
    assert [(r.kind, r.target) for r in new.relations] == [("complements", id)]
    undo(session)
    assert texts(session) == {"Anna lives in Oslo."}


def test_what_is_forgotten_is_archived_and_comes_back(session: Session) -> None:
    (code, _) = add_texts(session, "The gate code is 4711.", "The gate is green.")
    result = feedback(session, "Please forget the gate code.")
    assert (result.judgement, [c.action for c in result.changes]) == ("deletion", ["archive"])
    assert find(session, code).status is Status.ARCHIVED
    undo(session, result.change)
    assert find(session, code).status is Status.ACTIVATED


INSURANCE = "My insurance is with Helvetia. The claim number is HX-2291 and the excess is 300 francs."


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        (INSURANCE, "Forget my claim number", "My insurance is with Helvetia. The excess is 300 francs."),
        (INSURANCE, "Delete everything about the excess", "My insurance is with Helvetia. The claim number is HX-2291."),
        (INSURANCE, "Forget the note about the claim number", None),
        ("The claim number is HX-2291. Our bank is in Bonn.", "Forget the claim number", "Our bank is in Bonn."),
        ("I live in Oslo. I have a dog.", "Forget that I live in Oslo.", "I have a dog."),
        ("The fair was good. Okafor was there too.", "Delete everything about Okafor", "The fair was good."),
        ("Dr. Okafor teaches statistics. He left in May.", "Delete everything about Okafor", None),
        ("My supervisor is Okafor.", "Delete everything about Okafor", None),
        ("Kathrin and I went to school together.", "Delete everything about Kathrin", None),
        ("Anna has two cats named Miso and Pixel.", "Forget Anna's cats", None),
        ("我的保险在安联。理赔号是8812，免赔额是300元。", "忘掉理赔号", "我的保险在安联。免赔额是300元。"),
    ],
)  # fmt: skip
def test_of_what_is_forgotten_the_rest_stays(
    session: Session, memory: str, said: str, after: str | None
) -> None:
    add_texts(session, memory)
    (change,) = feedback(session, said).changes
    assert (change.before, change.after) == (memory, after)
    versions = history(session, str(change.id)).versions
    assert [v.memory for v in versions] == [memory, after or memory]


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        ("My insurance is with Helvetia with claim number HX-2291 and an excess of 300 francs.", "Forget my claim number"),
        ("The claim number is HX-2291. It is valid until May. The sea is calm.", "Forget the claim number"),
        ("Ben has a dog, a cat and two horses.", "Forget Ben's cat"),
        ("My sister Mia lives in Bonn and works at Bosch.", "Forget that my sister lives in Bonn"),
        ("Annika Lindqvist is now my supervisor, since Okafor left.", "Delete everything about Okafor"),
        ("Mia is fond of Okafor.", "Delete everything about Okafor"),
        ("Annika met Okafor.", "Delete everything about Okafor"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_out_is_asked_about_and_not_archived(
    session: Session, memory: str, said: str
) -> None:
    (id,) = add_texts(session, memory)
    result = feedback(session, said)
    assert (result.changes, [one.id for one in result.unsure], result.unclear) == ((), [id], True)
    (change,) = feedback(session, said, on=[id]).changes
    assert change.id == id, "which was named is meant"


@pytest.mark.parametrize(
    "text", ["Thanks, that's right!", "What is the gate code?", "hm", "谢谢", "门的密码是多少?"]
)
def test_praise_questions_and_noise_change_nothing(session: Session, text: str) -> None:
    add_texts(session, "The gate code is 4711.")
    before = session.cube.revision
    result = feedback(session, text)
    assert (result.changes, result.change, result.unclear) == ((), None, False)
    assert session.cube.revision == before


def test_where_several_fit_none_is_changed(session: Session) -> None:
    first, second = add_texts(session, "The gate code is 4711.", "The cellar code is 815.")
    before = session.cube.revision
    result = feedback(session, "Forget the code.")
    assert result.unclear
    assert {one.id for one in result.unsure} == {first, second}
    assert session.cube.revision == before
    named = feedback(session, "Forget the code.", on=[second])
    assert [c.id for c in named.changes] == [second]


def test_users_are_not_mixed(session: Session) -> None:
    (ana,) = add_texts(session, "I live in Oslo.", user_id="ana")
    (ben,) = add_texts(session, "I live in Rome.", user_id="ben")
    assert not any(
        c.action != "add"
        for c in feedback(session, "No, I live in Bern, not Oslo or Rome.", dry_run=True).changes
    )
    result = feedback(session, "No, I live in Bern.", filters=Filters(users=("ana",)))
    assert [c.id for c in result.changes] == [ana]
    assert find(session, ben).memory == "I live in Rome."


def test_a_memory_of_the_user_in_the_third_person_is_corrected_by_i(session: Session) -> None:
    add_texts(session, "The user lives in Oslo.")
    feedback(session, "No, I live in Bergen.")
    assert texts(session) == {"The user lives in Bergen."}


def test_turns_are_record_unless_they_are_named(session: Session) -> None:
    turn = Draft(memory="I live in Oslo.", session_id="s", speaker="Ana", position=0)
    (said,) = add(session, [turn]).added
    result = feedback(session, "No, I live in Bergen, not Oslo.")
    assert [c.action for c in result.changes] == ["add"]
    assert find(session, said.id).memory == "I live in Oslo."
    feedback(session, "No, I live in Bergen.", on=[said.id])
    item = find(session, said.id)
    assert (item.memory, is_turn(item)) == ("I live in Bergen.", True)


def test_a_note_of_a_session_does_not_become_a_turn(session: Session) -> None:
    (id,) = add_texts(session, "Anna lives in Oslo.", session_id="s")
    feedback(session, "No, Anna lives in Bergen.")
    assert not is_turn(find(session, id))


def test_the_caller_decides_about_overwriting_and_about_many(session: Session) -> None:
    add_texts(
        session, *(f"Anne plays the {thing}." for thing in ("harp", "flute", "oboe", "drum", "horn", "lute"))
    )
    with pytest.raises(TooManyChanges):
        feedback(session, "It's Anna, not Anne.")
    seen: list[FeedbackResult] = []

    def no(result: FeedbackResult) -> bool:
        seen.append(result)
        return False

    refused = feedback(session, "It's Anna, not Anne.", confirm=no)
    assert (len(seen[0].changes), refused.change, refused.changes) == (6, None, ())
    assert all("Anne" in text for text in texts(session))
    assert feedback(session, "It's Anna, not Anne.", max_changes=6).change
    assert all("Anna" in text for text in texts(session))


def test_unknown_ids_are_refused_before_anything_is_read(session: Session) -> None:
    with pytest.raises(MemoryNotFound):
        feedback(session, "forget that", on=["00000000-none"])
    with pytest.raises(NothingSeen):
        feedback(session, "forget that", last=True)


# -- the last search or change


def test_last_is_the_search_or_the_change_whichever_is_newer(session: Session) -> None:
    first, second = add_texts(session, "The gate code is 4711.", "The sea is calm.")
    note_hits(session, search(session, Query(text="gate code", k=1)))
    assert read_shown(session.cube.layout).ids == (first,)  # type: ignore[union-attr]
    result = feedback(session, "It should be 4712.", last=True)
    assert [(c.id, c.after) for c in result.changes] == [(first, "The gate code is 4712.")]
    update(session, second, "The sea is rough.")
    assert [c.id for c in feedback(session, "Forget that.", last=True).changes] == [second]


@pytest.mark.parametrize("word", ["otter77", "plum-lamp-88"])
def test_digits_at_the_end_of_a_word_are_no_value_by_themselves(session: Session, word: str) -> None:
    add_texts(session, f"The wifi password is {word}.")
    result = feedback(session, "It should be 4712.", last=True)
    assert [c.after for c in result.changes] == ["The wifi password is 4712."]


def test_the_verb_of_another_wording_stays_outside(session: Session) -> None:
    (id,) = add_texts(session, "Anna moved to Bergen.")
    result = feedback(session, "No, she lives in Lier, not Bergen", on=[id])
    assert [c.after for c in result.changes] == ["Anna moved to Lier."]


def test_what_is_there_already_is_not_added_again(session: Session) -> None:
    add_texts(session, "Anna moved to Bergen.")
    said = "No, she lives in Bergen, not Oslo"
    assert [c.action for c in feedback(session, said).changes] == ["add"]
    again = feedback(session, said)
    assert (again.changes, again.change, again.unclear) == ((), None, False)
    assert again.reason == "the cube says that already"


def test_of_several_that_were_shown_one_is_meant(session: Session) -> None:
    first, second = add_texts(session, "The gate code is 4711.", "Anna lives in Oslo.")
    note_shown(session.cube.layout, [first, second])
    assert feedback(session, "That's wrong.", last=True).unclear
    assert [c.id for c in feedback(session, "No, Anna lives in Rome.", last=True).changes] == [second]


def test_what_was_learned_from_the_last_memory_is_not_another_one(session: Session) -> None:
    (id,) = add_texts(session, "I like jazz.")
    assert [c.id for c in feedback(session, "Forget that.", last=True).changes] == [id]


def test_a_damaged_list_of_what_was_shown_counts_as_none(session: Session) -> None:
    (id,) = add_texts(session, "The gate code is 4711.")
    for damage in ("", "[]", '{"ids": 3}', '{"ids": [], "time": "no"}'):
        session.cube.layout.shown.write_text(damage)
        assert read_shown(session.cube.layout) is None
    assert [c.id for c in feedback(session, "Forget that.", last=True).changes] == [id]


# -- words replaced everywhere


def test_a_name_is_replaced_wherever_it_stands(session: Session) -> None:
    file = (Source(type="file", path="notes.md"),)
    added = add(
        session,
        [
            Draft(memory="Anne's birthday is in May.", key="Anne's birthday", tags=("Anne", "may")),
            Draft(memory="ANNE and anne@example.org, Anne-Marie, Annette.", sources=file),
            Draft(memory="Anne likes tea.", kind=Kind.PREFERENCE),
            Draft(memory="I met Anne!", session_id="s", speaker="Ana", position=0),
            Draft(memory="Calls Anne.", kind=Kind.TOOL_TRAJECTORY),
            Draft(memory="Bob likes tea."),
        ],
        judge=False,
    ).added
    result = feedback(session, "It's Anna, not Anne", dry_run=True)
    assert result.notes == ("4 memories hold 'Anne': 1 memory, 1 document piece, 1 preference, 1 turn.",)
    result = feedback(session, "It's Anna, not Anne")
    assert texts(session) == {
        "Anna's birthday is in May.", "ANNA and anne@example.org, Anne-Marie, Annette.", "Anna likes tea.",
        "I met Anna!", "Calls Anne.", "Bob likes tea.",
    }  # fmt: skip
    first = find(session, added[0].id)
    assert (first.key, set(first.tags)) == ("Anna's birthday", {"Anna", "may"})
    assert len(result.changes) == 4
    undo(session)
    assert "Anne likes tea." in texts(session)


def test_who_is_renamed_everywhere_is_renamed_as_a_speaker(session: Session) -> None:
    """The labels go with the words, in one change; a role, a longer name and a wish to forget are no label's."""
    added = add(
        session,
        [
            Draft(memory="I love hiking.", session_id="s", speaker="Anne", position=0),
            Draft(memory="Anne said so.", session_id="s", speaker="Anne Berg", position=1),
            Draft(memory="Good night.", session_id="s", speaker="Annegret", position=2),
            Draft(memory="Hello.", session_id="s", speaker="user", position=3),
        ],
        judge=False,
    ).added
    result = feedback(session, "It's Anna, not Anne")
    assert [find(session, one.id).speaker for one in added] == ["Anna", "Anna Berg", "Annegret", "user"]
    assert [(change.before, change.reason.partition(" ")[0]) for change in result.changes] == [
        ("I love hiking.", "its"),
        ("Anne said so.", "'Anna'"),
        ("I love hiking", "its"),  # the preference that was learned from it
    ]
    assert result.notes == ("3 memories were said by 'Anne', who is called 'Anna' there then.",)
    assert "I love hiking." in [
        hit.item.memory for hit in search(session, Query(text="what did Anna say")).hits
    ]
    assert check(session.cube).ok
    undo(session)
    assert find(session, added[0].id).speaker == "Anne"
    assert not feedback(session, "Replace user with customer everywhere.").changes
    assert [c.id for c in feedback(session, "Forget everything about Anne.", dry_run=True).changes] == [
        added[1].id
    ]


def test_a_replacement_keeps_to_its_scope(session: Session) -> None:
    add_texts(session, "小汪来了。", user_id="a", tags=("work",))
    add_texts(session, "小汪走了。", user_id="b")
    feedback(session, "是小王不是小汪", filters=Filters(users=("a",)))
    assert texts(session) == {"小王来了。", "小汪走了。"}
    assert feedback(session, "把小汪改成小旺", filters=Filters(tags=("work",))).unclear
    (one,) = [i for i in session.cube.table.items("known_to IS NULL") if i.user_id == "b"]
    feedback(session, "把小汪改成小旺", on=[one.id])
    assert texts(session) == {"小王来了。", "小旺走了。"}


def test_two_cities_are_no_spellings_of_one_another(session: Session) -> None:
    add_texts(session, "Anna lives in Oslo.", "The flight goes to Oslo.")
    result = feedback(session, "It's Bergen, not Oslo.")
    assert (result.changes, len(result.unsure)) == ((), 2)


def test_a_percent_sign_or_quote_in_the_words_finds_what_it_says(session: Session) -> None:
    add_texts(session, "The rate is 5% or so.", "O'Neil came.", "The rate is 50 or so.")
    feedback(session, "Replace O'Neil with O'Neill.")
    assert "O'Neill came." in texts(session)
    assert feedback(session, "Replace 5% with 6%.").changes[0].after == "The rate is 6% or so."


# -- what rests on it


def test_refined_facts_go_with_a_corrected_memory_and_stay_with_a_respelled_one(session: Session) -> None:
    (raw,) = add_texts(session, "Anne lives in Oslo.")
    fact = MemoryItem(
        memory="A woman lives in Norway.", refines=raw, relations=(Relation(kind=RelationKind.REFINES, target=raw),),
        content_hash=content_hash("A woman lives in Norway."),
    )  # fmt: skip
    session.cube.commit(Change(verb="refine", puts=(fact,)))
    feedback(session, "It's Anna, not Anne")
    assert find(session, fact.id).status is Status.ACTIVATED
    result = feedback(session, "No, Anna lives in Rome.")
    assert result.notes == ("1 memory that was drawn from it went with it.",)
    assert find(session, fact.id).status is Status.ARCHIVED
    undo(session, result.change)
    assert find(session, fact.id).status is Status.ACTIVATED


def test_a_learned_preference_follows_what_it_was_learned_from(session: Session) -> None:
    add_texts(session, "I like jazz.", "I like chess.")

    def held() -> set[str]:
        found = list_memories(session, Filters(learned=True)).items
        return {f"{item.memory} {item.info.get('polarity')}" for item in found}

    assert held() == {"I like jazz 1", "I like chess 1"}
    result = feedback(session, "I don't like jazz any more.")
    assert [(c.action, c.before) for c in result.changes] == [("update", "I like jazz.")]
    assert {one for one in held() if one.endswith(" 1")} == {"I like chess 1"}
    feedback(session, "Forget that I like chess.")
    assert not {one for one in held() if "chess" in one}
    undo(session)
    assert "I like chess 1" in held()


def test_a_preference_learned_from_a_turn_is_corrected_itself(session: Session) -> None:
    turn = Draft(memory="I like jazz.", session_id="s", speaker="user", position=0)
    (said,) = add(session, [turn]).added
    feedback(session, "No, I don't like jazz.", filters=Filters(kinds=(Kind.PREFERENCE,)))
    assert find(session, said.id).memory == "I like jazz."
    assert "I like jazz" not in {i.memory for i in list_memories(session, Filters(learned=True)).items}


def test_summaries_that_rest_on_it_are_stale_and_told_anew(session: Session) -> None:
    seeds = ("The garden has roses.", "The garden has tulips.", "Roses in the garden are red.", "Tulips in the garden are late.",
             "The garden gate code is 4711.", "The garden has a gate.")  # fmt: skip
    ids = add_texts(session, *seeds)
    concept = MemoryItem(
        memory="garden: The garden gate code is 4711.", key="garden", level=Level.CONCEPT, origin=Origin.SUMMARY,
        relations=tuple(Relation(kind=RelationKind.EVIDENCE, target=id) for id in ids[4:]), verb="reorganize",
        info={"size": 6, "by": "terms"},
    )  # fmt: skip
    insight = MemoryItem(
        memory="Gates matter.",
        kind=Kind.INSIGHT,
        origin=Origin.INFERRED,
        relations=tuple(Relation(kind=RelationKind.EVIDENCE, target=id) for id in ids[2:]),
    )
    session.cube.commit(Change(verb="reorganize", puts=(concept, insight)))
    dry = feedback(session, "The gate code is 4712, not 4711.", on=[ids[4]], dry_run=True)
    result = feedback(session, "The gate code is 4712, not 4711.", on=[ids[4]])
    assert set(result.stale) == set(dry.stale) == {concept.id, insight.id}
    assert find(session, concept.id).stale
    undo(session, result.change)
    assert not find(session, concept.id).stale
    feedback(session, "The gate code is 4712, not 4711.", on=[ids[4]])
    reorganize(session)
    after = find(session, concept.id)
    assert after.status is Status.ARCHIVED or not (after.stale or "4711" in after.memory)


def test_a_summary_that_somebody_corrects_keeps_his_words(session: Session) -> None:
    node = MemoryItem(memory="garden: roses in Oslo", key="garden", level=Level.TOPIC, origin=Origin.SUMMARY)
    session.cube.commit(Change(verb="reorganize", puts=(node,)))
    result = feedback(session, "It's Bergen, not Oslo", on=[node.id])
    item = find(session, node.id)
    assert (item.memory, item.verb, item.stale, result.stale) == (
        "garden: roses in Bergen",
        "feedback",
        False,
        (),
    )


# -- words


@pytest.mark.parametrize(
    ("text", "said", "wrong", "after"),
    [
        ("We meet on Tuesdays at 10.", "We meet on Wednesdays", "Tuesdays", "We meet on Wednesdays at 10."),
        ("Lena is a nurse.", "Lena is an engineer", "nurse", "Lena is an engineer."),
        (
            "The boat is at pier 7. Pay cash.",
            "The boat is at pier 9",
            "pier 7",
            "The boat is at pier 9. Pay cash.",
        ),
        ("Oslo, Oslo and Oslo.", "It is Bergen", "Oslo", None),
        ("我对花生过敏。", "我是对核桃过敏", "花生", "我对核桃过敏。"),
        ("莉娜是儿童医院的护士。", "莉娜是医生", "护士", "莉娜是儿童医院的医生。"),
    ],
)
def test_only_the_words_that_are_wrong_are_exchanged(
    text: str, said: str, wrong: str, after: str | None
) -> None:
    assert swapped(text, said, wrong) == after


def test_whole_words_in_their_case() -> None:
    assert replaced("ANNE, anne and Anne's", "Anne", "Anna") == "ANNA, anna and Anna's"
    assert not holds("Annette, anne.txt, x@anne.org", "Anne")
    assert holds("new   york", "New York")


def test_a_value_alone_fills_the_one_place_of_its_kind() -> None:
    assert filled("The code is 4711.", "4712") == "The code is 4712."
    assert filled("From 9 to 10.", "11") is None
    assert filled("Written in Python.", "Rust") == "Written in Rust."
    assert one_slot("The team meets on Mondays at ten", "The team meets on Tuesdays") is not None
    assert one_slot("Tom meets Eva on Mondays", "The team meets on Tuesdays") is None
    assert (
        attribute("The gate code is 4711, I think.", "the gate code", "12") == "The gate code is 12, I think."
    )


# -- the language model

SAYS = "Hm, about the bread: it was pottery she took up, no more Sunday baking for her."
OLD = "Anna bakes bread on Sundays with friends"
CHANGE = {
    "action": "update", "number": 1, "before": "bakes bread on Sundays", "after": "took up pottery",
    "quote": "it was pottery she took up",
}  # fmt: skip


def understood(*changes: dict[str, Any], judgement: str = "correction") -> dict[str, Any]:
    return {"judgement": judgement, "reason": "Her hobby changed.", "changes": list(changes)}


@pytest.fixture
def asked(open_cube: OpenCube, llm_server: Script) -> Session:
    session = open_cube(**llm_server.settings)
    add(session, [Draft(memory=OLD)], judge=False)
    llm_server.requests.clear()
    return session


def test_a_model_reads_what_the_rules_do_not(asked: Session, llm_server: Script) -> None:
    llm_server.answers = [understood(CHANGE)]
    result = feedback(asked, SAYS)
    assert texts(asked) == {"Anna took up pottery with friends"}
    assert "Her hobby changed." in result.reason
    assert OLD in llm_server.said()
    assert SAYS in llm_server.said()
    undo(asked)
    assert texts(asked) == {OLD}


def test_a_model_adds_and_archives(asked: Session, llm_server: Script) -> None:
    add = {
        "action": "add",
        "number": 1,
        "after": "Anna took up pottery.",
        "quote": "it was pottery she took up",
    }
    gone = {"action": "archive", "number": 1, "quote": "no more Sunday baking"}
    llm_server.answers = [understood(add, gone)]
    result = feedback(asked, SAYS)
    assert [c.action for c in result.changes] == ["add", "archive"]
    assert texts(asked) == {"Anna took up pottery."}


def test_a_model_is_asked_in_chinese(open_cube: OpenCube, llm_server: Script) -> None:
    session = open_cube(**llm_server.settings)
    add(session, [Draft(memory="小红每周日跟朋友烤面包。")], judge=False)
    llm_server.requests.clear()
    llm_server.answers = [
        understood(
            {"action": "update", "number": 1, "before": "烤面包", "after": "做陶艺", "quote": "改做陶艺了"}
        )
    ]
    feedback(session, "不对,小红早就改做陶艺了,跟面包没关系。")
    assert texts(session) == {"小红每周日跟朋友做陶艺。"}
    assert "反馈" in llm_server.said()


def test_a_model_is_not_asked_where_the_rules_are_sure(asked: Session, llm_server: Script) -> None:
    add(asked, [Draft(memory="Ben lives in Oslo.")], judge=False)
    for text in ("No, Ben lives in Rome.", "Thanks!", "Forget where Ben lives", "It's Berta, not Anna"):
        feedback(asked, text, dry_run=True)
    assert all("Forget" in str(r["messages"]) or "Berta" in str(r["messages"]) for r in llm_server.requests)


@pytest.mark.parametrize(
    "change",
    [
        {"number": 7},
        {"number": 0},
        {"quote": ""},
        {"quote": "she said pottery is nice"},
        {"before": "lives in Oslo"},
        {"before": ""},
        {"after": ""},
        {"after": "took up pottery with Gustav"},
        {"after": "took up pottery in 2019"},
        {"after": "dances with wolves under the moon"},
        {"action": "archive", "number": 9},
        {"action": "add", "after": "Anna moved to Paris in 2020."},
    ],
)
def test_a_model_is_not_believed_without_evidence(
    asked: Session, llm_server: Script, change: dict[str, Any]
) -> None:
    llm_server.answers = [understood(CHANGE | change)]
    result = feedback(asked, SAYS)
    assert OLD in texts(asked)
    assert any("not borne out" in note for note in result.notes)
    assert all(one.action == "add" for one in result.changes)


def test_of_several_changes_those_without_evidence_are_left_out(asked: Session, llm_server: Script) -> None:
    llm_server.answers = [understood(CHANGE, CHANGE | {"number": 5})]
    result = feedback(asked, SAYS)
    assert texts(asked) == {"Anna took up pottery with friends"}
    assert any("1 changes" in note for note in result.notes)


@pytest.mark.parametrize(
    "answer",
    [
        "complete nonsense", NOT_JSON, REFUSED, FILTERED, Answer(status=400), Answer(drop=True),
        {"judgement": "sideways"}, Answer(wait=1.0, says="{}"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_the_rules_decide_and_nothing_is_lost(
    open_cube: OpenCube, llm_server: Script, answer: Any
) -> None:
    session = open_cube(**(llm_server.settings | {"llm_timeout": 0.3}))
    add(session, [Draft(memory=OLD)], judge=False)
    llm_server.otherwise = lambda request: answer
    result = feedback(session, "No, that was before Anna discovered pottery and clay.")
    assert any("by rule alone" in note for note in result.notes)
    assert OLD in texts(session)
    assert [c.action for c in result.changes] in ([], ["add"])


def test_a_model_over_its_budget_is_a_note(open_cube: OpenCube, llm_server: Script) -> None:
    session = open_cube(**(llm_server.settings | {"max_llm_tokens": 1}))
    add(session, [Draft(memory=OLD)], judge=False)
    result = feedback(session, SAYS, dry_run=True)
    assert any("by rule alone" in note for note in result.notes)


def test_a_model_may_say_that_it_is_nothing(asked: Session, llm_server: Script) -> None:
    llm_server.answers = [understood(judgement="noise"), understood(CHANGE, judgement="praise")]
    assert feedback(asked, SAYS).judgement == "noise"
    assert feedback(asked, SAYS, dry_run=True).notes[-1].endswith("the rules decided")


# -- the command line


@pytest.fixture
def memos(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in {"HOME": str(settings.home), "EMBEDDER": "hash:64", "FSYNC": "false"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", value)

    def run(*arguments: str, code: int = 0, **more: Any) -> Any:
        result = CliRunner().invoke(app, list(arguments), **more)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in arguments else result

    return run


def test_without_a_terminal_overwriting_needs_yes(memos: Callable[..., Any]) -> None:
    memos("add", "Anna lives in Oslo.")
    refused = memos("feedback", "No, Anna lives in Rome.", code=2)
    assert "--yes" in refused.output
    assert "Anna lives in Oslo." in memos("list").output
    shown = memos("feedback", "No, Anna lives in Rome.", "--dry-run").output
    assert "~ Anna lives in Oslo. → Anna lives in Rome." in shown
    done = memos("feedback", "No, Anna lives in Rome.", "--yes", "--json")
    assert (done["judgement"], done["changes"][0]["after"]) == ("correction", "Anna lives in Rome.")
    memos("feedback", "Also, Anna has a cat.")
    assert (
        memos("feedback", "-", "--yes", "--json", input="Forget that Anna has a cat.")["judgement"]
        == "deletion"
    )


def test_more_than_max_changes_needs_more_than_yes(memos: Callable[..., Any]) -> None:
    memos("add", "Anne sings.", "Anne swims.", "--no-judge")
    refused = memos("feedback", "It's Anna, not Anne", "--yes", "--max-changes", "1", code=2)
    assert "--max-changes 2" in refused.output
    assert (
        len(memos("feedback", "It's Anna, not Anne", "--yes", "--max-changes", "2", "--json")["changes"]) == 2
    )


def test_what_is_not_clear_is_said_with_exit_code_1(memos: Callable[..., Any]) -> None:
    memos("add", "The gate code is 1.", "The cellar code is 2.")
    assert "--on ID" in memos("feedback", "forget the code", code=1).output
    assert len(memos("feedback", "forget the code", "--json", code=1)["unsure"]) == 2
    memos("search", "cellar", "-k", "1")
    assert (
        memos("feedback", "forget that", "--last", "--yes", "--json")["changes"][0]["before"]
        == "The cellar code is 2."
    )
    assert (
        memos("feedback", "x y", "--on", "none-there", "--json", code=3)["error"]["code"]
        == "memory_not_found"
    )
    memos("feedback", "forget that", "--last", "--on", "x", code=2)
    memos("feedback", "forget that", "--as-of", "2024-01-01", code=2)


def test_on_a_terminal_it_asks_and_lets_choose(
    memos: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos_cli.interfaces.cli.output.Output.can_ask", True)
    memos("add", "The gate code is 1.", "The cellar code is 2.")
    no = memos("feedback", "The gate code is 7, not 1.", input="n\n", code=1)
    assert "~ The gate code is 1. → The gate code is 7." in no.output
    assert "Nothing was changed" in no.output
    memos("feedback", "forget the code", input="\n", code=1)
    chosen = memos("feedback", "forget the code", input="1\ny\n")
    assert "1 archived" in chosen.output


# -- names within longer names, numbers with units, and words that say nothing


def left(session: Session, said: str, *memories: str) -> dict[str, str | None]:
    """What memories say after a feedback, those that stay as they are aside."""
    add_texts(session, *memories)
    return {str(c.before): c.after for c in feedback(session, said, dry_run=True).changes if c.id}


@pytest.mark.parametrize(
    "memory",
    [
        "李娜娜爱唱歌。", "小李娜今年三岁。", "阿李娜来了。", "李娜莉住在北京。", "张李娜是医生。", "李娜瑜伽课在周二。",
        "李娜爱的猫叫咪咪。",
    ],
)  # fmt: skip
@pytest.mark.parametrize("said", ["不是李娜，是李那", "不是李娜，是王芳", "把李娜改成李那"])
def test_a_chinese_name_within_a_longer_one_is_asked_about(session: Session, memory: str, said: str) -> None:
    add_texts(session, memory)
    result = feedback(session, said, dry_run=True)
    assert (result.changes, [one.memory for one in result.unsure]) == ((), [memory])
    assert result.unclear


@pytest.mark.parametrize(
    "memory",
    [
        "李娜的猫叫咪咪。", "李娜爱唱歌。", "昨天跟李娜去了上海。", "我喜欢李娜。", "项目由李娜负责。", "李娜喜欢茶。", "李娜妈妈是老师。",
        "同事李娜今年30岁。", "李娜、王芳去爬山。", "李娜会说法语。", "李娜九月份要结婚了。", "李娜", "李娜 (Lina) 养猫。", "给李娜的礼物：陶艺课。",
    ],
)  # fmt: skip
def test_a_chinese_name_by_itself_is_put_right(session: Session, memory: str) -> None:
    assert left(session, "不是李娜，是李那", memory)[memory] == memory.replace("李娜", "李那")


def test_of_several_memories_those_of_other_people_are_left_alone_and_named(session: Session) -> None:
    mine, other, third = add_texts(session, "李娜的猫叫咪咪。", "李娜娜爱唱歌。", "小李娜今年三岁。")
    result = feedback(session, "不是李娜，是李那")
    assert [(c.id, c.after) for c in result.changes] == [(mine, "李那的猫叫咪咪。")]
    assert sum(id in note and "left alone" in note for note in result.notes for id in (other, third)) == 2
    assert {"李娜娜爱唱歌。", "小李娜今年三岁。"} <= texts(session)


def test_a_longer_name_that_is_shown_elsewhere_counts_everywhere(session: Session) -> None:
    """李明爱 may be a name in 李明爱唱歌, as it is one in 李明爱的猫."""
    found = left(session, "不是李明，是李鸣", "李明爱的猫叫咪咪。", "李明爱唱歌。", "李明是医生。")
    assert found == {"李明是医生。": "李鸣是医生。"}


def test_a_longer_name_among_the_tags_stays_there(session: Session) -> None:
    tagged = [
        Draft(memory="李明爱唱歌。", tags=("李明爱",)),
        Draft(memory="Ann sings.", tags=("Ann Marie", "Ann")),
    ]
    _, ann = (one.id for one in add(session, tagged, judge=False).added)
    assert not feedback(session, "不是李明，是李鸣", dry_run=True).changes
    feedback(session, "It's Anne, not Ann")
    assert (find(session, ann).memory, find(session, ann).tags) == ("Anne sings.", ("Ann Marie", "Anne"))


@pytest.mark.parametrize(
    ("said", "memories", "after"),
    [
        ("It's Peter, not Pete", ["Pete met Peter at noon."], []),
        ("It's Pete, not Peter", ["Pete met Peter at noon."], []),
        ("It's Tom, not Ben", ["Ben met Tom."], []),
        ("The one who came is Tom, not Ben", ["The one who came with Tom is Ben."], []),
        ("It's Peter, not Pete", ["Pete met Peter.", "Pete sings."], ["Peter sings."]),
        ("It's Peter, not Pete", ["Pete met Peter.", "Pete sings.", "Pete swims."], []),
        ("It's Beth, not Ann", ["Ann Marie works with Ann."], ["Ann Marie works with Beth."]),
        ("It's Anne, not Ann", ["Ann Marie works with Ann."], ["Ann Marie works with Anne."]),
        ("It's Beth, not Ann", ["Ann Marie plays chess."], []),
        ("Her name is Beth, not Ann", ["Ann Marie plays chess."], []),
        ("It's Anne, not Ann", ["Mary Ann plays chess.", "Aunt Ann sings."], ["Aunt Anne sings."]),
        ("It's Anne, not Ann", ["Yesterday Ann sang.", "Ann's Marie is two."], ["Yesterday Anne sang.", "Anne's Marie is two."]),
        ("It's Anne, not Anna", ["Anna Kowalski bakes."], ["Anne Kowalski bakes."]),
        ("It's Anne, not Anna", ["Anna Kowalski bakes.", "Anna sings."], ["Anne Kowalski bakes.", "Anne sings."]),
        ("It's Anne, not Anna", ["Anna Kowalski bakes.", "Anna Berg sings."], []),
        ("It's Anne, not Anna", ["Anna Kowalski met Anna."], ["Anna Kowalski met Anne."]),
        ("It's Kowalsky, not Kowalski", ["Anna Kowalski bakes."], ["Anna Kowalsky bakes."]),
        ("Replace Skoda with Dacia", ["We drive a Skoda Octavia."], []),
        ("It's Anna Kowalski, not Anna", ["Anna sings."], ["Anna Kowalski sings."]),
        ("It's Anna Kowalski, not Anna", ["Anna Kowalski sings."], []),
    ],
)  # fmt: skip
def test_a_name_is_put_right_only_where_it_is_that_name(
    session: Session, said: str, memories: list[str], after: list[str]
) -> None:
    assert sorted(map(str, left(session, said, *memories).values())) == sorted(after)


def test_who_points_at_a_memory_says_that_it_is_the_name(session: Session) -> None:
    (id,) = add_texts(session, "李娜瑜伽课在周二。")
    (change,) = feedback(session, "不是李娜，是李那", on=[id], dry_run=True).changes
    assert change.after == "李那瑜伽课在周二。"


@pytest.mark.parametrize(
    ("memory", "said", "after"),
    [
        ("The fee is 35 euros.", "It is 40 euros, not 35", "The fee is 40 euros."),
        ("The fee is 35 euros.", "The fee is 40, not 35 euros", "The fee is 40 euros."),
        ("The fee is 35 euros.", "It is €40, not 35", "The fee is 40 euros."),
        ("The fee is €35.", "It is €40, not 35", "The fee is €40."),
        ("The fee is €35.", "It is 40, not €35", "The fee is €40."),
        ("The fee is 35 euros.", "It is 40 dollars, not 35", "The fee is 40 dollars."),
        ("The rent is 950 pounds a month.", "It's 990 pounds, not 950", "The rent is 990 pounds a month."),
        ("The run is 10 km long.", "It's 12 kilometres, not 10", "The run is 12 km long."),
        ("The soil is 35% clay.", "It's 40 percent, not 35", "The soil is 40% clay."),
        ("Anna is 35 years old.", "Anna is 36, not 35 years old", "Anna is 36 years old."),
        ("The room holds 35 people.", "It is 40 euros, not 35", None),
        ("The fee is 35.", "It is 40 euros, not 35", "The fee is 40 euros."),
        ("会费是35元。", "是40元，不是35", "会费是40元。"),
        ("会费是35元。", "会费是40，不是35元", "会费是40元。"),
        ("爷爷75岁。", "是76岁，不是75", "爷爷76岁。"),
    ],
)
def test_a_unit_stands_once(session: Session, memory: str, said: str, after: str | None) -> None:
    assert left(session, said, memory).get(memory) == after


@pytest.mark.parametrize(
    "said",
    [
        "It's Ben, not Ben", "It's not Ben, it's Ben", "Ben, not Ben", "Anna is Ben, not Ben", "It's , not Ben", "It's Ben, not.",
        "不是李娜，是李娜", "是李娜，不是李娜", "Never forget the wifi password!", "Don't forget my birthday!", "千万别忘了无线密码！",
    ],
)  # fmt: skip
def test_what_says_nothing_is_noise(session: Session, said: str) -> None:
    add_texts(session, "Ben lives in Bonn.", "The wifi password is otter.", "李娜住在北京。")
    result = feedback(session, said, dry_run=True)
    assert (result.judgement, result.changes, result.unsure, result.unclear) == ("noise", (), (), False)


def test_what_is_not_to_be_forgotten_is_remembered_where_it_is_said(session: Session) -> None:
    said = "Never forget that Ben is allergic to nuts!"
    assert [c.after for c in feedback(session, said, dry_run=True).changes] == ["Ben is allergic to nuts."]


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        ("Ben lives in Bonn.", "Thanks, that's right, Ben lives in Kiel"),
        ("Ben lives in Bonn.", "Yes, exactly, Ben lives in Kiel"),
        ("陈斌住在波恩。", "对，陈斌住在基尔"),
    ],
)
def test_praise_that_says_otherwise_is_asked_about(session: Session, memory: str, said: str) -> None:
    add_texts(session, memory)
    result = feedback(session, said, dry_run=True)
    assert (result.changes, [one.memory for one in result.unsure]) == ((), [memory])


@pytest.mark.parametrize(
    "said", ["That's right, Ben lives in Bonn", "Yes, Ben moved to Kiel", "Thanks, Ben has a cat"]
)
def test_praise_that_says_the_same_or_news_is_not_asked_about(session: Session, said: str) -> None:
    add_texts(session, "Ben lives in Bonn.")
    assert not feedback(session, said, dry_run=True).unsure
