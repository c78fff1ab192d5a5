"""Running a benchmark: every corpus through `memos add`, every question through `memos search`.

Owns: the temporary cubes, which searches a question takes, what is timed. Does not own: formats
(`loaders`), measures (`metrics`), or how figures are shown (`report`).

A question is searched as a user would, for as many hits as the largest k, and that search alone is
timed, embedding included. A longer list follows, for MRR and for the curves, and one search for each
token budget; they use the vector and the reranker's scores that the first one made.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_cli.evaluation.corpus import Benchmark, Corpus, Question
from memos_cli.evaluation.metrics import Answer, ranking
from memos_cli.evaluation.vectors import Cache, EvaluationSession, Remembering, RememberingReranker
from memos_cli.operations.add import add
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.search import doubts, search, tokens
from memos_cli.schema import Depth, Hit, Mode, Query, Reading
from memos_cli.session import make_cube, open_session

if TYPE_CHECKING:
    from memos_cli.schema import AddResult

Progress = Callable[[str, int, "int | None"], None]

KS = (5, 10, 20)
BUDGETS = (500, 1000, 2000, 4000)
LONG_LIST = 100
"""Evidence further down adds less than 0.01 to a question's reciprocal rank and is not looked for."""

SHORTEST = 10
"""Tokens of a memory below which a budget is not filled: a search for N tokens asks for N / 10 hits."""

JUDGED = 10
"""First hits whose scores are compared with what they are worth."""


FIRST = 5
"""Hits that are kept with a question, to see what stood in the evidence's place."""


@dataclass(frozen=True)
class Variant:
    """One way to search: a mode, the parts of the recall pipeline that are switched off, a reranker."""

    name: str
    mode: Mode
    without: frozenset[str] = frozenset()
    rerank: str | None = None


@dataclass(frozen=True)
class Options:
    """How to run. The first variant is the one reported; only it is asked for token budgets."""

    variants: tuple[Variant, ...]
    ks: tuple[int, ...] = KS
    embedder: str | None = None
    limit: int | None = None
    """Questions at most, from the first corpus on."""
    cache: Path | None = None
    judge: bool | None = None
    """Whether what is added closes what it contradicts; None: as the settings say."""
    reading: Reading = Reading.FAST
    tree: bool = False
    """Whether each cube is sorted into topics and concepts (`memos reorganize`) before it is asked."""

    @property
    def embeds(self) -> bool:
        return any(variant.mode is not Mode.KEYWORD for variant in self.variants)


@dataclass
class Storing:
    """What adding came to, over all corpora."""

    added: int = 0
    known: int = 0
    skipped: int = 0
    updated: int = 0
    facts: int = 0
    """Drawn by a language model (`--read fine`)."""
    reused: int = 0
    placed: int = 0
    """Memories that the tree has a place for (`--tree`)."""
    seconds: float = 0.0
    cpu: float = 0.0

    def count(self, result: AddResult, seconds: float, cpu: float) -> None:
        self.added += len(result.added)
        self.known += len(result.known)
        self.skipped += len(result.skipped)
        self.updated += len(result.updated)
        self.facts += len(result.facts)
        self.seconds += seconds
        self.cpu += cpu


@dataclass
class Run:
    """Everything a run found: the answers of each variant, by its name, in the order of asking."""

    benchmark: Benchmark
    options: Options
    embedder: str | None = None
    storing: Storing = field(default_factory=Storing)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    elsewhere: list[tuple[float, ...]] = field(default_factory=list)
    """The first hits' scores of each question that was asked of a cube it is not about."""

    @property
    def main(self) -> list[Answer]:
        return self.answers[self.options.variants[0].name]


def evaluate(
    benchmark: Benchmark,
    settings: Any,
    place: Callable[[str], Any],
    options: Options,
    progress: Progress | None = None,
) -> Run:
    """Put each corpus into a cube of its own under a temporary folder, ask, and throw it away.

    `place` gives the reference (`location.CubeRef`) of the cube at a path. Raises what `add` and
    `search` raise, and UnknownReranker and RerankerUnavailable where a variant has a reranker; the folder
    is removed however the run ends.
    """
    run = Run(benchmark, options, notes=list(benchmark.notes))
    corpora = _limited(benchmark.corpora, options.limit)
    total = sum(len(corpus.questions) for corpus in corpora) * len(options.variants)
    asked = _Counter(progress, total)
    with tempfile.TemporaryDirectory(prefix="memos-eval-") as folder:
        cubes = Cubes(Path(folder), settings, place, options)
        for corpus, stranger in zip(corpora, [*corpora[1:], *corpora[:1]], strict=True):
            with cubes.fresh() as session:
                store(session, corpus, run.storing, progress, options)
                if options.tree:
                    run.storing.placed += reorganize(session).counts.get("placed", 0)
                _warm(session, corpus, options)
                for variant in options.variants:
                    for question in corpus.questions:
                        answer = _ask(session, corpus, question, variant, run)
                        run.answers.setdefault(variant.name, []).append(answer)
                        asked.tick()
                if stranger is not corpus:
                    run.elsewhere += _elsewhere(session, stranger, options.variants[0])
        run.embedder = cubes.embedder
        run.storing.reused = cubes.shared.reused if cubes.shared else 0
    return run


def _limited(corpora: Sequence[Corpus], limit: int | None) -> list[Corpus]:
    """Corpora with questions, cut after `limit` questions in all."""
    kept: list[Corpus] = []
    left = limit
    for corpus in corpora:
        if corpus.questions and left != 0:
            kept.append(corpus if left is None else replace(corpus, questions=corpus.questions[:left]))
            left = None if left is None else left - len(kept[-1].questions)
    return kept


