"""Of whom an English sentence speaks, if of somebody or something definite.

Owns: which words are a definite subject. Does not own: where a sentence has its subject (`stores/english/pattern`).
"""

from __future__ import annotations

from functools import lru_cache

from memos_cli.stores.claims import Among
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.words import FEW, FUNCTIONAL, MANY, MONTHS, NOBODY, NUMBERS, RECURRING, SEVERAL
from memos_cli.stores.wordlist import word_set

_SUBJECT = 6
"""Words of the longest subject."""
_LEADING = (
    word_set("in on at by from since until for after before during with of to when if as but and or")
    | MONTHS.keys()
)
"""With a number behind it, a time."""
_JOINED = ("and", "of", "de", "van", "von", "da", "der", "den")


@lru_cache(maxsize=4096)
def subject(text: str) -> str | None:
    """A definite subject, levelled; None for a pronoun without a bearer, for anybody, for what is no name."""
    words = text.split()
    if not words or len(words) > _SUBJECT:
        return None
    first = words[0].casefold()
    if first in ("i", "we") and len(words) == 1:
        return first
    if (
        first in NOBODY
        or first in ("i", "we")
        or any(
            w.casefold() in ("not", "never", "i", "he", "she", "they", "it", "you", "is", "are", "and")
            for w in words[1:]
        )
    ):
        return None
    if first in ("my", "our", "the"):
        # "The" is part of who is meant, and levelled; it must name something.
        return " ".join(levelled(text)) if len(words) > 1 else None
    owner = next((i for i, w in enumerate(words) if w.endswith("'s")), None)
    named = words if owner is None else words[: owner + 1]
    if not all(map(is_named, named)) or words[-1] in _JOINED:
        return None
    if first in _LEADING and any(map(is_number, named)):
        return None  # "In 2021" is nobody
    return " ".join(levelled(text))


def among(who: str, matter: str = "") -> Among:
    """Of how many a levelled subject may be one: "my cousin", "my cousin's phone"; "my cousin Ada" is one.

    `matter`: what is told of it, where the subject does not name that itself."""
    words = [w for w in who.split() if w != "'s"]
    for place, word in enumerate(words):
        if word in FEW or word in MANY:
            after = words[place + 1 :]
            if not after or after[0] in FUNCTIONAL or after[0] == "favourite":
                return Among.MANY if word in MANY else Among.FEW
    again = SEVERAL | RECURRING if matter else SEVERAL
    return Among.FEW if words and words[-1] in again else Among.ONE


def is_number(word: str) -> bool:
    return word[0].isdigit() or word in NUMBERS


def is_named(word: str) -> bool:
    """Whether a word can be part of a name: "Plot 14", "Bed three"."""
    return word[0].isupper() or word in _JOINED or is_number(word)


def longest_subject(text: str) -> int:
    """How many words a subject at the beginning of a text has at most; `subject` refuses what is longer."""
    words = text.split()[:_SUBJECT]
    first = words[0].casefold() if words else ""
    if first in NOBODY:
        return 0
    if first in ("i", "we"):
        return 1
    if first in ("my", "our", "the"):
        return _SUBJECT
    for place, word in enumerate(words):
        if not is_named(word):
            return place
        if word.endswith("'s"):
            return _SUBJECT
    return _SUBJECT
