"""What the patterns of Chinese claims share: their parts, how one is tried, and what a match becomes.

Owns: those. Does not own: any one matter.
"""

from __future__ import annotations

import re

from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.claims import Claim, Manner


def claimed(s: Sentence, key: str, manner: Manner, **fields: object) -> Claim:
    made = Claim(key, manner, **fields)  # type: ignore[arg-type]
    return made._replace(changed=made.changed or s.changed)


def match(pattern: str, s: Sentence) -> re.Match[str] | None:
    return compiled(f"^{pattern}$").match(s.text)


WHO = r"(?P<s>.+?)"
VALUE = r"(?P<v>[^,,的]+?)"
