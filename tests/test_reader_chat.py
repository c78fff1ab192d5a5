"""Chats in OpenAI's format, other JSON, JSON Lines and CSV."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_cli.reader import chat
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.reader.records import as_lines
from memos_cli.reader.split import LONGEST
from memos_cli.reader.tables import LONGEST_CELL, delimiter_of
from memos_cli.schema import Draft, Kind, Skipped


def read(path: Path, content: Any) -> tuple[list[Draft], list[Skipped]]:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8", newline=""
        )
    found = list(read_paths([path], ReadOptions()))
    return [each for each in found if isinstance(each, Draft)], [
        each for each in found if isinstance(each, Skipped)
    ]


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


# Chats


def test_each_turn_is_a_memory_untouched(tmp_path: Path) -> None:
    turns = ["Hi there!\n\n  How are you? ", "Fine.", "x" * 5_000]
    drafts, skipped = read(tmp_path / "c.json", {"messages": [user(turn) for turn in turns]})
    assert not skipped
    assert [draft.memory for draft in drafts] == turns
    assert [draft.position for draft in drafts] == [0, 1, 2]
    assert {draft.session_id for draft in drafts} == {f"{tmp_path.name}/c.json"}
    assert {draft.kind for draft in drafts} == {Kind.LONG_TERM}
    assert msgspec.to_builtins(drafts[0].sources[0]) == {
        "type": "chat",
        "role": "user",
        "path": str(tmp_path / "c.json"),
    }


def test_names_times_and_ids(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        user("a", name="Anna", timestamp=1710408600, id="m1"),
        user("b", created_at="2026-03-14T10:30:00+01:00"),
        user("c", chat_time="1:56 pm on 8 May, 2023"),
        user("d", time="half past nine"),
        user("e", timestamp=True, date="2026-03-14"),
    ]
    drafts, skipped = read(
        tmp_path / "c.json", {"conversation_id": "trip", "created_at": "2020-01-01", "messages": messages}
    )
    assert not skipped
    assert [draft.speaker for draft in drafts] == ["system", "Anna", "user", "user", "user", "user"]
    assert [draft.said_at for draft in drafts] == [
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2024, 3, 14, 9, 30, tzinfo=UTC),
        datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
        datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 14, tzinfo=UTC),
    ]
    assert drafts[1].sources[0].message_id == "m1"
    assert drafts[1].sources[0].time == drafts[1].said_at
    assert drafts[4].info == {"time": "half past nine"}
    assert {draft.session_id for draft in drafts} == {"trip"}


def test_tools(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Porto"}'}}
    schema = {
        "type": "function",
        "function": {"name": "weather", "description": "Tells it.", "parameters": {}},
    }
    messages = [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call]},
        {"role": "assistant", "content": None, "function_call": {"name": "old", "arguments": {"a": "é"}}},
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    ]
    drafts, skipped = read(tmp_path / "c.json", {"messages": messages, "tools": [schema, "odd"]})
    assert not skipped
    assert [(draft.kind, draft.memory) for draft in drafts] == [
        (Kind.TOOL_SCHEMA, "Tool weather: Tells it."),
        (Kind.LONG_TERM, "Let me see."),
        (Kind.TOOL_TRAJECTORY, 'weather({"city": "Porto"})\nResult: Rain.'),
        (Kind.TOOL_TRAJECTORY, 'old({"a": "é"})'),
    ]
    assert [draft.key for draft in drafts] == ["weather", None, "weather", "old"]
    assert [draft.position for draft in drafts[1:]] == [0, 2, 3]
    assert drafts[0].info["tool"] == "weather"
    assert drafts[2].info == {
        "tool": "weather",
        "arguments": '{"city": "Porto"}',
        "ok": True,
        "result": "Rain.",
        "tool_call_id": "c1",
    }
    assert drafts[3].info == {"tool": "old", "arguments": '{"a": "é"}'}


def test_contents_in_parts(tmp_path: Path) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    drafts, skipped = read(
        tmp_path / "c.json",
        [
            user([{"type": "text", "text": "Look:"}, picture, "and", {"type": "input_text", "text": "see"}]),
            user([picture]),
            user(""),
            user(None),
            {"role": "assistant", "content": None, "refusal": "I cannot."},
            "odd",
            {"role": "user"},
            user("end"),
        ],
    )
    assert [(draft.memory, draft.position) for draft in drafts] == [
        ("Look:\nand\nsee", 0),
        ("I cannot.", 4),
        ("end", 5),
    ]
    assert drafts[0].info == {"left_out": ["image_url"]}
    assert [each.reason for each in skipped] == [
        "message 2: it holds no text, only image_url",
        "message 6: it has no role and content",
        "message 7: it has no role and content",
    ]


def test_several_chats_in_one_file(tmp_path: Path) -> None:
    chats = [
        {"messages": [user("a")]},
        {"id": 7, "messages": [user("b")]},
        [user("c"), user("d")],
        {"messages": []},
        5,
    ]
    drafts, skipped = read(tmp_path / "c.json", chats)
    base = f"{tmp_path.name}/c.json"
    assert [(draft.session_id, draft.position) for draft in drafts[:4]] == [
        (base, 0),
        ("7", 0),
        (f"{base}#2", 0),
        (f"{base}#2", 1),
    ]
    assert [draft.memory for draft in drafts[4:]] == ["5"]
    assert [each.reason for each in skipped] == ["element 4: a chat without messages"]


@pytest.mark.parametrize("name", ["c.jsonl", "c.ndjson", "c.json", "c.txt", "c"])
def test_json_lines_of_messages_and_of_chats(tmp_path: Path, name: str) -> None:
    lines = [
        user("a"),
        user("b", session_id="s"),
        {"id": "x", "messages": [user("c")]},
        user("d"),
        user("e", session_id="s"),
    ]
    drafts, skipped = read(tmp_path / name, "".join(json.dumps(line) + "\n" for line in lines))
    base = f"{tmp_path.name}/{name}"
    assert not skipped
    assert [(draft.memory, draft.session_id, draft.position) for draft in drafts] == [
        *(("a", base, 0), ("b", "s", 0), ("c", "x", 0), ("d", base, 1), ("e", "s", 1))
    ]


def test_each_broken_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "LONGEST_LINE", 100)
    good = json.dumps(user("fine")).encode()
    bad = [
        b"{broken",
        b'{"a": 1} x',
        b'{"role": "user", "content": "caf\xe9"}',
        b"[" * 90,
        b'"' + b"x" * 500 + b'"',
    ]
    drafts, skipped = read(tmp_path / "c.jsonl", b"\n".join([good, *bad, b"", good, b'{"role"']))
    assert [draft.memory for draft in drafts] == ["fine", "fine"]
    assert [each.source.rpartition(":")[2] for each in skipped] == ["2", "3", "4", "5", "6", "9"]
    assert all(each.reason.startswith(f"line {each.source.rpartition(':')[2]}: ") for each in skipped)
    assert "byte 32 of the line" in skipped[2].reason
    assert "longer than" in skipped[4].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["c.json", "c.jsonl"])
def test_chats_in_other_encodings(tmp_path: Path, name: str, encoding: str) -> None:
    lines = "\n".join(json.dumps(user(text), ensure_ascii=False) for text in ("Grüße", "世界"))
    drafts, skipped = read(tmp_path / name, lines.encode(encoding))
    assert not skipped
    assert [draft.memory for draft in drafts] == ["Grüße", "世界"]


def test_characters_that_cannot_be_stored(tmp_path: Path) -> None:
    drafts, skipped = read(
        tmp_path / "c.json",
        r'[{"role":"user","content":"a\u0000\u001bb"},{"role":"user","content":"\ud83d"}]',
    )
    assert [draft.memory for draft in drafts] == ["ab"]
    assert [each.reason for each in skipped] == ["message 2: it is not valid Unicode (a lone surrogate)"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"messages": [', "it is not JSON"),
        ("[1,\n2", "line 2, column 2"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 5_000, "longer than 4,300 digits"),
        ("", "empty"),
        ("null", "no text"),
        ("{}", "no text"),
        ('{"messages": []}', "without messages"),
        ('[{"role": "user", "content": " "}]', "no text"),
        (b'{"a": "\xff"}', "byte 7 is not valid UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0", "PNG"),
        (b"{\0}", "binary"),
    ],
)
def test_broken_json_is_named(tmp_path: Path, content: Any, reason: str) -> None:
    drafts, (skipped,) = read(tmp_path / "c.json", content)
    assert not drafts
    assert reason in skipped.reason


def test_text_that_begins_like_json_is_text(tmp_path: Path) -> None:
    for text in ("[draft] A note.\n\nMore.", "{broken\n\nMore."):
        drafts, skipped = read(tmp_path / "a.txt", text)
        assert [draft.memory for draft in drafts] == text.split("\n\n")
        assert not skipped


_FIELDS = st.sampled_from(
    ["role", "content", "messages", "tool_calls", "tools", "time", "id", "name", "type", "text"]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(_FIELDS, each, max_size=5),
    max_leaves=15,
)


@given(_JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_named(value: Any) -> None:
    book = chat.Book("file", "session")
    for each in book.read(value, ""):
        assert isinstance(each, Skipped) or each.memory.strip()


# Records


def test_an_object_with_tables_in_it(tmp_path: Path) -> None:
    value = {
        "name": "Fleet",
        "on": True,
        "none": None,
        "tags": ["a", 2],
        "ships": [{"id": 1, "at": {"port": "Oslo"}}, {"id": 2}],
    }
    drafts, _ = read(tmp_path / "r.json", value)
    assert [(draft.key, draft.memory) for draft in drafts] == [
        (None, "name: Fleet\non: true\ntags: a, 2"),
        ("ships", "id: 1\nat.port: Oslo"),
        ("ships", "id: 2"),
    ]
    assert [draft.position for draft in drafts] == [0, 1, 2]


def test_an_array_and_json_lines_give_a_record_each(tmp_path: Path) -> None:
    drafts, _ = read(tmp_path / "r.json", [{"a": 1}, "two", [3, [4]]])
    assert [draft.memory for draft in drafts] == ["a: 1", "two", "[0]: 3\n[1]: 4"]
    drafts, _ = read(tmp_path / "r.jsonl", '{"a": 1}\n{"a": 2}\n')
    assert [(draft.memory, draft.info) for draft in drafts] == [("a: 1", {"line": 1}), ("a: 2", {"line": 2})]


def test_a_long_record_is_cut_at_its_lines(tmp_path: Path) -> None:
    drafts, _ = read(tmp_path / "r.json", {f"field {number}": "some value" for number in range(200)})
    assert len(drafts) > 1
    assert all(draft.memory.startswith("field ") and len(draft.memory) <= LONGEST for draft in drafts)


def test_a_deep_value_is_written_without_recursion() -> None:
    value: Any = "end"
    for _ in range(5_000):
        value = {"a": value}
    assert as_lines(value).endswith(": end")


# Tables


def rows(tmp_path: Path, content: Any, name: str = "t.csv") -> list[str]:
    drafts, skipped = read(tmp_path / name, content)
    assert not skipped
    assert [draft.info["row"] for draft in drafts] == list(range(1, len(drafts) + 1))
    return [draft.memory for draft in drafts]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    table = [["name", "note", "age"], ["Ann", '"a, b; c|d"', "3"], ["Bob", "", "4"]]
    content = "\r\n".join(delimiter.join(row) for row in table) + "\r\n\r\n"
    assert rows(tmp_path, content) == ["name: Ann; note: a, b; c|d; age: 3", "name: Bob; age: 4"]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("name\nAnn\nBob", ["name: Ann", "name: Bob"]),
        ("Ann,3\nBob,4", ["column 1: Ann; column 2: 3", "column 1: Bob; column 2: 4"]),
        (
            "2026-03-14,rain\n2026-03-15,sun",
            ["column 1: 2026-03-14; column 2: rain", "column 1: 2026-03-15; column 2: sun"],
        ),
        (",name\n0,Ann", ["column 1: 0; name: Ann"]),
        ("a,b\n1,2,3\n4", ["a: 1; b: 2; column 3: 3", "a: 4"]),
        ('a,b\n"two\nlines","say ""hi"""', ['a: two\nlines; b: say "hi"']),
        ("sep=;\na;b\n1;2", ["a: 1; b: 2"]),
        ("a,b\n\x1b1,2".encode("utf-16"), ["a: 1; b: 2"]),
        ("name,city\nAnn,Köln".encode("utf-8-sig"), ["name: Ann; city: Köln"]),
    ],
)
def test_tables(tmp_path: Path, content: Any, wanted: list[str]) -> None:
    assert rows(tmp_path, content) == wanted


