"""The next version of a memory.

Owns: which fields say what version it is. Does not own: what an edit means (`edit`, `dependents`).
"""

from __future__ import annotations

from datetime import datetime

from memos_cli.schema import MemoryItem, uuid7

Edited = tuple[MemoryItem, MemoryItem, datetime | None]
"""(current version, next version, when the current one stopped being true)."""


def next_version(old: MemoryItem, **fields: object) -> MemoryItem:
    """A copy of `old` as the version after it."""
    return old.but(
        **{
            "row": uuid7(),
            "version": old.version + 1,
            "predecessor": old.row,
            "known_to": None,
            "closed_by": None,
            **fields,
        }
    )
