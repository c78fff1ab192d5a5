"""Presentations and spreadsheets (`.pptx`, `.xlsx`) as drafts.

Owns: slides in their order with titles, texts, tables and notes; sheets as rows. Does not own:
the package they stand in (`packages`), how a row reads (`tables`), Word (`documents`).

A presentation is read with the ZIP and XML parsers that Word documents need anyway; a
spreadsheet with openpyxl (MIT), whose read-only mode holds one row at a time.
Format: ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any, BinaryIO

from memos_cli.errors import BadInput
from memos_cli.reader import packages
from memos_cli.reader.dated import day_of_fields
from memos_cli.reader.documents import drafts_in_parts
from memos_cli.reader.foreign import foreign
from memos_cli.reader.split import Block, says_nothing, without_controls
from memos_cli.reader.tables import header_and_rest, row_text
from memos_cli.schema import Draft, Skipped, Source

if TYPE_CHECKING:
    import zipfile

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLES = frozenset({"title", "ctrTitle"})
_NO_TEXT = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
"""Placeholders for page numbers, dates, footers and pictures."""
_AT_ONCE = 500
"""Rows read between two looks at the parser's mood."""

Part = tuple[str, str]
"""(sort, text) of a piece of a slide: `title`, `text` or `table`."""


def read_pptx(stream: BinaryIO, name: str) -> Iterator[Draft | Skipped]:
    """Texts and tables of each slide under its title, `slide` (from 1) in info; notes under `Notes`.

    A slide that cannot be read is a Skipped. Raises BadInput for a file that is damaged, would
    unpack to too much, or holds no text.
    """
    with foreign(name, "read it as a presentation"):
        archive = packages.opened(stream, name)
        slides = _slides(archive)
    parts = (
        (f"slide {number}", {"slide": number}, partial(_slide_blocks, archive, path))
        for number, path in enumerate(slides, start=1)
    )
    yield from drafts_in_parts(parts, name, "it holds no text, only pictures perhaps")


def _slides(archive: zipfile.ZipFile) -> list[str]:
    """Paths of the slides in the order they are shown in."""
    presentation = packages.part(archive, "ppt/presentation.xml")
    relations = packages.related(archive, "ppt/presentation.xml")
    listed = [] if presentation is None else presentation.iter(f"{_P}sldId")
    return [relations[id][1] for each in listed if (id := packages.relation_id(each)) in relations]


def _slide_blocks(archive: zipfile.ZipFile, path: str) -> Iterator[Block]:
    """The slide's texts under its title, then what its speaker notes say."""
    slide = packages.part(archive, path)
    if slide is None:
        raise BadInput(source=path, reason="the slide is missing")
    parts = [part for part in _parts(slide) if not says_nothing(part[1])]
    titles = tuple(" ".join(text.split())[:200] for sort, text in parts if sort == "title")[:1]
    body = [part for part in parts if part[0] != "title"]
    offset = 0
    for sort, text in body or parts:
        yield Block(text, offset, offset + len(text), titles if body else (), lines=sort != "title")
        offset += len(text) + 2
    notes = (target for sort, target in packages.related(archive, path).values() if sort == "notesSlide")
    for place in notes:
        page = packages.part(archive, place)
        for _, text in [] if page is None else _parts(page):
            if not says_nothing(text):
                yield Block(text, offset, offset + len(text), (*titles, "Notes"), lines=True)
                offset += len(text) + 2


def _parts(slide: Any) -> Iterator[Part]:
    """Shapes and tables in the order they stand in, those in groups too."""
    for element in slide.iter(f"{_P}sp", f"{_A}tbl"):
        if any(parent.tag == _FALLBACK for parent in element.iterancestors()):
            continue
        if element.tag == f"{_A}tbl":
            yield "table", "\n".join(filter(None, map(_row, element.iter(f"{_A}tr"))))
            continue
        sort = next((each.get("type", "") for each in element.iter(f"{_P}ph")), "")
        if sort not in _NO_TEXT:
            frame = element.find(f"{_P}txBody")
            yield "title" if sort in _TITLES else "text", _lines([] if frame is None else frame)
    return


def _lines(frame: Iterable[Any]) -> str:
    return "\n".join(text for each in frame if each.tag == f"{_A}p" and (text := _words(each).strip()))


def _words(paragraph: Any) -> str:
    pieces = paragraph.iter(f"{_A}t", f"{_A}br", f"{_A}tab")
    return without_controls(
        "".join((each.text or "") if each.tag == f"{_A}t" else "\n" if each.tag == f"{_A}br" else "\t"
                for each in pieces)
    )  # fmt: skip


def _row(row: Any) -> str:
    cells = (" ".join(_lines(cell.iter(f"{_A}p")).split()) for cell in row.iter(f"{_A}tc"))
    return " | ".join(cell for cell in cells if cell)


def read_xlsx(stream: BinaryIO, name: str) -> Iterator[Draft | Skipped]:
    """One draft per row of each sheet, the sheet's name as key, `sheet` and `row` in info.

    Formulas stand as the values that the last program to save the file computed. Raises
    BadInput for a file that is damaged, would unpack to too much, or has no rows.
    """
    with foreign(name, "read it as a spreadsheet"):
        packages.opened(stream, name)
        stream.seek(0)
        sheets = _worksheets(stream)
    positions, something = count(), False
    for sheet in sheets:
        for each in _sheet(sheet, name, positions):
            something = True
            yield each
    if not something:
        raise BadInput(source=name, reason="it is a spreadsheet without rows")


def _worksheets(stream: BinaryIO) -> list[Any]:
    """The sheets with rows, in their order; sheets that hold a diagram alone have none, and openpyxl's
    read-only mode fails on them."""
    from openpyxl.reader.excel import ExcelReader

    class Rows(ExcelReader):  # type: ignore[misc]
        def read_chartsheet(self, sheet: Any, rel: Any) -> None:
            pass

    reader = Rows(stream, read_only=True, data_only=True, keep_links=False)
    reader.read()
    return list(reader.wb.worksheets)


def _sheet(sheet: Any, name: str, positions: Iterator[int]) -> Iterator[Draft | Skipped]:
    title = without_controls(sheet.title)
    sheet.reset_dimensions()  # what a file says of its size need not be so
    rows = _rows(sheet, name)
    header, rows = header_and_rest(rows)
    for row in rows:
        if isinstance(row, Skipped):
            yield row
            continue
        position = next(positions)
        yield Draft(
            memory=row_text(header, row),
            key=title or None,
            position=position,
            said_at=day_of_fields(dict(zip(header, row, strict=False))),
            sources=(Source(type="file", path=name),),
            info={"sheet": title, "row": row.number},
        )


class _Row(list[str]):
    """The cells of a row, and its number (from 1) in its sheet."""

    number = 0


def _rows(sheet: Any, name: str) -> Iterator[_Row | Skipped]:
    """Rows with something in them; a Skipped in place of all that follows damage."""
    rows = enumerate(sheet.iter_rows(values_only=True), start=1)
    while True:
        try:
            with foreign(name, f"read sheet {sheet.title} to its end"):
                several = list(islice(rows, _AT_ONCE))
        except BadInput as exc:
            yield Skipped(source=name, reason=exc.fields["reason"])
            return
        if not several:
            return
        for number, cells in several:
            row = _Row(map(_cell, cells))
            row.number = number
            if any(cell.strip() for cell in row):
                yield row


def _cell(value: Any) -> str:
    """A cell as text: times in ISO 8601, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return without_controls(str(value))
