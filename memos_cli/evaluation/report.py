"""The figures of a run: as one JSON document, as rows for a table, as plots.

Owns: which figures there are and what they are called. Does not own: how a measure is computed
(`metrics`), nor the terminal (`interfaces/cli/output`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from memos_cli.errors import NotPermitted, StorageError
from memos_cli.evaluation import metrics, plot
from memos_cli.evaluation.metrics import Answer, Ranking
from memos_cli.evaluation.run import BUDGETS, KS, Run
from memos_cli.operations.search import DOUBTFUL

Document = dict[str, Any]

LEVELS = ("unit", "session")
_GAIN = f"ndcg@{metrics.GAIN_AT}"


def document(run: Run) -> Document:
    """Everything the run found: means with intervals, and every question with its ranks."""
    level = run.benchmark.level
    ks = sorted({*KS, *run.options.ks})
    counted = [one for one in run.main if not one.apart and one.at(level).gold]
    return {
        "benchmark": run.benchmark.name,
        "mode": str(run.options.variants[0].mode),
        "embedder": run.embedder,
        "level": level,
        "k": list(run.options.ks),
        "overall": _means(counted, level, ks),
        "categories": _categories(run.main, level, ks),
        "apart": sorted({one.category for one in run.main if one.apart}),
        "levels": {name: _means(counted, name, ks) for name in LEVELS},
        "latency": latency(run.main),
        "add": _storing(run),
        "tokens": _tokens(counted, run.options.ks),
        "budget": _budget(counted),
        "abstention": _abstention(run),
        "calibration": metrics.calibration([pair for one in counted for pair in one.scored]),
        "notes": run.notes,
        "questions": [_question(one, level) for one in run.main],
    }


def _means(answers: Sequence[Answer], level: str, ks: Sequence[int]) -> Document:
    rankings = [one.at(level) for one in answers if one.at(level).gold]
    return metrics.summary(rankings, ks) if rankings else {"n": 0}


def _categories(answers: Sequence[Answer], level: str, ks: Sequence[int]) -> Document:
    groups: dict[str, list[Answer]] = {}
    for one in answers:
        if one.at(level).gold and one.category:
            groups.setdefault(one.category, []).append(one)
    return {
        name: _means(group, level, ks) | {"budget": _budget(group)} for name, group in sorted(groups.items())
    }


def latency(answers: Sequence[Answer]) -> Document:
    """Milliseconds of a search, embedding included: on the wall clock, and of all threads' work."""
    wall, cpu = (metrics.percentiles([getattr(one, name) for one in answers]) for name in ("seconds", "cpu"))
    return {
        "p50_ms": wall[0],
        "p95_ms": wall[1],
        "cpu_p50_ms": cpu[0],
        "cpu_p95_ms": cpu[1],
        "n": len(answers),
    }


def _storing(run: Run) -> Document:
    """What was added and how fast; vectors that came from a cache cost nothing and are named."""
    done = run.storing
    return {
        "memories": done.added,
        "known": done.known,
        "skipped": done.skipped,
        "updated": done.updated,
        "facts": done.facts,
        "cached_vectors": done.reused,
        "seconds": round(done.seconds, 3),
        "cpu_seconds": round(done.cpu, 3),
        "per_second": round(done.added / done.seconds, 1) if done.seconds else None,
    }


def _tokens(answers: Sequence[Answer], ks: Sequence[int]) -> Document:
    """Mean tokens of the first k hits together."""
    return {
        str(k): round(sum(one.tokens[:k][-1] for one in answers if one.tokens) / len(answers), 1)
        for k in ks
        if answers
    }


def _budget(answers: Sequence[Answer]) -> Document:
    """Mean evidence recall of searches held to so many tokens."""
    asked = [one.within for one in answers if one.within]
    return {str(b): round(sum(one[b] for one in asked) / len(asked), 5) for b in BUDGETS if asked}


def _abstention(run: Run) -> Document:
    """How well the best score tells questions with an answer from those without one: those of which the
    benchmark says so, and those asked of a cube they are not about."""
    yes = [one.top for one in run.main if one.answerable]
    no = [one.top for one in run.main if not one.answerable]
    elsewhere = [max(scores, default=0.0) for scores in run.elsewhere]
    groups = {"answerable": yes, "unanswerable": no, "elsewhere": elsewhere}
    scored = [(score, hit and one.answerable) for one in run.main for score, hit in one.scored]
    scored += [(score, False) for scores in run.elsewhere for score in scores]
    return {
        **{name: len(tops) for name, tops in groups.items()},
        "auroc": metrics.separation(yes, no) if yes and no else None,
        "auroc_elsewhere": metrics.separation(yes, elsewhere) if yes and elsewhere else None,
        **{f"mean_score_{name}": _mean(tops) for name, tops in groups.items()},
        "doubtful_below": DOUBTFUL,
        "doubtful": {name: _mean([float(top < DOUBTFUL) for top in tops]) for name, tops in groups.items()},
        "calibration": metrics.calibration(scored),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 5) if values else None


def _question(one: Answer, level: str) -> Document:
    place = one.at(level)
    return {
        "id": one.id,
        "category": one.category,
        "question": one.text,
        "apart": one.apart,
        "gold": place.gold,
        "ranks": list(place.ranks),
        "ndcg": round(place.gain, 5),
        "score": one.top,
    }


def ranking_of(question: Document) -> Ranking:
    """The ranking that a line of `questions` keeps."""
    return Ranking(tuple(question["ranks"]), question["gold"], question["ndcg"])


# -- for people


