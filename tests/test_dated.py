"""Notes that say of what day they are: rows, records, lines, headings, front matter, names of files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from memos_cli.operations.add import add
from memos_cli.reader.dated import day_of_fields, day_of_name, day_of_title
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import AddResult, Draft, MemoryItem
from memos_cli.session import Session

LATER = (datetime.now(UTC) + timedelta(days=400)).date()


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(path: Path, **options: object) -> list[tuple[str, datetime | None]]:
    found = list(read_paths([path], ReadOptions(**options)))  # type: ignore[arg-type]
    assert all(isinstance(each, Draft) for each in found)
    return [(each.memory, each.said_at) for each in found if isinstance(each, Draft)]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("2026-05-05", "2026-05-05"),
        ("5 May 2026", "2026-05-05"),
        ("Tuesday, 5th of May 2026", "2026-05-05"),
        ("Monday, 4 May 2026", "2026-05-04"),
        ("May 5, 2026", "2026-05-05"),
        ("2026年5月5日", "2026-05-05"),
        ("2026年5月5日 星期二", "2026-05-05"),
        ("2026/5/5 (Tue)", "2026-05-05"),
        ("05.05.2026", "2026-05-05"),
        ("2026.5.5", "2026-05-05"),
        ("2026-05-05 14:30", "2026-05-05T14:30"),
        ("[2026-05-05]", "2026-05-05"),
        ("2026-05-05 Standup", "2026-05-05"),
        ("2026-05-05: Call with Holm", "2026-05-05"),
        ("5 May 2026 – Standup", "2026-05-05"),
        ("2026年5月5日 组会", "2026-05-05"),
        ("Standup of 2026-05-05", None),
        ("5 May 2026 release", None),
        ("2026-05-05 – 2026-05-09", None),
        ("2026-05-05 to 9 May", None),
        ("2026-05-05 – 09", None),
        ("2026年5月5日至9日", None),
        ("2026-05-05 deadline", None),
        ("2026-05-05 计划", None),
        ("May 2026", None),
        ("2026", None),
        ("2026-05", None),
        ("03/04/2026", None),
        ("2026-13-05", None),
        ("31 April 2026", None),
        ("Version 2026.5.5", None),
        (f"{LATER}", None),
        ("Meeting", None),
    ],
)
def test_a_heading_is_a_day_where_it_begins_with_one(title: str, found: str | None) -> None:
    assert day_of_title(title) == (day(found) if found else None)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2026-05-05.md", "2026-05-05"),
        ("2026-05-05 Meeting.md", "2026-05-05"),
        ("2026_05_05-notes.txt", "2026-05-05"),
        ("20260505.txt", "2026-05-05"),
        ("20260505 Meeting 2.txt", "2026-05-05"),
        ("2026年5月5日.md", "2026-05-05"),
        ("2026-05-05 - 2026-05-09 Trip.md", None),
        ("2026-05-05 deadline.md", None),
        ("20261505.txt", None),
        ("202605051.txt", None),
        ("20260231.txt", None),
        ("Report 2026-05-05.md", None),
        ("2026-05.md", None),
        ("12345678.txt", None),
    ],
)
def test_a_file_is_of_the_day_that_its_name_begins_with(name: str, found: str | None) -> None:
    assert day_of_name(name) == (day(found) if found else None)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"Date": "2026-05-05", "what": "tea"}, "2026-05-05"),
        ({"date": "2026-05-05", "time": "14:03"}, "2026-05-05T14:03"),
        ({"created_at": "2026-05-05T14:03:00Z"}, "2026-05-05T14:03"),
        ({"Created At": "2026-05-05 14:03"}, "2026-05-05T14:03"),
        ({"timestamp": 1777989780}, "2026-05-05T14:03"),
        ({"timestamp": "1777989780"}, "2026-05-05T14:03"),
        ({"日期": "2026年5月5日"}, "2026-05-05"),
        ({"时间": "2026-05-05 14:03"}, "2026-05-05T14:03"),
        ({"date": "", "time": "2026-05-05"}, "2026-05-05"),
        ({"time": 35.2}, None),
        ({"time": "14:03"}, None),
        ({"date": "2019"}, None),
        ({"date": "May 2026"}, None),
        ({"date": "03/04/2026"}, None),
        ({"date": "soon"}, None),
        ({"date": str(LATER)}, None),
        ({"due date": "2026-05-05"}, None),
        ({"date of birth": "2001-05-05"}, None),
        ({"date": True, "time": None}, None),
        ({"date": ["2026-05-05"]}, None),
    ],
)
def test_a_record_is_of_the_time_in_a_field_called_so(fields: dict[str, object], found: str | None) -> None:
    assert day_of_fields(fields) == (day(found) if found else None)


DIARY = """---
title: Field book
date: 2026-05-01
tags: birds
---
Before any day.

