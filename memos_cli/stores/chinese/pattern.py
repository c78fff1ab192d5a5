"""What the patterns of Chinese claims share: their parts, how one is tried, and what a match becomes.

Owns: those. Does not own: any one matter.
"""

from __future__ import annotations

import re

from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import among
from memos_cli.stores.claims import Claim, Manner


def claimed(s: Sentence, key: str, manner: Manner, **fields: object) -> Claim:
    who = str(fields.pop("who", "")) or key.partition("|")[0].rpartition("的")[0] or key.partition("|")[0]
    made = Claim(key, manner, among=among(who), **fields)  # type: ignore[arg-type]
    return made._replace(changed=made.changed or s.changed)


def match(pattern: str, s: Sentence) -> re.Match[str] | None:
    return compiled(f"^{pattern}$").match(s.text)


WHO = r"(?P<s>.+?)"
VALUE = r"(?P<v>[^,,的]+?)"
