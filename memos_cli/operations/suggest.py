"""`memos suggest`: questions worth asking of a cube, each of which finds what it is about.

Owns: which of the open ends are asked, and the proof: every question goes through the search, and one
that does not bring its memories among the first hits is not suggested. Does not own: what there is to
ask (`openends`), what was said of it since (`aftermath`), better words by a language model (`phrasing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from memos_cli.errors import NoLLM
from memos_cli.operations.aftermath import followed, standing
from memos_cli.operations.insights import IN_USE, insights
from memos_cli.operations.openends import Open, Sort, open_ends
from memos_cli.operations.outline import outlines
from memos_cli.operations.phrasing import phrased
from memos_cli.operations.search import answer
from memos_cli.schema import Hit, Query, Value, now

if TYPE_CHECKING:
    from memos_cli.session import Session

FOUND = 10
"""Hits among which a question's memories must be."""
TRIED = 4
"""Questions that are tried for each that is wanted; a large cube has thousands."""


class Suggestion(Value, frozen=True, kw_only=True):
    """A question, why it is worth asking, and the ids of memories that it is about and finds."""

    question: str
    sort: Sort
    reason: str
    evidence: tuple[str, ...]
    phrased_by: str = "template"
    """`template`, or the language model's name."""


class SuggestResult(Value, frozen=True, kw_only=True):
    suggestions: tuple[Suggestion, ...]
    tried: int = 0
    """Questions that were put to the search."""
    tokens: int = 0
    notes: tuple[str, ...] = ()


def suggest(
    session: Session, *, k: int = 8, at: datetime | None = None, phrase: bool = False
) -> SuggestResult:
    """At most `k` questions, of every sort some, the most urgent first. `at`: the moment that plans are
    compared with (default: now). With `phrase` the language model words them.

    Raises NoLLM, UnknownLLM, LLMUnavailable only with `phrase`, and what searching raises.
    """
    if phrase and session.llm is None:
        raise NoLLM(verb="suggest --phrase")
    at = at or now()
    found = open_ends(outlines(session.cube, vectors=False).values(), insights(session, IN_USE), at)
    chosen: list[tuple[Open, Suggestion]] = []
    tried = 0
    for one in _in_turn(found):
        if len(chosen) == k or tried == TRIED * k:
            break
        if any(set(one.evidence) == set(other.evidence) for other, _ in chosen):
            continue  # the same matter, as a question of another sort
        tried += 1
        if one.plan is not None and followed(session, one.plan):
            continue
        if evidence := proof(session, one.question, one, at):
            if one.name is not None:
                one = one.standing_in(standing(session, one.name, one.owner))
            made = Suggestion(question=one.question, sort=one.sort, reason=one.reason, evidence=evidence)
            chosen.append((one, made))
    notes: list[str] = []
    tokens = 0
    if phrase and chosen and (llm := session.llm):
        used = llm.meter.used.tokens
        chosen = [
            (one, made if words is None else made.but(question=words, phrased_by=llm.name, evidence=evidence))
            for (one, made), (words, evidence) in zip(
                chosen, _better(session, chosen, at, notes), strict=True
            )
        ]
        tokens = llm.meter.used.tokens - used
    order = list(Sort)
    suggestions = sorted((made for _, made in chosen), key=lambda made: order.index(made.sort))
    return SuggestResult(suggestions=tuple(suggestions), tried=tried, tokens=tokens, notes=tuple(notes))


def _in_turn(found: Sequence[Open]) -> Iterator[Open]:
    """One of each sort, then the second of each: no sort takes all the room."""
    by_sort: dict[Sort, list[Open]] = {}
    for one in found:
        by_sort.setdefault(one.sort, []).append(one)
    for place in range(max(map(len, by_sort.values()), default=0)):
        yield from (ones[place] for ones in by_sort.values() if place < len(ones))


def proof(session: Session, question: str, one: Open, at: datetime) -> tuple[str, ...]:
    """The memories of `one` that the question brings among the first hits; none where it brings too few."""
    found = answer(session, Query(text=question, k=FOUND, now=at))
    there = {id for hit in (*found.hits, *found.preferences) for id in _ids(hit)}
    evidence = tuple(id for id in one.evidence if id in there)
    return evidence if len(evidence) >= one.needed else ()


def _ids(hit: Hit) -> Iterator[str]:
    """The memory of a hit, and those that it stands for."""
    yield hit.item.id
    yield from hit.copies
    yield from hit.facts
    yield from hit.item.rests_on


def _better(
    session: Session, chosen: Sequence[tuple[Open, Suggestion]], at: datetime, notes: list[str]
) -> list[tuple[str | None, tuple[str, ...]]]:
    """Of each question better words that find the same memories, or none."""
    assert session.llm is not None
    wanted = list(dict.fromkeys(id for _, made in chosen for id in made.evidence))
    texts: dict[str, str] = {}
    for shard in session.cube.view(vectors=False).keywords:
        texts |= {id: item.memory for id, (_, item) in shard.current(wanted).items()}
    asked = [(made.question, [texts[id] for id in made.evidence if id in texts]) for _, made in chosen]
    language = chosen[0][0].language
    found: list[tuple[str | None, tuple[str, ...]]] = []
    for (one, made), words in zip(chosen, phrased(session.llm, asked, language, notes), strict=True):
        evidence = proof(session, words, one, at) if words else ()
        found.append((words, evidence) if evidence else (None, made.evidence))
    return found
