"""Tools: definitions found by need, uses with their outcomes, counts that cost no rewrite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from memos_cli.interfaces.cli import documents
from memos_cli.operations.add import add
from memos_cli.operations.browse import list_memories
from memos_cli.operations.search import search
from memos_cli.operations.tools import tools
from memos_cli.reader import chat
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.reader.tools import definitions, error_of, schema_text
from memos_cli.schema import Draft, Filters, Kind, Mode, Query
from memos_cli.session import Session

FILES = Path(__file__).parent / "data" / "files"


def call(id: str, name: str, arguments: Any = "{}") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def turns(value: Any) -> list[Draft]:
    found = list(chat.read_json(value, "f.json", "s"))
    assert all(isinstance(each, Draft) for each in found)
    return [each for each in found if isinstance(each, Draft)]


# Uses


def test_a_call_and_its_result_are_one_memory_of_the_session() -> None:
    drafts = turns(
        [
            {"role": "assistant", "content": None, "tool_calls": [call("a", "add", '{"x":1}'), call("b", "add")], "time": "2026-03-14"},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
        ]
    )  # fmt: skip
    assert [(draft.memory, draft.position) for draft in drafts] == [
        ("add({})\nResult: 2", 1),
        ('add({"x":1})\nResult: 1', 2),
    ]
    for draft in drafts:
        assert (draft.kind, draft.session_id, draft.key) == (Kind.TOOL_TRAJECTORY, "s", "add")
        assert draft.tags == ("tool:add", "tool-ok:add")
        assert draft.said_at is not None
        assert draft.sources[0].role == "tool"
        assert draft.info["ok"] is True
    assert drafts[1].info["arguments"] == '{"x":1}'


def test_calls_without_results_and_results_without_calls_are_kept() -> None:
    drafts = turns(
        [
            {"role": "assistant", "content": "", "tool_calls": [call("a", "lost")]},
            {"role": "tool", "tool_call_id": "z", "name": "found", "content": "Error: no such place"},
            {"role": "assistant", "content": None, "function_call": {"name": "old", "arguments": "1"}},
            {"role": "function", "name": "old", "content": "done"},
            {"role": "assistant", "content": "", "tool_calls": [call("a", "twice")]},
        ]
    )
    assert [(draft.memory, draft.tags) for draft in drafts] == [
        ("Error: no such place", ("tool:found", "tool-failed:found")),
        ("old(1)\nResult: done", ("tool:old", "tool-ok:old")),
        ("lost({})", ("tool:lost",)),
        ("twice({})", ("tool:twice",)),
    ]
    assert "ok" not in drafts[2].info
    assert len({draft.position for draft in drafts}) == 4


def test_calls_and_results_on_lines_of_their_own(tmp_path: Path) -> None:
    lines = [
        {"role": "assistant", "content": None, "tool_calls": [call("a", "add")]},
        {"role": "user", "content": "Well?"},
        {"role": "tool", "tool_call_id": "a", "content": "3"},
    ]
    path = tmp_path / "c.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = [each for each in read_paths([path], ReadOptions()) if isinstance(each, Draft)]
    assert [each.memory for each in found] == ["Well?", "add({})\nResult: 3"]


@pytest.mark.parametrize(
    ("message", "text", "error"),
    [
        ({}, "3 files", None),
        ({}, "The error log is empty", None),
        ({}, "Errors: none", None),
        ({}, "Error: no such file\nhint", "Error: no such file"),
        ({}, "FileNotFoundError: a.pdf", "FileNotFoundError: a.pdf"),
        ({}, "Traceback (most recent call last):\n  File x\nKeyError: 'a'", "KeyError: 'a'"),
        ({}, "错误：没有文件", "错误：没有文件"),
        ({}, '{"error": null, "rows": 3}', None),
        ({}, '{"error": {"message": "too slow", "code": 9}}', "too slow"),
        ({}, '{"success": false, "message": "denied"}', "denied"),
        ({}, '{"isError": true}', '{"isError": true}'),
        ({}, '{"broken', None),
        ({"is_error": True}, "no access", "no access"),
        ({"is_error": False}, "Error: is what the page is about", None),
        ({"status": "error"}, "", "error"),
    ],
)
def test_what_counts_as_an_error(message: dict[str, Any], text: str, error: str | None) -> None:
    assert error_of(message, text) == error


# Definitions


def test_a_definition_reads_as_what_the_tool_is_for() -> None:
    function = {
        "name": "resizeImage_v2",
        "description": " Make a picture smaller. ",
        "parameters": {
            "type": "object",
            "properties": {"size": {"type": "integer"}, "fit": {"enum": ["cover", "fill"], "description": "How"}, "odd": 5},
            "required": ["size"],
        },
    }  # fmt: skip
    assert schema_text(function).split("\n") == [
        "Tool resizeImage_v2 (resize image v2): Make a picture smaller.",
        "Parameters:",
        "- size (integer, required)",
        "- fit (one of cover, fill): How",
        "- odd",
    ]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ([{"type": "function", "function": {"name": "a"}}], 1),
        ({"tools": [{"name": "a", "inputSchema": {}}, {"name": "b", "input_schema": {}}]}, 2),
        ({"result": {"tools": [{"name": "a", "inputSchema": {}}]}}, 1),
        ({"name": "a", "parameters": {}}, 1),
        ([{"name": "Anna", "age": 3}], None),
        ({"tools": ["hammer", "saw"]}, None),
        ({"tools": [{"name": "hammer", "weight": 2}]}, None),
        ([], None),
        ("text", None),
    ],
)
def test_what_is_a_list_of_tools(value: Any, count: int | None) -> None:
    found = definitions(value)
    assert (None if found is None else len(found)) == count


# In a cube


@pytest.fixture
def used(session: Session) -> Session:
    files = [FILES / name for name in ("tools_openai.json", "tools_mcp.json", "agent.json")]
    add(session, read_paths(files, ReadOptions()))
    return session


def test_tools_are_listed_with_their_uses(used: Session) -> None:
    first, second = tools(used).tools
    assert (first.name, first.description) == ("read_pdf", "Extract the text of a PDF document.")
    assert (first.use.calls, first.use.successes, first.use.failures) == (2, 1, 1)
    assert first.use.last_error == "FileNotFoundError: lost.pdf"
    assert (second.name, second.use.calls, second.use.last_error) == ("sendMail", 0, None)


def test_a_use_rewrites_nothing_and_counts_at_once(used: Session) -> None:
    before = {item.id: item.row for item in list_memories(used, Filters(), limit=100).items}
    more = [
        {"role": "assistant", "content": None, "tool_calls": [call("x", "read_pdf"), call("y", "draw")]},
        {"role": "tool", "tool_call_id": "x", "content": "Error: page 3 is damaged"},
    ]
    add(used, turns(more))
    after = {item.id: item.row for item in list_memories(used, Filters(), limit=100).items}
    assert before.items() <= after.items()
    found = {tool.name: tool for tool in tools(used).tools}
    assert (found["read_pdf"].use.calls, found["read_pdf"].use.successes) == (3, 1)
    assert found["read_pdf"].use.last_error == "Error: page 3 is damaged"
    assert (found["draw"].id, found["draw"].use.calls, found["draw"].use.successes) == (None, 1, 0)


def test_a_need_finds_the_tool_with_its_counts(used: Session) -> None:
    for question, name in (("which tool reads PDFs", "read_pdf"), ("send a message by mail", "sendMail")):
        query = Query(text=question, mode=Mode.KEYWORD, filters=Filters(kinds=(Kind.TOOL_SCHEMA,)))
        hit = search(used, query).hits[0]
        assert hit.item.info["tool"] == name
        assert hit.tool is not None
        assert documents.hit(hit)["tool"]["calls"] == (2 if name == "read_pdf" else 0)
    plain = search(used, Query(text="keeper retired", mode=Mode.KEYWORD)).hits[0]
    assert plain.tool is None
    assert "tool" not in documents.hit(plain)
