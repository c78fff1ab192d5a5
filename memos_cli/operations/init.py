"""`memos init`: make a cube. Does not own what a cube consists of (`cube/cube`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos_cli.schema import Depth, Value
from memos_cli.session import make_cube

if TYPE_CHECKING:
    from memos_cli.location import CubeRef
    from memos_cli.settings import Settings


class InitResult(Value, frozen=True, kw_only=True):
    cube: str
    path: str
    cube_id: str
    text: Depth
    embedder: str | None
    dimension: int | None


def init(
    ref: CubeRef, settings: Settings, *, text: Depth | None = None, embedder: str | None = None
) -> InitResult:
    """Make a new cube at `ref`. Raises CubeExists, UnknownEmbedder, EmbedderUnavailable."""
    cube = make_cube(ref, settings, depth=text, embedder=embedder)
    info = cube.config.embedder
    return InitResult(
        cube=ref.name,
        path=str(ref.path),
        cube_id=cube.config.cube_id,
        text=cube.config.depth,
        embedder=info.name if info else None,
        dimension=info.dimension if info else None,
    )
