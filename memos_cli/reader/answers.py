"""The form of a model's answer to what MemReader asks, and `memos reflect`.

Owns: the fields of a fact and of an insight as a model writes them. Does not own: asking (`fine`,
`operations/reflecting`) or believing it (`evidence`). Imports pydantic, so it is imported when a model is asked and not before.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field


def _number(value: object) -> object:
    """Small models write 85 %, 0.85 and "85"."""
    text = str(value).strip().rstrip("%")
    try:
        number = float(text)
    except ValueError:
        return 0
    if number != number:
        return 0
    return round(min(max(number * 100 if 0 < number <= 1 and "." in text else number, 0), 100))


def _listed(value: object) -> object:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: object) -> object:
    listed = _listed(value)
    return [str(one) for one in listed] if isinstance(listed, list) else listed


def _places(value: object) -> object:
    listed = _listed(value)
    found = [str(one).strip(" []#") for one in listed] if isinstance(listed, list) else []
    return [int(one) for one in found if one.isascii() and one.isdigit() and len(one) < 9]


def _cited(value: object) -> object:
    """Like `_places`, but what is no number stays, as 0: no line has it, and it was cited."""
    listed = _listed(value)
    found = [str(one).strip(" []#") for one in listed] if isinstance(listed, list) else []
    return [int(one) if one.isascii() and one.isdigit() and len(one) < 9 else 0 for one in found]


def _text(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, (int, float)) else value


Percent = Annotated[int, BeforeValidator(_number)]
Text = Annotated[str, BeforeValidator(_text)]


class AnsweredFact(BaseModel):
    """One thing that the text tells, as a model puts it."""

    text: str = Field(description="the fact, one or two sentences that can be understood alone")
    turns: Annotated[list[int], BeforeValidator(_places)] = Field(
        default_factory=list, description="numbers of the lines that tell it, the main one first"
    )
    who: Text = Field(default="", description="whom or what it is about, by name")
    event_start: Text = Field(default="", description="when it happened or begins, ISO 8601; empty: not told")
    event_end: Text = Field(default="", description="when it ended or ends, ISO 8601; empty: not told")
    key: Text = Field(default="", description="a title of two to six words")
    tags: Annotated[list[str], BeforeValidator(_texts)] = Field(
        default_factory=list, description="one to four words for its topics"
    )
    importance: Percent = Field(
        default=50, description="0 to 100: how much it matters for knowing these people or things later"
    )
    confidence: Percent = Field(default=50, description="0 to 100: how surely the lines say it")


class AnsweredFacts(BaseModel):
    """Everything that the lines tell; empty when they tell nothing."""

    facts: list[AnsweredFact]


class AnsweredInsight(BaseModel):
    """What follows from several lines, as a model puts it."""

    text: str = Field(description="the insight, one or two sentences that can be understood alone")
    lines: Annotated[list[int], BeforeValidator(_cited)] = Field(
        description="numbers of all lines that it rests on, at least two"
    )
    key: Text = Field(default="", description="a title of two to six words")
    tags: Annotated[list[str], BeforeValidator(_texts)] = Field(
        default_factory=list, description="one to four words for its topics"
    )
    confidence: Percent = Field(default=50, description="0 to 100: how surely it follows")


class AnsweredInsights(BaseModel):
    """Everything that follows; mostly empty."""

    insights: list[AnsweredInsight]
