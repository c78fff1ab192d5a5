"""Two runs side by side, question by question; each part of the pipeline taken away; a reranker added.

Owns: pairing, differences, which parts can be switched off. Does not own: the parts
(`retrieval/pipeline`), nor running them (`run`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memos_cli.errors import BadInput
from memos_cli.evaluation import metrics
from memos_cli.evaluation.corpus import Benchmark, read_json
from memos_cli.evaluation.metrics import Answer, Ranking
from memos_cli.evaluation.report import Document, latency, ranking_of
from memos_cli.evaluation.run import KS, Run, Variant
from memos_cli.operations import search as operation
from memos_cli.schema import Mode

SHOWN = ("recall@5", "recall@10", "recall@20", "mrr", f"ndcg@{metrics.GAIN_AT}")

COLUMNS = ("", "n", "measure", "baseline", "difference", "95 %", "p")
ABLATION_COLUMNS = ("without", *SHOWN, "p50 ms")

Judged = dict[str, tuple[str, bool, Ranking]]
"""Of each question, by id: its category, whether it stands apart, and its ranking."""


def parts() -> tuple[str, ...]:
    """The parts of the recall pipeline that can be switched off, as `operations/search` names them."""
    return operation.PARTS


def ablations(mode: Mode) -> tuple[Variant, ...]:
    """One variant for each part, without it."""
    return tuple(Variant(f"without {part}", mode, frozenset({part})) for part in parts())


def judged(answers: Sequence[Answer], level: str) -> Judged:
    return {one.id: (one.category, one.apart, one.at(level)) for one in answers if one.at(level).gold}


def earlier(path: Path) -> Judged:
    """The questions of an earlier run, from what `memos eval --json` printed.

    Raises:
        BadInput: it is not such a document.
    """
    found = read_json(path)
    try:
        return {
            one["id"]: (one["category"], one["apart"], ranking_of(one))
            for one in found["questions"]
            if one["gold"]
        }
    except (KeyError, TypeError, IndexError) as error:
        raise BadInput(
            source=path,
            reason="it is not what `memos eval --json` prints",
            hint="Save an earlier run with `memos eval … --json > FILE`, or name a mode.",
        ) from error


def refuse_others(name: str, benchmark: Benchmark, old: Judged) -> None:
    """Raises BadInput where an earlier run answered none of a benchmark's questions."""
    if old.keys().isdisjoint(f"{c.name}/{q.id}" for c in benchmark.corpora for q in c.questions):
        raise BadInput(
            source=name,
            reason="it answers none of these questions",
            hint="Compare with a run of `memos eval` on the same benchmark.",
        )


def compared(name: str, new: Judged, old: Judged) -> Document:
    """Differences new − old over the questions that both answered, overall and by category."""
    shared = [id for id in new if id in old]
    groups: dict[str, list[str]] = {}
    for id in shared:
        groups.setdefault(new[id][0], []).append(id)
    counted = [id for id in shared if not new[id][1]]
    return {
        "baseline": name,
        "unpaired": len(new.keys() ^ old.keys()),
        "overall": _differences(counted, new, old),
        "categories": {kind: _differences(ids, new, old) for kind, ids in sorted(groups.items()) if kind},
    }


def _differences(ids: Sequence[str], new: Judged, old: Judged) -> Document:
    if not ids:
        return {"n": 0}
    names, after = metrics.table([new[id][2] for id in ids], KS)
    _, before = metrics.table([old[id][2] for id in ids], KS)
    columns = [names.index(name) for name in SHOWN]
    found: Document = dict(zip(SHOWN, metrics.paired(after[:, columns], before[:, columns]), strict=True))
    for name, value in zip(SHOWN, np.mean(before[:, columns], 0), strict=True):
        found[name]["baseline"] = round(float(value), 5)
    return found | {"n": len(ids)}


def ablation(run: Run) -> list[Document]:
    """What each variant after the first loses or gains against it (variant − full)."""
    level = run.benchmark.level
    full = judged(run.main, level)
    return [
        {"part": part, "latency_p50_ms": _p50(run.answers[variant.name]), **_against(run, variant, full)}
        for variant in run.options.variants[1:]
        for part in sorted(variant.without)
    ]


def reranking(run: Run, variant: Variant) -> Document:
    """What the variant's reranker gains or loses against the run itself (reranked - not), and what
    both searches take."""
    level = run.benchmark.level
    after, before = run.answers[variant.name], run.main
    found = compared("the search alone", judged(after, level), judged(before, level))
    return {"model": variant.rerank, **found, "latency": latency(after), "latency_baseline": latency(before)}


def reranking_facts(found: Document) -> list[tuple[str, Any]]:
    """For people: what reranking costs."""
    after, before = found["latency"], found["latency_baseline"]
    return [
        (
            what,
            f"p50 {after[f'{clock}p50_ms']:.1f} ms for {before[f'{clock}p50_ms']:.1f} ms, "
            f"p95 {after[f'{clock}p95_ms']:.1f} ms for {before[f'{clock}p95_ms']:.1f} ms",
        )
        for what, clock in (("reranked search", ""), ("reranked search, CPU", "cpu_"))
    ]


def _against(run: Run, variant: Variant, full: Judged) -> dict[str, Any]:
    found = compared(
        run.options.variants[0].name, judged(run.answers[variant.name], run.benchmark.level), full
    )
    return {"overall": found["overall"], "categories": found["categories"]}


def _p50(answers: Sequence[Answer]) -> float:
    return metrics.percentiles([one.seconds for one in answers])[0]


def rows(found: Document) -> list[tuple[Any, ...]]:
    """For people: every measure overall, then recall@10 of each category."""
    lines = [("overall", found["overall"], measure) for measure in SHOWN]
    lines += [(name, group, "recall@10") for name, group in found["categories"].items()]
    return [
        (name, group["n"], measure, group[measure]["baseline"], *_shown(group[measure]))
        for name, group, measure in lines
        if group["n"]
    ]


def ablation_rows(found: Sequence[Document]) -> list[tuple[Any, ...]]:
    return [
        (one["part"], *(one["overall"][measure]["difference"] for measure in SHOWN), one["latency_p50_ms"])
        for one in found
        if one["overall"]["n"]
    ]


def _shown(change: Document) -> tuple[float, str, float]:
    return change["difference"], f"{change['low']:+.3f} to {change['high']:+.3f}", change["p"]
