"""Words that a feedback puts in place of others, wherever these stand.

Owns: which memories hold them, and when it is a value rather than a word that is replaced. Does not own: what
counts as a word (`wording`), nor whether a name is a part of another one (`feedback_names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from memos_cli.operations.feedback_findings import KNOWN, Action, Finding, Judgement, Proposed
from memos_cli.operations.feedback_names import Sifted, says_already, sift
from memos_cli.operations.feedback_statements import changeable, closed, closing_verdicts
from memos_cli.operations.feedback_targets import Scope, said_by
from memos_cli.operations.wording import attribute, replaced
from memos_cli.reader.feedback import Form, Part, alike
from memos_cli.schema import MemoryItem
from memos_cli.stores.facts import is_turn

SHOWN = 80
"""Characters of a memory that a note shows."""
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
    if all(says_already(item, part.wrong, part.right) for item in items):
        return Finding(Judgement.CORRECTION, KNOWN, notes=[f"{items[0].id} says that already."])
    if everywhere:
        return _everywhere(part, items, scope)
    return _one(part, changeable(scope, items), scope)


def _one(part: Part, items: Sequence[MemoryItem], scope: Scope) -> Finding:
    """The words replaced in the one memory that holds them, or in those that were pointed at."""
    sifted = _sifted(part, items, scope)
    texts = {
        i.id: replaced(i.memory, part.wrong, part.right, trim=True, kept=sifted.kept) for i in sifted.meant
    }
    meant = [item for item in sifted.meant if texts[item.id] != item.memory]
    if not meant or (not scope.named and len(meant) != 1):
        return _unclear(part, sifted, items)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    changes = [Proposed(Action.UPDATE, item, texts[item.id], reason) for item in meant]
    return Finding(Judgement.CORRECTION, reason, changes, notes=_left_alone(part, sifted, meant))


def _sifted(part: Part, items: Sequence[MemoryItem], scope: Scope) -> Sifted:
    """The memories by what the name is in them; who points at one says that it is the name there."""
    sifted = sift(items, part.wrong, part.right)
    if scope.named and not sifted.meant:
        sifted = Sifted(meant=sifted.inside, both=sifted.both)
    return sifted


def _unclear(part: Part, sifted: Sifted, items: Sequence[MemoryItem]) -> Finding:
    """Nothing is changed: the memories that may be meant, and why it is not clear."""
    reason = "several memories could be meant"
    if len(items) == len(sifted.both):
        reason = f"{part.wrong!r} and {part.right!r} stand there side by side, as two of their own"
    elif not sifted.meant:
        reason = f"{part.wrong!r} is, or may be, a part of another name there"
    elif len(items) == 1:
        reason = f"what {part.wrong!r} counts there is something else"
    return Finding(Judgement.CORRECTION, reason, unsure=list(items), sure=False)


def _left_alone(part: Part, sifted: Sifted, changed: Sequence[MemoryItem]) -> list[str]:
    """A sentence for each memory that holds the words and stays as it is, or does so in one place."""
    ids = {item.id for item in changed}
    inside = f"{part.wrong!r} is, or may be, a part of another name there"
    notes = [
        f"{i.id} {'keeps one name' if i.id in ids else 'was left alone'}, as {inside}: {i.memory[:SHOWN]}"
        for i in sifted.inside
    ]
    both = f"it holds both {part.wrong!r} and {part.right!r}"
    return [*notes, *(f"{i.id} was left alone, as {both}: {i.memory[:SHOWN]}" for i in sifted.both)]


def _everywhere(part: Part, items: Sequence[MemoryItem], scope: Scope) -> Finding:
    """The words replaced in every memory that holds them, and in the labels of speakers: who is called Anna
    was called so when she spoke. Where a memory tells of Pete and of Peter these are two people, and just one
    memory of Pete's can be meant, unless all of them are asked for."""
    words = (part.wrong, part.right)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    sifted = _sifted(part, items, scope)
    told_apart = sifted.both and not part.every and not scope.named
    if not sifted.meant or (told_apart and len(changeable(scope, sifted.meant)) > 1):
        return _unclear(part, sifted, items)
    changes: list[Proposed] = []
    spoken = 0
    for item in sorted(sifted.meant, key=lambda item: (item.known_from, item.row)):
        text = replaced(item.memory, *words, kept=sifted.kept)
        speaks = (
            said_by(item, part.wrong)
            and replaced(item.speaker or "", *words, kept=sifted.kept) != item.speaker
        )
        spoken += speaks
        told = reason
        if text == item.memory and speaks:
            told = f"its speaker is {part.right!r} in place of {part.wrong!r}"
        changes.append(Proposed(Action.UPDATE, item, text, told, words=words, kept=sifted.kept))
    finding = Finding(Judgement.CORRECTION, reason, changes)
    holding = [one.item for one in changes if one.reason == reason and one.item is not None]
    if len(holding) > 1:
        finding.notes.append(f"{len(holding)} memories hold {part.wrong!r}{_counts(holding)}.")
    if spoken:
        whom = "memory was" if spoken == 1 else "memories were"
        finding.notes.append(
            f"{spoken} {whom} said by {part.wrong!r}, who is called {part.right!r} there then."
        )
    finding.notes += _left_alone(part, sifted, sifted.meant)
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
