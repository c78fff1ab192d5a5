"""Benchmarks of conversations: LoCoMo, LongMemEval, BEAM and MemDaily, from their own files.

Owns: their formats. Does not own: how they are scored. A turn's memory is what was said; who said
it, when, where in which session are fields of their own, as `memos add` has them from a chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
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
)
from memos_cli.schema import Draft

LOCOMO_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""The numbers of LoCoMo's questions (Maharana et al. 2024); the paper's own order differs."""

_DIALOGUE_ID = re.compile(r"D:?(\d+):(\d+)")
_BEAM_INDEX = re.compile(r"\s*->->\s*[\d,\s]+$")


# -- LoCoMo


def locomo(path: Path) -> Benchmark:
    """LoCoMo: `locomo10.json`, or a folder with such files; a conversation is a corpus.

    Category 5 asks about the wrong speaker: it is reported apart, and nothing answers it.
    """
    corpora = (corpus for file in json_files(path) for corpus in shaped(file, partial(_conversations, file)))
    return Benchmark("locomo", tuple(corpora))


def _conversations(file: Path) -> Iterator[Corpus]:
    return map(_conversation, as_list(read_json(file), file))


def _conversation(sample: dict[str, Any]) -> Corpus:
    talk = sample["conversation"]
    numbers = sorted(int(key[8:]) for key in talk if re.fullmatch(r"session_\d+", key))
    drafts = [one for number in numbers for one in _session(talk, number)]
    where = {one.sources[0].message_id or "": one.session_id or "" for one in drafts}
    end = max((one.said_at for one in drafts if one.said_at), default=None)
    asked = (_locomo_question(qa, place, where, end) for place, qa in enumerate(sample["qa"], start=1))
    return Corpus(str(sample.get("sample_id", "")), tuple(drafts), tuple(q for q in asked if q.gold))


def _session(talk: dict[str, Any], number: int) -> Iterator[Draft]:
    name = f"session_{number}"
    said_at = moment(talk.get(f"{name}_date_time"))
    for position, turn in enumerate(talk[name] or []):
        shown = f" [shares {turn['blip_caption']}]" if turn.get("blip_caption") else ""
        yield draft(
            turn["dia_id"],
            turn["text"] + shown,
            session=name,
            position=position,
            speaker=turn["speaker"],
            said_at=said_at,
        )


def _locomo_question(qa: dict[str, Any], place: int, where: dict[str, str], end: datetime | None) -> Question:
    gold = [id for id in dialogue_ids(qa.get("evidence") or []) if id in where]
    adversarial = qa["category"] == 5
    return Question(
        id=str(place),
        text=str(qa["question"]),
        gold=dict.fromkeys(gold, 1.0),
        category=LOCOMO_CATEGORIES.get(qa["category"], str(qa["category"])),
        now=end,
        sessions=tuple(dict.fromkeys(where[id] for id in gold)),
        apart=adversarial,
        answerable=not adversarial,
    )


def dialogue_ids(evidence: list[str]) -> list[str]:
    """The turns that LoCoMo's evidence names. It writes several in one text ("D8:6; D9:17"), zeros
    before numbers ("D30:05") and a colon too many ("D:11:26")."""
    found = (match for text in evidence for match in _DIALOGUE_ID.findall(str(text)))
    return list(dict.fromkeys(f"D{int(session)}:{int(turn)}" for session, turn in found))


# -- LongMemEval


def longmemeval(path: Path) -> Benchmark:
    """LongMemEval: a question with its haystack of sessions is a corpus.

    The overall figures ask for the sessions that hold the answer, as the authors' own do; the turns
    marked `has_answer` are reported beside them. Abstention questions (`…_abs`) stand apart.
    """
    corpora = (corpus for file in json_files(path) for corpus in shaped(file, partial(_haystacks, file)))
    return Benchmark("longmemeval", tuple(corpora), level="session")


def _haystacks(file: Path) -> Iterator[Corpus]:
    return map(_haystack, as_list(read_json(file), file))


def _haystack(entry: dict[str, Any]) -> Corpus:
    drafts: list[Draft] = []
    gold: dict[str, float] = {}
    answers = set(entry["answer_session_ids"])
    named = zip(
        entry["haystack_session_ids"], entry["haystack_dates"], entry["haystack_sessions"], strict=True
    )
    for number, (session, date, turns) in enumerate(named):
        for position, turn in enumerate(turns):
            id = f"{number}:{position}"
            drafts.append(
                draft(
                    id,
                    turn["content"],
                    session=f"{session}#{number}",
                    position=position,
                    role=turn["role"],
                    said_at=moment(date),
                )
            )
            if session in answers and turn.get("has_answer"):
                gold[id] = 1.0
    abstains = str(entry["question_id"]).endswith("_abs")
    question = Question(
        id=str(entry["question_id"]),
        text=entry["question"],
        gold=gold,
        category="abstention" if abstains else entry["question_type"],
        now=moment(entry.get("question_date")),
        sessions=tuple(
            f"{session}#{number}"
            for number, session in enumerate(entry["haystack_session_ids"])
            if session in answers
        ),
        apart=abstains,
        answerable=not abstains,
    )
    return Corpus(question.id, tuple(drafts), (question,))


