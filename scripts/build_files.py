"""Writes tests/data/files: real files of many kinds, each made by the program or library that usually makes it.

    pip install pypandoc-binary python-docx python-pptx openpyxl xlsxwriter reportlab pypdf
    python scripts/build_files.py

The files are kept in the repository so that the tests need none of these. pandoc writes the
books and some documents; damaged files are sound ones, damaged here. `test_files.py` says of each
what has to be read, or why it is refused.
"""

from __future__ import annotations

import io
import json
import mailbox
import sqlite3
import struct
import tarfile
import zipfile
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

FILES = Path(__file__).resolve().parents[1] / "tests" / "data" / "files"

BOOK = """---
title: The Harbour Year
author: Ines Duarte
lang: en
---

# January

The ice came early. The ferry *Marie* stayed in port for nine days.

## Repairs

- Two winches were replaced.
- The hull was painted green.

# February

Ines counted 412 seals on the outer rocks.

| place | seals |
|---|---|
| North rock | 230 |
| South rock | 182 |
"""

HANDBOOK = """# Bakery handbook

## Opening

The oven is lit at 4:30. Rye bread goes in first.

## Allergies

Jonas must not touch walnuts. The green apron is his.
"""


def write(name: str, content: bytes | str) -> None:
    """One file; text as UTF-8 with the line ends it has."""
    (FILES / name).write_bytes(content.encode() if isinstance(content, str) else content)


def cut(source: str, name: str, share: float = 0.6) -> None:
    """The beginning of another file, as a download that broke off leaves it."""
    whole = (FILES / source).read_bytes()
    write(name, whole[: int(len(whole) * share)])


def by_pandoc() -> None:
    """Books, documents and pages as pandoc writes them."""
    import pypandoc

    for sort, name in (
        ("epub3", "book.epub"),
        ("epub2", "book2.epub"),
        ("odt", "book.odt"),
        ("rtf", "book.rtf"),
    ):
        extra = ["--standalone"] if sort == "rtf" else []
        pypandoc.convert_text(BOOK, sort, format="markdown", outputfile=str(FILES / name), extra_args=extra)
    pypandoc.convert_text(HANDBOOK, "docx", format="markdown", outputfile=str(FILES / "handbook.docx"))
    pypandoc.convert_text(HANDBOOK, "pptx", format="markdown", outputfile=str(FILES / "handbook.pptx"))
    page = pypandoc.convert_text(
        HANDBOOK, "html", format="markdown", extra_args=["--standalone", "--metadata=title:Bakery"]
    )
    write("handbook.html", page)
    write("handbook.md", HANDBOOK)


