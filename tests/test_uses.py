"""Usage counts: a spool that many processes append to, folded without losing a line or waiting."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memos_cli.operations import add, browse, search
from memos_cli.operations.search_many import search_many
from memos_cli.schema import Draft, Query
from memos_cli.stores import usage as module
from memos_cli.stores.usage import Usage, Used

PROCESSES, LINES = 8, 150


@pytest.fixture
def usage(tmp_path: Path) -> Usage:
    return Usage(tmp_path / "usage.json", tmp_path / "usage.jsonl")


WRITE = """
import sys
from pathlib import Path
from memos_cli.stores.usage import Usage
folder, name, lines = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
usage = Usage(folder / "usage.json", folder / "usage.jsonl")
sys.exit(not all(usage.note([name, "shared"]) for _ in range(lines)))
"""


def test_lines_of_many_processes_are_all_counted_while_somebody_folds(usage: Usage, tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(PROCESSES)]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), name, str(LINES)]) for name in names
    ]
    folds = 0
    while any(writer.poll() is None for writer in writers):
        folds += usage.fold() > 0
    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    assert folds > 1
    usage.fold()
    counts = usage.counts()
    assert counts["shared"].uses == PROCESSES * LINES
    assert {counts[f"p{n}"].uses for n in range(PROCESSES)} == {LINES}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["usage.json"]


def test_the_spool_counts_before_and_after_it_is_folded(usage: Usage) -> None:
    before = int(time.time())
    assert usage.note(["a", "b"])
    assert usage.note(["a"])
    counted = usage.counts()
    assert (counted["a"].uses, counted["b"].uses) == (2, 1)
    assert counted["a"].last >= before
    assert usage.fold() == 2
    assert usage.counts() == counted
    assert usage.fold() == 0


def test_a_line_in_the_making_is_left_for_the_next_fold(usage: Usage, tmp_path: Path) -> None:
    usage.note(["a"])
    with (tmp_path / "usage.jsonl").open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert usage.fold() == 0  # and does not wait
        assert usage.counts()["a"].uses == 1
        writer.write(b'[7,"a"]\n')
    assert usage.fold() == 2
    assert usage.counts()["a"].uses == 2


def test_torn_lines_and_damaged_counts_are_nothing(usage: Usage, tmp_path: Path) -> None:
    (tmp_path / "usage.jsonl").write_bytes(b'[1,"a"]\n[2,"a\n{}\n[]\n["x","a"]\n[3,"a"]\n')
    assert usage.counts() == {"a": Used(2, 3)}
    (tmp_path / "usage.json").write_bytes(b"no JSON")
    assert usage.fold() == 2
    assert usage.counts() == {"a": Used(2, 3)}


def test_a_full_spool_takes_no_more(usage: Usage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 30)
    assert usage.note(["a" * 20])
    assert not usage.note(["b"])
    assert usage.fold() == 1
    assert usage.note(["b"])


def test_no_link_is_followed_out_of_the_cube(usage: Usage, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / "usage.jsonl").symlink_to(victim)
    assert not usage.note(["a"])
    assert victim.read_text() == "keep"


# -- in a cube


def test_a_search_counts_its_first_ten_hits(session, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [one.id for one in add.add(session, [Draft(memory=f"tea number {n}") for n in range(12)]).added]
    hits = search.search(session, Query(text="tea", k=12)).hits
    assert len(hits) == 12
    assert sorted(session.cube.usage.counts()) == sorted(hit.item.id for hit in hits[:10])
    assert browse.usage_of(session, hits[0].item.id).count == 1
    assert browse.usage_of(session, hits[11].item.id) == browse.Usage(count=0, last=None)
    stats = browse.stats(session)
    assert (stats.used, stats.uses) == (10, 10)
    monkeypatch.setattr(module, "FOLD_AT", 1)
    add.add(session, [Draft(memory="the next writer folds")])
    assert not session.cube.layout.usage_spool.exists()
    assert browse.stats(session).uses == 10
    assert set(ids) >= set(session.cube.usage.counts())


def test_the_setting_switches_counting_off(open_cube) -> None:
    quiet = open_cube(count_uses=False)
    add.add(quiet, [Draft(memory="tea")])
    search.search(quiet, Query(text="tea"))
    assert not quiet.cube.layout.usage_spool.exists()


def test_of_several_cubes_only_what_is_shown_is_counted(open_cube, tmp_path: Path, settings) -> None:
    one, other = open_cube(path=tmp_path / "one"), open_cube(path=tmp_path / "other")
    add.add(one, [Draft(memory="green tea with mint")])
    add.add(other, [Draft(memory="a bicycle in the shed")])
    shown = search_many([one.ref, other.ref], settings, Query(text="green tea mint", k=1)).hits
    assert list(one.cube.usage.counts()) == [shown[0].item.id]
    assert other.cube.usage.counts() == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_cube_is_searched_without_counting(session) -> None:
    add.add(session, [Draft(memory="tea")])
    local = session.cube.layout.local
    local.chmod(0o555)
    try:
        assert search.search(session, Query(text="tea")).hits
    finally:
        local.chmod(0o755)
    assert session.cube.usage.counts() == {}


def test_a_search_outlives_a_spool_that_cannot_be_written(session) -> None:
    add.add(session, [Draft(memory="tea")])
    session.cube.layout.usage_spool.mkdir()
    result = search.search(session, Query(text="tea"))
    assert result.hits
    assert not result.notes
