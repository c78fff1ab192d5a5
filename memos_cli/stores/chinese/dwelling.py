"""Where somebody lives, and in what.

Owns: those patterns. Does not own: which places exclude one another (`stores/places`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.chinese.words import DWELLINGS, NO_HOME
from memos_cli.stores.claims import Claim, Manner


def dwelling(s: Sentence) -> list[Claim] | None:
    """In what somebody lives, where that is described and not named; beside the town it is in."""
    kinds = "|".join(DWELLINGS)
    found = match(
        rf"{WHO}(?:(?P<moved>搬到|搬进|搬去|搬回)|住在|住进)了?(?P<v>[^,,]{{0,16}}?(?P<kind>{kinds}))(?P<end>里?了)?里?",
        s,
    )
    who = subject(found.group("s")) if found else None
    if not found or who is None or "不" in found.group("s"):
        return None
    moved = bool(found.group("moved"))
    return [
        claimed(
            s, f"{who}|住所", Manner.STATE, value=(found.group("kind"),), rest=(found.group("v"),), domain="dwelling",
            changed=moved or bool(found.group("end")), event=moved,
        )
    ]  # fmt: skip


def home(s: Sentence) -> list[Claim] | None:
    tail = r"(?P<end>了)?"
    found = match(
        rf"{WHO}(?P<no>不再|不)?(?:住在|定居在|定居于|生活在|搬家到|搬到|搬去|搬回|移居|迁居|迁到)了?{VALUE}{tail}",
        s,
    )
    if found:
        moved = bool(compiled("搬|移居|迁").search(s.text))
        who, prior = found.group("s"), ""
        if origin := compiled("^(.+?)从(.+?)$").match(who):
            who, prior = origin.groups()
    else:
        found = match(rf"{WHO}家(?:住)?(?P<no>不)?在{VALUE}{tail}", s)
        moved, prior, who = False, "", found.group("s") if found else ""
    if not found:
        return None
    named, place = subject(who), place_named(found.group("v").removesuffix("了"))
    if named is None or not place:
        return []
    if moved and compiled(r"^\d+[楼层]$|^\d+[号]?.{0,4}室$").search(place):
        return [claimed(s, f"{named}|在哪层", Manner.STATE, value=(place,), changed=True)]
    if NO_HOME.search(place) or any(map(str.isdigit, place)):
        return []
    changed = moved or bool(found.group("no") and "再" in found.group("no")) or bool(found.group("end"))
    return [
        claimed(
            s, f"{named}|住", Manner.STATE, value=(place,), positive=not found.group("no"), changed=changed, event=moved, domain="place",
            prior=(place_named(prior),) if prior else (), rest=(),
        )
    ]  # fmt: skip


def place_named(text: str) -> str:
    return text.removesuffix("市") if len(text) > 2 else text
