"""What refined facts are worth, on a worked example: ten answers that say nothing without the turn before them.

A scripted language model draws the facts that a good one would. Each question is asked before the refinement and
after it; the answer counts as found where its turn, or the fact that was drawn from that, is among the first two hits
(the turn that asked for it then is about the same words).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from conftest import OpenCube
from llm_server import Script

from memos_cli.operations.add import add
from memos_cli.operations.refine import refine
from memos_cli.operations.search import search
from memos_cli.schema import Draft, Query, Reading, Source
from memos_cli.session import Session

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)  # a Monday


class Exchange(NamedTuple):
    """What Ana asks, what Tomas answers, the fact in that, and what is asked about it a year later."""

    asked: str
    answer: str
    fact: str
    question: str


EXAMPLE = (
    Exchange(
        "Have you been to the new aquarium by the harbour?",
        "We went there on Saturday with Lena, she would not leave the seahorses.",
        "Tomas went to the new aquarium by the harbour with Lena on 6 May 2023.",
        "When did Tomas visit the aquarium?",
    ),
    Exchange(
        "Are you still taking the pottery course?",
        "I dropped it, my wrist hurts too much.",
        "Tomas dropped the pottery course because his wrist hurts.",
        "Why is Tomas no longer in the pottery course?",
    ),
    Exchange(
        "Did the landlord ever answer about the heating?",
        "He did, it gets repaired on Friday.",
        "The landlord answered Tomas that the heating gets repaired on Friday.",
        "What did the landlord say about the heating?",
    ),
    Exchange(
        "Which of the two flats did your brother take in the end?",
        "The one with the balcony, though it costs more.",
        "Tomas's brother took the flat with the balcony, though it costs more.",
        "Which flat did the brother of Tomas take?",
    ),
    Exchange(
        "How was the concert of the student orchestra?",
        "Too long, and Lena fell asleep.",
        "Tomas found the concert of the student orchestra too long, and Lena fell asleep.",
        "What did Tomas think of the student orchestra?",
    ),
    Exchange(
        "Did you find the recipe of your grandmother's plum cake?",
        "Yes, inside her old prayer book.",
        "Tomas found the recipe of his grandmother's plum cake inside her old prayer book.",
        "Where was the recipe for the plum cake?",
    ),
    Exchange(
        "What does the vet say about Bruno's paw?",
        "It is only a thorn, he may run again next week.",
        "The vet says that it is only a thorn in Bruno's paw, and that he may run again next week.",
        "What was wrong with Bruno's paw?",
    ),
    Exchange(
        "Have you told your boss about the sabbatical?",
        "Not yet, I am afraid of his face.",
        "Tomas has not yet told his boss about the sabbatical; he is afraid of his face.",
        "Does the boss of Tomas know about the sabbatical?",
    ),
    Exchange(
        "Who is going to look after the allotment in August?",
        "Mrs Novak has offered, she has the key already.",
        "Mrs Novak has offered to look after the allotment in August, and has the key already.",
        "Who looks after the allotment?",
    ),
    Exchange(
        "Did the bicycle turn up again?",
        "The police had it, without its saddle.",
        "The police had the bicycle of Tomas, without its saddle.",
        "Where did the bicycle turn up?",
    ),
)


def talk() -> list[Draft]:
    return [
        Draft(
            memory=text, speaker=speaker, session_id=f"s{number}", position=place, said_at=SAID,
            sources=(Source(type="chat", role="user"),),
        )
        for number, one in enumerate(EXAMPLE)
        for place, (speaker, text) in enumerate((("Ana", one.asked), ("Tomas", one.answer)))
    ]  # fmt: skip


def drawn(request: dict[str, Any]) -> dict[str, Any]:
    """What a good model answers: the fact of each exchange that it is shown, resting on its second turn; and of two
    texts beside each other that they say different things."""
    shown = request["messages"][-1]["content"]
    if "<lines>" not in shown:
        return {"relation": "new"}
    found = [one for one in EXAMPLE if one.answer in shown]
    lines = [line for line in shown.splitlines() if line.startswith("[")]
    return {
        "facts": [
            {
                "text": one.fact, "turns": [next(n for n, line in enumerate(lines, 1) if one.answer in line)], "who": "Tomas",
                "event_start": "", "event_end": "", "key": "", "tags": [], "importance": 60, "confidence": 90,
            }
            for one in found
        ]
    }  # fmt: skip


def found_early(session: Session, ids: list[str]) -> list[bool]:
    """By question: whether one of the first two hits is the answer, or what was drawn from it."""
    found = []
    for one, id in zip(EXAMPLE, ids[1::2], strict=True):
        hits = search(session, Query(text=one.question, k=5)).hits
        found.append(any(id in (hit.item.id, hit.item.refines) for hit in hits[:2]))
        assert len({hit.item.refines or hit.item.id for hit in hits}) == len(hits)
    return found


def test_facts_that_stand_alone_are_found_where_the_turn_is_not(
    llm_server: Script, open_cube: OpenCube
) -> None:
    session = open_cube("naive_text", **llm_server.settings)
    ids = [one.id for one in add(session, talk(), reading=Reading.AUTO).added]
    before = found_early(session, ids)
    llm_server.otherwise = drawn
    result = refine(session)
    after = found_early(session, ids)
    assert not result.failed
    assert (result.refined, len(result.facts), result.dropped) == (20, 10, {})
    assert sum(before) <= 4, before
    assert sum(after) == 10, after
