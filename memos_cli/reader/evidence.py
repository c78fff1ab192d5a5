"""Whether a fact that a model wrote is borne out by the words it was drawn from.

Owns: what of a fact has to stand in its source (names, numbers, dates, content words), how words are
compared in English and in Chinese, and the verdict. Does not own: which turns a model is shown
(`fine`), nor what becomes of a fact (`operations/refine`).

A model may put words together, never bring new ones: a name or a number that stands nowhere in what
it was shown is invented, and the fact is not kept. A fact whose content words mostly stand in its
source was said; one with fewer is the model's own conclusion. The rule is blunt on purpose: a small
model's answers are fluent and often false, and no second model is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

from memos_cli.dates.statement import Told, told
from memos_cli.schema import Precision

SAID = 0.6
"""Share of a fact's content that its source must hold for the fact to count as said."""
UNRELATED = 0.25
"""Share below which a fact has nothing to do with its source and is dropped."""
STEM = 0.7
"""Two words are forms of one when they begin alike for so much of the longer, four letters at least."""
INFERRED_AT_MOST = 50
"""Confidence, in percent, of a fact that its source does not bear out."""
SAID_AT_MOST = 95
"""Confidence of one that it does: a model wrote it, so it is never as sure as the words themselves."""
LEAST_CONTENT = 2
"""Content words (or pairs of Chinese characters) without which a fact says nothing."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(rf"[^\W_{_CJK}]+(?:['’.&-][^\W_{_CJK}]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"[.!?。！？;；:：\n]+\s*")
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|past|previous|following|coming|this|since|week(?:end)?s?|"
    r"months?|years?|days?|recently|(?:mon|tues|wednes|thurs|fri|satur|sun)day|spring|summer|autumn|fall|winter)\b"
    r"|[昨今明前后去][天日晚早年]|[上下这本][个]?[周月年]|周|星期|礼拜|年初|年底|月底|以前|最近|刚",
    re.IGNORECASE,
)
_STOP_WORDS = (
    "a an the and or but nor so if then than that this these those there here it its he she they we you i me him "
    "her them us my your his their our mine yours hers theirs ours who whom whose which what when where why how is "
    "are was were be been being am do does did done have has had having will would shall should can could may might "
    "must not no yes of to in on at by for from with about into onto over under after before during until as up "
    "down out off also too very just more most some any all both each other another such only own same s t re ve "
    "ll d m says say said saying tells tell told telling mentions mentioned mention states stated reports reported "
    "explains explained asks asked adds added plans planned wants wanted think thinks thought one user assistant "
    "speaker person someone while because since"
)
_STOP = frozenset(_STOP_WORDS.split())
_AUXILIARIES_WORDS = (
    "is was has had does did will would can could may might must should lives likes loves wants works went goes got "
    "gets bought made makes took takes plans thinks said says told tells and moved met knows owns plays"
)
_AUXILIARIES = frozenset(_AUXILIARIES_WORDS.split())
_NOUN_ENDINGS = (
    "ing",
    "ion",
    "ions",
    "ment",
    "ness",
    "ity",
    "ies",
    "ly",
    "ers",
    "ings",
    "ments",
    "ful",
    "ous",
)
_CALENDAR_WORDS = (
    "january february march april may june july august september october november december jan feb mar apr jun jul "
    "aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday am pm utc bc ad"
)
_CALENDAR = frozenset(_CALENDAR_WORDS.split())
_ROLES = frozenset({"用户", "助手", "说话人", "说话者", "我", "他", "她", "他们", "我们", "作者", "对方"})
_FUNCTION = frozenset(
    "的了在是和与也都就把被到从对他她它我你您们这那有个吗呢吧啊着过得地之及或而且但因为所以很会要能说"
)
_IRREGULAR = (
    "go went gone goes, buy bought, be been, see saw seen, take took taken, give gave given, get got gotten, "
    "make made, find found, meet met, leave left, lose lost, teach taught, think thought, bring brought, "
    "catch caught, tell told, sell sold, speak spoke spoken, write wrote written, drive drove driven, "
    "ride rode ridden, fly flew flown, grow grew grown, know knew known, begin began begun, swim swam swum, "
    "run ran, eat ate eaten, win won, keep kept, feel felt, sleep slept, spend spent, build built, send sent, "
    "break broke broken, choose chose chosen, wear wore worn, hold held, stand stood, understand understood, "
    "pay paid, read, hear heard, fall fell fallen, become became, come came, child children, man men, "
    "woman women, wife wives, person people, mum mom mother, dad father, married marry wedding, kid child"
)
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
_DIGITS = {
    "〇": 0,
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_CHINESE_NUMBER = re.compile("[零〇一二两三四五六七八九十百]+")
_COUNTED = re.compile(
    "([零〇一二两三四五六七八九十百]+)(?=[只个位名本台辆岁年天次人家条块元间张杯件套匹头棵])"
)
"""Chinese numbers that count something: 三只, and not 十分."""
_VAGUE = {"once": 1, "a": 1, "an": 1, "twice": 2, "both": 2, "pair": 2, "couple": 2, "dozen": 12, "hundred": 100,
          "thousand": 1000, "million": 1_000_000}  # fmt: skip
_REACH_DAYS = 400
"""Days from the message up to which a date may come from words such as "last year" that the grammar
of dates leaves alone."""


@dataclass(frozen=True)
class Text:
    """Words that a fact may rest on."""

    text: str
    said_at: datetime | None = None
    names: tuple[str, ...] = ()
    """What goes without saying: who speaks, the title, the key."""

    @cached_property
    def everything(self) -> str:
        return "\n".join((*self.names, self.text))

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_words(self.everything))

    @cached_property
    def pairs(self) -> frozenset[str]:
        return frozenset(_pairs(self.everything))

    @cached_property
    def letters(self) -> frozenset[str]:
        return frozenset("".join(_RUN.findall(self.everything)))

    @cached_property
    def times(self) -> tuple[Told, ...]:
        said = self.said_at.astimezone(UTC).replace(tzinfo=None) if self.said_at else None
        return told(self.text, said)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(_all_numbers(self.everything))


@dataclass(frozen=True)
class Verdict:
    """`reason` says why a fact is not to be kept; None: keep it."""

    reason: str | None = None
    said: bool = False
    share: float = 0.0
    """Of its content, what its source holds."""
    event: Told | None = None
    """A time that the fact names and its source bears out."""


def judge(fact: str, source: Sequence[Text], shown: Sequence[Text]) -> Verdict:
    """Whether `fact` is borne out: by `source`, the turns it was drawn from, in its content; by `shown`,
    all that the model was shown, in its names and numbers."""
    dates = [time for time in told(fact, None) if time.last > time.first]
    known = [_dated(time, fact, shown) for time in dates]
    if None in known:
        return Verdict(reason="a date that was not told")
    bare = _without(fact, dates)
    if any(not _held(number, shown) for number in _numbers(bare)):
        return Verdict(reason="a number that was not told")
    if any(not _named(name, shown) for name in names(bare)):
        return Verdict(reason="a name that was not told")
    share, amount = overlap(bare, source)
    if amount < LEAST_CONTENT:
        return Verdict(reason="it says nothing")
    if share < UNRELATED:
        return Verdict(reason="nothing of it was told", share=share)
    event = next((time for time, sure in zip(dates, known, strict=True) if sure), None)
    return Verdict(said=share >= SAID and all(known), share=share, event=event)


def borne_out(start: datetime, end: datetime, shown: Iterable[Text]) -> bool:
    """Whether any of the texts names a time that meets `start` to `end` (without a zone)."""
    return any(one.start < end and start < one.end for text in shown for one in text.times)


def in_use(label: str, shown: Sequence[Text]) -> bool:
    """Whether a title or a tag brings no name and no number of its own."""
    words = _WORD.findall(label)
    strange = (word for word in words[1:] if word[:1].isupper() and _plain(word) not in _STOP)
    return all(_named(word, shown) for word in strange) and all(
        _held(number, shown) for number in _numbers(label)
    )


def is_named(name: str, shown: Sequence[Text]) -> bool:
    """Whether a person or a thing is named in any of the texts: one word of a name, a Chinese name whole."""
    parts = [word for word in _WORD.findall(name) if _plain(word) not in _STOP]
    runs = [run for run in _RUN.findall(name) if run not in _ROLES]
    return (not parts or any(_named(part, shown) for part in parts)) and all(
        any(run in text.everything for text in shown) for run in runs
    )


def overlap(fact: str, source: Sequence[Text]) -> tuple[float, int]:
    """The share of a fact's content that `source` holds, and how much content there is: words, and
    pairs of Chinese characters, one for each character."""
    words = list(dict.fromkeys(_words(fact)))
    held = float(sum(any(_same_word(word, text.words) for text in source) for word in words))
    characters = 0
    for run in _content_runs(fact):
        characters += len(run)
        held += sum(_character(run, place, source) for place in range(len(run)))
    amount = len(words) + characters
    return (held / amount if amount else 0.0), len(words) + characters // 2


def names(text: str) -> Iterator[str]:
    """Words that are names as far as capitals tell: those inside a sentence, and the first one where
    what follows reads like the verb of a subject."""
    for sentence in _SENTENCE.split(text):
        words = [match[0] for match in _WORD.finditer(sentence)]
        for place, word in enumerate(words):
            plain = _plain(word)
            if not word[:1].isupper() or plain in _STOP or plain in _CALENDAR:
                continue
            following = words[place + 1].casefold() if place + 1 < len(words) else ""
            if place or (len(word) > 1 and word.isupper()) or _subject(plain, following):
                yield word


def _subject(word: str, following: str) -> bool:
    return following in _AUXILIARIES and not word.endswith(_NOUN_ENDINGS)


def _dated(time: Told, fact: str, shown: Sequence[Text]) -> bool | None:
    """Whether a date was told: True, None where it was not; False where words such as "next Friday"
    may mean it, which the grammar of dates leaves alone."""
    days = (_day_of(text.said_at) for text in shown if text.said_at)
    if borne_out(time.start, time.end, shown) or any(d.start < time.end and time.start < d.end for d in days):
        return True
    if all(_held(number, shown) for number in _numbers(fact[time.first : time.last])):
        return False
    for text in shown:
        if text.said_at and _RELATIVE.search(text.text):
            said = text.said_at.astimezone(UTC).replace(tzinfo=None)
            if abs((time.start - said).days) <= _REACH_DAYS:
                return False
    return None


def _day_of(moment: datetime) -> Told:
    start = moment.astimezone(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return Told(start, start + timedelta(days=1), Precision.DAY, 0, 0, False)


def _without(text: str, times: Sequence[Told]) -> str:
    for time in sorted(times, key=lambda one: -one.first):
        text = f"{text[: time.first]} {text[time.last :]}"
    return text


def _held(number: str, shown: Sequence[Text]) -> bool:
    return any(number in text.numbers for text in shown)


def _named(name: str, shown: Sequence[Text]) -> bool:
    plain = _plain(name)
    return any(_same_word(plain, text.words) or plain in text.everything.casefold() for text in shown)


def _numbers(text: str) -> Iterator[str]:
    """The numbers that a fact claims, as digits; also those written as words, save "one", which
    mostly counts nothing."""
    for match in _NUMBER.finditer(text):
        yield match[0].replace(",", "")
    for word in _WORD.findall(text):
        if (value := _spelled().get(word.casefold(), 1)) > 1:
            yield str(value)
    for match in _COUNTED.finditer(text):
        if (value := _chinese(match[1])) > 1:
            yield str(value)


def _all_numbers(text: str) -> Iterator[str]:
    """The numbers that words may hold, however they are written."""
    yield from _numbers(text)
    for match in _NUMBER.finditer(text):
        yield from re.split("[.,:]", match[0])
    for word in _WORD.findall(text):
        if (value := _VAGUE.get(word.casefold())) is not None:
            yield str(value)
    for match in _CHINESE_NUMBER.finditer(text):
        yield str(_chinese(match[0]))


@cache
def _spelled() -> dict[str, int]:
    tens = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
    return {word: value for value, word in enumerate(_NUMBERS.split(), 1)} | tens


def _chinese(text: str) -> int:
    """三十五 → 35, 一百二十 → 120, 二〇二四 → 2024."""
    if not set(text) & set("十百"):
        return int("".join(str(_DIGITS[character]) for character in text))
    total = digit = 0
    for character in text:
        if character in "十百":
            total += max(digit, 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit


def _words(text: str) -> Iterator[str]:
    """Content words of what is written with spaces, in lower case."""
    for match in _WORD.finditer(text):
        word = _plain(match[0])
        if word not in _STOP and not word.isdecimal() and (len(word) > 1 or not word.isascii()):
            yield word


def _plain(word: str) -> str:
    return re.sub("['’](?:s|re|ve|ll|d|m|t)?$", "", word.casefold())


def _same_word(word: str, known: frozenset[str]) -> bool:
    if word in known:
        return True
    if not _forms(word).isdisjoint(known):
        return True
    least = max(4, round(STEM * len(word)))
    return len(word) >= 4 and any(
        other[:least] == word[:least] and least >= STEM * len(other) for other in known if len(other) >= least
    )


def _forms(word: str) -> frozenset[str]:
    return _irregular().get(word, frozenset())


@cache
def _irregular() -> dict[str, frozenset[str]]:
    forms: dict[str, frozenset[str]] = {}
    for group in _IRREGULAR.split(", "):
        for word in group.split():
            forms[word] = forms.get(word, frozenset()) | frozenset(group.split())
    return forms


def _content_runs(text: str) -> Iterator[str]:
    """Runs of Chinese characters that mean something, parted at those that only hold a sentence together."""
    for run in _RUN.findall(text):
        yield from filter(None, "".join(" " if c in _FUNCTION else c for c in run).split())


def _pairs(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        yield from (run[place : place + 2] for place in range(len(run) - 1))


def _character(run: str, place: int, source: Sequence[Text]) -> float:
    """Whether a character of a fact stands in the source: with a neighbour, or, which says half as much,
    by itself."""
    pairs = [run[start : start + 2] for start in (place - 1, place) if 0 <= start < len(run) - 1]
    if any(pair in text.pairs for pair in pairs for text in source):
        return 1.0
    return 0.5 if any(run[place] in text.letters for text in source) else 0.0
