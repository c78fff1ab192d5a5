"""MemReader, fine: a language model draws facts from a few turns or passages, and its answer is checked.

Owns: what a model is shown and asked, and which of the facts that it answers are kept, with the
memory each rests on, its event time and how far it is to be believed. Does not own: which memories
stand in a window (`operations/waiting`), the rules of evidence (`evidence`), the form of the answer
(`answers`), nor what is stored (`operations/refine`).

Nothing the model says is taken on trust: the numbers of lines that it names, its dates, titles and
certainty are all checked or bounded, and what the answer lacks is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos_cli.errors import BadTime
from memos_cli.prompts import Prompt, prompt
from memos_cli.reader import evidence
from memos_cli.reader.evidence import Text, Verdict
from memos_cli.reader.language import language_of
from memos_cli.reader.split import without_controls
from memos_cli.reader.times import absolute_time
from memos_cli.schema import MemoryItem, Origin, Precision, storable

if TYPE_CHECKING:
    from memos_cli.providers.llm import LLM
    from memos_cli.reader.answers import AnsweredFact

LONGEST_FACT = 600
"""Characters; what is longer is a copy or a summary."""
FACTS_PER_LINE = 6
FEWEST_FACTS = 12
"""Facts of one window at most: so many for a line, but never fewer than these. Small models repeat
themselves for ever."""
TAGS = 4
LONGEST_LABEL = 80
RESTS_ON = 3
"""Memories that one fact rests on at most."""
NEAR = 2
"""Lines before a fact's own whose words it may use: the question that it answers."""
ADDS = 0.15
"""Share of a fact's content that a further line must bring for the fact to rest on it too."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Line:
    """A memory as a model is shown it, or a piece of a long one. `fresh`: facts are to be drawn from it;
    else it is there for understanding alone."""

    item: MemoryItem
    text: str
    fresh: bool = True

    @cached_property
    def evidence(self) -> Text:
        return Text(self.text, self.item.said_at, tuple(self._names()))

    def _names(self) -> Iterator[str]:
        item = self.item
        yield from filter(None, (item.speaker, item.key, item.user_id, *item.tags))
        yield from (s.path for s in item.sources[:1] if s.path)

    @property
    def label(self) -> str:
        """Who said it, or what it stands under."""
        item = self.item
        return item.speaker or next((s.role for s in item.sources if s.role), None) or item.key or ""


@dataclass(frozen=True)
class Window:
    """Lines that are read in one go, in their order."""

    lines: tuple[Line, ...]
    chat: bool = True

    @cached_property
    def shown(self) -> list[Text]:
        return [line.evidence for line in self.lines]

    @cached_property
    def language(self) -> str:
        """Of the words the model is asked in."""
        text = "\n".join(line.text for line in self.lines if line.fresh)
        return "zh" if language_of(text) == "zh" else "en"

    @property
    def prompt(self) -> Prompt:
        return prompt("read_chat" if self.chat else "read_document", self.language)


@dataclass(frozen=True)
class FoundFact:
    """A fact that is borne out, and the memory that it was drawn from."""

    text: str
    main: MemoryItem
    others: tuple[str, ...] = ()
    """Ids of further memories that it rests on."""
    origin: Origin = Origin.SAID
    confidence: int = 50
    importance: int = 50
    key: str | None = None
    tags: tuple[str, ...] = ()
    event: dict[str, Any] = field(default_factory=dict)
    """The fields `event_start`, `event_end`, `event_precision`."""


@dataclass(frozen=True)
class Read:
    """What came of a window: facts, and how many answers were dropped, by reason."""

    facts: tuple[FoundFact, ...] = ()
    dropped: Counter[str] = field(default_factory=Counter)


def read(llm: LLM, window: Window) -> Read:
    """Ask a model what a window tells. Raises LLMError: nothing is known then, and nothing lost."""
    from memos_cli.reader.answers import AnsweredFacts

    asked = [
        {"role": "system", "content": window.prompt.text},
        {"role": "user", "content": material(window)},
    ]
    answer = llm.ask(asked, AnsweredFacts, language=window.language)
    return checked(window, answer.facts)


def material(window: Window) -> str:
    """The lines as a model is shown them."""
    earlier = [(n, line) for n, line in enumerate(window.lines, 1) if not line.fresh]
    fresh = [(n, line) for n, line in enumerate(window.lines, 1) if line.fresh]
    parts = [("earlier", earlier)] if earlier else []
    blocks = (
        f"<{name}>\n" + "\n".join(_line(number, line) for number, line in lines) + f"\n</{name}>"
        for name, lines in (*parts, ("lines", fresh))
    )
    return "\n".join(blocks)


def _line(number: int, line: Line) -> str:
    said = line.item.said_at
    when = f"{said.astimezone(UTC):%Y-%m-%d %H:%M} ({_DAYS[said.weekday()]}) " if said else ""
    # What a line says must not look like the end of the lines.
    text = re.sub(r"</?(?=(?:lines|earlier)>)", "< ", line.text)
    label = " ".join(line.label.split())[:LONGEST_LABEL]
    return f"[{number}] {when}{label}{': ' if label else ''}{text}".replace("\n", "\n    ")


def checked(window: Window, answers: Sequence[AnsweredFact]) -> Read:
    """The answers that their source bears out; the rest is counted."""
    fresh = sum(line.fresh for line in window.lines)
    most = max(FEWEST_FACTS, FACTS_PER_LINE * fresh)
    facts: dict[str, FoundFact] = {}
    dropped: Counter[str] = Counter()
    for answer in answers:
        made = _fact(window, answer) if len(facts) < most else "there are too many"
        if isinstance(made, str):
            dropped[made] += 1
        elif made.text.casefold() in facts:
            dropped["it is there twice"] += 1
        else:
            facts[made.text.casefold()] = made
    return Read(tuple(facts.values()), dropped)


def _fact(window: Window, answer: AnsweredFact) -> FoundFact | str:
    """The fact of an answer, or why there is none."""
    text = " ".join(without_controls(answer.text).split())
    try:
        storable(text)
    except ValueError:
        return "it cannot be stored"
    if not text or len(text) > LONGEST_FACT:
        return "it is too long" if text else "it says nothing"
    if not evidence.is_named(answer.who, window.shown):
        return "a name that was not told"
    main = _main(window, text, answer)
    if main is None:
        return "an earlier line tells it"
    cited = [line for line in _cited(window, answer) if line is not main]
    source = [line.evidence for line in (main, *cited, *_before(window, main))]
    verdict = evidence.judge(text, [*source, _names(window)], window.shown)
    if verdict.reason:
        return verdict.reason
    most = evidence.SAID_AT_MOST if verdict.said else evidence.INFERRED_AT_MOST
    return FoundFact(
        text=text,
        main=main.item,
        others=_others(text, main, cited),
        origin=Origin.SAID if verdict.said else Origin.INFERRED,
        confidence=min(answer.confidence, most),
        importance=answer.importance,
        key=next(iter(labels([answer.key], window)), None),
        tags=tuple(labels(answer.tags, window))[:TAGS],
        event=_event(answer, verdict, window),
    )


def _names(window: Window) -> Text:
    """Those who speak: a fact may name each of them wherever it comes from."""
    return Text("", None, tuple(dict.fromkeys(filter(None, (line.item.speaker for line in window.lines)))))


def _cited(window: Window, answer: AnsweredFact) -> list[Line]:
    places = dict.fromkeys(answer.turns)
    return [window.lines[place - 1] for place in places if 0 < place <= len(window.lines)]


def _main(window: Window, text: str, answer: AnsweredFact) -> Line | None:
    """The line a fact was drawn from: of the fresh ones that the answer names, else of all, the one that
    holds most of it. None where an earlier line, which was read before, holds it instead."""
    fresh = [line for line in window.lines if line.fresh]
    cited = [line for line in _cited(window, answer) if line.fresh]
    best = max(cited or fresh, key=lambda line: _share(text, line))
    if cited and (len(fresh) == len(cited) or _share(text, best)):
        return best
    best = max(fresh, key=lambda line: _share(text, line))
    earlier = max((_share(text, line) for line in window.lines if not line.fresh), default=0.0)
    return None if earlier > _share(text, best) else best


def _share(text: str, line: Line) -> float:
    return evidence.overlap(text, [Text(line.text)])[0]


def _before(window: Window, main: Line) -> tuple[Line, ...]:
    place = window.lines.index(main)
    return window.lines[max(0, place - NEAR) : place]


def _others(text: str, main: Line, cited: Sequence[Line]) -> tuple[str, ...]:
    """Memories that hold what the main one lacks of a fact."""
    held = [Text(main.text)]
    share, _ = evidence.overlap(text, held)
    found: list[str] = []
    for line in cited:
        more, _ = evidence.overlap(text, [*held, Text(line.text)])
        if more - share >= ADDS and line.item.id not in (main.item.id, *found):
            found.append(line.item.id)
            held, share = [*held, Text(line.text)], more
    return tuple(found[: RESTS_ON - 1])


def labels(given: Sequence[str], window: Window) -> Iterator[str]:
    """Titles and tags that bring no name or number of their own."""
    for label in dict.fromkeys(" ".join(without_controls(one).split()).strip("#. ") for one in given):
        try:
            storable(label)
        except ValueError:
            continue
        if label and len(label) <= LONGEST_LABEL and evidence.in_use(label, window.shown):
            yield label


# -- when it happened


def _event(answer: AnsweredFact, verdict: Verdict, window: Window) -> dict[str, Any]:
    """The event's time: as the model says, if the lines name such a time, else the one that the fact itself
    names and the lines bear out."""
    if (start := _unit(answer.event_start)) and evidence.borne_out(start[0], start[1], window.shown):
        end = _unit(answer.event_end)
        whole = end is not None and end[1] > start[1] and evidence.borne_out(*end[:2], window.shown)
        return _fields(start[0], end[1] if whole and end else start[1], start[2])
    if verdict.event is not None:
        return _fields(verdict.event.start, verdict.event.end, verdict.event.precision)
    return {}


def _fields(start: datetime, end: datetime, precision: Precision) -> dict[str, Any]:
    return {
        "event_start": start.replace(tzinfo=UTC),
        "event_end": end.replace(tzinfo=UTC),
        "event_precision": precision,
    }


def _unit(text: str) -> tuple[datetime, datetime, Precision] | None:
    """The year, month or day that a date names: its first moment, the one after it, how exact it is."""
    text = text.strip()
    try:
        start = absolute_time(text[:40]).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        if re.fullmatch(r"\d{4}", text):
            return start, start.replace(year=start.year + 1), Precision.YEAR
        if re.fullmatch(r"\d{4}-\d{1,2}", text):
            return start, (start + timedelta(days=31)).replace(day=1), Precision.MONTH
        return start, start + timedelta(days=1), Precision.DAY
    except (BadTime, ValueError, OverflowError):
        return None
