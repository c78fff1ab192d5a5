"""How fast a cube is, beside plain LanceDB doing the same in the same run.

    python scripts/bench_cube.py                  1k, 10k and 100k memories
    python scripts/bench_cube.py --sizes 1000000  a million (about 6 GB of disk, 20 minutes;
                                                  --no-lancedb leaves the comparison out)
    python scripts/bench_cube.py --turns          conversations: windows, speakers and all other signals

Times are CPU seconds of the whole process (user + system) unless they say wall: the machine may
be shared. Memories are made-up sentences of about 14 words drawn by Zipf's law. Cubes are filled
with made-up vectors of MiniLM's shape (embedding a million sentences would measure MiniLM);
queries are embedded for real. Does not own: recall (`memos eval`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DIMENSION = 384
REPEATS = 7
QUERIES = 60

LANCE_SEARCH = """
import sys, lancedb, numpy as np
t = lancedb.connect(sys.argv[1]).open_table("m")
q = np.random.default_rng(1).normal(size=384).astype(np.float32)
print(t.search(q / np.linalg.norm(q)).metric("cosine").where("status = 'activated'", prefilter=True).select(["id", "memory"]).limit(10).to_list()[0]["id"])
"""
LANCE_ADD = """
import sys, uuid, lancedb, numpy as np
t = lancedb.connect(sys.argv[1]).open_table("m")
t.add([{"id": str(uuid.uuid4()), "memory": "one more", "status": "activated", "vector": np.ones(384, np.float32)}])
"""
TANTIVY_SEARCH = """
import sys, tantivy
b = tantivy.SchemaBuilder(); b.add_text_field("memory", stored=True, tokenizer_name="en_stem")
ix = tantivy.Index.open(sys.argv[1]); s = ix.searcher()
print([s.doc(a)["memory"] for _, a in s.search(ix.parse_query(sys.argv[2], ["memory"]), 10).hits][:1])
"""


def words(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    parts = [
        "ba",
        "be",
        "bo",
        "da",
        "de",
        "di",
        "do",
        "fa",
        "fe",
        "ga",
        "ge",
        "go",
        "ka",
        "ke",
        "ko",
        "la",
        "le",
        "li",
        "lo",
        "ma",
        "me",
        "mi",
        "na",
        "ne",
        "no",
        "pa",
        "pe",
        "ra",
        "re",
        "ri",
        "ro",
        "sa",
        "se",
        "si",
        "ta",
        "te",
        "ti",
        "to",
        "va",
        "ve",
        "vi",
        "za",
        "zo",
    ]
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(parts) for _ in range(rng.randint(2, 4)))] = None
    return list(found)


def sentences(count: int, seed: int = 7) -> Iterator[str]:
    vocabulary = words(20_000, 1)
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(vocabulary))))
    rng = random.Random(seed)
    for number in range(count):
        chosen = rng.choices(vocabulary, cum_weights=weights, k=rng.randint(9, 16))
        yield f"On day {number % 365} {' '.join(chosen)}."


def questions(count: int) -> list[str]:
    rng = random.Random(3)
    vocabulary = words(20_000, 1)
    return [f"what about {' '.join(rng.choices(vocabulary[:3000], k=3))}?" for _ in range(count)]


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cold(command: Sequence[str], environment: dict[str, str]) -> dict[str, float]:
    """Median CPU and wall seconds and peak RSS (MB) of a whole process, over REPEATS runs."""
    times, walls, peak = [], [], 0
    for run in range(REPEATS + 1):
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read()  # type: ignore[union-attr]
        error = process.stderr.read()  # type: ignore[union-attr]
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} failed: {error.decode()[-500:]}")
        if run:  # the first one warms the page cache
            times.append(used.ru_utime + used.ru_stime)
            walls.append(time.perf_counter() - began)
        peak = max(peak, used.ru_maxrss // 1024)
    return {"cpu": statistics.median(times), "wall": statistics.median(walls), "rss_mb": peak}


class MadeUp:
    """An embedder of MiniLM's shape that makes vectors up, at no cost, for filling a cube."""

    name, dimension, max_tokens, languages = "minilm", DIMENSION, 256, ("en",)

    def __init__(self) -> None:
        import numpy as np

        self.rng = np.random.default_rng(0)

    def embed_documents(self, texts: Sequence[str], progress: object = None) -> list[Any]:
        import numpy as np

        made = self.rng.normal(size=(len(texts), DIMENSION)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return list(made[:, None, :])


def session_of(path: Path, embedder: object | None = None) -> Any:
    from memos_cli.location import CubeRef
    from memos_cli.session import open_session
    from memos_cli.settings import Settings

    opened = open_session(CubeRef(path.name, path, False), Settings.load({}), write=True)
    session = opened.__enter__()
    if embedder is not None:
        session._embedder = (session.cube.config.embedder, embedder)
    return session


def build(path: Path, count: int, turns: bool = False) -> dict[str, float]:
    """Fill a cube through `add`, in its batches of 1,000, then time adds of one."""
    from memos_cli.location import CubeRef
    from memos_cli.operations import add as adding
    from memos_cli.operations import init
    from memos_cli.schema import Draft
    from memos_cli.settings import Settings

    init.init(CubeRef(path.name, path, False), Settings.load({}), embedder="minilm")
    session = session_of(path, MadeUp())
    texts = list(sentences(count))  # making them up is not part of what is timed
    began, wall = cpu(), time.perf_counter()
    adding.add(session, (turn(text, i) if turns else Draft(memory=text) for i, text in enumerate(texts)))
    batch_cpu, batch_wall = cpu() - began, time.perf_counter() - wall
    ones, walls = [], []
    for i, text in enumerate(sentences(40, seed=count + 1)):
        draft = turn(f"{text} {count}", count + i) if turns else Draft(memory=f"{text} {count}")
        began, wall = cpu(), time.perf_counter()
        adding.add(session, [draft])
        ones.append(cpu() - began)
        walls.append(time.perf_counter() - wall)
    size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return {
        "batch_per_cpu_s": count / batch_cpu,
        "batch_per_wall_s": count / batch_wall,
        "one_cpu_ms": 1e3 * statistics.median(ones),
        "one_wall_ms_p50": 1e3 * statistics.median(walls),
        "one_wall_ms_p95": 1e3 * sorted(walls)[int(0.95 * len(walls))],
        "bytes_per_memory": size / count,
    }


def turn(text: str, number: int) -> Any:
    """A turn of one of many conversations of 20 turns each, so that every default signal is at work."""
    from memos_cli.schema import Draft

    session, place = divmod(number, 20)
    said_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number % 400_000)
    return Draft(
        memory=text,
        session_id=f"s{session}",
        position=place,
        speaker=("Ana", "Ben")[place % 2],
        said_at=said_at,
    )


