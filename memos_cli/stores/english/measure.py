"""How old, how heavy, how dear, how many: "the ticket costs 40 euros", "Anna has two cats".

Owns: those patterns. Does not own: attributes that are named ("the price of the ticket", `stores/english/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.attribute import attribute_of
from memos_cli.stores.english.levels import levelled, stem
from memos_cli.stores.english.pattern import WHO, claimed, match
from memos_cli.stores.english.sentence import Sentence, any_of
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import CURRENCIES, NUMBERS


def measured(s: Sentence) -> list[Claim] | None:
    number = r"(?P<n>\d+(?:[.,]\d+)?|" + any_of(tuple(NUMBERS)) + r"|twenty-\w+|thirty-\w+|forty-\w+)"
    if found := match(
        rf"{WHO} (?P<be>is|am|are|turned|has turned) {number}(?P<years> years? old| years? of age)?", s
    ):
        who = subject(found.group("s"))
        if who is None or (
            found.group("s").casefold().startswith(("the ", "my ", "our ")) and not found.group("years")
        ):
            return None
        return [claimed(s, f"{who}|age", Manner.STATE, value=levelled(found.group("n")), domain="moves")]
    unit = r"(?P<u>[$€£¥]?)(?P<n>\d[\d.,]*) ?(?P<u2>[$€£¥%]|(?!(?:an?|per|each|every) )[\w ]+?)?(?: ?(?:an?|per|each|every) (?P<per>\w+))?"
    if found := match(
        rf"{WHO} (?P<verb>costs?|weighs?|is worth|(?:is|am|are) priced at|went up to|rose to|dropped to|fell to) {unit}(?P<tall> tall| long| high)?",
        s,
    ):
        who = subject(found.group("s"))
        if who is None:
            return []
        verb, measure = found.group("verb"), (found.group("u") or found.group("u2") or "").strip().casefold()
        if verb in ("went up to", "rose to", "dropped to", "fell to"):
            return attribute_of(
                s,
                found.group("s"),
                found.group("u") + found.group("n") + " " + (found.group("u2") or ""),
                changed=True,
            )
        slot = "weight" if verb.startswith("weigh") else "price"
        if len(measure.split()) > 1:
            return []
        if slot == "price":
            measure = f"{CURRENCIES.get(measure, measure)} {found.group('per') or ''}".strip()
        return [
            claimed(
                s,
                f"{who}|{slot}",
                Manner.STATE,
                value=(found.group("n"), measure),
                domain="price" if slot == "price" else "number",
            )
        ]
    if found := match(rf"{WHO} (?:is|am) (?P<n>\d[\d.,]*) ?(?P<u>cm|m|feet|meters|metres) tall", s):
        who = subject(found.group("s"))
        return (
            [claimed(s, f"{who}|height", Manner.STATE, value=(found.group("n"), found.group("u")))]
            if who
            else []
        )
    if found := match(
        rf"{WHO} (?P<verb>runs?(?: on)?|uses?|is running|are running) (?P<v>[A-Z][\w ]*? \d[\w.]*)", s
    ):
        who = subject(found.group("s"))
        name, _, number_ = found.group("v").rpartition(" ")
        return (
            [
                claimed(
                    s,
                    f"{who}|runs {' '.join(levelled(name))}",
                    Manner.STATE,
                    value=levelled(number_),
                    domain="moves",
                )
            ]
            if who
            else []
        )
    return None


def has_of(s: Sentence) -> list[Claim] | None:
    """ "Bed three has a pH of 5.4"."""
    found = match(
        rf"{WHO} (?:has|have) an? (?P<what>[\w ]+?) of (?P<u>[$€£]?)(?P<n>\d[\d.,:/]*) ?(?P<u2>[\w%€£$°]*)", s
    )
    if not found or subject(found.group("s")) is None:
        return None
    number, unit = found.group("n"), (found.group("u") or found.group("u2")).casefold()
    made = attribute_of(s, f"{found.group('s')}'s {found.group('what')}", number)
    value = (number, CURRENCIES.get(unit, unit)) if unit else (number,)
    return made and [claim._replace(value=value, domain="number") for claim in made]


def counted(s: Sentence) -> list[Claim] | None:
    number = r"(?P<n>\d+|" + any_of(tuple(NUMBERS)) + ")"
    found = match(
        rf"{WHO} (?:has|have|owns?) {number} (?P<what>\w+(?: \w+)?s|children|people|employees|sheep|fish|mice)",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or found.group("n") in ("one", "1"):
        return []
    what = " ".join(stem(w) for w in levelled(found.group("what")))
    return [
        claimed(s, f"{who}|count {what}", Manner.STATE, value=levelled(found.group("n")), domain="number")
    ]
