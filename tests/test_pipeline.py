"""The recall pipeline: fusion worked out again in plain Python, each part on its own, and end to end.

Does not cover the routes (`test_keywords`, `test_vectors` and their windows), reading the question
(`test_asked`, `test_temporal`), nor what a score means.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from memos_cli.cube.cube import View
from memos_cli.interfaces.cli.app import app
from memos_cli.location import resolve
from memos_cli.operations.add import add
from memos_cli.operations.search import search
from memos_cli.retrieval import pipeline
from memos_cli.retrieval.asked import Asked, read
from memos_cli.retrieval.pipeline import RRF_K, Manner, Placed, Ranked, Setting, rank, weigh
from memos_cli.retrieval.routes import KeywordRoute, Moments, VectorRoute, facts, keyword_route, vector_route
from memos_cli.retrieval.weights import DEFAULT, FEW_TURNS, PARTS
from memos_cli.schema import Draft, Filters, MemoryItem, Mode, Query, SearchResult, Source, Tail
from memos_cli.session import open_session
from memos_cli.settings import SETTINGS, Settings
from memos_cli.stores.facts import ASKS, ASSISTANT, COUNTED, TIMED, TURN, marks_of
from memos_cli.stores.keywords import Keywords
from memos_cli.stores.vectors import Vectors

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DIMENSION = 32
QUESTION = "When did Caroline go to the apple market?"


# --- notes, by hand ----------------------------------------------------------------------------


def notes(
    own: dict[int, float], total: int, coverage: float = 0.5, tokens: float = math.e - 1
) -> KeywordRoute:
    return KeywordRoute(own, {}, total, 0, coverage, tokens, ("x",))


def nothing_else() -> View:
    """A view in which nothing more is known of any row."""
    return View(1, ())


def test_words_alone_are_deviations_of_their_scores() -> None:
    found = rank(nothing_else(), Asked("x", "x"), notes({7: 6.0, 3: 3.0}, 10), None)
    mean, square = 0.9, 4.5
    std = math.sqrt(square - mean**2)
    assert found.ordinals == [7, 3]
    assert found.parts["words"] == pytest.approx([(6 - mean) / std, (3 - mean) / std])
    assert found.parts["session"] == pytest.approx([DEFAULT.session * s for s in found.parts["words"]])
    assert found.sums == pytest.approx([(1 + DEFAULT.session) * s for s in found.parts["words"]])
    assert found.trace["fusion"] == "keyword only"


def test_words_and_meaning_are_weighed_by_the_gate(tmp_path: Path) -> None:
    vector = real_vectors(tmp_path, 10, limit=4)
    keyword = notes({7: 6.0, 3: 3.0, 1: 3.0}, 10, coverage=0.5)
    found = rank(nothing_else(), Asked("x", "x"), keyword, vector)
    w = DEFAULT.gate * 0.5  # ln(1 + mean tokens) is 1
    words = Moments.of([6.0, 3.0, 3.0], 10)
    assert set(found.ordinals) == {7, 3, 1, *vector.scores}
    for place, ordinal in enumerate(found.ordinals):
        cosine = float(vector.of(np.array([ordinal]))[0])
        by_words, by_meaning = words.z(keyword.own.get(ordinal, 0.0)), vector.moments.z(cosine)
        signals = found.signals(place)
        assert signals["words"] == pytest.approx(w / (1 + w) * by_words)
        assert signals["meaning"] == pytest.approx(by_meaning / (1 + w))
        assert found.sums[place] == pytest.approx(
            (1 + DEFAULT.session) * (w * by_words + by_meaning) / (1 + w)
        )
    assert found.sums == sorted(found.sums, reverse=True)
    assert found.trace["keyword_weight"] == pytest.approx(w, abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "languages", "without", "weight"),
    [
        ({}, (), (), DEFAULT.gate / 2),
        ({}, (), ("gate",), DEFAULT.no_gate),
        ({"request": True}, (), (), DEFAULT.gate / 2 * DEFAULT.request),
        ({"request": True}, (), ("requests",), DEFAULT.gate / 2),
        ({"request": True}, (), ("gate",), DEFAULT.no_gate * DEFAULT.request),
        ({"cjk": True}, ("en",), (), DEFAULT.cjk),
        ({"cjk": True}, ("en", "zh"), (), DEFAULT.gate / 2),
        ({"cjk": True, "request": True}, (), (), DEFAULT.cjk),
    ],
)
def test_how_much_words_count(
    tmp_path: Path, changes: Any, languages: tuple[str, ...], without: Iterable[str], weight: float
) -> None:
    asked = msgspec.structs.replace(Asked("x", "x"), **changes)
    vector, keyword = real_vectors(tmp_path, 10), notes({7: 6.0, 3: 3.0}, 10)
    found = rank(nothing_else(), asked, keyword, vector, Manner(languages, without=frozenset(without)))
    assert found.setting is not None
    assert found.setting.note_weight == pytest.approx(weight)


def test_without_any_word_meaning_stands_alone(tmp_path: Path) -> None:
    vector = real_vectors(tmp_path, 10)
    found = rank(nothing_else(), Asked("x", "x", cjk=True), notes({}, 10), vector)
    assert found.ordinals == list(vector.scores)
    expected = [(1 + DEFAULT.session) * vector.moments.z(s) for s in vector.scores.values()]
    assert found.sums == pytest.approx(expected, abs=1e-6)
    assert rank(nothing_else(), Asked("x", "x"), notes({}, 10), None).ordinals == []


def test_ranks_stand_in_for_a_missing_scale(tmp_path: Path) -> None:
    vector = real_vectors(tmp_path, 3)
    flat = msgspec.structs.replace(vector, moments=Moments(0.5, 0.0))
    keyword = notes({2: 5.0, 9: 1.0}, 10)
    same_words = notes({1: 2.0, 9: 2.0}, 2)
    for one, other in ((keyword, flat), (same_words, vector)):
        found = rank(nothing_else(), Asked("x", "x"), one, other)
        expected = {
            o: sum(1 / (RRF_K + 1 + list(route).index(o)) for route in (one.own, other.scores) if o in route)
            for o in {*one.own, *other.scores}
        }
        assert dict(zip(found.ordinals, found.sums, strict=True)) == pytest.approx(expected)
        assert found.sums == sorted(found.sums, reverse=True)
        assert (found.setting, found.trace) == (None, {"fusion": "ranks"})
        assert [sum(found.signals(i).values()) for i in range(len(found.sums))] == pytest.approx(found.sums)


@pytest.mark.parametrize("embedder", ["static", "minilm"])
def test_a_memory_that_stands_alone_stands_out_from_nothing(embedder: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, embedder=embedder, fsync=False)
    with open_session(resolve(str(tmp_path / "one"), settings), settings, write=True, create=True) as session:
        add(session, [Draft(memory="The garden gate code is 4711.")])
        scores = {
            text: search(session, Query(text=text)).hits[0].score
            for text in ("What is the garden gate code?", "submarine sonar ping", "Antarctic krill fisheries")
        }
        add(session, [Draft(memory="The garden gate code is 4711.")], allow_duplicates=True)
        assert search(session, Query(text="submarine sonar ping")).hits[0].score < 0.1
    known, *unknown = scores.values()
    assert max(unknown) < 0.1
    assert 0.2 < known < 0.6


def test_equals_keep_the_order_of_the_table() -> None:
    found = rank(nothing_else(), Asked("x", "x"), notes({5: 2.0, 2: 2.0, 9: 2.0}, 10), None)
    assert found.ordinals == [2, 5, 9]


def test_only_the_best_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "KEPT", 5)
    keyword = notes({o: 100.0 - o for o in range(50)}, 100)
    assert rank(nothing_else(), Asked("x", "x"), keyword, None, Manner(k=3)).ordinals == [0, 1, 2, 3, 4]
    assert rank(nothing_else(), Asked("x", "x"), keyword, None, Manner(k=8)).ordinals == list(range(8))
    vector = real_vectors(tmp_path, 50)
    assert len(rank(nothing_else(), Asked("x", "x"), keyword, vector, Manner(k=3)).ordinals) == 5
    assert len(rank(nothing_else(), Asked("x", "x"), keyword, vector, Manner(k=20)).ordinals) == 20


def real_vectors(folder: Path, count: int, limit: int = 300) -> VectorRoute:
    rng = np.random.default_rng(count)
    store = Vectors(folder / "vectors", "minilm", DIMENSION)
    items = tuple(MemoryItem(memory="x") for _ in range(count))
    matrix = rng.standard_normal((count, DIMENSION)).astype(np.float16)
    store.rebuild(
        [Tail(items, tuple(range(count)), dict(zip([i.row for i in items], matrix, strict=True)))], 1
    )
    return vector_route(View(1, (), (store,)), rng.standard_normal(DIMENSION), Filters(), limit)


# --- a conversation, worked out again ----------------------------------------------------------


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Two conversations of Caroline, Melanie and an assistant, and notes; real indexes, random vectors."""
    pick, rng, folder = random.Random(1), np.random.default_rng(1), tmp_path_factory.mktemp("view")
    texts = [
        "We went to the market.", "Caroline likes the apple market a lot, and so do I, as everybody knows by now.",
        "When did you go?", "Yesterday, right after work.", "Apple pie!", "Thanks!", "Did Caroline go to the market?",
        "Nothing of the kind happened to anyone I have met in the last ten or eleven years of my life.",
    ]  # fmt: skip
    items = [
        MemoryItem(
            memory=pick.choice(texts),
            session_id=session,
            position=place,
            speaker=None if role == "assistant" else pick.choice(["Caroline", "Melanie"]),
            sources=(Source(role=role),),
        )
        for session in ("s", "t")
        for place, role in enumerate(pick.choices(["user", "assistant"], k=FEW_TURNS))
    ]
    items += [MemoryItem(memory=pick.choice(texts)) for _ in range(15)]
    pieces = (rng.standard_normal((pick.choice([1, 1, 2, 3]), DIMENSION)).astype(np.float16) for _ in items)
    vectors = {item.row: vector for item, vector in zip(items, pieces, strict=True)}
    whole = Tail(tuple(items), tuple(range(len(items))), vectors)
    stores = Keywords(folder / "keywords"), Vectors(folder / "vectors", "minilm", DIMENSION)
    for store in stores:
        store.rebuild([whole], 1)  # type: ignore[attr-defined]
    return View(1, (stores[0],), (stores[1],))


