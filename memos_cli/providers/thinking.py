"""Thoughts that a model writes before its answer (`<think>…</think>`).

Owns: taking them out, of a whole text and of one that comes in pieces. Does not own: what models
think in fields of their own (`reasoning_content`), which are never read.
"""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


def without_thoughts(text: str) -> str:
    """The answer. Thoughts count as such at the beginning alone: elsewhere the tag is a word like
    any other. Without an end to them there is no answer."""
    thoughts = Thoughts()
    return thoughts.feed(text) + thoughts.end()


class Thoughts:
    """Takes the thoughts out of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, piece: str) -> str:
        """What of the text so far is answer and was not returned before."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "start":
            said = self._held.lstrip()
            if said.startswith(OPENING):
                self._state, self._held = "thinking", said.removeprefix(OPENING)
            elif OPENING.startswith(said):  # nothing yet, or half the tag
                return ""
            else:
                return self._answer(self._held)
        if self._state == "thinking":
            before, closing, after = self._held.partition(CLOSING)
            if not closing:
                self._held = before[-len(CLOSING) :]
                return ""
            self._state, self._held = "after", after
        said = self._held.lstrip()
        return self._answer(said) if said else ""

    def _answer(self, text: str) -> str:
        self._state, self._held = "answer", ""
        return text

    def end(self) -> str:
        """What was held back at the end of the text."""
        return self._answer(self._held) if self._state == "start" else ""
