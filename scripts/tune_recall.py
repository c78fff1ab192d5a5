"""Choose the weights of the recall pipeline on development sets, with each group left out in turn.

    python scripts/tune_recall.py dump FOLDER locomo:PATH beam:PATH memdaily:PATH:20 … [--cache DIR]
    python scripts/tune_recall.py try FOLDER [gate_turn=4 speaker=0.9 …]
    python scripts/tune_recall.py choose FOLDER [NAME …]
    python scripts/tune_recall.py calibrate FOLDER

`dump` puts each corpus into a cube through `memos add`, asks each question through the routes of
`memos search`, and keeps its candidates as they are before they are weighed; a set is a benchmark's
name, its path and, after a second colon, how many corpora share a cube. `try` weighs them by other
weights. `choose` goes through a grid of each weight and accepts a value only where it helps when the
group it is judged on (a conversation, or a set) had no say, on more than one set. `calibrate` fits what
a score means (`retrieval/calibration`). Does not own: the formula (`retrieval/pipeline`), nor measures that
a release is judged by (`memos eval`).
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from memos_cli.evaluation.corpus import pooled
from memos_cli.evaluation.loaders import load
from memos_cli.evaluation.run import Cubes, Options, Storing, Variant, store
from memos_cli.location import resolve
from memos_cli.operations.search import routes_of
from memos_cli.retrieval import pipeline
from memos_cli.retrieval.calibration import features
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


@dataclasses.dataclass
class Asked:
    """One question's candidates, and which of them are its evidence."""

    set: str
    group: str
    apart: bool
    gold: int
    """Pieces of evidence, listed or not."""
    table: pipeline.Table
    setting: pipeline.Setting
    share: float
    """Coverage of the question's words over ln(1 + L): what the gates multiply."""
    hits: list[int]
    """Of each candidate, how many pieces of evidence it stands for."""
    text: str = ""


def dump(folder: Path, sets: Sequence[str], cache: Path | None, mode: Mode) -> None:
    """Write a file of questions for each set."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in sets:
        name, path, *pool = one.split(":")
        benchmark = load(name, Path(path))
        label = f"{name}{pool[0]}" if pool else Path(path).stem if name == "beir" else name
        asked = list(_asked(label, pooled(benchmark, int(pool[0])) if pool else benchmark, cache, mode))
        (folder / f"{label}.pickle").write_bytes(pickle.dumps(asked))
        print(f"{label}: {len(asked)} questions", flush=True)


def _asked(label: str, benchmark: Any, cache: Path | None, mode: Mode) -> Iterator[Asked]:
    settings = Settings.load({})
    options = Options(variants=(Variant("full", mode),), cache=cache)
    with tempfile.TemporaryDirectory(prefix="memos-tune-") as temporary:
        cubes = Cubes(Path(temporary), settings, partial(resolve, settings=settings), options)
        for corpus in benchmark.corpora:
            if not corpus.questions:
                continue
            with cubes.fresh() as session:
                store(session, corpus, Storing(), None, options)
                for question in corpus.questions:
                    query = Query(text=question.text, k=20, mode=mode, now=question.now)
                    found = routes_of(session, query)
                    assert found.keyword is not None
                    placed = pipeline.placed(
                        found.view, found.asked, found.keyword, found.vector, pipeline.Manner(found.languages)
                    )
                    if placed is None:
                        continue
                    setting, table = placed
                    items = found.view.keywords[0].items(table.ordinals)
                    ids = [{s.message_id for s in items[o].sources if s.message_id} for o in table.ordinals]
                    yield Asked(
                        set=label,
                        group=f"{label}/{corpus.name}" if len(benchmark.corpora) <= 20 else label,
                        apart=question.apart or not question.answerable,
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
    return dataclasses.replace(old, note_weight=note, turn_weight=turn, weights=weights)


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
            [goal(figures(questions, dataclasses.replace(weights, **{name: value}))) for value in values]
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
            weights = dataclasses.replace(weights, **{name: best})
    return weights


def _balanced(table: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean over sets, so that the set with most questions does not decide alone."""
    return np.mean([table[:, sets == one].mean(1) for one in dict.fromkeys(sets)], axis=0)


def calibrate(questions: Sequence[Asked]) -> None:
    """Fit the score on all sets, and say how it does on each set that is left out."""
    rows: list[Sequence[float]] = []
    told: list[bool] = []
    sets: list[str] = []
    tops: list[int] = []
    answerable: list[bool] = []
    for one in questions:
        ranked = pipeline.ordered(one.table, with_weights(one, DEFAULT), {})
        at = dict(zip(one.table.ordinals, one.hits, strict=True))
        tops.append(len(rows))
        answerable.append(not one.apart)
        for ordinal, row in zip(ranked.ordinals[:10], features(ranked), strict=False):
            rows.append(row)
            told.append(bool(at[ordinal]) and not one.apart)
            sets.append(one.set)
    x, y, names = np.array(rows), np.array(told, float), np.array(sets)
    held = np.zeros(len(y))
    for name in dict.fromkeys(sets):
        held[names == name] = _sigmoid(
            x[names == name] @ fit(x[names != name], y[names != name], names[names != name])
        )
        ours = held[names == name]
        print(
            f"{name:12s} left out: said {ours.mean():.3f}, is {y[names == name].mean():.3f}, ece {ece(ours, y[names == name]):.3f}"
        )
    whole = fit(x, y, names)
    top, can = np.array(tops), np.array(answerable)
    for name in dict.fromkeys(names[top][~can]):
        mine = names[top] == name
        yes, no = held[top][mine & can], held[top][mine & ~can]
        print(f"{name}: a first hit's score tells questions without an answer, AUROC {auroc(yes, no):.3f}")
    _calibrate_cosines(questions)
    print("weights", tuple(round(float(w), 3) for w in whole), "ece", round(ece(_sigmoid(x @ whole), y), 3))


def _calibrate_cosines(questions: Sequence[Asked]) -> None:
    """The same for the vector route alone, whose score is the cosine."""
    cosines: list[tuple[float, float]] = []
    told: list[float] = []
    sets: list[str] = []
    for one in questions:
        if one.setting.dense is None or not isinstance(one.table.placed, pipeline.Placed):
            continue
        dense = np.asarray(one.table.placed.dense) * one.setting.dense.std + one.setting.dense.mean
        for place in np.argsort(-dense)[:10]:
            cosines.append((float(dense[place]), 1.0))
            told.append(float(bool(one.hits[place]) and not one.apart))
            sets.append(one.set)
    if cosines:
        found = fit(np.array(cosines), np.array(told), np.array(sets))
        print("vector route alone", tuple(round(float(w), 3) for w in found))


def fit(x: np.ndarray, y: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method, each set weighing alike, with a little shrinkage."""
    share = np.zeros(len(y))
    for name in dict.fromkeys(names):
        share[names == name] = 1 / np.count_nonzero(names == name)
    share *= len(y) / share.sum()
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = _sigmoid(x @ weights)
        slope = x.T @ (share * (p - y)) + 0.1 * weights
        curve = (x * (share * p * (1 - p))[:, None]).T @ x + 0.1 * np.eye(x.shape[1])
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
    return dataclasses.replace(DEFAULT, **{name: float(value) for name, value in pairs})


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