@pytest.fixture(scope="module")
def asked(view: View) -> Asked:
    return read(QUESTION, view.keywords[0].speakers, NOW)


@pytest.fixture(scope="module")
def keyword(view: View) -> KeywordRoute:
    return keyword_route(view, QUESTION, Filters())


@pytest.fixture(scope="module")
def vector(view: View) -> VectorRoute:
    return vector_route(view, np.random.default_rng(7).standard_normal(DIMENSION), Filters())


CHANCES = {1: 0.0, 2: 0.56, 3: 0.56 * math.log2(3) ** 0.87}


def worked_out(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute | None
) -> dict[int, dict[str, float]]:
    """What each part gives each candidate, one at a time, as the design says it."""
    listed = set(keyword.own).union(*keyword.windows.values(), vector.scores if vector else ())
    known = facts(view, keyword, sorted(listed))
    share = keyword.coverage / math.log(1 + keyword.mean_tokens)
    scales = {name: Moments.of(s.values(), keyword.turns) for name, s in keyword.windows.items()}
    found: dict[int, dict[str, float]] = {}
    for ordinal in listed:
        fact = known[ordinal]
        own = Moments.of(keyword.own.values(), keyword.total).z(keyword.own.get(ordinal, 0.0))
        # Among turns a note is weighed nearly as they are.
        note = DEFAULT.gate + (DEFAULT.gate_turn - DEFAULT.gate) * keyword.turns / keyword.total
        words, weight = own, note * share
        if fact.turn:
            around = [scales[n].z(scores.get(ordinal, 0.0)) for n, scores in keyword.windows.items()]
            words, weight = (own + sum(around)) / 3, DEFAULT.gate_turn * share
        signals = {"words": words}
        if vector is not None:
            at = np.array([ordinal])
            meaning = vector.moments.z(float(vector.of(at)[0]))
            if fact.turn:
                among = vector.moments_among_neighbours().z(float(vector.among_neighbours(at)[0]))
                meaning += DEFAULT.neighbours * (among - meaning)
                meaning -= DEFAULT.spans * CHANCES[int(vector.spans(at)[0])]
            signals = {"words": weight / (1 + weight) * words, "meaning": meaning / (1 + weight)}
        if fact.turn:
            signals["speaker"] = DEFAULT.speaker if fact.speaker == asked.speaker else 0.0
            signals["times"] = DEFAULT.times if fact.marks & TIMED else 0.0
            signals["roles"] = -DEFAULT.roles if fact.marks & ASSISTANT else 0.0
            short = max(0.0, 1 - fact.terms / DEFAULT.full_length)
            signals["length"] = -DEFAULT.length * short
            asks = fact.marks & ASKS and fact.terms < DEFAULT.short_question
            signals["questions"] = -DEFAULT.questions if asks else 0.0
        elif "Caroline" in view.keywords[0].items([ordinal])[ordinal].memory:
            signals["speaker"] = DEFAULT.speaker
        found[ordinal] = signals
    sums = {o: sum(signals.values()) for o, signals in found.items()}
    for ordinal, signals in found.items():
        talk = known[ordinal].talk
        best = max(s for o, s in sums.items() if known[o].talk == talk) if talk else sums[ordinal]
        signals["session"] = DEFAULT.session * best
    return found


