"""Text, Markdown, PDF, Word and HTML as passages, whole and damaged."""

from __future__ import annotations

import io
import logging
import random
import re
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from memos_cli.reader.decode import numbered
from memos_cli.reader.documents import markdown_blocks
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.reader.split import LONGEST, paragraphs, passages, spans
from memos_cli.schema import Draft, Skipped


def read(path: Path) -> list[Draft]:
    found = list(read_paths([path], ReadOptions()))
    assert not [each for each in found if isinstance(each, Skipped)]
    return [each for each in found if isinstance(each, Draft)]


def texts(path: Path) -> list[str]:
    return [draft.memory for draft in read(path)]


def refusal(path: Path) -> str:
    (skipped,) = read_paths([path], ReadOptions())
    assert isinstance(skipped, Skipped)
    assert skipped.source == str(path)
    return skipped.reason


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Text


def test_each_paragraph_is_a_memory_and_says_where_it_stood(tmp_path: Path) -> None:
    path = written(tmp_path / "notes.txt", "Anna likes tea.\r\n\r\nBob moved\r\nto Lisbon.\n \n\n-----\nLast")
    drafts = read(path)
    assert [draft.memory for draft in drafts] == ["Anna likes tea.", "Bob moved\nto Lisbon.", "-----\nLast"]
    whole = path.read_text()
    for position, draft in enumerate(drafts):
        (source,) = draft.sources
        assert whole[source.start : source.end] == draft.memory
        assert (source.type, source.path, draft.position) == ("file", str(path), position)
        assert (draft.kind, draft.session_id, draft.said_at) == (None, None, None)


def test_a_lead_in_stays_with_what_it_announces(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "You need:\n\nflour and water.\n\nNothing else.")
    assert texts(path) == ["You need:\n\nflour and water.", "Nothing else."]


@pytest.mark.parametrize(
    "sentence", ["This is sentence number one of many. ", "这是其中的一个句子。", "¿Qué hora es? "]
)
def test_a_long_paragraph_is_cut_between_sentences(tmp_path: Path, sentence: str) -> None:
    found = texts(written(tmp_path / "a.txt", sentence * 400))
    assert len(found) > 1
    assert all(LONGEST // 3 < len(text) <= LONGEST for text in found[:-1])
    assert all(text.startswith(sentence.strip()) and text.endswith(sentence.strip()) for text in found)
    assert "".join(found).replace(" ", "") == (sentence * 400).replace(" ", "")


def test_abbreviations_and_numbers_end_no_sentence() -> None:
    text = "We met Dr. Who and J. R. Smith, e.g. at 3.14 p.m. yesterday again. " + "x" * 60
    assert text[: next(spans(text, 90))[1]].endswith("again.")


def test_ten_megabytes_on_one_line_are_cut_while_they_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "line.txt", "x" * 10_000_000)
    lengths = [len(text) for text in texts(path)]
    assert sum(lengths) == 10_000_000
    assert max(lengths) <= LONGEST


def test_letters_and_their_accents_are_not_parted() -> None:
    text = "e\u0301" * 2_000
    assert all(not text[start:end].startswith("\u0301") for start, end in spans(text))


