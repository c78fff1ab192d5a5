"""Questions for a time: those that name nothing else, and those about what held then.

Owns: which memories a question for a time alone is held to, what is said of that, and the word that what
stands first held later than the time asked about. Does not own: reading times (`retrieval/temporal`),
what held when (`--as-of`, in `search`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from memos_cli.cube.cube import View
from memos_cli.retrieval.asked import Asked
from memos_cli.retrieval.calibration import DOUBTFUL
from memos_cli.retrieval.temporal import Window
from memos_cli.schema import Filters, Hit, Mode, Query, RelationKind

_MOMENT = timedelta(microseconds=1)

LOOKED_AT = 3
"""First hits that are asked since when they hold."""


def held_to(view: View, asked: Asked, query: Query) -> Filters | None:
    """The filters of a question that names a time and nothing else, as far as anything is of that time;
    None for other questions, and where the caller says what times count."""
    filters = query.filters
    if filters.since or filters.until or filters.as_of or filters.known_at or "dates" in query.without:
        return None
    if query.mode is Mode.VECTOR or not asked.time_alone:
        return None
    [window] = asked.windows
    since = window.start if window.start.year > datetime.min.year else None
    until = window.end - _MOMENT if window.end.year < datetime.max.year else None
    within = filters.but(since=since, until=until)
    return within if any(shard.count(within) for shard in view.keywords) else None


def of_that_time(view: View, filters: Filters, limit: int) -> list[int]:
    """Memories of the time, the newest first: what there is to show where no vector says which of them
    are nearer to the question."""
    found = [o for shard in view.keywords for o in shard.filter_only(filters, limit)]
    return [o for o in dict.fromkeys(found) if o not in view.hidden][:limit]


def alone(asked: Asked) -> str:
    """What is said where a question for a time alone was held to it."""
    [window] = asked.windows
    return (
        f"the question names a time alone: these are of {_told(window)}; `--without dates` searches all times"
    )


def later(view: View, asked: Asked, query: Query, hits: Sequence[Hit]) -> Iterator[str]:
    """What is said where the question is about a time, and what stands first took the place of what held
    then."""
    if query.filters.as_of or query.filters.known_at or len(asked.windows) != 1 or asked.when:
        return
    [window] = asked.windows
    if window.end > (query.now or datetime.now(UTC)):
        return
    for hit in hits[:LOOKED_AT]:
        since = hit.item.valid_from
        held_later = since is not None and since >= window.end and hit.score >= DOUBTFUL
        if held_later and _took_the_place(view, hit, window.end):
            last = window.end - _MOMENT
            yield (
                f"“{_excerpt(hit.item.memory)}” holds since {hit.item.valid_from:%Y-%m-%d}: "
                f"`--as-of {last:%Y-%m-%d}` asks what held then"
            )
            return


def _took_the_place(view: View, hit: Hit, end: datetime) -> bool:
    if any(relation.kind == RelationKind.SUPERSEDES for relation in hit.item.relations):
        return True
    if hit.item.version < 2:
        return False
    versions = [version for shard in view.keywords for version in shard.versions(hit.item.id)]
    return any(
        version.memory != hit.item.memory and (version.valid_from is None or version.valid_from < end)
        for version in versions
    )


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 40 else words[:39].rstrip() + "…"


def _told(window: Window) -> str:
    first, last = window.start, window.end - _MOMENT
    if first.year == datetime.min.year:
        return f"the time up to {last:%Y-%m-%d}"
    if window.end.year == datetime.max.year:
        return f"the time from {first:%Y-%m-%d} on"
    return f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
