"""The grammar of plain English statements: sentence → claims.

Owns: the patterns and the words they need. Does not own: what a claim is (`stores/claims`).

Every text that is added is read here, and of most no pattern holds. So each stands beside its hints: sets of
words (`stores/hints`), of each of which a sentence must have one, or the pattern cannot match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.english_words import (
    ADVERBS,
    ADVERBS_OF_CHANGE,
    ARTICLES,
    CURRENCIES,
    DAYS,
    DONE,
    DWELLINGS,
    FINISHED,
    FIXED,
    FREQUENCY,
    FUNCTIONAL,
    HOLDERS,
    IRREGULAR,
    LIKES,
    MARITAL,
    MONTHS,
    MOVES,
    NOBODY,
    NUMBERS,
    ONCE,
    ONLY_AS_FAVOURITE,
    OPPOSITES,
    ORIGINS,
    PAST,
    PERSONS,
    RECURRING,
    RELATIVES,
    SYNONYMS,
    TO_DO,
    TRADES,
    UNIQUE,
    UNSURE,
    UNSURE_PHRASES,
)
from memos_cli.stores.hints import DIGITS, hints_of, lacks, words_in
from memos_cli.stores.wordlist import word_set

# -- a sentence, plain


class _Sentence(NamedTuple):
    text: str
    changed: bool
    denied: bool
    """Denied by an adverb (no longer, any more); "not" stands in the text."""
    words: frozenset[str]
    """Its hints."""


@cache
def _re(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags)


@cache
def _words(words: str | tuple[str, ...]) -> str:
    listed = words.split() if isinstance(words, str) else words
    return "|".join(re.escape(w) for w in sorted(listed, key=len, reverse=True))


_UNSURE_HINTS = hints_of((*UNSURE.split(), *UNSURE_PHRASES))
_CHANGE_HINTS = hints_of(ADVERBS_OF_CHANGE)
_IDLE_HINTS = hints_of(ADVERBS)


@cache
def _unsure() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_words((*UNSURE.split(), *UNSURE_PHRASES))})\b", re.IGNORECASE)


@cache
def _change_word() -> re.Pattern[str]:
    return re.compile(rf",?\s*\b(?:{_words(ADVERBS_OF_CHANGE)})\b,?", re.IGNORECASE)


@cache
def _idle_word() -> re.Pattern[str]:
    return re.compile(rf"\s*\b(?:{_words(ADVERBS)})\b", re.IGNORECASE)


_MARKS = frozenset('?;"“”«»\n()[]{}|<>*#…!.,:')
"""One of them stands in whatever `_ODD` finds."""
_ODD = re.compile(r"[?;\"“”«»\n()\[\]{}|<>*#…!]|\.{2}|[.] |, (?:and|so)\b|:[^\d ]")
_TITLE = re.compile(r"\b(Mrs?|Ms|Dr|Prof|St)\. (?=[A-Z])")
"""Whose full stop ends no sentence."""
_TITLE_HINTS = word_set("mr mrs ms dr prof st")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_EVENT = re.compile(
    r" (?:moved|relocated|joined|left|quit|promoted|changed|switched|turned|became|started|stopped|postponed|got) "
)
_EVENT_HINTS = word_set(
    "moved relocated joined left quit promoted changed switched turned became started stopped postponed got"
)
_WHEN = re.compile(
    r" (?:last (?:week|month|year|night|spring|summer|autumn|fall|winter|\w+day)|yesterday|today|this (?:week|month|year)"
    r"|(?:a|an|two|three|\d+) (?:day|week|month|year)s? ago"
    r"|in (?:January|February|March|April|May|June|July|August|September|October|November|December)|on \w+day)$"
)
"""When an event was, told from the day of saying: it orders nothing that the day of saying does not."""
_LEAD = re.compile(
    r"^(?:(update|correction|change)|fyi|note|btw|by the way|actually|in fact|remember|remember that|please remember that)\s*[:,]?\s+",
    re.IGNORECASE,
)
_LEAD_HINTS = word_set("update correction change fyi note btw way actually fact remember")
_SHORT = (
    ("I'm ", "I am "), ("I've ", "I have "), ("won't", "will not"), ("can't", "can not"), ("cannot", "can not"),
    ("We're ", "We are "), ("we're ", "we are "), ("We've ", "We have "), ("i'm ", "I am "),
)  # fmt: skip


def _sentence(text: str) -> _Sentence | None:
    """The statement without adverbs that only say since when; None for what is no plain statement."""
    text = text.strip().replace("’", "'")
    text = text[:-1].rstrip() if text[-1:] in ".!" else text
    words, told = words_in(text), False
    if ". " in text:
        if lacks(words, _TITLE_HINTS):
            return None  # more than one sentence
        text = _TITLE.sub(r"\1 ", text)
    if not lacks(words, _LEAD_HINTS) and (lead := _LEAD.match(text)):
        told, text = bool(lead.group(1)), _capital(text[lead.end() :])
    if not text or not (text[0].isupper() or text.startswith("i ")):
        return None
    if not _MARKS.isdisjoint(text) and _ODD.search(text):
        return None
    text = _spelled_out(text)
    text, changed = _without_adverbs(text)
    ended = _ended(text)
    if ended is None or _is_unsure(ended):
        return None
    return _Sentence(ended, told or changed or ended != text, ended != text, words_in(ended))


def _is_unsure(text: str) -> bool:
    """Whether a word makes a wish, a plan, hearsay or the past of a sentence; the month and an age do not."""
    if "May" in text or text.endswith("old"):
        text = _re(r"(?<=[\w,] )May\b|years? old$").sub("", text)
    if " only" in text:
        text = _re(r"\b((?:eat|drink)s?) only\b").sub(r"\1", text)
        text = _re(r"\b((?:eat|drink)s? [\w -]+) only$").sub(r"\1", text)
    return not lacks(words_in(text), _UNSURE_HINTS) and bool(_unsure().search(text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _spelled_out(text: str) -> str:
    """Contractions in full, and turns of phrase that the patterns know by another."""
    if "'" in text or "cannot" in text:
        for short, full in _SHORT:
            text = text.replace(short, full)
        text = _re(r"(\w)n't\b").sub(r"\1 not", text)
    if " was " in text:
        text = text.replace(" was born ", " born ")
        text = _re(rf" was (?={FINISHED}\b)").sub(" has been ", text)
        text = _re(r" was promoted to (?:an? )?").sub(" became a ", text)
        text = _re(r" was (?=(?:postponed|moved|rescheduled|changed|updated|extended|delayed|set)\b)").sub(
            " has been ", text
        )
    if " went " in text:
        text = text.replace(" went up to ", " rose to ").replace(" went down to ", " fell to ")
    if " by " in text:
        text = _re(rf" (?:must|needs? to) be (?={TO_DO} by )").sub(" has to be ", text)
    if ", " in text:
        text = _re(r"(?<=\d), (?=(?:19|20)\d\d\b)").sub(" ", text)
    return text if lacks(words_in(text), _EVENT_HINTS) or not _EVENT.search(text) else _WHEN.sub("", text)


def _without_adverbs(text: str) -> tuple[str, bool]:
    """A sentence without "now", "already" and the like, and whether one of them tells of a change."""
    words = words_in(text)
    # "X instead of Y" is a pattern of its own.
    kept = " instead of " in text
    cut = text if kept or lacks(words, _CHANGE_HINTS) else _change_word().sub("", text)
    cut = cut if kept else cut.strip()
    left = cut if lacks(words, _IDLE_HINTS) else _idle_word().sub("", cut)
    return _capital(left.strip()), cut != text


def _ended(text: str) -> str | None:
    """The statement whose end a sentence tells ("no longer", "not … any more"), else the sentence itself;
    None where it does not say what has ended."""
    if " no longer " in text:
        return text.replace(" no longer ", " ", 1)
    if not text.endswith(("more", "longer")):
        return text
    more = _re(r" (?:any ?more|any longer)$").sub("", text)
    if more == text:
        return text
    # The verb stands bare after "does not"; its stem is compared.
    return next(
        (b for no in (" do not ", " does not ", " not ") if (b := more.replace(no, " ", 1)) != more), None
    )


def levelled(text: str) -> tuple[str, ...]:
    """Words of a name, value or detail as they are compared."""
    out = []
    for word in _re(r"[^\W_][\w.,:/@+#&'-]*|[$€£¥%]").findall(text):
        low = word.casefold().strip(".,:'-")
        if low.endswith("'s"):
            out += [SYNONYMS.get(low[:-2], low[:-2]), "'s"]
            continue
        if low in ARTICLES or not low:
            continue
        if ordinal := _re(r"^(\d+)(?:st|nd|rd|th)$").match(low):
            low = ordinal.group(1)
        out.append(SYNONYMS.get(low, NUMBERS.get(low, low)))
    return tuple(out)


def _valued(text: str) -> tuple[str, ...]:
    """A value: as `levelled`, a date's parts in one order and its months as numbers."""
    if not text:
        return ()
    text = _re(r"^(?:on|at|by|from|in) ").sub("", text)
    words = levelled(text) or (text.casefold(),)
    if any(w in MONTHS for w in words) and any(w.isdigit() for w in words):
        return tuple(sorted(MONTHS.get(w, w) for w in words if w not in ("of", "on")))
    return words


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A verb or noun without its ending, alike for smoke, smokes and smoking."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("ing") and re.search("[aeiouy]", word[:-3]):
        word = word[:-3]
    elif word.endswith(("ies", "es", "s")) and not word.endswith("ss") and len(word) > 3:
        word = re.sub("(?:ies|(?<=[csxzho])es|s)$", "", word)
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl"
    return word[:-1] if doubled else re.sub("(?<=..)[ey]$", "", word)


