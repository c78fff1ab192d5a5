"""Real files of many kinds, some damaged: each is read or refused by name.

`scripts/build_files.py` made them with the programs that usually make such files.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import OpenCube
from llm_server import Script, complaint

from memos_cli.errors import BadInput
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import Draft, Kind, Origin, Skipped

FILES = Path(__file__).parent / "data" / "files"

READ: dict[str, list[str]] = {
    # documents
    "handbook.md": [
        "The oven is lit at 4:30. Rye bread goes in first.",
        "Jonas must not touch walnuts. The green apron is his.",
    ],
    "handbook.docx": [
        "The oven is lit at 4:30. Rye bread goes in first.",
        "Jonas must not touch walnuts. The green apron is his.",
    ],
    "handbook.pptx": [
        "Bakery handbook",
        "The oven is lit at 4:30. Rye bread goes in first.",
        "Jonas must not touch walnuts. The green apron is his.",
    ],
    "handbook.html": [
        "Bakery",
        "The oven is lit at 4:30. Rye bread goes in first.",
        "Jonas must not touch walnuts. The green apron is his.",
    ],
    "minutes.docx": [
        "The choir meets on Thursdays at seven.",
        "- Carla brings the scores\n- Bruno tunes the piano",
        "voice | singers\nalto | nine",
    ],
    "plan.pptx": [
        "Sow beans in April\nPlant the quince by the gate",
        "Ask Carla for the seeds.",
        "item | price\nbeans | 4 €\nquince | 31 €",
        "Paid from the tin box",
    ],
    "boats.xlsx": [
        "name: Marie; built: 1987-05-04; length: 11.5; afloat: true",
        "name: Gull; built: 2003-01-09; length: 7; afloat: false",
        "姓名: 李宁; 职务: 船长",
    ],
    "ledger.xlsx": [
        "day: 2026-03-01; what: flour; sum: 120",
        "day: 2026-03-02; what: rye; sum: 80",
        "what: total; sum: 200",
        "column 41: far away",
    ],
    "book.epub": [
        "Ines Duarte",
        "The ice came early. The ferry Marie stayed in port for nine days.",
        "- Two winches were replaced.\n- The hull was painted green.",
        "Ines counted 412 seals on the outer rocks.",
        "place | seals\n| North rock | 230\n| South rock | 182",
    ],
    "book2.epub": [
        "Ines Duarte",
        "The ice came early. The ferry Marie stayed in port for nine days.",
        "- Two winches were replaced.\n- The hull was painted green.",
        "Ines counted 412 seals on the outer rocks.",
        "place | seals\n| North rock | 230\n| South rock | 182",
    ],
    "letter.pdf": [
        "Dear Anna, the lighthouse keeper retired in May.\nHis name was Olav Brekke.",
        "The key is under the third stone.",
    ],
    "renamed_pdf.txt": [
        "Dear Anna, the lighthouse keeper retired in May.\nHis name was Olav Brekke.",
        "The key is under the third stone.",
    ],
    "renamed_sheet.pptx": [
        "name: Marie; built: 1987-05-04; length: 11.5; afloat: true",
        "name: Gull; built: 2003-01-09; length: 7; afloat: false",
        "姓名: 李宁; 职务: 船长",
    ],
    "utf16.txt": ["The anchor weighs forty kilos."],
    # mail
    "plain.eml": ["The keys hang behind the door.", "The alarm code is 2718."],
    "reply.eml": ["Danke, gefunden!", "The keys hang behind the door.", "The alarm code is 2718."],
    "crew.mbox": [
        *("The keys hang behind the door.", "The alarm code is 2718."),
        *("Danke, gefunden!", "The keys hang behind the door.", "The alarm code is 2718."),
        *("From the pier we go north.", "Bring boots."),
    ],
    # transcripts
    "whatsapp_android.txt": [
        "Messages and calls are end-to-end encrypted.",
        "Did you feed Biscuit?",
        "Yes.\nTwice, even.",
        "<Media omitted>",
    ],
    "whatsapp_ios.txt": ["明天几点出发？", "At six.", "好的"],
    "meeting.txt": [
        "Meeting of the harbour board",
        "The crane needs a new cable.",
        "I can order one.\nIt takes two weeks.",
        "Please do.",
    ],
    "dialogue.txt": [
        "Where is the ladder?",
        "Behind the shed.",
        "And the saw?",
        "Carla has it until Sunday.",
    ],
    "dialogue_zh.txt": ["梯子在哪里？", "在棚子后面。", "锯子呢？", "星期天之前在卡拉那里。"],
    "slack_paste.txt": ["The release is frozen.\nNo merges until Monday.", "Understood.", "Thanks."],
    "irc.log": ["the mirror is down", "restarting it", "works again"],
    "chat.md": [
        "# Trip",
        "Which train do I take to Porto?",
        "The 9:40 from Lisbon.\n\n- It stops in Coimbra.",
        "Good.",
    ],
    "chat_headings.md": ["What does the oven need?", "A new thermostat.", "Order it."],
    "talk.srt": ["The tide turns at a quarter past four.", "Then we leave at three."],
    "talk.vtt": ["The cable is worn.", "I'll order & fit one."],
    "lecture.vtt": ["Seals rest on the rocks when the tide is low."],
    # data
    "chat.jsonl": ["What does the letter say?", "The keeper retired in May."],
    "agent.json": [
        "What does the letter say?",
        "I will read it.",
        'read_pdf({"path": "letter.pdf"})\nResult: Olav Brekke retired in May.',
        'read_pdf({"path": "lost.pdf"})\nError: FileNotFoundError: lost.pdf',
        "The keeper retired in May.",
    ],
    "tools_openai.json": [
        "Tool read_pdf (read pdf): Extract the text of a PDF document.\nParameters:\n"
        "- path (string, required): Where the file lies"
    ],
    "tools_mcp.json": [
        "Tool sendMail (send mail): Send a message by e-mail.\nParameters:\n- to (string)",
    ],
    "slack_export.json": ["The crane is fixed.", "Great!"],
    "telegram.json": ["See the map.", "Seen."],
    "chatgpt.json": ["Which ferry?", "The Marie, at noon."],
    "seals.csv": [
        "place: North rock; seals: 230; day: 2026-02-03",
        "place: South rock; seals: 182; day: 2026-02-03",
    ],
    "seals.tsv": ["place: North rock; seals: 230"],
    "kunden.csv": ["Name: Grete; Ort: Köln"],
    # code
    "tides.js": [
        "// Tide tables\nimport fs from 'fs';",
        "export function tides(harbour) {\n  return fs.read(harbour);\n}",
        "const next = (after) => {\n  return after + 1;\n};",
    ],
    "tides.go": [
        'package tides\n\nimport "os"',
        "// Read opens a table.\nfunc Read(name string) ([]byte, error) {\n\treturn os.ReadFile(name)\n}",
        "func (t *Table) High() float64 {\n\treturn t.max\n}",
    ],
    "tides.sql": [
        "-- heights\nCREATE TABLE tide (\n  harbour text,\n  height real\n);",
        "CREATE VIEW high AS\n  SELECT * FROM tide WHERE height > 3;",
    ],
    "Tides.java": [
        "package harbour;",
        "/** Tide tables. */\npublic class Tides {\n    public double high(String harbour) {\n        return 0;\n    }\n}",
    ],
    "Makefile": ["all: build\n\nbuild:\n\tcc -o tides tides.c"],
    "service.yaml": ["service: tides\nports:\n  - 8080\n\nowner: Ines Duarte"],
}

REFUSED = {
    "cut_minutes.docx": "damaged document",
    "cut_plan.pptx": "damaged document",
    "cut_boats.xlsx": "damaged document",
    "cut_book.epub": "damaged document",
    "cut_letter.pdf": "the PDF was cut off",
    "drawing.pdf": "holds no text",
    "locked.pdf": "encrypted",
    "locked.docx": "encrypted",
    "old.xls": "Excel's old format",
    "drm.epub": "protected by DRM",
    "empty.xlsx": "a spreadsheet without rows",
    "empty.txt": "empty",
    "empty.eml": "empty",
    "blank.md": "holds no text",
    "bomb.xlsx": "unpack to 70 MB",
    "bomb.pptx": "unpack to 70 MB",
    "bomb.epub": "unpack to 70 MB",
    "renamed_text.xlsx": "called .xlsx but is none",
    "renamed_text.pdf": "called .pdf but is none",
    "book.odt": "OpenDocument",
    "book.rtf": "RTF",
    "archive.zip": "a ZIP archive; unpack it",
    "archive.tgz": "compressed with gzip",
    "app.sqlite": "an SQLite database",
    "sound.wav": "a sound",
    "latin1.txt": "byte 2 is not valid UTF-8",
    "noise.txt": "byte 128 is not valid UTF-8",
    "broken.json": "not JSON",
    "broken.eml": "no text",
    "garden.png": "a PNG image, and no model that describes pictures",
    "garden.jpeg": "a JPEG image",
    "garden.gif": "a GIF image",
    "garden.bmp": "a BMP image",
    "garden.webp": "a WebP image",
}

PARTLY = {
    "broken.srt": (["First line.", "Third line."], ["line 6: the times of the cue cannot be read"]),
    "attached.eml": (
        [
            "The pier opens on 9 April.",
            "Dear Anna, the lighthouse keeper retired in May.\nHis name was Olav Brekke.",
            "The key is under the third stone.",
        ],
        ["it is a PNG image, and no model that describes pictures is configured (`memos help add`)"],
    ),
}


def read(name: str, options: ReadOptions | None = None) -> tuple[list[Draft], list[Skipped]]:
    found = list(read_paths([FILES / name], options or ReadOptions()))
    return [each for each in found if isinstance(each, Draft)], [
        each for each in found if isinstance(each, Skipped)
    ]


def drafts_of(name: str) -> list[Draft]:
    drafts, skipped = read(name)
    assert not skipped
    return drafts


def test_every_file_has_its_line_here() -> None:
    told = [*READ, *REFUSED, *PARTLY, "tides.py"]
    assert sorted(told) == sorted(path.name for path in FILES.iterdir())
    assert len(told) >= 80


@pytest.mark.parametrize("name", READ)
def test_a_sound_file_is_read_whole(name: str) -> None:
    drafts = drafts_of(name)
    assert [draft.memory for draft in drafts] == READ[name]
    assert {draft.sources[0].path for draft in drafts} == {str(FILES / name)}
    if drafts[0].kind is not Kind.TOOL_SCHEMA:
        places = [draft.position for draft in drafts]
        assert places == sorted(places)
        assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(name: str) -> None:
    drafts, (skipped,) = read(name)
    assert not drafts
    assert skipped.source == str(FILES / name)
    assert REFUSED[name] in skipped.reason


@pytest.mark.parametrize("name", PARTLY)
def test_what_is_sound_is_read_and_the_rest_is_named(name: str) -> None:
    drafts, skipped = read(name)
    assert ([draft.memory for draft in drafts], [each.reason for each in skipped]) == PARTLY[name]
    assert all(each.source.startswith(str(FILES / name)) for each in skipped)


# What is kept besides the words


def test_headings_titles_and_places_are_kept() -> None:
    assert [draft.key for draft in drafts_of("plan.pptx")] == [
        *("Spring plan", "Spring plan > Notes", "Costs", "Costs")
    ]
    assert [draft.info for draft in drafts_of("plan.pptx")] == [{"slide": n} for n in (1, 1, 2, 2)]
    assert [draft.key for draft in drafts_of("book.epub")] == [
        "The Harbour Year",
        "The Harbour Year > January",
        "The Harbour Year > January > Repairs",
        "The Harbour Year > February",
        "The Harbour Year > February",
    ]
    assert [(draft.key, draft.info) for draft in drafts_of("boats.xlsx")] == [
        ("Boats", {"sheet": "Boats", "row": 2}),
        ("Boats", {"sheet": "Boats", "row": 3}),
        ("船员", {"sheet": "船员", "row": 2}),
    ]
    assert drafts_of("ledger.xlsx")[-1].info["row"] == 90_001


def test_mail_says_who_wrote_it_when_to_whom_and_about_what() -> None:
    own, quoted, _ = drafts_of("reply.eml")
    assert own.key == "Re: Schlüssel fürs Bootshaus"
    assert own.speaker == "Bo Lind"
    assert own.said_at == datetime(2026, 3, 14, 10, tzinfo=UTC)
    assert own.info == {"to": ["anna@example.org"]}
    assert own.sources[0].message_id == "keys-2@example.org"
    # Somebody else wrote what is quoted, at a time that the mail does not say.
    assert (quoted.key, quoted.speaker, quoted.said_at) == (f"{own.key} > quoted", None, None)
    assert [draft.info["message"] for draft in drafts_of("crew.mbox")] == [1, 1, 2, 2, 2, 3, 3]


def test_turns_have_speakers_times_and_a_session() -> None:
    turns = drafts_of("whatsapp_android.txt")
    assert [turn.speaker for turn in turns] == [None, "Anna Berg", "Bo", "Anna Berg"]
    assert turns[2].said_at == datetime(2026, 3, 13, 22, 1, tzinfo=UTC)
    assert {turn.session_id for turn in turns} == {"files/whatsapp_android.txt"}
    # 3/9/26 comes before 3/13/26, so the first number is the month.
    assert [turn.said_at for turn in drafts_of("whatsapp_ios.txt")] == [
        datetime(2026, 3, 9, 21, 5, 11, tzinfo=UTC),
        datetime(2026, 3, 13, 21, 6, tzinfo=UTC),
        datetime(2026, 3, 13, 21, 7, 30, tzinfo=UTC),
    ]
    assert drafts_of("slack_paste.txt")[1].said_at == datetime(2026, 3, 13, 10, 25, tzinfo=UTC)
    assert [turn.info for turn in drafts_of("irc.log")][:1] == [{"time": "09:30"}]
    assert [turn.speaker for turn in drafts_of("chat.md")] == [None, "user", "assistant", "user"]
    assert [turn.speaker for turn in drafts_of("talk.vtt")] == ["Ines Duarte", "Olav"]
    assert [turn.info for turn in drafts_of("talk.srt")] == [
        {"from": "00:00:01", "to": "00:00:05"},
        {"from": "00:00:07", "to": "00:00:09"},
    ]
    telegram = drafts_of("telegram.json")
    assert [(turn.speaker, turn.session_id) for turn in telegram] == [("Anna", "Crew"), ("Bo", "Crew")]
    assert telegram[0].said_at == datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


def test_code_is_cut_at_its_definitions() -> None:
    drafts = drafts_of("tides.py")
    assert [draft.key for draft in drafts] == [None, "tides", "Calendar"]
    assert drafts[1].memory.startswith("@cache\ndef tides(")
    assert drafts[2].memory.endswith("    def next_departure(self, after):\n"
                                     "        return min(day for day in self.days if day > after)")  # fmt: skip
    assert {draft.info["language"] for draft in drafts} == {"python"}
    assert [draft.info["lines"] for draft in drafts] == ["1-5", "8-11", "14-18"]
    source = (FILES / "tides.py").read_text()
    for draft in drafts:
        assert source[draft.sources[0].start : draft.sources[0].end] == draft.memory


# Images


def test_an_image_is_described_where_a_model_can_and_stays_the_source() -> None:
    seen: list[tuple[int, str]] = []

    def describe(image: bytes, media: str) -> str:
        seen.append((len(image), media))
        return " A green garden. "

    drafts, skipped = read("garden.png", ReadOptions(describe=describe))
    data = (FILES / "garden.png").read_bytes()
    assert not skipped
    assert seen == [(len(data), "image/png")]
    (draft,) = drafts
    assert draft.memory == "A green garden."
    assert draft.origin is Origin.INFERRED
    assert (draft.sources[0].type, draft.sources[0].path) == ("image", str(FILES / "garden.png"))
    digest = sha256(data).hexdigest()
    assert draft.info == {"media_type": "image/png", "bytes": len(data), "sha256": digest}


def test_a_model_that_says_nothing_or_fails_names_the_image() -> None:
    def silent(image: bytes, media: str) -> str:
        return "\n"

    def broken(image: bytes, media: str) -> str:
        raise BadInput(source="the image", reason="the model refused it")

    for describe, reason in ((silent, "said nothing"), (broken, "the model refused it")):
        drafts, (skipped,) = read("garden.jpeg", ReadOptions(describe=describe))
        assert not drafts
        assert reason in skipped.reason


# Whatever stands in a damaged file, the reader says so and goes on


def damaged() -> Iterator[tuple[str, int]]:
    for name in (
        "plan.pptx",
        "boats.xlsx",
        "book.epub",
        "letter.pdf",
        "minutes.docx",
        "attached.eml",
        "crew.mbox",
    ):
        size = (FILES / name).stat().st_size
        yield from ((name, size * step // 9) for step in range(1, 9))


@pytest.mark.parametrize(("name", "place"), list(damaged()))
def test_a_flipped_run_of_bytes_is_survived(tmp_path: Path, name: str, place: int) -> None:
    data = bytearray((FILES / name).read_bytes())
    data[place : place + 24] = bytes(255 - byte for byte in data[place : place + 24])
    path = tmp_path / name
    path.write_bytes(data)
    found = list(read_paths([path], ReadOptions()))
    assert found
    for each in found:
        assert each.reason if isinstance(each, Skipped) else each.memory.strip()


def test_the_sessions_model_describes_a_picture(llm_server: Script, open_cube: OpenCube) -> None:
    from memos_cli.errors import LLMError
    from memos_cli.operations.describe import describe

    session = open_cube(**llm_server.settings)
    llm_server.answers = ["A green garden."]
    drafts, _ = read("garden.png", ReadOptions(describe=lambda image, media: describe(session, image, media)))
    assert [draft.memory for draft in drafts] == ["A green garden."]
    text, picture = llm_server.requests[0]["messages"][0]["content"]
    assert "word for word" in text["text"]
    data = b64encode((FILES / "garden.png").read_bytes()).decode()
    assert picture["image_url"]["url"] == f"data:image/png;base64,{data}"
    llm_server.otherwise = lambda request: complaint("this model reads no images")
    _, (skipped,) = read(
        "garden.webp", ReadOptions(describe=lambda image, media: describe(session, image, media))
    )
    assert "a WebP image: " in skipped.reason
    assert "reads no images" in skipped.reason
    with pytest.raises(LLMError):
        describe(session, b"", "image/png")
    with pytest.raises(BadInput, match="no model that describes pictures"):
        describe(open_cube(llm=""), b"", "image/png")
