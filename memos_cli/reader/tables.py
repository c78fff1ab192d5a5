"""CSV and TSV tables as drafts, a row each, read as a stream.

Owns: the delimiter, whether the first row is a header, how a row reads as text. Does not own:
JSON records (`records`), tables inside documents.

A row reads `header: value; header: value`, empty cells left out. The first row is the header
unless a cell of it is a number, a time or empty in every column; then columns are called
`column 1`, `column 2` and so on, as are those that have no name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TextIO, TypeVar

from memos_cli.errors import BadInput, BadTime
from memos_cli.reader.dated import day_of_fields
from memos_cli.reader.split import without_controls
from memos_cli.reader.times import absolute_time
from memos_cli.schema import Draft, Skipped, Source

DELIMITERS = ",;\t|"
LONGEST_CELL = 1 << 20
"""Characters of the longest cell; a quote that is never closed is found out after as many."""
_SAMPLE = 1 << 16

Row = TypeVar("Row", bound=list[str])


def delimiter_of(sample: str) -> str:
    """The delimiter that parts the lines of `sample` most evenly, a comma if none parts them.

    Excel's own first line (`sep=;`) settles it. Quoted cells are read as cells, so commas in
    prose do not count.
    """
    first = sample.partition("\n")[0].strip()
    if first.startswith("sep=") and len(first) == 5:
        return first[-1]
    return max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    """(share of the lines that have as many cells as the first, cells), nothing for a single cell."""
    try:
        widths = [
            len(row) for row in csv.reader(sample.splitlines(keepends=True)[:50], delimiter=delimiter) if row
        ]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def read_table(text: TextIO, name: str) -> Iterator[Draft | Skipped]:
    """One draft per row, its number (from 1, the header not counted) in `info`.

    `text` is opened with `newline=""`. A row with a unclosed quote is a Skipped that names its
    line, and so is a quote that is never closed, which ends the reading. Raises BadInput for a
    table without rows.
    """
    csv.field_size_limit(LONGEST_CELL)
    sample = text.read(_SAMPLE)
    text.seek(0)
    # A line cut by the end of the sample would look uneven.
    delimiter = delimiter_of(sample[: sample.rfind("\n") + 1] if len(sample) == _SAMPLE else sample)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows = _rows(reader, name)
    header, rows = header_and_rest(rows)
    number, something = 0, False
    for row in rows:
        something = True
        if isinstance(row, Skipped):
            yield row
            continue
        number += 1
        source = Source(type="file", path=name)
        memory = row_text(header, row)
        yield Draft(
            memory=memory,
            position=number - 1,
            said_at=day_of_fields(dict(zip(header, row, strict=False))),
            sources=(source,),
            info={"row": number},
        )
    if not something:
        raise BadInput(source=name, reason="it is a table without rows")


def _rows(reader: Iterator[list[str]], name: str) -> Iterator[list[str] | Skipped]:
    """Rows with something in them, and the lines that cannot be read."""
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader, None)
        except csv.Error as exc:
            endless = "unexpected end" in str(exc) or "field limit" in str(exc)
            unclosed = "a quote is opened and never closed, what follows is not read"
            said = unclosed if endless else f"a quote stands in the wrong place ({exc})"
            yield Skipped(source=f"{name}:{line}", reason=f"line {line}: {said}")
            if endless:
                return
            continue
        if row is None:
            return
        if any(cell.strip() for cell in row) and not (line == 1 and row[0].startswith("sep=")):
            yield row


def header_and_rest(rows: Iterator[Row | Skipped]) -> tuple[Sequence[str], Iterator[Row | Skipped]]:
    """The names of the columns, none where the first row is no header, and the rows under them."""
    first = next(rows, None)
    if first is None:
        return (), rows
    if isinstance(first, Skipped) or any(_is_value(cell) for cell in first):
        return (), chain([first], rows)
    return [" ".join(without_controls(cell).split()) for cell in first], rows


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a time, which no column is called."""
    bare = cell.strip().strip("%€$£").replace(",", "")
    try:
        float(bare)
    except ValueError:
        pass
    else:
        return True
    try:
        absolute_time(cell)
    except BadTime:
        return False
    return True


def row_text(header: Sequence[str], row: Sequence[str]) -> str:
    """`header: value; header: value`, without the cells that are empty."""
    cells = ((number, without_controls(cell).strip()) for number, cell in enumerate(row))
    return "; ".join(f"{_column(header, number)}: {cell}" for number, cell in cells if cell)


def _column(header: Sequence[str], number: int) -> str:
    named = header[number] if number < len(header) else ""
    return named or f"column {number + 1}"