def signals_of(ranked: Ranked) -> dict[int, dict[str, float]]:
    return {ordinal: ranked.signals(place) for place, ordinal in enumerate(ranked.ordinals)}


@pytest.mark.parametrize("dense", [False, True], ids=["keyword", "hybrid"])
def test_a_conversation_worked_out_again(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute, dense: bool
) -> None:
    assert (asked.when, asked.names, asked.request) == (True, ("Caroline",), False)
    route = vector if dense else None
    ranked = rank(view, asked, keyword, route)
    expected = worked_out(view, asked, keyword, route)
    found = signals_of(ranked)
    assert set(found) == set(expected)
    for ordinal, signals in expected.items():
        assert found[ordinal] == pytest.approx({n: s for n, s in signals.items() if s}, abs=1e-5), ordinal
    for part in ("words", "speaker", "times", "roles", "length", "questions", "session"):
        assert len({round(signals.get(part, 0.0), 6) for signals in expected.values()}) > 1, part
    assert ranked.sums == sorted(ranked.sums, reverse=True)
    assert ranked.sums == pytest.approx([sum(found[o].values()) for o in ranked.ordinals])


SWITCHES = {
    "near": {"words"},
    "wide": {"words"},
    "neighbours": {"meaning"},
    "gate": {"words", "meaning"},
    "spans": {"meaning"},
    "speaker": {"speaker"},
    "times": {"times"},
    "dates": set(),
    "roles": {"roles"},
    "length": {"length"},
    "questions": {"questions"},
    "names": set(),
    "requests": set(),
    "links": set(),
    "tree": set(),
}
"""What each part changes in this question, beside the share of the session."""


