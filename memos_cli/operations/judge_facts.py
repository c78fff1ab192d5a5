"""What a fact that a language model drew is to the facts and notes that are there.

Owns: which memories a drawn fact is compared with, what it may close, and which failures of the model
keep it from being stored. Does not own: the judgement itself (`judge`), nor what it becomes in the
cube (`drawn`).

A fact closes facts alone, and only one that was said: what somebody wrote or said stands until
somebody says otherwise, not until a model has read so. To a note a fact is at most linked, which is
enough for a search to put the later one first; turns of conversations are not compared at all, since
their facts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from memos_cli.errors import LLMError, LLMRefused, LLMTooLong, LLMUnusable
from memos_cli.operations.judge import Judge, New, Ruling
from memos_cli.schema import MemoryItem, Origin
from memos_cli.stores.analysis import content_terms
from memos_cli.stores.facts import is_turn
from memos_cli.stores.verdicts import Verdict

SHARED = 2
"""Content terms that a fact and a memory share at least before a model is asked what they are to each
other: the name of whom it is about and one more. There are many facts, and each question costs."""


@dataclass
class FactJudge(Judge):
    """Judges the facts of one window. Like `Judge` it is made once, looks twice and asks once."""

    patient: bool = False
    """A model that cannot judge (no sense in its answer, a refusal) leaves it at the rules. Without,
    and wherever the model is away, `look` raises its LLMError: the window is not done, and waits."""
    _facts: Sequence[New] = field(default_factory=tuple)

    def look(self, drafts: Sequence[New], known: Iterable[int] = ()) -> None:
        self._facts = drafts
        super().look(drafts, known)

    def candidates(self, place: int) -> list[MemoryItem]:
        return [item for item in super().candidates(place) if _beside(item, self._facts[place])]

    def _follows(self, item: MemoryItem, draft: New, verdict: Verdict, now: datetime) -> Ruling | None:
        ruling = super()._follows(item, draft, verdict, now)
        if ruling is not None and ruling.merges and another_event(item, draft):
            return None
        if ruling is None or not ruling.closes:
            return ruling
        over = item.valid_to is not None
        only_linked = over or item.refines is None or item.pinned or draft.origin is not Origin.SAID
        return replace(ruling, closes=False) if only_linked else ruling

    def _failed(self, failed: Sequence[LLMError], asked: int) -> None:
        hard = [e for e in failed if not isinstance(e, (LLMUnusable, LLMRefused, LLMTooLong))]
        if hard or not self.patient:
            raise (hard or failed)[-1]
        self._note(f"{len(failed)} of {asked} facts were judged by rule alone", failed[-1])

    def _worth_showing(self, item: MemoryItem, draft: New) -> bool:
        shared = set(content_terms(item.memory)) & set(content_terms(draft.memory))
        return item.external_id is None and _beside(item, draft) and len(shared) >= SHARED


def _event_start(item: New) -> datetime:
    assert item.event_start is not None
    return item.event_start


def another_event(item: MemoryItem, fact: New) -> bool:
    """Whether two memories tell of events at different times, whatever their words: "Ana went swimming"."""
    if item.event_start is None or fact.event_start is None:
        return False
    earlier, later = sorted((item, fact), key=_event_start)
    over = earlier.event_end is None or earlier.event_end <= _event_start(later)
    return over and earlier.event_start != later.event_start


def _beside(item: MemoryItem, fact: New) -> bool:
    """Whether a fact is compared with a memory: not with raw record, nor with what it was drawn from."""
    return not is_turn(item) and not (isinstance(fact, MemoryItem) and item.id in fact.rests_on)
