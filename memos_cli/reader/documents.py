"""Plain text, Markdown, PDF and Word documents as passages.

Owns: how each of these formats becomes blocks with a heading path and offsets. Does not own:
cutting blocks (`split`), HTML (`hypertext`), tables and chats (`tables`, `chat`).

Offsets count characters: in the decoded text with line ends as "\\n" for text and Markdown, in
the text of the page for PDF, in the paragraphs one after another, parted by blank lines, for Word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, count, groupby
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from memos_cli.errors import BadInput
from memos_cli.reader import dated, packages
from memos_cli.reader.decode import numbered
from memos_cli.reader.foreign import foreign
from memos_cli.reader.split import (
    HELD,
    NEVER_JOINED,
    Block,
    Gatherer,
    paragraphs,
    passages,
    says_nothing,
    without_controls,
)
from memos_cli.schema import Draft, Skipped, Source

if TYPE_CHECKING:
    from pypdf import PdfReader

_TITLE = 200
_PDF_END = 16_384

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_FRONT_LINES = 200


def drafts(
    blocks: Iterable[Block],
    name: str,
    info: dict[str, Any] | None = None,
    positions: Iterator[int] | None = None,
    day: datetime | None = None,
) -> Iterator[Draft]:
    """One draft per passage, its place from `positions` (0, 1, … when not given); the heading path is its
    key. It was said on the day of the nearest heading that is one (`dated`), else on `day`."""
    places = count() if positions is None else positions
    for passage in passages(blocks):
        draft = _draft(passage, name, next(places), info)
        yield draft.but(said_at=dated.day_of_headings(passage.headings) or day)


def drafts_in_parts(
    parts: Iterable[tuple[str, dict[str, Any], Callable[[], Iterable[Block]]]], name: str, empty: str
) -> Iterator[Draft | Skipped]:
    """The drafts of a document in parts, each a label, what `info` says of it, and its blocks once asked.

    A part that cannot be read is a Skipped. Raises BadInput(`empty`) when nothing came of any.
    """
    positions, something = count(), False
    for label, info, blocks in parts:
        try:
            with foreign(name, f"read {label}"):
                held = list(blocks())
        except BadInput as exc:
            something = True
            yield Skipped(source=name, reason=exc.fields["reason"])
            continue
        for draft in drafts(held, name, info, positions):
            something = True
            yield draft
    if not something:
        raise BadInput(source=name, reason=empty)


def _draft(passage: Block, name: str, position: int, info: dict[str, Any] | None = None) -> Draft:
    return Draft(
        memory=without_controls(passage.text),
        key=without_controls(" > ".join(passage.headings)) or None,
        position=position,
        sources=(Source(type="file", path=name, start=passage.start, end=passage.end),),
        info=info or {},
    )


def read_plain(text: TextIO, name: str) -> Iterator[Draft]:
    """Paragraphs, parted by blank lines."""
    return drafts(paragraphs(numbered(text, HELD)), name)


def read_markdown(text: TextIO, name: str) -> Iterator[Draft]:
    """Paragraphs, lists, tables and code under their headings."""
    front, lines = _front_matter(numbered(text, HELD))
    day, front = dated.without_day(front)
    return drafts(_markdown_blocks(front, lines), name, day=day)


def read_journal(text: TextIO, name: str) -> Iterator[Draft]:
    """Entries that each begin with a day, parted further at blank lines."""
    places = count()
    for day, blocks in dated.journal(numbered(text, HELD)):
        yield from drafts(blocks, name, positions=places, day=day)


def markdown_blocks(lines: Iterator[tuple[int, str]]) -> Iterator[Block]:
    """Blocks of Markdown from (offset, line) pairs; front matter is a block of its own."""
    return _markdown_blocks(*_front_matter(lines))


def _markdown_blocks(front: Sequence[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> Iterator[Block]:
    if (block := _front_block(front)) is not None:
        yield block
    parser = _Markdown()
    for start, line in lines:
        yield from parser.feed(start, line)
    yield from parser.close()


def _front_matter(
    lines: Iterator[tuple[int, str]],
) -> tuple[list[tuple[int, str]], Iterator[tuple[int, str]]]:
    """The lines of front matter, without those that fence it, and the lines after it."""
    seen: list[tuple[int, str]] = []
    for start, line in lines:
        seen.append((start, line))
        if len(seen) == 1 and line.rstrip() != "---":
            break
        if len(seen) > 1 and line.rstrip() in ("---", "..."):
            return seen[1:-1], lines
        if len(seen) > _FRONT_LINES:
            break
    return [], chain(seen, lines)


def _front_block(lines: Sequence[tuple[int, str]]) -> Block | None:
    text = "".join(line for _, line in lines)
    if says_nothing(text):
        return None
    start = lines[0][0] + len(text) - len(text.lstrip())
    end = lines[-1][0] + len(lines[-1][1]) - (len(text) - len(text.rstrip()))
    return Block(text.strip(), start, end, ("Front matter",), lines=True)


class HeadingPath:
    """The headings above the present place, and whether the last one has had anything under it."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._bare: Block | None = None

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._path)

    def enter(self, level: int, title: str, start: int, end: int) -> Iterator[Block]:
        """Go under a new heading; yields the one before if nothing stood under it."""
        if self._path and level <= self._path[-1][0]:
            yield from self.leave()
        while self._path and level <= self._path[-1][0]:
            self._path.pop()
        if not says_nothing(title):
            self._bare = Block(title, start, end, self.titles, NEVER_JOINED)
            if len(title) > _TITLE:  # its end would stand in no key
                yield from self.leave()
            self._path.append((level, title[:_TITLE]))

    def filled(self) -> None:
        """Something stands under the last heading."""
        self._bare = None

    def leave(self) -> Iterator[Block]:
        """The last heading as a block of its own if nothing stood under it: no word is lost."""
        if self._bare is not None:
            yield self._bare
        self._bare = None


