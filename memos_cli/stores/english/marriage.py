"""Whether somebody is single, engaged, married, and to whom.

Owns: those patterns. Does not own: "Anna's husband is Ben" (`stores/english/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.pattern import WHO, claimed, match
from memos_cli.stores.english.sentence import Sentence, any_of
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import MARITAL


def married(s: Sentence) -> list[Claim] | None:
    state = any_of(tuple(MARITAL))
    pair = match(
        rf"(?P<s>[A-Z]\w+) and (?P<v>[A-Z]\w+) (?:got|are|have|are getting) (?:been )?(?P<st>{state})", s
    )
    if pair:
        named = [subject(pair.group(g)) for g in ("s", "v")]
        if None in named:
            return []
        return [
            claimed(
                s,
                f"{a}|marital",
                Manner.STATE,
                value=(MARITAL[pair.group("st")],),
                rest=(str(b),),
                changed=True,
                event=True,
            )
            for a, b in (named, named[::-1])
        ]
    found = match(
        rf"{WHO} (?P<be>is|am|are|got|became|has been) (?P<no>not )?(?P<st>{state})(?: (?:to|with|from)? ?(?P<v>[A-Z][\w ]*?))?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or who.endswith("'s"):
        return []
    changed = found.group("be") in ("got", "became")
    return [
        claimed(
            s, f"{who}|marital", Manner.STATE, value=(MARITAL[found.group("st")],), positive=not found.group("no"),
            rest=levelled(found.group("v") or ""), changed=changed, event=changed,
        )
    ]  # fmt: skip