def test_each_part_is_switched_off_by_itself(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute
) -> None:
    assert set(SWITCHES) | {"session"} == set(PARTS)
    whole = signals_of(rank(view, asked, keyword, vector))
    known = facts(view, keyword, sorted(whole))
    for part, changed in SWITCHES.items():
        without = signals_of(rank(view, asked, keyword, vector, Manner(without=frozenset({part}))))
        moved = {
            name
            for ordinal, signals in whole.items()
            for name in {*signals, *without.get(ordinal, {})} - {"session"}
            if signals.get(name, 0.0) != pytest.approx(without[ordinal].get(name, 0.0), abs=1e-9)
        }
        assert moved == changed, part
        if part in ("near", "wide", "neighbours", "spans"):
            for ordinal, signals in whole.items():
                assert known[ordinal].turn or without[ordinal] == pytest.approx(signals), part
        if part in ("speaker", "times", "roles", "length", "questions"):
            assert all(part not in signals for signals in without.values())
    without = signals_of(rank(view, asked, keyword, vector, Manner(without=frozenset({"session"}))))
    assert without == {
        o: {n: s for n, s in signals.items() if n != "session"} for o, signals in whole.items()
    }


def test_without_windows_turns_are_notes(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute
) -> None:
    few = msgspec.structs.replace(keyword, turns=FEW_TURNS - 1)
    for route in (None, vector):
        # The gate goes by how many turns there are, and few turns make no session either.
        off = frozenset({"gate", "session"})
        by_few = signals_of(rank(view, asked, few, route, Manner(without=off)))
        assert by_few == signals_of(rank(view, asked, keyword, route, Manner(without=off | {"near", "wide"})))
        alone = signals_of(rank(view, asked, few, route))
        sums = {o: signals["words"] + signals.get("meaning", 0.0) for o, signals in alone.items()}
        shared = {o: signals["session"] for o, signals in alone.items()}
        assert shared == pytest.approx({o: DEFAULT.session * total for o, total in sums.items()})
        assert {name for signals in by_few.values() for name in signals} <= {"words", "meaning"}


