"""What is read out of a text without a model, and what becomes of it in a cube."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memos_cli.location import CubeRef
from memos_cli.operations import add, edit, init
from memos_cli.operations.browse import find
from memos_cli.reader.annotate import annotated
from memos_cli.reader.entities import entities_in
from memos_cli.reader.keyphrase import keyphrase
from memos_cli.schema import Depth, Draft, Kind, MemoryItem, Precision, Source
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
NOW = datetime(2026, 3, 12, 9, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I met Dr. Peeters and Caroline in Rio de Janeiro.", ("Dr. Peeters", "Caroline", "Rio de Janeiro")),
        ("Thanks, Mel! It's great. The talk is at Ghent University.", ("Mel", "Ghent University")),
        ("Painting is fun. Painting helps me.", ()),
        ("Hey Caroline, last Monday was May Day for me.", ("Caroline", "Day")),
        ("GREAT NEWS FOR ALL OF US", ()),
        ("昨天我和王老师去了绿禾公园，看了《小王子》。", ("王老师", "绿禾公园", "小王子")),
        ("我叫李雪，小王是我同事。", ("李雪", "小王")),
        ("我喜欢公园和大学。", ()),
        ("nothing here", ()),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert entities_in(text) == names


def test_who_says_i_is_who_speaks() -> None:
    draft = Draft(memory="I met Bob in Ghent.", speaker="Ana", said_at=SAID)
    assert annotated(draft, NOW).info == {"read": {"entities": ["Ana", "Bob", "Ghent"]}}
    assert annotated(draft.but(speaker="user"), NOW).info == {"read": {"entities": ["Bob", "Ghent"]}}
    assert annotated(draft.but(memory="It rains in Ghent."), NOW).info == {"read": {"entities": ["Ghent"]}}


def test_a_typed_text_is_said_now_and_a_file_at_no_known_time() -> None:
    typed = annotated(Draft(memory="I met him yesterday.", sources=(Source(type="text"),)), NOW)
    assert typed.event_start == datetime(2026, 3, 11, tzinfo=UTC)
    of_file = Source(type="file", path="notes.md")
    assert annotated(Draft(memory="I met him yesterday.", sources=(of_file,)), NOW).event_start is None
    full = annotated(Draft(memory="It opened on 3 May 1990.", sources=(of_file,)), NOW)
    assert full.event_start == datetime(1990, 5, 3, tzinfo=UTC)
    two = annotated(Draft(memory="sown: 2025-03-01; planted: 2025-05-11", sources=(of_file,)), NOW)
    assert two.event_start is None
    assert len(two.info["read"]["times"]) == 2


LONG = "The garden gate code is 4711 and the water at the allotment is turned off for the winter months."


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        (LONG, "garden gate code"),
        ("我们决定把计费服务迁移到新的数据库。计费服务团队五月开始工作。", "计费服务迁移"),
        (
            "Pinch out the side shoots and feed the tomatoes; the side shoots come again all summer.",
            "side shoots",
        ),
        ("A short note.", None),
        ("the and of " * 20, None),
        ("", None),
    ],
)
def test_the_phrase_that_says_what_a_text_is_about(text: str, phrase: str | None) -> None:
    assert keyphrase(text) == phrase


def test_only_notes_without_a_key_get_a_phrase() -> None:
    assert annotated(Draft(memory=LONG), NOW).info["read"]["key"] == "garden gate code"
    assert annotated(Draft(memory=LONG), NOW).key is None
    assert "key" not in annotated(Draft(memory=LONG, key="own"), NOW).info.get("read", {})
    assert "key" not in annotated(Draft(memory=LONG, session_id="s"), NOW).info.get("read", {})


def test_what_was_stated_stays_and_tools_are_left_alone() -> None:
    stated = Draft(memory="I met him yesterday.", event_start=SAID, said_at=SAID, info={"own": 1})
    assert annotated(stated, NOW).event_start == SAID
    assert annotated(stated, NOW).info["own"] == 1
    call = Draft(memory="search(query='Ghent yesterday')", kind=Kind.TOOL_TRAJECTORY, said_at=SAID)
    assert annotated(call, NOW) == call


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    home: Path = tmp_path_factory.mktemp("annotate")
    settings = Settings(home=home, actor="test")
    ref = CubeRef(name="c", path=home / "c", is_name=False)
    init.init(ref, settings, text=Depth.NAIVE)
    with open_session(ref, settings, write=True) as session:
        yield session


def _item(session: Session, id: str) -> MemoryItem:
    return find(session, id)


def test_a_cube_keeps_the_event_and_reads_a_new_text_anew(session: Session) -> None:
    text = "I went to Ghent yesterday."
    told = add.add(session, [Draft(memory=text, said_at=SAID, speaker="Ana", info={"own": 1})])
    item = _item(session, told.added[0].id)
    assert item.memory == text
    assert (item.event_start, item.event_end) == (
        datetime(2023, 5, 7, tzinfo=UTC),
        datetime(2023, 5, 8, tzinfo=UTC),
    )
    assert item.event_precision is Precision.DAY
    assert item.info == {"own": 1, "read": {"entities": ["Ana", "Ghent"]}}
    edit.update(session, item.id, "I went to Bruges last year.")
    item = _item(session, item.id)
    assert (item.event_start, item.event_precision) == (datetime(2022, 1, 1, tzinfo=UTC), Precision.YEAR)
    assert item.info == {"own": 1, "read": {"entities": ["Ana", "Bruges"]}}
    edit.update(session, item.id, "No town and no time.")
    item = _item(session, item.id)
    assert (item.event_start, item.event_end, item.event_precision) == (None, None, None)
    assert item.info == {"own": 1}


def test_an_update_by_external_id_is_read_anew(session: Session) -> None:
    first = Draft(memory="We ate out yesterday.", said_at=SAID, external_id="x", info={"own": 1})
    told = add.add(session, [first])
    add.add(session, [Draft(memory="We ate out two days ago.", said_at=SAID, external_id="x")])
    item = _item(session, told.added[0].id)
    assert item.memory == "We ate out two days ago."
    assert item.event_start == datetime(2023, 5, 6, tzinfo=UTC)
    assert item.info == {"own": 1}
