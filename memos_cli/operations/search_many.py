"""`memos search -c A -c B`: one question to several cubes, one ranked answer.

Owns: asking each cube, merging their hits by score, and what is said of a cube that cannot
answer. Does not own: what one cube answers (`operations/search`), nor which directories are
meant (`location`).

Cubes are open one at a time, so memory holds the largest of them and not their sum. One that
fails stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from memos_cli.errors import MemosError, UsageError
from memos_cli.location import distinct
from memos_cli.operations.search import answer, doubts, finished, note_uses, preference_budget, said, tokens
from memos_cli.retrieval.rerank import DEPTH as REREAD
from memos_cli.schema import FailedCube, Failure, Hit, Query, SearchResult
from memos_cli.session import open_session

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.cube.cube import MemCube
    from memos_cli.location import CubeRef
    from memos_cli.providers.embedder import Embedder
    from memos_cli.providers.reranker import Reranker
    from memos_cli.schema import EmbedderInfo
    from memos_cli.settings import Settings

Report = Callable[[FailedCube], None]

K = TypeVar("K")
V = TypeVar("V")


def search_many(
    refs: Sequence[CubeRef], settings: Settings, query: Query, report: Report | None = None
) -> SearchResult:
    """Ask several cubes; the best `query.k` hits of all, by score, ties in the order of the cubes.

    A cube named twice is asked once. A memory that several cubes found, under one id or in the same
    words of the same speaker, is returned once, from the cube that scores it highest. The reranker and `max_tokens` see the merged list.
    Cubes that fail are in `failed` of the answer, and `report` hears of each when it fails.

    Raises UsageError when no cube is named, the first cube's error when none of them answered,
    UnknownReranker.
    """
    models = _Models(settings)
    asked = _for_each(query)
    answers: dict[str, SearchResult] = {}
    cubes: dict[str, MemCube] = {}
    failed: list[FailedCube] = []
    first: MemosError | None = None
    for ref in distinct(refs):
        try:
            with open_session(ref, settings, load=models.load) as session:
                answers[ref.name], cubes[ref.name] = answer(session, asked), session.cube
        except MemosError as error:
            first = first or error
            failed.append(_failed(ref, error))
            if report is not None:
                report(failed[-1])
    if not answers:
        raise first or UsageError(detail="No cube is named.", hint="Name one or more.")
    notes = [f"{name}: {note}" for name, one in answers.items() for note in one.notes]
    hits = finished(
        _merged([hit for one in answers.values() for hit in one.hits]), query, models.reranker, notes
    )
    if settings.count_uses:
        for name, cube in cubes.items():
            note_uses(cube, [hit for hit in hits if hit.cube == name])
    return SearchResult(
        query=query.text,
        hits=hits,
        preferences=_preferences(answers.values(), preference_budget(settings, query)),
        notes=(*notes, *doubts(hits)),
        trace={name: one.trace for name, one in answers.items() if one.trace},
        failed=tuple(failed),
    )


def _for_each(query: Query) -> Query:
    """What each cube is asked: what comes after merging is left out, and the reranker gets its fill."""
    k = max(query.k, REREAD) if query.rerank else query.k
    return query.but(k=k, rerank=None, max_tokens=None)


def _failed(ref: CubeRef, error: MemosError) -> FailedCube:
    told = Failure(code=error.code, message=error.message, hint=error.next_step)
    return FailedCube(cube=ref.name, error=told)


def _merged(hits: Sequence[Hit]) -> list[Hit]:
    """Hits of several cubes, given in the cubes' order, best first; each memory and each text once."""
    cubes = list(dict.fromkeys(hit.cube for hit in hits))
    groups: list[list[Hit]] = []
    known: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=lambda h: -h.score):
        names = (hit.item.id, said(hit.item))
        group = next((known[name] for name in names if name in known), None)
        if group is None:
            groups.append(group := [])
        group.append(hit)
        for name in names:
            known.setdefault(name, group)
    return [_as_one(group, cubes) for group in groups]


def _as_one(group: Sequence[Hit], cubes: Sequence[str]) -> Hit:
    """The first of hits that are the same memory or say the same, with what the others add to it."""
    first, others = group[0], {hit.cube for hit in group[1:]} - {group[0].cube}
    ids = dict.fromkeys(id for hit in group for id in (hit.item.id, *hit.copies))
    return first.but(
        also_in=tuple(cube for cube in cubes if cube in others),
        copies=tuple(id for id in ids if id != first.item.id),
    )


def _preferences(answers: Iterable[SearchResult], budget: int) -> tuple[Hit, ...]:
    """Those of all cubes, the most relevant first, within one budget."""
    merged = _merged([hit for one in answers for hit in one.preferences])
    if not merged:
        return ()
    from memos_cli.operations.preferred import fitting

    return tuple(fitting(merged, budget, tokens))


class _Models:
    """The models of one question. Embedders are loaded once, each fingerprint is compared once, and one
    that failed is not tried again for the next cube, whose wait for a dead server would be as long."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, _Remembering | MemosError] = {}
        self._compared: dict[EmbedderInfo, Embedder | MemosError] = {}

    def load(self, info: EmbedderInfo) -> Embedder:
        """Raises what `Session.embedder` raises."""
        return _once(self._compared, info, self._compare)

    def reranker(self, name: str) -> Reranker:
        """Raises UnknownReranker, RerankerUnavailable."""
        from memos_cli.providers.reranker import resolve

        return resolve(name, settings=self._settings)

    def _compare(self, info: EmbedderInfo) -> Embedder:
        from memos_cli.providers.embedder import verify

        embedder = cast("Embedder", _once(self._loaded, info.name, self._resolve))
        verify(embedder, info)
        return embedder

    def _resolve(self, name: str) -> _Remembering:
        from memos_cli.providers.embedder import resolve

        return _Remembering(resolve(name, settings=self._settings))


class _Remembering:
    """An embedder that knows the questions it has embedded; in all else the one it was made from."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, np.ndarray | MemosError] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_query(self, text: str) -> np.ndarray:
        return _once(self._known, text, self._embedder.embed_query)


def _once(memo: dict[K, V | MemosError], key: K, make: Callable[[K], V]) -> V:
    """What `make` gave for the key the first time, or the error that it raised."""
    if key not in memo:
        try:
            memo[key] = make(key)
        except MemosError as error:
            memo[key] = error
    found = memo[key]
    if isinstance(found, MemosError):
        raise found
    return found
