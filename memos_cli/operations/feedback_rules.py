"""What a feedback changes, without a language model: its own claims beside those of the memories.

Owns: the decision which memories are meant and what each says afterwards. Does not own: the frames of
an utterance (`reader/feedback`), the claims and their verdicts (`stores/verdicts`), the words of a
change (`wording`), carrying it out (`feedback`).

A memory is overwritten only where one is meant and it is clear what it says then: its claim is on the
same attribute, or it holds the words that are said to be wrong and the statement's other words, or it
was pointed at. Where several could be meant, none is. Turns of conversations are record: they are
changed where they are named or where a word is replaced everywhere, and otherwise only linked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from memos_cli.operations.feedback_targets import Scope, leading
from memos_cli.operations.wording import attribute, filled, holds, one_slot, replaced, shares, swapped
from memos_cli.reader.feedback import Form, Part, alike
from memos_cli.schema import MemoryItem
from memos_cli.stores.analysis import content_terms
from memos_cli.stores.claims import Claim, claims_of
from memos_cli.stores.facts import is_turn
from memos_cli.stores.nearness import normalized
from memos_cli.stores.verdicts import Relation, Verdict, by_rule, compare

SHARED = 0.6
"""Share of a statement's words, the new value aside, that a memory must hold to be the one it corrects."""
DENIED = 0.6
"""Share of a memory's own words that a denial must name, where it does not say the same outright."""
_CLOSING = (Relation.UPDATE, Relation.CONTRADICTION)
_GENERIC = frozenset(("name", "number", "detail", "info", "inform", "address", "fact", "memori", "note"))
_CHINESE = re.compile("[\u4e00-\u9fff]")
_EMPTY_CHINESE = re.compile("的|我们|我|你|了|吗|是|在|有|多少|那个|这个|关于|和|信息|事情|家里")
_SELF = {"i": ("user", "the user"), "我": ("用户",)}


class Judgement(StrEnum):
    CORRECTION = "correction"
    SUPPLEMENT = "supplement"
    DELETION = "deletion"
    PRAISE = "praise"
    NOISE = "noise"


class Action(StrEnum):
    UPDATE = "update"
    ADD = "add"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Proposed:
    """One change that a feedback proposes; `item` is None for an addition."""

    action: Action
    item: MemoryItem | None
    after: str
    reason: str
    link: tuple[str, str] | None = None
    """Of an addition: what it is to which memory."""
    from_now: bool = False
    """It tells a change, so that what was there was true until now; else it never was."""
    words: tuple[str, str] | None = None
    """Of words replaced everywhere: the wrong and the right ones. What rests on the memory still does."""


@dataclass
class Finding:
    """What one part of a feedback comes to."""

    judgement: Judgement
    reason: str
    changes: list[Proposed] = field(default_factory=list)
    unsure: list[MemoryItem] = field(default_factory=list)
    """Memories one of which is meant, where it is not clear which."""
    sure: bool = True
    """Whether the rules read all of it; else a language model is asked, where there is one."""
    notes: list[str] = field(default_factory=list)


def decide(part: Part, scope: Scope) -> Finding:
    """What a part of a feedback comes to within a scope. Changes nothing."""
    if part.form is Form.REMARK:
        return Finding(Judgement.NOISE, "it says nothing to remember or to change")
    if part.form is Form.CONFIRM:
        return _confirm(part, scope)
    if part.form is Form.FORGET:
        return _forget(part, scope)
    if part.form is Form.DENY:
        return _deny(part, scope)
    return _replace(part, scope) if part.form is Form.REPLACE else _state(part, scope)


def _confirm(part: Part, scope: Scope) -> Finding:
    praise = Finding(Judgement.PRAISE, "it says that something is right")
    if not part.text:
        return praise
    found = _state(Part(Form.STATE, part.text), scope)
    return praise if not found.changes else found


# -- statements