class _Markdown:
    """Line by line into blocks (the parts of CommonMark that part one block from another)."""

    def __init__(self) -> None:
        self._path = HeadingPath()
        self._block = Gatherer()
        self._fence = ""
        self._list = False
        self._blank = False

    def feed(self, start: int, line: str) -> Iterator[Block]:
        if self._fence:
            yield from self._in_fence(start, line)
        elif line.isspace():
            yield from self._at_blank(start, line)
        elif heading := _ATX.match(line):
            yield from self._heading(len(heading[1]), heading[2] or "", start + max(heading.start(2), 0))
        elif (underline := _SETEXT.match(line)) and self._one_line():
            title = self._block.drop()
            lead = len(title) - len(title.lstrip())
            level = 1 if underline[1][0] == "=" else 2
            yield from self._heading(level, title.strip(), start - len(title) + lead)
        elif _RULE.match(line):
            yield from self._flush()
            self._block.pass_over(line)
        else:
            yield from self._content(start, line)

    def close(self) -> Iterator[Block]:
        yield from self._flush()
        yield from self._path.leave()

    def _in_fence(self, start: int, line: str) -> Iterator[Block]:
        yield from self._block.add(start, line)
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
            if not self._list:
                yield from self._flush()

    def _at_blank(self, start: int, line: str) -> Iterator[Block]:
        if self._list:
            self._blank = True
            yield from self._block.add(start, line)
        else:
            yield from self._flush()
            self._block.pass_over(line)

    def _heading(self, level: int, title: str, start: int) -> Iterator[Block]:
        yield from self._flush()
        yield from self._path.enter(level, title, start, start + len(title))
        self._block.headings = self._path.titles
        self._block.pass_over(NEVER_JOINED)

    def _content(self, start: int, line: str) -> Iterator[Block]:
        item, indented = bool(_ITEM.match(line)), line.startswith(("  ", "\t"))
        if self._blank and not (item or indented):
            yield from self._flush()
        self._blank = False
        if fence := _FENCE.match(line):
            if not (self._list and indented):
                yield from self._flush()
            self._fence = fence[1]
        self._list = self._list or (item and not self._fence)
        self._block.lines = self._block.lines or item or bool(self._fence) or line.lstrip().startswith("|")
        yield from self._block.add(start, line)

    def _flush(self) -> Iterator[Block]:
        for block in self._block.flush():
            self._path.filled()
            yield block
        self._list = self._blank = False

    def _one_line(self) -> bool:
        return bool(self._block) and not self._block.lines and self._block.text.count("\n") == 1


