"""What the patterns of Chinese claims share: their parts, how one is tried, and what a match becomes.

Owns: those. Does not own: any one matter.
"""

from __future__ import annotations

import re

from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import among
from memos_cli.stores.claims import Claim, Manner


def claimed(s: Sentence, key: str, manner: Manner, *, who: str = "", **fields: object) -> Claim:
    made = Claim(key, manner, among=among(who or _bearer(key), key), **fields)  # type: ignore[arg-type]
    return made._replace(changed=made.changed or s.changed)


def _bearer(key: str) -> str:
    """Of whom a claim is, as far as its key parts that from the matter."""
    who, parted, _ = key.partition("|")
    return who if parted else who.rpartition("的")[0]


def match(pattern: str, s: Sentence) -> re.Match[str] | None:
    return compiled(f"^{pattern}$").match(s.text)


WHO = r"(?P<s>.+?)"
VALUE = r"(?P<v>[^,,的]+?)"