_SUBJECT = 6
"""Words of the longest subject."""
_LEADING = (
    word_set("in on at by from since until for after before during with of to when if as but and or")
    | MONTHS.keys()
)
"""With a number behind it, a time."""
_JOINED = ("and", "of", "de", "van", "von", "da", "der", "den")


@lru_cache(maxsize=4096)
def subject(text: str) -> str | None:
    """A definite subject, levelled; None for a pronoun without a bearer, for anybody, for what is no name."""
    words = text.split()
    if not words or len(words) > _SUBJECT:
        return None
    first = words[0].casefold()
    if first in ("i", "we") and len(words) == 1:
        return first
    if (
        first in NOBODY
        or first in ("i", "we")
        or any(
            w.casefold() in ("not", "never", "i", "he", "she", "they", "it", "you", "is", "are", "and")
            for w in words[1:]
        )
    ):
        return None
    if first in ("my", "our", "the"):
        # "The" is part of who is meant, and levelled; it must name something.
        return " ".join(levelled(text)) if len(words) > 1 else None
    owner = next((i for i, w in enumerate(words) if w.endswith("'s")), None)
    named = words if owner is None else words[: owner + 1]
    if not all(map(_is_named, named)) or words[-1] in _JOINED:
        return None
    if first in _LEADING and any(map(_is_number, named)):
        return None  # "In 2021" is nobody
    return " ".join(levelled(text))


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in NUMBERS


def _is_named(word: str) -> bool:
    """Whether a word can be part of a name: "Plot 14", "Bed three"."""
    return word[0].isupper() or word in _JOINED or _is_number(word)


# -- patterns: each yields claims or nothing

_V = r"(?P<v>[^,]+?)"
_S = r"(?P<s>[\w' .&-]+?)"
_TAIL = r"(?P<rest>(?:,? (?:with|near|because|together|alone|as|in|on|for|by|at|since|and|from) .+)?)"


