"""Files and folders that are added again: what of their former content is still in the cube.

Owns: what a file is called in its memories, which memories a file or a folder no longer holds, the
notes about them, and archiving them (`memos add --prune`). Does not own: reading files (`reader`),
what `add` stores.

A memory is left over when every source it has is a file of this run that was read whole, or is
gone, and the run met it in none. One that somebody also typed, or that another file holds,
stays. What was made of memories (learned preferences, refined facts) stands in no file and follows
those it rests on (`dependents`). Nothing is archived unless asked for.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from memos_cli.cube.places import Places
from memos_cli.operations.browse import EVERYTHING, each_memory, list_memories
from memos_cli.operations.edit import archive
from memos_cli.schema import Added, AddResult, Draft, Filters, MemoryItem, Skipped, Status
from memos_cli.stores.facts import is_learned

if TYPE_CHECKING:
    from memos_cli.session import Session

_AT_ONCE = 200
_NAMED = 3


@dataclass(frozen=True)
class Left:
    """What of the files and folders that were named is no longer in them, by the name of the file."""

    changed: dict[str, list[MemoryItem]] = field(default_factory=dict)
    gone: dict[str, list[MemoryItem]] = field(default_factory=dict)

    @property
    def items(self) -> list[MemoryItem]:
        """Every memory once."""
        both = (*self.changed.values(), *self.gone.values())
        return list({item.id: item for items in both for item in items}.values())


class Origins:
    """One run of `add` over files and folders: what was read, and whose memories it makes.

    Reading may begin before there is a cube: `bind` hands it in, and what was found out until then
    is written down there. No memory is stored before that.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        user_id: str | None = None,
        agent_id: str | None = None,
        dry_run: bool = False,
    ) -> None:
        self._session: Session | None = None
        self._places: Places | None = None
        self._waiting: dict[str, str] = {}
        self._roots = list(roots)
        self._owner = (user_id, agent_id)
        self._dry_run = dry_run
        self._read: set[str] = set()
        self._unread: set[str] = set()

    def bind(self, session: Session) -> None:
        """The cube that the memories go into. Raises StorageError, NotPermitted."""
        self._session = session
        self._places = Places(session.cube.layout)
        for name, at in self._waiting.items():
            self._note(self._places, name, at)

    def _note(self, places: Places, name: str, at: str) -> None:
        (places.take if self._dry_run else places.note)(name, at)

    def call(self, path: Path) -> str:
        """What memories call a file: as it was first typed, by its absolute path where that name is taken."""
        at = _absolute(path)
        if at.startswith("/dev/"):  # a pipe of this run alone
            return at
        typed = os.fsencode(path).decode("utf-8", "backslashreplace")
        if self._places is None or self._session is None:  # no cube yet, so no name is taken
            self._waiting[typed] = at
            return typed
        if (called := self._places.called(at)) is not None:
            return called
        name = at if self._is_taken(self._session, self._places, typed, at) else typed
        self._note(self._places, name, at)
        return name

    def _is_taken(self, session: Session, places: Places, typed: str, at: str) -> bool:
        """Whether memories of another file, or of one nobody knows any more, are called so."""
        if typed == at:
            return False
        if places.at(typed) is not None:
            return True
        every = tuple(status for status in Status if status is not Status.PURGED)
        listed = list_memories(session, Filters(sources=(typed,), statuses=every), limit=EVERYTHING)
        return any(source.path == typed for item in listed.items for source in item.sources)

    def watch(self, drafts: Iterable[Draft | Skipped]) -> Iterator[Draft | Skipped]:
        """`drafts`, while it is noted which files they come from and which could not be read whole."""
        for each in drafts:
            if isinstance(each, Skipped):
                # `FILE:LINE`, or `FILE: ATTACHMENT` of a mail.
                self._unread |= {each.source, each.source.rpartition(":")[0], each.source.partition(": ")[0]}
            else:
                self._read |= {source.path for source in each.sources[:1] if source.path}
            yield each

    def left(self, result: AddResult) -> Left:
        """The memories that the files of this run no longer hold, `result` being what it came to."""
        if not self._roots or self._session is None or self._places is None:
            return Left()
        gone = self._gone(self._places)
        whole = self._read - self._unread
        met = {one.id for part in (result.updated, result.known) for one in part}
        changed: dict[str, list[MemoryItem]] = {}
        lost: dict[str, list[MemoryItem]] = {}
        for item in self._of_files(self._session, [*whole, *gone]):
            paths = [source.path for source in item.sources]
            if (
                item.id in met
                or _is_first(item, result.change)
                or any(path not in whole and path not in gone for path in paths)
            ):
                continue
            name = next((path for path in paths if path in whole), None)
            home = lost if name is None else changed
            home.setdefault(str(name or paths[0]), []).append(item)
        return Left(changed, lost)

    def _of_files(self, session: Session, names: Sequence[str]) -> Iterator[MemoryItem]:
        """The owner's memories that come from these files; each once."""
        seen: set[str] = set()
        for start in range(0, len(names), _AT_ONCE):
            filters = Filters(sources=tuple(names[start : start + _AT_ONCE]))
            for item in each_memory(session, filters):
                if item.id in seen or _is_made(item) or not item.sources:
                    continue
                if (item.user_id, item.agent_id) == self._owner:
                    if len(item.sources) > 1:  # else no other part of the names finds it
                        seen.add(item.id)
                    yield item

    def _gone(self, places: Places) -> set[str]:
        """Names of files at or under what was named that are not there any more."""
        listed = (places.under(_absolute(root)) for root in self._roots)
        return {name for found in listed for name, at in found.items() if not os.path.lexists(at)}

    def notes(self, left: Left) -> tuple[str, ...]:
        """What is left over, in words, with the command that archives it."""
        roots = " ".join(f"--file {shlex.quote(str(root))}" for root in self._roots[:_NAMED])
        command = f"`memos add {roots}{' …' if len(self._roots) > _NAMED else ''} --prune`"
        notes = []
        for files, what in ((left.changed, "changed"), (left.gone, "gone")):
            if files:
                count = len({item.id for items in files.values() for item in items})
                memories = "1 memory" if count == 1 else f"{count} memories"
                there = "is" if count == 1 else "are"
                named = ", ".join(list(files)[:_NAMED]) + (" …" if len(files) > _NAMED else "")
                told = (
                    f"{named} {'is' if len(files) == 1 else 'are'} gone"
                    if what == "gone"
                    else f"{named} changed"
                )
                which = "of it" if what == "gone" else "of the earlier text"
                notes.append(
                    f"{told}: {memories} {which} {there} still there; {command} archives {'it' if count == 1 else 'them'}."
                )
        return tuple(notes)

    def archive(self, left: Left) -> tuple[tuple[Added, ...], tuple[str, ...]]:
        """Archive what is left over, in one change that `memos undo` takes back; (memories, notes)."""
        items = left.items
        if not items or self._dry_run or self._session is None:
            return tuple(Added(id=item.id, memory=item.memory) for item in items), ()
        result = archive(self._session, [item.id for item in items])
        done = set(result.ids)
        return tuple(Added(id=item.id, memory=item.memory) for item in items if item.id in done), result.notes


def _is_first(item: MemoryItem, change: str | None) -> bool:
    """Whether a memory came with this change: then its file holds it."""
    return change is not None and item.change == change and item.version == 1


def _is_made(item: MemoryItem) -> bool:
    """Made of other memories, whose sources it names as well: no file holds its words as they stand."""
    return is_learned(item) or item.refines is not None


def _absolute(path: Path) -> str:
    return os.fsencode(os.path.normpath(Path.cwd() / path)).decode("utf-8", "backslashreplace")
