"""Which benchmarks there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memos_cli.errors import BadInput, UsageError
from memos_cli.evaluation import dialogues, passages
from memos_cli.evaluation.corpus import Benchmark

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
        raise UsageError(detail=f"No benchmark is called {name!r}; known: {', '.join(LOADERS)}.")
    benchmark = LOADERS[name](path)
    if not any(corpus.questions for corpus in benchmark.corpora):
        raise BadInput(source=path, reason=f"it holds no {name} question whose evidence is there")
    return benchmark
