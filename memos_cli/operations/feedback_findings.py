"""What a feedback comes to: judgements, and changes as values.

Owns: the values that deciding gives and carrying out takes. Does not own: deciding (`feedback_rules`), carrying
it out (`feedback`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from memos_cli.schema import MemoryItem, RelationKind

KNOWN = "the cube says that already"
"""Why nothing is changed and nothing is unclear."""


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
    link: tuple[RelationKind, str] | None = None
    """Of an addition: what it is to which memory."""
    from_now: bool = False
    """It tells a change, so that what was there was true until now; else it never was."""
    words: tuple[str, str] | None = None
    """Of words replaced everywhere: the wrong and the right ones. What rests on the memory still does."""
    kept: tuple[str, ...] = ()
    """Longer names that these words are a part of, and that stay as they are."""


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


def moment_of(change: Proposed, old: MemoryItem, now: datetime) -> datetime:
    """Since when what a memory says now is true: since the one before it was, unless it tells a change."""
    return now if change.from_now else (old.valid_from or now)
