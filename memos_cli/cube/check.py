"""Judging a cube: does every store agree with the table, is nothing purged left in a file.

Owns: what `memos check` compares, and what of it can be seen without reading a row (`quick`), mending what can be mended (`mend`), and the proof of a purge.
Does not own: rebuilding (`cube/cube`). Checking takes no lock and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_cli.cube.cube import MemCube, Projection, vector_column
from memos_cli.cube.overlay import remove_dead_overlays
from memos_cli.errors import IntegrityError, MemosError, TableDamaged
from memos_cli.schema import CheckResult, MemoryItem, Problem, Status, plain
from memos_cli.stores.nearness import content_hash
from memos_cli.stores.table import quoted
from memos_cli.stores.table_files import newest_version
from memos_cli.stores.table_reader import GO_BACK, Gap

if TYPE_CHECKING:
    from memos_cli.stores.graph import Graph
    from memos_cli.stores.keywords import Keywords
    from memos_cli.stores.vectors import Vectors

SHOWN_IDS = 20
SHORTEST = 3
"""Characters up to which a text is in any file by chance."""

FOREIGN = "another program added rows that memos has not taken in"
DECAYED = "Put `memories.lance` back from a copy, or write them anew: `memos update ID TEXT`."


ATTEMPTS = 5
"""Times that a cube is looked at again because somebody wrote to it meanwhile."""


@dataclass
class _Truth:
    """What the table says, row by row, without texts."""

    ordinals: set[int] = field(default_factory=set)
    embedded: dict[int, int] = field(default_factory=dict)
    """ordinal → number of spans"""
    current: dict[str, MemoryItem] = field(default_factory=dict)
    rows: int = 0
    differing: set[int] = field(default_factory=set)
    """Ordinals whose rows in the vector index are not what the table says."""
    whole: bool = False
    """Whether the table was read to its end, so that others can be compared with it."""


def check(cube: MemCube) -> CheckResult:
    """Compare every store with the table, byte by byte. Problems are listed, never raised.

    What killed readers left in the folder for temporary files goes: it may hold what was purged since.
    """
    remove_dead_overlays()
    for _ in range(ATTEMPTS):
        before = newest_version(cube.layout.table)
        result = _check(cube)
        # Stores that a writer moved between two looks differ without being damaged.
        if result.ok or result.revision == (before or 0):
            break
    return result


def quick(cube: MemCube) -> CheckResult:
    """Whether every file of the table is there as long as it was written, and the indexes are as far, and
    hold as many rows; no row is read. Problems are listed, never raised."""
    for _ in range(ATTEMPTS):
        before = newest_version(cube.layout.table) or 0
        counts: dict[str, int] = {}
        problems = _judged("table", _quick_table(cube, counts))
        if counts:
            problems += _judged("keywords", _quick_index(cube, "keywords", cube.keywords, counts))
            if cube.vectors is not None:
                problems += _judged("vectors", _quick_index(cube, "vectors", cube.vectors, counts))
            if cube.layout.graph.exists() and (problem := _stale(cube, "graph", cube.graph)):
                problems.append(problem)
        if not problems or before == newest_version(cube.layout.table):
            break
    return CheckResult(
        ok=not problems,
        revision=before,
        problems=tuple(problems),
        counts=counts,
        notes=tuple(_outdated(cube)),
    )


def _quick_table(cube: MemCube, counts: dict[str, int]) -> Iterator[Problem]:
    yield from _of_files(cube)
    shown = "status != 'purged'"
    counts["keywords"] = cube.table.count(shown)
    if cube.column is not None and cube.table.holds(cube.column):
        counts["vectors"] = cube.table.count(f"{cube.column.name} IS NOT NULL AND {shown}")


def _quick_index(
    cube: MemCube, store: str, index: Keywords | Vectors, counts: dict[str, int]
) -> Iterator[Problem]:
    if problem := _stale(cube, store, index):
        yield problem
    elif index.revision == newest_version(cube.layout.table) and store in counts:
        found = len(index.all_ordinals())
        if found != counts[store]:
            yield _problem(store, f"it holds {found} rows, and the table {counts[store]}")


def _check(cube: MemCube) -> CheckResult:
    truth = _Truth()
    problems = _judged("table", _check_table(cube, truth))
    if truth.whole:
        problems += _judged("keywords", _check_keywords(cube, truth))
        problems += _judged("vectors", _check_vectors(cube, truth))
        problems += _judged("graph", _check_graph(cube, truth))
    shown = sum(i.status is not Status.DELETED for i in truth.current.values())
    return CheckResult(
        ok=not problems,
        revision=newest_version(cube.layout.table) or 0,
        problems=tuple(problems),
        counts={"memories": shown, "versions": truth.rows, "vectors": len(truth.embedded)},
        notes=tuple(_outdated(cube)),
    )


def _judged(store: str, found: Iterator[Problem]) -> list[Problem]:
    """The problems of a store; that it cannot be read any further is one of them."""
    problems: list[Problem] = []
    try:
        problems.extend(found)
    except MemosError as error:
        problems.append(Problem(store=store, what=error.message, hint=error.next_step))
    return problems


def _problem(store: str, what: str, ids: object = (), hint: str = "Run `memos reindex`.") -> Problem:
    listed = sorted(str(i) for i in ids)[:SHOWN_IDS] if isinstance(ids, (set, list, dict)) else []
    return Problem(store=store, what=what, ids=tuple(listed), hint=hint)


# -- the table


def _check_table(cube: MemCube, truth: _Truth) -> Iterator[Problem]:
    foreign = False
    for problem in _of_files(cube):
        foreign |= problem.what == FOREIGN
        yield problem
    if not foreign:
        yield from _check_rows(cube, truth)


def _of_files(cube: MemCube) -> Iterator[Problem]:
    """Problems that show without reading the rows. Raises TableDamaged."""
    table = cube.table
    torn = sorted(p.name for p in (cube.layout.table / "_versions").glob("*.torn"))
    if torn:
        yield _problem(
            "table", f"{len(torn)} torn versions were set aside", torn, "`memos repair` removes them."
        )
    table.verify()
    if table.count("ordinal IS NULL OR id IS NULL"):
        yield _problem("table", FOREIGN, (), "Run `memos reindex`.")


def _check_rows(cube: MemCube, truth: _Truth) -> Iterator[Problem]:
    rows: Counter[str] = Counter()
    held: Counter[str] = Counter()
    versions: Counter[tuple[str, int]] = Counter()
    twice: set[int] = set()
    changed: set[str] = set()
    vectors = _level_vectors(cube)
    for tail in cube.table.tails(None, cube.column):
        if vectors is not None:
            truth.differing |= vectors.differing(tail)
        for item, ordinal in zip(tail.items, tail.ordinals, strict=True):
            truth.rows += 1
            rows[item.row] += 1
            versions[item.id, item.version] += 1
            if item.known_to is None:
                held[item.id] += 1
            if item.status is Status.PURGED:
                continue
            if ordinal in truth.ordinals:
                twice.add(ordinal)
            truth.ordinals.add(ordinal)
            if item.row in tail.vectors:
                truth.embedded[ordinal] = len(tail.vectors[item.row])
            if item.known_to is None:
                truth.current[item.id] = item
            if is_altered(item):
                changed.add(item.id)
    truth.whole = True
    ids = {id for id, _ in versions}
    mend = "Run `memos repair`."
    for found, what in (
        ({r for r, n in rows.items() if n > 1}, "versions stand in the table twice"),
        (twice, "ordinals stand in the table twice"),
        ({i for i in ids if held[i] != 1}, "memories have no current version, or several"),
        ({i for (i, _), n in versions.items() if n > 1}, "memories have two versions of one number"),
    ):
        if found:
            yield _problem("table", f"{len(found)} {what}", found, mend)
    if changed and cube.table.edited_elsewhere():
        yield _problem(
            "table", f"{len(changed)} memories' texts were changed by another program", changed, mend
        )
    elif changed:
        yield _problem(
            "table", f"{len(changed)} memories' texts are not as they were stored", changed, DECAYED
        )


def is_altered(item: MemoryItem) -> bool:
    """Whether the text is not the one that was stored with its hash."""
    return bool(item.content_hash) and item.content_hash != content_hash(item.memory)


def _level_vectors(cube: MemCube) -> Vectors | None:
    """The vector index, where it is level with the table and can be compared row by row."""
    vectors = cube.vectors
    return vectors if vectors is not None and vectors.revision == newest_version(cube.layout.table) else None


# -- the projections


def _outdated(cube: MemCube) -> list[str]:
    """What is to be said of projections that another version of memos wrote: no damage, they are made anew."""
    stores: dict[str, Projection | None] = {"keywords": cube.keywords, "vectors": cube.vectors}
    if cube.layout.graph.exists():
        stores["graph"] = cube.graph
    return [
        f"the index {name} was written by another version of memos: the next command that needs it "
        "makes it anew, `memos reindex` does so now"
        for name, store in stores.items()
        if store is not None and store.outdated
    ]


def _stale(cube: MemCube, store: str, projection: Projection) -> Problem | None:
    """The problem of a projection that is not level with the table, when it is one.

    Behind our own commits is none, nor is another schema: the next command brings it up.
    """
    newest = newest_version(cube.layout.table) or 0
    revision = projection.revision
    if revision is None and projection.outdated:
        return None
    if revision is None:
        return _problem(store, "it is missing or cannot be read")
    if revision > newest:
        return _problem(store, f"it has absorbed revision {revision}, and the table is at {newest}")
    if revision < newest and cube.table.since(revision) is Gap.FOREIGN:
        return _problem(store, "another program wrote to the table and the index has not followed")
    return None


def _check_keywords(cube: MemCube, truth: _Truth) -> Iterator[Problem]:
    if problem := _stale(cube, "keywords", cube.keywords):
        yield problem
        return
    if cube.keywords.revision != newest_version(cube.layout.table):
        return
    for what in cube.keywords.damage():
        yield _problem("keywords", what)
    found = cube.keywords.all_ordinals()
    yield from _compare("keywords", truth.ordinals, found)


def _check_vectors(cube: MemCube, truth: _Truth) -> Iterator[Problem]:
    column = cube.column
    if column is None or cube.vectors is None:
        return
    if not cube.table.holds(column):
        what = f"the table has no column {column.name} for vectors of {column.dimension} numbers"
        yield _problem("vectors", what, (), "Run `memos reembed`.")
        return
    bare = {
        i.id
        for o, i in _by_ordinal(cube)
        if o in truth.ordinals and o not in truth.embedded and i.known_to is None
    }
    if bare:
        yield _problem("vectors", f"{len(bare)} memories have no vector", bare, "Run `memos reindex`.")
    if problem := _stale(cube, "vectors", cube.vectors):
        yield problem
        return
    if cube.vectors.revision != newest_version(cube.layout.table):
        return
    found = cube.vectors.all_ordinals()
    yield from _compare("vectors", set(truth.embedded), set(found))
    spans = {o for o, n in truth.embedded.items() if found.get(o, n) != n}
    if spans:
        yield _problem("vectors", f"{len(spans)} rows have another number of spans", spans)
    if truth.differing:
        yield _problem("vectors", f"{len(truth.differing)} rows differ from the table", truth.differing)


def _by_ordinal(cube: MemCube) -> Iterator[tuple[int, MemoryItem]]:
    condition = (
        f"{cube.column.name} IS NULL AND status != 'purged' AND known_to IS NULL" if cube.column else "false"
    )
    for tail in cube.table.tails(condition, None):
        yield from zip(tail.ordinals, tail.items, strict=True)


def _compare(store: str, wanted: set[int], found: set[int]) -> Iterator[Problem]:
    if missing := wanted - found:
        yield _problem(store, f"{len(missing)} rows of the table are missing", missing)
    if extra := found - wanted:
        yield _problem(store, f"{len(extra)} rows are there that the table does not have", extra)


def _check_graph(cube: MemCube, truth: _Truth) -> Iterator[Problem]:
    if not cube.layout.graph.exists():
        return
    if problem := _stale(cube, "graph", cube.graph):
        yield problem
        return
    if cube.graph.revision == newest_version(cube.layout.table):
        yield from _compare_graph(cube.graph, truth)


def _compare_graph(graph: Graph, truth: _Truth) -> Iterator[Problem]:
    visible = {i: m for i, m in truth.current.items() if m.status is not Status.DELETED}
    edges = graph.edges()
    if odd := set(visible) ^ set(edges.nodes):
        yield _problem("graph", f"{len(odd)} memories differ from the table", odd)
    parents = {i: m.parent for i, m in visible.items() if m.parent}
    if parents != edges.parents:
        yield _problem("graph", "parents differ from the table", set(parents) ^ set(edges.parents))
    relations = {(i, r.kind, r.target) for i, m in visible.items() for r in m.relations}
    if odd_edges := relations ^ set(edges.relations):
        yield _problem(
            "graph", f"{len(odd_edges)} relations differ from the table", {e[0] for e in odd_edges}
        )


# -- mending


def mend(cube: MemCube) -> list[str]:
    """Under the lock: set torn versions aside, take in foreign rows, close doubles, rebuild indexes.

    Returns what was done, in sentences. Raises TableDamaged when the table itself is beyond it.
    """
    try:
        return _mended(cube)
    except TableDamaged as error:
        if error.next_step != TableDamaged.hint:
            raise
        raise TableDamaged(**error.fields, hint=GO_BACK) from error  # not to type the same again


def _mended(cube: MemCube) -> list[str]:
    done: list[str] = []
    if torn := cube.table.set_aside_torn():
        done.append(f"set {len(torn)} torn versions of the table aside")
    if adopted := cube.adopt():
        done.append(f"took in {adopted} rows that another program wrote")
    if closed := _close_doubles(cube):
        done.append(f"closed {closed} versions that stood in the table twice")
    if texts := _take_in_texts(cube):
        done.append(f"took in {texts} texts that another program changed")
    cube.table.require(cube.column)
    for path in (*(cube.layout.table / "_versions").glob("*.torn"),):
        path.unlink()
        done.append(f"removed {path.name}")
    cube.reindex()
    done.append("rebuilt the indexes")
    return done


def _close_doubles(cube: MemCube) -> int:
    """Of several current versions of a memory, only the last one stays current."""
    newest: dict[str, MemoryItem] = {}
    ordinals: dict[str, list[tuple[int, MemoryItem]]] = {}
    for tail in cube.table.tails("known_to IS NULL", None):
        for item, ordinal in zip(tail.items, tail.ordinals, strict=True):
            ordinals.setdefault(item.id, []).append((ordinal, item))
            if item.id not in newest or (newest[item.id].version, newest[item.id].row) < (
                item.version,
                item.row,
            ):
                newest[item.id] = item
    doubles = [o for i, rows in ordinals.items() for o, item in rows if item.row != newest[i].row]
    if doubles:
        condition = f"ordinal IN ({', '.join(map(str, doubles))}) AND known_to IS NULL"
        rows = {i.row: newest[i.id] for i in cube.table.items(condition)}
        cube.table.replace(
            condition,
            lambda item: item.but(known_to=rows[item.row].known_from),
            (),
            {},
            cube.column,
        )
    return len(doubles)


def _take_in_texts(cube: MemCube) -> int:
    """Give texts that another program changed their hash; their vectors go, since they were the old text's.

    Without another program's commit such a text is a decayed one, which nothing makes right: it
    stays what `check` complains of.
    """
    import numpy as np

    altered = [
        (ordinal, item.row)
        for tail in cube.table.tails("content_hash IS NOT NULL", None)
        for ordinal, item in zip(tail.ordinals, tail.items, strict=True)
        if is_altered(item)
    ]
    if not altered or not cube.table.edited_elsewhere():
        return 0
    column = cube.column
    gone = {row: np.empty((0, column.dimension)) for _, row in altered} if column else {}
    cube.table.replace(
        f"ordinal IN ({', '.join(str(ordinal) for ordinal, _ in altered)})",
        lambda item: item.but(content_hash=content_hash(item.memory)),
        (),
        gone,
        column,
    )
    return len(altered)


def config_from_table(cube: MemCube) -> dict[str, Any]:
    """What a lost config.json said, as far as the table tells: the embedder and its column."""
    for column, info in cube.table.vector_columns().items():
        if info is not None and vector_column(info) == column:
            return {"embedder": info, "vector_column": column.name}
    return {"embedder": None, "vector_column": None}


# -- the proof of a purge


def verify_purged(cube: MemCube, ids: set[str], texts: list[str]) -> list[str]:
    """Prove that purged memories are gone: from the table's rows, its files, and every index.

    Returns notes about texts that other memories hold as well. Raises IntegrityError when any
    trace is left.
    """
    left = cube.table.count(f"id IN ({quoted(ids)}) AND status != 'purged'")
    orphans = cube.table.orphans()
    versions = [p for p in (cube.layout.table / "_versions").iterdir() if p.suffix in (".manifest", ".torn")]
    if left or orphans or len(versions) != 1:
        raise IntegrityError(
            detail=f"The purge is not complete: {left} rows, {len(orphans)} old files and "
            f"{len(versions) - 1} old versions are left.",
            hint="Type `memos purge` again, or `memos repair`.",
        )
    wanted = [text for text in dict.fromkeys(texts) if text.strip()]
    elsewhere = {text for text in wanted if cube.table.count(f"contains(memory, {quoted([text])})")}
    needles = {text.encode() for text in wanted if len(text) > SHORTEST and text not in elsewhere}
    if found := _files_with(cube, needles):
        elsewhere |= _told_by_fields(cube, [text for text in wanted if text not in elsewhere])
        found = _files_with(cube, needles - {text.encode() for text in elsewhere})
    if found:
        raise IntegrityError(
            detail=f"The purged text still stands in {found[0].relative_to(cube.root)}.",
            hint="Type `memos repair`, then `memos purge` again.",
        )
    return [f"Other memories hold the words of {len(elsewhere)} purged ones as well."] if elsewhere else []


def _told_by_fields(cube: MemCube, texts: list[str]) -> set[str]:
    """Which of the texts stand in any other field of what is there: a tag, a title, a person, a kind; or
    are words of the format itself.

    Reads every row: asked only where a file holds one of them.
    """
    names = (*MemoryItem.__struct_fields__, cube.layout.config.read_text())
    found = {text for text in texts if any(text in name for name in names)}
    for tail in cube.table.tails(None, None):
        for item in tail.items:
            fields = list(_strings(plain(item)))
            found |= {text for text in texts if any(text in field for field in fields)}
    return found


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _strings(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _strings(one)


def _files_with(cube: MemCube, needles: set[bytes]) -> list[Path]:
    """Files whose bytes hold any of the texts, read in pieces that overlap; not those that no memory is
    ever written into."""
    if not needles:
        return []
    longest = max(map(len, needles))
    ours = (cube.layout.readme, cube.layout.config)
    files = (p for p in sorted(cube.root.rglob("*")) if p.is_file() and p not in ours)
    return [p for p in files if _holds(p, needles, longest)]


def _holds(path: Path, needles: set[bytes], longest: int) -> bool:
    with path.open("rb") as handle:
        kept = b""
        while piece := handle.read(1 << 22):
            window = kept + piece
            if any(n in window for n in needles):
                return True
            kept = window[-longest:]
    return False