def test_times_that_are_named_count_for_what_happened_then(view: View) -> None:
    asked = read("What happened in April 2025?", view.keywords[0].speakers, NOW)
    later = int(datetime(2025, 9, 10, tzinfo=UTC).timestamp() * 1e6)
    months = [(datetime(2025, n, 1, tzinfo=UTC), datetime(2025, n + 1, 1, tzinfo=UTC)) for n in (3, 4, 5)]
    marks = [marks_of(MemoryItem(memory="x", event_start=a, event_end=b), 1) for a, b in months]
    before, within, after, none = pipeline._dated(
        asked, [pipeline.NOTHING._replace(time=later, marks=bits) for bits in (*marks, 0)]
    )
    assert within == 1.0
    assert none < before < 1.0
    assert none < after < 1.0


def test_turns_are_turns_where_no_word_of_the_question_is_known(view: View, vector: VectorRoute) -> None:
    question = "When did Melanie xylograph quaternions?"
    asked, unknown = read(question, view.keywords[0].speakers, NOW), "xylograph quaternions"
    keyword = keyword_route(view, unknown, Filters())
    assert (keyword.own, keyword.windows, keyword.turns) == ({}, {}, 2 * FEW_TURNS)
    assert keyword_route(view, unknown, Filters(sessions=("s",))).turns == FEW_TURNS
    assert keyword_route(view, unknown, Filters(sessions=("none",))).turns == 0
    ranked = rank(view, asked, keyword, vector)
    known = facts(view, keyword, ranked.ordinals)
    among = vector.moments_among_neighbours()
    for place, ordinal in enumerate(ranked.ordinals):
        at, fact, signals = np.array([ordinal]), known[ordinal], ranked.signals(place)
        meaning = vector.moments.z(float(vector.of(at)[0]))
        if fact.turn:
            near = among.z(float(vector.among_neighbours(at)[0]))
            meaning += DEFAULT.neighbours * (near - meaning)
            meaning -= DEFAULT.spans * CHANCES[int(vector.spans(at)[0])]
        assert signals["meaning"] == pytest.approx(meaning, abs=1e-5)
        assert signals.get("roles", 0.0) == (-DEFAULT.roles if fact.turn and fact.marks & ASSISTANT else 0.0)
        assert signals.get("times", 0.0) == (DEFAULT.times if fact.turn and fact.marks & TIMED else 0.0)
        speaks = fact.turn and fact.speaker == asked.speaker
        assert signals.get("speaker", 0.0) == (DEFAULT.speaker if speaks else 0.0)
    for part in ("roles", "times", "speaker", "length"):
        assert len(set(ranked.parts[part])) > 1, part


def test_times_that_are_named_count_for_what_was_said_then(view: View) -> None:
    said = {place: datetime(2025, place, 10, tzinfo=UTC) for place in (3, 4, 9)}
    asked = read("What happened in April 2025?", view.keywords[0].speakers, NOW)
    near = pipeline._dated(
        asked, [pipeline.NOTHING._replace(time=int(t.timestamp() * 1e6)) for t in said.values()]
    )
    assert near[1] == 1.0
    assert 0.0 <= near[2] < near[0] < 1.0
    one = Placed(0.0, (), 0.0, 0.0, 1, 0, 0, 0.0, near[0])
    setting = Setting(asked, 1.0, 1.0, None, 3, 0.5, True, DEFAULT, frozenset())
    assert weigh(one, setting)["dates"] == pytest.approx(DEFAULT.dates * near[0])
    assert "dates" not in weigh(one, msgspec.structs.replace(setting, without=frozenset({"dates"})))


