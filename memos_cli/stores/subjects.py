"""What a learned preference is about, and whose it is: what makes two of them the same or opposite.

Owns: the words of a topic, the owner, and the number by which the keyword index finds preferences on the
same subject. Does not own: what a new one does to the one that is held (`operations/preferences`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from memos_cli.schema import MemoryItem, Visibility
from memos_cli.stores import analysis
from memos_cli.stores.facts import number_of

Owner = tuple[str | None, ...]


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """The words of a topic as the index knows them; the text itself where it has none."""
    return frozenset(analysis.parse(text.replace('"', " ")).terms) or frozenset({text.casefold()})


def narrows(topic: str, wider: str) -> bool:
    """Whether a topic is a kind of another one: its head is named there, and all of that in it ("strong filter
    coffee in the morning" is coffee, a coffee table is not)."""
    if _CHINESE.search(wider):
        return len(wider) > 1 and topic.endswith(wider)
    head = _ASIDE.split(_MEASURE.sub("", topic.strip()), maxsplit=1)[0].split()
    wanted = stems(wider)
    return bool(head) and stems(head[-1]) <= wanted and wanted <= stems(" ".join(head))


_CHINESE = re.compile("[\u4e00-\u9fff]")
_MEASURE = re.compile(
    r"^(?:(?:a|an|my|the) )?(?:\w+ )?(?:cups?|mugs?|glass(?:es)?|bottles?|kinds?|sorts?) of ", re.IGNORECASE
)
_ASIDE = re.compile(
    r" (?:in|at|with|on|for|from|after|before|by|to|when|without|than|over|of)\b", re.IGNORECASE
)
"""What begins a detail of a topic."""


def owner_of(item: MemoryItem) -> Owner:
    """Whose it is: a speaker's, among the memories of one user and agent."""
    session = item.session_id if item.visibility is Visibility.SESSION else None
    return item.user_id, item.agent_id, (item.speaker or "").casefold(), str(item.visibility), session


def about(item: MemoryItem) -> tuple[str, frozenset[str]]:
    """What it is about: the slot of a favourite (a person has one of each), else its topic."""
    if slot := item.info.get("slot"):
        return "favourite", stems(str(slot))
    return "topic", stems(item.topic or item.memory)


def subject_of(item: MemoryItem) -> str:
    """The owner and what it is about, as a number in hexadecimal digits."""
    kind, words = about(item)
    named = [*(part or "" for part in owner_of(item)), kind, *sorted(words)]
    return f"{number_of(chr(0).join(named)):x}"
