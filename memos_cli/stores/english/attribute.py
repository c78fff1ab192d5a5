"""An attribute that is named, with its value: "Anna's phone number is …", "the price rose to …".

Owns: those patterns, and which nouns name an attribute with one value. Does not own: the list of those nouns
(`stores/english/words`).
"""

from __future__ import annotations

import re

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.deadline import until
from memos_cli.stores.english.levels import levelled, timed, valued
from memos_cli.stores.english.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.english.sentence import Sentence, compiled
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import (
    FIXED,
    FUNCTIONAL,
    MOVES,
    NOBODY,
    ONLY_AS_FAVOURITE,
    ORIGINS,
    PERSONS,
    RECURRING,
    RELATIVES,
)


def functional(what: str) -> bool:
    """Whether it is an attribute of something: "the project deadline", "the deadline of the project"."""
    words = levelled(compiled(r"^[Tt]he ([\w -]+?) (?:of|for) .+$").sub(r"\1", what))
    return bool(words) and words[-1] in FUNCTIONAL


def attribute(s: Sentence) -> list[Claim] | None:
    born = match(rf"{WHO} (?:is|are|am)? ?born in {VALUE}", s) or compiled(rf"^{WHO} born in {VALUE}$").match(
        s.text
    )
    if born and (who := subject(born.group("s"))) and born.group("v")[0].isupper():
        return [
            claimed(s, f"{who} birthplace", Manner.FIXED, value=levelled(born.group("v")), domain="place")
        ]
    born = match(rf"{WHO} born on {VALUE}", s)
    if born and (who := subject(born.group("s"))) and timed(born.group("v")):
        return [claimed(s, f"{who} birthday", Manner.FIXED, value=valued(born.group("v")))]
    change = r"(?:has increased|has decreased|has fallen|has gone up|has changed|have changed|changed|has been changed|was changed|is changed|has been updated|is updated|has been set|went up|rose|dropped|fell|has been postponed|is postponed|has been extended|is extended|has been moved|postponed|increased|decreased|has risen|has dropped|became|switched)"
    if found := match(rf"{WHO} {change}(?: from (?P<p>[^,]+?))? to {VALUE}", s):
        return attribute_of(s, found.group("s"), found.group("v"), changed=True, prior=found.group("p") or "")
    if found := match(
        rf"(?P<s>(?:[Mm]y|[Oo]ur|[Tt]he|[A-Z][\w'&-]*(?: [A-Z]\w*)*'s) [\w' -]+?):? (?P<is>is|are|=) (?P<no>not )?{VALUE}",
        s,
    ):
        made = attribute_of(s, found.group("s"), found.group("v"), denied=bool(found.group("no")))
        if made is not None:
            return made
    if found := match(rf"(?P<s>(?:[Mm]y|[Oo]ur|[Tt]he) [\w' -]+?): {VALUE}", s):
        return attribute_of(s, found.group("s"), found.group("v"))
    if found := match(rf"{VALUE} is (?P<s>(?:my|our|[A-Z]\w+'s) [\w ]+)", s):
        return attribute_of(s, found.group("s"), found.group("v"))
    return None


def attribute_of(
    s: Sentence, what: str, value: str, *, changed: bool = False, prior: str = "", denied: bool = False
) -> list[Claim] | None:
    """`what` is "Anna's phone number" or "the password of the wifi"; None where it is no such thing."""
    inverted = compiled(r"^[Tt]he ([\w -]+?) (?:of|for) ((?:the |my |our )?[\w' -]+)$").match(what)
    words = levelled(f"{inverted.group(2)} {inverted.group(1)}" if inverted else what)
    fresh = any(w in ("new", "current", "latest", "present") for w in words)
    words = tuple(w for w in words if w not in ("new", "current", "latest", "present"))
    husbands = len(words) > 2 and words[-2] == "'s" and words[-1] in ("husband", "wife")
    words = _renamed(tuple(w for w in words if w != "'s"))
    if (
        len(words) < 2
        or len(words) > 8
        or words[0] in NOBODY
        or compiled(r"^(?:[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[Yy]our|[Tt]his|[Tt]hat)\b").match(what)
    ):
        return None
    head = words[-1]
    favourite = "favourite" in words
    if not favourite and (head not in FUNCTIONAL or head in ONLY_AS_FAVOURITE):
        return None
    if head in RELATIVES and not favourite:
        return None
    if head in PERSONS and not favourite and not is_name(value):
        return None
    got = valued(value)
    if not got or len(got) > 8 or got[0] in ("not", "very", "too", "so") or _vague(value):
        return []
    own = "new" in what.split() or "New" in what.split()
    manner = Manner.FIXED if head in FIXED and not favourite else Manner.STATE
    made = [
        claimed(
            s, " ".join(words), manner, value=got, changed=changed or own or (fresh and own), prior=valued(prior),
            positive=not denied, domain="moves" if head in MOVES else "",
        )
    ]  # fmt: skip
    if head == "deadline" and timed(value) and not denied and RECURRING.isdisjoint(words):
        made.append(until(s, words[:-1], value, changed=changed or own))
    if husbands:
        spouse = claimed(
            s,
            f"{' '.join(words[:-1])}|marital",
            Manner.STATE,
            value=("married",),
            rest=got,
            positive=not denied,
        )
        made.append(spouse)
    return made


def is_name(value: str) -> bool:
    """Whether it tells who somebody is, not how ("Dutch", "angry")."""
    return compiled(r"^(?:[A-Z]|(?:my|our) \w)").match(value) is not None and value.casefold() not in ORIGINS


def _renamed(words: tuple[str, ...]) -> tuple[str, ...]:
    text = " ".join(words)
    for a, b in (
        ("phone number", "phone"),
        ("mobile number", "mobile"),
        ("email address", "email"),
        ("postal code", "postcode"),
        ("job title", "job"),
    ):
        text = (
            compiled(rf"{a}$").sub(b, text)
            if " " in b or a.endswith(("number", "address", "code", "title"))
            else text.replace(a, b)
        )
    return tuple(text.split())


def _vague(value: str) -> bool:
    """A description in place of a value: "a nurse from Bergen", "very high", "what we agreed on"."""
    return bool(
        compiled(
            r"^(?:an? \w|(?:very|too|quite|really|so|about|around|what|that|going|being|getting|missing|unknown|wrong|important|in|due|not)\b)",
            re.I,
        ).match(value)
    )
