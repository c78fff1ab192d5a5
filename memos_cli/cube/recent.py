"""Which memories the last search of a cube showed on this machine.

Owns: `.memos/shown.json`. Does not own: what is made of it (`operations/feedback_targets`). Losing the
file is no damage, and a cube that cannot be written to keeps none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from memos_cli.cube.layout import Layout


class Shown(msgspec.Struct, frozen=True):
    """When memories were shown, and their ids, best first."""

    time: datetime
    ids: tuple[str, ...]


def note_shown(layout: Layout, ids: Iterable[str]) -> None:
    """Remember what a search showed, in place of what the one before it did."""
    document = {"time": datetime.now(UTC).isoformat(), "ids": list(ids)}
    fresh = layout.shown.with_suffix(".new")
    try:
        layout.local.mkdir(exist_ok=True)
        fresh.write_text(json.dumps(document), encoding="utf-8")
        fresh.replace(layout.shown)
    except OSError:  # not ours to write, or full: then `--last` knows only the last change
        return


def read_shown(layout: Layout) -> Shown | None:
    """What the last search showed; None where that is not known."""
    try:
        document = json.loads(layout.shown.read_bytes())
        ids = [id for id in document["ids"] if isinstance(id, str)]
        return Shown(datetime.fromisoformat(document["time"]).astimezone(UTC), tuple(ids))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
