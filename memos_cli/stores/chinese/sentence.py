"""A Chinese text as one plain sentence, or as none.

Owns: what is no plain statement, and numbers and variants in one spelling. Does not own: what the sentence claims.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from memos_cli.stores.chinese.words import CHANGE, DIGITS, IDLE, NUMBER, SYNONYMS, UNSURE


class Sentence(NamedTuple):
    text: str
    changed: bool


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _unsure() -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(UNSURE.split(), key=len, reverse=True)))
    # Characters that mean something else in longer words: 成都, 三只猫, 太原, 更新, 将军, 理想, 不过敏.
    return re.compile(
        rf"{words}|(?<![成首京])都|(?<![\d一二两三四五六七八九十几])只|太(?![原太阳])|更(?![新改换])|将(?!军)|(?<![思理])想|不过(?!敏)"
    )


@cache
def _of_late() -> re.Pattern[str]:
    return re.compile("最近|近来|眼下|这阵子|这段时间|这[个一]?(?:季度|学期|季|阵|会儿)")


@cache
def _happened() -> re.Pattern[str]:
    """Whether a sentence tells an event, not how it is of late."""
    return re.compile("了|[搬换改转升涨降离辞入戒]|开始")


def _number(found: re.Match[str]) -> str:
    """一 … 九十九 in digits; two stands as 两 before what is counted."""
    text = found.group().replace("两", "二")
    tens, ten, ones = text.partition("十")
    if not ten:
        return "".join(DIGITS[c] for c in text)
    return (
        str(int(DIGITS.get(tens, "1")) * 10 + int(DIGITS.get(ones, "0")))
        if len(tens) < 2 and len(ones) < 2
        else found.group()
    )


def levelled(text: str) -> str:
    """A text with its numbers in digits and its variants in one spelling, without spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = NUMBER.sub(_number, text)
    text = compiled(r"(\d+)号").sub(r"\1日", text)
    for variant, usual in SYNONYMS:
        text = text.replace(variant, usual)
    return compiled(r"\s+").sub("", text)


_WHEN = "(?<=[\u4e00-\u9fff])(?:昨天|今天|前天|上周|上个?星期|上个?礼拜|上个?月|这周|这个月|去年|今年)(?=.*(?:[搬辞离婚职]|换到|换成|改到|改成|考上|转学))"
"""When an event was, told from the day of saying: it orders nothing that the day of saying does not."""


def sentence_of(text: str) -> Sentence | None:
    text = unicodedata.normalize("NFKC", text).strip()
    text = compiled(r"[。.!！]$").sub("", text)
    changed = False
    if lead := compiled(r"^(更新|更正|纠正|备注|提醒|记住|顺便说一下|其实)[::,,]\s*").match(text):
        changed = lead.group(1) in ("更新", "更正", "纠正")
        text = text[lead.end() :]
    if compiled(r"[。?？!！;；“”\"「」『』…\n(（]|\.{3}").search(text) or not text:
        return None
    # "My number has changed, it is …": the first half says only that.
    if half := compiled(r"^(.{1,8}?)(?:换|改|变)(?:了|成了新的)?(.{0,6})了?[,,](?:新的?|现在的?)(.+)$").match(
        text
    ):
        changed, text = (
            True,
            f"{half.group(1)}的{half.group(3).removeprefix('是')}"
            if half.group(3).startswith(half.group(2).rstrip("了") or " ")
            else text,
        )
    text = compiled(r"([日号])(?:之前|以前)").sub(r"\1前", text)
    if _of_late().search(text) and not _happened().search(text):
        return None  # a phase, not a change
    if text.endswith("了"):
        text = compiled(_WHEN).sub("", text, count=1)
    plain = text
    for word in CHANGE:
        plain = plain.replace(word, "")
    changed |= plain != text
    for word in IDLE:
        plain = plain.replace(word, "")
    if _unsure().search(plain.replace("最喜欢", "最爱")):
        return None
    return Sentence(levelled(plain), changed)
