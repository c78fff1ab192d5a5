"""What a statement that somebody makes about memories changes.

Owns: which memory a statement corrects, and what that says then; what is added where none is. Does not own: the
claims and their verdicts (`stores/verdicts`), the words of a change (`wording`), words that are replaced
everywhere (`feedback_replacing`), what shall go (`feedback_denials`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from memos_cli.operations.feedback_findings import KNOWN, Action, Finding, Judgement, Proposed
from memos_cli.operations.feedback_targets import Scope, leading
from memos_cli.operations.framing import framed
from memos_cli.operations.wording import (
    affirmed,
    denied,
    ended,
    filled,
    holds,
    named_in,
    one_slot,
    put,
    restated_slot,
    shares,
    swapped,
)
from memos_cli.reader.feedback import Part
from memos_cli.schema import MemoryItem, RelationKind
from memos_cli.stores.analysis import exact_terms
from memos_cli.stores.claims import Among, Claim, claims_of
from memos_cli.stores.facts import is_turn
from memos_cli.stores.verdicts import Relation, Verdict, by_rule, compare

SHARED = 0.6
"""Share of a statement's words, the new value aside, that a memory must hold to be the one it corrects."""
_CLOSING = (Relation.UPDATE, Relation.CONTRADICTION)
_CHINESE = re.compile("[\u4e00-\u9fff]")
_SELF = re.compile(r"^(?:i(?=\||$)|my (?=\w)|user(?: 's)? (?=\w)|user(?=\|)|我(?!们)的?|用户的?)")
"""Who a claim is about, where that is the one who speaks: "I", "my …", "the user's …"."""


def state(part: Part, scope: Scope) -> Finding:
    if part.points:
        return _pointed(part, scope)
    part = replace(part, text=part.text[:1].upper() + part.text[1:])
    judgement = Judgement.CORRECTION if part.corrects else Judgement.SUPPLEMENT
    near = scope.near(f"{part.text} {part.wrong}".strip())
    ours = changeable(scope, near)
    verdicts = [(item, verdict_on(item.memory, part.text, corrects=part.corrects)) for item in ours]
    closing = [(i, v) for i, v in verdicts if v.relation in _CLOSING and v.sure]
    if part.wrong and any(holds(i.memory, part.wrong) for i, _ in closing):
        closing = [(i, v) for i, v in closing if holds(i.memory, part.wrong)]
    if not closing and part.plain:
        closing = closing_verdicts(ours, part.plain)
        part = replace(part, text=part.plain, plain="") if closing else part
    if closing:
        # What is over is said in the sentence that held it, which may say more of its subject.
        over = _over(part, [i for i, _ in closing]) if len(closing) == 1 else None
        return over if over is not None and over.sure else closed(part, closing)
    known = [i for i, v in verdicts if v.relation is Relation.DUPLICATE and v.sure]
    if known and not part.wrong:
        return Finding(judgement, KNOWN, notes=[f"{known[0].id} says that already."])
    return (
        _affirmed(part, ours)
        or _over(part, ours)
        or _by_words(part, scope, ours, judgement)
        or _added(part, scope, near, judgement)
    )


def _affirmed(part: Part, items: Sequence[MemoryItem]) -> Finding | None:
    """The one memory that denies just what the statement says (我抽烟的 beside 用户不抽烟), or says just what
    the statement denies."""
    meant = [(i, text) for i in items if (text := affirmed(i.memory, part.text)) is not None]
    meant += [(i, _sentence(part.text, i.memory)) for i in items if denied(i.memory, part.text)]
    if len(meant) != 1:
        return None
    item, text = meant[0]
    reason = "one denies what the other says"
    return Finding(Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, item, text, reason)])


def _over(part: Part, items: Sequence[MemoryItem]) -> Finding | None:
    """The one memory that says, among other things, what the statement says is no longer so."""
    meant = [(item, *found) for item in items if (found := ended(item.memory, part.text)) is not None]
    if not meant:
        return None
    reason = "it says that this has changed"
    if len(meant) > 1 or not meant[0][2]:
        return Finding(Judgement.CORRECTION, reason, unsure=[item for item, *_ in meant], sure=False)
    item, text, _ = meant[0]
    return Finding(Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, item, text, reason, from_now=True)])


def changeable(scope: Scope, items: Sequence[MemoryItem]) -> list[MemoryItem]:
    """Of candidates those that a statement may change: what was pointed at, else no turn, and nothing that
    follows another one of them."""
    return list(items) if scope.given else leading([item for item in items if not is_turn(item)])


def closing_verdicts(items: Sequence[MemoryItem], said: str) -> list[tuple[MemoryItem, Verdict]]:
    """Those of the memories whose claim a statement replaces, for sure."""
    verdicts = ((item, verdict_on(item.memory, said)) for item in items)
    return [(i, v) for i, v in verdicts if v.relation in _CLOSING and v.sure]


def verdict_on(old: str, new: str, *, corrects: bool = False) -> Verdict:
    """What a statement is to a memory, which may speak of "the user" where the statement says "I".

    Who says that something is wrong speaks of the same sister, though there may be two."""
    found = by_rule(old, new)
    pairs = [(theirs, ours) for ours in claims_of(new) for theirs in claims_of(old)]
    if found.relation is not Relation.NEW:
        same = [(theirs, ours) for theirs, ours in pairs if theirs.key == ours.key]
        return _of_one(*same[0], found) if corrects and same and not found.sure else found
    for theirs, ours in pairs:
        if (own := _as_self(theirs, ours)) is not None:
            found = compare(own, ours)
            return _of_one(own, ours, found) if corrects and not found.sure else found
    return found


