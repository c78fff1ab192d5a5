"""Folding: small segments are written again with the next row, so that an add costs the same always.

Owns: which segments and when. Does not own: the writing (`stores/keyword_rows`).

The engine merges eight segments of one level into one, and everything under ten thousand rows
is one level to it; its policy cannot be set from Python. One-row commits would therefore rewrite
up to ten thousand rows at every seventh: a mean of 62 ms of CPU an add at 10,000 rows where it
is 28 at 1,000. So before a small commit that would fill the level, the rows of its smallest
segments join the commit, which empties and drops those segments. Sizes stay in geometric steps,
a row is rewritten a few times in all, and an add takes a mean of 17-24 ms from 1,000 to 50,000.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memos_cli.schema import Tail

if TYPE_CHECKING:
    from memos_cli.stores.keyword_query import View

FEW = 200
"""Rows; a larger commit pays for the engine's own merging, which is cheaper a row."""

_FULL = 7
"""Segments of the lowest level; one more and the engine merges them all."""

_LIGHT = 1_000
_HEAVY = 3
"""Rows under which a segment is folded, and how many of the level may have more: where they
crowd, too few places are left for steps of sizes, and one merge by the engine makes room."""

_STEP = 2


def folded(view: View, path: Path, coming: int) -> Tail:
    """Rows to write again along with `coming` new ones; mostly none."""
    segments = json.loads((path / "meta.json").read_bytes())["segments"]
    live = [s["max_doc"] - (s["deletes"] or {}).get("num_deleted_docs", 0) for s in segments]
    ordinals: list[int] = []
    for place in chosen(live, coming):
        ordinals += view.segment_ordinals(place, segments[place]["max_doc"])
    rows = sorted(view.rows(ordinals))
    return Tail(tuple(item for _, item in rows), tuple(ordinal for ordinal, _ in rows))


def chosen(live: Sequence[int], coming: int) -> list[int]:
    """Places of the segments to fold, given their numbers of live rows and that of the new rows."""
    level = _lowest_level(live)
    light = sorted((place for place in level if live[place] < _LIGHT), key=lambda place: live[place])
    if coming > FEW or len(level) < _FULL or len(level) - len(light) > _HEAVY:
        return []
    out: list[int] = []
    gathered = coming
    for place in light:
        # Stop at a segment much larger than what was gathered, once there is room for the next.
        if live[place] > _STEP * gathered and len(level) - len(out) < _FULL - 1:
            break
        gathered += live[place]
        out.append(place)
    return out


def _lowest_level(live: Sequence[int]) -> list[int]:
    """Segments that tantivy's LogMergePolicy, as it is by default, puts on a level with one new row."""
    ceiling = math.inf
    level: list[int] = []
    for place in sorted(range(len(live)), key=lambda place: -live[place]):
        size = math.log2(max(live[place], 10_000))
        if size < ceiling - 0.75:
            ceiling, level = size, []
        level.append(place)
    return level if math.log2(10_000) >= ceiling - 0.75 else []
