"""The JSON documents of the shell: which facts of a result stand under which key.

Owns: the shapes that `memos help json` shows and that scripts rely on. Does not own: how a
document or a table reaches the screen (`output`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .output import Each, one_line

if TYPE_CHECKING:
    from memos_cli.operations.tools import Tool
    from memos_cli.schema import AddResult, ChangeResult, FailedCube, Hit, MemoryItem, SearchResult, ToolUse

Document = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, with `Z`."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def day(moment: datetime | None) -> str:
    """A moment for people: local date, and the time of day unless it is midnight UTC."""
    if moment is None:
        return ""
    if not (moment.hour or moment.minute or moment.second):
        return moment.strftime("%Y-%m-%d")
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def dump(value: Any) -> Any:
    """Any result as plain JSON types, its fields under their own names."""
    from memos_cli.schema import plain

    return plain(value)


def failed(cubes: Iterable[FailedCube]) -> list[Document]:
    """Cubes that could not answer, each with its error as `memos help errors` shows it."""
    return [
        {
            "cube": one.cube,
            "error": {"code": one.error.code, "message": one.error.message, "hint": one.error.hint},
        }
        for one in cubes
    ]


def hit(found: Hit, *, several: bool = False) -> Document:
    """One search hit, flat; `also_in` only of several cubes, `signals` only where they were asked for."""
    item = found.item
    shared: Document = {"also_in": list(found.also_in)} if several else {}
    if found.signals:
        shared["signals"] = found.signals
    if found.tool is not None:
        shared["tool"] = tool_use(found.tool)
    return {
        "id": item.id,
        "memory": item.memory,
        "score": round(found.score, 6),
        "kind": str(item.kind),
        "created_at": stamp(item.created_at),
        "cube": found.cube,
        "copies": list(found.copies),
        "refines": item.refines,
        "facts": list(found.facts),
        "updated_by": found.updated_by,
        **shared,
        "routes": {
            name: {"rank": route.rank, "score": round(route.score, 6)} for name, route in found.routes.items()
        },
        "tags": list(item.tags),
        "key": item.key,
        "speaker": item.speaker,
        "said_at": stamp(item.said_at),
        "user_id": item.user_id,
        "session_id": item.session_id,
        "agent_id": item.agent_id,
        "status": str(item.status),
        "source": origin(item),
    }


def tool_use(use: ToolUse) -> Document:
    """How the uses of a tool went."""
    return {
        "calls": use.calls,
        "successes": use.successes,
        "failures": use.failures,
        "last_error": use.last_error,
        "last_failed": stamp(use.last_failed),
    }


def tool(one: Tool) -> Document:
    """One tool of `memos tools`."""
    return {"name": one.name, "id": one.id, "description": one.description, **tool_use(one.use)}


def relative(item: MemoryItem) -> Document:
    """A memory beside the one that is shown: a fact drawn from it, or what it was drawn from."""
    shown = ("id", "memory", "origin", "confidence", "status")
    return {name: dump(getattr(item, name)) for name in shown}


def search(result: SearchResult, *, explain: bool, several: bool = False) -> Document:
    """The answer to a question; `trace` only with `--explain`, `failed` only of several cubes."""
    document: Document = {
        "query": result.query,
        "hits": [hit(found, several=several) for found in result.hits],
        "preferences": [hit(found, several=several) for found in result.preferences],
        "notes": list(result.notes),
    }
    if several:
        document["failed"] = failed(result.failed)
    if explain:
        document["trace"] = dump(result.trace)
    return document


def added(result: AddResult) -> Document:
    """What `add` did with everything that came."""
    return {
        "change": result.change,
        "added": Each(lambda: ({"id": one.id, "memory": one.memory} for one in result.added)),
        "updated": Each(lambda: map(dump, result.updated)),
        "known": Each(
            lambda: ({"id": one.id, "memory": one.memory, "reason": one.reason} for one in result.known)
        ),
        "linked": Each(lambda: map(dump, result.linked)),
        "skipped": [{"source": one.source, "reason": one.reason} for one in result.skipped],
        **(
            {"archived": [{"id": one.id, "memory": one.memory} for one in result.archived]}
            if result.archived
            else {}
        ),
        "facts": [dump(one) for one in result.facts],
        "queued": result.queued,
        "preferences": [dump(one) for one in result.preferences],
        "notes": list(result.notes),
    }


def changed(result: ChangeResult) -> Document:
    """What update, archive, unarchive, purge and undo answer."""
    return {"change": result.change, "ids": list(result.ids), "notes": list(result.notes)}


def undone(result: ChangeResult) -> Document:
    """What undo answers: a change, the one that it takes back, and what came back or went by it."""
    both = {"back": result.back, "gone": result.gone}
    return (
        changed(result)
        | {"undone": dump(result.undone)}
        | {name: [{"id": one.id, "memory": one.memory} for one in ones] for name, ones in both.items()}
    )


def beginning(text: str, length: int = 80) -> str:
    """A text in one line of at most `length` characters."""
    words = one_line(text)
    return words if len(words) <= length else f"{words[: length - 1]}…"


def facts(item: MemoryItem) -> list[str]:
    """What stands under a memory in a list: when, whose, tags, kind, id."""
    kind = "" if item.kind == "LongTermMemory" else str(item.kind)
    status = "" if item.status == "activated" else str(item.status)
    tags = " ".join(f"#{tag}" for tag in item.tags)
    source = origin(item)
    file = "" if source is None or item.session_id else source.replace("\\", "/").rpartition("/")[2]
    drawn = "" if item.refines is None else f"refined, {item.origin}, {item.confidence} %"
    pinned = "pinned" if item.pinned else ""
    said_by = item.speaker or item.user_id or ""
    return [day(item.time), said_by, file, tags, kind, drawn, pinned, status, item.id]


def origin(item: MemoryItem) -> str | None:
    """The file or the address a memory came from, where it came from one."""
    return next((s.path or s.url for s in item.sources if s.path or s.url), None)
