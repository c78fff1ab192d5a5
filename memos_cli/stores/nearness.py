"""Whether two texts say the same thing in the same words.

Owns: the content hash, the MinHash bands by which near-identical texts find each other in the
keyword index, and the decision on a pair. Does not own: the index (`stores/keywords`), vectors,
nor what a caller does with a duplicate.

The decision looks at words only and errs towards "different": a duplicate kept twice costs a
row, two facts taken for one cost a fact. Texts are near-identical when they read the same word
for word after case, punctuation, spacing, spelling variants, contractions and fillers are made
equal. So a number, a name, a date, a negation, a tense or any other word that differs keeps
them apart; what is levelled is listed here and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
import struct
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zlib import crc32

from memos_cli.stores.analysis import UNSPACED
from memos_cli.stores.memo import Memo

if TYPE_CHECKING:
    from rensa import RMinHash

BANDS = 4
ROWS = 4
"""Two texts whose shingles have Jaccard similarity s share a band with probability
1 - (1 - s^ROWS)^BANDS: 1 where they differ only in what `same` levels, 0.99 at 0.9, 0.88 at 0.8,
0.23 at 0.5 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, §3.4). More bands would
find more pairs that `same` refuses, and their terms are the dearest part of the index to merge."""

SEED = 20
LONGEST = 50_000
_REMEMBERED = 2_000
_DIGEST = struct.Struct(f"<{BANDS * ROWS}I")
_BAND = struct.Struct(f"{4 * ROWS}s")

# Fillers and articles, whose presence changes no fact. Words of degree, time, person, place and
# number are not among them, and neither are "that", which points, and "just" and "well".
_FILLERS = "a an the um uh er oh hey please actually basically really"
_LIGHT = frozenset(_FILLERS.split())
# "few friends" are not "a few friends", nor is vitamin A a vitamin.
_MEANT_A = re.compile(r"\ba (?=(?:few|little|bit|lot)\b)")
_MEANT = ("a few", "a little", "a bit", "a lot")
_LETTER_A = re.compile(r"(?<=[a-z] )A\b")
_INTERJECTIONS = frozenset("啊呀哦噢嗯哎唉")

_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBER_WORDS = {word: str(i) for i, word in enumerate(_NUMBERS.split())}
_WORDS = _NUMBER_WORDS | {
    "cannot": "can not",
    "won't": "will not",
    "can't": "can not",
    "shan't": "shall not",
    "okay": "ok",
    "grey": "gray",
    "i'm": "i am",
    "let's": "let us",
}
_ENDINGS = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
_BEFORE_IS = "it that he she there what who here where"
_IS = frozenset(_BEFORE_IS.split())
_OUR = re.compile(r"^(un|dis)?(col|fav|neighb|behavi|hon|hum|lab|rum|flav|harb|endeav)our")
_ISE = re.compile(r"^(\w{4,}[^aeiou\W])is(e|es|ed|ing|ation|ations|er|ers)$")
_RE = re.compile(r"^(cent|theat|lit|met|kilomet|centimet|fib)re(s?)$")

# NFKC would write 5² as 52.
_RAISED = str.maketrans(
    {c: f"^{i}" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")} | {c: f"_{i}" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")}
)
# Numbers with their separators; words with an inner apostrophe; unspaced characters one by one;
# and every sign that can carry meaning (%, $, +, #, @, ?, emoji), which separators and quotes do not.
_NUMBER = r"[-+]?\d+(?:[.,:/]\d+)*"
_SIGN = r"[^\s\w.,;:!'\"()\[\]{}…—–\-_*`“”„«»‚‘’。，、；：！（）【】《》〈〉「」『』·~]"
_LETTER = rf"(?:(?![{UNSPACED}])[^\W\d_])"
_TOKEN = rf"{_NUMBER}|[{UNSPACED}]|{_LETTER}+(?:'{_LETTER}+)*|{_SIGN}"
_ASCII_TOKEN = rf"[a-z]+(?:'[a-z]+)*|{_NUMBER}|{_SIGN}"
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "\u2212": "-"})


def normalized(text: str) -> str:
    """NFKC form, case folded, runs of white space as one space, none at the ends."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_RAISED))
    return " ".join(plain.casefold().split())


