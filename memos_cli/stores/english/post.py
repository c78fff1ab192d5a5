"""Who holds a post that one person holds.

Owns: that pattern. Does not own: somebody's trade (`stores/english/occupation`).
"""

from __future__ import annotations

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.attribute import is_name
from memos_cli.stores.english.levels import levelled
from memos_cli.stores.english.pattern import claimed, match
from memos_cli.stores.english.sentence import Sentence, any_of, capital
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import HOLDERS, ONCE


def holder(s: Sentence) -> list[Claim] | None:
    """Who holds a post that one person holds: "Mrs Van Damme is the chair of the association"."""
    post = rf"(?P<post>(?:(?:new|current|present) )?(?:managing |general |prime |executive )?(?:{any_of(tuple(sorted(HOLDERS)))}))"
    found = match(rf"(?P<v>[\w' .&-]+?) is (?P<no>not )?the {post} of (?P<body>[\w' .&-]+)", s)
    if not found:
        found = match(rf"[Tt]he {post} of (?P<body>[\w' .&-]+?) is (?P<no>not )?(?P<v>[\w' .&-]+)", s)
    if not found or not is_name(found.group("v")):
        return None
    body = subject(capital(found.group("body")))
    if body is None or subject(found.group("v")) is None or body.split()[-1] in ONCE:
        return None
    words = found.group("post").split()
    fresh = words[0] == "new"
    post = " ".join(words[words[0] in ("new", "current", "present") :])
    return [
        claimed(
            s, f"{' '.join(levelled(body))} {post}", Manner.STATE, value=levelled(found.group("v")),
            positive=not found.group("no"), changed=fresh,
        )
    ]  # fmt: skip
