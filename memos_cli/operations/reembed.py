"""`memos reembed`: vectors of another embedder for every version in the cube.

Owns: staging, resuming and the switch. Does not own: embedders (`providers`).

Vectors are made without the lock, in parts that are kept under `.memos/staging`; a run that was
interrupted finds them there. Then, under the lock: what was added meanwhile is embedded, one
commit adds the new column beside the old one, config.json switches to it in one rename, and the
old column goes. At every moment the live column is whole, so vectors of two models never mix.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from memos_cli.cube.config import replace_file
from memos_cli.cube.cube import MemCube, vector_column
from memos_cli.errors import EmbedderMismatch
from memos_cli.schema import Depth, EmbedderInfo, MemoryItem, Value
from memos_cli.stores.table import VectorColumn

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.operations.add import Progress
    from memos_cli.providers.embedder import Embedder
    from memos_cli.session import Session

PART = 512
"""Rows a staged part: what an interruption costs at most."""


class ReembedResult(Value):
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

    Raises UnknownEmbedder, EmbedderUnavailable, EmbedderFailed, Busy.
    """
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
    column = _free_column(cube, info)
    stage = _Stage.open(cube.layout.staging / column.name, model, info)
    resumed = len(stage.rows)
    _embed_missing(cube, model, stage, total, progress)
    with cube.writing("reembed"):
        _embed_missing(cube, model, stage, total, progress)
        _switch(cube, column, info, stage)
    shutil.rmtree(stage.folder)
    return ReembedResult(
        before=before,
        embedder=info.name,
        dimension=info.dimension,
        embedded=len(stage.rows) - resumed,
        resumed=resumed,
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
) -> None:
    for items in _unstaged(cube, stage):
        stage.add(items, model.embed_documents([i.memory for i in items]))
        if progress:
            progress("embedding", len(stage.rows), total)


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
    slots = config.slots.model_copy(
        update={"text_mem": config.slots.text_mem.model_copy(update={"depth": depth})}
    )
    cube.set_config(
        config.model_copy(update={"embedder": info, "vector_column": column.name, "slots": slots})
    )
    if old is not None:
        cube.table.drop_vectors(old)
    cube.level()


class _Stage:
    """Vectors made so far, in parts on disk: each part is a .npz of rows, span counts and a matrix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: set[str] = set()
        self.parts = 0

    @classmethod
    def open(cls, folder: Path, model: Embedder, info: EmbedderInfo) -> _Stage:
        """Take up what an interrupted run of the same model left; of another model, start anew."""
        from memos_cli.providers.embedder import verify

        stage = cls(folder)
        stamp = folder / "embedder.json"
        if stamp.exists():
            try:
                verify(model, EmbedderInfo.model_validate_json(stamp.read_bytes()))
            except (EmbedderMismatch, ValueError):
                shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not stamp.exists():
            replace_file(stamp, json.dumps(info.model_dump(mode="json")).encode())
        for part in stage._files():
            rows, _, _ = _read_part(part)
            stage.rows.update(rows)
            stage.parts += 1
        return stage

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.npz"))

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
        replace_file(self.folder / f"part-{self.parts:08d}.npz", buffer.getvalue())
        self.parts += 1
        self.rows.update(i.row for i in items)

    def vectors(self) -> dict[str, np.ndarray]:
        """Every staged vector by row."""
        import numpy as np

        found: dict[str, np.ndarray] = {}
        for part in self._files():
            rows, spans, matrix = _read_part(part)
            cuts = np.cumsum(spans)[:-1]
            found.update(zip(rows, np.split(matrix, cuts), strict=True))
        return found


def _read_part(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    import numpy as np

    with np.load(path, allow_pickle=False) as part:
        return part["rows"].tolist(), part["spans"], part["matrix"]
