"""`openai:MODEL`: any endpoint that answers OpenAI's `/embeddings`.

Owns: what is put into one request, retries, and the checks of an answer (count, order, dimension,
numbers). Does not own: the HTTP client and its waiting after 408, 409, 429 and 5xx (with backoff,
and `Retry-After` where the server sends it), which are the openai package's; it is imported at
the first request.

An endpoint does not say how many tokens its model reads. Texts are cut at `SPAN_CHARACTERS`,
and into halves when the endpoint says that they are still too long.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable
from memos_cli.providers.embedder import (
    PROBE,
    EmbedderSettings,
    Progress,
    encodable,
    mean_vector,
    spans,
    unit,
)

if TYPE_CHECKING:
    import openai

DEFAULT_URL = "https://api.openai.com/v1"
SPAN_CHARACTERS = 8000
"""OpenAI's models read 8,191 tokens, and no script needs more than about one for a character."""
SHORTEST_SPAN = 200
_OVERLAP_CHARACTERS = 200
TEXTS_PER_REQUEST = 128
CHARACTERS_PER_REQUEST = 200_000
RETRIES = 5
SAYS_TOO_LONG = re.compile(
    r"context.length|too (long|large|many tokens)|maximum.*(length|tokens|context)|exceeds?.*(length|tokens|context)",
    re.I,
)


