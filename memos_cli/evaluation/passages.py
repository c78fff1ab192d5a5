"""Benchmarks of single texts: PrefEval, HotpotQA, MuSiQue, and anything in BEIR's form.

Owns: their formats. Does not own: how they are scored.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memos_cli.evaluation.corpus import (
    Benchmark,
    Corpus,
    Question,
    as_list,
    draft,
    json_files,
    moment,
    read_json,
    shaped,
    unreadable,
)
from memos_cli.schema import Draft


def prefeval(path: Path) -> Benchmark:
    """PrefEval, explicit preferences: files of {preference, question}, all in one pool.

    A question's evidence is the preference it was written for; a file is a category.
    """
    return Benchmark("prefeval", tuple(shaped(path, lambda: [_preferences(json_files(path))])))


def _preferences(files: list[Path]) -> Corpus:
    pairs = [(file.stem, place, one) for file in files for place, one in _numbered(file)]
    drafts = tuple(draft(f"{topic}.{place}", one["preference"]) for topic, place, one in pairs)
    questions = tuple(
        Question(f"{topic}.{place}", one["question"], {f"{topic}.{place}": 1.0}, topic)
        for topic, place, one in pairs
    )
    return Corpus("preferences", drafts, questions)


def _numbered(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    return enumerate(as_list(read_json(file), file), start=1)


def hotpotqa(path: Path) -> Benchmark:
    """HotpotQA: the paragraphs of all questions in one pool; evidence is `supporting_facts`."""
    return _pool("hotpotqa", path, _hotpot)


def musique(path: Path) -> Benchmark:
    """MuSiQue: the paragraphs of all questions in one pool; evidence is `is_supporting`."""
    return _pool("musique", path, _musique)


def _pool(name: str, path: Path, read: Any) -> Benchmark:
    def build() -> Iterator[Corpus]:
        places: dict[tuple[str, str], str] = {}
        questions: list[Question] = []
        for file in json_files(path, "*.json*"):
            for entry in as_list(read_json(file), file):
                gold = {}
                for title, text, supports in read(entry):
                    id = places.setdefault((title, text), f"{len(places) + 1}")
                    if supports:
                        gold[id] = 1.0
                if gold:
                    own = str(entry.get("_id") or entry.get("id") or len(questions) + 1)
                    questions.append(Question(own, entry["question"], gold, _kind(entry)))
        drafts = tuple(draft(id, f"{title}. {text}") for (title, text), id in places.items())
        yield Corpus("paragraphs", drafts, tuple(questions))

    return Benchmark(name, tuple(shaped(path, build)))


def _kind(entry: dict[str, Any]) -> str:
    """HotpotQA names a type; MuSiQue's ids begin with the number of hops ("2hop__…")."""
    id = str(entry.get("id", ""))
    return str(entry.get("type") or (id.partition("__")[0] if "hop" in id else ""))


def _hotpot(entry: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    supporting = {title for title, _ in entry["supporting_facts"]}
    for title, sentences in entry["context"]:
        yield title, " ".join(sentence.strip() for sentence in sentences), title in supporting


def _musique(entry: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for one in entry["paragraphs"]:
        yield one["title"], one["paragraph_text"], bool(one.get("is_supporting"))


# -- BEIR


def beir(path: Path) -> Benchmark:
    """A folder in BEIR's form: corpus.jsonl, queries.jsonl, qrels/*.tsv.

    `metadata` may hold `group` (texts and queries of one group make a corpus), `session`, `speaker`,
    `role` and `time` of a text, `category` and `time` of a query. Of several qrels `test.tsv` counts
    alone, as is usual there. Raises BadInput.
    """
    notes: list[str] = []
    return Benchmark("beir", tuple(shaped(path, lambda: _groups(path, notes))), notes=tuple(notes))


def _groups(path: Path, notes: list[str]) -> list[Corpus]:
    documents = as_list(read_json(path / "corpus.jsonl"), path)
    queries = as_list(read_json(path / "queries.jsonl"), path)
    grades = _grades(path / "qrels", notes)
    group_of = {str(one["_id"]): _group(one) for one in documents}
    drafts: dict[str, list[Draft]] = {}
    places: Counter[tuple[str, str]] = Counter()
    for one in documents:
        drafts.setdefault(_group(one), []).append(_document(one, places))
    asked: dict[str, list[Question]] = {}
    for one in queries:
        gold = {id: g for id, g in grades.get(str(one["_id"]), {}).items() if id in group_of}
        if gold:
            group = _group(one) if _group(one) in drafts else group_of[next(iter(gold))]
            asked.setdefault(group, []).append(_query(one, gold, drafts[group]))
    return [Corpus(group, tuple(drafts[group]), tuple(asked[group])) for group in drafts if group in asked]


def _group(one: dict[str, Any]) -> str:
    return str((one.get("metadata") or {}).get("group", ""))


def _document(one: dict[str, Any], places: Counter[tuple[str, str]]) -> Draft:
    """A text with its title before it; one of a session has its place in that session."""
    about = one.get("metadata") or {}
    session = None if about.get("session") is None else str(about["session"])
    position = None
    if session is not None:
        position = places[_group(one), session]
        places[_group(one), session] += 1
    title = (one.get("title") or "").strip()
    return draft(
        str(one["_id"]),
        f"{title}. {one['text']}" if title else one["text"],
        session=session,
        position=position,
        speaker=about.get("speaker"),
        role=about.get("role"),
        said_at=moment(about.get("time")),
    )


def _query(one: dict[str, Any], gold: dict[str, float], drafts: list[Draft]) -> Question:
    about = one.get("metadata") or {}
    sessions = {d.sources[0].message_id: d.session_id for d in drafts}
    return Question(
        id=str(one["_id"]),
        text=one["text"],
        gold=gold,
        category=str(about.get("category", "")),
        now=moment(about.get("time")) or max((d.said_at for d in drafts if d.said_at), default=None),
        sessions=tuple(dict.fromkeys(s for id in gold if (s := sessions.get(id)))),
    )


def _grades(folder: Path, notes: list[str]) -> dict[str, dict[str, float]]:
    """Grades above 0 by query and text."""
    files = json_files(folder, "*.tsv")
    if len(files) > 1 and any(file.name == "test.tsv" for file in files):
        notes.append(f"of {len(files)} qrels only test.tsv was read")
        files = [file for file in files if file.name == "test.tsv"]
    grades: dict[str, dict[str, float]] = {}
    for file in files:
        for query, text, grade in _judgements(file):
            if grade > 0:
                grades.setdefault(query, {})[text] = grade
    return grades


def _judgements(file: Path) -> Iterator[tuple[str, str, float]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if not row or (number == 1 and not _is_number(row[-1])):
                continue
            if len(row) < 3 or not _is_number(row[-1]):
                raise unreadable(file, f"line {number} is not query, text and grade")
            yield row[0], row[-2], float(row[-1])


def _is_number(text: str) -> bool:
    return text.strip().lstrip("-").replace(".", "", 1).isdigit()
