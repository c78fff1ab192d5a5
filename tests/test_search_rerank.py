"""`memos search --rerank` and `memos eval --rerank` end to end, with a tiny real cross-encoder and a real
HTTP server that plays a language model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_crossencoder as tiny
from chat_server import Answer, Script, serving
from conftest import OpenCube, add_texts
from typer.testing import CliRunner, Result

from memos_cli.errors import UnknownReranker
from memos_cli.interfaces.cli.app import app
from memos_cli.operations.search import search
from memos_cli.retrieval.rerank import DEPTH
from memos_cli.schema import Mode, Query
from memos_cli.session import Session
from memos_cli.settings import SETTINGS

TEXTS = [
    "The bridge was painted in the old harbour town.",
    "The bridge, the bridge and again the bridge.",
    "Nobody liked the bridge before the zebra crossed it.",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    for name, value in {"HOME": str(tmp_path / "home"), "FSYNC": "false", "EMBEDDER": "hash:64"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", value)
    return tmp_path / "home"


@pytest.fixture
def zebra(tmp_path: Path) -> str:
    """A reranker that is sure of texts with a zebra in them, and against all others."""
    return f"onnx:{tiny.make(tmp_path / 'zebra', {'zebra': 12.0, '[SEP]': -6.0})}"


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


def memos(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def document(*words: str) -> Any:
    result = memos(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def order(found: Any) -> list[int]:
    return [TEXTS.index(hit["memory"]) for hit in found["hits"]]


class TestShell:
    @pytest.fixture(autouse=True)
    def stored(self) -> None:
        document("add", *TEXTS)

    def test_the_reranker_has_its_say(self, zebra: str) -> None:
        plain = document("search", "bridge", "--mode", "keyword")
        assert order(plain)[-1] != order(plain)[0] == 1
        assert order(plain)[1:].count(2) == 1
        found = document("search", "bridge", "--mode", "keyword", "--rerank", zebra)
        assert found["notes"] == []
        assert order(found)[0] == 2
        assert sorted(order(found)) == [0, 1, 2]
        best = found["hits"][0]
        assert best["routes"]["rerank"] == {"rank": 1, "score": pytest.approx(0.997527, abs=1e-6)}
        place = order(plain).index(2) + 1
        assert best["score"] == pytest.approx(0.75 * (1 - (place - 1) / 50) + 0.25 * 0.997527, abs=1e-6)
        assert [hit["score"] for hit in found["hits"]] == sorted(
            (h["score"] for h in found["hits"]), reverse=True
        )
        assert "rerank" not in plain["hits"][0]["routes"]

    def test_explain_shows_it(self, zebra: str) -> None:
        shown = memos("search", "bridge", "--rerank", zebra, "--explain").stdout.splitlines()
        # id, score, memory, then rank and score of keyword, rerank and vector
        assert shown[0].split("\t")[5] == "1"
        assert shown[0].split("\t")[6].startswith("0.9975")

    def test_a_hit_from_below_k_comes_up(self, zebra: str) -> None:
        found = document("search", "bridge", "--mode", "keyword", "--rerank", zebra, "-k", "1")
        assert order(found) == [2]

    def test_a_budget_is_filled_in_the_new_order(self, zebra: str) -> None:
        found = document("search", "bridge", "--rerank", zebra, "--max-tokens", "14")
        assert order(found) == [2]

    def test_a_setting_and_ways_to_do_without(self, zebra: str) -> None:
        assert memos("config", "set", "rerank", zebra).exit_code == 0
        assert order(document("search", "bridge"))[0] == 2
        hits = document("search", "bridge", "--rerank", "none")["hits"]
        assert not any("rerank" in hit["routes"] for hit in hits)
        assert memos("search", "bridge", "--rerank", "").exit_code == 2, "an option without a value is a slip"
        assert memos("config", "set", "rerank", "").exit_code == 0
        assert not any("rerank" in hit["routes"] for hit in document("search", "bridge")["hits"])

    def test_a_language_model(self, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEMOS_RERANK_BASE_URL", script.url)
        script.liking = lambda text: text.count("zebra")
        found = document("search", "bridge", "--rerank", "openai:m")
        assert order(found)[0] == 2
        assert script.document()["question"] == "bridge"
        assert {p["text"] for p in script.document()["passages"]} == set(TEXTS)

    @pytest.mark.parametrize("name", ["nonsense", "some-org/some-model", "onnx:", "minilm"])
    def test_a_name_that_is_none(self, name: str) -> None:
        result = memos("search", "bridge", "--rerank", name, "--json")
        assert result.exit_code == 2
        error = json.loads(result.stdout)["error"]
        assert error["code"] == "unknown_reranker"
        assert name in error["message"]
        assert "memos help reranking" in error["hint"] or f"st:{name}" in error["hint"]

    def test_a_name_that_is_none_where_nothing_is_found(self) -> None:
        assert memos("search", "quokka", "--mode", "keyword", "--rerank", "nonsense").exit_code == 2


class TestFailingOpen:
    """A search without its reranker is still a search, and says so."""

    @pytest.fixture(autouse=True)
    def stored(self) -> None:
        document("add", *TEXTS)

    def without(self, model: str, *named: str) -> str:
        plain, found = document("search", "bridge"), document("search", "bridge", "--rerank", model)
        assert found["hits"] == plain["hits"]
        [note] = found["notes"]
        assert note.startswith("the reranker did not answer: ")
        assert "the order is that of the search" in note
        assert all(one in note for one in named), note
        shown = memos("search", "bridge", "--rerank", model)
        assert shown.exit_code == 0
        assert "the reranker did not answer" in shown.stderr
        return note

    def test_a_folder_that_is_not_there(self) -> None:
        self.without("onnx:./missing", "there is no folder")

    def test_a_broken_model(self, tmp_path: Path, zebra: str) -> None:
        (tmp_path / "zebra" / "model.onnx").write_bytes(b"no model")
        self.without(zebra, "onnxruntime", "memos help reranking")

    def test_a_model_that_gives_no_numbers(self, tmp_path: Path) -> None:
        self.without(f"onnx:{tiny.make(tmp_path / 'm', {'zebra': float('nan')})}", "NaN")

    def test_an_endpoint_without_a_key(self) -> None:
        self.without("openai:m", "wants a key", "rerank_base_url")

    def test_an_endpoint_that_talks_nonsense(self, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEMOS_RERANK_BASE_URL", script.url)
        script.answers = [Answer("I like them all."), Answer("I like them all.")]
        self.without("openai:m", "none of the 3 passages")

    def test_an_endpoint_that_is_too_slow(self, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEMOS_RERANK_BASE_URL", script.url)
        monkeypatch.setenv("MEMOS_RERANK_TIMEOUT", "0.1")
        script.answers = [Answer(wait=0.4)] * 6
        self.without("openai:m", "in time")


class TestOperation:
    def asked(self, session: Session, model: str, **changes: Any) -> list[str]:
        query = Query(text="bridge", mode=Mode.KEYWORD, rerank=model, **changes)
        return [hit.item.memory for hit in search(session, query).hits]

    def test_only_the_first_fifty_are_reread(self, open_cube: OpenCube, zebra: str) -> None:
        """BM25 prefers short texts, so the length gives the order."""
        session = open_cube("naive_text")
        texts = ["bridge" + " the long road" * n for n in range(DEPTH + 20)]
        texts[DEPTH - 1] = f"zebra {texts[DEPTH - 1]}"
        texts[DEPTH + 5] = f"zebra {texts[DEPTH + 5]}"
        add_texts(session, *texts)
        plain = [h.item.memory for h in search(session, Query(text="bridge", mode=Mode.KEYWORD, k=100)).hits]
        inside, outside = texts[DEPTH - 1], texts[DEPTH + 5]
        assert plain.index(inside) < DEPTH <= plain.index(outside)
        found = self.asked(session, zebra, k=100)
        assert found.index(inside) == 3  # .4 * .02 + .6 is below the first three, above .6 * .94
        assert found[DEPTH:] == plain[DEPTH:]
        assert inside in self.asked(session, zebra, k=20)
        assert inside not in plain[:20]

    def test_a_model_is_loaded_once(self, session: Session, zebra: str, tmp_path: Path) -> None:
        add_texts(session, *TEXTS)
        assert self.asked(session, zebra)[0] == TEXTS[2]
        (tmp_path / "zebra" / "model.onnx").unlink()
        assert self.asked(session, zebra)[0] == TEXTS[2]
        assert session.reranker(zebra) is session.reranker(zebra)

    def test_a_name_that_is_none(self, session: Session) -> None:
        add_texts(session, *TEXTS)
        with pytest.raises(UnknownReranker):
            self.asked(session, "nonsense")

    def test_nothing_found(self, session: Session, zebra: str) -> None:
        assert self.asked(session, zebra) == []

    def test_a_setting_alone_reranks_nothing(self, open_cube: OpenCube) -> None:
        """The shell reads the setting; a program says what it wants in its Query."""
        session = open_cube()
        session.settings = dataclasses.replace(session.settings, rerank="nonsense")
        add_texts(session, *TEXTS)
        assert len(search(session, Query(text="bridge")).hits) == 3


class TestEval:
    @pytest.fixture
    def talk(self, tmp_path: Path) -> Path:
        """Three turns about a bridge, of which the one with the zebra is the evidence."""
        turns = [{"speaker": "Ida", "dia_id": f"D1:{i}", "text": text} for i, text in enumerate(TEXTS, 1)]
        talk = {"session_1": turns, "session_1_date_time": "1:56 pm on 1 May, 2023"}
        asked = [{"question": "bridge", "evidence": ["D1:3"], "category": 4}]
        file = tmp_path / "talk.json"
        file.write_text(json.dumps([{"sample_id": "c", "conversation": talk, "qa": asked}] * 2))
        return file

    def test_effect_and_cost(self, talk: Path, zebra: str) -> None:
        found = document("eval", "locomo", str(talk), "--mode", "keyword", "--rerank", zebra)
        plain = document("eval", "locomo", str(talk), "--mode", "keyword")
        assert found["overall"] == plain["overall"]
        assert "reranking" not in plain
        change = found["reranking"]
        assert change["model"] == zebra
        rank = found["questions"][0]["ranks"][0]
        assert rank > 1
        assert change["overall"]["mrr"]["baseline"] == pytest.approx(1 / rank, abs=1e-5)
        assert change["overall"]["mrr"]["difference"] == pytest.approx(1 - 1 / rank, abs=1e-5)
        assert change["overall"]["recall@10"]["difference"] == 0
        assert change["latency"]["n"] == change["latency_baseline"]["n"] == 2
        assert change["latency_baseline"] == found["latency"]
        assert change["latency"]["p50_ms"] > 0

    def test_people_see_it(self, talk: Path, zebra: str) -> None:
        shown = memos(
            "eval", "locomo", str(talk), "--mode", "keyword", "--rerank", zebra, "--compare", "keyword"
        )
        assert shown.exit_code == 0, shown.output
        assert "reranked search" in shown.stdout

    def test_each_question_is_paid_for_once(
        self, talk: Path, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A longer list of the same question asks the model nothing new; another question does."""
        monkeypatch.setenv("MEMOS_RERANK_BASE_URL", script.url)
        document("eval", "locomo", str(talk), "--mode", "keyword", "--rerank", "openai:m")
        assert len(script.requests) == 2

    def test_one_that_cannot_be_used_ends_it(self, talk: Path) -> None:
        for name, code in (("onnx:./missing", 1), ("nonsense", 2)):
            result = memos("eval", "locomo", str(talk), "--mode", "keyword", "--rerank", name, "--json")
            assert result.exit_code == code
            assert "reranker" in json.loads(result.stdout)["error"]["code"]
