"""An attribute that is named, with its value: 小明的手机号是 ….

Owns: those patterns. Does not own: the names of attributes (`stores/chinese/words`).
"""

from __future__ import annotations

from functools import cache

from memos_cli.stores.chinese.dwelling import place_named
from memos_cli.stores.chinese.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.chinese.words import ATTRIBUTES, FIXED, HOLDERS, MOVES, NAMED
from memos_cli.stores.claims import Claim, Manner


@cache
def _names() -> dict[str, list[str]]:
    """The names of attributes by their last character, longest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(ATTRIBUTES, key=len, reverse=True):
        found.setdefault(name[-1], []).append(name)
    return found


def attribute_name(text: str) -> tuple[str, str] | None:
    """("小明", "手机号") of 小明的手机号; None where it names no attribute with one value."""
    if favourite := compiled(r"^(.+?)(?:的)?最(?:喜欢|爱)([吃喝看听玩]?)的(.{1,6})$").match(text):
        who = subject(favourite.group(1))
        return (who, f"最喜欢{favourite.group(2)}的{favourite.group(3)}") if who else None
    for name in _names().get(text[-1:], ()):
        if text.endswith(name) and len(text) > len(name):
            owner = text[: -len(name)]
            for fresh in ("新的", "新", "当前的", "当前"):
                owner = owner.removesuffix(fresh) if owner.removesuffix(fresh) else owner
            who = subject(owner)
            if who is None or who.endswith(
                ("旧", "老", "原", "前", "和", "与", "副", "前任", "名誉", "代理", "第1")
            ):
                return None
            return who, ATTRIBUTES[name]
    return None


def attribute(s: Sentence) -> list[Claim] | None:
    if found := match(rf"{WHO}(?:是在|是|在)?(?:出生在|出生于|生于){VALUE}(?:的)?", s) or match(
        rf"{WHO}是?在{VALUE}出生的?", s
    ):
        who = subject(found.group("s"))
        place = place_named(found.group("v"))
        return (
            [claimed(s, f"{who}的出生地", Manner.FIXED, value=(place,), domain="place")]
            if who and not place[0].isdigit()
            else []
        )
    change = "改成|改为|换成|变成|变为|更新为|更新到|更改为|升级到|升级为|升到|涨到|降到|推迟到|延期到|提前到|调整为|调整到|改到|换到"
    found = match(rf"{WHO}(?:已|被)?(?:{change})了?(?P<v>[^,,]+?)了?", s)
    changed = bool(found)
    if not found:
        found = match(rf"{WHO}(?P<no>不)?(?:是|为|叫|:)(?P<v>[^,,]+?)", s)
    if not found:
        return None
    named, value = attribute_name(found.group("s")), found.group("v")
    if named is None and not changed:  # 绿色是我最喜欢的颜色
        named, value = attribute_name(found.group("v")), found.group("s")
        if named is not None and subject(value) is None:
            return []
    if named is None or (named[1] in HOLDERS and "叫" not in s.text and not NAMED.match(value)):
        return None
    # 我妈妈叫李梅 says her name; 我妈妈是医生 what she is.
    if named[1] in ("妈妈", "爸爸", "丈夫", "妻子", "男朋友", "女朋友") and "叫" not in s.text:
        return [claimed(s, f"{'的'.join(named)}|是", Manner.PLAIN, rest=(value,))] if not changed else []
    if len(value) > 20 or compiled("^(?:一个|一种|个|不|因|没|新的|错)").match(value) or "的" in value:
        return []
    fresh = "新" in found.group("s").replace(value, "")
    manner = Manner.FIXED if named[1] in FIXED else Manner.STATE
    positive = not found.groupdict().get("no")
    made = claimed(
        s, "的".join(named), manner, value=(value,), positive=positive, changed=changed or fresh,
        domain="moves" if named[1] in MOVES else "",
    )  # fmt: skip
    if named[1] != "名字" or not positive:
        return [made]
    return [made, claimed(s, f"{named[0]}叫{value}", Manner.PLAIN, who=named[0])]
