"""The graph projection: against plain dictionaries, across generations, kills and damage."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_vectors import in_small_filesystem

from memos_cli.errors import ProjectionDamaged, UsageError
from memos_cli.schema import Kind, Level, MemoryItem, Relation, Status, Tail
from memos_cli.stores import graph as graphs
from memos_cli.stores.graph import M_PERTURB, Graph, GraphContents

CLOSED = datetime(2026, 5, 1, tzinfo=UTC)
COUNT = "MATCH (m:Memory) WHERE m.kind IS NOT NULL RETURN count(*)"


class Truth:
    """Versions of a few memories that point at each other, and what the graph of them must be."""

    def __init__(self, seed: int, size: int = 30) -> None:
        self.pick = random.Random(seed)
        self.ids = [f"m{i}" for i in range(size)]
        self.rows: dict[int, MemoryItem] = {}
        self.current: dict[str, int] = {}
        self.seq = 0

    def item(self, id: str, status: Status = Status.ACTIVATED) -> MemoryItem:
        pick = self.pick
        relations = tuple(
            Relation(
                kind=pick.choice(["about", "contradicts"]), target=pick.choice(self.ids), weight=pick.random()
            )
            for _ in range(pick.randrange(3))
        )
        gone = status is Status.PURGED
        return MemoryItem(
            id=id,
            memory="x",
            kind=pick.choice(list(Kind)),
            level=pick.choice(list(Level)),
            status=status,
            parent=None if gone else pick.choice([None, *self.ids]),
            relations=() if gone else relations,
        )

    def change(self, count: int) -> Tail:
        """New versions of some memories, each closing the one before, as a change has them."""
        self.seq += 1
        rows: dict[int, MemoryItem] = {}
        for place, id in enumerate(self.pick.sample(self.ids, count)):
            if id in self.current:
                old = self.current[id]
                rows[old] = self.rows[old].but(known_to=CLOSED)
            weights = (8, 1, 1, 1, 1)
            status = self.pick.choices(list(Status), weights)[0]
            rows[self.seq << 24 | place] = self.item(id, status)
            self.current[id] = self.seq << 24 | place
        self.rows |= rows
        return as_tail(rows)

    def everything(self) -> Tail:
        return as_tail(self.rows)

    def contents(self) -> GraphContents:
        found = GraphContents()
        for item in self.rows.values():
            if item.known_to is not None or item.status in (Status.DELETED, Status.PURGED):
                continue
            found.nodes[item.id] = (str(item.kind), str(item.level), str(item.status))
            if item.parent is not None:
                found.parents[item.id] = item.parent
            for r in item.relations:
                found.relations[item.id, r.kind, r.target] = r.weight
        targets = {*found.parents.values(), *(target for _, _, target in found.relations)}
        found.placeholders = targets - found.nodes.keys()
        return found


def as_tail(rows: dict[int, MemoryItem]) -> Tail:
    ordered = dict(sorted(rows.items()))
    return Tail(tuple(ordered.values()), tuple(ordered))


def names(graph: Graph) -> list[str]:
    return sorted(p.name for p in graph.directory.iterdir())


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    made = Graph(tmp_path / "graph")
    made.rebuild([], 0)
    yield made
    made.close()


@pytest.mark.parametrize("small_tail", [0, 3, 1000], ids=["copy", "both", "apply"])
def test_each_generation_agrees_with_the_rows(graph: Graph, small_tail: int) -> None:
    graph.small_tail = small_tail
    truth = Truth(small_tail)
    for revision in range(1, 9):
        tail = truth.change(truth.pick.choice([1, 2, 5, 12]))
        graph.absorb(tail, revision)
        if revision % 4 == 0:
            graph.absorb(tail, revision)
        assert graph.revision == revision
        assert graph.edges() == truth.contents()
    other = Graph(graph.directory)
    assert other.edges() == truth.contents()
    other.rebuild([truth.everything()], 50)
    assert (graph.revision, graph.edges()) == (50, truth.contents())
    other.close()


def test_replaying_from_the_beginning_changes_nothing(graph: Graph) -> None:
    truth = Truth(7)
    tails = [truth.change(4) for _ in range(6)]
    for _ in range(2):
        for revision, tail in enumerate(tails, 1):
            graph.absorb(tail, revision)
        assert graph.edges() == truth.contents()
    graph.absorb(truth.everything(), 9)
    assert graph.edges() == truth.contents()


def test_an_empty_tail_advances_the_revision_without_a_new_file(graph: Graph) -> None:
    graph.absorb(Truth(1).change(3), 1)
    files = names(graph)
    content = graph.edges()
    graph.absorb(Tail((), ()), 8)
    assert Graph(graph.directory).revision == 8
    assert names(graph) == files
    assert graph.edges() == content


def test_what_is_pointed_to_before_it_comes_keeps_its_edges(graph: Graph) -> None:
    child = MemoryItem(
        id="child", memory="x", parent="topic", relations=(Relation(kind="about", target="other"),)
    )
    graph.absorb(Tail((child,), (1,)), 1)
    assert graph.edges().placeholders == {"topic", "other"}
    assert graph.children("topic") == ["child"]
    topic = MemoryItem(id="topic", memory="x", level=Level.TOPIC)
    graph.absorb(Tail((topic,), (2,)), 2)
    assert graph.edges().placeholders == {"other"}
    assert graph.children("topic") == ["child"]
    purged = MemoryItem(id="topic", memory="", status=Status.PURGED)
    graph.absorb(Tail((topic.but(known_to=CLOSED), purged), (2, 3)), 3)
    assert set(graph.edges().nodes) == {"child"}
    assert graph.edges().placeholders == {"other", "topic"}
    closed, next_version = child.but(known_to=CLOSED), MemoryItem(id="child", memory="y")
    graph.absorb(Tail((closed, next_version), (1, 4)), 4)
    assert graph.edges() == GraphContents(nodes={"child": ("LongTermMemory", "fact", "activated")})


def test_a_version_that_is_closed_with_nothing_after_it_goes(graph: Graph) -> None:
    item = MemoryItem(id="a", memory="x")
    graph.absorb(Tail((item,), (1,)), 1)
    graph.absorb(Tail((item.but(known_to=CLOSED),), (1,)), 2)
    assert graph.edges() == GraphContents()


def test_odd_ids_and_kinds_are_kept(graph: Graph) -> None:
    odd = 'it\'s "quoted" \\ and, new\nline ♥ $id {x}'
    item = MemoryItem(
        id=odd, memory="x", parent=odd, relations=(Relation(kind=odd, target="t", weight=-0.5),)
    )
    for small_tail in (0, 10):
        graph.rebuild([], 0)
        graph.small_tail = small_tail
        graph.absorb(Tail((item,), (1,)), 1)
        assert graph.edges().parents == {odd: odd}
        assert graph.edges().relations == {(odd, odd, "t"): -0.5}
        assert graph.children(odd) == [odd]


def test_neighbours_are_counted_in_edges(graph: Graph) -> None:
    def memory(id: str, parent: str | None = None, *targets: str) -> MemoryItem:
        relations = tuple(Relation(kind="about", target=t) for t in targets)
        return MemoryItem(id=id, memory="x", parent=parent, relations=relations)

    items = (
        memory("a", "t"),
        memory("b", "t"),
        memory("t", "top"),
        memory("top"),
        memory("c", None, "b"),
        memory("z"),
    )
    graph.rebuild([Tail(items, tuple(range(6)))], 1)
    assert graph.neighbours(["a"], 1) == {"t": 1}
    assert graph.neighbours(["a"], 2) == {"t": 1, "top": 2, "b": 2}
    assert graph.neighbours(["a"], 9) == {"t": 1, "top": 2, "b": 2, "c": 3}
    assert graph.neighbours(["a", "c", "c"], 1) == {"t": 1, "b": 1}
    assert graph.neighbours(["z", "unknown"], 3) == {}
    assert graph.neighbours(["a"], 0) == {}


def test_walks_pass_what_is_missing_but_do_not_name_it(graph: Graph) -> None:
    items = tuple(MemoryItem(id=id, memory="x", parent="missing") for id in ("a", "b"))
    graph.rebuild([Tail(items, (1, 2))], 1)
    assert graph.neighbours(["a"], 2) == {"b": 2}


def test_queries_cannot_write_and_bad_ones_are_named(graph: Graph) -> None:
    graph.absorb(Truth(1).change(3), 1)
    before = graph.edges()
    for cypher in ("CREATE (m:Memory {id: 'x'})", "MATCH (m:Memory) DETACH DELETE m", "NONSENSE", "RETURN x"):
        with pytest.raises(UsageError):
            graph.query(cypher)
    assert Graph(graph.directory).edges() == before
    assert graph.query("MATCH (m:Memory {id: $id}) RETURN m.id", {"id": next(iter(before.nodes))})


def test_the_generation_before_stays_and_older_ones_go(graph: Graph) -> None:
    truth = Truth(3)
    for revision in range(1, 6):
        graph.absorb(truth.change(2), revision)
        assert len(names(graph)) == 3
        assert names(graph)[0] == "CURRENT"


def test_readers_never_fail_while_generations_come_and_go(graph: Graph) -> None:
    truth = Truth(4)
    sizes, stop, failures, seen = {0}, threading.Event(), [], set()

    def read() -> None:
        mine = Graph(graph.directory)
        while not stop.is_set():
            try:
                seen.add(mine.query(COUNT)[0][0])
            except Exception as e:
                failures.append(e)
                raise
        mine.close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for revision in range(1, 13):
            tail = truth.change(2)
            sizes.add(len(truth.contents().nodes))
            if revision % 5:
                graph.absorb(tail, revision)
            else:
                graph.rebuild([truth.everything()], revision)
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert seen <= sizes
    assert seen


DAMAGES = {
    "no CURRENT": lambda d, g: (d / "CURRENT").unlink(),
    "empty CURRENT": lambda d, g: (d / "CURRENT").write_bytes(b""),
    "garbage": lambda d, g: (d / "CURRENT").write_bytes(os.urandom(99)),
    "a number": lambda d, g: (d / "CURRENT").write_text("5"),
    "older schema": lambda d, g: (d / "CURRENT").write_text(json.dumps(g | {"schema": 0})),
    "further field": lambda d, g: (d / "CURRENT").write_text(json.dumps(g | {"x": 0})),
    "escapes": lambda d, g: (d / "CURRENT").write_text(json.dumps(g | {"file": "../x"})),
    "a directory": lambda d, g: ((d / "CURRENT").unlink(), (d / "CURRENT").mkdir()),
    "no file": lambda d, g: (d / g["file"]).unlink(),
    "short file": lambda d, g: os.truncate(d / g["file"], 10_000),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_said_and_rebuilt(graph: Graph, name: str) -> None:
    truth = Truth(2)
    graph.absorb(truth.change(5), 1)
    DAMAGES[name](graph.directory, json.loads((graph.directory / "CURRENT").read_text()))
    fresh = Graph(graph.directory)
    assert fresh.revision is None
    for use in (lambda: fresh.query(COUNT), lambda: fresh.absorb(truth.change(1), 2)):
        with pytest.raises(ProjectionDamaged):
            use()
    (graph.directory / "junk").mkdir()
    fresh.rebuild([truth.everything()], 3)
    assert (fresh.revision, fresh.edges()) == (3, truth.contents())
    assert not (graph.directory / "junk").exists()
    fresh.close()


def test_flipped_bits_are_noticed_before_kuzu_reads_them(graph: Graph) -> None:
    graph.absorb(Truth(2).change(5), 1)
    file = graph.directory / json.loads((graph.directory / "CURRENT").read_text())["file"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ProjectionDamaged, match="not what was written"):
        Graph(graph.directory).query(COUNT)
    with pytest.raises(ProjectionDamaged, match="not what was written"):
        Graph(graph.directory).absorb(Truth(2).change(1), 2)


FULL = textwrap.dedent("""
    import os, subprocess, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from memos_cli.errors import MemosError
    from memos_cli.stores.graph import Graph
    from test_graph import Truth

    def attempt(write):
        try:
            write()
            print("done")
        except MemosError as e:
            print(e.code)
        assert Graph(root / "graph").edges() == before

    root, truth = Path(sys.argv[1]), Truth(3, 2000)
    graph, first = Graph(root / "graph"), truth.change(20)
    graph.rebuild([first], 1)
    before, small, large = truth.contents(), truth.change(20), truth.change(1000)
    writes = (lambda: graph.absorb(small, 2), lambda: graph.absorb(large, 2), lambda: graph.rebuild([large], 2))
    for write in writes:
        for left in (0, 10_000, 300_000, 3_000_000):
            (root / "ballast").write_bytes(b"")
            disk = os.statvfs(root)
            (root / "ballast").write_bytes(bytes(disk.f_bavail * disk.f_frsize - left))
            attempt(write)
    (root / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,bind,ro", str(root)], check=True)
    for write in writes:
        attempt(write)
""")


def test_a_full_or_read_only_disk_is_named_and_leaves_the_graph(tmp_path: Path) -> None:
    printed = in_small_filesystem(FULL, tmp_path / "disk", "40m")
    assert printed == ["storage_full"] * 12 + ["not_permitted"] * 3


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_graph import TAILS, Truth
    from memos_cli.stores.graph import Graph

    graph, truth = Graph(Path(sys.argv[1])), Truth(11)
    print("ready", flush=True)
    for revision in range(1, TAILS + 1):
        tail = truth.change(3)
        if revision <= graph.revision:
            continue
        if revision % 5 == 0:
            graph.rebuild([truth.everything()], revision)
        else:
            graph.absorb(tail, revision)
        print(revision, flush=True)
""")
TAILS = 16


