"""Tiers on real cubes: capacities, promotion, eviction by importance, pins, and taking it all back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from memos_cli.errors import MemoryNotFound
from memos_cli.operations import add, browse, edit, search, tiers
from memos_cli.schema import Change, Draft, Filters, Kind, Level, MemoryItem, Query, Status, now
from memos_cli.stores.usage import Used


def working(*texts: str, **more: object) -> list[Draft]:
    return [Draft(memory=text, kind=Kind.WORKING, **more) for text in texts]  # type: ignore[arg-type]


def held(session, **filters: object) -> list[str]:
    found = browse.list_memories(session, Filters(**filters), limit=1000)  # type: ignore[arg-type]
    return [item.memory for item in reversed(found.items)]


# -- importance


def test_importance_is_the_mean_of_recency_usage_and_confidence() -> None:
    at = now()
    item = MemoryItem(memory="x", created_at=at - timedelta(days=14), confidence=50)
    assert tiers.importance(item, Used(), at) == pytest.approx((0.5 + 0 + 0.5) / 3)
    recent = Used(3, int((at - timedelta(days=28)).timestamp()))
    assert tiers.importance(item, recent, at) == pytest.approx((0.5 + 0.5 + 0.5) / 3)
    assert tiers.importance(item, Used(3, int(at.timestamp())), at) == pytest.approx(
        (1 + 0.5 + 0.5) / 3, abs=1e-4
    )
    future = MemoryItem(memory="x", created_at=at + timedelta(days=9))
    assert tiers.importance(future, Used(), at) == pytest.approx((1 + 0 + 1) / 3)


# -- working memory


def test_what_working_memory_has_no_room_for_becomes_long_term_in_the_same_change(open_cube) -> None:
    session = open_cube(capacity_working=3)
    for n in range(3):
        assert add.add(session, working(f"step {n}")).notes == ()
    result = add.add(session, working("step 3", "step 4"))
    assert any("2 memories became long-term" in note for note in result.notes)
    assert held(session, kinds=(Kind.WORKING,)) == ["step 2", "step 3", "step 4"]
    assert sorted(held(session, kinds=(Kind.LONG_TERM,))) == ["step 0", "step 1"]
    found = search.search(session, Query(text="step 0"))
    assert "step 0" in [hit.item.memory for hit in found.hits], "nothing disappears from search"
    vector = search.search(session, Query(text="step 0", mode="vector"))  # type: ignore[arg-type]
    assert vector.hits[0].item.memory == "step 0", "its vector goes with it"
    edit.undo(session)
    assert sorted(held(session)) == ["step 0", "step 1", "step 2"]
    assert len(held(session, kinds=(Kind.WORKING,))) == 3


def test_each_user_has_a_working_memory_of_their_own_and_nobody_has_one_too(open_cube) -> None:
    session = open_cube(capacity_working=2)
    add.add(session, working("a1", "a2", user_id="ana"))
    add.add(session, working("b1", "b2", user_id="bob"))
    add.add(session, working("n1", "n2"))
    assert len(held(session, kinds=(Kind.WORKING,))) == 6
    add.add(session, working("n3"))
    add.add(session, working("a3", user_id="ana"))
    assert held(session, kinds=(Kind.WORKING,), users=("bob",)) == ["b1", "b2"]
    assert sorted(held(session, kinds=(Kind.LONG_TERM,))) == ["a1", "n1"]


def test_the_default_is_twenty_in_working_memory_and_no_other_limit(settings) -> None:
    assert tiers.capacities(settings) == {Kind.WORKING: 20}


def test_what_is_often_used_is_promoted_by_balance(session) -> None:
    add.add(session, working("the door code is 4711", "lunch is at noon"))
    for _ in range(tiers.PROMOTED_AT):
        search.search(session, Query(text="door code", k=1))
    planned = tiers.balance(session, dry_run=True)
    assert [one.memory for one in planned.promoted] == ["the door code is 4711"]
    assert planned.change is None
    assert session.cube.layout.usage_spool.exists()
    done = tiers.balance(session)
    assert done.folded == tiers.PROMOTED_AT
    assert done.promoted[0].reason == "used 3 times"
    assert held(session, kinds=(Kind.LONG_TERM,)) == ["the door code is 4711"]
    assert tiers.balance(session).change is None
    assert edit.undo(session, done.change).ids == (done.promoted[0].id,)
    assert len(held(session, kinds=(Kind.WORKING,))) == 2


# -- eviction


def test_a_full_tier_archives_the_least_important_and_deletes_nothing(open_cube) -> None:
    session = open_cube(capacity_long_term=3)
    add.add(session, [Draft(memory="weak", confidence=10)])
    add.add(session, [Draft(memory=f"tea number {n}") for n in range(2)])
    for _ in range(4):
        search.search(session, Query(text="number 0", k=1))
    result = add.add(session, [Draft(memory="one more"), Draft(memory="and another")])
    assert any("2 memories were archived" in note for note in result.notes)
    assert sorted(held(session)) == ["and another", "one more", "tea number 0"]
    assert sorted(held(session, statuses=(Status.ARCHIVED,))) == ["tea number 1", "weak"]
    edit.undo(session)
    assert sorted(held(session)) == ["tea number 0", "tea number 1", "weak"]


def test_what_is_pinned_stays(open_cube) -> None:
    session = open_cube(capacity_user=1)
    first = add.add(session, [Draft(memory="first", kind=Kind.USER, confidence=1)]).added[0].id
    assert edit.pin(session, [first]).ids == (first,)
    assert edit.pin(session, [first]).notes == (f"{first} is pinned already.",)
    add.add(session, [Draft(memory="second", kind=Kind.USER)])
    add.add(session, [Draft(memory="third", kind=Kind.USER)])
    assert sorted(held(session)) == ["first", "third"]
    assert [i.id for i in browse.list_memories(session, Filters(), pinned=True).items] == [first]
    assert browse.list_memories(session, Filters(), pinned=True).total == 1
    assert browse.stats(session).pinned == 1
    assert [h.item.pinned for h in search.search(session, Query(text="first", k=1)).hits] == [True]
    edit.unpin(session, [first])
    assert browse.list_memories(session, Filters(), pinned=True).items == ()
    add.add(session, [Draft(memory="fourth", kind=Kind.USER)])
    assert sorted(held(session)) == ["fourth"]


def test_pinning_an_unknown_memory_changes_nothing(session) -> None:
    known = add.add(session, [Draft(memory="tea")]).added[0].id
    with pytest.raises(MemoryNotFound):
        edit.pin(session, [known, "01900000-0000-7000-8000-000000000000"])
    assert not browse.get(session, known).pinned


def test_a_memory_that_the_same_change_updates_is_not_moved_as_well(open_cube) -> None:
    session = open_cube(capacity_long_term=2)
    add.add(session, [Draft(memory="mine", external_id="x"), Draft(memory="other")])
    result = add.add(session, [Draft(memory="mine, corrected", external_id="x"), Draft(memory="new")])
    assert len(result.updated) == 1
    assert sorted(held(session)) == ["mine, corrected", "new"]


def test_a_full_working_memory_that_fills_long_term_memory_makes_room_there_too(open_cube) -> None:
    session = open_cube(capacity_working=1, capacity_long_term=1)
    for n in range(3):
        add.add(session, working(f"step {n}"))
    assert held(session, kinds=(Kind.WORKING,)) == ["step 2"]
    assert held(session, kinds=(Kind.LONG_TERM,)) == ["step 1"]
    assert held(session, statuses=(Status.ARCHIVED,)) == ["step 0"]


def test_balance_makes_a_lowered_capacity_fit(open_cube) -> None:
    add.add(open_cube(), [Draft(memory=f"fact {n}", user_id="ana") for n in range(9)])
    smaller = open_cube(capacity_long_term=4)
    done = tiers.balance(smaller)
    assert [one.memory for one in done.archived] == [f"fact {n}" for n in range(5)]
    assert len(held(smaller)) == 4
    assert browse.log(smaller).changes[0].verb == "balance"


def test_a_dry_run_moves_nothing(open_cube) -> None:
    session = open_cube(capacity_working=1)
    add.add(session, working("a"))
    add.add(session, working("b"), dry_run=True)
    assert held(session, kinds=(Kind.WORKING,)) == ["a"]


def test_what_was_drawn_from_it_is_archived_with_it_and_comes_back_with_it(open_cube) -> None:
    session = open_cube(capacity_long_term=2, preferences=True)
    add.add(session, [Draft(memory="I love jazz, I went to the harbour concert", confidence=10)])
    [raw] = browse.list_memories(session, Filters(learned=False)).items
    fact = MemoryItem(memory="There was a concert at the harbour.", refines=raw.id, confidence=99)
    with session.cube.writing("refine"):
        session.cube.commit(Change(verb="refine", actor="test", puts=(fact,)))
    [learned] = browse.list_memories(session, Filters(learned=True)).items
    add.add(session, [Draft(memory="Rain in Porto")])
    gone = [browse.get(session, id).status for id in (raw.id, fact.id, learned.id)]
    assert gone == [Status.ARCHIVED] * 3
    edit.unarchive(session, [raw.id])
    assert [browse.get(session, id).status for id in (raw.id, fact.id, learned.id)] == [Status.ACTIVATED] * 3


def test_a_preference_that_was_archived_by_hand_stays_archived(session) -> None:
    add.add(session, [Draft(memory="I love jazz")])
    [raw] = browse.list_memories(session, Filters(learned=False)).items
    [learned] = browse.list_memories(session, Filters(learned=True)).items
    edit.archive(session, [learned.id])
    edit.archive(session, [raw.id])
    edit.unarchive(session, [raw.id])
    assert browse.get(session, learned.id).status is Status.ARCHIVED


def test_topics_and_concepts_take_no_place_in_a_tier(open_cube) -> None:
    session = open_cube(capacity_long_term=2)
    node = MemoryItem(memory="music", level=Level.TOPIC)
    with session.cube.writing("reorganize"):
        session.cube.commit(Change(verb="reorganize", actor="test", puts=(node,)))
    result = add.add(session, [Draft(memory="Rain in Porto"), Draft(memory="Snow in Oslo")])
    assert result.notes == ()
    assert browse.get(session, node.id).status is Status.ACTIVATED