def presentations() -> None:
    """A deck with a table, a group, notes and two columns, by python-pptx."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Spring plan"
    frame = slide.placeholders[1].text_frame
    frame.text = "Sow beans in April"
    frame.add_paragraph().text = "Plant the quince by the gate"
    slide.notes_slide.notes_text_frame.text = "Ask Carla for the seeds."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Costs"
    cells = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(5), Inches(2)).table
    for row, (what, price) in enumerate((("item", "price"), ("beans", "4 €"), ("quince", "31 €"))):
        cells.cell(row, 0).text, cells.cell(row, 1).text = what, price
    group = slide.shapes.add_group_shape()
    box = group.shapes.add_textbox(Inches(1), Inches(5), Inches(4), Inches(1))
    box.text_frame.text = "Paid from the tin box"
    deck.save(str(FILES / "plan.pptx"))


def spreadsheets() -> None:
    """Workbooks by openpyxl and by XlsxWriter, with dates, formulas and several sheets."""
    import datetime

    import openpyxl
    import xlsxwriter

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Boats"
    sheet.append(["name", "built", "length", "afloat"])
    sheet.append(["Marie", datetime.date(1987, 5, 4), 11.5, True])
    sheet.append(["Gull", datetime.date(2003, 1, 9), 7, False])
    other = book.create_sheet("船员")
    other.append(["姓名", "职务"])
    other.append(["李宁", "船长"])
    book.save(FILES / "boats.xlsx")
    with xlsxwriter.Workbook(str(FILES / "ledger.xlsx")) as ledger:
        page = ledger.add_worksheet("Ledger")
        for row, (day, what, sum_) in enumerate(
            (("day", "what", "sum"), ("2026-03-01", "flour", 120), ("2026-03-02", "rye", 80))
        ):
            page.write_row(row, 0, [day, what, sum_])
        page.write_string(3, 1, "total")
        page.write_formula(3, 2, "=SUM(C2:C3)", None, 200)
        # A cell far away, as a slip of the hand makes it: nothing lies between.
        page.write_string(90_000, 40, "far away")
    empty = openpyxl.Workbook()
    empty.save(FILES / "empty.xlsx")


def word() -> None:
    """A document with headings, a list and a table, by python-docx."""
    from docx import Document

    document = Document()
    document.add_heading("Minutes", 1)
    document.add_paragraph("The choir meets on Thursdays at seven.")
    for item in ("Carla brings the scores", "Bruno tunes the piano"):
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for place, text in enumerate(("voice", "singers", "alto", "nine")):
        table.cell(place // 2, place % 2).text = text
    document.save(str(FILES / "minutes.docx"))


def pdfs() -> None:
    """PDF by reportlab: text on two pages, a drawing without text, one with a password."""
    from pypdf import PdfReader, PdfWriter
    from reportlab.lib.pagesizes import A5
    from reportlab.pdfgen import canvas

    page = canvas.Canvas(str(FILES / "letter.pdf"), pagesize=A5, invariant=1)
    page.drawString(50, 500, "Dear Anna, the lighthouse keeper retired in May.")
    page.drawString(50, 480, "His name was Olav Brekke.")
    page.showPage()
    page.drawString(50, 500, "The key is under the third stone.")
    page.save()
    drawing = canvas.Canvas(str(FILES / "drawing.pdf"), pagesize=A5, invariant=1)
    drawing.rect(50, 50, 100, 100, fill=1)
    drawing.save()
    writer = PdfWriter(clone_from=PdfReader(FILES / "letter.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(FILES / "locked.pdf")


def mails() -> None:
    """Messages and a mailbox by the standard library, in the shapes that mail programs send."""
    plain = EmailMessage()
    plain["From"], plain["To"] = "Anna Berg <anna@example.org>", "Bo Lind <bo@example.org>, crew@example.org"
    plain["Subject"], plain["Date"] = "Keys for the boat house", "Sat, 14 Mar 2026 09:30:00 +0100"
    plain["Message-ID"] = "<keys-1@example.org>"
    plain.set_content("The keys hang behind the door.\n\nThe alarm code is 2718.\n")
    write("plain.eml", plain.as_bytes())

    reply = EmailMessage()
    reply["From"], reply["To"] = '"Bo Lind" <bo@example.org>', "anna@example.org"
    reply["Subject"], reply["Date"] = "Re: Schlüssel fürs Bootshaus", "Sat, 14 Mar 2026 11:00:00 +0100"
    reply["Message-ID"], reply["MIME-Version"] = "<keys-2@example.org>", "1.0"
    reply.set_content(
        "Danke, gefunden!\n\nOn Sat, Anna Berg wrote:\n> The keys hang behind the door.\n>\n> The alarm code is 2718.\n"
    )
    write("reply.eml", reply.as_bytes())

    page = EmailMessage()
    page["From"], page["Subject"] = "news@example.org", "March news"
    page["Date"], page["MIME-Version"] = "Sun, 01 Mar 2026 08:00:00 +0000", "1.0"
    page.set_content(
        "<h1>News</h1><p>The pier opens on <b>9 April</b>.</p><script>x()</script>", subtype="html"
    )
    page.add_attachment(
        (FILES / "letter.pdf").read_bytes(), maintype="application", subtype="pdf", filename="letter.pdf"
    )
    page.add_attachment(picture(), maintype="image", subtype="png", filename="map.png")
    write("attached.eml", page.as_bytes())

    (FILES / "crew.mbox").unlink(missing_ok=True)
    box = mailbox.mbox(FILES / "crew.mbox")
    for message in (plain, reply):
        held = mailbox.mboxMessage(message.as_bytes(policy=default))
        held.set_from("crew@example.org Sat Mar 14 10:00:00 2026")
        box.add(held)
    body = EmailMessage()
    body["From"], body["Subject"], body["Date"] = (
        "Carla <carla@example.org>",
        "Start",
        "Sun, 15 Mar 2026 10:00:00 +0000",
    )
    body.set_content("From the pier we go north.\n\nBring boots.\n")
    held = mailbox.mboxMessage(body.as_bytes())
    held.set_from("crew@example.org Sun Mar 15 10:00:00 2026")
    box.add(held)
    box.close()


def picture() -> bytes:
    """A small PNG."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (8, 6), (20, 120, 60)).save(out, "PNG")
    return out.getvalue()