class _Counter:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def tick(self) -> None:
        self._done += 1
        if self._progress:
            self._progress("asking", self._done, self._total)


class Cubes:
    """Empty cubes, one after the other: copies of one, so that the model is loaded once."""

    def __init__(self, folder: Path, settings: Any, place: Callable[[str], Any], options: Options) -> None:
        self._settings, self._place = settings, place
        self._folder, self._template = folder, folder / "template"
        depth = Depth.GENERAL if options.embeds else Depth.NAIVE
        if options.tree:
            depth = Depth.TREE
        make_cube(place(str(self._template)), settings, depth=depth, embedder=options.embedder)
        self.shared: Remembering | None = None
        self.rerankers: dict[str, RememberingReranker] = {}
        self.embedder: str | None = None
        with open_session(place(str(self._template)), settings) as session:
            if (info := session.cube.config.embedder) is not None:
                self.embedder = info.name
                cache = None if options.cache is None else Cache(options.cache, info)
                self.shared = Remembering(session.embedder, cache)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[EvaluationSession]:
        path = self._folder / "cube"
        shutil.copytree(self._template, path)
        try:
            with open_session(self._place(str(path)), self._settings, write=True) as opened:
                session = EvaluationSession(opened.ref, opened.cube, opened.settings)
                session.shared = self.shared
                session.rerankers = self.rerankers
                yield session
        finally:
            shutil.rmtree(path)


def store(
    session: EvaluationSession,
    corpus: Corpus,
    storing: Storing,
    progress: Progress | None,
    options: Options,
) -> None:
    """Add a corpus; times of saying are the benchmark's, so future ones are taken as they are."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = add(
        session,
        corpus.drafts,
        allow_future=True,
        judge=options.judge,
        reading=options.reading,
        progress=progress,
    )
    storing.count(result, time.perf_counter() - wall, time.process_time() - cpu)


def _warm(session: EvaluationSession, corpus: Corpus, options: Options) -> None:
    """Open what a first search opens, so that the questions' times are those of a running service."""
    for mode in dict.fromkeys(variant.mode for variant in options.variants):
        search(session, Query(text=corpus.drafts[0].memory, k=1, mode=mode))
    for variant in options.variants:
        if variant.rerank:  # one that cannot be used ends the run here, where a search would go without it
            session.reranker(variant.rerank)


def _ask(
    session: EvaluationSession, corpus: Corpus, question: Question, variant: Variant, run: Run
) -> Answer:
    k = max(run.options.ks)
    if session.shared:
        session.shared.forget()
    for reranker in session.rerankers.values():
        reranker.forget()
    query = Query(
        text=question.text,
        k=k,
        mode=variant.mode,
        now=question.now,
        without=variant.without,
        rerank=variant.rerank,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    result = search(session, query)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    known = [*run.notes, *doubts(result.hits)]
    run.notes += [note for note in result.notes if note not in known]
    shown = list(result.hits)
    listed = _lengthened(session, query, shown) if k < LONG_LIST else shown
    first = variant is run.options.variants[0]
    return Answer(
        id=f"{corpus.name}/{question.id}",
        category=question.category,
        text=question.text,
        unit=ranking([_stands_for(hit) for hit in listed], question.gold),
        session=ranking(_sessions(listed), dict.fromkeys(question.sessions, 1.0)),
        apart=question.apart,
        answerable=question.answerable,
        seconds=wall,
        cpu=cpu,
        top=shown[0].score if shown else 0.0,
        tokens=_running(tokens(hit.item.memory) for hit in shown),
        within=_within(session, query, question, k) if first and question.gold else {},
        first=tuple((tuple(sorted(_stands_for(hit))), hit.item.memory) for hit in shown[:FIRST]),
        scored=tuple((h.score, not _stands_for(h).isdisjoint(question.gold)) for h in shown[:JUDGED]),
    )


def _elsewhere(session: EvaluationSession, corpus: Corpus, variant: Variant) -> Iterator[tuple[float, ...]]:
    """The scores that the questions of another corpus get here, where nothing is about them."""
    for question in corpus.questions:
        if question.answerable:
            query = Query(
                text=question.text, k=JUDGED, mode=variant.mode, now=question.now, without=variant.without
            )
            yield tuple(hit.score for hit in search(session, query).hits)


def _lengthened(session: EvaluationSession, query: Query, shown: list[Hit]) -> list[Hit]:
    """The hits that are shown, then what a longer list has besides."""
    seen = {hit.item.id for hit in shown}
    longer = search(session, query.but(k=LONG_LIST)).hits
    return [*shown, *(hit for hit in longer if hit.item.id not in seen)]


def _within(session: EvaluationSession, query: Query, question: Question, k: int) -> dict[int, float]:
    """Recall of the evidence among what a search with each token budget returns."""
    recalls = {}
    for budget in BUDGETS:
        asked = query.but(k=max(k, budget // SHORTEST), max_tokens=budget)
        found = {id for hit in search(session, asked).hits for id in _stands_for(hit)}
        recalls[budget] = len(found & question.gold.keys()) / len(question.gold)
    return recalls


def _stands_for(hit: Hit) -> set[str]:
    """The benchmark's ids that a memory carries: more than one where drafts fell together."""
    return {source.message_id for source in hit.item.sources if source.message_id}


def _sessions(hits: Sequence[Hit]) -> list[set[str]]:
    """The sessions of the hits, each at its best hit."""
    return [{name} for name in dict.fromkeys(hit.item.session_id for hit in hits) if name]


def _running(counts: Iterator[int]) -> tuple[int, ...]:
    total, sums = 0, []
    for count in counts:
        total += count
        sums.append(total)
    return tuple(sums)