# Spring
## 2026-05-05
The heron on 3 May 2026 was late.

### Evening
Two owls.

## Plans for 2026-06-01
Buy seed.
"""


def test_nearer_days_win_over_farther_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "2026-04-30 book.md", DIARY)
    assert told(path) == [
        ("title: Field book\ntags: birds", day("2026-05-01")),
        ("Before any day.", day("2026-05-01")),
        ("The heron on 3 May 2026 was late.", day("2026-05-05")),
        ("Two owls.", day("2026-05-05")),
        ("Buy seed.", day("2026-05-01")),
    ]
    plain = written(tmp_path / "2026-04-30.md", DIARY.partition("---\nBefore")[2])
    assert [when for _, when in told(plain)][-1] == day("2026-04-30")


def test_front_matter_of_a_date_alone_is_no_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "note.md", "---\ndate: 2026-05-05\n---\n\nAnna likes tea.\n")
    assert told(path) == [("Anna likes tea.", day("2026-05-05"))]
    unread = written(tmp_path / "plan.md", f"---\ndate: {LATER}\n---\n\nAnna likes tea.\n")
    assert told(unread) == [(f"date: {LATER}", None), ("Anna likes tea.", None)]


def test_a_time_of_the_callers_wins_over_every_day(tmp_path: Path) -> None:
    given = day("2026-02-02")
    for name, text in (
        ("2026-05-05.md", DIARY),
        ("rows.csv", "date,what\n2026-05-05,tea\n"),
        ("20260505.txt", "[2026-05-05] tea\n[2026-05-06] cake\n[2026-05-07] soup\n"),
    ):
        assert {when for _, when in told(written(tmp_path / name, text), said_at=given)} == {given}


def test_every_piece_of_a_long_section_has_its_day(tmp_path: Path) -> None:
    long = " ".join(f"Sentence {n} of the field book says nothing of note." for n in range(80))
    found = told(written(tmp_path / "book.md", f"# 2026-05-05\n\n{long}\n"))
    assert len(found) > 2
    assert {when for _, when in found} == {day("2026-05-05")}


def test_a_record_with_a_memory_is_that_text(tmp_path: Path) -> None:
    rows = [
        {"memory": "The kiln was fired.", "date": "2026-04-02", "mood": "glad"},
        {"memory": 3, "what": "tea"},
    ]
    lines = written(tmp_path / "rows.jsonl", "\n".join(map(json.dumps, rows)))
    fired, plain = [draft for draft in read_paths([lines], ReadOptions()) if isinstance(draft, Draft)]
    assert (fired.memory, fired.info["mood"]) == ("The kiln was fired.", "glad")
    assert fired.said_at == datetime(2026, 4, 2, tzinfo=UTC)
    assert plain.memory == "memory: 3\nwhat: tea"


def test_rows_and_records(tmp_path: Path) -> None:
    table = written(tmp_path / "20260401.csv", "Date;what\n2026-05-05;tea\n2026-05-06;cake\n;soup\n")
    assert told(table) == [
        ("Date: 2026-05-05; what: tea", day("2026-05-05")),
        ("Date: 2026-05-06; what: cake", day("2026-05-06")),
        ("what: soup", day("2026-04-01")),
    ]
    rows = [{"memory": "tea", "date": "2026-05-05"}, {"text": "cake", "created_at": 1777989780}]
    lines = written(tmp_path / "rows.jsonl", "\n".join(map(json.dumps, rows)))
    assert [when for _, when in told(lines)] == [day("2026-05-05"), day("2026-05-05T14:03")]
    whole = {"date": "2026-05-05", "notes": [{"text": "tea"}, {"text": "cake", "date": "2026-05-06"}]}
    document = written(tmp_path / "rows.json", json.dumps(whole))
    assert [when for _, when in told(document)] == [day("2026-05-05")] * 2 + [day("2026-05-06")]


def test_rows_of_a_spreadsheet(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["日期", "what"], [date(2026, 5, 5), "tea"], [None, "cake"]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    assert [when for _, when in told(tmp_path / "book.xlsx")] == [day("2026-05-05"), None]


def test_lines_that_begin_with_a_day(tmp_path: Path) -> None:
    text = (
        "Field book\n2026-05-07: Two owls\nat the pond.\n[2026-05-07 14:03] Rain, see 2026-05-01.\n\n"
        f"- 2026-05-08 – A heron.\n{LATER}: Buy seed.\n"
    )
    found = told(path := written(tmp_path / "book.txt", text))
    assert found == [
        ("Field book", None),
        ("Two owls\nat the pond.", day("2026-05-07")),
        ("Rain, see 2026-05-01.", day("2026-05-07T14:03")),
        ("A heron.", day("2026-05-08")),
        (f"{LATER}: Buy seed.", None),
    ]
    for draft in read_paths([path], ReadOptions()):
        assert isinstance(draft, Draft)
        assert text[draft.sources[0].start : draft.sources[0].end] == draft.memory


@pytest.mark.parametrize(
    "text",
    [
        "The owls came on\n2026-05-07: two of them.\nAnd a heron.\nAnd rain.\n",
        "[2026-05-07 14:03:10] INFO begun\n[2026-05-07 14:03:11] INFO done\n[2026-05-07 14:03:12] INFO over\n",
    ],
)
def test_prose_and_logs_are_no_journals(tmp_path: Path, text: str) -> None:
    assert told(written(tmp_path / "book.txt", text)) == [(text.strip(), None)]


def test_a_transcript_in_a_file_of_a_day(tmp_path: Path) -> None:
    text = "Anna: Shall we?\nBen: Yes.\nAnna: Good.\nBen: Tomorrow then.\n"
    assert {when for _, when in told(written(tmp_path / "2026-05-05 Call.txt", text))} == {day("2026-05-05")}
    assert {when for _, when in told(written(tmp_path / "call.txt", text))} == {None}
    code = written(tmp_path / "20260505_owls.py", "def owls():\n    return 2\n")
    assert {when for _, when in told(code)} == {None}


# in a cube


def stored(session: Session, path: Path) -> tuple[AddResult, dict[str, MemoryItem]]:
    result = add(session, read_paths([path], ReadOptions()))
    return result, {item.memory: item for item in session.cube.table.items("known_to IS NULL")}


def test_judgement_goes_by_the_days_and_a_file_that_grew_keeps_them(session: Session, tmp_path: Path) -> None:
    newest = "# 2026-05-12\n\nTomas moved to Utrecht.\n\n"
    path = written(tmp_path / "days.md", newest + "# 2026-05-05\n\nTomas lives in Graz.\n")
    _, known = stored(session, path)
    moved, lived = known["Tomas moved to Utrecht."], known["Tomas lives in Graz."]
    assert (moved.said_at, moved.valid_from, moved.valid_to) == (day("2026-05-12"), day("2026-05-12"), None)
    assert (lived.said_at, lived.valid_to) == (day("2026-05-05"), day("2026-05-12"))
    path.write_text("# 2026-05-19\n\nThe heron is back.\n\n" + path.read_text())
    result, known = stored(session, path)
    assert [one.memory for one in result.added] == ["The heron is back."]
    assert known["The heron is back."].said_at == day("2026-05-19")
    assert known["Tomas moved to Utrecht."].said_at == day("2026-05-12")