def _state(part: Part, scope: Scope) -> Finding:
    if part.points:
        return _pointed(part, scope)
    judgement = Judgement.CORRECTION if part.corrects else Judgement.SUPPLEMENT
    near = scope.near(f"{part.text} {part.wrong}".strip())
    ours = _changeable(scope, near)
    verdicts = [(item, _verdict(item.memory, part.text)) for item in ours]
    closing = [(i, v) for i, v in verdicts if v.relation in _CLOSING and v.sure]
    if part.wrong and any(holds(i.memory, part.wrong) for i, _ in closing):
        closing = [(i, v) for i, v in closing if holds(i.memory, part.wrong)]
    if closing:
        return _closed(part, closing)
    known = [i for i, v in verdicts if v.relation is Relation.DUPLICATE and v.sure]
    if known and not part.wrong:
        return Finding(judgement, "the cube says that already", notes=[f"{known[0].id} says that already."])
    return _by_words(part, scope, ours, judgement) or _added(part, scope, near, judgement)


def _changeable(scope: Scope, items: Sequence[MemoryItem]) -> list[MemoryItem]:
    """Of candidates those that a statement may change: what was pointed at, else no turn, and nothing that
    follows another one of them."""
    return list(items) if scope.given else leading([item for item in items if not is_turn(item)])


def _verdict(old: str, new: str) -> Verdict:
    """What a statement is to a memory, which may speak of "the user" where the statement says "I"."""
    found = by_rule(old, new)
    if found.relation is not Relation.NEW:
        return found
    for ours in claims_of(new):
        for theirs in claims_of(old):
            if (same := _as_self(theirs, ours)) is not None:
                return compare(same, ours)
    return found


def _as_self(theirs: Claim, ours: Claim) -> Claim | None:
    who, bar, what = ours.key.partition("|")
    their, _, attribute_ = theirs.key.partition("|")
    return (
        theirs._replace(key=ours.key) if bar and their in _SELF.get(who, ()) and what == attribute_ else None
    )


def _closed(part: Part, closing: Sequence[tuple[MemoryItem, Verdict]]) -> Finding:
    """Memories whose claim the statement's own replaces: one of them says it, the others go."""
    items = [item for item, _ in closing]
    if len({(i.user_id, i.agent_id) for i in items}) > 1:
        return Finding(
            Judgement.CORRECTION, "memories of several users say otherwise", unsure=items, sure=False
        )
    first, verdict = max(closing, key=lambda pair: (pair[0].known_from, pair[0].row))
    told = any(claim.changed for claim in claims_of(part.text))
    after = _after(first.memory, part)
    changes = [Proposed(Action.UPDATE, first, after, verdict.reason, from_now=told)]
    for item, other in closing:
        if item is first:
            continue
        if (text := swapped(item.memory, part.text, part.wrong) if part.wrong else None) is not None:
            changes.append(Proposed(Action.UPDATE, item, text, other.reason, from_now=told))
        else:
            changes.append(Proposed(Action.ARCHIVE, item, "", f"{first.id} says it now", from_now=told))
    return Finding(Judgement.CORRECTION, verdict.reason, changes)


def _after(old: str, part: Part) -> str:
    """What a memory says once the statement has replaced its claim: details that it has beside it stay."""
    if part.wrong and (text := swapped(old, part.text, part.wrong)) is not None:
        return text
    for ours in claims_of(part.text):
        for theirs in claims_of(old):
            other_subject = theirs.key != ours.key
            if not (ours.positive and theirs.value and ours.value) or ours.event or ours.changed:
                continue
            if not other_subject and set(theirs.rest) <= set(ours.rest):
                continue
            text = _value_swapped(old, theirs.value, part.text, ours.value)
            if text is not None:
                return text
    return _sentence(part.text, old)


def _value_swapped(old: str, their_value: Sequence[str], said: str, our_value: Sequence[str]) -> str | None:
    joined = [r"\W*".join(map(re.escape, value)) for value in (their_value, our_value)]
    there, here = (re.search(j, t, re.IGNORECASE) for j, t in zip(joined, (old, said), strict=True))
    if there is None or here is None or not there.group() or not here.group():
        return None
    return old[: there.start()] + here.group() + old[there.end() :]


