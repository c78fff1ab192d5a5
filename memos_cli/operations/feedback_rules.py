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

from memos_cli.operations.feedback_denials import deny, forget
from memos_cli.operations.feedback_findings import Finding, Judgement
from memos_cli.operations.feedback_replacing import replace
from memos_cli.operations.feedback_statements import state
from memos_cli.operations.feedback_targets import Scope
from memos_cli.operations.wording import shares
from memos_cli.reader.feedback import Form, Part


def decide(part: Part, scope: Scope) -> Finding:
    """What a part of a feedback comes to within a scope. Changes nothing."""
    if part.form is Form.REMARK:
        return Finding(Judgement.NOISE, "it says nothing to remember or to change")
    if part.form is Form.CONFIRM:
        return _confirm(part, scope)
    if part.form is Form.FORGET:
        return forget(part, scope)
    if part.form is Form.DENY:
        return deny(part, scope)
    return replace(part, scope) if part.form is Form.REPLACE else state(part, scope)


def _confirm(part: Part, scope: Scope) -> Finding:
    praise = Finding(Judgement.PRAISE, "it says that something is right")
    if not part.text:
        return praise
    if any(shares(item.memory, part.text) == 1.0 for item in scope.near(part.text)):
        return praise
    found = state(Part(Form.STATE, part.text), scope)
    return praise if not found.changes else found
