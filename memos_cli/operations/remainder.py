"""What a memory says besides the matter that is to be forgotten.

Owns: taking a text apart into sentences and clauses, which of them tell of the matter, and whether the rest
stands by itself. Does not own: which memories are meant, nor what becomes of them (`feedback_denials`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from memos_cli.operations.wording import holds, meaningful, shares
from memos_cli.stores.english.words import PAST

_CHINESE = re.compile("[\u4e00-\u9fff]")
_SENTENCE = re.compile(
    r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bNo\.)(?<!\bProf\.)(?<=[.!?])\s+(?=[^a-z])"
    r"|(?<=[。！？])\s*|\n+"
)
_VERB = (
    "(?:is|are|was|were|has|have|had|will|can|costs?|lives?|works?|opens?|closes?|starts?|begins?|ends?|needs?"
    f"|likes?|loves?|hates?|wants?|owns?|plays?|goes|comes?|makes?|takes?|moved|{'|'.join(sorted(PAST))})"
)
_CLAUSE = re.compile(
    rf"(?:,? (?:and|but|while)|[;,]) (?=(?:the|a|an|my|our|his|her|its|their|I|we|he|she|it|they|[A-Z][\w'’-]*)\b[^,;]*? {_VERB}\b)"
    r"|(?<=[，；])"
)
_JOINED = re.compile(r",? (?:and|but|with)\b |[,;] |[，；、]")
_OF_IT = re.compile(r"(?:it|its|this|that|these|those|which)\b|[它这那其]", re.IGNORECASE)
_OF_ONE = re.compile(r"(?:he|she|his|her|him)\b|[他她]", re.IGNORECASE)
_OF_SOME = re.compile(r"(?:they|their|he|she|his|her)\b|[他她]", re.IGNORECASE)


class Rest(NamedTuple):
    """What is left of a text; nothing where all of it is on the matter. Not `clear`: it could not be told apart."""

    text: str = ""
    clear: bool = True


UNCLEAR = Rest("", clear=False)


def remainder(text: str, matter: str) -> Rest:
    """The text without the sentences, or the clause, that tell of the matter."""
    sentences = [one for one in _SENTENCE.split(text.strip()) if one.strip()]
    told = _telling(sentences, matter)
    if not told:
        return Rest() if len(sentences) == 1 else UNCLEAR
    if len(told) == 1:
        (place,) = told
        clause = _without_clause(sentences[place], matter)
        if not clause.clear or clause.text:
            sentences[place] = clause.text
            return Rest(_joined(sentences, text)) if clause.clear else UNCLEAR
    told = _followed(sentences, told, matter)
    if len(told) == len(sentences):
        return Rest()
    if any(place + 1 < len(sentences) and _hangs(sentences, place + 1, told) for place in told):
        return UNCLEAR
    return Rest(_joined([s for place, s in enumerate(sentences) if place not in told], text))


def one_sentence(text: str) -> bool:
    """Whether a text is but one sentence."""
    return not _SENTENCE.search(text.strip())


def _telling(pieces: Sequence[str], matter: str) -> list[int]:
    """The places of those that hold the most of the matter's words, if any holds one."""
    told = [_share(piece, matter) for piece in pieces]
    most = max(told, default=0.0)
    return [place for place, share in enumerate(told) if share == most] if most else []


def _share(piece: str, matter: str) -> float:
    return 1.0 if holds(piece, matter) else shares(piece, matter)


def _without_clause(sentence: str, matter: str) -> Rest:
    """A sentence without the one clause that tells of the matter; nothing left where it has no other."""
    found = [m.span() for m in _CLAUSE.finditer(sentence) if _is_clause(sentence[: m.start()])]
    starts, ends = [0, *(end for _, end in found)], [*(start for start, _ in found), len(sentence)]
    clauses = [sentence[a:b] for a, b in zip(starts, ends, strict=True)]
    told = _telling(clauses, matter)
    if len(clauses) > 1 and len(told) == 1:
        (place,) = told
        others = [clause for at, clause in enumerate(clauses) if at != place]
        if place == 0 and not _has_subject(others[0]):
            return UNCLEAR  # what follows has its subject from it
        return Rest(_cut(sentence, starts, ends, place))
    return UNCLEAR if len(told) < len(clauses) or _says_more(sentence, matter) else Rest()


