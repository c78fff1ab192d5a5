"""Hostile files, texts, words and options: each is refused clearly, and the cube stays what it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bad_input import files
from bad_input.box import (
    BICYCLE_ID,
    GATE,
    GATE_ID,
    PURGED_ID,
    Box,
    assert_plain_refusal,
    assert_refusal,
)
from bad_input.fixtures import box, surroundings, template  # noqa: F401 - pytest finds fixtures by name


@dataclass(frozen=True)
class File:
    """A file given to `add --file` beside a good one: what goes in of it, and what is said of the rest."""

    name: str
    make: files.Maker
    says: str = ""
    """Words of the reason that it, or a part of it, is skipped; empty when all of it goes in."""
    stored: tuple[str, ...] = ()
    """Texts that must be found in memories afterwards."""
    most: int = 0
    """At most so many memories come of it; 0: none."""


FILES = (
    File("png", files.holding("a.png", files.png()), "png image"),
    File("jpeg without a name's ending", files.holding("photo", b"\xff\xd8\xff\xe0" + bytes(500)), "jpeg"),
    File("random bytes", files.holding("a.txt", bytes(range(256)) * 40), "not valid utf-8"),
    File("executable", files.holding("a.md", b"\x7fELF" + bytes(300)), "program"),
    File("sqlite", files.holding("a.db", b"SQLite format 3\0" + bytes(300)), "database"),
    File("gzip", files.holding("notes.txt.gz", b"\x1f\x8b\x08\0" + os.urandom(300)), "gzip"),
    File("empty", files.holding("a.txt", b""), "empty"),
    File("only white space", files.holding("a.txt", " \n\t \n" * 50), "no text"),
    File("only a byte order mark", files.holding("a.txt", b"\xef\xbb\xbf"), "no text"),
    File("NUL in text", files.holding("a.txt", "before\0after"), "nul character"),
    File("latin-1", files.holding("a.txt", "Größe und Maß".encode("latin-1")), "not valid utf-8"),
    File("cut in a character", files.holding("a.txt", "a long text, Grüß".encode()[:-1]), "not valid utf-8"),
    File("overlong UTF-8", files.holding("a.txt", b"slash \xc0\xaf here"), "not valid utf-8"),
    File("surrogate in UTF-8", files.holding("a.txt", b"half \xed\xa0\x80 here"), "not valid utf-8"),
    File(
        "UTF-16", files.holding("a.txt", "The boat is called Marie. ü".encode("utf-16")), "", ("Marie. ü",), 1
    ),
    File("UTF-16 without mark", files.holding("a.txt", "The boat is Marie".encode("utf-16-le")), "nul char"),
    File("UTF-16 cut", files.holding("a.txt", "The boat is Marie".encode("utf-16")[:-1]), "not valid utf-16"),
    File("UTF-32", files.holding("a.txt", "The boat is Marie".encode("utf-32")), "", ("boat is Marie",), 1),
    File("10 MB in one line", files.holding("a.txt", "walnut " * 1_500_000), "", ("walnut",), 10_000),
    File("10 MB without a space", files.holding("a.txt", "x" * 10_000_000), "", ("xxxx",), 10_000),
    File("control characters", files.holding("a.txt", "bell\x07 and\x1b[2J clear"), "", ("bell",), 1),
    File("broken JSON", files.holding("a.json", '{"memory": "cut of'), "not json"),
    File("JSON with a trailing comma", files.holding("a.json", '{"memory": "a",}'), "not json"),
    File("JSON nested too deeply", files.holding("a.json", files.nested_json()), "nested too deeply"),
    File("JSON with a huge number", files.holding("a.json", "[" + "9" * 5000 + "]"), "4,300 digits"),
    File("JSON without words", files.holding("a.json", "[{}, [], null]"), "no text"),
    File("half a character in JSON", files.holding("a.json", '{"note": "half \\ud83d here"}'), "surrogate"),
    File(
        "chat lines, some broken",
        files.holding("a.jsonl", files.chat_lines('{"role": "user", "content": ', "", "}{", "\x07")),
        "line 2",
        ("My boat is called Marie.", "Noted."),
        2,
    ),
    File(
        "chat lines, one of invalid UTF-8",
        lambda f: files.holding("a.jsonl", files.chat_lines("#").encode().replace(b"#", b'{"\xff"}'))(f),
        "not valid utf-8",
        ("My boat is called Marie.",),
        2,
    ),
    File(
        "chat of wrong types",
        files.holding(
            "a.json",
            json.dumps({"messages": [{"role": "user", "content": 7}, {"role": 3}, {"role": "user", "content": "Hi Marie"}]}),
        ),
        "no role",
        ("Hi Marie",),
        2,
    ),
    File("pdf, encrypted", files.holding("a.pdf", files.encrypted_pdf()), "encrypted"),
    File("pdf, cut in two", files.holding("a.pdf", files.pdf()[:200]), "pdf"),
    File("pdf, only its first line", files.holding("a.pdf", b"%PDF-1.7\n"), "pdf"),
    File("pdf whose pages hold themselves", files.holding("a.pdf", files.endless_pdf()), "pdf"),
    File("pdf in name only", files.holding("a.pdf", "I am a text."), "beginning is damaged"),
    File("pdf with another name", files.holding("a.txt", files.pdf()), "", ("The boat is called Marie.",), 1),
    File("docx, cut in two", files.holding("a.docx", files.docx("<w:x/>")[:150]), "damaged"),
    File("docx whose XML is broken", files.holding("a.docx", files.docx("<w:document>")), "word"),
    File("docx bomb", files.holding("a.docx", files.docx_bomb()), "unpack to"),
    File("docx of a billion laughs", files.holding("a.docx", files.docx_laughs()), ""),
    File("docx in name only", files.holding("a.docx", "I am a text."), "beginning is damaged"),
    File("old Word or encrypted", files.holding("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "encrypted"),
    File("zip", files.holding("a.zip", files.docx("<a/>").replace(b"word/document", b"best/document").replace(b"[Content_Types]", b"[Kontent_Types]")), "zip archive"),
    File("rtf", files.holding("a.rtf", r"{\rtf1 Hello}"), "rtf"),
    File("html without words", files.holding("a.html", "<html><script>var a = 1;</script></html>"), "no text"),
    File("html, broken", files.holding("a.html", "<html><p>The boat <b>is <table><div>Marie</p"), "", ("boat",), 3),
    File("csv with a quote that never ends", files.holding("a.csv", 'name,note\nAna,"never ends\nBruno,x\n'), "never closed", (), 1),
    File("csv with uneven rows", files.holding("a.csv", "name,note\nAna\nBruno,likes tea,and cake\n"), "", ("Bruno",), 2),
    File("csv with a huge cell", files.holding("a.csv", "name,note\nAna," + "word " * 60_000), "", ("Ana",), 2_000),
    File("no such file", lambda f: f / "none.txt", "no such file"),
    File("a name too long", lambda f: f / ("a" * 300), "too long"),
    File("a folder in which nothing is", lambda f: _folder(f / "bare"), "holds no file"),
    File("a folder with unreadable files only", lambda f: _folder(f / "odd", {"a.png": files.png(), "b": b"\0"}), "png"),
    File("a pipe", lambda f: _fifo(f / "pipe"), "not a file"),
    File("a device", lambda f: Path("/dev/null"), "not a file"),
    File("a link to nothing", lambda f: _link(f / "gone", f / "nowhere"), "no such file"),
    File("a link to itself", lambda f: _link(f / "loop", f / "loop"), "symbolic link"),
    File("a folder with links outside", lambda f: _linked_folder(f), "leaves the folder", ("Kept inside.",), 1),
)  # fmt: skip


def _folder(path: Path, content: dict[str, bytes] | None = None) -> Path:
    path.mkdir()
    for name, data in (content or {}).items():
        (path / name).write_bytes(data)
    return path


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def _linked_folder(place: Path) -> Path:
    """A folder with links to a secret beside it, to its parent and to itself."""
    secret = place / "secret.txt"
    secret.write_text("The password is swordfish.")
    folder = _folder(place / "linked", {"a.txt": b"Kept inside."})
    for name, target in (("secret.txt", secret), ("up", place), ("self", folder)):
        (folder / name).symlink_to(target)
    return folder


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_a_bad_file_is_named_and_the_others_go_in(case: File, box: Box, tmp_path: Path) -> None:
    place = tmp_path / "given"
    place.mkdir()
    bad = case.make(place)
    good = files.holding("good.txt", "Clara plays the cello.")(tmp_path)
    answer = box.memos("add", "--file", str(bad), "--file", str(good), "--json")
    result = answer.document
    texts = [one["memory"] for one in result["added"]]
    assert texts.count("Clara plays the cello.") == 1
    assert len(texts) <= 1 + case.most
    for words in case.stored:
        assert any(words in text for text in texts), words
    assert not any("swordfish" in text for text in texts)
    reasons = [f"{one['source']}: {one['reason']}" for one in result["skipped"]]
    assert answer.code == (1 if case.says or not texts[1:] else 0), reasons
    assert bool(reasons) == (answer.code == 1)
    if case.says:
        assert any(case.says in reason.lower() for reason in reasons), reasons
        assert all(len(reason) < 600 and "\n" not in reason for reason in reasons)
    assert "Traceback" not in answer.stderr
    box.intact(grown=True)
    again = box.memos("add", "--file", str(bad), "--file", str(good), "--json").document
    assert again["added"] == [], "the same files add nothing the second time"


def test_an_entity_does_not_fetch_a_file(box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    word = files.holding("a.docx", files.docx_outside(secret))(tmp_path)
    answer = box.memos("add", "--file", str(word), "--json")
    assert "swordfish" not in json.dumps(box.memories())
    assert answer.code in (0, 1)
    box.intact(grown=True)


# words and options


@dataclass(frozen=True)
class Refusal:
    """A command line that must be refused."""

    name: str
    words: tuple[str, ...]
    code: int
    error: str
    says: str = ""
    input: bytes | None = None
    make: Callable[[Box], object] = field(default=lambda box: None)


REFUSALS = (
    # add
    Refusal("empty text", ("add", ""), 2, "usage_error", "empty"),
    Refusal("white-space text", ("add", " \t\n "), 2, "usage_error", "empty"),
    Refusal("text with NUL", ("add", "a\0b"), 2, "bad_input", "nul"),
    Refusal("text that is not UTF-8", ("add", "half \udc9f"), 2, "usage_error", "utf-8"),
    Refusal("standard input twice", ("add", "-", "-"), 2, "usage_error", "once", b"x"),
    Refusal("bad --time", ("add", "x", "--time", "the day after"), 2, "bad_time", "the day after"),
    Refusal("impossible --time", ("add", "x", "--time", "2026-02-31"), 2, "bad_time", "2026-02-31"),
    Refusal("empty --time", ("add", "x", "--time", ""), 2, "usage_error", "--time is empty"),
    Refusal("huge --time", ("add", "x", "--time", "9" * 400), 2, "bad_time"),
    Refusal("--time out of range", ("add", "x", "--time", "10000-01-01"), 2, "bad_time"),
    Refusal("bad --kind", ("add", "x", "--kind", "Nonsense"), 2, "bad_filter", "nonsense"),
    Refusal("bad --visibility", ("add", "x", "--visibility", "secret"), 2, "bad_filter", "secret"),
    Refusal("--info that is no JSON", ("add", "x", "--info", "{no"), 2, "usage_error", "--info"),
    Refusal("--info that is a list", ("add", "x", "--info", "[1]"), 2, "usage_error", "object"),
    Refusal("--info with NaN", ("add", "x", "--info", '{"a": NaN}'), 2, "usage_error", "json"),
    Refusal("--info nested too deeply", ("add", "x", "--info", '{"a":' * 5000 + "1" + "}" * 5000), 2, "usage_error"),
    Refusal("--info with half a character", ("add", "x", "--info", '{"a": "\\ud83d"}'), 2, "usage_error"),
    Refusal("--tag that is not UTF-8", ("add", "x", "--tag", "\udc9f"), 2, "usage_error", "utf-8"),
    Refusal("--user with NUL", ("add", "x", "--user", "a\0b"), 2, "usage_error"),
    Refusal("one --id for two texts", ("add", "x", "y", "--id", "1"), 2, "usage_error", "--id"),
    Refusal("unknown option", ("add", "x", "--colour", "red"), 2, "usage_error", "--colour"),
    Refusal("unknown command", ("ad", "x"), 2, "usage_error", "add"),
    # search and list
    Refusal("empty question", ("search", ""), 2, "usage_error", "empty"),
    Refusal("no question", ("search",), 2, "usage_error"),
    Refusal("question that is not UTF-8", ("search", "\udc9f"), 2, "usage_error", "utf-8"),
    Refusal("--k 0", ("search", "gate", "-k", "0"), 2, "usage_error"),
    Refusal("-k beyond bounds", ("search", "gate", "-k", "1000000000000"), 2, "usage_error"),
    Refusal("-k not a number", ("search", "gate", "-k", "ten"), 2, "usage_error", "integer"),
    Refusal("--limit -1", ("list", "--limit", "-1"), 2, "usage_error"),
    Refusal("--offset -1", ("list", "--offset", "-1"), 2, "usage_error"),
    Refusal("--max-tokens 0", ("search", "gate", "--max-tokens", "0"), 2, "usage_error"),
    Refusal("bad --mode", ("search", "gate", "--mode", "psychic"), 2, "bad_filter", "psychic"),
    Refusal("bad --status", ("list", "--status", "purged"), 2, "bad_filter", "purged"),
    Refusal("bad --as-of", ("search", "gate", "--as-of", "once upon"), 2, "bad_time", "once upon"),
    Refusal("good --as-of and bad --known-at", ("search", "gate", "--as-of", "2026-01-01", "--known-at", "x"), 2, "bad_time"),
    Refusal("bad --now", ("search", "gate", "--now", "?"), 2, "bad_time"),
    Refusal("bad --since", ("list", "--since", "' OR 1=1 --"), 2, "bad_time"),
    Refusal("vectors of a cube that has none", ("search", "gate", "--mode", "vector"), 1, "no_vectors", "deepen"),
    # ids
    *(
        Refusal(f"{command[0]} {what}", tuple(id if word == "ID" else word for word in command), 3, "memory_not_found")
        for command in (("get", "ID"), ("update", "ID", "new"), ("archive", "ID"), ("unarchive", "ID"), ("purge", "ID", "--yes"), ("history", "ID"))
        for what, id in (("of an unknown id", "0198aaaa-0000-7000-8000-000000000000"), ("of SQL", "' OR 1=1 --"), ("of a purged id", PURGED_ID))
    ),
    Refusal("get of a wildcard", ("get", "%"), 3, "memory_not_found"),
    Refusal("get of a long wildcard", ("get", "____"), 3, "memory_not_found"),
    Refusal("get of quotes", ("get", "\"'`;\\"), 3, "memory_not_found"),
    Refusal("get of unicode", ("get", "аааа0000"), 3, "memory_not_found"),
    Refusal("get of nothing", ("get", ""), 3, "memory_not_found"),
    Refusal("get of NUL", ("get", "a\0b"), 3, "memory_not_found"),
    Refusal("get of something huge", ("get", "a" * 50_000), 3, "memory_not_found"),
    Refusal("get of no UTF-8", ("get", "\udc9f"), 2, "usage_error", "utf-8"),
    Refusal("get of two memories' beginning", ("get", "aaaa"), 2, "usage_error", "2 memories"),
    Refusal("purge of two memories' beginning", ("purge", "bbbb0000-", "--yes"), 2, "usage_error", "2 memories"),
    Refusal("archive of a good and an unknown id", ("archive", GATE_ID, "ffff0000"), 3, "memory_not_found", "ffff0000"),
    Refusal("purge of a good and an unknown id", ("purge", GATE_ID, "nonsense", "--yes"), 3, "memory_not_found", "nonsense"),
    Refusal("purge without a terminal", ("purge", GATE_ID), 2, "usage_error", "--yes"),
    Refusal("update with no words", ("update", GATE_ID, "  "), 2, "usage_error", "empty"),
    Refusal("update with NUL", ("update", GATE_ID, "a\0b"), 2, "bad_input", "nul"),
    Refusal("update from binary standard input", ("update", GATE_ID, "-"), 2, "bad_input", "", b"\xff\xfe\0"),
    Refusal("undo of an unknown change", ("undo", "0198aaaa-0000"), 3, "change_not_found", "0198aaaa"),
    Refusal("undo of SQL", ("undo", "' OR '1'='1"), 3, "change_not_found"),
    # cubes
    Refusal("a name that climbs", ("list", "-c", "../x/../../y"), 3, "cube_not_found"),
    Refusal("a name of SQL", ("list", "-c", "' OR 1=1"), 2, "usage_error", "name"),
    Refusal("an empty name", ("list", "-c", ""), 2, "usage_error", "empty"),
    Refusal("a name with NUL", ("list", "-c", "a\0b"), 2, "usage_error"),
    Refusal("a name of dots", ("list", "-c", "..."), 3, "cube_not_found"),
    Refusal("a remote", ("list", "-c", "s3://bucket/x"), 2, "usage_error", "remote"),
    Refusal("a path too long", ("list", "-c", "./" + "a" * 5000), 3, "cube_not_found"),
    Refusal("a file where the cube should be", ("list", "-c", "./plain"), 3, "cube_not_found", "", None, lambda b: (b.root / "plain").write_text("x")),
    Refusal("a path inside a file", ("list", "-c", "./plain/cube"), 3, "cube_not_found", "", None, lambda b: (b.root / "plain").write_text("x")),
    Refusal("add to a file", ("add", "x", "-c", "./plain"), 3, "cube_not_found", "", None, lambda b: (b.root / "plain").write_text("x")),
    Refusal("init over files", ("init", "./full"), 1, "cube_exists", "full", None, lambda b: files.holding("a", "x")(_folder(b.root / "full"))),
    Refusal("init over a file", ("init", "./plain"), 1, "cube_exists", "plain", None, lambda b: (b.root / "plain").write_text("x")),
    Refusal("init twice", ("init", "./cube"), 1, "cube_exists", "cube"),
    Refusal("init inside a file", ("init", "./plain/cube"), 1, "storage_error", "plain", None, lambda b: (b.root / "plain").write_text("x")),
    Refusal("init of an unknown embedder", ("init", "./fresh", "--embedder", "nonsense"), 2, "unknown_embedder", "nonsense"),
    Refusal("init of an embedder without its name", ("init", "./fresh", "--embedder", "onnx:"), 2, "unknown_embedder", "onnx"),
    Refusal("init of an embedder that is not there", ("init", "./fresh", "--embedder", "onnx:./none"), 1, "embedder_unavailable", "none"),
    Refusal("init of a huge hash", ("init", "./fresh", "--embedder", "hash:99999999999"), 2, "unknown_embedder"),
    Refusal("init of an unknown depth", ("init", "./fresh", "--text", "deep"), 2, "bad_filter", "deep"),
    Refusal("deepen to what it is", ("deepen", "--text", "naive_text", "--yes"), 2, "usage_error", "already"),
    Refusal("reembed with an unknown embedder", ("reembed", "--embedder", "nonsense", "--yes"), 1, "no_vectors"),
    # import and export
    Refusal("import of a file that is not there", ("import", "./none.jsonl"), 2, "bad_input", "none.jsonl"),
    Refusal("import of a folder", ("import", "."), 2, "bad_input"),
    Refusal("import with an unknown way", ("import", "-", "--on-conflict", "guess"), 2, "bad_filter", "guess", b""),
    Refusal("export to a folder that is not there", ("export", "-o", "./none/a.jsonl"), 1, "storage_error", "a.jsonl"),
    Refusal("export to a folder", ("export", "-o", "."), 1, "storage_error"),
    # configuration
    Refusal("config set of an unknown key", ("config", "set", "colour", "red"), 2, "unknown_setting", "colour"),
    Refusal("config set of a bad value", ("config", "set", "lock_timeout", "soon"), 2, "usage_error", "lock_timeout"),
    Refusal("config set of the depth", ("config", "set", "text", "deep"), 2, "usage_error", "naive_text"),
    Refusal("config get of an unknown key", ("config", "get", "../x"), 2, "unknown_setting"),
    Refusal("unknown help topic", ("help", "../../etc/passwd"), 2, "usage_error"),
)  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_a_wrong_command_line_is_refused(case: Refusal, box: Box) -> None:
    case.make(box)
    cube = "" if "-c" in case.words or case.words[0] in ("init", "config", "help") else None
    answer = box.memos(*case.words, "--json", input=case.input, cube=cube)
    assert answer.code == case.code, answer
    assert_refusal(answer.error, case.error, case.says)
    assert answer.stderr == ""
    plain = box.memos(*case.words, input=case.input, cube=cube)
    assert plain.code == case.code
    assert_plain_refusal(plain, answer.error)
    box.intact()
    assert not (box.root / "fresh").exists()
    assert sorted(p.name for p in box.root.glob(".*")) == []


@pytest.mark.parametrize(
    ("given", "says"), [(b"", "empty"), (b" \n \n", "empty"), (b"\0\1\2" * 99, "binary")]
)
def test_standard_input_without_text_is_named(given: bytes, says: str, box: Box) -> None:
    answer = box.memos("add", "-", "--json", input=given)
    assert answer.code == 1
    (skipped,) = answer.document["skipped"]
    assert (skipped["source"], answer.document["added"]) == ("standard input", [])
    assert says in skipped["reason"]
    box.intact()


# what looks like code is only text


INJECTIONS = (
    "' OR 1=1 --",
    "%",
    "_",
    '"; DROP TABLE memories; --',
    "\\",
    "'",
    "''",
    "a') OR ('1'='1",
    "*",
    "ana\0",
    "АНА",
    "𝔞𝔫𝔞",
)


@pytest.mark.parametrize("option", ["--user", "--tag", "--session", "--agent", "--source"])
def test_filters_are_never_code(option: str, box: Box) -> None:
    for word in INJECTIONS:
        listed = box.document("list", option, word)
        assert (listed["items"], listed["total"]) == ([], 0), word
        assert box.document("search", "gate", option, word)["hits"] == [], word
        assert box.memos("export", option, word).stdout == ""
    box.intact()


@pytest.mark.parametrize("option", ["--user", "--tag", "--session", "--agent", "--id", "--key", "--speaker"])
def test_names_of_odd_characters_are_kept(option: str, box: Box) -> None:
    names = [word for word in INJECTIONS if "\0" not in word]
    ids = [
        box.document("add", f"Note number {n} of {option}", option, name)["added"][0]["id"]
        for n, name in enumerate(names)
    ]
    if option in ("--user", "--tag", "--session", "--agent"):
        for name, id in zip(names, ids, strict=True):
            assert [item["id"] for item in box.document("list", option, name)["items"]] == [id], name
            assert [hit["id"] for hit in box.document("search", "note", option, name)["hits"]] == [id], name
    if option == "--id":
        again = box.document("add", "Another text", "--id", names[0])
        assert again["updated"][0]["id"] == ids[0]
    field = {
        "--user": "user_id",
        "--session": "session_id",
        "--agent": "agent_id",
        "--id": "external_id",
    }.get(option, option[2:])
    if option != "--tag":
        assert box.document("get", ids[1])[field] == names[1]
    box.intact(grown=True)


QUESTIONS = (
    'title:"x" AND (', "*", "^", "gate^", "+gate -code", '"gate', "gate AND NOT", "[a TO b]", "{", "gate~2", "id:*",
    "NOT gate", "gate\\", "memory:gate", "()", "&&", "||", "!", "/gate/", '""', '" "', "the of and", "?" * 200, "'; DROP --",
    "🚪🔑 code", "שער code قفل", "gate\u200b\u200d\ufeff code", "ｇａｔｅ", "gate\u0000code", "\u202egate", "\x1b[2Jgate", "e\u0301" * 300,
)  # fmt: skip


@pytest.mark.parametrize("box", ["general_text"], indirect=True)
def test_a_question_is_never_syntax(box: Box) -> None:
    for question in QUESTIONS:
        for mode in ("keyword", "vector", "hybrid"):
            answer = box.memos("search", "--json", "--mode", mode, "--", question)
            assert answer.code == 0, (question, answer)
            assert answer.document["query"] == question
            plain = box.memos("search", "--mode", mode, "--", question)
            assert plain.code == 0
            assert "\x1b" not in plain.stdout + plain.stderr
    for question in ("gate^", '"gate', "gate\\", "{gate", "gate\u200b code"):
        assert box.document("search", question, "--mode", "keyword")["hits"][0]["id"] == GATE_ID, question
    box.intact()


@pytest.mark.parametrize("box", ["general_text"], indirect=True)
@pytest.mark.parametrize(
    "question", ["gate " * 20_000, "g" * 100_000, '"' * 100_000, "".join(f"w{n} " for n in range(15_000))]
)
def test_a_huge_question(question: str, box: Box) -> None:
    for mode in ("keyword", "vector", "hybrid"):
        assert box.memos("search", "--json", "--mode", mode, "--", question).code == 0
    box.intact()


TEXTS = (
    "🎻 Clara plays the cello 🎻", "قال: الباب مفتوح", "שלום עולם", "zero\u200bwidth\u200djoiner", "\u202eright to left override",
    "a" + "\u0301" * 2000, "tab\tand\x07bell\x1b[31mred", "' OR 1=1; DROP TABLE memories; --", "{}", "null", "[[[[", "-" * 5000, "中文" * 4000,
    "line one\r\nline two\rline three\u2028line four", "\ufeffmark", "ﷺ" * 100, "＇ＯＲ＇", "x" * 200_000, "trailing \\", '"quoted"',
)  # fmt: skip


@pytest.mark.parametrize("box", ["general_text"], indirect=True)
def test_every_text_comes_back_as_it_went_in(box: Box) -> None:
    answer = box.memos("add", "--allow-duplicates", "--json", "--", *TEXTS).document
    assert answer["skipped"] == []
    assert [one["memory"] for one in answer["added"]] == list(TEXTS)
    for one, text in zip(answer["added"], TEXTS, strict=True):
        assert box.document("get", one["id"])["memory"] == text
    plain = box.memos("list")
    assert "\x1b" not in plain.stdout
    assert "\u202e" not in plain.stdout
    lines = box.memos("export").stdout
    other = Box(box.root / "other")
    other.root.mkdir()
    assert other.memos("init", str(other.cube), "--text", "naive_text", cube="").code == 0
    assert other.document("import", "-", input=lines.encode())["imported"] == len(TEXTS) + len(box.before)
    assert other.memories() == box.memories()
    box.intact(grown=True)


# import


BAD_LINES = (
    ("not JSON", "{nope", "not json"),
    ("cut JSON", '{"memory": "a', "not json"),
    ("a list", "[1, 2]", "object"),
    ("a number", "7", "object"),
    ("null", "null", "object"),
    ("nested too deeply", files.nested_json(), "json"),
    ("a huge number", '{"memory": "x", "info": {"n": ' + "9" * 5000 + "}}", ""),
    ("not UTF-8", b'{"memory": "\xff"}', ""),
    ("no memory", '{"text": "x"}', "memory"),
    ("an empty memory", '{"memory": "  "}', "memory"),
    ("a memory of another type", '{"memory": ["x"]}', "memory"),
    ("a memory with NUL", '{"memory": "a\\u0000b"}', "nul"),
    ("half a character", '{"memory": "half \\ud83d"}', ""),
    ("half a character in a tag", '{"memory": "x", "tags": ["\\ud83d"]}', ""),
    ("half a character in info", '{"memory": "x", "info": {"a": "\\ud83d"}}', ""),
    ("a wrong kind", '{"memory": "x", "kind": "Nonsense"}', "kind"),
    ("a wrong time", '{"memory": "x", "said_at": "yesterday-ish"}', "said_at"),
    ("wrong tags", '{"memory": "x", "tags": "home"}', "tags"),
    ("info that is a list", '{"memory": "x", "info": [1]}', "info"),
    ("a wrong confidence", '{"memory": "x", "confidence": 101}', "confidence"),
    ("a wrong relation", '{"memory": "x", "relations": [{"kind": "a"}]}', "relations"),
    ("a position out of bounds", '{"memory": "x", "position": 99999999999999}', "position"),
    ("a version out of bounds", '{"memory": "x", "version": 99999999999999}', "version"),
    ("a strength of NaN", '{"memory": "x", "strength": NaN}', ""),
    ("info of NaN", '{"memory": "x", "info": {"a": NaN}}', ""),
    ("info of infinity", '{"memory": "x", "info": {"a": 1e999}}', ""),
    ("a time out of range", '{"memory": "x", "said_at": "9999-12-31T23:59:59-14:00"}', "said_at"),
    ("a tombstone", '{"memory": "x", "status": "purged"}', "purged"),
    ("an id that is no text", '{"memory": "x", "id": 7}', "id"),
    ("an empty id", '{"memory": "x", "id": ""}', "id"),
    ("a huge id", json.dumps({"memory": "x", "id": "a" * 10_000}), "id"),
    ("an id with a line end", '{"memory": "x", "id": "a\\nb"}', "id"),
    ("an id with NUL", '{"memory": "x", "id": "a\\u0000"}', "id"),
    ("another text under an id that is there", json.dumps({"memory": "x", "id": GATE_ID}), "--on-conflict"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"), [case[1:] for case in BAD_LINES], ids=[case[0] for case in BAD_LINES]
)
def test_import_names_a_bad_line_and_takes_the_others(line: str | bytes, says: str, box: Box) -> None:
    data = line if isinstance(line, bytes) else line.encode()
    given = b'{"memory": "Clara plays the cello."}\n' + data + b'\n\n{"memory": "Dora sings."}\n'
    answer = box.memos("import", "-", "--json", input=given)
    assert answer.code == 1, answer
    result = answer.document
    assert result["imported"] == 2
    (skipped,) = result["skipped"]
    assert skipped["line"] == 2
    assert says in skipped["reason"].lower()
    assert 0 < len(skipped["reason"]) < 300
    plain = box.memos("import", "-", input=given)
    assert plain.code == 1
    assert "Skipped line 2" in plain.stderr
    box.intact(grown=True)
    assert len(box.memories()) == len(box.before) + 2


def test_import_takes_odd_ids_as_text(box: Box) -> None:
    ids = ["' OR 1=1 --", "%", "ünïcode", "a b", "x" * 200, "../../etc/passwd", "now:aaaa", "-rf"]
    lines = "".join(json.dumps({"id": id, "memory": f"Memory number {n}"}) + "\n" for n, id in enumerate(ids))
    assert box.document("import", "-", input=lines.encode())["imported"] == len(ids)
    for n, id in enumerate(ids):
        assert box.memos("get", "--json", "--", id).document["memory"] == f"Memory number {n}"
    box.document("purge", "' OR 1=1 --", "--yes")
    assert set(box.memories()) == {*box.before, *ids[1:]}
    box.intact(grown=True)


# what is refused only in part, or not at all


def test_tomorrow_is_a_future_time_and_today_is_none(box: Box) -> None:
    result = box.document("add", "The fair opens.", "--time", "tomorrow", code=1)
    assert "--allow-future" in result["skipped"][0]["reason"]
    assert box.document("add", "The fair opens.", "--time", "today")["added"]


def test_a_future_time_is_skipped_unless_allowed(box: Box) -> None:
    result = box.document("add", "The fair opens.", "--time", "2199-01-01", code=1)
    assert result["added"] == []
    assert "--allow-future" in result["skipped"][0]["reason"]
    assert len(box.document("add", "The fair opens.", "--time", "2199-01-01", "--allow-future")["added"]) == 1
    assert box.document("search", "fair", "--as-of", "2198-01-01")["hits"] == []
    assert box.document("search", "fair", "--known-at", "2199-01-02")["hits"]
    box.intact(grown=True)


def test_undo_of_nothing_and_of_a_purge(box: Box, tmp_path: Path) -> None:
    empty = Box(tmp_path / "empty")
    empty.root.mkdir()
    assert empty.memos("init", str(empty.cube), "--text", "naive_text", cube="").code == 0
    refused = empty.memos("undo", "--json")
    assert refused.code == 1
    assert_refusal(refused.error, "nothing_to_undo", "empty")
    purge = next(c["id"] for c in box.document("log")["changes"] if c["verb"] == "purge")
    refused = box.memos("undo", purge, "--json")
    assert refused.code == 1
    assert_refusal(refused.error, "nothing_to_undo", "purge")
    box.intact()


def test_undo_of_a_change_that_was_built_upon(box: Box) -> None:
    first = box.document("update", BICYCLE_ID, "The bicycle is stolen.")["change"]
    second = box.document("update", BICYCLE_ID, "The bicycle is found.")["change"]
    refused = box.memos("undo", first, "--json")
    assert refused.code == 1
    assert_refusal(refused.error, "undo_conflict", second)
    box.document("undo", second)
    box.document("undo", next(c["id"] for c in box.document("log")["changes"]))
    assert box.memories()[BICYCLE_ID] == "The bicycle is found."


def test_a_bad_setting_in_the_environment_or_the_file(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_LOCK_TIMEOUT", "soon")
    refused = box.memos("list", "--json")
    assert refused.code == 2
    assert_refusal(refused.error, "usage_error", "MEMOS_LOCK_TIMEOUT")
    monkeypatch.delenv("MEMOS_LOCK_TIMEOUT")
    file = box.root / "home" / "config.toml"
    file.parent.mkdir()
    for content, says in (
        (b"[", "toml"),
        (b"\xff\xfe", "config.toml"),
        (b"lock_timeout = []", "lock_timeout"),
        (b"cube = ''", "cube"),
    ):
        file.write_bytes(content)
        refused = box.memos("list", "--json")
        assert refused.code == 2, content
        assert_refusal(refused.error, "usage_error", says)
    file.write_text("unknown = 1\n")
    assert box.memos("list", "--json").code == 0
    file.unlink()
    box.intact()


def test_a_cube_through_a_link_is_the_cube(box: Box) -> None:
    (box.root / "alias").symlink_to(box.cube)
    assert box.memos("search", "gate", "--json", cube="./alias").document["hits"][0]["memory"] == GATE
    assert box.memos("add", "Through the link.", "--json", cube="./alias").code == 0
    assert "Through the link." in box.memories().values()
    (box.root / "dangling").symlink_to(box.root / "nowhere")
    assert box.memos("list", "--json", cube="./dangling").code == 3
    refused = box.memos("init", "./dangling", "--json", cube="")
    assert refused.code == 1
    assert_refusal(refused.error, "cube_exists")
    box.intact(grown=True)
