"""Names that a text mentions, by rule: people, places, organisations, works.

Owns: which runs of words are names, in English by their capitals, in Chinese by what stands beside
them (titles, 大学, 医院, 《》). Does not own: where names are kept (`reader/annotate`), nor who two
names are.

There is no dictionary of names, so a name is missed rather than guessed: a single capitalised word
that begins a sentence is one only if it comes again elsewhere, and Chinese names without a title
or a quotation are not seen at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

LONGEST = 4_000
"""Characters of a text that are read."""

MOST = 8
"""Names of one text that are given."""

_WORD = r"[A-Z\u00c0-\u00de][\w\u00c0-\u024f]*(?:['’-][A-Z\u00c0-\u00de]?[\w\u00c0-\u024f]+)*"
_NO_NAMES = frozenset(
    [
        "i",
        "i'm",
        "i'll",
        "i've",
        "i'd",
        "im",
        "ok",
        "okay",
        "lol",
        "omg",
        "btw",
        "fyi",
        "tv",
        "am",
        "pm",
        "diy",
        "asap",
        "faq",
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "those",
        "my",
        "your",
        "his",
        "her",
        "our",
        "their",
        "its",
        "it",
        "he",
        "she",
        "we",
        "they",
        "you",
        "who",
        "what",
        "when",
        "where",
        "why",
        "how",
        "which",
        "whose",
        "if",
        "and",
        "but",
        "or",
        "so",
        "because",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "into",
        "of",
        "on",
        "to",
        "with",
        "hey",
        "hi",
        "hello",
        "thanks",
        "thank",
        "wow",
        "yes",
        "yeah",
        "yep",
        "no",
        "nope",
        "oh",
        "ah",
        "well",
        "please",
        "sorry",
        "congrats",
        "congratulations",
        "great",
        "good",
        "nice",
        "glad",
        "happy",
        "sure",
        "awesome",
        "cool",
        "sounds",
        "love",
        "can",
        "could",
        "would",
        "should",
        "will",
        "may",
        "might",
        "must",
        "do",
        "does",
        "did",
        "is",
        "are",
        "was",
        "were",
        "have",
        "has",
        "had",
        "be",
        "been",
        "not",
        "never",
        "always",
        "just",
        "also",
        "then",
        "there",
        "here",
        "now",
        "today",
        "yesterday",
        "tomorrow",
        "tonight",
        "last",
        "next",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "spring",
        "summer",
        "autumn",
        "winter",
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "sir",
        "madam",
        "mom",
        "mum",
        "dad",
        "god",
        "i’ve",
        "i’m",
        "i’ll",
        "i’d",
        "let",
        "let's",
        "lets",
        "one",
        "two",
        "three",
        "some",
        "any",
        "all",
        "every",
        "each",
        "both",
        "many",
        "most",
        "more",
        "everyone",
        "everything",
        "someone",
        "something",
        "anyone",
        "nothing",
        "don",
        "won",
        "can",
        "couldn",
        "didn",
        "doesn",
        "isn",
        "aww",
        "haha",
    ]
)
_TITLES = r"(?:Mr|Mrs|Ms|Dr|Prof|Professor|Sir|Lady|Aunt|Uncle|Captain|President|Judge|Father|Sister)\.?"
_ROLES = "老师|先生|女士|小姐|医生|大夫|教授|经理|总监|阿姨|叔叔|大爷|同学|博士|律师|主任|警官|师傅|老板|护士|校长|院长|局长|部长|教练|导演"
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
_PLACES = "大学|医院|公园|机场|火车站|图书馆|博物馆|美术馆"
_NO_PART = "我你他她它们的了在去到从是和跟与于这那来往住进回上下过给把被有没不也都就很要会能想说叫或者喜欢看逛参观考读前任经历附近所于由向为着得家个些每某一"


def entities_in(text: str) -> tuple[str, ...]:
    """The names that a text mentions, each once, in the order of the words."""
    sample = text[:LONGEST]
    found: dict[str, None] = {}
    if not sample.isupper():
        found |= dict.fromkeys(_capitalised(sample))
    if not sample.isascii() and _han().search(sample):
        found |= dict.fromkeys(_chinese(sample))
    return tuple(found)[:MOST]


def _capitalised(text: str) -> Iterator[str]:
    if text.isascii() and text[1:].islower():
        return  # the only capital begins the text, and says nothing
    runs = [(match.group(), _begins(text, match.start())) for match in _run().finditer(text)]
    if not runs:
        return
    inside = {word for run, begins in runs for word in run.split()[1 if begins else 0 :]}
    for run, begins in runs:
        name = _trimmed(run.split())
        if name and not (len(name) == 1 and _is_word(name[0], text, run, begins, inside)):
            yield " ".join(name)


def _is_word(name: str, text: str, run: str, begins: bool, inside: set[str]) -> bool:
    """Whether a single capitalised word is rather no name: it begins a sentence and nothing else tells,
    or the text has it in small letters as well."""
    if begins and run.split()[0].startswith(name) and name not in inside:
        return True
    small = name.lower()
    return small in text and small in _small().findall(text)


def _trimmed(words: list[str]) -> list[str]:
    """Without the words at either end that are no names; nothing where all are none."""
    while words and _plain(words[0]) in _NO_NAMES and not _title().fullmatch(words[0]):
        words = words[1:]
    while words and (_plain(words[-1]) in _NO_NAMES or words[-1].islower()):
        words = words[:-1]
    whole = [*words[:-1], re.sub(r"['’]s$", "", words[-1])] if words else []
    return whole if any(len(word) > 1 and not _title().fullmatch(word) for word in whole) else []


def _plain(word: str) -> str:
    """Small, without a full stop and without what an apostrophe joins to it ("It's" is "it")."""
    return re.split("['’.]", word.lower(), maxsplit=1)[0]


def _begins(text: str, place: int) -> bool:
    """Whether a sentence begins there, so that a capital says nothing."""
    before = text[max(0, place - 4) : place].rstrip("\"'“‘(*-_ \t")
    return not before or before[-1] in ".!?…:\n。！？：" or before[-1] > "\u2fff"


def _chinese(text: str) -> Iterator[str]:
    for match in _named().finditer(text):
        yield next(filter(None, match.groups()))


@cache
def _run() -> re.Pattern[str]:
    return re.compile(
        # The look ahead changes nothing but the time: most words are done there.
        rf"\b(?=[A-Z\u00c0-\u00de])(?:{_TITLES}\s+)?{_WORD}(?:\s(?:(?:of|the|de|van|von|da|del|la|of the)\s)?{_WORD}|\s&\s{_WORD})*"
    )


@cache
def _small() -> re.Pattern[str]:
    return re.compile(r"\b[a-z]{2,}\b")


@cache
def _title() -> re.Pattern[str]:
    return re.compile(_TITLES)


@cache
def _han() -> re.Pattern[str]:
    return re.compile("[\u4e00-\u9fff]")


@cache
def _named() -> re.Pattern[str]:
    part = rf"(?:(?![{_NO_PART}])[\u4e00-\u9fff])"
    return re.compile(
        rf"《([^》\n]{{1,30}})》|([{_SURNAMES}]{part}{{0,2}}(?:{_ROLES}))|((?:小|老|阿)[{_SURNAMES}](?![\u4e00-\u9fff]{{0,1}}[学生师]))"
        rf"|(?:名叫|名字叫|名字是|我叫)([{_SURNAMES}]{part}{{1,2}})|({part}{{2,4}}(?:{_PLACES}))"
    )