def build_lance(path: Path, count: int) -> dict[str, float]:
    import lancedb
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    texts = iter(list(sentences(count)))
    table, began = None, cpu()
    for start in range(0, count, 1000):
        n = min(1000, count - start)
        made = rng.normal(size=(n, DIMENSION)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        rows = pa.table(
            {
                "id": [f"{start + i:012d}" for i in range(n)],
                "memory": [next(texts) for _ in range(n)],
                "status": ["activated"] * n,
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(made.reshape(-1)), DIMENSION),
            }
        )
        if table is None:
            table = lancedb.connect(path).create_table("m", rows)
        else:
            table.add(rows)
    took = cpu() - began
    assert table is not None
    table.optimize()
    ones = []
    for i in range(10):
        began = cpu()
        table.add(
            [
                {
                    "id": f"one{i}",
                    "memory": "one",
                    "status": "activated",
                    "vector": np.ones(DIMENSION, np.float32),
                }
            ]
        )
        ones.append(cpu() - began)
    size = sum(p.stat().st_size for p in Path(path).rglob("*") if p.is_file())
    return {
        "batch_per_cpu_s": count / took,
        "one_cpu_ms": 1e3 * statistics.median(ones),
        "bytes_per_memory": size / count,
    }


def measured(ask: Callable[[str], object]) -> dict[str, float]:
    """p50 and p95 of CPU time per query, ms, after a warm-up."""
    asked = questions(QUERIES + 10)
    for question in asked[:10]:
        ask(question)
    times = []
    for question in asked[10:]:
        began = cpu()
        ask(question)
        times.append(1e3 * (cpu() - began))
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "p50_ms": statistics.median(times),
        "p95_ms": times[int(0.95 * len(times))],
        "rss_mb": peak,
    }


def warm(path: Path, mode: str) -> dict[str, float]:
    from memos_cli.operations.search import search
    from memos_cli.schema import Mode, Query

    session = session_of(path)
    found = measured(lambda question: search(session, Query(text=question, mode=Mode(mode))))
    if mode != "keyword":
        found["embedding_ms"] = measured(session.embedder.embed_query)["p50_ms"]
    return found


def warm_lance(path: Path) -> dict[str, float]:
    import lancedb

    from memos_cli.providers.embedder import resolve
    from memos_cli.settings import Settings

    table = lancedb.connect(path).open_table("m")
    embedder = resolve("minilm", settings=Settings.load({}))

    def ask(question: str) -> object:
        vector = embedder.embed_query(question)
        found = table.search(vector).metric("cosine").where("status = 'activated'", prefilter=True)
        return found.select(["id", "memory"]).limit(10).to_list()

    return measured(ask)


