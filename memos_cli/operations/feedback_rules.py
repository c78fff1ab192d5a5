"""What a feedback changes, without a language model: its own claims beside those of the memories.

Owns: what is decided by which rules: statements (`feedback_statements`), words replaced everywhere
(`feedback_replacing`), denials and wishes to delete (`feedback_denials`). Does not own: the frames of an
utterance (`reader/feedback`), carrying it out (`feedback`).

A memory is overwritten only where one is meant and it is clear what it says then: its claim is on the
same attribute, or it holds the words that are said to be wrong and the statement's other words, or it
was pointed at. Where several could be meant, none is. Turns of conversations are record: they are
changed where they are named or where a word is replaced everywhere, and otherwise only linked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replaced

from memos_cli.operations.feedback_denials import deny, forget
from memos_cli.operations.feedback_findings import KNOWN, Finding, Judgement
from memos_cli.operations.feedback_replacing import replace
from memos_cli.operations.feedback_statements import changeable, state, verdict_on
from memos_cli.operations.feedback_targets import Scope, leading
from memos_cli.operations.framing import framed
from memos_cli.operations.wording import overfull, shares
from memos_cli.reader.feedback import Form, Part
from memos_cli.schema import MemoryItem
from memos_cli.stores.analysis import exact_terms
from memos_cli.stores.claims import claims_of
from memos_cli.stores.verdicts import Relation

OFFERED = 5
"""Memories that are named where it is not clear which is meant, at most, beyond those that fit equally."""


def decide(part: Part, scope: Scope) -> Finding:
    """What a part of a feedback comes to within a scope. Changes nothing."""
    return _offering(part, scope, _decided(part, scope))


def _offering(part: Part, scope: Scope, found: Finding) -> Finding:
    """A finding that changes nothing because it is not clear which memory is meant, with those that share the
    most of its words."""
    about = part.text or part.wrong
    settled = found.changes or found.unsure or found.reason == KNOWN or found.judgement not in _OVERWRITING
    if settled or part.points or not about:
        return found
    told = [(shares(item.memory, about), item) for item in leading(scope.near(about), turns=True)]
    best = sorted((one for one in told if one[0] >= LEAST), key=lambda one: -one[0])
    return replaced(found, unsure=[item for _, item in best[:OFFERED]], sure=False)


_OVERWRITING = (Judgement.CORRECTION, Judgement.DELETION)
LEAST = 0.3
"""Share of the words of what is meant that a memory must hold to be offered."""


def _decided(part: Part, scope: Scope) -> Finding:
    if part.form is Form.REMARK:
        return Finding(Judgement.NOISE, "it says nothing to remember or to change")
    if part.form is Form.CONFIRM:
        return _confirm(part, scope)
    if part.form is Form.FORGET:
        return forget(part, scope)
    if part.form is Form.DENY:
        return deny(part, scope)
    return replace(part, scope) if part.form is Form.REPLACE else _guarded(part, state(part, scope))


def _guarded(part: Part, found: Finding) -> Finding:
    """What a statement comes to, without the texts in which more than a value took a value's place: these are
    asked about. A text that is the statement itself is whole as it is."""
    said = [exact_terms(text) for text in (part.text, part.plain) if text]
    broken = [
        c for c in found.changes if c.item is not None and c.after and _broken(c.item.memory, c.after, said)
    ]
    if not broken:
        return found
    kept = [change for change in found.changes if change not in broken]
    unsure = [*found.unsure, *(change.item for change in broken if change.item is not None)]
    reason = found.reason if kept else "it is not clear what the memory says then"
    return Finding(found.judgement, reason, kept, unsure, sure=False, notes=found.notes)


def _broken(before: str, after: str, said: Sequence[list[str]]) -> bool:
    return exact_terms(after) not in said and overfull(before, after)


def _confirm(part: Part, scope: Scope) -> Finding:
    praise = Finding(Judgement.PRAISE, "it says that something is right")
    if not part.text:
        return praise
    if any(shares(item.memory, part.text) == 1.0 for item in scope.near(part.text)):
        return praise
    if others := _otherwise(part.text, scope):
        reason = "it is called right, and what is remembered says otherwise"
        return Finding(Judgement.CORRECTION, reason, unsure=others, sure=False)
    found = state(Part(Form.STATE, part.text), scope)
    return praise if not found.changes else found


def _otherwise(said: str, scope: Scope) -> list[MemoryItem]:
    """Memories that say something else of the same matter as a statement, or may do so; none where it tells
    itself that something changed."""
    if any(claim.changed or claim.event for claim in claims_of(said)):
        return []
    found = []
    for item in changeable(scope, scope.near(said)):
        relation = verdict_on(item.memory, said, corrects=True).relation
        if relation in (Relation.UPDATE, Relation.CONTRADICTION) or framed(item.memory, said) is not None:
            found.append(item)
    return found
