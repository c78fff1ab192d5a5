"""Add-time judgement: what a draft is to the memories that are there, and what follows from it.

Owns: which memories a draft is compared with, which verdicts may merge or close something, and the
language model's say where the rules are silent. Does not own: the rules (`stores/verdicts`), nor
writing what was decided (`operations/add`).

Candidates of the rules come from the keyword index by exact terms (`stores/claims`), so that judging
costs the same in a cube of a million memories; a model is shown what the search finds.

What is never done, whatever the verdict: turns of conversations are raw record, so a turn closes
nothing and is never closed, it is only linked; memories with a caller's own id are the caller's to
change; a statement in one document says nothing about "the deadline" of another; owners, agents,
speakers, kinds and visibilities are not mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from memos_cli.errors import LLMError
from memos_cli.operations import judge_model
from memos_cli.schema import Draft, Filters, MemoryItem, RelationKind, Status
from memos_cli.session import TextVectors
from memos_cli.stores.claims import claims_of, owner_of, sought_by, terms_of
from memos_cli.stores.facts import is_turn
from memos_cli.stores.verdicts import Relation, Verdict, by_rule, role_in

if TYPE_CHECKING:
    from memos_cli.cube.cube import View
    from memos_cli.providers.llm import LLM
    from memos_cli.session import Session

SHOWN = (Status.ACTIVATED, Status.RESOLVING)

NEAREST = 5
"""Memories that a model is shown beside the new one."""
ALIKE = 0.35
"""Cosine from which a memory is worth showing; of MiniLM, unrelated sentences lie below 0.3."""
LONGEST_JUDGED = 600
"""Characters: a longer text is no statement, and a model is not asked about it."""

Latest = Callable[[MemoryItem], MemoryItem]
New = Draft | MemoryItem
"""What is judged: a draft, or a fact that was drawn (`judge_facts`)."""
_CLOSING = (Relation.UPDATE, Relation.CONTRADICTION)


@dataclass(frozen=True)
class Ruling:
    """What a draft is to one memory. `closes`: that memory's version ends, and the draft is its next;
    `merges`: the draft is known; else it is stored by itself, with a relation to the memory."""

    item: MemoryItem
    relation: Relation
    reason: str
    closes: bool = False
    merges: bool = False
    earlier: bool = False
    """The draft was said before what it contradicts: it was true until then."""
    ends_with: MemoryItem | None = None
    """Of what closes an older memory: the later one that the draft was said before. It lies between."""
    before: bool = False
    """The draft was said before the memory, whatever follows from it."""

    @property
    def kind(self) -> RelationKind:
        """What the draft's row says that it is to the memory, if it is stored by itself."""
        over = self.before and self.relation is Relation.UPDATE
        return RelationKind.UPDATED_BY if over else self.relation.kind


