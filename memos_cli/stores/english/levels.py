"""English words as they are compared: case, articles, spelling and endings off; dates in one order.

Owns: that levelling. Does not own: the lists of words (`stores/english/words`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from memos_cli.stores.english.sentence import compiled
from memos_cli.stores.english.words import ARTICLES, DAYS, IRREGULAR, MONTHS, NUMBERS, SYNONYMS


def levelled(text: str) -> tuple[str, ...]:
    """Words of a name, value or detail as they are compared."""
    out = []
    for word in compiled(r"[^\W_][\w.,:/@+#&'-]*|[$€£¥%]").findall(text):
        low = word.casefold().strip(".,:'-")
        if low.endswith("'s"):
            out += [SYNONYMS.get(low[:-2], low[:-2]), "'s"]
            continue
        if low in ARTICLES or not low:
            continue
        if ordinal := compiled(r"^(\d+)(?:st|nd|rd|th)$").match(low):
            low = ordinal.group(1)
        out.append(SYNONYMS.get(low, NUMBERS.get(low, low)))
    return tuple(out)


def valued(text: str) -> tuple[str, ...]:
    """A value: as `levelled`, a date's parts in one order and its months as numbers."""
    if not text:
        return ()
    text = compiled(r"^(?:on|at|by|from|in) ").sub("", text)
    words = levelled(text) or (text.casefold(),)
    if any(w in MONTHS for w in words) and any(w.isdigit() for w in words):
        return tuple(sorted(MONTHS.get(w, w) for w in words if w not in ("of", "on")))
    return words


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A verb or noun without its ending, alike for smoke, smokes and smoking."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("ing") and re.search("[aeiouy]", word[:-3]):
        word = word[:-3]
    elif word.endswith(("ies", "es", "s")) and not word.endswith("ss") and len(word) > 3:
        word = re.sub("(?:ies|(?<=[csxzho])es|s)$", "", word)
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl"
    return word[:-1] if doubled else re.sub("(?<=..)[ey]$", "", word)


def timed(text: str) -> bool:
    words = levelled(text)
    dated = any(w in MONTHS for w in words) and any(w.isdigit() for w in words)
    return (
        dated
        or any(w in DAYS for w in words)
        or bool(compiled(r"\d(?::\d\d)? ?(?:am|pm)\b|\d:\d\d").search(text))
    )
