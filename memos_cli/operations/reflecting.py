"""Insights as a language model draws them: what it is shown, and what of its answer is believed.

Owns: the question about one window of memories, and why an answer is dropped. Does not own: which
memories stand in a window (`reflect`), what is known already, storing.

An insight is inferred, so its words cannot be borne out like a fact's. But it must rest on two
memories at least that were shown and say different things, bring no name, number or date of its own,
and say something that none of them says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos_cli.operations.insights import FEWEST
from memos_cli.prompts import prompt
from memos_cli.reader import evidence
from memos_cli.reader.fine import LONGEST_FACT, TAGS, Line, Window, labels, material
from memos_cli.reader.split import without_controls
from memos_cli.schema import MemoryItem, Value, storable
from memos_cli.stores.nearness import same

if TYPE_CHECKING:
    from memos_cli.providers.llm import LLM
    from memos_cli.reader.answers import AnsweredInsight

AT_MOST = 80
"""Percent: how far a conclusion is believed, however sure the model is."""
KNOWN_SHOWN = 20
"""Known insights that the model is told."""


class DroppedInsight(Value, frozen=True, kw_only=True):
    """What the model answered and is not believed, and why."""

    text: str
    reason: str


@dataclass(frozen=True)
class Drawn:
    """An insight that is believed, and what it rests on."""

    text: str
    evidence: tuple[MemoryItem, ...]
    confidence: int
    key: str | None
    tags: tuple[str, ...]


Answer = tuple[list[Drawn], list[DroppedInsight]]


def draw(llm: LLM, window: Window, known: Sequence[str], most: int) -> Answer:
    """Ask what follows from a window's memories. Raises LLMError: nothing is known then."""
    from memos_cli.reader.answers import AnsweredInsights

    listed = "\n".join(f"- {' '.join(text.split())}" for text in known[-KNOWN_SHOWN:]) or "-"
    asked = [
        {"role": "system", "content": prompt("reflect", window.language).fill(most=most, known=listed)},
        {"role": "user", "content": material(window)},
    ]
    answer = llm.ask(asked, AnsweredInsights, language=window.language)
    return _believed(window, answer.insights)


def _believed(window: Window, answers: Sequence[AnsweredInsight]) -> Answer:
    drawn: list[Drawn] = []
    dropped: list[DroppedInsight] = []
    for answer in answers:
        text = " ".join(without_controls(answer.text).split())
        made = _drawn(window, text, answer)
        if isinstance(made, Drawn) and any(same(made.text, one.text) for one in drawn):
            made = "it is there twice"
        if isinstance(made, Drawn):
            drawn.append(made)
        else:
            dropped.append(DroppedInsight(text=_quotable(text), reason=made))
    return drawn, dropped


def _quotable(text: str) -> str:
    return text[:LONGEST_FACT].replace("\0", "").encode("utf-8", "replace").decode()


def _drawn(window: Window, text: str, answer: AnsweredInsight) -> Drawn | str:
    """The insight of an answer, or why there is none."""
    try:
        storable(text)
    except ValueError:
        return "it cannot be stored"
    if not text or len(text) > LONGEST_FACT:
        return "it is too long" if text else "it says nothing"
    places = list(dict.fromkeys(answer.lines))
    if any(not 0 < place <= len(window.lines) for place in places):
        return "it rests on a memory that was not shown"
    lines = [window.lines[place - 1] for place in places]
    if len(_different(lines)) < FEWEST:
        return "it rests on fewer than two memories"
    if not any(line.fresh for line in lines):
        return "it rests on nothing new"
    if any(same(text, line.item.memory) for line in window.lines):
        return "it repeats a memory"
    shown = [line.evidence for line in lines]
    if reason := evidence.judge(text, shown, shown).reason:
        return reason
    return Drawn(
        text=text,
        evidence=tuple(line.item for line in lines),
        confidence=min(answer.confidence, AT_MOST),
        key=next(iter(labels([answer.key], window)), None),
        tags=tuple(labels(answer.tags, window))[:TAGS],
    )


def _different(lines: Sequence[Line]) -> set[str]:
    """What lines rest on: a fact and the memory it was drawn from are one, and so are two in the same words."""
    by_words: dict[str, str] = {}
    for line in lines:
        by_words.setdefault(line.item.content_hash, line.item.refines or line.item.id)
    return set(by_words.values())
