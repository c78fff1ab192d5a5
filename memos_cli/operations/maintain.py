"""`memos check`, `repair`, `reindex`, `compact`, `deepen`, `unlock`: keeping a cube sound.

Owns: their order of steps and what they answer. Does not own: what is compared and mended
(`cube/check`), making vectors anew (`reembed`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from memos_cli.cube import check as judge
from memos_cli.cube.config import CubeConfig, Slots, TextSlot, check_writable, read_config, write_config
from memos_cli.cube.cube import EMPTY, MemCube
from memos_cli.cube.layout import Layout
from memos_cli.cube.lock import WriteLock
from memos_cli.errors import (
    ConfigDamaged,
    CubeNotFound,
    EmbedderMismatch,
    ProviderError,
    TableDamaged,
    UnknownEmbedder,
    UsageError,
)
from memos_cli.operations.reembed import ReembedResult, make_vectors, reembed
from memos_cli.schema import CheckResult, Depth, Value
from memos_cli.session import Session
from memos_cli.stores.table_files import newest_version

if TYPE_CHECKING:
    from memos_cli.location import CubeRef
    from memos_cli.operations.add import Progress
    from memos_cli.settings import Settings

_ORDER = (Depth.NAIVE, Depth.GENERAL, Depth.TREE)


class RepairResult(Value, frozen=True, kw_only=True):
    ok: bool
    done: tuple[str, ...]
    revision: int
    dry_run: bool = False
    notes: tuple[str, ...] = ()


class ReindexResult(Value, frozen=True, kw_only=True):
    """`embedded`: rows that had no vector, since another program wrote them, and have one now."""

    revision: int
    stores: tuple[str, ...]
    memories: int
    embedded: int = 0
    notes: tuple[str, ...] = ()


class CompactResult(Value, frozen=True, kw_only=True):
    revision: int
    fragments_before: int
    fragments_after: int
    bytes_before: int
    bytes_after: int


class DeepenResult(Value, frozen=True, kw_only=True):
    before: Depth
    text: Depth
    embedded: int
    dry_run: bool = False
    notes: tuple[str, ...] = ()


class UnlockResult(Value, frozen=True, kw_only=True):
    locked: bool
    holder: dict[str, Any] | None
    notes: tuple[str, ...] = ()


def check(session: Session, *, quick: bool = False) -> CheckResult:
    """Compare every store with the table; changes nothing. Problems are listed, never raised.

    `quick`: their marks and counts alone, and that no file is missing or cut short.
    """
    return judge.quick(session.cube) if quick else judge.check(session.cube)


def repair(ref: CubeRef, settings: Settings, dry_run: bool = False) -> RepairResult:
    """Mend what can be mended: config.json from the table, torn versions, foreign rows, indexes.

    Raises CubeNotFound, TableDamaged when the table itself is beyond it, ConfigDamaged when what
    stands in the place of config.json is no file, FormatTooNew, Busy.
    """
    layout = Layout(ref.path)
    if not layout.table.exists():
        if not layout.config.exists():
            raise CubeNotFound(path=ref.path, name=ref.name if ref.is_name else ref.path)
        raise TableDamaged(
            reason="memories.lance is missing",
            hint="Put it back from a copy of the cube; the indexes beside it follow it.",
        )
    done: list[str] = []
    try:
        config = read_config(layout.config)
        check_writable(config)
    except (ConfigDamaged, CubeNotFound):
        if layout.config.is_dir():
            raise
        config = _config_anew(ref, settings)
        done.append("wrote config.json anew from the table")
        if not dry_run:
            write_config(layout.config, config)
    cube = MemCube(ref.path, config, lock_timeout=settings.lock_timeout, fsync=settings.fsync)
    if dry_run:
        found = [f"{p.store}: {p.what}" for p in judge.check(cube).problems]
        return RepairResult(
            ok=not found and not done, done=(), revision=_newest(cube), dry_run=True, notes=(*done, *found)
        )
    with cube.lock.hold("repair"):
        done += judge.mend(cube)
    embedded, notes = _embed_bare(Session(ref, cube, settings))
    if embedded:
        done.append(f"made the vectors of {embedded} versions that had none")
    result = judge.check(cube)
    left = tuple(f"{p.store}: {p.what}" for p in result.problems)
    return RepairResult(ok=result.ok, done=tuple(done), revision=result.revision, notes=(*left, *notes))


def _embed_bare(session: Session) -> tuple[int, tuple[str, ...]]:
    """`embed_bare`, and what stands in its way as a note: the indexes are sound without those vectors."""
    try:
        return embed_bare(session), ()
    except (ProviderError, EmbedderMismatch, UnknownEmbedder) as error:
        return 0, (f"some memories have no vector: {error.message} {error.next_step}".strip(),)


def embed_bare(session: Session) -> int:
    """Give vectors to rows that have none (another program wrote them). Returns how many."""
    cube = session.cube
    column = cube.column
    if column is None or not cube.table.holds(column):
        return 0
    bare = f"{column.name} IS NULL AND status != 'purged'"
    with cube.writing("embed"):
        items = cube.table.items(bare)
        if items:
            made = session.embedder.embed_documents([i.memory for i in items])
            cube.table.replace(
                bare, lambda item: item, (), {i.row: v for i, v in zip(items, made, strict=True)}, column
            )
            cube.level()
    return len(items)


def _newest(cube: MemCube) -> int:
    return newest_version(cube.layout.table) or 0


def _config_anew(ref: CubeRef, settings: Settings) -> CubeConfig:
    """A configuration as far as the table tells it; the cube gets a new id."""
    cube = MemCube(ref.path, CubeConfig(), lock_timeout=settings.lock_timeout, fsync=settings.fsync)
    known = judge.config_from_table(cube)
    depth = Depth.NAIVE if known["embedder"] is None else Depth.GENERAL
    if depth is Depth.GENERAL and cube.layout.graph.exists():
        depth = Depth.TREE
    return CubeConfig(slots=Slots(text_mem=TextSlot(depth=depth)), **known)


def reindex(session: Session, progress: Progress | None = None) -> ReindexResult:
    """Rebuild every derived store from the table, whatever state it is in.

    Rows that another program wrote are taken in and given vectors, if the embedder is there.
    Raises TableDamaged, ForeignTable, Busy.
    """
    cube = session.cube
    with cube.lock.hold("reindex"):
        cube.table.set_aside_torn()
        cube.adopt()
        cube.reindex()
        if cube.config.depth is Depth.TREE:
            cube.ready_graph()
    stores = [
        "keywords",
        *(["vectors"] if cube.column else []),
        *(["graph"] if cube.layout.graph.exists() else []),
    ]
    embedded, notes = _embed_bare(session)
    memories = cube.table.count("known_to IS NULL AND status NOT IN ('purged', 'deleted')")
    return ReindexResult(
        revision=cube.revision, stores=tuple(stores), memories=memories, embedded=embedded, notes=notes
    )


def compact(session: Session) -> CompactResult:
    """Merge the table's fragments, drop unused vector columns and superseded versions.

    No version of a memory is lost: they are rows.
    """
    cube = session.cube
    with cube.writing("compact"):
        fragments, size = len(cube.table.dataset.get_fragments()), _size(cube)
        for column in cube.table.vector_columns():
            if column != cube.column:
                cube.table.drop_vectors(column)
        cube.table.compact(1 << 20)
        cube.level()
        cube.table.clean(everything=True)
        return CompactResult(
            revision=cube.revision,
            fragments_before=fragments,
            fragments_after=len(cube.table.dataset.get_fragments()),
            bytes_before=size,
            bytes_after=_size(cube),
        )


def is_scattered(session: Session) -> bool:
    """Whether `compact` is worth its work, which goes with the size of the cube: a tenth of the rows stand
    outside the largest fragment, or a vector column is unused. Then all the compacting of a growing
    cube together goes with what was added to it."""
    table = session.cube.table
    sizes = [fragment.metadata.num_rows for fragment in table.dataset.get_fragments()]
    unused = any(column != session.cube.column for column in table.vector_columns())
    return unused or (len(sizes) > 1 and 10 * (sum(sizes) - max(sizes)) >= sum(sizes))


def _size(cube: MemCube) -> int:
    return sum(p.stat().st_size for p in cube.layout.table.rglob("*") if p.is_file())


def deepen(
    session: Session, depth: Depth, progress: Progress | None = None, dry_run: bool = False
) -> DeepenResult:
    """Raise the depth of the text slot where the memories lie.

    Raises UsageError when the cube is that deep already.
    """
    cube = session.cube
    before = cube.config.depth
    if _ORDER.index(depth) <= _ORDER.index(before):
        raise UsageError(
            detail=f"The cube's text is {before} already.", hint="See `memos help concepts` for the depths."
        )
    made = ReembedResult(before=None, embedder="", dimension=0, embedded=0)
    if cube.column is None:
        made = make_vectors(session, session.settings.embedder, progress, dry_run)
    if dry_run:
        return DeepenResult(before=before, text=depth, embedded=made.embedded, dry_run=True)
    with cube.writing("deepen"):
        slots = replace(cube.config.slots, text_mem=TextSlot(depth=depth))
        cube.set_config(cube.config.but(slots=slots))
        if depth is Depth.TREE:
            cube.ready_graph()
    return DeepenResult(before=before, text=depth, embedded=made.embedded)


def unlock(ref: CubeRef, settings: Settings) -> UnlockResult:
    """Say who holds the write lock. A lock whose process died was freed by the kernel already."""
    layout = Layout(ref.path)
    if not layout.config.exists():
        raise CubeNotFound(path=ref.path, name=ref.name if ref.is_name else ref.path)
    holder = WriteLock(layout.lock).holder()
    if holder is None:
        return UnlockResult(locked=False, holder=None, notes=("Nobody is writing to this cube.",))
    note = f"Process {holder.get('pid')} is alive and writing ({holder.get('verb')}); end it if it hangs, and the lock is free."
    return UnlockResult(locked=True, holder=dict(holder), notes=(note,))


__all__ = ["EMPTY", "check", "compact", "deepen", "reembed", "reindex", "repair", "unlock"]
