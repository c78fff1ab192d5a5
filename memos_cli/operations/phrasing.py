"""Suggested questions in better words, by a language model.

Owns: the question to the model, and which of its words are believed: one question each, about what it
was given, without a name or number of its own. Does not own: whether they find anything (`suggest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memos_cli.errors import LLMError
from memos_cli.prompts import prompt
from memos_cli.reader.evidence import Text, in_use
from memos_cli.reader.language import language_of
from memos_cli.reader.split import without_controls
from memos_cli.schema import storable

if TYPE_CHECKING:
    import pydantic

    from memos_cli.providers.llm import LLM

LONGEST = 200
"""Characters of a question that is believed."""
SHOWN = 300
"""Characters of a memory that the model is shown."""
MAX_TOKENS = 1200


def phrased(
    llm: LLM, asked: Sequence[tuple[str, Sequence[str]]], language: str, notes: list[str]
) -> list[str | None]:
    """Of each (question, its memories) better words, or None. A model that fails is a note."""
    listed = "\n".join(
        f"{place}. {question}\n" + "\n".join(f"   - {' '.join(text.split())[:SHOWN]}" for text in texts)
        for place, (question, texts) in enumerate(asked, 1)
    )
    text = prompt("suggest", language).fill(questions=listed)
    try:
        said = llm.ask([{"role": "user", "content": text}], _form(), max_tokens=MAX_TOKENS, language=language)
    except LLMError as error:
        notes.append(f"the language model worded no question: {error.message}")
        return [None] * len(asked)
    better: list[str | None] = [None] * len(asked)
    for answer in said.model_dump()["questions"]:
        place = answer["number"] - 1
        if 0 <= place < len(asked) and better[place] is None:
            better[place] = _believed(answer["text"], *asked[place])
    return better


def _form() -> type[pydantic.BaseModel]:
    import pydantic

    class Question(pydantic.BaseModel):
        number: int
        text: str

    class Questions(pydantic.BaseModel):
        questions: list[Question]

    return Questions


def _believed(said: str, question: str, texts: Sequence[str]) -> str | None:
    text = " ".join(without_controls(said).split())
    try:
        storable(text)
    except ValueError:
        return None
    if not text.endswith(("?", "？")) or len(text) > LONGEST:
        return None
    if (language_of(text) == "zh") != (language_of(question) == "zh"):
        return None
    return text if in_use(text, [Text(one) for one in (question, *texts)]) else None
