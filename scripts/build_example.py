"""Build `cubes-example/garden` from `cubes-example/sources`, with the operations that the commands use.

    python scripts/build_example.py [TARGET]

Owns: the order in which the sources are told to the cube. Does not own: any text of it; all of that
stands in the sources. Ids and the times of storing differ from build to build, everything else is
the same (`tests/test_example.py` compares a fresh build with the cube in the repository).

TARGET must not exist, except the committed cube itself, which is built anew.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memos_cli.location import CubeRef
from memos_cli.operations import add, edit, init, maintain
from memos_cli.reader.files import ReadOptions, read_paths
from memos_cli.schema import Draft, Kind, Source, Visibility
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

EXAMPLE = Path(__file__).resolve().parent.parent / "cubes-example"
GARDEN = EXAMPLE / "garden"
PEOPLE = ("mira", "jonas", "ning", "plot")
"""Whose memories there are; `plot` is what the three share."""
NOTES = {"plot-rules.md": "2024-03-17", "recipes.md": "2024-10-05", "sowing-2025.csv": "2025-05-26"}
"""The day on which each note was written."""


def main(arguments: list[str]) -> None:
    target = Path(arguments[0]) if arguments else GARDEN
    if target.resolve() == GARDEN and GARDEN.exists():
        shutil.rmtree(GARDEN)
    build(target.resolve())
    print(f"Built {target}: {len([p for p in target.rglob('*') if p.is_file()])} files")


def build(target: Path) -> None:
    """Make the cube at `target`. Raises CubeExists."""
    settings = Settings(home=target.parent, actor="build_example")
    ref = CubeRef(name=target.name, path=target, is_name=False)
    init.init(ref, settings)
    # Sources are recorded as they are named, so they are named from the example's own folder.
    with _inside(EXAMPLE), open_session(ref, settings, write=True) as session:
        _tell_chats(session)
        _tell_notes(session)
        _tell_facts(session, json.loads(Path("sources/facts.json").read_text(encoding="utf-8")))
        maintain.compact(session)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _tell_chats(session: Session) -> None:
    for person in PEOPLE:
        agent = None if person == "plot" else "fern"
        read = ReadOptions(user_id=person, agent_id=agent, tags=("chat",))
        _add(session, read_paths([Path("sources/chats") / person], read))


def _tell_notes(session: Session) -> None:
    for name, written in NOTES.items():
        read = ReadOptions(
            user_id="plot",
            kind=Kind.RAW_FILE,
            visibility=Visibility.PUBLIC,
            said_at=_day(written),
            tags=("note",),
        )
        _add(session, read_paths([Path("sources/notes") / name], read))


def _tell_facts(session: Session, facts: list[dict[str, Any]]) -> None:
    """First versions in one change, then what changed, in the order in which it did."""
    ids = _add(session, map(_draft, facts))
    by_fact = dict(zip((fact["id"] for fact in facts), ids, strict=True))
    later = [(v["since"], fact["id"], v["memory"]) for fact in facts for v in fact["versions"][1:]]
    for since, fact, memory in sorted(later):
        edit.update(session, by_fact[fact], memory, said_at=_day(since))
    edit.archive(session, [by_fact[fact["id"]] for fact in facts if fact.get("archived")])


def _draft(fact: dict[str, Any]) -> Draft:
    first = fact["versions"][0]
    return Draft(
        memory=first["memory"],
        kind=Kind(fact.get("kind", Kind.LONG_TERM)),
        key=fact["key"],
        tags=tuple(fact["tags"]),
        user_id=fact["user"],
        external_id=fact["id"],
        said_at=_day(first["since"]),
        visibility=Visibility(fact.get("visibility", Visibility.PRIVATE)),
        sources=(Source(type="file", path="sources/facts.json"),),
    )


def _add(session: Session, drafts: Any) -> list[str]:
    """Ids of what was added. Raises SystemExit when anything of the sources did not go in."""
    # The example shows what was stored; what is learned from it would be other rows with each reader.
    result = add.add(session, drafts, preferences=False)
    if result.skipped or result.known:
        sys.exit(f"Not added: {[*result.skipped, *result.known]}")
    return [one.id for one in result.added]


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    main(sys.argv[1:])
