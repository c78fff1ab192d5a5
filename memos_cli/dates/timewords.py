"""A text as a string of tags.

Owns: cutting a text into words, English and Chinese, and blotting out its quotations. Does not own: what each
word may mean in a phrase about time (`english`, `chinese`), the phrases (`timephrases`) nor the calendar
(`timespans`).
"""

from __future__ import annotations

import re
from functools import cache

from memos_cli.dates.chinese import CHINESE, chinese_tokens
from memos_cli.dates.english import english_words, latin_tokens
from memos_cli.dates.tags import TAG, Token

# A run without spaces: words, numbers and whatever is glued to them, so that 2023B stays one piece.
_LATIN = r"[A-Za-z0-9_$€£¥%#@&+/\\.:'’\-\u00c0-\u024f]+"
_PHRASES = {
    "new year's eve": "new_years_eve",
    "new year's day": "new_years_day",
    "christmas eve": "christmas_eve",
    "christmas day": "christmas_day",
    "boxing day": "boxing_day",
    "valentine's day": "valentine",
    "independence day": "independence",
    "fourth of july": "independence",
    "4th of july": "independence",
    "good friday": "good_friday",
    "easter sunday": "easter_sunday",
    "easter monday": "easter_monday",
    "chinese new year": "spring_festival",
    "lunar new year": "spring_festival",
    "spring festival": "spring_festival",
    "mid-autumn festival": "mid_autumn",
    "st patrick's day": "patrick",
}
_PLAIN = rf"""
  (?P<latin>{_LATIN})
 |(?P<dash>[–—~～])
 |(?P<comma>[,、，])
 |(?P<stop>[^\w\s])
 |(?P<other>[^\W\s])
"""
_PHRASE = (
    r"\b(?:new year['’]s (?:eve|day)|christmas (?:eve|day)|boxing day|valentine['’]s day|independence day"
    r"|(?:fourth|4th) of july|good friday|easter (?:sunday|monday)|(?:chinese|lunar) new year|spring festival"
    r"|mid-autumn festival|st\.? patrick['’]s day)\b"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.VERBOSE if source.startswith("\n") else re.IGNORECASE)


def _lexer(text: str) -> re.Pattern[str]:
    """Chinese words are looked for only where there are any: the lexer of English is ten times faster."""
    return _compiled(CHINESE + " |" + _PLAIN.lstrip() if _HAN.search(text) else _PLAIN)


def tokens(text: str, year: int) -> list[Token]:
    """The words of `text` in order; `year` is the present one, for 去年 and 明年."""
    found: list[Token] = []
    done = 0
    lower = text.lower()
    if any(word in lower for word in _PHRASE_WORDS):
        for match in _compiled(_PHRASE).finditer(text):
            found += _words_of(text, done, match.start(), year, found)
            name = match[0].lower().replace("’", "'").replace(".", "")
            found.append(Token(TAG["HOLIDAY"], _PHRASES[name], *match.span()))
            done = match.end()
    return found + _words_of(text, done, len(text), year, found)


_PHRASE_WORDS = ("day", " eve", "july", "new year", "festival")


def _words_of(text: str, start: int, end: int, year: int, before: list[Token]) -> list[Token]:
    found: list[Token] = []
    words, stop, nothing, cased = (
        english_words(),
        TAG["STOP"],
        (TAG["OTHER"], None),
        (TAG["MONTH"], TAG["WEEKDAY"]),
    )
    for match in _lexer(text).finditer(text, start, end):
        kind = match.lastgroup or "other"
        if kind == "latin":
            word = match[0]
            known = words.get(word.lower(), nothing if word.isalpha() else None)
            if known and known[0] not in cased:
                found.append(Token(known[0], known[1], *match.span()))
            else:
                first = found[-1].tag == stop if found else not before
                found += latin_tokens(word, match.start(), first)
        elif kind in _MARKS:
            found.append(Token(_MARKS[kind], None, *match.span()))
        else:
            found += chinese_tokens(kind, match, year)
    return found


_MARKS = {"dash": TAG["TO"], "comma": TAG["COMMA"], "stop": TAG["STOP"], "other": TAG["OTHER"]}


_FULL_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), 0xFF0D, 0xFF0F, 0xFF1A)} | {
    0x3000: " "
}
_QUOTED = r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|《[^》\n]{1,200}》|「[^」\n]{1,200}」"


def without_quotations(text: str) -> str:
    """Full-width digits made plain, quotations blotted out; every character stays in its place.

    What stands in quotation marks is a title or someone's words ("Summer 2023"), no time of the text's own.
    """
    plain = text if text.isascii() else text.translate(_FULL_WIDTH)
    blotted = _compiled(_QUOTED).sub(lambda quoted: ";" * len(quoted[0]), plain)
    return plain if blotted.strip("; .?!") == "" else blotted
