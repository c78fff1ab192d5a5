"""Counting: tokens and cost of language models, and a budget that no call may pass.

Owns: `Usage`, estimates where a server does not count, reservations against a budget, prices.
Does not own: the file that keeps what was used (`ledger`), nor any call.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from memos_cli.errors import LLMBudgetSpent

if TYPE_CHECKING:
    from memos_cli.providers.ledger import Ledger

BYTES_PER_TOKEN = 3
"""UTF-8 bytes of a token, from below: English has about four, Chinese about one character of three."""
TOKENS_PER_MESSAGE = 8
"""What a chat template puts around a message."""
TOKENS_PER_IMAGE = 1500


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, or of several."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """In the currency of the setting `llm_prices`; None where the model has no price."""
    estimated: bool = False
    """The server does not count: it was estimated from the texts, rather too much than too little."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def tokens_at_most(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None = None) -> int:
    """Tokens of a prompt, estimated from above for ordinary text."""
    total = sum(TOKENS_PER_MESSAGE + _content_tokens(message["content"]) for message in messages)
    return total + (text_tokens(json.dumps(schema)) if schema else 0)


def _content_tokens(content: Any) -> int:
    if isinstance(content, str):
        return text_tokens(content)
    return sum(text_tokens(part["text"]) if "text" in part else TOKENS_PER_IMAGE for part in content)


def text_tokens(text: str) -> int:
    """Tokens of a text, estimated from above."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def estimated_usage(messages: Sequence[Mapping[str, Any]], answer: str) -> Usage:
    """What a call used whose server does not count."""
    return Usage(tokens_at_most(messages), text_tokens(answer), estimated=True)


@dataclass
class Meter:
    """What a run uses of language models. One for a run; safe to share among threads."""

    budget: int | None = None
    """Tokens, prompts and answers together; None: no limit."""
    verb: str = ""
    """On whose behalf: the name written beside each call."""
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By model (`gpt-…`, without the scheme): for a million tokens of prompts and of answers."""
    ledger: Ledger | None = None
    used: Usage = field(default_factory=lambda: Usage(cost=0.0), init=False)
    calls: int = field(default=0, init=False)
    _reserved: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def left(self) -> int | None:
        """Tokens that may still be used, calls under way counted at their most; None: no limit."""
        if self.budget is None:
            return None
        return max(0, self.budget - self.used.tokens - self._reserved)

    @contextmanager
    def call(self, name: str, most_tokens: int) -> Iterator[Call]:
        """One call of the model `name`, which may take so many tokens.

        Raises LLMBudgetSpent, before anything is sent, when that could pass the budget. A call that
        fails uses nothing: whatever its server charges, it does not say.
        """
        self._reserve(most_tokens)
        try:
            yield Call(self, name)
        finally:
            with self._lock:
                self._reserved -= most_tokens

    def _reserve(self, tokens: int) -> None:
        with self._lock:
            left = self.left
            if left is not None and tokens > left:
                raise LLMBudgetSpent(budget=self.budget, used=self.used.tokens, needed=tokens)
            self._reserved += tokens

    def add(self, name: str, usage: Usage) -> Usage:
        """Count what a call used; returned with its cost."""
        usage = replace(usage, cost=self._cost(name, usage))
        with self._lock:
            self.calls += 1
            self.used = _sum(self.used, usage)
        if self.ledger and not name.startswith("replay:"):  # a replay costs nothing
            self.ledger.write(name, self.verb, usage)
        return usage

    def _cost(self, name: str, usage: Usage) -> float | None:
        while name.startswith("record:"):
            name = name.split(":", 2)[2]
        scheme, _, model = name.partition(":")
        if scheme != "openai":  # runs here, or not at all
            return 0.0
        if model not in self.prices:
            return None
        prompt, completion = self.prices[model]
        return (usage.prompt_tokens * prompt + usage.completion_tokens * completion) / 1e6


@dataclass
class Call:
    """A call under way."""

    _meter: Meter
    _name: str
    settled: bool = False

    def settle(self, usage: Usage) -> Usage:
        """Say what the call used; returned with its cost."""
        self.settled = True
        return self._meter.add(self._name, usage)


def _sum(a: Usage, b: Usage) -> Usage:
    cost = None if a.cost is None or b.cost is None else a.cost + b.cost
    return Usage(
        a.prompt_tokens + b.prompt_tokens,
        a.completion_tokens + b.completion_tokens,
        cost,
        a.estimated or b.estimated,
    )
