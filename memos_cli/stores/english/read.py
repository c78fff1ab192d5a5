"""The grammar of plain English statements: sentence → claims.

Owns: which pattern is tried on a sentence, and in which order. Does not own: the patterns (the other files of this
folder), nor what a claim is (`stores/claims`).

Every text that is added is read here, and of most no pattern holds. So each stands beside its hints: sets of
words (`stores/hints`), of each of which a sentence must have one, or the pattern cannot match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from memos_cli.stores.claims import Claim
from memos_cli.stores.english.attribute import attribute
from memos_cli.stores.english.choice import only, prefers, switched
from memos_cli.stores.english.deadline import deadline, finished
from memos_cli.stores.english.dwelling import dwelling, home
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.marriage import married
from memos_cli.stores.english.measure import counted, has_of, measured
from memos_cli.stores.english.occasion import moved_date
from memos_cli.stores.english.occupation import role, schooled, work
from memos_cli.stores.english.post import holder
from memos_cli.stores.english.sentence import Sentence, sentence_of
from memos_cli.stores.english.state import plain
from memos_cli.stores.english.words import (
    DAYS,
    DWELLINGS,
    HOLDERS,
    MARITAL,
    MONTHS,
    NUMBERS,
    SYNONYMS,
    TRADES,
)
from memos_cli.stores.hints import DIGITS, lacks, words_in
from memos_cli.stores.wordlist import word_set


def read(text: str) -> Iterator[Claim]:
    """The claims of an English text. See `stores/claims`."""
    sentence = sentence_of(text)
    if sentence is None:
        return
    if any(lacks(sentence.words, hints) for hints in _BEGIN_HINTS) or not (
        begun := _BEGIN.match(sentence.text)
    ):
        yield from _claims(sentence)
        return
    now, day = begun.group("now"), levelled(begun.group("day"))
    for claim in _claims(sentence._replace(text=now, words=words_in(now))):
        yield claim._replace(narrowed=True, beside=day)


def _claims(sentence: Sentence) -> Iterator[Claim]:
    words = sentence.words
    if not lacks(words, _pattern_hints()):
        for pattern, first, more in _patterns():
            if lacks(words, first) or any(lacks(words, hints) for hints in more):
                continue
            found = pattern(sentence)
            if found is not None:
                yield from found
                return
    yield from plain(sentence)


_BEGIN_HINTS = word_set("from starting beginning effective of"), DIGITS | MONTHS.keys() | {"next"}
_BEGIN = re.compile(
    r"^(?P<now>.+?),? (?P<day>(?:from|starting|beginning|effective|as of)(?: from| in| on)? (?:next \w+|20\d\d"
    rf"|(?:\d\d? )?(?:{'|'.join(m.capitalize() for m in MONTHS if len(m) > 4 or m in ('may', 'june', 'july'))})(?: \d\d?)?(?: 20\d\d)?)"
    r"(?: on| onwards?)?)$"
)
"""A day from which something holds."""
_Pattern = Callable[[Sentence], list[Claim] | None]


@cache
def _pattern_hints() -> frozenset[str]:
    """Without any of which no pattern matches: most sentences are done here."""
    return frozenset[str]().union(*(first for _, first, _ in _patterns()))


@cache
def _patterns() -> tuple[tuple[_Pattern, frozenset[str], tuple[frozenset[str], ...]], ...]:
    """What is tried, in this order, each with its hints."""
    number = DIGITS | frozenset(NUMBERS) | word_set("thirty forty")
    days = DAYS | frozenset(f"{day}s" for day in DAYS)
    done = word_set("finished done ready completed complete submitted delivered handed turned")
    homes = word_set("live lives living reside resides based home moved relocated")
    works = word_set(
        "work works working employed joined started got moved switched left quit resigned stopped laid fired"
    )
    schools = word_set("study studies studying school attend attends transferred")
    named = word_set("university college school institute academy gymnasium eth mit ucla")
    measures = word_set(
        "is am are turned cost costs weigh weighs priced went rose dropped fell run runs use uses running"
    )
    happens = word_set(
        "is are takes starts start begins opens closes leaves departs arrives ends finishes meet meets"
    )
    moves = word_set("moved postponed rescheduled delayed brought pushed shifted changed")
    has = word_set("is are = : born isborn areborn amborn")
    becomes = word_set(
        "increased decreased fallen gone changed updated set went rose dropped fell postponed extended moved risen became switched"
    )
    return (
        (deadline, done | word_set("due sent"), (word_set("is are has have"),)),
        (finished, done | word_set("sent"), ()),
        (holder, HOLDERS, (word_set("is"), word_set("the"), word_set("of"))),
        (only, word_set("only"), (word_set("eat eats drink drinks"),)),
        (has_of, word_set("has have"), (word_set("of"), DIGITS)),
        (dwelling, DWELLINGS, (word_set("live lives living moved"),)),
        (home, homes, (word_set("in to"),)),
        (work, works, ()),
        (married, frozenset(MARITAL), ()),
        (role, word_set("is am works work became"), (word_set("a an"), _leading_to(TRADES))),
        (schooled, schools, (named,)),
        (measured, measures, (number,)),
        (counted, word_set("has have own owns"), (number,)),
        (switched, word_set("switched migrated changed moved instead"), (word_set("from of"),)),
        (moved_date, happens | moves, (number | days,)),
        (attribute, has | becomes, ()),
        (prefers, word_set("prefer prefers than"), ()),
    )


def _leading_to(words: frozenset[str]) -> frozenset[str]:
    """The words, and those that are levelled to one of them."""
    return words | {word for word, level in SYNONYMS.items() if level in words}
