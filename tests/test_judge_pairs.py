"""What the rules of judgement say of labelled pairs: what they merge or archive must be right.

`data/judgement/pairs_*.tsv` were written before the rules, `heldout.tsv` after them and run once
before anything was changed for it. First runs (sure verdicts right; then recall of same, updated,
contradicting): pairs_en 59 of 59; 15/25, 28/35, 14/20. pairs_zh 60 of 60; 18/22, 30/32, 12/16.
heldout 39 of 39; 11/16, 16/26, 13/15. `pairs_wide.tsv` (main clauses, deadlines, posts, dwellings) was
written before the rules that it is about; before them 4 of its 64 updates were found. `heldout_wide.tsv`
came in three parts, each run once before anything was changed for it; sure verdicts right, linked ones
right, updates found: 22 of 23, 10 of 10, 30/32; then 10 of 12, 8 of 8, 16/16; then 8 of 10, 4 of 5, 12/14.
What was wrong in the last two was hearsay in unusual words behind a semicolon ("I made that up"), since
when such a text closes nothing. `link` in the note: closing the first would lose something that may
still be true. Complements are mostly left to a language model: the rules
name only those that repeat a statement with more detail.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from memos_cli.stores import clauses
from memos_cli.stores.claims import claims_of
from memos_cli.stores.sayings import denied, restated
from memos_cli.stores.verdicts import Relation, Verdict, by_rule

DATA = Path(__file__).parent / "data" / "judgement"
FILES = ("pairs_en.tsv", "pairs_zh.tsv", "heldout.tsv")
WIDE = ("pairs_wide.tsv", "heldout_wide.tsv")
LABELS = {
    Relation.DUPLICATE: "same",
    Relation.UPDATE: "updated",
    Relation.CONTRADICTION: "contradicting",
    Relation.COMPLEMENT: "complementary",
    Relation.NEW: "unrelated",
}
SAME_MATTER = {
    ("我爸爸在小米工作。", f"我{father}在中国银行{works}。")
    for father, works in (("爸爸", "上班"), ("父亲", "工作"))
}
"""The one matter of which two files speak: where my father works."""
EITHER = {"updated", "contradicting"}
"""An old version is rightly archived in both cases."""


def pairs(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def right(verdict: Verdict, label: str) -> bool:
    said = LABELS[verdict.relation]
    return said == label or {said, label} <= EITHER


def test_there_are_enough_pairs_of_every_kind_in_both_languages() -> None:
    english, chinese, heldout = (Counter(p["label"] for p in pairs(name)) for name in FILES)
    assert sum(english.values()) + sum(chinese.values()) >= 200
    assert sum(heldout.values()) >= 80
    assert all(set(found) == set(LABELS.values()) for found in (english, chinese, heldout))
    assert 0.8 < sum(english.values()) / sum(chinese.values()) < 1.25


def test_the_wide_pairs_are_many_and_a_third_of_them_are_nothing() -> None:
    for name, least in zip(WIDE, (80, 40), strict=True):
        found = Counter(p["label"] for p in pairs(name))
        assert sum(found.values()) >= least
        assert found["unrelated"] * 3 >= sum(found.values())


@pytest.mark.parametrize("name", WIDE)
def test_what_may_only_be_linked_is_not_closed(name: str) -> None:
    linked = [p for p in pairs(name) if p["note"] == "link"]
    closed = [p for p in linked if by_rule(p["first"], p["then"]).sure]
    assert len(linked) >= 15
    assert not closed


@pytest.mark.parametrize("name", WIDE)
def test_what_is_linked_by_rule_is_right(name: str) -> None:
    done = [(p, by_rule(p["first"], p["then"])) for p in pairs(name)]
    loose = [(p, v) for p, v in done if not v.sure and v.relation is not Relation.NEW]
    wrong = [p for p, v in loose if not right(v, p["label"])]
    assert len(loose) >= 20
    assert 1 - len(wrong) / len(loose) >= 0.95, wrong


@pytest.mark.parametrize("name", [*FILES, *WIDE])
def test_what_is_merged_or_archived_by_rule_is_right(name: str) -> None:
    sure = [(p, by_rule(p["first"], p["then"])) for p in pairs(name)]
    done = [(p, v) for p, v in sure if v.sure]
    wrong = [(p["first"], p["then"], v) for p, v in done if not right(v, p["label"])]
    assert len(done) >= 35
    assert 1 - len(wrong) / len(done) >= 0.95, wrong


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("pairs_en.tsv", {"same": 0.85, "updated": 0.9, "contradicting": 0.9}),
        ("pairs_zh.tsv", {"same": 0.85, "updated": 0.9, "contradicting": 0.85}),
        ("heldout.tsv", {"same": 0.8, "updated": 0.75, "contradicting": 0.9}),
        ("pairs_wide.tsv", {"same": 1, "updated": 0.95, "complementary": 1}),
        ("heldout_wide.tsv", {"same": 1, "updated": 0.95, "complementary": 1}),
    ],
)
def test_recall_of_each_kind_stays(name: str, least: dict[str, float]) -> None:
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for pair in pairs(name):
        total[pair["label"]] += 1
        found[pair["label"]] += right(by_rule(pair["first"], pair["then"]), pair["label"])
    recall = {label: found[label] / total[label] for label in total}
    assert all(recall[label] >= value for label, value in least.items()), recall


def test_no_statement_touches_one_on_another_matter() -> None:
    """Every statement of one language file beside every one of the held-out file, whose people and
    things are others: nothing is merged and nothing is closed."""
    told = [p[side] for p in pairs("heldout.tsv") for side in ("first", "then")]
    for name in ("pairs_en.tsv", "pairs_zh.tsv"):
        there = [p[side] for p in pairs(name) for side in ("first", "then")]
        touched = [(old, new) for old in there for new in told if by_rule(old, new).sure]
        assert not [pair for pair in touched if pair not in SAME_MATTER], touched


@pytest.mark.parametrize(
    ("old", "new", "sure"),
    [
        # A new text that says more closes the old one; an old text that says more is linked.
        ("Anna lives in Oslo.", "Anna lives in Bergen; she has a garden.", True),
        ("Anna lives in Oslo; she has a garden.", "Anna lives in Bergen.", False),
        ("安娜住在奥斯陆。", "安娜住在卑尔根，离海很近。", True),
        ("安娜住在奥斯陆，离海很近。", "安娜住在卑尔根。", False),
        # What hangs on the main clause goes with it.
        ("The plan costs 10 euros a month, paid in advance.", "The plan costs 12 euros a month.", True),
        ("Anna lives in Oslo because of her job.", "Anna lives in Bergen.", True),
        ("安娜住在奥斯陆，因为公司在那里。", "安娜住在卑尔根。", True),
        # What may take the main clause back, narrow it, or keep what was.
        ("Anna lives in Oslo.", "Anna lives in Bergen; she also has a room in Oslo.", False),
        ("Anna lives in Oslo.", "Anna lives in Bergen, where she works.", False),
        ("Anna lives in Oslo.", "Anna lives in Bergen; my sister swears it.", False),
        ("The plan costs 10 euros a month.", "The plan costs 12 euros a month from May 2027 on.", False),
        ("The plan costs 12 euros a month from May 2027 on.", "The plan costs 10 euros a month.", False),
        # What was due is done: when it was due stays told.
        ("My thesis is due on 3 May.", "My thesis is due on 9 June.", True),
        ("My thesis is due on 3 May.", "I handed in my thesis.", False),
        ("The essay is due on 3 May.", "The essay is due on 9 June.", False),
        ("The essay is due on 3 May.", "The essay is now due on 9 June.", True),
        ("My thesis is due at Mr. Berg's office on 3 May.", "My thesis is due at Ms. Lie's office on 9 June.", False),
        # A post that one person holds; many may be "a director".
        ("Mrs. Berg is the chair of the choir.", "Mr. Lie, a tenor, is the chair of the choir.", True),
        ("Mrs. Berg is the chair of the choir.", "Mr. Lie is the chair of the session.", False),
        ("Mrs. Berg is a director of the bank.", "Mr. Lie is a director of the bank.", False),
        # Another unit, or how somebody is, says nothing of the value.
        ("The plan costs 10 euros a month.", "The plan costs 100 euros a year.", False),
        ("My landlord is Mr. Berg.", "My landlord is angry.", False),
        ("My landlord is Mr. Berg.", "My landlord is Dutch.", False),
        # A dwelling is not compared with a town, and with a dwelling only where it is told that it changed.
        ("Anna lives in Oslo.", "Anna lives in a flat above the bakery.", False),
        ("Anna lives in a flat above the bakery.", "Anna lives in a houseboat.", False),
        ("Anna lives in a flat above the bakery.", "Anna moved into a houseboat.", True),
        ("Anna lives in Oslo.", "Anna lives in Bergen from Monday to Friday.", False),
    ],
)  # fmt: skip
def test_one_of_two_statements_closes_no_more_than_it_says(old: str, new: str, sure: bool) -> None:
    assert by_rule(old, new).sure is sure


@pytest.mark.parametrize(
    ("text", "main", "bound"),
    [
        ("Biscuit weighs 4.1 kg; she has lost 700 g since summer.", "Biscuit weighs 4.1 kg", False),
        ("Plot 14 costs 85 euros a year, paid in January.", "Plot 14 costs 85 euros a year", True),
        ("Mr. Osei, the beekeeper, is the chair of the club.", "Mr. Osei is the chair of the club", False),
        ("Anna lives in Oslo because of her job.", "Anna lives in Oslo", True),
        ("Anna lives in Oslo because of her job; she has a dog.", "Anna lives in Oslo", False),
        ("陈宁住在运河边的阁楼，冬天很冷。", "陈宁住在运河边的阁楼", False),
    ],
)
def test_the_main_clause_is_what_stands_before_the_rest(text: str, main: str, bound: bool) -> None:
    found = (clauses.english if text.isascii() else clauses.chinese)(text)
    assert found is not None
    assert (found.main, found.bound) == (main, bound)


@pytest.mark.parametrize(
    "text",
    [
        "Anna lives in Oslo.",
        "Anna lives in Oslo, Tom says.",
        "Anna lives in Oslo; Tom told me.",
        "Anna lives in Oslo; she moved to Bergen last week.",
        "Anna lives in Oslo; she has a dog. It barks.",
        "Anna speaks Polish, Czech, and German.",
        "安娜住在奥斯陆，听说的。",
        "安娜住在奥斯陆，现在搬到卑尔根了。",
    ],
)
def test_what_is_taken_back_or_listed_has_no_main_clause(text: str) -> None:
    assert (clauses.english if text.isascii() else clauses.chinese)(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Does Anna live in Oslo?",
        "If I lived in Oslo, I would ski.",
        "I want to live in Oslo",
        "Tom says Anna lives in Oslo.",
        "He lives in Oslo.",
        "They work at Siemens.",
        "Someone lives in Oslo.",
        "A man lives in Oslo.",
        "Anna used to live in Oslo.",
        "Anna will move to Oslo.",
        "I also work at Siemens.",
        "Anna lives in Oslo. Tom lives in Rome.",
        "Anna moved to Bergen in 2015.",
        "我想住在北京",
        "他住在北京",
        "小明说他住在北京",
        "我以前住在北京",
        "我明年搬到上海",
        "如果我住在北京",
        "",
        "…",
        "The",
        "I",
        "是",
        "x" * 5000,
    ],
)
def test_what_is_no_plain_statement_claims_nothing(text: str) -> None:
    assert not [c for c in claims_of(text) if c.key.endswith(("|home", "|work", "|住", "|工作"))]


@pytest.mark.parametrize(
    ("old", "new", "sure"),
    [
        # A city and its country, or a place of unknown size, do not exclude one another.
        ("Anna lives in Oslo.", "Anna lives in Norway.", False),
        ("Anna lives in Oslo.", "Anna lives in Grünerløkka.", False),
        ("Anna lives in Oslo.", "Anna lives in Bergen.", True),
        ("Anna lives in Oslo.", "Anna moved to Grünerløkka.", True),
        # Other units may be the same amount.
        ("The ticket costs 40 euros.", "The ticket costs 44 dollars.", False),
        ("The ticket costs 40 euros.", "The ticket costs 44 euros.", True),
        # A meeting on another day may be another meeting, until it is said to have moved.
        ("The team meeting is on Monday.", "The team meeting is on Tuesday.", False),
        ("The team meeting is on Monday.", "The team meeting was moved to Tuesday.", True),
        # What is ended must be what there was.
        ("Tom works at Siemens.", "Tom no longer works at Bosch.", False),
        ("Tom works at Siemens.", "Tom no longer works at Siemens.", True),
        ("Ben often eats meat.", "Ben does not eat meat every day.", False),
        ("我住在中国。", "我住在北京。", False),
        ("例会在周一。", "例会在周二。", False),
        ("例会在周一。", "例会改到周二了。", True),
    ],
)
def test_values_that_do_not_exclude_one_another_stand_together(old: str, new: str, sure: bool) -> None:
    assert by_rule(old, new).sure is sure


def test_sentences_are_the_same_in_another_voice_or_order_only() -> None:
    assert restated("Nina wrote the report.", "The report was written by Nina.")
    assert restated("A man is cutting an onion", "An onion is being cut by a man")
    assert restated("Yesterday Sam bought a bike.", "Sam purchased a bicycle yesterday.")
    assert not restated("Nina writes the report.", "The report was written by Nina.")
    assert not restated("The dog bit the man.", "The man bit the dog.")
    assert not restated("Nina wrote the report.", "Nina was written by the report.")
    assert denied("Naruto escaped.  From there.", "x") is False
    assert denied("Tampons are a good solution.", "Tampons are not a good solution.")
    assert not denied("Tampons are a good solution.", "Pads are not a good solution.")
    assert not denied("It is not so that he never came.", "It is so that he came.")
