"""Whole sentences side by side: the same in another order or voice, or one the denial of the other.

Owns: the few turns of an English sentence that change no fact (a time put first, active and passive,
"there is"), and the comparison with a denial. Does not own: the words that are levelled anyway
(`stores/nearness`), nor statements on one attribute (`stores/claims`).

Nothing here knows what a sentence is about: two sentences are put side by side only where every word
of one stands in the other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from memos_cli.stores.chinese import restated as chinese
from memos_cli.stores.memo import Memo
from memos_cli.stores.nearness import canonical, normalized
from memos_cli.stores.wordlist import word_set

LONGEST = 240
"""Characters; longer texts are more than one sentence."""

_LATIN = re.compile("[a-z]")
_HAN = re.compile("[\u4e00-\u9fff]")
_MORE = ("?", ";", ":", "\n", ". ", "! ")
"""What parts one sentence from the next."""
_SAME = {
    "purchased": "bought", "purchase": "buy", "purchases": "buys", "purchasing": "buying", "bike": "bicycle", "bikes": "bicycles",
    "kid": "child", "kids": "children", "film": "movie", "films": "movies", "couch": "sofa", "tv": "television",
    "photo": "photograph", "photos": "photographs", "large": "big", "mom": "mother", "mum": "mother", "dad": "father",
    "begun": "started", "began": "started", "begins": "starts", "auto": "car", "plane": "airplane", "telephone": "phone",
    "cellphone": "phone", "favorite": "favourite", "someone": "somebody", "anyone": "anybody", "everyone": "everybody",
    "no-one": "nobody", "lady": "woman", "ladies": "women", "slicing": "cutting", "speaking": "talking", "grandma": "grandmother",
    "grandpa": "grandfather", "fridge": "refrigerator", "exam": "examination", "info": "information", "cop": "policeman",
}  # fmt: skip
_BE = word_set("is are am was were be been being")
_DENIALS = word_set("not never no")
_EMPTY = _BE | _DENIALS | word_set("do does did there any some")
_FRONT = word_set("yesterday today tonight tomorrow last next every on in at during after before since this")
_OFTEN = word_set("usually normally sometimes often occasionally generally mostly")
"""Adverbs that stand before a sentence as well as in it."""
_PARTICIPLES = ("ed", "en", "t", "n", "d", "ung", "un")
_LEMMA = {
    "knew": "know", "had": "have", "has": "have", "wrote": "write", "written": "write", "came": "come", "went": "go", "gone": "go", "saw": "see",
    "seen": "see", "took": "take", "taken": "take", "made": "make", "got": "get", "gave": "give", "given": "give", "said": "say", "found": "find",
    "became": "become", "left": "leave", "bought": "buy", "brought": "bring", "built": "build", "caught": "catch", "chose": "choose", "chosen": "choose",
    "drew": "draw", "drawn": "draw", "drank": "drink", "drove": "drive", "driven": "drive", "ate": "eat", "eaten": "eat", "fell": "fall", "felt": "feel",
    "held": "hold", "kept": "keep", "led": "lead", "lost": "lose", "met": "meet", "paid": "pay", "ran": "run", "sang": "sing", "sung": "sing", "sent": "send",
    "sold": "sell", "spoke": "speak", "spent": "spend", "stood": "stand", "taught": "teach", "told": "tell", "threw": "throw", "thrown": "throw",
    "won": "win", "wore": "wear", "broke": "break", "broken": "break", "began": "begin", "begun": "begin", "thought": "think", "understood": "understand",
}  # fmt: skip


@lru_cache(maxsize=4096)
def core(text: str) -> str | None:
    """What a sentence shares with its denial and its other voice: its words, sorted, endings off."""
    if _is_chinese(text):
        return chinese.core(text)
    words = _tokens(text)
    if not 3 <= len(words) <= 30:
        return None
    kept = set(_cores.each(words))
    kept.discard(_NOTHING)
    return " ".join(sorted(kept))


def _is_chinese(text: str) -> bool:
    return not text.isascii() and bool(_HAN.search(text))


_NOTHING = "\0"


def _core(word: str) -> str:
    """What a word gives to the core of its sentence; nothing where the denial or the other voice lacks it."""
    return _NOTHING if word in _EMPTY or word == "by" else _stem(word)


_cores = Memo(_core, 1 << 15)


def restated(one: str, other: str) -> bool:
    """Whether two sentences say the same in another order or voice."""
    if _is_chinese(one):
        return chinese.restated(one, other)
    a, b = _tokens(one), _tokens(other)
    if not a or not b or _digits(a) != _digits(b):
        return False
    return any(x == y or _fronted(x, y) or _fronted(y, x) for x, y in product(_forms(a), _forms(b)))


def denied(one: str, other: str) -> bool:
    """Whether two sentences differ in one denial alone."""
    a, b = _tokens(one), _tokens(other)
    counts = sorted(sum(w in _DENIALS for w in words) for words in (a, b))
    if counts != [0, 1]:
        return False
    return len(a) > 2 and len(b) > 2 and _bare(a) == _bare(b)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[str, ...]:
    plain = normalized(text)
    said = plain.rstrip(".! ")  # which makes no difference to its words
    if len(said) > LONGEST or any(map(said.__contains__, _MORE)) or not _LATIN.search(said):
        return ()
    words = canonical(plain)
    if "got" in words:
        words = [w for place, w in enumerate(words) if w != "got" or words[place - 1] not in ("have", "has")]
    return tuple(words if _SAME.keys().isdisjoint(words) else [_SAME.get(w, w) for w in words])


def _digits(words: tuple[str, ...]) -> list[str]:
    return sorted(w for w in words if any(c.isdigit() for c in w))


def _bare(words: tuple[str, ...]) -> list[str]:
    return [_stem(w) for w in words if w not in _EMPTY]


@lru_cache(maxsize=1 << 14)
def _stem(word: str) -> str:
    word = _LEMMA.get(word, word)
    for ending in ("ing", "ied", "ed", "ies", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl"
    return word[:-1] if doubled else word.removesuffix("e")


def _forms(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """A sentence as it is, without "there is", and in the active voice."""
    forms = [words]
    # Right behind its subject: in "Tom says sometimes Anna calls" it is of another verb.
    place = 2 if words[0] in ("my", "our") else 1
    if words[place : place + 1] and words[place] in _OFTEN:
        forms.append((words[place], *words[:place], *words[place + 1 :]))
    if words[:2] in (("there", "is"), ("there", "are")):
        acting = next((i for i, w in enumerate(words) if i > 2 and w.endswith("ing")), None)
        if acting:
            forms.append((*words[2:acting], words[1], *words[acting:]))
    if (active := _active(words)) is not None:
        forms.append(active)
    elif (voiced := _marked(words)) is not None:
        forms.append(voiced)
    return forms


def _active(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """X be (being) done by Y as (Y, do, X), the verb as stem and tense."""
    if words.count("by") != 1:
        return None
    by = words.index("by")
    be = next(
        (i for i in range(by - 1, max(by - 4, 0), -1) if words[i] in ("is", "are", "was", "were")), None
    )
    if be is None or be == 0 or by == len(words) - 1:
        return None
    between = words[be + 1 : by]
    if len(between) == 2 and between[0] == "being":
        tense = "doing" if words[be] in ("is", "are") else "was doing"
    elif len(between) == 1 and (between[0] in _LEMMA or between[0].endswith(_PARTICIPLES)):
        tense = "does" if words[be] in ("is", "are") else "did"
    else:
        return None
    return (*words[by + 1 :], f"{_stem(between[-1])}/{tense}", *words[:be])


def _marked(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """A sentence whose one verb form is plain, with the verb as stem and tense, as `_active` writes it."""
    for i, word in enumerate(words[1:-1], 1):
        following = words[i + 1]
        if word in ("is", "are") and following.endswith("ing") and following != "being":
            return (*words[:i], f"{_stem(following)}/doing", *words[i + 2 :])
        if word in ("was", "were") and following.endswith("ing") and following != "being":
            return (*words[:i], f"{_stem(following)}/was doing", *words[i + 2 :])
        if (word in _LEMMA and word not in ("has", "had")) or word.endswith("ed"):
            return (*words[:i], f"{_stem(word)}/did", *words[i + 1 :])
    return None


def _fronted(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether `a` is `b` with a time or place put first."""
    return a[0] in _FRONT and any(a[k:] + a[:k] == b for k in range(1, min(5, len(a) - 1)))
