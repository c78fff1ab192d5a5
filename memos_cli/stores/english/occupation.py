"""Where somebody works or studies, and as what.

Owns: those patterns. Does not own: posts that one person holds (`stores/english/post`).
"""

from __future__ import annotations

import re

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.pattern import (
    TAIL,
    VALUE,
    WHO,
    claimed,
    details,
    doubtful,
    for_a_time,
    match,
    plain_key,
)
from memos_cli.stores.english.sentence import YEAR, Sentence, compiled
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import TRADES


def work(s: Sentence) -> list[Claim] | None:
    patterns = (
        (rf"{WHO}(?P<no> do not| does not)? (?:works?|am working|is working|are working|am employed|is employed|are employed) (?:at|for|by) {VALUE}{TAIL}", 0),
        (rf"{WHO}(?P<no> do not| does not)? works? as (?P<rest>(?:(?:an?|the) )?[\w -]+?) (?:at|for) (?P<loose>the )?{VALUE}(?P<since> since .+)?", 0),
        (rf"{WHO}(?P<no> do not| does not)? (?:works?|is working|am working) (?P<v>(?P<loose>freelance))(?P<rest>(?:,? as an? .+)?)", 0),
        (rf"{WHO} (?:have |has )?(?:(?P<club>joined(?!.* as an? )|started at)|joined|started (?:working |work |a new job |a job )at|got a (?:new )?job at|moved on to|switched jobs to) {VALUE}{TAIL}", 1),
        (rf"{WHO} (?:have |has )?(?:left|quit|resigned from|quit (?:my|his|her|their) job at|left (?:my|his|her|their) job at|stopped working (?:at|for)|(?:got|am|is) (?:laid off|fired) (?:from|by)) {VALUE}{TAIL}", -1),
    )  # fmt: skip
    for pattern, turn in patterns:
        if found := match(pattern, s):
            who, firm = subject(found.group("s")), found.group("v")
            parts = found.groupdict()
            loose = bool(parts.get("loose") or parts.get("club"))  # beside which there may be another
            if not (firm[0].isupper() or parts.get("loose")):
                return None
            if who is None or compiled(r"\b(?:my|his|her|their|our|a|an)\b", re.I).search(firm):
                return []
            if (turn and YEAR.search(s.text)) or doubtful(found):
                return []
            # One who left is no more there than one who never was; joining and leaving may be of anything.
            no = turn < 0 or bool(found.groupdict().get("no"))
            made = claimed(
                s, f"{who}|work", Manner.STATE, value=levelled(firm), rest=details(found),
                positive=not no, changed=turn != 0, event=turn != 0, domain="loose" if loose else "name",
                narrowed=turn >= 0 and for_a_time((*levelled(firm), *details(found))),
            )  # fmt: skip
            if "since" not in parts:
                return [made]
            key = f"{who}|role {' '.join(made.value)}"
            fresh = bool(parts["since"])
            role = claimed(
                s, key, Manner.STATE, value=made.rest, positive=not no, changed=fresh, domain="occasion"
            )
            return [made, role]
    return None


def role(s: Sentence) -> list[Claim] | None:
    """What somebody is by trade. Two trades go together, so that only a word of change makes one follow
    the other."""
    found = match(
        rf"{WHO} (?P<v>is|am|works as|work as|became) (?P<no>not )?an? (?P<role>[\w -]+?)(?P<rest>(?: (?:at|for|with|in) .+)?)",
        s,
    )
    if not found or levelled(found.group("role"))[-1:][0] not in TRADES:
        return None
    who = subject(found.group("s"))
    if who is None:
        return []
    role, place = levelled(found.group("role")), details(found)
    no, became = bool(found.group("no")), found.group("v") == "became"
    return [
        claimed(
            s,
            f"{who}|role",
            Manner.STATE,
            value=role,
            rest=place,
            positive=not no,
            changed=became,
            event=became,
            domain="occasion",
        ),
        claimed(
            s,
            plain_key(who, ("be", *role, *place)),
            Manner.PLAIN,
            positive=not no,
            changed=became,
            event=became,
        ),
    ]


def schooled(s: Sentence) -> list[Claim] | None:
    found = match(
        rf"{WHO}(?P<no> do not| does not)? (?:stud(?:y|ies)|is studying|am studying|goes to school|go to school|attends?|transferred) (?:at |to )?{VALUE}{TAIL}",
        s,
    )
    if not found:
        return None
    who, school = subject(found.group("s")), found.group("v")
    if who is None or not compiled(
        r"\b(?:University|College|School|Institute|Academy|Gymnasium|ETH|MIT|UCLA)\b"
    ).search(school):
        return None
    return [
        claimed(
            s, f"{who}|school", Manner.STATE, value=levelled(school), rest=details(found), domain="name",
            positive=not found.group("no"), changed="transferred" in s.text,
        )
    ]  # fmt: skip