# --- numbers and columns -----------------------------------------------------------------------


@pytest.mark.parametrize(("conversation", "windows"), [(False, 0), (True, 0), (True, 1), (True, 2)])
@pytest.mark.parametrize("dense", [None, Moments(0.1, 0.2)], ids=["keyword", "hybrid"])
def test_numbers_weigh_as_columns_do(conversation: bool, windows: int, dense: Moments | None) -> None:
    rng = np.random.default_rng(windows)
    count = 300
    columns = Placed(
        own=rng.standard_normal(count),
        windows=tuple(rng.standard_normal(count) for _ in range(windows)),
        dense=rng.standard_normal(count),
        around=rng.standard_normal(count),
        spans=rng.integers(0, 9, count),
        speaker=rng.integers(0, 3, count),
        marks=rng.integers(0, 512, count),
        named=rng.integers(0, 2, count).astype(float),
        dated=rng.random(count),
    )
    assert set((columns.marks & COUNTED).tolist()) == set(range(16))
    asked = msgspec.structs.replace(Asked("x", "x", when=True), names=())
    vars(asked)["speaker"] = 1
    setting = Setting(asked, 0.7, 1.9, dense, 300, 0.5, conversation, DEFAULT, frozenset({"roles"}))
    in_columns = {n: np.broadcast_to(s, count) for n, s in weigh(columns, setting).items()}
    assert "roles" not in in_columns
    for i in range(count):
        one = Placed(
            float(columns.own[i]),
            tuple(float(w[i]) for w in columns.windows),
            float(columns.dense[i]),
            float(columns.around[i]),
            int(columns.spans[i]),
            int(columns.speaker[i]),
            int(columns.marks[i]),
            float(columns.named[i]),
            float(columns.dated[i]),
        )
        assert weigh(one, setting) == pytest.approx({n: s[i] for n, s in in_columns.items()}), i
    turns = columns.marks & TURN > 0
    assert in_columns["length"].any() == conversation
    assert not in_columns["length"][~turns].any()


