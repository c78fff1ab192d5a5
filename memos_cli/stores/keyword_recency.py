"""Memories by when they were said, the newest first.

Owns: the order, and taking its first few from the index. Does not own: the index (`keyword_query`), nor
which memories are wanted.

What was said at one instant, as all that one `add` stores may be, follows the ids, which tell the order of
storing and stay when a memory is filed elsewhere. To cut so many ties at a limit all of them must be read;
from TIES on they follow their rows instead, which the index sorts by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tantivy import DocAddress, Query

    from memos_cli.schema import MemoryItem
    from memos_cli.stores.keyword_query import View

TIES = 1_000
"""Memories of one instant up to which all are read to order them by id: a few milliseconds."""


def latest_first(rows: Iterable[tuple[int, MemoryItem]], sizes: Mapping[datetime, int]) -> list[MemoryItem]:
    """`rows` (ordinal, memory) in their order; `sizes` says how many there are of an instant, where more
    than the rows show."""
    rows = list(rows)
    many = Counter(item.time for _, item in rows) | Counter(sizes)

    def place(row: tuple[int, MemoryItem]) -> tuple[datetime, str, int]:
        ordinal, item = row
        return item.time, item.id if many[item.time] <= TIES else "", ordinal

    return [item for _, item in sorted(rows, key=place, reverse=True)]


def latest(view: View, restriction: Query, limit: int) -> list[MemoryItem]:
    """The first `limit` memories that `restriction` lets through. Two searches at most, neither of which
    reads more than the limit and TIES."""
    found = view.by_time(restriction, limit)
    sizes: dict[datetime, int] = {}
    if found and len(found) == limit:
        found, instant, size = _cut(view, restriction, found)
        sizes = {instant: size}
    items = zip(view.ordinals(found), map(view.item, found), strict=True)
    return latest_first(items, sizes)[:limit]


def _cut(view: View, restriction: Query, found: list[DocAddress]) -> tuple[list[DocAddress], datetime, int]:
    """What lies above the last instant of `found` and enough of that instant; the instant, and how many
    there are of it."""
    times = view.times(found)
    above = [address for address, time in zip(found, times, strict=True) if time > times[-1]]
    same = view.at_time(restriction, times[-1])
    size = view.count(same)
    tied = view.all(same) if size <= TIES else view.newest(same, len(found) - len(above))
    return [*above, *tied], view.item(found[-1]).time, size
