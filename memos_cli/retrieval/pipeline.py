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
3. Notes that hold what the first hits name and the question does not are looked at, too (`links`).
4. Behind the first ten, what the tree files beside them comes first (`tree`).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from memos_cli.cube.cube import View
from memos_cli.retrieval.asked import Asked
from memos_cli.retrieval.links import SOURCES, links
from memos_cli.retrieval.routes import KeywordRoute, Moments, VectorRoute, facts, naming
from memos_cli.retrieval.temporal import closeness
from memos_cli.retrieval.tree import FIRST, siblings
from memos_cli.retrieval.weights import DEFAULT, FEW_TURNS, Weights
from memos_cli.stores.facts import ASKS, ASSISTANT, COUNTED, TIMED, TURN, Facts, moment

KEPT = 200
"""Candidates that are looked at closely."""

RRF_K = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009), for a missing scale."""

_MICROSECOND = timedelta(microseconds=1)

FLAT = 1e-3
"""A standard deviation of cosines up to which they are all the same: 8 bits tell no less apart. One
memory alone has none, and by what rounding leaves it would stand out from itself by hundreds."""

NOTHING = Facts(0, 0, 0, 0, 0)

UNRELATED, FEW_UNITS = 0.1, 30
"""The mean cosine of unrelated texts (the default embedder: .03 to .25 in English), and the number of
memories up to which it counts for more than the mean of a cube's own."""


class Ranked(msgspec.Struct, frozen=True):
    """Candidates, best first, their sums of signals, and the signals by part, in the same order.

    Signals are in standard deviations. `setting` is None where the scales were missing.
    """

    ordinals: list[int]
    sums: list[float]
    parts: dict[str, list[float]] = msgspec.field(default_factory=dict)
    setting: Setting | None = None
    nearest: float = 0.0
    """How near the nearest lies by meaning (`nearness`); 0 without a vector route."""
    coverage: float = 0.0
    """The largest share of the question's words, by idf, that one memory holds; 0 without a keyword route."""
    trace: dict[str, float | str] = msgspec.field(default_factory=dict)

    def signals(self, place: int) -> dict[str, float]:
        """What each part gave the candidate at a place of the order; parts that gave nothing are left out."""
        return {name: column[place] for name, column in self.parts.items() if column[place]}


class Manner(msgspec.Struct, frozen=True):
    """How a ranking is made."""

    languages: Sequence[str] = ()
    """Those the embedder reads; empty: unknown."""
    k: int = 10
    """How many hits there shall be at least, where there are so many."""
    weights: Weights = DEFAULT
    without: frozenset[str] = frozenset()
    """The parts (`weights.PARTS`) to leave out."""


USUAL = Manner()


class Setting(msgspec.Struct, frozen=True):
    """What is the same for all candidates of one question."""

    asked: Asked
    note_weight: float
    turn_weight: float
    """How much words count beside meaning, for a note and for a turn."""
    dense: Moments | None
    """The scale of the vector route; None where there is none."""
    units: int
    """Memories that the question could have found."""
    coverage: float
    """The largest share of the question's words, by idf, that one of them holds."""
    conversation: bool
    """Whether turns are weighed as turns: there are enough of them to make a conversation, whether or
    not one of them holds a word of the question."""
    weights: Weights
    without: frozenset[str]


class Placed(msgspec.Struct, frozen=True):
    """Where candidates stand before they are weighed; every field is one candidate's number, or a
    column of all of them (a numpy array). Scores are in standard deviations on their scale."""

    own: Any
    windows: tuple[Any, ...]
    """By the words around it; empty where the cube is no conversation, or holds no word of the question."""
    dense: Any
    around: Any
    """By meaning, by itself and among its neighbours; the same where there are none."""
    spans: Any
    """How many pieces the embedder read it in; 0 without a vector."""
    speaker: Any
    marks: Any
    named: Any
    """1 for what is no turn and names the speaker whom the question names."""
    dated: Any
    """How near it lies to the times that the question names, 0 to 1."""


