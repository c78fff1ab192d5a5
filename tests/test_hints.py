"""Hints leave nothing out: what is read with them is what is read with every pattern tried on every text.

The corpora are the tests' own; `scripts/check_hints.py` does the same with any files.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from memos_cli.dates.signs import may_name, small_words
from memos_cli.stores.english import state
from memos_cli.stores.hints import DIGITS, hints_of, lacks, words_in
from memos_cli.stores.memo import Memo

ROOT = Path(__file__).parents[1]
CORPORA = sorted(
    path
    for folder in ("dates", "preferences", "judgement", "topics")
    for path in (ROOT / "tests" / "data" / folder).iterdir()
    if path.suffix in (".txt", ".tsv")
)


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_hints", ROOT / "scripts" / "check_hints.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def texts(check: ModuleType) -> list[str]:
    """Every line of the corpora, its cells, and its sentences."""
    lines = [line for path in CORPORA for line in check.read_texts(path)]
    return list(
        dict.fromkeys(cell.strip() for line in lines for cell in (line, *line.replace("|", "\t").split("\t")))
    )


def test_nothing_is_left_out_of_the_corpora(check: ModuleType, texts: list[str]) -> None:
    assert len(texts) > 2_000
    assert check.differences(texts) == []


def test_nothing_is_left_out_where_odd_letters_and_words_are_put_in(
    check: ModuleType, texts: list[str]
) -> None:
    assert check.differences(check.spoilt(texts, 1_500)) == []


def test_the_comparison_sees_a_hint_too_many(check: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_BEGUN_HINTS", frozenset({"nonsense"}))
    assert check.differences(["Anna started smoking."])


def test_hints_spare_most_of_the_work(texts: list[str]) -> None:
    """A hint that every text has would be sound, and for nothing."""
    told = [text for text in texts if text.isascii() and not may_name(text)]
    assert len(told) > 800


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's 5 o'clock: now-ish", {"it", "s", "5", "o", "clock", ":", "now", "ish"}),
        ("snake_case = b2b", {"snake", "case", "=", "b", "2"}),
        ("\u212aIſſ İf ﬁve ２", {"kiss", "if", "five", "0"}),
        ("Zoë's café", {"zoë", "s", "café"}),
        ("", set()),
    ],
)
def test_words_are_runs_of_letters_with_signs_and_digits_alone(text: str, words: set[str]) -> None:
    assert words_in(text) == words


def test_a_phrase_is_hinted_at_by_its_longest_word() -> None:
    assert hints_of(("at the moment", "now", "part-time")) == {"moment", "now", "part"}
    assert lacks(words_in("Not at this time."), hints_of(("at the moment",)))
    assert not lacks(words_in("room 5"), DIGITS)


@pytest.mark.parametrize(
    "text",
    [
        "in two weeks", "on the 1st", "New Year's Eve", "St. Patrick's Day", "back in '98", "since 1999", "2026-03-04",
        "the other day", "half a year ago", "last night", "İN MAY", "昨天", "２０２３", "in 5 minutes", "mid-autumn festival",
    ],
)  # fmt: skip
def test_what_may_name_a_time_passes(text: str) -> None:
    assert may_name(text)


@pytest.mark.parametrize(
    "text", ["On day 365 we met.", "The daylight saved us.", "no. 51987", "a week", "some other", ""]
)
def test_what_names_no_time_does_not(text: str) -> None:
    assert not may_name(text)


def test_small_words_are_in_order() -> None:
    assert small_words("Don't PANIC, 42 times!") == ("don", "t", "panic", "times")


def test_a_memo_makes_each_word_once_and_begins_anew_when_full() -> None:
    asked: list[str] = []

    def make(word: str) -> str:
        asked.append(word)
        return word.upper()

    memo = Memo(make, 2)
    assert list(memo.each(["a", "b", "a"])) == ["A", "B", "A"]
    assert list(memo.each(["c", "a"])) == ["C", "A"]
    assert asked == ["a", "b", "c", "a"]
