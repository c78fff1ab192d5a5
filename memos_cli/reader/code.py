"""Source code as drafts: a function, a class or a group of lines that stand together.

Owns: which names of files mean code, where code is cut, the key of a piece (its definition).
Does not own: prose (`documents`).

A piece begins at a line without indentation that defines something, or that follows a blank
line; comments and decorators stay with what they stand above. A piece longer than `LONGEST` is
cut at the least indented of its last blank lines (a method's border before a loop's), else at a
line's end. A line inside a string that spans lines begins nothing. Nothing is parsed: code that does
not compile is read like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TextIO

from memos_cli.reader.decode import numbered
from memos_cli.reader.split import HELD, LONGEST, Block, passages, says_nothing, without_controls
from memos_cli.schema import Draft, Source

LANGUAGES = {
    suffix: language
    for language, suffixes in {
        "python": ".py .pyi .pyw",
        "javascript": ".js .mjs .cjs .jsx",
        "typescript": ".ts .tsx .mts",
        "java": ".java",
        "kotlin": ".kt .kts",
        "scala": ".scala",
        "go": ".go",
        "rust": ".rs",
        "c": ".c .h",
        "c++": ".cc .cpp .cxx .hh .hpp .hxx",
        "c#": ".cs",
        "swift": ".swift",
        "objective-c": ".m .mm",
        "ruby": ".rb",
        "php": ".php",
        "perl": ".pl .pm",
        "lua": ".lua",
        "r": ".r",
        "julia": ".jl",
        "haskell": ".hs",
        "elixir": ".ex .exs",
        "erlang": ".erl",
        "clojure": ".clj",
        "dart": ".dart",
        "zig": ".zig",
        "shell": ".sh .bash .zsh .fish",
        "powershell": ".ps1",
        "sql": ".sql",
        "css": ".css .scss .less",
        "vue": ".vue",
        "svelte": ".svelte",
        "protobuf": ".proto",
        "terraform": ".tf",
        "make": ".mk",
        "cmake": ".cmake",
        "toml": ".toml",
        "yaml": ".yaml .yml",
        "ini": ".ini .cfg",
    }.items()
    for suffix in suffixes.split()
}
"""Suffix → language. Names without one that mean code are made into suffixes by `suffix_of`."""
_NAMES = {"makefile": ".mk", "gnumakefile": ".mk", "dockerfile": ".sh", "rakefile": ".rb", "gemfile": ".rb"}

_NAME = r"(?P<name>[\w$.:~]+[?!]?)"
_KEYWORDS = (
    "class def function func fun fn struct enum interface trait type impl module namespace protocol object "
    "defmodule defp record union message service resource sub proc"
)
_DEFINES = re.compile(
    r"(?:export |default |public |private |protected |internal |static |abstract |final |sealed |async |pub(?:\([^)]*\))? "
    r"|unsafe |extern |const |inline |virtual |override |open |data |local |declare |create |or replace )*"
    rf"(?:{'|'.join(_KEYWORDS.split())}|table|view|procedure|trigger|index)\b\*?\s+(?:\([^)]*\)\s*)?{_NAME}",
    re.IGNORECASE,
)
_C_LIKE = re.compile(rf"(?:[\w:<>,*&\[\]]+[\s*&]+)+{_NAME}\s*\([^;]*$")
_ASSIGNED = re.compile(
    rf"(?:export )?(?:const|let|var)\s+{_NAME}\s*=\s*(?:async\s*)?(?:function|\(|[\w$]+\s*=>)"
)
_ABOVE = re.compile(r"(?:@|#|//|/\*|\*|--|;|%|'''|\"\"\"|\[<?\w|template\b|>)")
"""What stands above a definition and belongs to it: decorators, comments, attributes."""
_CLOSES = re.compile(
    r"[)\]}]|(?:end|else|elif|elsif|except|finally|catch|rescue|ensure|then|do|done|fi|esac)\b"
)

_TRIPLE = re.compile(r"#|'''|\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"")
_TICKED = re.compile(r"//|`|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"")
_LONG_STRINGS = {
    "python": _TRIPLE,
    "javascript": _TICKED,
    "typescript": _TICKED,
    "go": _TICKED,
}
"""What a line of a language with strings over several lines is told by: a comment, the border of such a
string, a string of one line."""
_BORDERS = frozenset(("'''", '"""', "`"))
_LONGEST_STRING = 400
"""Lines; a string that goes on for longer was none: the code is odd, and is cut as if it had no strings."""

Line = tuple[int, int, str]
"""(offset, number, text) of a line."""


def suffix_of(path: PurePath) -> str:
    """A file's suffix in lower case; for names such as `Makefile` one that means the same."""
    return path.suffix.casefold() or _NAMES.get(path.name.casefold(), "")


