"""`memos reembed`: vectors of another embedder for every version in the cube.

Owns: staging, resuming and the switch. Does not own: embedders (`providers`).

Vectors are made without the lock, in parts that are kept under `.memos/staging`; a run that was
interrupted finds them there, and so does another process that makes the same ones. Then, under the
lock: what is missing is embedded, one commit adds the new column beside the old one, config.json
switches to it in one rename, and the old column goes. At every moment the live column is whole, so
vectors of two models never mix. A purge, or another run that came first, may remove the parts;
what counts is what is there once the lock is held.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from memos_cli.cube.config import replace_file
from memos_cli.cube.cube import MemCube, remove_tree, vector_column
from memos_cli.errors import NoVectors, StorageError
from memos_cli.schema import Depth, EmbedderInfo, MemoryItem, Value, uuid7
from memos_cli.stores.table_rows import VectorColumn

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.operations.add import Progress
    from memos_cli.providers.embedder import Embedder
    from memos_cli.session import Session

PART = 512
"""Rows a staged part: what an interruption costs at most."""

ATTEMPTS = 10


class ReembedResult(Value, frozen=True, kw_only=True):
    before: str | None
    embedder: str
    dimension: int
    embedded: int
    resumed: int = 0
    dry_run: bool = False
    notes: tuple[str, ...] = ()


def reembed(
    session: Session, embedder: str, progress: Progress | None = None, dry_run: bool = False
) -> ReembedResult:
    """Make all vectors anew with `embedder`, resuming an interrupted run of the same model.

    Raises NoVectors at depth naive_text (`deepen` is for that), UnknownEmbedder,
    EmbedderUnavailable, EmbedderFailed, Busy.
    """
    if session.cube.column is None:
        raise NoVectors(verb="reembed")
    return make_vectors(session, embedder, progress, dry_run)


def make_vectors(
    session: Session, embedder: str, progress: Progress | None = None, dry_run: bool = False
) -> ReembedResult:
    """What `reembed` does, and `deepen` for a cube that has no vectors yet."""
    from memos_cli.providers.embedder import fingerprint, resolve

    cube = session.cube
    before = cube.config.embedder.name if cube.config.embedder else None
    model = resolve(embedder, settings=session.settings)
    info = fingerprint(model)
    total = cube.table.count("status != 'purged'")
    if dry_run:
        return ReembedResult(
            before=before, embedder=info.name, dimension=info.dimension, embedded=total, dry_run=True
        )
    stage = _Stage(cube, info)
    resumed = len(stage.rows)
    embedded = _embed_missing(cube, model, stage, total, progress)
    with cube.writing("reembed"):
        stage = _Stage(cube, info)
        embedded += _embed_missing(cube, model, stage, total, progress)
        _switch(cube, _free_column(cube, info), info, stage)
        remove_tree(stage.folder)
    return ReembedResult(
        before=before, embedder=info.name, dimension=info.dimension, embedded=embedded, resumed=resumed
    )


def _free_column(cube: MemCube, info: EmbedderInfo) -> VectorColumn:
    """A column name that is not the live one (the same name with other weights gets a number)."""
    column, number = vector_column(info), 2
    while cube.column is not None and column.name == cube.column.name:
        column = VectorColumn(f"{vector_column(info).name}_{number}", info.dimension)
        number += 1
    return column


def _embed_missing(
    cube: MemCube, model: Embedder, stage: _Stage, total: int, progress: Progress | None
) -> int:
    made = 0
    for items in _unstaged(cube, stage):
        stage.add(items, model.embed_documents([i.memory for i in items]))
        made += len(items)
        if progress:
            progress("embedding", len(stage.rows), total)
    return made


def _unstaged(cube: MemCube, stage: _Stage) -> Iterator[list[MemoryItem]]:
    waiting: list[MemoryItem] = []
    for tail in cube.table.tails("status != 'purged'", None):
        waiting += [i for i in tail.items if i.row not in stage.rows]
        while len(waiting) >= PART:
            yield waiting[:PART]
            waiting = waiting[PART:]
    if waiting:
        yield waiting


def _switch(cube: MemCube, column: VectorColumn, info: EmbedderInfo, stage: _Stage) -> None:
    old = cube.column
    for stray in [c for c in cube.table.vector_columns() if c not in (old,)]:
        cube.table.drop_vectors(stray)  # left by a run that was cut short between commit and switch
    cube.table.add_vectors(column, info, stage.vectors())
    config = cube.config
    depth = Depth.GENERAL if config.depth is Depth.NAIVE else config.depth
    slots = replace(config.slots, text_mem=replace(config.slots.text_mem, depth=depth))
    cube.set_config(config.but(embedder=info, vector_column=column.name, slots=slots))
    if old is not None:
        cube.table.drop_vectors(old)
    cube.level()


class _Stage:
    """Vectors made so far, in parts on disk: each part is a .npz of rows, span counts and a matrix.

    The folder's name holds the fingerprint, so parts of two models never meet.
    """

    def __init__(self, cube: MemCube, info: EmbedderInfo) -> None:
        """Take up what an interrupted run of the same model left."""
        print_ = hashlib.blake2b(msgspec.json.encode(info), digest_size=8).hexdigest()
        self.folder = cube.layout.staging / f"{vector_column(info).name}-{print_}"
        self.rows: set[str] = set()
        for rows, _, _ in self._parts():
            self.rows.update(rows)

    def _parts(self) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
        for path in sorted(self.folder.glob("part-*.npz")):
            try:
                yield _read_part(path)
            except FileNotFoundError:
                continue  # removed since by another process
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                path.unlink(missing_ok=True)  # damaged: its vectors are made again

    def add(self, items: list[MemoryItem], vectors: list[np.ndarray]) -> None:
        """Keep one part: (spans, dimension) float16 a row."""
        import io

        import numpy as np

        buffer = io.BytesIO()
        np.savez(
            buffer,
            rows=np.array([i.row for i in items]),
            spans=np.array([len(v) for v in vectors]),
            matrix=np.concatenate(vectors).astype(np.float16),
        )
        self._write(f"part-{uuid7()}.npz", buffer.getvalue())
        self.rows.update(i.row for i in items)

    def _write(self, name: str, data: bytes) -> None:
        for _ in range(ATTEMPTS):
            self.folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # the folder went in this moment
                return replace_file(self.folder / name, data)
        raise StorageError(path=self.folder, reason="it is removed again and again")

    def vectors(self) -> dict[str, np.ndarray]:
        """Every staged vector by row."""
        import numpy as np

        found: dict[str, np.ndarray] = {}
        for rows, spans, matrix in self._parts():
            cuts = np.cumsum(spans)[:-1]
            found.update(zip(rows, np.split(matrix, cuts), strict=True))
        return found


def _read_part(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    import numpy as np

    with np.load(path, allow_pickle=False) as part:
        return part["rows"].tolist(), part["spans"], part["matrix"]
