"""By when something has to be done.

Owns: that pattern. Does not own: 截止日期是 … (`stores/chinese/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.pattern import WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.chinese.words import RECURRING, UNIQUE
from memos_cli.stores.claims import Claim, Manner


def due(s: Sentence) -> list[Claim] | None:
    """By when something has to be done. Of what recurs, and of "the draft", two days may be of two."""
    found = match(
        rf"{WHO}的?(?:要|须|必须|需要?|得)?(?:在|于)?(?P<v>(?:\d{{4}}年)?\d+月\d+日)(?:前|为止)?(?:要|须|必须|需要?)?"
        r"(?:交稿|交付|上交|提交|到期|截止|完成|完工|做完|写完|寄出|交)(?:给(?P<rest>[^,,]+))?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or who.endswith("了"):
        return []
    domain = "occasion" if RECURRING.search(who) else "due" if UNIQUE.search(who) else "due?"
    rest = (found.group("rest"),) if found.group("rest") else ()
    return [claimed(s, f"{who}的截止日期", Manner.STATE, value=(found.group("v"),), rest=rest, domain=domain)]