def columns(found: Document) -> tuple[str, ...]:
    """The table's columns: recall at every length asked for, the rest at one of them."""
    one = _middle(found)
    recalls = [f"recall@{k}" for k in found["k"]]
    return ("", "n", *recalls, f"any@{one}", f"all@{one}", "mrr", _GAIN, f"95 % of recall@{one}")


def rows(found: Document) -> list[tuple[Any, ...]]:
    """The table: overall, its categories, then what stands apart, then the other level."""
    apart = set(found["apart"])
    parts = found["categories"]
    other = next(level for level in LEVELS if level != found["level"])
    lines = [("overall", found["overall"])]
    lines += [(name, parts[name]) for name in parts if name not in apart]
    lines += [(f"{name} (apart)", parts[name]) for name in parts if name in apart]
    lines += [(f"by {other}", found["levels"][other])]
    return [_row(found, name, means) for name, means in lines if means["n"]]


def _row(found: Document, name: str, means: Document) -> tuple[Any, ...]:
    low, high = means["interval"][f"recall@{_middle(found)}"]
    values = (means[column] for column in columns(found)[2:-1])
    return (name, means["n"], *values, f"{low:.3f}–{high:.3f}")


def _middle(found: Document) -> int:
    """The length of the list that most people quote: 10 where it was asked for, else the longest."""
    ks: list[int] = found["k"]
    return 10 if 10 in ks else ks[-1]


def facts(found: Document) -> list[tuple[str, Any]]:
    """The figures beside the table."""
    latency, stored, told = found["latency"], found["add"], found["abstention"]
    cached = f", {stored['cached_vectors']} vectors from the cache" if stored["cached_vectors"] else ""
    known = f", {stored['known']} known already" if stored["known"] else ""
    skipped = f", {stored['skipped']} skipped" if stored["skipped"] else ""
    return [
        ("search", f"p50 {latency['p50_ms']:.1f} ms, p95 {latency['p95_ms']:.1f} ms"),
        ("search, CPU", f"p50 {latency['cpu_p50_ms']:.1f} ms, p95 {latency['cpu_p95_ms']:.1f} ms"),
        ("added", f"{stored['memories']} memories, {stored['per_second']} a second{known}{skipped}{cached}"),
        ("tokens of the first k", _list(found["tokens"], "{:.0f}")),
        ("recall within tokens", _list(found["budget"], "{:.3f}")),
        ("score tells unanswerable", _told(told, "auroc", "unanswerable")),
        ("score tells what is elsewhere", _told(told, "auroc_elsewhere", "elsewhere")),
        ("score, calibration error", found["calibration"]["ece"]),
    ]


def _told(told: Document, measure: str, kind: str) -> str | None:
    """How well scores tell one kind of question from those with an answer, and how many of both a search
    says may have none."""
    if told[measure] is None:
        return None
    low = told["doubtful"]
    return (
        f"AUROC {told[measure]:.3f}; below {told['doubtful_below']:g}: {low[kind]:.0%}, "
        f"with an answer {low['answerable']:.0%}"
    )


def _list(values: Document, form: str) -> str:
    return ", ".join(f"{name}: {form.format(value)}" for name, value in values.items())


# -- files


def write(found: Document, answers: Sequence[Answer], folder: Path) -> list[Path]:
    """`report.json`, `misses.jsonl` and the plots into `folder`. Raises NotPermitted, StorageError."""
    level = found["level"]
    groups = _groups(answers, level)
    pages = {
        "report.json": json.dumps(found, ensure_ascii=False, indent=1),
        "misses.jsonl": "".join(
            json.dumps(one, ensure_ascii=False) + "\n" for one in misses(answers, level, max(found["k"]))
        ),
        "recall-by-k.svg": plot.lines(
            "Evidence recall among the first k hits",
            "k",
            {name: by_k(group, level) for name, group in groups},
        ),
        "recall-by-tokens.svg": plot.lines(
            "Evidence recall within a token budget", "tokens", {n: by_tokens(group) for n, group in groups}
        ),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except PermissionError as error:
        raise NotPermitted(detail=f"{folder} cannot be written") from error
    except OSError as error:
        raise StorageError(path=folder, reason=str(error)) from error
    return [folder / name for name in pages]


def misses(answers: Sequence[Answer], level: str, k: int) -> Iterator[Document]:
    """The questions of which a piece of evidence is not among the first k hits; those apart are left out."""
    for one in answers:
        places = one.at(level).places
        if not one.apart and any(rank is None or rank > k for rank in places.values()):
            yield {
                "id": one.id,
                "question": one.text,
                "category": one.category,
                "gold": list(places),
                "ranks": list(places.values()),
                "hits": [{"ids": list(ids), "text": text} for ids, text in one.first],
            }


def _groups(answers: Sequence[Answer], level: str) -> list[tuple[str, list[Answer]]]:
    asked = [one for one in answers if one.at(level).gold]
    groups = {"overall": [one for one in asked if not one.apart]}
    for one in sorted(asked, key=lambda one: (one.apart, one.category)):
        if one.category:
            groups.setdefault(f"{one.category} (apart)" if one.apart else one.category, []).append(one)
    return [(name, group) for name, group in groups.items() if group]


def by_k(answers: Sequence[Answer], level: str) -> list[tuple[float, float]]:
    """Mean recall at every k up to the length of the long list, where it was changed."""
    points = []
    for k in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100):
        recalls = [sum(r <= k for r in one.at(level).ranks) / one.at(level).gold for one in answers]
        points.append((float(k), sum(recalls) / len(recalls)))
    return points


def by_tokens(answers: Sequence[Answer]) -> list[tuple[float, float]]:
    return [(float(tokens), recall) for tokens, recall in _budget(answers).items()]
