"""Memory that was freed, given back to the system.

Owns: asking the C library for that. Does not own: what is kept in memory, nor when a run may ask.

The engines allocate on threads of their own, and glibc keeps what those free in an arena for each of them:
over a long add that came to 2 KB of every row, none of it in use. Only glibc is asked; other systems' allocators
give back by themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any


def give_back() -> None:
    """Give free memory back to the system; some milliseconds, so not for every small step."""
    if (trim := _trimmer()) is not None:
        trim(0)


@cache
def _trimmer() -> Callable[[int], Any] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "malloc_trim", None)
