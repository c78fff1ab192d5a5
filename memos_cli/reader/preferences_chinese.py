"""The words by which people say in Chinese what they like and what not.

Owns: the patterns, and where a topic ends. Does not own: which sentences are read (`preferences`).

A clause has to begin with 我, or with the thing itself: 我妈妈喜欢, 我以前喜欢 and 我觉得他喜欢 are not
the speaker's own present liking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from memos_cli.reader.preference_words import LIKED, LOVED, SHOWN, UNBEARABLE, Found

_OPENERS = r"(?:(?:但是?|不过|而且|其实|因为|所以|然后|可是|而|嗯|是的?|对|哈哈|好的|说实话|老实说|总的来说|最近|现在|另外|顺便说一下|比起[^，,]{1,8})[，,]?){0,2}"
_VERY = r"(?:特别|非常|很|挺|超级?|最|更加?|比较|一直|从小就?|真的?|蛮|好|都|也|还是|就|尤其|实在|十分|平时|一般|通常|总是|还挺|太|相当|极其|本人|个人|自己)"
_LIKE = (
    r"(?:喜欢|喜爱|热爱|酷爱|钟爱|偏爱|偏好|痴迷于?|迷恋|迷上了|爱上了|爱(?!人|莫|你|好|上|情|心|她|他|您))"
)
_AGAINST = r"(?:讨厌|厌恶|反感|受不了|烦死|痛恨|害怕|恨透?|嫌弃|怕(?![是你他她我它]))"
_BY_NOW = r"(?:(?:已经|现在|如今|早就|早已|早|再也|从此|以后|渐渐|慢慢)){0,2}"
_I = r"(?:我|^)"
"""Who speaks of himself, or of nobody at the beginning of a sentence."""
_DO = "[吃喝坐用看买抽穿玩点选听订住骑]"
_MANNER = "简短|简洁|详细|直接|口语化|正式|通俗|具体|简单"

_RULES: tuple[tuple[str, int, float, bool], ...] = (
    (
        rf"我{_VERY}{{0,3}}最喜欢的(?P<about>[^是，,]{{1,8}}?)(?:还|就|一直|应该|当然)?是(?P<t>.+)",
        1,
        LOVED,
        True,
    ),
    (r"我的(?:兴趣|业余)?爱好是(?P<t>.+)", 1, LOVED, True),
    (r"(?P<t>[^我你他她，,]{1,12})(?:一直)?是我(?:的最爱|最(?:喜欢|爱)的)", 1, LOVED, True),
    (
        r"我(?:以前|曾经?|过去|原来)(?:很|特别|非常|挺)?(?:喜欢|爱|热爱)(?P<t>[^，,]+?)[，,]?(?:但|可|不过|但是|可是|然而)?(?:现在|如今|后来)(?:已经)?(?:就)?不(?:再|怎么)?(?:那么)?(?:喜欢|爱|热爱)?了",
        -1,
        LIKED,
        True,
    ),
    (
        rf"{_I}{_BY_NOW}不再(?:那么)?(?:喜欢|喜爱|热爱|偏爱|迷恋|爱(?=[吃喝看听玩打去跑做]))(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (rf"我{_BY_NOW}(?:不再|不)是?(?P<t>吃素|纯素|素食(?:主义)?者)", -1, SHOWN, True),
    (rf"{_I}{_BY_NOW}不再(?:[吃喝抽])(?P<t>.+)", -1, SHOWN, False),
    (rf"我{_BY_NOW}戒掉?(?:了)?(?P<t>[^了，,的]{{1,6}})", -1, SHOWN, False),
    # What is over is not the opposite: whoever hates it no longer may not love it yet.
    (rf"{_I}{_BY_NOW}不再(?:讨厌|厌恶|反感|害怕|怕|抗拒)(?P<t>.+)", 1, SHOWN, False),
    (rf"我{_BY_NOW}不(?:讨厌|厌恶|反感|害怕|怕|抗拒)(?P<t>[^，,]+?)了", 1, SHOWN, False),
    (rf"我{_BY_NOW}对(?P<t>[^，,都不]{{1,10}}?){_BY_NOW}不(?:再过敏|过敏了)", 1, SHOWN, False),
    (
        rf"我(?:{_VERY}|一点)?{_BY_NOW}(?:都|也|并|真的?|实在)?不(?:太|是?很|怎么|大|特别|那么|算)?(?:喜欢|爱(?=[吃喝看听玩打去跑做])|偏爱)(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (rf"我{_VERY}{{0,3}}{_LIKE}(?P<t>.+)", 1, LIKED, True),
    (rf"我{_VERY}{{0,2}}(?:更愿意|宁愿|宁可)(?P<t>.+)", 1, LIKED, True),
    (rf"我{_VERY}{{0,3}}{_AGAINST}(?P<t>.+)", -1, LOVED, True),
    (rf"我对(?P<t>[^，,都不]+?){_VERY}{{0,3}}(?:感兴趣|着迷|上瘾)", 1, LIKED, True),
    (r"我对(?P<t>[^，,都]+?)(?:已经)?(?:不再|不|没什么|没有?|毫无)(?:太|怎么)?(?:感?兴趣)", -1, LIKED, True),
    (r"我对?(?P<t>[^，,都不对没]{1,10}?)(?:严重)?过敏", -1, UNBEARABLE, True),
    (r"我(?P<t>[^，,都不对]{1,6})不耐受", -1, UNBEARABLE, True),
    (r"我(?:从来|从)不(?P<verb>[吃喝坐用看买抽穿玩听去])(?P<t>.+)", -1, SHOWN, False),
    (r"我(?:一直|都|也)?不(?P<verb>[吃喝抽])(?P<t>.+)", -1, UNBEARABLE, True),
    (
        r"我(?:(?:自|从|打)?(?:\d{2,4}|去|前|今)年(?:起|开始|以来)?(?:就|一直|都)*)?(?:是(?:一?个|一名)?)?(?P<t>素食(?:主义)?者|严格素食|吃素|纯素)",
        1,
        SHOWN,
        False,
    ),
    (rf"我(?:一般|通常|总是|每次都|经常|平时都?)(?:都|会)?{_DO}(?P<t>.+)", 1, SHOWN, False),
    (r"请?(?:以后)?(?:不要|别)(?:再)?(?:使?用|推荐|加)(?P<t>.+)", -1, LIKED, True),
    (
        r"请(?:以后)?(?:都|一直|始终|总是)?(?:使)?用(?P<t>[^，,写做画帮给译生总算查读解把]{0,8}?"
        r"(?:[中英日法德韩俄][文语]|普通话|方言|单位|格式|风格|口吻|语气|方式|制))(?:来?(?:回答|回复|交流|说|跟我).*)?$",
        1,
        LIKED,
        True,
    ),
    (rf"请?(?:你?的?(?:回答|回复|答案))(?:得|要|尽量|请|都)*(?P<t>{_MANNER})", 1, LIKED, True),
)

_TOPIC_END = r"[，,；;。！!（(]|(?:但|因为|所以|不过|而且|如果|除了|胜过|多过)|的?时候|(?:已经|了)|上班|上学|回家|[啊呢哦呀嘛啦吧]$"
_NO_TOPIC = r"(?:[你他她它您谁咱]|这[个些样种里么]?|那[个些样种里么]?|什么|怎么|的|吗|就|不|没|哪|自己|人家|东西|饭(?!店)|一下|得|着|过|到|上[^海网]|你们|对方)"
_NO_CLAUSE = "如果|要是|假如|假设|万一|可能|也许|或许|以为|吗|是不是|会不会|难道|以前|曾经|小时候|好像"
_WAS_LIKED = "我(?:以前|曾经?).+(?:现在|如今|后来).*不.*了"
"""What was liked once and is not now."""
_LONGEST_TOPIC = 24
"""Characters of a topic at most."""


def find(sentence: str, offset: int) -> Iterator[Found]:
    """The preferences that one sentence states, `offset` being its place in the text."""
    if _compiled(_NO_CLAUSE).search(sentence) and not _compiled(_WAS_LIKED).search(sentence):
        return
    for border in _compiled("^|[，,；;：:]").finditer(sentence):
        for pattern, polarity, strength, explicit in _rules():
            if (match := pattern.match(sentence, border.end())) is None:
                continue
            first, last = _topic(sentence, *match.span("t"))
            if first < last and not _compiled(_NO_TOPIC).match(sentence, first, last):
                stronger = (
                    LOVED
                    if _compiled("最|超|非常|特别|热爱|酷爱|钟爱|痴迷|迷").search(match[0])
                    else strength
                )
                yield Found(
                    offset + first,
                    offset + last,
                    offset + match.start("said"),
                    offset
                    + max(
                        last + sentence.startswith("了", last),
                        match.end() if match.end("t") < match.end() else last,
                    ),
                    polarity,
                    max(strength, stronger) if explicit else strength,
                    explicit,
                    match.groupdict().get("about"),
                )
            break


def _topic(sentence: str, first: int, last: int) -> tuple[int, int]:
    cut = _compiled(_TOPIC_END).search(sentence, first, last)
    topic = sentence[first : cut.start() if cut else last].rstrip()
    kept = topic[:-1] if topic.endswith("的") and len(topic) > 2 else topic
    return (first, first + len(kept)) if len(kept) <= _LONGEST_TOPIC else (first, first)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], int, float, bool], ...]:
    return tuple((re.compile(rf"\s*{_OPENERS}(?P<said>{pattern})"), *rest) for pattern, *rest in _RULES)  # type: ignore[misc]


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)
