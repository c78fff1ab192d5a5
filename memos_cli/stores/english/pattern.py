"""What the patterns of English claims share: their parts, how one is tried, and what a match becomes.

Owns: the parts that stand for who, what and the rest, and whether the rest leaves open if it is so. Does not own:
any one matter.
"""

from __future__ import annotations

import re

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.sentence import Sentence, compiled
from memos_cli.stores.english.subject import among
from memos_cli.stores.english.words import DAYS
from memos_cli.stores.wordlist import word_set

VALUE = r"(?P<v>[^,]+?)"
WHO = r"(?P<s>[\w' .&-]+?)"
TAIL = r"(?P<rest>(?:,? (?:with|near|because|together|alone|as|in|on|for|by|at|since|and|from) .+)?)"


def match(pattern: str, sentence: Sentence) -> re.Match[str] | None:
    return compiled(rf"^{pattern}$").match(sentence.text)


def claimed(sentence: Sentence, key: str, manner: Manner, **fields: object) -> Claim:
    made = Claim(key, manner, among=among(*key.split("|", 1)), **fields)  # type: ignore[arg-type]
    return made._replace(
        positive=made.positive and not sentence.denied, changed=made.changed or sentence.changed
    )


def details(found: re.Match[str]) -> tuple[str, ...]:
    words = levelled(found.group("rest") or "")
    return words[1:] if words[:1] == ("as",) else words


_FOR_A_TIME = word_set(
    "for and summer winter autumn spring season week weeks month months quarter semester term night nights evening evenings morning "
    "mornings afternoon afternoons day days hours nightshift side second third extra part-time volunteer volunteering unpaid "
    "freelance temp temporary substitute trial guest paper loan secondment placement exchange leave"
)
"""In details: that something holds for a time, or beside something else of its kind."""


def for_a_time(rest: tuple[str, ...]) -> bool:
    """Whether details say that something holds for a time, for a purpose, or beside another."""
    return not _FOR_A_TIME.isdisjoint(rest)


_PART = DAYS | frozenset(f"{day}s" for day in DAYS) | word_set("weekdays weekends half most")
"""Details that say for which part of the time something holds."""


def doubtful(found: re.Match[str]) -> bool:
    """Whether the details leave open if it is so: "from Monday to Friday", "as far as I know", "in the novel"."""
    rest = found.group("rest") or ""
    if not rest:
        return False
    told = compiled(
        r"\bas (?:far|I|he|she|we|they|every\w+)\b|\bin the (?:novel|story|film|game|play|book|dream)\b"
    )
    return not _PART.isdisjoint(levelled(rest)) or bool(told.search(rest))


def plain_key(who: str, words: tuple[str, ...]) -> str:
    return f"{who}|{' '.join(words)}"
