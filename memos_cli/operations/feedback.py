"""`memos feedback`: what somebody says about memories, understood, shown and carried out in one change.

Owns: the order of its steps, what is asked before anything is overwritten, what goes along (refined
facts, summaries above). Does not own: which memories are meant (`feedback_rules`, `feedback_model`),
the utterance's grammar (`reader/feedback`).

Everything is proposed without the lock and carried out under it, on the versions that were shown: when
somebody else changed one of them meanwhile, nothing is changed (StaleChange).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.cube.cube import valid_end
from memos_cli.errors import BadInput, TooManyChanges
from memos_cli.operations import dependents, insights
from memos_cli.operations.browse import EVERYTHING
from memos_cli.operations.edit import kept_vectors, next_text
from memos_cli.operations.feedback_findings import KNOWN, Action, Finding, Judgement, Proposed, moment_of
from memos_cli.operations.feedback_rules import decide
from memos_cli.operations.feedback_targets import Scope, said_by, scope_of
from memos_cli.operations.outline import is_node
from memos_cli.operations.preferences import Learned, by_rule, learn, told_in
from memos_cli.operations.versions import Edited, next_version
from memos_cli.operations.wording import replaced
from memos_cli.reader.annotate import annotated
from memos_cli.reader.feedback import Form, Part, read_feedback
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Added,
    Change,
    Closing,
    Draft,
    Filters,
    Kind,
    Level,
    MemoryItem,
    Relation,
    RelationKind,
    Source,
    Status,
    Value,
    Visibility,
    now,
)
from memos_cli.session import TextVectors
from memos_cli.stores.facts import FEEDBACK, is_learned
from memos_cli.stores.nearness import content_hash

if TYPE_CHECKING:
    from memos_cli.session import Session

EVERY = Filters()
MAX_CHANGES = 5
"""Memories that one feedback changes without being asked about, at most."""

_RANK = (Judgement.CORRECTION, Judgement.DELETION, Judgement.SUPPLEMENT, Judgement.PRAISE, Judgement.NOISE)


class FeedbackChange(Value, frozen=True, kw_only=True):
    """One memory that a feedback changes: what it said and what it says then (null: it is gone, or new)."""

    id: str | None
    action: Action
    before: str | None
    after: str | None
    reason: str


class FeedbackResult(Value, frozen=True, kw_only=True):
    """`change` is null where nothing was changed; `unsure` are memories one of which may be meant."""

    judgement: Judgement
    reason: str
    changes: tuple[FeedbackChange, ...] = ()
    change: str | None = None
    stale: tuple[str, ...] = ()
    """Topics, concepts and insights that rest on what was changed, and are told anew by `memos reorganize`."""
    unsure: tuple[Added, ...] = ()
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def overwrites(self) -> bool:
        """Whether it changes what is there, as against adding to it."""
        return any(change.action is not Action.ADD for change in self.changes)

    @property
    def unclear(self) -> bool:
        """Whether something was to be changed, and it was not clear what."""
        asked = self.judgement in (Judgement.CORRECTION, Judgement.DELETION)
        return asked and not self.changes and (bool(self.unsure) or self.reason != KNOWN)


Confirm = Callable[[FeedbackResult], bool]
"""Is asked with what would be changed; False: nothing is."""


def feedback(
    session: Session,
    text: str,
    *,
    on: Sequence[str] = (),
    last: bool = False,
    filters: Filters = EVERY,
    max_changes: int = MAX_CHANGES,
    dry_run: bool = False,
    confirm: Confirm | None = None,
) -> FeedbackResult:
    """Understand a feedback and carry it out.

    `on` names the memories that are meant, `last` means those of the last search or change, `filters`
    bound where others are looked for; one user or agent in them owns what is added. `confirm` is asked
    before anything is overwritten; without one, up to `max_changes` changes are made unasked.
    Raises BadInput, MemoryNotFound, NothingSeen, TooManyChanges, StaleChange.
    """
    if not text.strip():
        raise BadInput(source="the feedback", reason="it is empty")
    scope = scope_of(session, on, last, filters)
    proposed, result = _propose(session, text, scope)
    if dry_run:
        return result.but(dry_run=True, stale=_would_be_stale(session, proposed))
    if not proposed:
        return result
    if confirm is None and len(proposed) > max_changes:
        raise TooManyChanges(count=len(proposed), limit=max_changes)
    if confirm is not None and (result.overwrites or len(proposed) > max_changes) and not confirm(result):
        return result.but(notes=(*result.notes, "Nothing was changed."), changes=())
    return _carried_out(session, text, scope, proposed, result)


def _propose(session: Session, text: str, scope: Scope) -> tuple[list[Proposed], FeedbackResult]:
    parts = read_feedback(text) or (Part(Form.REMARK),)
    findings = [decide(part, scope) for part in parts]
    if any(not finding.sure for finding in findings):
        from memos_cli.operations.feedback_model import reconsidered

        findings = reconsidered(session, text, scope, findings)
    chief = min(findings, key=lambda finding: (_RANK.index(finding.judgement), not finding.changes))
    proposed = _distinct(change for finding in findings for change in finding.changes)
    unsure = {item.id: item for finding in findings for item in finding.unsure}
    notes = [*scope.notes, *(note for finding in findings for note in finding.notes)]
    return proposed, FeedbackResult(
        judgement=chief.judgement,
        reason=chief.reason,
        changes=tuple(map(_told, proposed)),
        unsure=tuple(Added(id=i.id, memory=i.memory) for i in unsure.values()),
        notes=tuple(dict.fromkeys(notes)),
    )


def _distinct(changes: Iterable[Proposed]) -> list[Proposed]:
    """Changes, one of each memory: the first; one that changes nothing is none."""
    found: dict[str, Proposed] = {}
    for change in changes:
        if change.item is None:
            found.setdefault(f"+{change.after}", change)
        elif change.action is Action.ARCHIVE or change.after != change.item.memory or change.words:
            found.setdefault(change.item.id, change)
    return list(found.values())


def _told(change: Proposed, id: str | None = None) -> FeedbackChange:
    return FeedbackChange(
        id=change.item.id if change.item else id,
        action=change.action,
        before=change.item.memory if change.item else None,
        after=change.after or None,
        reason=change.reason,
    )


# -- carrying it out


def _carried_out(
    session: Session, text: str, scope: Scope, proposed: Sequence[Proposed], result: FeedbackResult
) -> FeedbackResult:
    vectors = TextVectors(session)
    texts = [change.after for change in proposed if change.after]
    vectors.complete(texts)
    with session.cube.writing("feedback"):
        vectors.complete(texts)
        change = Change(verb="feedback", actor=session.actor, time=now())
        source = Source(type=FEEDBACK, role=FEEDBACK, time=change.time, text=text.strip())
        edits: list[Edited] = [_edit(one, source, change) for one in proposed if one.item is not None]
        made = [_new(one, scope, source, change) for one in proposed if one.item is None]
        learned = _learned(session, made, edits, proposed, change, vectors)
        edits += _following(session, proposed, edits, change, learned)
        stale = _marked(session, proposed, edits)
        puts = (*made, *learned.puts, *(new for _, new, _ in edits))
        vectors.complete(item.memory for item in learned.puts)
        fresh = {item.row: vectors[item.memory] for item in puts if item.memory in vectors}
        closings = tuple(Closing(id=old.id, row=old.row, valid_to=end) for old, _, end in edits)
        whole = change.but(
            puts=puts,
            closings=(*learned.closings, *closings),
            vectors=kept_vectors(session, edits) | fresh,
        )
        committed = session.cube.commit(whole)
    ids = iter(made)
    told = tuple(_told(one, None if one.item else next(ids).id) for one in proposed)
    own = {one.item.id for one in proposed if one.item is not None}
    followed = sum(new.status is Status.ARCHIVED and old.id not in own for old, new, _ in edits)
    notes = [*result.notes, *committed.notes]
    if followed > 0:
        notes.append(
            "1 memory that was drawn from it went with it."
            if followed == 1
            else f"{followed} memories that were drawn from it went with it."
        )
    return result.but(change=change.id, changes=told, stale=tuple(stale), notes=tuple(notes))


def _edit(one: Proposed, source: Source, change: Change) -> Edited:
    old = one.item
    assert old is not None
    sources = (*old.sources, source)
    if one.action is Action.ARCHIVE:
        return old, next_version(old, status=Status.ARCHIVED, sources=sources), None
    since = moment_of(one, old, change.time)
    new = next_text(old, one.after, None).but(sources=sources, valid_from=since)
    if is_learned(old) and one.words is None:
        new = new.but(**_preferred(new))
    if one.words is not None:
        wrong, right = one.words

        def put(text: str) -> str:
            return replaced(text, wrong, right, kept=one.kept)

        new = new.but(
            valid_from=old.valid_from,
            valid_to=old.valid_to,
            refinement=old.refinement,
            key=put(old.key) if old.key else old.key,
            speaker=put(old.speaker) if old.speaker and said_by(old, wrong) else old.speaker,
            topic=put(old.topic) if old.topic else old.topic,
            tags=tuple(dict.fromkeys(map(put, old.tags))),
            # A summary is right at once, and told anew from its corrected memories.
            stale=is_node(old) or old.stale,
        )
    return old, new, valid_end(old, since)


def _preferred(item: MemoryItem) -> dict[str, Any]:
    """What a learned preference that got another text is about, as that text says."""
    read = by_rule(item)
    if not read:
        return {
            "info": {name: value for name, value in item.info.items() if name not in ("polarity", "slot")}
        }
    told = read[0]
    return {"topic": told.topic, "key": told.topic, "tags": told.tags, "info": {**told.info, "told": 1}}


def _new(one: Proposed, scope: Scope, source: Source, change: Change) -> MemoryItem:
    """An addition as a memory of whoever the filters name, linked to what it has to do with."""
    draft = Draft(memory=one.after, sources=(source,), said_at=change.time, **scope.owner)  # type: ignore[arg-type]
    stated = msgspec.structs.asdict(annotated(draft, change.time)) | {
        "kind": Kind.LONG_TERM,
        "visibility": Visibility.PRIVATE,
        "language": language_of(one.after),
        "relations": (Relation(kind=one.link[0], target=one.link[1]),) if one.link else (),
        "valid_from": change.time,
        "known_from": change.time,
        "created_at": change.time,
        "change": change.id,
        "verb": change.verb,
        "actor": change.actor,
        "content_hash": content_hash(one.after),
    }
    return MemoryItem(**stated)


def _learned(
    session: Session,
    made: Sequence[MemoryItem],
    edits: Sequence[Edited],
    proposed: Sequence[Proposed],
    change: Change,
    vectors: TextVectors,
) -> Learned:
    """The preferences that new and reworded memories tell of; none where one is corrected itself."""
    pairs = zip((one for one in proposed if one.item is not None), edits, strict=True)
    reworded = [new for one, (_, new, _) in pairs if one.action is Action.UPDATE and one.words is None]
    if not session.settings.preferences or any(is_learned(old) for old, _, _ in edits):
        return Learned(change)
    return learn(session, told_in([*made, *reworded], by_rule), change, vectors)


def _following(
    session: Session,
    proposed: Sequence[Proposed],
    edits: Sequence[Edited],
    change: Change,
    learned: Learned,
) -> list[Edited]:
    """Refined facts and learned preferences that go with the memories they were drawn from, those that the
    feedback changes itself aside."""
    own = {old.id for old, _, _ in edits} | learned.held.keys()
    archived = {one.item.id: one.item for one in proposed if one.item and one.action is Action.ARCHIVE}
    reworded = {
        old.id: new.valid_from or change.time
        for one, (old, new, _) in zip([p for p in proposed if p.item], edits, strict=True)
        if one.action is Action.UPDATE and one.words is None
    }
    lonely = dependents.learned_alone(session, reworded.keys()) if reworded else []
    followed = [
        *dependents.archived_with(session, archived),
        *dependents.reworded(session, reworded),
        *((one, next_version(one, status=Status.ARCHIVED), None) for one in lonely),
    ]
    found: dict[str, Edited] = {}
    for edit in followed:
        if edit[0].id not in own:
            found.setdefault(edit[0].id, edit)
    return list(found.values())


def _marked(session: Session, proposed: Sequence[Proposed], edits: list[Edited]) -> list[str]:
    """Mark what rests on the changed memories, in `edits`; its ids, those that were edited anyway too."""
    own = {old.id for old, _, _ in edits}
    stale = [new.id for _, new, _ in edits if new.stale and new.status is not Status.ARCHIVED]
    for node in _resting(session, proposed):
        if node.id in own:
            continue
        if not node.stale:
            edits.append((node, next_version(node, stale=True), None))
        stale.append(node.id)
    return list(dict.fromkeys(stale))


def _would_be_stale(session: Session, proposed: Sequence[Proposed]) -> tuple[str, ...]:
    """What a change would mark, for a dry run."""
    reworded = {one.item.id for one in proposed if one.item is not None and one.words is None}
    losing = [new for _, new, _ in insights.losing(session, reworded)]
    nodes = [node.id for node in _resting(session, proposed)]
    return (*nodes, *(new.id for new in losing if new.status is not Status.ARCHIVED))


def _resting(session: Session, proposed: Sequence[Proposed]) -> list[MemoryItem]:
    """Topics and concepts whose words rest on memories that are changed, and what is above them."""
    changed = {one.item.id: one.item for one in proposed if one.item is not None}
    if not changed:
        return []
    nodes = _nodes(session)
    above = {item.parent for item in changed.values() if item.parent}
    found = {
        id: node
        for id, node in nodes.items()
        if id in above
        or any(
            r.kind in (RelationKind.EVIDENCE, RelationKind.HOLDS) and r.target in changed
            for r in node.relations
        )
    }
    for node in list(found.values()):
        if node.parent in nodes:
            found.setdefault(node.parent, nodes[node.parent])
    return [node for id, node in found.items() if id not in changed]


def _nodes(session: Session) -> dict[str, MemoryItem]:
    """The topics and concepts of the tree."""
    view = session.cube.view(vectors=False)
    filters = Filters(levels=(Level.CONCEPT, Level.TOPIC))
    found: dict[str, MemoryItem] = {}
    for keywords in view.keywords:
        rows = keywords.items(keywords.filter_only(filters, EVERYTHING))
        found |= {i.id: i for i in rows.values() if i.known_to is None and i.id not in view.gone}
    return found


__all__ = ["MAX_CHANGES", "Action", "Finding", "Judgement", "feedback"]
