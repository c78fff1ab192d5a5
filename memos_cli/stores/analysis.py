"""Words of a text and of a query, as the keyword index sees them.

Owns: tokenisation for the two searchable fields, the stop words, and the reading of a user's
query into terms, phrases, prefixes and identifiers. Does not own: the index, nor scoring
(`stores/keywords`), nor what makes two texts the same (`stores/nearness`).

Two views of a text:

- content: lower case, folded to ASCII, English Snowball stems, without stop words; what BM25 ranks;
- exact: lower case and folded, nothing removed, nothing stemmed; what phrases, prefixes and
  queries made of stop words alone are matched against.

Scripts that put no space between words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese)
become overlapping character pairs in both; a character that stands alone stays alone. In the
exact view each run also ends with its last character alone, so that every character of the run
begins some token and one typed character is found as a prefix.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tantivy import TextAnalyzer, TextAnalyzerBuilder

_STOP = (
    "a about am an and are as at be been being but by can could did do does for from had has have he "
    "her his how i if in into is it its just me my no not of on or our she should so than that the "
    "their them then there these they this those to us was we were what when where which who whom "
    "whose why will with would you your d ll m re s t ve didn doesn don isn wasn won "
)
STOP_WORDS = _STOP.split()
"""Words that carry no content, those of questions and the stumps of contractions among them."""

LONGEST_TOKEN = 255
"""Bytes; a longer word (a base64 blob) is not indexed."""

LONGEST_QUERY = 20_000
"""Characters of a query that are read; the rest of a pasted document adds no new direction."""

QUESTION = 3
"""Content terms outside its quotes that make a query a question: the evidence of "Who directed
the film that 'X' is from?" need not hold X (HotpotQA, questions with quotes: recall@10 .523 when
it must)."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao; Burmese; Khmer
    "\u1100-\u11ff\u3005\u3007\u3040-\u30ff\u31f0-\u31ff"  # Jamo; iteration mark, zero; kana
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Character class of scripts without spaces between words; Korean joins particles to its nouns."""

# The engine's tokenizer cuts at whatever is not a letter or digit, viramas and joiners included,
# which would tear Indic words apart; both sides of the match lose them instead.
_JOINERS = (
    "\u00ad\u200b-\u200d\u2060\ufeff\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d\u0abc\u0acd\u0b3c\u0b4d"
    "\u0bcd\u0c4d\u0cbc\u0ccd\u0d4d\u0dca\u0300-\u036f\u0591-\u05bd\u064b-\u065f"
)
_QUOTED = re.compile('["“”„«「『]([^"“”„«»「」『』]+)["“”»」』]')
_PREFIX = re.compile(r"(?<![*\w])(\w{2,})\*(?!\S)")
# Looked for where a word begins only: from every character of a long one it takes quadratic time.
_IDENTIFIER = re.compile(r"(?<!\w)(?:\w+(?:[-_.@/:+#]+\w+)+|\w+_\w+)")

_ANALYSING = threading.Lock()
"""An analyzer is of the engine and takes one text at a time; a second thread gets a RuntimeError."""


@cache
def content_analyzer() -> TextAnalyzer:
    """The engine's analyzer of the content view; takes what `content_text` gives."""
    from tantivy import Filter

    return _folded().filter(Filter.custom_stopword(STOP_WORDS)).filter(Filter.stemmer("English")).build()


@cache
def exact_analyzer() -> TextAnalyzer:
    """The engine's analyzer of the exact view; takes what `exact_text` gives."""
    return _folded().build()


def _folded() -> TextAnalyzerBuilder:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST_TOKEN))
    return builder.filter(Filter.lowercase()).filter(Filter.ascii_fold())


# Large character classes take milliseconds to compile, and a search in English needs none of them.
@cache
def _run() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]+")


@cache
def _joiners() -> re.Pattern[str]:
    return re.compile(f"[{_JOINERS}]")