# -- BEAM


def beam(path: Path) -> Benchmark:
    """BEAM: a folder with `N/chat.json` and `N/probing_questions.json`, or one such folder N.

    Abstention questions have no evidence: they only serve to ask whether scores tell them apart.
    """
    chats = [path / "chat.json"] if (path / "chat.json").is_file() else json_files(path, "*/chat.json")
    corpora = (corpus for file in chats for corpus in shaped(file, partial(_chats, file)))
    return Benchmark("beam", tuple(corpora))


def _chats(file: Path) -> Iterator[Corpus]:
    yield _chat(file)


def _chat(file: Path) -> Corpus:
    drafts: dict[int, Draft] = {}
    for batch in as_list(read_json(file), file):
        anchor = batch.get("time_anchor")
        for number, turns in enumerate(batch["turns"]):
            session = f"{batch['batch_number']}.{number}"
            for position, message in enumerate(_messages(turns)):
                anchor = message.get("time_anchor") or anchor
                drafts[message["id"]] = draft(
                    str(message["id"]),
                    _BEAM_INDEX.sub("", message["content"]),
                    session=session,
                    position=position,
                    role=message["role"],
                    said_at=moment(anchor),
                )
    where = {str(id): drafts[id].session_id or "" for id in sorted(drafts)}
    end = max((one.said_at for one in drafts.values() if one.said_at), default=None)
    probing = read_json(file.with_name("probing_questions.json"))
    questions = [
        _probe(kind, place, probe, where, end)
        for kind, probes in probing.items()
        for place, probe in enumerate(probes, start=1)
    ]
    return Corpus(
        file.parent.name,
        tuple(drafts[id] for id in sorted(drafts)),
        tuple(one for one in questions if one.gold or not one.answerable),
    )


def _messages(turns: Any) -> Iterator[dict[str, Any]]:
    """The messages in BEAM's nested lists, in order."""
    if isinstance(turns, dict) and "role" in turns and "content" in turns:
        yield turns
    elif isinstance(turns, (dict, list)):
        for inner in turns.values() if isinstance(turns, dict) else turns:
            yield from _messages(inner)


def _probe(
    kind: str, place: int, probe: dict[str, Any], where: dict[str, str], end: datetime | None
) -> Question:
    abstains = kind == "abstention"
    gold = [] if abstains else [str(id) for id in _numbers(probe.get("source_chat_ids", []))]
    gold = [id for id in dict.fromkeys(gold) if id in where]
    return Question(
        id=f"{kind}.{place}",
        text=probe["question"],
        gold=dict.fromkeys(gold, 1.0),
        category=kind,
        now=end,
        sessions=tuple(dict.fromkeys(where[id] for id in gold)),
        apart=abstains,
        answerable=not abstains,
    )


def _numbers(value: Any) -> Iterator[int]:
    """The whole numbers in BEAM's nested lists and objects of ids."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


# -- MemDaily


def memdaily(path: Path) -> Benchmark:
    """MemDaily (Chinese): files of trajectories, each a corpus of its own unless they are pooled.

    A category is the kind of question, which begins the file's name (`01_simple_events.json`).
    """
    corpora = (corpus for file in json_files(path) for corpus in shaped(file, partial(_trajectories, file)))
    return Benchmark("memdaily", tuple(corpus for corpus in corpora if corpus.questions))


def _trajectories(file: Path) -> Iterator[Corpus]:
    return (_trajectory(entry, file.stem) for entry in as_list(read_json(file), file))


def _trajectory(entry: dict[str, Any], kind: str) -> Corpus:
    drafts = tuple(
        draft(
            str(message["mid"]),
            message["message"],
            session="messages",
            position=position,
            role="user",
            said_at=moment(message.get("time")),
            info={"place": message["place"]} if message.get("place") else None,
        )
        for position, message in enumerate(entry["message_list"])
    )
    known = {one.sources[0].message_id for one in drafts}
    questions = tuple(
        Question(
            id=str(asked["qid"]),
            text=asked["question"],
            gold={str(id): 1.0 for id in asked["target_step_id"] if str(id) in known},
            category=kind.rpartition("_")[0] or kind,
            now=moment(asked.get("time")),
            sessions=("messages",),
        )
        for asked in entry["question_list"]
    )
    return Corpus(f"{kind}.{entry['tid']}", drafts, tuple(one for one in questions if one.gold))
