"""The scripted server (`llm_server`) as a reranker's model: it puts passages in the order of
`Script.liking` when its script says nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llm_server
from llm_server import Answer

__all__ = ["Answer", "Script", "serving"]


@dataclass
class Script(llm_server.Script):
    liking: Callable[[str], float] = len
    """The passage that this gives more comes first; the longest, if nothing is said."""

    def __post_init__(self) -> None:
        self.otherwise = lambda request: {"ranking": self.ranking(request)}

    def answer(self, request: dict[str, Any]) -> Answer:
        """An answer that says nothing ranks."""
        answer = super().answer(request)
        if answer.says is None and not answer.message:
            answer.says = {"ranking": self.ranking(request)}
        return answer

    def document(self, at: int = 0) -> dict[str, Any]:
        """The question and the passages of a request."""
        found: dict[str, Any] = json.loads(self.requests[at]["messages"][1]["content"])
        return found

    def ranking(self, request: dict[str, Any]) -> list[int]:
        passages = json.loads(request["messages"][1]["content"])["passages"]
        return [p["passage"] for p in sorted(passages, key=lambda p: -self.liking(p["text"]))]


@contextmanager
def serving() -> Iterator[Script]:
    script = Script()
    with llm_server.serving(script):
        yield script
