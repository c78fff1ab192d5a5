"""`memos search`: a question to the cube, and its hits for people, pipes and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.errors import BadFilter
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Entries, Entry
from memos_cli.interfaces.cli.shell import shell_of

if TYPE_CHECKING:
    from memos_cli.schema import Hit


def search(
    ctx: typer.Context,
    query: Annotated[
        list[str], typer.Argument(metavar="QUERY", help='Words, a question, "an exact phrase".')
    ],
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="keyword, vector or hybrid (both, fused).")
    ] = "hybrid",
    k: Annotated[int, typer.Option("-k", "--limit", "-n", min=1, max=10_000, help="Hits at most.")] = 10,
    now: Annotated[
        str | None, typer.Option("--now", metavar="WHEN", help="The moment the question is asked at.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Keep the hits within this many tokens.")
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            metavar="MODEL",
            help="Let a model reread the first 50 hits; the setting rerank when left out, `none` for none.",
        ),
    ] = None,
    min_score: Annotated[
        float, typer.Option("--min-score", min=0.0, max=1.0, help="Leave out hits with a lower score.")
    ] = 0.0,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without", metavar="PART", help="Leave a part of the ranking out: see `memos help search`."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each hit's rank and score in every route.")
    ] = False,
) -> None:
    """Find memories by meaning and by words.

    A score says how likely a hit bears on the question, from 0 to 1. No hit is no failure: the
    exit code is 0.
    """
    from memos_cli.operations import search as operation
    from memos_cli.schema import Mode, Query

    shell = shell_of(ctx)
    instant = options.moment(now)
    question = Query.model_construct(
        text=options.text_of(" ".join(query), "query"),
        k=k,
        mode=options.choice(Mode, "mode", mode),
        filters=options.filters_of(ctx, instant),
        now=instant,
        max_tokens=max_tokens,
        min_score=min_score,
        without=_parts(without, operation.PARTS),
        explain=explain,
        rerank=_reranker(shell.settings.rerank if rerank is None else rerank),
    )
    with shell.open() as session:
        result = operation.search(session, question)
    routes = sorted({name for hit in result.hits for name in hit.routes}) if explain else []
    shell.out.emit(
        documents.search(result, explain=explain),
        Entries([_entry(hit, routes) for hit in result.hits], empty="Nothing found."),
        lines=(documents.hit(hit) for hit in result.hits),
    )
    if not shell.out.machine:
        shell.out.notes(result.notes)
        shell.out.notes(f"{name}: {value}" for name, value in result.trace.items())


def _reranker(name: str) -> str | None:
    """The reranker asked for; nothing and `none` ask for none."""
    name = name.strip()
    return name if name and name != "none" else None


def _parts(given: list[str] | None, known: tuple[str, ...]) -> frozenset[str]:
    """Parts of the ranking to leave out. Raises BadFilter for one that there is none of."""
    for name in given or ():
        if name not in known:
            raise BadFilter(value=repr(name), field="part of the ranking", known=", ".join(known))
    return frozenset(given or ())


def _entry(hit: Hit, routes: list[str]) -> Entry:
    """One hit; of each route asked for, its rank and score there (nothing where it had no place)."""
    item = hit.item
    cells: list[str | float | int | None] = [item.id, hit.score, item.memory]
    reasons = []
    for name in routes:
        route = hit.routes.get(name)
        cells += [route.rank, route.score] if route else [None, None]
        place = f"rank {route.rank:>4}   score {route.score:.4f}" if route else "not among its hits"
        reasons.append(f"{name:<8} {place}")
    if hit.signals:
        reasons.append("  ".join(f"{name} {value:+.2f}" for name, value in hit.signals.items() if value))
    return Entry(f"{hit.score:.2f}", item.memory, documents.facts(item), cells, reasons)
