"""Choose the weights of the recall pipeline on development sets, with each group left out in turn.

    python scripts/tune_recall.py dump FOLDER locomo:PATH beam:PATH memdaily:PATH:20 … [--cache DIR]
    python scripts/tune_recall.py try FOLDER [gate_turn=4 speaker=0.9 …]
    python scripts/tune_recall.py choose FOLDER [NAME …]
    python scripts/tune_recall.py calibrate FOLDER

`dump` puts each corpus into a cube through `memos add`, asks each question through the routes of
`memos search`, and keeps its candidates as they are before they are weighed; a set is a benchmark's
name, its path and, after a second colon, how many corpora share a cube. Each cube is also asked what it
does not know: another corpus's questions (another set's, where a set has one corpus), and the same with
the names of its own speakers in them. `try` weighs them by other
weights. `choose` goes through a grid of each weight and accepts a value only where it helps when the
group it is judged on (a conversation, or a set) had no say, on more than one set. `calibrate` fits what
a score means (`retrieval/calibration`) in the same way. Does not own: the formula (`retrieval/pipeline`), nor measures that
a release is judged by (`memos eval`).
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import pickle
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from memos_cli.evaluation.corpus import Benchmark, Corpus, Question, pooled
from memos_cli.evaluation.loaders import load
from memos_cli.evaluation.run import Cubes, Options, Storing, Variant, store
from memos_cli.location import resolve
from memos_cli.operations.search import routes_of
from memos_cli.retrieval import pipeline
from memos_cli.retrieval.calibration import DOUBTFUL, HIT, QUESTION, hits_of, logistic, of_question
from memos_cli.retrieval.weights import DEFAULT, Weights
from memos_cli.schema import Mode, Query
from memos_cli.settings import Settings

GRID = {
    "gate": (1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    "gate_turn": (3.0, 4.0, 5.0, 6.0, 8.0),
    "cjk": (2.0, 3.0, 4.0, 6.0, 8.0),
    "request": (0.1, 0.2, 0.3, 0.5, 1.0),
    "neighbours": (0.2, 0.35, 0.5, 0.65, 0.8),
    "spans": (0.0, 0.25, 0.5, 0.75, 1.0),
    "speaker": (0.4, 0.7, 1.0, 1.3),
    "times": (0.0, 0.2, 0.4, 0.6, 0.8),
    "dates": (0.0, 0.35, 0.7, 1.0, 1.5),
    "roles": (0.0, 0.3, 0.6, 0.9),
    "session": (0.0, 0.1, 0.2, 0.3, 0.4),
    "length": (0.0, 0.25, 0.5, 0.8),
    "questions": (0.3, 0.5, 0.7, 1.0),
}
KS = (5, 10, 20)

STRANGERS = 200
"""Questions of another corpus that a cube is asked at most."""

FIRST = 10
"""Hits whose scores are compared with what they are worth."""

SHRINKAGE = 0.5

UNANSWERED = {"elsewhere": 0.3, "renamed": 0.3, "adversarial": 0.4}
"""What kinds of questions without an answer weigh beside each other, where a set has them."""

KINDS = ("own", *UNANSWERED)

VAGUE = frozenset({"memdaily", "memdaily20"})
"""Sets whose questions fit other corpora as well ("which fruit do I like?"), so that those are no
questions without an answer."""


@dataclasses.dataclass
class Asked:
    """One question's candidates, and which of them are its evidence."""

    set: str
    group: str
    kind: str
    """`own`: the cube has the answer. `adversarial`: it has none, says the benchmark. `elsewhere`: it is
    a question of another corpus, `renamed`: the same about the speakers of this one."""
    gold: int
    """Pieces of evidence, listed or not."""
    table: pipeline.Table
    setting: pipeline.Setting
    share: float
    """Coverage of the question's words over ln(1 + L): what the gates multiply."""
    hits: list[int]
    """Of each candidate, how many pieces of evidence it stands for."""
    text: str = ""

    @property
    def apart(self) -> bool:
        return self.kind != "own"