def images() -> None:
    """Pictures in four formats, by Pillow."""
    from PIL import Image

    for sort in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        Image.new("RGB", (8, 6), (20, 120, 60)).save(FILES / f"garden.{sort.lower()}", sort)


def transcripts() -> None:
    """Chats as messengers export them, subtitles as players read them."""
    write(
        "whatsapp_android.txt",
        "13/03/2026, 21:58 - Messages and calls are end-to-end encrypted.\n"
        "13/03/2026, 21:59 - Anna Berg: Did you feed Biscuit?\n"
        "13/03/2026, 22:01 - Bo: Yes.\nTwice, even.\n"
        "14/03/2026, 07:12 - Anna Berg: <Media omitted>\n",
    )
    write(
        "whatsapp_ios.txt",
        "[3/9/26, 9:05:11\u202fPM] Ning: 明天几点出发？\n\u200e[3/13/26, 9:06:00\u202fPM] Anna: At six.\n"
        "[3/13/26, 9:07:30\u202fPM] Ning: 好的\n",
    )
    write(
        "meeting.txt",
        "Meeting of the harbour board\n\n2026-03-14 10:00 Ines Duarte: The crane needs a new cable.\n"
        "2026-03-14 10:02 Olav: I can order one.\nIt takes two weeks.\n2026-03-14 10:05 Ines Duarte: Please do.\n",
    )
    write(
        "dialogue.txt",
        "Anna: Where is the ladder?\nBo: Behind the shed.\nAnna: And the saw?\nBo: Carla has it until Sunday.\n",
    )
    write(
        "slack_paste.txt",
        "Friday, March 13th, 2026\nInes Duarte  10:23 AM\nThe release is frozen.\nNo merges until Monday.\n"
        "Olav Brekke  10:25 AM\nUnderstood.\nInes Duarte  10:31 AM\nThanks.\n",
    )
    write(
        "chat.md",
        "# Trip\n\n**User:** Which train do I take to Porto?\n\n**Assistant:** The 9:40 from Lisbon.\n\n- It stops in Coimbra.\n\n"
        "**User:** Good.\n",
    )
    write(
        "chat_headings.md",
        "## User\n\nWhat does the oven need?\n\n## Assistant\n\nA new thermostat.\n\n## User\n\nOrder it.\n",
    )
    write(
        "irc.log",
        "[09:30] <anna> the mirror is down\n[09:31] <bo> restarting it\n[09:40] <anna> works again\n",
    )
    write(
        "dialogue_zh.txt",
        "安娜：梯子在哪里？\n小李：在棚子后面。\n安娜：锯子呢？\n小李：星期天之前在卡拉那里。\n",
    )
    write(
        "talk.srt",
        "1\n00:00:01,000 --> 00:00:03,500\nANNA: The tide turns\n\n2\n00:00:03,600 --> 00:00:05,000\nat a quarter past four.\n\n"
        "3\n00:00:07,500 --> 00:00:09,000\nBO: <i>Then we leave at three.</i>\n",
    )
    write(
        "talk.vtt",
        "WEBVTT - Harbour talk\n\nNOTE made by hand\n\nintro\n00:01.000 --> 00:04.000 align:start\n<v Ines Duarte>The cable is <c.loud>worn</c>.\n\n"
        "00:04.500 --> 00:06.000\n<v Olav>I&apos;ll order &amp; fit one.</v>\n",
    )
    write(
        "lecture.vtt",
        "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nSeals rest on the rocks\n\n00:00:04.000 --> 00:00:07.000\nSeals rest on the rocks\nwhen the tide is low.\n",
    )
    write(
        "broken.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nFirst line.\n\n2\n00:00:zz --> later\nLost line.\n\n3\n00:00:05,000 --> 00:00:06,000\nThird line.\n",
    )


