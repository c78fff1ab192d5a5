"""What the rules of one language find: a preference as places in a text.

Owns: the value. Does not own: the rules (`preferences_english`, `preferences_chinese`).
"""

from __future__ import annotations

from dataclasses import dataclass

LIKED, LOVED, SHOWN, UNBEARABLE = 0.7, 0.9, 0.4, 1.0
"""Strengths: said to be liked, loved or a favourite; only shown by what one does; not to be borne."""


@dataclass(frozen=True)
class Found:
    """A preference: its topic from `first` to `last`, its evidence from `start` to `end`."""

    first: int
    last: int
    start: int
    end: int
    polarity: int
    strength: float
    explicit: bool = True
    about: str | None = None
