"""`memos eval`: a benchmark's own files through `add` and `search`, and what came of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memos_cli.errors import UsageError
from memos_cli.interfaces.cli import options
from memos_cli.interfaces.cli.output import Fields, Output, Table
from memos_cli.interfaces.cli.shell import shell_of

if TYPE_CHECKING:
    from memos_cli.evaluation.compare import Judged
    from memos_cli.evaluation.run import Variant
    from memos_cli.schema import Mode


def evaluate(
    ctx: typer.Context,
    benchmark: Annotated[
        str,
        typer.Argument(
            metavar="BENCHMARK",
            help="locomo, longmemeval, prefeval, memdaily, beam, hotpotqa, musique or beir.",
        ),
    ],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The benchmark's own file or folder.")],
    k: Annotated[
        list[str] | None,
        typer.Option("-k", metavar="N", help="Lengths of the list, as in `-k 5,10,20`; may be repeated."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="keyword, vector or hybrid (both, fused).")
    ] = "hybrid",
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", metavar="NAME", help="The embedder; the configured one when left out."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare", metavar="BASELINE", help="A mode, or the file of an earlier run's --json output."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write figures, plots and missed questions there."),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Run again without each part of the recall pipeline.")
    ] = False,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank", metavar="MODEL", help="Ask again with this reranker, and say what it changes."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Questions at most, for a quick look.")
    ] = None,
    pool: Annotated[
        int, typer.Option("--pool", metavar="N", min=1, help="Put N conversations into one cube.")
    ] = 1,
    how_read: Annotated[
        str | None,
        typer.Option("--read", metavar="HOW", help="fast, or fine: a language model draws facts as well."),
    ] = None,
    no_judge: Annotated[
        bool,
        typer.Option("--no-judge", help="Store as is: nothing that was added is updated or contradicted."),
    ] = False,
    tree: Annotated[
        bool, typer.Option("--tree", help="Sort each cube into a tree (`memos reorganize`) before asking.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Keep the texts' vectors for later runs.")
    ] = None,
) -> None:
    """Measure recall on a public benchmark, through the code of `add` and `search`.

    Each conversation gets a cube of its own in a temporary folder; no cube of yours is touched.
    """
    from memos_cli.evaluation import compare as comparison
    from memos_cli.evaluation import report as reporting
    from memos_cli.evaluation.corpus import pooled
    from memos_cli.evaluation.loaders import load
    from memos_cli.evaluation.run import KS, Options
    from memos_cli.evaluation.run import evaluate as measure
    from memos_cli.location import resolve
    from memos_cli.schema import Mode, Reading

    shell = shell_of(ctx)
    asked = options.choice(Mode, "mode", mode)
    baseline = _baseline(compare)
    loaded = load(benchmark, path)
    loaded = pooled(loaded, pool) if pool > 1 else loaded
    if baseline is not None and not isinstance(baseline, Mode):
        comparison.refuse_others(str(compare), loaded, baseline)
    run_options = Options(
        variants=(*_variants(asked, baseline, ablate, shell.out), *_reranked(asked, rerank)),
        ks=_lengths(k) or KS,
        embedder=embedder,
        limit=limit,
        cache=cache,
        judge=False if no_judge else None,
        tree=tree,
        reading=Reading.FAST if how_read is None else options.reading(shell, how_read),
    )
    place = partial(resolve, settings=shell.settings)
    with shell.out.progress() as progress:
        run = measure(loaded, shell.settings, place, run_options, progress)
    found = reporting.document(run)
    new = comparison.judged(run.main, loaded.level)
    if isinstance(baseline, Mode):
        old = comparison.judged(run.answers[f"mode {baseline}"], loaded.level)
        found["compare"] = comparison.compared(f"mode {baseline}", new, old)
    elif baseline is not None:
        found["compare"] = comparison.compared(str(compare), new, baseline)
    if ablate:
        found["ablation"] = comparison.ablation(run)
    for variant in _reranked(asked, rerank):
        found["reranking"] = comparison.reranking(run, variant)
    if report is not None:
        for file in reporting.write(found, run.main, report):
            shell.out.note(f"Wrote {file}")
    _show(shell.out, found)


def _lengths(given: list[str] | None) -> tuple[int, ...]:
    """The lengths of `-k 5 -k 10` or `-k 5,10`, ascending; empty where none was given.

    Raises:
        UsageError: one is no whole number from 1 to 1,000.
    """
    words = [word.strip() for text in given or [] for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdecimal() and 1 <= int(word) <= 1000):
            raise UsageError(detail=f"-k {word!r} is no length: write whole numbers from 1 to 1000.")
    return tuple(sorted({int(word) for word in words}))


def _baseline(given: str | None) -> Mode | Judged | None:
    """What to compare with: a mode, or an earlier run's questions.

    Raises:
        BadInput: it is neither a mode nor the output of an earlier run.
    """
    if given is None:
        return None
    from memos_cli.evaluation import compare
    from memos_cli.schema import Mode

    return Mode(given) if given in list(Mode) else compare.earlier(Path(given))


def _variants(mode: Mode, baseline: Any, ablate: bool, out: Output) -> tuple[Variant, ...]:
    """The run asked for, then those it is compared with."""
    from memos_cli.evaluation import compare
    from memos_cli.evaluation.run import Variant
    from memos_cli.schema import Mode

    variants = [Variant("full", mode)]
    if isinstance(baseline, Mode):
        variants.append(Variant(f"mode {baseline}", baseline))
    if ablate:
        parts = compare.ablations(mode)
        if not parts:
            out.note("There is nothing to ablate: the recall pipeline names no part to switch off.")
        variants += parts
    return tuple(variants)


def _reranked(mode: Mode, model: str | None) -> tuple[Variant, ...]:
    """The run asked for with a reranker, where one is asked for."""
    from memos_cli.evaluation.run import Variant

    return () if model is None else (Variant(f"reranked by {model}", mode, rerank=model),)


def _show(out: Output, found: dict[str, Any]) -> None:
    from memos_cli.evaluation import compare, report

    views: list[Any] = [
        Table(report.columns(found), report.rows(found), title="Evidence recall", headed=True),
        Fields(report.facts(found)),
    ]
    if "compare" in found:
        title = f"Against {found['compare']['baseline']}"
        views.append(Table(compare.COLUMNS, compare.rows(found["compare"]), title=title, headed=True))
    if found.get("ablation"):
        rows = compare.ablation_rows(found["ablation"])
        title = "With one part switched off"
        views.append(Table(compare.ABLATION_COLUMNS, rows, title=title, headed=True))
    if "reranking" in found:
        change = found["reranking"]
        title = f"Reranked by {change['model']}"
        views.append(Table(compare.COLUMNS, compare.rows(change), title=title, headed=True))
        views.append(Fields(compare.reranking_facts(change)))
    out.emit(found, *views)
    if not out.machine:
        out.notes(found["notes"])