def _of_one(theirs: Claim, ours: Claim, found: Verdict) -> Verdict:
    """The verdict on two claims where both are of the same sister; as it was where there are many."""
    if Among.MANY in (theirs.among, ours.among):
        return found
    return compare(theirs._replace(among=Among.ONE), ours._replace(among=Among.ONE))


def _as_self(theirs: Claim, ours: Claim) -> Claim | None:
    """Their claim under our key, where both are about the one who speaks and the same attribute."""
    their, own = (_SELF.match(claim.key) for claim in (theirs, ours))
    if their is None or own is None or theirs.key == ours.key:
        return None
    same = theirs.key[their.end() :] == ours.key[own.end() :]
    return theirs._replace(key=ours.key) if same and ours.key[own.end() :] else None


def closed(part: Part, closing: Sequence[tuple[MemoryItem, Verdict]]) -> Finding:
    """Memories whose claim the statement's own replaces: one of them says it, the others go."""
    items = [item for item, _ in closing]
    if len({(i.user_id, i.agent_id) for i in items}) > 1:
        return Finding(
            Judgement.CORRECTION, "memories of several users say otherwise", unsure=items, sure=False
        )
    first, verdict = max(closing, key=lambda pair: (pair[0].known_from, pair[0].row))
    told = part.changed or any(claim.changed for claim in claims_of(part.text))
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
    if (text := affirmed(old, part.text)) is not None:
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
    return put(old, there.span(), here.group())


def _sentence(said: str, old: str = "") -> str:
    """A statement as a sentence that begins and ends as one."""
    text = said.strip()
    text = text[:1].upper() + text[1:]
    stop = "。" if _CHINESE.search(text) else "."
    ends = not old or old.rstrip().endswith((".", "。", "!", "！", "?", "？"))
    return text + stop if ends and text[-1:].isalnum() else text


def _by_words(part: Part, scope: Scope, items: Sequence[MemoryItem], judgement: Judgement) -> Finding | None:
    """The one memory that holds the words that are said to be wrong and the statement's others, or that
    differs from the statement in one number, day, time or name."""
    said = part.plain or part.text
    if part.wrong:
        frame = 0.0 if len(scope.named) == 1 or _names_only(part, items) else SHARED
        edits = [(shares(i.memory, said), i, swapped(i.memory, said, part.wrong, frame)) for i in items]
        best = max((share for share, _, text in edits if text is not None), default=0.0)
        meant = [(i, text) for share, i, text in edits if text is not None and share == best]
    elif part.corrects or part.changed:
        meant = [(i, text) for i in items if (text := one_slot(i.memory, said)) is not None]
        meant = meant or [
            (i, text) for i in items if (text := framed(i.memory, said, changed=part.changed)) is not None
        ]
    elif not part.adds:
        meant = [(i, text) for i in items if (text := restated_slot(i.memory, said)) is not None]
        judgement = Judgement.CORRECTION if meant else judgement
    else:
        return None
    if len(meant) == 1:
        item, text = meant[0]
        reason = f"it says {part.wrong!r}" if part.wrong else "it differs in one place"
        change = Proposed(Action.UPDATE, item, text, reason, from_now=part.changed)
        return Finding(Judgement.CORRECTION, reason, [change])
    if len(meant) > 1:
        return Finding(judgement, "several memories could be meant", unsure=[i for i, _ in meant], sure=False)
    if part.corrects and len(scope.named) == 1 and _restates(scope.named[0].memory, part.text):
        reason = "it was pointed at and said otherwise"
        text = _sentence(part.text, scope.named[0].memory)
        return Finding(
            Judgement.CORRECTION, reason, [Proposed(Action.UPDATE, scope.named[0], text, reason)], sure=False
        )
    return None


def _names_only(part: Part, items: Sequence[MemoryItem]) -> bool:
    """Whether it tells what something is called, and just one memory holds the name that is wrong."""
    return named_in(part.text, part.wrong) and sum(holds(i.memory, part.wrong) for i in items) == 1


def _restates(old: str, said: str) -> bool:
    """Whether a statement is a memory of one sentence told otherwise, and not about something else."""
    pronoun = re.match(r"(?:that|this|it|he|she|they)\b|[这那它他她]", said, re.IGNORECASE)
    one_sentence = not re.search(r"[.!?。！？]\s*\S", old.rstrip(" .!?。！？"))
    return pronoun is None and one_sentence and len(old) <= 3 * len(said) and shares(old, said) >= 0.4


def _added(part: Part, scope: Scope, near: Sequence[MemoryItem], judgement: Judgement) -> Finding:
    """A memory of its own, linked to what it has to do with; nothing where a memory says just that."""
    said = exact_terms(part.text)
    known = [item for item in near if not is_turn(item) and exact_terms(item.memory) == said]
    if known:
        return Finding(judgement, KNOWN, notes=[f"{known[0].id} says that already."])
    link = _link(part, scope, near)
    reason = "it is something further"
    if part.corrects:
        reason = "no memory was found that it clearly corrects"
    finding = Finding(judgement, reason, [Proposed(Action.ADD, None, _sentence(part.text), reason, link)])
    finding.sure = not part.corrects and (part.adds or bool(claims_of(part.text)) or not near)
    return finding


def _link(part: Part, scope: Scope, near: Sequence[MemoryItem]) -> tuple[RelationKind, str] | None:
    if len(scope.named) == 1:
        return RelationKind.CONTRADICTS if part.corrects else RelationKind.COMPLEMENTS, scope.named[0].id
    for item in near:
        found = verdict_on(item.memory, part.text)
        if found.relation not in (Relation.NEW, Relation.DUPLICATE):
            return found.relation.kind, item.id
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
