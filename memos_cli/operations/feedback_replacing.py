"""Words that a feedback puts in place of others, wherever these stand.

Owns: which memories hold them, and when it is a value rather than a word that is replaced. Does not own: what
counts as a word (`wording`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from memos_cli.operations.feedback_findings import Action, Finding, Judgement, Proposed
from memos_cli.operations.feedback_statements import changeable, closed, closing_verdicts
from memos_cli.operations.feedback_targets import Scope
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
    items = scope.holding(part.wrong)
    if not items:
        reason = f"no memory holds {part.wrong!r}"
        return Finding(
            Judgement.CORRECTION, reason, sure=False, notes=[f"No memory here holds {part.wrong!r}."]
        )
    everywhere = part.every or similar
    if not everywhere:
        items = changeable(scope, items)
    if not everywhere and not scope.named and len(items) != 1:
        return Finding(Judgement.CORRECTION, "several memories could be meant", unsure=items, sure=False)
    words = (part.wrong, part.right)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    changes = [
        Proposed(
            Action.UPDATE,
            item,
            replaced(item.memory, *words, trim=not everywhere),
            reason,
            words=words if everywhere else None,
        )
        for item in sorted(items, key=lambda item: (item.known_from, item.row))
    ]
    finding = Finding(Judgement.CORRECTION, reason, changes)
    if len(items) > 1:
        finding.notes.append(f"{len(items)} memories hold {part.wrong!r}: {_counts(items)}.")
    return finding


def _counts(items: Iterable[MemoryItem]) -> str:
    counts: dict[str, int] = {}
    for item in items:
        name = _kind(item)
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(
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