def dump(folder: Path, sets: Sequence[str], cache: Path | None, mode: Mode) -> None:
    """Write a file of questions for each set."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded = dict(map(_loaded, sets))
    for label, benchmark in loaded.items():
        asked = list(_asked(label, benchmark, _others(label, loaded), cache, mode))
        (folder / f"{label}.pickle").write_bytes(pickle.dumps(asked))
        print(f"{label}: {len(asked)} questions", flush=True)


def _loaded(one: str) -> tuple[str, Benchmark]:
    name, path, *pool = one.split(":")
    benchmark = load(name, Path(path))
    kept = tuple(corpus for corpus in benchmark.corpora if corpus.questions)
    benchmark = dataclasses.replace(benchmark, corpora=kept)
    if pool:
        return f"{name}{pool[0]}", pooled(benchmark, int(pool[0]))
    return Path(path).stem if name == "beir" else name, benchmark


def _others(label: str, loaded: dict[str, Benchmark]) -> Corpus | None:
    """Whose questions a set of one corpus is asked: those of the next such set."""
    alone = [name for name, benchmark in loaded.items() if len(benchmark.corpora) == 1]
    if label not in alone or len(alone) < 2:
        return None
    return loaded[alone[(alone.index(label) + 1) % len(alone)]].corpora[0]


def _asked(
    label: str, benchmark: Benchmark, other: Corpus | None, cache: Path | None, mode: Mode
) -> Iterator[Asked]:
    settings = Settings.load({})
    options = Options(variants=(Variant("full", mode),), cache=cache)
    corpora = benchmark.corpora
    with tempfile.TemporaryDirectory(prefix="memos-tune-") as temporary:
        cubes = Cubes(Path(temporary), settings, partial(resolve, settings=settings), options)
        for place, corpus in enumerate(corpora):
            group = f"{label}/{corpus.name}" if len(corpora) <= 20 else label
            stranger = other or (corpora[(place + 1) % len(corpora)] if len(corpora) > 1 else None)
            with cubes.fresh() as session:
                store(session, corpus, Storing(), None, options)
                for question, kind in _questions(corpus, stranger):
                    if (one := _one(session, question, kind, mode)) is not None:
                        yield dataclasses.replace(one, set=label, group=group)


def _questions(corpus: Corpus, stranger: Corpus | None) -> Iterator[tuple[Question, str]]:
    for question in corpus.questions:
        yield question, "own" if question.answerable and not question.apart else "adversarial"
    if stranger is None:
        return
    names = list(zip(_speakers(stranger), _speakers(corpus), strict=False))
    for question in [one for one in stranger.questions if one.answerable][:STRANGERS]:
        asked = dataclasses.replace(question, gold={})
        yield asked, "elsewhere"
        text = question.text
        for theirs, ours in names:
            text = re.sub(rf"\b{re.escape(theirs)}\b", ours, text)
        if text != question.text:
            yield dataclasses.replace(asked, text=text), "renamed"


def _speakers(corpus: Corpus) -> list[str]:
    return [name for name in dict.fromkeys(one.speaker for one in corpus.drafts) if name]


def _one(session: Any, question: Question, kind: str, mode: Mode) -> Asked | None:
    found = routes_of(session, Query(text=question.text, k=20, mode=mode, now=question.now))
    assert found.keyword is not None
    placed = pipeline.placed(
        found.view, found.asked, found.keyword, found.vector, pipeline.Manner(found.languages)
    )
    if placed is None:
        return None
    setting, table = placed
    items = found.view.keywords[0].items(table.ordinals)
    ids = [{s.message_id for s in items[o].sources if s.message_id} for o in table.ordinals]
    return Asked(
        set="",
        group="",
        kind=kind,
        gold=len(question.gold),
        table=table,
        setting=setting,
        share=found.keyword.coverage / math.log(1 + max(found.keyword.mean_tokens, 1.0)),
        hits=[len(one & question.gold.keys()) for one in ids],
        text=question.text,
    )


def read(folder: Path) -> list[Asked]:
    files = sorted(folder.glob("*.pickle"))  # of our own making, a moment ago
    return [one for file in files for one in pickle.loads(file.read_bytes())]  # noqa: S301


def with_weights(one: Asked, weights: Weights) -> pipeline.Setting:
    """The question's setting as the pipeline would have made it from other weights."""
    old = one.setting
    note, turn = weights.gate * one.share, weights.gate_turn * one.share
    if old.asked.request:
        note, turn = note * weights.request, turn * weights.request
    if old.note_weight == DEFAULT.cjk == old.turn_weight:
        note = turn = weights.cjk
    if old.note_weight == 0:
        note = turn = 0.0
    return msgspec.structs.replace(old, note_weight=note, turn_weight=turn, weights=weights)


