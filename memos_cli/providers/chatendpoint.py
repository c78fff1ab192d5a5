"""`openai:MODEL`: a language model behind any endpoint that answers OpenAI's `/chat/completions`.

Owns: what is put into a request, getting along with servers that know less than OpenAI's (no JSON
schema, another name for the limit, no temperature, no counts in a stream), and reading answers and
streams. Does not own: URL, key and most of the errors, which are the same as for embeddings
(`remote`); waiting after 408, 409, 429 and 5xx, with backoff and as late as `Retry-After` says, which
is the openai package's; it is imported at the first request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos_cli.errors import LLMFailed, LLMRefused, LLMTooLong, LLMUnavailable
from memos_cli.providers.llm import LLMSettings, Reply, Request, as_llm
from memos_cli.providers.meter import Usage
from memos_cli.providers.remote import (
    SAYS_TOO_LONG,
    TooLong,
    endpoint,
    excerpt,
    openai_errors,
    sdk_client,
    whole_answer,
)
from memos_cli.providers.structured import is_strict, told
from memos_cli.providers.thinking import Thoughts, without_thoughts

if TYPE_CHECKING:
    import openai

RETRIES = 4
"""Times a request is sent again after 408, 409, 429, 5xx or a connection that broke."""
_FILTERED = re.compile(r"content[ _-]?(filter|management|policy)|responsible.?ai", re.I)
_NO_SCHEMA = re.compile(r"response_format|json_?schema|json_object|grammar|structured", re.I)


@dataclass(frozen=True)
class Manner:
    """How an endpoint wants to be asked; learnt from what it refuses."""

    form: str = "schema"
    """How the wanted form is said: `schema` (enforced), `loose` (a schema with keywords that the strict
    mode of the endpoint does not know), `json` (any JSON, the schema told), `told`."""
    limit: str = "max_tokens"
    temperature: bool = True
    counts: bool = True
    """Takes `stream_options`, so that a stream ends with its usage."""


_NEXT_FORM = {"schema": "loose", "loose": "json", "json": "told"}


class EndpointModel:
    """The backend `openai:MODEL`."""

    parallel: int | None = None

    def __init__(
        self, model: str, *, base_url: str, api_key: str | None, timeout: float | None, retries: int = RETRIES
    ) -> None:
        self.name = f"openai:{model}"
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = timeout
        self._retries = retries
        self._manner = Manner()

    @classmethod
    def from_settings(cls, model: str, settings: LLMSettings) -> EndpointModel:
        """Raises LLMUnavailable without a key for OpenAI itself, and for an endpoint on another
        machine when memos is offline."""
        with as_llm(f"openai:{model}"):
            base_url, api_key = endpoint(f"openai:{model}", settings, "llm")
        return cls(model, base_url=base_url, api_key=api_key, timeout=settings.llm_timeout or None)

    def complete(self, request: Request) -> Reply:
        """An answer that breaks off in the middle is asked for again."""
        send: Any = self._client.chat.completions.with_raw_response.create

        def ask() -> bytes:
            with self._errors():
                content: bytes = self._send(send, request).content
            return content

        with as_llm(self.name):
            document = whole_answer(ask, self.name, self._retries)
        return self._reply(document)

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Raises LLMFailed also when the stream ends before the model has said that it is done."""
        send: Any = self._client.chat.completions.create
        with self._errors():
            events = self._send(send, request, stream=True)
        thoughts, said, refused = Thoughts(), [], []
        finish: str | None = None
        usage: Usage | None = None
        try:
            with self._errors():
                for event in events:
                    usage = _usage(_get(event, "usage")) or usage
                    choice = next(iter(_get(event, "choices") or ()), None)
                    delta = _get(choice, "delta")
                    refused.append(_get(delta, "refusal") or "")
                    finish = _get(choice, "finish_reason") or finish
                    if piece := thoughts.feed(_get(delta, "content") or ""):
                        said.append(piece)
                        yield piece
        finally:
            events.close()
        self._refused("".join(refused), finish)
        if finish is None:
            raise LLMFailed(name=self.name, reason="its answer broke off")
        if rest := thoughts.end():
            said.append(rest)
            yield rest
        yield Reply("".join(said), finish, usage)

    def close(self) -> None:
        if "_client" in vars(self):
            self._client.close()

    def _send(self, send: Any, request: Request, *, stream: bool = False) -> Any:
        """What the endpoint answers, asked in another manner as often as it refuses one; a manner
        that it takes is kept."""
        manner = self._manner
        while True:
            try:
                answer = send(**self._arguments(request, manner, stream=stream))
            except _api_error() as error:
                other = _other_manner(manner, request, error, stream=stream)
                if other is None:
                    raise
                manner = other
            else:
                self._manner = manner
                return answer

    def _arguments(self, request: Request, manner: Manner, *, stream: bool) -> dict[str, Any]:
        arguments: dict[str, Any] = {"model": self._model, "messages": list(request.messages)}
        arguments[manner.limit] = request.max_tokens
        if manner.temperature:
            arguments["temperature"] = request.temperature
        if request.stop:
            arguments["stop"] = list(request.stop)
        if stream:
            arguments["stream"] = True
            if manner.counts:
                arguments["stream_options"] = {"include_usage": True}
        if request.schema is not None:
            arguments |= _form(request, request.schema, manner.form)
        return arguments

    def _reply(self, document: Any) -> Reply:
        try:
            choice = document["choices"][0]
            message = choice["message"]
            text, refusal = _text(message.get("content")), message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            reason = _complaint(document) or f"its answer is no chat completion: {excerpt(document)}"
            raise LLMFailed(name=self.name, reason=reason) from error
        finish = choice.get("finish_reason") or "stop"
        self._refused(refusal, finish)
        return Reply(without_thoughts(text), finish, _usage(document.get("usage")))

    def _refused(self, refusal: str | None, finish: str | None) -> None:
        if refusal:
            raise LLMRefused(name=self.name, reason=refusal)
        if finish == "content_filter":
            raise LLMRefused(name=self.name, reason="the endpoint's content filter stopped the answer")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The openai package's exceptions as ours."""
        import openai

        try:
            with as_llm(self.name), openai_errors(self.name):
                try:
                    yield
                except openai.NotFoundError as error:
                    raise LLMUnavailable(
                        name=self.name,
                        reason=f"{self._base_url} knows no such model, or is no chat endpoint",
                        hint="See which models the server has, and check `memos config get llm_base_url`.",
                    ) from error
                except (openai.BadRequestError, openai.PermissionDeniedError) as error:
                    if _FILTERED.search(str(error)):
                        reason = "the endpoint's content filter refuses the text"
                        raise LLMRefused(name=self.name, reason=reason) from error
                    raise
        except TooLong as error:
            raise LLMTooLong(name=self.name, reason=str(error)) from error
        except ValueError as error:  # an event of a stream that is not JSON
            raise LLMFailed(name=self.name, reason=f"its answer is not JSON: {error}") from error

    @cached_property
    def _client(self) -> openai.OpenAI:
        return sdk_client(self._api_key, self._base_url, self._timeout, self._retries)


