"""Where a name ends in a text: what it is a part of, wherever it stands within a longer name.

Owns: the edges of Chinese names, and names of several words. Does not own: where a name stands (`wording`), nor
what is done where it is another one (`feedback_names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from memos_cli.reader.feedback import alike

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_ONLY_HAN = re.compile(f"[{_HAN}]{{2,4}}")
_DAY_CHINESE = re.compile("每?(?:周|星期|礼拜)[一二三四五六日天末]|.*[月日号年点元岁]")
_PREFIXES = "小老阿"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭"
    "陆汪范廖贾夏韦付邹孟熊秦邱尹薛闫段侯龙陶黎贺顾郝龚邵钱武莫孔汤"
)
_CLOSING = "的是在和跟与及把被给让对从到去了着过住叫也都就还又再很太最更不没将已曾每等或而但却"
_NAMED = re.compile(
    f"[老小]?(?:[{_SURNAMES}高金马方任常安江白万向雷史钟石毛戴严施华]|欧阳|司马|诸葛|上官)[{_HAN}]{{1,2}}$"
)
"""A Chinese name with its surname, or a surname as people are called by it."""
_PARTICLES = f"{_CLOSING}说讲问喊昨这那哪们吃喝看听玩写读教做买卖打跑走坐站睡跳唱搬换找带用当姓比受因所由谁呢吗吧啊出入回养要帮送借拿戴穿骑修画请陪"
"""Characters after a name that end it: hardly any given name has one of them."""
_VERBS = "爱喜有会来能想可学为向才开进加"
"""Characters after a name that may end it, and may be the last of a longer name (李明爱的猫)."""
_AFTER = (
    "今年|今天|今晚|今早|明天|明年|明晚|后天|前天|后来|现在|目前|如今|以前|以后|之前|之后|上周|上个|下周|下个|上班|上学|上午|下班"
    "|下午|早上|早就|晚上|中午|周[一二三四五六日天末]|星期|家[的里在有住养]|家庭|妈妈|爸爸|母亲|父亲|爷爷|奶奶|外婆|外公|哥哥|弟弟"
    "|姐姐|妹妹|儿子|女儿|孩子|丈夫|妻子|老公|老婆|男友|女友|先生|女士|小姐|老师|医生|同学|教授|博士|经理|阿姨|叔叔|律师|工作|工程师"
    "|负责|喜欢|喜爱|讨厌|认识|认为|知道|觉得|告诉|希望|打算|计划|准备|决定|开始|毕业|生日|生病|生于|学习|结婚|离婚|参加|加入|提到|提醒"
    "|推荐|邀请|介绍|需要|可以|可能|应该|必须|正在|经常|常常|总是|一直|一起|一共|其实|真的|虽然|如果|身高|体重|年龄|电话|手机|邮箱"
    "|地址|密码|本人|自己|先|来[了自到]|有[一了个两三]|会[在说不]|[省市县区镇村]"
)
_COUNTED = "[一二两三四五六七八九十]{1,3}(?:月|日|岁|点|年|号|个|只|条|次|天|周|位)"
_ENDS = re.compile(
    f"[^{_HAN}]|$|[{_PARTICLES}]|{_AFTER}|{_COUNTED}|[想会能来可][去在把给和跟到从对]|[{_VERBS}](?=[{_HAN}])(?![{_CLOSING}])"
)
"""What follows where a Chinese name has ended."""
_WORD_BEFORE = re.compile(r"(?<![\w'’-])([A-Z\u00c0-\u00de][\w’'-]*) $")
_WORDS_AFTER = re.compile(
    r" (?:(?:de|da|di|del|della|van|von|der|den|ten|zu|bin|al|la|le) )*([A-Z\u00c0-\u00de][\w’'-]*)"
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = "january february march april may june july august september october november december"
_CALENDAR = frozenset(f"{_DAYS} {_DAYS.replace('day', 'days')} {_MONTHS}".split())
_BESIDE = (
    "mr mrs ms miss dr prof professor sir lady aunt auntie uncle captain coach grandma grandpa granny cousin sister brother"
    " mother father mum mom dad i i'm i’m i'll i've the a an my our your his her their its this that these those and but or so"
    " when while if as because since after before with without for from at on in to by about is are was were does do did has"
    " have had can could will would should may might must what who whom whose where why how both only also today tomorrow"
    " yesterday then now once last next dear hi hello hey thanks yes no not maybe perhaps sometimes always never often usually"
    " meet met call ask tell see saw told asked gave give help visit thank let like"
)
_NO_NAME = _CALENDAR | frozenset(_BESIDE.split())
"""Capitalised words beside a name that are no part of it: titles, and words that begin a sentence."""
_DOUBLES = (
    "ann anne anna marie maria mary lou louise jane may rose lee lynn jo beth kate grace sophie sophia lena lisa luise sue"
    " claude pierre paul jean luc louis luis jose josé carlos antonio juan peter karl hans"
)
_SECOND = frozenset(_DOUBLES.split())
"""Names that make a double first name of the one before them, which is a name by itself."""


def longer_names(text: str, wrong: str, right: str, spans: Iterable[tuple[int, int]]) -> set[str]:
    """What `wrong` is, or may be, a part of at its places in a text, where it is a name and `right` another:
    "Ann Marie" for Ann, 李娜娜 for 李娜. As they are written there."""
    if _ONLY_HAN.fullmatch(wrong):
        return set(_longer_chinese(text, wrong, spans)) if _is_name(wrong, right) else set()
    return set(_compounds(text, wrong, spans))


def is_another(name: str, wrong: str, right: str) -> bool:
    """Whether a longer name is for sure not just the full name of who is meant by the one in it."""
    return bool(_ONLY_HAN.fullmatch(wrong)) or not alike(wrong, right) or _double(name, wrong)


def may_be_longer(title: str, wrong: str) -> bool:
    """Whether a title or tag is rather a longer Chinese name than the name with a word (李娜的猫)."""
    if not _ONLY_HAN.fullmatch(title) or wrong not in title or title == wrong:
        return False
    before, _, after = title.partition(wrong)
    return before in ("", *_PREFIXES) and len(after) <= 1 and not (after and after in _PARTICLES)


# -- Chinese names


def _is_name(wrong: str, right: str) -> bool:
    if _DAY_CHINESE.fullmatch(wrong):
        return False
    if _NAMED.match(wrong) or wrong[0] in _PREFIXES:
        return True
    return len(wrong) <= 3 and wrong[-1] not in "的色" and alike(wrong, right)


def _longer_chinese(text: str, wrong: str, spans: Iterable[tuple[int, int]]) -> Iterator[str]:
    """What the name is a part of, or may be, wherever its edge is not clear."""
    for start, end in spans:
        before, after = text[:start], text[end:]
        if _open_before(before):
            yield before[-1] + wrong
        elif _open_after(after, wrong):
            yield wrong + after[0]


def _open_before(before: str) -> bool:
    if before[-1:] and before[-1] in _PREFIXES:
        return True
    begins = len(before) == 1 or not re.match(f"[{_HAN}]", before[-2:-1]) or before[-2] in _PARTICLES
    return bool(before) and before[-1] in _SURNAMES and begins


def _open_after(after: str, wrong: str) -> bool:
    if after[:1] == wrong[-1]:
        return True
    whole = len(wrong) > 2 and _NAMED.match(wrong) and wrong[0] not in _PREFIXES
    return not whole and not _ENDS.match(after)


# -- names of several words


def _compounds(text: str, wrong: str, spans: Iterable[tuple[int, int]]) -> Iterator[str]:
    """The runs of capitalised words that the name stands in, as they are written."""
    if wrong.casefold() in _CALENDAR or not wrong[:1].isupper() or text.isupper():
        return
    for start, end in spans:
        if not text[start].isupper():
            continue
        first, last = start, end
        while (before := _WORD_BEFORE.search(text[:first])) and _part_before(before, text):
            first = before.start(1)
        while (after := _WORDS_AFTER.match(text[last:])) and _part(after[1]):
            last += after.end() - (2 if after[1].endswith(("'s", "’s")) else 0)
            if after[1].endswith(("'s", "’s")):
                break
        if (first, last) != (start, end):
            yield text[first:last]


def _part(word: str) -> bool:
    return word.casefold() not in _NO_NAME


def _part_before(found: re.Match[str], text: str) -> bool:
    """Whether a capitalised word before a name is a part of it; a verb that begins a sentence is none."""
    word = found[1].casefold()
    begins = not text[: found.start(1)].strip() or text[: found.start(1)].rstrip()[-1] in ".!?:;"
    return (
        _part(word)
        and "'" not in word
        and "’" not in word
        and not (begins and word.endswith(("ed", "ing", "ly")))
    )


def _double(name: str, wrong: str) -> bool:
    """Whether a name of several words is a double first name, as far as its words tell."""
    words = name.casefold().split()
    if words[: len(wrong.split())] == wrong.casefold().split():
        return words[len(wrong.split())] in _SECOND
    return wrong.casefold() in _SECOND
