"""Of whom a Chinese sentence speaks, if of somebody or something definite.

Owns: that question. Does not own: where a sentence has its subject: a pattern finds its verb.
"""

from __future__ import annotations

from memos_cli.stores.chinese.sentence import compiled
from memos_cli.stores.chinese.words import FEW, MANY, NOBODY, PARTNER, SEVERAL, TIMED_SUBJECT
from memos_cli.stores.claims import Among


def among(who: str, key: str) -> Among:
    """Of how many a subject may be one (我表哥, 客户), or the matter of a claim with that key (我的邮箱)."""
    if MANY.search(who) and not PARTNER.search(who):
        return Among.MANY
    return Among.FEW if FEW.search(who) or key.endswith(SEVERAL) else Among.ONE


def subject(text: str) -> str | None:
    """A definite subject; None for pronouns without bearer, for anybody, and for what is more than one."""
    text = (
        text.removesuffix("的").removesuffix("家")
        if text in ("我的", "我家", "我们家")
        else text.removesuffix("的")
    )
    if (
        not 1 <= len(text) <= 10
        or text.isdigit()
        or NOBODY.search(text)
        or TIMED_SUBJECT.search(text)
        or compiled("[不说问他她它想听讲让请]").search(text)
    ):
        return None
    return text
