"""What a new statement is to one that is there, by what the two claim.

Owns: the decision on two claims. Does not own: reading them (`stores/claims`), who may be compared
with whom, nor what is done about it (`operations/judge`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from memos_cli.schema import RelationKind
from memos_cli.stores import sayings
from memos_cli.stores.claims import Among, Claim, Manner, claims_of, without_beginning
from memos_cli.stores.english.words import DIMENSIONS, RESTRICTING
from memos_cli.stores.nearness import same
from memos_cli.stores.places import comparable


class Relation(StrEnum):
    """What a new memory is to one that is there, in the words of `memos add`."""

    NEW = "new"
    DUPLICATE = "duplicate"
    UPDATE = "update"
    CONTRADICTION = "contradiction"
    COMPLEMENT = "complement"

    @property
    def kind(self) -> RelationKind:
        """What the new memory's row says of it. Raises KeyError for NEW, of which there is nothing to say."""
        return _KINDS[self]


_KINDS = {
    Relation.DUPLICATE: RelationKind.DUPLICATE,
    Relation.UPDATE: RelationKind.SUPERSEDES,
    Relation.CONTRADICTION: RelationKind.CONTRADICTS,
    Relation.COMPLEMENT: RelationKind.COMPLEMENTS,
}


def role_in(text: str) -> str:
    """What the one whom a text is about is to its speaker: "brother" of "my brother Tomas"; else nothing."""
    return next((claim.role for claim in claims_of(text)), "")


class Verdict(NamedTuple):
    relation: Relation
    reason: str = ""
    sure: bool = False
    """Whether a duplicate may be merged, or an old version closed, on this alone; else it is linked."""
    verbatim: bool = False
    """Whether a duplicate says it in the same words."""


NOTHING = Verdict(Relation.NEW)
_CLOSING = (Relation.UPDATE, Relation.CONTRADICTION)
_WEIGHT = {
    Relation.NEW: 0,
    Relation.COMPLEMENT: 1,
    Relation.DUPLICATE: 2,
    Relation.CONTRADICTION: 2,
    Relation.UPDATE: 2,
}
"""Which of several verdicts on two texts counts."""
_LIVES = (
    "|home",
    "|work",
    "|school",
    "|marital",
    "|dwelling",
    "|due",
    "|done",
    "|住",
    "|工作",
    "|上学",
    "|婚恋",
    "|住所",
)
"""Ends of the keys of what changes in a life, so that another value is an update."""
_DONE = ("|due", "|done")
"""Ends of the keys of what has to be done by a day (`stores/english/deadline`)."""


def by_rule(old: str, new: str) -> Verdict:
    """What `new` is to `old`, both said by one person, `new` not before `old`."""
    if reason := same(old, new):
        return Verdict(Relation.DUPLICATE, reason, sure=True, verbatim=True)
    best = NOTHING
    for ours in claims_of(new):
        for theirs in claims_of(old):
            found = compare(theirs, ours)
            if found.sure or _WEIGHT[found.relation] > _WEIGHT[best.relation]:
                best = found
            if best.sure:
                return best
    return best if best.relation is not Relation.NEW else _sentences(old, new)


def _sentences(old: str, new: str) -> Verdict:
    if sayings.restated(old, new):
        return Verdict(Relation.DUPLICATE, "the same in other words", True)
    if sayings.denied(old, new):
        # It may be of another occasion: both stand, linked.
        return Verdict(Relation.CONTRADICTION, "one denies what the other says")
    return NOTHING


def compare(old: Claim, new: Claim) -> Verdict:
    """What one claim is to another."""
    if old.role and new.role and old.role != new.role:
        return NOTHING  # my brother Tomas and my colleague Tomas
    found = _compared(old, new)
    if found.relation is Relation.DUPLICATE and new.role and not old.role:
        return Verdict(Relation.COMPLEMENT, "the same with another detail")
    if found.relation not in _CLOSING or not found.sure:
        return found
    if old.partial:
        return found._replace(reason=f"{found.reason}; the old text says more than that", sure=False)
    if old.narrowed or new.narrowed or _named_beside(old, new):
        return found._replace(reason=f"{found.reason}; the new text may hold in part", sure=False)
    if _restriction(old.value) != _restriction(new.value) or not set(old.value).isdisjoint(new.rest):
        return found._replace(reason=f"{found.reason}; the new text may hold in part", sure=False)
    if (old.brief or new.brief) and not new.changed:
        return found._replace(reason=f"{found.reason}, if they speak of the same time", sure=False)
    among = max(old.among, new.among)
    if among is Among.MANY or (among is Among.FEW and not new.changed):
        return found._replace(reason=f"{found.reason}, if they speak of the same one", sure=False)
    return found


def _restriction(value: tuple[str, ...]) -> tuple[str, ...]:
    """What stands behind a value to say for whom, where or how often it holds: "for students", "per day"."""
    for place, word in enumerate(value):
        timed = word == "at" and value[place + 1 : place + 2] and value[place + 1][0].isdigit()
        if place and word in RESTRICTING and not timed:
            return value[place:]
    return ()