@dataclass
class Judge:
    """Judges one batch. Made once for it, though the batch may be planned twice: a model is asked
    before the lock is taken, and what it said is used again under it."""

    session: Session
    vectors: TextVectors
    on: bool = True
    notes: dict[str, None] = field(default_factory=dict)
    _terms: list[list[str]] = field(default_factory=list)
    _stored: dict[str, list[MemoryItem]] = field(default_factory=dict)
    _answers: dict[int, tuple[MemoryItem, Verdict]] = field(default_factory=dict)
    _current: dict[str, str] = field(default_factory=dict)
    """By id: the row of those memories of `_answers`, now."""
    _asked: bool = False

    def look(self, drafts: Sequence[New], known: Iterable[int]) -> None:
        """Find what the drafts may have to do with; those whose place is in `known` are not judged."""
        if not self.on:
            return
        skipped = set(known)
        terms = iter(sought_by([draft for i, draft in enumerate(drafts) if i not in skipped]))
        self._terms = [[] if i in skipped else next(terms) for i in range(len(drafts))]
        view = self.session.cube.view(vectors=False)
        self._stored = view.keywords[-1].claiming(term for terms in self._terms for term in terms)
        if not self._asked:
            self._asked = True
            self._ask(drafts, skipped)
        there = view.keywords[-1].current([item.id for item, _ in self._answers.values()])
        self._current = {id: item.row for id, (_, item) in there.items()}

    def terms(self, item: MemoryItem) -> list[str]:
        return terms_of(item) if self.on else []

    def candidates(self, place: int) -> list[MemoryItem]:
        """Stored memories on the matter of the draft at `place`, as the cube has them."""
        if not self.on:
            return []
        found = (item for term in self._terms[place] for item in self._stored.get(term, ()))
        return list({item.id: item for item in found}.values())

    def sought(self, place: int) -> list[str]:
        return self._terms[place] if self.on else []

    def ruling(
        self, place: int, draft: New, items: Collection[MemoryItem], latest: Latest, now: datetime
    ) -> Ruling | None:
        """What the draft is to one of `items`, the newest first, else what the model said it is; None
        when it is new. `latest` gives the version of a memory that the batch leaves."""
        if not self.on or not (items or place in self._answers):
            return None
        mine = [item for item in items if item.status in SHOWN and owner_of(item) == owner_of(draft)]
        role = role_in(draft.memory)
        several = len({role, *(role_in(item.memory) for item in mine)} - {""}) > 1
        linked: Ruling | None = None
        before: Ruling | None = None
        for item in sorted(mine, key=lambda item: (_said(item), item.row), reverse=True):
            verdict = by_rule(item.memory, draft.memory)
            if several and not verdict.verbatim and role_in(item.memory) != role:
                # "Tomas" beside "my brother Tomas" and "my colleague Tomas": nobody knows which.
                verdict = verdict._replace(sure=False)
            ruling = self._follows(item, draft, verdict, now)
            if ruling and ruling.earlier:
                before = ruling
            elif ruling and ruling.merges and not ended(item, draft, now):
                return ruling
            elif ruling and ruling.closes:
                return replace(ruling, ends_with=before.item) if before else ruling
            elif ruling and not ruling.merges:
                linked = linked or ruling
        return before or linked or self._answered(place, draft, latest, now)

    def _answered(self, place: int, draft: New, latest: Latest, now: datetime) -> Ruling | None:
        """What follows from the model's answer, unless its memory has another version by now."""
        if place not in self._answers:
            return None
        item, verdict = self._answers[place]
        if self._current.get(item.id) != item.row or latest(item).row != item.row:
            return None
        return self._follows(item, draft, verdict, now)

    def _follows(self, item: MemoryItem, draft: New, verdict: Verdict, now: datetime) -> Ruling | None:
        return _ruling(item, draft, verdict, now)

    # -- the language model

    def _ask(self, drafts: Sequence[New], skipped: set[int]) -> None:
        """Ask the model, if there is one, about drafts that the rules do not place. Whatever fails
        leaves the draft new, with a note."""
        places = [i for i, d in enumerate(drafts) if i not in skipped and self._worth_asking(i, d)]
        if not places:
            return
        llm = self._llm()
        if llm is None:
            return
        self.vectors.complete(drafts[i].memory for i in places)
        view = self.session.cube.view()
        shown = {i: found for i in places if (found := self._alike(view, drafts[i]))}
        asked = [(i, drafts[i], found) for i, found in shown.items()]
        answers = llm.each(lambda one: judge_model.ask(llm, one[1], one[2]), asked)
        failed: list[LLMError] = []
        for (place, _, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, LLMError):
                failed.append(answer)
            elif answer is not None:
                self._answers[place] = answer
        if failed:
            self._failed(failed, len(asked))

    def _failed(self, failed: Sequence[LLMError], asked: int) -> None:
        self._note(f"{len(failed)} of {asked} memories were stored unjudged", failed[-1])

    def _worth_asking(self, place: int, draft: New) -> bool:
        if is_turn(draft) or _document(draft) or draft.external_id or len(draft.memory) > LONGEST_JUDGED:
            return False
        return not any(by_rule(i.memory, draft.memory).sure for i in self.candidates(place))

    def _llm(self) -> LLM | None:
        try:
            return self.session.llm
        except LLMError as error:
            self._note("memories were judged by rule alone", error)
            return None

    def _note(self, what: str, error: LLMError) -> None:
        self.notes[f"{what}: {error.message} {error.next_step}".strip()] = None

    def _alike(self, view: View, draft: New) -> list[MemoryItem]:
        """What the search finds for a draft, of its owner, best first."""
        keywords = view.keywords[-1]
        ordinals: list[int] = []
        mine = Filters(users=(draft.user_id,) if draft.user_id else ())
        spans = self.vectors.get(draft.memory)
        if view.vectors and spans is not None and len(spans):
            hits = view.vectors[-1].search(spans[0], mine, 4 * NEAREST)
            ordinals += [int(o) for o, s in zip(hits.ordinals, hits.scores, strict=True) if s >= ALIKE]
        ordinals += keywords.search(draft.memory, mine, 2 * NEAREST).ordinals
        items = keywords.items(list(dict.fromkeys(ordinals)))
        found = (items[o] for o in dict.fromkeys(ordinals) if o in items)
        good = [i for i in found if i.known_to is None and owner_of(i) == owner_of(draft)]
        return [i for i in good if self._worth_showing(i, draft)][:NEAREST]

    def _worth_showing(self, item: MemoryItem, draft: New) -> bool:
        return not is_turn(item) and item.external_id is None and item.refines is None and not _document(item)


def _ruling(item: MemoryItem, draft: New, verdict: Verdict, now: datetime) -> Ruling | None:
    """What follows from a verdict, within what is never done."""
    relation, reason = verdict.relation, verdict.reason
    if relation is Relation.NEW:
        return None
    raw = is_turn(item) or is_turn(draft)
    if raw and relation not in _CLOSING:
        return None
    before = (draft.said_at or now) < _said(item)
    own = raw or item.external_id is not None or draft.external_id is not None
    # The same words are the same wherever they stand; what "the deadline" is, its document knows.
    own = own or (_document(item) != _document(draft) and not verdict.verbatim)
    if own or not verdict.sure:
        return Ruling(item, relation, reason, before=before)
    if relation is Relation.DUPLICATE:
        return Ruling(item, relation, reason, merges=True)
    if relation is Relation.COMPLEMENT:
        return Ruling(item, relation, reason)
    if before:
        return Ruling(item, relation, f"{reason}, and was said before it", earlier=True, before=True)
    return Ruling(item, relation, reason, closes=True)


def _said(item: MemoryItem) -> datetime:
    return item.said_at or item.valid_from or item.known_from


def _document(item: New) -> str | None:
    """The file that a memory is a piece of."""
    return next((s.path or s.url for s in item.sources if s.path or s.url), None)


def ended(item: MemoryItem, draft: New, now: datetime) -> bool:
    """Whether a memory was over when the draft was said: then the same words say that it is so again."""
    return item.valid_to is not None and item.valid_to <= (draft.said_at or now)


def until(item: MemoryItem, later: MemoryItem) -> MemoryItem:
    """What came, as true until that began which was said later."""
    began = item.valid_from or item.known_from
    return item.but(valid_to=max(later.valid_from or item.known_from, began))


def true_from(item: MemoryItem, now: datetime) -> datetime:
    """Since when what a new memory says is true: since it happened, if it tells the change itself, else
    since it was said."""
    said = item.said_at or now
    if item.event_start and item.event_start <= said and any(c.event for c in claims_of(item.memory)):
        return item.event_start
    return said
