"""`memos eval` end to end: what is asked of real cubes, what is printed, what is left behind."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from llm_server import Script
from typer.testing import CliRunner, Result

from memos_cli.evaluation import compare, run
from memos_cli.evaluation.corpus import Benchmark, Corpus, Question, draft
from memos_cli.evaluation.vectors import Cache, Remembering
from memos_cli.interfaces.cli.app import app
from memos_cli.location import resolve
from memos_cli.operations import search as operation
from memos_cli.providers.embedder import fingerprint
from memos_cli.providers.hashing import HashEmbedder
from memos_cli.schema import Mode, Query, SearchResult
from memos_cli.session import Session
from memos_cli.settings import SETTINGS, Settings

TURNS = [
    ("D1:1", "Ida", "Zanzibar was hot."),
    ("D1:2", "Theo", "Thanks!"),
    ("D1:3", "Ida", "The xylophone is green."),
    ("D1:4", "Theo", "Thanks!"),
    ("D2:1", "Theo", "Kumquats are sour."),
    ("D2:2", "Ida", "Zanzibar has kumquats."),
]
QA = [
    # Both turns say Zanzibar and no other does.
    {"question": "zanzibar", "evidence": ["D1:1", "D2:2"], "category": 1},
    # One of its two pieces cannot be found by words.
    {"question": "xylophone", "evidence": ["D1:3", "D2:1"], "category": 4},
    # Two equal turns are one memory, which stands for both.
    {"question": "thanks", "evidence": ["D1:2", "D1:4"], "category": 4},
    {"question": "quokka", "evidence": ["D1:1"], "category": 5},
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home of its own, and a folder for temporary files that can be looked into."""
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    for name, value in {"HOME": "home", "FSYNC": "false", "EMBEDDER": "hash:64"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", str(tmp_path / value) if name == "HOME" else value)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "home"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A LoCoMo file with one conversation."""
    sessions: dict[str, Any] = {}
    for id, speaker, text in TURNS:
        turn = {"speaker": speaker, "dia_id": id, "text": text}
        sessions.setdefault(f"session_{id[1]}", []).append(turn)
    times = {f"session_{n}_date_time": f"1:56 pm on {n} May, 2023" for n in (1, 2)}
    file = tmp_path / "talk.json"
    file.write_text(json.dumps([{"sample_id": "conv-1", "conversation": {**sessions, **times}, "qa": QA}]))
    return file


def memos(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def document(*words: str) -> Any:
    result = memos("eval", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_figures_of_a_conversation_worked_out_by_hand(talk: Path, tmp_path: Path) -> None:
    found = document("locomo", str(talk), "--mode", "keyword")
    overall = found["overall"]
    # zanzibar 2 of 2, xylophone 1 of 2, thanks 2 of 2; the adversarial question is not among them.
    assert overall["n"] == 3
    assert overall["recall@5"] == overall["recall@10"] == overall["recall@20"] == round(2.5 / 3, 5)
    assert (overall["any@10"], overall["all@10"], overall["mrr"]) == (1.0, round(2 / 3, 5), 1.0)
    assert found["categories"]["multi-hop"]["n"] == 1
    assert found["categories"]["single-hop"]["recall@10"] == 0.75
    assert found["categories"]["adversarial"]["recall@10"] == 0.0
    assert found["apart"] == ["adversarial"]
    assert found["levels"]["unit"] == overall
    assert found["levels"]["session"]["n"] == 3
    assert found["budget"] == {"500": 0.83333, "1000": 0.83333, "2000": 0.83333, "4000": 0.83333}
    # One memory is found for thanks, one for xylophone, two for zanzibar; a token is four characters.
    assert found["tokens"]["10"] == round((5 + 6 + 6 + 2) / 3, 1)
    assert (found["add"]["memories"], found["add"]["known"], found["add"]["skipped"]) == (5, 1, 0)
    assert found["abstention"]["unanswerable"] == 1
    assert found["abstention"]["auroc"] == 1.0  # quokka finds nothing at all
    assert [one["ranks"] for one in found["questions"]] == [[1, 2], [1], [1, 1], []]
    assert list((tmp_path / "temporary").iterdir()) == []


def moving(folder: Path) -> Path:
    """A folder in the BEIR form: two notes of which the second contradicts the first."""
    notes = [
        {"_id": "old", "text": "Ida lives in Lisbon."},
        {"_id": "new", "text": "Ida lives in Porto now."},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, notes)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "lisbon"}))
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\told\t1\n")
    return folder


