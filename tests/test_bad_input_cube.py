"""Damaged cubes: what is still answered, what is refused and how, and that mending loses nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bad_input import files
from bad_input.box import BICYCLE_ID, GATE, GATE_ID, LISBON_ID, WALNUTS_ID, Box, assert_refusal, content
from bad_input.fixtures import box, surroundings, template  # noqa: F401 - pytest finds fixtures by name

from memos_cli.stores.graph import SCHEMA as GRAPH
from memos_cli.stores.keyword_index import SCHEMA

Make = Callable[[Box], object]
SEARCH = ("search", "gate code", "--mode", "keyword")
HYBRID = ("search", "gate code")
ADD = ("add", "Clara plays the cello.")
CHECK = ("check",)
REPAIR = ("repair", "--yes")
REINDEX = ("reindex",)


def ends(box: Box, words: tuple[str, ...], code: int, error: str = "", says: str = "") -> Any:
    """Run a command that must end with `code`, and refuse with `error` where one is named."""
    answer = box.memos(*words, "--json")
    assert answer.code == code, (words, answer)
    assert "Traceback" not in answer.stderr
    if error:
        assert_refusal(answer.error, error, says)
        plain = box.memos(*words)
        assert plain.code == code
        assert plain.stdout == ""
        assert plain.stderr.startswith("Error: ")
    return answer.document


def finds(document: Any) -> None:
    assert [hit["memory"] for hit in document["hits"][:1]] == [GATE]


general = pytest.mark.parametrize("box", ["general_text"], indirect=True)


# config.json


def config(box: Box, **changes: object) -> None:
    """Change keys of config.json."""
    path = box.cube / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def text(data: str | bytes) -> Make:
    """config.json is replaced by `data`."""
    return lambda box: (box.cube / "config.json").write_bytes(
        data if isinstance(data, bytes) else data.encode()
    )


def _folder_instead(box: Box) -> None:
    (box.cube / "config.json").unlink()
    (box.cube / "config.json").mkdir()


CONFIGS: dict[str, tuple[Make, str]] = {
    "missing": (lambda b: (b.cube / "config.json").unlink(), "missing"),
    "empty": (text(""), "json"),
    "no JSON": (text("{format: memcube"), "json"),
    "a list": (text("[]"), "format"),
    "null": (text("null"), "format"),
    "not UTF-8": (text(b'{"format": "\xff"}'), "json"),
    "NULs, as after a power loss": (text(bytes(900)), "json"),
    "nested too deeply": (text(files.nested_json()), "json"),
    "huge": (text(" " * (5 << 20)), "large"),
    "of another format": (lambda b: config(b, format="sqlite"), "format"),
    "without a version": (lambda b: config(b, version=None), "version"),
    "of version 0": (lambda b: config(b, version=0), "version"),
    "of a version in words": (lambda b: config(b, version="1"), "version"),
    "of a version that is true": (lambda b: config(b, version=True), "version"),
    "with an unknown depth": (lambda b: config(b, slots={"text_mem": {"depth": "deep"}}), "depth"),
    "with features in words": (lambda b: config(b, features_read="table-1"), "features_read"),
    "without an embedder": (lambda b: config(b, embedder=None), "names no embedder"),
    "without a vector column": (lambda b: config(b, vector_column=None), "names no embedder"),
    "with an embedder of wrong type": (lambda b: config(b, embedder=[1]), "embedder"),
    "with a dimension of wrong type": (lambda b: config(b, embedder={"name": "hash:64", "dimension": "x"}), "dimension"),
    "with a negative dimension": (lambda b: config(b, embedder={"name": "hash:64", "dimension": -1}), "dimension"),
    "with a column that is SQL": (lambda b: config(b, vector_column="x; DROP TABLE"), "vector_column"),
}  # fmt: skip


@general
@pytest.mark.parametrize("name", CONFIGS)
def test_a_damaged_configuration(name: str, box: Box) -> None:
    make, says = CONFIGS[name]
    make(box)
    for words in (SEARCH, ADD, CHECK, REINDEX, ("list",), ("stats",)):
        ends(box, words, 6, "config_damaged", says)
    assert "repair" in ends(box, CHECK, 6, "config_damaged")["error"]["hint"]
    document = ends(box, REPAIR, 0)
    assert any("config.json" in done for done in document["done"])
    box.intact()
    finds(ends(box, (*HYBRID, "--mode", "vector"), 0))
    ends(box, ADD, 0)


def test_a_configuration_that_is_a_folder(box: Box) -> None:
    _folder_instead(box)
    for words in (SEARCH, ADD, CHECK, REPAIR):
        ends(box, words, 6, "config_damaged", "folder")
    (box.cube / "config.json").rmdir()
    ends(box, REPAIR, 0)
    box.intact()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, "format version 2"),
        ({"version": 10**30}, "format version"),
        ({"features_read": ["table-1", "ocean-7"]}, "ocean-7"),
        ({"features_read": [["x"]]}, "feature"),
    ],
)
def test_a_cube_from_the_future_is_not_touched(changes: dict[str, object], says: str, box: Box) -> None:
    config(box, **changes)
    before = content(box.cube)
    for words in (SEARCH, ADD, CHECK, REPAIR, REINDEX, ("compact",), ("export",), ("undo",)):
        assert "newer memoskit" in ends(box, words, 6, "format_too_new", says)["error"]["hint"]
    assert content(box.cube) == before


def test_an_unknown_write_feature_allows_reading_only(box: Box) -> None:
    config(box, features_write=["table-1", "ocean-7"])
    before = content(box.cube)
    finds(ends(box, SEARCH, 0))
    ends(box, CHECK, 0)
    assert len(ends(box, ("list",), 0)["items"]) == 3
    for words in (
        ADD,
        REPAIR,
        REINDEX,
        ("compact",),
        ("undo",),
        ("update", GATE_ID, "x"),
        ("purge", GATE_ID, "--yes"),
    ):
        ends(box, words, 6, "format_too_new", "ocean-7")
    assert content(box.cube) == before
    shutil.rmtree(box.cube / "keywords")
    before = content(box.cube)
    finds(ends(box, SEARCH, 0))
    assert content(box.cube) == before, "a reader that may not write overlays instead of rebuilding"


def test_keys_of_a_later_program_are_no_trouble(box: Box) -> None:
    config(box, colour="blue")
    finds(ends(box, SEARCH, 0))
    ends(box, ADD, 0)
    box.intact(grown=True)


# the embedder


def embedder(box: Box, **changes: object) -> None:
    path = box.cube / "config.json"
    config(box, embedder={**json.loads(path.read_text())["embedder"], **changes})


@general
@pytest.mark.parametrize(
    ("changes", "code", "error"),
    [
        ({"name": "st:nobody/nothing"}, 1, "embedder_unavailable"),
        ({"name": "onnx:/nowhere"}, 1, "embedder_unavailable"),
        ({"name": "openai:text-embedding-3-small"}, 1, "embedder_unavailable"),
        ({"name": "brain:1"}, 2, "unknown_embedder"),
        ({"name": "hash:128"}, 6, "embedder_mismatch"),
        ({"dimension": 128}, 6, "embedder_mismatch"),
        ({"probe": [1.0] + [0.0] * 63}, 6, "embedder_mismatch"),
        ({"probe": [1.0]}, 6, "embedder_mismatch"),
    ],
)
def test_an_embedder_that_is_not_the_cubes(
    changes: dict[str, object], code: int, error: str, box: Box
) -> None:
    embedder(box, **changes)
    finds(ends(box, SEARCH, 0))
    hybrid = ends(box, HYBRID, 0)
    finds(hybrid)
    assert any("vector route is missing" in note for note in hybrid["notes"])
    for words in ((*HYBRID, "--mode", "vector"), ADD, ("update", GATE_ID, "The gate is open.")):
        ends(box, words, code, error)
    ends(box, ("archive", LISBON_ID), 0)
    ends(box, ("unarchive", LISBON_ID), 0)
    assert box.memories() == box.before
    ends(box, ("reembed", "--embedder", "hash:32", "--yes"), 0)
    box.intact()
    finds(ends(box, (*HYBRID, "--mode", "vector"), 0))


# projections


@dataclass(frozen=True)
class Broken:
    """Damage to a derived store: searches are right or refused, and `reindex` makes it whole."""

    name: str
    make: Make
    noticed: bool = True
    """Whether `check` must see it."""
    blurred: bool = False
    """Whether the vector route may miss or misplace a memory: its bytes are read by `check`, not by each search."""


def flip(pattern: str, place: float = 0.5) -> Make:
    """One byte of the largest file that fits `pattern` is inverted."""

    def make(box: Box) -> None:
        path = largest(box, pattern)
        data = bytearray(path.read_bytes())
        data[int((len(data) - 1) * place)] ^= 0xFF
        path.write_bytes(data)

    return make


def cut(pattern: str, keep: float = 0.5) -> Make:
    """The largest file that fits `pattern` is cut short."""

    def make(box: Box) -> None:
        path = largest(box, pattern)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])

    return make


def gone(pattern: str) -> Make:
    return lambda box: largest(box, pattern).unlink()


def holds(name: str, data: bytes | str) -> Make:
    """The file of that name holds `data`."""
    return lambda box: (box.cube / name).write_bytes(data.encode() if isinstance(data, str) else data)


def largest(box: Box, pattern: str) -> Path:
    found = sorted((p for p in box.cube.glob(pattern) if p.is_file()), key=lambda p: p.stat().st_size)
    assert found, pattern
    return found[-1]


def without(name: str) -> Make:
    return lambda box: shutil.rmtree(box.cube / name)


def replaced(name: str) -> Make:
    """A file stands where the folder was."""

    def make(box: Box) -> None:
        shutil.rmtree(box.cube / name)
        (box.cube / name).write_text("not a folder")

    return make


_SEGMENT = ("store", "idx", "term", "pos", "fast", "fieldnorm")
_MATRICES = ("int8", "float16", "ordinal", "scale", "state", "span", "known_to")

BROKEN = (
    Broken("no keywords", without("keywords")),
    Broken("keywords is a file", replaced("keywords")),
    Broken("keywords without CURRENT", gone("keywords/CURRENT")),
    Broken("keywords with an empty CURRENT", holds("keywords/CURRENT", "")),
    Broken("keywords with CURRENT of another schema", holds("keywords/CURRENT", '{"schema": "99", "dir": "g-0", "moved": null}'), noticed=False),
    Broken("keywords with CURRENT that climbs out", holds("keywords/CURRENT", f'{{"schema": "{SCHEMA}", "dir": "../../x", "moved": null}}')),
    Broken("keywords with CURRENT to nowhere", holds("keywords/CURRENT", f'{{"schema": "{SCHEMA}", "dir": "g-0", "moved": null}}')),
    Broken("keywords without meta.json", gone("keywords/*/meta.json")),
    Broken("keywords with meta.json cut", cut("keywords/*/meta.json")),
    Broken("keywords with an empty meta.json", cut("keywords/*/meta.json", 0)),
    *(Broken(f"keywords, a byte of .{kind} flipped", flip(f"keywords/*/*.{kind}")) for kind in _SEGMENT),
    *(Broken(f"keywords, .{kind} cut", cut(f"keywords/*/*.{kind}")) for kind in _SEGMENT),
    *(Broken(f"keywords, .{kind} empty", cut(f"keywords/*/*.{kind}", 0)) for kind in ("store", "term")),
    *(Broken(f"keywords, .{kind} gone", gone(f"keywords/*/*.{kind}")) for kind in ("store", "idx")),
    Broken("no vectors", without("vectors")),
    Broken("vectors is a file", replaced("vectors")),
    Broken("vectors without header", gone("vectors/header")),
    Broken("vectors with an empty header", cut("vectors/header", 0)),
    Broken("vectors with a header cut", cut("vectors/header")),
    Broken("vectors with a byte of the header flipped", flip("vectors/header")),
    Broken("vectors with a header of noise", holds("vectors/header", bytes(range(256)) * 4)),
    *(Broken(f"vectors, {name} cut", cut(f"vectors/{name}.*")) for name in _MATRICES),
    # What a killed writer leaves looks the same: the index is behind, and the next writer brings it up.
    Broken("vectors, log cut", cut("vectors/log.*"), noticed=False),
    *(Broken(f"vectors, {name} empty", cut(f"vectors/{name}.*", 0)) for name in ("int8", "label_row")),
    *(Broken(f"vectors, {name} gone", gone(f"vectors/{name}.*")) for name in ("int8", "user")),
    *(Broken(f"vectors, a byte of {name} flipped", flip(f"vectors/{name}.*", 0.01), blurred=True) for name in ("int8", "float16", "ordinal", "span", "state")),
    Broken("graph is a file", replaced("graph")),
    Broken("graph without CURRENT", gone("graph/CURRENT")),
    Broken("graph with an empty CURRENT", holds("graph/CURRENT", "")),
    Broken("graph with CURRENT of noise", holds("graph/CURRENT", b"\xff\0{")),
    Broken("graph with CURRENT that climbs out", holds("graph/CURRENT", f'{{"schema": {GRAPH}, "generations": [{{"file": "../../x", "revision": 1, "size": 1, "crc": 1}}]}}')),
    Broken("graph, a byte flipped", flip("graph/g*", 0.3)),
    Broken("graph cut", cut("graph/g*")),
    Broken("graph, its file gone", gone("graph/g*")),
    Broken("no graph", without("graph"), noticed=False),
    Broken("no folder of the lock", without(".memos"), noticed=False),
    Broken("no README", gone("README.md"), noticed=False),
)  # fmt: skip


@pytest.mark.parametrize("box", ["tree_text"], indirect=True)
@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_damaged_index_loses_nothing(case: Broken, box: Box) -> None:
    case.make(box)
    damaged = content(box.cube)
    checked = box.memos("check", "--json")
    assert checked.code == (6 if case.noticed else 0), checked
    assert checked.document["ok"] is not case.noticed
    assert not case.noticed or all(p["hint"] for p in checked.document["problems"])
    assert content(box.cube) == damaged, "check changes nothing"
    vector = (*HYBRID, "--mode", "vector")
    for place, words in enumerate((SEARCH, HYBRID, vector, ("list",), ("get", GATE_ID))):
        answer = box.copy(f"read{place}").memos(*words, "--json")
        if words == vector and case.blurred and answer.code == 0:
            assert answer.document["hits"]
        elif answer.code == 0:
            found = answer.document
            assert found.get("memory") == GATE or GATE in [
                m["memory"] for m in found.get("hits", found.get("items"))
            ]
        else:
            assert answer.code == 6, answer
            assert_refusal(answer.error, "projection_damaged", "reindex")
    written = box.copy("written")
    answer = written.memos(*ADD, "--json")
    assert answer.code in (0, 6), answer
    if answer.code == 6:
        assert_refusal(answer.error, "projection_damaged", "reindex")
    for other in (box, written):
        ends(other, REINDEX, 0)
        other.intact(grown=other is written)
        finds(ends(other, HYBRID, 0))
    assert ("Clara plays the cello." in written.memories().values()) == (answer.code == 0)


@pytest.mark.parametrize("box", ["tree_text"], indirect=True)
@pytest.mark.parametrize("store", ["keywords", "vectors", "graph"])
def test_a_link_in_an_indexes_place_is_not_emptied(store: str, box: Box, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(box.cube / store, elsewhere)
    (elsewhere / "precious.txt").write_text("mine")
    (box.cube / store).symlink_to(elsewhere)
    ends(box, REINDEX, 0)
    assert (elsewhere / "precious.txt").read_text() == "mine"
    box.intact()


# the table


def versions(box: Box) -> list[Path]:
    """Manifests, the newest first."""
    return sorted((box.cube / "memories.lance" / "_versions").glob("*.manifest"))


def tear(keep: float | None) -> Make:
    def make(box: Box) -> None:
        newest = versions(box)[0]
        newest.write_bytes(
            bytes(newest.stat().st_size)
            if keep is None
            else newest.read_bytes()[: int(newest.stat().st_size * keep)]
        )

    return make


@general
@pytest.mark.parametrize(
    "make", [tear(0.5), tear(0), tear(0.98), tear(None)], ids=["half", "empty", "nearly whole", "zeros"]
)
def test_a_torn_version_is_set_aside(make: Make, box: Box) -> None:
    """What a power loss leaves: the version before it counts, nothing readable is lost."""
    box.document("add", "Dora sings.")
    make(box)
    checked = box.copy("checked")
    before = content(checked.cube)
    assert checked.memos("check", "--json").code == 6
    assert content(checked.cube) == before
    search = box.copy("searched")
    finds(ends(search, SEARCH, 0))
    for place, words in enumerate((ADD, REPAIR, REINDEX)):
        other = box.copy(f"written{place}")
        ends(other, words, 0)
        ends(other, REPAIR, 0)
        other.intact(grown=True)
        assert "Dora sings." not in other.memories().values()


def data_files(box: Box) -> list[Path]:
    """Data files of the table, the newest last."""
    return sorted((box.cube / "memories.lance" / "data").glob("*.lance"), key=lambda p: p.stat().st_mtime_ns)


def _emptied(box: Box) -> None:
    data_files(box)[-1].write_bytes(b"")


def _halved(box: Box) -> None:
    path = data_files(box)[-1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _noise(box: Box) -> None:
    path = data_files(box)[-1]
    path.write_bytes(os.urandom(path.stat().st_size))


TABLES: dict[str, Make] = {
    "no table": without("memories.lance"),
    "the table is a file": replaced("memories.lance"),
    "no versions": without("memories.lance/_versions"),
    "no manifest": lambda b: [p.unlink() for p in versions(b)],
    "all manifests empty": lambda b: [p.write_bytes(b"") for p in versions(b)],
    "no data": without("memories.lance/data"),
    "newest data file empty": _emptied,
    "newest data file cut": _halved,
    "newest data file noise": _noise,
    "oldest data file gone": lambda b: data_files(b)[0].unlink(),
    "newest data file gone": lambda b: data_files(b)[-1].unlink(),
    "deletions gone": without("memories.lance/_deletions"),
}


@general
def test_a_repair_that_fails_does_not_send_one_to_repair(box: Box) -> None:
    newest = versions(box)[0]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    newest.write_bytes(bytes(data))
    hint = ends(box, REPAIR, 6, "table_damaged")["error"]["hint"]
    assert "memos repair" not in hint
    assert "from a copy" in hint


@general
@pytest.mark.parametrize("name", TABLES)
def test_a_table_beyond_repair_is_made_no_worse(name: str, box: Box) -> None:
    """Every command says so; nothing is made empty; putting the files back makes the cube whole."""
    box.document("update", BICYCLE_ID, "The bicycle is in the shed.")
    box.document("update", BICYCLE_ID, box.before[BICYCLE_ID])
    whole = box.copy("whole")
    TABLES[name](box)
    checked = box.memos("check", "--json")
    assert checked.code == 6, checked
    assert "Traceback" not in checked.stderr
    for words in (
        ADD,
        REPAIR,
        REINDEX,
        ("compact",),
        ("export",),
        ("log",),
        ("stats",),
        ("undo",),
        ("purge", WALNUTS_ID, "--yes"),
        ("update", GATE_ID, "x"),
    ):
        answer = box.memos(*words, "--json")
        assert answer.code == 6, (words, answer)
        if words != ("export",):
            assert_refusal(answer.error, "table_damaged")
    for words in (SEARCH, HYBRID, ("list",), ("get", GATE_ID)):
        answer = box.memos(*words, "--json")
        assert answer.code in (0, 6), (words, answer)
        if answer.code == 6:
            assert_refusal(answer.error, "table_damaged")
        elif "hits" in answer.document:
            finds(answer.document)
    if (box.cube / "memories.lance").is_dir():
        shutil.rmtree(box.cube / "memories.lance")
    else:
        (box.cube / "memories.lance").unlink(missing_ok=True)
    shutil.copytree(whole.cube / "memories.lance", box.cube / "memories.lance")
    box.intact()
    ends(box, ADD, 0)


@general
def test_a_text_that_decayed_is_not_taken_for_a_change(box: Box) -> None:
    """No program wrote it: repair leaves it as it is, and check goes on complaining."""
    path = next(p for p in data_files(box) if b"Ana moved to Lisbon" in p.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"Ana moved to Lisbon", b"Ana moved to Lisbom"))
    for words in (CHECK, REPAIR, CHECK):
        found = json.dumps(ends(box, words, 6))
        assert "1 memories' texts are not as they were stored" in found
    ends(box, ("update", LISBON_ID, box.before[LISBON_ID]), 0)
    assert box.memories() == box.before
    finds(ends(box, SEARCH, 0))


@general
def test_a_configuration_that_names_a_vector_column_which_the_table_lacks(box: Box) -> None:
    """An old copy of config.json, say: no search passes an index without rows off as an answer."""
    told = (box.cube / "config.json").read_text()
    config(box, vector_column="vector_minilm_64")
    assert "reembed" in ends(box, CHECK, 6)["problems"][0]["hint"]
    for words in (HYBRID, (*HYBRID, "--mode", "vector"), ADD, ("update", GATE_ID, "x")):
        ends(box, words, 6, "table_damaged", "reembed")
    finds(ends(box, SEARCH, 0))
    ends(box, ("archive", LISBON_ID), 0)
    ends(box, ("unarchive", LISBON_ID), 0)
    anew = box.copy("anew")
    ends(anew, ("reembed", "--embedder", "hash:32", "--yes"), 0)
    anew.intact()
    (box.cube / "config.json").write_text(told)
    ends(box, REPAIR, 0)
    box.intact()
    finds(ends(box, (*HYBRID, "--mode", "vector"), 0))


# a table that another program has written to


def lance_table(box: Box) -> Any:
    import lancedb

    return lancedb.connect(str(box.cube)).open_table("memories")


def _row(box: Box, **fields: object) -> dict[str, object]:
    names = lance_table(box).schema.names
    return {**dict.fromkeys(names), "row": os.urandom(8).hex(), **fields}


@general
@pytest.mark.parametrize("mend", [REINDEX, REPAIR], ids=["reindex", "repair"])
def test_rows_that_another_program_appended(mend: tuple[str, ...], box: Box) -> None:
    lance_table(box).add([_row(box, memory="Written by a notebook."), _row(box, memory="And a second one.")])
    problems = ends(box, CHECK, 6)["problems"]
    assert any("another program" in p["what"] for p in problems), problems
    finds(ends(box.copy("read"), SEARCH, 0))
    ends(box, mend, 0)
    box.intact(grown=True)
    assert {"Written by a notebook.", "And a second one."} <= set(box.memories().values())
    for mode in ("keyword", "vector"):
        assert (
            ends(box, ("search", "notebook", "--mode", mode), 0)["hits"][0]["memory"]
            == "Written by a notebook."
        )
    id = next(id for id, memory in box.memories().items() if "notebook" in memory)
    ends(box, ("update", id, "Written by a person."), 0)
    ends(box, ("purge", id, "--yes"), 0)
    box.intact(grown=True)


@general
@pytest.mark.parametrize("mend", [REINDEX, REPAIR], ids=["reindex", "repair"])
def test_rows_of_another_program_are_taken_in_without_the_embedder(mend: tuple[str, ...], box: Box) -> None:
    """Their vectors have to wait: said where it happens, and by check from then on."""
    told = (box.cube / "config.json").read_text()
    embedder(box, name="st:nobody/nothing")
    lance_table(box).add([_row(box, memory="Written by a notebook.")])
    answer = ends(box, mend, 6 if mend is REPAIR else 0)
    assert any("some memories have no vector" in note for note in answer["notes"]), answer
    found = ends(box, ("search", "notebook", "--mode", "keyword"), 0)["hits"]
    assert found[0]["memory"] == "Written by a notebook."
    (problem,) = ends(box, CHECK, 6)["problems"]
    assert problem["what"] == "1 memories have no vector"
    (box.cube / "config.json").write_text(told)
    ends(box, REINDEX, 0)
    box.intact(grown=True)


@general
def test_rows_that_another_program_deleted(box: Box) -> None:
    lance_table(box).delete(f"id = '{LISBON_ID}'")
    assert any("another program" in p["what"] for p in ends(box, CHECK, 6)["problems"])
    ends(box, REINDEX, 0)
    assert LISBON_ID not in box.memories()
    del box.before[LISBON_ID]
    box.intact()
    ends(box, ("get", LISBON_ID), 3, "memory_not_found")


@general
def test_texts_that_another_program_changed(box: Box) -> None:
    lance_table(box).update(
        where=f"id = '{LISBON_ID}' AND known_to IS NULL", values={"memory": "Ana moved to Faro."}
    )
    assert any("another program" in p["what"] for p in ends(box, CHECK, 6)["problems"])
    ends(box, REPAIR, 0)
    box.before[LISBON_ID] = "Ana moved to Faro."
    box.intact()
    assert ends(box, ("search", "Faro", "--mode", "keyword"), 0)["hits"][0]["id"] == LISBON_ID


@general
def test_a_column_that_another_program_added(box: Box) -> None:
    lance_table(box).add_columns({"mood": "'good'"})
    finds(ends(box.copy("read"), HYBRID, 0))
    ends(box, REINDEX, 0)
    box.intact()
    ends(box, ADD, 0)
    ends(box, ("update", BICYCLE_ID, "The bicycle is lent."), 0)
    ends(box, ("undo",), 0)
    box.intact(grown=True)
    rows = lance_table(box).to_arrow().select(["id", "version", "mood"]).to_pylist()
    moods = {(row["id"], row["version"]): row["mood"] for row in rows}
    assert moods[LISBON_ID, 1] == moods[BICYCLE_ID, 2] == "good", (
        "what stood in it stays, in rewritten rows too"
    )


@general
def test_upkeep_by_another_program_changes_nothing(box: Box) -> None:
    from lancedb.index import BTree

    table = lance_table(box)
    table.optimize()
    table.create_index("id", config=BTree())
    finds(ends(box, HYBRID, 0))
    ends(box, ADD, 0)
    ends(box, ("reindex",), 0)
    box.intact(grown=True)


@general
@pytest.mark.parametrize("column", ["memory", "ordinal", "known_to", "id", "vector_hash_64_64"])
def test_a_column_that_another_program_dropped(column: str, box: Box) -> None:
    """Beyond what an index can mend: said clearly, and going back to the version before makes it whole."""
    table = lance_table(box)
    version = table.version
    table.drop_columns([column])
    assert ends(box, CHECK, 6)
    for words in (ADD, ("update", GATE_ID, "x")):
        answer = box.memos(*words, "--json")
        assert answer.code == 6, (words, answer)
        assert_refusal(answer.error, answer.error["code"])
    for words in (REINDEX, REPAIR):
        answer = box.memos(*words, "--json")
        assert answer.code in (0, 6), (words, answer)
    if column.startswith("vector_"):
        ends(box, HYBRID, 6, "table_damaged", "reembed")
        finds(ends(box, SEARCH, 0))
        anew = box.copy("anew")
        ends(anew, ("reembed", "--embedder", "hash:64", "--yes"), 0)
        anew.intact()
        finds(ends(anew, (*HYBRID, "--mode", "vector"), 0))
    else:
        ends(box, HYBRID, 6, "foreign_table", column)
    lance_table(box).restore(version)
    ends(box, REPAIR, 0)
    box.intact()


@general
def test_a_table_that_another_program_wrote_anew(box: Box) -> None:
    import lancedb

    version = lance_table(box).version
    lancedb.connect(str(box.cube)).create_table("memories", data=[{"a": 1, "b": "x"}], mode="overwrite")
    assert ends(box, CHECK, 6)["problems"]
    for words in (ADD, REINDEX, REPAIR):
        answer = box.memos(*words, "--json")
        assert answer.code == 6, (words, answer)
        assert_refusal(answer.error, answer.error["code"])
    lance_table(box).restore(version)
    ends(box, REPAIR, 0)
    box.intact()


@general
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"memory": None}, "no text"),
        ({"memory": "x", "kind": "Nonsense"}, "kind"),
        ({"memory": "x", "info": "{broken"}, "info"),
        ({"memory": "x", "confidence": 999}, "confidence"),
    ],
)
def test_rows_that_are_no_memories(fields: dict[str, object], says: str, box: Box) -> None:
    lance_table(box).add([_row(box, **fields)])
    assert ends(box, CHECK, 6)["problems"]
    for words in (ADD, REINDEX, REPAIR):
        answer = box.memos(*words, "--json")
        assert answer.code == 6, (words, answer)
        assert_refusal(answer.error, "foreign_table", says)
    lance_table(box).delete("id IS NULL")
    ends(box, REINDEX, 0)
    box.intact()
