"""A language model's reading of a feedback that the rules do not read to its end.

Owns: the question, and what of the answer is believed. Does not own: when it is asked (`feedback`), nor
what is done with what it says.

Nothing is believed without its evidence: every change quotes the feedback, an update quotes the words of
the memory that it replaces, and what it writes holds no name and no number that stands in neither.
Whatever goes wrong leaves what the rules found, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from memos_cli.errors import LLMError
from memos_cli.operations.feedback_findings import Action, Finding, Judgement, Proposed
from memos_cli.operations.wording import shares
from memos_cli.prompts import prompt
from memos_cli.reader.language import language_of
from memos_cli.schema import MemoryItem, RelationKind, storable
from memos_cli.stores.analysis import content_terms
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import normalized

if TYPE_CHECKING:
    import pydantic

    from memos_cli.operations.feedback_targets import Scope
    from memos_cli.session import Session

SHOWN = 12
"""Memories that the model is shown."""
LONGEST_SHOWN, LONGEST_ADDED = 1200, 600
"""Characters of a memory that is shown, and of one that is added."""
MAX_TOKENS = 800
TOLD = 0.7
"""Share of the words of what the model writes that must stand in the feedback or the memory."""


def reconsidered(session: Session, text: str, scope: Scope, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those of which the rules are not sure replaced by the model's, if there is one and it
    bears them out."""
    kept = list(findings)
    try:
        llm = session.llm
        if llm is None:
            return kept
        shown = _shown(text, scope, findings)
        language = "zh" if language_of(text) == "zh" else "en"
        listed = "\n".join(f"{i}. {item.memory[:LONGEST_SHOWN]}" for i, item in enumerate(shown, 1))
        words = prompt("feedback", language).fill(feedback=text, there=listed or "-")
        said = llm.ask(
            [{"role": "user", "content": words}], _form(), max_tokens=MAX_TOKENS, language=language
        )
    except LLMError as error:
        scope.notes.append(f"the feedback was read by rule alone: {error.message} {error.next_step}".strip())
        return kept
    found = _borne_out(said.model_dump(), text, shown, scope)
    if found is None:
        scope.notes.append("the language model's answer is not borne out, so the rules decided")
        return kept
    return [*(finding for finding in kept if finding.sure), found]


def _shown(text: str, scope: Scope, findings: Sequence[Finding]) -> list[MemoryItem]:
    unsure = [item for finding in findings for item in finding.unsure]
    items = {item.id: item for item in (*scope.given, *unsure, *scope.near(text))}
    return list(items.values())[:SHOWN]


def _form() -> type[pydantic.BaseModel]:
    import pydantic

    class Wanted(pydantic.BaseModel):
        action: Literal["update", "add", "archive"]
        number: int = 0
        before: str = ""
        after: str = ""
        quote: str = ""

    class Understood(pydantic.BaseModel):
        judgement: Literal["correction", "supplement", "deletion", "praise", "noise"]
        reason: str = ""
        changes: list[Wanted] = []

    return Understood


def _borne_out(said: dict[str, Any], text: str, shown: Sequence[MemoryItem], scope: Scope) -> Finding | None:
    """The answer as a finding, without what nothing bears out; None when nothing is left of it."""
    judgement = Judgement(said["judgement"])
    reason = f"a language model says: {' '.join(said['reason'].split())[:200] or judgement}"
    if judgement in (Judgement.PRAISE, Judgement.NOISE):
        return None if said["changes"] else Finding(judgement, reason)
    changes = [_change(one, reason, text, shown, scope) for one in said["changes"]]
    kept = [change for change in changes if change is not None]
    if not kept:
        return None
    finding = Finding(judgement, reason, kept)
    if len(kept) < len(changes):
        finding.notes.append(f"{len(changes) - len(kept)} changes that nothing bears out were left out")
    return finding


def _change(
    one: dict[str, Any], reason: str, text: str, shown: Sequence[MemoryItem], scope: Scope
) -> Proposed | None:
    quote, number = normalized(one["quote"]), one["number"]
    if not quote or quote not in normalized(text):
        return None
    item = shown[number - 1] if 1 <= number <= len(shown) else None
    if one["action"] == "add":
        return _addition(one["after"], item, reason, text)
    if item is None or (is_turn(item) and item not in scope.given):
        return None
    if one["action"] == "archive":
        about = item in scope.given or set(content_terms(item.memory)) & set(content_terms(text))
        return Proposed(Action.ARCHIVE, item, "", reason, from_now=True) if about else None
    return _update(one["before"], one["after"], item, reason, text)


def _update(before: str, after: str, item: MemoryItem, reason: str, text: str) -> Proposed | None:
    before, after = before.strip(), after.strip()
    if not before or not after or item.memory.count(before) != 1 or not _told(after, f"{text} {item.memory}"):
        return None
    words = item.memory.replace(before, after)
    return Proposed(Action.UPDATE, item, words, reason) if words != item.memory else None


def _addition(after: str, item: MemoryItem | None, reason: str, text: str) -> Proposed | None:
    words = " ".join(after.split())
    told = f"{text} {item.memory if item else ''}"
    if not words or len(words) > LONGEST_ADDED or not _told(words, told):
        return None
    link = (RelationKind.COMPLEMENTS, item.id) if item else None
    return Proposed(Action.ADD, None, words, reason, link)


def _told(written: str, told: str) -> bool:
    """Whether what a model writes stands in what was told: every number, every name, most other words."""
    try:
        storable(written)
    except ValueError:
        return False
    known = normalized(told)
    numbers = re.findall(r"\d+(?:[.,:]\d+)*", written)
    names = re.findall(r"(?<![.!?] )(?<=\s)[A-Z][\w'-]*", written)
    return all(normalized(word) in known for word in (*numbers, *names)) and shares(told, written) >= TOLD
