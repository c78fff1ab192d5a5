"""Kills processes that write to one cube, at random moments, and judges what they leave.

Several processes at once add, update, archive, undo, purge, compact, reembed and search the same
cube (`_storm_worker.py`), each is killed with SIGKILL, and after each round the cube is opened and
held against what the killed processes had been told:

- lost: a memory that was reported stored is missing, or has another text, status or history
- extra: a memory, or a version, that nobody asked for
- partial: a change of which some is there and some is not
- purged found: a purged text in the table, in a search, in its history or in any file
- disagreements: what `memos check` says once the graph is brought up as well
- failed: an operation (opening and searching included) that raised or answered something wrong

What was in flight when a process was killed may have happened or not, but wholly.

    python scripts/crash_storm.py --kills 500
    python scripts/crash_storm.py --adds 8x50     # no kills: eight processes add 50 memories each

Kept out of this: power loss, which SIGKILL does not simulate (the page cache survives it).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memos_cli
from memos_cli.cube.check import check
from memos_cli.errors import CubeNotFound
from memos_cli.location import CubeRef
from memos_cli.operations.browse import log
from memos_cli.operations.search import search
from memos_cli.schema import Depth, Filters, MemoryItem, Mode, Query, Status
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

WORKER = Path(__file__).with_name("_storm_worker.py")
NEEDLE = re.compile(rb"z[a-z][0-9a-f]{16}")
FAULTS = ("lost", "extra", "partial", "purged_found", "disagreements", "failed")
ROUNDS_PER_CUBE = 20
SAMPLE = 4
LONGEST = 2.5
"""Seconds after which a process is killed at the latest."""

Memory = dict[str, Any]


class Process:
    """One worker process, started ahead of its round: imports take longer than the round."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.errors = folder / f"{name}.err"
        environment = {
            **os.environ,
            "TMPDIR": str(folder / "tmp"),
            "LANCE_LOG": "error",
            "PYTHONPATH": str(Path(memos_cli.__file__).parents[1]),
        }
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )

    def wait_ready(self) -> None:
        assert self.process.stdout
        self.process.stdout.readline()

    def start(self, task: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write((json.dumps(task) + "\n").encode())
        self.process.stdin.close()

    def kill(self) -> bool:
        """True when the kill met it alive."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


@dataclass
class Pending:
    """An operation that was under way when its process was killed."""

    owner: str
    verb: str
    effects: dict[str, Any]
    born: dict[str, Any]


@dataclass
class Known:
    """What must be in the cube: by owner, each memory with its versions; and what must not be."""

    memories: dict[str, dict[str, Memory]] = field(default_factory=dict)
    purged: dict[str, list[str]] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    opened: bool = False

    def all(self) -> dict[str, Memory]:
        return {key: m for memories in self.memories.values() for key, m in memories.items()}

    def apply(
        self, owner: str, effects: dict[str, Any], born: dict[str, Any], ids: dict[str, str], change: Any
    ) -> None:
        mine = self.memories.setdefault(owner, {})
        for key, version in effects.items():
            if version is None:
                self.purged.setdefault(owner, []).extend(t for t, _, _ in mine.pop(key)["versions"])
                continue
            if key in born:
                mine[key] = {**born[key], "key": key, "id": ids[key], "versions": []}
            mine[key]["versions"].append([*version, change])


class Storm:
    """One cube, its rounds and the counts of what went wrong."""

    def __init__(self, folder: Path, depth: Depth, options: argparse.Namespace, rng: random.Random) -> None:
        self.folder = folder
        self.depth = depth
        self.options = options
        self.rng = rng
        self.known = Known()
        self.counts: Counter[str] = Counter()
        self.verbs: Counter[str] = Counter()
        self.killed_in: Counter[str] = Counter()
        self.reports: list[str] = []
        (folder / "tmp").mkdir(parents=True)
        self.path = folder / "cube"
        self.settings = Settings(
            home=folder, fsync=options.fsync, embedder="hash:64", text=depth, actor="judge"
        )
        self.ref = CubeRef(name="cube", path=self.path, is_name=False)

    # -- a round

    def round(self, processes: list[Process], only: str = "", operations: int = 1 << 30) -> None:
        for process in processes:
            process.wait_ready()
        started = time.monotonic()
        journals = {p.name: self.folder / f"{p.name}.journal" for p in processes}
        for process in processes:
            journals[process.name].unlink(missing_ok=True)
            process.start(self._task(process.name, journals[process.name], only, operations))
        moments = {p.name: self.rng.uniform(0.05, LONGEST) for p in processes}
        for process in sorted(processes, key=lambda p: moments[p.name]):
            if only:
                process.process.wait()
            else:
                time.sleep(max(0.0, started + moments[process.name] - time.monotonic()))
                self.counts["kills"] += process.kill()
        for process in processes:
            self._read(process, journals[process.name])
            process.close()
        self.counts["rounds"] += 1

    def _task(self, name: str, journal: Path, only: str, operations: int) -> dict[str, Any]:
        return {
            "name": name,
            "cube": str(self.path),
            "depth": self.depth,
            "fsync": self.options.fsync,
            "seed": self.rng.getrandbits(32),
            "journal": str(journal),
            "memories": list(self.known.memories.get(name, {}).values()),
            "purged": self.known.purged.get(name, []),
            "operations": operations,
            "only": only,
        }

    def _read(self, process: Process, journal: Path) -> None:
        """Take over what a process was told, up to the operation that it was killed in."""
        before: dict[str, Any] | None = None
        for line in journal.read_text().splitlines() if journal.exists() else ():
            entry = json.loads(line)
            if "failed" in entry:
                self._fault(
                    "failed", f"{process.name}: {entry['failed']}: {entry['error']}\n{entry['trace']}"
                )
            elif "done" in entry and before is not None:
                self.counts["operations"] += 1
                self.verbs[entry["done"]] += 1
                self.known.opened = True
                self.known.apply(
                    process.name,
                    before["effects"],
                    before.get("born", {}),
                    entry.get("ids", {}),
                    entry.get("change"),
                )
                before = None
            else:
                before = entry
        if before is not None:
            self.counts["in_flight"] += 1
            self.killed_in[before["verb"]] += 1
            self.known.pending.append(
                Pending(process.name, before["verb"], before["effects"], before.get("born", {}))
            )
        if process.process.returncode not in (0, 1, -signal.SIGKILL) or (
            process.process.returncode == 1 and "failed" not in (entry if journal.exists() else {})
        ):
            self._fault("failed", f"{process.name} ended by itself:\n{process.errors.read_text()[-2000:]}")

    def _fault(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.reports.append(f"[{self.depth}, round {self.counts['rounds']}] {kind}: {what}")
        if not self.options.json:
            print(self.reports[-1], flush=True)

    # -- judging

    def judge(self) -> None:
        """Open the cube as the next process would, and compare.

        With the folder for temporary files that the killed ones had: what a reader left there when it was
        killed goes with `check`, and may hold what was purged while it searched an older state.
        """
        tempfile.tempdir = str(self.folder / "tmp")
        try:
            with open_session(self.ref, self.settings) as session:
                self._judge(session)
        except CubeNotFound:
            if self.known.opened:
                self._fault("failed", "the cube is not there")
            self.known.pending.clear()
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            self._fault("failed", f"opening and judging:\n{traceback.format_exc()}")

    def _judge(self, session: Session) -> None:
        session.cube.view()
        actual: dict[str, list[MemoryItem]] = {}
        for item in session.cube.table.items("status != 'purged'"):
            actual.setdefault(item.key or item.id, []).append(item)
        for versions in actual.values():
            versions.sort(key=lambda i: i.version)
        self._settle_pending(actual)
        self._compare(actual)
        self._check(session)
        self._search(session)
        self._look_for_purged(session, actual)

    def _settle_pending(self, actual: dict[str, list[MemoryItem]]) -> None:
        for pending in self.known.pending:
            verdicts = {k: self._happened(pending, k, actual.get(k, [])) for k in pending.effects}
            if len(set(verdicts.values())) > 1 or "neither" in verdicts.values():
                self._fault("partial", f"{pending.verb} of {pending.owner}: {verdicts}")
            if "yes" in verdicts.values():
                self.counts["in_flight_happened"] += 1
                ids = {k: v[0].id for k in pending.effects if (v := actual.get(k))}
                done = {k: e for k, e in pending.effects.items() if verdicts[k] == "yes"}
                change = next((v[-1].change for k in done if (v := actual.get(k))), None)
                self.known.apply(pending.owner, done, pending.born, ids, change)
        self.known.pending.clear()

    def _happened(self, pending: Pending, key: str, found: list[MemoryItem]) -> str:
        versions = [[i.memory, i.status.value] for i in found]
        memory = self.known.memories.get(pending.owner, {}).get(key)
        before = [v[:2] for v in memory["versions"]] if memory else []
        effect = pending.effects[key]
        after = [] if effect is None else [*before, effect]
        return "no" if versions == before else "yes" if versions == after else "neither"

    def _compare(self, actual: dict[str, list[MemoryItem]]) -> None:
        wanted = self.known.all()
        for key, memory in wanted.items():
            found = actual.get(key, [])
            versions = [[i.memory, i.status.value, i.change] for i in found]
            if versions[: len(memory["versions"])] != memory["versions"]:
                self._fault("lost", f"{key} is {versions}, not {memory['versions']}")
            elif versions != memory["versions"]:
                self._fault("extra", f"{key} has versions {versions} beyond {memory['versions']}")
            elif not _well_formed(found, memory):
                self._fault("lost", f"{key}: its parent, relations or versions are damaged")
        for key in actual.keys() - wanted.keys():
            self._fault("extra", f"{key}: {[i.memory for i in actual[key]]}")

    def _check(self, session: Session) -> None:
        if self.depth is Depth.TREE:
            session.cube.ready_graph()
        result = check(session.cube)
        for problem in result.problems:
            self._fault("disagreements", f"{problem.store}: {problem.what} {problem.ids}")
        if result.revision != session.cube.keywords.revision:
            self._fault("disagreements", "the keyword index was left behind")
        log(session)

    def _search(self, session: Session) -> None:
        memories = [m for m in self.known.all().values() if m["versions"][-1][1] == Status.ACTIVATED]
        for memory in self.rng.sample(memories, min(SAMPLE, len(memories))):
            text = memory["versions"][-1][0]
            for mode, asked in ((Mode.KEYWORD, text.split()[-1]), (Mode.VECTOR, text), (Mode.HYBRID, text)):
                result = search(session, Query(text=asked, mode=mode, k=10))
                if memory["id"] not in [h.item.id for h in result.hits]:
                    self._fault("failed", f"search --mode {mode} does not find {text!r}")

    def _look_for_purged(self, session: Session, actual: dict[str, list[MemoryItem]]) -> None:
        purged = {t.split()[-1] for texts in self.known.purged.values() for t in texts}
        standing = {i.memory.split()[-1] for versions in actual.values() for i in versions}
        if found := purged & standing:
            self._fault("purged_found", f"in the table: {found}")
        every = Filters(statuses=tuple(s for s in Status if s is not Status.PURGED))
        for word in self.rng.sample(sorted(purged), min(SAMPLE, len(purged))):
            if session.cube.keywords.search(word, every, 10).ordinals:
                self._fault("purged_found", f"by search: {word}")
        for path in self.folder.rglob("*"):
            inside = path.is_file() and path.suffix not in (".journal", ".err")
            if inside and (found := purged & _needles(path)):
                self._fault("purged_found", f"in {path.relative_to(self.folder)}: {sorted(found)[:3]}")


def _well_formed(found: list[MemoryItem], memory: Memory) -> bool:
    last = found[-1]
    return (
        [i.version for i in found] == list(range(1, len(found) + 1))
        and all(i.id == memory["id"] for i in found)
        and all(a.known_to == b.known_from and a.row == b.predecessor for a, b in itertools.pairwise(found))
        and last.known_to is None
        and last.parent == memory["parent"]
        and [[r.kind, r.target] for r in last.relations] == memory["relations"]
    )


def _needles(path: Path) -> set[str]:
    try:
        return {n.decode() for n in NEEDLE.findall(path.read_bytes())}
    except FileNotFoundError:
        return set()


def storm(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Kill until there were `options.kills` kills; the counts of everything."""
    rng = random.Random(options.seed)
    depths = [Depth.GENERAL, Depth.TREE] if options.depth == "both" else [Depth(options.depth)]
    names = [chr(ord("a") + i) for i in range(options.workers)]
    total: Counter[str] = Counter()
    verbs: Counter[str] = Counter()
    killed_in: Counter[str] = Counter()
    reports: list[str] = []
    number = 0
    per_cube = max(1, min(ROUNDS_PER_CUBE, options.kills // (options.workers * len(depths))))
    while total["kills"] < options.kills:
        current = Storm(folder / f"{number:03d}", depths[number % len(depths)], options, rng)
        number += 1
        ahead = [Process(name, current.folder) for name in names]
        for _ in range(per_cube):
            processes = ahead
            current.round(processes)
            ahead = [Process(name, current.folder) for name in names]
            current.judge()
            if total["kills"] + current.counts["kills"] >= options.kills or current.reports:
                break
        for process in ahead:
            process.close()
        total += current.counts
        verbs += current.verbs
        killed_in += current.killed_in
        total["memories"] += len(current.known.all())
        total["purged"] += sum(map(len, current.known.purged.values()))
        reports += current.reports
        if not options.json:
            print(f"cube {number} ({current.depth}): {dict(total)}", flush=True)
        if current.reports and options.keep:
            print(f"kept: {current.folder}", file=sys.stderr)
            break
        shutil.rmtree(current.folder)
    return _report(total, verbs, killed_in, reports)


def adds(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """P processes add N memories each to one cube at once, none is killed."""
    processes, each = map(int, options.adds.split("x"))
    current = Storm(
        folder / "adds",
        Depth(options.depth if options.depth != "both" else "general_text"),
        options,
        random.Random(options.seed),
    )
    started = [Process(chr(ord("a") + i), current.folder) for i in range(processes)]
    begin = time.monotonic()
    current.round(started, only="add", operations=each)
    current.counts["seconds"] = round(time.monotonic() - begin)
    current.judge()
    current.counts["memories"] = len(current.known.all())
    if current.counts["memories"] != processes * each:
        current._fault("lost", f"{current.counts['memories']} memories, not {processes * each}")
    return _report(current.counts, current.verbs, current.killed_in, current.reports)


def _report(
    total: Counter[str], verbs: Counter[str], killed_in: Counter[str], reports: list[str]
) -> dict[str, Any]:
    faults = {name: total[name] for name in FAULTS}
    rest = {name: n for name, n in total.items() if name not in FAULTS}
    return {
        "ok": not any(faults.values()),
        **faults,
        **rest,
        "done": dict(verbs.most_common()),
        "killed_in": dict(killed_in.most_common()),
        "reports": reports,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--depth", choices=["general_text", "tree_text", "both"], default="both")
    parser.add_argument("--workers", type=int, default=3, help="processes at once")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--fsync", action="store_true", help="wait for the disk, as a cube does by default")
    parser.add_argument("--json", action="store_true", help="one document on stdout")
    parser.add_argument("--keep", action="store_true", help="stop at the first fault and keep its cube")
    parser.add_argument("--dir", type=Path, help="where to work (default: the folder for temporary files)")
    parser.add_argument("--adds", metavar="PxN", help="instead: P processes add N memories each")
    options = parser.parse_args()
    options.seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="crash-storm-", dir=options.dir))
    try:
        result = adds(options, folder) if options.adds else storm(options, folder)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    result |= {"seed": options.seed, "wall_seconds": round(time.monotonic() - begin)}
    print(
        json.dumps(result)
        if options.json
        else json.dumps({**result, "reports": len(result["reports"])}, indent=2)
    )
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
