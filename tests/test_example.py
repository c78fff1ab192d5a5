"""The cube in `cubes-example/garden`: it opens, answers, remembers what changed, and is what its sources say.

Every test works on a copy without derived folders, as git hands it out.
"""

from __future__ import annotations

import importlib.util
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from memos_cli.cube.cube import MemCube
from memos_cli.location import CubeRef
from memos_cli.operations import add, browse, edit, maintain, search
from memos_cli.schema import Draft, Filters, MemoryItem, Mode, Query, SearchResult, Status, plain
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
GARDEN = ROOT / "cubes-example" / "garden"
CANONICAL = ("config.json", "README.md", "memories.lance")
LARGEST = 3 << 20
"""Bytes that the cube may take in the repository."""


def copied(target: Path) -> Path:
    target.mkdir(parents=True)
    for name in CANONICAL:
        source = GARDEN / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target / name)
    return target


def opened(path: Path) -> Iterator[Session]:
    settings = Settings(home=path.parent, actor="tester")
    with open_session(CubeRef(name=path.name, path=path, is_name=False), settings) as session:
        yield session


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Session]:
    """A copy that a test may change."""
    yield from opened(copied(tmp_path / "garden"))


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One copy for the tests that only ask."""
    yield from opened(copied(tmp_path_factory.mktemp("example") / "garden"))


def ask(session: Session, text: str, k: int = 3, mode: Mode = Mode.HYBRID, **filters: object) -> SearchResult:
    return search.search(session, Query(text=text, k=k, mode=mode, filters=Filters(**filters)))  # type: ignore[arg-type]


def texts(result: SearchResult) -> list[str]:
    return [hit.item.memory for hit in result.hits]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fact(session: Session, external_id: str) -> MemoryItem:
    found = session.cube.table.items(f"external_id = '{external_id}' AND known_to IS NULL")
    assert len(found) == 1
    return found[0]


# -- the directory


def test_the_repository_holds_the_whole_cube_and_it_is_small() -> None:
    files = [p for name in CANONICAL for p in (GARDEN / name, *(GARDEN / name).rglob("*")) if p.is_file()]
    assert sum(p.stat().st_size for p in files) < LARGEST
    assert (GARDEN / "README.md").read_text().startswith("This directory is a MemCube")


def test_it_is_sound(reading: Session) -> None:
    ask(reading, "Biscuit")
    result = maintain.check(reading)
    assert result.ok, result.problems
    assert result.counts == {"memories": 300, "versions": 333, "vectors": 333}


def test_the_first_write_brings_the_derived_folders_back(garden: Session) -> None:
    result = add.add(garden, [Draft(memory="The scarecrow on plot 14 wears Jonas's old race shirt.")])
    assert len(result.added) == 1
    assert maintain.check(garden).ok
    assert "scarecrow" in texts(ask(garden, "What does the scarecrow wear?"))[0]


# -- questions

QUESTIONS = [
    ("Where does Mira live?", "Mira lives in Lyon"),
    ("Where does Mira work?", "staff illustrator at the botanical garden"),
    ("Which vet treats the cat?", "Dr. Amrani"),
    ("When is the trip to the Azores?", "from 3 to 10 September 2025"),
    ("code of the key box", "is 2058"),
    ("Is Jonas allergic to anything?", "seriously allergic to penicillin"),
    ("does Jonas eat meat", "eats no meat, but fish"),
    ("Who steals butter?", "still steals butter"),
    ("who is the head of the allotment now", "Mr. Osei, the beekeeper of plot 22, is the chair"),
    ("may I bring my dog?", "Dogs stay on the path"),
    ("rice dish with mushrooms", "mushroom risotto with porcini"),
    ("What happened to the bicycle?", "My bicycle was stolen"),
    ("what did the slugs eat", "Slugs ate nine lettuces"),
    ("When does Ning's thesis draft have to be ready?", "15 September 2025"),
    ("陈宁住在哪里？", "陈宁住在研究所旁边的学生公寓"),
    ("陈静对什么过敏？", "对花生严重过敏"),
]


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_a_question_finds_its_answer_among_the_first_three(
    reading: Session, question: str, expected: str
) -> None:
    assert any(expected in text for text in texts(ask(reading, question)))


UNKNOWN = (
    "quantum chromodynamics lagrangian",
    "Who won the 1998 FIFA World Cup?",
    "kubectl rollout restart daemonset",
    "Mitochondrial DNA haplogroups",
    "Byzantine emperor Justinian",
    "helicopter rotor torque",
    "submarine sonar ping",
    "asdf qwer zxcv",
)


def test_what_nobody_spoke_of_scores_lower_than_what_somebody_did(reading: Session) -> None:
    unknown = [ask(reading, question).hits[0].score for question in UNKNOWN]
    known = [ask(reading, question).hits[0].score for question, _ in QUESTIONS]
    assert max(unknown) < 0.2, unknown
    assert sum(known) / len(known) > 2 * sum(unknown) / len(unknown)
    assert max(unknown) < min(known), (unknown, known)


THEN = [
    ("Where does Mira live?", "2025-02-01", "Mira lives in Ghent"),
    ("Where does Mira live?", "2025-03-14", "Mira lives in Ghent"),
    ("Where does Mira live?", "2025-03-16", "Mira lives in Lyon"),
    ("When is Mira's picture book Hedgerow due?", "2024-12-01", "on 28 February 2025"),
    ("When is Mira's picture book Hedgerow due?", "2025-02-01", "on 31 March 2025"),
    ("Jonas's weather station has to be finished by", "2025-02-01", "by 22 March 2025"),
    ("code of the key box", "2025-05-01", "is 4417"),
    ("Mira's favourite dish", "2025-01-01", "is moussaka"),
]


@pytest.mark.parametrize(("question", "moment", "expected"), THEN)
def test_as_of_answers_what_was_true_then(
    reading: Session, question: str, moment: str, expected: str
) -> None:
    then = texts(ask(reading, question, as_of=day(moment)))
    assert any(expected in text for text in then)


def test_as_of_shows_one_version_of_a_memory_and_nothing_said_later(reading: Session) -> None:
    hits = ask(reading, "Mira lives in", k=20, as_of=day("2025-02-01")).hits
    assert all(hit.item.valid_from is None or hit.item.valid_from <= day("2025-02-01") for hit in hits)
    assert not any("Mira lives in Lyon" in hit.item.memory for hit in hits)
    assert len({hit.item.id for hit in hits}) == len(hits)


def test_superseded_versions_do_not_answer_todays_question(reading: Session) -> None:
    found = texts(ask(reading, "Mira lives in Ghent, in a flat above the bakery on Heron Quay.", k=20))
    assert "Mira lives in Ghent, in a flat above the bakery on Heron Quay." not in found


def test_a_quoted_phrase_finds_exactly_the_turns_that_hold_it(reading: Session) -> None:
    found = texts(ask(reading, '"dough mixer"', k=10, mode=Mode.KEYWORD))
    assert len(found) == 3
    assert all("dough mixer" in text for text in found)


def test_the_user_filter_shows_one_persons_memories(reading: Session) -> None:
    hits = ask(reading, "what do I eat?", k=10, users=("jonas",)).hits
    assert len(hits) == 10
    assert {hit.item.user_id for hit in hits} == {"jonas"}
    assert any("eats no meat" in hit.item.memory for hit in hits[:3])


# -- what the cube remembers of itself


def test_history_of_a_deadline_that_moved_three_times(reading: Session) -> None:
    versions = browse.history(reading, fact(reading, "mira/hedgerow").id).versions
    by_number = sorted(versions, key=lambda item: item.version)
    assert [v.valid_from for v in by_number] == list(
        map(day, ("2024-11-09", "2025-01-18", "2025-03-20", "2025-05-14"))
    )
    assert [v.valid_to for v in by_number] == [*(v.valid_from for v in by_number[1:]), None]
    assert [v.predecessor for v in by_number] == [None, *(v.row for v in by_number[:-1])]
    assert by_number[-1].known_to is None
    assert all(v.known_to is not None for v in by_number[:-1])


def test_archived_facts_are_kept_and_hidden(reading: Session) -> None:
    question = "Mira rides a green bicycle; a photo shows its frame number."
    assert fact(reading, "mira/bicycle").status is Status.ARCHIVED
    assert question not in texts(ask(reading, question, k=20))
    assert texts(ask(reading, question, statuses=(Status.ARCHIVED,)))[0] == question


def test_a_conversation_can_be_rebuilt_in_its_order(reading: Session) -> None:
    turns = browse.list_memories(reading, Filters(sessions=("ning-2025-04-06",)), limit=50).items
    in_order = sorted(turns, key=lambda item: item.position or 0)
    assert [item.position for item in in_order] == list(range(16))
    assert [item.speaker for item in in_order] == ["陈宁", "Fern"] * 8
    assert [item.said_at for item in in_order] == sorted(item.said_at for item in in_order if item.said_at)
    assert {item.language for item in in_order} == {"zh"}


def test_undo_brings_the_version_before_back(garden: Session) -> None:
    dish = fact(garden, "mira/favourite-dish")
    edit.update(
        garden, dish.id, "Mira's favourite dish is fried courgette flowers.", said_at=day("2025-06-20")
    )
    edit.undo(garden)
    now = fact(garden, "mira/favourite-dish")
    assert (now.memory, now.version) == (dish.memory, dish.version + 2)
    assert maintain.check(garden).ok


# -- a checkout that may not be written to

_AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
from memos_cli.location import CubeRef
from memos_cli.operations import search
from memos_cli.schema import Query
from memos_cli.session import open_session
from memos_cli.settings import Settings

def ask(path):
    with open_session(CubeRef(path.name, path, False), Settings(home=path.parent)) as session:
        return search.search(session, Query(text="Where does Mira live?", k=3))

warm, frozen, tempfile.tempdir = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
ask(warm)  # everything is imported while the interpreter's own files can surely be read
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
try:
    (frozen / "probe").touch()
except PermissionError:
    result = ask(frozen)
    print(*(hit.item.memory for hit in result.hits), *result.notes, sep="\\n")
"""