def _runs(text: str) -> list[str]:
    """The unspaced runs of `text`."""
    return [] if text.isascii() else _run().findall(text)


def content_text(text: str) -> str:
    """`text` with its unspaced runs written as pairs, ready for the content analyzer."""
    return text if text.isascii() else _run().sub(_pairs, _composed(text))


def exact_text(text: str) -> str:
    """`text` with its unspaced runs written as pairs and last character, for the exact analyzer."""
    return text if text.isascii() else _run().sub(_pairs_and_last, _composed(text))


def content_terms(text: str) -> list[str]:
    """Content terms of `text`, in order, repetitions kept."""
    plain = content_text(text)
    with _ANALYSING:
        return content_analyzer().analyze(plain)


def exact_terms(text: str) -> list[str]:
    """Every word of `text`, in order."""
    plain = exact_text(text)
    with _ANALYSING:
        return exact_analyzer().analyze(plain)


def _composed(text: str) -> str:
    if text.isascii():
        return text
    # Surrogates come from arguments that are not UTF-8; the engine takes none.
    clean = text.encode("utf-8", "replace").decode()
    return _joiners().sub("", unicodedata.normalize("NFKC", clean))


def _pairs(run: re.Match[str]) -> str:
    s = run.group()
    return f" {s} " if len(s) == 1 else f" {' '.join(map(str.__add__, s, s[1:]))} "


def _pairs_and_last(run: re.Match[str]) -> str:
    s = run.group()
    return f" {s} " if len(s) == 1 else f" {' '.join(map(str.__add__, s, s[1:]))} {s[-1]} "


class Phrase(msgspec.Struct, frozen=True):
    """Words that must stand side by side; `open` lets the last one go on (an unspaced character)."""

    words: tuple[str, ...]
    open: bool = False


class ParsedQuery(msgspec.Struct, frozen=True):
    """A user's query, read: nothing in it is query syntax of the engine.

    `terms` are content terms in order, with repetitions; `words` the exact ones, for a query
    that has no content. `prefixes` come from a trailing `*` and from unspaced characters that
    stand alone. `phrases` were quoted and must match; there are none in a longer question, where a
    title is quoted rather than a condition made, and whose words are terms like all others.
    `identifiers` (`foo_bar-12`, an e-mail address) should match.
    """

    terms: tuple[str, ...]
    words: tuple[str, ...]
    prefixes: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    identifiers: tuple[Phrase, ...]


def parse(text: str) -> ParsedQuery:
    """Read a query as a person types it. Never fails; an empty query has empty parts."""
    text = _composed(text[:LONGEST_QUERY])
    quoted = _QUOTED.findall(text)
    typed = _PREFIX.findall(text)
    prefixes = [words[0] for word in typed if len(words := exact_terms(word)) == 1]
    rest = _PREFIX.sub(" ", text)
    alone = [run for run in _runs(rest) if len(run) == 1]
    terms = [term for term in content_terms(rest) if term not in alone]
    phrases = tuple(p for q in quoted if (p := _phrase(q)).words)
    identifiers = tuple(p for i in _IDENTIFIER.findall(text) if len((p := _phrase(i)).words) > 1)
    in_question = bool(quoted) and len(content_terms(_QUOTED.sub(" ", rest))) >= QUESTION
    return ParsedQuery(
        terms=tuple(terms),
        words=tuple(word for word in exact_terms(rest) if word not in alone),
        prefixes=tuple(dict.fromkeys(prefixes + alone)),
        phrases=() if in_question else phrases,
        identifiers=identifiers,
    )


def _phrase(text: str) -> Phrase:
    words = exact_terms(text)
    runs = _runs(text)
    ends_unspaced = bool(runs) and text.rstrip().endswith(runs[-1])
    if not ends_unspaced:
        return Phrase(tuple(words))
    # The run may go on in the memory: its last character alone is there only at a run's end.
    return Phrase(tuple(words), open=True) if len(runs[-1]) == 1 else Phrase(tuple(words[:-1]))
