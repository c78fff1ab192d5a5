"""In which of the places where a name stands it is that name, and in which a part of another one.

Owns: the edges of Chinese names, names of several words, and the texts that show two people. Does not own: the
words of a change (`wording`), nor what is done with what is not clear (`feedback_replacing`).

Precision comes first: a place is taken for the name only where what stands beside it says so. "Ann Marie"
is somebody else than "Ann", "李娜娜" somebody else than "李娜", and a text with both "Pete" and "Peter" tells
of two people, one of whom is not the other misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from memos_cli.operations.feedback_targets import said_by
from memos_cli.operations.wording import found_in, holds, replaced
from memos_cli.reader.feedback import alike
from memos_cli.schema import MemoryItem
from memos_cli.stores.chinese.words import NAMED

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_ONLY_HAN = re.compile(f"[{_HAN}]{{2,4}}")
_DAY_CHINESE = re.compile("每?(?:周|星期|礼拜)[一二三四五六日天末]|.*[月日号年点元岁]")
_PREFIXES = "小老阿"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭"
    "陆汪范廖贾夏韦付邹孟熊秦邱尹薛闫段侯龙陶黎贺顾郝龚邵钱武莫孔汤"
)
_CLOSING = "的是在和跟与及把被给让对从到去了着过住叫也都就还又再很太最更不没将已曾每等或而但却"
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
_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays"
    " sundays january february march april may june july august september october november december".split()
)
_NO_NAME = _CALENDAR | frozenset(
    "mr mrs ms miss dr prof professor sir lady aunt auntie uncle captain coach grandma grandpa granny cousin sister brother"
    " mother father mum mom dad i i'm i’m i'll i've the a an my our your his her their its this that these those and but or so"
    " when while if as because since after before with without for from at on in to by about is are was were does do did has"
    " have had can could will would should may might must what who whom whose where why how both only also today tomorrow"
    " yesterday then now once last next dear hi hello hey thanks yes no not maybe perhaps sometimes always never often usually"
    " meet met call ask tell see saw told asked gave give help visit thank let like".split()
)
"""Capitalised words beside a name that are no part of it: titles, and words that begin a sentence."""
_SECOND = frozenset(
    "ann anne anna marie maria mary lou louise jane may rose lee lynn jo beth kate grace sophie sophia lena lisa luise sue"
    " claude pierre paul jean luc louis luis jose josé carlos antonio juan peter karl hans".split()
)
"""Names that make a double first name of the one before them, which is a name by itself."""
_SENTENCE = re.compile(r"(?<=[.!?;。！？；])\s*")


@dataclass
class Sifted:
    """Memories by whether a name in them is the one that is meant."""

    meant: list[MemoryItem] = field(default_factory=list)
    inside: list[MemoryItem] = field(default_factory=list)
    """It is, or may be, a part of another name there, in one place at least."""
    both: list[MemoryItem] = field(default_factory=list)
    """They hold the right name beside the wrong one."""
    kept: tuple[str, ...] = ()
    """The longer names, which stay as they are wherever they stand."""


def sift(items: Sequence[MemoryItem], wrong: str, right: str) -> Sifted:
    """Which of the memories that hold a name mean it.

    A name of several words ("Anna Kowalski") counts as the name that is wrong ("Anna") only where it is
    misspelt (Anna, Anne), it is the only one that the memories show, its other word makes no double first
    name ("Ann Marie"), and no sentence has it beside the bare name: then the bare name, if the cube has it,
    is taken for the same person, and both are put right. In every other case it is left alone.
    """
    sifted = Sifted(kept=_kept(items, wrong, right))
    for item in items:
        if _both(item.memory, wrong, right):
            sifted.both.append(item)
            continue
        if any(holds(label, wrong) and any(holds(label, k) for k in sifted.kept) for label in _labels(item)):
            sifted.inside.append(item)
        if _rewritten(item, wrong, right, sifted.kept):
            sifted.meant.append(item)
    return sifted


def _rewritten(item: MemoryItem, wrong: str, right: str, kept: Sequence[str]) -> bool:
    texts = [item.memory, item.key or "", (item.speaker or "") if said_by(item, wrong) else ""]
    return any(replaced(text, wrong, right, kept=kept) != text for text in texts)


def _both(text: str, wrong: str, right: str) -> bool:
    """Whether a text holds both of two words, each by itself and not as a part of the other."""
    longer, shorter = sorted((wrong, right), key=len, reverse=True)
    return holds(text, longer) and holds(replaced(text, longer, "\0"), shorter)


def _labels(item: MemoryItem) -> list[str]:
    return [item.memory, *filter(None, (item.key, item.speaker, item.topic)), *item.tags]


def _kept(items: Sequence[MemoryItem], wrong: str, right: str) -> tuple[str, ...]:
    """The longer names that the memories show, the full name of who is meant aside."""
    labels = [label for item in items for label in _labels(item)]
    if _ONLY_HAN.fullmatch(wrong):
        if _DAY_CHINESE.fullmatch(wrong) or not _is_name(wrong, right):
            return ()
        titles = {label for item in items for label in (item.key, item.speaker, *item.tags) if label}
        named = {
            t for t in titles if wrong in t and t != wrong and _ONLY_HAN.fullmatch(t) and _may_be(t, wrong)
        }
        found = named.union(*(set(_longer_chinese(label, wrong)) for label in labels))
    else:
        found = {name for label in labels for name in _compounds(label, wrong)}
        if len({name.casefold() for name in found}) == 1 and alike(wrong, right):
            (name, *_) = found
            if not _double(name, wrong) and not any(_beside(item.memory, name, wrong) for item in items):
                return ()
    # Where the right name is the longer one, it stands there already.
    return tuple(sorted(found | ({right} if holds(right, wrong) else set())))


# -- Chinese names


def _is_name(wrong: str, right: str) -> bool:
    return bool(NAMED.match(wrong)) or wrong[0] in _PREFIXES or alike(wrong, right)


def _may_be(title: str, wrong: str) -> bool:
    """Whether a title is rather a longer name than the name with a word ("李娜的猫")."""
    before, _, after = title.partition(wrong)
    return before in ("", *_PREFIXES) and len(after) <= 1 and not (after and after in _PARTICLES)


def _longer_chinese(text: str, wrong: str) -> Iterator[str]:
    """What the name is a part of, or may be, wherever its edge is not clear."""
    for place in re.finditer(re.escape(wrong), text):
        before, after = text[: place.start()], text[place.end() :]
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
    whole = len(wrong) > 2 and NAMED.match(wrong) and wrong[0] not in _PREFIXES
    return not whole and not _ENDS.match(after)


# -- names of several words


def _compounds(text: str, wrong: str) -> Iterator[str]:
    """The runs of capitalised words that the name stands in, as they are written."""
    if wrong.casefold() in _CALENDAR or not wrong[:1].isupper() or text.isupper():
        return
    for start, end in found_in(text, wrong):
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


def _beside(text: str, name: str, wrong: str) -> bool:
    """Whether one sentence tells of the bearer of a full name and of the bare one."""
    return any(
        holds(sentence, name) and holds(replaced(sentence, name, "\0"), wrong)
        for sentence in _SENTENCE.split(text)
    )