def read_pdf(stream: BinaryIO, name: str) -> Iterator[Draft | Skipped]:
    """The paragraphs of each page, the page's number (from 1) in `info`.

    A page that cannot be read is a Skipped. Raises BadInput for a file that is encrypted,
    damaged beyond reading, or holds no text at all.
    """
    _refuse_cut_off(stream, name)
    with foreign(name, "read it as PDF"):
        reader = _open_pdf(stream, name)
        pages = len(reader.pages)
    positions, something = count(), False
    for number in range(1, pages + 1):
        try:
            with foreign(name, f"read page {number}"):
                text = _page_text(reader, number)
        except BadInput as exc:
            something = True
            yield Skipped(source=name, reason=exc.fields["reason"])
            continue
        lines = numbered_lines(text)
        for passage in passages(paragraphs(lines)):
            something = True
            yield _draft(passage, name, next(positions), {"page": number})
    if not something:
        raise BadInput(source=name, reason="it holds no text, only pictures of pages perhaps")


def _refuse_cut_off(stream: BinaryIO, name: str) -> None:
    """A PDF is read from its end, where the mark `%%EOF` stands; garbage after it is common."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _PDF_END))
    if b"%%EOF" not in stream.read():
        raise BadInput(source=name, reason="its end is missing: the PDF was cut off")
    stream.seek(0)


def _open_pdf(stream: BinaryIO, name: str) -> PdfReader:
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(stream, strict=False)
    if reader.is_encrypted:
        locked = BadInput(source=name, reason="it is encrypted; save it without a password first")
        try:
            opened = reader.decrypt("") != PasswordType.NOT_DECRYPTED
        except DependencyError as exc:
            raise locked from exc
        if not opened:
            raise locked
    return reader


def _page_text(reader: PdfReader, number: int) -> str:
    """A page's text: halves of characters paired or dropped, ligatures and words broken by hyphens mended."""
    raw = reader.pages[number - 1].extract_text()
    whole = raw.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    plain = whole.translate(_LIGATURES)
    return re.sub(r"(?<=[^\W\d_]{2})-\n(?=[^\W\d_A-Z])", "", plain)


_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\u00ad": None, "\xa0": " "}
)


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """(offset, line) pairs of a text that is in memory; lines end at "\\n" only."""
    for match in re.finditer(r"[^\n]*\n|[^\n]+", text):
        yield match.start(), match[0]


def read_docx(stream: BinaryIO, name: str) -> Iterator[Draft]:
    """Paragraphs, lists and tables under their headings.

    Raises BadInput for a file that is damaged, or that unpacks to more than `packages.UNPACKED` bytes.
    """
    with foreign(name, "read it as a Word document"):
        packages.opened(stream, name)
        stream.seek(0)
        document = _word_document(stream)
        levels = _heading_levels(document)
        parts = list(_word_parts(document.element.body, levels))
    found = False
    for draft in drafts(_word_blocks(parts), name):
        found = True
        yield draft
    if not found:
        raise BadInput(source=name, reason="it holds no text")


_WORD_TOO = (
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
)
"""Documents with macros, which stay unread, and templates: python-docx refuses them by their type alone."""


