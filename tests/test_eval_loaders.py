"""Benchmarks in their authors' own formats, small and written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memos_cli.errors import BadInput, UsageError
from memos_cli.evaluation import dialogues
from memos_cli.evaluation.corpus import Benchmark, Corpus, moment, pooled, unit_id
from memos_cli.evaluation.loaders import LOADERS, load

ROOT = Path(__file__).resolve().parents[1]


def written(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def only(benchmark: Benchmark) -> Corpus:
    assert len(benchmark.corpora) == 1
    return benchmark.corpora[0]


LOCOMO = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ida",
        "speaker_b": "Theo",
        "session_2_date_time": "1:56 pm on 8 May, 2023",
        "session_2": [
            {"speaker": "Theo", "dia_id": "D2:1", "text": "The boat leaks.", "blip_caption": "a red boat"},
            {"speaker": "Ida", "dia_id": "D2:2", "text": "Thanks!"},
        ],
        "session_1_date_time": "12:09 am on 13 September, 2022",
        "session_1": [{"speaker": "Ida", "dia_id": "D1:1", "text": "I bought a boat."}],
        "session_3_date_time": "9:00 am on 9 May, 2023",
    },
    "qa": [
        {"question": "What leaks?", "answer": "the boat", "evidence": ["D2:01; D1:1"], "category": 1},
        {"question": "Did Theo buy a boat?", "evidence": ["D:1:1"], "category": 5},
        {"question": "Who knows?", "evidence": [], "category": 3},
        {"question": "Who else?", "evidence": ["D9:9"], "category": 4},
    ],
}


def test_locomo(tmp_path: Path) -> None:
    corpus = only(load("locomo", written(tmp_path / "locomo.json", [LOCOMO])))
    assert corpus.name == "conv-1"
    assert [unit_id(one) for one in corpus.drafts] == ["D1:1", "D2:1", "D2:2"]
    boat = corpus.drafts[1]
    assert boat.memory == "The boat leaks. [shares a red boat]"
    assert (boat.session_id, boat.position, boat.speaker) == ("session_2", 0, "Theo")
    assert boat.said_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert corpus.drafts[0].said_at == datetime(2022, 9, 13, 0, 9, tzinfo=UTC)
    first, adversarial = corpus.questions
    assert set(first.gold) == {"D2:1", "D1:1"}
    assert set(first.sessions) == {"session_1", "session_2"}
    assert (first.category, first.apart, first.now) == ("multi-hop", False, boat.said_at)
    assert (adversarial.category, adversarial.apart, adversarial.answerable) == ("adversarial", True, False)
    assert set(adversarial.gold) == {"D1:1"}


@pytest.mark.parametrize(
    ("evidence", "ids"),
    [
        (["D8:6; D9:17"], ["D8:6", "D9:17"]),
        (["D:11:26"], ["D11:26"]),
        (["D30:05"], ["D30:5"]),
        (["D1:1", "D1:1"], ["D1:1"]),
        (["D9:1 D4:4 D4:6"], ["D9:1", "D4:4", "D4:6"]),
        (["D"], []),
    ],
)
def test_every_spelling_of_locomo_evidence(evidence: list[str], ids: list[str]) -> None:
    assert dialogues.dialogue_ids(evidence) == ids


def test_longmemeval(tmp_path: Path) -> None:
    entry = {
        "question_id": "q1",
        "question_type": "single-session-user",
        "question": "What is my cat called?",
        "question_date": "2023/05/30 (Tue) 23:40",
        "answer_session_ids": ["answer_1"],
        "haystack_session_ids": ["other", "answer_1"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 02:57"],
        "haystack_sessions": [
            [{"role": "user", "content": "How tall is a tree?"}],
            [
                {"role": "assistant", "content": "Hello!"},
                {"role": "user", "content": "My cat Mo is ill.", "has_answer": True},
            ],
        ],
    }
    benchmark = load(
        "longmemeval", written(tmp_path / "lme.json", [entry, {**entry, "question_id": "q2_abs"}])
    )
    assert benchmark.level == "session"
    asked, abstains = (corpus.questions[0] for corpus in benchmark.corpora)
    drafts = benchmark.corpora[0].drafts
    assert [one.sources[0].role for one in drafts] == ["user", "assistant", "user"]
    assert drafts[2].said_at == datetime(2023, 5, 21, 2, 57, tzinfo=UTC)
    assert drafts[2].position == 1
    assert set(asked.gold) == {unit_id(drafts[2])}
    assert asked.sessions == (drafts[2].session_id,)
    assert asked.now == datetime(2023, 5, 30, 23, 40, tzinfo=UTC)
    assert (asked.apart, abstains.apart) == (False, True)
    assert (abstains.answerable, abstains.category) == (False, "abstention")


def test_beam(tmp_path: Path) -> None:
    def said(id: int, role: str, text: str, **more: str) -> dict[str, Any]:
        return {"id": id, "role": role, "content": text, **more}

    chat = [
        {
            "batch_number": 1,
            "turns": [
                [
                    said(0, "user", "I start in May. ->-> 1,1", time_anchor="March-15-2024"),
                    said(1, "assistant", "Good."),
                ],
                [[said(2, "user", "It costs 9 euros. ->-> 1,2")]],
            ],
        }
    ]
    probes = {
        "abstention": [{"question": "Who is Bo?"}],
        "event_ordering": [{"question": "In what order?", "source_chat_ids": {"first": [0, [2]], "then": 0}}],
        "summarization": [{"question": "All of it?", "source_chat_ids": [77]}],
    }
    written(tmp_path / "7" / "chat.json", chat)
    written(tmp_path / "7" / "probing_questions.json", probes)
    corpus = only(load("beam", tmp_path))
    assert corpus == only(load("beam", tmp_path / "7"))
    assert [one.memory for one in corpus.drafts] == ["I start in May.", "Good.", "It costs 9 euros."]
    assert [one.session_id for one in corpus.drafts] == ["1.0", "1.0", "1.1"]
    assert corpus.drafts[2].said_at == datetime(2024, 3, 15, tzinfo=UTC)
    abstains, ordering = corpus.questions
    assert (abstains.answerable, abstains.apart, abstains.gold) == (False, True, {})
    assert set(ordering.gold) == {"0", "2"}


def trajectory(tid: int, message: str) -> dict[str, Any]:
    return {
        "tid": tid,
        "message_list": [
            {"mid": 0, "message": message, "time": "2024年04月01日 周一 08:30", "place": "深圳"},
            {"mid": 1, "message": "我养了一只猫。", "time": "2024年04月02日 周二 07:08", "place": "深圳"},
        ],
        "question_list": [
            {
                "qid": 0,
                "question": "谁养猫？",
                "target_step_id": [1, 9],
                "time": "2024年04月04日 周四 07:42",
            }
        ],
    }


def test_memdaily_alone_and_pooled(tmp_path: Path) -> None:
    written(tmp_path / "01_simple_events.json", [trajectory(0, "我去北京。"), trajectory(1, "我去上海。")])
    written(tmp_path / "06_noisy_items.json", [trajectory(0, "我买书。")])
    benchmark = load("memdaily", tmp_path)
    assert [corpus.name for corpus in benchmark.corpora] == [
        "01_simple_events.0",
        "01_simple_events.1",
        "06_noisy_items.0",
    ]
    first = benchmark.corpora[0]
    assert first.drafts[0].said_at == datetime(2024, 4, 1, 8, 30, tzinfo=UTC)
    assert first.drafts[0].info == {"place": "深圳"}
    assert first.questions[0].gold == {"1": 1.0}
    assert first.questions[0].category == "01_simple"
    assert first.questions[0].now == datetime(2024, 4, 4, 7, 42, tzinfo=UTC)
    pool = pooled(benchmark, 2)
    assert [len(corpus.questions) for corpus in pool.corpora] == [2, 1]
    ids = [unit_id(one) for one in pool.corpora[0].drafts]
    assert len(set(ids)) == 4
    assert len({one.session_id for one in pool.corpora[0].drafts}) == 2
    for corpus in pool.corpora:
        assert all(set(one.gold) <= {unit_id(draft) for draft in corpus.drafts} for one in corpus.questions)


def test_prefeval(tmp_path: Path) -> None:
    written(tmp_path / "b_food.json", [{"preference": "No nuts.", "question": "Cake?", "explanation": "…"}])
    written(tmp_path / "a_pets.json", [{"preference": "No dogs.", "question": "Pet?"}])
    corpus = only(load("prefeval", tmp_path))
    assert [one.memory for one in corpus.drafts] == ["No dogs.", "No nuts."]
    assert [(one.category, set(one.gold)) for one in corpus.questions] == [
        ("a_pets", {"a_pets.1"}),
        ("b_food", {"b_food.1"}),
    ]
    assert corpus.drafts[0].session_id is None


def test_hotpotqa_pools_paragraphs(tmp_path: Path) -> None:
    shared = ["Oslo", ["Oslo is a city.", " It is old."]]
    entries = [
        {
            "_id": "h1",
            "question": "Where?",
            "type": "bridge",
            "supporting_facts": [["Oslo", 1], ["Rome", 0]],
            "context": [shared, ["Rome", ["Rome is far."]]],
        },
        {
            "_id": "h2",
            "question": "When?",
            "type": "comparison",
            "supporting_facts": [["Oslo", 0]],
            "context": [["Bern", ["Bern is small."]], shared],
        },
    ]
    corpus = only(load("hotpotqa", written(tmp_path / "hotpot.json", entries)))
    assert [one.memory for one in corpus.drafts] == [
        "Oslo. Oslo is a city. It is old.",
        "Rome. Rome is far.",
        "Bern. Bern is small.",
    ]
    first, second = corpus.questions
    assert (set(first.gold), set(second.gold)) == ({"1", "2"}, {"1"})
    assert [first.category, second.category] == ["bridge", "comparison"]


def test_musique_as_json_lines(tmp_path: Path) -> None:
    entry = {
        "id": "2hop__1_2",
        "question": "Which?",
        "paragraphs": [
            {"title": "A", "paragraph_text": "One.", "is_supporting": False},
            {"title": "B", "paragraph_text": "Two.", "is_supporting": True},
        ],
    }
    file = tmp_path / "musique.jsonl"
    file.write_text(json.dumps(entry) + "\n" + json.dumps({**entry, "id": "3hop1__1_2"}) + "\n")
    corpus = only(load("musique", file))
    assert [one.memory for one in corpus.drafts] == ["A. One.", "B. Two."]
    assert [one.category for one in corpus.questions] == ["2hop", "3hop1"]
    assert all(set(one.gold) == {"2"} for one in corpus.questions)


def beir_folder(path: Path, qrels: dict[str, str]) -> Path:
    texts = [
        {
            "_id": "t1",
            "title": "",
            "text": "Hello.",
            "metadata": {"group": "x", "session": 1, "speaker": "Ida"},
        },
        {
            "_id": "t2",
            "text": "The boat leaks.",
            "metadata": {"group": "x", "session": 1, "speaker": "Theo", "time": "2023-05-08T13:56:00"},
        },
        {"_id": "t3", "title": "Boats", "text": "They float.", "metadata": {"group": "y", "role": "user"}},
    ]
    queries = [
        {"_id": "q1", "text": "What leaks?", "metadata": {"group": "x", "category": "fact"}},
        {"_id": "q2", "text": "What floats?"},
        {"_id": "q3", "text": "What is never judged?"},
    ]
    path.mkdir()
    for name, values in (("corpus", texts), ("queries", queries)):
        (path / f"{name}.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))
    for name, rows in qrels.items():
        (path / "qrels").mkdir(exist_ok=True)
        (path / "qrels" / name).write_text("query-id\tcorpus-id\tscore\n" + rows)
    return path


def test_beir_and_its_groups(tmp_path: Path) -> None:
    rows = "q1\tt2\t2\nq1\tt1\t0\nq2\tt3\t1\nq3\tnowhere\t1\n"
    benchmark = load("beir", beir_folder(tmp_path / "set", {"dev.tsv": rows}))
    talk, facts = benchmark.corpora
    assert [talk.name, facts.name] == ["x", "y"]
    assert [(d.session_id, d.position, d.speaker) for d in talk.drafts] == [
        ("1", 0, "Ida"),
        ("1", 1, "Theo"),
    ]
    assert facts.drafts[0].memory == "Boats. They float."
    assert facts.drafts[0].sources[0].role == "user"
    asked = talk.questions[0]
    assert (asked.gold, asked.category, asked.sessions) == ({"t2": 2.0}, "fact", ("1",))
    assert asked.now == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    # A query without a group is asked where its evidence lies.
    assert [one.id for one in facts.questions] == ["q2"]


def test_beir_reads_the_test_split_of_several(tmp_path: Path) -> None:
    folder = beir_folder(tmp_path / "set", {"train.tsv": "q1\tt2\t1\n", "test.tsv": "q2\tt3\t1\n"})
    benchmark = load("beir", folder)
    assert [one.id for corpus in benchmark.corpora for one in corpus.questions] == ["q2"]
    assert benchmark.notes == ("of 2 qrels only test.tsv was read",)


def test_an_empty_question_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = beir_folder(tmp_path / "set", {"test.tsv": "q1\tt2\t1\nq2\tt3\t1\n"})
    queries = folder / "queries.jsonl"
    queries.write_text(queries.read_text().replace("What leaks?", " ?"))
    benchmark = load("beir", folder)
    assert [one.id for corpus in benchmark.corpora for one in corpus.questions] == ["q2"]
    assert benchmark.notes == ("1 question is empty and was left out",)


def test_cranfield_becomes_a_beir_folder(tmp_path: Path) -> None:
    source = tmp_path / "cran"
    source.mkdir()
    (source / "cran.all.1400").write_text(
        ".I 1\n.T\nwings\n.A\nx\n.B\ny\n.W\nwings lift .\n.I 2\n.T\n.A\n.B\n.W\nheat .\n"
    )
    (source / "cran.qry").write_text(".I 001\n.W\nwhat lifts ?\n.I 004\n.W\nwhat is hot ?\n")
    (source / "cranqrel").write_text("1 1 2\n1 2 5\n2 2 3 \n")
    script = ROOT / "scripts" / "cranfield_to_beir.py"
    subprocess.run([sys.executable, str(script), str(source), str(tmp_path / "out")], check=True)
    corpus = only(load("beir", tmp_path / "out"))
    assert [one.memory for one in corpus.drafts] == ["wings wings lift .", "heat ."]
    assert [(one.text, set(one.gold)) for one in corpus.questions] == [
        ("what lifts ?", {"1"}),
        ("what is hot ?", {"2"}),
    ]


@pytest.mark.parametrize(
    ("written_time", "instant"),
    [
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("2023/05/20 (Sat) 02:21", datetime(2023, 5, 20, 2, 21, tzinfo=UTC)),
        ("March-15-2024", datetime(2024, 3, 15, tzinfo=UTC)),
        ("2024年04月01日 周一 08:30", datetime(2024, 4, 1, 8, 30, tzinfo=UTC)),
        ("2024-03-01T10:00:00+02:00", datetime(2024, 3, 1, 8, tzinfo=UTC)),
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1700000000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("some day", None),
        ("", None),
        (None, None),
    ],
)
def test_times_that_benchmarks_write(written_time: Any, instant: datetime | None) -> None:
    assert moment(written_time) == instant


@pytest.mark.parametrize("name", LOADERS)
def test_files_of_another_kind_are_named(name: str, tmp_path: Path) -> None:
    file = written(tmp_path / "wrong" / "wrong.json", [{"unheard": "of"}])
    for path in (file, file.parent, tmp_path / "nowhere"):
        with pytest.raises(BadInput) as raised:
            load(name, path)
        assert str(tmp_path) in raised.value.message


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "musique.jsonl"
    file.write_text('{"id": "a"}\n{"id": \n')
    with pytest.raises(BadInput, match="line 2"):
        load("musique", file)


def test_judgements_that_are_none(tmp_path: Path) -> None:
    folder = beir_folder(tmp_path / "set", {"test.tsv": "q1\tt2\tgood\n"})
    with pytest.raises(BadInput, match="line 2"):
        load("beir", folder)


def test_an_unknown_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="locomo, longmemeval"):
        load("trivia", tmp_path)
