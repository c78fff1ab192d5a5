"""The kinds of relation: one vocabulary in the rows, whatever a judgement is called, and former names read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from memos_cli.cube.check import check
from memos_cli.cube.layout import specification
from memos_cli.interfaces.cli.help_topics import page
from memos_cli.operations.add import add
from memos_cli.operations.browse import find
from memos_cli.operations.edit import commit_edits, kept_vectors
from memos_cli.operations.merging import ruled
from memos_cli.operations.search import search
from memos_cli.operations.suggest import suggest
from memos_cli.operations.telling import _form
from memos_cli.operations.tree import neighbourhood
from memos_cli.operations.versions import next_version
from memos_cli.schema import Draft, MemoryItem, Query, Relation, RelationKind, Source
from memos_cli.session import Session
from memos_cli.stores.rows import item_of
from memos_cli.stores.verdicts import Relation as Judged

FORMER = {"update": "supersedes", "contradiction": "contradicts", "complement": "complements"}


def at(day: int) -> datetime:
    return datetime(2024, 5, day, tzinfo=UTC)


def turn(text: str, day: int) -> Draft:
    source = Source(type="chat", role="user")
    return Draft(memory=text, session_id="s", speaker="Ana", said_at=at(day), sources=(source,))


@pytest.mark.parametrize(("former", "present"), FORMER.items())
def test_a_row_with_a_former_name_is_read_as_the_present_one(former: str, present: str) -> None:
    edge = {"kind": former, "target": "other", "weight": 0.5}
    item = item_of({"id": "one", "row": "r", "memory": "x", "relations": [edge]})
    assert item.relations == (Relation(kind=present, target="other", weight=0.5),)
    document = msgspec.json.encode({"memory": "x", "relations": [edge]})
    (read,) = msgspec.json.decode(document, type=MemoryItem).relations
    assert (read.kind, read.weight) == (present, 0.5)


def test_a_kind_of_somebodys_own_stays_as_it_is() -> None:
    assert Relation(kind="Update", target="x").kind == "Update"
    assert Relation(kind="about", target="x").kind == "about"


def test_a_cube_with_former_names_is_searched_asked_about_and_checked(
    open_cube: Callable[..., Session],
) -> None:
    session = open_cube("tree_text")
    texts = (
        "The chair of the rowing club is Ida, by all accounts.",
        "Somebody said the club is led by Theo.",
    )
    old, new = (add(session, [Draft(memory=t, said_at=at(d))]).added[0].id for d, t in enumerate(texts, 1))
    session.cube.ready_graph()
    for former in ("update", "contradiction"):
        with session.cube.writing("test"):
            edge = Relation(kind="", target=old)
            msgspec.structs.force_setattr(edge, "kind", former)
            item = find(session, new)
            edits = [(item, next_version(item, relations=(edge,)), None)]
            commit_edits(session, "test", edits, kept_vectors(session, edits))
        assert session.cube.table.arrow("known_to IS NULL AND relations IS NOT NULL", ["relations"])[
            "relations"
        ].to_pylist() == [[{"kind": former, "target": old, "weight": 1.0}]]
        reader = open_cube("tree_text")
        assert [r.kind for r in find(reader, new).relations] == [FORMER[former]]
        hits = {h.item.id: h for h in search(reader, Query(text="chair of the rowing club")).hits}
        assert list(hits) == [new, old]
        assert hits[old].updated_by == new
        assert {e.kind for e in neighbourhood(reader, new).edges} == {FORMER[former]}
        reader.cube.ready_graph()
        assert check(reader.cube).ok
    asked = suggest(reader).suggestions
    assert {old, new} in [set(one.evidence) for one in asked]


def test_what_add_links_is_stored_by_the_kinds_of_the_vocabulary(session: Session) -> None:
    add(session, [turn("I live in Oslo.", 3)])
    late = add(session, [turn("I moved to Bergen.", 9)]).linked[0]
    early = add(session, [turn("I live in Trondheim.", 1)]).linked
    more = add(session, [Draft(memory="My cat weighs 4 kg."), Draft(memory="My cat weighs 4 kg, in winter.")])
    assert (late.relation, late.to) == ("update", find(session, late.to).id)
    assert [r.kind for r in find(session, late.id).relations] == ["supersedes"]
    assert {one.relation for one in early} == {"update"}
    assert {r.kind for r in find(session, early[0].id).relations} == {"updated_by"}
    for linked in more.linked:
        assert [r.kind for r in find(session, linked.id).relations] == [Judged(linked.relation).kind]


def test_add_and_reorganize_call_the_same_pair_the_same(session: Session) -> None:
    older = MemoryItem(memory="Anna lives in Oslo.", said_at=at(1))
    newer = MemoryItem(memory="Anna moved to Bergen.", said_at=at(2))
    assert ruled(older, newer) == (RelationKind.SUPERSEDES, 0.9)
    assert Judged.UPDATE.kind is RelationKind.SUPERSEDES
    with pytest.raises(KeyError):
        _ = Judged.NEW.kind


def test_a_model_is_asked_for_kinds_of_the_vocabulary_alone() -> None:
    related = get_args(_form().model_fields["relations"].annotation)[0]
    assert set(get_args(related.model_fields["relation"].annotation)) <= set(RelationKind)


def test_the_help_pages_name_every_kind_and_what_it_was_called() -> None:
    tree, format_ = page("tree") or "", specification()
    for kind in RelationKind:
        assert kind.__doc__
        assert f"| `{kind}` | {kind.__doc__} |" in tree
        former = next((old for old, new in FORMER.items() if new == kind), "")
        assert f"| `{kind}` | {former} | {kind.__doc__} |" in format_
