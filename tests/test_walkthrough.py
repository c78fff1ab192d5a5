"""Half a year of three people's lives, told as they told it: what a search says at every step.

The sources are the example's (`cubes-example/sources`): talks as files, and what changed as plain statements
without ids, in the order in which it was said. So judging, ranking, feedback, reorganizing and undoing have to
keep the cube true together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memos_cli.location import CubeRef
from memos_cli.operations import edit, init, maintain
from memos_cli.operations.add import add
from memos_cli.operations.browse import list_memories
from memos_cli.operations.feedback import feedback
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.search import search
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import AddResult, Draft, Filters, Kind, Level, Mode, Query, Status
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

SOURCES = Path(__file__).resolve().parent.parent / "cubes-example" / "sources"
MONTHS = ("2024-11", "2024-12", "2025-01", "2025-02", "2025-03", "2025-04", "2025-05")
FIRST_DAY = "2024-11-01"

ANSWERS = {
    "Where does Mira live now?": {"2024-11": "Ghent", "2025-03": "Lyon"},
    "When is Mira's picture book Hedgerow due?": {
        "2024-11": "28 February",
        "2025-01": "31 March",
        "2025-03": "16 May",
        "2025-05": "handed in",
    },
    "How much does Biscuit weigh?": {"2024-11": "4.8", "2024-12": "4.1", "2025-05": "4.6"},
    "What is Mira's favourite dish?": {"2024-11": "moussaka", "2025-02": "risotto"},
    "What is the code of the key box?": {"2024-11": "4417", "2025-05": "2058"},
    "Who is the chair of the allotment association?": {"2024-11": "Van Damme", "2025-03": "Osei"},
    "By when does the weather station Lanternfish have to be finished?": {
        "2024-11": "1 March",
        "2025-01": "22 March",
        "2025-03": "12 April",
    },
    "陈宁住在哪里？": {"2024-11": "阁楼", "2025-04": "公寓"},
}
"""Of each question the word that its answer holds, from which month on."""


def answer_of(question: str, month: str) -> str:
    return [word for since, word in ANSWERS[question].items() if since <= month][-1]


def moment(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def end_of(month: str) -> datetime:
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC) - timedelta(seconds=1)


def told() -> list[tuple[str, str, Any]]:
    """(day, whose, a file of a talk or a statement), in the order of saying; talks before statements."""
    talks = [(file.stem, file.parent.name, file) for file in (SOURCES / "chats").glob("*/*.json")]
    facts = json.loads((SOURCES / "facts.json").read_text(encoding="utf-8"))
    stated = [(v["since"], fact["user"], (fact, v["memory"])) for fact in facts for v in fact["versions"]]
    # What held before the year began is told on its first day.
    days = [(max(day, FIRST_DAY), who, what) for day, who, what in (*talks, *stated)]
    return sorted(days, key=lambda one: (one[0], not isinstance(one[2], Path)))


def tell(session: Session, month: str) -> None:
    for day, who, what in told():
        if not day.startswith(month):
            continue
        if isinstance(what, Path):
            agent = None if who == "plot" else "fern"
            result = add(session, read_paths([what], ReadOptions(user_id=who, agent_id=agent)))
        else:
            result = state(session, day, who, what[1], Kind(what[0].get("kind", Kind.LONG_TERM)))
        assert not result.skipped


def state(
    session: Session, day: str, who: str, text: str, kind: Kind = Kind.LONG_TERM, **how: Any
) -> AddResult:
    return add(session, [Draft(memory=text, user_id=who, said_at=moment(day), kind=kind)], **how)


def first(session: Session, question: str, **query: Any) -> str:
    hits = search(session, Query(text=question, **query)).hits
    return hits[0].item.memory if hits else ""


class Year:
    """The cube, and what its first hits were at the end of each month."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.said: dict[tuple[str, str], str] = {}
        self.tree: dict[str, int] = {}

    def live(self, month: str) -> None:
        tell(self.session, month)
        if month in ("2025-01", "2025-04"):
            done = reorganize(self.session)
            assert done.change
            self.tree[month] = len(nodes(self.session))
        for question in ANSWERS:
            self.said[question, month] = first(self.session, question, now=end_of(month))