def read(text: str) -> Iterator[Claim]:
    """The claims of an English text. See `stores/claims`."""
    sentence = _sentence(text)
    if sentence is None:
        return
    if any(lacks(sentence.words, hints) for hints in _BEGIN_HINTS) or not (
        begun := _BEGIN.match(sentence.text)
    ):
        yield from _claims(sentence)
        return
    now, day = begun.group("now"), levelled(begun.group("day"))
    for claim in _claims(sentence._replace(text=now, words=words_in(now))):
        yield claim._replace(narrowed=True, beside=day)


def _claims(sentence: _Sentence) -> Iterator[Claim]:
    words = sentence.words
    if not lacks(words, _pattern_hints()):
        for pattern, first, more in _patterns():
            if lacks(words, first) or any(lacks(words, hints) for hints in more):
                continue
            found = pattern(sentence)
            if found is not None:
                yield from found
                return
    yield from _plain(sentence)


_BEGIN_HINTS = word_set("from starting beginning effective of"), DIGITS | MONTHS.keys() | {"next"}
_BEGIN = re.compile(
    r"^(?P<now>.+?),? (?P<day>(?:from|starting|beginning|effective|as of)(?: from| in| on)? (?:next \w+|20\d\d"
    rf"|(?:\d\d? )?(?:{'|'.join(m.capitalize() for m in MONTHS if len(m) > 4 or m in ('may', 'june', 'july'))})(?: \d\d?)?(?: 20\d\d)?)"
    r"(?: on| onwards?)?)$"
)
"""A day from which something holds."""


_Pattern = Callable[[_Sentence], list[Claim] | None]


@cache
def _pattern_hints() -> frozenset[str]:
    """Without any of which no pattern matches: most sentences are done here."""
    return frozenset[str]().union(*(first for _, first, _ in _patterns()))


@cache
def _patterns() -> tuple[tuple[_Pattern, frozenset[str], tuple[frozenset[str], ...]], ...]:
    """What is tried, in this order, each with its hints."""
    number = DIGITS | frozenset(NUMBERS) | word_set("thirty forty")
    days = DAYS | frozenset(f"{day}s" for day in DAYS)
    done = word_set("finished done ready completed complete submitted delivered handed turned")
    homes = word_set("live lives living reside resides based home moved relocated")
    works = word_set(
        "work works working employed joined started got moved switched left quit resigned stopped laid fired"
    )
    schools = word_set("study studies studying school attend attends transferred")
    named = word_set("university college school institute academy gymnasium eth mit ucla")
    measures = word_set(
        "is am are turned cost costs weigh weighs priced went rose dropped fell run runs use uses running"
    )
    happens = word_set(
        "is are takes starts start begins opens closes leaves departs arrives ends finishes meet meets"
    )
    moves = word_set("moved postponed rescheduled delayed brought pushed shifted changed")
    has = word_set("is are = : born isborn areborn amborn")
    becomes = word_set(
        "increased decreased fallen gone changed updated set went rose dropped fell postponed extended moved risen became switched"
    )
    return (
        (_deadline, done | word_set("due sent"), (word_set("is are has have"),)),
        (_finished, done | word_set("sent"), ()),
        (_holder, HOLDERS, (word_set("is"), word_set("the"), word_set("of"))),
        (_only, word_set("only"), (word_set("eat eats drink drinks"),)),
        (_has_of, word_set("has have"), (word_set("of"), DIGITS)),
        (_dwelling, DWELLINGS, (word_set("live lives living moved"),)),
        (_home, homes, (word_set("in to"),)),
        (_work, works, ()),
        (_married, frozenset(MARITAL), ()),
        (_role, word_set("is am works work became"), (word_set("a an"), _leading_to(TRADES))),
        (_schooled, schools, (named,)),
        (_measured, measures, (number,)),
        (_counted, word_set("has have own owns"), (number,)),
        (_switched, word_set("switched migrated changed moved instead"), (word_set("from of"),)),
        (_moved_date, happens | moves, (number | days,)),
        (_attribute, has | becomes, ()),
        (_prefers, word_set("prefer prefers than"), ()),
    )


def _leading_to(words: frozenset[str]) -> frozenset[str]:
    """The words, and those that are levelled to one of them."""
    return words | {word for word, level in SYNONYMS.items() if level in words}


def _match(pattern: str, sentence: _Sentence) -> re.Match[str] | None:
    return _re(rf"^{pattern}$").match(sentence.text)


def _claim(sentence: _Sentence, key: str, manner: Manner, **fields: object) -> Claim:
    made = Claim(key, manner, **fields)  # type: ignore[arg-type]
    return made._replace(
        positive=made.positive and not sentence.denied, changed=made.changed or sentence.changed
    )


def _details(found: re.Match[str]) -> tuple[str, ...]:
    words = levelled(found.group("rest") or "")
    return words[1:] if words[:1] == ("as",) else words


_PART = DAYS | frozenset(f"{day}s" for day in DAYS) | word_set("weekdays weekends half most")
"""Details that say for which part of the time something holds."""


def _doubtful(found: re.Match[str]) -> bool:
    """Whether the details leave open if it is so: "from Monday to Friday", "as far as I know", "in the novel"."""
    rest = found.group("rest") or ""
    if not rest:
        return False
    told = _re(
        r"\bas (?:far|I|he|she|we|they|every\w+)\b|\bin the (?:novel|story|film|game|play|book|dream)\b"
    )
    return not _PART.isdisjoint(levelled(rest)) or bool(told.search(rest))