def _sentence(said: str, old: str = "") -> str:
    """A statement as a sentence that begins and ends as one."""
    text = said.strip()
    text = text[:1].upper() + text[1:]
    stop = "。" if _CHINESE.search(text) else "."
    ends = not old or old.rstrip().endswith((".", "。", "!", "！", "?", "？"))
    return text + stop if ends and text[-1:].isalnum() else text


def _by_words(part: Part, scope: Scope, items: Sequence[MemoryItem], judgement: Judgement) -> Finding | None:
    """The one memory that holds the words that are said to be wrong and the statement's others, or that
    differs from the statement in one number, day or time."""
    if part.wrong:
        frame = 0.0 if len(scope.named) == 1 else SHARED
        edits = [
            (shares(i.memory, part.text), i, swapped(i.memory, part.text, part.wrong, frame)) for i in items
        ]
        best = max((share for share, _, text in edits if text is not None), default=0.0)
        meant = [(i, text) for share, i, text in edits if text is not None and share == best]
    elif part.corrects:
        meant = [(i, text) for i in items if (text := one_slot(i.memory, part.text)) is not None]
    else:
        return None
    if len(meant) == 1:
        item, text = meant[0]
        reason = f"it says {part.wrong!r}" if part.wrong else "it differs in one number, day or time"
        return Finding(Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, item, text, reason)])
    if len(meant) > 1:
        return Finding(judgement, "several memories could be meant", unsure=[i for i, _ in meant], sure=False)
    if part.corrects and len(scope.named) == 1 and _restates(scope.named[0].memory, part.text):
        reason = "it was pointed at and said otherwise"
        text = _sentence(part.text, scope.named[0].memory)
        return Finding(
            Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, scope.named[0], text, reason)], sure=False
        )
    return None


def _restates(old: str, said: str) -> bool:
    """Whether a statement is a memory of one sentence told otherwise, and not about something else."""
    pronoun = re.match(r"(?:that|this|it|he|she|they)\b|[这那它他她]", said, re.IGNORECASE)
    one_sentence = not re.search(r"[.!?。！？]\s*\S", old.rstrip(" .!?。！？"))
    return pronoun is None and one_sentence and len(old) <= 3 * len(said) and shares(old, said) >= 0.4


def _added(part: Part, scope: Scope, near: Sequence[MemoryItem], judgement: Judgement) -> Finding:
    """A memory of its own, linked to what it has to do with."""
    link = _link(part, scope, near)
    reason = "it is something further"
    if part.corrects:
        reason = "no memory was found that it clearly corrects"
    finding = Finding(judgement, reason, [Proposed(Action.ADD, None, _sentence(part.text), reason, link)])
    finding.sure = not part.corrects and (part.adds or bool(claims_of(part.text)) or not near)
    return finding


def _link(part: Part, scope: Scope, near: Sequence[MemoryItem]) -> tuple[str, str] | None:
    if len(scope.named) == 1:
        return str(Relation.CONTRADICTION if part.corrects else Relation.COMPLEMENT), scope.named[0].id
    for item in near:
        found = _verdict(item.memory, part.text)
        if found.relation not in (Relation.NEW, Relation.DUPLICATE):
            return str(found.relation), item.id
    return None


def _pointed(part: Part, scope: Scope) -> Finding:
    """A new value alone ("it should be 4712"): clear only of one memory with one place for it."""
    if len(scope.given) != 1:
        reason = "it does not say which memory it means"
        return Finding(Judgement.CORRECTION, reason, unsure=list(scope.among), sure=False)
    (item,) = scope.given
    text = filled(item.memory, part.right)
    if text is None:
        values = [c.value for c in claims_of(item.memory) if c.value]
        found = (
            _value_swapped(item.memory, values[0], part.right, _words(part.right))
            if len(values) == 1
            else None
        )
        text = found
    if text is None or text == item.memory:
        return Finding(
            Judgement.CORRECTION, f"it is not clear what {part.right!r} replaces", unsure=[item], sure=False
        )
    reason = f"{part.right!r} replaces what it said"
    return Finding(Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, item, text, reason)])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# -- words in place of others


