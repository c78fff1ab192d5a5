"""The phrase that says best what a text is about, without a model.

Owns: candidate phrases and their scores, in English and Chinese. Does not own: whether a memory
gets it as its key (`reader/annotate`).

RAKE (Rose, Engel, Cramer and Cowley 2010): a text is cut at function words and punctuation; a
word's score is its degree (how many words stand in phrases with it, itself included) over its
frequency, a phrase's the sum of its words' scores. Kept to phrases of at most four words, and
earlier ones win, since texts say early what they are about (Campos and others 2020, YAKE). Chinese
has no spaces: it is cut at function characters, and a run scores by its length and by how often it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import accumulate

LONGEST = 4_000
"""Characters of a text that are read."""

LEAST = 12
"""Words (Chinese: characters) of a text that gets a key; a shorter one is its own key."""

_PHRASE, _RUN = 4, 10
_LATE = 0.5
"""Share of its score that a phrase at the very end of a text loses."""

_FUNCTION_WORDS = (
    "a about above after again against all almost also although always am among an and another any are aren't as at away be became "
    "because been before behind being below between both but by came can can't cannot come could couldn't did didn't do does "
    "doesn't doing don't done down during each either else even ever every few first for from further gave get gets getting give "
    "given go goes going gone got had has have haven't having he he's her here hers herself him himself his how however i i'd i'll "
    "i'm i've if in into is isn't it it's its itself just keep kept know last least less let like made make makes making many may "
    "me might mine more most much must my myself near need never next no nor not now of off often on once one only onto or other "
    "our ours out over own per put quite rather really said same saw say says see seen several shall she she's should since so some "
    "something still such take taken than that that's the their theirs them then there there's these they they're thing things this "
    "those though through thus to together too took toward two under until up upon us use used using very via want was wasn't way we "
    "we'll we're we've well went were what when where whether which while who whom whose why will with within without won't would yet "
    "you you're your yours three was become shown show found given considered based new good great lot"
)
_FUNCTION_CHARACTERS = (
    "我们你们他们她们它们|我|你|您|他|她|它|这个|那个|这些|那些|这|那|哪|什么|怎么|为什么|的|了|着|过|在|是|有|没有|没|不|也|都|就|还|又|很|更|最|太|非常|特别"
    "|和|与|跟|或者|或|而且|但是|但|因为|所以|如果|虽然|把|被|给|让|对|向|从|到|为|以|于|之|其|可以|能够|能|会|要|想|应该|需要|已经|正在|一个|一些|一种|一下|一"
    "|上|下|里|中|后|前|时候|时|吗|呢|吧|啊|说|去|来|做|用|个|们|地|得|等|并|则|及|只|再|才"
)


def keyphrase(text: str) -> str | None:
    """The best phrase of a text, as it stands there; None for a text of few words."""
    sample = text[:LONGEST]
    if not sample.isascii() and (han := len(_han().findall(sample))) > len(sample) // 3:
        return _best(_runs(sample), sample) if han >= LEAST else None
    if len(sample.split()) < LEAST:
        return None
    phrases = _phrases(sample)
    return (
        _best(_scored(phrases), sample) if len(phrases) > 1 else next((phrase for phrase, _ in phrases), None)
    )


def _best(scored: Iterator[tuple[float, int, str]], text: str) -> str | None:
    """The highest score after what late ones lose; of equals the first."""
    weighed = ((score * (1 - _LATE * place / len(text)), -place, phrase) for score, place, phrase in scored)
    return max(weighed, default=(0.0, 0, None))[2]


def _scored(phrases: Iterable[tuple[str, int]]) -> Iterator[tuple[float, int, str]]:
    frequency: dict[str, int] = {}
    degree: dict[str, int] = {}
    split = [(phrase, place, phrase.lower().split()) for phrase, place in phrases]
    for _, _, words in split:
        for word in words:
            frequency[word] = frequency.get(word, 0) + 1
            degree[word] = degree.get(word, 0) + len(words)
    for phrase, place, words in split:
        # One word repeated is worth more than four that happen to stand together.
        again = max([frequency[word] for word in words])
        yield sum([degree[word] / frequency[word] for word in words]) * again**0.5, place, phrase


def _phrases(text: str) -> list[tuple[str, int]]:
    """Runs of up to four words without a function word, a number or a mark among them, and their places."""
    if text.isascii() and (found := _ascii_phrases(text)) is not None:
        return found
    return list(_parted(text))


def _ascii_phrases(text: str) -> list[tuple[str, int]] | None:
    """The same, faster: by the shapes of its chunks; None where one of them is of no simple shape."""
    chunks = text.lower().encode().translate(_TABLE).decode().split(" ")
    shape = "".join(map(_shape, chunks))
    if "x" in shape:
        return None
    ends: list[int] = []
    found: list[tuple[str, int]] = []
    for run in _RUN_OF_WORDS.finditer(shape):
        first, last = run.span()
        if last - first - run[0].count("e") > _PHRASE:
            continue
        ends = ends or list(accumulate(map(len, chunks)))
        # Where a chunk ends: after all letters so far, and one space for each chunk before it.
        head, tail = chunks[first], chunks[last - 1]
        start = ends[first] + first - len(head.lstrip("."))
        end = ends[last - 1] + last - 1 - len(tail) + len(tail.rstrip("."))
        found.append((" ".join(text[start:end].split()), start))
    return found


@lru_cache(maxsize=1 << 15)
def _shape(chunk: str) -> str:
    """What stands between two spaces, as a letter: w(ord), b(reak), e(mpty) or x, which is none of these;
    d, c and o: a word with a mark before it, after it and around it."""
    if chunk.isalpha():
        return "b" if chunk in _function_words() else "w"
    runs = chunk.replace(".", " . ").split()
    said = [run if run == "." else run.lstrip("_'-").rstrip("'-") for run in runs]
    if not any(said):
        return "e"
    words = [word for word in said if word and word != "." and not _breaks(word)]
    if not words:
        return "b"
    if chunk.strip(".") != words[0]:
        return "x"
    return ("wc", "do")[chunk[0] == "."][chunk[-1] == "."]


def _breaks(word: str) -> bool:
    return word in _function_words() or word.isdigit()


_RUN_OF_WORDS = re.compile("[dw](?:e*w)*(?:e*c)?|c|o")


def _parted(text: str) -> Iterator[tuple[str, int]]:
    """As `_phrases`, of any text."""
    functional = _function_words()
    spans: list[tuple[int, int]] = []
    for word, start, end in _ascii_words(text) if text.isascii() else _words(text):
        if word in functional or word.isdigit():
            if spans:
                yield from _joined(text, spans)
                spans = []
        else:
            spans.append((start, end))
    yield from _joined(text, spans)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text in small letters with their places; a mark that parts phrases is the word ""."""
    for match in _word_or_mark().finditer(text):
        yield "" if match.lastindex is None else match[0].lower().replace("’", "'"), *match.span()