def embedders(folder: Path) -> dict[str, float]:
    """Texts per CPU second of the bare embedders, and of `add` with them."""
    from memos_cli.location import CubeRef
    from memos_cli.operations import add as adding
    from memos_cli.operations import init
    from memos_cli.providers.embedder import resolve
    from memos_cli.schema import Draft
    from memos_cli.settings import Settings

    found: dict[str, float] = {}
    for name, count in (("minilm", 1500), ("static", 20_000)):
        texts = [f"{a} {b}" for a, b in zip(_english(count, 5), _english(count, 6), strict=True)]
        embedder = resolve(name, settings=Settings.load({}))
        embedder.embed_documents(texts[:64])
        began = cpu()
        embedder.embed_documents(texts)
        bare = cpu() - began
        path = folder / f"embed-{name}"
        init.init(CubeRef(name, path, False), Settings.load({}), embedder=name)
        session = session_of(path)
        session.embedder.embed_documents(texts[:64])
        began = cpu()
        adding.add(session, [Draft(memory=text) for text in texts])
        whole = cpu() - began
        found |= {
            f"{name}_bare_per_cpu_s": count / bare,
            f"{name}_add_per_cpu_s": count / whole,
            f"{name}_overhead": whole / bare - 1,
        }
    return found


def _english(count: int, seed: int) -> list[str]:
    """Sentences of common words, for the embedders' own speed (made-up words split into many tokens)."""
    rng = random.Random(seed)
    who = [
        "Anna",
        "Ben",
        "Carla",
        "David",
        "Emma",
        "Felix",
        "Grace",
        "Hugo",
        "Iris",
        "Jonas",
        "the~neighbour",
        "my~sister",
        "the~doctor",
        "our~teacher",
    ]
    did = [
        "bought",
        "sold",
        "repaired",
        "forgot",
        "painted",
        "cleaned",
        "borrowed",
        "found",
        "lost",
        "moved",
        "planted",
        "photographed",
    ]
    what = [
        "a~bicycle",
        "the~garden~chairs",
        "an~old~radio",
        "two~concert~tickets",
        "the~blue~car",
        "some~fresh~bread",
        "a~winter~coat",
        "the~piano",
    ]
    where = [
        "in~Lisbon",
        "near~the~station",
        "at~the~market",
        "behind~the~school",
        "on~the~island",
        "by~the~river",
    ]
    pick = [[w.replace("~", " ") for w in part] for part in (who, did, what, where)]
    return [f"{' '.join(rng.choice(part) for part in pick)} {rng.randint(1, 99_999)}" for _ in range(count)]