class Table(msgspec.Struct, frozen=True):
    """Candidates before they are weighed: one `Placed` of columns, or one for each (`Placed` of numbers)."""

    ordinals: list[int]
    talks: list[int]
    placed: Placed | list[Placed]


def rank(
    view: View,
    asked: Asked,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    how: Manner = USUAL,
) -> Ranked:
    """Fuse what the routes found into one order."""
    found = _candidates(view, asked, keyword, vector, how)
    if found is None:
        assert vector is not None
        return _by_rank(keyword, vector)
    setting, gather = found
    ranked = ordered(gather(None), setting, _trace(setting, keyword))
    if "links" not in how.without:
        ranked = _followed(view, keyword, ranked, setting, gather)
    return ranked if "tree" in how.without else _broadened(view, ranked, how)


def placed(
    view: View,
    asked: Asked,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    how: Manner = USUAL,
) -> tuple[Setting, Table] | None:
    """The candidates and what is the same for all of them; None where a route's scale is missing."""
    found = _candidates(view, asked, keyword, vector, how)
    return None if found is None else (found[0], found[1](None))


def _candidates(
    view: View, asked: Asked, keyword: KeywordRoute, vector: VectorRoute | None, how: Manner
) -> tuple[Setting, Gather] | None:
    """What is the same for all candidates, and what gives those of the lists, or any others."""
    own = Moments.of(keyword.own.values(), keyword.total)
    if vector is not None and (vector.moments.std <= FLAT or (keyword.own and own.std <= 1e-9)):
        return None
    setting = _setting(asked, keyword, vector, how)
    scales = [(keyword.own, own)]
    if setting.conversation:
        windows = [scores for name, scores in keyword.windows.items() if name not in how.without]
        scales += [(scores, Moments.of(scores.values(), keyword.turns)) for scores in windows]
    gather = _by_words if vector is None else _by_both
    return setting, partial(gather, view, keyword, vector, scales, setting, max(KEPT, how.k))


def _followed(view: View, keyword: KeywordRoute, ranked: Ranked, setting: Setting, gather: Gather) -> Ranked:
    """The order with what the first hits lead to, which stays behind the hit that leads to it."""
    led = list(links(view, keyword, setting.asked.text, ranked.ordinals[:SOURCES]))
    sums = dict(zip(ranked.ordinals, ranked.sums, strict=True))
    new = dict.fromkeys(o for _, reached in led for o in reached if o not in sums)
    others = ordered(gather(list(new)), setting, {}) if new else Ranked([], [])
    sums |= zip(others.ordinals, others.sums, strict=True)
    gained: dict[int, float] = {}
    for place, reached in led:
        ceiling = ranked.sums[place] - setting.weights.behind
        for ordinal, rarity in reached.items():
            gain = min(setting.weights.links * rarity / (1 + place), ceiling - sums[ordinal])
            gained[ordinal] = max(gained.get(ordinal, 0.0), gain)
    if not any(gained.values()):
        return ranked
    return _joined(ranked, others, gained)


def _broadened(view: View, ranked: Ranked, how: Manner) -> Ranked:
    """The order with what the tree files beside the first hits drawn up behind them, where more are wanted."""
    if how.k <= FIRST or len(ranked.ordinals) <= FIRST:
        return ranked
    beside = siblings(view, ranked.ordinals[:FIRST])
    if not beside:
        return ranked
    ceiling = ranked.sums[FIRST - 1]
    gains = [how.weights.tree * beside.get(ordinal, 0.0) for ordinal in ranked.ordinals]
    gains[:FIRST] = [0.0] * FIRST
    raised = [total + gain for total, gain in zip(ranked.sums, gains, strict=True)]
    rest = range(FIRST, len(raised))
    order = [*range(FIRST), *sorted(rest, key=lambda i: (-raised[i], ranked.ordinals[i]))]
    # A sum says how far a hit is behind the best; what the tree brings is no better than the tenth.
    sums = [min(total, ceiling) if i >= FIRST else total for i, total in enumerate(raised)]
    return _in_order(ranked, ranked.ordinals, sums, {**ranked.parts, "tree": gains}, order)


