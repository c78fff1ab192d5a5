"""What a question is read as: whom it names, what is left to embed, whether it asks for advice.

Does not cover times (`test_temporal`), nor what ranking makes of it (`test_pipeline`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from memos_cli.retrieval.asked import READ, Asked, read
from memos_cli.stores.facts import speaker_number

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SPEAKERS = frozenset(
    {"Caroline", "Caroline Smith", "Melanie", "Jean-Luc", "J. R. Hartley", "小明", "张伟丽", "Will"}
)


def asked(text: str, speakers: Iterable[str] = SPEAKERS) -> Asked:
    there = frozenset(speakers)
    return read(text, lambda names: [name for name in names if name in there], NOW)


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "dense"),
    [
        ("What did Caroline say?", {"Caroline"}, "What did say?"),
        ("Caroline, what is new?", {"Caroline"}, ", what is new?"),
        ("What is Caroline's job?", {"Caroline"}, "What is job?"),
        ("What is Caroline’s job?", {"Caroline"}, "What is job?"),
        ("Caroline's and Melanie's cats", {"Caroline", "Melanie"}, "and cats"),
        ("Where does Caroline Smith live?", {"Caroline Smith", "Caroline"}, "Where does live?"),
        ("Where does Caroline Jones live?", {"Caroline"}, "Where does Jones live?"),
        ("Does Carolines car run?", set(), "Does Carolines car run?"),
        ("Is Jean-Luc at home?", {"Jean-Luc"}, "Is at home?"),
        ("Who is J. R. Hartley to me?", {"J. R. Hartley"}, "Who is to me?"),
        ("what does melanie like", {"Melanie"}, "what does like"),
        ("where does caroline smith live", {"Caroline Smith", "Caroline"}, "where does live"),
        ("When will Melanie come?", {"Melanie"}, "When will come?"),
        ("Where was I?", set(), "Where was I?"),
        ("小明喜欢什么？", {"小明"}, "喜欢什么？"),
        ("我问过小明和张伟丽吗", {"小明", "张伟丽"}, "我问过 和 吗"),
        ("张伟丽的工作", {"张伟丽"}, "的工作"),
        ("Caroline 和小明什么时候见面", {"Caroline", "小明"}, "和 什么时候见面"),
    ],
)  # fmt: skip
def test_names_of_speakers_leave_the_text_that_is_embedded(text: str, names: set[str], dense: str) -> None:
    found = asked(text)
    assert set(found.names) == names
    assert found.dense == dense
    assert found.text == text


@pytest.mark.parametrize(
    "text", ["Caroline", "Caroline?", "Caroline's", "caroline", "小明", "小明？", " Melanie ! "]
)
def test_a_text_that_would_be_empty_stays_whole(text: str) -> None:
    found = asked(text)
    assert len(found.names) == 1
    assert found.dense == text


@pytest.mark.parametrize("text", ["", "   ", "?!", "123 456", "_ _", "😊", "\udcff", "a" * 300])
def test_texts_without_names(text: str) -> None:
    found = asked(text)
    assert found.names == ()
    assert found.dense in (text, text.strip())
    assert found.speaker == 0


def test_names_that_are_patterns_are_only_text() -> None:
    found = asked("What did A.C say of ABC?", {"A.C"})
    assert found.dense == "What did say of ABC?"


def test_the_one_speaker_who_is_named() -> None:
    assert asked("What did Caroline say?").speaker == speaker_number("Caroline") != 0
    assert asked("Where does Caroline Smith live?").speaker == speaker_number("caroline")
    assert asked("小明喜欢什么？").speaker == speaker_number("小明") != 0
    assert asked("Do Caroline and Melanie know each other?").speaker == 0
    assert asked("Who was there?").speaker == 0


def test_only_the_beginning_is_looked_through_for_names() -> None:
    filler = "Word " * READ
    assert asked(f"Caroline {filler}").names == ("Caroline",)
    assert asked(f"{filler} Caroline").names == ()


# --- requests ----------------------------------------------------------------------------------

REQUESTS = [
    "Can you recommend a book?",
    "Could you suggest a place for dinner?",
    "Could you please help me with my garden?",
    "Would you advise a long run before the race?",
    "Can you tell me how to bake bread?",
    "Will you show me some exercises?",
    "What would you recommend for a beginner?",
    "What should I do about my back?",
    "What do you suggest?",
    "What should I look for in a used car?",
    "Any tips for Kyoto?",
    "Do you have any ideas for a birthday?",
    "Some advice on savings, maybe?",
    "I'm thinking about a new hobby.",
    "I am planning a trip to Rome",
    "I’m looking for a quiet café",
    "I am interested in jazz",
    "I'm trying to sleep better",
    "I want to learn the cello",
    "I would like to eat less meat",
    "I'd like a new phone",
    "I need a gift for my aunt",
    "How do I start running?",
    "How can I fix the tap?",
    "Should I take the train?",
    "What are some good films?",
    "Where can I buy seeds?",
    "Please make a list of songs",
    "Which suggestions are best?",
    "推荐一本书",
    "给我一些建议",
    "帮我写一封信",
    "我想学画画",
    "我打算去北京",
    "周末该怎么过",
    "电脑怎么选",
]

OTHERS = [
    "What did Caroline say about the race?",
    "When did Melanie move to Oslo?",
    "Where does Caroline live?",
    "Who is the owner of the dog?",
    "How old is the cat?",
    "How many children does she have?",
    "Which book did I read last year?",
    "What is my sister's job?",
    "What did you tell me about the tap?",
    "Did I go to Rome?",
    "Where did I buy the seeds?",
    "How did I fix the tap?",
    "Is the garden big?",
    "gate code",
    "allergies",
    "Why was the trip cancelled?",
    "What are the names of her cats?",
    "What are some",
    "Has he finished the plan?",
    "Does Melanie plan a trip?",
    "What kind of music does he like?",
    "the want of a nail",
    "What was pleasing to her?",
    "Can you swim?",
    "小明喜欢什么",
    "他住在哪里",
    "我的生日是哪天",
    "张伟丽的工作是什么",
]


def test_requests_are_told_from_other_questions() -> None:
    assert [text for text in REQUESTS if not asked(text).request] == []
    assert [text for text in OTHERS if asked(text).request] == ["What are some"]
    assert len(REQUESTS) >= 25 <= len(OTHERS)


@pytest.mark.parametrize(
    ("text", "cjk"),
    [
        ("小明喜欢什么", True),
        ("Caroline 喜欢喝什么茶", True),
        ("What does 小明 like to drink?", False),
        ("コーヒーが好き", True),
        ("커피를 좋아해", True),
        ("What?", False),
        ("123", False),
        ("", False),
    ],
)
def test_languages_without_spaces(text: str, cjk: bool) -> None:
    assert asked(text).cjk is cjk


def test_times_come_along() -> None:
    found = asked("When did Caroline run in May 2023?")
    assert found.when
    assert [w.start for w in found.windows] == [datetime(2023, 5, 1, tzinfo=UTC)]
    assert not asked("Where does Caroline run?").when


# --- time that reading takes -------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    ["A", "a", "Caroline ", "caroline ", "小明", "i ", "can you ", "what should ", "'s ", " ", "A.", "A-", "1 ", "\n"],
)  # fmt: skip
def test_reading_takes_linear_time(unit: str) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        asked(unit * count + "?")
        return time.process_time() - began

    seconds(10)
    # A quadratic reader would take a hundred times as long for ten times the text.
    short, long = min(seconds(2_000) for _ in range(3)), min(seconds(20_000) for _ in range(2))
    assert long < 40 * short + 0.02, (short, long)
