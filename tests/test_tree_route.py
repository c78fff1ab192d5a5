"""The tree as a route: what stands under the concepts of the first hits comes behind them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memos_cli.location import resolve
from memos_cli.operations.add import add
from memos_cli.operations.outline import outlines
from memos_cli.operations.reorganize import reorganize
from memos_cli.operations.search import search
from memos_cli.retrieval.tree import FIRST, siblings
from memos_cli.schema import Depth, Draft, Hit, Mode, Query
from memos_cli.session import Session, make_cube, open_session
from memos_cli.settings import Settings

FACTS = Path(__file__).parent / "data" / "topics" / "facts.txt"
SUBJECTS = 5
ASKED = "What do we know about the garden, its plants and vegetables?"


def said() -> list[str]:
    """The facts of a few subjects, as notes."""
    blocks = FACTS.read_text(encoding="utf-8").split("# ")[1 : 1 + SUBJECTS]
    return [line for block in blocks for line in block.splitlines()[1:] if line.strip()]


def spoken() -> list[Draft]:
    """The same as the turns of one conversation."""
    began = datetime(2025, 3, 1, 9, tzinfo=UTC)
    return [
        Draft(memory=text, session_id="talk", speaker=("Ana", "Ben")[n % 2], said_at=began + timedelta(0, n))
        for n, text in enumerate(said())
    ]


@pytest.fixture(scope="module", params=["notes", "turns"])
def session(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("tree-route")
    settings = Settings(home=folder / "home", embedder="static", fsync=False)
    ref = resolve(str(folder / "cube"), settings)
    make_cube(ref, settings, depth=Depth.TREE)
    with open_session(ref, settings, write=True) as opened:
        drafts = [Draft(memory=text) for text in said()] if request.param == "notes" else spoken()
        add(opened, drafts, judge=False)
        reorganize(opened)
        yield opened


def hits(session: Session, k: int, **asked: object) -> list[Hit]:
    return list(search(session, Query(text=ASKED, k=k, explain=True, **asked)).hits)  # type: ignore[arg-type]


def above(session: Session) -> dict[str, str]:
    return next(iter(outlines(session.cube, vectors=False).values())).above


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.HYBRID])
def test_the_first_ten_keep_their_places(session: Session, mode: Mode) -> None:
    with_tree, without = (
        hits(session, 3 * FIRST, mode=mode, without=frozenset(left_out)) for left_out in ((), ("tree",))
    )
    ids = [hit.item.id for hit in without[:FIRST]]
    assert (
        [hit.item.id for hit in with_tree[:FIRST]]
        == ids
        == [h.item.id for h in hits(session, FIRST, mode=mode)]
    )
    assert all("tree" not in hit.signals for hit in with_tree[:FIRST])
    scores = [hit.score for hit in with_tree]
    assert scores == sorted(scores, reverse=True)


def test_behind_them_comes_what_is_filed_beside_them(session: Session) -> None:
    filed = above(session)
    with_tree, without = (
        hits(session, 10 * FIRST, without=frozenset(left_out)) for left_out in ((), ("tree",))
    )
    concepts = {filed[hit.item.id] for hit in with_tree[:FIRST] if hit.item.id in filed}
    raised = {hit.item.id for hit in with_tree[FIRST:] if "tree" in hit.signals}
    assert raised
    assert {filed[id] for id in raised} <= concepts
    now, before = ({hit.item.id: n for n, hit in enumerate(found)} for found in (with_tree, without))
    both = raised & now.keys() & before.keys()
    assert sum(now[id] for id in both) < sum(before[id] for id in both)


def test_siblings_are_all_that_a_concept_holds(session: Session) -> None:
    view = session.cube.view(vectors=False)
    filed = above(session)
    ids = [hit.item.id for hit in hits(session, 3)]
    at = {id: ordinal for shard in view.keywords for id, (ordinal, _) in shard.current(list(filed)).items()}
    one = next(id for id in ids if id in filed)
    members = {id for id, concept in filed.items() if concept == filed[one] and id in at}
    assert set(siblings(view, [at[one]])) == {at[id] for id in members}
    assert siblings(view, [at[one]])[at[one]] == pytest.approx((1 / FIRST) ** 0.5)


def test_without_a_tree_there_is_no_such_route(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", embedder="hash:64", fsync=False)
    ref = resolve(str(tmp_path / "cube"), settings)
    make_cube(ref, settings, depth=Depth.GENERAL)
    with open_session(ref, settings, write=True) as opened:
        add(opened, [Draft(memory=text) for text in said()[:40]], judge=False)
        assert siblings(opened.cube.view(), range(FIRST)) == {}
        assert not any("tree" in hit.signals for hit in hits(opened, 30))