def _ascii_words(text: str) -> Iterator[tuple[str, int, int]]:
    """The same, faster: a table of bytes and `str.find` in place of the expression."""
    small = text.lower()
    done = 0
    for run in small.encode().translate(_TABLE).replace(b".", b" . ").decode().split():
        if run == ".":
            yield "", done, done
        # As in the expression: a word begins with a letter or digit, and ends in neither - nor '.
        elif word := run.lstrip("_'-").rstrip("'-"):
            # Nothing but what parts words stands between two, so this is where it is.
            start = small.index(word, done)
            done = start + len(word)
            yield word, start, done


_MARKS = '.,;:!?()[]{}"\n|*#'
_TABLE = bytes(
    ord(".") if c in _MARKS else ord(c) if c.isalnum() or c in "_'-" else ord(" ")
    for c in map(chr, range(128))
).ljust(256)
"""For ASCII: marks that part phrases as full stops, what is of no word as spaces."""


def _joined(text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    if spans and len(spans) <= _PHRASE:
        yield " ".join(text[spans[0][0] : spans[-1][1]].split()), spans[0][0]


def _runs(text: str) -> Iterator[tuple[float, int, str]]:
    runs = [(match[0], match.start()) for match in _content().finditer(text) if 2 <= len(match[0]) <= _RUN]
    for run, place in runs:
        yield min(len(run), 6) * text.count(run) ** 0.5, place, run


@cache
def _function_words() -> frozenset[str]:
    return frozenset(("", *_FUNCTION_WORDS.split()))


@cache
def _content() -> re.Pattern[str]:
    # The longest first, so that 没有 is not cut at 没.
    stops = "|".join(sorted(_FUNCTION_CHARACTERS.split("|"), key=len, reverse=True))
    return re.compile(rf"(?:(?!{stops})[\u4e00-\u9fffA-Za-z0-9])+")


@cache
def _word_or_mark() -> re.Pattern[str]:
    """A word, as the only group, or a mark that parts phrases."""
    return re.compile(r"([^\W_](?:[\w'’-]*\w)?)|[.,;:!?()\[\]{}\"“”\n|*#—–]")


@cache
def _han() -> re.Pattern[str]:
    return re.compile("[\u4e00-\u9fff]")
