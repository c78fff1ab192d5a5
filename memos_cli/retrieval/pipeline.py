"""The recall pipeline: what each route found becomes one order, with the reasons for it.

Owns: fusion of the routes, the signals of conversations, the cut to candidates. Does not own: the
routes (`routes`), reading the question (`asked`), the constants (`weights`), nor what a score
means to a person (`calibration`).

Scores are put together in standard deviations of each route's scores over all units, so that a
route whose best stands out counts for more than one whose best is noise; ranks would throw that
away (retrieval.md: reciprocal ranks .572 recall@10 on LoCoMo, scores .654, all of this .833).

1. A keyword list by own words, for turns also by the words around them, and a vector list.
2. Their union is ordered roughly, and the first KEPT are looked at closely: meaning among
   neighbours, whose turn, in which role, how it reads, how good its session is.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from memos_cli.cube.cube import View
from memos_cli.retrieval.asked import Asked
from memos_cli.retrieval.routes import KeywordRoute, Moments, VectorRoute, facts
from memos_cli.retrieval.weights import DEFAULT, FEW_TURNS, Weights
from memos_cli.stores.facts import ASKS, ASSISTANT, TIMED, Facts

KEPT = 400
"""Candidates that are looked at closely."""

RRF_K = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009), for a missing scale."""

NOTHING = Facts(0, 0, 0, 0, 0)

Signals = dict[str, float]
"""What each part gave one candidate, in standard deviations; their sum orders the candidates."""


@dataclass(frozen=True)
class Ranked:
    """Sums of signals by ordinal, best first, the signals behind them, and numbers of the fusion."""

    scores: dict[int, float]
    signals: dict[int, Signals] = field(default_factory=dict)
    trace: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """One memory before it is weighed: its place on every scale, in standard deviations."""

    own: float
    windows: tuple[float, ...]
    """By the words around it; empty where the cube is no conversation."""
    dense: float | None
    """None where there is no vector route."""
    around: float | None
    facts: Facts


@dataclass(frozen=True)
class Setting:
    """What is the same for all candidates of one question."""

    asked: Asked
    note_weight: float
    turn_weight: float
    """How much words count beside meaning, for a note and for a turn."""
    weights: Weights
    without: frozenset[str]


def rank(
    view: View,
    asked: Asked,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    *,
    languages: Sequence[str] = (),
    k: int = 10,
    weights: Weights = DEFAULT,
    without: frozenset[str] = frozenset(),
) -> Ranked:
    """Fuse what the routes found into one order of at least `k` where there are so many.

    `languages`: those the embedder reads (empty: unknown). `without`: the parts (`weights.PARTS`)
    to leave out.
    """
    own = Moments.of(keyword.own.values(), keyword.total)
    if vector is not None and (vector.moments.std <= 1e-6 or (keyword.own and own.std <= 1e-9)):
        return _by_rank(keyword, vector)
    setting = _setting(asked, keyword, languages, weights, without)
    candidates = _candidates(view, keyword, vector, own, max(KEPT, k), without)
    signals = {o: weighed(candidate, setting) for o, candidate in candidates.items()}
    if "session" not in without:
        _add_sessions(candidates, signals, weights.session)
    scores = {o: sum(parts.values()) for o, parts in signals.items()}
    ordered = dict(sorted(scores.items(), key=lambda p: (-p[1], p[0])))
    return Ranked(ordered, signals, _trace(setting, keyword, vector))


def _setting(
    asked: Asked, keyword: KeywordRoute, languages: Sequence[str], weights: Weights, without: frozenset[str]
) -> Setting:
    share = keyword.coverage / math.log(1 + max(keyword.mean_tokens, 1.0))
    note, turn = weights.gate * share, weights.gate_turn * share
    if "gate" in without:
        note = turn = weights.no_gate
    if asked.request and "requests" not in without:
        note, turn = note * weights.request, turn * weights.request
    if asked.cjk and "zh" not in languages:
        note = turn = weights.cjk
    if not keyword.own:
        note = turn = 0.0
    return Setting(asked, note, turn, weights, without)


def _candidates(
    view: View,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    own: Moments,
    count: int,
    without: frozenset[str],
) -> dict[int, Candidate]:
    """The best `count` of all that was listed, placed on every scale."""
    windows = {n: s for n, s in keyword.windows.items() if keyword.turns >= FEW_TURNS and n not in without}
    scales = [(scores, Moments.of(scores.values(), keyword.turns)) for scores in windows.values()]
    listed = list(
        dict.fromkeys(
            [*keyword.own, *(o for s in windows.values() for o in s), *(vector.scores if vector else ())]
        )
    )
    cosines = vector.of(listed) if vector else {}
    places = {
        o: (own.z(keyword.own.get(o, 0.0)), tuple(scale.z(scores.get(o, 0.0)) for scores, scale in scales))
        for o in listed
    }

    def dense(ordinal: int) -> float | None:
        if vector is None:
            return None
        return vector.moments.z(cosines.get(ordinal, vector.moments.mean))

    def rough(ordinal: int) -> tuple[float, int]:
        words, around = places[ordinal]
        return max(words, (words + sum(around)) / (1 + len(around))) + (dense(ordinal) or 0.0), -ordinal

    kept = heapq.nlargest(count, listed, key=rough)
    known = facts(view, keyword, kept)
    turns = [o for o in kept if known.get(o, NOTHING).turn] if keyword.turns >= FEW_TURNS else []
    around = _around(vector, turns) if vector and "neighbours" not in without else {}
    return {
        o: Candidate(places[o][0], places[o][1], dense(o), around.get(o), known.get(o, NOTHING)) for o in kept
    }


