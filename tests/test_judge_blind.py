"""Pairs that no rule had seen, through `add`: what it merges and what it closes must be right."""

from __future__ import annotations

import csv
from pathlib import Path

from memos_cli.operations.add import add
from memos_cli.schema import AddResult, Draft
from memos_cli.session import Session

DATA = Path(__file__).parent / "data" / "judgement"
MERGED, UPDATED, CONTRADICTED, LINKED, NEW = "merged", "update", "contradiction", "linked", "new"
RIGHT = {
    MERGED: {"same"},
    UPDATED: {"updated", "contradicting"},
    CONTRADICTED: {"updated", "contradicting"},
}


def pairs(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def outcomes(session: Session, told: list[dict[str, str]]) -> list[str]:
    """What `add` does with the second text of each pair, each pair of an owner of its own."""
    names = [f"{i}" for i in range(len(told))]
    add(session, [Draft(memory=p["first"], user_id=n) for p, n in zip(told, names, strict=True)])
    result = add(session, [Draft(memory=p["then"], user_id=n) for p, n in zip(told, names, strict=True)])
    owner = {item.id: item.user_id for item in session.cube.table.items(None)}
    done = {owner[id]: outcome for id, outcome in _told(result)}
    return [done[name] for name in names]


def _told(result: AddResult) -> list[tuple[str, str]]:
    return [
        *((one.id, NEW) for one in result.added),
        *((one.id, LINKED) for one in result.linked),
        *((one.id, MERGED) for one in result.known),
        *((one.id, one.relation) for one in result.updated),
    ]
