"""One number in place of another, with its unit once: "40 euros" or "€40" or "40" for the 35 of "35 euros".

Owns: which unit a number has, and which unit stands there afterwards. Does not own: which number is meant
(`wording`). Nothing is converted: another unit is another amount.
"""

from __future__ import annotations

import re

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_UNIT = rf"[$€£¥%℃°]|[{_HAN}]{{1,2}}|[A-Za-z]+(?: [a-z]+){{0,2}}"
_AMOUNT = re.compile(rf"(?P<sign>[$€£¥])?\s?(?P<number>\d+(?:[.,:]\d+)*)(?P<unit>[\s-]?(?:{_UNIT}))?")
_CURRENCIES = (
    ("€", "euro", "euros", "eur", "欧元"),
    ("$", "dollar", "dollars", "usd", "buck", "bucks", "美元"),
    ("£", "pound", "pounds", "gbp", "quid", "英镑"),
    ("¥", "元", "块", "块钱", "yuan", "rmb", "yen", "日元"),
)
_MEASURES = (
    ("%", "percent", "per cent", "pct"),
    ("km", "kilometre", "kilometres", "kilometer", "kilometers", "公里", "千米"),
    ("m", "metre", "metres", "meter", "meters", "米"),
    ("kg", "kilo", "kilos", "kilogram", "kilograms", "公斤", "千克"),
    ("min", "mins", "minute", "minutes", "分钟"),
    ("h", "hr", "hrs", "hour", "hours", "小时"),
)
_UNITS = {name: names[0] for names in (*_CURRENCIES, *_MEASURES) for name in names}
_SIGNS = frozenset(names[0] for names in _CURRENCIES)
_WORDS = (
    "a an the in on at to from for of by with now currently it that this is are was were am be been per each every or if as"
    " but when and not until before after instead so then"
)
_AFTER = frozenset(_WORDS.split())
"""Words after a number that it does not count."""


def are_amounts(found: str, right: str) -> bool:
    """Whether both are a number, with or without what it counts."""
    return bool(_AMOUNT.fullmatch(found) and _AMOUNT.fullmatch(right))


def exchanged(found: str, right: str, before: str, after: str) -> tuple[str, int] | None:
    """What stands in place of the amount `found` between `before` and `after`, and how many characters of
    `after` go with it; None where what is counted there is something else."""
    said, there = _AMOUNT.fullmatch(right), _AMOUNT.fullmatch(found)
    assert said is not None
    assert there is not None
    unit = _unit(said["sign"] or said["unit"])
    if not unit:  # "40" for "35 euros"
        return f"{there['sign'] or ''}{said['number']}{there['unit'] or ''}", 0
    if there["sign"] or there["unit"]:
        return right, 0
    if _unit(before.rstrip()[-1:]) in _SIGNS:
        return (said["number"], 0) if _unit(before.rstrip()[-1:]) == unit else None
    follows = _following(after)
    if any(_unit(after[:size]) == unit for size in follows):
        return said["number"], 0
    if unit in _SIGNS and (size := next((n for n in follows if _unit(after[:n]) in _SIGNS), 0)):
        return right, size
    word = re.match(r"[ -]([A-Za-z]+)", after)
    return (right, 0) if word is None or word[1].lower() in _AFTER else None


def _following(after: str) -> list[int]:
    """Where a unit that stands after a number may end."""
    word = re.match(r"[\s-]?[A-Za-z]+(?: [a-z]+)?", after)
    ends = [m.end() for m in re.finditer(r"[A-Za-z](?![A-Za-z])", word.group())] if word else []
    return ends or [n for n in (1, 2, 3) if n <= len(after) and after[n - 1].strip()]


def _unit(words: str | None) -> str:
    """A unit, the same for each way to write it; empty: there is none."""
    plain = (words or "").strip(" -").lower()
    return _UNITS.get(plain) or (plain.removesuffix("s") if plain.isascii() else plain)
