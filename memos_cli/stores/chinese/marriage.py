"""Whether somebody is single, engaged, married, and to whom.

Owns: those patterns. Does not own: who somebody's husband is (`stores/chinese/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.pattern import WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.claims import Claim, Manner


def marital(s: Sentence) -> list[Claim] | None:
    states = {
        "结婚": "婚",
        "已婚": "婚",
        "订婚": "订",
        "离婚": "离",
        "离异": "离",
        "分手": "单",
        "恋爱": "恋",
        "谈恋爱": "恋",
        "交往": "恋",
        "单身": "单",
        "未婚": "单",
    }
    state = "|".join(sorted(states, key=len, reverse=True))
    found = match(rf"(?P<s>[^和跟与]+?)(?:和|跟|与)(?P<v>[^,,]+?)(?:在)?(?P<st>{state})了?", s)
    if not found:
        found = match(rf"{WHO}(?P<no>不)?是?(?P<st>{state})了?(?P<v>)", s)
    if not found and (partner := match(r"(?P<s>.+?)(?:有|交|找到)了?(?P<v>)(?P<st>男朋友|女朋友|对象)了", s)):
        who = subject(partner.group("s"))
        return [claimed(s, f"{who}|婚恋", Manner.STATE, value=("恋",), changed=True)] if who else []
    if not found:
        return None
    if found.groupdict().get("no"):
        return []
    pair = [subject(found.group("s"))] + ([subject(found.group("v"))] if found.group("v") else [])
    if None in pair:
        return []
    value = (states[found.group("st")],)
    changed = found.group("st") in ("离婚", "结婚", "分手", "订婚") and s.text.endswith("了")
    others = [tuple(o for o in pair if o != one and o) for one in pair]
    return [
        claimed(s, f"{one}|婚恋", Manner.STATE, value=value, rest=tuple(map(str, other)), changed=changed)
        for one, other in zip(pair, others, strict=True)
    ]
