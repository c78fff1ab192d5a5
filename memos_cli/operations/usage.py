"""`memos usage`: what language models used on this machine, by day, model and verb.

Owns: the sums. Does not own: the file of calls (`providers/ledger`), nor counting (`providers/meter`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memos_cli.errors import NotPermitted, StorageError
from memos_cli.schema import Value

if TYPE_CHECKING:
    from memos_cli.providers.ledger import Entry
    from memos_cli.settings import Settings


class UsageSum(Value, frozen=True, kw_only=True):
    """Calls together. `cost` is that of the calls that had a price, `unpriced` the number of the others."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimated: int = 0
    """Calls whose tokens were estimated, since the server did not count."""


class UsageRow(UsageSum, frozen=True, kw_only=True):
    day: str
    """In UTC."""
    model: str
    verb: str


class UsageResult(Value, frozen=True, kw_only=True):
    rows: tuple[UsageRow, ...]
    total: UsageSum
    file: str
    notes: tuple[str, ...] = ()


def usage(settings: Settings, since: datetime | None = None) -> UsageResult:
    """The calls at `since` or later, summed; days in order, all of it from this machine's file.

    Raises NotPermitted, StorageError when the file cannot be read.
    """
    from memos_cli.providers.ledger import entries

    path = settings.usage_file
    sums: dict[tuple[str, str, str], list[Entry]] = {}
    unreadable = 0
    try:
        for entry in entries(path):
            if entry is None:
                unreadable += 1
            elif since is None or entry.at >= since:
                day = entry.at.astimezone(UTC).date().isoformat()
                sums.setdefault((day, entry.model, entry.verb), []).append(entry)
    except PermissionError as error:
        raise NotPermitted(detail=f"{path} cannot be read", hint="Check its owner.") from error
    except OSError as error:
        raise StorageError(path=path, reason=error.strerror or str(error), hint="") from error
    rows = tuple(
        UsageRow(day=day, model=model, verb=verb, **_summed(sums[day, model, verb]))
        for day, model, verb in sorted(sums)
    )
    total = UsageSum(**_summed([entry for found in sums.values() for entry in found]))
    notes = (f"{unreadable} lines of {path} cannot be read, and are left out.",) if unreadable else ()
    return UsageResult(rows=rows, total=total, file=str(path), notes=notes)


def _summed(entries: Sequence[Entry]) -> dict[str, Any]:
    """The fields of UsageSum."""
    return {
        "calls": len(entries),
        "prompt_tokens": sum(one.usage.prompt_tokens for one in entries),
        "completion_tokens": sum(one.usage.completion_tokens for one in entries),
        "cost": round(sum((one.usage.cost or 0.0 for one in entries), 0.0), 6),
        "unpriced": sum(one.usage.cost is None for one in entries),
        "estimated": sum(one.usage.estimated for one in entries),
    }
