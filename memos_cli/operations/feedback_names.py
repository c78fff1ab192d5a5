"""In which of the places where a name stands it is that name, and in which a part of another one.

Owns: which memories mean the name, and the texts that show two people. Does not own: the edges of names
(`name_edges`), the words of a change (`wording`), nor what is done with what is not clear (`feedback_replacing`).

Precision comes first: a place is taken for the name only where what stands beside it says so. "Ann Marie"
is somebody else than "Ann", "李娜娜" somebody else than "李娜", and a text with both "Pete" and "Peter" tells
of two people, one of whom is not the other misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from memos_cli.operations.feedback_targets import said_by
from memos_cli.operations.name_edges import is_another, longer_names, may_be_longer
from memos_cli.operations.wording import found_in, holds, replaced
from memos_cli.schema import MemoryItem

_SENTENCE = re.compile(r"(?<=[.!?;。！？；])\s*")


@dataclass
class Sifted:
    """Memories by whether a name in them is the one that is meant."""

    meant: list[MemoryItem] = field(default_factory=list)
    inside: list[MemoryItem] = field(default_factory=list)
    """It is, or may be, a part of another name there, in one place at least."""
    both: list[MemoryItem] = field(default_factory=list)
    """They hold the right name beside the wrong one."""
    kept: tuple[str, ...] = ()
    """The longer names, which stay as they are wherever they stand."""


def sift(items: Sequence[MemoryItem], wrong: str, right: str) -> Sifted:
    """Which of the memories that hold a name mean it.

    A name of several words ("Anna Kowalski") counts as the name that is wrong ("Anna") only where it is
    misspelt (Anna, Anne), it is the only one that the memories show, its other word makes no double first
    name ("Ann Marie"), and no sentence has it beside the bare name: then the bare name, if the cube has it,
    is taken for the same person, and both are put right. In every other case it is left alone.
    """
    sifted = Sifted(kept=_kept(items, wrong, right))
    for item in items:
        if _both(item.memory, wrong, right):
            sifted.both.append(item)
            continue
        if any(holds(label, wrong) and any(holds(label, k) for k in sifted.kept) for label in _labels(item)):
            sifted.inside.append(item)
        if _rewritten(item, wrong, right, sifted.kept):
            sifted.meant.append(item)
    return sifted


def says_already(item: MemoryItem, wrong: str, right: str) -> bool:
    """Whether the wrong name stands in the text only as a part of the right one ("Ann" in "Ann Marie")."""
    text = item.memory
    return holds(text, right) and holds(right, wrong) and not holds(replaced(text, right, "\0"), wrong)


def _rewritten(item: MemoryItem, wrong: str, right: str, kept: Sequence[str]) -> bool:
    texts = [item.memory, item.key or "", (item.speaker or "") if said_by(item, wrong) else ""]
    return any(replaced(text, wrong, right, kept=kept) != text for text in texts)


def _both(text: str, wrong: str, right: str) -> bool:
    """Whether a text holds both of two words, each by itself and not as a part of the other."""
    longer, shorter = sorted((wrong, right), key=len, reverse=True)
    return holds(text, longer) and holds(replaced(text, longer, "\0"), shorter)


def _labels(item: MemoryItem) -> list[str]:
    return [item.memory, *filter(None, (item.key, item.speaker, item.topic)), *item.tags]


def _kept(items: Sequence[MemoryItem], wrong: str, right: str) -> tuple[str, ...]:
    """The longer names that the memories show, the full name of who is meant aside."""
    labels = [label for item in items for label in _labels(item)]
    found: set[str] = set()
    for label in labels:
        found |= longer_names(label, wrong, right, found_in(label, wrong))
    titles = {label for item in items for label in _labels(item)[1:]}
    found |= {title for title in titles if may_be_longer(title, wrong)}
    if len({name.casefold() for name in found}) == 1:
        (name, *_) = found
        beside = any(_beside(item.memory, name, wrong) for item in items)
        if not beside and not is_another(name, wrong, right):
            found.clear()
    # Where the right name is the longer one, it stands there already.
    return tuple(sorted(found | ({right} if holds(right, wrong) else set())))


def _beside(text: str, name: str, wrong: str) -> bool:
    """Whether one sentence tells of the bearer of a full name and of the bare one."""
    return any(
        holds(sentence, name) and holds(replaced(sentence, name, "\0"), wrong)
        for sentence in _SENTENCE.split(text)
    )