def inner(arguments: Sequence[str]) -> dict[str, float]:
    """Run one measurement in a process of its own, so that its peak RSS is its own."""
    command = [sys.executable, __file__, "--inner", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


INNER: dict[str, Callable[..., dict[str, float]]] = {
    "build": lambda path, count, *turns: build(Path(path), int(count), bool(turns)),
    "build-lance": lambda path, count: build_lance(Path(path), int(count)),
    "warm": lambda path, mode: warm(Path(path), mode),
    "warm-lance": lambda path: warm_lance(Path(path)),
    "embedders": lambda path: embedders(Path(path)),
}


def bare_tantivy(path: Path, count: int) -> None:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("memory", stored=True, tokenizer_name="en_stem")
    path.mkdir()
    writer = tantivy.Index(builder.build(), path=str(path)).writer(200_000_000, 1)
    for text in sentences(count):
        writer.add_document(tantivy.Document(memory=text))
    writer.commit()
    writer.wait_merging_threads()


def one_size(folder: Path, count: int, *, beside_lancedb: bool, turns: bool) -> dict[str, Any]:
    cube, lance, bare = folder / f"cube-{count}", folder / f"lance-{count}", folder / f"tantivy-{count}"
    found: dict[str, Any] = {"memories": count}
    found["build"] = inner(["build", cube, count, *(["turns"] if turns else [])])
    if beside_lancedb:
        found["build_lancedb"] = inner(["build-lance", lance, count])
    bare_tantivy(bare, count)
    environment = {**os.environ, "MEMOS_HOME": str(folder / "home")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling ourselves anew is no one's everyday
    memos = [sys.executable, "-m", "memos_cli"]
    question = questions(1)[0]
    plain = " ".join(w for w in question.split() if w.isalpha())
    found["cold"] = {
        "pass": cold([sys.executable, "-c", "pass"], environment),
        "help": cold([*memos, "--help"], environment),
        "keyword": cold([*memos, "search", question, "-c", str(cube), "--mode", "keyword"], environment),
        "hybrid": cold([*memos, "search", question, "-c", str(cube)], environment),
        "add": cold([*memos, "add", "-c", str(cube), "--allow-duplicates", "one more"], environment),
        "tantivy": cold([sys.executable, "-c", TANTIVY_SEARCH, str(bare), plain], environment),
    }
    found["warm"] = {mode: inner(["warm", cube, mode]) for mode in ("keyword", "hybrid")}
    if beside_lancedb:
        found["cold"] |= {
            "lancedb": cold([sys.executable, "-c", LANCE_SEARCH, str(lance)], environment),
            "lancedb_add": cold([sys.executable, "-c", LANCE_ADD, str(lance)], environment),
        }
        found["warm_lancedb"] = inner(["warm-lance", lance])
    for path in (cube, lance, bare):
        shutil.rmtree(path, ignore_errors=path is lance)
    return found


def table(results: Sequence[dict[str, Any]], speeds: dict[str, float]) -> Iterator[str]:
    """The figures as a Markdown table; a figure that was left out stands as a dash."""
    head = [f"{r['memories']:,}" for r in results]
    yield "| figure | " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * len(head)

    def row(name: str, read: Callable[[dict[str, Any]], float], form: str) -> str:
        cells = []
        for result in results:
            try:
                cells.append(format(read(result), form))
            except KeyError:
                cells.append("–")
        return f"| {name} | " + " | ".join(cells) + " |"

    for name, key in (
        ("`memos --help`, CPU s", "help"),
        ("`memos search --mode keyword`, CPU s", "keyword"),
        ("bare tantivy script, CPU s", "tantivy"),
        ("`memos search` (hybrid), CPU s", "hybrid"),
        ("plain lancedb script, vector given, CPU s", "lancedb"),
        ("`memos add`, CPU s", "add"),
        ("plain lancedb script adding a row, CPU s", "lancedb_add"),
    ):
        yield row(name, lambda r, key=key: r["cold"][key]["cpu"], ".2f")
    yield row("hybrid / lancedb", lambda r: r["cold"]["hybrid"]["cpu"] / r["cold"]["lancedb"]["cpu"], ".2f")
    yield row("warm keyword search, p50 CPU ms", lambda r: r["warm"]["keyword"]["p50_ms"], ".1f")
    yield row("warm hybrid search with embedding, p50 CPU ms", lambda r: r["warm"]["hybrid"]["p50_ms"], ".1f")
    yield row("… of which embedding the question", lambda r: r["warm"]["hybrid"]["embedding_ms"], ".1f")
    yield row("… p95", lambda r: r["warm"]["hybrid"]["p95_ms"], ".1f")
    yield row(
        "lancedb vector search with embedding, p50 CPU ms", lambda r: r["warm_lancedb"]["p50_ms"], ".1f"
    )
    yield row("peak RSS of the hybrid searches, MB", lambda r: r["warm"]["hybrid"]["rss_mb"], ".0f")
    yield row("peak RSS, lancedb, MB", lambda r: r["warm_lancedb"]["rss_mb"], ".0f")
    yield row("batch add, memories per CPU s", lambda r: r["build"]["batch_per_cpu_s"], ",.0f")
    yield row("lancedb batch add, rows per CPU s", lambda r: r["build_lancedb"]["batch_per_cpu_s"], ",.0f")
    yield row("add of one, CPU ms (p50)", lambda r: r["build"]["one_cpu_ms"], ".1f")
    yield row("add of one, wall ms (p50)", lambda r: r["build"]["one_wall_ms_p50"], ".0f")
    yield row("lancedb add of one, CPU ms", lambda r: r["build_lancedb"]["one_cpu_ms"], ".1f")
    yield row("bytes a memory", lambda r: r["build"]["bytes_per_memory"], ",.0f")
    yield row("bytes a row, lancedb (float32)", lambda r: r["build_lancedb"]["bytes_per_memory"], ",.0f")
    yield ""
    for name, value in speeds.items():
        yield f"{name}: {value:,.2f}"


def main() -> None:
    if sys.argv[1:2] == ["--inner"]:
        print(json.dumps(INNER[sys.argv[2]](*sys.argv[3:])))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, help="where the cubes are made (a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print the raw figures as JSON")
    parser.add_argument("--turns", action="store_true", help="turns of conversations in place of notes")
    parser.add_argument("--no-lancedb", action="store_true", help="leave the comparison with LanceDB out")
    parser.add_argument("--no-embedders", action="store_true", help="leave the embedders' speed out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="memos-bench-") as name:
        folder = Path(name)
        os.environ["MEMOS_HOME"] = str(folder / "home")
        results = []
        for count in asked.sizes:
            print(f"{count:,} memories …", file=sys.stderr, flush=True)
            results.append(one_size(folder, count, beside_lancedb=not asked.no_lancedb, turns=asked.turns))
        speeds = {} if asked.no_embedders else inner(["embedders", folder])
    if asked.json:
        print(json.dumps({"sizes": results, "embedders": speeds}, indent=1))
    else:
        print("\n".join(table(results, speeds)))


if __name__ == "__main__":
    main()
