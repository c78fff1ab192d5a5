"""Words that a feedback puts in place of others, wherever these stand.

Owns: which memories hold them, and when it is a value rather than a word that is replaced. Does not own: what
counts as a word (`wording`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from memos_cli.operations.feedback_findings import Action, Finding, Judgement, Proposed
from memos_cli.operations.feedback_statements import changeable, closed, closing_verdicts
from memos_cli.operations.feedback_targets import Scope, said_by
from memos_cli.operations.wording import attribute, replaced
from memos_cli.reader.feedback import Form, Part, alike
from memos_cli.schema import MemoryItem
from memos_cli.stores.facts import is_turn

_CHINESE = re.compile("[\u4e00-\u9fff]")


def replace(part: Part, scope: Scope) -> Finding:
    if len(part.wrong) == 1 and _CHINESE.search(part.wrong):
        return Finding(Judgement.CORRECTION, "one character is no word that could be replaced", sure=False)
    similar = alike(part.wrong, part.right)
    if part.every and not similar and (found := _attribute(part, scope)) is not None:
        return found
    everywhere = part.every or similar
    items = scope.holding(part.wrong, speakers=everywhere)
    if not items:
        reason = f"no memory holds {part.wrong!r}"
        return Finding(
            Judgement.CORRECTION, reason, sure=False, notes=[f"No memory here holds {part.wrong!r}."]
        )
    if everywhere:
        return _everywhere(part, items)
    items = changeable(scope, items)
    if not scope.named and len(items) != 1:
        return Finding(Judgement.CORRECTION, "several memories could be meant", unsure=items, sure=False)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    texts = [replaced(item.memory, part.wrong, part.right, trim=True) for item in items]
    changes = [Proposed(Action.UPDATE, i, text, reason) for i, text in zip(items, texts, strict=True)]
    return Finding(Judgement.CORRECTION, reason, changes)


def _everywhere(part: Part, items: Sequence[MemoryItem]) -> Finding:
    """The words replaced in every memory that holds them, and in the labels of speakers: who is called Anna
    was called so when she spoke."""
    words = (part.wrong, part.right)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    changes: list[Proposed] = []
    for item in sorted(items, key=lambda item: (item.known_from, item.row)):
        text = replaced(item.memory, *words)
        told = reason
        if text == item.memory and said_by(item, part.wrong):
            told = f"its speaker is {part.right!r} in place of {part.wrong!r}"
        changes.append(Proposed(Action.UPDATE, item, text, told, words=words))
    finding = Finding(Judgement.CORRECTION, reason, changes)
    holding = [one.item for one in changes if one.reason == reason and one.item is not None]
    if len(holding) > 1:
        finding.notes.append(f"{len(holding)} memories hold {part.wrong!r}{_counts(holding)}.")
    if spoken := sum(said_by(item, part.wrong) for item in items):
        whom = "memory was" if spoken == 1 else "memories were"
        finding.notes.append(
            f"{spoken} {whom} said by {part.wrong!r}, who is called {part.right!r} there then."
        )
    return finding


def _counts(items: Iterable[MemoryItem]) -> str:
    """What they are, behind a colon; nothing where all are plain memories."""
    counts: dict[str, int] = {}
    for item in items:
        name = _kind(item)
        counts[name] = counts.get(name, 0) + 1
    if set(counts) == {"memory"}:
        return ""
    return ": " + ", ".join(
        f"{count} {name if count == 1 else _PLURAL.get(name, name + 's')}" for name, count in counts.items()
    )


_PLURAL = {"memory": "memories"}


def _kind(item: MemoryItem) -> str:
    if item.level != "fact":
        return str(item.level)
    if is_turn(item):
        return "turn"
    if any(s.path or s.url for s in item.sources):
        return "document piece"
    return "preference" if item.kind == "PreferenceMemory" else "memory"


def _attribute(part: Part, scope: Scope) -> Finding | None:
    """ "Change the wifi password to otter": what is replaced is the value, not the words before it."""
    joined = "是" if _CHINESE.search(part.wrong) else " is "
    said = Part(Form.STATE, f"{part.wrong}{joined}{part.right}", corrects=True)
    near = changeable(scope, scope.near(said.text))
    closing = closing_verdicts(near, said.text)
    if closing:
        return closed(said, closing)
    fits = [(i, text) for i in near if (text := attribute(i.memory, part.wrong, part.right)) is not None]
    named = re.match(r"(?:the|my|our|his|her|their|its|this|that)\b|\w+['’]s\b", part.wrong, re.IGNORECASE)
    if len(fits) == 1 and (named or _CHINESE.search(part.wrong) or part.wrong.islower()):
        item, text = fits[0]
        reason = f"another value of {part.wrong!r}"
        return Finding(Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, item, text, reason)])
    if named or len(fits) > 1:
        unsure = [item for item, _ in fits]
        return Finding(
            Judgement.CORRECTION, "it is not clear which memory that is", unsure=unsure, sure=False
        )
    return None
