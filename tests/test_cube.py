"""The MemCube's contract: what a commit promises, what is left of one cut short at any step, what others can open."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import OpenCube, add_texts, found_by

from memos_cli.cube.check import check
from memos_cli.cube.cube import MemCube
from memos_cli.errors import (
    BadInput,
    ChangeNotFound,
    CubeExists,
    CubeNotFound,
    EmbedderMismatch,
    FormatTooNew,
    IntegrityError,
    MemoryNotFound,
    NothingToUndo,
    StaleChange,
    StorageError,
    StorageFull,
    TableDamaged,
    UndoConflict,
    UsageError,
)
from memos_cli.operations.add import add
from memos_cli.operations.browse import find, history, list_memories, log
from memos_cli.operations.edit import archive, next_text, next_version, purge, unarchive, undo, update
from memos_cli.operations.maintain import compact, deepen, reindex, repair
from memos_cli.operations.reembed import reembed
from memos_cli.operations.transfer import import_lines
from memos_cli.schema import Change, Closing, Depth, Draft, Filters, MemoryItem, Relation, Status
from memos_cli.session import Session
from memos_cli.stores.keywords import Keywords
from memos_cli.stores.table import Table
from memos_cli.stores.table_files import manifest_of, newest_version, versions_of
from memos_cli.stores.vectors import Vectors

OSLO, ROME = "Mia lives in Oslo.", "Mia lives in Rome."
EVERY = tuple(s for s in Status if s is not Status.PURGED)


def levelled(session: Session) -> bool:
    cube = session.cube
    return cube.keywords.revision == cube.revision and (
        cube.vectors is None or cube.vectors.revision == cube.revision
    )


def texts(session: Session, **filters: Any) -> set[str]:
    return {i.memory for i in list_memories(session, Filters(**filters), limit=1000).items}


def files_with(root: Path, text: str) -> list[Path]:
    return [p for p in root.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]


def item(text: str, **fields: Any) -> MemoryItem:
    return MemoryItem(memory=text, valid_from=datetime.now(UTC), **fields)


# a commit


def test_a_commit_is_one_version_of_the_table_and_level_everywhere(session: Session) -> None:
    before = session.cube.revision
    made = [item("One.", key="a"), item("Two.", key="b")]
    result = session.cube.commit(Change(verb="test", actor="me", puts=tuple(made)))
    assert result.revision == session.cube.revision == before + 1
    assert result.notes == []
    assert levelled(session)
    stored = session.cube.table.items(None)
    assert [(i.id, i.memory, i.verb, i.actor) for i in stored] == [
        (made[0].id, "One.", "test", "me"),
        (made[1].id, "Two.", "test", "me"),
    ]


def test_an_empty_change_writes_nothing(session: Session) -> None:
    before = session.cube.revision
    assert session.cube.commit(Change(verb="test")).revision == before == session.cube.revision


def test_puts_and_closings_are_one_commit(session: Session) -> None:
    (id,) = add_texts(session, OSLO)
    old, before = find(session, id), session.cube.revision
    new = next_text(old, ROME, None)
    change = Change(
        verb="test", puts=(new,), closings=(Closing(id=id, row=old.row, valid_to=new.valid_from),)
    )
    session.cube.commit(change)
    assert session.cube.revision == before + 1
    first, second = history(session, id).versions
    assert (first.known_to, first.closed_by, first.valid_to) == (change.time, change.id, new.valid_from)
    assert (second.known_from, second.known_to, second.predecessor) == (change.time, None, first.row)
    assert texts(session) == {ROME}


def test_a_change_computed_from_an_outdated_version_is_refused_whole(session: Session) -> None:
    (id,) = add_texts(session, OSLO)
    old = find(session, id)
    update(session, id, ROME)
    before = session.cube.revision
    late = Change(
        verb="test",
        puts=(next_text(old, "Mia lives in Bern.", None), item("Unrelated.")),
        closings=(Closing(id=id, row=old.row),),
    )
    with pytest.raises(StaleChange):
        session.cube.commit(late)
    assert session.cube.revision == before
    assert texts(session) == {ROME}


def test_a_purge_stands_alone(session: Session) -> None:
    (id,) = add_texts(session, OSLO)
    with pytest.raises(ValueError, match="of its own"):
        session.cube.commit(Change(verb="purge", purges=(id,), puts=(item("Two."),)))
    assert texts(session) == {OSLO}


def test_vectors_of_a_wrong_dimension_are_refused_before_anything_is_written(session: Session) -> None:
    put = item("One.")
    before = session.cube.revision
    with pytest.raises(EmbedderMismatch):
        session.cube.commit(Change(verb="test", puts=(put,), vectors={put.row: np.zeros((1, 7), np.float16)}))
    assert session.cube.revision == before
    assert check(session.cube).problems == ()


def test_a_session_sees_what_another_one_wrote(open_cube: OpenCube) -> None:
    mine, theirs = open_cube(), open_cube()
    add_texts(mine, OSLO)
    assert texts(theirs) == {OSLO}
    (id,) = add_texts(theirs, "The kettle leaks.")
    update(mine, id, "The kettle was mended.")
    assert found_by(theirs, "kettle")[0] == "The kettle was mended."
    assert log(theirs).total == log(mine).total == 3


def test_opening_what_is_not_there_or_too_new(session: Session, cube_path: Path, tmp_path: Path) -> None:
    with pytest.raises(CubeNotFound):
        MemCube.open(tmp_path / "nowhere")
    with pytest.raises(CubeExists):
        MemCube.create(cube_path)
    with pytest.raises(StorageError, match="too long"):
        MemCube.create(tmp_path / ("x" * 300))
    config = cube_path / "config.json"
    config.write_text(config.read_text().replace('"features_write": [', '"features_write": ["later-1",'))
    assert texts(session) == set()
    with pytest.raises(FormatTooNew):
        add_texts(session, OSLO)


# versions, times, undo


def test_as_of_asks_what_was_true_and_known_at_what_was_held(session: Session) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    (id,) = add_texts(session, OSLO, said_at=day)
    between = datetime.now(UTC)
    update(session, id, ROME, said_at=day + timedelta(days=60))
    after = datetime.now(UTC)
    assert texts(session) == {ROME}
    for when, said in ((-1, set()), (0, {OSLO}), (59, {OSLO}), (60, {ROME}), (99, {ROME})):
        at = day + timedelta(days=when)
        assert texts(session, as_of=at) == said
        assert set(found_by(session, "where lives Mia", as_of=at)) == said
    assert texts(session, known_at=between) == {OSLO}
    assert texts(session, known_at=after) == {ROME}
    assert texts(session, known_at=day) == set()
    assert [i.memory for i in history(session, id).versions] == [OSLO, ROME]


def test_archived_memories_hide_and_come_back(session: Session) -> None:
    one, two = add_texts(session, OSLO, "The kettle leaks.")
    result = archive(session, [one, two])
    assert set(result.ids) == {one, two}
    assert texts(session) == set()
    assert found_by(session, "kettle") == []
    assert texts(session, statuses=(Status.ARCHIVED,)) == {OSLO, "The kettle leaks."}
    assert texts(session, as_of=datetime.now(UTC)) == set()
    unarchive(session, [two])
    assert texts(session, as_of=datetime.now(UTC)) == {"The kettle leaks."}
    assert found_by(session, "kettle", "vector") == ["The kettle leaks."]
    with pytest.raises(MemoryNotFound):
        archive(session, [two, "0000-nobody"])
    assert texts(session) == {"The kettle leaks."}


def test_undo_takes_back_any_change_and_itself(session: Session) -> None:
    result = add(session, [Draft(memory=OSLO), Draft(memory="The kettle leaks.")])
    id = result.added[0].id
    changed = update(session, id, ROME).change
    assert undo(session, changed).ids == (id,)
    assert find(session, id).memory == OSLO
    undo(session)
    assert find(session, id).memory == ROME
    with pytest.raises(UndoConflict):
        undo(session, result.change)
    assert texts(session) == {ROME, "The kettle leaks."}
    assert [i.memory for i in history(session, id).versions] == [OSLO, ROME, OSLO, ROME]
    archive(session, [id])
    undo(session)
    assert found_by(session, "Mia", "vector")[0] == ROME
    with pytest.raises(ChangeNotFound):
        undo(session, "0000")


def test_undo_of_an_add_hides_and_undoing_that_shows(session: Session) -> None:
    add_texts(session, OSLO, "The kettle leaks.")
    undo(session)
    assert texts(session) == set()
    assert add(session, [Draft(memory="The kettle leaks.")]).added, "what was undone is not known"
    undo(session)
    undo(session, log(session).changes[2].id)
    assert texts(session) == {OSLO, "The kettle leaks."}
    assert check(session.cube).problems == ()


def test_an_update_says_something_else(session: Session) -> None:
    (id,) = add_texts(session, OSLO)
    assert update(session, id, OSLO).change is None
    with pytest.raises(BadInput):
        update(session, id, "  ")
    with pytest.raises(MemoryNotFound):
        update(session, "0000-nobody", ROME)


# purge


def test_a_purge_leaves_nothing_in_store_index_history_or_file(open_cube: OpenCube, cube_path: Path) -> None:
    session = open_cube("tree_text")
    id, other = add_texts(session, "The password is xylophone77.", "The kettle leaks.")
    update(session, id, "The password is marzipan88.")
    add(session, [Draft(memory="It hangs on the kettle.", relations=(Relation(kind="about", target=id),))])
    session.cube.ready_graph()
    changed = purge(session, [id]).change
    for secret in ("xylophone77", "marzipan88"):
        assert files_with(cube_path, secret) == []
        assert all(secret not in text for text in found_by(session, secret, statuses=EVERY))
    with pytest.raises(MemoryNotFound):
        find(session, id)
    assert [i.status for i in session.cube.table.items(f"id = '{id}'")] == [Status.PURGED]
    assert texts(session, known_at=datetime.now(UTC)) == {"The kettle leaks.", "It hangs on the kettle."}
    assert find(session, other).memory == "The kettle leaks."
    with pytest.raises(NothingToUndo):
        undo(session, changed)
    session.cube.ready_graph()
    assert check(session.cube).problems == ()


def test_a_purged_text_that_another_memory_holds_is_said(session: Session) -> None:
    one, _ = add_texts(session, OSLO, f"She wrote: {OSLO}")
    assert "Other memories hold the words" in purge(session, [one]).notes[0]


def test_a_purge_takes_staged_vectors_along(session: Session) -> None:
    from memos_cli.operations.reembed import _embed_missing, _Stage
    from memos_cli.providers.embedder import fingerprint, resolve

    one, _ = add_texts(session, OSLO, "The kettle leaks.")
    model = resolve("hash:32", settings=session.settings)
    stage = _Stage(session.cube, fingerprint(model))
    _embed_missing(session.cube, model, stage, 2, None)
    assert list(session.cube.layout.staging.iterdir())
    purge(session, [one])
    assert not session.cube.layout.staging.exists()
    assert reembed(session, "hash:32").resumed == 0
    assert check(session.cube).problems == ()


# cut short at any step


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the package catches it."""


