"""By when something has to be done, and that it is done.

Owns: those patterns. Does not own: "the deadline is …" (`stores/english/attribute`).
"""

from __future__ import annotations

from collections.abc import Sequence

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled, timed, valued
from memos_cli.stores.english.pattern import WHO, claimed, match, plain_key
from memos_cli.stores.english.sentence import Sentence, capital, compiled
from memos_cli.stores.english.subject import is_number, subject
from memos_cli.stores.english.words import DONE, FINISHED, RECURRING, TO_DO, UNIQUE
from memos_cli.stores.wordlist import word_set


def deadline(s: Sentence) -> list[Claim] | None:
    """By when something has to be done. A thing with a name is one thing; of what recurs, or of "the paper",
    two deadlines may be of two."""
    found = match(rf"{WHO} (?:is|are) due (?P<when>.+)", s)
    verb, slot = found, "due"
    if not found:
        found = verb = match(rf"{WHO} (?:has|have) to be (?P<verb>{TO_DO}) (?P<when>by .+)", s)
        slot = "done" if verb and verb.group("verb") in DONE else "due"
    if not found:
        return None
    who, (to, day) = subject(found.group("s")), _due_when(found.group("when"))
    if who is None or not timed(day) or compiled(r"\b(?:every|each)\b").search(day):
        return None
    domain = _due_once(who, found.group("s"))
    made = [claimed(s, f"{who}|{slot}", Manner.STATE, value=valued(day), rest=levelled(to), domain=domain)]
    if domain != "occasion" and not to and slot == "due":
        made.append(until(s, who.split(), day, told="due"))
    return made


_FORMS = word_set("application submission bid grant call")
"""What is handed in by a deadline that is called after the rest of the name: "the Formas grant deadline"."""
_WORK = word_set("my our project course programme program study product research app house")
"""What goes on after something was handed in for it, and has a deadline of its own."""


def until(s: Sentence, words: Sequence[str], day: str, *, told: str = "", changed: bool = False) -> Claim:
    """The deadline of a thing, called "the Formas grant application" or "the Formas grant", as one matter. It may
    be another one until it is said that it was moved; `told`: how, so that what is told otherwise is no duplicate."""
    core = [word for word in words if word != "'s"]
    while len(core) > 1 and core[-1] in _FORMS and core[-2] not in _WORK:
        core.pop()
    rest = (told,) if told else ()
    key = f"{' '.join(core)}|deadline"
    return claimed(s, key, Manner.STATE, value=valued(day), rest=rest, changed=changed, domain="due?")


def _due_when(text: str) -> tuple[str, str]:
    """(to whom, when) of "at her publisher on 3 May"."""
    found = compiled(
        r"^(?:(?P<to>(?:at|with|to) (?!\d|noon|midnight).+?) )?(?:on |by |in )?(?P<day>(?:\w+day,? )?(?:\d|[A-Z]).*)$"
    ).match(text)
    return (found.group("to") or "", found.group("day")) if found else ("", text)


def _due_once(who: str, text: str) -> str:
    words = set(who.split())
    if not words.isdisjoint(RECURRING):
        return "occasion"
    named = text.split()[1:]
    return (
        "due"
        if not words.isdisjoint(UNIQUE) or any(w[0].isupper() or is_number(w) for w in named)
        else "due?"
    )


def finished(s: Sentence) -> list[Claim] | None:
    """What is done is due no more."""
    found = match(
        rf"{WHO} (?:has |have )?(?:handed in|turned in|submitted|delivered|finished|completed) (?P<what>[\w' -]+?)(?: (?:on|in|to|at) [\w' ]+)?",
        s,
    )
    if found:
        who, what = subject(found.group("s")), found.group("what")
        if who is None:
            return None
        name = "My" if who == "i" else "Our" if who == "we" else f"{found.group('s')}'s"
        thing = subject(capital(compiled(r"^(?:his|her|their|its) ").sub(f"{name} ", what)))
        return [_over(s, thing, "handed in")] if thing else None
    found = match(
        rf"{WHO} (?:is|are|has been|have been) (?P<how>{FINISHED})(?: (?:on|since|at|to) [\w' ]+)?", s
    )
    thing = subject(found.group("s")) if found else None
    if not found or not thing:
        return None
    how = found.group("how")
    return [_over(s, thing, f"be {how}" if how in DONE else "handed in")]


def _over(s: Sentence, thing: str, what: str) -> Claim:
    ended = () if s.denied else (f"{thing}|due", f"{thing}|done")
    return claimed(s, plain_key(thing, (what,)), Manner.PLAIN, ended=ended)
