"""`memos search`: a question to one cube or several, and its hits for people, pipes and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.errors import BadFilter, MemosError
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Entries, Entry, is_plain
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos_cli.schema import FailedCube, Hit, Query, SearchResult, ToolUse


def search(
    ctx: typer.Context,
    query: Annotated[
        list[str], typer.Argument(metavar="QUERY", help='Words, a question, "an exact phrase".')
    ],
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="keyword, vector or hybrid (both, fused).")
    ] = "hybrid",
    k: Annotated[
        int,
        typer.Option(
            "-k", "--limit", "-n", metavar="N", min=1, max=10_000, help="Hits at most, up to 10000."
        ),
    ] = 10,
    now: Annotated[
        str | None, typer.Option("--now", metavar="WHEN", help="The moment the question is asked at.")
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", metavar="N", min=1, help="Keep the hits within this many tokens."),
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            "--rerank",
            metavar="MODEL",
            help="Let a model reread the first 50 hits; the setting rerank when left out, `none` for none.",
        ),
    ] = None,
    preferences: Annotated[
        int | None,
        typer.Option(
            "--preferences",
            metavar="N",
            min=0,
            help="Tokens of preferences beside the hits; 0 for none, the setting preference_tokens when left out.",
        ),
    ] = None,
    min_score: Annotated[
        float,
        typer.Option(
            "--min-score",
            metavar="SCORE",
            min=0.0,
            max=1.0,
            help="Leave out hits with a lower score, from 0 to 1.",
        ),
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
    exit code is 0. With several -c each cube is asked and the best hits of all are shown; the exit
    code is 1 when one of the cubes could not answer.
    """
    from memos_cli.operations import search as operation
    from memos_cli.schema import Mode, Query

    shell = shell_of(ctx)
    instant = options.moment(now)
    question = Query(
        text=options.text_of(" ".join(query), "query"),
        k=k,
        mode=options.choice(Mode, "mode", mode),
        filters=options.filters_of(ctx, instant),
        now=instant,
        max_tokens=max_tokens,
        preferences=preferences,
        min_score=min_score,
        without=_parts(without, operation.PARTS),
        explain=explain,
        rerank=_reranker(shell.settings.rerank if rerank is None else rerank),
    )
    several = len(shell.cubes) > 1
    _show(shell, _ask_all(shell, question) if several else _ask(shell, question), explain, several)


def _ask(shell: Shell, question: Query) -> SearchResult:
    from memos_cli.operations import search as operation

    with shell.open() as session:
        result = operation.search(session, question)
        operation.note_hits(session, result)
        return result


def _ask_all(shell: Shell, question: Query) -> SearchResult:
    """Every cube's hits as one answer; where none answered, the first one's error ends the run."""
    from memos_cli.operations.search_many import search_many

    refs = shell.refs
    for ref in refs:
        shell.tell(ref)
    failed: list[FailedCube] = []
    try:
        return search_many(refs, shell.settings, question, failed.append)
    except MemosError as error:
        # The error itself is told below: mostly the first cube's, but a reranker may be unknown too.
        _complain(shell, [one for one in failed if one.error.message != error.message])
        shell.out.error(error, failed=documents.failed(failed))
        raise typer.Exit(error.exit_code) from error


def _show(shell: Shell, result: SearchResult, explain: bool, several: bool) -> None:
    routes = sorted({name for hit in result.hits for name in hit.routes}) if explain else []
    shell.out.emit(
        documents.search(result, explain=explain, several=several),
        Entries([_entry(hit, routes, several) for hit in result.hits], empty="Nothing found."),
        lines=(documents.hit(hit, several=several) for hit in result.hits),
    )
    if not shell.out.machine:
        if not is_plain():  # a pipe gets hits and nothing else
            shell.out.emit({}, _preferences(result.preferences, several))
        shell.out.notes(result.notes)
        shell.out.notes(_trace(result, several))
    _complain(shell, result.failed)
    if result.failed:
        raise typer.Exit(1)


def _preferences(found: Sequence[Hit], several: bool) -> Entries:
    """The block under the hits: preferences that bear on the question."""
    entries = [_entry(hit, [], several) for hit in found]
    return Entries([entry._replace(lead="♥") for entry in entries])


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


def _trace(result: SearchResult, several: bool) -> list[str]:
    if not several:
        return [f"{name}: {value}" for name, value in result.trace.items()]
    return [
        f"{cube}: {name}: {value}" for cube, trace in result.trace.items() for name, value in trace.items()
    ]


def _complain(shell: Shell, failed: list[FailedCube] | tuple[FailedCube, ...]) -> None:
    """Name the cubes that could not answer; `--json` has them in its document."""
    if not shell.out.machine or shell.out.jsonl:
        for one in failed:
            told = f"{one.error.message} {one.error.hint}".strip()
            shell.out.error_line(f"Cube {one.cube} did not answer: {told}")


def _tool(use: ToolUse) -> str:
    """How the uses of a tool went, in one line."""
    told = f"called {use.calls:,} times, {use.successes:,} with success"
    return told + (f"; last error: {use.last_error}" if use.last_error else "")


def _entry(hit: Hit, routes: list[str], several: bool) -> Entry:
    """One hit; of each route asked for, its rank and score there (nothing where it had no place)."""
    item = hit.item
    cells: list[str | float | int | None] = [item.id, hit.score, item.memory]
    facts = documents.facts(item)
    if several:
        cells.append(hit.cube)
        facts = [", ".join([hit.cube, *hit.also_in]), *facts]
    if hit.updated_by is not None:
        facts = ["said otherwise since", *facts]
    reasons = []
    for name in routes:
        route = hit.routes.get(name)
        cells += [route.rank, route.score] if route else [None, None]
        place = f"rank {route.rank:>4}   score {route.score:.4f}" if route else "not among its hits"
        reasons.append(f"{name:<8} {place}")
    if hit.updated_by is not None:
        cells.append(hit.updated_by)
    if hit.tool is not None:
        reasons.append(_tool(hit.tool))
    if hit.signals:
        reasons.append("  ".join(f"{name} {value:+.2f}" for name, value in hit.signals.items() if value))
    return Entry(f"{hit.score:.2f}", item.memory, facts, cells, reasons)