STEPS: tuple[tuple[type, str], ...] = (
    (Table, "append"),
    (Table, "_swap"),
    (Table, "_sync"),
    (Table, "compact"),
    (Table, "clean"),
    (Table, "add_vectors"),
    (Table, "drop_vectors"),
    (Keywords, "absorb"),
    (Keywords, "rebuild"),
    (Vectors, "absorb"),
    (Vectors, "rebuild"),
    (MemCube, "set_config"),
    (MemCube, "reindex"),
)


def kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Die before the step with this number; how many were taken is what the returned function says."""
    taken = 0

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken > number:
                raise Killed
            return original(*arguments, **named)

        return step

    for owner, name in STEPS:
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
    return lambda: taken


def _edit_many(session: Session) -> None:
    add(session, [Draft(memory="Fresh one.", external_id="e"), Draft(memory="Fresh two.")])


def _resend(session: Session) -> None:
    add(session, [Draft(memory="Fresh one.", external_id="kettle"), Draft(memory="Fresh two.")])


PREPARED = {OSLO, "The kettle leaks.", "The lamp is red."}

OPERATIONS: dict[str, tuple[Callable[[Session], Any], set[str]]] = {
    "add": (_edit_many, {*PREPARED, "Fresh one.", "Fresh two."}),
    "resend": (_resend, {OSLO, "The lamp is red.", "Fresh one.", "Fresh two."}),
    "update": (
        lambda s: update(s, id_of(s, OSLO), ROME),
        {ROME, "The kettle leaks.", "The lamp is red."},
    ),
    "archive": (
        lambda s: archive(s, [id_of(s, OSLO), id_of(s, "The kettle leaks.")]),
        {"The lamp is red."},
    ),
    "undo": (lambda s: undo(s), set()),
    "purge": (
        lambda s: purge(s, [id_of(s, OSLO), id_of(s, "The kettle leaks.")]),
        {"The lamp is red."},
    ),
    "import": (
        lambda s: import_lines(s, ['{"memory": "Fresh one."}', '{"memory": "Fresh two."}']),
        {*PREPARED, "Fresh one.", "Fresh two."},
    ),
    "compact": (compact, PREPARED),
    "reembed": (lambda s: reembed(s, "hash:32"), PREPARED),
    "deepen": (lambda s: deepen(s, Depth.GENERAL), PREPARED),
    "reindex": (reindex, PREPARED),
    "repair": (lambda s: repair(s.ref, s.settings), PREPARED),
}


def id_of(session: Session, text: str) -> str:
    return next(i.id for i in list_memories(session, Filters(), limit=99).items if i.memory == text)


@pytest.mark.parametrize("verb", OPERATIONS)
def test_cut_short_before_any_step_it_is_there_wholly_or_not_at_all(
    verb: str, open_cube: OpenCube, tmp_path: Path
) -> None:
    operation, after = OPERATIONS[verb]
    prepared = open_cube("naive_text" if verb == "deepen" else "general_text")
    add(
        prepared,
        [
            Draft(memory=OSLO),
            Draft(memory="The kettle leaks.", external_id="kettle"),
            Draft(memory="The lamp is red."),
        ],
    )
    before = texts(prepared)
    seen, number = set(), 0
    while True:
        path = tmp_path / f"killed-{number}"
        shutil.copytree(prepared.cube.root, path)
        with pytest.MonkeyPatch.context() as patch:
            steps = kill_at(patch, number)
            try:
                operation(open_cube(path=path))
            except Killed:
                done = False
            else:
                done = True
        session = open_cube(path=path)
        session.cube.view()
        found = texts(session)
        assert found in (before, after), f"after {number} steps"
        assert {t for t in found if t in found_by(session, t)} == found
        seen.add(frozenset(found))
        assert levelled(session)
        assert check(session.cube).problems == ()
        if verb == "purge" and found == after:
            assert files_with(path, OSLO) == []
        add_texts(session, "Life goes on.")
        assert check(session.cube).problems == ()
        if done:
            assert steps() == number
            break
        number += 1
        shutil.rmtree(path)
    assert seen == {frozenset(before), frozenset(after)}
    assert number >= 3, "the steps are not those that the operation takes"


def test_a_projection_that_went_missing_or_is_damaged_comes_back(session: Session, cube_path: Path) -> None:
    add_texts(session, OSLO, "The kettle leaks.")
    for name in ("keywords", "vectors"):
        shutil.rmtree(cube_path / name)
        assert found_by(session, "kettle")[0] == "The kettle leaks."
    (cube_path / "keywords" / "CURRENT").write_text("{")
    (cube_path / "vectors" / "header").write_bytes(b"\0" * 40)
    assert found_by(session, "kettle", "vector")[0] == "The kettle leaks."
    assert found_by(session, "kettle", "keyword") == ["The kettle leaks."]
    assert check(session.cube).problems == ()


def test_an_index_of_another_version_of_memos_is_no_damage(open_cube: OpenCube, cube_path: Path) -> None:
    session = open_cube("tree_text")
    add_texts(session, "one kept thing")
    session.cube.ready_graph()
    older = {"keywords/CURRENT": '"schema": "', "vectors/header": '"schema": ', "graph/CURRENT": '"schema": '}
    for name, written in older.items():
        file = cube_path / name
        text = file.read_text()
        assert written in text
        file.write_text(text.replace(written, f"{written}9"))
    result = check(open_cube().cube)
    assert result.ok, result.problems
    assert [note.split()[2] for note in result.notes] == ["keywords", "vectors", "graph"]
    assert all("another version of memos" in note for note in result.notes)
    again = open_cube()
    assert found_by(again, "kept") == ["one kept thing"]
    again.cube.ready_graph()
    assert check(again.cube).notes == ()


def test_the_graph_is_brought_up_when_it_is_asked_for(open_cube: OpenCube) -> None:
    session = open_cube("tree_text")
    (topic,) = add_texts(session, "Plumbing.")
    (leak,) = add_texts(session, "The kettle leaks.", parent=topic)
    assert session.cube.ready_graph().children(topic) == [leak]
    (drip,) = add_texts(session, "The tap drips.", parent=topic)
    assert session.cube.graph.revision != session.cube.revision
    assert set(session.cube.ready_graph().children(topic)) == {leak, drip}
    archive(session, [drip])
    undo(session, log(session).changes[2].id)
    session.cube.ready_graph()
    assert check(session.cube).problems == ()


# upkeep


def test_reembed_changes_every_vector_and_later_adds_use_the_new_model(open_cube: OpenCube) -> None:
    mine, theirs = open_cube(), open_cube()
    (id,) = add_texts(mine, OSLO, "The kettle leaks.")[:1]
    update(mine, id, ROME)
    assert found_by(theirs, "kettle", "vector")
    result = reembed(theirs, "hash:32")
    assert (result.before, result.dimension, result.embedded) == ("hash:64", 32, 3)
    assert list(mine.cube.table.vector_columns()) == [mine.cube.column]
    assert found_by(mine, "kettle", "vector")[0] == "The kettle leaks."
    add_texts(mine, "The lamp is red.")
    update(mine, id, "Mia lives in Bern.")
    assert check(mine.cube).problems == ()
    assert found_by(theirs, "lamp red", "vector")[0] == "The lamp is red."
    undo(mine)
    assert check(mine.cube).problems == ()


def test_texts_embedded_before_a_reembed_are_embedded_again(
    open_cube: OpenCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process gives the cube another model of the same dimension between embedding and lock."""
    mine, theirs = open_cube(embedder="static"), open_cube()
    reembed(theirs, "hash:256")
    writing = mine.cube.writing

    def late(verb: str) -> Any:
        monkeypatch.undo()
        reembed(theirs, "static")
        return writing(verb)

    monkeypatch.setattr(mine.cube, "writing", late)
    add_texts(mine, OSLO)
    made = [v for t in mine.cube.table.tails(None, mine.cube.column) for v in t.vectors.values()]
    assert len(made) == 1
    wanted = mine.embedder.embed_documents([OSLO])[0]
    assert mine.embedder.name == "static"
    np.testing.assert_allclose(made[0].astype(np.float32), wanted, atol=2e-3)