def _around(vector: VectorRoute, turns: Sequence[int]) -> dict[int, float]:
    """The turns' places on the scale of scores among neighbours; none where that scale is missing."""
    moments = vector.moments_among_neighbours()
    if not turns or moments.std <= 1e-6:
        return {}
    return {o: moments.z(score) for o, score in vector.among_neighbours(turns).items()}


def weighed(candidate: Candidate, setting: Setting) -> Signals:
    """What each part gives a candidate."""
    turn = candidate.facts.turn and bool(candidate.windows)
    words = (candidate.own + sum(candidate.windows)) / (1 + len(candidate.windows)) if turn else candidate.own
    signals: Signals = {}
    if candidate.dense is None:
        signals["words"] = words
    else:
        w = setting.turn_weight if turn else setting.note_weight
        meaning = candidate.dense
        if candidate.around is not None:
            meaning += setting.weights.neighbours * (candidate.around - candidate.dense)
        signals["words"] = w * words / (1 + w)
        signals["meaning"] = meaning / (1 + w)
    if turn:
        signals |= {
            name: s for name, s in _as_turn(candidate.facts, setting) if s and name not in setting.without
        }
    return signals


def _as_turn(facts: Facts, setting: Setting) -> list[tuple[str, float]]:
    """Signals of a turn: by whom, in which role, and how it reads.

    What a note has by its nature is not given to turns but taken from those that lack it, so that
    the two can be compared.
    """
    asked, weights = setting.asked, setting.weights
    short = facts.terms < weights.short_question
    return [
        ("speaker", weights.speaker * bool(asked.speaker and facts.speaker == asked.speaker)),
        ("times", weights.times * bool(asked.when and facts.marks & TIMED)),
        ("roles", -weights.roles * bool(facts.marks & ASSISTANT)),
        ("length", -weights.length * (1 - min(1.0, facts.terms / weights.full_length))),
        ("questions", -weights.questions * bool(facts.marks & ASKS and short)),
    ]


def _add_sessions(candidates: dict[int, Candidate], signals: dict[int, Signals], share: float) -> None:
    """A good turn speaks for its session; what is in no session speaks for itself."""
    sums = {o: sum(parts.values()) for o, parts in signals.items()}
    best: dict[int, float] = {}
    for o, candidate in candidates.items():
        talk = candidate.facts.talk
        best[talk] = max(best.get(talk, -math.inf), sums[o])
    for o, candidate in candidates.items():
        talk = candidate.facts.talk
        signals[o]["session"] = share * (best[talk] if talk else sums[o])


def _trace(setting: Setting, keyword: KeywordRoute, vector: VectorRoute | None) -> dict[str, float | str]:
    asked = setting.asked
    trace: dict[str, float | str] = {
        "fusion": "scores" if vector is not None else "keyword only",
        "terms": " ".join(keyword.terms),
        "coverage": round(keyword.coverage, 4),
        "mean_tokens": round(keyword.mean_tokens, 2),
        "turns": keyword.turns,
    }
    if vector is not None:
        trace["keyword_weight"] = round(setting.note_weight, 4)
        trace["keyword_weight_of_turns"] = round(setting.turn_weight, 4)
    if asked.names:
        trace["names"] = ", ".join(asked.names)
    asks = [name for name, is_so in (("advice", asked.request), ("a time", asked.when)) if is_so]
    if asks:
        trace["asks_for"] = ", ".join(asks)
    if setting.without:
        trace["without"] = ", ".join(sorted(setting.without))
    return trace


def _by_rank(keyword: KeywordRoute, vector: VectorRoute) -> Ranked:
    """Reciprocal rank fusion, for when a score scale is missing (all units score the same)."""
    signals: dict[int, Signals] = {}
    for name, route in (("words", keyword.own), ("meaning", vector.scores)):
        for place, ordinal in enumerate(route, 1):
            signals.setdefault(ordinal, {})[name] = 1 / (RRF_K + place)
    sums = {o: sum(parts.values()) for o, parts in signals.items()}
    ordered = dict(sorted(sums.items(), key=lambda p: (-p[1], p[0])))
    return Ranked(ordered, signals, {"fusion": "ranks"})
