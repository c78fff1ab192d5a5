"""How much each part of the recall pipeline counts: the one place where its constants stand.

Owns: the numbers, and the names of the parts that can be switched off. Does not own: what the parts
do (`retrieval/pipeline`). Chosen on development sets with `scripts/tune_recall.py`, which
leaves each conversation and each set out in turn; some were moved by hand between what it tried; `memos eval --ablate` shows what each part is worth.
"""

from __future__ import annotations

import msgspec

PARTS = (
    "gate",
    "near",
    "wide",
    "neighbours",
    "spans",
    "names",
    "requests",
    "speaker",
    "times",
    "dates",
    "roles",
    "session",
    "length",
    "questions",
    "links",
    "tree",
)
"""Parts that `--without` and `memos eval --ablate` switch off, each on its own."""

FEW_TURNS = 40
"""Turns below which a cube counts as notes: in a short talk windows blur more than they find
(MemDaily, about 9 messages: recall@5 .858 without, .822 with)."""


class Weights(msgspec.Struct, frozen=True):
    """Weights are in standard deviations of a route's score unless they say otherwise."""

    gate: float = 2.1
    """How much words count in memories that are no turns: w = gate · c / ln(1 + L), where c asks how
    far the best unit covers the question's idf mass and L is the mean number of content terms. c is
    about .6 where words lead (dialogue, paragraphs), .16 where they mislead (preferences)."""
    gate_turn: float = 4.0
    """The same for turns, whose words are the mean of three fields."""
    no_gate: float = 0.5
    """w without the gate."""
    cjk: float = 4.0
    """w of a Chinese, Japanese or Korean question put to an embedder not trained for it."""
    request: float = 0.3
    """Factor on w where somebody asks for advice: its words are not those of what bears on it."""
    request_direction: float = 0.5
    """Share of the mean vector of requests that is taken out of such a question's vector."""
    neighbours: float = 0.5
    """Share of the score among neighbours in a turn's score by meaning."""
    spans: float = 0.75
    """Taken from what was embedded in several pieces, of what its best gains by chance."""
    speaker: float = 0.85
    """A turn of the one speaker whom the question names."""
    times: float = 0.4
    """A turn that names a time, where the question asks for one."""
    dates: float = 0.7
    """What was said at a time that the question names; less the further it lies from it."""
    roles: float = 0.75
    """Taken from an assistant's turn: people ask for what they said themselves."""
    session: float = 0.2
    """Share of the best score in a turn's session."""
    length: float = 0.5
    """Taken from a turn without content terms; less and less up to `full_length` of them."""
    full_length: int = 10
    questions: float = 0.7
    """Taken from a short turn that asks (fewer than `short_question` content terms)."""
    short_question: int = 15
    links: float = 4.0
    """A note that holds the rarest name of the first hit which the question does not name; half of it
    for the second hit's."""
    tree: float = 0.25
    """A memory behind the first ten, under a concept that holds all of those; less where it holds few."""
    behind: float = 1.0
    """How far such a note stays behind the hit that leads to it, at least."""


DEFAULT = Weights()
