"""Preferences by rule: sets of sentences in English and Chinese, and what a preference says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from memos_cli.reader.preferences import Preference, preferences_in

SETS = Path(__file__).parent / "data" / "preferences"
PRECISE = 0.95


class Case(NamedTuple):
    polarity: int
    """0: no preference."""
    explicit: bool
    topic: str
    text: str


def _cases(name: str) -> Iterator[Case]:
    for line in (SETS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        what, text = line.split(" | ", 1)
        sign, _, topic = what.partition(" ")
        yield Case({"+": 1, "-": -1, ".": 0}[sign[0]], "~" not in sign, topic, text)


def _fits(case: Case, found: Preference) -> bool:
    topic, meant = found.topic.lower(), case.topic.lower()
    more = len(topic) - len(meant) if not meant.isascii() else 2 * (len(topic.split()) - len(meant.split()))
    right = (found.polarity, found.explicit) == (case.polarity, case.explicit)
    return right and meant in topic and more <= 6


@pytest.mark.parametrize(
    ("name", "count", "recall"),
    [("en", 120, 0.95), ("zh", 120, 0.95), ("en_held_out", 60, 0.9), ("zh_held_out", 60, 0.9)],
)
def test_what_is_found_is_right(name: str, count: int, recall: float) -> None:
    cases = list(_cases(name))
    found = [(case, one) for case in cases for one in preferences_in(case.text)]
    right = {case for case, one in found if _fits(case, one)}
    wrong = [(case.text, one.topic) for case, one in found if not _fits(case, one)]
    stated = [case for case in cases if case.polarity]
    assert len(cases) >= count
    assert len(right) / (len(right) + len(wrong)) >= PRECISE, wrong
    assert len(right) / len(stated) >= recall, [case.text for case in stated if case not in right]


def test_a_preference_points_at_its_evidence() -> None:
    text = "Thanks! My favourite author is Murakami, by the way."
    (found,) = preferences_in(text, speaker="Ana", role="user")
    assert (found.topic, found.about, found.speaker) == ("Murakami", "author", "Ana")
    assert text[found.start : found.end] == found.evidence == "My favourite author is Murakami"


def test_only_people_have_preferences() -> None:
    for role in ("assistant", "system", "tool"):
        assert preferences_in("I love jazz.", role=role) == ()
    assert preferences_in("I love jazz.", role="user")


def test_what_is_said_twice_counts_once_and_two_things_twice() -> None:
    assert len(preferences_in("I love jazz. Yes, I love jazz!")) == 1
    both = preferences_in("I hate coffee, but I love tea. 我不吃香菜。")
    assert [(one.topic, one.polarity) for one in both] == [("coffee", -1), ("tea", 1), ("香菜", -1)]


def test_strength_grows_from_doing_over_liking_to_what_cannot_be_borne() -> None:
    texts = ("I usually take the train.", "I like trains.", "I love trains.", "I'm allergic to nuts.")
    strengths = [one.strength for text in texts for one in preferences_in(text)]
    assert strengths == sorted(set(strengths))
    assert len(strengths) == len(texts)


def test_an_odd_text_gives_nothing_and_takes_no_time() -> None:
    assert preferences_in("") == ()
    assert preferences_in("I love " + "really " * 5_000) == ()
    assert preferences_in("我喜欢" * 5_000) == ()
