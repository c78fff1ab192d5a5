"""HTML pages as blocks under their headings.

Owns: which elements part blocks, which hold no text for a reader (scripts, styles, menus).
Does not own: cutting blocks (`split`).

The page is read tag by tag with the standard library's tolerant parser, without a tree: nesting
of any depth costs nothing, and each block's offsets in the file are known. Entities become the
characters they stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

from memos_cli.errors import BadInput
from memos_cli.reader.documents import HeadingPath, drafts
from memos_cli.reader.foreign import foreign
from memos_cli.reader.split import Block, says_nothing
from memos_cli.schema import Draft

_UNREAD = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "nav", "iframe", "object", "title"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_PARTING = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl"}
    | {
        "dt",
        "td",
        "th",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "main",
        "p",
        "pre",
    }
    | {"legend", "optgroup", "option", "select", "textarea"}
    | {"section", "summary", "ul", "ol", "table", "li", "tr", "head", "html"}
)
_KEPT_WHOLE = frozenset({"ul", "ol", "table", "pre"})
_DEEPEST = 50
# Spaces and line ends of preformatted text stand as characters that no page can hold until the
# block is tidied.
_KEPT = str.maketrans(" \n", "\0\1")
_GIVEN_BACK = str.maketrans("\0\1", " \n")
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)


def declared_charset(head: bytes) -> str | None:
    """The encoding that the page's own `<meta>` names."""
    match = _CHARSET.search(head)
    return match[1].decode("ascii", "ignore").casefold() if match else None


def read_html(page: str, name: str) -> Iterator[Draft]:
    """Paragraphs, lists and tables under their headings. Raises BadInput for a page without text."""
    blocks = blocks_of(page, name)
    if not blocks:
        raise BadInput(source=name, reason="it holds no text")
    return drafts(blocks, name)


def blocks_of(page: str, name: str) -> list[Block]:
    """A page's blocks, none for a page without text; `name` is what damage is told of."""
    parser = _Page(page)
    with foreign(name, "read it as HTML"):
        # No tag ends after the last ">": what follows is text, and the parser would look for
        # the end of each tag begun in it again and again.
        parser.feed(page[: page.rfind(">") + 1])
        parser.close()
    parser.finish(page[page.rfind(">") + 1 :])
    return parser.blocks


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._page = page
        self._path = HeadingPath()
        self._lines = [0, *(match.end() for match in re.finditer("\n", page))]
        self._parts: list[str] = []
        self._start = 0
        self._unread, self._depth = "", 0
        self._never_closed: set[str] = set()
        self._whole: list[str] = []
        self._comments_end = True
        self._heading = ""

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unread:
            self._depth += tag == self._unread
        elif tag in _UNREAD and self._closes_later(tag):
            self._unread, self._depth = tag, 1
        elif tag in _HEADINGS:
            self._flush()
            self._heading = tag
        elif self._whole:
            self._start_within(tag)
        elif tag in _PARTING:
            self._flush()
            self._whole = [tag] if tag in _KEPT_WHOLE else []
        elif tag == "br":
            self._put("\n")

    def _start_within(self, tag: str) -> None:
        """A tag inside a list, a table or preformatted text, which stays one block."""
        if tag in _KEPT_WHOLE and len(self._whole) < _DEEPEST:
            self._whole.append(tag)
        if tag == "li":
            self._break()
            self._put("  " * (len(self._whole) - 1) + "- ")
        elif tag in ("td", "th"):
            self._put(" | " if self._parts and not self._parts[-1].endswith("\n") else "")
        elif tag in _PARTING or tag == "br":
            self._break()

    def _put(self, text: str) -> None:
        if not self._parts:
            self._start = self._here()
        self._parts.append(text)

    def _break(self) -> None:
        if self._parts and not self._parts[-1].endswith(("\n", "- ", " | ")):
            self._parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _UNREAD:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._unread:
            self._depth -= tag == self._unread
            self._unread = self._unread if self._depth else ""
        elif tag in _HEADINGS:
            self._flush()
        elif tag in self._whole:
            del self._whole[len(self._whole) - 1 - self._whole[::-1].index(tag) :]
            if not self._whole:
                self._flush(lines=True)
        elif tag in _PARTING and not self._whole:
            self._flush()
        elif tag in _PARTING and tag not in ("td", "th"):
            self._break()

    def handle_data(self, data: str) -> None:
        if self._unread or (not self._parts and not data.strip()):
            return
        self._put(data.translate(_KEPT) if "pre" in self._whole else _SPACE.sub(" ", data))

    def unknown_decl(self, data: str) -> None:
        """A marked section such as CDATA: its text counts like any other."""
        if data.startswith("CDATA["):
            self.handle_data(data[len("CDATA[") :])

    def parse_comment(self, i: int, report: bool = True) -> int:
        """Skip a comment; one that never ends is text (the parser's own search for its end,
        repeated at each of many such beginnings, would take quadratic time)."""
        if self._comments_end:
            end = self.rawdata.find("-->", i + 4)
            if end >= 0:
                return end + 3
            self._comments_end = False
        return -1

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skip `<![…]>`; of a kind that nobody knows too."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def finish(self, rest: str) -> None:
        """Take what stands after the last tag."""
        self.handle_data(unescape(rest))
        self._flush()
        self.blocks += self._path.leave()

    def _closes_later(self, tag: str) -> bool:
        """Whether an unread element ends at all; a menu that does not would hide the rest of the page."""
        if tag in self.CDATA_CONTENT_ELEMENTS:
            return True
        if tag in self._never_closed:
            return False
        if re.compile("</" + tag, re.IGNORECASE).search(self._page, self._here()):
            return True
        self._never_closed.add(tag)
        return False

    def _flush(self, *, lines: bool = False) -> None:
        text = _tidy("".join(self._parts)).translate(_GIVEN_BACK).strip()
        heading, self._heading, self._parts = self._heading, "", []
        if says_nothing(text):
            return
        start, end = self._start, self._here()
        if heading:
            self._whole.clear()
            self.blocks += self._path.enter(int(heading[1]), " ".join(text.split()), start, end)
        else:
            self._path.filled()
            self.blocks.append(Block(text, start, end, self._path.titles, lines=lines or bool(self._whole)))


def _tidy(text: str) -> str:
    """One space between words, no empty lines; the indentation of nested list items stays."""
    lines = (line for line in text.split("\n") if line.strip(" |"))
    return "\n".join(_indent(line) + re.sub(" {2,}", " ", line.strip()) for line in lines)


def _indent(line: str) -> str:
    bare = line.lstrip(" ")
    return line[: len(line) - len(bare)] if bare.startswith("- ") else ""
