"""The verbs that ask a language model, over the example's conversations, with any model: see `try_llm.py`.

Owns: what has to hold however much nonsense a model says. Nothing is lost: every turn and note is there,
word for word, under its id, and what was not refined waits. Nothing is believed without evidence: names
and numbers of what was drawn stand in the words it was drawn from. Nothing breaks: no error leaves a
verb, undo takes a change back, and the cube passes its check.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from memos_cli.cube.check import check
from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.operations.browse import EVERYTHING, get
from memos_cli.operations.edit import undo
from memos_cli.operations.feedback import feedback
from memos_cli.operations.refine import RefineResult, refine
from memos_cli.operations.reflect import reflect
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.waiting import count_waiting
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import AddResult, Draft, Filters, Level, MemoryItem, Origin, Reading, Status
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

EXAMPLE = Path(__file__).resolve().parent.parent / "cubes-example" / "sources"
NOTES = (
    "Mira keeps the spare key under the blue pot.",
    "Mira keeps the spare key in the shed now.",
    "The spare key of Mira hangs in the shed.",
    "Jonas takes the seedlings to the market on Saturdays.",
    "Jonas gave up the market stall and sells at the door.",
    "宁在阳台上种了三盆番茄。",
    "宁把番茄送给邻居了。",
)
"""Notes on few matters, of which the rules say little, so that a model is asked what they are to each other."""
REMARKS = (
    "The spare key is in the green box, not in the shed.",
    "That was not quite what I meant about the market.",
)
LONG = 60.0
"""Seconds of `reorganize`, which asks a model for names and summaries until then."""
_CALENDAR = frozenset((*map(str.casefold, (*calendar.month_name, *calendar.day_name)), "user", "the", "i"))


@dataclass
class Kept:
    """What has to be there at the end: ids and the words under them."""

    session: Session
    words: dict[str, str] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    def take(self, result: AddResult) -> None:
        self.words.update({one.id: one.memory for one in result.added})

    def wrong(self, what: str) -> None:
        self.bad.append(what)

    def turns(self) -> str:
        return "\n".join(f"{item.speaker}: {item.memory}" for item in raw(self.session))

    def missing(self, drafts: list[Draft]) -> None:
        """Every text that was given is the text, an older text or a source of a memory."""
        there: set[str] = set()
        for item in self.session.cube.table.items():
            there |= {item.memory, *(source.text for source in item.sources if source.text)}
        for draft in drafts:
            if draft.memory not in there:
                self.wrong(f"lost: {draft.memory[:60]!r}")


def raw(session: Session) -> list[MemoryItem]:
    """Current memories that somebody said or wrote."""
    items = session.cube.table.items("known_to IS NULL")
    return [item for item in items if item.refines is None and item.level is Level.FACT]


def try_memories(settings: Settings, folder: Path, turns: int, print_line: Callable[[str], None]) -> bool:
    """Every verb that asks the model; whether all held."""
    ref = CubeRef("trial", folder / "trial", is_name=False)
    with open_session(ref, settings, write=True, create=True) as session:
        kept = Kept(session)
        for name, step in _steps(kept, turns):
            began, before = time.monotonic(), len(kept.bad)
            told = step()
            good = len(kept.bad) == before
            print_line(f"{'ok  ' if good else 'BAD '} {time.monotonic() - began:6.1f} s  {name:<12} {told}")
            for one in kept.bad[before:]:
                print_line(f"       {one}")
        if session.llm is not None:
            meter = session.llm.meter
            print_line(f"     {meter.calls} calls, {meter.used.tokens} tokens")
        return not kept.bad


def _steps(kept: Kept, turns: int) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "add auto", partial(_auto, kept, turns)
    yield "refine", partial(_refine, kept)
    yield "undo, again", partial(_again, kept)
    yield "add fine", partial(_fine, kept)
    for remark in REMARKS:
        yield "feedback", partial(_feedback, kept, remark)
    yield "reflect", partial(_reflect, kept)
    yield "reorganize", partial(_reorganize, kept)
    yield "check", partial(_check, kept)


def _talk(turns: int) -> list[Draft]:
    found = read_paths(sorted((EXAMPLE / "chats" / "mira").glob("*.json")), ReadOptions())
    drafts = [one for one in found if isinstance(one, Draft)]
    more = read_paths(sorted((EXAMPLE / "chats" / "ning").glob("*.json")), ReadOptions())
    chinese = [one for one in more if isinstance(one, Draft)]
    return [*drafts[: turns - turns // 4], *chinese[: turns // 4]]


def _auto(kept: Kept, turns: int) -> str:
    drafts = _talk(turns)
    result = add(kept.session, drafts, reading=Reading.AUTO)
    kept.take(result)
    kept.missing(drafts)
    if result.queued != count_waiting(kept.session):
        kept.wrong(f"{result.queued} were queued, {count_waiting(kept.session)} wait")
    return f"{len(result.added)} turns, {result.queued} wait"


def _drawn(kept: Kept, result: RefineResult | AddResult, before: int) -> None:
    """What holds after facts were drawn, whatever they say."""
    session = kept.session
    for id, words in kept.words.items():
        item = get(session, id)
        if words not in (item.memory, *(i.memory for i in session.cube.table.items(f"id = '{id}'"))):
            kept.wrong(f"{id} says something else: {item.memory[:60]!r}")
        if item.refines is None and item.status is not Status.ACTIVATED:
            kept.wrong(f"{id} is {item.status}: {words[:60]!r}")
    if isinstance(result, RefineResult) and result.refined + result.waiting != before:
        kept.wrong(f"{before} waited; {result.refined} were refined, {result.waiting} wait")
    for fact in result.facts:
        _borne_out(kept, get(session, fact.id))
    for updated in result.updated:
        (old,) = session.cube.table.items(f"row = '{updated.replaces}'")
        if isinstance(result, RefineResult) and old.refines is None:
            kept.wrong(f"a fact ended what somebody wrote: {old.memory[:60]!r}")


def _borne_out(kept: Kept, fact: MemoryItem) -> None:
    shown = kept.turns()
    words = shown.casefold()
    for name in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", fact.memory):
        if name.casefold() not in _CALENDAR and name.casefold() not in words:
            kept.wrong(f"nobody named {name}: {fact.memory!r}")
    dates = {part for when in _days(kept) for part in (f"{when.year}", f"{when.month}", f"{when.day}")}
    for number in re.findall(r"\d+", fact.memory):
        if number not in words and number.lstrip("0") not in dates:
            kept.wrong(f"nobody said {number}: {fact.memory!r}")
    if not all(get(kept.session, id) for id in fact.rests_on):
        kept.wrong(f"it rests on nothing: {fact.memory!r}")
    if fact.origin is Origin.INFERRED and fact.confidence > 50:
        kept.wrong(f"inferred, and {fact.confidence} % sure: {fact.memory!r}")


def _days(kept: Kept) -> Iterator[datetime]:
    """Days that "yesterday", "next week" and the like can name."""
    for item in raw(kept.session):
        said = item.said_at or datetime.now(UTC)
        yield from (said + timedelta(days=day) for day in range(-40, 41))


def _told(result: RefineResult) -> str:
    failed = {one.error.code: len(one.ids) for one in result.failed}
    return (
        f"{result.refined} refined, {result.waiting} wait; {len(result.facts)} facts accepted "
        f"({sum(one.origin is Origin.INFERRED for one in result.facts)} as inferred), {len(result.updated)} end "
        f"older ones, {len(result.known)} known, {len(result.linked)} linked; refused {result.dropped}; "
        f"failed {failed}"
    )


def _refine(kept: Kept) -> str:
    before = count_waiting(kept.session)
    result = refine(kept.session)
    _drawn(kept, result, before)
    shown = "".join(
        f"\n       {'~' if f.origin is Origin.INFERRED else '+'} {f.memory}" for f in result.facts
    )
    return _told(result) + shown


def _again(kept: Kept) -> str:
    """Undo of the last refinement leaves the memories as they were, waiting."""
    changes = [i.change for i in kept.session.cube.table.items("known_to IS NULL") if i.verb == "refine"]
    if not changes:
        return "nothing was refined"
    done = undo(kept.session, changes[0])
    facts = kept.session.cube.table.items("known_to IS NULL AND refines IS NOT NULL")
    if any(fact.status is Status.ACTIVATED for fact in facts):
        kept.wrong("a fact is left")
    if (waiting := count_waiting(kept.session)) != len(kept.words):
        kept.wrong(f"{waiting} wait of {len(kept.words)}")
    undo(kept.session)  # the undoing
    if count_waiting(kept.session) == waiting:
        kept.wrong("undo could not be undone")
    return f"{len(done.ids)} memories as they were, and back"


def _fine(kept: Kept) -> str:
    drafts = [Draft(memory=text) for text in NOTES]
    result = add(kept.session, drafts, reading=Reading.FINE)
    kept.missing(drafts)
    _drawn(kept, result, 0)
    said = [f"{u.relation}: {u.memory}" for u in result.updated]
    said += [f"{one.relation}: {one.memory}" for one in result.linked]
    lines = "".join(f"\n       {line}" for line in (*said, *result.notes))
    return (
        f"{len(result.added)} added, {len(result.updated)} updated, {len(result.known)} known, "
        f"{len(result.linked)} linked, {len(result.facts)} facts, {result.queued} wait{lines}"
    )


def _feedback(kept: Kept, remark: str) -> str:
    rows = {item.row for item in kept.session.cube.table.items("known_to IS NULL")}
    result = feedback(kept.session, remark)
    if result.change is not None:
        undo(kept.session, result.change)
    elif rows != {item.row for item in kept.session.cube.table.items("known_to IS NULL")}:
        kept.wrong("it changed something and does not say so")
    changes = [f"{change.action} {change.after or change.before!r}" for change in result.changes]
    return f"{result.judgement}: {', '.join(changes) or 'nothing'}; {'; '.join(result.notes)[:120]}"


def _reflect(kept: Kept) -> str:
    result = reflect(kept.session, since=datetime(2000, 1, 1, tzinfo=UTC))
    known = {item.id for item in kept.session.cube.table.items("known_to IS NULL")}
    for insight in result.insights:
        if not set(insight.evidence) <= known:
            kept.wrong(f"an insight without evidence: {insight.memory!r}")
    failed = [one.error.code for one in result.failed]
    lines = "".join(f"\n       {one.memory}" for one in result.insights)
    return f"{result.read} read, {len(result.insights)} insights, {len(result.dropped)} refused, failed {failed}{lines}"


def _reorganize(kept: Kept) -> str:
    before = {item.id for item in raw(kept.session)}
    result = reorganize(kept.session, time_budget=LONG)
    now = {item.id for item in raw(kept.session)}
    if gone := before - now:
        kept.wrong(f"lost: {gone}")
    named = kept.session.cube.keywords.items(
        kept.session.cube.keywords.filter_only(Filters(levels=(Level.TOPIC, Level.CONCEPT)), EVERYTHING)
    )
    return (
        f"{result.counts}, {len(named)} topics and concepts: "
        f"{[item.key for item in named.values()][:6]}; {'; '.join(result.notes)[:160]}"
    )


def _check(kept: Kept) -> str:
    found = check(kept.session.cube)
    for problem in found.problems:
        kept.wrong(str(problem))
    return f"{len(kept.words)} turns as they were said"