def _form(request: Request, schema: Mapping[str, Any], form: str) -> dict[str, Any]:
    """The arguments that say which form the answer must have."""
    if form in ("schema", "loose"):
        strict = form == "schema" and is_strict(schema)
        wanted = {"name": "answer", "strict": strict, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}
    spoken: dict[str, Any] = {"messages": told(request.messages, schema)}
    return spoken | ({"response_format": {"type": "json_object"}} if form == "json" else {})


def _api_error() -> type[openai.APIStatusError]:
    import openai

    return openai.APIStatusError


def _other_manner(
    manner: Manner, request: Request, error: openai.APIStatusError, *, stream: bool
) -> Manner | None:
    """How to ask an endpoint that refused a request, if it may be the manner that it refuses."""
    text = str(error)
    if error.status_code not in (400, 422, 500, 501) or _FILTERED.search(text):
        return None
    if SAYS_TOO_LONG.search(text) and manner.limit not in text:
        return None
    if manner.limit == "max_tokens" and "max_completion_tokens" in text:
        return replace(manner, limit="max_completion_tokens")
    if manner.temperature and re.search(r"temperature", text, re.I):
        return replace(manner, temperature=False)
    if stream and manner.counts and re.search(r"stream_options|include_usage", text):
        return replace(manner, counts=False)
    # a server that knows no response_format says so in many ways; a 5xx must name it
    named = error.status_code < 500 or _NO_SCHEMA.search(text)
    if request.schema is not None and manner.form in _NEXT_FORM and named:
        return replace(manner, form=_NEXT_FORM[manner.form])
    return None


def _get(thing: Any, name: str) -> Any:
    """A field of an SDK object that the server may have left out."""
    return getattr(thing, name, None)


def _text(content: Any) -> str:
    """The text of a message: a string, nothing, or parts of which some are text."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(given: Any) -> Usage | None:
    """Counts as a server gives them, as a document or an SDK object; None when there are none."""
    prompt, completion = (
        given.get(name) if isinstance(given, dict) else _get(given, name)
        for name in ("prompt_tokens", "completion_tokens")
    )
    if not isinstance(prompt, int) or not isinstance(completion, int) or min(prompt, completion) < 0:
        return None
    return Usage(prompt, completion) if prompt or completion else None


def _complaint(document: Any) -> str:
    """What an error says that comes with status 200."""
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f"the endpoint says: {message}" if isinstance(message, str) and message else ""
