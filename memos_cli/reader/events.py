"""When what a text tells of happened: its event time, apart from the time it was said.

Owns: which of the times that a text names is its event's, and the fields that keep it. Does not own:
the grammar of dates, nor which reading of a date is meant (`dates/statement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from memos_cli.dates.statement import Told, told

SEVERAL = 3
"""Different times beyond which a text is a chronicle, and none of them is the time of its event."""

LISTED = 8
"""Times of one text that are listed at most."""


def event(times: Sequence[Told], most: int = SEVERAL) -> Told | None:
    """The time of a text's event: the first in a main clause, else the first; None among more than `most`."""
    if len({(time.start, time.end) for time in times}) > most:
        return None
    return next((time for time in times if time.main), next(iter(times), None))


def event_fields(
    text: str, said: datetime | None, most: int = SEVERAL
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The fields `event_start`, `event_end` and `event_precision` of a text said at `said` (UTC; None:
    unknown), without any where it tells of no time; and all its times, where there are several.

    An event lasts from its start up to but not including its end.
    """
    times = told(text, said.astimezone(UTC).replace(tzinfo=None) if said else None)
    if not times:
        return {}, []
    found = event(times, most)
    fields = {} if found is None else _fields(found)
    different = {(time.start, time.end): time for time in reversed(times)}
    if len(different) < 2:
        return fields, []
    return fields, [_listed(text, time) for time in reversed(different.values())][:LISTED]


def _fields(time: Told) -> dict[str, Any]:
    return {
        "event_start": time.start.replace(tzinfo=UTC),
        "event_end": time.end.replace(tzinfo=UTC),
        "event_precision": time.precision,
    }


def _listed(text: str, time: Told) -> dict[str, str]:
    return {
        "text": text[time.first : time.last],
        "start": f"{time.start:%Y-%m-%d}",
        "end": f"{time.end:%Y-%m-%d}",
        "precision": time.precision.value,
    }