def _in_order(
    ranked: Ranked,
    ordinals: Sequence[int],
    sums: Sequence[float],
    parts: Mapping[str, Sequence[float]],
    order: Sequence[int],
) -> Ranked:
    return msgspec.structs.replace(
        ranked,
        ordinals=[ordinals[i] for i in order],
        sums=[sums[i] for i in order],
        parts={name: [column[i] for i in order] for name, column in parts.items()},
    )


def _joined(ranked: Ranked, others: Ranked, gained: Mapping[int, float]) -> Ranked:
    """One order of both, with what some of them gained; of the others only those that did."""
    listed = [*ranked.ordinals, *others.ordinals]
    gains = [gained.get(ordinal, 0.0) for ordinal in listed]
    sums = [a + b for a, b in zip((*ranked.sums, *others.sums), gains, strict=True)]
    known = len(ranked.ordinals)
    order = sorted(
        (i for i in range(len(listed)) if i < known or gains[i]), key=lambda i: (-sums[i], listed[i])
    )
    parts = {name: [*column, *others.parts.get(name, [])] for name, column in ranked.parts.items()}
    if not others.ordinals:
        parts = dict(ranked.parts)
    parts["links"] = gains
    return _in_order(ranked, listed, sums, parts, order)


def ordered(table: Table, setting: Setting, trace: dict[str, float | str]) -> Ranked:
    """Weigh the candidates and put them in order."""
    weighed = _weighed_columns if isinstance(table.placed, Placed) else _weighed_cells
    ordinals, sums, parts = weighed(table, setting)
    return Ranked(
        ordinals=ordinals,
        sums=sums,
        parts=parts,
        setting=setting,
        nearest=_nearest(table, setting),
        coverage=setting.coverage,
        trace=trace,
    )


Weighed = tuple[list[int], list[float], dict[str, list[float]]]
"""Candidates, best first, their sums, and what each part gave them."""


def _weighed_cells(table: Table, setting: Setting) -> Weighed:
    assert not isinstance(table.placed, Placed)
    each = [weigh(placed, setting) for placed in table.placed]
    names = each[0] if each else {}
    parts = {name: [float(signals[name]) for signals in each] for name in names}
    sums = [sum(cells) for cells in zip(*parts.values(), strict=True)]
    if "session" not in setting.without:
        parts["session"] = _sessions(table.talks, sums, setting.weights.session)
        sums = [a + b for a, b in zip(sums, parts["session"], strict=True)]
    order = sorted(range(len(sums)), key=lambda i: (-sums[i], table.ordinals[i]))
    columns = {name: [column[i] for i in order] for name, column in parts.items()}
    return [table.ordinals[i] for i in order], [sums[i] for i in order], columns


def _weighed_columns(table: Table, setting: Setting) -> Weighed:
    import numpy as np

    assert isinstance(table.placed, Placed)
    ordinals = np.array(table.ordinals, np.int64)
    parts, sums = weigh(table.placed, setting), np.zeros(len(ordinals))
    for signal in parts.values():
        sums += signal
    if "session" not in setting.without:
        parts["session"] = setting.weights.session * _best_of_talk(np.array(table.talks, np.int64), sums)
        sums = sums + parts["session"]
    order = np.lexsort((ordinals, -sums))
    columns = np.empty((len(parts), len(order)))
    for row, signal in zip(columns, parts.values(), strict=True):
        row[:] = signal  # one number is the same for all
    given = dict(zip(parts, columns[:, order].tolist(), strict=True))
    return ordinals[order].tolist(), sums[order].tolist(), given


def _nearest(table: Table, setting: Setting) -> float:
    if setting.dense is None or not isinstance(table.placed, Placed) or not table.ordinals:
        return 0.0
    scale = setting.dense
    return nearness(float(table.placed.dense.max()) * scale.std + scale.mean, scale.mean, setting.units)


