"""What a text says without a model being asked: when it happened, and whom and what it names.

Owns: the annotations that go beside a memory's text, which stays as it came. Does not own: the
rules (`events`, `entities`, `keyphrase`), nor when a memory is written (`operations`).

The event's time has fields of its own. The rest stands under one key of `info`: the names, the times
where there are several, and for notes and documents that have no key the phrase that says best
what they are about. That phrase is for people to see: as a key it would be searched for, and
Cranfield's nDCG@10 falls with it (.384 without, .381 with).
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

from memos_cli.reader.entities import entities_in
from memos_cli.reader.events import SEVERAL, event_fields
from memos_cli.reader.keyphrase import keyphrase
from memos_cli.schema import Draft, Kind, MemoryItem

READ = "read"
"""The key of `info` that holds what was read out of the text."""

_LEFT_ALONE = frozenset({Kind.TOOL_SCHEMA, Kind.TOOL_TRAJECTORY, Kind.SKILL})
_ROLES = frozenset({"user", "assistant", "system", "tool", "human", "ai", "bot", "function", "developer"})
_TYPED = frozenset({"text"})


def annotated(draft: Draft, now: datetime) -> Draft:
    """A draft with what its text says; what its reader or the caller stated stays.

    Relative dates count from when it was said. A text that somebody types is said `now`; what comes
    out of a file without a time could be of any age, and only full dates are read there.
    """
    return draft.but(**fields) if (fields := fields_told(draft, now)) else draft


def fields_told(draft: Draft, now: datetime) -> dict[str, Any]:
    """The fields in which `annotated` differs from the draft."""
    if draft.kind in _LEFT_ALONE:
        return {}
    typed = all(source.type in _TYPED for source in draft.sources)
    said = draft.said_at or (now if typed else None)
    # The row of a table or a page of a book with two dates has no one event.
    most = 1 if any(source.type == "file" for source in draft.sources) else SEVERAL
    fields = fields_of(draft, said, most)
    if draft.event_start is not None or draft.event_end is not None:
        fields = {name: value for name, value in fields.items() if name == "info"}
    return fields


def fields_of(memory: Draft | MemoryItem, said: datetime | None, most: int = SEVERAL) -> dict[str, Any]:
    """The fields of a memory that follow from its text, said at `said` (None: unknown): `event_start`,
    `event_end`, `event_precision` (None where it tells of no time or of more than `most`) and `info`,
    whose other keys stay."""
    text, speaker = memory.memory, memory.speaker
    fields, times = event_fields(text, said, most)
    names = entities_in(text)
    if speaker and speaker.casefold() not in _ROLES and speaker not in names and _first_person().search(text):
        names = (speaker, *names)
    read: dict[str, Any] = {"entities": list(names)} if names else {}
    if times:
        read["times"] = times
    if not memory.key and memory.session_id is None and (phrase := keyphrase(text)):
        read["key"] = phrase
    kept = {key: value for key, value in memory.info.items() if key != READ}
    empty = {"event_start": None, "event_end": None, "event_precision": None}
    return empty | fields | {"info": kept | ({READ: read} if read else {})}


@cache
def _first_person() -> re.Pattern[str]:
    """The one pronoun that is safe to resolve: who says 'I' is who speaks."""
    return re.compile(r"\b(?:I|I['’](?:m|ve|ll|d)|me|my|mine|myself)\b|我(?!们)")