def _home(s: _Sentence) -> list[Claim] | None:
    lives = r"(?:lives?|living|am living|is living|are living|resides?|reside|am based|is based|are based)"
    found = _match(rf"{_S}(?P<no> do not| does not)? {lives} in {_V}{_TAIL}", s)
    moved = False
    if not found:
        found = _match(rf"(?P<s>[\w' ]+?)(?:'s)? home is (?P<no>not )?in {_V}{_TAIL}", s)
    if not found:
        verb = r"(?:moved|have moved|has moved|relocated|have relocated|has relocated|moved back|moved over)"
        found = _match(rf"{_S} {verb}(?: from (?P<p>[A-Z][\w ]+?))? to {_V}{_TAIL}", s)
        moved = True
    if not found:
        return None
    who = subject(_re(r"^My$").sub("I", found.group("s")))
    place = found.group("v")
    if who is None or _timed(place):
        return None
    if moved and _YEAR.search(s.text):
        return []
    if _doubtful(found):
        return []
    if not place[0].isupper() or _re(r"\b(?:my|his|her|their|our|a|an)\b", re.I).search(place):
        return []
    return [
        _claim(
            s, f"{who}|home", Manner.STATE, value=levelled(place), rest=_details(found), domain="place",
            positive=moved or not found.group("no"), changed=moved, event=moved,
            prior=levelled(found.groupdict().get("p") or ""),
        )
    ]  # fmt: skip


def _work(s: _Sentence) -> list[Claim] | None:
    patterns = (
        (rf"{_S}(?P<no> do not| does not)? (?:works?|am working|is working|are working|am employed|is employed|are employed) (?:at|for|by) {_V}{_TAIL}", 0),
        (rf"{_S}(?P<no> do not| does not)? works? as (?P<rest>(?:(?:an?|the) )?[\w -]+?) (?:at|for) (?P<loose>the )?{_V}(?P<since> since .+)?", 0),
        (rf"{_S}(?P<no> do not| does not)? (?:works?|is working|am working) (?P<v>(?P<loose>freelance))(?P<rest>(?:,? as an? .+)?)", 0),
        (rf"{_S} (?:have |has )?(?:joined|started (?:working |work |a new job |a job )?at|got a (?:new )?job at|moved on to|switched jobs to) {_V}{_TAIL}", 1),
        (rf"{_S} (?:have |has )?(?:left|quit|resigned from|quit (?:my|his|her|their) job at|left (?:my|his|her|their) job at|stopped working (?:at|for)|(?:got|am|is) (?:laid off|fired) (?:from|by)) {_V}{_TAIL}", -1),
    )  # fmt: skip
    for pattern, turn in patterns:
        if found := _match(pattern, s):
            who, firm = subject(found.group("s")), found.group("v")
            parts = found.groupdict()
            loose = bool(parts.get("loose"))  # beside which there may be another
            if not (firm[0].isupper() or loose):
                return None
            if who is None or _re(r"\b(?:my|his|her|their|our|a|an)\b", re.I).search(firm):
                return []
            if (turn and _YEAR.search(s.text)) or _doubtful(found):
                return []
            # One who left is no more there than one who never was; joining and leaving may be of anything.
            no = turn < 0 or bool(found.groupdict().get("no"))
            made = _claim(
                s, f"{who}|work", Manner.STATE, value=levelled(firm), rest=_details(found),
                positive=not no, changed=turn != 0, event=turn != 0, domain="loose" if loose else "name",
            )  # fmt: skip
            if "since" not in parts:
                return [made]
            key = f"{who}|role {' '.join(made.value)}"
            fresh = bool(parts["since"])
            role = _claim(
                s, key, Manner.STATE, value=made.rest, positive=not no, changed=fresh, domain="occasion"
            )
            return [made, role]
    return None