def data() -> None:
    """JSON of chats, of messengers and of tools, and tables."""
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "read_pdf", "arguments": '{"path": "letter.pdf"}'},
    }
    bad = {
        "id": "c2",
        "type": "function",
        "function": {"name": "read_pdf", "arguments": '{"path": "lost.pdf"}'},
    }
    chat = [
        {"role": "user", "content": "What does the letter say?", "timestamp": "2026-03-14T09:00:00Z"},
        {"role": "assistant", "content": "I will read it.", "tool_calls": [call, bad]},
        {"role": "tool", "tool_call_id": "c1", "content": "Olav Brekke retired in May."},
        {"role": "tool", "tool_call_id": "c2", "content": "FileNotFoundError: lost.pdf"},
        {"role": "assistant", "content": "The keeper retired in May."},
    ]
    write("agent.json", json.dumps({"id": "letter", "messages": chat}, indent=1))
    write("chat.jsonl", "".join(json.dumps(line) + "\n" for line in (chat[0], chat[4])))
    function = {
        "name": "read_pdf",
        "description": "Extract the text of a PDF document.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "Where the file lies"}},
            "required": ["path"],
        },
    }
    write("tools_openai.json", json.dumps([{"type": "function", "function": function}]))
    mcp = {
        "name": "sendMail",
        "description": "Send a message by e-mail.",
        "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}},
    }
    write("tools_mcp.json", json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [mcp]}}))
    slack = [
        {
            "type": "message",
            "user": "U1",
            "ts": "1773480600.000100",
            "text": "The crane is fixed.",
            "user_profile": {"real_name": "Ines Duarte"},
        },
        {"type": "message", "user": "U2", "ts": "1773480660.000100", "text": "Great!"},
    ]
    write("slack_export.json", json.dumps(slack))
    telegram = {
        "name": "Crew", "type": "private_group", "id": 1,
        "messages": [
            {"id": 1, "type": "message", "date": "2026-03-14T09:30:00", "from": "Anna", "text": ["See ", {"type": "link", "text": "the map"}, "."]},
            {"id": 2, "type": "message", "date": "2026-03-14T09:31:00", "from": "Bo", "text": "Seen."},
        ],
    }  # fmt: skip
    write("telegram.json", json.dumps(telegram))
    node = {
        "title": "Trip", "conversation_id": "gpt-1", "current_node": "b",
        "mapping": {
            "a": {"id": "a", "parent": None, "message": {"author": {"role": "user"}, "create_time": 1773480600, "content": {"content_type": "text", "parts": ["Which ferry?"]}}},
            "x": {"id": "x", "parent": "a", "message": {"author": {"role": "assistant"}, "content": {"parts": ["An answer given up."]}}},
            "b": {"id": "b", "parent": "a", "message": {"author": {"role": "assistant"}, "create_time": 1773480610, "content": {"parts": ["The Marie, at noon."]}}},
        },
    }  # fmt: skip
    write("chatgpt.json", json.dumps([node]))
    write("seals.csv", "place,seals,day\nNorth rock,230,2026-02-03\nSouth rock,182,2026-02-03\n")
    write("seals.tsv", "place\tseals\nNorth rock\t230\n")
    write("kunden.csv", "\ufeffName;Ort\r\nGrete;Köln\r\n")
    write("utf16.txt", "The anchor weighs forty kilos.\n".encode("utf-16"))


PYTHON = '''"""Reads tide tables."""

import csv

HARBOURS = ("Porto", "Bergen")


@cache
def tides(harbour: str) -> list[float]:
    """Heights of the day."""
    return [row["height"] for row in csv.DictReader(open(harbour))]


class Calendar:
    """Days on which boats leave."""

    def next_departure(self, after):
        return min(day for day in self.days if day > after)
'''


