"""Words in a text put in place of others: whole words, in their case, and only where it is clear which.

Owns: what counts as a whole word, how a replacement keeps case, and which words of a statement take the
place of those that it says are wrong. Does not own: which memories are meant (`feedback_rules`), nor the
units of numbers (`amounts`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from memos_cli.operations.amounts import are_amounts, exchanged
from memos_cli.operations.name_edges import is_another, longer_names
from memos_cli.stores.english.words import FUNCTIONAL
from memos_cli.stores.nearness import canonical, normalized

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LETTER = "A-Za-z0-9_\u00c0-\u024f\u0370-\u04ff"
_CHINESE = re.compile(f"[{_HAN}]")
_TOKEN = re.compile(rf"[{_LETTER}]+(?:[.:'’@/-][{_LETTER}]+)*|[{_HAN}]|[$€£¥%#]")
_EDGE = "is are was were am be been called named the a an in on at to from for of by with now actually really"
_EMPTY = frozenset(f"{_EDGE} currently it that this also still just and my our i we you he she they".split())
"""English words at the edge of a value that are no part of it."""
_EMPTY_CHINESE = re.compile("(?<!自)由(?!于)|现在|已经|目前|其实|应该|应当|如今|才")
_COPULA = re.compile("(?:.*)(?:是在|是对|是|住在|在|叫做?|从|为|用|对|姓|改到|等于)(?P<tail>.+)")
_TIGHT = rf"(?<![{_LETTER}])(?<![{_LETTER}][@/.\-])(?<!@){{words}}(?![{_LETTER}])(?![@/\-][{_LETTER}])(?!\.[{_LETTER}])"
"""Not inside a longer word, a double name, an address or a file's name."""


@lru_cache(maxsize=256)
def _pattern(words: str) -> re.Pattern[str]:
    plain = r"\s+".join(re.escape(word) for word in words.split())
    loose = plain if _CHINESE.search(words) else _TIGHT.format(words=plain)
    return re.compile(loose, re.IGNORECASE)


def holds(text: str, words: str) -> bool:
    """Whether the words stand in the text as whole words, in any case."""
    return bool(words.split()) and bool(_pattern(words).search(text))


def found_in(text: str, words: str) -> list[tuple[int, int]]:
    """Where the words stand in the text as whole words, in any case."""
    return [m.span() for m in _pattern(words).finditer(text)] if words.split() else []


def replaced(text: str, wrong: str, right: str, *, trim: bool = False, kept: Sequence[str] = ()) -> str:
    """The text with every `wrong` as `right`, in the case that stands there, except within one of the longer
    names `kept`; with `trim`, words and units that `right` has and that stand beside it anyway stand once
    (每周一上线 for 每周四 in 每周四上线, "40 euros" for "35" in "35 euros")."""
    own = [span for name in kept for span in found_in(text, name)]
    whole, at = "", 0
    for start, end in found_in(text, wrong):
        if any(a <= start and end <= b for a, b in own):
            continue
        word = _in_case(text[start:end], wrong, right)
        if trim:
            word, end = _once(word, text[start:end], text[at:start], text[end:], end)
        whole += text[at:start] + word
        at = end
    return whole + text[at:]


def _once(word: str, found: str, before: str, after: str, end: int) -> tuple[str, int]:
    """A replacement without what stands before or after it anyway, and where the text goes on."""
    if are_amounts(found, word):
        amount = exchanged(found, word, before, after)
        return (amount[0], end + amount[1]) if amount else (found, end)
    if _CHINESE.search(found):
        shared = (n for n in range(min(len(word) - 1, len(after)), 1, -1) if word.endswith(after[:n]))
        return word[: len(word) - next(shared, 0)], end
    return _unrepeated(word, found, before, after), end


