"""Several processes on one cube: nobody loses anything, nobody waits to read, nothing is stored twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenCube, Start, add_texts, found_by
from test_crash_storm import assert_clean, storm

from memos_cli.errors import Busy, MemoryNotFound
from memos_cli.operations.add import add
from memos_cli.operations.browse import find, list_memories
from memos_cli.operations.edit import archive, update
from memos_cli.operations.maintain import check
from memos_cli.schema import Draft, Filters
from memos_cli.session import Session

OPEN = """
import json, sys
from pathlib import Path
from memos_cli.location import CubeRef
from memos_cli.schema import Depth, Draft
from memos_cli.session import open_session
from memos_cli.settings import Settings

path = Path(sys.argv[1])
settings = Settings(home=path.parent / "home", embedder="hash:64", text=Depth.GENERAL, fsync=False, actor="other")
def opened():
    with open_session(CubeRef("cube", path, is_name=False), settings, write=True, create=True) as session:
        return session
def at_once():
    "Wait until all are ready, so that they meet."
    from memos_cli.operations.add import add
    import lance, tantivy, memos_cli.stores.vectors
    print("READY", flush=True)
    sys.stdin.readline()
"""

HOLD = (
    OPEN
    + """
# Commit to the table, and stay before the indexes follow: what a slow or stopped writer looks like.
from memos_cli.operations import add, edit
session = opened()
session.cube._follow = lambda tail, before, purge: (print("HELD", flush=True), sys.stdin.readline())
exec(sys.argv[2])
"""
)


def ask(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "memos_cli", *words, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def hits(environment: dict[str, str], *words: str) -> list[str]:
    answer = ask(environment, "search", *words)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return [hit["memory"] for hit in json.loads(answer.stdout)["hits"]]


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline().strip()
    return line or process.stderr.read()


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


# adding at once


def test_eight_processes_add_to_one_cube_at_once(tmp_path: Path) -> None:
    document = storm(tmp_path, "--adds", "8x6")
    assert_clean(document)
    assert document["memories"] == 48


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eight_processes_add_fifty_each(tmp_path: Path) -> None:
    document = storm(tmp_path, "--adds", "8x50")
    assert_clean(document)
    assert document["memories"] == 400


def test_processes_that_add_the_same_texts_store_each_once(
    start: Start, cube_path: Path, session: Session
) -> None:
    texts = [f"The spare key of house {n} lies under the blue pot." for n in range(6)]
    code = OPEN + (
        "session = opened()\nat_once()\n"
        "from memos_cli.operations.add import add\n"
        "for text in json.loads(sys.argv[2]):\n"
        "    r = add(session, [Draft(memory=text)])\n"
        "    print(json.dumps([[a.memory for a in r.added], [k.memory for k in r.known]]), flush=True)\n"
    )
    orders = [texts, texts[::-1], texts[3:] + texts[:3]]
    processes = [start(code, str(cube_path), json.dumps(order)) for order in orders]
    assert [line_of(p) for p in processes] == ["READY"] * 3
    for process in processes:
        let_go(process)
    answers = [json.loads(line_of(p)) for p in processes for _ in texts]
    added = Counter(text for new, _ in answers for text in new)
    known = Counter(text for _, old in answers for text in old)
    assert added == dict.fromkeys(texts, 1)
    assert known == dict.fromkeys(texts, 2)
    assert list_memories(session, Filters()).total == len(texts)


def test_processes_that_make_the_same_cube_share_it(
    start: Start, cube_path: Path, open_cube: OpenCube
) -> None:
    code = OPEN + (
        "at_once()\nsession = opened()\n"
        "from memos_cli.operations.add import add\n"
        "print(session.cube.config.cube_id, add(session, [Draft(memory=sys.argv[2])]).added[0].id, flush=True)\n"
    )
    texts = ["Mirrors fog up first.", "The goat likes thistles.", "Ink dries in nine minutes."]
    processes = [start(code, str(cube_path), text) for text in texts]
    assert [line_of(p) for p in processes] == ["READY"] * 3
    for process in processes:
        let_go(process)
    lines = [line_of(p) for p in processes]
    session = open_cube()
    assert {line.split()[0] for line in lines} == {session.cube.config.cube_id}
    assert {find(session, line.split()[1]).memory for line in lines} == set(texts)
    assert [p.name for p in cube_path.parent.glob(".cube.*")] == []


def test_threads_of_one_session_add_and_search(session: Session) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for n in range(4):
                text = f"Boat {name}{n} is moored at pier {name}."
                add_texts(session, text)
                assert text in found_by(session, f"boat {name}{n}")
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "wxyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list_memories(session, Filters()).total == 16
    assert check(session).problems == ()


# reading while somebody writes


TAIL = "The new alarm code is 8812."


@pytest.fixture
def held(start: Start, cube_path: Path, session: Session) -> dict[str, Any]:
    """A cube whose lock another process holds, with a change that no index has seen yet.

    The change adds a memory, gives a second another text, and archives a third.
    """
    lamp, code, boat = add_texts(
        session, "The lamp in the hall is broken.", "The alarm code is 4711.", "The boat is for sale."
    )
    update(session, code, "The alarm code is 5000.")
    process = start(HOLD, str(cube_path), _changes(code, boat))
    assert line_of(process) == "HELD"
    return {"process": process, "lamp": lamp, "code": code, "boat": boat, "session": session}


def _changes(code: str, boat: str) -> str:
    return f"""
