"""What the first hits name leads to other memories: names in a text, and the second step end to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memos_cli.location import resolve
from memos_cli.operations.add import add
from memos_cli.operations.edit import archive
from memos_cli.operations.search import search
from memos_cli.retrieval.links import NAMES, READ, names
from memos_cli.schema import Depth, Draft, Filters, Hit, Mode, Query, Source
from memos_cli.session import Session, make_cube, open_session
from memos_cli.settings import Settings

ASKED = "Which country is the employer of Ana based in?"
WORKS = "Ana is employed by Veldhaus Optics."
ABOUT = "Veldhaus Optics grinds lenses near the Slovenian border."
NOISE = [
    f"{thing} {verb} on the {place}."
    for thing in ("A blue kettle", "The old bicycle", "A wool blanket", "The spare key", "A torn map")
    for verb in ("rests", "hangs", "was left", "is kept")
    for place in ("shelf", "hook", "balcony")
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("links")
    settings = Settings(home=folder / "home", embedder="hash:64", fsync=False)
    ref = resolve(str(folder / "cube"), settings)
    make_cube(ref, settings, depth=Depth.GENERAL)
    with open_session(ref, settings, write=True) as opened:
        add(opened, [Draft(memory=text) for text in (WORKS, ABOUT, *NOISE)])
        yield opened


def hits(session: Session, text: str = ASKED, **asked: object) -> list[Hit]:
    return list(search(session, Query(text=text, k=5, explain=True, **asked)).hits)  # type: ignore[arg-type]


def texts(found: list[Hit]) -> list[str]:
    return [hit.item.memory for hit in found]


def test_names_are_runs_of_capitalised_words() -> None:
    text = "Émile Durand of the Banque de France met Ana's friend in New York. The end"
    asked = frozenset({"new", "york"})
    expected = [("emile", "durand", "of", "the", "banque", "de", "france"), ("ana",), ("the",)]
    assert names(text, asked) == expected
    assert names("nothing is called by a name here, 这里也没有名字") == []
    assert names("New York, then New York again") == [("new", "york")]


def test_a_long_text_with_many_names_is_read_so_far() -> None:
    many = ". ".join(f"Nam{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(NAMES * 3))
    assert len(names(many)) == NAMES
    assert names(" " * READ + "Veldhaus") == []


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.HYBRID])
def test_what_the_first_hit_names_comes_right_behind_it(session: Session, mode: Mode) -> None:
    found = hits(session, mode=mode)
    assert texts(found)[:2] == [WORKS, ABOUT]
    assert found[1].signals["links"] > 1
    assert "links" not in found[0].signals
    assert found[0].score > found[1].score
    assert ABOUT not in texts(hits(session, mode=mode, without=frozenset({"links"})))[:2]


def test_the_sum_of_the_signals_stays_what_orders_the_hits(session: Session) -> None:
    found = hits(session)
    sums = [sum(hit.signals.values()) for hit in found]
    assert sums == sorted(sums, reverse=True)
    assert sums[0] - sums[1] >= 1 - 1e-3  # what is led to stays a standard deviation behind


def test_a_name_in_the_question_leads_nowhere(session: Session) -> None:
    found = hits(session, "Who at Veldhaus Optics knows Ana and where is she employed?")
    assert all("links" not in hit.signals for hit in found)


def test_filters_hold_for_what_is_led_to(session: Session) -> None:
    tagged = add(session, [Draft(memory="Veldhaus Optics has a canteen.", tags=("food",))]).added
    everything = hits(session)
    assert {"Veldhaus Optics has a canteen.", ABOUT} <= set(texts(everything))
    assert texts(hits(session, filters=Filters(tags=("food",)))) == ["Veldhaus Optics has a canteen."]
    archive(session, [one.id for one in tagged])
    assert "Veldhaus Optics has a canteen." not in texts(hits(session))


def test_turns_neither_lead_nor_are_led_to(session: Session) -> None:
    said = "Veldhaus Optics called about the spare lenses."
    turn = Draft(
        memory=said, session_id="s", position=0, speaker="Zoe", sources=(Source(type="chat", role="user"),)
    )
    add(session, [turn])
    found = {hit.item.memory: hit.signals for hit in hits(session)}
    assert found[ABOUT]["links"] > 1
    assert "links" not in found.get(said, {})
    led = search(session, Query(text="Which spare lenses did Zoe get a call about?", k=9, explain=True))
    assert led.hits[0].item.memory == said
    assert all("links" not in hit.signals for hit in led.hits)


def test_a_name_that_many_hold_leads_nowhere(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", embedder="hash:64", fsync=False)
    ref = resolve(str(tmp_path / "cube"), settings)
    make_cube(ref, settings, depth=Depth.NAIVE)
    with open_session(ref, settings, write=True) as opened:
        crowd = [Draft(memory=f"Veldhaus Optics sold lot {n}.") for n in range(20)]
        add(opened, [Draft(memory=WORKS), *crowd, *(Draft(memory=text) for text in NOISE)])
        assert all("links" not in hit.signals for hit in hits(opened, mode=Mode.KEYWORD))