def _unrepeated(word: str, found: str, before: str, after: str) -> str:
    """English words without those at their edges that stand there anyway: "Acme Berlin" in "works at
    Siemens Berlin"."""
    words, old = word.split(), found.split()
    follow, lead = (re.findall(r"[^\s.,;:!?]+", side) for side in (after, before))
    touching = after[:1] == " "
    for size in range(len(words) - 1 if touching else 0, 0, -1):
        if words[-size:] == follow[:size] and old[-size:] != words[-size:]:
            words = words[:-size]
            break
    for size in range(len(words) - 1 if before[-1:] == " " else 0, 0, -1):
        if words[:size] == lead[-size:] and old[:size] != words[:size]:
            words = words[size:]
            break
    return " ".join(words) if len(words) < len(word.split()) else word


def affirmed(text: str, said: str) -> str | None:
    """The text without its denial, where that is what a Chinese statement says; None: it is something else."""
    if not _CHINESE.search(said):
        return None
    for found in _DENIAL.finditer(text):
        without = text[: found.start()] + text[found.end() :]
        if _bare_claim(without) == _bare_claim(said):
            return without
    return None


_DENIAL = re.compile("从来不|并不|从不|不(?=[^是])|没有?(?=[^了])")
_PADDING = re.compile("其实|确实|真的|[用户我的是很挺蛮。,，!！ ]|用户")


def _bare_claim(text: str) -> str:
    return _PADDING.sub("", text)


def denied(text: str, said: str) -> bool:
    """Whether a statement says of just what the text says that it is not so."""
    if _CHINESE.search(said):
        return affirmed(said, text) is not None
    found = _NEGATED.search(said)
    if found is None:
        return False
    plain = f"{said[: found.start()]} {said[found.end() :]}"
    ours, theirs = ([_level(w) for w in _TOKEN.findall(one)] for one in (plain, text))
    return len(ours) > 2 and ours == theirs


_NEGATED = re.compile(r"\b(?:do|does)(?:n['’]t| not)\b", re.IGNORECASE)


def named_in(said: str, wrong: str) -> bool:
    """Whether a statement tells what something is called, in place of a name."""
    if _CHINESE.search(said):
        return bool(re.search("叫做?|名字是", said)) and len(wrong) > 1
    return bool(re.search(r"\b(?:called|named)\b", said)) and wrong[:1].isupper()


def _in_case(found: str, wrong: str, right: str) -> str:
    if found == wrong:
        return right
    if len(found) > 1 and found.isupper():
        return right.upper()
    if found.islower():
        return right.lower()
    return right[:1].upper() + right[1:] if found[:1].isupper() else right


def swapped(text: str, said: str, wrong: str, frame: float = 0.0) -> str | None:
    """The text with the words of the statement `said` that stand for `wrong` there; None: not clear which,
    or the text knows less than the share `frame` of the statement's other words, of which there must be some.

    "We meet on Tuesdays at 10." with "We meet on Wednesdays", not "Tuesdays": "We meet on Wednesdays at 10."
    """
    places = list(_pattern(wrong).finditer(text)) if wrong.split() else []
    if len(places) != 1:
        return None
    right = _value(text, said, places[0])
    if right is None or normalized(right) == normalized(wrong):
        return None
    rest = said.replace(right, " ", 1)
    if frame and (shares(text, _subject_of(rest)) < frame or len(_CHINESE.findall(rest)) == 1):
        return None
    start, end = places[0].span()
    if _other_person(text, said, wrong, right, (start, end)):
        return None
    if are_amounts(text[start:end], right):
        amount = exchanged(text[start:end], right, text[:start], text[end:])
        if amount is None:
            return None
        right, end = amount[0], end + amount[1]
    return put(text, (start, end), right)


def _subject_of(frame: str) -> str:
    """What is left of a statement without its value, the attribute aside where it names one of something: the
    memory that holds the old value may say it in other words ("Erik's last name is …", "Erik Lundgren reads")."""
    for pattern in (_ATTRIBUTE, _ATTRIBUTE_OF):
        found = pattern.fullmatch(frame.strip())
        if found and _level(found["head"]) in _NAMED_OF and meaningful(found["of"]):
            return found["of"]
    return frame


