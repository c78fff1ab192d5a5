"""What was said otherwise since stands behind what holds now, in hits that a search found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import OpenCube

from memos_cli.interfaces.cli.commands.search import _entry
from memos_cli.operations.add import add
from memos_cli.operations.search import search
from memos_cli.operations.succession import newest_first, says_another_value
from memos_cli.schema import Draft, Filters, Hit, MemoryItem, Query, Relation

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def said(texts: list[str], who: str = "Ida") -> list[Draft]:
    return [
        Draft(memory=text, speaker=who, session_id=f"s{n}", said_at=MAY + timedelta(days=30 * n))
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("texts", "question"),
    [
        (["I live in Lisbon.", "I moved to Porto.", "I live in Rome now."], "In which town does Ida live?"),
        (["我住在北京。", "我搬到上海了。", "我现在住在广州。"], "Ida住在哪里？"),
    ],
)
def test_the_newest_turn_stands_first_and_no_turn_is_lost(
    open_cube: OpenCube, texts: list[str], question: str
) -> None:
    session = open_cube("general_text")
    add(session, said(texts))
    hits = search(session, Query(text=question)).hits
    assert [hit.item.memory for hit in hits] == texts[::-1]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].updated_by is None
    assert all(hit.updated_by in {one.item.id for one in hits} for hit in hits[1:])
    then = Query(text=question, filters=Filters(as_of=MAY + timedelta(days=45)))
    assert [hit.item.memory for hit in search(session, then).hits] == texts[1::-1]


STATED = [
    ("The fee is 85 euros a year.", "The fee is 92 euros a year.", "How much is the fee?"),
    ("Mrs. Van Damme is the chair of the garden club.", "Mr. Osei is the chair of the garden club.", "Who is the chair?"),
    ("Ida writes firmware for the locks of Velora.", "Ida leads the firmware team for locks at Velora.",
     "What does Ida do at Velora?"),
    ("宁的书稿三月一日交给出版社。", "宁的书稿四月九日交给出版社。", "宁的书稿什么时候交？"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "question"), STATED)
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "the older one told last"])
def test_of_statements_of_one_matter_the_later_stands_first(
    open_cube: OpenCube, old: str, new: str, question: str, backwards: bool
) -> None:
    session = open_cube("general_text")
    drafts = [Draft(memory=old, said_at=MAY), Draft(memory=new, said_at=MAY + timedelta(days=30))]
    add(session, drafts[::-1] if backwards else drafts, judge=False)
    hits = search(session, Query(text=question)).hits
    assert [hit.item.memory for hit in hits] == [new, old]


@pytest.mark.parametrize(
    ("old", "new", "question"),
    [
        ("I like tea.", "I like coffee.", "Do I like tea?"),
        ("The fee is 85 euros a year.", "The fee is 92 euros a year.", "What was the fee before?"),
        ("The gate of the shed is green and old.", "The cat sleeps all day.", "What colour has the gate?"),
    ],
)
def test_what_answers_more_or_was_asked_of_the_past_keeps_its_place(
    open_cube: OpenCube, old: str, new: str, question: str
) -> None:
    session = open_cube("general_text")
    add(session, [Draft(memory=old, said_at=MAY), Draft(memory=new, said_at=MAY + timedelta(days=30))])
    plain = search(session, Query(text=question, k=1)).hits
    found = search(session, Query(text=question)).hits
    assert found[0].item.id == plain[0].item.id
    assert found[0].item.memory == old


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("The freezer code for the minus 80 is 4471.", "The freezer code for the minus 80 is 9038.", True),
        ("The gate code is A471", "The gate code is now B903.", True),
        ("Rent: 850 euros", "Rent: 900 euros", True),
        ("冷冻柜的密码是4471。", "冷冻柜的密码是9038。", True),
        ("The code is 4471.", "The code is 4471.", False),
        ("The code of room 1 is 4471.", "The code of room 2 is 9038.", False),
        ("Ana ran 5 km.", "Ana ran 7 km.", False),
        ("The course is on 5 May.", "The course is on 9 May.", False),
        ("The course is 5 May.", "The course is 9 May.", False),
        ("The course is 5 pm.", "The course is 6 pm.", False),
        ("课是5月3日。", "课是6月3日。", False),
        ("The fee is 85 euros.", "The fee is 92 pounds.", False),
        ("The lid is red.", "The lid is blue.", False),
    ],
)
def test_another_number_in_the_same_words(old: str, new: str, found: bool) -> None:
    assert says_another_value(old, new) is found


def test_the_later_number_is_named_beside_the_earlier_one(open_cube: OpenCube) -> None:
    session = open_cube("general_text")
    texts = [f"The minus 80 in room Q is {code}." for code in (4471, 5512, 9038)]
    drafts = [Draft(memory=text, said_at=MAY + timedelta(days=n)) for n, text in enumerate(texts)]
    add(session, drafts, judge=False)
    latest, *older = search(session, Query(text="minus 80 in room Q")).hits
    assert (latest.item.memory, latest.updated_by) == (texts[-1], None)
    assert {hit.updated_by for hit in older} == {latest.item.id}
    entry = _entry(older[0], [], False)
    assert entry.cells[-1] == latest.item.id
    assert len(_entry(latest, [], False).cells) == 3


def test_what_two_people_state_is_two_matters(open_cube: OpenCube) -> None:
    session = open_cube("general_text")
    ida = Draft(memory="The code of my bicycle lock is 4417, and it is red.", user_id="ida", said_at=MAY)
    theo = Draft(
        memory="The code of my bicycle lock is 2058.", user_id="theo", said_at=MAY + timedelta(days=9)
    )
    add(session, [ida, theo])
    hits = search(session, Query(text="code of the red lock")).hits
    assert hits[0].item.user_id == "ida"


def hit(id: str, score: float, day: int, *updates: str) -> Hit:
    relations = tuple(Relation(kind="update", target=target) for target in updates)
    said_at = MAY + timedelta(days=day)
    return Hit(item=MemoryItem(id=id, memory=id, said_at=said_at, relations=relations), score=score)


def order(hits: list[Hit]) -> list[str]:
    return [one.item.id for one in newest_first(hits, "which")]


def test_only_what_another_hit_updates_moves() -> None:
    assert order([hit("a", 0.9, 1), hit("b", 0.8, 2), hit("c", 0.7, 3, "a"), hit("d", 0.6, 0)]) == [
        "c",
        "a",
        "b",
        "d",
    ]
    untouched = [hit("a", 0.9, 1, "elsewhere"), hit("b", 0.8, 2)]
    assert newest_first(untouched, "which") == untouched


def test_time_decides_which_is_newer_whoever_has_the_relation() -> None:
    assert order([hit("early", 0.9, 1, "late"), hit("late", 0.5, 2)]) == ["late", "early"]


def test_a_circle_and_a_relation_to_itself_end() -> None:
    assert sorted(order([hit("a", 0.9, 1, "b", "a"), hit("b", 0.8, 1, "a")])) == ["a", "b"]
