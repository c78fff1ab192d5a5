"""Facts that were drawn meet what the cube holds: new, known, or the end of an older fact.

Owns: what a judgement on a fact becomes in the cube. Does not own: the judgement (`judge_facts`),
drawing facts (`reader/fine`), the commit (`refine`).

Nothing goes. A fact that is known becomes one more ground of the memory that says it. One that another
fact ends is archived, its validity closed, and says which one came after it (`updated_by`): it has an id
of its own, because it rests on other memories than the one that ends it, and must go when they are
purged. The raw memories are never closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.operations import insights
from memos_cli.operations.judge import SHOWN, Ruling, true_from, until
from memos_cli.operations.judge_facts import FactJudge, another_event
from memos_cli.operations.versions import Edited, next_version
from memos_cli.schema import (
    Change,
    Closing,
    Known,
    Linked,
    MemoryItem,
    Refinement,
    Relation,
    RelationKind,
    Source,
    Status,
    Updated,
)

if TYPE_CHECKING:
    from memos_cli.session import Session


@dataclass
class Drawn:
    """What the facts of a window come to, in the change to be."""

    change: Change
    new: dict[str, MemoryItem] = field(default_factory=dict)
    """By id: facts that no memory of the cube says yet."""
    ended: list[MemoryItem] = field(default_factory=list)
    """Versions that this change opens and closes."""
    edits: dict[str, Edited] = field(default_factory=dict)
    """By id: memories of the cube that get another version."""
    known: list[Known] = field(default_factory=list)
    updated: list[Updated] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    _said: dict[str, list[str]] = field(default_factory=dict)
    """By term (`stores/claims`): ids of the facts of this window."""

    @property
    def puts(self) -> list[MemoryItem]:
        return [*self.ended, *self.new.values(), *(after for _, after, _ in self.edits.values())]

    @property
    def closings(self) -> list[Closing]:
        return [Closing(id=old.id, row=old.row, valid_to=end) for old, _, end in self.edits.values()]

    def latest(self, item: MemoryItem) -> MemoryItem:
        """The version of a memory that this change leaves."""
        if (edit := self.edits.get(item.id)) is not None:
            return edit[1]
        return self.new.get(item.id, item)

    def ahead(self, terms: Collection[str]) -> Iterator[MemoryItem]:
        """Facts of this window on one of these matters, as they are now."""
        ids = dict.fromkeys(id for term in terms for id in self._said.get(term, ()))
        return (self.new[id] for id in ids)

    def same(self, fact: MemoryItem) -> MemoryItem | None:
        """The fact of this window that says the same in the same words."""
        hashed = fact.content_hash
        return next((i for i in self.new.values() if i.content_hash == hashed and _same_fact(i, fact)), None)

    def add(self, fact: MemoryItem, terms: Collection[str]) -> None:
        self.new[fact.id] = fact
        for term in terms:
            self._said.setdefault(term, []).append(fact.id)

    def know(self, item: MemoryItem, fact: MemoryItem, reason: str) -> None:
        """A fact is known: what it rests on is one more ground of the memory that is there."""
        self.known.append(Known(id=item.id, memory=fact.memory, reason=reason))
        latest = self.latest(item)
        grounded = _founded(latest, fact) if item.refines is not None else _mentioned(latest, fact)
        if grounded is not latest:
            self._keep(item, grounded)

    def end(self, old: MemoryItem, fact: MemoryItem, ruling: Ruling) -> MemoryItem:
        """An older fact ends where this one begins. Returns this one as it is to be stored."""
        since = true_from(fact, self.change.time)
        over = valid_end(old, since)
        row = self.edits[old.id][0].row if old.id in self.edits else old.row
        after = old.but(
            status=Status.ARCHIVED,
            valid_to=over,
            relations=(*old.relations, Relation(kind=RelationKind.UPDATED_BY, target=fact.id)),
        )
        if old.id in self.new:
            stamp = {"known_to": self.change.time, "closed_by": self.change.id, "valid_to": over}
            self.ended.append(old.but(**stamp))
            self.new[old.id] = next_version(after, predecessor=old.row)
        else:
            self._keep(old, after)
            before, after, _ = self.edits[old.id]
            self.edits[old.id] = before, after, valid_end(before, since)
        self.updated.append(
            Updated(
                id=fact.id, memory=fact.memory, replaces=row, relation=ruling.relation, reason=ruling.reason
            )
        )
        fact = _related(fact, ruling).but(valid_from=since)
        return until(fact, ruling.ends_with) if ruling.ends_with else fact

    def link(self, fact: MemoryItem, ruling: Ruling) -> MemoryItem:
        """A fact has to do with a memory that stays. Returns it as it is to be stored."""
        to = ruling.item
        self.linked.append(
            Linked(id=fact.id, memory=fact.memory, to=to.id, relation=ruling.relation, reason=ruling.reason)
        )
        fact = _related(fact, ruling)
        return until(fact, to) if ruling.earlier else fact

    def _keep(self, item: MemoryItem, after: MemoryItem) -> None:
        if item.id in self.new:
            self.new[item.id] = after
        elif item.id in self.edits:
            before, last, end = self.edits[item.id]
            self.edits[item.id] = before, after.but(row=last.row), end
        else:
            self.edits[item.id] = (
                item,
                next_version(after, version=item.version + 1, predecessor=item.row),
                None,
            )


def drawn(
    session: Session,
    facts: Mapping[int, MemoryItem],
    standing: Collection[MemoryItem],
    judge: FactJudge,
    change: Change,
) -> Drawn:
    """Under the lock: what facts come to beside what the cube holds, by the place at which the judge
    was asked about them; the waiting of the memories `standing` ends."""
    made = Drawn(change)
    for item in standing:
        made.edits[item.id] = item, next_version(item, refinement=Refinement.DONE), None
    there = session.cube.keywords.with_hash([fact.content_hash for fact in facts.values()])
    for place in sorted(facts, key=lambda place: _when(facts[place])):
        fact = facts[place]
        same = next((item for item in there if _same_fact(made.latest(item), fact)), None) or made.same(fact)
        if same is not None:
            made.know(same, fact, "same text")
            continue
        _judged(made, judge, place, fact)
    gone = {id for id, (old, new, _) in made.edits.items() if old.status in SHOWN and new.status not in SHOWN}
    for edit in insights.losing(session, gone):
        made.edits.setdefault(edit[0].id, edit)
    return made


def _when(fact: MemoryItem) -> tuple[object, ...]:
    return fact.said_at or fact.known_from, fact.position or 0


def _judged(made: Drawn, judge: FactJudge, place: int, fact: MemoryItem) -> None:
    there = (*map(made.latest, judge.candidates(place)), *made.ahead(judge.sought(place)))
    items = {item.id: item for item in there}
    ruling = judge.ruling(place, fact, items.values(), made.latest, made.change.time)
    if ruling is not None and ruling.merges:
        made.know(ruling.item, fact, ruling.reason)
        return
    if ruling is not None:
        fact = made.end(ruling.item, fact, ruling) if ruling.closes else made.link(fact, ruling)
    made.add(fact, judge.terms(fact))


def _related(fact: MemoryItem, ruling: Ruling) -> MemoryItem:
    return fact.but(relations=(*fact.relations, Relation(kind=ruling.kind, target=ruling.item.id)))


def _same_fact(item: MemoryItem, fact: MemoryItem) -> bool:
    """Whether the memory is the same fact. What has ended since is another one, if it is said again later."""
    owner = (item.user_id, item.agent_id, item.kind, item.visibility)
    mine = owner == (fact.user_id, fact.agent_id, fact.kind, fact.visibility) and item.refines is not None
    if not mine or another_event(item, fact):
        return False
    if item.status is not Status.ARCHIVED:
        return item.status in SHOWN
    return not _has_ended(item) or _began(fact) < (item.valid_to or _began(item))


def _has_ended(item: MemoryItem) -> bool:
    return any(relation.kind == RelationKind.UPDATED_BY for relation in item.relations)


def _began(item: MemoryItem) -> datetime:
    return item.valid_from or item.known_from


def _founded(item: MemoryItem, fact: MemoryItem) -> MemoryItem:
    """A fact that is there, resting on what another mention of it rests on too. One that somebody
    archived stays archived, as does one that has ended; one that was archived since its memory got
    another text comes back."""
    if item.status is Status.ARCHIVED and item.verb == "archive":
        return item
    back = item.status is Status.ARCHIVED and not _has_ended(item)
    fresh = [id for id in fact.rests_on if id not in item.rests_on]
    if not fresh and not back:
        return item
    relations = (*item.relations, *(Relation(kind=RelationKind.REFINES, target=id) for id in fresh))
    if not back:
        return item.but(relations=relations)
    return item.but(relations=relations, status=Status.ACTIVATED, valid_to=None)


def _mentioned(item: MemoryItem, fact: MemoryItem) -> MemoryItem:
    """A note that is there, with where else the same was said. The words and the role of a source stay
    away: they belong to the memory that the source names."""
    there = {relation.target for relation in item.relations if relation.kind == RelationKind.MENTIONED_IN}
    fresh = [id for id in fact.rests_on if id not in there and id != item.id]
    if not fresh:
        return item
    came = dict.fromkeys(source.but(role=None, text=None) for source in fact.sources)
    told = (source for source in came if source not in item.sources and source != Source(type=source.type))
    relations = (*item.relations, *(Relation(kind=RelationKind.MENTIONED_IN, target=id) for id in fresh))
    return item.but(sources=(*item.sources, *told), relations=relations)
