"""Files that are sound and odd: what stands in them is read, and nothing else.

Made here, since no usual program makes them; whole files of usual programs stand in `test_files`.
"""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest

from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import Draft, Skipped

FILES = Path(__file__).parent / "data" / "files"


def read(path: Path) -> tuple[list[str], list[str]]:
    """The texts that a file holds, and why parts of it are left out."""
    found = list(read_paths([path], ReadOptions()))
    texts = [one.memory for one in found if isinstance(one, Draft)]
    return texts, [one.reason for one in found if isinstance(one, Skipped)]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_workbook_with_everything_in_it(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Ferry"
    for row in (
        ["name", "date", "price", "double"],
        ["Ana", datetime(2024, 3, 1, 14, 30), 1.5, "=C2*2"],
        ["Ben", date(2024, 3, 2), 7, None],
        ["over three"],
    ):
        sheet.append(row)
    sheet.merge_cells("A4:C4")
    book.create_chartsheet("Diagram")
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["k", "v"])
    hidden.append(["berth", "north"])
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == (
        [
            # A formula that no program has computed has no value.
            "name: Ana; date: 2024-03-01 14:30:00; price: 1.5",
            "name: Ben; date: 2024-03-02; price: 7",
            "name: over three",
            "k: berth; v: north",
        ],
        [],
    )


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    ],
)
def test_word_documents_with_macros_and_templates(kind: str, tmp_path: Path) -> None:
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    with (
        zipfile.ZipFile(FILES / "handbook.docx") as whole,
        zipfile.ZipFile(tmp_path / "a.docm", "w") as out,
    ):
        for name in whole.namelist():
            out.writestr(name, whole.read(name).replace(plain, kind.encode()))
        out.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 evil")
    texts, skipped = read(tmp_path / "a.docm")
    assert (texts, skipped) == read(FILES / "handbook.docx")
    assert texts


def book(path: Path, items: str, spine: str, pages: dict[str, str]) -> Path:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/c.opf"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("mimetype", "application/epub+zip")
        out.writestr("META-INF/container.xml", container)
        out.writestr("OEBPS/c.opf", package)
        for name, text in pages.items():
            out.writestr(name, f"<html><body><p>{text}</p></body></html>")
    return path


def item(id: str, href: str) -> str:
    return f'<item id="{id}" href="{href}" media-type="application/xhtml+xml"/>'


def test_a_book_with_an_odd_spine(tmp_path: Path) -> None:
    items = item("a", "one%20page.xhtml#top") + item("b", "gone.xhtml") + item("c", "../up.xhtml")
    spine = "".join(f'<itemref idref="{id}"/>' for id in ("c", "b", "nobody", "a"))
    pages = {"OEBPS/one page.xhtml": "The first page.", "up.xhtml": "Above the others."}
    texts, skipped = read(book(tmp_path / "a.epub", items, spine, pages))
    assert texts == ["Above the others.", "The first page."]
    assert len(skipped) == 1
    assert "gone.xhtml" in skipped[0]
    climbing = book(tmp_path / "b.epub", item("a", "../../../../etc/passwd"), '<itemref idref="a"/>', {})
    assert not read(climbing)[0]


CODE = {
    "a.py": (
        'def one():\n    """Says\ndef none(): pass\n\nclass Nobody:\n"""\n    return 1\n\n\n'
        "def two():\n    return '''it's''' # \"\"\"\n\ndef three():\n    return 3\n",
        ["one", "two", "three"],
    ),
    "a.js": (
        "const page = () => `\nfunction none() {\n}\n\nclass Nobody {}\n`;\n\n"
        "// don't stop at `this\nfunction two() {\n  return '`';\n}\n\nclass Three {}\n",
        ["page", "two", "Three"],
    ),
    "a.go": (
        "func one() string {\n\treturn `\nfunc none() {\n\n`\n}\n\nfunc two() rune {\n\treturn '`'\n}\n\n"
        "type Three struct{}\n",
        ["one", "two", "Three"],
    ),
}


@pytest.mark.parametrize("name", CODE)
def test_code_inside_a_string_is_no_code(name: str, tmp_path: Path) -> None:
    text, titles = CODE[name]
    found = list(read_paths([written(tmp_path / name, text)], ReadOptions()))
    assert [one.key for one in found if isinstance(one, Draft)] == titles
    assert "".join("".join(one.memory.split()) for one in found if isinstance(one, Draft)) == "".join(
        text.split()
    )


def test_a_string_that_never_ends_does_not_swallow_the_file(tmp_path: Path) -> None:
    text = 'x = """\n' + "".join(f"def f{n}():\n    return {n}\n\n" for n in range(400))
    found = list(read_paths([written(tmp_path / "a.py", text)], ReadOptions()))
    assert "f399" in {one.key for one in found if isinstance(one, Draft)}


def test_words_of_forms_are_not_glued_together(tmp_path: Path) -> None:
    page = "<p>Pick<textarea>a note</textarea><select><option>Red<option>Blue</select></p>"
    assert read(written(tmp_path / "a.html", page))[0] == ["Pick", "a note", "Red", "Blue"]


def test_a_number_without_end_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", '{"a": ' + "9" * 6000 + "}")
    assert read(path) == ([], ["a whole number in its JSON is longer than 4,300 digits"])


def test_a_page_that_unpacks_without_end_is_named(tmp_path: Path) -> None:
    import zlib

    stream = zlib.compress(b"BT /F1 12 Tf (hello) Tj ET\n" * 3_200_000, 1)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R"
        b" /Resources << /Font << /F1 3 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]  # fmt: skip
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    texts, skipped = read(
        written(tmp_path / "a.pdf", out + b"xref\n0 6\n0000000000 65535 f \n" + table + tail)
    )
    assert texts == []
    assert "Limit reached" in skipped[0]


def test_wide_ragged_and_differently_parted_tables(tmp_path: Path) -> None:
    wide = ",".join(f"c{n}" for n in range(1000)) + "\n" + ",".join(map(str, range(1000))) + "\n"
    [row], _ = read(written(tmp_path / "wide.csv", "name," + wide.replace("\n", "\nAna,", 1)))
    assert row.startswith("name: Ana; c0: 0; c1: 1;")
    assert row.endswith("c999: 999")
    ragged = "name,place\nAna\nBen,Bergen,41,more\n,,\nEve,Rome\n"
    assert read(written(tmp_path / "ragged.csv", ragged))[0] == [
        "name: Ana", "name: Ben; place: Bergen; column 3: 41; column 4: more", "name: Eve; place: Rome",
    ]  # fmt: skip
    for name, text in {
        "a": "sep=;\nn;p\nAna;a, b\n",
        "b": "n|p\nAna|a, b\n",
        "c": "n\tp\nAna\ta, b\n",
    }.items():
        assert read(written(tmp_path / f"{name}.csv", text))[0] == ["n: Ana; p: a, b"], name
