"""What a short statement claims: of whom, which attribute, which value, and whether it is denied.

Owns: the value `Claim`, and the terms by which two statements on one matter find each other in the
keyword index. Does not own: the grammar (`stores/english`, `stores/chinese`), what
follows when two claims meet (`stores/verdicts`), nor the index (`stores/keyword_rows`).

Only a text that is one plain statement about somebody or something definite claims anything: no
question, wish, plan, hearsay or supposition, no pronoun whose bearer it does not name, nothing that
holds for a moment. Whatever the grammar does not read to its last word claims nothing: a claim that
is missed costs a duplicate, one that is misread costs a fact.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import NamedTuple

from memos_cli.schema import Draft, Kind, Level, MemoryItem, Visibility
from memos_cli.stores import clauses, sayings
from memos_cli.stores.facts import is_turn

LONGEST = 160
"""Characters; what is longer says more than one thing."""

_JUDGED = frozenset((None, Kind.LONG_TERM, Kind.USER, Kind.WORKING, Kind.PREFERENCE, Kind.INSIGHT))
"""Kinds that hold statements; the others hold files, tools and skills, whole. None is a draft's default."""

_CHINESE = re.compile("[\u4e00-\u9fff]")


class Manner(StrEnum):
    STATE = "state"
    """One value at a time, and it changes: where somebody lives, a price."""
    FIXED = "fixed"
    """One value for good: a birthday. Another one corrects it."""
    PLAIN = "plain"
    """True or not; other such claims are true beside it: what somebody likes."""


class Among(IntEnum):
    """How many there may be of whom a text names one: "my cousin" is not always the same one."""

    ONE = 0
    FEW = 1
    """Of a family or a household: another value is meant of the same one where it is said that it changed."""
    MANY = 2
    """Of a circle: nothing is closed."""


class Claim(NamedTuple):
    """`key` names the matter (subject and attribute); of two claims with one key one may be the
    other's duplicate, update or denial. Words are levelled: case, articles and spelling say nothing."""

    key: str
    manner: Manner
    value: tuple[str, ...] = ()
    """Empty where the claim is that something is so or not."""
    positive: bool = True
    changed: bool = False
    """It says itself that something is other than before ("now", "no longer", "moved to")."""
    event: bool = False
    """It tells the change itself ("moved to"), which is more than that it is so now."""
    domain: str = ""
    """What its value is: a place, name, number … as far as the attribute tells."""
    rest: tuple[str, ...] = ()
    """Details beside the value; two claims are the same only where these are."""
    ended: tuple[str, ...] = ()
    """Keys of plain claims that it says are over ("switched from MySQL to Postgres")."""
    prior: tuple[str, ...] = ()
    """The value it says was before ("moved from Oslo to Bergen")."""
    beside: tuple[str, ...] = ()
    """What else its text says (`stores/clauses`); two claims are the same only where that is."""
    partial: bool = False
    """What else its text says may hold when this does not, so that nothing closes the text whole."""
    narrowed: bool = False
    """It holds from a day that it names, for a time, or as far as its text goes on to say: it closes nothing."""
    brief: bool = False
    """It is so for an hour or a day ("is tired", "is at home"): what comes later may be of another one."""
    among: Among = Among.ONE
    """Of how many its subject may be one."""
    role: str = ""
    """What its subject, named, is to the speaker where the text says it: "my brother Tomas"."""


def claims_of(text: str) -> tuple[Claim, ...]:
    """What a text claims; mostly nothing. The first is its main claim."""
    return _remembered(text) if 4 <= len(text) <= LONGEST else ()


@lru_cache(maxsize=8192)
def _remembered(text: str) -> tuple[Claim, ...]:
    from memos_cli.stores.called import by_name

    named = by_name(text)
    made = _read(named.text)
    return tuple(claim._replace(role=named.role) for claim in made) if named.role else made


