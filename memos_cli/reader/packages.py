"""ZIP packages of documents: which kind they are, their parts, and XML that can do no harm.

Owns: refusing bombs, damaged and encrypted archives; reading parts; a parser that follows no
entity and no address. Does not own: what the parts of a format mean (`office`, `epub`, `documents`).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

from memos_cli.errors import BadInput

if TYPE_CHECKING:
    from lxml.etree import _Element

UNPACKED = 256 << 20
"""Bytes that a package may unpack to; its text alone may have a quarter of that."""
_TEXTS = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx")
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ENCRYPTED = 0x1


def opened(stream: BinaryIO, name: str) -> zipfile.ZipFile:
    """The archive in `stream`, its promised size within bounds.

    A member cannot hold more than it promises: Python's reader stops there. Raises BadInput.
    """
    stream.seek(0)
    try:
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise BadInput(source=name, reason=f"it is a damaged document or ZIP archive: {exc}") from exc
    refuse_bomb(members, name)
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise BadInput(source=name, reason="it is encrypted; save it without a password first")
    return archive


def refuse_bomb(members: list[zipfile.ZipInfo], name: str) -> None:
    """Raises BadInput for an archive that would unpack to more than `UNPACKED`."""
    total = sum(member.file_size for member in members)
    text = sum(member.file_size for member in members if member.filename.casefold().endswith(_TEXTS))
    if total > UNPACKED or text > UNPACKED // 4:
        raise BadInput(source=name, reason=f"it would unpack to {total >> 20} MB")


def kind_of(archive: zipfile.ZipFile, name: str) -> str:
    """`docx`, `pptx`, `xlsx` or `epub`, by what is in it. Raises BadInput for any other archive."""
    members = set(archive.namelist())
    if "word/document.xml" in members:
        return "docx"
    if "ppt/presentation.xml" in members:
        return "pptx"
    if "xl/workbook.xml" in members or "xl/workbook.bin" in members:
        return "xlsx"
    if "META-INF/container.xml" in members and "mimetype" not in members:
        return "epub"
    if "mimetype" in members:
        said = _mimetype(archive)
        if said == "application/epub+zip":
            return "epub"
        if said.startswith("application/vnd.oasis.opendocument"):
            raise BadInput(source=name, reason="it is an OpenDocument file; save it as .docx, .xlsx or .pptx")
    if "[Content_Types].xml" in members:
        return "docx"  # whose reader says what is missing
    raise BadInput(source=name, reason="it is a ZIP archive; unpack it first")


def _mimetype(archive: zipfile.ZipFile) -> str:
    try:
        with archive.open("mimetype") as member:
            return member.read(100).decode("ascii", "ignore").strip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
        return ""


def tree(data: bytes) -> _Element:
    """XML as a tree: entities stay closed, nothing is fetched, depth and size stay within the parser's bounds."""
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def part(archive: zipfile.ZipFile, path: str) -> _Element | None:
    """The XML of a part, None where there is none."""
    try:
        data = archive.read(path)
    except KeyError:
        return None
    return tree(data)


def related(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, str]]:
    """Of a part of an Office document: relation id → (kind's last word, path of the part it leads to)."""
    folder, file = posixpath.split(path)
    relations = part(archive, f"{folder}/_rels/{file}.rels")
    found: dict[str, tuple[str, str]] = {}
    for each in [] if relations is None else relations:
        attributes: Any = each.attrib
        if attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            sort = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = sort, posixpath.normpath(whole)
    return found


def relation_id(element: _Element) -> str:
    """The `r:id` of an element."""
    return str(element.get(f"{_RELATED}id", ""))
