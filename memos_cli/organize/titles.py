"""What a group is about, told without a language model: its terms, and its most central texts.

Owns: c-TF-IDF terms (Grootendorst, BERTopic, 2022), names made of them, the choice of texts.
Does not own: which texts form a group, what a language model would call it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

import numpy as np

from memos_cli.organize import unspaced
from memos_cli.stores.analysis import content_terms

TERMS = 8
"""Terms that are kept of a group."""
NAMED = 3
"""Terms that make a name."""
CENTRAL = 3
"""Texts that stand for a group."""
LONGEST = 240
"""Characters of one text in a summary."""

_PLAIN = frozenset(
    [
        "about",
        "above",
        "after",
        "again",
        "all",
        "already",
        "also",
        "always",
        "another",
        "any",
        "anybody",
        "anyone",
        "anything",
        "around",
        "away",
        "back",
        "because",
        "before",
        "behind",
        "below",
        "between",
        "both",
        "bring",
        "came",
        "come",
        "could",
        "day",
        "days",
        "did",
        "does",
        "done",
        "down",
        "during",
        "each",
        "eight",
        "enough",
        "even",
        "ever",
        "every",
        "everything",
        "far",
        "few",
        "find",
        "first",
        "five",
        "for",
        "found",
        "four",
        "from",
        "gave",
        "get",
        "gets",
        "give",
        "goes",
        "going",
        "gone",
        "good",
        "got",
        "great",
        "had",
        "half",
        "has",
        "have",
        "having",
        "here",
        "how",
        "hundred",
        "into",
        "its",
        "just",
        "keep",
        "kept",
        "kind",
        "know",
        "last",
        "later",
        "least",
        "left",
        "let",
        "like",
        "little",
        "long",
        "look",
        "looking",
        "lot",
        "made",
        "make",
        "makes",
        "many",
        "may",
        "maybe",
        "might",
        "more",
        "most",
        "much",
        "must",
        "need",
        "needs",
        "never",
        "new",
        "next",
        "night",
        "nine",
        "nobody",
        "nothing",
        "now",
        "off",
        "often",
        "old",
        "once",
        "one",
        "only",
        "other",
        "others",
        "our",
        "out",
        "over",
        "own",
        "part",
        "people",
        "per",
        "put",
        "quite",
        "really",
        "right",
        "said",
        "same",
        "saw",
        "say",
        "says",
        "second",
        "see",
        "seven",
        "several",
        "she",
        "should",
        "since",
        "six",
        "some",
        "somebody",
        "someone",
        "something",
        "soon",
        "still",
        "such",
        "take",
        "takes",
        "ten",
        "than",
        "that",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "thing",
        "things",
        "think",
        "third",
        "this",
        "those",
        "though",
        "thousand",
        "three",
        "through",
        "time",
        "times",
        "today",
        "together",
        "told",
        "tomorrow",
        "too",
        "took",
        "toward",
        "twelve",
        "twenty",
        "twice",
        "two",
        "under",
        "until",
        "use",
        "used",
        "very",
        "wait",
        "want",
        "wants",
        "was",
        "way",
        "week",
        "weeks",
        "well",
        "went",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "why",
        "will",
        "with",
        "without",
        "would",
        "year",
        "years",
        "yes",
        "yesterday",
        "yet",
        "you",
        "your",
        "hey",
        "yeah",
        "wow",
        "thanks",
        "thank",
        "sure",
        "awesome",
        "cool",
    ]
)
"""Words that are in any text and name none."""

_WORD = re.compile(r"\w+", re.ASCII)
_CAPITAL = re.compile(r"[A-Z]\w\w+", re.ASCII)
"""A word that begins with a capital, or the rest of one from a capital on."""
_OPENING = "\"'“‘(*-_ \t"
"""What may stand between the end of a sentence and the first word of the next."""
_ENDS = ".!?…:\n。！？："


@dataclass(frozen=True)
class Words:
    """How many texts of a group use each term; and how the term is mostly written."""

    counts: Counter[str]
    written: dict[str, str]
    whole: set[str] = field(default_factory=set)
    """Terms of an unspaced script that stand by themselves."""
    spelt: dict[str, Counter[str]] = field(default_factory=dict)
    """Of a word that has capitals somewhere how often it is spelt how inside sentences, in small letters
    as well."""


def words_of(texts: Iterable[str]) -> Words:
    """Terms of texts, each text counting a term once: who repeats himself says no more."""
    counts: Counter[str] = Counter()
    written: dict[str, Counter[str]] = {}
    whole: set[str] = set()
    capitals: dict[str, Counter[str]] = {}
    for text in texts:
        _count_capitals(text, capitals)
        pieces = unspaced.pieces(text)
        whole.update(pieces)
        said = unspaced.strings(pieces)
        for term, surface in _terms(text):
            written.setdefault(term, Counter())[surface] += 1
            said.add(term)
        counts.update(said)
    spelt = _spelt(capitals, written)
    return Words(counts, {term: _mostly(surfaces) for term, surfaces in written.items()}, whole, spelt)


def _count_capitals(text: str, counts: dict[str, Counter[str]]) -> None:
    """Add how words with capitals are spelt; as "" those that begin a sentence, whose capital says nothing.

    A text all in capitals says nothing either."""
    if text.isupper():
        return
    for match in _CAPITAL.finditer(text):
        word, place = match.group(), match.start()
        if place and text[place - 1].isalnum():
            continue  # the rest of a word: `Phone` of `iPhone`
        says = not word[1:].islower() or not _begins(text, place)
        counts.setdefault(word.lower(), Counter())[word if says else ""] += 1


def _begins(text: str, place: int) -> bool:
    before = text[max(0, place - 4) : place].rstrip(_OPENING)
    return not before or before[-1] in _ENDS


def _spelt(capitals: dict[str, Counter[str]], written: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The capitals of words that are terms, with how often those stand in small letters."""
    often = {word: count for surfaces in written.values() for word, count in surfaces.items()}
    found = {}
    for word, spellings in capitals.items():
        if word in often:
            small = often[word] - sum(spellings.values())
            found[word] = Counter({s: n for s, n in spellings.items() if s} | {word: max(small, 0)})
    return found