def test_two_that_reembed_to_the_same_model_share_the_work(open_cube: OpenCube) -> None:
    mine, theirs = open_cube(), open_cube()
    add_texts(mine, OSLO, "The kettle leaks.")
    reembed(theirs, "hash:32")
    assert reembed(mine, "hash:32").dimension == 32
    assert check(mine.cube).problems == ()
    assert found_by(theirs, "kettle", "vector")[0] == "The kettle leaks."


def test_deepening_where_the_memories_lie(open_cube: OpenCube) -> None:
    session = open_cube("naive_text")
    (topic,) = add_texts(session, "Plumbing.")
    (leak,) = add_texts(session, "The kettle leaks.", parent=topic)
    assert session.cube.vectors is None
    assert deepen(session, Depth.GENERAL).embedded == 2
    assert found_by(session, "kettle", "vector")[0] == "The kettle leaks."
    deepen(session, Depth.TREE)
    assert session.cube.graph.children(topic) == [leak]
    with pytest.raises(UsageError):
        deepen(session, Depth.GENERAL)
    assert check(session.cube).problems == ()
    assert open_cube().cube.config.depth is Depth.TREE


def test_fragments_are_merged_by_themselves_and_nothing_changes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos_cli.stores.table.TIERS", ((100, 6),))
    for n in range(8):
        add_texts(session, f"Note number {n} of {n * n}.")
    assert len(session.cube.table.dataset.get_fragments()) < 6
    assert len(texts(session)) == 8
    assert levelled(session)
    assert check(session.cube).problems == ()


