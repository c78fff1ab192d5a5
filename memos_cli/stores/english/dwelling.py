"""Where somebody lives, and in what: "Anna lives in Oslo", "Anna moved into a houseboat".

Owns: those patterns. Does not own: which places exclude one another (`stores/places`).
"""

from __future__ import annotations

import re

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled, timed
from memos_cli.stores.english.pattern import TAIL, VALUE, WHO, claimed, details, doubtful, for_a_time, match
from memos_cli.stores.english.sentence import YEAR, Sentence, any_of, compiled
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import DWELLINGS, SYNONYMS, TOOLS, UNITS_OF_WORK
from memos_cli.stores.places import size


def home(s: Sentence) -> list[Claim] | None:
    lives = r"(?:lives?|living|am living|is living|are living|resides?|reside|am based|is based|are based)"
    found = match(rf"{WHO}(?P<no> do not| does not)? {lives} in {VALUE}{TAIL}", s)
    moved = False
    if not found:
        found = match(rf"(?P<s>[\w' ]+?)(?:'s)? home is (?P<no>not )?in {VALUE}{TAIL}", s)
    if not found:
        verb = r"(?:moved|have moved|has moved|relocated|have relocated|has relocated|moved back|moved over)"
        found = match(rf"{WHO} {verb}(?: from (?P<p>[A-Z][\w ]+?))? to {VALUE}{TAIL}", s)
        moved = True
    if not found:
        return None
    who = subject(compiled(r"^My$").sub("I", found.group("s")))
    place = found.group("v")
    if who is None or timed(place):
        return None
    if moved and YEAR.search(s.text):
        return []
    if doubtful(found):
        return []
    if not place[0].isupper() or compiled(r"\b(?:my|his|her|their|our|a|an)\b", re.I).search(place):
        return []
    if moved and _is_no_place(levelled(place)):
        return []
    prior = levelled(found.groupdict().get("p") or "")
    # Of oneself one says so of tools and tariffs as well, whose names no list holds.
    unknown = moved and not prior and who in ("i", "we", "user") and not size(levelled(place))
    return [
        claimed(
            s, f"{who}|home", Manner.STATE, value=levelled(place), rest=details(found), domain="place",
            positive=moved or not found.group("no"), changed=moved, event=moved,
            prior=prior, narrowed=unknown or for_a_time((*levelled(place), *details(found))),
        )
    ]  # fmt: skip


def _is_no_place(words: tuple[str, ...]) -> bool:
    """Whether one who moved there moved in a firm, or to a tool: "moved to Row 4", "moved to Linux"."""
    return (
        not UNITS_OF_WORK.isdisjoint(words)
        or not TOOLS.isdisjoint(words)
        or any(c.isdigit() for word in words for c in word)
    )


def dwelling(s: Sentence) -> list[Claim] | None:
    """In what somebody lives, where that is described and not named; beside the town it is in."""
    found = match(
        rf"{WHO} (?P<verb>lives?|is living|am living|moved|has moved|have moved) (?:in|into|to|on) (?:the|an?) "
        rf"(?P<what>(?:[\w-]+ ){{0,3}}?(?P<kind>{any_of(tuple(sorted(DWELLINGS)))}))(?P<rest>(?: (?!and |with )[\w' -]+)?)",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or YEAR.search(s.text):
        return None
    kind = found.group("kind")
    moved = "moved" in found.group("verb")
    return [
        claimed(
            s, f"{who}|dwelling", Manner.STATE, value=(SYNONYMS.get(kind, kind),), changed=moved, event=moved,
            rest=levelled(found.group("what") + found.group("rest")), domain="dwelling",
        )
    ]  # fmt: skip