def _replace(part: Part, scope: Scope) -> Finding:
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
        items = _changeable(scope, items)
    if not everywhere and not scope.named and len(items) != 1:
        return Finding(Judgement.CORRECTION, "several memories could be meant", unsure=items, sure=False)
    words = (part.wrong, part.right)
    reason = f"{part.right!r} in place of {part.wrong!r}"
    changes = [
        Proposed(
            Action.UPDATE, item, replaced(item.memory, *words), reason, words=words if everywhere else None
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
    near = _changeable(scope, scope.near(said.text))
    closing = [(i, v) for i in near if (v := _verdict(i.memory, said.text)).relation in _CLOSING and v.sure]
    if closing:
        return _closed(said, closing)
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


# -- what shall go, and what is not so


def _deny(part: Part, scope: Scope) -> Finding:
    reason = "it is said to be wrong, and nothing is said in its place"
    if part.points:
        if scope.named:
            return Finding(Judgement.CORRECTION, reason, _archived(scope.named, reason))
        why = "it does not say which memory is wrong"
        return Finding(Judgement.CORRECTION, why, unsure=list(scope.among), sure=False)
    items = _changeable(scope, scope.near(part.text))
    same = _same(items, part.text)
    if not same:
        fits = [item for item in _matching(items, part.text) if shares(part.text, item.memory) >= DENIED]
        same = fits if len(fits) == 1 else []
    if not same:
        return Finding(Judgement.CORRECTION, "no memory clearly says that", sure=False)
    return Finding(Judgement.CORRECTION, reason, _archived(same, reason))


def _forget(part: Part, scope: Scope) -> Finding:
    reason = "it shall be forgotten"
    if scope.named:
        return Finding(Judgement.DELETION, reason, _archived(scope.named, reason))
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
    if not found:
        note = f"No memory here is clearly about {part.text!r}."
        return Finding(Judgement.DELETION, "no memory is clearly about that", sure=False, notes=[note])
    one_text = len({normalized(item.memory) for item in found}) == 1
    if part.every or len(found) == 1 or one_text or _same(items, part.text):
        return Finding(Judgement.DELETION, reason, _archived(found, reason))
    return Finding(Judgement.DELETION, "several memories could be meant", unsure=found, sure=False)


def _archived(items: Iterable[MemoryItem], reason: str) -> list[Proposed]:
    return [Proposed(Action.ARCHIVE, item, "", reason, from_now=True) for item in items]


def _same(items: Sequence[MemoryItem], text: str) -> list[MemoryItem]:
    """Memories that say the same as a statement."""
    found = []
    for item in items:
        verdict = _verdict(item.memory, text)
        if verdict.relation is Relation.DUPLICATE and verdict.sure:
            found.append(item)
    return found


def _matching(items: Sequence[MemoryItem], text: str) -> list[MemoryItem]:
    """Memories that hold every word of a description, words like "number" aside where that finds none."""
    if _CHINESE.search(text):
        chunks = [c for c in _EMPTY_CHINESE.split(normalized(text)) if c.strip(" ,，。")]
        return [i for i in items if chunks and all(c in normalized(i.memory) for c in chunks)]
    wanted = set(content_terms(text))
    terms = {item.id: set(content_terms(f"{item.memory} {item.key or ''}")) for item in items}
    for words in (wanted, wanted - _GENERIC):
        if words and (found := [item for item in items if words <= terms[item.id]]):
            return found
    return []


def moment_of(change: Proposed, old: MemoryItem, now: datetime) -> datetime:
    """Since when what a memory says now is true: since the one before it was, unless it tells a change."""
    return now if change.from_now else (old.valid_from or now)
