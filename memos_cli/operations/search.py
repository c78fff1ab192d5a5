"""`memos search`: one question, the routes there are, one ranked answer.

Owns: which routes run, what is said when one is missing, and the cut to k hits or to a token
budget, and that a search outlives its reranker. Does not own: the routes (`retrieval/routes`), their
fusion (`retrieval/pipeline`), nor the blend with a reranker's scores (`retrieval/rerank`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from memos_cli.cube.cube import View
from memos_cli.errors import (
    BadInput,
    EmbedderMismatch,
    NoVectors,
    ProjectionDamaged,
    ProviderError,
    TableDamaged,
    UnknownEmbedder,
)
from memos_cli.providers.requests import request_direction
from memos_cli.retrieval.asked import Asked, read
from memos_cli.retrieval.calibration import likely
from memos_cli.retrieval.pipeline import Ranked, rank
from memos_cli.retrieval.rerank import DEPTH as REREAD
from memos_cli.retrieval.rerank import reranked
from memos_cli.retrieval.routes import (
    DEPTH,
    NEAREST,
    KeywordRoute,
    VectorRoute,
    keyword_route,
    vector_route,
)
from memos_cli.retrieval.weights import DEFAULT, PARTS
from memos_cli.schema import Filters, Hit, MemoryItem, Mode, Query, Route, SearchResult

if TYPE_CHECKING:
    from memos_cli.providers.reranker import Reranker
    from memos_cli.session import Session

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
__all__ = ["PARTS", "search"]

PAGE = 50
ATTEMPTS = 5


def search(session: Session, query: Query) -> SearchResult:
    """Ask a cube. Raises BadInput for an empty question, NoVectors and ProviderError when only the
    vector route was asked for and it cannot run, UnknownReranker; otherwise a missing route, or a
    reranker that fails, is a note."""
    if not query.text.strip():
        raise BadInput(source="the question", reason="it is empty", hint="Type `memos search QUESTION`.")
    for _ in range(ATTEMPTS):
        config, revision = session.cube.config, session.cube.revision
        try:
            return _answer(session, query)
        except (EmbedderMismatch, ProjectionDamaged, TableDamaged):
            # No lock is held: another process may give the cube another embedder at any moment.
            if session.cube.config is config and session.cube.revision == revision:
                raise
    return _answer(session, query)


def _answer(session: Session, query: Query) -> SearchResult:
    notes: list[str] = []
    view = session.cube.view(vectors=query.mode is not Mode.KEYWORD)
    asked = read(query.text, lambda names: _speakers(view, names))
    vector = _vector(session, view, query, asked, notes)
    keyword = None
    if query.mode is not Mode.VECTOR:
        keyword = keyword_route(view, query.text, query.filters, max(DEPTH, query.k))
    wide = query.model_copy(update={"k": max(query.k, REREAD)}) if query.rerank else query
    ranked = _ranked(session, view, asked, keyword, vector, wide)
    hits = _hits(session, view, ranked, keyword, vector, wide)
    return SearchResult(
        query=query.text,
        hits=finished(hits, query, session.reranker, notes),
        notes=(*view.notes, *notes),
        trace={**ranked.trace, "revision": view.revision} if query.explain else {},
    )


def _ranked(
    session: Session,
    view: View,
    asked: Asked,
    keyword: KeywordRoute | None,
    vector: VectorRoute | None,
    query: Query,
) -> Ranked:
    if keyword is None:
        assert vector is not None
        return Ranked(list(vector.scores), list(vector.scores.values()), trace={"fusion": "vector only"})
    languages = session.embedder.languages if vector is not None else ()
    return rank(view, asked, keyword, vector, languages=languages, k=query.k, without=query.without)


def _speakers(view: View, names: Iterable[str]) -> list[str]:
    """Which of `names` are labels of somebody who speaks in the cube."""
    wanted = list(names)
    return list(dict.fromkeys(name for shard in view.keywords for name in shard.speakers(wanted)))


def _vector(session: Session, view: View, query: Query, asked: Asked, notes: list[str]) -> VectorRoute | None:
    if query.mode is Mode.KEYWORD:
        return None
    if not view.vectors:
        if query.mode is Mode.VECTOR:
            raise NoVectors(verb="search --mode vector")
        notes.append(
            "this cube keeps no vectors: only the keyword route answered; "
            "`memos deepen --text general_text` gives it vectors"
        )
        return None
    try:
        vector = session.embedder.embed_query(query.text if "names" in query.without else asked.dense)
        if asked.request and "requests" not in query.without:
            vector = vector - DEFAULT.request_direction * request_direction(session.embedder)
    except (ProviderError, EmbedderMismatch, UnknownEmbedder) as error:
        if query.mode is Mode.VECTOR:
            raise
        notes.append(f"the vector route is missing: {error.message} {error.next_step}".strip())
        return None
    return vector_route(view, vector, query.filters, limit=max(NEAREST, 4 * query.k))


def _hits(
    session: Session,
    view: View,
    ranked: Ranked,
    keyword: KeywordRoute | None,
    vector: VectorRoute | None,
    query: Query,
) -> Iterator[Hit]:
    """At most k hits, each memory once."""
    routes: dict[str, dict[int, float]] = {}
    if keyword is not None:
        routes = {"keyword": keyword.own, **keyword.windows}
    if vector is not None:
        routes["vector"] = vector.scores
    ranks = {name: {o: r for r, o in enumerate(scores, 1)} for name, scores in routes.items()}
    at = {ordinal: place for place, ordinal in enumerate(ranked.ordinals)}
    seen: set[str] = set()
    for ordinal, item in _memories(view, ranked.ordinals, query):
        if item.id in seen:
            continue
        seen.add(item.id)
        places = {
            name: Route(rank=places[ordinal], score=round(routes[name][ordinal], 6))
            for name, places in ranks.items()
            if ordinal in places
        }
        signals = ranked.signals(at[ordinal]) if query.explain else {}
        yield Hit(
            item=item,
            score=round(likely(ranked, at[ordinal]), 6),
            cube=session.ref.name,
            routes=places,
            signals={name: round(value, 4) for name, value in signals.items()},
        )
        if len(seen) == query.k:
            return


def _memories(view: View, ordinals: Iterable[int], query: Query) -> Iterator[tuple[int, MemoryItem]]:
    """The memories behind ordinals, in their order, read a page at a time."""
    waiting = list(ordinals)
    # Mostly the first k are the hits: versions of one memory and purged ones are what else there is.
    size = min(PAGE, query.k + 2)
    for start in range(0, len(waiting), size):
        page = waiting[start : start + size]
        found: dict[int, MemoryItem] = {}
        for place, shard in enumerate(view.keywords):
            stale = view.hidden if place == 0 and len(view.keywords) > 1 else frozenset()
            found.update(shard.items([o for o in page if o not in stale]))
        shown = [(o, found[o]) for o in page if o in found and found[o].id not in view.gone]
        yield from latest(view, shown, query.filters) if query.filters.as_of else shown


def latest(
    view: View, shown: Iterable[tuple[int, MemoryItem]], asked: Filters
) -> Iterator[tuple[int, MemoryItem]]:
    """For `--as-of`: of versions whose validity covers the instant, only the last one known counts,
    and only while the memory itself is visible today (archived ones stay hidden)."""
    for ordinal, item in shown:
        current = _current(view, item.id)
        if (
            current is None
            or asked.known_at is not None
            or (current.status in asked.statuses and not _superseded(item, current, asked))
        ):
            yield ordinal, item


def _superseded(item: MemoryItem, current: MemoryItem, asked: Filters) -> bool:
    as_of = asked.as_of
    if item.row == current.row or as_of is None:
        return False
    began = current.valid_from
    return (began is None or began <= as_of) and (current.valid_to is None or current.valid_to > as_of)


def _current(view: View, id: str) -> MemoryItem | None:
    for shard in reversed(view.keywords):
        if found := shard.current([id]).get(id):
            return found[1]
    return None


def finished(
    hits: Iterable[Hit], query: Query, load: Callable[[str], Reranker], notes: list[str]
) -> tuple[Hit, ...]:
    """The last steps, on the hits of one cube or on those of several together: reranked by what
    `load` gives, cut to k and to the token budget. Raises UnknownReranker."""
    if query.rerank:
        hits = _reranked(load, query, list(hits), notes)
    return tuple(_budget(islice(hits, query.k), query))


def _reranked(load: Callable[[str], Reranker], query: Query, hits: list[Hit], notes: list[str]) -> list[Hit]:
    """Hits in the order that the reranker gives them; as they are, with a note, when it fails.

    Raises UnknownReranker: a name that is none is the user's mistake, and told as one.
    """
    try:
        model = load(query.rerank or "")
        scores = model.score(query.text, [hit.item.memory for hit in hits[:REREAD]])
    except ProviderError as error:
        said = error.message.rstrip(".")
        notes.append(
            f"the reranker did not answer: {said}; the order is that of the search. {error.next_step}".strip()
        )
        return hits
    return reranked(hits, scores)


def _budget(hits: Iterable[Hit], query: Query) -> Iterator[Hit]:
    """Hits in order while they fit into `max_tokens`; one that does not fit is passed over."""
    left = query.max_tokens
    for hit in hits:
        if left is None:
            yield hit
        elif (cost := tokens(hit.item.memory)) <= left:
            left -= cost
            yield hit


def tokens(text: str) -> int:
    """About how many tokens a language model sees in a text: one per CJK character, else one per
    four characters; at least one."""
    wide = len(_CJK.findall(text))
    return max(1, wide + (len(text) - wide + 3) // 4)
