"""An English text as one plain sentence, or as none.

Owns: what is no plain statement (a question, wish, plan, hearsay, two sentences), contractions, and the adverbs
that only say since when. Does not own: what the sentence claims (the other files of this folder).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from memos_cli.stores.english.words import ADVERBS, ADVERBS_OF_CHANGE, FINISHED, TO_DO, UNSURE, UNSURE_PHRASES
from memos_cli.stores.hints import hints_of, lacks, words_in
from memos_cli.stores.wordlist import word_set


class Sentence(NamedTuple):
    text: str
    changed: bool
    denied: bool
    """Denied by an adverb (no longer, any more); "not" stands in the text."""
    words: frozenset[str]
    """Its hints."""


@cache
def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags)


@cache
def any_of(words: str | tuple[str, ...]) -> str:
    listed = words.split() if isinstance(words, str) else words
    return "|".join(re.escape(w) for w in sorted(listed, key=len, reverse=True))


_UNSURE_HINTS = hints_of((*UNSURE.split(), *UNSURE_PHRASES))
_CHANGE_HINTS = hints_of(ADVERBS_OF_CHANGE)
_IDLE_HINTS = hints_of(ADVERBS)


@cache
def _unsure() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{any_of((*UNSURE.split(), *UNSURE_PHRASES))})\b", re.IGNORECASE)


@cache
def change_word() -> re.Pattern[str]:
    return re.compile(rf",?\s*\b(?:{any_of(ADVERBS_OF_CHANGE)})\b,?", re.IGNORECASE)


@cache
def _idle_word() -> re.Pattern[str]:
    return re.compile(rf"\s*\b(?:{any_of(ADVERBS)})\b", re.IGNORECASE)


_MARKS = frozenset('?;"“”«»\n()[]{}|<>*#…!.,:')
"""One of them stands in whatever `_ODD` finds."""
_ODD = re.compile(r"[?;\"“”«»\n()\[\]{}|<>*#…!]|\.{2}|[.] |, (?:and|so)\b|:[^\d ]")
_TITLE = re.compile(r"\b(Mrs?|Ms|Dr|Prof|St)\. (?=[A-Z])")
"""Whose full stop ends no sentence."""
_TITLE_HINTS = word_set("mr mrs ms dr prof st")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_EVENT = re.compile(
    r" (?:moved|relocated|joined|left|quit|promoted|changed|switched|turned|became|started|stopped|postponed|got) "
)
_EVENT_HINTS = word_set(
    "moved relocated joined left quit promoted changed switched turned became started stopped postponed got"
)
_WHEN = re.compile(
    r" (?:last (?:week|month|year|night|spring|summer|autumn|fall|winter|\w+day)|yesterday|today|this (?:week|month|year)"
    r"|(?:a|an|two|three|\d+) (?:day|week|month|year)s? ago"
    r"|in (?:January|February|March|April|May|June|July|August|September|October|November|December)|on \w+day)$"
)
"""When an event was, told from the day of saying: it orders nothing that the day of saying does not."""
_LEAD = re.compile(
    r"^(?:(update|correction|change)|fyi|note|btw|by the way|actually|in fact|remember|remember that|please remember that)\s*[:,]?\s+",
    re.IGNORECASE,
)
_LEAD_HINTS = word_set("update correction change fyi note btw way actually fact remember")
_SHORT = (
    ("I'm ", "I am "), ("I've ", "I have "), ("won't", "will not"), ("can't", "can not"), ("cannot", "can not"),
    ("We're ", "We are "), ("we're ", "we are "), ("We've ", "We have "), ("i'm ", "I am "),
)  # fmt: skip


def sentence_of(text: str) -> Sentence | None:
    """The statement without adverbs that only say since when; None for what is no plain statement."""
    text = text.strip().replace("’", "'")
    text = text[:-1].rstrip() if text[-1:] in ".!" else text
    words, told = words_in(text), False
    if ". " in text:
        if lacks(words, _TITLE_HINTS):
            return None  # more than one sentence
        text = _TITLE.sub(r"\1 ", text)
    if not lacks(words, _LEAD_HINTS) and (lead := _LEAD.match(text)):
        told, text = bool(lead.group(1)), capital(text[lead.end() :])
    if not text or not (text[0].isupper() or text.startswith("i ")):
        return None
    if not _MARKS.isdisjoint(text) and _ODD.search(text):
        return None
    text = _spelled_out(text)
    text, changed = _without_adverbs(text)
    ended = _ended(text)
    if ended is None or _is_unsure(ended):
        return None
    return Sentence(ended, told or changed or ended != text, ended != text, words_in(ended))


def _is_unsure(text: str) -> bool:
    """Whether a word makes a wish, a plan, hearsay or the past of a sentence; the month and an age do not."""
    if "May" in text or text.endswith("old"):
        text = compiled(r"(?<=[\w,] )May\b|years? old$").sub("", text)
    if " only" in text:
        text = compiled(r"\b((?:eat|drink)s?) only\b").sub(r"\1", text)
        text = compiled(r"\b((?:eat|drink)s? [\w -]+) only$").sub(r"\1", text)
    return not lacks(words_in(text), _UNSURE_HINTS) and bool(_unsure().search(text))


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_NEW_ONE = re.compile(r"^([\w'-]+) (?:has|have) a new ([\w -]+?)(?::|, it is) (?=[^,]+$)")
"""'Mum has a new phone number: 555 9120'."""


def _owned(found: re.Match[str]) -> str:
    name = found.group(1)
    return (
        f"{'My' if name == 'I' else 'Our' if name == 'We' else name + chr(39) + 's'} new {found.group(2)} is "
    )


_HELD_FOR = re.compile(
    r"^(The (?:[\w-]+ ){0,2}(?:deadline|password|passphrase|passcode|code|pin|PIN)) for "
    r"(the (?!first|last|next|second|whole|rest|moment|time|day|week|month|year|season|night|evening"
    r"|spring|summer|autumn|winter)\w)"
)
"""What is of one thing though it is said to be for it: "the code for the freezer"."""


def _spelled_out(text: str) -> str:
    """Contractions in full, and turns of phrase that the patterns know by another."""
    if "'" in text or "cannot" in text:
        for short, full in _SHORT:
            text = text.replace(short, full)
        text = compiled(r"(\w)n't\b").sub(r"\1 not", text)
    if " has a new " in text or " have a new " in text:
        text = _NEW_ONE.sub(_owned, text)
    if " was " in text:
        text = text.replace(" was born ", " born ")
        text = compiled(rf" was (?={FINISHED}\b)").sub(" has been ", text)
        text = compiled(r" was promoted to (?:an? )?").sub(" became a ", text)
        text = compiled(
            r" was (?=(?:postponed|moved|rescheduled|changed|updated|extended|delayed|set)\b)"
        ).sub(" has been ", text)
    if " went " in text:
        text = text.replace(" went up to ", " rose to ").replace(" went down to ", " fell to ")
    if " for the " in text:
        text = _HELD_FOR.sub(r"\1 of \2", text)
    if " by " in text:
        text = compiled(rf" (?:must|needs? to) be (?={TO_DO} by )").sub(" has to be ", text)
    if ", " in text:
        text = compiled(r"(?<=\d), (?=(?:19|20)\d\d\b)").sub(" ", text)
    return text if lacks(words_in(text), _EVENT_HINTS) or not _EVENT.search(text) else _WHEN.sub("", text)


def _without_adverbs(text: str) -> tuple[str, bool]:
    """A sentence without "now", "already" and the like, and whether one of them tells of a change."""
    words = words_in(text)
    # "X instead of Y" is a pattern of its own.
    kept = " instead of " in text
    cut = text if kept or lacks(words, _CHANGE_HINTS) else change_word().sub("", text)
    cut = cut if kept else cut.strip()
    left = cut if lacks(words, _IDLE_HINTS) else _idle_word().sub("", cut)
    return capital(left.strip()), cut != text


def _ended(text: str) -> str | None:
    """The statement whose end a sentence tells ("no longer", "not … any more"), else the sentence itself;
    None where it does not say what has ended."""
    if " no longer " in text:
        return text.replace(" no longer ", " ", 1)
    if not text.endswith(("more", "longer")):
        return text
    more = compiled(r" (?:any ?more|any longer)$").sub("", text)
    if more == text:
        return text
    # The verb stands bare after "does not"; its stem is compared.
    return next(
        (b for no in (" do not ", " does not ", " not ") if (b := more.replace(no, " ", 1)) != more), None
    )