def _named_beside(old: Claim, new: Claim) -> bool:
    """Whether the new text names, beside its claim, what the old one says: it may be to say that it stays so."""
    told = " ".join(new.beside)
    return bool(told) and any(word in told for word in old.value)


def _compared(old: Claim, new: Claim) -> Verdict:
    if old.key in new.ended and old.positive:
        # What was due is done: when it was due is still true.
        return Verdict(Relation.UPDATE, "it says that this is over", not old.key.endswith(_DONE))
    if old.key != new.key:
        over = new.changed and old.positive and not new.positive and new.key == without_beginning(old)
        return Verdict(Relation.UPDATE, "it says that this has changed", True) if over else NOTHING
    if old.manner is Manner.PLAIN:
        return _plain(old, new)
    if old.value == new.value:
        return _same_value(old, new)
    return _other_value(old, new)


def _details(claim: Claim) -> tuple[object, ...]:
    """What two claims with one value must share to be the same."""
    return claim.rest, claim.event, claim.beside


def _plain(old: Claim, new: Claim) -> Verdict:
    if old.positive == new.positive:
        if _details(old) == _details(new) and (new.positive or old.changed == new.changed):
            return Verdict(Relation.DUPLICATE, "the same in other words", True)
        return Verdict(Relation.COMPLEMENT, "the same with another detail")
    return _denied(old, new)


def _denied(old: Claim, new: Claim) -> Verdict:
    """One says that it is so, the other that it is not."""
    affirmed, denial = (old, new) if old.positive else (new, old)
    if (
        denial.rest
        and denial.rest != affirmed.rest
        and denial.rest not in (("hate",), ("dislike",), ("讨厌",), ("厌恶",), ("反感",))
    ):
        return NOTHING  # "not every day" does not deny "often"
    if (
        new.positive
        and new.rest
        and not denial.changed
        and not new.changed
        and denial.rest != new.rest
        and new.manner is not Manner.PLAIN
    ):
        return NOTHING
    if new.changed:
        return Verdict(Relation.UPDATE, "it says that this has changed", True)
    return Verdict(Relation.CONTRADICTION, "one denies what the other says", True)


def _same_value(old: Claim, new: Claim) -> Verdict:
    if "any" in (old.domain, new.domain):
        return NOTHING
    if old.positive != new.positive:
        return _denied(old, new)
    if _details(old) == _details(new):
        return Verdict(Relation.DUPLICATE, "the same in other words", True)
    if old.domain == "dwelling" and old.rest and new.rest and old.rest != new.rest:
        return Verdict(Relation.UPDATE, "another value of the same attribute") if new.changed else NOTHING
    return Verdict(Relation.COMPLEMENT, "the same with another detail")


def _other_value(old: Claim, new: Claim) -> Verdict:
    if not (old.positive and new.positive):
        return Verdict(Relation.COMPLEMENT, "more on the same matter")
    one, other = set(old.value), set(new.value)
    if one < other or other < one or _within(old.value, new.value):
        return Verdict(Relation.COMPLEMENT, "one is more exact than the other")
    if (soft := _softly(old, new)) is not None:
        return soft
    if not _differ(old, new):
        return NOTHING
    if new.manner is Manner.FIXED:
        return Verdict(Relation.CONTRADICTION, "only one of the two can be true", True)
    if new.changed or new.domain == "moves" or old.key.endswith(_LIVES):
        return Verdict(Relation.UPDATE, "another value of the same attribute", True)
    return Verdict(Relation.CONTRADICTION, "only one of the two can be true", True)


def _within(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether of two values that are written without spaces one holds the other."""
    if len(one) != 1 or len(other) != 1 or one[0].isascii() or other[0].isascii():
        return False
    return one[0] in other[0] or other[0] in one[0]


def _softly(old: Claim, new: Claim) -> Verdict | None:
    """The verdict on values that may stand side by side until it is said that something has changed."""
    domains = {old.domain, new.domain}
    if "any" in domains:  # "drinks tea" beside "drinks only coffee"
        return Verdict(Relation.UPDATE, "only that from now on") if new.domain == "only" else NOTHING
    if new.domain.startswith("due") and old.rest and new.rest and old.rest != new.rest:
        return NOTHING  # due to another person is another matter
    if "loose" in domains:
        return Verdict(Relation.UPDATE, "another value of the same attribute")
    if new.changed:
        return None
    if "occasion" in domains:
        return NOTHING
    if domains & {"due?", "dwelling", "only"}:
        return Verdict(Relation.UPDATE, "another value of the same attribute")
    return None


def _differ(old: Claim, new: Claim) -> bool:
    """Whether the two values exclude one another: a city and a country do not."""
    if old.prior and old.prior == new.value:
        return new.changed
    if new.prior and set(new.prior) & set(old.value):
        return True
    if new.domain == "place":
        return comparable(old.value, new.value, told=new.changed)
    if new.domain in ("price", "number") and len(new.value) == 2:
        return old.value[1:] == new.value[1:]
    if set(old.value) & DIMENSIONS != set(new.value) & DIMENSIONS:
        return False  # the width of a desk beside its height
    return _kind(old.value) == _kind(new.value) or new.changed


def _kind(value: tuple[str, ...]) -> str:
    return "number" if any(c.isdigit() for word in value for c in word) else "words"
