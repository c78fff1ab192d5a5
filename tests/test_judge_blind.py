"""Pairs that no rule had seen, through `add`: what it merges and what it closes must be right.

All were written before they were first run, the plain ones (`blind_*`, `blind_two_*`: diaries, chats and project
notes, about half of them traps) before their writer had read any rule. First runs, merged and archived right, then
recall of same, updated, contradicting by what was merged or archived:

    blind_en      11 of 11, 16 of 16; 11/21, 10/30, 6/14    blind_zh      10 of 10, 16 of 16; 10/20, 9/30, 7/14
    blind_two_en   4 of 4,   5 of 5;   4/14,  3/22, 2/10    blind_two_zh   2 of 2,   3 of 3;   2/13, 2/22, 1/10
    blind_three_en 6 of 6,   7 of 7;   6/14,  2/16, 5/8     blind_three_zh 5 of 5,   5 of 5;   5/14, 2/16, 3/8

The close ones (`near_*`) lie beside what the rules close: cousins, side jobs, seasons, "2 MB on mobile". Each set
was written before the set ahead of it was mended, and run once before anything was changed for it:

    near_en       4 of 4, 17 of 30    near_zh       5 of 5, 15 of 25
    near_two_en   4 of 4, 14 of 17    near_two_zh   5 of 5, 12 of 14
    near_three_en 3 of 3, 29 of 36    near_three_zh 3 of 3, 25 of 27
    near_four_en  5 of 5, 28 of 31    near_four_zh  4 of 4, 24 of 24
    near_five_en  2 of 2, 26 of 28

The fifth was run with rules that lacked part of the mend of the fourth (prepositions behind a value), which had
been written before; with it, and nothing else changed, 26 of 26. So of statements made up to lie close, about nine
in ten closings are right where the rules have not seen the kind; of plain ones none was wrong. Most updates are told
in a free way ("my grandmother passed away") and are left to a language model.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.schema import AddResult, Draft
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings
from memos_cli.stores.verdicts import by_rule

DATA = Path(__file__).parent / "data" / "judgement"
SETS = [
    *(
        f"{kind}_{language}.tsv"
        for kind in ("blind", "blind_two", "blind_three")
        for language in ("en", "zh")
    ),
    *(f"near{part}_{language}.tsv" for part in ("", "_two", "_three", "_four") for language in ("en", "zh")),
    "near_five_en.tsv",
]
MERGED, UPDATED, CONTRADICTED, LINKED, NEW = "merged", "update", "contradiction", "linked", "new"
RIGHT = {
    MERGED: {"same"},
    UPDATED: {"updated", "contradicting"},
    CONTRADICTED: {"updated", "contradicting"},
}
"""By what `add` does that takes a memory out of sight: the labels that bear it out."""
Pair = dict[str, str]
Told = list[tuple[Pair, str]]


def pairs(name: str) -> list[Pair]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def outcomes(session: Session, told: list[Pair]) -> list[str]:
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


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """By set: its pairs with what became of them, all in one cube."""
    home = tmp_path_factory.mktemp("blind")
    settings = Settings(home=home, embedder="hash:64", fsync=False)
    every = {name: pairs(name) for name in SETS}
    with open_session(
        CubeRef("cube", home / "cube", is_name=False), settings, write=True, create=True
    ) as session:
        done = iter(outcomes(session, [pair for told in every.values() for pair in told]))
    return {name: [(pair, next(done)) for pair in told] for name, told in every.items()}


def test_the_plain_sets_are_large_and_hold_every_kind() -> None:
    for language in ("en", "zh"):
        for kind, least in (("blind", 120), ("blind_two", 80), ("blind_three", 60)):
            labels = Counter(pair["label"] for pair in pairs(f"{kind}_{language}.tsv"))
            assert labels.total() >= least
            assert set(labels) == {"same", "updated", "contradicting", "complementary", "unrelated"}


@pytest.mark.parametrize("name", SETS)
def test_what_add_takes_out_of_sight_is_right(judged: dict[str, Told], name: str) -> None:
    done = [(pair, outcome) for pair, outcome in judged[name] if outcome in RIGHT]
    wrong = [(outcome, pair) for pair, outcome in done if pair["label"] not in RIGHT[outcome]]
    assert done
    assert 1 - len(wrong) / len(done) >= 0.95, wrong


@pytest.mark.parametrize(
    ("begins", "least"),
    [
        ("blind", {"same": 0.37, "updated": 0.22, "contradicting": 0.3}),
        ("near", {"same": 0.65, "updated": 0.9, "contradicting": 0.85}),
    ],
)
def test_recall_of_each_kind_by_what_add_does_stays(
    judged: dict[str, Told], begins: str, least: dict[str, float]
) -> None:
    told = [one for name, pairs_ in judged.items() if name.startswith(begins) for one in pairs_]
    total = Counter(pair["label"] for pair, _ in told)
    found = Counter(pair["label"] for pair, outcome in told if pair["label"] in RIGHT.get(outcome, ()))
    recall = {label: found[label] / total[label] for label in least}
    assert all(recall[label] >= value for label, value in least.items()), recall


@pytest.mark.parametrize(
    ("language", "least"), [("en", {"same": 7, "updated": 4}), ("zh", {"same": 12, "updated": 4})]
)
def test_what_the_third_set_showed_is_recognized(
    judged: dict[str, Told], language: str, least: dict[str, int]
) -> None:
    """A time or an adverb in another place, "have got", "moved to 11:15", 一家银行, 正在."""
    told = judged[f"blind_three_{language}.tsv"]
    found = Counter(pair["label"] for pair, outcome in told if pair["label"] in RIGHT.get(outcome, ()))
    assert all(found[label] >= count for label, count in least.items()), found


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("妈妈说昨天我来过。", "昨天妈妈说我来过。"),
        ("妈妈昨天给爸爸打了电话。", "爸爸昨天给妈妈打了电话。"),
        ("周一我去了医院，周二我去了公司。", "周二我去了医院，周一我去了公司。"),
        ("每天早上我都跑步。", "每天晚上我都跑步。"),
        ("我正在开会。", "我不开会。"),
        ("我在一家银行上班。", "我在一家医院上班。"),
        ("我弟弟叫小明。", "我弟弟的名字叫小红。"),
        ("Tom says sometimes Anna calls.", "Sometimes Tom says Anna calls."),
        ("I got a dog.", "I have a dog."),
        ("My train leaves at 9:40.", "My train was moved to platform 3."),
    ],
)
def test_what_stands_beside_those_rules_is_left_alone(first: str, then: str) -> None:
    assert not by_rule(first, then).sure