def _is_clause(text: str) -> bool:
    """Whether what stands before a joint says something itself: "Kathrin and I went" has none."""
    return bool(_CHINESE.search(text) or re.search(rf"\b{_VERB}\b", text))


def _has_subject(clause: str) -> bool:
    """Whether a clause says itself what it is about."""
    if _OF_IT.match(clause) or _OF_SOME.match(clause):
        return False
    return not _CHINESE.search(clause) or bool(_SUBJECT_CHINESE.match(clause))


_SUBJECT_CHINESE = re.compile("(?![也还又并而都就但所])[\u4e00-\u9fff]{2,8}?(?:是|为|有|叫)")


def _cut(sentence: str, starts: Sequence[int], ends: Sequence[int], place: int) -> str:
    """The sentence without one of its clauses and what joined it, beginning and ending as one."""
    if place + 1 == len(starts):
        left = sentence[: ends[place - 1]].rstrip(" ,;，；")
        return left + sentence.rstrip()[-1] if sentence.rstrip()[-1:] in ".!?。！？" else left
    left = sentence[: starts[place]] + sentence[starts[place + 1] :]
    return left[:1].upper() + left[1:]


def _says_more(sentence: str, matter: str) -> bool:
    """Whether something that the sentence joins to the matter is another one."""
    parts = _JOINED.split(sentence)
    told = _telling(parts, matter)
    more = [p for p in parts if meaningful(p) > 1 and _share(p, matter) == 0.0]
    return bool(more) and any(place or _is_clause(parts[place]) for place in told)


def _followed(sentences: Sequence[str], told: Sequence[int], matter: str) -> list[int]:
    """The places, with those of the sentences that go on about somebody who is the matter ("He left in May")."""
    found = list(told)
    if not matter[:1].isupper() and not _CHINESE.search(matter):
        return found
    for place in range(1, len(sentences)):
        if place - 1 in found and place not in found and _OF_ONE.match(sentences[place]):
            found.append(place)
    return sorted(found)


def _hangs(sentences: Sequence[str], place: int, told: Sequence[int]) -> bool:
    """Whether a sentence that stays has its subject from one before it that goes."""
    if place in told:
        return False
    return bool(_OF_IT.match(sentences[place])) or (place == 1 and bool(_OF_SOME.match(sentences[place])))


def _joined(sentences: Sequence[str], text: str) -> str:
    return ("" if _CHINESE.search(text) else " ").join(one.strip() for one in sentences)


# -- whom a memory is about

_NAME = re.compile(r"[A-Z][\w-]*(?: [A-Z][\w-]*)*|[\u4e00-\u9fff]{2,4}")
_ASIDE = re.compile(r"\b(?:since|because|as|after|when|before|while|until|once)\b|因为|由于|自从|既然")
_OPENING = re.compile(
    r"(?:the|an?|this|that|these|those|i|we|you|it|yesterday|today|tomorrow|on|in|at|since|when|after|before|there|some|every|each|all"
    r"|both|if|for|from|with|by|our)$",
    re.IGNORECASE,
)
"""Words with a capital that open a sentence and name nobody."""
_HEAD = re.compile(rf"(?P<head>.+?) (?P<verb>{_VERB}|\w\w+(?:ed|[^s]s))\b(?P<value>.*)", re.IGNORECASE)
_TITLES = r"(?:now|called|named|still|currently|Dr\.?|Mr\.?|Mrs\.?|Ms\.?|Prof\.?|Professor|[A-Z][\w'’-]*)"


def about_another(text: str, name: str) -> bool:
    """Whether a text names somebody only aside, and is about somebody else."""
    if not _NAME.fullmatch(name):
        return False
    aside = _ASIDE.search(text)
    if aside and aside.start() and not holds(text[: aside.start()], name):
        return True
    found = _HEAD.match(text)
    if found is None or holds(found["head"], name) or _CHINESE.search(text):
        return False
    if found["verb"] in ("is", "are", "was", "were") and re.match(
        rf" (?:{_TITLES} )*{re.escape(name)}\b(?!['’]s)", found["value"]
    ):
        return False  # "My supervisor is Okafor"
    first, *others = found["head"].split()
    if first.lower() in ("my", "his", "her", "their") and others:
        return True
    named = first[:1].isupper() and not _OPENING.match(first)
    return named and (not others or others[0][:1].isupper() or first.endswith(("'s", "’s")))