_NAMED_OF = FUNCTIONAL | {"day", "year", "month", "subject"}
_BE = r"(?:is|are|was|were|will be|should be|must be)(?: (?:on|at|in|now|actually))*"
_KIND_OF = r"(?:(?:last|first|family|maiden|middle|full|given|due|start|end|new|phone) )?"
_ATTRIBUTE = re.compile(rf"(?P<of>.+?(?:['’]s?)?) {_KIND_OF}(?P<head>[\w-]+) {_BE}", re.IGNORECASE)
_ATTRIBUTE_OF = re.compile(
    rf"(?:the )?(?:[\w-]+ )?(?P<head>[\w-]+) (?:of|for) (?P<of>.+) {_BE}", re.IGNORECASE
)


def overfull(before: str, after: str) -> bool:
    """Whether what a text says in place of what it said is more than a value: a finite verb that was not
    there, or words of its own subject again."""
    old, new = ([*one] if _CHINESE.search(one) else one.split() for one in (before, after))
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    was, put_in = old[head : len(old) - tail], new[head : len(new) - tail]
    if _CHINESE.search(after):
        return bool(_SAYS_CHINESE.search("".join(put_in))) and not _SAYS_CHINESE.search("".join(was))
    if _says_so(put_in) and not _says_so(was):
        return True
    subject = {_level(w) for w in _TOKEN.findall(" ".join(old[:head])) if w[:1].isalpha()} - _EMPTY
    again = {_level(w) for w in _TOKEN.findall(" ".join(put_in)) if len(w) > 2}
    return bool(subject & again - {_level(w) for w in _TOKEN.findall(" ".join(was))})


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _says_so(words: Sequence[str]) -> bool:
    return any(word.strip(".,;:!?").lower() in _FINITE for word in words)


_FINITE = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "am",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "has",
        "have",
        "had",
        "does",
        "do",
        "did",
        "doesn't",
        "don't",
        "didn't",
        "can",
        "can't",
        "will",
        "won't",
        "would",
        "should",
        "must",
        "could",
        "it's",
        "he's",
        "she's",
        "that's",
        "there's",
        "i'm",
        "you're",
        "we're",
        "they're",
        "lives",
        "works",
        "likes",
        "loves",
        "hates",
        "plays",
        "reads",
        "speaks",
        "drives",
        "drinks",
        "eats",
        "goes",
        "comes",
        "wants",
        "needs",
        "owns",
        "uses",
        "begins",
        "starts",
        "means",
    ]
)
"""English words that are finite verbs, whatever stands around them."""
_COPULAS = frozenset(["is", "are", "was", "were", "am", "be"])
_SAYS_CHINESE = re.compile("[是叫]")


def _other_person(text: str, said: str, wrong: str, right: str, span: tuple[int, int]) -> bool:
    """Whether a name at a place is, or may be, a part of somebody else's, or the text has the right name too.

    Whose name is corrected by its other part ("Erik's last name is …") is nobody else.
    """
    if not (wrong[:1].isupper() and right[:1].isupper()) and not _CHINESE.match(wrong):
        return False
    longer = longer_names(text, wrong, right, [span])
    if any(is_another(name, wrong, right) and not _told_by(name, wrong, said) for name in longer):
        return True
    return wrong[:1].isupper() and holds(f"{text[: span[0]]}\0{text[span[1] :]}", right)


def _told_by(name: str, part: str, said: str) -> bool:
    """Whether what is said names the rest of a full name."""
    rest = " ".join(name.replace(part, " ").split())
    return bool(rest) and holds(said, rest)


def put(text: str, span: tuple[int, int], right: str) -> str:
    """The text with other words at a place, with the article and the capital that they need there."""
    before, after = text[: span[0]], text[span[1] :]
    first, _, others = right.partition(" ")
    if others and first.islower() and re.search(rf"\b{re.escape(first)} $", before, re.IGNORECASE):
        right = others  # "in Lier" after "lives in"
    if (
        before.endswith(("a ", "A ", "an ", "An "))
        and re.search(r"\b[Aa]n? $", before)
        and right[:1].isalpha()
    ):
        article = "an" if right[:1].lower() in "aeiou" else "a"
        before = re.sub(r"\b([Aa])n? $", lambda m: (m[1] + article[1:]) + " ", before)
    if not before.strip():
        right = right[:1].upper() + right[1:]
    return before + right + after


