"""Up to when a cube's memories were reflected on.

Owns: `.memos/reflected.json`. Does not own: reflecting (`operations/reflect`). Losing the file is no
damage: the last days are reflected on once more, and what is known already is not stored again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from memos_cli.cube.layout import Layout
from memos_cli.errors import StorageError
from memos_cli.stores.table_files import storage_error


def read(layout: Layout) -> datetime | None:
    """The moment, in UTC; None where it is not known."""
    try:
        found = datetime.fromisoformat(json.loads(layout.reflected.read_bytes())["until"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def write(layout: Layout, until: datetime) -> None:
    """Raises StorageError, StorageFull, NotPermitted."""
    path = layout.reflected
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(exist_ok=True)
        fresh.write_text(json.dumps({"until": until.isoformat()}), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise storage_error(error, path) or StorageError(path=path, reason=str(error)) from error
