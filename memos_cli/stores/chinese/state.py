"""Whether something is so or not: any other plain statement without its one denial.

Owns: reading such a statement, its denial and its end. Does not own: statements whose value is one of many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memos_cli.stores.chinese.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.chinese.words import DISLIKES, ENDS, FREQUENCY, MOMENTARY, NOBODY, OPPOSITES
from memos_cli.stores.claims import Claim, Manner


def switched(s: Sentence) -> list[Claim] | None:
    found = match(rf"{WHO}从{VALUE}(?:换成|改成|换到|改用|切换到|迁移到|改为)了?(?P<n>[^,,]+?)了?", s)
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None:
        return []
    before = found.group("v")
    keys = tuple(f"{who}{verb}{before}" for verb in ("用", "使用", "喝", "吃", "开", "抽", "坐", "玩"))
    return [claimed(s, f"{who}换成{found.group('n')}", Manner.PLAIN, ended=keys, changed=True)]


def plain(s: Sentence) -> Iterator[Claim]:
    """Whether something is so: told by the sentence without its one denial, whatever its verb."""
    if (made := _given_up(s) or _disliked(s) or _opposite(s)) is not None or (made := _denied(s)) is not None:
        yield from made


def _given_up(s: Sentence) -> list[Claim] | None:
    bare = s.text.removesuffix("了").replace("戒了", "戒")
    for ended, was in ENDS.items():
        if bare.endswith(ended):
            who = subject(bare.removesuffix(ended))
            return [claimed(s, who + was, Manner.PLAIN, positive=False, changed=True)] if who else []
    return None


def _disliked(s: Sentence) -> list[Claim] | None:
    for dislike in DISLIKES:
        who, found, what = s.text.partition(dislike)
        if found and "不" not in s.text:
            known = subject(who) and what
            return (
                [claimed(s, f"{who}喜欢{what}", Manner.PLAIN, who=who, positive=False, rest=(dislike,))]
                if known
                else []
            )
    return None


def _opposite(s: Sentence) -> list[Claim] | None:
    for said, (usual, positive) in OPPOSITES.items():
        if s.text.endswith(said) and (who := subject(s.text.removesuffix(said))):
            told = said.endswith("了")  # 关了 tells that it was closed, 关着 how it stands just now
            return [
                claimed(
                    s,
                    who + usual,
                    Manner.PLAIN,
                    who=who,
                    positive=positive,
                    changed=told,
                    brief=not told,
                )
            ]
    return None


def _denied(s: Sentence) -> list[Claim] | None:
    """The sentence without its denial, if it has one and somebody definite before it."""
    text, changed, who = s.text, False, ""
    denials = re.findall("不再|再也不|不|没有|没|未", text)
    if len(denials) > 1 or "," in text or NOBODY.search(text[:3]):
        return None
    ongoing = "正在" in text
    text = text.replace("正在", "", 1)
    if denials:
        changed = "再" in denials[0] or (denials[0] == "不" and text.endswith("了"))
        at = text.index(denials[0])
        if subject(text[:at]) is None:
            return None
        # 没有驾照 denies 有驾照; 没有去过 denies 去过.
        has = denials[0] == "没有" and not compiled("^没有[去来到吃喝看过用做学]").match(text[at:])
        who, text = text[:at], text[:at] + ("有" if has else "") + text[at + len(denials[0]) :]
    elif text.endswith("了"):
        return None  # something happened, or came to be
    text = text.removesuffix("了")
    if text.endswith("的"):
        text = compiled("是(?=.+的$)").sub("", text, count=1).removesuffix("的")
    how = tuple(FREQUENCY.findall(text))
    text = FREQUENCY.sub("", text)
    text = compiled("^(.{1,6}?)对(.{1,8})过敏$").sub(r"\1\2过敏", text)
    brief = ongoing or bool(who and MOMENTARY.search(text.removeprefix(who)))
    return [
        claimed(s, text, Manner.PLAIN, who=who, positive=not denials, changed=changed, rest=how, brief=brief)
    ]