def test_control_characters_are_left_out(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.txt", "red \x1b[31malert\x07 \ttab\x7f")) == ["red [31malert \ttab"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(tmp_path: Path, encoding: str) -> None:
    (draft,) = read(written(tmp_path / "a.txt", "Grüße, 世界 🙂".encode(encoding)))
    assert draft.memory == "Grüße, 世界 🙂"
    assert draft.sources[0].start == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "no text"),
        (b" \n\t\n ", "no text"),
        (b"caf\xe9", "byte 3 is not valid UTF-8"),
        (b"a" * (1 << 20) + "é".encode() + b"b\xff", f"byte {(1 << 20) + 3} is not valid UTF-8"),
        (b"a" * ((1 << 20) - 1) + "é".encode() + b"\xc3", f"byte {(1 << 20) + 1} is not valid UTF-8"),
        ("x".encode("utf-16") + b"\xd8", "not valid UTF-16"),
        (b"text\x00and more", "binary file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
        (b"\x1f\x8b\x08\x00\xff", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50), "encrypted or of Word's old format"),
        (b"{\\rtf1 hello}", "RTF"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a", "a.md"])
def test_what_is_no_text_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    assert reason in refusal(written(tmp_path / name, content))


def test_a_text_that_begins_like_a_binary_format_is_text(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.txt", "MZ is a postcode in Mainz.")) == ["MZ is a postcode in Mainz."]


# Markdown

MARKDOWN = """---
title: Manual
---
# Setup

Intro line one,
line two.

## Install ##

The steps are:

- download
- unpack

  with care

```sh
# no heading

make
```

## Later

# Reference

| a | b |
|---|---|
| 1 | 2 |

***

Options
-------
None yet.
"""


def test_markdown_is_cut_at_headings_and_blocks(tmp_path: Path) -> None:
    drafts = read(written(tmp_path / "a.md", MARKDOWN))
    assert [(draft.key, draft.memory) for draft in drafts] == [
        ("Front matter", "title: Manual"),
        ("Setup", "Intro line one,\nline two."),
        ("Setup > Install", "The steps are:\n\n- download\n- unpack\n\n  with care"),
        ("Setup > Install", "```sh\n# no heading\n\nmake\n```"),
        ("Setup", "Later"),
        ("Reference", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("Reference > Options", "None yet."),
    ]
    for draft in drafts:
        assert MARKDOWN[draft.sources[0].start : draft.sources[0].end] == draft.memory


def test_front_matter_that_never_ends_is_text(tmp_path: Path) -> None:
    found = texts(written(tmp_path / "a.md", "---\n" + "line\n\n" * 300))
    assert found == ["line"] * 300


def test_a_fence_that_never_ends_loses_nothing(tmp_path: Path) -> None:
    found = texts(written(tmp_path / "a.md", "```\ncode\n\n# not a heading\n" + "more\n" * 2_000))
    assert "".join(found).count("more") == 2_000
    assert "# not a heading" in found[0]


def test_a_long_list_is_cut_between_items(tmp_path: Path) -> None:
    found = texts(written(tmp_path / "a.md", "".join(f"- item {n}. And more of it.\n" for n in range(200))))
    assert len(found) > 2
    assert all(text.startswith("- item") for text in found)


_MARKS = (
    "plain words,# One,## Two,- item,  indented,1. first,```,~~~,| a | b |,Title,===,---,ends here:,短句。"
)
_LINES = st.lists(
    st.sampled_from(["", "", *_MARKS.split(","), "    code", "###", "#tag", "a. b? c!"]), max_size=40
)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@given(_LINES)
@settings(max_examples=150, deadline=None)
def test_no_word_of_markdown_is_lost_and_offsets_hold(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = list(passages(markdown_blocks(numbered(io.StringIO(text), 1000))))
    seen = {word for passage in found for word in _words(passage.text + " " + " ".join(passage.headings))}
    assert seen - {"Front", "matter"} == set(_words(text))
    assert all(text[passage.start : passage.end] == passage.text for passage in found)


@given(st.text(alphabet="ab. \n。é:", max_size=400), st.integers(5, 60))
@settings(max_examples=300, deadline=None)
def test_spans_cover_everything_but_white_space(text: str, limit: int) -> None:
    pieces = list(spans(text, limit))
    assert all(0 < end - start <= limit for start, end in pieces)
    assert "".join("".join(text[start:end] for start, end in pieces).split()) == "".join(text.split())
    joined = passages(paragraphs(numbered(io.StringIO(text), 50)))
    assert all(text[passage.start : passage.end] == passage.text for passage in joined)


# PDF


def make_pdf(pages: list[str]) -> bytes:
    """A small PDF with one line of Helvetica per line of text."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        lines = b" ".join(b"(%s) Tj T*" % line.encode("latin-1") for line in page.split("\n"))
        stream = b"BT /F1 12 Tf 14 TL 50 750 Td %s ET" % lines
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + head + table + tail


PDF = make_pdf(["Whales sing. A long exam-\nple of it.", "", "The third page."])


def test_pdf_pages_with_their_numbers(tmp_path: Path) -> None:
    drafts = read(written(tmp_path / "a.pdf", PDF))
    assert [(draft.memory, draft.info) for draft in drafts] == [
        ("Whales sing. A long example of it.", {"page": 1}),
        ("The third page.", {"page": 3}),
    ]
    assert [draft.position for draft in drafts] == [0, 1]


def test_a_pdf_is_told_by_its_content(tmp_path: Path) -> None:
    assert len(read(written(tmp_path / "paper", PDF))) == 2


def test_three_hundred_pages(tmp_path: Path) -> None:
    pages = [f"Page {number} tells this.\n" + "A sentence on the page. " * 80 for number in range(1, 301)]
    drafts = read(written(tmp_path / "a.pdf", make_pdf(pages)))
    assert {draft.info["page"] for draft in drafts} == set(range(1, 301))
    assert max(len(draft.memory) for draft in drafts) <= LONGEST


def _encrypted(user: str) -> bytes:
    out = io.BytesIO()
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.encrypt(user, "owner", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def test_a_pdf_that_opens_without_a_password_is_read(tmp_path: Path) -> None:
    assert len(read(written(tmp_path / "a.pdf", _encrypted("")))) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_encrypted("secret"), "encrypted"),
        (make_pdf(["", ""]), "no text"),
        (PDF[: len(PDF) // 2], "cut off"),
        (PDF[:-30], "cut off"),
        (b"%PDF-1.7\n" + b"\xff\x00" * 500 + b"%%EOF", "cannot read it as PDF"),
        (b"only words", "called .pdf but is none"),
    ],
)
def test_damaged_pdfs_are_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    assert reason in refusal(written(tmp_path / "a.pdf", content))
    assert capfd.readouterr() == ("", "")


def test_a_page_that_cannot_be_read_is_named_and_the_others_go_in(tmp_path: Path) -> None:
    broken = PDF.replace(b"/Contents 5 0 R", b"/Contents 1 0 R")
    found = list(read_paths([written(tmp_path / "a.pdf", broken)], ReadOptions()))
    assert [type(each) for each in found] in ([Skipped, Draft], [Draft])
    assert isinstance(found[-1], Draft)
    assert found[-1].memory == "The third page."


def test_damage_anywhere_never_escapes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dice, word = random.Random(7), word_document()
    for source, suffix in [(PDF, ".pdf"), (word, ".docx")] * 40:
        damaged = bytearray(source)
        for _ in range(dice.randint(1, 60)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path = written(tmp_path / f"x{suffix}", bytes(damaged))
        assert all(isinstance(each, Draft | Skipped) for each in read_paths([path], ReadOptions()))
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("pypdf").level == logging.NOTSET


# Word


def word_document() -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_heading("Handbook", 0)
    document.add_paragraph("Read it first.")
    document.add_heading("Setup", 1)
    document.add_paragraph("You need:")
    document.add_paragraph("a key", style="List Bullet")
    document.add_paragraph("a door", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells], ["who", "when", "Ann", "May"], strict=True
    ):
        cell.text = text
    document.add_heading("Empty", 2)
    document.save(out)
    return out.getvalue()


def test_word_documents(tmp_path: Path) -> None:
    drafts = read(written(tmp_path / "a.docx", word_document()))
    assert [(draft.key, draft.memory) for draft in drafts] == [
        ("Handbook", "Read it first."),
        ("Handbook > Setup", "You need:\n\n- a key\n- a door"),
        ("Handbook > Setup", "who | when\nAnn | May"),
        ("Handbook > Setup", "Empty"),
    ]
    whole = "\n\n".join(
        [
            "Handbook",
            "Read it first.",
            "Setup",
            "You need:",
            "- a key\n- a door",
            "who | when\nAnn | May",
            "Empty",
        ]
    )
    assert all(whole[draft.sources[0].start : draft.sources[0].end] == draft.memory for draft in drafts)


def _with_body(xml: str) -> bytes:
    """The document with other XML in its body."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word_document())) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "word/document.xml":
                content = re.sub(
                    rb"<w:body>.*</w:body>", f"<w:body>{xml}</w:body>".encode(), content, flags=re.S
                )
            new.writestr(member, content)
    return out.getvalue()


def test_tracked_changes_and_content_controls(tmp_path: Path) -> None:
    body = (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>red</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>blue</w:t></w:r></w:ins><w:r><w:t>.</w:t></w:r></w:p>"
    )
    assert texts(written(tmp_path / "a.docx", _with_body(body))) == ["In a control.", "It is blue."]


def test_a_word_document_without_words(tmp_path: Path) -> None:
    assert "no text" in refusal(written(tmp_path / "a.docx", _with_body("<w:p/>")))


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def test_a_word_document_that_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = _zip(word__document=b"", **{"word/document.xml": b" " * (65 << 20)})
    assert "would unpack to 65 MB" in refusal(written(tmp_path / "a.docx", bomb))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (word_document()[:-2000], "damaged document"),
        (_zip(**{"notes.txt": b"hi"}), "ZIP archive; unpack it"),
        (_zip(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "cannot read it as a spreadsheet"),
        (_zip(**{"word/document.xml": b"<broken"}), "cannot read it as a Word document"),
        (b"words", "called .docx but is none"),
    ],
)
def test_damaged_word_documents_are_named(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(written(tmp_path / "a.docx", content))


# HTML

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>T</title><style>p { x: y }</style></head>
<body><nav><ul><li>Menu</ul></nav>
<h1>Fish &amp; chips</h1>
<p>One <b>two</b>&nbsp;three<br>f&#111;ur. <script>var a = "<p>no</p>";</script>
<ul><li>a<li>b<ul><li>c</ul></ul>
<h2>Prices</h2><table><tr><th>what</th><th>cost</th></tr><tr><td>fish</td><td>3 &lt; 4 &euro;</td></tr></table>
<pre>  a
   b</pre>
<!-- a comment --><div>inner <div>text</div></div>
<h2>Nothing here</h2></body></html>
"""


def test_html(tmp_path: Path) -> None:
    drafts = read(written(tmp_path / "a.html", PAGE))
    assert [(draft.key, draft.memory) for draft in drafts] == [
        ("Fish & chips", "One two three\nfour."),
        ("Fish & chips", "- a\n- b\n  - c"),
        ("Fish & chips > Prices", "what | cost\nfish | 3 < 4 €"),
        ("Fish & chips > Prices", "a\n   b"),
        ("Fish & chips > Prices", "inner"),
        ("Fish & chips > Prices", "text"),
        ("Fish & chips", "Nothing here"),
    ]
    first = drafts[0].sources[0]
    assert PAGE[first.start : first.end].startswith("One <b>two</b>")


def test_html_is_told_by_its_beginning(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "page", "\n<html><p>Hello</p></html>")) == ["Hello"]


def test_html_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    page = '<html><meta http-equiv="Content-Type" content="text/html; charset=gb18030"><p>中文网页</p>'
    assert texts(written(tmp_path / "a.html", page.encode("gb18030"))) == ["中文网页"]


@pytest.mark.parametrize("charset", ["utf-8", "klingon", "ascii"])
def test_html_that_declares_the_wrong_encoding(tmp_path: Path, charset: str) -> None:
    page = f'<html><meta charset="{charset}"><p>caf'.encode() + b"\xe9</p>"
    assert f"byte {page.index(0xE9)} is not valid UTF-8" in refusal(written(tmp_path / "a.html", page))


def test_a_menu_that_never_ends_hides_nothing(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.html", "<nav>Menu<p>Text</p>")) == ["Menu", "Text"]


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<a ", "<a b='", "<ul>", "<div>", "<nav>", "<![foo", "</", "<?", "<!", "&", "<svg><path>"],
)
def test_hostile_html_is_read_in_no_time(tmp_path: Path, piece: str) -> None:
    list(read_paths([written(tmp_path / "a.html", piece * 20_000 + "x")], ReadOptions()))


def test_html_without_words(tmp_path: Path) -> None:
    assert "no text" in refusal(written(tmp_path / "a.html", "<html><script>x</script></html>"))