def measure(one: Asked, weights: Weights) -> tuple[float, ...]:
    """recall@5, @10, @20 and the reciprocal rank."""
    ranked = pipeline.ordered(one.table, with_weights(one, weights), {})
    at = dict(zip(one.table.ordinals, one.hits, strict=True))
    hits = [at[o] for o in ranked.ordinals[:100]]
    first = next((1 / place for place, hit in enumerate(hits, 1) if hit), 0.0)
    return (*(sum(hits[:k]) / one.gold for k in KS), first)


def figures(questions: Sequence[Asked], weights: Weights) -> np.ndarray:
    return np.array([measure(one, weights) for one in questions])


def show(questions: Sequence[Asked], found: np.ndarray) -> None:
    names = [f"{one.set} apart" if one.apart else one.set for one in questions]
    for name in dict.fromkeys(names):
        rows = found[[n == name for n in names]]
        print(f"{name:24s} {len(rows):5d}  " + " ".join(f"{x:.4f}" for x in rows.mean(0)))


def goal(found: np.ndarray) -> np.ndarray:
    """What is made large, by question: both ends of the list count."""
    return found[:, :2].mean(1) + 0.5 * found[:, 3]


def choose(questions: Sequence[Asked], names: Sequence[str]) -> Weights:
    """One pass over the weights; a value is taken where it helps groups that had no say in it."""
    weights = DEFAULT
    groups = np.array([one.group for one in questions])
    sets = np.array([one.set for one in questions])
    for name in names:
        values = [*dict.fromkeys([getattr(weights, name), *GRID[name]])]
        table = np.stack(
            [goal(figures(questions, msgspec.structs.replace(weights, **{name: value}))) for value in values]
        )
        held = np.zeros(len(questions))
        for group in dict.fromkeys(groups):
            others = _balanced(table[:, groups != group], sets[groups != group])
            held[groups == group] = table[int(np.argmax(others)), groups == group] - table[0, groups == group]
        by_set = {s: held[sets == s].mean() for s in dict.fromkeys(sets)}
        best = values[int(np.argmax(_balanced(table, sets)))]
        helped = sum(gain > 0.0005 for gain in by_set.values())
        harmed = min(by_set.values())
        kept = best != values[0] and helped >= 2 and sum(by_set.values()) > 0 and harmed > -0.004
        shown = " ".join(f"{s} {gain:+.4f}" for s, gain in by_set.items())
        print(f"{name}: {values[0]} → {best} {'taken' if kept else 'left'}; held out: {shown}", flush=True)
        if kept:
            weights = msgspec.structs.replace(weights, **{name: best})
    return weights


