"""What somebody says about memories: that they are wrong, what else is so, what shall go, or nothing.

Owns: the parts of an utterance as values, and the cut into sentences. Does not own: the grammars
(`feedback_english`, `feedback_chinese`), nor which memories are meant (`operations/feedback_rules`).

The grammars read the frame of a sentence ("no, …", "… , not …", "forget …"), never what it is about;
whatever has no frame is a plain statement, a remark or a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST = 2000
"""Characters of an utterance that are read."""

_CHINESE = re.compile("[\u4e00-\u9fff]")


class Form(StrEnum):
    REPLACE = "replace"
    """Words are to be put in place of others wherever these stand."""
    STATE = "state"
    """Something is so; perhaps it says what it is not."""
    DENY = "deny"
    """Something that is remembered is not so, and nothing is said in its place."""
    FORGET = "forget"
    CONFIRM = "confirm"
    REMARK = "remark"
    """A question, a request, small talk: nothing to remember or change."""


@dataclass(frozen=True)
class Part:
    """One thing that an utterance says.

    `text` is the statement, or what is to be forgotten or is denied; `wrong` and `right` are words.
    """

    form: Form
    text: str = ""
    wrong: str = ""
    right: str = ""
    corrects: bool = False
    """It says that something that is remembered is wrong."""
    every: bool = False
    """It asks for all that it fits, not for one."""
    whole: bool = False
    """It asks for whole memories ("the note about the boat"), not for a matter in them."""
    points: bool = False
    """It names nothing itself ("that one")."""
    adds: bool = False
    """It says itself that it is something further ("also", "by the way")."""
    changed: bool = False
    """It says that something is no longer as it was ("from A to B", "these days")."""
    plain: str = ""
    """The statement without the words that say so, where there are such, to lay it beside a memory."""


def read_feedback(text: str) -> tuple[Part, ...]:
    """The parts of an utterance, in its order; none where it says nothing."""
    said = " ".join(text[:LONGEST].split())
    if _CHINESE.search(said):
        from memos_cli.reader.feedback_chinese import read

        wide = any(mark in said for mark in _WIDE.values())
        parts = read(said.translate(_NARROW))
        return tuple(replace(part, text=part.text.translate(_WIDENED)) if wide else part for part in parts)
    from memos_cli.reader.feedback_english import read

    return tuple(read(said))


_WIDE = {
    ",": "\uff0c",
    "?": "\uff1f",
    "!": "\uff01",
    ":": "\uff1a",
    ";": "\uff1b",
    "(": "\uff08",
    ")": "\uff09",
}
_NARROW = str.maketrans({wide: narrow for narrow, wide in _WIDE.items()})
"""The grammar sees stops of half width, however they were typed."""
_WIDENED = str.maketrans({",": _WIDE[","], ";": _WIDE[";"]})

_STOPS = " \t,.;:!?\u3002\u3001"
_QUOTES = "\"'“”‘’「」『』«»`"


def bare(words: str) -> str:
    """Words without the quotation marks and stops around them."""
    return words.strip(_STOPS).strip(_QUOTES).strip()


Openers = Sequence[tuple[str, Sequence[re.Pattern[str]]]]
"""What opens a sentence, by its sign: "no", "more", "yes", or "" for what only fills."""


def opened(sentence: str, openers: Openers, stops: str | None = None) -> tuple[str, set[str]]:
    """A sentence without what opens it, nor `stops` after that (white space), and the signs of its openers."""
    signs: set[str] = set()
    while sentence:
        for sign, patterns in openers:
            found = next((m for p in patterns if (m := p.match(sentence)) and m.end()), None)
            if found:
                signs.add(sign)
                sentence = sentence[found.end() :].lstrip(stops)
                break
        else:
            break
    return sentence, signs


def parts_of(
    sentences: Iterable[str],
    opening: Callable[[str], tuple[str, set[str]]],
    said: Callable[[str, bool, set[str]], Iterator[Part]],
) -> Iterator[Part]:
    """The parts of an utterance: of each sentence what opens it and what it says then.

    A "no" that stands alone belongs to the sentence after it; with none after it, it denies.
    """
    negated = False
    parts: list[Part] = []
    for sentence in filter(None, (sentence.strip() for sentence in sentences)):
        rest, signs = opening(sentence)
        negated |= "no" in signs
        if not bare(rest):
            if "yes" in signs:
                parts.append(Part(Form.CONFIRM))
            elif "no" not in signs:
                parts.append(Part(Form.REMARK))
            continue
        parts += said(rest, negated, signs)
        negated = False
    if negated:
        parts.append(Part(Form.DENY, corrects=True, points=True))
    yield from parts


def alike(one: str, other: str) -> bool:
    """Whether one of two names may be a misspelling of the other: much the same letters, one beginning
    or one end. Two cities or numbers are not alike."""
    a, b = one.casefold(), other.casefold()
    if a == b or any(c.isdigit() for c in a + b) or a.count(" ") != b.count(" "):
        return False
    if _CHINESE.search(a) and _CHINESE.search(b):
        shared = sum(x == y for x, y in zip(a, b, strict=False))
        return 2 <= len(a) <= 4 and 2 <= len(b) <= 4 and (shared > 0 or a in b or b in a)
    if not (one[:1].isupper() and other[:1].isupper()):
        return False
    if min(len(a), len(b)) > 2 and (a.startswith(b) or b.startswith(a)):
        return True
    return _distance(a, b) <= max(1, max(len(a), len(b)) // 3)


def _distance(a: str, b: str) -> int:
    """Letters to put in, leave out or change between two short words (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]