def read_code(text: TextIO, name: str, suffix: str) -> Iterator[Draft]:
    """Definitions and groups of lines, `language` and `lines` (first and last) in info."""
    position = 0
    for group in _gathered(_groups(_lines(text), _LONG_STRINGS.get(LANGUAGES[suffix]))):
        title = _title(group)
        for piece in _pieces(group):
            whole = "".join(line for _, _, line in piece)
            body = whole.strip("\n").rstrip()
            if says_nothing(body):
                continue
            start = piece[0][0] + len(whole) - len(whole.lstrip("\n"))
            piece = piece[: len(piece) - _blank_end(piece)]
            block = Block(body, start, start + len(body), (title,) if title else (), lines=True)
            for passage in passages([block]):
                yield _draft(passage, name, position, LANGUAGES[suffix], piece)
                position += 1


def _blank_end(piece: list[Line]) -> int:
    """How many blank lines a piece ends with."""
    return next((number for number, (_, _, line) in enumerate(reversed(piece)) if not line.isspace()), 0)


def _draft(passage: Block, name: str, position: int, language: str, piece: list[Line]) -> Draft:
    return Draft(
        memory=without_controls(passage.text),
        key=without_controls(" > ".join(passage.headings)) or None,
        position=position,
        sources=(Source(type="file", path=name, start=passage.start, end=passage.end),),
        info={"language": language, "lines": f"{piece[0][1]}-{piece[-1][1]}"},
    )


def _lines(text: TextIO) -> Iterator[Line]:
    number, begun = 1, True
    for offset, line in numbered(text, HELD):
        yield offset, number, line
        begun = line.endswith("\n")
        number += begun


def _groups(lines: Iterable[Line], strings: re.Pattern[str] | None) -> Iterator[list[Line]]:
    """Lines that belong together, cut where the outermost level begins something new."""
    group: list[Line] = []
    size, inside, since = 0, "", 0
    for line in lines:
        inside = inside if line[1] - since <= _LONGEST_STRING else ""
        if group and ((not inside and _begins(group, line[2])) or size > HELD):
            yield group
            group, size = [], 0
        group.append(line)
        size += len(line[2])
        if strings is not None:
            before, inside = inside, _still_open(line[2], inside, strings)
            since = since if before and inside else line[1]
    if group:
        yield group


def _still_open(line: str, border: str, strings: re.Pattern[str]) -> str:
    """The border of the string that is open at a line's end; `border`: of the one open at its beginning."""
    at = 0
    while True:
        if border:
            end = line.find(border, at)
            if end < 0:
                return border
            at, border = end + len(border), ""
        found = strings.search(line, at)
        if found is None or found[0] in ("#", "//"):
            return ""
        at = found.end()
        border = found[0] if found[0] in _BORDERS else ""


def _gathered(groups: Iterable[list[Line]]) -> Iterator[list[Line]]:
    """Neighbouring groups that define nothing (imports, constants) made one, up to half of `LONGEST`."""
    held: list[Line] = []
    for group in groups:
        if held and (_title(group) or sum(len(line) for _, _, line in (*held, *group)) > LONGEST // 2):
            yield held
            held = []
        held += group
        if _title(group):
            yield held
            held = []
    if held:
        yield held


def _begins(group: list[Line], line: str) -> bool:
    if line[:1].isspace() or _CLOSES.match(line):
        return False
    before = group[-1][2]
    if before.isspace():
        return not _opens(group)
    return (
        bool(_defined(line)) and not _ABOVE.match(before) and not before.rstrip().endswith((",", "(", "\\"))
    )


def _opens(group: list[Line]) -> bool:
    """Whether all of a group so far is a comment or a decorator that still waits for its definition."""
    written = [line for _, _, line in group if not line.isspace()]
    return len(group) - len(written) == 0 and all(_ABOVE.match(line) for line in written)


def _defined(line: str) -> str:
    """The name that a line defines, if it looks like a definition."""
    for pattern in (_DEFINES, _ASSIGNED, _C_LIKE):
        if found := pattern.match(line):
            return found["name"].rstrip(":.")
    return ""


def _title(group: list[Line]) -> str:
    """The first definition at the outermost level of a group."""
    return next((name for _, _, line in group if not line[:1].isspace() and (name := _defined(line))), "")


def _pieces(group: list[Line]) -> Iterator[list[Line]]:
    """A group in pieces of at most `LONGEST` characters where its lines allow it."""
    while sum(len(line) for _, _, line in group) > LONGEST and len(group) > 1:
        cut = _border(group)
        yield group[:cut]
        group = group[cut:]
    yield group


def _border(group: list[Line]) -> int:
    """How many lines to cut off: up to the least indented beginning in reach, best after a blank line."""
    size, best, place = 0, (2, 1_000), 1
    for number, (_, _, line) in enumerate(group):
        if size + len(line) > LONGEST:
            return place if place > 1 or number < 2 else number
        if number and size > LONGEST // 4 and not line.isspace() and not _CLOSES.match(line.lstrip()):
            blank = group[number - 1][2].isspace()
            rank = (0 if blank else 1, len(line) - len(line.lstrip()))
            if rank <= best:
                best, place = rank, number
        size += len(line)
    return place