def _value(text: str, said: str, place: re.Match[str]) -> str | None:
    if _CHINESE.search(said) and (found := _COPULA.fullmatch(_EMPTY_CHINESE.sub("", said))):
        return _trimmed(found["tail"], text[: place.start()], text[place.end() :], place.group())
    return _novel(text, _EMPTY_CHINESE.sub("", said), place)


def _trimmed(tail: str, before: str, after: str, wrong: str) -> str | None:
    """What a Chinese statement ends in, without what stands around the wrong words anyway."""
    for size in range(min(len(tail) - 1, len(after)), 0, -1):
        if after[:size] == tail[-size:]:
            tail = tail[:-size]
            break
    for size in range(min(len(tail) - 1, len(before)), 0, -1):
        if before[-size:] == tail[:size]:
            tail = tail[size:]
            break
    if tail.endswith("的") and not wrong.endswith("的"):
        tail = tail[:-1]
    return tail if 0 < len(tail) <= max(8, 3 * len(wrong)) else None


def _novel(text: str, said: str, place: re.Match[str]) -> str | None:
    """The words of a statement that the text does not know, with those around them that the wrong words
    begin or end with."""
    spans = [m.span() for m in _TOKEN.finditer(said)]
    words = [_level(said[a:b]) for a, b in spans]
    wrong = [_level(w) for w in _TOKEN.findall(place.group())]
    outside = {_level(w) for w in _TOKEN.findall(f"{text[: place.start()]} {text[place.end() :]}")}
    fresh = [i for i, w in enumerate(words) if w not in outside and w not in wrong and w not in _EMPTY]
    if not fresh:
        return None
    first = last = fresh[-1]
    while first - 1 in fresh or (first - 1 >= 0 and words[first - 1] in _EMPTY and first - 2 in fresh):
        if words[first - 1] in _COPULAS or _owns(said[slice(*spans[first - 1])], place.group()):
            break  # before it stands what the value is of: "Erik's last name is Lundberg"
        first -= 1
    after = _shared(words[last + 1 :], wrong)
    number = any(c.isdigit() for c in words[last])
    if (
        not (after or number)
        and last + 1 < len(words)
        and words[last + 1] not in _EMPTY
        and words[last].isascii()
    ):
        return None  # "I like tea, not coffee": what is contrasted comes last, and "like" does not
    before = _shared(words[:first][::-1], wrong[::-1], backwards=True)
    said_words = said[spans[first - before][0] : spans[last + after][1]]
    said_words = re.sub(r"^(?:called|named)\s+", "", said_words)
    if _TO_PLACE.search(text[: place.start()]):
        said_words = _AT_PLACE.sub("", said_words)
    return said_words if len(said_words) <= 80 else None


def _owns(word: str, wrong: str) -> bool:
    """Whether a word ends as an owner does, or as one with a verb ("the deadline's 29 April")."""
    return word.endswith(("'s", "’s")) and not re.search("['’]s\\b", wrong)


_TO_PLACE = re.compile(r"\b(?:in|at|to|on|from|into|near)\s+$", re.IGNORECASE)
_AT_PLACE = re.compile(r"^[a-z]+ (?:in|at|to|on|from|into|near) (?=[^a-z])")
"""A verb and its preposition before a name: "moved to Oslo" with "lives in Lier" is "moved to Lier"."""


def _shared(following: Sequence[str], wrong: Sequence[str], *, backwards: bool = False) -> int:
    """How many words after a value are the last ones of the wrong words (before it, with `backwards`)."""
    for size in range(min(len(wrong) - 1, len(following)), 0, -1):
        if list(following[:size]) == list(wrong[-size:]):
            return size
    return 0