def test_a_read_only_checkout_answers_and_stays_as_it_is(tmp_path: Path) -> None:
    warm = copied(tmp_path / "warm")
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (scratch := Path(place) / "scratch").mkdir()
        scratch.chmod(0o777)
        frozen = copied(Path(place) / "frozen")
        _freeze(frozen)
        before = _listing(frozen)
        command = [sys.executable, "-c", _AS_NOBODY, str(warm), str(frozen), str(scratch)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=place)
        after = _listing(frozen)
        _thaw(frozen)
    assert done.returncode == 0, done.stderr
    assert "Mira lives in Lyon" in done.stdout
    assert "read-only" in done.stdout
    assert after == before


def _freeze(root: Path) -> None:
    for path in (*root.rglob("*"), root):
        path.chmod(0o555 if path.is_dir() else 0o444)


def _thaw(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def _listing(root: Path) -> dict[str, int]:
    return {str(p.relative_to(root)): p.stat().st_mtime_ns for p in root.rglob("*")}


# -- sources


def test_the_script_builds_the_same_cube(tmp_path: Path) -> None:
    place = Path.cwd()
    _script().build(tmp_path / "built")
    assert Path.cwd() == place
    assert _contents(tmp_path / "built") == _contents(GARDEN)


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_example", ROOT / "scripts" / "build_example.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_OF_ONE_BUILD = {"id", "row", "predecessor", "change", "closed_by", "known_from", "known_to", "created_at"}


def _contents(path: Path) -> list[str]:
    """Every version with everything that does not name or date this one build of it."""
    cube = MemCube.open(path)
    items = [item for tail in cube.table.tails(None, None) for item in tail.items]
    assert {item.actor for item in items} == {"build_example"}
    return sorted(
        f"{item.known_to is None} {[(n, v) for n, v in plain(item).items() if n not in _OF_ONE_BUILD]}"
        for item in items
    )