def nodes(session: Session) -> list[str]:
    filters = Filters(levels=(Level.TOPIC, Level.CONCEPT))
    return [item.memory for item in list_memories(session, filters, limit=1000).items]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    settings = Settings(home=folder, actor="test", fsync=False)
    ref = CubeRef(name="year", path=folder / "year", is_name=False)
    init.init(ref, settings)
    with open_session(ref, settings, write=True) as session:
        lived = Year(session)
        for month in MONTHS:
            lived.live(month)
        yield lived


@pytest.mark.parametrize("month", MONTHS)
@pytest.mark.parametrize("question", ANSWERS)
def test_the_answer_of_the_month_stands_first(year: Year, question: str, month: str) -> None:
    assert answer_of(question, month) in year.said[question, month]


@pytest.mark.parametrize("month", MONTHS)
@pytest.mark.parametrize("question", ANSWERS)
def test_looking_back_from_the_end_finds_what_was_true_then(year: Year, question: str, month: str) -> None:
    filters = Filters(as_of=end_of(month))
    found = first(year.session, question, now=end_of(month), filters=filters)
    assert answer_of(question, month) in found


def test_every_statement_that_was_told_is_there(year: Year) -> None:
    """As it was told or as a version of a memory; no turn of a talk was changed."""
    table = year.session.cube.table
    texts = {item.memory for item in table.items("level = 'fact'")}
    facts = json.loads((SOURCES / "facts.json").read_text(encoding="utf-8"))
    assert {v["memory"] for fact in facts for v in fact["versions"]} <= texts
    turns = list_memories(year.session, Filters(statuses=tuple(Status)), limit=10_000).items
    assert all(item.version == 1 for item in turns if item.session_id)


def misspelt(session: Session) -> list[str]:
    found = search(session, Query(text='"Lindquist"', mode=Mode.KEYWORD))
    return [hit.item.memory for hit in found.hits]


def test_a_spelling_is_put_right_everywhere_by_one_sentence(year: Year) -> None:
    session = year.session
    state(session, "2025-05-20", "mira", "Pia Lindquist wants a second book about the moor.")
    state(session, "2025-05-21", "mira", "Pia Lindquist comes to Lyon in July.")
    done = feedback(session, "It's Lindqvist, not Lindquist.", filters=Filters(users=("mira",)))
    assert [change.action for change in done.changes] == ["update", "update"]
    assert "Lindqvist" in first(session, "Who comes to Lyon in July?")
    assert not misspelt(session)
    edit.undo(session, done.change)
    assert len(misspelt(session)) == 2
    feedback(session, "It's Lindqvist, not Lindquist.", filters=Filters(users=("mira",)))
    assert not misspelt(session)


def test_a_wrong_memory_is_corrected_and_was_never_true(year: Year) -> None:
    session = year.session
    wrong = state(session, "2025-05-22", "jonas", "Jonas is allergic to strawberries.").added[0].id
    done = feedback(session, "That's wrong, Jonas is allergic to penicillin.", on=[wrong])
    assert done.judgement == "correction"
    assert not [
        hit
        for hit in search(session, Query(text="strawberries")).hits
        if hit.item.id == wrong and "straw" in hit.item.memory
    ]
    assert "penicillin" in first(session, "What is Jonas allergic to?")
    history = edit.find(session, wrong)
    assert any(source.type == "feedback" for source in history.sources)


def test_a_duplicate_is_merged_by_reorganizing_and_both_ids_are_answered_for(year: Year) -> None:
    session = year.session
    text = "Sofie lends the wheelbarrow to plot 15 on Sundays."
    for day in ("2025-05-23", "2025-05-24"):
        state(session, day, "plot", text, allow_duplicates=True)
    before = {
        hit.item.id
        for hit in search(session, Query(text="wheelbarrow Sundays")).hits
        if hit.item.memory == text
    }
    done = reorganize(session)
    after = [
        item
        for item in list_memories(session, Filters(users=("plot",)), limit=1000).items
        if item.memory == text
    ]
    assert len(after) == 1
    assert done.change
    edit.undo(session, done.change)
    back = [
        item
        for item in list_memories(session, Filters(users=("plot",)), limit=1000).items
        if item.memory == text
    ]
    assert len(back) == 2
    assert before <= {item.id for item in back}
    reorganize(session)


def test_the_tree_has_grown_and_the_answers_have_stayed(year: Year) -> None:
    assert 0 < year.tree["2025-01"] < year.tree["2025-04"]
    for question in ANSWERS:
        assert answer_of(question, MONTHS[-1]) in first(year.session, question, now=end_of(MONTHS[-1]))
    assert maintain.check(year.session).ok
