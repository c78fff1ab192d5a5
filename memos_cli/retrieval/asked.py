"""What a question is, before any route is asked: whom it names, whether it wants advice or a time.

Owns: reading the question, and the text of it that is embedded. Does not own: the embedder, nor
what ranking makes of it (`retrieval/pipeline`).

A name pulls an embedder to greetings and to everything said by or to that person, so the names of
those who speak in the cube leave the text that is embedded; the keyword route keeps them
(retrieval.md: dense recall@10 on LoCoMo .442 with, .599 without).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, cached_property

import msgspec

from memos_cli.retrieval.temporal import Window, asks_when, windows
from memos_cli.stores.analysis import UNSPACED
from memos_cli.stores.facts import speaker_number

CJK_SHARE = 0.3
"""Share of a question's letters from which on it counts as Chinese, Japanese or Korean."""

LONGEST_NAME = 3
"""Words of a name at most; characters of a Chinese one: 2 to 4."""

READ = 64
"""Words of a question among which names are looked for."""


class Asked(msgspec.Struct, frozen=True, dict=True):
    """A question, read."""

    text: str
    dense: str
    """The text without the names of those who speak in the cube."""
    names: tuple[str, ...] = ()
    request: bool = False
    """Whether it asks for advice."""
    when: bool = False
    """Whether it asks for a time."""
    cjk: bool = False
    windows: tuple[Window, ...] = ()
    """The stretches of time that it names."""

    @cached_property
    def speaker(self) -> int:
        """The number of the one speaker whom it names; 0 for none or several."""
        numbers = {speaker_number(name) for name in self.names}
        return numbers.pop() if len(numbers) == 1 else 0

    @cached_property
    def time_alone(self) -> bool:
        """Whether it names one time and nothing else: "what did I say in spring", 四月我做了什么."""
        if len(self.windows) != 1 or self.names or self.when:
            return False
        rest = self.text.replace(self.windows[0].text, " ")
        words = re.findall(r"[^\W\d_]+|\d+", _unspaced().sub(" ", rest).lower())
        unspaced = "".join(_unspaced().findall(rest))
        return _SAYING_NOTHING.issuperset(words) and not _SAYING_NOTHING_CHINESE.sub("", unspaced)


_SAYING_NOTHING = frozenset(
    [
        "what",
        "which",
        "who",
        "did",
        "do",
        "does",
        "done",
        "doing",
        "have",
        "has",
        "had",
        "been",
        "be",
        "being",
        "is",
        "was",
        "were",
        "am",
        "are",
        "i",
        "we",
        "you",
        "he",
        "she",
        "they",
        "my",
        "our",
        "me",
        "us",
        "mine",
        "up",
        "to",
        "in",
        "on",
        "at",
        "of",
        "for",
        "about",
        "with",
        "from",
        "during",
        "over",
        "the",
        "a",
        "an",
        "and",
        "any",
        "anything",
        "all",
        "everything",
        "some",
        "something",
        "else",
        "s",
        "t",
        "ve",
        "say",
        "said",
        "saying",
        "tell",
        "told",
        "talk",
        "talked",
        "talking",
        "speak",
        "spoke",
        "discuss",
        "discussed",
        "mention",
        "mentioned",
        "happen",
        "happened",
        "happening",
        "happens",
        "go",
        "going",
        "went",
        "notes",
        "note",
        "write",
        "wrote",
        "written",
        "memories",
        "memory",
        "remember",
        "recall",
        "know",
        "new",
        "show",
        "list",
        "give",
        "find",
        "please",
        "there",
        "around",
        "back",
        "then",
        "time",
        "again",
        "news",
        "events",
        "event",
        "things",
        "thing",
        "stuff",
        "so",
    ]
)
_SAYING_NOTHING_CHINESE = re.compile(
    r"发生|聊|谈|讲|说|做|干|记录|记|写|提到|提过|提|告诉|经历|我们|你们|他们|我|你|您|他|她|咱|都|有|是|在|了|过|的|着|些|什么|哪些|啥|事情|事儿|事|情况"
    r"|东西|笔记|内容|消息|吗|呢|吧|啊|请|一下|列出|看看|和|跟|里|中|间|期|时候|那"
)
"""What asks for whatever there is, and says nothing of what."""