@pytest.mark.parametrize(
    ("when", "marks", "part", "weight"),
    [
        (True, TURN | TIMED, "times", DEFAULT.times),
        (False, TURN | TIMED, "times", 0.0),
        (True, TURN, "times", 0.0),
        (True, TIMED, "times", 0.0),
        (False, TURN | ASKS | DEFAULT.short_question - 1, "questions", -DEFAULT.questions),
        (False, TURN | ASKS | DEFAULT.short_question, "questions", 0.0),
        (False, TURN | ASSISTANT, "roles", -DEFAULT.roles),
        (False, TURN, "length", -DEFAULT.length),
        (False, TURN | DEFAULT.full_length // 2, "length", -DEFAULT.length / 2),
        (False, TURN | DEFAULT.full_length, "length", 0.0),
    ],
)
def test_what_a_turn_gets_by_its_nature(when: bool, marks: int, part: str, weight: float) -> None:
    setting = Setting(Asked("x", "x", when=when), 0.5, 0.5, None, 3, 0.5, True, DEFAULT, frozenset())
    one = Placed(0.0, (0.0,), 0.0, 0.0, 1, 5, marks, 0.0, 0.0)
    assert weigh(one, setting)[part] == pytest.approx(weight)
    assert weigh(one, msgspec.structs.replace(setting, conversation=False))[part] == 0.0
    assert weigh(one, setting)["speaker"] == 0.0


def test_what_was_read_in_pieces_gains_nothing_by_chance() -> None:
    """The best of n normal draws is that much above their mean."""
    rng = np.random.default_rng(0)
    for pieces in (1, 2, 3, 4, 8):
        by_chance = rng.standard_normal((40_000, pieces)).max(axis=1).mean()
        assert float(pipeline._chances(pieces)) == pytest.approx(by_chance, abs=0.06)
    assert pipeline._chances(0) == 0.0


def test_a_note_that_names_the_speaker_stands_beside_the_turns() -> None:
    setting = Setting(Asked("x", "x"), 0.5, 0.5, None, 3, 0.5, True, DEFAULT, frozenset())
    note = Placed(0.0, (0.0,), 0.0, 0.0, 1, 0, 0, 1.0, 0.0)
    assert weigh(note, setting)["speaker"] == DEFAULT.speaker
    assert weigh(note, msgspec.structs.replace(setting, conversation=False))["speaker"] == 0.0
    assert "speaker" not in weigh(note, msgspec.structs.replace(setting, without=frozenset({"speaker"})))


def test_one_by_one_and_in_columns_words_give_the_same(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute
) -> None:
    """Without its meaning, the hybrid path differs from the keyword one by the factor w / (1 + w) alone."""
    alone = signals_of(rank(view, asked, keyword, None, Manner(without=frozenset({"session"}))))
    both = rank(view, asked, keyword, vector, Manner(without=frozenset({"session"})))
    assert both.setting is not None
    known = facts(view, keyword, sorted(alone))
    for ordinal, signals in signals_of(both).items():
        if ordinal not in alone:
            continue
        w = both.setting.turn_weight if known[ordinal].turn else both.setting.note_weight
        assert signals.pop("words") == pytest.approx(alone[ordinal].pop("words") * w / (1 + w))
        signals.pop("meaning")
        assert signals == pytest.approx(alone[ordinal])


# --- end to end --------------------------------------------------------------------------------

TALK = [
    ("assistant", "Which instrument does your sister play these days?"),
    ("user", "The cello, ever since she was nine, and she practises two hours every single morning."),
]
ANSWER = TALK[1][1]
WINDOWS = frozenset({"near", "wide", "neighbours"})
ASKED = "instrument of the sister"


@pytest.fixture
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A conversation of 80 turns, stored by the command; its answer shares no word with the question."""
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    for name, value in {"HOME": str(tmp_path / "home"), "FSYNC": "false", "EMBEDDER": "static"}.items():
        monkeypatch.setenv(f"MEMOS_{name}", value)
    pick = random.Random(4)
    things = ["kettle", "bicycle", "ladder", "carpet", "window", "garden", "engine", "ticket", "candle"]
    filler = [
        (
            "user" if i % 2 else "assistant",
            f"The {pick.choice(things)} and the {pick.choice(things)} number {i} are old.",
        )
        for i in range(78)
    ]
    messages = [*filler[:30], *TALK, *filler[30:]]
    file = tmp_path / "talk.json"
    file.write_text(json.dumps({"messages": [{"role": role, "content": text} for role, text in messages]}))
    path = str(tmp_path / "cube")
    for words in (["init", path], ["add", "--file", str(file), "-c", path, "--json"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["added"]) == 80
    return path


def ask(cube: str, **asked: Any) -> SearchResult:
    settings = Settings(home=Path(cube).parent / "home", embedder="static", fsync=False)
    with open_session(resolve(cube, settings), settings) as session:
        return search(session, Query(text=ASKED, **asked))


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.HYBRID])
def test_an_answer_is_found_by_the_question_before_it(cube: str, mode: Mode) -> None:
    found = CliRunner().invoke(app, ["search", ASKED, "-c", cube, "--mode", mode, "--json", "-k", "2"])
    assert found.exit_code == 0, found.output
    assert ANSWER in [hit["memory"] for hit in json.loads(found.stdout)["hits"]]
    without = [hit.item.memory for hit in ask(cube, mode=mode, without=WINDOWS, k=80).hits]
    assert ANSWER not in without[:2]
    assert (ANSWER in without) is (mode is Mode.HYBRID)


def test_explained_signals_are_what_orders_the_hits(cube: str) -> None:
    found = ask(cube, k=40, explain=True)
    sums = [sum(hit.signals.values()) for hit in found.hits]
    assert len(sums) == 40
    # Signals are shown with four digits.
    assert all(a >= b - 1e-3 for a, b in pairwise(sums)), sums
    assert {"words", "meaning", "session"} <= set(found.hits[0].signals)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert {"near", "wide"} <= set(found.hits[0].routes)
    assert found.trace["turns"] == 80