def nearness(highest: float, mean: float, units: int) -> float:
    """Where the highest cosine stands between the mean of all, 0, and the same meaning, 1.

    Embedders, languages and long texts differ in the cosines of what is unrelated. The mean of a few
    memories, which may all be related, is drawn to what it mostly is.
    """
    mean = (units * mean + FEW_UNITS * UNRELATED) / (units + FEW_UNITS)
    return min(1.0, (highest - mean) / max(1 - mean, FLAT))


def _setting(
    asked: Asked,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    how: Manner,
) -> Setting:
    weights, without = how.weights, how.without
    share = keyword.coverage / math.log(1 + max(keyword.mean_tokens, 1.0))
    note, turn = weights.gate * share, weights.gate_turn * share
    if keyword.turns >= FEW_TURNS:
        # Among turns a note is read as they are, or its words would count for less than theirs.
        note += (turn - note) * min(1.0, keyword.turns / max(keyword.total, 1))
    if "gate" in without:
        note = turn = weights.no_gate
    if asked.request and "requests" not in without:
        note, turn = note * weights.request, turn * weights.request
    if asked.cjk and "zh" not in how.languages:
        note = turn = weights.cjk
    if not keyword.own:
        note = turn = 0.0
    dense = vector.moments if vector is not None else None
    conversation = keyword.turns >= FEW_TURNS and not {"near", "wide"} <= without
    return Setting(asked, note, turn, dense, keyword.total, keyword.coverage, conversation, weights, without)


Scale = tuple[dict[int, float], Moments]
Gather = Callable[[Sequence[int] | None], Table]
"""Gives the candidates of the lists for None, else the rows asked for, listed or not."""


def _by_words(
    view: View,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    scales: Sequence[Scale],
    setting: Setting,
    count: int,
    only: Sequence[int] | None,
) -> Table:
    """Candidates of the keyword lists alone, one by one: numpy would cost more than it saves."""
    listed = dict.fromkeys((o for scores, _ in scales for o in scores) if only is None else only)
    places = {o: [moments.z(scores.get(o, 0.0)) for scores, moments in scales] for o in listed}
    kept = heapq.nlargest(count, listed, key=lambda o: (max(places[o][0], sum(places[o]) / len(scales)), -o))
    found = _facts(view, keyword, setting, kept)
    known = [found.get(o, NOTHING) for o in kept]
    dated = _dated(setting.asked, known)
    rows = [
        Placed(places[o][0], tuple(places[o][1:]), 0.0, 0.0, 0, f.speaker, f.marks, n, d)
        for o, f, n, d in zip(kept, known, _named(view, setting.asked, kept, known), dated, strict=True)
    ]
    return Table(kept, [f.talk for f in known], rows)


def _by_both(
    view: View,
    keyword: KeywordRoute,
    vector: VectorRoute | None,
    scales: Sequence[Scale],
    setting: Setting,
    count: int,
    only: Sequence[int] | None,
) -> Table:
    """Candidates of all lists, in columns."""
    import numpy as np

    assert vector is not None
    lists = [
        np.fromiter(scores, np.int64, len(scores)) for scores in (*(s for s, _ in scales), vector.scores)
    ]
    listed = np.unique(np.concatenate(lists) if only is None else np.array(only, np.int64))
    words = []
    for (scores, moments), keys in zip(scales, lists, strict=False):
        column = np.zeros(len(listed))
        if only is None:
            column[np.searchsorted(listed, keys)] = np.fromiter(scores.values(), np.float64, len(scores))
        else:
            column[:] = [scores.get(ordinal, 0.0) for ordinal in listed.tolist()]
        words.append(moments.z(column))
    dense = vector.moments.z(np.nan_to_num(vector.of(listed), nan=vector.moments.mean))
    rough = np.maximum(words[0], sum(words) / len(words)) + dense
    kept = np.argpartition(-rough, count - 1)[:count] if len(listed) > count else np.arange(len(listed))
    ordinals = listed[kept].tolist()
    found = _facts(view, keyword, setting, ordinals)
    known = [found.get(o, NOTHING) for o in ordinals]
    marks = np.array([f.marks for f in known], np.int64)
    around = dense[kept]
    if setting.conversation and "neighbours" not in setting.without:
        turns = np.flatnonzero(marks & TURN)
        around = _around(vector, listed[kept], turns, around)
    columns = Placed(
        own=words[0][kept],
        windows=tuple(column[kept] for column in words[1:]),
        dense=dense[kept],
        around=around,
        spans=vector.spans(listed[kept]),
        speaker=np.array([f.speaker for f in known], np.int64),
        marks=marks,
        named=np.array(_named(view, setting.asked, ordinals, known)),
        dated=np.array(_dated(setting.asked, known)),
    )
    return Table(ordinals, [f.talk for f in known], columns)