def read(text: str, known: Callable[[Iterable[str]], Sequence[str]], now: datetime) -> Asked:
    """Read a question that is asked at `now`. `known` says which of some labels are those of speakers
    in the cube."""
    found = set(known(dict.fromkeys(_candidates(text))))
    names = tuple(n for n in sorted(found, key=len, reverse=True) if n)
    return Asked(
        text=text,
        dense=_without(text, names),
        names=names,
        request=_is_request(text),
        when=asks_when(text),
        cjk=_is_cjk(text),
        windows=windows(text, now),
    )


def _candidates(text: str) -> Iterator[str]:
    """Whatever could be a name: groups of capitalised words, short runs of unspaced characters."""
    words = re.findall(r"[^\W\d_][\w.-]*", _unspaced().sub(" ", text))[:READ]
    # Typed all small or all large, any word may be a name.
    typed_alike = not any(word[0].isupper() for word in words) or text.isupper()
    for start, word in enumerate(words):
        for end in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1):
            name = " ".join(words[start:end])
            # A full stop may belong to the name ("J. R.") or end the sentence.
            for one in dict.fromkeys((name, name.rstrip(".-"))):
                if word[0].isupper():
                    yield one
                if typed_alike:
                    yield from (one, one.title())
    for run in _unspaced().findall(text)[:READ]:
        for start in range(len(run) - 1):
            yield from (run[start:end] for end in range(start + 2, min(start + 4, len(run)) + 1))


def _without(text: str, names: Sequence[str]) -> str:
    """The text without the names and a following 's; as it was where nothing would be left."""
    rest = text
    for name in names:
        # A word ends where a script without spaces begins, too.
        ends = "" if _unspaced().search(name) else rf"[^\W{UNSPACED}]"
        before, after = (f"(?<!{ends})", f"(?!{ends})") if ends else ("", "")
        rest = re.sub(rf"{before}{re.escape(name)}{after}(?:['’]s\b)?", " ", rest, flags=re.IGNORECASE)
    rest = " ".join(rest.split())
    return rest if any(c.isalnum() for c in rest) else text


def _is_cjk(text: str) -> bool:
    letters = sum(c.isalpha() for c in text)
    return letters > 0 and sum(map(len, _unspaced().findall(text))) > CJK_SHARE * letters


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]+")


def _is_request(text: str) -> bool:
    """Whether somebody asks for advice; the pattern is only compiled for words that it can match."""
    small = text.lower()
    some = not _REQUESTING.isdisjoint(re.findall("[a-z]+", small)) or "recommend" in small
    return (some or "suggest" in small or not text.isascii()) and bool(_requests().search(text))


_REQUESTING = frozenset(("you", "i", "any", "some", "please"))


@cache
def _requests() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:(?:can|could|would|will) you (?:please )?(?:recommend|suggest|advise|help|tell|give|share|provide|show)\b"
        r"|what (?:would|do|should) (?:you|i) (?:recommend|suggest|advise|do|consider|try|look for)\b"
        r"|(?:any|some) (?:recommendations?|suggestions?|advice|ideas|tips)\b|do you have any\b"
        r"|i(?:['’]m| am) (?:thinking (?:about|of)|planning|considering|looking (?:to|for|into)|interested in|trying to|wondering)\b"
        r"|i (?:want|would like|need|plan)\b|i['’]d like\b|how (?:should|can|do) i\b|should i\b"
        r"|what are some\b|where (?:should|can) i\b|please\b|recommend\w*|suggest\w*)"
        r"|推荐|建议|帮我|给我(?:介绍|讲)|我(?:想|打算|准备)|该(?:怎么|如何)|怎么(?:选|办)",
        re.IGNORECASE,
    )


__all__ = ["Asked", "read"]
