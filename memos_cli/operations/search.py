"""`memos search`: one question, the routes there are, one ranked answer.

Owns: which routes run, what is said when one is missing, and the cut to k hits or to a token
budget, and that a search outlives its reranker. Does not own: the routes (`retrieval/routes`), their
fusion (`retrieval/pipeline`), nor the blend with a reranker's scores (`retrieval/rerank`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

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
from memos_cli.operations import moments
from memos_cli.operations.succession import newest_first
from memos_cli.providers.requests import request_direction
from memos_cli.retrieval.asked import Asked, read
from memos_cli.retrieval.calibration import DOUBTFUL, likelihood
from memos_cli.retrieval.pipeline import Manner, Ranked, nearness, rank
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
from memos_cli.schema import (
    Filters,
    Hit,
    Kind,
    Level,
    MemoryItem,
    Mode,
    Query,
    RelationKind,
    Route,
    SearchResult,
    now,
)
from memos_cli.stores.facts import LEARNED

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.cube.cube import MemCube
    from memos_cli.providers.reranker import Reranker
    from memos_cli.session import Session
    from memos_cli.settings import Settings

_CJK = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
__all__ = ["DOUBTFUL", "PARTS", "search"]

COUNTED = 10
"""First hits that count as used; who asks for hundreds does not read them all."""

PAGE = 50
ATTEMPTS = 5


def search(session: Session, query: Query) -> SearchResult:
    """Ask a cube. Raises BadInput for an empty question, NoVectors and ProviderError when only the
    vector route was asked for and it cannot run, UnknownReranker; otherwise a missing route, a
    reranker that fails, or hits that perhaps do not bear on the question, is a note.

    Preferences that were learned stand apart from the hits, unless kinds are asked for. The first hits
    count as used.
    """
    result = answer(session, query)
    if session.settings.count_uses:
        note_uses(session.cube, result.hits)
    return result.but(notes=(*result.notes, *doubts(result.hits)))


def note_uses(cube: MemCube, hits: Sequence[Hit]) -> None:
    """Count the first hits of a search as used; where that is not possible nobody misses it."""
    if hits:
        cube.count_uses([hit.item.id for hit in hits[:COUNTED]])


def answer(session: Session, query: Query) -> SearchResult:
    """`search` without counting uses, nor a word on whether the hits bear on the question."""
    if not any(unicodedata.category(c)[0] in "LNPS" for c in query.text):
        raise BadInput(source="the question", reason="it is empty", hint="Type `memos search QUESTION`.")
    if not query.filters.kinds:
        query = query.but(filters=query.filters.but(learned=False))
    for _ in range(ATTEMPTS):
        config, revision = session.cube.config, session.cube.revision
        try:
            return _answer(session, query)
        except (EmbedderMismatch, ProjectionDamaged, TableDamaged):
            # No lock is held: another process may give the cube another embedder at any moment.
            if session.cube.config is config and session.cube.revision == revision:
                raise
    return _answer(session, query)


def note_hits(session: Session, result: SearchResult) -> None:
    """Remember what a person was shown, for `memos feedback --last`."""
    session.cube.note_shown([hit.item.id for hit in result.hits])


def doubts(hits: Sequence[Hit]) -> list[str]:
    """What there is to say where not even the best hit is likely to bear on the question."""
    best = max((hit.score for hit in hits), default=1.0)
    if best >= DOUBTFUL:
        return []
    told = min(best, DOUBTFUL - 0.01)  # .149 would be told as the .15 that it does not reach
    return [
        f"perhaps nothing here bears on the question: no score reaches {DOUBTFUL:g}, the best is {told:.2f}"
    ]


class Found(msgspec.Struct, frozen=True):
    """What the routes found for one question, before it is put in order."""

    view: View
    asked: Asked
    keyword: KeywordRoute | None
    vector: VectorRoute | None
    embedded: np.ndarray | None
    """The question's vector, shape (dimension,)."""
    languages: tuple[str, ...]
    """Those the embedder reads."""
    notes: list[str]


def routes_of(session: Session, query: Query) -> Found:
    """Read the question and ask the routes. Raises what `search` raises."""
    notes: list[str] = []
    view = session.cube.view(vectors=query.mode is not Mode.KEYWORD)
    query = query.but(filters=ordinary(view, query.filters))
    asked = read(query.text, lambda names: _speakers(view, names), query.now or now())
    embedded = _embedded(session, view, query, asked, notes)
    vector = None
    if embedded is not None:
        vector = vector_route(view, embedded, query.filters, limit=max(NEAREST, 4 * query.k))
    keyword = None
    if query.mode is not Mode.VECTOR:
        keyword = keyword_route(view, query.text, query.filters, max(DEPTH, query.k))
    languages = session.embedder.languages if vector is not None else ()
    return Found(view, asked, keyword, vector, embedded, languages, notes)


def ordinary(view: View, filters: Filters) -> Filters:
    """The filters, and where they name no level, without topics and concepts: those repeat what
    their memories say, and would take their places."""
    above = Filters(levels=(Level.CONCEPT, Level.TOPIC), statuses=filters.statuses)
    if filters.levels or not any(shard.count(above) for shard in view.keywords):
        return filters
    return filters.but(levels=(Level.FACT,))