def _named(view: View, asked: Asked, ordinals: Sequence[int], known: Sequence[Facts]) -> list[float]:
    """Which notes name the speaker whom the question names: they are about whom its turns are by."""
    if not asked.speaker or all(f.turn for f in known):
        return [0.0] * len(ordinals)
    named = naming(view, asked.names)
    return [float(not f.turn and o in named) for o, f in zip(ordinals, known, strict=True)]


def _dated(asked: Asked, known: Sequence[Facts]) -> list[float]:
    """How near each lies to the nearest of the times that the question names: when it was said, or
    when that was which it tells of."""
    if not asked.windows:
        return [0.0] * len(known)
    near: dict[int, float] = {}
    for time in {f.time for f in known}:
        near[time] = max(closeness(window, moment(time)) for window in asked.windows)
    return [max(near[f.time], _event_near(asked, f)) for f in known]


def _event_near(asked: Asked, facts: Facts) -> float:
    if (event := facts.event) is None:
        return 0.0
    return max(closeness(window, event[0], event[1] - _MICROSECOND) for window in asked.windows)


def _facts(view: View, keyword: KeywordRoute, setting: Setting, ordinals: Sequence[int]) -> dict[int, Facts]:
    """What is known of the candidates; notes are not looked up where no part would ask."""
    if keyword.turns < FEW_TURNS and not setting.asked.windows:
        return {}
    return facts(view, keyword, ordinals)


def _around(vector: VectorRoute, ordinals: Any, turns: Any, dense: Any) -> Any:
    """`dense`, at `turns` the places on the scale of scores among neighbours, as far as it is there."""
    import numpy as np

    moments = vector.moments_among_neighbours()
    if moments.std <= FLAT or not len(turns):
        return dense
    scores = vector.among_neighbours(ordinals[turns])
    around = dense.copy()
    around[turns] = np.where(np.isnan(scores), dense[turns], moments.z(scores))
    return around


def weigh(placed: Placed, setting: Setting) -> dict[str, Any]:
    """What each part gives: numbers for one candidate, columns for columns.

    What a note has by its nature is not given to turns but taken from those that lack it, so that
    the two can be compared.
    """
    weights, asked, marks = setting.weights, setting.asked, placed.marks
    turn = 1.0 * (marks & TURN > 0) * setting.conversation
    words = placed.own + turn * (sum(placed.windows, placed.own) / (1 + len(placed.windows)) - placed.own)
    signals: dict[str, Any] = {"words": words}
    if setting.dense:
        w = setting.note_weight + turn * (setting.turn_weight - setting.note_weight)
        meaning = placed.dense + turn * weights.neighbours * (placed.around - placed.dense)
        if "spans" not in setting.without:
            meaning = meaning - turn * weights.spans * _chances(placed.spans)
        signals = {"words": w * words / (1 + w), "meaning": meaning / (1 + w)}
    terms = marks & COUNTED
    lacking = (terms < weights.full_length) * (1 - terms / weights.full_length)
    asks = (marks & ASKS > 0) * (terms < weights.short_question)
    as_turn = {
        "speaker": weights.speaker * (placed.speaker == asked.speaker) * bool(asked.speaker),
        "times": weights.times * (marks & TIMED > 0) * asked.when,
        "roles": -weights.roles * (marks & ASSISTANT > 0),
        "length": -weights.length * lacking,
        "questions": -weights.questions * asks,
    }
    signals |= {name: turn * s for name, s in as_turn.items() if name not in setting.without}
    if "speaker" not in setting.without:
        signals["speaker"] = signals["speaker"] + weights.speaker * placed.named * setting.conversation
    return signals if "dates" in setting.without else signals | {"dates": weights.dates * placed.dated}


