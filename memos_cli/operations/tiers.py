"""`memos balance`, and what `memos add` does when a tier is full: promotion and eviction.

Owns: what a tier holds at most, how important a memory is, and who leaves when there are too many.
Does not own: counting uses (`stores/usage`), pins (`edit`), when `add` asks (`add`).

A tier is a kind of memory of one user (memories of no user are one group). Working memory is small and
recent: what it has no room for becomes long-term memory. What another tier has no room for is archived,
never deleted. Both are new versions of the memories concerned, so `history` shows them and `undo` takes
them back. Nothing pinned is moved. Capacities and their meaning: `memos help tiers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memos_cli.operations.browse import EVERYTHING
from memos_cli.operations.dependents import archived_with
from memos_cli.operations.edit import commit_edits, kept_vectors
from memos_cli.operations.versions import Edited, next_version
from memos_cli.schema import Filters, Kind, Level, MemoryItem, Status, Value, now
from memos_cli.stores.facts import UNOWNED
from memos_cli.stores.usage import Used

if TYPE_CHECKING:
    from memos_cli.session import Session
    from memos_cli.settings import Settings

HALF_LIFE = timedelta(days=14)
"""Time without use after which a memory's recency is halved, as in MemOS's recall (memos-local-openclaw)."""

HALF_USED = 3
"""Uses at which usage counts one half."""

PROMOTED_AT = 3
"""Uses from which on a working memory has proved to be more than that and becomes long-term."""

SAMPLE = 256
"""The oldest memories that `add` chooses among: looking at all of them would grow with the cube."""

TIERS = (Kind.WORKING, Kind.LONG_TERM, Kind.USER, Kind.OUTER)
"""In the order in which they are balanced: what leaves the first comes into the second."""


class Moved(Value, frozen=True, kw_only=True):
    """A memory that left its tier, and how important it was."""

    id: str
    memory: str
    kind: Kind
    importance: float
    reason: str


class BalanceResult(Value, frozen=True, kw_only=True):
    """`promoted` became long-term, `archived` are hidden; `folded` searches were counted."""

    change: str | None
    promoted: tuple[Moved, ...] = ()
    archived: tuple[Moved, ...] = ()
    folded: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class Shift:
    """Memories that leave their tier, as edits that a change can take in."""

    edits: list[Edited] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)

    @property
    def promoted(self) -> tuple[Moved, ...]:
        return tuple(one for one in self.moved if one.kind is Kind.WORKING)

    @property
    def archived(self) -> tuple[Moved, ...]:
        return tuple(one for one in self.moved if one.kind is not Kind.WORKING)

    def take(self, item: MemoryItem, importance: float, reason: str) -> None:
        """Move a memory out of its tier."""
        made = {"kind": Kind.LONG_TERM} if item.kind is Kind.WORKING else {"status": Status.ARCHIVED}
        self.edits.append((item, next_version(item, **made), None))
        self.moved.append(
            Moved(
                id=item.id, memory=item.memory, kind=item.kind, importance=round(importance, 4), reason=reason
            )
        )

    def follow(self, session: Session, held: Set[str]) -> None:
        """Let what was drawn from what is archived go with it, but for `held`, which is edited already."""
        going = {old.id: old for old, new, _ in self.edits if new.status is Status.ARCHIVED}
        taken = held | {old.id for old, _, _ in self.edits}
        self.edits += [edit for edit in archived_with(session, going) if edit[0].id not in taken]

    def notes(self) -> Iterator[str]:
        """What a person should know of it."""
        if count := len(self.promoted):
            yield f"Working memory is full: {_counted(count, 'memory', 'memories')} became long-term."
        if count := len(self.archived):
            told = _counted(count, "memory was", "memories were")
            yield f"A tier is full: {told} archived; `memos list --status archived` shows them."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def capacities(settings: Settings) -> dict[Kind, int]:
    """Memories a user may have in each tier; a tier without a limit is not named."""
    limits = {
        Kind.WORKING: settings.capacity_working,
        Kind.LONG_TERM: settings.capacity_long_term,
        Kind.USER: settings.capacity_user,
        Kind.OUTER: settings.capacity_outer,
    }
    return {kind: limit for kind, limit in limits.items() if limit}


def importance(item: MemoryItem, used: Used, at: datetime) -> float:
    """How much a memory is worth keeping at hand, 0 to 1: the mean of recency, usage and confidence.

    Recency and a mean of equal parts are those of Generative Agents (Park et al. 2023, §4.1), whose third
    part, relevance, needs a question; here usage stands in its place. Recency halves every HALF_LIFE since
    the memory was last found, or stored; usage is n / (n + HALF_USED) for n uses.
    """
    last = max(item.created_at, datetime.fromtimestamp(used.last, UTC))
    recency = 0.5 ** (max(at - last, timedelta()) / HALF_LIFE)
    usage = used.uses / (used.uses + HALF_USED)
    return (recency + usage + item.confidence / 100) / 3


def overflow(session: Session, new: Sequence[MemoryItem], touched: Iterable[str]) -> Shift:
    """Under the lock: what has to leave when `new` memories come in, the least important first.

    Counts, and looks at the oldest SAMPLE of a tier that is full and at as many as have to leave, so it
    costs the same in a cube of any size. `touched` are ids that the same change edits already.
    """
    shift, held = Shift(), set(touched)
    coming = Counter((item.kind, item.user_id) for item in new)
    limits = capacities(session.settings)
    for kind in TIERS:
        for user in [user for tier, user in coming if tier is kind and kind in limits]:
            left = _make_room(session, shift, kind, user, coming[kind, user], held)
            if kind is Kind.WORKING:
                coming[Kind.LONG_TERM, user] += left
    shift.follow(session, held)
    return shift


def _make_room(
    session: Session, shift: Shift, kind: Kind, user: str | None, coming: int, held: set[str]
) -> int:
    """Returns how many left."""
    limit = capacities(session.settings)[kind]
    keywords = session.cube.keywords
    filters, marked = _tier(kind, user)
    excess = keywords.count(filters, marked) + coming - limit
    if excess <= 0:
        return 0
    oldest = keywords.filter_only(filters, excess + SAMPLE, marked, oldest=True)
    items = [item for item in keywords.items(oldest).values() if item.id not in held]
    before = len(shift.edits)
    _take_least(shift, items, excess, session.cube.usage.counts(), _full(kind, limit))
    return len(shift.edits) - before


def _tier(kind: Kind, user: str | None) -> tuple[Filters, str | None]:
    """The filters of one user's tier, and the mark for that of nobody."""
    if user is None:
        return _memories_of(kind), UNOWNED
    return _memories_of(kind).but(users=(user,)), None


