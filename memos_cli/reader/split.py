"""Cutting text at its natural borders.

Owns: what a block is, how paragraphs and over-long blocks are cut, where sentences end (Latin
and CJK), which characters a memory never holds. Does not own: how a format's markup becomes
blocks (`documents`, `hypertext`), nor what becomes of a passage.

One block (paragraph, list, table, code) is one passage. Two are joined only where the first
leads in to the second ("The steps are:"). A block of more than `LONGEST` characters is cut at
the last good border before the limit: a blank line, then a sentence's end (in lists, tables
and code: a line's end), then a line, then a word; only where nothing of the kind stands in
reach is it cut anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 1200
"""Characters of the longest passage: about 250-300 tokens of English, what small embedders read."""
HELD = 65_536
"""Characters of one block that are held in memory at most; a longer one is cut while it is read."""
_LEAD_IN = 300
_WIDE_GAP = 16
NEVER_JOINED = "\n" * _WIDE_GAP
"""A gap that no lead-in reaches over, a heading for instance."""

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_ABBREVIATED = (
    "mr mrs ms dr prof st jr sr vs etc e.g i.e cf fig figs eq no nos vol pp p ca al inc ltd co corp dept est "
    "approx jan feb mar apr jun jul aug sep sept oct nov dec mt rev gen col sgt capt lt z.b bzw d.h u.a nr str"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_LATIN_END = re.compile(r"""[.!?…]+["'”’»)\]]*(?=\s)""")
_ORNAMENT = re.compile(r"[-=_*~#.|+\s]+")
_CJK_END = re.compile(r"[。！？；…]+[”’」』）》]*")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document that belongs together; `start`/`end` are offsets in its text."""

    text: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    gap: str = "\n\n"
    """What stands between this block and the one before it."""
    lines: bool = False
    """Its lines are units (list, table, code), so a line's end is a better border than a sentence's."""


def without_controls(text: str) -> str:
    """`text` without control characters, save tab, line feed, carriage return, VT and FF."""
    return _CONTROLS.sub("", text)


def says_nothing(text: str) -> bool:
    """Whether a text is white space or ornament: only dashes, stars, dots and the like."""
    return not _ORNAMENT.sub("", text)


def passages(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks of at most `LONGEST` characters, lead-ins joined to what they announce."""
    held: Block | None = None
    for block in blocks:
        if held is not None and not _announces(held, block):
            yield from _cut(held)
            held = None
        held = _joined(held, block) if held is not None else block
    if held is not None:
        yield from _cut(held)


def _announces(first: Block, second: Block) -> bool:
    return (
        len(first.text) <= _LEAD_IN
        and first.text.endswith((":", "："))
        and first.headings == second.headings
        and len(second.gap) < _WIDE_GAP
        and len(first.text) + len(second.gap) + len(second.text) <= LONGEST
    )


def _joined(first: Block, second: Block) -> Block:
    text = first.text + second.gap + second.text
    return Block(text, first.start, second.end, first.headings, first.gap, first.lines or second.lines)


def _cut(block: Block) -> Iterator[Block]:
    if len(block.text) <= LONGEST:
        yield block
        return
    for start, end in spans(block.text, lines=block.lines):
        yield Block(block.text[start:end], block.start + start, block.start + end, block.headings)


def spans(text: str, limit: int = LONGEST, *, lines: bool = False) -> Iterator[tuple[int, int]]:
    """Offsets of pieces of at most `limit` characters, without white space at their ends."""
    position = 0
    while position < len(text):
        stop = len(text) if len(text) - position <= limit else _border(text, position, limit, lines)
        piece = text[position:stop]
        if stripped := piece.strip():
            start = position + piece.index(stripped[0])
            yield start, start + len(stripped)
        position = stop


def _border(text: str, start: int, limit: int, lines: bool) -> int:
    """The last good place to cut in `text[start:start + limit]`, at least a third of the way in."""
    window, least = text[start : start + limit], limit // 3
    by_line, by_sentence = window.rfind("\n") + 1, _sentence_end(window, text[start + limit])
    order = (by_line, by_sentence) if lines else (by_sentence, by_line)
    word = max(map(window.rfind, " \t\n\u3000")) + 1
    for end in (window.rfind("\n\n") + 2, *order, word):
        if end > least:
            return start + end
    return start + _between_characters(text, start, limit)


def _sentence_end(window: str, following: str) -> int:
    """Offset after the last sentence that ends in `window`, 0 if none does."""
    last = max((match.end() for match in _CJK_END.finditer(window)), default=0)
    for match in _LATIN_END.finditer(window + following):
        if match.end() > last and match.end() <= len(window) and _ends_sentence(window, match):
            last = match.end()
    return last


def _ends_sentence(window: str, match: re.Match[str]) -> bool:
    if match[0][0] != ".":
        return True
    words = window[max(0, match.start() - 20) : match.start()].split()
    word = words[-1].lstrip("(\"'“‘").casefold() if words else ""
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return False
    return not window[match.end() :].lstrip()[:1].islower()


def _between_characters(text: str, start: int, limit: int) -> int:
    """`limit`, or a little less where that would part a letter from its accents or an emoji's halves."""
    for length in range(limit, max(limit - 32, 1), -1):
        before, after = text[start + length - 1], text[start + length]
        if before != "\u200d" and after not in "\u200d\ufe0f" and not unicodedata.combining(after):
            return length
    return limit


def paragraphs(lines: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Blocks of plain text, parted by blank lines, from (offset, line) pairs."""
    gatherer = Gatherer()
    for start, line in lines:
        if line.isspace():
            yield from gatherer.flush()
            gatherer.pass_over(line)
        else:
            yield from gatherer.add(start, line)
    yield from gatherer.flush()


class Gatherer:
    """Collects the lines of one block; hands out the beginning of one that grows beyond `HELD`."""

    def __init__(self) -> None:
        self.headings: tuple[str, ...] = ()
        self.lines = False
        self._parts: list[str] = []
        self._start = 0
        self._size = 0
        self._gap = ""

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, start: int, line: str) -> Iterator[Block]:
        """Take one more line of the block at hand, which begins at offset `start`."""
        if not self._parts:
            self._start = start
        self._parts.append(line)
        self._size += len(line)
        if self._size > HELD:
            yield from self._hand_out()

    def _hand_out(self) -> Iterator[Block]:
        text = self.text
        *pieces, (last, _end) = spans(text, lines=self.lines)
        for start, end in pieces:
            place = self._start + start, self._start + end
            yield Block(text[start:end], *place, self.headings, NEVER_JOINED, self.lines)
        self._parts, self._start, self._size = [text[last:]], self._start + last, len(text) - last

    def flush(self) -> Iterator[Block]:
        """The block at hand, if any; afterwards there is none."""
        text, self._parts, self._size = self.text, [], 0
        yield from self._block(text)
        self.lines = False

    def drop(self) -> str:
        """The text of the block at hand, which is given up: it was no block of its own."""
        text, self._parts, self._size = self.text, [], 0
        return text

    def pass_over(self, line: str) -> None:
        """Take a blank line, or a line of dashes, that stands between two blocks."""
        self._gap = (self._gap + line)[:_WIDE_GAP]

    def _block(self, text: str) -> Iterator[Block]:
        if says_nothing(text):
            self.pass_over(text)
            return
        stripped = text.strip()
        lead = text.index(stripped[0])
        start, gap = self._start + lead, self._gap + text[:lead]
        self._gap = text[lead + len(stripped) :]
        yield Block(stripped, start, start + len(stripped), self.headings, gap, self.lines)
