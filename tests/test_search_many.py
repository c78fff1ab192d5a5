"""One question to several cubes: merging, cubes that fail, copies, exit codes, and refusal elsewhere.

Real cubes in temporary directories; what is expected of a merged answer is worked out from the
answers of the cubes one by one, so that no score is written down here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tiny_crossencoder
from test_cli import _same_shape
from test_cli_edge import on_terminal
from test_embedders_remote import Answer, Script, handler
from typer.testing import CliRunner, Result

import memos_cli
from memos_cli.errors import CubeNotFound, MemosError, UsageError
from memos_cli.interfaces.cli import help_topics
from memos_cli.interfaces.cli.app import COMMANDS, app
from memos_cli.location import CubeRef, distinct, resolve
from memos_cli.operations.search import tokens
from memos_cli.operations.search_many import search_many
from memos_cli.schema import FailedCube, Mode, Query
from memos_cli.settings import SETTINGS, Settings

QUESTION = "gate code"
TEXTS = {
    "garden": ["The garden gate code is 4711.", "Ana moved to Lisbon in March.", "The figs are ripe."],
    "school": ["The school gate opens at eight.", "Bruno is allergic to walnuts.", "The code of the gate."],
    "barn": ["The bicycle stands behind the barn.", "A gate needs oil, says the code of the village."],
}
NAMES = list(TEXTS)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with three cubes, made once."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        _plain_environment(patch, folder)
        for name, texts in TEXTS.items():
            document("add", *texts, "-c", name)
    return folder


@pytest.fixture(autouse=True)
def home(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's own copy of the data home."""
    shutil.copytree(library, tmp_path / "home")
    _plain_environment(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def _plain_environment(patch: pytest.MonkeyPatch, folder: Path) -> None:
    for setting in SETTINGS:
        for variable in setting.environment:
            patch.delenv(variable, raising=False)
    patch.setenv("MEMOS_HOME", str(folder))
    patch.setenv("MEMOS_EMBEDDER", "hash:64")
    patch.setenv("MEMOS_FSYNC", "false")


def memos(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def document(*words: str, code: int = 0) -> Any:
    """The one JSON document of a command that ends with `code`."""
    result = memos(*words, "--json")
    assert result.exit_code == code, result.output
    assert len(result.stdout.splitlines()) == 1
    return json.loads(result.stdout)


def cubes(*names: str) -> list[str]:
    return [word for name in names for word in ("-c", name)]


def asked(*names: str, more: tuple[str, ...] = (), code: int = 0) -> Any:
    return document("search", QUESTION, *more, *cubes(*names), code=code)


def alone(name: str, *more: str) -> list[dict[str, Any]]:
    """The hits of one cube asked by itself."""
    found: list[dict[str, Any]] = document("search", QUESTION, *more, "-c", name)["hits"]
    return found


def texts(hits: list[dict[str, Any]]) -> list[str]:
    return [hit["memory"] for hit in hits]


def merged(*names: str, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What the cubes find one by one, best first, ties in the order of the cubes."""
    return sorted((hit for name in names for hit in alone(name, *more)), key=lambda hit: -hit["score"])


# merging


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1], NAMES[:2]], ids=" ".join)
@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_hits_are_merged_by_score(names: list[str], mode: str) -> None:
    more = ("--mode", mode)
    answer = asked(*names, more=more)
    expected = merged(*names, more=more)
    assert {hit["cube"] for hit in expected} == set(names)
    assert [(h["id"], h["cube"], h["score"], h["routes"]) for h in answer["hits"]] == [
        (h["id"], h["cube"], h["score"], h["routes"]) for h in expected
    ]
    assert answer["failed"] == []


def test_k_counts_for_the_merged_list() -> None:
    assert texts(asked(*NAMES, more=("-k", "2"))["hits"]) == texts(merged(*NAMES))[:2]


def test_a_budget_counts_once_for_the_merged_list() -> None:
    budget = 17
    expected, left = [], budget
    for text in texts(merged(*NAMES)):
        if tokens(text) <= left:
            expected.append(text)
            left -= tokens(text)
    assert 1 < len(expected) < 8
    assert texts(asked(*NAMES, more=("--max-tokens", str(budget)))["hits"]) == expected


def test_filters_hold_in_every_cube() -> None:
    document("add", "A gate in the wall.", "--tag", "wall", "-c", "barn")
    document("add", "A gate in the hedge.", "--tag", "wall", "-c", "garden")
    hits = asked(*NAMES, more=("--tag", "wall"))["hits"]
    assert {(hit["memory"], hit["cube"]) for hit in hits} == {
        ("A gate in the wall.", "barn"),
        ("A gate in the hedge.", "garden"),
    }
    assert asked(*NAMES, more=("--now", "2020-01-02", "--until", "yesterday"))["hits"] == []


def test_lines_and_the_cube_in_each() -> None:
    expected = merged("garden", "school")
    lines = memos("search", QUESTION, *cubes("garden", "school")).stdout.splitlines()
    assert [line.split("\t")[2:] for line in lines] == [[hit["memory"], hit["cube"]] for hit in expected]
    streamed = memos("search", QUESTION, *cubes("garden", "school"), "--jsonl").stdout.splitlines()
    assert [json.loads(line)["cube"] for line in streamed] == [hit["cube"] for hit in expected]


def test_explain_has_the_numbers_of_each_cube() -> None:
    trace = asked("garden", "school", more=("--explain",))["trace"]
    assert set(trace) == {"garden", "school"}
    assert all(numbers["fusion"] for numbers in trace.values())
    plain = memos("search", QUESTION, "--explain", *cubes("garden", "school"))
    assert re.search(r"^garden: fusion: ", plain.stderr, re.M)
    assert len(plain.stdout.splitlines()[0].split("\t")) == 8


def test_a_reranker_reads_the_merged_list_once(tmp_path: Path) -> None:
    model = f"onnx:{tiny_crossencoder.make(tmp_path / 'oil', {'oil': 12.0, '[SEP]': -6.0})}"
    plain = merged(*NAMES)
    place = next(place for place, hit in enumerate(plain, 1) if "oil" in hit["memory"])
    assert place > 1
    hits = asked(*NAMES, more=("--rerank", model))["hits"]
    ranks = {hit["memory"]: hit["routes"]["rerank"]["rank"] for hit in hits}
    assert sorted(ranks.values()) == list(range(1, len(plain) + 1)), "ranks among the hits of all cubes"
    assert ranks[TEXTS["barn"][1]] == 1
    assert hits[0]["memory"] == TEXTS["barn"][1]
    assert texts(asked(*NAMES, more=("--rerank", model, "-k", "1"))["hits"]) == [TEXTS["barn"][1]]


def test_a_reranker_that_is_not_there_leaves_the_order_and_says_so_once() -> None:
    answer = asked(*NAMES, more=("--rerank", "openai:x"))
    assert texts(answer["hits"]) == texts(merged(*NAMES))
    (note,) = answer["notes"]
    assert note.startswith("the reranker did not answer")


def test_an_unknown_reranker_is_a_usage_error_and_failed_cubes_are_named_all_the_same() -> None:
    words = ("search", QUESTION, "--rerank", "nonesuch", *cubes("none", "garden"))
    assert document(*words, code=2)["error"]["code"] == "unknown_reranker"
    assert re.match(r"Cube none did not answer: .*\nError: ", memos(*words).stderr)


def test_notes_name_their_cube() -> None:
    document("init", "bare", "--text", "naive_text")
    document("add", "The bare gate has no code.", "-c", "bare")
    (note,) = asked("garden", "bare")["notes"]
    assert note.startswith("bare: ")
    assert "bare: this cube keeps no vectors" in memos("search", QUESTION, *cubes("garden", "bare")).stderr


def test_people_see_the_cube_under_each_hit(home: Path) -> None:
    shutil.copytree(home / "cubes" / "garden", home / "cubes" / "copy")
    code, shown = on_terminal("search", QUESTION, *cubes("garden", "copy", "school"))
    assert code == 0
    assert re.search(r"garden gate code is 4711\.\s+garden, copy · ", shown)
    assert re.search(r"school gate opens at eight\.\s+school · ", shown)


# one cube twice, one memory twice


def test_a_cube_given_twice_counts_once(home: Path) -> None:
    link = home / "link"
    link.symlink_to(home / "cubes" / "garden")
    answer = asked("garden", str(home / "cubes" / "garden"), str(link), "school", "garden")
    assert [h["id"] for h in answer["hits"]] == [h["id"] for h in merged("garden", "school")]
    assert all(hit["also_in"] == [] for hit in answer["hits"])
    assert texts(asked("garden", "garden")["hits"]) == texts(alone("garden"))


def test_a_missing_cube_given_twice_is_missed_once(home: Path) -> None:
    answer = asked("garden", "none", "./cubes/../none", str(home / "cubes" / "none"), code=1)
    assert [one["cube"] for one in answer["failed"]] == [
        str(home / "cubes" / "none"),
        str(home.parent / "none"),
    ]


def test_cubes_of_one_name_are_told_apart(home: Path) -> None:
    other = home.parent / "elsewhere" / "garden"
    document("init", str(other))
    document("add", "Another gate.", "-c", str(other))
    named = {hit["cube"] for hit in asked("garden", str(other), "school")["hits"]}
    assert named == {str(home / "cubes" / "garden"), str(other), "school"}


def test_a_copied_memory_comes_once_and_names_the_copies(home: Path) -> None:
    for name in ("copy", "second"):
        shutil.copytree(home / "cubes" / "garden", home / "cubes" / name)
    hits = asked("copy", "garden", "second", "school")["hits"]
    assert len(hits) == len({hit["id"] for hit in hits}) == 6
    for hit in hits:
        assert (hit["cube"], hit["also_in"]) in [("copy", ["garden", "second"]), ("school", [])]
    assert asked("second", "copy")["hits"][0]["cube"] == "second"


def test_what_two_cubes_say_in_the_same_words_comes_once_and_names_both() -> None:
    gate = TEXTS["garden"][0]
    document("add", gate, "-c", "school")
    own = {name: next(h["id"] for h in alone(name) if h["memory"] == gate) for name in ("garden", "school")}
    assert own["garden"] != own["school"]
    for order in (("garden", "school"), ("school", "garden")):
        hits = asked(*order)["hits"]
        assert texts(hits).count(gate) == 1
        (hit,) = (hit for hit in hits if hit["memory"] == gate)
        other = order[1] if hit["cube"] == order[0] else order[0]
        assert (hit["id"], hit["copies"], hit["also_in"]) == (own[hit["cube"]], [own[other]], [other])


def test_the_same_words_of_another_speaker_are_another_memory() -> None:
    gate = TEXTS["garden"][0]
    document("add", gate, "--speaker", "Ana", "-c", "school")
    assert texts(asked("garden", "school")["hits"]).count(gate) == 2


def test_a_budget_that_nothing_fits_into_says_what_the_first_hit_needs(home: Path) -> None:
    for names in (("garden",), ("garden", "school")):
        answer = document("search", QUESTION, "--max-tokens", "2", *cubes(*names))
        first = document("search", QUESTION, *cubes(*names))["hits"][0]["memory"]
        assert answer["hits"] == []
        assert f"the first alone needs {(len(first) + 3) // 4}" in answer["notes"][-1]
    fitting = document("search", QUESTION, "--max-tokens", "9", *cubes("garden"))
    assert fitting["hits"]
    assert fitting["notes"] == []


def test_a_copied_memory_comes_from_where_its_score_is_higher(home: Path) -> None:
    shutil.copytree(home / "cubes" / "garden", home / "cubes" / "copy")
    gate = document("list", "-c", "garden")["items"][-1]
    assert gate["memory"] == TEXTS["garden"][0]
    document("update", gate["id"], "The gate code, the gate code: gate code!", "-c", "copy")
    scores = {n: next(h["score"] for h in alone(n) if h["id"] == gate["id"]) for n in ("garden", "copy")}
    assert scores["garden"] != scores["copy"]
    better, other = sorted(scores, key=lambda name: -scores[name])
    for order in ((better, other), (other, better)):
        hit = next(h for h in asked(*order)["hits"] if h["id"] == gate["id"])
        assert (hit["cube"], hit["score"], hit["also_in"]) == (better, scores[better], [other])


# cubes that fail


def _config(cube: Path, **changes: Any) -> None:
    file = cube / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _keywords_alone(cube: Path) -> None:
    slots = json.loads((cube / "config.json").read_text())["slots"]
    naive = slots | {"text_mem": {"depth": "naive_text"}}
    _config(cube, embedder=None, vector_column=None, slots=naive)


def _without_key(cube: Path) -> None:
    embedder = json.loads((cube / "config.json").read_text())["embedder"]
    _config(cube, embedder=embedder | {"name": "openai:x"})


def _another_model(cube: Path) -> None:
    embedder = json.loads((cube / "config.json").read_text())["embedder"]
    _config(cube, embedder=embedder | {"probe": embedder["probe"][::-1]})


BREAKAGES: dict[str, tuple[Callable[[Path], object], str, int]] = {
    "missing": (shutil.rmtree, "cube_not_found", 3),
    "a torn config": (lambda cube: (cube / "config.json").write_text("{"), "config_damaged", 6),
    "a later format": (lambda cube: _config(cube, version=99), "format_too_new", 6),
    "no table": (lambda cube: shutil.rmtree(cube / "memories.lance"), "table_damaged", 6),
    "no key for the embedder": (_without_key, "embedder_unavailable", 1),
    "another model": (_another_model, "embedder_mismatch", 6),
    "an unknown embedder": (
        lambda cube: _config(cube, embedder={"name": "nonesuch", "dimension": 64}),
        "unknown_embedder",
        2,
    ),
    "no vectors": (lambda cube: _keywords_alone(cube), "no_vectors", 1),
}
VECTOR = ("--mode", "vector")


@pytest.mark.parametrize("kind", BREAKAGES)
@pytest.mark.parametrize("place", [0, 1])
def test_a_cube_that_fails_is_named_and_the_others_answer(kind: str, place: int, home: Path) -> None:
    harm, error_code, _ = BREAKAGES[kind]
    harm(home / "cubes" / "school")
    names = ["garden", "barn"]
    names.insert(place, "school")
    answer = asked(*names, more=VECTOR, code=1)
    assert [hit["id"] for hit in answer["hits"]] == [
        hit["id"] for hit in merged("garden", "barn", more=VECTOR)
    ]
    (failed,) = answer["failed"]
    assert failed["cube"] == "school"
    assert failed["error"]["code"] == error_code
    assert (
        failed["error"]
        == document("search", QUESTION, *VECTOR, "-c", "school", code=BREAKAGES[kind][2])["error"]
    )
    plain = memos("search", QUESTION, *VECTOR, "-q", *cubes(*names))
    assert plain.exit_code == 1
    assert (
        plain.stderr
        == f"Cube school did not answer: {failed['error']['message']} {failed['error']['hint']}\n"
    )
    assert len(plain.stdout.splitlines()) == len(answer["hits"])


@pytest.mark.parametrize("kind", BREAKAGES)
def test_when_all_fail_the_first_ones_error_is_the_commands(kind: str, home: Path) -> None:
    harm, error_code, exit_code = BREAKAGES[kind]
    harm(home / "cubes" / "school")
    shutil.rmtree(home / "cubes" / "barn")
    answer = asked("school", "barn", more=VECTOR, code=exit_code)
    assert set(answer) == {"error", "failed"}
    assert answer["error"]["code"] == error_code
    assert [(one["cube"], one["error"]["code"]) for one in answer["failed"]] == [
        ("school", error_code),
        ("barn", "cube_not_found"),
    ]
    plain = memos("search", QUESTION, *VECTOR, *cubes("barn", "school"))
    assert (plain.exit_code, plain.stdout) == (3, "")
    lines = plain.stderr.splitlines()
    assert lines[0].startswith("Cube school did not answer: ")
    assert lines[1].startswith("Error: There is no cube at ")


def test_a_cube_that_may_not_be_read(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(*NAMES)  # everything is imported while the interpreter's own files can surely be read
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shutil.copytree(library, Path(place) / "home").chmod(0o755)
        monkeypatch.setenv("MEMOS_HOME", f"{place}/home")
        (Path(place) / "home" / "cubes" / "school" / "config.json").chmod(0)
        with _nobody():
            answer = asked("school", "garden", code=1)
            none = asked("school", "./missing", code=4)
    assert answer["failed"][0]["error"]["code"] == "not_permitted"
    assert TEXTS["garden"][0] in texts(answer["hits"])
    assert none["error"]["code"] == "not_permitted"


class _nobody:
    """While it lasts, a process of root's has nobody's rights; any other keeps its own."""

    def __enter__(self) -> None:
        self.root = os.geteuid() == 0
        if self.root:
            os.setegid(65534)
            os.seteuid(65534)

    def __exit__(self, *_: object) -> None:
        if self.root:
            os.seteuid(0)
            os.setegid(0)


def test_a_cube_that_is_being_written_to_answers(home: Path) -> None:
    import fcntl

    lock = home / "cubes" / "school" / ".memos" / "lock"
    with lock.open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = asked("garden", "school")
    assert {hit["cube"] for hit in answer["hits"]} == {"garden", "school"}
    assert answer["failed"] == []


def test_an_embedder_that_is_not_there_leaves_the_words_of_its_cube(home: Path) -> None:
    _without_key(home / "cubes" / "school")
    answer = asked("garden", "school")
    assert {hit["cube"] for hit in answer["hits"]} == {"garden", "school"}
    assert answer["failed"] == []
    (note,) = answer["notes"]
    assert note.startswith("school: the vector route is missing")


def test_failures_are_said_beside_json_lines(home: Path) -> None:
    result = memos("search", QUESTION, "--jsonl", *cubes("none", "garden"))
    assert result.exit_code == 1
    assert all("memory" in json.loads(line) for line in result.stdout.splitlines())
    assert result.stderr.startswith("Cube none did not answer: ")


# embedding once


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """An endpoint for embeddings on loopback, which keeps what it is asked."""
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    yield script
    server.shutdown()
    thread.join()
    server.server_close()


def _remote_cubes(script: Script, *models: str) -> list[str]:
    names = [f"remote{place}" for place in range(len(models))]
    for name, model in zip(names, models, strict=True):
        document("init", name, "--embedder", f"openai:{model}")
        document("add", f"The {name} gate.", "-c", name)
    script.requests.clear()
    return names


def test_the_question_is_embedded_once_for_each_embedder(script: Script) -> None:
    names = _remote_cubes(script, "m", "other", "m", "m")
    alone(names[0])
    of_one = len(script.requests)  # the probe of its fingerprint besides the question
    script.requests.clear()
    answer = asked(*names, "garden")
    assert {hit["cube"] for hit in answer["hits"]} >= set(names)
    assert answer["notes"] == []
    questions = [request["model"] for request in script.requests if QUESTION in request["input"]]
    assert sorted(questions) == ["m", "other"]
    assert len(script.requests) == 2 * of_one


def test_vectors_of_a_shared_embedder_are_those_of_ones_own(script: Script) -> None:
    names = _remote_cubes(script, "m", "m")
    hits = asked(*names)["hits"]
    assert [(h["id"], h["score"]) for h in hits] == [(h["id"], h["score"]) for h in merged(*names)]


def test_an_endpoint_that_fails_is_asked_for_one_cube_only(script: Script) -> None:
    names = _remote_cubes(script, "m", "m", "m")
    script.answers = [Answer(401, b"{}") for _ in range(3)]
    answer = asked(*names, "garden", more=VECTOR, code=1)
    assert [one["cube"] for one in answer["failed"]] == names
    assert {one["error"]["code"] for one in answer["failed"]} == {"embedder_unavailable"}
    assert {hit["cube"] for hit in answer["hits"]} == {"garden"}
    assert len(script.requests) == 1


# documents and refusals


def test_one_cube_answers_as_it_always_did() -> None:
    one = document("search", QUESTION, "-c", "garden")
    assert set(one) == {"query", "hits", "preferences", "notes"}
    assert "also_in" not in one["hits"][0]
    assert len(memos("search", QUESTION, "-c", "garden").stdout.splitlines()[0].split("\t")) == 3
    missing = memos("search", QUESTION, "-c", "none", "--json")
    assert missing.exit_code == 3
    assert set(json.loads(missing.stdout)) == {"error"}


def test_the_document_is_what_the_page_says(home: Path) -> None:
    shutil.copytree(home / "cubes" / "garden", home / "cubes" / "copy")
    section = (help_topics.page("json") or "").split("## memos search\n")[1].split("\n## ")[0]
    one, several = (json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", section, re.S))
    answer = asked("garden", "copy", "none", code=1)
    assert _same_shape(several, answer, "search") == []
    assert set(several) - set(one) == {"failed"}
    assert set(several["hits"][0]) - set(one["hits"][0]) == {"also_in"}


ARGUMENTS = {
    "init": [], "add": ["A text"], "get": ["x"], "update": ["x", "y"], "archive": ["x"], "unarchive": ["x"], "pin": ["x"], "unpin": ["x"],
    "purge": ["x", "--yes"], "history": ["x"], "deepen": ["--text", "tree_text"], "import": ["none"],
    "eval": ["prefeval", "none"], "config": ["list"], "cron": ["list"],
    "feedback": ["x"], "graph": ["x"], "cypher": ["MATCH (n) RETURN n"],
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "search"])
@pytest.mark.parametrize("before", [True, False])
def test_no_other_command_takes_several(name: str, before: bool, home: Path) -> None:
    words = [name, *ARGUMENTS.get(name, [])]
    words = [*cubes("garden", "new"), *words] if before else [*words, *cubes("garden", "new")]
    called = f"memos {name} list" if name in ("config", "cron") else f"memos {name}"
    error = document(*words, code=2)["error"]
    assert error["code"] == "usage_error"
    assert error["message"] == f"`{called}` works on one cube, and 2 are named: garden, new."
    assert error["hint"] == "Give one -c; `memos search` alone takes several."
    assert not (home / "cubes" / "new").exists()


def test_cubes_before_the_commands_name_are_asked_too() -> None:
    before = document(*cubes("garden", "school"), "search", QUESTION)
    assert texts(before["hits"]) == texts(merged("garden", "school"))


@pytest.mark.parametrize("listed", ["garden,school", "garden school", "garden:school", "garden; school"])
def test_no_variable_and_no_single_option_lists_several(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["-c", listed], ["-c", "garden", "-c", listed], []):
        monkeypatch.setenv("MEMOS_CUBE", listed)
        error = document("search", QUESTION, *words, code=2)["error"]
        assert repr(listed) in error["message"]
        assert error["hint"] == "It names one cube; `memos search -c A -c B` asks several."


def test_a_reference_that_is_none_stops_the_search() -> None:
    assert asked("garden", "s3://bucket/x", code=2)["error"]["code"] == "usage_error"


# from Python


def test_the_sdk_has_it(home: Path) -> None:
    settings = Settings.load()
    refs = [resolve(name, settings) for name in ("garden", "none", "school")]
    heard: list[FailedCube] = []
    result = memos_cli.search_many(refs, settings, Query(text=QUESTION, k=3), heard.append)
    assert [hit.item.memory for hit in result.hits] == texts(merged("garden", "school"))[:3]
    assert [(one.cube, one.error.code) for one in result.failed] == [("none", "cube_not_found")]
    assert tuple(heard) == result.failed


def test_the_sdk_raises_when_none_answers(home: Path) -> None:
    settings = Settings.load()
    with pytest.raises(CubeNotFound):
        search_many([resolve("none", settings), resolve("no", settings)], settings, Query(text=QUESTION))
    with pytest.raises(UsageError, match="No cube"):
        search_many([], settings, Query(text=QUESTION))
    with pytest.raises(MemosError, match="empty"):
        search_many([resolve("garden", settings)], settings, Query(text=" ", mode=Mode.KEYWORD))


def test_distinct_keeps_the_first_of_each_place(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b" / "a"
    for folder in (a, b):
        folder.mkdir(parents=True)
    refs = [CubeRef("a", a, True), CubeRef("a", b, False), CubeRef("z", b / ".." / ".." / "a", False)]
    kept = distinct([*refs, *refs[::-1]])
    assert kept == (dataclasses.replace(refs[0], name=str(a)), dataclasses.replace(refs[1], name=str(b)))
