"""Which way a question or a statement looks: back, ahead, or at what is usual.

Owns: the signs of tense in English and Chinese, for questions and for what people tell. Does not own: what the answer is used for (a
month without a year is the last one in "what did I do in May", the next in "will I be away in May").
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache


class Tense(StrEnum):
    """What a question's verbs say; BOTH when they contradict each other, HABIT when every
    time is meant, PRESENT when nothing tells whether it looks back or ahead (Chinese without 了 or 要, too)."""

    PAST = "past"
    FUTURE = "future"
    BOTH = "both"
    HABIT = "habit"
    PRESENT = "present"
    UNKNOWN = "unknown"


_WORDS = {
    Tense.FUTURE: "will won't shall gonna upcoming scheduled planning i'll you'll he'll she'll we'll they'll it'll",
    Tense.PAST: "did was were had ago didn't wasn't weren't hadn't been went said told met bought got took made came saw "
    "ate gave wrote spent found began won lost felt thought knew ran sold happened sang broke drove flew held heard swam",
    Tense.HABIT: "usually always often normally typically every each generally tend tends",
    Tense.PRESENT: "is are am do does can could should would what's who's where's i'm we're you're they're it's",
}
_NOT_PAST = (
    "need indeed hundred speed exceed proceed scheduled planned supposed expected interested married named"
)
"""Words that end like a past tense without being one, or that look ahead."""

_ING = (
    "go|do|visit|leav|com|travell?|fly|meet|hav|gett|see|attend|start|mov|tak|giv|return|arriv|play|host|stay|work"
    "|celebrat|speak|present|runn"
)
_FUTURE = rf"""
    \b(?:coming\ up|looking\ forward|can['’]t\ wait)\b | \bgoing\ to\ (?!the\b) | \bplans?\ (?:for|to|in|on|next|this)\b
  | \b(?:free|available|busy)\ (?:on|in|at|for)\b
  | (?:\b(?:is|are|am)|['’](?:s|re|m))(?:\ [\w'’]+){{1,3}}\ (?:{_ING})ing\b
  | \b(?:do\ (?:i|we|you|they)|does\ [\w'’]+)\ (?:\w+\ )?(?:have|need\ to|leave|fly|arrive|return)\b
"""
_CHINESE_FUTURE = (
    r"打算|计划|准备|即将|将[要会在]|会(?:去|来|有|在|做|参加|举办)|安排"
    r"|(?<![重主需必纲首概摘])要(?=去|参加|做|见|交|开|办|来|回|出|搬|买|考|飞|和|跟)"
)
_CHINESE_PAST = r"了|过(?![生日年节程来于夜])|曾|当时|当初|上次|的[吗呢]?[?？。!！]*\s*$"
_CHINESE_HABIT = r"通常|一般|平时|每[年月周天逢到]|经常|往往"
_BIRTH = r"\bborn\b|\bbirthdays?\ (?:is|are|on|in|falls?|fall)\b|\bbirthdays\b|生日|出生"
_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.VERBOSE)


@cache
def _signs(of: Tense) -> frozenset[str]:
    return frozenset(_WORDS[of].split())


def _found(source: str, text: str) -> bool:
    return bool(_compiled(source).search(text))


def tense(text: str) -> Tense:
    """The tense of a text in lower case; habit wins, and signs of both ways are BOTH."""
    words = set(re.findall(r"[a-z']+", text.replace("’", "'")))
    chinese = bool(_HAN.search(text))
    if words & _signs(Tense.HABIT) or (chinese and _found(_CHINESE_HABIT, text)):
        return Tense.HABIT
    past = (
        bool(words & _signs(Tense.PAST))
        or any(map(_is_past, words - _passive(text, words)))
        or (chinese and _found(_CHINESE_PAST, text))
    )
    future = (
        bool(words & _signs(Tense.FUTURE))
        or _ahead(words, text)
        or (chinese and _found(_CHINESE_FUTURE, text))
    )
    if past or future:
        return Tense.BOTH if past and future else Tense.PAST if past else Tense.FUTURE
    return Tense.PRESENT if chinese or words & _signs(Tense.PRESENT) else Tense.UNKNOWN


@cache
def _no_pasts() -> tuple[str, ...]:
    return tuple(_NOT_PAST.split())


_BEGINS_FUTURE = "coming looking wait going plan plans free available busy is are am do does"
"""Each phrase of _FUTURE has one of these, or an apostrophe."""


def _ahead(words: set[str], text: str) -> bool:
    might = not words.isdisjoint(_begins_future()) or "'" in text or "’" in text
    return might and _found(_FUTURE, text)


@cache
def _begins_future() -> frozenset[str]:
    return frozenset(_BEGINS_FUTURE.split())


def _passive(text: str, words: set[str]) -> set[str]:
    """Participles that make no past: 'which topics are covered'."""
    return (
        set(_compiled(r"\b(?:is|are|be)\ (\w+ed)\b").findall(text)) if words & {"is", "are", "be"} else set()
    )


def _is_past(word: str) -> bool:
    return word.endswith("ed") and len(word) > 4 and not word.startswith(_no_pasts())


def speaks_of_birth(text: str) -> bool:
    """Whether a day without a year is rather somebody's birthday than a time something happened."""
    return ("b" in text or not text.isascii()) and _found(_BIRTH, text)


# -- statements

_IRREGULAR = (
    "was were did had went said told met bought got took made came saw ate gave wrote spent found began won lost felt thought "
    "knew ran sold sang broke drove flew held heard swam became brought built caught chose drank fell fought forgot grew hung "
    "hid hit kept laid led left lent lay lit meant paid put quit read rode rang rose sent shook shot shut slept spoke stood "
    "stole stuck swore taught threw understood woke wore been gone done seen taken given written eaten grown broken chosen "
    "driven flown known begun sung drunk fallen forgotten hidden ridden risen spoken stolen torn thrown worn wasn't weren't "
    "didn't hadn't couldn't froze burnt learnt dreamt spilt sat spun tore bit blew bled bent bound bred dealt dug drew fed fled"
)
_SAME_IN_PRESENT = frozenset(["put", "quit", "read", "hit", "shut", "lay"])
"""Past forms that are present forms as well: they count only with 'I', 'we', 'she' … and no sign of the future."""
_NO_PASTS = frozenset(
    [
        "excited",
        "interested",
        "married",
        "tired",
        "bored",
        "worried",
        "scared",
        "supposed",
        "scheduled",
        "planned",
        "expected",
        "need",
        "indeed",
        "hundred",
        "speed",
        "exceed",
        "proceed",
        "succeed",
        "feed",
        "breed",
        "seed",
        "weed",
        "excited",
        "relaxed",
        "stressed",
        "thrilled",
        "pleased",
        "delighted",
        "amazed",
        "confused",
        "divorced",
        "retired",
        "limited",
        "advanced",
        "used",
        "naked",
        "wicked",
        "sacred",
        "beloved",
        "hatred",
        "kindred",
        "embed",
        "blessed",
        "so-called",
        "united",
    ]
)
_AHEAD = r"""
    \b(?:gonna|going\ to|about\ to|due|upcoming|coming\ up|looking\ forward|can['’]?t\ wait|cannot\ wait|hope\ to|hoping|let['’]?s|gotta)\b
  | \b(?:see|meet|catch|join|call|text|ring|visit)\ (?:you|ya|u|me|us)\b
  | (?:\b(?:is|are|am)|['’](?:s|re|m))(?:\ (?:not|also|just|really|finally|probably|definitely|actually|both|all|still|now))?\ (?!feeling\b|being\b|loving\b)[a-z]{2,}ing\b
  | \b(?:want|wants|plan|plans|planning|need|needs|have|has|hope|hopes|got|supposed|scheduled|expected)\ to\b
  | \b(?:should|must|shall)\b | \b(?:can|could|would)\ (?:we|you|i)\b
  | \b(?:have|has|['’]ve\ got|['’]s\ got)\ (?:a|an|my|our|the|another|two|three|some|no)\ (?!\w+ed\b)
  | \b(?:is|are|['’]s)\ (?:on|in|due|at|scheduled|planned|set|from|back)\b
  | (?<!\bthe\ )\b(?:starts?|begins?|opens?|leaves?|ends?|arrives?|departs?|flies|finishes|resumes?|closes?|lands?|expires?|returns?|premieres?|moves?|retires?|graduates?|launches|airs)\b
  | (?<!\bthe\ )\b(?:come|arrive|leave|start|begin|open|fly|depart|return|land)\b | \bcan(?:not|['’]t)?\ (?:come|make|meet|go|do|attend|join|be|visit|travel)\b
  | \bcomes?\ (?:out|back|over|home|to)\b | \bruns?\ out\b | \boff\ to\b
"""
_GETS = r"\bgets?\ (?:\w+ly\ )?\w+"
"""'I get paid on the 25th' tells of no past."""
_WILL = r"\b(?:will|won['’]t|gonna|shall)\b|['’]ll\b"
_USUAL = r"\b(?:usually|always|often|normally|typically|every|each|generally|tends?|mostly|sometimes|never|rarely)\b"
_DAILY = r"\bevery\ (?:single\ )?(?:day|night|morning|evening|hour|minute)\b"
"""What was done so often within a time was still done in that time: 'In July I swam every day'."""
_ZH_AHEAD = (
    r"(?<![不只需主重必想纲首概摘还])要(?!了|是|求|紧|么|不|素|点|好|害|命)|(?<![开机社学聚协大委晚都才宴展])会(?!了|议|员|计|场|馆|长|费|儿|所)(?=[\u4e00-\u9fff])"
    r"|打算|计划|准备|即将|将[要会在于]|安排|[得该]去|希望|想(?!起|到|了|过|象)|[一一起见吧]吧|见[！!。]?$|有(?:一?[个场次])|等到|截止|到期(?!了)"
)
_ZH_PAST = r"(?<![好对为除])了(?!解|不起|吧|吗)|(?<![度通超经路难不])过(?![生日年节程来于夜冬敏期分得度])|曾|当时|当初|一直在(?![等盼])|的[。！!]?$|[完到]了|没(?!有?关系)"
_ZH_HOW_MUCH = r"[太最可]\w{1,5}了|极了"
"""What ends in 了 and says how, not when."""
_ZH_USUAL = r"通常|一般|平时|每(?!个人)|经常|往往|总是|常常|总会|都(?=去|会|要|在|不|有)|一向|从不|从来"


def statement_tense(text: str) -> Tense:
    """The tense of what somebody tells, one clause or sentence: PAST, FUTURE, BOTH, HABIT, or PRESENT where
    its verbs look neither way and UNKNOWN where it has none that is known.

    'will' makes a clause future whatever stands beside it ('we will have paid').
    """
    lower = text.lower().replace("’", "'")
    if not text.isascii() and _HAN.search(text):
        return _chinese_statement(text)
    if _found(_USUAL, _compiled(_DAILY).sub("", lower) if "every" in lower else lower):
        return Tense.HABIT
    if _found(_WILL, lower):
        return Tense.FUTURE
    words = re.findall(r"[a-z']+", _compiled(_GETS).sub("", lower))
    ahead, certain = _found(_AHEAD, lower), set(words) & (_irregular() - _SAME_IN_PRESENT)
    past = bool(certain) or any(w.endswith("ed") and len(w) > 3 and w not in _NO_PASTS for w in words)
    if not past and not ahead and set(words) & _SAME_IN_PRESENT:
        past = "to" not in words
    if past or ahead:
        return Tense.BOTH if past and ahead else Tense.PAST if past else Tense.FUTURE
    present = _signs(Tense.PRESENT) | {"have", "has", "i've", "we've"}
    return Tense.PRESENT if present & set(words) else Tense.UNKNOWN


@cache
def _irregular() -> frozenset[str]:
    return frozenset(_IRREGULAR.split())


def _chinese_statement(text: str) -> Tense:
    if _found(_ZH_USUAL, text):
        return Tense.HABIT
    told = _compiled(_ZH_HOW_MUCH).sub("", text)
    past, ahead = _found(_ZH_PAST, told), _found(_ZH_AHEAD, text)
    if past and ahead:
        return Tense.FUTURE if _found(r"(?:就|快|将)要.*了", text) else Tense.BOTH
    return Tense.PAST if past else Tense.FUTURE if ahead else Tense.PRESENT
