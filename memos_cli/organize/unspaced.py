"""Words of scripts that put no space between them, found by how often their characters stand together.

Owns: the pieces between function words, their n-grams, and which of these are words. Does not own:
weights and names (`titles`).

No dictionary: a string that is repeated is a word unless a longer one is repeated (nearly) as often,
of which it then is a scrap. (Statistical substring reduction: Lü, Zhang and Hu, "Statistical Substring
Reduction in Linear Time", IJCNLP 2004.) Function words cut a text first, or stand at no word's edge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import cache

from memos_cli.stores.analysis import UNSPACED

LONGEST = 6
"""Characters of a word at most."""
AS_OFTEN = 0.8
"""Of the times a string occurs, how many must be within a longer one for that to be the word."""

_CUTTING = [
    "我们",
    "你们",
    "他们",
    "她们",
    "它们",
    "咱们",
    "大家",
    "自己",
    "别人",
    "今天",
    "明天",
    "昨天",
    "前天",
    "后天",
    "今年",
    "明年",
    "去年",
    "每天",
    "每周",
    "每年",
    "每月",
    "每次",
    "上周",
    "下周",
    "这周",
    "本周",
    "周末",
    "早上",
    "上午",
    "中午",
    "下午",
    "晚上",
    "最近",
    "以前",
    "以后",
    "之前",
    "之后",
    "以来",
    "现在",
    "当时",
    "时候",
    "时间",
    "已经",
    "正在",
    "刚刚",
    "马上",
    "一直",
    "经常",
    "常常",
    "总是",
    "有时",
    "偶尔",
    "从来",
    "终于",
    "因为",
    "所以",
    "但是",
    "不过",
    "可是",
    "如果",
    "虽然",
    "而且",
    "然后",
    "还是",
    "还有",
    "或者",
    "以及",
    "为了",
    "关于",
    "通过",
    "没有",
    "不是",
    "不能",
    "不会",
    "不要",
    "不想",
    "不用",
    "可以",
    "可能",
    "应该",
    "需要",
    "必须",
    "能够",
    "打算",
    "准备",
    "决定",
    "开始",
    "继续",
    "希望",
    "想要",
    "喜欢",
    "觉得",
    "认为",
    "知道",
    "记得",
    "告诉",
    "发现",
    "看到",
    "听说",
    "成为",
    "变成",
    "来自",
    "属于",
    "什么",
    "怎么",
    "怎样",
    "为什么",
    "哪里",
    "哪个",
    "多少",
    "这个",
    "那个",
    "这些",
    "那些",
    "这里",
    "那里",
    "这样",
    "那样",
    "这次",
    "一个",
    "一次",
    "一些",
    "一下",
    "一起",
    "一样",
    "一点",
    "有点",
    "两个",
    "三个",
    "几个",
    "很多",
    "许多",
    "非常",
    "特别",
    "比较",
    "真的",
    "其实",
    "都是",
    "就是",
    "也是",
    "只有",
    "只是",
    "还要",
    "又要",
    "星期",
    "小时",
    "分钟",
]
"""Words that name nothing; a text is cut at them."""
_CUTTING_ALONE = "的了着吗呢吧啊呀哦嗯我你您他她它们很也是"
"""Characters that are hardly ever part of a naming word."""
_EDGES = "在和与及跟就都把被让给去到从向每这那个位次又还再最更没不只才将于想要会能来里中后前时等说做买"
"""Characters at which no name begins or ends, though one may hold them."""
_ENDS_ONLY = "有用过对为上下一两三四五六七八九十几年月日号点"
"""Characters at which none ends; "上海" and "用户" begin with one."""
_KEPT = frozenset(
    [
        "目的",
        "以上",
        "里程",
        "时装",
        "时尚",
        "会计",
        "会议",
        "能源",
        "中国",
        "中文",
        "中学",
        "后端",
        "前端",
        "等级",
        "说明",
        "做饭",
        "来源",
        "音乐会",
        "运动会",
        "家里",
        "要求",
    ]
)
"""Words that break these rules."""


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]+")


@cache
def _cuts() -> re.Pattern[str]:
    return re.compile("|".join([*sorted(_CUTTING, key=len, reverse=True), f"[{_CUTTING_ALONE}]"]))


def without_runs(text: str) -> str:
    """`text` without what is read here."""
    return text if text.isascii() else _runs().sub(" ", text)


def pieces(text: str) -> list[str]:
    """What stands between function words, of two characters and more."""
    if text.isascii():
        return []
    return [piece for run in _runs().findall(text) for piece in _cuts().split(run) if len(piece) > 1]


def strings(pieces: Collection[str]) -> set[str]:
    """Every string of 2 to LONGEST characters in them."""
    return {
        piece[start:end]
        for piece in pieces
        for start in range(len(piece) - 1)
        for end in range(start + 2, min(start + LONGEST, len(piece)) + 1)
    }


def words(counts: Counter[str], whole: Collection[str]) -> set[str]:
    """Which of the strings are words, by how many texts have each; of what one text alone has, `whole`
    pieces."""
    said = {s: n for s, n in counts.items() if not s.isascii() and (n > 1 or s in whole) and _bounded(s)}
    scraps = {
        inner
        for outer, count in said.items()
        if len(outer) > 2
        for inner in strings((outer,))
        if inner != outer and count >= AS_OFTEN * counts[inner]
    }
    return said.keys() - scraps


def _bounded(string: str) -> bool:
    if string in _KEPT:
        return True
    return string[0] not in _EDGES and string[-1] not in _EDGES and string[-1] not in _ENDS_ONLY
