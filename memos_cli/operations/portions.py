"""A reorganize within a time limit: which memories are placed at a time, and when to stop.

Owns: how much is taken on at once, in which order, the clock. Does not own: what is done with it
(`planting`), committing (`reorganize`).

What stands in the tree is cheap to keep there; what stands in no concept is the work. Under a limit so
much of it is taken on at a time as fits, each portion becomes a plan that is whole, and what is left
waits for the next run. Without a limit everything is one portion.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from memos_cli.operations.outline import Outline

LARGEST = 4_000
"""Memories of a portion at most. Made-up notes took 2 ms each on two old cores."""
SMALLEST = 200
"""Memories that are taken on however little time there is: a run that never did anything would never end."""
A_SECOND = 120
"""Memories that are taken on for a second that is left; slow machines with many users place as many."""


@dataclass
class Portions:
    """The portions of one run. `deadline` is in seconds of `time.monotonic`; None: no limit."""

    deadline: float | None = None
    start: int = 0
    """Where in the order the first portion begins. Another one for each run: what fits into no concept
    is tried again in every run, and must not keep the rest waiting for ever."""
    left: int = 0
    """Memories in no concept that the newest round did not take on."""
    _tried: set[str] = field(default_factory=set)
    _room: int = 0
    _began: float = 0.0
    _longest: float = 0.0

    def copy(self) -> Portions:
        """The same, for a round that may have to be made again."""
        return replace(self, _tried=set(self._tried))

    def take(self, done: Portions) -> None:
        """A round made on a copy is committed."""
        self.left, self._tried = done.left, done._tried
        self._longest = max(self._longest, time.monotonic() - done._began)

    def begin(self) -> None:
        """A round begins: the cube is read, and one plan made over all users."""
        self._began = time.monotonic()
        self.left = 0

    def order(self, outlines: Mapping[str | None, Outline]) -> list[tuple[str | None, Outline]]:
        """Users in the order in which they are dealt with; under a limit another one first each time.

        Asked when the cube has been read: what is left of the time then says how much is taken on.
        """
        if self.deadline is not None:
            fitting = int((self.deadline - time.monotonic()) * A_SECOND)
            self._room = min(max(fitting, SMALLEST), LARGEST)
        found = sorted(outlines.items(), key=lambda pair: pair[0] or "")
        first = self.start % len(found) if found and self.deadline is not None else 0
        return [*found[first:], *found[:first]]

    @property
    def over(self) -> bool:
        """Whether another round would not end in time, as long as the longest so far."""
        return self.deadline is not None and time.monotonic() + self._longest >= self.deadline

    def of(self, outline: Outline) -> Outline:
        """The outline of one user with as many of its memories in no concept as are taken on now."""
        if self.deadline is None:
            return outline
        loose = [id for id in sorted(outline.facts) if id not in outline.above]
        fresh = [id for id in loose if id not in self._tried]
        taken = self._next(fresh)
        self._tried.update(taken)
        self._room -= len(taken)
        self.left += len(fresh) - len(taken)
        put_off = set(fresh).difference(taken)
        if not put_off:
            return outline
        return replace(outline, facts=outline.facts.without(put_off))

    def _next(self, fresh: Sequence[str]) -> list[str]:
        if len(fresh) <= self._room:
            return list(fresh)
        begin = self.start % len(fresh)
        return [*fresh[begin:], *fresh[:begin]][: self._room]