def test_compact_keeps_every_version(session: Session) -> None:
    (id,) = add_texts(session, OSLO)
    for n in range(3):
        update(session, id, f"Mia lives in house {n}.")
    result = compact(session)
    assert result.fragments_after == 1 < result.fragments_before
    assert len(history(session, id).versions) == 4
    assert len(list((session.cube.layout.table / "_versions").glob("*.manifest"))) == 1
    assert check(session.cube).problems == ()


def tear(session: Session) -> int:
    """Cut the newest manifest as a power loss would; which version it was."""
    newest = newest_version(session.cube.layout.table)
    assert newest is not None
    path = manifest_of(session.cube.table.path, newest)
    path.write_bytes(path.read_bytes()[:20])
    return newest


def test_a_torn_manifest_is_set_aside_and_what_came_before_stands(open_cube: OpenCube) -> None:
    session = open_cube()
    add_texts(session, OSLO)
    session.cube.table.append([item("The kettle leaks.")], {}, None)  # the indexes were not reached
    torn = tear(session)
    session = open_cube()
    assert texts(session) == {OSLO}
    assert session.cube.revision == torn - 1
    (problem,) = check(session.cube).problems
    assert "torn" in problem.what
    add_texts(session, "The lamp is red.")
    assert texts(session) == {OSLO, "The lamp is red."}
    assert repair(session.ref, session.settings).ok
    assert texts(session) == {OSLO, "The lamp is red."}
    assert check(session.cube).problems == ()