def _read(text: str) -> tuple[Claim, ...]:
    if not text.isascii() and _CHINESE.search(text):
        from memos_cli.stores.chinese.read import read

        main = clauses.chinese
    else:
        from memos_cli.stores.english.read import read

        main = clauses.english
    made = tuple(read(text))
    if any(claim.manner is not Manner.PLAIN for claim in made) or (parts := main(text)) is None:
        return made
    beside = tuple(parts.beside.casefold().split())
    head = tuple(
        claim._replace(
            beside=(*claim.beside, *beside),
            partial=not parts.bound,
            narrowed=claim.narrowed or parts.narrow,
        )
        for claim in read(parts.main)
        if not (parts.narrow or parts.reason) or (claim.manner is not Manner.PLAIN and claim.positive)
    )
    return head or made


_BEGINNING = re.compile(
    r" since (?:[a-z]+ ){0,2}(?:\d{4}|[a-z]+)$|(?<=\w)[自从打]?\d{2,4}年(?:开始|起|以来)(?:就|一直)*"
)


def without_beginning(claim: Claim) -> str:
    """The key of a statement that says since when it holds, as if it did not: "has been … since 2020"."""
    if claim.manner is not Manner.PLAIN or (cut := _BEGINNING.search(claim.key)) is None:
        return claim.key
    return (claim.key[: cut.start()] + claim.key[cut.end() :]).replace("|have been ", "|be ")


def terms_of(item: MemoryItem | Draft) -> list[str]:
    """Index terms by which another memory of the same owner on the same matter is found; mostly none.

    A fact that was drawn from words is found by other such facts alone: what somebody adds is never
    judged by it, and it gives way with its words."""
    return [_drawn(term) for term in _said(item)] if _is_drawn(item) else _said(item)


def _is_drawn(item: MemoryItem | Draft) -> bool:
    return isinstance(item, MemoryItem) and item.refines is not None


def _drawn(term: str) -> str:
    return f"drawn:{term}"


def _said(item: MemoryItem | Draft) -> list[str]:
    return list(_terms_of(item.memory, owner_of(item), is_turn(item))) if _is_judged(item) else []


def _is_judged(item: MemoryItem | Draft) -> bool:
    return item.kind in _JUDGED and item.level is Level.FACT and len(item.memory) <= sayings.LONGEST


@lru_cache(maxsize=4096)
def _terms_of(text: str, owner: tuple[object, ...], turn: bool) -> tuple[str, ...]:
    """What is looked up before an add is written after it: remembered over that distance."""
    claims = claims_of(text)
    keys = [
        *(claim.key for claim in claims),
        *(key for c in claims if (key := without_beginning(c)) != c.key),
    ]
    if not turn and (core := sayings.core(text)) is not None:
        keys.append(f"~{core}")
    return tuple(_terms(owner, keys))


def sought_by(drafts: Sequence[Draft | MemoryItem]) -> list[list[str]]:
    """`sought` of each draft. Step by step over all of them, which takes a fifth less time than all steps of
    one after another: each step's code and tables stay in the processor's caches."""
    judged = [draft for draft in drafts if _is_judged(draft)]
    for draft in judged:
        if not is_turn(draft):
            sayings.core(draft.memory)
    for draft in judged:
        claims_of(draft.memory)
    return [sought(draft) for draft in drafts]


def sought(draft: Draft | MemoryItem) -> list[str]:
    """Terms of the memories that a draft may have something to do with: its own, and of what it ends. A
    drawn fact may have to do with facts and with what somebody added."""
    terms = _said(draft)
    ended = [key for claim in claims_of(draft.memory) for key in claim.ended] if terms else []
    terms = [*terms, *_terms(owner_of(draft), ended)] if ended else terms
    return [*terms, *map(_drawn, terms)] if _is_drawn(draft) else terms


def owner_of(item: MemoryItem | Draft) -> tuple[object, ...]:
    """What two memories must share to be compared: nothing is concluded from one owner's to another's."""
    return (
        item.user_id,
        item.agent_id,
        item.kind or Kind.LONG_TERM,
        item.visibility or Visibility.PRIVATE,
        item.level,
        item.speaker,
    )


def _terms(owner: tuple[object, ...], keys: list[str]) -> list[str]:
    if not keys:
        return []
    named = "\0".join(map(str, owner))
    return [_term(named, key) for key in dict.fromkeys(keys)]


def _term(owner: str, key: str) -> str:
    """48 bits: what a term finds is read again, so a collision costs one look."""
    return "says:" + hashlib.blake2b(f"{owner}\0{key}".encode("utf-8", "replace"), digest_size=6).hexdigest()
