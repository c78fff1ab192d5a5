"""Which language a text is in, well enough to tell whether an embedder was trained for it.

Owns: a test by script, and by function words for the large languages in Latin script. Does not
own: any decision. A text too short to tell is None, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from memos_cli.dates.signs import small_words

_SCRIPTS = (
    ("ja", "[\u3040-\u30ff]"),
    ("ko", "[\uac00-\ud7af]"),
    ("zh", "[\u3400-\u4dbf\u4e00-\u9fff]"),
    ("ru", "[\u0400-\u04ff]"),
    ("ar", "[\u0600-\u06ff]"),
    ("he", "[\u0590-\u05ff]"),
    ("hi", "[\u0900-\u097f]"),
    ("th", "[\u0e00-\u0e7f]"),
    ("el", "[\u0370-\u03ff]"),
)
_WORDS = {
    "en": "the and of to in is that it was for on with as at this have from are you my not be we she his they",
    "de": "der die das und ist ich nicht mit ein eine zu den von auf für sie wir im dem auch wird hat sich",
    "fr": "le la les des est une et que pour dans qui pas vous je nous avec sur au ce sont il elle du",
    "es": "el la los las que una es por con para del está muy pero como más yo mi se lo su al",
    "it": "il lo gli che una è per con non sono della del mi ho di questo anche più alla nel",
    "pt": "o os as uma que não é com para do da em meu você mais muito isso foi ao na",
    "nl": "de het een en van is niet dat ik op met voor zijn maar ook wij naar heeft",
}
_LANGUAGES: dict[str, tuple[str, ...]] = {}
"""Function word → the languages that have it."""
for _code, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _code)
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _scripts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Made for the first text that is not ASCII: large character classes take milliseconds."""
    return tuple((code, re.compile(letters)) for code, letters in _SCRIPTS)


def language_of(text: str) -> str | None:
    """ISO 639-1 code of the text's main language, or None when it cannot be told.

    A script counts when at least 30 % of the first 2,000 characters' letters are of it; Japanese
    is told from Chinese by its syllables. In Latin script two function words are needed, and more
    than any other language has.
    """
    sample = text[:2000]
    words: Sequence[str]
    if sample.isascii():
        words = small_words(sample)
    else:
        letters = sum(map(str.isalpha, sample))
        for code, script in _scripts():
            found = len(script.findall(sample))
            if found and found >= (0.1 if code == "ja" else 0.3) * letters:
                return code
        words = _WORD.findall(sample.lower())
    scores: dict[str, int] = {}
    for codes in filter(None, map(_LANGUAGES.get, words[:200])):
        for code in codes:
            scores[code] = scores.get(code, 0) + 1
    if not scores:
        return None
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])
    if not ranked or ranked[0][1] < 2 or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
