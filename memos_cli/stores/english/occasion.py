"""When something takes place, and that it was moved.

Owns: those patterns. Does not own: by when something has to be done (`stores/english/deadline`).
"""

from __future__ import annotations

import re

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.attribute import attribute_of, functional
from memos_cli.stores.english.levels import timed, valued
from memos_cli.stores.english.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.english.sentence import Sentence, compiled
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import DAYS


def moved_date(s: Sentence) -> list[Claim] | None:
    """When something takes place; without a word of change two such statements may be of two occasions."""
    shifted = r"(?:moved|postponed|rescheduled|delayed|brought forward|pushed back|shifted|changed|pushed)"
    found = match(rf"{WHO} (?:has been|have been|is|are|got) {shifted}(?: from [^,]+?)? to {VALUE}", s)
    if not found:
        found = match(rf"{WHO} {shifted}(?: from [^,]+?)? to {VALUE}", s)
    if found:
        if not timed(found.group("v")):
            return None
        made = _dated(s, found, changed=True)
        if made and found.group("v")[0].isdigit() and (who := subject(found.group("s"))):
            made += [
                claimed(s, f"{who}|{verb}", Manner.STATE, value=valued(found.group("v")), changed=True, domain="occasion")
                for verb in ("leaves", "departs")
            ]  # fmt: skip
        return made
    found = match(
        rf"{WHO} (?:is|are|takes place|is scheduled for|is set for|starts|start|begins) (?:on |at )?{VALUE}",
        s,
    )
    if not found and (met := match(rf"{WHO} meets? (?:on |at )?{VALUE}", s)) and _is_day(met.group("v")):
        return _dated(s, met, changed=False)
    if not found:
        found = match(rf"{WHO} (?P<verb>opens|closes|leaves|departs|arrives|ends|finishes) at {VALUE}", s)
        if found and (who := subject(found.group("s"))) and found.group("v")[0].isdigit():
            return [
                claimed(
                    s,
                    f"{who}|{found.group('verb')}",
                    Manner.STATE,
                    value=valued(found.group("v")),
                    domain="occasion",
                )
            ]
        return None
    if timed(found.group("v")) and not compiled(r"\b(?:every|each)\b").search(found.group("v")):
        if functional(found.group("s")):
            return None
        return _dated(s, found, changed=False)
    return None


def _is_day(text: str) -> bool:
    """Whether it begins with a day of the week, this one or each."""
    return text.split(maxsplit=1)[0].casefold().removesuffix("s") in DAYS


def _dated(s: Sentence, found: re.Match[str], *, changed: bool) -> list[Claim]:
    who = subject(found.group("s"))
    if who is None:
        return []
    if functional(found.group("s")):
        return attribute_of(s, found.group("s"), found.group("v"), changed=changed) or []
    return [
        claimed(
            s,
            f"{who}|when",
            Manner.STATE,
            value=valued(found.group("v")),
            changed=changed,
            domain="occasion",
        )
    ]