def _married(s: _Sentence) -> list[Claim] | None:
    state = _words(tuple(MARITAL))
    pair = _match(
        rf"(?P<s>[A-Z]\w+) and (?P<v>[A-Z]\w+) (?:got|are|have|are getting) (?:been )?(?P<st>{state})", s
    )
    if pair:
        named = [subject(pair.group(g)) for g in ("s", "v")]
        if None in named:
            return []
        return [
            _claim(
                s,
                f"{a}|marital",
                Manner.STATE,
                value=(MARITAL[pair.group("st")],),
                rest=(str(b),),
                changed=True,
                event=True,
            )
            for a, b in (named, named[::-1])
        ]
    found = _match(
        rf"{_S} (?P<be>is|am|are|got|became|has been) (?P<no>not )?(?P<st>{state})(?: (?:to|with|from)? ?(?P<v>[A-Z][\w ]*?))?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or who.endswith("'s"):
        return []
    changed = found.group("be") in ("got", "became")
    return [
        _claim(
            s, f"{who}|marital", Manner.STATE, value=(MARITAL[found.group("st")],), positive=not found.group("no"),
            rest=levelled(found.group("v") or ""), changed=changed, event=changed,
        )
    ]  # fmt: skip


def _role(s: _Sentence) -> list[Claim] | None:
    """What somebody is by trade. Two trades go together, so that only a word of change makes one follow
    the other."""
    found = _match(
        rf"{_S} (?P<v>is|am|works as|work as|became) (?P<no>not )?an? (?P<role>[\w -]+?)(?P<rest>(?: (?:at|for|with|in) .+)?)",
        s,
    )
    if not found or levelled(found.group("role"))[-1:][0] not in TRADES:
        return None
    who = subject(found.group("s"))
    if who is None:
        return []
    role, place = levelled(found.group("role")), _details(found)
    no, became = bool(found.group("no")), found.group("v") == "became"
    return [
        _claim(
            s,
            f"{who}|role",
            Manner.STATE,
            value=role,
            rest=place,
            positive=not no,
            changed=became,
            event=became,
            domain="occasion",
        ),
        _claim(
            s,
            _plain_key(who, ("be", *role, *place)),
            Manner.PLAIN,
            positive=not no,
            changed=became,
            event=became,
        ),
    ]


def _schooled(s: _Sentence) -> list[Claim] | None:
    found = _match(
        rf"{_S}(?P<no> do not| does not)? (?:stud(?:y|ies)|is studying|am studying|goes to school|go to school|attends?|transferred) (?:at |to )?{_V}{_TAIL}",
        s,
    )
    if not found:
        return None
    who, school = subject(found.group("s")), found.group("v")
    if who is None or not _re(
        r"\b(?:University|College|School|Institute|Academy|Gymnasium|ETH|MIT|UCLA)\b"
    ).search(school):
        return None
    return [
        _claim(
            s, f"{who}|school", Manner.STATE, value=levelled(school), rest=_details(found), domain="name",
            positive=not found.group("no"), changed="transferred" in s.text,
        )
    ]  # fmt: skip


def _measured(s: _Sentence) -> list[Claim] | None:
    number = r"(?P<n>\d+(?:[.,]\d+)?|" + _words(tuple(NUMBERS)) + r"|twenty-\w+|thirty-\w+|forty-\w+)"
    if found := _match(
        rf"{_S} (?P<be>is|am|are|turned|has turned) {number}(?P<years> years? old| years? of age)?", s
    ):
        who = subject(found.group("s"))
        if who is None or (
            found.group("s").casefold().startswith(("the ", "my ", "our ")) and not found.group("years")
        ):
            return None
        return [_claim(s, f"{who}|age", Manner.STATE, value=levelled(found.group("n")), domain="moves")]
    unit = r"(?P<u>[$€£¥]?)(?P<n>\d[\d.,]*) ?(?P<u2>[$€£¥%]|(?!(?:an?|per|each|every) )[\w ]+?)?(?: ?(?:an?|per|each|every) (?P<per>\w+))?"
    if found := _match(
        rf"{_S} (?P<verb>costs?|weighs?|is worth|(?:is|am|are) priced at|went up to|rose to|dropped to|fell to) {unit}(?P<tall> tall| long| high)?",
        s,
    ):
        who = subject(found.group("s"))
        if who is None:
            return []
        verb, measure = found.group("verb"), (found.group("u") or found.group("u2") or "").strip().casefold()
        if verb in ("went up to", "rose to", "dropped to", "fell to"):
            return _attribute_of(
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
            _claim(
                s,
                f"{who}|{slot}",
                Manner.STATE,
                value=(found.group("n"), measure),
                domain="price" if slot == "price" else "number",
            )
        ]
    if found := _match(rf"{_S} (?:is|am) (?P<n>\d[\d.,]*) ?(?P<u>cm|m|feet|meters|metres) tall", s):
        who = subject(found.group("s"))
        return (
            [_claim(s, f"{who}|height", Manner.STATE, value=(found.group("n"), found.group("u")))]
            if who
            else []
        )
    if found := _match(
        rf"{_S} (?P<verb>runs?(?: on)?|uses?|is running|are running) (?P<v>[A-Z][\w ]*? \d[\w.]*)", s
    ):
        who = subject(found.group("s"))
        name, _, number_ = found.group("v").rpartition(" ")
        return (
            [
                _claim(
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


def _holder(s: _Sentence) -> list[Claim] | None:
    """Who holds a post that one person holds: "Mrs Van Damme is the chair of the association"."""
    post = rf"(?P<post>(?:(?:new|current|present) )?(?:managing |general |prime |executive )?(?:{_words(tuple(sorted(HOLDERS)))}))"
    found = _match(rf"(?P<v>[\w' .&-]+?) is (?P<no>not )?the {post} of (?P<body>[\w' .&-]+)", s)
    if not found:
        found = _match(rf"[Tt]he {post} of (?P<body>[\w' .&-]+?) is (?P<no>not )?(?P<v>[\w' .&-]+)", s)
    if not found or not _is_name(found.group("v")):
        return None
    body = subject(_capital(found.group("body")))
    if body is None or subject(found.group("v")) is None or body.split()[-1] in ONCE:
        return None
    words = found.group("post").split()
    fresh = words[0] == "new"
    post = " ".join(words[words[0] in ("new", "current", "present") :])
    return [
        _claim(
            s, f"{' '.join(levelled(body))} {post}", Manner.STATE, value=levelled(found.group("v")),
            positive=not found.group("no"), changed=fresh,
        )
    ]  # fmt: skip


def _has_of(s: _Sentence) -> list[Claim] | None:
    """ "Bed three has a pH of 5.4"."""
    found = _match(
        rf"{_S} (?:has|have) an? (?P<what>[\w ]+?) of (?P<u>[$€£]?)(?P<n>\d[\d.,:/]*) ?(?P<u2>[\w%€£$°]*)", s
    )
    if not found or subject(found.group("s")) is None:
        return None
    number, unit = found.group("n"), (found.group("u") or found.group("u2")).casefold()
    made = _attribute_of(s, f"{found.group('s')}'s {found.group('what')}", number)
    value = (number, CURRENCIES.get(unit, unit)) if unit else (number,)
    return made and [claim._replace(value=value, domain="number") for claim in made]


def _only(s: _Sentence) -> list[Claim] | None:
    """ "Mira drinks only decaf": what else she drank is over, if it is meant to the letter."""
    found = _match(rf"{_S} (?P<verb>eats?|drinks?) (?:only (?P<v>[\w -]+)|(?P<last>[\w -]+) only)", s)
    what = found and levelled(found.group("v") or found.group("last"))
    who = subject(found.group("s")) if found else None
    if not found or not what or who is None or len(what) > 3 or not _NARROWED.isdisjoint(what):
        return None
    return [_claim(s, f"{who}|{stem(found.group('verb'))} only", Manner.STATE, value=what, domain="only")]


_NARROWED = word_set("in on at with when if before after for from during without to of not")


def _dwelling(s: _Sentence) -> list[Claim] | None:
    """In what somebody lives, where that is described and not named; beside the town it is in."""
    found = _match(
        rf"{_S} (?P<verb>lives?|is living|am living|moved|has moved|have moved) (?:in|into|to|on) (?:the|an?) "
        rf"(?P<what>(?:[\w-]+ ){{0,3}}?(?P<kind>{_words(tuple(sorted(DWELLINGS)))}))(?P<rest>(?: (?!and |with )[\w' -]+)?)",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or _YEAR.search(s.text):
        return None
    kind = found.group("kind")
    moved = "moved" in found.group("verb")
    return [
        _claim(
            s, f"{who}|dwelling", Manner.STATE, value=(SYNONYMS.get(kind, kind),), changed=moved, event=moved,
            rest=levelled(found.group("what") + found.group("rest")), domain="dwelling",
        )
    ]  # fmt: skip


def _deadline(s: _Sentence) -> list[Claim] | None:
    """By when something has to be done. A thing with a name is one thing; of what recurs, or of "the paper",
    two deadlines may be of two."""
    found = _match(rf"{_S} (?:is|are) due (?P<when>.+)", s)
    verb, slot = found, "due"
    if not found:
        found = verb = _match(rf"{_S} (?:has|have) to be (?P<verb>{TO_DO}) (?P<when>by .+)", s)
        slot = "done" if verb and verb.group("verb") in DONE else "due"
    if not found:
        return None
    who, (to, day) = subject(found.group("s")), _due_when(found.group("when"))
    if who is None or not _timed(day) or _re(r"\b(?:every|each)\b").search(day):
        return None
    return [
        _claim(
            s, f"{who}|{slot}", Manner.STATE, value=_valued(day), rest=levelled(to), domain=_due_once(who, found.group("s"))
        )
    ]  # fmt: skip


def _due_when(text: str) -> tuple[str, str]:
    """(to whom, when) of "at her publisher on 3 May"."""
    found = _re(
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
        if not words.isdisjoint(UNIQUE) or any(w[0].isupper() or _is_number(w) for w in named)
        else "due?"
    )


def _finished(s: _Sentence) -> list[Claim] | None:
    """What is done is due no more."""
    found = _match(
        rf"{_S} (?:has |have )?(?:handed in|turned in|submitted|delivered|finished|completed) (?P<what>[\w' -]+?)(?: (?:on|in|to|at) [\w' ]+)?",
        s,
    )
    if found:
        who, what = subject(found.group("s")), found.group("what")
        if who is None:
            return None
        name = "My" if who == "i" else "Our" if who == "we" else f"{found.group('s')}'s"
        thing = subject(_capital(_re(r"^(?:his|her|their|its) ").sub(f"{name} ", what)))
        return [_over(s, thing, "handed in")] if thing else None
    found = _match(
        rf"{_S} (?:is|are|has been|have been) (?P<how>{FINISHED})(?: (?:on|since|at|to) [\w' ]+)?", s
    )
    thing = subject(found.group("s")) if found else None
    if not found or not thing:
        return None
    how = found.group("how")
    return [_over(s, thing, f"be {how}" if how in DONE else "handed in")]


def _over(s: _Sentence, thing: str, what: str) -> Claim:
    ended = () if s.denied else (f"{thing}|due", f"{thing}|done")
    return _claim(s, _plain_key(thing, (what,)), Manner.PLAIN, ended=ended)


def _counted(s: _Sentence) -> list[Claim] | None:
    number = r"(?P<n>\d+|" + _words(tuple(NUMBERS)) + ")"
    found = _match(
        rf"{_S} (?:has|have|owns?) {number} (?P<what>\w+(?: \w+)?s|children|people|employees|sheep|fish|mice)",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or found.group("n") in ("one", "1"):
        return []
    what = " ".join(stem(w) for w in levelled(found.group("what")))
    return [_claim(s, f"{who}|count {what}", Manner.STATE, value=levelled(found.group("n")), domain="number")]


def _switched(s: _Sentence) -> list[Claim] | None:
    verbs = ("use", "drink", "eat", "drive", "take", "play", "have", "prefer", "run")
    found = _match(rf"{_S} (?:have |has )?(?:switched|migrated|changed|moved) from (?P<p>.+?) to {_V}", s)
    if found:
        who = subject(found.group("s"))
        if who is None or who.split()[-1] in FUNCTIONAL:
            return None
        before, after = levelled(found.group("p")), levelled(found.group("v"))
        keys = tuple(dict.fromkeys(_plain_key(who, (stem(v), *before)) for v in verbs))
        keys += (_plain_key(who, ("be", "using", *before)),)
        return [_claim(s, _plain_key(who, ("switch", *after)), Manner.PLAIN, ended=keys, changed=True)]
    found = _match(rf"{_S} (?P<verb>\w+) {_V} instead of (?P<p>.+)", s)
    if found:
        who = subject(found.group("s"))
        changed = bool(_change_word().search(found.group("v")))
        value = levelled(_change_word().sub("", found.group("v")))
        if who is None or not changed:
            return []
        verb = stem(found.group("verb").casefold())
        key = _plain_key(who, (verb, *value))
        return [
            _claim(
                s,
                key,
                Manner.PLAIN,
                ended=(_plain_key(who, (verb, *levelled(found.group("p")))),),
                changed=True,
            )
        ]
    return None


def _moved_date(s: _Sentence) -> list[Claim] | None:
    """When something takes place; without a word of change two such statements may be of two occasions."""
    shifted = r"(?:moved|postponed|rescheduled|delayed|brought forward|pushed back|shifted|changed|pushed)"
    found = _match(rf"{_S} (?:has been|have been|is|are|got) {shifted}(?: from [^,]+?)? to {_V}", s)
    if not found:
        found = _match(rf"{_S} {shifted}(?: from [^,]+?)? to {_V}", s)
    if found:
        if not _timed(found.group("v")):
            return None
        return _dated(s, found, changed=True)
    found = _match(
        rf"{_S} (?:is|are|takes place|is scheduled for|is set for|starts|start|begins) (?:on |at )?{_V}", s
    )
    if not found and (met := _match(rf"{_S} meets? (?:on |at )?{_V}", s)) and _is_day(met.group("v")):
        return _dated(s, met, changed=False)
    if not found:
        found = _match(rf"{_S} (?P<verb>opens|closes|leaves|departs|arrives|ends|finishes) at {_V}", s)
        if found and (who := subject(found.group("s"))) and found.group("v")[0].isdigit():
            return [
                _claim(
                    s,
                    f"{who}|{found.group('verb')}",
                    Manner.STATE,
                    value=_valued(found.group("v")),
                    domain="occasion",
                )
            ]
        return None
    if _timed(found.group("v")) and not _re(r"\b(?:every|each)\b").search(found.group("v")):
        if _functional(found.group("s")):
            return None
        return _dated(s, found, changed=False)
    return None


def _functional(what: str) -> bool:
    """Whether it is an attribute of something: "the project deadline", "the deadline of the project"."""
    words = levelled(_re(r"^[Tt]he ([\w -]+?) (?:of|for) .+$").sub(r"\1", what))
    return bool(words) and words[-1] in FUNCTIONAL


def _timed(text: str) -> bool:
    words = levelled(text)
    dated = any(w in MONTHS for w in words) and any(w.isdigit() for w in words)
    return (
        dated or any(w in DAYS for w in words) or bool(_re(r"\d(?::\d\d)? ?(?:am|pm)\b|\d:\d\d").search(text))
    )


def _is_day(text: str) -> bool:
    """Whether it begins with a day of the week, this one or each."""
    return text.split(maxsplit=1)[0].casefold().removesuffix("s") in DAYS


def _dated(s: _Sentence, found: re.Match[str], *, changed: bool) -> list[Claim]:
    who = subject(found.group("s"))
    if who is None:
        return []
    if _functional(found.group("s")):
        return _attribute_of(s, found.group("s"), found.group("v"), changed=changed) or []
    return [
        _claim(
            s,
            f"{who}|when",
            Manner.STATE,
            value=_valued(found.group("v")),
            changed=changed,
            domain="occasion",
        )
    ]


def _attribute(s: _Sentence) -> list[Claim] | None:
    born = _match(rf"{_S} (?:is|are|am)? ?born in {_V}", s) or _re(rf"^{_S} born in {_V}$").match(s.text)
    if born and (who := subject(born.group("s"))) and born.group("v")[0].isupper():
        return [_claim(s, f"{who} birthplace", Manner.FIXED, value=levelled(born.group("v")), domain="place")]
    born = _match(rf"{_S} born on {_V}", s)
    if born and (who := subject(born.group("s"))) and _timed(born.group("v")):
        return [_claim(s, f"{who} birthday", Manner.FIXED, value=_valued(born.group("v")))]
    change = r"(?:has increased|has decreased|has fallen|has gone up|has changed|have changed|changed|has been changed|was changed|is changed|has been updated|is updated|has been set|went up|rose|dropped|fell|has been postponed|is postponed|has been extended|is extended|has been moved|postponed|increased|decreased|has risen|has dropped|became|switched)"
    if found := _match(rf"{_S} {change}(?: from (?P<p>[^,]+?))? to {_V}", s):
        return _attribute_of(
            s, found.group("s"), found.group("v"), changed=True, prior=found.group("p") or ""
        )
    if found := _match(
        rf"(?P<s>(?:[Mm]y|[Oo]ur|[Tt]he|[A-Z][\w'&-]*(?: [A-Z]\w*)*'s) [\w' -]+?):? (?P<is>is|are|=) (?P<no>not )?{_V}",
        s,
    ):
        made = _attribute_of(s, found.group("s"), found.group("v"), denied=bool(found.group("no")))
        if made is not None:
            return made
    if found := _match(rf"(?P<s>(?:[Mm]y|[Oo]ur|[Tt]he) [\w' -]+?): {_V}", s):
        return _attribute_of(s, found.group("s"), found.group("v"))
    if found := _match(rf"{_V} is (?P<s>(?:my|our|[A-Z]\w+'s) [\w ]+)", s):
        return _attribute_of(s, found.group("s"), found.group("v"))
    return None


def _attribute_of(
    s: _Sentence, what: str, value: str, *, changed: bool = False, prior: str = "", denied: bool = False
) -> list[Claim] | None:
    """`what` is "Anna's phone number" or "the password of the wifi"; None where it is no such thing."""
    inverted = _re(r"^[Tt]he ([\w -]+?) (?:of|for) ((?:the |my |our )?[\w' -]+)$").match(what)
    words = levelled(f"{inverted.group(2)} {inverted.group(1)}" if inverted else what)
    fresh = any(w in ("new", "current", "latest", "present") for w in words)
    words = tuple(w for w in words if w not in ("new", "current", "latest", "present"))
    husbands = len(words) > 2 and words[-2] == "'s" and words[-1] in ("husband", "wife")
    words = _renamed(tuple(w for w in words if w != "'s"))
    if (
        len(words) < 2
        or len(words) > 8
        or words[0] in NOBODY
        or _re(r"^(?:[Hh]is|[Hh]er|[Ii]ts|[Tt]heir|[Yy]our|[Tt]his|[Tt]hat)\b").match(what)
    ):
        return None
    head = words[-1]
    favourite = "favourite" in words
    if not favourite and (head not in FUNCTIONAL or head in ONLY_AS_FAVOURITE):
        return None
    if head in RELATIVES and not favourite:
        return None
    if head in PERSONS and not favourite and not _is_name(value):
        return None
    got = _valued(value)
    if not got or len(got) > 8 or got[0] in ("not", "very", "too", "so") or _vague(value):
        return []
    own = "new" in what.split() or "New" in what.split()
    manner = Manner.FIXED if head in FIXED and not favourite else Manner.STATE
    made = [
        _claim(
            s, " ".join(words), manner, value=got, changed=changed or own or (fresh and own), prior=_valued(prior),
            positive=not denied, domain="moves" if head in MOVES else "",
        )
    ]  # fmt: skip
    if husbands:
        spouse = _claim(
            s,
            f"{' '.join(words[:-1])}|marital",
            Manner.STATE,
            value=("married",),
            rest=got,
            positive=not denied,
        )
        made.append(spouse)
    return made


def _is_name(value: str) -> bool:
    """Whether it tells who somebody is, not how ("Dutch", "angry")."""
    return _re(r"^(?:[A-Z]|(?:my|our) \w)").match(value) is not None and value.casefold() not in ORIGINS


def _renamed(words: tuple[str, ...]) -> tuple[str, ...]:
    text = " ".join(words)
    for a, b in (
        ("phone number", "phone"),
        ("mobile number", "mobile"),
        ("email address", "email"),
        ("postal code", "postcode"),
        ("job title", "job"),
    ):
        text = (
            _re(rf"{a}$").sub(b, text)
            if " " in b or a.endswith(("number", "address", "code", "title"))
            else text.replace(a, b)
        )
    return tuple(text.split())


def _vague(value: str) -> bool:
    """A description in place of a value: "a nurse from Bergen", "very high", "what we agreed on"."""
    return bool(
        _re(
            r"^(?:an? \w|(?:very|too|quite|really|so|about|around|what|that|going|being|getting|missing|unknown|wrong|important|in|due|not)\b)",
            re.I,
        ).match(value)
    )


def _prefers(s: _Sentence) -> list[Claim] | None:
    found = _match(rf"{_S} prefers? {_V} (?:to|over) (?P<o>[^,]+?)", s)
    if found and (who := subject(found.group("s"))):
        one, other = levelled(found.group("v")), levelled(found.group("o"))
        pair = " / ".join(sorted((" ".join(one), " ".join(other))))
        return [_claim(s, f"{who}|prefer {pair}", Manner.STATE, value=one, domain="choice")]
    found = _match(rf"{_S} (?:is|are|am) (?P<c>\w+er|more \w+|less \w+) than {_V}", s)
    if found and (who := subject(found.group("s"))):
        pair = " / ".join(sorted((who, " ".join(levelled(found.group("v"))))))
        return [
            _claim(s, f"{found.group('c')} {pair}", Manner.STATE, value=tuple(who.split()), domain="choice")
        ]
    return None


# -- what is so or not


def _plain_key(who: str, words: tuple[str, ...]) -> str:
    return f"{who}|{' '.join(words)}"


def _plain(s: _Sentence) -> Iterator[Claim]:
    found = None
    if not lacks(s.words, _QUIT_HINTS):
        found = _match(
            r"(?P<s>.+?) (?:have |has )?(?P<q>quit|stopped|gave up|given up) (?P<ing>\w+ing)(?P<o>(?: .+)?)",
            s,
        )
    if found:
        if who := subject(found.group("s")):
            yield from _stated(s, who, found.group("ing"), found.group("o"), positive=False, changed=True)
        return
    if not lacks(s.words, _BEGUN_HINTS):
        found = _match(
            r"(?P<s>.+?) (?:have |has )?(?P<q>started|began|taken up|took up) (?P<ing>\w+ing)(?P<o>(?: .+)?)",
            s,
        )
    if found:
        if who := subject(found.group("s")):
            yield from _stated(s, who, found.group("ing"), found.group("o"), positive=True, changed=True)
        return
    longest = _longest_subject(s.text)
    for place in _re(r" ").finditer(s.text):
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


def _longest_subject(text: str) -> int:
    """How many words a subject at the beginning of a text has at most; `subject` refuses what is longer."""
    words = text.split()[:_SUBJECT]
    first = words[0].casefold() if words else ""
    if first in NOBODY:
        return 0
    if first in ("i", "we"):
        return 1
    if first in ("my", "our", "the"):
        return _SUBJECT
    for place, word in enumerate(words):
        if not _is_named(word):
            return place
        if word.endswith("'s"):
            return _SUBJECT
    return _SUBJECT


def _predicate(s: _Sentence, who: str, text: str) -> list[Claim]:
    verb = text.partition(" ")[0]
    if verb in ("is", "am", "are", "has", "have", "can") and (
        found := _re(r"^(?P<v>is|am|are|has|have|can)(?P<no> not| never)? (?P<o>.+)$").match(text)
    ):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=not found.group("no")))
    if verb in ("do", "does") and (
        found := _re(r"^(?:do|does) not (?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)
    ):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=False))
    if verb == "never" and (found := _re(r"^never (?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)):
        return list(_stated(s, who, found.group("v"), found.group("o"), positive=False))
    found = _re(r"^(?P<v>[a-z]+)(?P<o>(?: .+)?)$").match(text)
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
    s: _Sentence,
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
    key = _plain_key(who, ("like", *what))
    yield _claim(s, key, Manner.PLAIN, positive=positive and good, rest=degree + how, changed=changed)


def _stated(
    s: _Sentence, who: str, verb: str, rest: str, *, positive: bool, changed: bool = False
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
            _claim(s, _plain_key(who, ("like", *words[1:])), Manner.PLAIN, positive=False, rest=("hate",))
            if not positive
            else _claim(s, _plain_key(who, ("can", *words)), Manner.PLAIN)
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
        yield _claim(s, f"{who}|{base} only", Manner.STATE, value=tuple(words), domain="any")
    yield _claim(
        s, _plain_key(who, (base, *words)), Manner.PLAIN, positive=positive, rest=how, changed=changed
    )