def test_tabs_need_no_sniffing_by_name(tmp_path: Path) -> None:
    assert rows(tmp_path, "a\tb\n1,5\t2", "t.tsv") == ["a: 1,5; b: 2"]


def test_commas_in_prose_do_not_decide_the_delimiter() -> None:
    assert delimiter_of("id;text\n1;a, b, c\n2;d\n3;e, f\n") == ";"


def test_misplaced_quotes_are_named_with_their_line(tmp_path: Path) -> None:
    drafts, skipped = read(tmp_path / "t.csv", 'a,b\n1,2\n"x"y,3\n4,5\n6,"never\nclosed,7\n')
    assert [draft.memory for draft in drafts] == ["a: 1; b: 2", "a: 4; b: 5"]
    assert [each.source.rpartition(":")[2] for each in skipped] == ["3", "5"]
    assert "never closed" in skipped[1].reason


def test_a_cell_without_end_is_found_out(tmp_path: Path) -> None:
    drafts, (skipped,) = read(tmp_path / "t.csv", 'a,b\n1,2\n3,"' + "x\n" * LONGEST_CELL)
    assert len(drafts) == 1
    assert skipped.reason.startswith("line 3: ")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        ("a,b\n", "without rows"),
        ("\n\n", "without rows"),
        (b"a,b\n1,\xff", "byte 6"),
        (b"a,b\n\0", "binary"),
    ],
)
def test_broken_tables_are_named(tmp_path: Path, content: Any, reason: str) -> None:
    drafts, (skipped,) = read(tmp_path / "t.csv", content)
    assert not drafts
    assert reason in skipped.reason