def test_what_judging_costs_can_be_seen(tmp_path: Path) -> None:
    words = ("beir", str(moving(tmp_path)), "--mode", "keyword")
    judged, plain = document(*words), document(*words, "--no-judge")
    assert (judged["add"]["updated"], plain["add"]["updated"]) == (1, 0)
    assert (judged["overall"]["recall@5"], plain["overall"]["recall@5"]) == (0.0, 1.0)


def test_a_fact_counts_as_the_turn_that_it_was_drawn_from(
    talk: Path, llm_server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in llm_server.settings.items():
        monkeypatch.setenv(f"MEMOS_{name.upper()}", str(value))
    drawn = {"text": "The xylophone, a percussion instrument, is green.", "turns": [3], "who": "",
             "event_start": "", "event_end": "", "key": "", "tags": [], "importance": 60, "confidence": 90}  # fmt: skip
    # Both sessions are asked about at once; only one has the xylophone.
    llm_server.otherwise = lambda request: {
        "facts": [drawn] if "xylophone" in str(request["messages"][-1]) else []
    }
    words = ("locomo", str(talk), "--mode", "keyword", "--read")
    found = document(*words, "fine")
    assert found["add"]["facts"] == 1
    assert found["questions"][1]["ranks"] == [1]
    assert found["overall"]["recall@5"] == document(*words, "fast")["overall"]["recall@5"]


def test_each_cube_is_asked_what_only_another_knows(talk: Path, tmp_path: Path) -> None:
    assert document("locomo", str(talk), "--mode", "keyword")["abstention"]["elsewhere"] == 0
    one = json.loads(talk.read_text())[0]
    other = json.loads(talk.read_text().replace("Zanzibar", "Wombat").replace("zanzibar", "wombat"))[0]
    both = tmp_path / "both.json"
    both.write_text(json.dumps([one, other | {"sample_id": "conv-2"}]))
    found = document("locomo", str(both), "--mode", "keyword")["abstention"]
    # Three questions of each have an answer; xylophone and thanks are known to both, the animals are not.
    assert (found["answerable"], found["unanswerable"], found["elsewhere"]) == (6, 2, 6)
    assert 0.5 < found["auroc_elsewhere"] < 1.0
    assert found["mean_score_elsewhere"] < found["mean_score_answerable"]
    assert found["doubtful"]["unanswerable"] == 1.0
    assert found["doubtful"]["elsewhere"] >= round(2 / 6, 5)
    assert found["calibration"]["ece"] is not None
    shown = {
        line.split("\t")[0]: line
        for line in memos("eval", "locomo", str(both), "--mode", "keyword").stdout.splitlines()
    }
    assert "below 0.15" in shown["score tells what is elsewhere"]


def test_nothing_of_yours_is_touched(talk: Path, home: Path) -> None:
    document("locomo", str(talk), "--mode", "keyword")
    assert not (home / "cubes").exists()


def test_hybrid_uses_the_embedder_asked_for(talk: Path) -> None:
    found = document("locomo", str(talk), "--embedder", "hash:32")
    assert (found["mode"], found["embedder"]) == ("hybrid", "hash:32")
    assert found["overall"]["any@10"] == 1.0
    assert document("locomo", str(talk), "--mode", "keyword")["embedder"] is None


def test_limit_and_lengths(talk: Path) -> None:
    found = document("locomo", str(talk), "--mode", "keyword", "--limit", "2", "-k", "1,3", "-k", "7")
    assert found["overall"]["n"] == 2
    assert found["k"] == [1, 3, 7]
    # At one hit zanzibar has half of its evidence, and xylophone half.
    assert found["overall"]["recall@1"] == 0.5
    assert {"recall@5", "recall@10", "recall@20", "recall@7"} <= set(found["overall"])
    table = memos("eval", "locomo", str(talk), "--mode", "keyword", "-k", "1")
    assert table.stdout.splitlines()[1].split("\t")[:3] == ["overall", "3", "0.6667"]


@pytest.mark.parametrize(
    "words", [["-k", "0"], ["-k", "5,x"], ["-k", ""], ["--mode", "psychic"], ["--limit", "0"]]
)
def test_options_that_make_no_sense(talk: Path, words: list[str]) -> None:
    assert memos("eval", "locomo", str(talk), *words).exit_code == 2


def test_a_table_for_people_and_notes_beside_it(talk: Path) -> None:
    result = memos("eval", "locomo", str(talk), "--mode", "keyword", "--ablate")
    rows = {line.split("\t")[0]: line.split("\t") for line in result.stdout.splitlines()}
    assert result.stdout.splitlines()[0].split("\t")[:6] == [
        "", "n", "recall@5", "recall@10", "recall@20", "any@10"
    ]  # fmt: skip
    assert rows["overall"][1:5] == ["3", "0.8333", "0.8333", "0.8333"]
    assert {"adversarial (apart)", "by session", "search", "added"} <= set(rows)
    assert rows["added"][1].startswith("5 memories")
    assert rows["recall within tokens"][1].startswith("500: 0.833")


def test_a_run_compared_with_a_mode_and_with_a_file(talk: Path, tmp_path: Path) -> None:
    words = ["locomo", str(talk), "--mode", "keyword"]
    earlier = document(*words)
    same = tmp_path / "earlier.json"
    same.write_text(json.dumps(earlier))
    found = document(*words, "--compare", str(same))["compare"]
    assert found["overall"]["n"] == 3
    assert found["unpaired"] == 0
    assert found["overall"]["recall@10"]["difference"] == 0
    for question in earlier["questions"]:
        question["ranks"] = []
    same.write_text(json.dumps(earlier))
    better = document(*words, "--compare", str(same))["compare"]
    assert better["overall"]["recall@10"]["difference"] == round(2.5 / 3, 5)
    assert better["categories"]["multi-hop"]["mrr"]["difference"] == 1.0
    against = document(*words, "--compare", "vector")["compare"]
    assert against["baseline"] == "mode vector"
    shown = memos("eval", *words, "--compare", str(same)).stdout
    assert "overall\t3\trecall@10\t0.0000\t0.8333" in shown


def test_what_cannot_be_compared_is_refused_before_anything_runs(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"hits": []}')
    stranger = {"id": "another", "category": "", "apart": False, "gold": 1, "ranks": [1], "ndcg": 1.0}
    (tmp_path / "stranger.json").write_text(json.dumps({"questions": [stranger]}))
    for baseline in ("other.json", "nowhere.json", "stranger.json"):
        result = memos("eval", "locomo", str(talk), "--compare", str(tmp_path / baseline))
        assert result.exit_code == 2
        assert baseline in result.stderr


def test_a_report_with_its_plots(talk: Path, tmp_path: Path) -> None:
    result = memos("eval", "locomo", str(talk), "--mode", "keyword", "--report", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "Wrote" in result.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["overall"]["n"] == 3
    for name in ("recall-by-k.svg", "recall-by-tokens.svg"):
        picture = ElementTree.parse(tmp_path / "out" / name).getroot()
        lines = [part for part in picture if part.tag.endswith("polyline")]
        texts = [part.text or "" for part in picture.iter() if part.tag.endswith("text")]
        assert len(lines) == 4
        assert any(text.startswith("overall 0.833") for text in texts)
        assert any(text.startswith("adversarial (apart)") for text in texts)


def test_a_report_with_the_questions_that_were_missed(talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert memos("eval", "locomo", str(talk), "--mode", "keyword", "--report", str(out)).exit_code == 0
    (missed,) = map(json.loads, (out / "misses.jsonl").read_text().splitlines())
    assert (missed["question"], missed["category"]) == ("xylophone", "single-hop")
    assert dict(zip(missed["gold"], missed["ranks"], strict=True)) == {"D1:3": 1, "D2:1": None}
    assert [hit["ids"] for hit in missed["hits"]] == [["D1:3"]]
    assert "xylophone" in missed["hits"][0]["text"]


def test_what_is_no_benchmark_names_the_page_about_them(tmp_path: Path) -> None:
    for words in (("beir", str(tmp_path)), ("trivia", str(tmp_path))):
        result = memos("eval", *words)
        assert result.exit_code == 2
        assert "memos help eval" in result.stderr


def test_a_report_that_cannot_be_written(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = memos("eval", "locomo", str(talk), "--mode", "keyword", "--report", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "file" in result.stderr


# what is switched off


def test_ablation_names_what_each_part_is_worth(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = operation.search

    def searched(session: Session, query: Query) -> SearchResult:
        result = real(session, query)
        missing = "words" in query.without
        return result.but(hits=()) if missing else result

    monkeypatch.setattr(operation, "PARTS", ("words", "nothing"), raising=False)
    monkeypatch.setattr(run, "search", searched)
    found = document("locomo", str(talk), "--mode", "keyword", "--ablate")
    lost = {one["part"]: one["overall"]["recall@10"]["difference"] for one in found["ablation"]}
    assert lost == {"words": -round(2.5 / 3, 5), "nothing": 0.0}
    assert found["overall"]["recall@10"] == round(2.5 / 3, 5)
    shown = memos("eval", "locomo", str(talk), "--mode", "keyword", "--ablate").stdout
    assert "words\t-0.8333" in shown


def test_without_parts_there_is_nothing_to_ablate(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "parts", lambda: ())
    result = memos("eval", "locomo", str(talk), "--mode", "keyword", "--ablate")
    assert result.exit_code == 0
    assert "nothing to ablate" in result.stderr


# how it is run


def settings_of(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedder="hash:64", fsync=False)


def sessions_benchmark() -> Benchmark:
    drafts = [
        draft(f"{session}:{place}", text, session=session, position=place, role="user")
        for session, texts in {
            "s1": ["apple pie", "apple tart"],
            "s2": ["apple apple apple", "plum"],
        }.items()
        for place, text in enumerate(texts)
    ]
    question = Question("q", "apple", {"s2:0": 1.0}, sessions=("s1",))
    return Benchmark("made", (Corpus("c", tuple(drafts), (question,)),), level="session")


def test_sessions_rank_by_their_best_hit(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    options = run.Options((run.Variant("full", Mode.KEYWORD),))
    found = run.evaluate(sessions_benchmark(), settings, partial(resolve, settings=settings), options)
    # The hits are s2's, then two of s1: the second session, whose turns are no evidence by themselves.
    assert found.main[0].unit.ranks == (1,)
    assert found.main[0].session.ranks == (2,)


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        assert list((tmp_path / "temporary").iterdir()) != []
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_ask", interrupted)
    settings = settings_of(tmp_path)
    options = run.Options((run.Variant("full", Mode.KEYWORD),))
    with pytest.raises(KeyboardInterrupt):
        run.evaluate(sessions_benchmark(), settings, partial(resolve, settings=settings), options)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_progress_counts_every_question(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    settings = settings_of(tmp_path)
    options = run.Options((run.Variant("full", Mode.KEYWORD), run.Variant("again", Mode.KEYWORD)))
    run.evaluate(
        sessions_benchmark(),
        settings,
        partial(resolve, settings=settings),
        options,
        lambda *c: seen.append(c),
    )
    assert seen[-1] == ("asking", 2, 2)
    assert any(stage == "storing" for stage, _, _ in seen)


# vectors


class Counting(HashEmbedder):
    """Counts what it is asked to embed."""

    asked: list[str]
    questions: list[str]

    def embed_documents(self, texts: Any, progress: Any = None) -> Any:
        self.asked += texts
        return super().embed_documents(texts, progress)

    def embed_query(self, text: str) -> Any:
        self.questions.append(text)
        return super().embed_query(text)


@pytest.fixture
def counting() -> Counting:
    embedder = Counting.from_text("64")
    embedder.asked, embedder.questions = [], []
    return embedder


def test_documents_are_embedded_once_for_all_runs(tmp_path: Path, counting: Counting) -> None:
    info = fingerprint(counting)
    counting.asked.clear()
    first = Remembering(counting, Cache(tmp_path, info)).embed_documents(["a", "b", "a"])
    assert counting.asked == ["a", "b"]
    again = Remembering(counting, Cache(tmp_path, info))
    second = again.embed_documents(["b", "c", "a"])
    assert counting.asked == ["a", "b", "c"]
    assert again.reused == 2
    assert second[0].tolist() == first[1].tolist()
    assert second[2].tolist() == first[0].tolist()
    assert abs(first[0] - HashEmbedder.from_text("64").embed_documents(["a"])[0]).max() < 1e-3


def test_another_embedder_has_a_cache_of_its_own(tmp_path: Path, counting: Counting) -> None:
    Cache(tmp_path, fingerprint(counting)).keep(["a"], counting.embed_documents(["a"]))
    assert "a" in Cache(tmp_path, fingerprint(counting))
    assert "a" not in Cache(tmp_path, fingerprint(HashEmbedder.from_text("32")))


def test_a_question_is_embedded_once_until_it_is_forgotten(counting: Counting) -> None:
    one = Remembering(counting, None)
    one.embed_query("x")
    one.embed_query("x")
    one.forget()
    one.embed_query("x")
    one.embed_query("y")
    assert counting.questions == ["x", "x", "y"]
    assert one.dimension == 64


def test_cached_runs_find_the_same(talk: Path, tmp_path: Path) -> None:
    words = ["locomo", str(talk), "--cache", str(tmp_path / "cache")]
    first, second = document(*words), document(*words)
    assert (first["add"]["cached_vectors"], second["add"]["cached_vectors"]) == (0, 5)
    assert first["questions"] == second["questions"]


def test_a_cache_that_is_damaged_is_named(talk: Path, tmp_path: Path) -> None:
    words = ["eval", "locomo", str(talk), "--cache", str(tmp_path / "cache")]
    assert memos(*words).exit_code == 0
    table = next((tmp_path / "cache").rglob("*.texts.npy"))
    os.truncate(table, 40)
    result = memos(*words)
    assert result.exit_code == 2
    assert "cache" in result.stderr
