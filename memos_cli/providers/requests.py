"""The direction that requests for advice share in an embedder's space.

Owns: sixteen sentences and their mean vector. Does not own: telling a request from another question
(`retrieval/asked`), nor how much of the direction is taken out (`retrieval/weights`).

"Can you recommend …?" lies near other requests, whatever they are about. Taking half of what they
have in common out of such a question leaves more of what it is about (retrieval.md: PrefEval dense
recall@10 .442 → .457; preferences put inside LoCoMo's talks .689 → .737).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.providers.embedder import Embedder

REQUESTS = (
    "Could you recommend something to me?",
    "Do you have a suggestion?",
    "What would you recommend?",
    "I would like some advice.",
    "Any ideas or tips?",
    "What should I do?",
    "Can you help me to plan this?",
    "I am planning something new, what do you suggest?",
    "I'm thinking of trying something. Any recommendations?",
    "Which of them should I choose?",
    "How do I get started?",
    "What are some good options?",
    "I'm looking for a good one, can you help me find it?",
    "Where should I go?",
    "I'd like to learn more about it, what do you advise?",
    "What is the best way to do this?",
)

_known: WeakKeyDictionary[Embedder, np.ndarray] = WeakKeyDictionary()


def request_direction(embedder: Embedder) -> np.ndarray:
    """The mean of the vectors of REQUESTS, shape (dimension,); made once for each embedder.

    Raises EmbedderFailed.
    """
    import numpy as np

    if embedder not in _known:
        made = embedder.embed_documents(list(REQUESTS))
        _known[embedder] = np.mean([spans[0] for spans in made], axis=0)
    return _known[embedder]
