"""What a feedback says is not so, or shall be forgotten.

Owns: which memories a denial or a wish to delete means. Does not own: archiving them (`feedback`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from memos_cli.operations.feedback_findings import Action, Finding, Judgement, Proposed
from memos_cli.operations.feedback_statements import changeable, verdict_on
from memos_cli.operations.feedback_targets import Scope, leading
from memos_cli.operations.remainder import Rest, about_another, one_sentence, remainder
from memos_cli.operations.wording import shares
from memos_cli.reader.feedback import Part
from memos_cli.reader.preferences import preferences_in
from memos_cli.schema import MemoryItem
from memos_cli.stores.analysis import content_terms
from memos_cli.stores.nearness import normalized
from memos_cli.stores.subjects import narrows
from memos_cli.stores.verdicts import Relation

FORGOTTEN = "it shall be forgotten"
DENIED = 0.6
"""Share of a memory's own words that a denial must name, where it does not say the same outright."""
DESCRIBING = 4
"""Characters of a Chinese description all of which one memory must hold, in any order, to be meant by it."""
_GENERIC = frozenset(("name", "number", "detail", "info", "inform", "address", "fact", "memori", "note"))
_CHINESE = re.compile("[\u4e00-\u9fff]")
_EMPTY_CHINESE = re.compile("的|我们|我|你|了|吗|是|在|有|多少|那个|这个|关于|和|信息|事情|家里")


def deny(part: Part, scope: Scope) -> Finding:
    reason = "it is said to be wrong, and nothing is said in its place"
    if part.points:
        if scope.named and not part.text:
            return Finding(Judgement.CORRECTION, reason, _archived(scope.named, reason))
        if part.text:  # a detail is wrong, and not said to be anything else
            unsure = list(scope.given) or _matching(scope.near(part.text), part.text)
            why = f"it does not say what is right instead of {part.text!r}"
            return Finding(Judgement.CORRECTION, why, unsure=unsure, sure=False)
        why = "it does not say which memory is wrong"
        return Finding(Judgement.CORRECTION, why, unsure=list(scope.among), sure=False)
    items = changeable(scope, scope.near(part.text))
    same = _same(items, part.text)
    if not same:
        fits = [item for item in _matching(items, part.text) if shares(part.text, item.memory) >= DENIED]
        same = fits if len(fits) == 1 else []
    if not same:
        return Finding(Judgement.CORRECTION, "no memory clearly says that", sure=False)
    return Finding(Judgement.CORRECTION, reason, _archived(same, reason))


def forget(part: Part, scope: Scope) -> Finding:
    if scope.named:
        return Finding(Judgement.DELETION, FORGOTTEN, [_named_gone(item, part) for item in scope.named])
    if part.points:
        if not scope.among:
            return Finding(Judgement.DELETION, "it does not say what to forget", sure=False)
        return Finding(
            Judgement.DELETION, "several memories could be meant", unsure=list(scope.among), sure=False
        )
    items = leading(scope.holding(part.text) if part.every else scope.near(part.text), turns=True)
    found = _same(items, part.text) or _matching(items, part.text)
    if part.every:
        found = found or _matching(scope.near(part.text), part.text)
        found = [item for item in found if item.level == "fact"]
    found = found or _liking(items, part.text)
    if not found:
        note = f"No memory here is clearly about {part.text!r}."
        return Finding(Judgement.DELETION, "no memory is clearly about that", sure=False, notes=[note])
    one_text = len({normalized(item.memory) for item in found}) == 1
    if part.every or len(found) == 1 or one_text or _same(items, part.text):
        return _gone(found, part)
    return Finding(Judgement.DELETION, "several memories could be meant", unsure=found, sure=False)


def _named_gone(item: MemoryItem, part: Part) -> Proposed:
    """A memory that was named: what it says besides stays, where that is clear."""
    rest = Rest() if part.points or part.whole else remainder(item.memory, part.text)
    return _taken_out(item, rest.text)


def _gone(items: Iterable[MemoryItem], part: Part) -> Finding:
    """Memories on a matter that shall be forgotten: archived where they say nothing else, else without what
    they say of it; asked about where that cannot be told apart, or they are about somebody else."""
    changes: list[Proposed] = []
    unsure: list[MemoryItem] = []
    for item in items:
        whole = (
            part.whole
            or item.level != "fact"
            or (bool(_same([item], part.text)) and one_sentence(item.memory))
        )
        rest = Rest() if whole else remainder(item.memory, part.text)
        if not rest.clear or (not whole and not rest.text and about_another(item.memory, part.text)):
            unsure.append(item)
        else:
            changes.append(_taken_out(item, rest.text))
    reason = FORGOTTEN if changes else "the memory says something else besides"
    return Finding(Judgement.DELETION, reason, changes, unsure, sure=not unsure)


def _taken_out(item: MemoryItem, rest: str) -> Proposed:
    if not rest:
        return Proposed(Action.ARCHIVE, item, "", FORGOTTEN, from_now=True)
    return Proposed(Action.UPDATE, item, rest, "what it says besides stays", from_now=True)


def _archived(items: Iterable[MemoryItem], reason: str) -> list[Proposed]:
    return [Proposed(Action.ARCHIVE, item, "", reason, from_now=True) for item in items]


def _same(items: Sequence[MemoryItem], text: str) -> list[MemoryItem]:
    """Memories that say the same as a statement."""
    found = []
    for item in items:
        verdict = verdict_on(item.memory, text)
        if verdict.relation is Relation.DUPLICATE and verdict.sure:
            found.append(item)
    return found


def _liking(items: Sequence[MemoryItem], text: str) -> list[MemoryItem]:
    """Memories that tell of the preference that a statement states, or of one for a kind of what it is for."""
    stated = preferences_in(text)
    return [
        item
        for item in items
        if any(
            one.polarity == told.polarity and (one.topic == told.topic or narrows(told.topic, one.topic))
            for one in stated
            for told in preferences_in(item.memory)
        )
    ]


def _matching(items: Sequence[MemoryItem], text: str) -> list[MemoryItem]:
    """Memories that hold every word of a description, words like "number" aside where that finds none."""
    if _CHINESE.search(text):
        chunks = [c for c in _EMPTY_CHINESE.split(normalized(text)) if c.strip(" ,，。")]
        found = [i for i in items if chunks and all(c in normalized(i.memory) for c in chunks)]
        whole = found or [i for i in items if len(text) >= DESCRIBING and shares(i.memory, text) == 1.0]
        return whole if found or len(whole) == 1 else []
    wanted = set(content_terms(text))
    terms = {item.id: set(content_terms(f"{item.memory} {item.key or ''}")) for item in items}
    for words in (wanted, wanted - _GENERIC):
        if words and (found := [item for item in items if words <= terms[item.id]]):
            return found
    return []
