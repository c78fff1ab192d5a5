"""memos: a memory operating system for LLMs and agents, kept in directories called MemCubes.

The SDK in four lines::

    from memos_cli import Draft, Query, Settings, add, open_session, resolve, search

    settings = Settings.load()
    with open_session(resolve("./garden", settings), settings, write=True, create=True) as session:
        add(session, [Draft(memory="The figs are ripe in August.")])
        hits = search(session, Query(text="when can I pick figs?")).hits

Names are loaded when they are first used (PEP 562): importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Change": "schema",
    "CubeRef": "location",
    "Draft": "schema",
    "Filters": "schema",
    "Hit": "schema",
    "MemCube": "cube.cube",
    "MemoryItem": "schema",
    "MemosError": "errors",
    "Query": "schema",
    "Session": "session",
    "Settings": "settings",
    "add": "operations.add",
    "archive": "operations.edit",
    "check": "operations.maintain",
    "feedback": "operations.feedback",
    "get": "operations.browse",
    "history": "operations.browse",
    "list_memories": "operations.browse",
    "open_session": "session",
    "purge": "operations.edit",
    "resolve": "location",
    "search": "operations.search",
    "search_many": "operations.search_many",
    "unarchive": "operations.edit",
    "undo": "operations.edit",
    "update": "operations.edit",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
