"""When something takes place, and that it was moved.

Owns: those patterns. Does not own: by when something has to be done (`stores/chinese/deadline`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.attribute import attribute_name
from memos_cli.stores.chinese.pattern import WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.claims import Claim, Manner

_TIME = r"(?:周[一二三四五六日天]|星期[一二三四五六日天]|\d+月|\d+[日点]|\d+:\d\d|上午|下午|[早晚]上|中午)"


def occasion(s: Sentence) -> list[Claim] | None:
    found = match(
        rf"{WHO}(?P<how>改到|改在|改期到|推迟到|延期到|延到|提前到|挪到|调到|定在|定于|安排在|在)了?(?P<v>[^,,]+?)了?",
        s,
    )
    if (
        found
        and found.group("how") == "在"
        and compiled(r"^\d+[楼层]$|^\d+[号]?.{0,4}室$").match(found.group("v"))
    ):
        who = subject(found.group("s"))
        return (
            [claimed(s, f"{who}|在哪层", Manner.STATE, value=(found.group("v"),), domain="occasion")]
            if who
            else []
        )
    if not found:
        found = match(rf"{WHO}(?P<how>是)(?P<v>(?:周|星期)[^,,的]+)", s)
        if found and attribute_name(found.group("s")) is not None:
            return None
    if not found or not compiled(f"^每?{_TIME}").match(found.group("v")):
        return None
    if not compiled(rf"^每?(?:{_TIME}|[\d:一二三四五六七八九十半整]|日|号|分|年)+$").match(found.group("v")):
        return []
    return _set(
        s,
        found.group("s"),
        found.group("v"),
        changed=found.group("how") not in ("定在", "定于", "安排在", "在", "是"),
    )


def _set(s: Sentence, what: str, value: str, *, changed: bool) -> list[Claim]:
    if (named := attribute_name(what)) is not None:
        return [claimed(s, "的".join(named), Manner.STATE, value=(_clock(value),), changed=changed)]
    who = subject(what)
    return (
        [claimed(s, f"{who}|何时", Manner.STATE, value=(_clock(value),), changed=changed, domain="occasion")]
        if who
        else []
    )


def _clock(text: str) -> str:
    return text.replace("星期", "周").replace("周天", "周日")