@lru_cache(maxsize=4096)
def _level(word: str) -> str:
    plain = normalized(word)
    plain = re.sub("['’]s$", "", plain)
    said = " ".join(canonical(plain)) or plain
    if len(said) > 3 and said.endswith(("oes", "shes", "ches", "xes", "sses")):
        return said[:-2]
    return said[:-1] if len(said) > 3 and said.endswith("s") and not said.endswith("ss") else said


def shares(text: str, said: str) -> float:
    """Of the words of a statement that carry meaning, the share that the text knows."""
    known = set(" ".join(map(_level, _TOKEN.findall(text))).split())
    levelled = " ".join(map(_level, _TOKEN.findall(_EMPTY_CHINESE.sub("", said)))).split()
    words = [w for w in levelled if w not in _EMPTY]
    return sum(w in known for w in words) / len(words) if words else 0.0


def filled(text: str, right: str) -> str | None:
    """The text with `right` in the one place where something of its kind stands: a number, a time, a
    weekday, a month, a name. None: there is none, or there are several."""
    right = right.removeprefix("每")
    for kind in _KINDS:
        if kind.fullmatch(right):
            places = list(kind.finditer(text))
            alone = len(places) == 1 and not _GLUED.search(text[: places[0].start()])
            return put(text, places[0].span(), right) if alone else None
    name = _NAME_CHINESE if _CHINESE.search(text) else _NAME
    if not name.fullmatch(right):
        return None
    places = [m for m in name.finditer(text) if m.start() > 0 or name is _NAME_CHINESE]
    return put(text, places[0].span(), right) if len(places) == 1 else None


_DAYS = "Mon|Tues|Wednes|Thurs|Fri|Satur|Sun"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_KINDS = (
    re.compile(r"\d{1,2}[:.]\d\d(?: ?[ap]m)?|\d{1,2} ?[ap]m\b", re.IGNORECASE),
    re.compile(rf"\b(?:{_DAYS})days?\b", re.IGNORECASE),
    re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})\b|\b(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b"
    ),
    re.compile(rf"\b(?:{_MONTHS})\b"),
    re.compile("(?:周|星期|礼拜)[一二三四五六日天末]"),
    re.compile(r"\d{1,2}月\d{1,2}[日号]"),
    re.compile(r"(?:19|20)\d\d年"),
    re.compile(
        "(?:\\d{1,2}|[一二两三四五六七八九十]{1,2})点(?:半|整|[一二三四五]?十?[一二三四五六七八九十]分?|\\d{1,2}分?)?"
    ),
    re.compile(r"\d+(?:[.,]\d+)*"),
)
_NAME = re.compile(
    rf"(?<![{_LETTER}])[A-Z\u00c0-\u00de][{_LETTER}-]*(?: [A-Z\u00c0-\u00de][{_LETTER}-]*)*(?![{_LETTER}])"
)
_GLUED = re.compile(f"[{_LETTER}][-_.]?$")
"""Before digits that are the end of a word (otter77, plum-lamp-88): they are no number by themselves."""
_NAME_CHINESE = re.compile(r"[A-Za-z][A-Za-z0-9+#.-]*")


def one_slot(text: str, said: str) -> str | None:
    """The text with the one number, time or day that the statement gives otherwise, where all of the
    statement's other words stand in it; None where they differ in anything else."""
    for kind in _KINDS:
        there, here = (list(kind.finditer(t)) for t in (text, said))
        if len(here) == 1 and len(there) == 1:
            rest = f"{said[: here[0].start()]} {said[here[0].end() :]}"
            outside = f"{text[: there[0].start()]} {text[there[0].end() :]}"
            same = meaningful(rest) >= 2 and shares(outside, rest) == 1.0
            other = normalized(here[0].group()) != normalized(there[0].group())
            if not other:
                continue
            return put(text, there[0].span(), here[0].group()) if same else None
        if here:
            return None
    return None


