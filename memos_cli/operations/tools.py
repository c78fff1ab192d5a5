"""`memos tools`: what tools the memories know, and how their uses went.

Owns: counting uses, successes and failures of a tool. Does not own: what a use is (`reader/tools`,
whose tags are counted here), nor finding a tool by need (`search`).

Nothing is written when a tool is used: its uses are memories of their own, and counting them asks
the keyword index for two numbers and the newest failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memos_cli.operations.browse import EVERYTHING, ListResult, list_memories
from memos_cli.reader.tools import FAILED, USED, WELL
from memos_cli.schema import Filters, Hit, Kind, MemoryItem, ToolUse, Value

if TYPE_CHECKING:
    from memos_cli.session import Session


class Tool(Value, frozen=True, kw_only=True):
    """One tool: what it is for, and its uses."""

    name: str
    id: str | None = None
    """The memory that holds its definition; None where only uses are known."""
    description: str = ""
    use: ToolUse = ToolUse()


class ToolsResult(Value, frozen=True, kw_only=True):
    tools: tuple[Tool, ...]
    notes: tuple[str, ...] = ()


def tools(session: Session, *, users: tuple[str, ...] = ()) -> ToolsResult:
    """Every tool that is defined or was used, the most used first.

    Of several definitions of one name the newest is shown.
    """
    defined = list_memories(session, Filters(kinds=(Kind.TOOL_SCHEMA,), users=users), limit=EVERYTHING)
    newest: dict[str, MemoryItem] = {}
    for item in defined.items:
        if name := name_of(item):
            newest.setdefault(name, item)
    used = list_memories(session, Filters(kinds=(Kind.TOOL_TRAJECTORY,), users=users), limit=EVERYTHING)
    names = dict.fromkeys([*newest, *(name for item in used.items if (name := name_of(item)))])
    found = [_tool(session, name, newest.get(name), users) for name in names]
    found.sort(key=lambda tool: (-tool.use.calls, tool.name))
    return ToolsResult(tools=tuple(found), notes=defined.notes)


def _tool(session: Session, name: str, item: MemoryItem | None, users: tuple[str, ...]) -> Tool:
    first = item.memory.split("\n", 1)[0] if item else ""
    return Tool(
        name=name,
        id=item.id if item else None,
        description=first.partition(": ")[2] or first,
        use=use_of(session, name, users=users),
    )


def use_of(session: Session, name: str, *, users: tuple[str, ...] = ()) -> ToolUse:
    """The uses of the tool called `name`, counted."""
    failures = _tagged(session, FAILED + name, users, limit=1)
    last = failures.items[0] if failures.items else None
    return ToolUse(
        calls=_tagged(session, USED + name, users).total,
        successes=_tagged(session, WELL + name, users).total,
        failures=failures.total,
        last_error=str(last.info.get("error") or "") or None if last else None,
        last_failed=last.time if last else None,
    )


def _tagged(session: Session, tag: str, users: tuple[str, ...], limit: int = 0) -> ListResult:
    filters = Filters(kinds=(Kind.TOOL_TRAJECTORY,), tags=(tag,), users=users)
    return list_memories(session, filters, limit=limit)


def with_uses(session: Session, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """`hits`, those that define a tool with how its uses went (the definition's owner's, where it has one)."""

    def used(hit: Hit) -> Hit:
        name = name_of(hit.item) if hit.item.kind is Kind.TOOL_SCHEMA else None
        users = (hit.item.user_id,) if hit.item.user_id else ()
        return hit if name is None else hit.but(tool=use_of(session, name, users=users))

    return tuple(map(used, hits))


def name_of(item: MemoryItem) -> str | None:
    """The tool that a memory defines or tells a use of."""
    name = item.info.get("tool")
    return name if isinstance(name, str) and name else None
