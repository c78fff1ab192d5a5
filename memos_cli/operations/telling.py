"""Topics and concepts told by a language model: their names, summaries and what relates their memories.

Owns: the questions, what of an answer is believed, stopping when a budget is spent. Does not own:
when a node is told (`planting`), the model (`providers/llm`).

A failure costs no more than the better words: the node keeps its terms, a note says why, and the next
run asks again. A relation is believed only between memories that were shown, of a kind that was asked
for, and with a quotation that stands in one of the two.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from memos_cli.errors import LLMBudgetSpent, LLMError, LLMUnavailable
from memos_cli.operations.planting import Title, Untold
from memos_cli.prompts import prompt
from memos_cli.reader.language import language_of
from memos_cli.schema import Level, RelationKind, storable
from memos_cli.stores.nearness import normalized

if TYPE_CHECKING:
    import pydantic

    from memos_cli.providers.llm import LLM

SHOWN = 40
"""Texts of a node that the model is shown, the first ones."""
LONGEST_TEXT, LONGEST_NAME, LONGEST_SUMMARY = 400, 60, 600
"""Characters of a text that is shown, and of a name and a summary that are believed."""
MAX_TOKENS = 900
CONFIDENCE = 80
"""Percent: a model's summary is a reading of its memories, not their words."""
STOP_AFTER = 4
"""Nodes that fail one after the other before no more are asked about: the model is down, or no good."""
SUREST, LEAST = 0.9, 0.6
"""How sure a model's relation can be, and under which it is not kept."""


class Teller:
    """A `planting.Tell` by a language model; `notes` collects what went wrong, each once."""

    def __init__(self, llm: LLM, notes: list[str], deadline: float | None = None) -> None:
        self._llm = llm
        self._notes = notes
        self._deadline = deadline
        self._over = False
        self._in_a_row = 0

    def __call__(self, untold: Sequence[Untold]) -> list[Title | None]:
        return [self._heard(answer) for answer in self._llm.each(self._told, untold)]

    def _told(self, one: Untold) -> Title | None:
        if self._over:
            return None
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._over = True
            self._note("the time was up before every topic had been told; the next run goes on")
            return None
        name = "tree_concept" if one.level is Level.CONCEPT else "tree_topic"
        language = "zh" if language_of(" ".join(one.texts[:SHOWN])) == "zh" else "en"
        shown = [" ".join(text.split())[:LONGEST_TEXT] for text in one.texts[:SHOWN]]
        listed = "\n".join(f"{place}. {text}" for place, text in enumerate(shown, 1))
        said = self._llm.ask(
            [{"role": "user", "content": prompt(name, language).fill(texts=listed)}],
            _form(),
            max_tokens=MAX_TOKENS,
            language=language,
        )
        return _title(said, one, shown, self._llm.name)

    def _heard(self, answer: Title | LLMError | None) -> Title | None:
        if not isinstance(answer, LLMError):
            self._in_a_row = 0
            return answer
        self._in_a_row += 1
        self._over |= isinstance(answer, (LLMBudgetSpent, LLMUnavailable)) or self._in_a_row >= STOP_AFTER
        self._note(f"the language model told no topic: {answer.message}")
        return None

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _form() -> type[pydantic.BaseModel]:
    import pydantic

    class Related(pydantic.BaseModel):
        first: int
        relation: Literal["contradicts", "complements", "causes", "follows", "infers", "part_of"]
        second: int
        quote: str = ""
        confidence: float = 0.0

    class Told(pydantic.BaseModel):
        name: str
        summary: str
        tags: list[str] = []
        relations: list[Related] = []

    return Told


def _title(said: pydantic.BaseModel, one: Untold, shown: Sequence[str], model: str) -> Title | None:
    """The title of an answer; None when it says nothing that can be used."""
    answer = said.model_dump()
    name, summary = (" ".join(answer[field].split()) for field in ("name", "summary"))
    try:
        tags = tuple(dict.fromkeys(storable(tag.strip()) for tag in answer["tags"] if tag.strip()))[:8]
        storable(name + summary)
    except ValueError:
        return None
    if not name or not summary:
        return None
    related = tuple(r for r in (_related(r, shown) for r in answer["relations"]) if r)
    return Title(
        name[:LONGEST_NAME],
        summary[:LONGEST_SUMMARY],
        tags or one.plain.tags,
        by=model,
        confidence=CONFIDENCE,
        related=related if one.level is Level.CONCEPT else (),
    )


def _related(said: dict[str, object], shown: Sequence[str]) -> tuple[int, RelationKind, int, float] | None:
    first, second = int(str(said["first"])) - 1, int(str(said["second"])) - 1
    quote, sure = normalized(str(said["quote"])), float(str(said["confidence"]))
    if first == second or not (0 <= first < len(shown) and 0 <= second < len(shown)):
        return None
    borne_out = quote and any(quote in normalized(shown[place]) for place in (first, second))
    if not borne_out or not sure >= LEAST:
        return None
    return first, RelationKind(str(said["relation"])), second, min(sure, SUREST)
