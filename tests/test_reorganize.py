"""`memos reorganize`, and looking at what it made: tree, graph, cypher."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llm_server import NOT_JSON, REFUSED, Answer, Script
from typer.testing import CliRunner

from memos_cli.errors import (
    BadInput,
    NodeNotFound,
    PlanOutdated,
    Reorganizing,
    StaleChange,
    StorageError,
    UsageError,
)
from memos_cli.interfaces.cli.app import app
from memos_cli.operations import edit
from memos_cli.operations import tree as trees
from memos_cli.operations.browse import list_memories
from memos_cli.operations.maintain import check
from memos_cli.operations.merging import certain
from memos_cli.operations.outline import outlines
from memos_cli.operations.planting import Title, Untold
from memos_cli.operations.reorganize import _alone, apply, reorganize
from memos_cli.operations.search import search
from memos_cli.organize.communities import communities
from memos_cli.organize.growth import CONCEPTS, LOOSE, TOPICS, grown
from memos_cli.organize.neighbours import centred
from memos_cli.organize.titles import title_terms, words_of
from memos_cli.schema import (
    Change,
    Filters,
    Kind,
    Level,
    MemoryItem,
    Query,
    Refinement,
    RelationKind,
    Status,
    Visibility,
)
from memos_cli.session import Session
from memos_cli.stores import graph_query
from memos_cli.stores.nearness import content_hash

FACTS = Path(__file__).parent / "data" / "topics" / "facts.txt"
OpenCube = Callable[..., Session]


def labelled() -> list[tuple[str, str]]:
    """(subject, fact)"""
    found, subject = [], ""
    for line in FACTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            subject = line[2:]
        elif line:
            found.append((subject, line))
    return found


SUBJECT = {text: subject for subject, text in labelled()}


def put(session: Session, *texts: str, **fields: Any) -> list[str]:
    """Store memories as one change, with vectors where the cube has them; their ids."""
    items = [MemoryItem(memory=t, content_hash=content_hash(t), **fields) for t in texts]
    return put_items(session, items)


def put_items(session: Session, items: list[MemoryItem]) -> list[str]:
    vectors: dict[str, np.ndarray] = {}
    if session.embeds:
        made = session.embedder.embed_documents([i.memory for i in items])
        vectors = {i.row: v for i, v in zip(items, made, strict=True)}
    session.cube.commit(Change(verb="add", puts=tuple(items), vectors=vectors))
    return [i.id for i in items]


def concepts_of(session: Session) -> dict[str, str]:
    """The concept of each memory that has one, over all users."""
    return {
        id: above
        for outline in outlines(session.cube, vectors=False).values()
        for id, above in outline.above.items()
        if id in outline.facts
    }


def text_of(session: Session, id: str) -> str:
    return next(iter(session.cube.table.items(f"id = '{id}' AND known_to IS NULL"))).memory


def current(session: Session, id: str) -> MemoryItem:
    return session.cube.table.items(f"id = '{id}' AND known_to IS NULL")[0]


@pytest.fixture
def garden(open_cube: OpenCube) -> Session:
    """A hundred facts of six subjects, with vectors of the built-in word table."""
    session = open_cube("tree_text", embedder="static")
    subjects = {"garden", "guitar", "cat", "car", "kitchen", "编程"}
    put(session, *(text for subject, text in labelled() if subject in subjects))
    return session


# -- the tree


def test_facts_of_one_subject_come_together(open_cube: OpenCube) -> None:
    session = open_cube("general_text", embedder="static")
    facts = [text for _, text in labelled()]
    put(session, *facts)
    result = reorganize(session)
    placed = concepts_of(session)
    assert len(placed) >= 0.97 * len(facts) == 0.97 * result.counts["memories"]
    groups: dict[str, Counter[str]] = {}
    for id, concept in placed.items():
        groups.setdefault(concept, Counter())[SUBJECT[text_of(session, id)]] += 1
    purity = sum(max(counts.values()) for counts in groups.values()) / len(placed)
    assert purity >= 0.55  # k-means that is told the number of subjects: 0.5
    assert 15 <= len(groups) <= 45
    assert all(sum(counts.values()) >= 3 for counts in groups.values())


def test_a_second_run_finds_nothing_to_do(garden: Session) -> None:
    assert reorganize(garden).change
    before = garden.cube.revision
    again = reorganize(garden)
    assert again.change is None
    assert not again.steps
    assert garden.cube.revision == before


def test_new_memories_are_placed_and_the_others_stay(garden: Session) -> None:
    reorganize(garden)
    before = concepts_of(garden)
    known = {text_of(garden, id): concept for id, concept in before.items()}
    (new,) = put(garden, "The slugs ate half of the cabbage bed last night.")
    result = reorganize(garden)
    after = concepts_of(garden)
    assert {id: after[id] for id in before} == before
    assert after[new] == known["The slugs ate half of the lettuce bed last week."]
    assert result.counts["moved"] == 1
    assert len(garden.cube.table.items(f"change = '{result.change}'")) <= 3


def test_nodes_name_their_evidence_and_their_terms(garden: Session) -> None:
    reorganize(garden)
    (outline,) = outlines(garden.cube).values()
    for concept in outline.concepts.values():
        evidence = [r.target for r in concept.relations if r.kind == RelationKind.EVIDENCE]
        assert evidence
        assert all(outline.above[id] == concept.id for id in evidence)
        assert all(outline.facts[id].memory[:40] in concept.memory for id in evidence)
        assert concept.memory.startswith(f"{concept.key}: ")
        assert concept.id in outline.vectors
        members = [id for id, above in outline.above.items() if above == concept.id]
        words = " ".join(outline.facts[id].memory for id in members).lower()
        assert concept.tags
        assert all(tag in words for tag in concept.tags)
    assert outline.topics
    assert set(outline.concepts) <= set(outline.above)


def test_turns_stay_as_they_were_said_and_their_concept_names_them(open_cube: OpenCube) -> None:
    session = open_cube(embedder="static")
    talk = [text for subject, text in labelled() if subject in ("garden", "car")]
    ids = put_items(
        session,
        [
            MemoryItem(
                memory=t,
                content_hash=content_hash(t),
                session_id=f"s{n // 12}",
                position=n % 12,
                speaker="Ana",
            )
            for n, t in enumerate(talk)
        ],
    )
    reorganize(session)
    assert set(concepts_of(session)) == set(ids)
    assert all(item.version == 1 for item in session.cube.table.items("level = 'fact'"))
    holds = [
        r.target
        for item in session.cube.table.items("level = 'concept'")
        for r in item.relations
        if r.kind == RelationKind.HOLDS
    ]
    assert sorted(holds) == sorted(ids)
    assert reorganize(session).change is None


def test_each_user_has_a_tree_of_his_own(open_cube: OpenCube) -> None:
    session = open_cube(embedder="static")
    facts = [text for subject, text in labelled() if subject == "garden"]
    put(session, *facts, user_id="ana", visibility=Visibility.PUBLIC)
    put(session, *(f"Once more: {text}" for text in facts), user_id="ben")
    reorganize(session)
    for owner, outline in outlines(session.cube).items():
        assert outline.concepts
        for node in outline.nodes.values():
            assert node.user_id == owner
            assert node.visibility is (Visibility.PUBLIC if owner == "ana" else Visibility.PRIVATE)


def test_what_is_no_fact_is_left_out(open_cube: OpenCube) -> None:
    session = open_cube("naive_text")
    facts = [text for subject, text in labelled() if subject == "cat"]
    put(session, *facts)
    (tool,) = put(session, "The cat tool feeds the cat.", kind=Kind.TOOL_SCHEMA)
    (raw,) = put(
        session,
        "I told you about the cat and the vet.",
        session_id="s",
        position=0,
        speaker="Ana",
        refinement=Refinement.DONE,
    )
    result = reorganize(session)
    assert any("keeps no vectors" in note for note in result.notes)
    assert not {tool, raw} & set(concepts_of(session))
    assert concepts_of(session)


def test_an_empty_cube_and_a_small_one_have_no_tree(open_cube: OpenCube) -> None:
    session = open_cube()
    assert reorganize(session).change is None
    put(session, "Ana lives in Lisbon.", "The gate code is 4711.")
    assert reorganize(session).change is None
    assert trees.tree(session).notes


def test_a_corrected_fact_makes_its_summary_anew(garden: Session) -> None:
    reorganize(garden)
    (outline,) = outlines(garden.cube).values()
    concept = max(outline.concepts.values(), key=lambda c: len(c.memory))
    told = next(r.target for r in concept.relations if r.kind == RelationKind.EVIDENCE)
    edit.update(garden, told, "A quite different thing: the bank lends money at three per cent.")
    reorganize(garden)
    assert outline.facts[told].memory[:40] not in current(garden, concept.id).memory


def test_a_stale_node_is_told_anew_and_one_that_somebody_wrote_keeps_its_words(garden: Session) -> None:
    reorganize(garden)
    (outline,) = outlines(garden.cube).values()
    mine, stale = list(outline.concepts.values())[:2]
    edit.update(garden, mine.id, "My garden: all about it.")
    marked = edit.next_version(stale, stale=True)
    garden.cube.commit(
        Change(verb="feedback", puts=(marked,), closings=(edit.Closing(id=stale.id, row=stale.row),))
    )
    put(garden, *(f"{text} Again." for _, text in labelled()[:12]))
    reorganize(garden)
    assert current(garden, mine.id).memory == "My garden: all about it."
    again = current(garden, stale.id)
    assert not again.stale or again.verb == "feedback"


def test_an_archived_concept_frees_its_memories_for_another(garden: Session) -> None:
    reorganize(garden)
    (outline,) = outlines(garden.cube).values()
    gone = next(iter(outline.concepts))
    freed = [id for id, above in outline.above.items() if above == gone and id in outline.facts]
    edit.archive(garden, [gone])
    reorganize(garden)
    after = concepts_of(garden)
    assert gone not in after.values()
    assert sum(id in after for id in freed) >= 0.8 * len(freed)


# -- duplicates


def test_duplicates_become_one_that_says_where_it_came_from(open_cube: OpenCube) -> None:
    session = open_cube()
    first, second = put(session, "The gate code is 4711.", "the gate code is 4711", tags=("home",))
    (other,) = put(session, "The gate code is 4712.")
    result = reorganize(session)
    assert result.counts["merged"] == 1
    kept, dropped = current(session, first), current(session, second)
    assert [r.target for r in kept.relations] == [second]
    assert dropped.status is Status.ARCHIVED
    assert [(r.kind, r.target) for r in dropped.relations] == [("merged_to", first)]
    assert [(r.kind, r.target) for r in current(session, other).relations][:1] == [("contradicts", first)]
    edit.undo(session, result.change)
    assert current(session, second).status is Status.ACTIVATED
    assert current(session, first).relations == ()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Ana has 3 cats.", "Ana has 4 cats."),
        ("Ana lives in Lisbon.", "Anna lives in Lisbon."),
        ("Ana does not eat meat.", "Ana does eat meat."),
        ("The dentist is on 3 May.", "The dentist is on 8 May."),
        ("我住在上海。", "我不住在上海。"),
    ],
)
def test_what_differs_in_a_number_name_date_or_negation_is_never_merged(
    open_cube: OpenCube, a: str, b: str
) -> None:
    session = open_cube()
    ids = put(session, a, b)
    assert "merged" not in reorganize(session).counts
    assert {str(current(session, id).status) for id in ids} == {"activated"}
    assert {current(session, id).memory for id in ids} == {a, b}


def test_turns_documents_and_other_peoples_memories_are_never_merged(open_cube: OpenCube) -> None:
    session = open_cube()
    text = "The gate code is 4711."
    put(session, text, session_id="s", speaker="Ana", position=0)
    put(session, text, session_id="s", speaker="Ana", position=1)
    put(session, text, position=3)
    put(session, text, user_id="ben")
    put(session, text, kind=Kind.USER)
    put(session, text, external_id="a")
    put(session, text, external_id="b", kind=Kind.PREFERENCE)
    put(session, text, external_id="c", kind=Kind.PREFERENCE)
    assert "merged" not in reorganize(session).counts


def test_a_judge_relates_and_supersedes(open_cube: OpenCube) -> None:
    session = open_cube(embedder="static")
    old, new = put(session, "Ana lives in the city of Lisbon.", "Ana lives in the city of Porto now.")
    verdicts = {"Porto": (RelationKind.SUPERSEDES, 0.9)}

    def judge(older: MemoryItem, newer: MemoryItem) -> tuple[RelationKind, float] | None:
        return next((v for word, v in verdicts.items() if word in newer.memory), None)

    result = reorganize(session, judge=judge)
    assert result.counts["superseded"] == 1
    assert current(session, old).status is Status.ARCHIVED
    assert [(r.kind, r.target, r.weight) for r in current(session, new).relations] == [
        ("supersedes", old, 0.9)
    ]


def test_the_rules_for_added_memories_hold_over_the_whole_cube(open_cube: OpenCube) -> None:
    session = open_cube(embedder="static")
    old, new, turn = (
        put(session, "Ana lives in Lisbon.")[0],
        put(session, "Ana does not live in Lisbon any more.")[0],
        put(session, "Ana lives in Porto.", session_id="s", speaker="Ana", position=0)[0],
    )
    reorganize(session)
    assert current(session, old).status is Status.ARCHIVED
    assert [(r.kind, r.target) for r in current(session, new).relations] == [("supersedes", old)]
    assert current(session, turn).version == 1


# -- plans, undo, others at the same time


def test_a_dry_run_and_a_plan_change_nothing_and_the_plan_can_be_applied(
    garden: Session, tmp_path: Path
) -> None:
    before = garden.cube.revision
    shown = reorganize(garden, dry_run=True)
    file = tmp_path / "plan.json"
    reorganize(garden, save_to=file)
    assert garden.cube.revision == before
    assert shown.change is None
    assert shown.steps
    document = json.loads(file.read_text())
    assert document["format"] == "memos-plan-1"
    done = apply(garden, file)
    assert done.change
    assert len(concepts_of(garden)) == shown.counts["placed"]
    (outline,) = outlines(garden.cube).values()
    assert set(outline.concepts) <= set(outline.vectors)
    with pytest.raises(PlanOutdated):
        apply(garden, file)
    assert check(garden).ok


def test_a_plan_that_cannot_be_saved_changes_nothing(garden: Session, tmp_path: Path) -> None:
    before = garden.cube.revision
    with pytest.raises(StorageError, match="No such file"):
        reorganize(garden, save_to=tmp_path / "nowhere" / "plan.json")
    assert garden.cube.revision == before


def test_a_plan_is_refused_when_the_cube_has_changed_or_is_another(
    garden: Session, open_cube: OpenCube, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    reorganize(garden, save_to=file)
    put(garden, "The gate code is 4711.")
    with pytest.raises(PlanOutdated, match="changed"):
        apply(garden, file)
    with pytest.raises(PlanOutdated, match="another cube"):
        apply(open_cube(path=tmp_path / "other"), file)
    for bad in ("", "[]", '{"cube_id": 3}', json.dumps({"format": "x", "cube_id": "c", "revision": 1})):
        file.write_text(bad)
        with pytest.raises(BadInput):
            apply(garden, file)
    with pytest.raises(BadInput):
        apply(garden, tmp_path / "missing.json")


def test_an_undo_takes_all_of_it_back(garden: Session) -> None:
    def said() -> list[tuple[Any, ...]]:
        return sorted(
            (i.id, i.memory, i.parent, str(i.status), i.relations)
            for i in garden.cube.table.items("known_to IS NULL AND status = 'activated'")
        )

    before = said()
    result = reorganize(garden)
    assert said() != before
    edit.undo(garden, result.change)
    assert said() == before
    assert check(garden).ok
    assert reorganize(garden).change


def test_an_addition_can_be_undone_after_its_memories_were_filed(garden: Session) -> None:
    (added,) = put(garden, "The slugs ate half of the cabbage bed last night.")
    change = current(garden, added).change
    reorganize(garden)
    assert current(garden, added).version == 2
    edit.undo(garden, change)
    assert current(garden, added).status is Status.DELETED


def test_what_others_change_meanwhile_is_done_again(garden: Session, open_cube: OpenCube) -> None:
    other = open_cube("tree_text", embedder="static")
    put(garden, "The gate code is 4711.", "the gate code is 4711")
    id = list_memories(garden, Filters()).items[-1].id
    asked: list[str] = []

    def judge(older: MemoryItem, newer: MemoryItem) -> tuple[RelationKind, float] | None:
        if not asked:
            asked.append("once")
            edit.update(other, id, "Something else altogether.")
            put(other, "Added while it was computing.")
        return certain(older, newer)

    result = reorganize(garden, judge=judge)
    assert result.counts["merged"] == 1
    assert current(garden, id).memory == "Something else altogether."
    assert result.counts["memories"] == len(list_memories(garden, Filters(), limit=500).items)


def test_who_keeps_changing_it_makes_it_give_up_whole(garden: Session, open_cube: OpenCube) -> None:
    other = open_cube("tree_text", embedder="static")
    put(garden, "The gate code is 4711.", "the gate code is 4711")
    id = list_memories(garden, Filters()).items[-1].id
    times: list[int] = []

    def judge(older: MemoryItem, newer: MemoryItem) -> tuple[RelationKind, float] | None:
        times.append(1)
        edit.update(other, id, f"Something else, number {len(times)}.")
        return certain(older, newer)

    with pytest.raises(StaleChange):
        reorganize(garden, judge=judge)
    assert not concepts_of(garden)
    assert check(garden).ok


def test_two_at_once_exclude_each_other_and_others_may_write(garden: Session, open_cube: OpenCube) -> None:
    other = open_cube("tree_text", embedder="static")
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with _alone(garden):
            inside.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert inside.wait(20)
        with pytest.raises(Reorganizing):
            reorganize(other)
        put(other, "Others add meanwhile.")
        assert search(other, Query(text="Others add meanwhile")).hits
        assert reorganize(other, dry_run=True).steps
    finally:
        done.set()
        holder.join()
    assert reorganize(other).change


def test_killed_at_any_moment_the_cube_is_whole_and_the_next_run_goes_on(
    garden: Session, start: Callable[..., Any]
) -> None:
    memories = len(list_memories(garden, Filters(), limit=500).items)
    for delay in (0.4, 0.9, 1.4):
        process = start("reorganize")
        time.sleep(delay)
        process.kill()
        process.wait()
        assert len(list_memories(garden, Filters(), limit=500).items) == memories
        assert len(concepts_of(garden)) in (0, memories)
    reorganize(garden)
    assert len(concepts_of(garden)) == memories
    assert check(garden).ok


# -- told by somebody else


def test_titles_can_come_from_elsewhere_and_are_asked_for_once(garden: Session) -> None:
    reorganize(garden)
    asked: list[Level] = []

    def tell(untold: Sequence[Untold]) -> list[Title | None]:
        asked.extend(one.level for one in untold)
        assert all(one.plain.name and one.texts for one in untold)
        return [
            None
            if one.level is Level.TOPIC
            else Title(f"About {one.plain.name}", "In short.", ("told",), by="model", confidence=80)
            for one in untold
        ]

    result = reorganize(garden, tell=tell)
    (outline,) = outlines(garden.cube).values()
    assert {c.memory.split(": ")[1] for c in outline.concepts.values()} == {"In short."}
    assert all(c.info["by"] == "model" and c.confidence == 80 for c in outline.concepts.values())
    assert result.counts["changed concepts"] == len(outline.concepts)
    asked.clear()
    reorganize(garden, tell=tell)
    assert Level.CONCEPT not in asked


def told(request: dict[str, Any]) -> dict[str, Any]:
    """What a model answers that names a group by its first memory."""
    first = request["messages"][0]["content"].split("\n1. ")[1].split("\n")[0]
    return {"name": f"Told {first[:20]}", "summary": f"It is said: {first}", "tags": ["told"]}


def test_a_language_model_names_and_sums_up(open_cube: OpenCube, llm_server: Script) -> None:
    llm_server.otherwise = told
    session = open_cube(embedder="static", **llm_server.settings)
    put(session, *(text for subject, text in labelled() if subject in ("garden", "编程")))
    reorganize(session)
    (outline,) = outlines(session.cube).values()
    for node in outline.concepts.values():
        assert node.key is not None
        assert node.key.startswith("Told")
        assert node.memory.startswith(f"{node.key}: It is said: ")
        assert node.info["by"] == "openai:m"
    assert any("下面这些记忆" in llm_server.said(place) for place in range(len(llm_server.requests)))
    asked = len(llm_server.requests)
    assert reorganize(session).change is None
    assert len(llm_server.requests) == asked


def test_relations_are_believed_only_with_evidence(open_cube: OpenCube, llm_server: Script) -> None:
    facts = ["The heating broke in January.", "The flat was cold in January.", "The heating man came."]
    relations = [
        {"first": 1, "relation": "causes", "second": 2, "quote": "the heating broke", "confidence": 0.95},
        {"first": 2, "relation": "follows", "second": 3, "quote": "nobody said this", "confidence": 0.9},
        {"first": 3, "relation": "part_of", "second": 1, "quote": "heating man came", "confidence": 0.3},
        {"first": 3, "relation": "infers", "second": 9, "quote": "heating man came", "confidence": 0.9},
        {"first": 1, "relation": "causes", "second": 1, "quote": "heating", "confidence": 0.9},
    ]
    llm_server.otherwise = lambda request: {
        "name": "Heating", "summary": "It broke.", "tags": [], "relations": relations
    }  # fmt: skip
    session = open_cube(embedder="static", **llm_server.settings)
    ids = put(session, *facts)
    reorganize(session)
    found = {
        (item.id, r.kind, r.target, r.weight)
        for item in session.cube.table.items("known_to IS NULL AND level = 'fact'")
        for r in item.relations
    }
    assert found == {(ids[0], "causes", ids[1], 0.9)}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(says="I would rather not."),
        {"name": "", "summary": "", "tags": []},
        {"name": "Garden", "summary": "A\u0000B", "tags": []},
        REFUSED,
        NOT_JSON,
    ],
)
def test_whatever_a_model_answers_the_tree_stands(
    open_cube: OpenCube, llm_server: Script, answer: Any
) -> None:
    llm_server.otherwise = lambda request: answer
    session = open_cube(embedder="static", **llm_server.settings)
    facts = [text for subject, text in labelled() if subject == "garden"][:12]
    put(session, *facts)
    result = reorganize(session)
    assert result.change
    assert len(concepts_of(session)) >= 10
    (outline,) = outlines(session.cube).values()
    assert {c.info["by"] for c in outline.concepts.values()} == {"terms"}
    llm_server.otherwise = told
    reorganize(session)
    (outline,) = outlines(session.cube).values()
    assert {c.info["by"] for c in outline.concepts.values()} == {"openai:m"}


def test_a_spent_budget_is_a_note_and_the_next_run_goes_on(open_cube: OpenCube, llm_server: Script) -> None:
    llm_server.otherwise = told
    facts = [text for subject, text in labelled() if subject in ("garden", "car", "cat")]
    poor = open_cube(embedder="static", max_llm_tokens=10, **llm_server.settings)
    put(poor, *facts)
    assert any("budget" in note for note in reorganize(poor).notes)
    assert not llm_server.requests
    rich = open_cube(embedder="static", **llm_server.settings)
    late = reorganize(rich, time_budget=0.0)
    assert any("time was up" in note for note in late.notes)
    assert not llm_server.requests
    assert reorganize(rich).change
    (outline,) = outlines(rich.cube).values()
    assert {c.info["by"] for c in outline.concepts.values()} == {"openai:m"}


# -- search and list


def test_topics_and_concepts_are_found_only_where_they_are_asked_for(garden: Session) -> None:
    question = Query(text="slugs lettuce garden", k=50)
    before = [hit.item.memory for hit in search(garden, question).hits]
    count = list_memories(garden, Filters()).total
    reorganize(garden)
    found = search(garden, question).hits
    assert {hit.item.level for hit in found} == {Level.FACT}
    assert [hit.item.memory for hit in found[:5]] == before[:5]
    assert list_memories(garden, Filters()).total == count
    above = search(garden, question.but(filters=Filters(levels=(Level.CONCEPT,)))).hits
    assert above
    assert all(hit.item.level is Level.CONCEPT for hit in above)


# -- looking at it


def test_the_tree_is_shown_as_deep_as_asked(garden: Session) -> None:
    reorganize(garden)
    two, three = trees.tree(garden), trees.tree(garden, depth=3)
    one = trees.tree(garden, depth=1)
    assert one.branches
    assert all(not branch.below for branch in one.branches)
    assert {b.level for branch in two.branches for b in branch.below} == {"concept"}
    leaves = [leaf for t in three.branches for c in t.below for leaf in c.below]
    assert len(leaves) == three.memories - three.loose == sum(b.size for b in three.branches)
    name = two.branches[0].below[0].name
    (part,) = trees.tree(garden, topic=name).branches
    assert part.name == name
    with pytest.raises(NodeNotFound):
        trees.tree(garden, topic="no such thing")


def test_the_neighbourhood_of_a_memory(garden: Session) -> None:
    a, b = put_items(
        garden,
        [
            MemoryItem(
                memory=text, session_id="s", position=n, speaker="Ana", content_hash=content_hash(text)
            )
            for n, text in enumerate(["I sowed the garden beans.", "And the slugs ate the garden beans."])
        ],
    )
    reorganize(garden)
    found = trees.neighbourhood(garden, a)
    assert (b, "follows", a) in {(e.source, e.kind, e.target) for e in found.edges}
    assert "parent" in {e.kind for e in found.edges}
    by_question = trees.neighbourhood(garden, "The slugs ate half of the lettuce bed last week.", depth=2)
    assert by_question.nodes[0].memory.startswith("The slugs ate half")
    assert {node.distance for node in by_question.nodes} == {0, 1, 2}
    assert trees.neighbourhood(garden, a, depth=3, limit=4).left_out > 0


def test_cypher_reads(garden: Session) -> None:
    reorganize(garden)
    found = trees.cypher(
        garden,
        "MATCH (m:Memory)-[:PARENT]->(c:Memory {level: 'concept'}) RETURN c.id AS concept, count(m) AS n",
    )
    assert found.columns == ("concept", "n")
    assert sum(n for _, n in found.rows) == len(concepts_of(garden))
    limited = trees.cypher(garden, "MATCH (m:Memory) RETURN m LIMIT 5", limit=2)
    assert len(limited.rows) == 2
    assert limited.notes
    assert set(limited.rows[0][0]) == {"id", "kind", "level", "status", "ordinal"}
    assert trees.cypher(garden, "RETURN 'CREATE; // x' AS said").rows == (("CREATE; // x",),)


@pytest.mark.parametrize(
    "query",
    [
        "CREATE (m:Memory {id: 'x'})",
        "MATCH (m:Memory) SET m.kind = 'x'",
        "MATCH (m:Memory) DETACH DELETE m",
        "MATCH (m:Memory) /* */ DELETE m",
        "LOAD FROM '/etc/hostname' RETURN *",
        "MATCH (m:Memory) RETURN m; MATCH (m:Memory) RETURN m",
        "COPY (MATCH (m:Memory) RETURN m) TO '/tmp/x.csv'",
        "CALL show_tables() RETURN *",
        "WITH 1 AS a CALL show_tables() RETURN *",
        "INSTALL httpfs",
        "ATTACH '/tmp/x' AS y (dbtype kuzu)",
        "MATCH (m:Memory) RETURN nonsense(m)",
        "MATCH (",
        "",
    ],
)
def test_cypher_refuses_what_does_not_only_read(garden: Session, query: str) -> None:
    with pytest.raises(UsageError):
        trees.cypher(garden, query)


@pytest.mark.parametrize(
    "query", ["MATCH (x:Nope) RETURN x", "MATCH x RETURN x", "MATCH (m:Memory) RETURN m.nope"]
)
def test_a_query_that_is_not_understood_is_led_to_what_there_is(garden: Session, query: str) -> None:
    with pytest.raises(UsageError) as caught:
        trees.cypher(garden, query)
    assert "memos help tree" in caught.value.next_step


def test_cypher_takes_no_more_memory_than_it_may(garden: Session) -> None:
    reorganize(garden)
    for query in ("UNWIND range(1, 100000000) AS x RETURN count(x)", "RETURN range(1, 2000000)"):
        with pytest.raises(UsageError, match="more than 128 MB") as refused:
            trees.cypher(garden, query, memory=128)
        assert "--memory" in refused.value.next_step
    (listed,) = trees.cypher(garden, "RETURN range(1, 3), date('2020-01-02'), NULL").rows[0][:1]
    assert listed == [1, 2, 3]


def test_a_process_that_no_system_limits_limits_itself() -> None:
    grown = f"""
