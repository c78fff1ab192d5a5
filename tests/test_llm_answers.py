"""Reading a model's answer: what is read over, what is closed, and what is never made up."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field, RootModel

from memos_cli.providers.structured import Misread, is_strict, json_schema, read, told
from memos_cli.providers.thinking import Thoughts, without_thoughts


class Fact(BaseModel):
    who: str
    denied: bool = False


class Facts(BaseModel):
    facts: list[Fact]


class Report(BaseModel):
    facts: list[Fact] = []
    summary: str = ""


class Names(RootModel[list[str]]):
    pass


class Note(BaseModel):
    text: str
    parts: list[Note] = []


ANA = Facts(facts=[Fact(who="Ana")])


@pytest.mark.parametrize(
    "text",
    [
        '{"facts": [{"who": "Ana"}]}',
        '```json\n{"facts": [{"who": "Ana"}]}\n```',
        'Here you are:\n```\n{"facts": [{"who": "Ana"}]}\n```\nI hope it {helps}.',
        'The {facts} are: {"facts": [{"who": "Ana"}]} as you said.',
        '<think>{"facts": []}</think>{"facts": [{"who": "Ana"}]}',
        '{"facts": [{"who": "Ana",},],}',
        "{'facts': [{'who': 'Ana', 'denied': False}]}",
        '[{"who": "Ana"}]',
        '{"facts": [{"who": "Ana"}]',
        '{"facts": [{"who": "Ana"}',
        '{"facts": [{"who": "Ana", "more": "}]"}',
        '{"facts": [{"who": "Ana", "said": "so, } and ["}], "extra": 1}',
        '\ufeff{"facts": [{"who": "Ana"}]}',
        '{"facts": [{"who": "Ana", "denied": "false"}]}',
    ],
)
def test_read_over(text: str) -> None:
    assert read(text, Facts) == ANA


def test_a_line_break_in_a_string() -> None:
    assert read('{"facts": [{"who": "Ana\nMaria"}]}', Facts).facts[0].who == "Ana\nMaria"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("<think>hm", "empty"),
        ("I cannot say.", "no JSON"),
        ('{"facts": [{"who": "An', "not JSON"),
        ('{"facts": [{"who": "Ana"', "not JSON"),
        ('{"facts": [{"denied": true}]}', "facts.0.who: Field required"),
        ('{"facts": "Ana"}', "facts: "),
        ("null", "document"),
        ('{"type": "object", "properties": {"facts": {}}}', "none of the fields"),
        ("[" * 100_000, "not JSON"),
        ("{" * 5000 + "}" * 5000, "not JSON"),
        ('{"facts": ' + "[" * 3000 + "]" * 3000 + "}", "not JSON"),
    ],
)
def test_not_to_be_read(text: str, reason: str) -> None:
    with pytest.raises(Misread, match=reason):
        read(text, Facts)


def test_the_schema_itself_is_no_empty_answer() -> None:
    with pytest.raises(Misread, match="none of the fields"):
        read(json.dumps(json_schema(Report)), Report)
    assert read("{}", Report) == Report()


def test_a_part_is_not_taken_for_the_whole() -> None:
    with pytest.raises(Misread):
        read('{"text": "whole", "parts": [{"text": "part"}, {"text": "an', Note)


class TestCutOff:
    """`length` was the reason of the end."""

    def test_a_whole_document_is_one(self) -> None:
        assert read('{"facts": [{"who": "Ana"}]} and so', Facts, cut_off=True) == ANA

    @pytest.mark.parametrize(
        "text",
        [
            '{"facts": [{"who": "Ana"}, {"who": "Bo", "denied": tr',
            '{"facts": [{"who": "Ana"}, {"who": "Bo',
            '{"facts": [{"who": "Ana"}, ',
            '{"facts": [{"who": "Ana"}',
            '```json\n{"facts": [{"who": "Ana"},\n {"wh',
            '[{"who": "Ana"}, {"who": "B',
        ],
    )
    def test_whole_entries_for_who_asks(self, text: str) -> None:
        """Bo is left out: whether it was denied of Bo had not been said yet."""
        assert read(text, Facts, cut_off=True, partial=True) == ANA
        with pytest.raises(Misread, match="cut off"):
            read(text, Facts, cut_off=True)

    def test_strings_and_numbers(self) -> None:
        assert read('["New York", "New', Names, cut_off=True, partial=True).root == ["New York"]
        with pytest.raises(Misread):
            read('["New', Names, cut_off=True, partial=True)

    def test_a_field_that_had_not_come_yet_is_not_its_default(self) -> None:
        text = '{"facts": [{"who": "Ana"}], "summary": "Ana is not'
        with pytest.raises(Misread, match="cut off"):
            read(text, Report, cut_off=True, partial=True)


class TestSchema:
    def test_strict_all_the_way_down(self) -> None:
        class Deep(BaseModel):
            note: Note | None = None
            default: str = Field(default="x", description="a field that is called like a keyword")

        schema = json_schema(Deep)
        assert schema["required"] == ["note", "default"]
        assert schema["properties"]["default"]["description"]
        assert schema["$defs"]["Note"]["required"] == ["text", "parts"]
        assert '"default": ' not in json.dumps(schema).replace('"default": {', "")
        assert is_strict(schema)

    def test_free_keys_are_not_strict(self) -> None:
        class Free(BaseModel):
            counts: dict[str, int]

        assert not is_strict(json_schema(Free))

    def test_told_in_the_language_of_the_messages(self) -> None:
        english = told([{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "x"}], {})
        assert english[0]["content"].startswith("Who?\n\nAnswer with one JSON document")
        chinese = told([{"role": "user", "content": "谁搬到了里斯本？"}], {})
        assert "只回答一个 JSON 文档" in chinese[0]["content"]
        image = told([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], {})
        assert image[0]["content"][1]["type"] == "text"
        assert told([{"role": "system", "content": "x"}], {})[1]["role"] == "user"


class TestThoughts:
    @pytest.mark.parametrize(
        ("text", "answer"),
        [
            ("Hello", "Hello"),
            ("<think>a</think>\n\nHello", "Hello"),
            ("\n <think>a < b</think>Hello <think>", "Hello <think>"),
            ("<thi", "<thi"),
            ("<think>a", ""),
            ("<think></think>", ""),
            ("", ""),
            (" < 5", " < 5"),
        ],
    )
    def test_whole_and_in_pieces(self, text: str, answer: str) -> None:
        assert without_thoughts(text) == answer
        for size in (1, 2, 3, 5):
            thoughts = Thoughts()
            pieces = [thoughts.feed(text[at : at + size]) for at in range(0, len(text), size)]
            assert "".join([*pieces, thoughts.end()]) == answer
