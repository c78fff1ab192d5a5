"""What is worth a language model's reading.

Owns: which memories may wait for their refinement. Does not own: the queue (`waiting`). Light, since
every `add` asks.
"""

from __future__ import annotations

from memos_cli.schema import Draft, Kind, Level, MemoryItem, Origin, Status

_KINDS = frozenset({None, Kind.LONG_TERM, Kind.USER, Kind.WORKING, Kind.OUTER})
_NO_ROLES = frozenset({"system", "developer", "tool", "function"})
_IN_USE = (Status.ACTIVATED, Status.RESOLVING)


def refinable(item: MemoryItem | Draft) -> bool:
    """Whether facts can be drawn from it: words that somebody said or wrote, no row of a table, nothing
    that tools say to each other, no fact."""
    if isinstance(item, MemoryItem) and (item.refines is not None or item.status not in _IN_USE):
        return False
    roles = {source.role for source in item.sources}
    return (
        item.kind in _KINDS
        and item.level is Level.FACT
        and item.origin is Origin.SAID
        and "row" not in item.info
        and not roles & _NO_ROLES
    )