def _memories_of(kind: Kind) -> Filters:
    """The memories of a tier; topics and concepts of the tree are made of them and take no place."""
    return Filters(kinds=(kind,), levels=(Level.FACT,))


def _full(kind: Kind, limit: int) -> str:
    return f"{kind} holds {limit}"


def _take_least(
    shift: Shift, items: Iterable[MemoryItem], excess: int, counts: Mapping[str, Used], reason: str
) -> None:
    """Move the `excess` least important of `items`; of equal ones the oldest. Nothing pinned."""
    at = now()
    ranked = sorted(
        (importance(item, counts.get(item.id, Used()), at), item.created_at, item.id, item)
        for item in items
        if not item.pinned
    )
    for value, _, _, item in ranked[: max(excess, 0)]:
        shift.take(item, value, reason)


def balance(session: Session, dry_run: bool = False) -> BalanceResult:
    """Fold the usage counts, promote working memories that are often used, and make every tier fit.

    Everything in one change. Looks at all memories of the tiers that have a capacity. Raises Busy,
    NotPermitted, StorageFull.
    """
    with session.cube.writing("balance"):
        folded = 0 if dry_run else session.cube.usage.fold()
        shift = _shift(session, session.cube.usage.counts())
        if dry_run or not shift.edits:
            said = "Nothing was changed (--dry-run)." if dry_run else "Every tier fits; nothing to move."
            return BalanceResult(
                change=None, promoted=shift.promoted, archived=shift.archived, folded=folded, notes=(said,)
            )
        done = commit_edits(session, "balance", shift.edits, kept_vectors(session, shift.edits))
    return BalanceResult(
        change=done.change, promoted=shift.promoted, archived=shift.archived, folded=folded, notes=done.notes
    )


def _shift(session: Session, counts: Mapping[str, Used]) -> Shift:
    shift = Shift()
    limits = capacities(session.settings)
    arrived: list[MemoryItem] = []
    at = now()
    for kind in TIERS:
        if kind not in limits and kind is not Kind.WORKING:
            continue
        items = _all_of(session, kind)
        if kind is Kind.WORKING:
            for item in [i for i in items if not i.pinned and _proved(counts.get(i.id, Used()))]:
                used = counts[item.id]
                shift.take(item, importance(item, used, at), f"used {used.uses} times")
                items.remove(item)
        for user in dict.fromkeys(item.user_id for item in items):
            mine = [item for item in items if item.user_id == user]
            come = sum(item.user_id == user for item in arrived) if kind is Kind.LONG_TERM else 0
            excess = len(mine) + come - limits.get(kind, EVERYTHING)
            _take_least(shift, mine, excess, counts, _full(kind, limits.get(kind, 0)))
        arrived = [new for old, new, _ in shift.edits if old.kind is Kind.WORKING]
    shift.follow(session, set())
    return shift


def _proved(used: Used) -> bool:
    return used.uses >= PROMOTED_AT


def _all_of(session: Session, kind: Kind) -> list[MemoryItem]:
    keywords = session.cube.keywords
    return list(keywords.items(keywords.filter_only(_memories_of(kind), EVERYTHING)).values())
