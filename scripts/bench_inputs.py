"""What large inputs cost: a PDF of 300 pages and a CSV of 50 MB, read alone and added to a cube.

    python scripts/bench_inputs.py [--csv-mb 50] [--pages 300] [--text naive_text] [--only read]

Each is made in a temporary folder and read by a process of its own, which says how long it took (wall and
CPU seconds), its peak memory (RSS, which counts what is mapped of the cube's files too; `own` is the peak of
what is not a file's, where Linux tells it), how many memories came, and how often it told its progress.
Beside the large file the same
in a tenth of its size: memory is bounded where the two peaks are alike. Does not own: how fast a cube is
(`bench_cube.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SENTENCE = "The keeper of lighthouse {number} wrote that the lamp was lit at {hour} and the sea was calm."
COLUMNS = ("name", "place", "keeper", "built", "height", "light", "note")


def make_csv(path: Path, megabytes: float) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(",".join(COLUMNS) + "\n")
        number = size = 0
        while size < megabytes * 1_000_000:
            number += 1
            note = " ".join(SENTENCE.format(number=number + n, hour=n % 24) for n in range(4))
            line = f'Light {number},Coast {number % 97},Keeper {number % 1009},{1800 + number % 200},{number % 60},"{note}",n{number}\n'
            out.write(line)
            size += len(line)


def make_pdf(path: Path, pages: int) -> None:
    """A PDF with a line of Helvetica per line of text."""
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(pages):
        lines = (SENTENCE.format(number=page * 40 + line, hour=line % 24) for line in range(40))
        stream = "BT /F1 12 Tf 14 TL 50 750 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * page} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    tail = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    path.write_bytes(out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{tail}".encode())


def _peak() -> float:
    """Peak RSS of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _own() -> float:
    """Memory of this process that is no file's, in MB; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon")), 0.0)


def child(path: Path, cube: Path | None, text: str) -> dict[str, Any]:
    from memos_cli.location import CubeRef
    from memos_cli.operations.add import add
    from memos_cli.reader.files import ReadOptions, read_paths
    from memos_cli.schema import Depth, Draft, Skipped
    from memos_cli.session import open_session
    from memos_cli.settings import Settings

    count, own, told, skipped = 0, 0.0, 0, 0

    def counted(drafts: Iterator[Draft | Skipped]) -> Iterator[Draft | Skipped]:
        nonlocal count, own, skipped
        for draft in drafts:
            count += 1
            skipped += isinstance(draft, Skipped)
            if count % 500 == 1:
                own = max(own, _own())
            yield draft

    def progress(stage: str, done: int, total: int | None) -> None:
        nonlocal told
        told += 1

    began = time.monotonic()
    drafts = counted(read_paths([path], ReadOptions()))
    if cube is None:
        for _ in drafts:
            pass
    else:
        settings = Settings(home=cube.parent, text=Depth(text))
        with open_session(CubeRef("big", cube, is_name=False), settings, write=True, create=True) as session:
            add(session, drafts, progress=progress)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall": time.monotonic() - began, "cpu": used.ru_utime + used.ru_stime, "peak": _peak(),
        "own": max(own, _own()), "memories": count - skipped, "skipped": skipped, "told": told,
    }  # fmt: skip


def measured(path: Path, cube: Path | None, text: str) -> dict[str, Any]:
    words = [sys.executable, __file__, "--child", str(path), "--text", text]
    words += ["--cube", str(cube)] if cube else []
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, env=os.environ)
    return dict(json.loads(done.stdout))


def row(name: str, size: int, found: dict[str, Any]) -> str:
    return (
        f"{name:<22} {size / 1e6:7.1f} MB {found['memories']:8,} memories {found['wall']:7.1f} s wall "
        f"{found['cpu']:7.1f} s CPU  peak {found['peak']:6.0f} MB (own {found['own']:.0f}) "
        f"{found['told']:6} reports" + (f", {found['skipped']} skipped" if found["skipped"] else "")
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--csv-mb", type=float, default=50)
    arguments.add_argument("--pages", type=int, default=300)
    arguments.add_argument("--text", default="naive_text")
    arguments.add_argument("--only", choices=("read", "add"))
    arguments.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--cube", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        print(json.dumps(child(given.child, given.cube, given.text)))
        return
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = []
        for share in (0.1, 1):
            files += [Path(folder) / f"{share}.pdf", Path(folder) / f"{share}.csv"]
            make_pdf(files[-2], max(1, round(given.pages * share)))
            make_csv(files[-1], given.csv_mb * share)
        for what in ("read", "add"):
            if given.only not in (None, what):
                continue
            for path in files:
                cube = Path(folder) / f"cube-{path.name}" if what == "add" else None
                print(
                    row(f"{what} {path.name}", path.stat().st_size, measured(path, cube, given.text)),
                    flush=True,
                )


if __name__ == "__main__":
    main()
