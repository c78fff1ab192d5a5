"""`memos suggest`: questions from topics and open ends, each of which finds what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from conftest import OpenCube, add_texts
from llm_server import NOT_JSON, REFUSED, Request, Script
from test_reorganize import labelled, put, put_items
from typer.testing import CliRunner

from memos_cli.errors import NoLLM
from memos_cli.interfaces.cli.app import app
from memos_cli.operations.add import add
from memos_cli.operations.edit import archive
from memos_cli.operations.insights import insights
from memos_cli.operations.openends import Sort
from memos_cli.operations.reflect import reflect
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.search import search
from memos_cli.operations.suggest import FOUND, Suggestion, SuggestResult, suggest
from memos_cli.schema import Change, Draft, Kind, MemoryItem, Query, Relation
from memos_cli.session import Session
from memos_cli.stores.nearness import content_hash

MAY = datetime(2026, 5, 10, 12, tzinfo=UTC)
JUNE = datetime(2026, 6, 20, 12, tzinfo=UTC)


def sorts(result: SuggestResult) -> list[Sort]:
    return [one.sort for one in result.suggestions]


def only(result: SuggestResult, sort: Sort) -> Suggestion:
    [one] = [one for one in result.suggestions if one.sort is sort]
    return one


def proven(session: Session, result: SuggestResult) -> None:
    """Every question finds its memories among the first hits."""
    for one in result.suggestions:
        hits = {hit.item.id for hit in search(session, Query(text=one.question, k=FOUND)).hits}
        assert one.evidence, one
        assert set(one.evidence) <= hits, one


def test_an_empty_cube_has_nothing_to_ask(session: Session) -> None:
    assert suggest(session).suggestions == ()


# -- open ends


def test_a_contradiction(session: Session) -> None:
    [old] = add_texts(session, "The boiler is serviced by Heizmann.")
    new = MemoryItem(
        memory="The boiler is serviced by Kaltner.",
        content_hash=content_hash("The boiler is serviced by Kaltner."),
        relations=(Relation(kind="contradicts", target=old),),
    )
    put_items(session, [new])
    one = only(suggest(session), Sort.CONFLICT)
    assert set(one.evidence) == {old, new.id}
    assert "Heizmann" in one.question
    assert "Kaltner" in one.question
    assert one.reason == "two memories contradict each other"
    archive(session, [old])
    assert Sort.CONFLICT not in sorts(suggest(session))


def test_a_preference_that_is_contradicted(session: Session) -> None:
    [old] = put(session, "Ana prefers tea to coffee.", kind=Kind.PREFERENCE)
    text = "Ana prefers coffee to tea."
    put(session, text, kind=Kind.PREFERENCE, relations=(Relation(kind="contradicts", target=old),))
    assert sorts(suggest(session)) == [Sort.PREFERENCE]


def planned(session: Session, text: str, said: datetime = MAY) -> str:
    [one] = add(session, [Draft(memory=text, said_at=said)]).added
    return one.id


def test_a_plan_that_is_over_and_one_that_is_near(session: Session) -> None:
    over = planned(session, "The plumber comes on 3 June 2026 to mend the kitchen tap.")
    near = planned(session, "I visit the lighthouse on 27 June 2026.")
    planned(session, "The census is on 5 October 2026.")
    planned(session, "I was at the dentist on 2 May 2026.")
    result = suggest(session, at=JUNE)
    assert only(result, Sort.OVER).evidence == (over,)
    assert only(result, Sort.OVER).reason == "its time ended on 2026-06-03, and nothing was said of it since"
    assert only(result, Sort.SOON).evidence == (near,)
    assert only(result, Sort.SOON).reason == "it begins on 2026-06-27"
    proven(session, result)


def test_a_plan_of_which_something_was_said_since(session: Session) -> None:
    planned(session, "The plumber comes on 3 June 2026 to mend the kitchen tap.")
    planned(session, "The plumber came and could mend the kitchen tap.", datetime(2026, 6, 4, tzinfo=UTC))
    assert Sort.OVER not in sorts(suggest(session, at=JUNE))


@pytest.mark.parametrize(
    ("plan", "since"),
    [
        ("Booked the train to Abisko for 8 June.", "Arrived in Abisko at noon, the midnight sun is odd."),
        ("The deadline of the Formas proposal was moved to 3 June.", "Formas has rejected us."),
        ("The deadline of the proposal was moved to 3 June.", "I sent in the proposal, all 40 pages."),
        ("订了2026年6月8日去阿比斯库的火车票。", "我们中午到了阿比斯库，太阳整夜不落。"),
        ("基金申请的截止日期改到了2026年6月3日。", "申请被拒了。"),
    ],
)
def test_a_matter_that_later_memories_share_a_name_or_a_rare_word_with_is_closed(
    session: Session, plan: str, since: str
) -> None:
    id = planned(session, plan)
    planned(session, "I booked a table for the first day of June.", datetime(2026, 5, 12, tzinfo=UTC))
    planned(session, "我们今天订了一张桌子。", datetime(2026, 5, 12, tzinfo=UTC))
    assert only(suggest(session, at=JUNE), Sort.OVER).evidence == (id,)
    planned(session, since, datetime(2026, 6, 8, 13, tzinfo=UTC))
    assert Sort.OVER not in sorts(suggest(session, at=JUNE))


def test_the_sentence_with_the_date_is_quoted(session: Session) -> None:
    planned(session, "Thank you for the cake. The plumber comes on 3 June 2026. Greetings to Jo.")
    question = only(suggest(session, at=JUNE), Sort.OVER).question
    assert question == "What became of this: “The plumber comes on 3 June 2026”?"


def talk(session: Session, *lines: tuple[str, str], name: str = "s") -> list[str]:
    drafts = [
        Draft(memory=text, speaker=who, session_id=name, position=place, said_at=MAY)
        for place, (who, text) in enumerate(lines)
    ]
    return [one.id for one in add(session, drafts).added]


def test_a_question_that_nobody_answered(session: Session) -> None:
    talk(session, ("Ana", "Where is the spare key?"), ("Ben", "Under the blue pot."))
    ids = talk(session, ("Ben", "Hello there."), ("Ana", "Who feeds the tortoise in August?"), name="t")
    result = suggest(session)
    assert only(result, Sort.UNANSWERED).question == "Who feeds the tortoise in August?"
    assert only(result, Sort.UNANSWERED).evidence == (ids[1],)


def test_a_stale_insight(llm_server: Script, open_cube: OpenCube) -> None:
    session = open_cube(**llm_server.settings)
    days = ["Monday was bad after coffee.", "Tuesday was bad after coffee.", "Sunday was good after tea."]
    ids = add_texts(session, *(f"Sleep on {day}" for day in days))
    said = {"text": "Coffee makes sleep bad.", "lines": [1, 2, 3], "key": "", "tags": [], "confidence": 70}
    llm_server.answers = [{"insights": [said]}]
    assert reflect(session).insights
    archive(session, [ids[0]])
    [insight] = insights(session)
    assert insight.stale
    assert insight.id in only(suggest(session), Sort.STALE).evidence


# -- topics and names


@pytest.fixture
def garden(open_cube: OpenCube) -> Session:
    session = open_cube("tree_text", embedder="static")
    put(session, *(text for subject, text in labelled() if subject in ("garden", "cat", "guitar", "编程")))
    reorganize(session)
    return session


def test_topics(garden: Session) -> None:
    result = suggest(garden, k=12)
    topics = [one for one in result.suggestions if one.sort is Sort.TOPIC]
    assert len(topics) >= 3
    assert all(len(one.evidence) >= 2 for one in topics)
    assert any(one.question.startswith("What is known about ") for one in topics)
    assert result.tried >= len(result.suggestions)
    proven(garden, result)
    assert len(suggest(garden, k=2).suggestions) == 2


def test_a_stale_summary(garden: Session) -> None:
    from memos_cli.operations.outline import outlines

    [outline] = outlines(garden.cube).values()
    node = max(outline.concepts.values(), key=lambda one: int(one.info["size"]))
    after = node.but(
        stale=True, row=MemoryItem(memory="x").row, version=node.version + 1, predecessor=node.row
    )
    from memos_cli.schema import Closing

    garden.cube.commit(Change(verb="add", puts=(after,), closings=(Closing(id=node.id, row=node.row),)))
    one = only(suggest(garden, k=20), Sort.STALE)
    assert str(node.key) in one.question


def test_names(session: Session) -> None:
    add_texts(
        session,
        "The train to Trondheim leaves at noon.",
        "In Trondheim it rained all day.",
        "We met Olaf in Trondheim.",
        "Bread is cheap here.",
    )
    one = only(suggest(session), Sort.ENTITY)
    assert one.question == "What is there to know about Trondheim?"
    assert len(one.evidence) == 3


def test_a_name_is_counted_where_it_begins_a_sentence_too(session: Session) -> None:
    add_texts(
        session,
        "Lunch with Lena at the harbour.",
        "The talk of Lena was about frost.",
        "I gave the keys to Lena.",
        "Lena has a cold.",
        "Lena's bicycle is green.",
        "Lenart has a cold as well.",
    )
    one = only(suggest(session), Sort.ENTITY)
    assert one.question == "What is there to know about Lena?"
    assert one.reason == "it stands in 5 memories"


def test_a_chinese_cube_is_asked_in_chinese(session: Session) -> None:
    [old] = add_texts(session, "锅炉由海曼公司负责维修。")
    put(
        session,
        "锅炉由卡特公司负责维修。",
        language="zh",
        relations=(Relation(kind="contradicts", target=old),),
    )
    planned(session, "水管工2026年6月3日来修厨房的水龙头。")
    result = suggest(session, at=JUNE)
    assert only(result, Sort.CONFLICT).question.endswith("哪一个是对的？")
    assert only(result, Sort.OVER).question.endswith("后来怎么样了？")
    assert only(result, Sort.OVER).reason.startswith("它在 2026-06-03 已经结束")


def test_what_does_not_find_its_memory_is_not_asked(session: Session) -> None:
    """Forty memories that begin in the same words, so that a question that quotes them finds ten."""
    start = "The plumber with the red van, whom the neighbours from the second floor know, comes on a day in June to "
    put(session, *(f"{start} mend the tap number {n} of the house." for n in range(40)),
        said_at=MAY, event_start=datetime(2026, 6, 3, tzinfo=UTC), event_end=datetime(2026, 6, 4, tzinfo=UTC))  # fmt: skip
    result = suggest(session, k=30, at=JUNE)
    proven(session, result)
    assert result.tried > len(result.suggestions), "some of them were not found"


# -- worded by a model


def worded(session: Session, llm_server: Script, *texts: str, **more: Any) -> SuggestResult:
    llm_server.answers = [{"questions": [{"number": n, "text": t} for n, t in enumerate(texts, 1)]}]
    return suggest(session, at=JUNE, phrase=True, **more)


@pytest.fixture
def plumber(llm_server: Script, open_cube: OpenCube) -> Session:
    session = open_cube(**llm_server.settings)
    planned(session, "The plumber comes on 3 June 2026 to mend the kitchen tap.")
    return session


def test_a_model_words_it(llm_server: Script, plumber: Session) -> None:
    result = worded(plumber, llm_server, "Did the plumber mend the kitchen tap?")
    [one] = result.suggestions
    assert (one.question, one.phrased_by) == ("Did the plumber mend the kitchen tap?", "openai:m")
    assert result.tokens > 0
    assert "The plumber comes on 3 June 2026" in llm_server.said()
    proven(plumber, result)


@pytest.mark.parametrize(
    "text",
    [
        "The tap is mended.",
        "Did Heinrich mend the kitchen tap?",
        "Did the plumber mend 17 taps?",
        "水管工修好厨房的水龙头了吗？",
        "Did the plumber mend the tap? " * 10,
        "Did it \ud800 go well?",
        "",
    ],
)
def test_words_that_are_not_believed(llm_server: Script, plumber: Session, text: str) -> None:
    [one] = worded(plumber, llm_server, text).suggestions
    assert one.phrased_by == "template"


def test_words_that_find_nothing_are_not_taken(llm_server: Script, plumber: Session) -> None:
    add_texts(plumber, *(f"A whale sang in ocean {word}." for word in "abcdefghijkl"))
    [one] = [s for s in worded(plumber, llm_server, "Which whale sang in the ocean?").suggestions
             if s.sort is Sort.OVER]  # fmt: skip
    assert one.phrased_by == "template"


@pytest.mark.parametrize("said", [NOT_JSON, REFUSED], ids=["no JSON", "refused"])
def test_a_model_that_fails_is_a_note(llm_server: Script, plumber: Session, said: Any) -> None:
    def answer(request: Request) -> Any:
        return said

    llm_server.otherwise = answer
    result = suggest(plumber, at=JUNE, phrase=True)
    assert [one.phrased_by for one in result.suggestions] == ["template"]
    assert result.notes[0].startswith("the language model worded no question")


def test_the_command(plumber: Session, environment: dict[str, str]) -> None:
    runner = CliRunner(env=environment)
    done = runner.invoke(app, ["suggest", "--now", "2026-06-20", "--json"])
    assert done.exit_code == 0, done.output
    [one] = json.loads(done.stdout)["suggestions"]
    assert one["sort"] == "plan that is over"
    assert "What became of this" in runner.invoke(app, ["suggest", "--now", "2026-06-20"]).output
    refused = runner.invoke(app, ["suggest", "--phrase"])
    assert refused.exit_code == 2
    assert "needs a language model" in refused.output


def test_phrasing_needs_a_model(session: Session) -> None:
    with pytest.raises(NoLLM):
        suggest(session, phrase=True)