from memos_cli.operations.edit import next_text, next_version
from memos_cli.operations.browse import find
from memos_cli.operations.batch import _item
from memos_cli.schema import Change, Closing, Status
from memos_cli.stores.nearness import content_hash
with session.cube.writing("test"):
    code, boat = find(session, {code!r}), find(session, {boat!r})
    fresh = _item(Draft(memory={TAIL!r}), content_hash({TAIL!r}), Change(verb="test"))
    puts = (fresh, next_text(code, "The alarm code is 6000.", None), next_version(boat, status=Status.ARCHIVED))
    vectors = {{p.row: session.embedder.embed_documents([p.memory])[0] for p in puts}}
    closings = tuple(Closing(id=o.id, row=o.row) for o in (code, boat))
    session.cube.commit(Change(verb="test", puts=puts, closings=closings, vectors=vectors))
"""


@pytest.mark.parametrize("mode", ["keyword", "vector", "hybrid"])
def test_a_long_lived_session_sees_what_no_index_has_yet(held: dict[str, Any], mode: str) -> None:
    session: Session = held["session"]
    for _ in range(5):
        found = found_by(session, "alarm code", mode)
        assert {TAIL, "The alarm code is 6000."} <= set(found)
        assert not {"The alarm code is 4711.", "The alarm code is 5000."} & set(found)
        assert "The boat is for sale." not in found_by(session, "boat for sale", mode)
    assert found_by(session, "lamp in the hall", mode)[0] == "The lamp in the hall is broken."
    assert find(session, held["code"]).memory == "The alarm code is 6000."
    assert list_memories(session, Filters()).total == 3


def test_fresh_processes_see_what_no_index_has_yet(held: dict[str, Any], environment: dict[str, str]) -> None:
    for mode in ("keyword", "hybrid"):
        found = hits(environment, "alarm code", "--mode", mode)
        assert {TAIL, "The alarm code is 6000."} <= set(found)
        assert "The alarm code is 5000." not in found


def test_a_search_catches_up_once_the_writer_is_gone(held: dict[str, Any], open_cube: OpenCube) -> None:
    process: subprocess.Popen[str] = held["process"]
    process.kill()
    process.wait()
    session = open_cube()
    assert TAIL in found_by(session, "alarm code")
    assert session.cube.keywords.revision == session.cube.revision
    assert session.cube.vectors is not None
    assert session.cube.vectors.revision == session.cube.revision
    assert check(session).problems == ()


def test_another_writer_waits_so_long_and_then_says_who_is_writing(
    held: dict[str, Any], open_cube: OpenCube, environment: dict[str, str]
) -> None:
    impatient = open_cube(lock_timeout=0.2)
    with pytest.raises(Busy) as raised:
        add(impatient, [Draft(memory="Nobody will read this.")])
    assert f"process {held['process'].pid}" in str(raised.value)
    answer = ask({**environment, "MEMOS_LOCK_TIMEOUT": "0.2"}, "add", "Nobody will read this either.")
    assert answer.returncode == 5
    assert json.loads(answer.stdout)["error"]["code"] == "busy"
    let_go(held["process"])
    held["process"].wait()
    assert list_memories(held["session"], Filters()).total == 3


def test_a_waiting_writer_goes_on_when_the_lock_is_free(held: dict[str, Any], open_cube: OpenCube) -> None:
    done: list[str] = []
    patient = open_cube()
    waiter = threading.Thread(target=lambda: done.extend(archive(patient, [held["lamp"]]).ids))
    waiter.start()
    let_go(held["process"])
    waiter.join()
    assert done == [held["lamp"]]
    assert find(patient, held["code"]).memory == "The alarm code is 6000."
    assert check(patient).problems == ()


def test_what_stands_in_the_overlay_alone_is_known_to_add(held: dict[str, Any], open_cube: OpenCube) -> None:
    """A writer that plans while another one writes must see its rows once it is its turn."""
    waiting = open_cube()
    result: list[Any] = []
    waiter = threading.Thread(
        target=lambda: result.append(
            add(waiting, [Draft(memory=TAIL), Draft(memory="The lamp in the hall is broken.")])
        )
    )
    waiter.start()
    waiter.join(0.3)  # it has planned and embedded, and stands before the lock
    let_go(held["process"])
    waiter.join()
    assert result[0].added == ()
    assert [k.memory for k in result[0].known] == [TAIL, "The lamp in the hall is broken."]


def test_a_purge_that_no_index_has_seen_hides_already(
    start: Start, cube_path: Path, session: Session
) -> None:
    secret, _ = add_texts(session, "The password is xylophone77.", "The lamp in the hall is broken.")
    process = start(HOLD, str(cube_path), f"edit.purge(session, [{secret!r}])")
    assert line_of(process) == "HELD"
    for mode in ("keyword", "vector", "hybrid"):
        assert "xylophone77" not in str(found_by(session, "password xylophone77", mode))
    with pytest.raises(MemoryNotFound):
        find(session, secret)
    listed = list_memories(session, Filters())
    assert ([i.memory for i in listed.items], listed.total) == (["The lamp in the hall is broken."], 1)
    process.kill()
    process.wait()
    session.cube.view()
    assert not any(b"xylophone77" in p.read_bytes() for p in cube_path.rglob("*") if p.is_file())
    assert check(session).problems == ()


@pytest.mark.slow
def test_searches_keep_answering_for_ten_seconds(held: dict[str, Any], environment: dict[str, str]) -> None:
    end = time.monotonic() + 10
    answered = Counter({"here": 0, "fresh": 0})
    while time.monotonic() < end:
        assert TAIL in found_by(held["session"], "alarm code")
        assert TAIL in hits(environment, "alarm code")
        answered.update(("here", "fresh"))
    print(dict(answered))  # noqa: T201 - shown by `pytest -s`, the figure one wants
    assert held["process"].poll() is None