def test_killed_writers_leave_a_whole_graph(graph: Graph) -> None:
    """Eight writers are killed at random moments; a ninth finishes."""
    states, truth = [GraphContents()], Truth(11)
    for _ in range(TAILS):
        truth.change(3)
        states.append(truth.contents())
    pick, told = random.Random(1), 0
    code = WRITER.format(tests=str(Path(__file__).parent))
    for kill in range(9):
        command = [sys.executable, "-c", code, str(graph.directory)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            if kill < 8:
                time.sleep(pick.uniform(0.05, 0.5))
                writer.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in writer.stdout.read().split())])
        revision = graph.revision
        assert revision is not None
        assert revision >= told
        assert graph.edges() == states[revision]
    assert told == TAILS
    assert len(names(graph)) <= 3


PATTERN = 0xAB


@pytest.fixture
def patterned() -> Iterator[None]:
    """Memory that this process hands out is filled with PATTERN, where nobody asks for another."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if sys.platform != "linux" or mallopt is None:
        pytest.skip("only glibc tells what it hands out")
    mallopt(M_PERTURB, PATTERN ^ 0xFF)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


def unfilled(graph: Graph) -> int:
    """Bytes of the graph's files that nobody has written anything to, as far as they stand together."""
    runs = re.compile(re.escape(bytes([PATTERN])) + b"{16,}")
    return sum(
        len(run) for file in names(graph) for run in runs.findall((graph.directory / file).read_bytes())
    )


@pytest.mark.usefixtures("patterned")
@pytest.mark.parametrize("step", ["rebuild", "absorb"])
def test_nothing_that_this_process_freed_stands_in_a_file(
    step: str, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = Truth(7)
    rows = {ordinal: truth.item(f"m{ordinal % 30}") for ordinal in range(40)}
    if step == "absorb":
        graph.rebuild([as_tail({0: rows[0]})], 1)
        assert unfilled(graph) == 0
        ctypes.CDLL(None).mallopt(M_PERTURB, PATTERN ^ 0xFF)
        graph.absorb(as_tail(rows), 2)
    else:
        graph.rebuild([as_tail(rows)], 1)
    assert unfilled(graph) == 0
    monkeypatch.setattr(graphs, "_blank_memory", nullcontext)
    ctypes.CDLL(None).mallopt(M_PERTURB, PATTERN ^ 0xFF)
    graph.rebuild([as_tail(rows)], 3)
    assert unfilled(graph) > 1000, "the engine fills what it writes now: the precaution can go"