def restated_slot(text: str, said: str) -> str | None:
    """The text with the date, time, day, number or colour that a plain statement gives its subject ("The wedding
    is on 29 May"), where it says another one of just that, once, of the same subject; else None."""
    found = _PLAINLY.fullmatch(said.strip(" .!"))
    if found is None or not meaningful(found["of"]):
        return None
    head = _PLAINLY_HEAD.match(text)
    if head is None or not shares(head["of"], found["of"]) == shares(found["of"], head["of"]) == 1.0:
        return None  # "the flight to Oslo" may be another one than "the flight"
    for kind in (*_KINDS, _COLOUR):
        there, here = (list(kind.finditer(t)) for t in (text, said))
        if len(here) != 1:
            continue
        rest = f"{said[: here[0].start()]} {said[here[0].end() :]}"
        same = len(there) == 1 and shares(text, rest.replace(found["verb"], " ", 1)) == 1.0
        if not same or _GLUED.search(text[: there[0].start()]):
            return None
        if normalized(here[0].group()) != normalized(there[0].group()):
            return put(text, there[0].span(), here[0].group())
    return None


def ended(text: str, said: str) -> tuple[str, bool] | None:
    """The text with "no longer" before what a statement says is over of its subject, and whether nothing else hangs
    on that there ("Tomas lives in Graz and works there"); None where the text does not say it, once."""
    found = _NO_LONGER.fullmatch(said.strip(" .!"))
    if found is None:
        return None
    what = rf"\b{re.escape(found['verb'])} {re.escape(found['what'])}\b"
    places = list(re.finditer(what, text, re.IGNORECASE))
    if len(places) != 1:
        return None
    before, after = text[: places[0].start()], text[places[0].end() :]
    sentence = re.split(r"(?<=[.!?])\s", before)[-1]
    if not holds(sentence, found["who"]) or re.search(r"\b(?:not|never|no longer)\b", sentence):
        return None
    alone = not re.match(r"[^.!?]*(?:\b(?:and|but|while)\b|[,;])", after)
    return f"{before}no longer {text[places[0].start() :]}", alone


_NO_LONGER = re.compile(r"(?P<who>\S.*?) no longer (?P<verb>\w+) (?P<what>[^,;]+)", re.IGNORECASE)
_COLOURS = "red|blue|green|yellow|black|white|grey|gray|brown|orange|purple|pink|violet|silver|golden|beige|turquoise"
_COLOUR = re.compile(rf"\b(?:(?:dark|light|pale|bright) )?(?:{_COLOURS})\b", re.IGNORECASE)
_PLAIN_VERB = "(?:is|are|was|will be|takes place|will take place|starts|begins|ends|leaves|opens|closes)"
_PLAINLY = re.compile(
    rf"(?P<of>(?:the|my|our|his|her|their|[A-Z][\w-]*['’]s) [\w'’-]+(?: [\w'’-]+){{0,3}}?) (?P<verb>{_PLAIN_VERB}) (?:now )?(?:on |at |in )?[^,;]{{1,40}}",
    re.IGNORECASE,
)
_PLAINLY_HEAD = re.compile(rf"(?P<of>.{{2,60}}?) (?:{_PLAIN_VERB}|has|have|costs?)\b", re.IGNORECASE)


def meaningful(text: str) -> int:
    """How many words of a text carry meaning."""
    return sum(_level(w) not in _EMPTY for w in _TOKEN.findall(text))


def attribute(text: str, name: str, value: str) -> str | None:
    """The text with another value after "NAME is", up to the end of the clause; None where that does not
    stand there once."""
    joined = r"\s*(?:是|为)\s*" if _CHINESE.search(name) else r"(?:'s|’s)?\s*(?::| is| are)\s+"
    places = list(
        re.finditer(
            rf"{_pattern(name).pattern}{joined}(?P<value>[^,;。，；!?]+?)(?=[.。!]?$|[,;。，；]|\. )",
            text,
            re.IGNORECASE,
        )
    )
    if len(places) != 1 or len(name) < 2:
        return None
    old = places[0]["value"]
    if len(old.split()) > 2 and not any(c.isdigit() for c in old):
        return None  # "is written in Python" is no value of "the project"
    return text[: places[0].start("value")] + value + text[places[0].end("value") :]
