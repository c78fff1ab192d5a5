"""What a reorganize would do, as a value: shown, saved, read again, and carried out.

Owns: the plan, its file, collecting edits so that each memory gets one new version at most, and
turning it into the one `Change` that does it all. Does not own: what is planned (`reorganize`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from memos_cli.errors import BadInput, NotPermitted, PlanOutdated, StorageError
from memos_cli.operations.versions import next_version
from memos_cli.organize.neighbours import unit
from memos_cli.schema import Change, Closing, Level, MemoryItem, Value, why

if TYPE_CHECKING:
    from memos_cli.cube.columns import Spans
    from memos_cli.cube.cube import MemCube
    from memos_cli.operations.outline import Outline

FORMAT = "memos-plan-1"
PIECE = 8_000
"""Memories that are filed in one commit. It takes some seconds, for which others wait that write, and
holds each of them five times over."""


class Step(Value, frozen=True, kw_only=True):
    """One line of the plan for a person: what is done, to which memory, and what it says then."""

    action: Literal["add", "change", "merge", "archive", "relate", "place"]
    what: str
    """topic, concept, memory or memories"""
    id: str = ""
    text: str = ""
    before: str = ""


class Plan(Value, frozen=True, kw_only=True):
    """New versions and closings that together reorganize a cube as it was at `revision`."""

    format: str = FORMAT
    cube_id: str
    revision: int
    steps: tuple[Step, ...] = ()
    puts: tuple[MemoryItem, ...] = ()
    closes: tuple[tuple[str, str], ...] = ()
    """(id, row) of the versions that end."""
    members: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By the row of a topic or concept the memories below it, whose middle is its vector."""
    filed: int = 0
    """How many of the last `puts` say nothing new but what they are filed under, concept by concept."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.puts)


@dataclass
class Draft:
    """A plan in the making. `edits` are current versions and the fields that the next ones change."""

    edits: dict[str, tuple[MemoryItem, dict[str, object]]] = field(default_factory=dict)
    fresh: list[MemoryItem] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the id of a topic or concept."""
    steps: list[Step] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def edit(self, item: MemoryItem, **fields: object) -> None:
        """The next version of `item` says this too; what it says already is no edit."""
        kept = self.edits.get(item.id, (item, {}))[1]
        changed = {name: value for name, value in fields.items() if getattr(item, name) != value}
        if kept or changed:
            self.edits[item.id] = (item, {**kept, **changed})

    def current(self, item: MemoryItem) -> MemoryItem:
        """The memory as the edits so far leave it."""
        return item.but(**self.edits[item.id][1]) if item.id in self.edits else item

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def plan(self, cube: MemCube, revision: int) -> Plan:
        """All of it as a value."""
        edits = list(self.edits.values())
        filing = [edit for edit in edits if _only_files(edit)]
        filing.sort(key=lambda edit: str(edit[1]["parent"]))
        edits = [*(edit for edit in edits if not _only_files(edit)), *filing]
        self.edits = {}  # as many memories as were moved, which are not needed twice
        closes = tuple((old.id, old.row) for old, _ in edits)
        puts = (*self.fresh, *(next_version(old, **fields) for old, fields in edits))
        return Plan(
            cube_id=cube.config.cube_id,
            revision=revision,
            steps=tuple(self.steps),
            puts=puts,
            closes=closes,
            members={item.row: self.members[item.id] for item in puts if item.id in self.members},
            filed=len(filing),
            counts=self.counts,
            notes=tuple(dict.fromkeys(self.notes)),
        )


def _only_files(edit: tuple[MemoryItem, dict[str, object]]) -> bool:
    old, fields = edit
    return fields.keys() == {"parent"} and old.level is Level.FACT


def save(plan: Plan, path: Path) -> None:
    """Write a plan as JSON. Raises NotPermitted and StorageError when the file cannot be written."""
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
    except PermissionError as error:
        raise NotPermitted(
            detail=f"{path} cannot be written", hint="Check the folder's permissions."
        ) from error
    except OSError as error:
        hint = "Nothing was changed. Name a file in a folder that is there."
        raise StorageError(path=path, reason=error.strerror or error, hint=hint) from error


_PLANS = "`memos reorganize --plan FILE` writes one."


def read(path: Path) -> Plan:
    """A plan from its file. Raises BadInput for what is none."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise BadInput(source=path, reason=error.strerror or error, hint=_PLANS) from error
    except msgspec.ValidationError as error:
        raise BadInput(source=path, reason=f"it is no plan ({why(error)})", hint=_PLANS) from error
    except msgspec.DecodeError as error:
        raise BadInput(source=path, reason=f"it is not JSON ({error})", hint=_PLANS) from error
    if plan.format != FORMAT:
        raise BadInput(source=path, reason=f"its format is {plan.format!r}, not {FORMAT!r}", hint=_PLANS)
    return plan


def check_current(plan: Plan, cube: MemCube) -> None:
    """Raises PlanOutdated when the plan was made for another cube, or for another state of this one."""
    if plan.cube_id != cube.config.cube_id:
        raise PlanOutdated(reason="it was made for another cube")
    if plan.revision != cube.revision:
        raise PlanOutdated(reason="the cube has changed since it was made")


def changes_of(plan: Plan, actor: str, outlines: Mapping[str | None, Outline]) -> Iterator[Change]:
    """What carries a plan out, with the vectors that belong to its rows: one change, or several to be
    made one after the other where more than PIECE memories are only filed.

    Each of them is whole: the first has all that is more than filing, the others the memories of one
    concept after the other.
    """
    whole = len(plan.puts) - plan.filed
    closing = dict(plan.closes)
    for start in range(0, max(plan.filed, 1), PIECE):
        puts = plan.puts[whole + start : whole + start + PIECE]
        if start == 0:
            puts = (*plan.puts[:whole], *puts)
        yield Change(
            verb="reorganize",
            actor=actor,
            puts=puts,
            closings=tuple(Closing(id=i.id, row=closing[i.id]) for i in puts if i.id in closing),
            vectors=_vectors(plan, puts, closing, outlines),
        )


def _vectors(
    plan: Plan,
    puts: Iterable[MemoryItem],
    closing: Mapping[str, str],
    outlines: Mapping[str | None, Outline],
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for item in puts:
        if item.user_id not in outlines:
            continue
        spans = outlines[item.user_id].vectors
        if item.row in plan.members:
            if (middle := _middle(plan.members[item.row], spans)) is not None:
                found[item.row] = middle
        elif closing.get(item.id) == item.predecessor and item.id in spans:
            found[item.row] = spans[item.id]
    return found


def _middle(members: Iterable[str], spans: Spans) -> np.ndarray | None:
    """The mean direction of memories: a node's vector lies where its memories lie, and costs nothing."""
    there = [id for id in members if id in spans]
    if not there:
        return None
    return unit(spans.middles(there).mean(axis=0)[None]).astype(np.float16)
