"""Which way a question looks: back, ahead, or at what is usual.

Owns: the signs of tense in English and Chinese. Does not own: what the answer is used for (a
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
