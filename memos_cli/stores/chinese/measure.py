"""How old, how heavy, how dear, how many.

Owns: those patterns. Does not own: attributes that are named (`stores/chinese/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.pattern import WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.chinese.words import ATTRIBUTES
from memos_cli.stores.claims import Claim, Manner

_PER = "每年|1年|每个?月|1个月|每小时|每天|每晚|每人|每次"
"""For what a price is paid."""


def _per(text: str | None) -> str:
    return (text or "").replace("每个", "每").replace("1个", "每").replace("1年", "每年")


def measured(s: Sentence) -> list[Claim] | None:
    if found := match(rf"{WHO}(?:今年)?(?P<turned>刚?满)?(?P<n>\d{{1,3}})岁(?P<end>了)?", s):
        who = subject(found.group("s").removesuffix("今年"))
        told = bool(found.group("turned") or found.group("end"))
        return (
            [claimed(s, f"{who}|年龄", Manner.STATE, value=(found.group("n"),), domain="moves", changed=told)]
            if who
            else []
        )
    number = r"(?P<n>\d[\d.,]*)(?P<u>万?(?:元|块钱|块|美元|欧元|日元|英镑))"
    if found := match(
        rf"{WHO}的?(?P<before>{_PER})?的?(?P<a>票价|价格|售价|房租|月租|工资|月薪|费用)?(?P<v>涨到|降到|涨价到|降价到|涨至|降至|卖|售价|要|是|为|改为|改成|调整为|调到)?了?(?P<per>{_PER})?{number}(?P<after>{_PER})?(?P<end>了)?",
        s,
    ):
        who = subject(found.group("s"))
        if who is None:
            return []
        slot = ATTRIBUTES.get(found.group("a") or "价格", "价格")
        unit = found.group("u").replace("块钱", "元").replace("块", "元")
        unit += _per(found.group("before") or found.group("per") or found.group("after"))
        verb = found.group("v") or ""
        return [
            claimed(
                s,
                f"{who}的{slot}",
                Manner.STATE,
                value=(found.group("n"), unit),
                changed=bool(compiled("[涨降改调]").search(verb)),
                domain="price",
            )
        ]
    if found := match(
        rf"{WHO}(?:体重|重|身高|高)(?:是|为|有|降到|涨到|减到|增加到)?了?(?P<n>\d[\d.]*)(?P<u>公斤|千克|斤|克|吨|厘米|米|kg|cm)了?",
        s,
    ):
        who = subject(found.group("s"))
        slot = "身高" if "高" in s.text else "重"
        return (
            [
                claimed(
                    s,
                    f"{who}的{slot}",
                    Manner.STATE,
                    value=(found.group("n"), found.group("u").replace("千克", "公斤").replace("kg", "公斤")),
                    domain="number",
                )
            ]
            if who
            else []
        )
    return None


def counted(s: Sentence) -> list[Claim] | None:
    found = match(
        rf"{WHO}(?:有|养)了?(?P<n>\d+)(?P<u>[个只条位名台辆本套间口头匹])(?P<what>[^,,的]{{1,6}}?)(?P<end>了)?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or found.group("n") == "1":
        return []
    return [
        claimed(
            s,
            f"{who}|有几{found.group('what')}",
            Manner.STATE,
            value=(found.group("n"),),
            changed=bool(found.group("end")),
            domain="number",
        )
    ]
