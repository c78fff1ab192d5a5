"""Transcripts: which texts are one, whose words they are, when they were said; subtitles and exports."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memos_cli.errors import BadInput
from memos_cli.reader import chat
from memos_cli.reader.files import ReadOptions, read_paths, read_stdin
from memos_cli.reader.split import HELD
from memos_cli.reader.transcript import shape_of
from memos_cli.schema import Draft, Skipped


def read(path: Path, text: str) -> list[Draft]:
    path.write_text(text, encoding="utf-8")
    found = list(read_paths([path], ReadOptions()))
    assert not [each for each in found if isinstance(each, Skipped)]
    return [each for each in found if isinstance(each, Draft)]


SHAPES = {
    "stamped": [
        "2026-03-14 09:30 Anna: hi\n2026-03-14 09:31 Bo: hello\n",
        "[2026-03-14 09:30:15] Anna Berg: hi\n[2026-03-14 09:31:00] Bo: hello\n",
        "2026-03-14T09:30:00Z Anna: hi\n2026-03-14T09:31:00Z Bo: hello\n",
        "14.03.26, 09:30 - Anna: hi\n14.03.26, 09:31 - Bo: hello\n",
        "3/14/26, 9:30 AM - +49 170 1234567: hi\n3/14/26, 9:31 AM - Bo: hello\n",
        "[10:23:01] <anna> hi\n[10:23:07] <@bo> hello\n",
        "2026年3月14日 09:30 安娜：你好\n2026年3月14日 09:31 小李：你好\n",
        "[March 14, 2026 9:30 AM] Anna: hi\n[March 14, 2026 9:31 AM] Bo: hello\n",
    ],
    "labelled": [
        "Anna: hi\nBo: hello\nAnna: how are you?\nBo: fine\n",
        "User: hi\nAssistant: hello\n",
        "Human: Write a poem.\nAbout the sea, please.\n\nIn four lines.\n\nAI: The sea\nis wide\n\nand cold\n",
        "Dr. Lee (09:30): hi\nBo (09:31): hello\nDr. Lee (09:33): good\n",
        "用户：你好\n助手：你好，有什么可以帮你？\n",
    ],
    "bold": ["**Anna:** hi\n\n**Bo:** hello\n\n**Anna:** bye\n", "**You**: hi\n\n**ChatGPT**: hello\n"],
    "headings": ["## User\n\nhi\n\n## Assistant\n\nhello\n", "### Anna\nhi\n### Bo\nhello\n### Anna\nbye\n### Bo\nbye\n"],
    "headed": ["Anna Berg  10:23 AM\nhi\nBo  10:25 AM\nhello\n"],
    "nick": ["<anna> hi\n<bo> hello\n<anna> bye\n"],
}  # fmt: skip

PROSE = [
    "Note: the gate is closed.\nWarning: wet paint.\nNote: use the back door.\nWarning: dog.\n",
    "Name: Anna\nPhone: 123\n\nName: Bo\nPhone: 345\n",
    "name: tides\nversion: 2\nname: other\nversion: 3\n",
    "Rule one: never run.\nRule two: never shout.\nRule three: never hide.\n",
    "Anna went home. She said: enough.\n\nBo stayed.\n",
    "2026-03-14 09:30 INFO: started\n2026-03-14 09:31 ERROR: stopped\n2026-03-14 09:32 INFO: started\n",
    "2026-03-14 09:30:01 server started on port 80\n2026-03-14 09:30:02 GET /index 200\n",
    "Dear Anna,\n\nhere is the plan: we meet at nine.\n\nBest,\nBo\n",
    "# Setup\n\nInstall it.\n\n# Use\n\nRun it.\n\n# Setup\n\nAgain.\n",
    "**Tip:** drink water.\n\n**Tip:** sleep.\n\n**Warning:** do not run.\n",
    "**Python:** a language.\n\n**Rust:** another language.\n\n**Go:** a third one.\n",
    "Ingredients:\n- flour\n- water\n\nDirections:\nmix and bake\n",
    "https://example.org\nhttp://example.org\nhttps://example.net\n",
    "10:30 Breakfast\n11:00 Walk: bring boots\n12:00 Lunch\n",
    "- Anna: 3 apples\n- Bo: 4 pears\n",
    "Q3 revenue: 5\nQ4 revenue: 6\nQ3 profit: 1\nQ4 profit: 2\n",
    "",
    "just words",
]


@pytest.mark.parametrize(
    ("shape", "text"), [(shape, text) for shape, texts in SHAPES.items() for text in texts]
)
def test_a_transcript_is_known_by_the_shape_of_its_turns(shape: str, text: str) -> None:
    assert shape_of(text) == shape


@pytest.mark.parametrize("text", PROSE)
def test_prose_lists_forms_and_logs_are_no_transcript(text: str) -> None:
    assert shape_of(text) is None


def test_speakers_roles_and_words(tmp_path: Path) -> None:
    turns = read(tmp_path / "a.txt", "Human: Write a poem.\n\nAbout  the sea.\n\nAI: The sea\n  is wide\n")
    assert [(turn.memory, turn.speaker, turn.sources[0].role) for turn in turns] == [
        ("Write a poem.\n\nAbout  the sea.", "user", "user"),
        ("The sea\n  is wide", "assistant", "assistant"),
    ]
    turns = read(tmp_path / "b.md", "**You**: hi\n\n**ChatGPT**: hello\n")
    assert [(turn.speaker, turn.sources[0].role) for turn in turns] == [
        ("user", "user"),
        ("ChatGPT", "assistant"),
    ]


@pytest.mark.parametrize(
    ("dates", "wanted"),
    [
        (("13/03/2026", "14/03/2026"), (13, 14)),
        (("03/13/2026", "03/14/2026"), (13, 14)),
        # Nothing above 12: the order of the turns decides.
        (("11/03/2026", "01/04/2026"), ((3, 11), (4, 1))),
        (("03/11/2026", "04/01/2026"), ((3, 11), (4, 1))),
        # Both readings ascend, so neither is taken.
        (("03/04/2026", "05/06/2026"), (None, None)),
        (("05/05/2026", "06/06/2026"), ((5, 5), (6, 6))),
        # A point says that the day comes first.
        (("03.04.2026", "05.06.2026"), ((4, 3), (6, 5))),
    ],
)
def test_the_file_decides_which_number_is_the_month(
    tmp_path: Path, dates: tuple[str, str], wanted: tuple
) -> None:
    first, second = dates
    turns = read(tmp_path / "a.txt", f"{first}, 09:30 - Anna: hi\n{second}, 10:00 - Bo: ho\n")
    for turn, day in zip(turns, wanted, strict=True):
        if day is None:
            assert turn.said_at is None
            assert turn.info["time"].startswith(dates[turns.index(turn)])
        else:
            month, number = day if isinstance(day, tuple) else (3, day)
            assert turn.said_at is not None
            assert (turn.said_at.year, turn.said_at.month, turn.said_at.day) == (2026, month, number)


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("2026-03-14T09:30:00Z", datetime(2026, 3, 14, 9, 30, tzinfo=UTC)),
        ("2026-03-14 09:30:05", datetime(2026, 3, 14, 9, 30, 5, tzinfo=UTC)),
        ("[14.03.26, 21:05]", datetime(2026, 3, 14, 21, 5, tzinfo=UTC)),
        ("[2026年3月14日 09:30]", datetime(2026, 3, 14, 9, 30, tzinfo=UTC)),
        ("[Mar 14, 2026 9:30 PM]", datetime(2026, 3, 14, 21, 30, tzinfo=UTC)),
        ("2026/03/14 09:30", datetime(2026, 3, 14, 9, 30, tzinfo=UTC)),
    ],
)
def test_times_as_people_write_them(tmp_path: Path, when: str, wanted: datetime) -> None:
    first, second = read(tmp_path / "a.txt", f"{when} Anna: hi\n{when} Bo: ho\n")
    assert (first.said_at, second.said_at) == (wanted, wanted)


def test_a_date_above_the_turns_holds_for_them(tmp_path: Path) -> None:
    text = (
        "--- 14 March 2026 ---\n[09:30] Anna: hi\n[23:59] Bo: late\n=== 2026-03-15 ===\n[00:10] Anna: bye\n"
    )
    turns = read(tmp_path / "a.txt", text)
    assert [turn.said_at for turn in turns] == [
        datetime(2026, 3, 14, 9, 30, tzinfo=UTC),
        datetime(2026, 3, 14, 23, 59, tzinfo=UTC),
        datetime(2026, 3, 15, 0, 10, tzinfo=UTC),
    ]


def test_offsets_lead_back_to_the_words(tmp_path: Path) -> None:
    text = "Anna: hi\nthere\n\nBo:   hello\nAnna: bye\nBo: bye\n"
    for turn in read(tmp_path / "a.txt", text):
        assert text[turn.sources[0].start : turn.sources[0].end] == turn.memory


def test_a_turn_without_end_comes_in_parts(tmp_path: Path) -> None:
    long = "word " * (HELD // 2)
    turns = read(tmp_path / "a.txt", f"User: hi\nAssistant: {long}\nUser: thanks\n")
    assert {turn.speaker for turn in turns} == {"user", "assistant"}
    assert " ".join(turn.memory for turn in turns).split() == ["hi", *long.split(), "thanks"]
    assert max(len(turn.memory) for turn in turns) <= HELD


def test_a_short_transcript_on_standard_input_is_turns() -> None:
    found = list(read_stdin(io.BytesIO(b"Anna: hi\nBo: hello\nAnna: bye\n"), ReadOptions(session_id="s")))
    assert [each.speaker for each in found if isinstance(each, Draft)] == ["Anna", "Bo", "Anna"]
    (one,) = read_stdin(io.BytesIO(b"Anna: hi\n"), ReadOptions())
    assert isinstance(one, Draft)
    assert one.memory == "Anna: hi"


def test_voices_in_one_cue_and_pauses(tmp_path: Path) -> None:
    vtt = (
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\n1\n00:01.000 --> 00:02.000\n<v Ann>Hi.</v>\n<v.loud Bo>Hello!\n\n"
        "00:10.000 --> 00:11.000\n<v Bo>Later.\n"
    )
    turns = read(tmp_path / "a.vtt", vtt)
    assert [(turn.speaker, turn.memory) for turn in turns] == [
        ("Ann", "Hi."),
        ("Bo", "Hello!"),
        ("Bo", "Later."),
    ]
    srt = "1\n00:00:01,000 --> 00:00:02,000\n>> ANNA: Hi.\n>> Who is there?\n"
    turns = read(tmp_path / "a.srt", srt)
    assert [(turn.speaker, turn.memory) for turn in turns] == [("ANNA", "Hi."), (None, "Who is there?")]


def test_json_that_only_looks_like_an_export_is_left_alone() -> None:
    for value in (
        [{"type": "message", "text": "no time"}],
        {"messages": [{"from": "a", "text": "no date"}]},
        {"mapping": 5},
        {"mapping": {}},
        [{"mapping": {"a": {"parent": "a", "message": None}}}],
        {"messages": [{"from": None, "date": None, "text": None}]},
    ):
        with suppress(BadInput):  # "it holds no text" is an answer too
            assert all(isinstance(each, (Draft, Skipped)) for each in chat.read_json(value, "f", "s"))