def content_hash(text: str) -> str:
    """Hash of the normalised text: 32 hexadecimal digits (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(normalized(text).encode("utf-8", "replace"), digest_size=16).hexdigest()


def bands(text: str) -> tuple[str, ...]:
    """MinHash band terms of `text`: `BANDS` strings of 8 characters, the same on every machine.

    Of a text longer than `LONGEST` its beginning counts.
    """
    # What is looked up before an add is written after it: remember it over that distance.
    return _remembered(text) if len(text) <= _REMEMBERED else _bands(text[:LONGEST])


def bands_of(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """`bands` of each text, a step over all texts before the next: see `stores/claims`."""
    for text in texts:
        if len(text) <= _REMEMBERED:
            canonical(normalized(text))
    return [bands(text) for text in texts]


def same(a: str, b: str) -> str | None:
    """Why `a` and `b` are one memory ("same text", "near-identical text"), or None.

    None also where it is not sure. Compares words only; a caller with vectors may ask them too.
    """
    one, other = normalized(a), normalized(b)
    if one == other:
        return "same text"
    words = canonical(one)
    agree = words and words == canonical(other) and _names_agree(a, b)
    return "near-identical text" if agree else None


def likeness(a: str, b: str) -> float:
    """Jaccard similarity of the shingles of two texts, 0 to 1: what MinHash estimates, counted out."""
    one, other = set(_shingles(a)), set(_shingles(b))
    return len(one & other) / max(len(one | other), 1)


def _bands(text: str) -> tuple[str, ...]:
    # One object a text: the call for many texts starts threads, which cost more than the work.
    sketch = _sketch()(BANDS * ROWS, SEED)
    sketch.update(_shingles(text))
    parts = _BAND.iter_unpack(_DIGEST.pack(*sketch.digest()))
    # Band values are hashes already; a checksum that takes in the band's number names them well
    # enough: of a million memories one in four thousand is a needless candidate.
    return tuple([f"{crc32(part, band):08x}" for band, (part,) in enumerate(parts)])


@cache
def _sketch() -> type[RMinHash]:
    from rensa import RMinHash

    return RMinHash


_remembered = lru_cache(maxsize=4096)(_bands)


def _shingles(text: str) -> list[str]:
    plain = normalized(text)
    words = canonical(plain)
    return [*words, *map(" ".join, pairwise(words))] if words else [plain]


def canonical(plain: str) -> list[str]:
    """Words of a normalised text with what carries no meaning levelled (numbers, order kept)."""
    return (_levelled(plain) if len(plain) <= _REMEMBERED else _level_all(plain)).split()


def _level_all(plain: str) -> str:
    if "a " in plain and any(map(plain.__contains__, _MEANT)):
        plain = _MEANT_A.sub("some ", plain)
    if plain.isascii():
        # No token has a space within, so each part between spaces is read by itself, and once.
        return " ".join(filter(None, _parts.each(plain.split(" "))))
    tokens = _token().findall(plain.translate(_APOSTROPHES))
    return " ".join(filter(None, _levels.each(tokens)))


def _part(part: str) -> str:
    """What stands between two spaces of an ASCII text, levelled."""
    if part.isalpha():
        return _levels[part]
    return " ".join(filter(None, _levels.each(_ascii_token().findall(part))))


# Whoever adds a text asks for its words several times: for its bands and for what it claims.
_levelled = lru_cache(maxsize=2048)(_level_all)


# These classes take ten milliseconds to compile, which a search would pay for nothing.
@cache
def _token() -> re.Pattern[str]:
    return re.compile(_TOKEN)


@cache
def _ascii_token() -> re.Pattern[str]:
    return re.compile(_ASCII_TOKEN)


def _level(word: str) -> str:
    """One word in its one spelling; a contraction becomes its words, a filler nothing."""
    if word in _LIGHT or word in _INTERJECTIONS:
        return ""
    if word in _WORDS:
        return _WORDS[word]
    if "'" in word:
        return _expanded(word)
    if "our" in word:
        word = _OUR.sub(r"\1\2or", word)
    if "is" in word:
        word = _ISE.sub(r"\1iz\2", word)
    return _RE.sub(r"\1er\2", word) if "re" in word else word


_levels = Memo(_level, 1 << 15)
_parts = Memo(_part, 1 << 15)


def _expanded(word: str) -> str:
    for ending, words in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return word[: -len(ending)] + words
    head, _, tail = word.rpartition("'")
    if tail == "s" and head in _IS:
        return f"{head} is"
    return f"{head} '{tail}"


def _names_agree(a: str, b: str) -> bool:
    """False where the texts capitalise different words after the first (Turkey, turkey).

    A text without any such capital was typed without care for them and contradicts nothing.
    """
    one, other = _capitals(a), _capitals(b)
    if len(_LETTER_A.findall(a)) != len(_LETTER_A.findall(b)):
        return False
    return not one or not other or one == other


def _capitals(text: str) -> list[str]:
    """Words written with a capital where no sentence begins, folded, in order."""
    found = re.finditer(r"(?<![.!?。！？\n] )(?<=\s)[^\W\d_a-z][\w'’]*", unicodedata.normalize("NFKC", text))
    words = (m.group().casefold() for m in found if m.group()[0].isupper())
    return [w for w in words if w not in _LIGHT and w.replace("’", "'").partition("'")[0] != "i"]
