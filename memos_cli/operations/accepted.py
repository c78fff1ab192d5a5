"""Which drafts can be stored at all, and why the others cannot.

Owns: what is refused before anything is read of the cube. Does not own: what is known (`operations/batch`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from memos_cli.schema import (
    AddResult,
    Draft,
    Skipped,
    Source,
    is_blank,
    now,
    storable,
)

if TYPE_CHECKING:
    pass


FUTURE = timedelta(days=1)
"""A time of saying later than this from now is refused unless allowed: clocks and zones differ."""


def sift(
    drafts: Iterable[Draft | Skipped], *, allow_future: bool = False
) -> tuple[Iterator[Draft | Skipped], AddResult | None]:
    """The same drafts, read up to the first that can be stored; where none can be, what came of them.

    For a caller that makes a cube only when there is something to put into it.
    """
    coming = iter(drafts)
    refused: list[Skipped] = []
    for draft in accepted(coming, refused, allow_future):
        return chain(refused, [draft], coming), None
    return iter(refused), AddResult(skipped=tuple(refused))


def accepted(
    drafts: Iterable[Draft | Skipped], skipped: list[Skipped], allow_future: bool
) -> Iterator[Draft]:
    limit = None if allow_future else now() + FUTURE
    for draft in drafts:
        if isinstance(draft, Skipped):
            skipped.append(draft)
        elif reason := _refusal(draft, limit):
            skipped.append(Skipped(source=_name(draft), reason=reason))
        else:
            yield draft


def _refusal(draft: Draft, limit: datetime | None) -> str | None:
    """Why a draft cannot be stored; `limit`: the latest time of saying that is believed."""
    if reason := _unstorable(draft):
        return reason
    if is_blank(draft.memory):
        return "the text is empty"
    if limit is not None and draft.said_at and (draft.said_at > limit or _is_later_day(draft.said_at)):
        return f"its time {draft.said_at:%Y-%m-%d} lies in the future (--allow-future stores it)"
    return None


def _is_later_day(moment: datetime) -> bool:
    """Whether it is a day without a time of day, which is kept as midnight UTC, and one that has begun
    neither here nor in UTC: "tomorrow" begins within FUTURE."""
    present = now()
    today = max(present.date(), present.astimezone().date())
    return moment.time() == time.min and moment.date() > today


def _unstorable(draft: Draft) -> str | None:
    names = (draft.key, draft.speaker, draft.external_id, draft.user_id, draft.session_id, draft.agent_id)
    try:
        for text in filter(None, (draft.memory, *names, *draft.tags)):
            storable(text)
    except ValueError as error:
        return str(error)
    return None


def _name(draft: Draft) -> str:
    source = draft.sources[0] if draft.sources else Source()
    name = source.path or source.url or draft.memory[:40] or source.type
    return name.encode(errors="replace").decode().replace("\0", "?")
