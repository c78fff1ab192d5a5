"""What filters ask of a row of vectors: its columns and labels, made from items, tested in bulk.

Owns: codes of enumerations, hashes of names, labels for tags and sources, and the meaning of
`Filters` on them. Does not own: scores (`stores/vectors`), where the columns lie (`stores/flatrows`).

Names are kept as 64 bits of BLAKE2b: among 10 million different ones two are equal with a chance
of three in a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from memos_cli.schema import Filters, Kind, Level, MemoryItem, Source, Status, Visibility
from memos_cli.stores.facts import LEARNED, is_learned, talk_of
from memos_cli.stores.flatrows import Snapshot

CLOSED = 0x80
"""Bit of the column `state` that says that a version is no longer current."""

NEVER, ALWAYS = np.iinfo(np.int64).max, np.iinfo(np.int64).min
"""Microseconds that stand for an open end and an open beginning."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

KINDS, LEVELS, STATUSES, VISIBILITIES = (
    {str(value): code for code, value in enumerate(values)} for values in (Kind, Level, Status, Visibility)
)
LEARNED_KIND = KINDS[LEARNED] = len(KINDS)
"""Preferences that were learned have a number of their own; asked for by kind, they count as preferences."""

CODES = {"kind": KINDS, "level": LEVELS, "status": STATUSES, "visibility": VISIBILITIES}
"""The numbers that stand for words, kept in the header: with others, rows mean something else."""


@lru_cache(maxsize=1 << 16)
def _hash(text: str) -> int:
    """64 bits of BLAKE2b, never 0, which stands for 'none'."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def _name(text: str | None) -> int:
    return 0 if text is None else _hash(text)


def _micros(time: datetime | None, missing: int) -> int:
    if time is None:
        return missing
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def item_facts(item: MemoryItem) -> tuple[int, ...]:
    """An item's values in the order of FILTER_COLUMNS."""
    return (
        _name(item.user_id),
        _name(item.session_id),
        _name(item.agent_id),
        _micros(item.time, 0),
        _micros(item.valid_from, ALWAYS),
        _micros(item.valid_to, NEVER),
        _micros(item.known_from, ALWAYS),
        _micros(item.known_to, NEVER),
        _place(item),
        STATUSES[item.status] | (CLOSED if item.known_to is not None else 0),
        LEARNED_KIND if is_learned(item) else KINDS[item.kind],
        LEVELS[item.level],
        VISIBILITIES[item.visibility],
    )


def _place(item: MemoryItem) -> int:
    """A turn's place in its conversation; -1 for what is none, or none any more."""
    return item.position if item.position is not None and talk_of(item) else -1


def labels_of(item: MemoryItem) -> list[int]:
    """Hashes of the item's tags and of the ways to name its sources."""
    found = {_hash(f"tag {tag}") for tag in item.tags}
    found.update(_hash(f"source {name}") for source in item.sources for name in _source_names(source))
    return sorted(found)


def _source_names(source: Source) -> Iterator[str]:
    for name in (source.type, source.role, source.url, source.path):
        if name:
            yield name
    if source.path:
        yield source.path.replace("\\", "/").rpartition("/")[2]


Test = tuple[str, Callable[[np.ndarray], np.ndarray]]


def _tests(filters: Filters) -> Iterator[Test]:
    """What a row's columns must say: (column, test), all of which must hold."""
    yield "state", _state_test(filters)
    codes: tuple[tuple[str, Iterable[Any], dict[str, int]], ...] = (
        ("kind", _kinds(filters), KINDS),
        ("level", filters.levels, LEVELS),
        ("visibility", filters.visibility, VISIBILITIES),
    )
    for name, values, table in codes:
        if wanted := [table[value] for value in values]:
            yield name, _among(wanted)
    if filters.learned is not None:
        yield "kind", lambda column: (column == LEARNED_KIND) == filters.learned
    names = (("user", filters.users), ("session", filters.sessions), ("agent", filters.agents))
    for name, texts in names:
        if wanted := [_hash(text) for text in texts]:
            yield name, _among(wanted)
    yield from _time_tests(filters)


def _kinds(filters: Filters) -> tuple[str, ...]:
    return (*filters.kinds, LEARNED) if Kind.PREFERENCE in filters.kinds else filters.kinds


def _state_test(filters: Filters) -> Callable[[np.ndarray], np.ndarray]:
    statuses = filters.statuses or tuple(Status)
    current = _among([STATUSES[status] for status in statuses if status != Status.PURGED])
    if filters.as_of is None and filters.known_at is None:
        return current
    return lambda state: current(state & ~np.uint8(CLOSED))


def _time_tests(filters: Filters) -> Iterator[Test]:
    if filters.known_at is not None:
        known = _micros(filters.known_at, 0)
        yield "known_from", lambda column: column <= known
        yield "known_to", lambda column: column > known
    if filters.as_of is not None:
        true = _micros(filters.as_of, 0)
        yield "valid_from", lambda column: column <= true
        yield "valid_to", lambda column: column > true
    if filters.since is not None:
        since = _micros(filters.since, 0)
        yield "time", lambda column: column >= since
    if filters.until is not None:
        until = _micros(filters.until, 0)
        yield "time", lambda column: column <= until


def _among(values: list[int]) -> Callable[[np.ndarray], np.ndarray]:
    def test(column: np.ndarray) -> np.ndarray:
        if len(values) > 8:
            return np.isin(column, np.array(values, column.dtype))
        passing = np.zeros(len(column), bool)
        for value in values:
            passing |= column == value
        return passing

    return test


def passing_rows(snapshot: Snapshot, filters: Filters) -> np.ndarray | None:
    """Which rows pass (bool); None when all do."""
    passing = np.ones(snapshot.rows, bool)
    for name, test in _tests(filters):
        passing &= np.concatenate([test(part) for part in snapshot.parts(name)])
    for prefix, names in (("tag", filters.tags), ("source", filters.sources)):
        if names:
            passing &= _labelled(snapshot, [_hash(f"{prefix} {name}") for name in names])
    return None if passing.all() else passing


def _labelled(snapshot: Snapshot, hashes: list[int]) -> np.ndarray:
    labelled = np.zeros(snapshot.rows, bool)
    labelled[snapshot.labelled(hashes)] = True
    if snapshot.continued:
        continuing, first = continuing_rows(snapshot)
        labelled[continuing] = labelled[first]
    return labelled


def continuing_rows(snapshot: Snapshot) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are not the first of their memory, and the first row of each."""
    span = snapshot.column("span")
    rows = np.flatnonzero(span)
    return rows, rows - span[rows]
