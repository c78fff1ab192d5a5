"""EPUB books as drafts, chapter by chapter in reading order.

Owns: finding the chapters of a book and its title. Does not own: how a chapter's markup becomes
blocks (`hypertext`), the package (`packages`).

Read with the ZIP, XML and HTML parsers that other formats need too (the usual library for EPUB
is under the AGPL). Format: https://www.w3.org/TR/epub-33/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote

from memos_cli.errors import BadInput
from memos_cli.reader import packages
from memos_cli.reader.decode import encoding_of
from memos_cli.reader.documents import drafts_in_parts
from memos_cli.reader.foreign import foreign
from memos_cli.reader.hypertext import blocks_of, declared_charset
from memos_cli.reader.split import Block, without_controls
from memos_cli.schema import Draft, Skipped

if TYPE_CHECKING:
    import zipfile

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_LOCKED = "{http://www.w3.org/2001/04/xmlenc#}CipherReference"
_DECLARED = re.compile(rb"""\s*<\?xml[^>]+encoding\s*=\s*["']([\w.-]+)""")
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(stream: BinaryIO, name: str) -> Iterator[Draft | Skipped]:
    """Paragraphs, lists and tables under the book's title and their headings; `part` in info.

    A chapter that cannot be read is a Skipped. Raises BadInput for a book that is damaged,
    protected, would unpack to too much, or holds no text.
    """
    with foreign(name, "read it as EPUB"):
        archive = packages.opened(stream, name)
        title, chapters = _spine(archive, name)
        locked = _locked(archive)
    if chapters and locked.issuperset(chapters):
        raise BadInput(source=name, reason="it is protected by DRM")

    def blocks(path: str) -> Iterator[Block]:
        return (_under(title, block) for block in blocks_of(_page(archive, path), name))

    parts = (
        (f"part {number} ({posixpath.basename(path)})", {"part": number}, partial(blocks, path))
        for number, path in enumerate(chapters, start=1)
    )
    yield from drafts_in_parts(parts, name, "it holds no text")


def _spine(archive: zipfile.ZipFile, name: str) -> tuple[str, list[str]]:
    """The book's title, and the paths of its chapters in reading order; contents lists left out."""
    container = packages.part(archive, "META-INF/container.xml")
    places = [] if container is None else container.iter(f"{_CONTAINER}rootfile")
    root = next((each.get("full-path", "") for each in places), "")
    package: Any = packages.part(archive, root)
    if package is None:
        raise BadInput(source=name, reason="it is a damaged EPUB: its table of parts is missing")
    title = next((each.text or "" for each in package.iter(_TITLE)), "")
    items = {each.get("id"): each for each in package.iter(f"{_OPF}item")}
    listed = (items.get(each.get("idref")) for each in package.iter(f"{_OPF}itemref"))
    wanted = (
        each
        for each in listed
        if each is not None
        and each.get("media-type") in _PAGES
        and "nav" not in (each.get("properties") or "").split()
    )
    folder = posixpath.dirname(root)
    files = (unquote(each.get("href", "").partition("#")[0]) for each in wanted)
    paths = [posixpath.normpath(posixpath.join(folder, file)) for file in files]
    return without_controls(" ".join(title.split()))[:200], paths


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """Paths that the book says are encrypted; fonts often are, in free books too."""
    listed = packages.part(archive, "META-INF/encryption.xml")
    return set() if listed is None else {unquote(each.get("URI", "")) for each in listed.iter(_LOCKED)}


def _page(archive: zipfile.ZipFile, path: str) -> str:
    data = archive.read(path)
    encoding = encoding_of(data[:4])
    if encoding == "utf-8":
        declared = _DECLARED.match(data[:200])
        encoding = declared[1].decode() if declared else declared_charset(data[:1024]) or "utf-8"
    return data.decode(encoding).replace("\r\n", "\n")


def _under(title: str, block: Block) -> Block:
    headings = (title, *block.headings) if title and block.headings[:1] != (title,) else block.headings
    return Block(block.text, block.start, block.end, headings, block.gap, block.lines)
