"""`memos usage`, `--llm`, and the prompts: what people see of language models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace
from test_cli import document, home, memos  # noqa: F401

from memos_cli import prompts as prompts_module
from memos_cli.interfaces.cli import app as command_line
from memos_cli.interfaces.cli.shell import shell_of
from memos_cli.prompts import _read, prompt, prompts

LINE = {
    "at": "2026-03-14T23:30:00+00:00",
    "model": "openai:m",
    "verb": "add",
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "cost": 0.5,
}


@pytest.fixture
def ledger(home: Path) -> Path:  # noqa: F811
    lines = [
        LINE,
        LINE | {"at": "2026-03-14T23:59:59+00:00", "cost": None, "estimated": True},
        LINE | {"at": "2026-03-15T01:30:00+02:00"},  # the same day in UTC
        LINE | {"at": "2026-03-15T00:00:00+00:00", "verb": "refine"},
        LINE | {"at": "2026-03-15T00:00:00+00:00", "model": "local:x", "cost": 0.0},
    ]
    home.mkdir()
    path = home / "usage.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class TestUsage:
    def test_by_day_model_and_verb(self, ledger: Path) -> None:
        found = document("usage")
        assert [(r["day"], r["model"], r["verb"], r["calls"]) for r in found["rows"]] == [
            ("2026-03-14", "openai:m", "add", 3),
            ("2026-03-15", "local:x", "add", 1),
            ("2026-03-15", "openai:m", "refine", 1),
        ]
        assert found["rows"][0] | {"day": ""} == {
            "day": "", "model": "openai:m", "verb": "add", "calls": 3, "prompt_tokens": 30,
            "completion_tokens": 6, "cost": 1.0, "unpriced": 1, "estimated": 1,
        }  # fmt: skip
        assert (found["total"]["calls"], found["total"]["prompt_tokens"], found["total"]["cost"]) == (
            5,
            50,
            1.5,
        )
        assert found["notes"] == []

    def test_since(self, ledger: Path) -> None:
        assert document("usage", "--since", "2026-03-15")["total"]["calls"] == 2
        assert memos("usage", "--since", "soonish").exit_code == 2

    def test_for_people(self, ledger: Path) -> None:
        lines = memos("usage").stdout.splitlines()
        assert lines[0].split("\t")[:4] == ["2026-03-14", "openai:m", "add", "3"]
        assert lines[-1].split("\t")[0] == "total"

    def test_torn_lines_are_counted_and_cost_nothing_else(self, ledger: Path) -> None:
        with ledger.open("a") as file:
            file.write('{"at": "2026-03\n[]\n{"at": 5, "model": 1}\n')
        found = document("usage")
        assert found["total"]["calls"] == 5
        assert "3 lines" in found["notes"][0]

    def test_nothing_used(self, home: Path) -> None:  # noqa: F811
        assert document("usage")["rows"] == []
        assert "No language model was used." in memos("usage").stderr

    def test_not_a_file(self, home: Path) -> None:  # noqa: F811
        (home / "usage.jsonl").mkdir(parents=True)
        assert document("usage", code=1)["error"]["code"] == "storage_error"


class TestTheOption:
    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
        """Settings and verb as `stats` sees them, when it takes a model."""
        from memos_cli.interfaces.cli.commands import browse

        seen = []

        def stats(ctx: typer.Context) -> None:
            with shell_of(ctx).open(create=True) as session:
                seen.append((session.settings.llm, session.settings.max_llm_tokens, session.meter.verb))

        monkeypatch.setattr(browse, "stats", stats)
        monkeypatch.setitem(
            command_line.COMMANDS, "stats", replace(command_line.COMMANDS["stats"], models=True)
        )
        return seen

    def test_it_beats_the_setting(
        self, seen: list[tuple[str, int, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MEMOS_LLM", "openai:configured")
        memos("stats", "--llm", "openai:given", "--max-llm-tokens", "5000")
        memos("stats", "--llm", "none")
        memos("stats")
        assert seen == [("openai:given", 5000, "stats"), ("", 0, "stats"), ("openai:configured", 0, "stats")]

    def test_not_everywhere(self) -> None:
        assert memos("doctor", "--llm", "openai:m").exit_code == 2


class TestSettings:
    @pytest.mark.parametrize("prices", ["gpt-x", "gpt-x=1", "gpt-x=a/b", "gpt-x=-1/2"])
    def test_prices_that_are_none(self, prices: str) -> None:
        error = document("config", "set", "llm_prices", prices, code=2)["error"]
        assert "MODEL=PROMPT/ANSWER" in error["message"]

    def test_prices(self) -> None:
        from memos_cli.settings import read_prices

        assert read_prices(" a/b:7=0.15/0.6 , c = 1/2,") == {"a/b:7": (0.15, 0.6), "c": (1.0, 2.0)}
        assert read_prices("") == {}


class TestPrompts:
    def test_the_page_shows_every_word(self) -> None:
        page = document("help", "prompts")["text"]
        for one in prompts():
            assert one.text in page
            assert f"| `{one.name}` | {one.language} | {one.version} |" in page

    def test_every_prompt_has_both_languages_with_the_same_holes(self) -> None:
        names = {one.name for one in prompts()}
        assert {(one.name, one.language) for one in prompts()} == {
            (n, x) for n in names for x in ("en", "zh")
        }
        for name in names:
            english, chinese = prompt(name), prompt(name, "zh")
            assert english.holes == chinese.holes
            assert english.version == chinese.version

    def test_every_file_is_read(self) -> None:
        folder = Path(prompts_module.__file__).parent
        assert len(list(folder.glob("*.md"))) == len(prompts())

    def test_filling(self) -> None:
        words = prompt("json_repair").fill(error="{{schema}}", schema="S")
        assert "cannot be used: {{schema}}" in words  # what is put in is not looked into
        assert words.endswith("S")
        for wrong in ({}, {"error": "x"}, {"error": "x", "schema": "y", "more": "z"}):
            with pytest.raises(ValueError, match="json_repair takes"):
                prompt("json_repair").fill(**wrong)

    def test_languages(self) -> None:
        assert prompt("json_repair", "zh-CN").language == "zh"
        assert prompt("json_repair", "de").language == "en"
        with pytest.raises(KeyError):
            prompt("nothing")

    def test_front_matter_is_needed(self) -> None:
        with pytest.raises(ValueError, match="front matter"):
            _read("x", "en", "Just words.")
