"""What somebody takes of two things: prefers, switched to, only ever takes.

Owns: those patterns. Does not own: likes and dislikes (`stores/english/state`).
"""

from __future__ import annotations

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled, stem
from memos_cli.stores.english.pattern import VALUE, WHO, claimed, match, plain_key
from memos_cli.stores.english.sentence import Sentence, change_word
from memos_cli.stores.english.subject import subject
from memos_cli.stores.english.words import FUNCTIONAL
from memos_cli.stores.wordlist import word_set


def only(s: Sentence) -> list[Claim] | None:
    """ "Mira drinks only decaf": what else she drank is over, if it is meant to the letter."""
    found = match(rf"{WHO} (?P<verb>eats?|drinks?) (?:only (?P<v>[\w -]+)|(?P<last>[\w -]+) only)", s)
    what = found and levelled(found.group("v") or found.group("last"))
    who = subject(found.group("s")) if found else None
    if not found or not what or who is None or len(what) > 3 or not _NARROWED.isdisjoint(what):
        return None
    return [claimed(s, f"{who}|{stem(found.group('verb'))} only", Manner.STATE, value=what, domain="only")]


_NARROWED = word_set("in on at as with when if before after for from during without to of not")


def switched(s: Sentence) -> list[Claim] | None:
    verbs = ("use", "drink", "eat", "drive", "take", "play", "have", "prefer", "run")
    found = match(rf"{WHO} (?:have |has )?(?:switched|migrated|changed|moved) from (?P<p>.+?) to {VALUE}", s)
    if found:
        who = subject(found.group("s"))
        if who is None or who.split()[-1] in FUNCTIONAL:
            return None
        before, after = levelled(found.group("p")), levelled(found.group("v"))
        if not _NARROWED.isdisjoint((*before, *after)):
            return []  # for some purpose, or at some time of day
        keys = tuple(dict.fromkeys(plain_key(who, (stem(v), *before)) for v in verbs))
        keys += (plain_key(who, ("be", "using", *before)),)
        return [claimed(s, plain_key(who, ("switch", *after)), Manner.PLAIN, ended=keys, changed=True)]
    found = match(rf"{WHO} (?P<verb>\w+) {VALUE} instead of (?P<p>.+)", s)
    if found:
        who = subject(found.group("s"))
        changed = bool(change_word().search(found.group("v")))
        value = levelled(change_word().sub("", found.group("v")))
        if who is None or not changed:
            return []
        verb = stem(found.group("verb").casefold())
        key = plain_key(who, (verb, *value))
        return [
            claimed(
                s,
                key,
                Manner.PLAIN,
                ended=(plain_key(who, (verb, *levelled(found.group("p")))),),
                changed=True,
            )
        ]
    return None


def prefers(s: Sentence) -> list[Claim] | None:
    found = match(rf"{WHO} prefers? {VALUE} (?:to|over) (?P<o>[^,]+?)", s)
    if found and (who := subject(found.group("s"))):
        one, other = levelled(found.group("v")), levelled(found.group("o"))
        pair = " / ".join(sorted((" ".join(one), " ".join(other))))
        return [claimed(s, f"{who}|prefer {pair}", Manner.STATE, value=one, domain="choice")]
    found = match(rf"{WHO} (?:is|are|am) (?P<c>\w+er|more \w+|less \w+) than {VALUE}", s)
    if found and (who := subject(found.group("s"))):
        pair = " / ".join(sorted((who, " ".join(levelled(found.group("v"))))))
        return [
            claimed(s, f"{found.group('c')} {pair}", Manner.STATE, value=tuple(who.split()), domain="choice")
        ]
    return None
