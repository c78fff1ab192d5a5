"""Which benchmarks there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from memos_cli.errors import UsageError
from memos_cli.evaluation import dialogues, passages
from memos_cli.evaluation.corpus import Benchmark, unreadable

LOADERS: dict[str, Callable[[Path], Benchmark]] = {
    "locomo": dialogues.locomo,
    "longmemeval": dialogues.longmemeval,
    "prefeval": passages.prefeval,
    "memdaily": dialogues.memdaily,
    "beam": dialogues.beam,
    "hotpotqa": passages.hotpotqa,
    "musique": passages.musique,
    "beir": passages.beir,
}


def load(name: str, path: Path) -> Benchmark:
    """The benchmark called `name`, read from `path`.

    Raises:
        UsageError: no benchmark has that name. BadInput: the files are not its own, or ask nothing.
    """
    if name not in LOADERS:
        raise UsageError(
            detail=f"No benchmark is called {name!r}; known: {', '.join(LOADERS)}.",
            hint="See `memos help eval`.",
        )
    benchmark = _asking(LOADERS[name](path))
    if not any(corpus.questions for corpus in benchmark.corpora):
        raise unreadable(path, f"it holds no {name} question whose evidence is there")
    return benchmark


def _asking(benchmark: Benchmark) -> Benchmark:
    """Without the questions that hold no letter and no digit, which nothing could answer; a note counts them."""
    kept = [[q for q in c.questions if any(map(str.isalnum, q.text))] for c in benchmark.corpora]
    empty = sum(len(c.questions) for c in benchmark.corpora) - sum(map(len, kept))
    if not empty:
        return benchmark
    corpora = tuple(replace(c, questions=tuple(q)) for c, q in zip(benchmark.corpora, kept, strict=True))
    told = (
        "1 question is empty and was left out"
        if empty == 1
        else f"{empty} questions are empty and were left out"
    )
    return replace(benchmark, corpora=corpora, notes=(*benchmark.notes, told))