import sys, threading, time
sys.path.insert(0, {str(Path(graph_query.__file__).parent)!r})
import graph_query
most = graph_query._taken() + (8 << 20)
threading.Thread(target=graph_query._watch, args=(most,), daemon=True).start()
kept = []
while len(kept) < 2000:
    kept.append(b"x" * (1 << 20))
    time.sleep(0.002)
"""
    done = subprocess.run([sys.executable, "-I", "-c", grown], check=False, timeout=60)
    assert done.returncode == graph_query.OVER


def test_cypher_has_a_limit_of_time_and_needs_a_graph(
    garden: Session, open_cube: OpenCube, tmp_path: Path
) -> None:
    reorganize(garden)
    endless = (
        "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b "
        "WITH a * b AS c WHERE c % 7 = 3 RETURN sum(c % 11)"  # which no shortcut counts
    )
    with pytest.raises(UsageError, match="longer"):
        trees.cypher(garden, endless, seconds=0.2)
    assert trees.cypher(garden, "RETURN 1 AS one").rows == ((1,),)
    with pytest.raises(UsageError, match="no graph"):
        trees.cypher(open_cube(path=tmp_path / "flat"), "RETURN 1")


# -- the command line


@pytest.fixture
def typed(
    garden: Session, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> Callable[..., Any]:
    for name, value in environment.items():
        if name.startswith("MEMOS_"):
            monkeypatch.setenv(name, value)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, list(words), catch_exceptions=False)

    return run


def test_the_commands(typed: Callable[..., Any], tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")
    assert "+ concept" in typed("reorganize", "--dry-run").stdout
    assert typed("reorganize", "--plan", plan).exit_code == 0
    done = json.loads(typed("reorganize", "--apply", plan, "--json").stdout)
    assert done["change"]
    assert done["counts"]["new concepts"] > 3
    lines = typed("tree", "--depth", "3").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["0", "1", "2"]
    document = json.loads(typed("tree", "--json").stdout)
    assert document["branches"][0]["below"][0]["level"] == "concept"
    assert typed("tree", "--dot").stdout.startswith("digraph")
    assert typed("tree", "--mermaid").stdout.startswith("flowchart LR")
    assert typed("graph", "slugs", "lettuce", "--mermaid").stdout.count("-- parent -->") == 1
    assert "parent" in typed("graph", "slugs lettuce").stdout
    assert json.loads(typed("graph", "slugs lettuce", "--json").stdout)["edges"]
    assert typed("cypher", "RETURN 1 AS one").stdout == "1\n"
    assert json.loads(typed("cypher", "RETURN 1 AS one", "--json").stdout)["rows"] == [[1]]


# -- the parts


def test_communities_of_two_triangles_with_a_bridge() -> None:
    edges: list[dict[int, float]] = [{} for _ in range(6)]
    for a, b in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)):
        edges[a][b] = edges[b][a] = 0.1 if (a, b) == (2, 3) else 1.0
    assert communities(edges, 1.0).tolist() == [0, 0, 0, 1, 1, 1]
    assert communities([{}, {}], 1.0).tolist() == [0, 1]
    assert communities([], 1.0).tolist() == []


def test_growth_places_what_is_new_divides_what_is_big_and_leaves_what_is_alone() -> None:
    random = np.random.default_rng(3)
    centres = random.normal(size=(6, 32))
    of = np.repeat(np.arange(6), 20)
    rows = centred(centres[of] + 0.4 * random.normal(size=(120, 32)))
    groups = grown(rows, np.full(120, LOOSE), CONCEPTS)
    for subject in range(6):
        assert (
            len({g for g in groups[of == subject].tolist() if g != LOOSE} & set(groups[of != subject])) == 0
        )
    early = groups.copy()
    early[::10] = LOOSE
    assert (grown(rows, early, CONCEPTS) == groups).all()
    heap = np.zeros(120, np.int64)
    heap[0] = LOOSE  # something new comes into a concept of 119
    parts = grown(rows, heap, CONCEPTS)
    assert len(set(parts.tolist())) >= 4
    assert 0 in parts


@pytest.mark.parametrize("seed", [2, 5, 6, 10, 24])
def test_growth_ends_where_a_second_one_moves_nothing(seed: int) -> None:
    some = np.random.default_rng(seed)
    rows = centred(some.normal(size=(6, 8)).astype(np.float32))
    before = some.integers(-1, 3, size=6)
    before[some.random(6) < 0.6] = LOOSE
    once = grown(rows, before, TOPICS)
    assert grown(rows, once, TOPICS).tolist() == once.tolist()


def test_title_terms_are_what_sets_a_group_apart() -> None:
    groups = [
        words_of(["The cat sleeps in the house.", "The cat eats fish in the house."]),
        words_of(["The car stands at the house.", "A car needs oil."]),
        words_of(["小林喜欢编程。", "编程很有意思。"]),
    ]
    terms = title_terms(groups, words_of([]))
    assert [names[0] for names in terms] == ["cat", "car", "编程"]
