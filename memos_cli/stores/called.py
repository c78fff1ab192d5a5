"""Somebody who is named with what he or she is to the speaker: "my brother Tomas", "our landlord Holm", 我弟弟小王.

Owns: telling such a name at the beginning of a text, and the text as it would stand with the name alone. Does not
own: what the text claims (`stores/claims`), nor that two who share a name are two (`stores/verdicts`).

Precision first: a role is of a person or an animal of the house; a name is one to three words with a capital, none
of them a day, a month or an abbreviation; and what follows must go on as a sentence does.
"""

from __future__ import annotations

import re
from itertools import product
from typing import NamedTuple

from memos_cli.stores.english.words import DAYS, FEW, FUNCTIONAL, MANY, MONTHS, PERSONS
from memos_cli.stores.wordlist import word_set


class Called(NamedTuple):
    """A text with the bare name, and the role that it had beside it; empty where it had none."""

    text: str
    role: str = ""


_NO_ROLE = word_set(
    "guest member client customer player passenger visitor buyer seller supplier driver employer"
)
"""Who stands before names of things as well: "our guest Wifi", "my client Acme"."""
_ROLES = (
    FEW | MANY | PERSONS
    | word_set(
        "mother father mom mum dad grandparent parent boss supervisor mentor tutor professor partner spouse girlfriend "
        "stepmother stepfather mother-in-law father-in-law fiance fiancé fiancée ex ex-wife ex-husband godmother godfather "
        "collaborator co-author coauthor postdoc advisor adviser teamlead babysitter nanny cleaner plumber electrician "
        "gardener pal buddy penpal"
    )
) - _NO_ROLE  # fmt: skip
_NO_NAME = DAYS | MONTHS.keys() | FUNCTIONAL | word_set("wifi id i and or the a an mac pc")
_NAME = r"(?:O'|Mc|Mac|De|Di|La|Le|Van|Von)?[A-ZÀ-Þ][a-zß-ÿ]+(?:-[A-ZÀ-Þ][a-zß-ÿ]+)?"
_ENGLISH = re.compile(
    r"(?P<lead>(?:[A-Z][a-z]+[:,] )?)(?:[Mm]y|[Oo]ur) (?P<role>(?:[a-z][a-z-]*,? ){0,2}?[a-zé-]+) "
    rf"(?P<title>(?:(?:Dr|Prof|Mr|Mrs|Ms)\.? )?)(?P<name>{_NAME}(?: (?:(?:de|van|von|der|da) )*{_NAME}){{0,2}})"
    r"(?P<rest>(?:'s|’s)? (?P<next>[\w'’]+).*)$",
    re.DOTALL,
)
_TITLED = re.compile(rf"(?:Dr|Prof|Mr|Mrs|Ms)\.? (?={_NAME} (?:(?:de|van|von|der|da) )*{_NAME} [a-z])")
"""A title before a first name and a surname, which are enough to know who is meant."""

_SPEAKERS = ("我", "我的", "我们", "我们的")
_AFTER = re.compile(
    r"(?:现在|已经|去年|今年|最近|上个?月)?(?:住|搬|换到|换了|跳槽|辞职|离职|调到|升|在.{2,10}(?:工作|上班|上学|读)|的)"
)
"""What follows a name: nothing is segmented, so only where one of these does is it known to end."""
_NO_CHINESE_NAME = re.compile("^[于全常连曾]|[年月日天季家夜后前间时常续]$")
_PARENTS = frozenset(("爸爸", "妈妈", "丈夫", "妻子", "老公", "老婆", "房东", "上司", "老板", "经理", "导师"))


def by_name(text: str) -> Called:
    """A text about somebody's named brother as a text about the one of that name."""
    if text.startswith("我"):
        return _chinese(text)
    if (found := _ENGLISH.match(text)) is not None and (called := _english(found)) is not None:
        return called
    return Called(_TITLED.sub("", text, count=1)) if _TITLED.match(text) else Called(text)


def _english(found: re.Match[str]) -> Called | None:
    head = found["role"].rpartition(" ")[2]
    names = found["name"].casefold().split()
    if head not in _ROLES or not _NO_NAME.isdisjoint(names):
        return None
    owning = found["rest"].startswith(("'s", "’s"))
    if not owning and (found["next"] in FUNCTIONAL or not found["next"][0].islower()):
        return None
    title = "" if len(names) > 1 else found["title"]
    return Called(f"{found['lead']}{title}{found['name']}{found['rest']}", head)


def _chinese(text: str) -> Called:
    for start, length in product((1, 2, 3), (4, 3, 2)):
        role, rest = text[start : start + length], text[start + length :]
        if text[:start] in _SPEAKERS and _is_role(role) and any(_is_name(rest, size) for size in (3, 2)):
            return Called(rest, role)
    return Called(text)


def _is_name(text: str, size: int) -> bool:
    """Whether so many characters at the beginning of a text are a name, by what follows them."""
    from memos_cli.stores.chinese.words import NAMED

    name = text[:size]
    return bool(NAMED.match(name) and not _NO_CHINESE_NAME.search(name) and _AFTER.match(text[size:]))


def _is_role(text: str) -> bool:
    from memos_cli.stores.chinese.words import FEW, MANY, PARTNER

    if text in _PARENTS:
        return True
    return any(pattern.fullmatch(text) for pattern in (FEW, MANY, PARTNER))