def _chances(spans: Any) -> Any:
    """By how much the best of so many pieces stands out by chance alone, in standard deviations.

    The expected maximum of n normal draws (0.56 for two, 1.03 for four, 1.42 for eight), by a fit
    within 0.04 of it up to eight and 0.11 up to sixteen.
    """
    import numpy as np

    return 0.56 * np.log2(np.maximum(spans, 1)) ** 0.87


def _sessions(talks: Sequence[int], sums: Sequence[float], share: float) -> list[float]:
    """A good turn speaks for its session; what is in no session speaks for itself."""
    best: dict[int, float] = {}
    for talk, total in zip(talks, sums, strict=True):
        best[talk] = max(best.get(talk, -math.inf), total)
    return [share * (best[talk] if talk else total) for talk, total in zip(talks, sums, strict=True)]


def _best_of_talk(talks: Any, sums: Any) -> Any:
    """The same in columns, before its weight."""
    import numpy as np

    if not talks.any():
        return sums
    numbers, places = np.unique(talks, return_inverse=True)
    best = np.full(len(numbers), -np.inf)
    np.maximum.at(best, places, sums)
    return np.where(talks != 0, best[places], sums)


def _trace(setting: Setting, keyword: KeywordRoute) -> dict[str, float | str]:
    asked = setting.asked
    trace: dict[str, float | str] = {
        "fusion": "scores" if setting.dense else "keyword only",
        "terms": " ".join(keyword.terms),
        "coverage": round(keyword.coverage, 4),
        "mean_tokens": round(keyword.mean_tokens, 2),
        "turns": keyword.turns,
    }
    if setting.dense:
        trace["keyword_weight"] = round(setting.note_weight, 4)
        trace["keyword_weight_of_turns"] = round(setting.turn_weight, 4)
    if asked.names:
        trace["names"] = ", ".join(asked.names)
    if asked.windows:
        trace["times"] = "; ".join(f"{w.text}: {w.start:%Y-%m-%d} to {w.end:%Y-%m-%d}" for w in asked.windows)
    asks = [name for name, is_so in (("advice", asked.request), ("a time", asked.when)) if is_so]
    if asks:
        trace["asks_for"] = ", ".join(asks)
    if setting.without:
        trace["without"] = ", ".join(sorted(setting.without))
    return trace


def _by_rank(keyword: KeywordRoute, vector: VectorRoute) -> Ranked:
    """Reciprocal rank fusion, for when a score scale is missing (all units score the same)."""
    listed = list(dict.fromkeys([*keyword.own, *vector.scores]))
    parts: dict[str, list[float]] = {}
    for name, route in (("words", keyword.own), ("meaning", vector.scores)):
        shares = {ordinal: 1 / (RRF_K + place) for place, ordinal in enumerate(route, 1)}
        parts[name] = [shares.get(o, 0.0) for o in listed]
    sums = [sum(cells) for cells in zip(*parts.values(), strict=True)]
    order = sorted(range(len(listed)), key=lambda i: (-sums[i], listed[i]))
    highest = max(vector.scores.values(), default=0.0)
    return Ranked(
        [listed[i] for i in order],
        [sums[i] for i in order],
        {name: [column[i] for i in order] for name, column in parts.items()},
        nearest=nearness(highest, vector.moments.mean, vector.total),
        coverage=keyword.coverage,
        trace={"fusion": "ranks"},
    )