def _answer(session: Session, query: Query) -> SearchResult:
    found = routes_of(session, query)
    within = moments.held_to(found.view, found.asked, query)
    if within is not None:
        query = query.but(filters=within)
        found = routes_of(session, query)
    wide = query.but(k=max(query.k, REREAD)) if query.rerank else query
    ranked = _ranked(found, wide)
    if within is not None and found.vector is None:
        listed = moments.of_that_time(found.view, ordinary(found.view, within), wide.k)
        ranked = Ranked(listed, [0.0] * len(listed), trace=ranked.trace)
    hits = _hits(session, found, ranked, wide)
    notes = [*found.view.notes, *found.notes]
    if within is not None and hits:
        notes.append(moments.alone(found.asked))
        hits = [hit if hit.score >= DOUBTFUL else hit.but(score=DOUBTFUL) for hit in hits]
    if not hits and query.min_score and ranked.sums:
        notes.append(
            f"nothing reaches the score {query.min_score:g}; the best has {likelihood(ranked)(0):.2f}"
        )
    shown = finished(hits, query, session.reranker, notes)
    if any(hit.item.kind is Kind.TOOL_SCHEMA for hit in shown):
        from memos_cli.operations.tools import with_uses

        shown = with_uses(session, shown)
    if found.asked.windows and within is None:
        notes += moments.later(found.view, found.asked, query, shown)
    return SearchResult(
        query=query.text,
        hits=shown,
        preferences=_preferences(session, found, query),
        notes=tuple(notes),
        trace={**ranked.trace, "revision": found.view.revision} if query.explain else {},
    )


def _ranked(found: Found, query: Query) -> Ranked:
    vector = found.vector
    if found.keyword is None:
        assert vector is not None
        cosines = list(vector.scores.values())
        nearest = nearness(max(cosines, default=0.0), vector.moments.mean, vector.total)
        return Ranked(list(vector.scores), cosines, nearest=nearest, trace={"fusion": "vector only"})
    return rank(
        found.view,
        found.asked,
        found.keyword,
        vector,
        Manner(found.languages, query.k, without=query.without),
    )


def _preferences(session: Session, found: Found, query: Query) -> tuple[Hit, ...]:
    """Learned preferences that bear on the question or concern every answer, within their budget."""
    budget = preference_budget(session.settings, query)
    view = found.view
    if not budget or query.filters.kinds or not any(shard.holds(LEARNED) for shard in view.keywords):
        return ()
    from memos_cli.operations import preferred

    filters = preferred.beside(query.filters)
    brought = preferred.candidates(view, query.text, filters, found.embedded, found.languages)
    ordinals = dict.fromkeys([*brought.ordinals, *preferred.general(view, filters)])
    items = _memories(view, ordinals, query.but(filters=filters, k=PAGE))
    hits, general = preferred.relevant(brought, items, session.ref.name)
    return tuple(preferred.fitting([*hits, *general], budget, tokens))


def preference_budget(settings: Settings, query: Query) -> int:
    """Tokens of preferences that a question asks for, else what the settings say."""
    return settings.preference_tokens if query.preferences is None else query.preferences


def _speakers(view: View, names: Iterable[str]) -> list[str]:
    """Which of `names` are labels of somebody who speaks in the cube."""
    wanted = list(names)
    return list(dict.fromkeys(name for shard in view.keywords for name in shard.speakers(wanted)))


def _embedded(
    session: Session, view: View, query: Query, asked: Asked, notes: list[str]
) -> np.ndarray | None:
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
    return vector


def _hits(session: Session, found: Found, ranked: Ranked, query: Query) -> list[Hit]:
    """At most k hits, each memory once, best first."""
    view, routes = found.view, dict[str, dict[int, float]]()
    if found.keyword is not None:
        routes |= {"keyword": found.keyword.own, **found.keyword.windows}
    if found.vector is not None:
        routes["vector"] = found.vector.scores
    ranks = {name: _Ranks(scores) for name, scores in routes.items()}
    at = {ordinal: place for place, ordinal in enumerate(ranked.ordinals)}
    likely = likelihood(ranked)
    hits: dict[str, Hit] = {}
    """By what is said, and by whom: what was stored twice is shown once."""
    together: dict[str, str] = {}
    """By memory: the key of the first hit that is it or a refined fact of it. The two count once; two
    facts of one memory say different things and are two hits."""
    seen: set[str] = set()
    for ordinal, item in _memories(view, ranked.ordinals, query):
        score = round(likely(at[ordinal]), 6)
        if score < query.min_score or len(hits) == query.k:
            break
        if item.id in seen:
            continue
        seen.add(item.id)
        words = said(item)
        if (first := hits.get(words)) is not None:
            hits[words] = first.but(copies=(*first.copies, item.id))
            continue
        if (place := together.get(item.refines or item.id)) is not None and (
            item.refines is None or hits[place].item.refines is None
        ):
            hits[place] = hits[place].but(facts=(*hits[place].facts, *([item.id] if item.refines else [])))
            continue
        together.setdefault(item.refines or item.id, words)
        places = {
            name: Route(rank=ranks[name].of(ordinal), score=round(scores[ordinal], 6))
            for name, scores in routes.items()
            if ordinal in scores
        }
        signals = ranked.signals(at[ordinal]) if query.explain else {}
        hits[words] = Hit(
            item=item,
            score=score,
            cube=session.ref.name,
            routes=places,
            signals={name: round(value, 4) for name, value in signals.items()},
        )
    return list(hits.values())