def _word_document(stream: BinaryIO) -> Any:
    from docx.opc.constants import CONTENT_TYPE
    from docx.opc.part import PartFactory
    from docx.package import Package
    from docx.parts.document import DocumentPart

    for kind in _WORD_TOO:
        PartFactory.part_type_for.setdefault(kind, DocumentPart)
    part: Any = Package.open(stream).main_document_part
    if part.content_type not in (CONTENT_TYPE.WML_DOCUMENT_MAIN, *_WORD_TOO):
        raise ValueError(f"its content type is {part.content_type}")
    return part.document


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VOID = {_W + "del", _W + "moveFrom", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
_WRAPPERS = {_W + tag for tag in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")}
_BREAKS = {_W + "tab": "\t", _W + "br": "\n", _W + "cr": "\n", _W + "noBreakHyphen": "-", _W + "p": "\n"}


def _heading_levels(document: Any) -> dict[str, int]:
    """Style id → level (0: title) of the styles that make headings."""
    levels = {}
    for style in document.styles.element.iter(_W + "style"):
        name = next((e.get(_W + "val", "") for e in style.iter(_W + "name")), "").casefold()
        outline = next((int(e.get(_W + "val", "9")) for e in style.iter(_W + "outlineLvl")), 9)
        numbered_style = re.fullmatch(r"heading (\d)", name)
        if numbered_style or name == "title" or outline < 9:
            level = int(numbered_style[1]) if numbered_style else (0 if name == "title" else outline + 1)
            levels[style.get(_W + "styleId", "")] = level
    return levels


def _word_parts(body: Any, levels: dict[str, int]) -> Iterator[tuple[str, int, str]]:
    """(sort, level, text) of each paragraph and table of `body`, content controls opened."""
    for element in body:
        if element.tag == _W + "p":
            text = _word_text(element).strip()
            style = next((e.get(_W + "val", "") for e in element.iter(_W + "pStyle")), "")
            if style in levels:
                yield "heading", levels[style], " ".join(text.split())
            elif next(element.iter(_W + "numPr"), None) is not None or style.startswith("List"):
                yield "item", 0, f"- {text}" if text else ""
            else:
                yield "paragraph", 0, text
        elif element.tag == _W + "tbl":
            rows = (_word_row(row) for row in _within(element, _W + "tr"))
            yield "table", 0, "\n".join(row for row in rows if row)
        elif element.tag in _WRAPPERS:
            yield from _word_parts(element, levels)


def _within(element: Any, tag: str) -> Iterator[Any]:
    """The children of `element` called `tag`, those in content controls and insertions too."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _within(child, tag)


def _word_row(row: Any) -> str:
    cells = (" ".join(_word_text(cell).split()) for cell in _within(row, _W + "tc"))
    return " | ".join(cell for cell in cells if cell)


def _word_text(element: Any) -> str:
    """The words of a paragraph as accepted: what was inserted is in, what was deleted is not."""
    parts: list[str] = []
    for child in element:
        if child.tag == _W + "t":
            parts.append(child.text or "")
        elif child.tag not in _VOID:
            parts.append(_BREAKS.get(child.tag, ""))
            parts.append(_word_text(child))
    return "".join(parts)


def _word_blocks(parts: Iterable[tuple[str, int, str]]) -> Iterator[Block]:
    path, offset = HeadingPath(), 0
    for sort, level, text in _lists_whole(parts):
        start, end = offset, offset + len(text)
        offset = end + 2
        if sort == "heading":
            yield from path.enter(level, text, start, end)
        else:
            path.filled()
            yield Block(text, start, end, path.titles, lines=sort in ("item", "table"))
    yield from path.leave()


def _lists_whole(parts: Iterable[tuple[str, int, str]]) -> Iterator[tuple[str, int, str]]:
    """Neighbouring items made one part; parts without text left out."""
    written = (part for part in parts if not says_nothing(part[2]))
    for sort, group in groupby(written, key=lambda part: part[0]):
        if sort == "item":
            yield sort, 0, "\n".join(text for _, _, text in group)
        else:
            yield from group