def _mostly(surfaces: Counter[str]) -> str:
    return (
        next(iter(surfaces)) if len(surfaces) == 1 else max(surfaces.items(), key=lambda w: (w[1], w[0]))[0]
    )


def _terms(text: str) -> list[tuple[str, str]]:
    """(term, as written) of the words of a text that have spaces about them."""
    plain = [pair for word in _WORD.findall(text) for pair in _single(word.lower())]
    if text.isascii():
        return plain
    return plain + [(term, term) for term in content_terms(unspaced.without_runs(text)) if not term.isascii()]


@lru_cache(maxsize=50_000)
def _single(word: str) -> tuple[tuple[str, str], ...]:
    if len(word) < 3 or word.isdecimal() or word in _PLAIN:
        return ()
    return tuple((term, word) for term in content_terms(word)[:1])


def title_terms(groups: Sequence[Words], background: Words) -> list[list[str]]:
    """The terms that set each group apart from the others, as they are mostly written and spelt, best first.

    A term's weight is its frequency within the group times log(1 + A / f), f its frequency in all
    groups and the background, A the mean number of words of a group.
    """
    overall = Counter(background.counts)
    for group in groups:
        overall.update(group.counts)
    told = [_words_in(group, overall) for group in groups]
    spelling = _spelling([*groups, background])
    sizes = [sum(counts.values()) for counts in told]
    mean = sum(sizes) / len(sizes) if sizes else 1.0
    best = (
        _best_terms(group, counts, overall, max(mean, 1.0))
        for group, counts in zip(groups, told, strict=True)
    )
    return [[spelling.get(term, term) for term in terms] for terms in best]


def _spelling(every: Iterable[Words]) -> dict[str, str]:
    """How each word is mostly spelt inside the sentences of all texts together, where that is not in small
    letters: `Tomas`, `PostgreSQL`. Of two that are as frequent the one with capitals."""
    together: dict[str, Counter[str]] = {}
    for words in every:
        for word, spellings in words.spelt.items():
            together.setdefault(word, Counter()).update(spellings)
    return {
        word: max(spellings.items(), key=lambda pair: (pair[1], pair[0] != word, pair[0]))[0]
        for word, spellings in together.items()
        if any(spellings.values())
    }


def _words_in(group: Words, overall: Counter[str]) -> dict[str, int]:
    """How often a group uses each term, without the strings of an unspaced script that are no words."""
    strings = Counter({t: overall[t] for t in group.counts if t not in group.written})
    if not strings:
        return group.counts
    words = unspaced.words(strings, group.whole)
    return {t: n for t, n in group.counts.items() if t in group.written or t in words}


def _best_terms(group: Words, counts: dict[str, int], overall: Counter[str], mean: float) -> list[str]:
    total = sum(counts.values()) or 1
    weight = {t: n / total * log(1 + mean / overall[t]) for t, n in counts.items()}
    # What a single text says is no title, unless no two texts share a word.
    shared = [t for t in weight if group.counts[t] > 1] or list(weight)
    chosen: list[str] = []
    for term in sorted(shared, key=lambda t: (-weight[t], t)):
        surface = group.written.get(term, term)
        if not any(_same(surface, other) for other in chosen):
            chosen.append(surface)
        if len(chosen) == TERMS:
            break
    return chosen


def _same(later: str, chosen: str) -> bool:
    """Whether a term says no more than one that is chosen. In a script without spaces a longer one does:
    it is a compound, and no other form of the same word."""
    if later in chosen:
        return True
    if later.isascii() or chosen.isascii():
        return chosen in later
    return later[-1] == chosen[0] or chosen[-1] == later[0]


def name_of(terms: Sequence[str]) -> str:
    """A name made of terms; "unnamed" where there is none."""
    return ", ".join(terms[:NAMED]) or "unnamed"


def central(vectors: np.ndarray, count: int = CENTRAL) -> list[int]:
    """Rows that lie nearest to the middle of all, no two of them nearly the same."""
    middle = vectors.mean(axis=0)
    chosen: list[int] = []
    for row in np.argsort(-(vectors @ middle), kind="stable").tolist():
        if all(float(vectors[row] @ vectors[other]) < 0.95 for other in chosen):
            chosen.append(row)
        if len(chosen) == count:
            break
    return chosen


def summary_of(texts: Sequence[str]) -> str:
    """The texts one after the other, each cut to LONGEST characters at a word."""
    return " ".join(_cut(" ".join(text.split())) for text in texts)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST]
    return (kept.rsplit(" ", 1)[0] if " " in kept[LONGEST // 2 :] else kept) + "…"
