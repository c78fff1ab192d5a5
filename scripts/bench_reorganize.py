"""How long `memos reorganize` takes without a language model, and how much memory.

    python scripts/bench_reorganize.py                  10,000 notes
    python scripts/bench_reorganize.py --turns          10,000 turns of conversations
    python scripts/bench_reorganize.py --sizes 100000
    python scripts/bench_reorganize.py --time-budget 5  runs of that many seconds until nothing is left

Made-up memories in as many subjects as a person has (one for every 25), each with words and a
direction of its own. Three runs: on the bare cube, with nothing new, and after 100 more. Times are
CPU seconds (user + system) and wall seconds, since the machine may be shared; MB is the process's
peak so far. Does not own: the quality of the tree
(`tree_quality.py`).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from memos_cli.cube.cube import MemCube
from memos_cli.location import CubeRef
from memos_cli.operations.reorganize import reorganize
from memos_cli.schema import Change, Depth, EmbedderInfo, MemoryItem
from memos_cli.session import Session
from memos_cli.settings import Settings
from memos_cli.stores.nearness import content_hash

DIMENSION = 384
A_SUBJECT = 25
A_SESSION = 20


class Maker:
    """Memories and vectors, the same ones for the same seed."""

    def __init__(self, size: int, turns: bool) -> None:
        self.random = np.random.default_rng(7)
        self.turns = turns
        subjects = max(8, size // A_SUBJECT)
        self.centres = self.random.normal(size=(subjects, DIMENSION))
        self.made = 0

    def make(self, count: int) -> tuple[list[MemoryItem], dict[str, np.ndarray]]:
        items, vectors = [], {}
        for _ in range(count):
            number = self.made
            self.made += 1
            session = number // A_SESSION
            subject = (session * 31 + number % A_SESSION // 7) if self.turns else number * 7919
            subject %= len(self.centres)
            item = self._item(number, subject, session)
            vector = self.centres[subject] + 1.2 * self.random.normal(size=DIMENSION)
            vectors[item.row] = (vector / np.linalg.norm(vector)).astype(np.float16)[None]
            items.append(item)
        return items, vectors

    def _item(self, number: int, subject: int, session: int) -> MemoryItem:
        own = [f"s{subject}w{w}" for w in self.random.integers(0, 30, 6)]
        common = [f"c{w}" for w in self.random.integers(0, 3000, 7)]
        text = " ".join([*own, *common, f"n{number}"])
        place = {"session_id": f"s{session}", "position": number % A_SESSION, "speaker": "Ana"}
        return MemoryItem(memory=text, content_hash=content_hash(text), **(place if self.turns else {}))


def measure(size: int, turns: bool, depth: Depth, budget: float | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "cube"
        info = EmbedderInfo(name="minilm", dimension=DIMENSION)
        cube = MemCube.create(root, depth=depth, embedder=info)
        session = Session(CubeRef("bench", root, is_name=False), cube, Settings())
        maker = Maker(size, turns)
        for start in range(0, size, 20_000):
            _add(cube, maker, min(20_000, size - start))
        print(f"{size:,} {'turns' if turns else 'notes'}, {depth}", flush=True)
        if budget is not None:
            _limited(session, budget)
            return
        for name, more in (("first", 0), ("nothing new", 0), ("after 100 more", 100)):
            if more:
                _add(cube, maker, more)
            began, busy = time.monotonic(), time.process_time()
            result = reorganize(session)
            busy, wall = time.process_time() - busy, time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"  {name:15} {busy:6.1f} s cpu {wall:6.1f} s wall  {peak:6.0f} MB  {result.counts}",
                flush=True,
            )


def _limited(session: Session, budget: float) -> None:
    left = 1
    while left:
        began = time.monotonic()
        result = reorganize(session, time_budget=budget)
        left = result.left
        print(f"  {time.monotonic() - began:6.1f} s wall, {left} left  {result.counts}", flush=True)


def _add(cube: MemCube, maker: Maker, count: int) -> None:
    items, vectors = maker.make(count)
    cube.commit(Change(verb="add", puts=tuple(items), vectors=vectors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--turns", action="store_true")
    parser.add_argument("--depth", type=Depth, default=Depth.GENERAL)
    parser.add_argument("--time-budget", type=float, metavar="SECONDS")
    given = parser.parse_args()
    for size in given.sizes:
        measure(size, given.turns, given.depth, given.time_budget)


if __name__ == "__main__":
    main()