def code() -> None:
    """Source in several languages."""
    write("tides.py", PYTHON)
    write(
        "tides.js",
        "// Tide tables\nimport fs from 'fs';\n\nexport function tides(harbour) {\n  return fs.read(harbour);\n}\n\nconst next = (after) => {\n  return after + 1;\n};\n",
    )
    write(
        "tides.go",
        'package tides\n\nimport "os"\n\n// Read opens a table.\nfunc Read(name string) ([]byte, error) {\n\treturn os.ReadFile(name)\n}\n\nfunc (t *Table) High() float64 {\n\treturn t.max\n}\n',
    )
    write(
        "Tides.java",
        "package harbour;\n\n/** Tide tables. */\npublic class Tides {\n    public double high(String harbour) {\n        return 0;\n    }\n}\n",
    )
    write(
        "tides.sql",
        "-- heights\nCREATE TABLE tide (\n  harbour text,\n  height real\n);\n\nCREATE VIEW high AS\n  SELECT * FROM tide WHERE height > 3;\n",
    )
    write("Makefile", "all: build\n\nbuild:\n\tcc -o tides tides.c\n")
    write("service.yaml", "service: tides\nports:\n  - 8080\n\nowner: Ines Duarte\n")


def damaged() -> None:
    """What cannot be read: cut off, locked, empty, binary, called something else, grown from a bomb."""
    for source in ("minutes.docx", "plan.pptx", "boats.xlsx", "book.epub"):
        stem, _, suffix = source.partition(".")
        cut(source, f"cut_{stem}.{suffix}")
    cut("letter.pdf", "cut_letter.pdf")
    write("renamed_sheet.pptx", (FILES / "boats.xlsx").read_bytes())
    write("renamed_text.xlsx", "This was once a spreadsheet, they say.\n")
    write("renamed_text.pdf", "No PDF at all.\n")
    write("renamed_pdf.txt", (FILES / "letter.pdf").read_bytes())
    write("locked.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    write("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    write("empty.txt", b"")
    write("empty.eml", b"")
    write("blank.md", "\n \n\n")
    write("latin1.txt", "Grüße aus Köln\n".encode("latin-1"))
    write("noise.txt", bytes(range(256)) * 4)
    write("broken.json", '{"messages": [{"role": "user", "content": "cut o')
    write(
        "broken.eml",
        b"Subject: =?utf-8?b?broken?=\nFrom: \xff\xfe\nContent-Type: multipart/mixed; boundary=xx\nMIME-Version: 1.0\n\n--xx\n",
    )
    locked = io.BytesIO()
    with (
        zipfile.ZipFile(FILES / "book.epub") as book,
        zipfile.ZipFile(locked, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        chapters = [name for name in book.namelist() if name.endswith(".xhtml")]
        for member in book.infolist():
            out.writestr(member, book.read(member))
        references = "".join(
            '<enc:EncryptedData xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:CipherData>'
            f'<enc:CipherReference URI="{name}"/></enc:CipherData></enc:EncryptedData>' for name in chapters
        )  # fmt: skip
        out.writestr(
            "META-INF/encryption.xml",
            f'<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{references}</encryption>',
        )
    write("drm.epub", locked.getvalue())
    for name, inner in (
        ("bomb.xlsx", "xl/workbook.xml"),
        ("bomb.pptx", "ppt/presentation.xml"),
        ("bomb.epub", "META-INF/container.xml"),
    ):
        bomb(name, inner)
    with zipfile.ZipFile(FILES / "archive.zip", "w") as archive:
        archive.writestr("notes.txt", "packed away")
    with tarfile.open(FILES / "archive.tgz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    (FILES / "app.sqlite").unlink(missing_ok=True)
    base = sqlite3.connect(FILES / "app.sqlite")
    base.execute("PRAGMA page_size = 512")
    base.execute("CREATE TABLE a (b)")
    base.commit()
    base.close()
    write("sound.wav", b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(28))


def bomb(name: str, inner: str) -> None:
    """An archive of 70 KB whose XML unpacks to 70 MB, more than any reader takes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(inner, "w", force_zip64=True) as part:
            for _ in range(70):
                part.write(b" " * (1 << 20))
    write(name, out.getvalue())


def main() -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    for make in (
        by_pandoc,
        presentations,
        spreadsheets,
        word,
        pdfs,
        images,
        mails,
        transcripts,
        data,
        code,
        damaged,
    ):
        make()


if __name__ == "__main__":
    main()