def _balanced(table: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean over sets, so that the set with most questions does not decide alone."""
    return np.mean([table[:, sets == one].mean(1) for one in dict.fromkeys(sets)], axis=0)


def calibrate(questions: Sequence[Asked]) -> None:
    """Fit the score on all sets, and say how it does on each group that is left out."""
    cosines = [table for one in questions if (table := _by_cosine(one)) is not None]
    for title, tables in (("as asked", [_table(one) for one in questions]), ("vector alone", cosines)):
        kept = [table for table in tables if len(table.hits)]
        scored = [np.zeros(0)] * len(kept)
        for group in dict.fromkeys(table.group for table in kept):
            weights = _fitted([table for table in kept if table.group != group])
            for place, table in enumerate(kept):
                if table.group == group:
                    scored[place] = _score(table, *weights)
        if kept:
            print(f"-- {title}; left out:")
            _show_scores(kept, scored)
            for names, weights in zip((QUESTION, HIT), _fitted(kept), strict=True):
                print({name: round(float(w), 3) for name, w in zip(names, weights, strict=True)})


@dataclasses.dataclass
class Scored:
    """What a score is made of, for one question and its first hits."""

    set: str
    group: str
    kind: str
    question: np.ndarray
    hits: np.ndarray
    true: np.ndarray
    """Which hits are evidence."""


def _table(one: Asked) -> Scored:
    ranked = pipeline.ordered(one.table, with_weights(one, DEFAULT), {})
    at = dict(zip(one.table.ordinals, one.hits, strict=True))
    true = np.array([at[o] > 0 and not one.apart for o in ranked.ordinals[:FIRST]], float)
    question, hits = np.array(of_question(ranked)), np.array(hits_of(ranked, FIRST))
    return Scored(one.set, _group(one), one.kind, question, hits, true)


def _by_cosine(one: Asked) -> Scored | None:
    """The same for the vector route alone, whose sums are cosines."""
    placed, scale = one.table.placed, one.setting.dense
    if scale is None or not isinstance(placed, pipeline.Placed):
        return None
    cosines = np.asarray(placed.dense) * scale.std + scale.mean
    order = np.argsort(-cosines)
    alone = pipeline.Ranked(
        order.tolist(),
        cosines[order].tolist(),
        nearest=pipeline.nearness(float(cosines.max(initial=0.0)), scale.mean, one.setting.units),
        trace={"fusion": "vector only"},
    )
    true = np.array([one.hits[place] > 0 and not one.apart for place in order[:FIRST]], float)
    question, hits = np.array(of_question(alone)), np.array(hits_of(alone, FIRST))
    return Scored(one.set, _group(one), one.kind, question, hits, true)


def _group(one: Asked) -> str:
    """What is left out together: a conversation where the set alone has speakers that questions name,
    else the whole set, so that nothing of its kind had a say."""
    return one.group if one.set == "locomo" else one.set


def _fitted(tables: Sequence[Scored]) -> tuple[np.ndarray, np.ndarray]:
    """The weights of QUESTION, and those of HIT among questions with an answer."""
    asked = [table for table in tables if table.set not in VAGUE or table.kind == "own"]
    told = np.array([table.kind == "own" for table in asked], float)
    question = fit(np.array([table.question for table in asked]), told, _shares(asked))
    own = [table for table in tables if table.kind == "own"]
    sets = np.concatenate([[table.set] * len(table.hits) for table in own])
    counts = {name: np.count_nonzero(sets == name) for name in dict.fromkeys(sets)}
    hits, true = (np.concatenate([getattr(table, name) for table in own]) for name in ("hits", "true"))
    return question, fit(hits, true, np.array([1 / counts[name] for name in sets]))


def _shares(tables: Sequence[Scored]) -> np.ndarray:
    """What each question weighs: each set alike, half of it questions with an answer."""
    shares = np.zeros(len(tables))
    keys = [(table.set, table.kind) for table in tables]
    for name in dict.fromkeys(table.set for table in tables):
        kinds = {kind for of, kind in keys if of == name and kind != "own"}
        total = sum(UNANSWERED[kind] for kind in kinds)
        for kind in {"own", *kinds}:
            mine = np.array([key == (name, kind) for key in keys])
            shares[mine] = 0.5 * (1.0 if kind == "own" else UNANSWERED[kind] / total) / max(mine.sum(), 1)
    return shares


def _score(table: Scored, question: np.ndarray, hit: np.ndarray) -> np.ndarray:
    return logistic(float(table.question @ question)) * _sigmoid(table.hits @ hit)


def _show_scores(tables: Sequence[Scored], scored: Sequence[np.ndarray]) -> None:
    """By set: how well the best score tells kinds of questions apart, and how far scores are from
    frequencies, among questions with an answer and among all."""
    for name in dict.fromkeys(table.set for table in tables):
        mine = [(table, s) for table, s in zip(tables, scored, strict=True) if table.set == name]
        tops = {kind: np.array([s[0] for t, s in mine if t.kind == kind]) for kind in KINDS}
        told = [
            f"{kind} {auroc(tops['own'], no):.3f} (below {DOUBTFUL}: {(no < DOUBTFUL).mean():.2f})"
            for kind, no in tops.items()
            if kind != "own" and len(no)
        ]
        of_own = [(table, s) for table, s in mine if table.kind == "own"]
        errors = [
            ece(np.concatenate([s for _, s in rows]), np.concatenate([t.true for t, _ in rows]))
            for rows in (of_own, mine)
        ]
        below = (tops["own"] < DOUBTFUL).mean()
        print(
            f"{name:12s} ece {errors[0]:.3f}, with unanswered {errors[1]:.3f}; below {DOUBTFUL}: {below:.2f}"
        )
        print(f"{'':12s} AUROC against {', '.join(told) or 'nothing'}")
    _show_deciles([t for t in tables if t.set not in VAGUE], tables, scored)


def _show_deciles(kept: Sequence[Scored], tables: Sequence[Scored], scored: Sequence[np.ndarray]) -> None:
    """Of hits with a score in each tenth, how many are evidence."""
    names = {id(table) for table in kept}
    said = np.concatenate([s for t, s in zip(tables, scored, strict=True) if id(t) in names])
    true = np.concatenate([t.true for t in kept])
    bins = np.minimum((said * 10).astype(int), 9)
    print(
        ", ".join(
            f"{said[bins == b].mean():.2f}: {true[bins == b].mean():.2f} ({(bins == b).sum()})"
            for b in np.unique(bins)
        )
    )


def fit(x: np.ndarray, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method, each row weighing its share, with a little shrinkage."""
    share = share * len(y) / share.sum()
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = _sigmoid(x @ weights)
        slope = x.T @ (share * (p - y)) + SHRINKAGE * weights
        curve = (x * (share * p * (1 - p))[:, None]).T @ x + SHRINKAGE * np.eye(x.shape[1])
        weights -= np.linalg.solve(curve, slope)
    return weights


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def ece(said: np.ndarray, true: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    bins = np.minimum((said * 10).astype(int), 9)
    parts = [bins == b for b in range(10) if (bins == b).any()]
    return float(sum(abs(said[p].mean() - true[p].mean()) * p.mean() for p in parts))


def auroc(yes: np.ndarray, no: np.ndarray) -> float:
    return float(np.mean((yes[:, None] > no[None]) + 0.5 * (yes[:, None] == no[None])))


def changed(words: Iterable[str]) -> Weights:
    pairs = (word.split("=") for word in words)
    return msgspec.structs.replace(DEFAULT, **{name: float(value) for name, value in pairs})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=("dump", "try", "choose", "calibrate"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--mode", type=Mode, default=Mode.HYBRID, help="what `dump` asks: hybrid or keyword")
    parser.add_argument("--cache", type=Path, help="where texts' vectors are kept between runs")
    asked = parser.parse_args()
    if asked.verb == "dump":
        dump(asked.folder, asked.words, asked.cache, asked.mode)
        return
    if asked.verb == "calibrate":
        calibrate(read(asked.folder))
        return
    questions = [one for one in read(asked.folder) if one.gold]
    if asked.verb == "try":
        show(questions, figures(questions, changed(asked.words)))
        return
    answerable = [one for one in questions if not one.apart]
    weights = choose(answerable, asked.words or list(GRID))
    show(questions, figures(questions, weights))
    print(weights)


if __name__ == "__main__":
    main()