class OpenAIEmbedder:
    """The embedder `openai:MODEL`."""

    max_tokens: int | None = None
    languages: tuple[str, ...] = ()

    def __init__(
        self, model: str, *, base_url: str, api_key: str | None, timeout: float | None, retries: int = RETRIES
    ) -> None:
        self.name = f"openai:{model}"
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = timeout
        self._retries = retries
        self._span = SPAN_CHARACTERS
        self._dimension: int | None = None

    @classmethod
    def from_settings(cls, model: str, settings: EmbedderSettings) -> OpenAIEmbedder:
        """Raises EmbedderUnavailable without a key for OpenAI itself, and for an endpoint on
        another machine when memos is offline."""
        base_url, api_key = endpoint(f"openai:{model}", settings, "embed")
        return cls(model, base_url=base_url, api_key=api_key, timeout=settings.embed_timeout or None)

    @property
    def dimension(self) -> int:
        """As the endpoint answers; asked once."""
        if self._dimension is None:
            self._request([PROBE])
        assert self._dimension is not None
        return self._dimension

    def embed_query(self, text: str) -> np.ndarray:
        return mean_vector(self.embed_documents([text])[0])

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> list[np.ndarray]:
        out: list[np.ndarray] = []
        for group in _groups(texts):
            out += self._group(group)
            if progress:
                progress(len(out), len(texts))
        return out

    def _group(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Vectors of texts that fit one request; cut shorter until the endpoint takes them."""
        while True:
            cuts = [_cut(encodable(text), self._span) for text in texts]
            try:
                vectors = self._vectors([piece for pieces in cuts for piece in pieces])
            except TooLong as problem:
                if self._span // 2 < SHORTEST_SPAN:
                    raise EmbedderFailed(name=self.name, reason=str(problem)) from problem
                self._span = min(self._span, max(len(p) for pieces in cuts for p in pieces)) // 2
                continue
            return np.split(vectors, np.cumsum([len(pieces) for pieces in cuts])[:-1])

    def _vectors(self, pieces: Sequence[str]) -> np.ndarray:
        told = [i for i, piece in enumerate(pieces) if piece.strip()]
        answers = [
            self._request([pieces[i] for i in told[at : at + TEXTS_PER_REQUEST]])
            for at in range(0, len(told), TEXTS_PER_REQUEST)
        ]
        out = np.zeros((len(pieces), self.dimension), np.float32)
        if answers:
            out[told] = unit(np.concatenate(answers))
        return out

    def _request(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, dimension) in the order of `texts`. An answer that breaks off in the middle is
        asked for again; one that is whole but wrong is not."""

        def ask() -> bytes:
            with openai_errors(self.name):
                answer = self._client.embeddings.with_raw_response.create(
                    model=self._model, input=list(texts), encoding_format="float"
                )
            return answer.content

        return self._checked(whole_answer(ask, self.name, self._retries), len(texts))

    def _checked(self, document: Any, count: int) -> np.ndarray:
        try:
            rows = sorted(document["data"], key=lambda row: row["index"])
            indexes = [row["index"] for row in rows]
            vectors = np.array([row["embedding"] for row in rows], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise EmbedderFailed(
                name=self.name, reason=f"its answer does not hold embeddings: {excerpt(document)}"
            ) from error
        if indexes != list(range(count)) or vectors.ndim != 2 or not vectors.size:
            reason = f"it answered with {len(indexes)} vectors for {count} texts"
            raise EmbedderFailed(name=self.name, reason=reason)
        if not np.isfinite(vectors).all():
            raise EmbedderFailed(name=self.name, reason="it answered with a number that is not finite")
        if self._dimension not in (None, vectors.shape[1]):
            reason = f"it answered with {vectors.shape[1]} dimensions, and with {self._dimension} before"
            raise EmbedderFailed(name=self.name, reason=reason)
        self._dimension = vectors.shape[1]
        return vectors

    @cached_property
    def _client(self) -> openai.OpenAI:
        return sdk_client(self._api_key, self._base_url, self._timeout, self._retries)


def sdk_client(key: str | None, url: str, timeout: float | None, retries: int) -> openai.OpenAI:
    """The SDK's client of an endpoint, for whatever is asked of it; `timeout` in seconds, None for none."""
    import openai

    # the SDK insists on a key; servers of one's own rarely want one
    return openai.OpenAI(api_key=key or "none", base_url=url, timeout=timeout, max_retries=retries)


def endpoint(name: str, settings: Any, purpose: str) -> tuple[str, str | None]:
    """URL and key for `purpose`: its own settings (`PURPOSE_base_url`, `PURPOSE_api_key`), else the
    general ones, else OpenAI's URL. A key is sent to the endpoint it was given for.

    Raises EmbedderUnavailable without a key for OpenAI itself, and for an endpoint on another
    machine when memos is offline.
    """
    own = getattr(settings, f"{purpose}_base_url")
    base_url = own or settings.openai_base_url or DEFAULT_URL
    api_key = getattr(settings, f"{purpose}_api_key") or (
        None if own and own != settings.openai_base_url else settings.openai_api_key
    )
    if base_url == DEFAULT_URL and not api_key:
        hint = f"Set OPENAI_API_KEY, or name an endpoint of your own with `memos config set {purpose}_base_url URL`."
        raise EmbedderUnavailable(
            name=name, reason="OpenAI's endpoint wants a key, and there is none", hint=hint
        )
    if settings.offline and not _is_local(base_url):
        raise EmbedderUnavailable(
            name=name, reason=f"memos is offline, and {base_url} is not on this machine"
        )
    return base_url, api_key


EXCERPT = 100
"""Characters of an answer that an error shows."""


def whole_answer(ask: Callable[[], bytes], name: str, retries: int) -> Any:
    """The JSON document that `ask` brings; asked for again, later each time, when it breaks off.

    Raises EmbedderFailed when it never becomes whole.
    """
    for attempt in range(retries + 1):
        content = ask()
        try:
            return json.loads(content)
        except ValueError as error:
            if attempt == retries:
                raise EmbedderFailed(name=name, reason=f"its answer is not JSON: {error}") from error
            time.sleep(min(8.0, 0.25 * 2**attempt))
    raise AssertionError("unreachable: the last attempt returns or raises")


def excerpt(document: Any) -> str:
    """The beginning of a JSON document, for an error that says what came."""
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


class TooLong(Exception):
    """The endpoint will not read texts of this length."""


@contextmanager
def openai_errors(name: str) -> Iterator[None]:
    """The openai package's exceptions as ours."""
    import openai

    try:
        yield
    except openai.APITimeoutError as error:
        raise EmbedderFailed(name=name, reason="the endpoint did not answer in time") from error
    except openai.APIConnectionError as error:
        raise EmbedderFailed(
            name=name, reason=f"the endpoint cannot be reached: {error.__cause__ or error}"
        ) from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        hint = "Check the key: `memos config list`."
        raise EmbedderUnavailable(
            name=name, reason=f"the endpoint refuses the key ({error.status_code})", hint=hint
        ) from error
    except openai.APIStatusError as error:
        text = _short(error)
        if error.status_code in (400, 413, 422, 500) and SAYS_TOO_LONG.search(text):
            raise TooLong(text) from error
        raise EmbedderFailed(name=name, reason=text) from error
    except openai.OpenAIError as error:
        raise EmbedderFailed(name=name, reason=_short(error)) from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Consecutive texts that fit one request."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and (len(group) == TEXTS_PER_REQUEST or size + len(text) > CHARACTERS_PER_REQUEST):
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def _cut(text: str, window: int) -> list[str]:
    """Overlapping spans of at most `window` characters, from a space where one is near."""
    return [_from_word(text, start, stop) for start, stop in spans(len(text), window, _OVERLAP_CHARACTERS)]


def _from_word(text: str, start: int, stop: int) -> str:
    if start == 0 or text[start - 1].isspace():
        return text[start:stop]
    space = text.find(" ", start, start + 30)
    return text[space + 1 if space >= 0 else start : stop]
