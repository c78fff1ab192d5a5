"""Preferences that a text states, by rule: what its speaker likes, dislikes, avoids, always does.

Owns: what a preference is, and which sentences can state one. Does not own: the words for it
(`preferences_english`, `preferences_chinese`), nor what becomes of preferences (merging, search).

Precision before recall: questions, conditions, quotations, other people's likings, reported and
former ones, and courtesies ("I'd love to", "I hate to ask") state none. What has no topic of its
own ("I love it") states none either: whoever reads it later could not tell what was loved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from memos_cli.dates.signs import small_words
from memos_cli.dates.timewords import without_quotations
from memos_cli.reader import preferences_chinese, preferences_english
from memos_cli.reader.preference_words import Found

LONGEST = 4_000
"""Characters of a text that are read."""


@dataclass(frozen=True)
class Preference:
    """Something that somebody likes or dislikes.

    `polarity` is 1 or -1. `strength` runs from 0 to 1: .4 for what only shows in what one does, .7
    for liking, .9 for loving and favourites, 1 for what cannot be borne or eaten. `explicit` says
    that it was said outright. `about` is the kind of thing of which the topic is the favourite.
    The text from `start` to `end` is the evidence.
    """

    topic: str
    polarity: int
    strength: float
    explicit: bool
    start: int
    end: int
    evidence: str
    speaker: str | None = None
    about: str | None = None


def preferences_in(text: str, speaker: str | None = None, role: str | None = None) -> tuple[Preference, ...]:
    """What the speaker of a text says of their own preferences, in the order of the words.

    `role` is the chat role: an assistant, a tool or a system prompt has no preferences.
    """
    if role not in (None, "user", "human") or not _speaks(text[:LONGEST]):
        return ()
    if not _might().search(text[:LONGEST]):
        return ()
    plain = without_quotations(text[:LONGEST])
    found: dict[tuple[str, int], Preference] = {}
    for one in _found(plain):
        topic = text[one.first : one.last]
        evidence = text[one.start : one.end]
        preference = Preference(
            topic, one.polarity, one.strength, one.explicit, one.start, one.end, evidence, speaker, one.about
        )
        found.setdefault((topic.casefold(), one.polarity), preference)
    return tuple(found.values())


def _speaks(text: str) -> bool:
    """Whether `_might` can match: in English somebody speaks of himself or asks for something."""
    return not text.isascii() or not _SELF.isdisjoint(small_words(text)) or "please" in text.lower()


_SELF = frozenset(("i", "my", "always", "your"))


def _found(text: str) -> Iterator[Found]:
    start = 0
    for match in _sentence_end().finditer(text + "\n"):
        sentence, ends = text[start : match.start()], match[0]
        if sentence.strip() and "?" not in ends and "？" not in ends and _might().search(sentence):
            read = preferences_chinese if _han().search(sentence) else preferences_english
            yield from read.find(sentence, start)
        start = match.end()


@cache
def _sentence_end() -> re.Pattern[str]:
    return re.compile(r"[.!?…]+[\"”’)\]]*(?=\s)|[。！？!?]+|\n+|[\U0001F300-\U0001FAFF]+")


@cache
def _han() -> re.Pattern[str]:
    return re.compile("[\u4e00-\u9fff]")


@cache
def _might() -> re.Pattern[str]:
    """What every text that states a preference holds; most texts are done here."""
    return re.compile(
        r"(?i:\b(?:i(?:['’]\w+)? [^.?!\n]{0,60}?(?:lov|like|liking|stopped|quit |(?:gave|given) up|(?:gone|went) off|ador|enjoy|prefer|fan |into|fond|keen|passion|obsess|crazy|hate"
        r"|dislik|detest|loath|despis|abhor|stand|bear|toler|allerg|avoid|away|clear|rather|eat|drink|smoke|always|usually"
        r"|never|vega|vege|pesca|intoleran|care for|sucker|hooked|addicted|partial|refuse|aversion|interested)|my [^.?!\n]{0,20}favou?rite"
        r"|want [^.?!\n]{0,80}always|please|is my favou?rite|(?:always|from now on,?) (?:answer|reply|respond|write|speak)|(?:keep|make) (?:all )?your))|[喜热酷钟偏]?[欢爱好迷]|讨厌|厌恶|反感|受不了|烦死|恨|怕|过敏|兴趣|不[吃喝抽]|素|戒|不再"
        r"|从[不来]|一般|通常|总是|每次|请|耐受|愿"
    )