class _Ranks:
    """Places in a list, which is counted only as far as somebody asks."""

    def __init__(self, scores: Iterable[int]) -> None:
        self._rest = enumerate(scores, 1)
        self._known: dict[int, int] = {}

    def of(self, ordinal: int) -> int:
        """The place of what is in the list, the first being 1."""
        while ordinal not in self._known:
            place, met = next(self._rest)
            self._known[met] = place
        return self._known[ordinal]


def said(item: MemoryItem) -> str:
    """The same for memories that say the same in the same words, by the same speaker."""
    return f"{item.content_hash or item.id} {item.speaker}"


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
    and only while the memory itself is visible today (archived ones stay hidden, but for facts that a
    later fact has ended since)."""
    for ordinal, item in shown:
        current = _current(view, item.id)
        if (
            current is None
            or asked.known_at is not None
            or (current.status in asked.statuses and not _superseded(item, current, asked))
            or _ended_later(current, asked)
        ):
            yield ordinal, item


def _superseded(item: MemoryItem, current: MemoryItem, asked: Filters) -> bool:
    as_of = asked.as_of
    if item.row == current.row or as_of is None:
        return False
    began = current.valid_from
    return (began is None or began <= as_of) and (current.valid_to is None or current.valid_to > as_of)


def _ended_later(current: MemoryItem, asked: Filters) -> bool:
    """Whether a fact that is over was still true then."""
    if current.valid_to is None or asked.as_of is None or asked.as_of >= current.valid_to:
        return False
    return any(relation.kind == RelationKind.UPDATED_BY for relation in current.relations)


def _current(view: View, id: str) -> MemoryItem | None:
    for shard in reversed(view.keywords):
        if found := shard.current([id]).get(id):
            return found[1]
    return None


def finished(
    hits: Sequence[Hit], query: Query, load: Callable[[str], Reranker], notes: list[str]
) -> tuple[Hit, ...]:
    """The last steps, on the hits of one cube or on those of several together: reranked by what
    `load` gives, what holds now before what it updates, cut to k and to the token budget.

    Raises UnknownReranker."""
    if query.rerank:
        hits = _reranked(load, query, list(hits), notes)
    hits = newest_first(hits, query.text)
    kept = packed(hits[: query.k], query.max_tokens)
    if hits and not kept:
        needed = [tokens(hit.item.memory) for hit in hits[: query.k]]
        notes.append(
            f"no hit fits into {query.max_tokens} tokens: the first alone needs {needed[0]}"
            + (f", the shortest {min(needed)}" if min(needed) < needed[0] else "")
        )
    return tuple(kept)


def _reranked(load: Callable[[str], Reranker], query: Query, hits: list[Hit], notes: list[str]) -> list[Hit]:
    """Hits in the order that the reranker gives them; as they are, with a note, when it fails.

    Raises UnknownReranker: a name that is none is the user's mistake, and told as one.
    """
    try:
        model = load(query.rerank or "")
        judged = model.score(query.text, [hit.item.memory for hit in hits[:REREAD]])
    except ProviderError as error:
        said = error.message.rstrip(".")
        notes.append(
            f"the reranker did not answer: {said}; the order is that of the search. {error.next_step}".strip()
        )
        return hits
    return reranked(hits, judged)


def packed(hits: Sequence[Hit], max_tokens: int | None) -> list[Hit]:
    """The hits that fit into a budget of tokens, in the order in which they are read.

    They are taken best first; one that does not fit is passed over. What comes from one session or
    document then stands together, where its best hit stood, in its own order.
    """
    if max_tokens is None:
        return list(hits)
    kept: list[Hit] = []
    left = max_tokens
    for hit in hits:
        if (cost := tokens(hit.item.memory)) <= left:
            left -= cost
            kept.append(hit)
    first: dict[str, int] = {}
    for place, hit in enumerate(kept):
        first.setdefault(_source(hit), place)
    return sorted(kept, key=lambda hit: (first[_source(hit)], hit.item.position or 0))


def _source(hit: Hit) -> str:
    """What a hit is a part of: its session, its document, else itself."""
    item = hit.item
    path = next((s.path or s.url for s in item.sources if s.path or s.url), None)
    part_of = item.session_id or (path if item.position is not None else None)
    return f"{hit.cube}\0{item.user_id}\0{part_of}" if part_of else item.id


def tokens(text: str) -> int:
    """About how many tokens a language model sees in a text: one per CJK character, else one per
    four characters; at least one."""
    wide = len(re.findall(_CJK, text))
    return max(1, wide + (len(text) - wide + 3) // 4)
