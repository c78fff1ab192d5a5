"""Whether something is so or not: any other plain statement, by its verb and the words behind it.

Owns: reading such a statement, its denial, and its beginning or end. Does not own: statements whose value is one of
many (the other files of this folder).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english.levels import levelled, stem
from memos_cli.stores.english.pattern import claimed, match, plain_key
from memos_cli.stores.english.sentence import Sentence, compiled
from memos_cli.stores.english.subject import longest_subject, subject
from memos_cli.stores.english.words import DAYS, FREQUENCY, ILLS, LIKES, MOMENTARY, OPPOSITES, PAST, STATES
from memos_cli.stores.hints import lacks
from memos_cli.stores.wordlist import word_set


def plain(s: Sentence) -> Iterator[Claim]:
    found = None
    if not lacks(s.words, _QUIT_HINTS):
        found = match(
            r"(?P<s>.+?) (?:have |has )?(?P<q>quit|stopped|gave up|given up) (?P<ing>\w+ing)(?P<o>(?: .+)?)",
            s,
        )
    if found:
        if who := subject(found.group("s")):
            yield from _stated(s, who, found.group("ing"), found.group("o"), positive=False, changed=True)
        return
    if not lacks(s.words, _BEGUN_HINTS):
        found = match(
            r"(?P<s>.+?) (?:have |has )?(?P<q>started|began|taken up|took up) (?P<ing>\w+ing)(?P<o>(?: .+)?)",
            s,
        )
    if found:
        if who := subject(found.group("s")):
            yield from _stated(s, who, found.group("ing"), found.group("o"), positive=True, changed=True)
        return
    longest = longest_subject(s.text)
    for place in compiled(r" ").finditer(s.text):
        head = s.text[: place.start()]
        if len(head.split()) > longest:
            return
        who = subject(head)
        if who is None:
            continue
        predicate = s.text[place.end() :]
        if made := _predicate(s, who, predicate):
            yield from made
            return


_QUIT_HINTS = word_set("quit stopped gave given")
_BEGUN_HINTS = word_set("started began taken took")


def _predicate(s: Sentence, who: str, text: str) -> list[Claim]:
    verb = text.partition(" ")[0]
    if verb in ("is", "am", "are", "has", "have", "can") and (
        found := compiled(r"^(?P<v>is|am|are|has|have|can)(?P<no> not| never)? (?P<o>.+)$").match(text)
    ):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=not found.group("no")))
    if verb in ("do", "does") and (
        found := compiled(r"^(?:do|does) not (?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)
    ):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=False))
    if verb == "never" and (found := compiled(r"^never (?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=False))
    found = compiled(r"^(?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)
    if not found:
        return []
    verb = found.group("v")
    third = who not in ("i", "we")
    if (third and not s.denied and not verb.endswith("s")) or verb in PAST or verb.endswith(("ed", "ly")):
        return []
    if verb in ("not", "no", "and") or (not third and verb.endswith("s") and not verb.endswith("ss")):
        return []
    return list(_stated(s, who, verb, found.group("o"), positive=True))


@cache
def _likes() -> dict[str, str]:
    """By the stem of a verb: what it says of a liking."""
    return {stem(verb): feeling for verb, feeling in LIKES.items()}


def _liked(
    s: Sentence,
    who: str,
    what: list[str],
    feeling: str,
    how: tuple[str, ...],
    *,
    positive: bool,
    changed: bool,
) -> Iterator[Claim]:
    good = feeling in ("like", "love")
    if not good and not positive:
        return  # not to hate is not to like
    degree = () if feeling in ("like", "dislike") else (feeling,)
    key = plain_key(who, ("like", *what))
    yield claimed(s, key, Manner.PLAIN, positive=positive and good, rest=degree + how, changed=changed)


def _stated(
    s: Sentence, who: str, verb: str, rest: str, *, positive: bool, changed: bool = False
) -> Iterator[Claim]:
    verb, rest = verb.casefold(), rest.strip()
    how: tuple[str, ...] = ()
    if often := FREQUENCY.match(rest):
        rest, how = often.group("core"), levelled(often.group("how"))
    words = list(levelled(rest))
    if words and words[0] in ("not", "never", "no", "any"):
        if words[0] != "any":
            positive = not positive
        words = words[1:]
    words = [w for w in words if w != "any"]
    if any(
        w
        in (
            "not",
            "never",
            "no",
            "nothing",
            "nobody",
            "none",
            "without",
            "hardly",
            "very",
            "quite",
            "so",
            "much",
        )
        for w in words
    ):
        return
    base = stem(verb)
    if verb == "can" and words[:1] == ["stand"]:  # "can not stand", which is stronger than to dislike
        yield (
            claimed(s, plain_key(who, ("like", *words[1:])), Manner.PLAIN, positive=False, rest=("hate",))
            if not positive
            else claimed(s, plain_key(who, ("can", *words)), Manner.PLAIN)
        )
        return
    if base in _likes():
        yield from _liked(s, who, words, _likes()[base], how, positive=positive, changed=changed)
        return
    if base == "be" and words:
        if len(words) > 1 and words[0] in ("allergic",):
            words = ["allergic", *(stem(w) for w in words[1:] if w != "to")]
        if words[0] in ("turned", "switched") and words[1:2] in (["on"], ["off"]):
            words = words[1:]
        if (
            words[0] in OPPOSITES
            and (words[0] != "off" or len(words) == 1)
            and (opposite := OPPOSITES[words[0]])
        ):
            changed |= words[0] in ("fixed", "resolved")
            words, positive = [opposite, *words[1:]], not positive
        words = [w for w in words if w != "located"] or words
    if base == "have" and len(words) == 2 and words[1] == "allergy":
        base, words = "be", ["allergic", stem(words[0])]
    if not words and base in ("be", "have", "can", "do"):
        return
    if base in ("eat", "drink") and positive and not how and len(words) <= 3 and not s.denied:
        yield claimed(s, f"{who}|{base} only", Manner.STATE, value=tuple(words), domain="any")
    yield claimed(
        s,
        plain_key(who, (base, *words)),
        Manner.PLAIN,
        positive=positive,
        rest=how,
        changed=changed,
        brief=_is_brief(base, words),
    )


def _is_brief(base: str, words: list[str]) -> bool:
    """Whether it is so for an hour or a day: its denial may be of another one."""
    if base == "have":
        return words[-1] in ILLS
    if base != "be" or any(word.removesuffix("s") in DAYS for word in words):
        return False
    return words[0] in MOMENTARY or words[0] in STATES or words[0] in ("in", "at", "on", "with")