def test_an_index_ahead_of_a_torn_table_follows_it_back(open_cube: OpenCube) -> None:
    session = open_cube()
    add_texts(session, OSLO)
    add_texts(session, "The kettle leaks.")
    tear(session)
    session = open_cube()
    add_texts(session, "The lamp is red.")
    assert texts(session) == {OSLO, "The lamp is red."}
    assert {OSLO, "The lamp is red."} >= set(found_by(session, "kettle leaks", "vector"))
    assert repair(session.ref, session.settings).ok


def test_a_whole_manifest_over_missing_data_is_damage_and_not_set_aside(
    open_cube: OpenCube, cube_path: Path
) -> None:
    session = open_cube()
    add_texts(session, OSLO)
    before = session.cube.revision
    for path in (cube_path / "memories.lance" / "data").iterdir():
        path.unlink()
    session = open_cube()
    with pytest.raises((TableDamaged, IntegrityError)):
        reindex(session)
    assert newest_version(session.cube.layout.table) == before
    assert not check(session.cube).ok


# other programs


def test_any_lancedb_client_opens_the_table(session: Session, cube_path: Path) -> None:
    (id,) = add_texts(session, OSLO)
    code = (
        "import sys, lancedb\n"
        "table = lancedb.connect(sys.argv[1]).open_table('memories')\n"
        "(row,) = table.search().where('known_to IS NULL').to_list()\n"
        "print(row['id'], row['memory'], table.count_rows(), sep='|')\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(cube_path)], capture_output=True, text=True)
    assert run.stdout.strip() == f"{id}|{OSLO}|1", run.stderr


def write_foreign(session: Session) -> None:
    """Append a row as a client would that knows nothing of us."""
    import lance
    import pyarrow as pa

    rows = pa.table({"row": ["r-1"], "id": ["foreign-1"], "memory": ["The kettle leaks."]})
    names = [session.cube.table.dataset.schema.field(name) for name in rows.column_names]
    lance.write_dataset(rows.cast(pa.schema(names)), str(session.cube.layout.table), mode="append")


@pytest.mark.parametrize("moment", ["append", "_sync", "expunge"])
def test_a_row_that_another_program_writes_in_the_moment_of_a_commit_is_taken_in(
    moment: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(Table, moment)

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        write_foreign(session)
        return original(*arguments)

    (id,) = add_texts(session, "The lamp is red.")
    monkeypatch.setattr(Table, moment, meanwhile)
    if moment == "expunge":
        purge(session, [id])
        assert texts(session) == {"The kettle leaks."}
    else:
        add_texts(session, OSLO)
        assert texts(session) == {OSLO, "The lamp is red.", "The kettle leaks."}
    assert levelled(session)


def test_an_index_that_cannot_follow_is_a_note_and_the_next_writer_mends_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise StorageFull(path=session.cube.root)

    monkeypatch.setattr(Keywords, "absorb", refused)
    result = add(session, [Draft(memory=OSLO)])
    monkeypatch.undo()
    assert [a.memory for a in result.added] == [OSLO]
    assert "could not follow" in result.notes[0]
    add_texts(session, "The lamp is red.")
    assert texts(session) == {OSLO, "The lamp is red."}
    assert check(session.cube).problems == ()


def test_rows_that_another_program_wrote_are_taken_in(session: Session) -> None:
    add_texts(session, OSLO)
    write_foreign(session)
    assert not check(session.cube).ok
    assert repair(session.ref, session.settings).ok
    assert texts(session) == {OSLO, "The kettle leaks."}
    assert found_by(session, "kettle leaks", "vector")[0] == "The kettle leaks."
    purge(session, ["foreign-1"])
    assert texts(session) == {OSLO}
    assert check(session.cube).problems == ()


def test_a_check_while_somebody_writes_judges_what_is_there_afterwards(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_texts(session, OSLO)
    found = Keywords.all_ordinals

    def meanwhile(keywords: Keywords) -> set[int]:
        monkeypatch.undo()
        add_texts(session, "The lamp is red.")
        return found(keywords)

    monkeypatch.setattr(Keywords, "all_ordinals", meanwhile)
    result = check(session.cube)
    assert result.problems == ()
    assert result.counts["memories"] == 2


def test_check_names_the_store_that_differs(session: Session) -> None:
    ids = add_texts(session, OSLO, "The kettle leaks.")
    tails = list(session.cube.table.tails(None, session.cube.column))
    session.cube.keywords.rebuild([], session.cube.revision)
    assert session.cube.vectors is not None
    session.cube.vectors.rebuild([], session.cube.revision)
    stores = {p.store for p in check(session.cube).problems}
    assert stores == {"keywords", "vectors"}
    reindex(session)
    assert check(session.cube).problems == ()
    double = next_version(tails[0].items[0], memory=ROME)
    session.cube.table.append([double], {}, None)
    assert any(ids[0] in p.ids for p in check(session.cube).problems if p.store == "table")


@pytest.mark.parametrize("naming", ["new", "old", "both"])
def test_the_newest_version_is_read_off_the_names(tmp_path: Path, naming: str) -> None:
    """Whatever else stands in the folder: Lance's hint, a manifest on its way, one set aside as torn."""
    folder = tmp_path / "_versions"
    assert newest_version(tmp_path) is None
    folder.mkdir()
    for name in (
        "latest_version_hint.json",
        "99.manifest.torn",
        f"{(1 << 64) - 100}.manifest#1",
        "x.manifest",
    ):
        (folder / name).touch()
    assert newest_version(tmp_path) is None
    for version in (2, 9, 10, 41, 7):
        old = naming == "old" or (naming == "both" and version == 41)
        (folder / f"{version if old else (1 << 64) - 1 - version}.manifest").touch()
    assert newest_version(tmp_path) == 41
    assert sorted(versions_of(tmp_path)) == [2, 7, 9, 10, 41]
