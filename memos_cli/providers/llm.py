"""Language models: what they promise, and how a name becomes one.

Owns: the values that go in and come out (`Request`, `Reply`, `Usage`), the `Backend` protocol, the
one class that callers see (`LLM`: chat, ask, stream, each), and the names (`openai:`, `local:`,
`record:`, `replay:`). Does not own: any model (each kind has its own file here, imported when its
name is resolved), counting and budgets (`meter`), reading JSON out of an answer (`structured`),
thoughts in an answer (`thinking`).

Whatever goes wrong is an `LLMError`: a caller that can go on without a model catches that one class
and keeps its message as a note.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from memos_cli.errors import (
    EmbedderFailed,
    EmbedderUnavailable,
    LLMError,
    LLMFailed,
    LLMUnavailable,
    LLMUnusable,
    UnknownLLM,
)
from memos_cli.providers.embedder import EmbedderSettings, encodable
from memos_cli.providers.meter import Meter, Usage, estimated_usage, tokens_at_most

if TYPE_CHECKING:
    import pydantic

    Schema = TypeVar("Schema", bound=pydantic.BaseModel)

In = TypeVar("In")
Out = TypeVar("Out")

Message = Mapping[str, Any]
"""`{"role": "system" | "user" | "assistant", "content": TEXT}`, or a list of OpenAI's content parts
where the model reads images."""

MAX_TOKENS = 2048
"""Tokens of an answer unless the caller says otherwise. Small models run on for ever without a limit,
and a budget needs one."""
LONGEST_ANSWER = 16_384
"""Tokens up to which an answer that was cut off is given more room."""
TRIES = 3
"""Times a model is asked for an answer of the wanted form."""
PARALLEL = 4
"""Requests at once unless the settings say otherwise."""


@dataclass(frozen=True)
class Request:
    """One question to a model."""

    messages: tuple[Message, ...]
    temperature: float = 0.0
    max_tokens: int = MAX_TOKENS
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    """The JSON schema of the wanted answer; a backend that cannot enforce it tells it to the model."""

    @property
    def most_tokens(self) -> int:
        """What the call may take in all, estimated from above."""
        return tokens_at_most(self.messages, self.schema) + self.max_tokens


@dataclass(frozen=True)
class Reply:
    """What a model said; thoughts before the answer are taken out."""

    text: str
    finish: str = "stop"
    """`length` when the answer was cut off at `max_tokens`."""
    usage: Usage | None = None
    """As the model counts; a backend whose model does not count leaves it out, and `LLM` estimates it."""


class Backend(Protocol):
    """A model as its own file speaks to it. Raises LLMError, never anything of the library below."""

    @property
    def name(self) -> str:
        """`resolve(name)` gives the same model again."""

    @property
    def parallel(self) -> int | None:
        """Requests it can take at once; None: as many as one likes."""

    def complete(self, request: Request) -> Reply: ...

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Pieces of the text as they come, then the whole reply."""

    def close(self) -> None: ...


class LLMSettings(EmbedderSettings, Protocol):
    """What language models need to know of this machine; `settings.Settings` has it."""

    @property
    def llm_base_url(self) -> str | None: ...
    @property
    def llm_api_key(self) -> str | None: ...
    @property
    def llm_timeout(self) -> float: ...
    @property
    def llm_parallel(self) -> int: ...


class LLM:
    """A language model, as everything outside `providers` sees it. Safe to use from several threads."""

    def __init__(self, backend: Backend, *, meter: Meter | None = None, parallel: int = PARALLEL) -> None:
        self.meter = meter or Meter()
        self.parallel = max(1, min(parallel or PARALLEL, backend.parallel or parallel or PARALLEL))
        self._backend = backend
        self._slots = _Slots(self.parallel)

    @property
    def name(self) -> str:
        return self._backend.name

    def chat(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
        stop: Sequence[str] = (),
    ) -> Reply:
        """One answer. Raises LLMError: LLMBudgetSpent before anything is sent; LLMFailed, also when
        the model says nothing; LLMRefused; LLMTooLong; LLMUnavailable."""
        reply = self._complete(_request(messages, temperature, max_tokens, stop))
        if not reply.text.strip():
            raise LLMFailed(name=self.name, reason="the model said nothing")
        return reply

    def ask(
        self,
        messages: Sequence[Message],
        schema: type[Schema],
        *,
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
        partial: bool = False,
        language: str = "en",
        tries: int = TRIES,
    ) -> Schema:
        """An answer in the form of `schema`, whatever the server can enforce.

        What comes is read leniently (fences, words around it, trailing commas) and validated; when it
        is wrong the model is shown what is wrong and asked again, `tries` times in all. An answer that
        was cut off gets more room, unless it says the same over and over. With `partial` the whole entries of a list whose end was cut off
        are taken when nothing better comes; without, a cut list is never passed off as a whole one.
        `language` is that of the words the model is asked again in. Raises LLMUnusable when no
        answer fits, and what `chat` raises.
        """
        from memos_cli.providers import structured

        request = _request(messages, temperature, max_tokens, (), structured.json_schema(schema))
        reason = "the model said nothing"
        for attempt in range(tries):
            reply = self._complete(request)
            cut_off = reply.finish == "length"
            looping = cut_off and structured.loops(reply.text)
            enough = partial and (looping or attempt == tries - 1)
            try:
                return structured.read(reply.text, schema, cut_off=cut_off, partial=enough)
            except structured.Misread as error:
                reason = str(error)
            if cut_off and not looping and request.max_tokens < LONGEST_ANSWER:
                request = replace(request, max_tokens=min(2 * request.max_tokens, LONGEST_ANSWER))
            else:
                told = structured.told_again(reply.text, reason, request.schema or {}, language)
                request = replace(request, messages=(*_cleaned(messages), *told))
        raise LLMUnusable(name=self.name, reason=reason)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
        stop: Sequence[str] = (),
    ) -> Stream:
        """The answer piece by piece; nothing is sent before the first piece is asked for."""
        return Stream(self._pieces(_request(messages, temperature, max_tokens, stop)))

    def each(self, work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out | LLMError]:
        """`work(item)` for every item, as many at once as the model may be asked; in the order of
        `items`. A call that fails gives its LLMError in its place, and the others go on."""

        def guarded(item: In) -> Out | LLMError:
            try:
                return work(item)
            except LLMError as error:
                return error

        if self.parallel == 1:
            yield from map(guarded, items)
            return
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="llm") as pool:
            yield from pool.map(guarded, items)

    def close(self) -> None:
        self._backend.close()

    def _complete(self, request: Request) -> Reply:
        with self._slots.one(), self.meter.call(self.name, request.most_tokens) as call:
            reply = self._backend.complete(request)
            return _counted(call.settle, request, reply)

    def _pieces(self, request: Request) -> Iterator[str | Reply]:
        said: list[str] = []
        with self._slots.one(), self.meter.call(self.name, request.most_tokens) as call:
            try:
                for piece in self._backend.stream(request):
                    if isinstance(piece, Reply):
                        reply = _counted(call.settle, request, piece)
                        break
                    said.append(piece)
                    yield piece
                else:
                    raise LLMFailed(name=self.name, reason="its answer has no end")
            finally:  # also where the reader stops in the middle: what was said was paid for
                if said and not call.settled:
                    call.settle(estimated_usage(request.messages, "".join(said)))
        if not reply.text.strip():
            raise LLMFailed(name=self.name, reason="the model said nothing")
        yield reply


@dataclass
class Stream:
    """Iterate over it for the pieces of text; afterwards `reply` has the whole text, why it ended,
    and the usage. Raises what `LLM.chat` raises, at the first piece or in the middle."""

    _source: Iterator[str | Reply]
    text: str = field(default="", init=False)
    """What has come so far."""
    reply: Reply | None = field(default=None, init=False)

    @property
    def usage(self) -> Usage | None:
        """Known when the answer is whole."""
        return self.reply.usage if self.reply else None

    def __iter__(self) -> Iterator[str]:
        for piece in self._source:
            if isinstance(piece, Reply):
                self.reply = piece
                self.text = piece.text
            else:
                self.text += piece
                yield piece

    def close(self) -> None:
        """Stop in the middle."""
        close = getattr(self._source, "close", None)
        if close:
            close()


class _Slots:
    """How many requests run at once.

    A thread that holds a slot gets no second one: a call in the middle of reading a stream must not
    wait for that stream to end.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)
        self._holders: set[int] = set()

    @contextmanager
    def one(self) -> Iterator[None]:
        me = threading.get_ident()
        if me in self._holders:
            yield
            return
        self._free.acquire()
        self._holders.add(me)
        try:
            yield
        finally:
            self._holders.discard(me)
            self._free.release()


def _request(
    messages: Sequence[Message],
    temperature: float,
    max_tokens: int,
    stop: Sequence[str],
    schema: Mapping[str, Any] | None = None,
) -> Request:
    return Request(_cleaned(messages), temperature, max_tokens, tuple(stop), schema)


def _cleaned(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Texts that UTF-8 can hold; bad decoding leaves lone surrogates."""
    return tuple({**m, "content": _clean_content(m["content"])} for m in messages)


def _clean_content(content: Any) -> Any:
    if isinstance(content, str):
        return encodable(content)
    return [part | {"text": encodable(part["text"])} if "text" in part else part for part in content]


def _counted(settle: Callable[[Usage], Usage], request: Request, reply: Reply) -> Reply:
    usage = reply.usage or estimated_usage(request.messages, reply.text)
    return replace(reply, usage=settle(usage))


def resolve(spec: str, *, settings: LLMSettings, meter: Meter | None = None) -> LLM:
    """The language model called `spec`, ready; nothing is sent, and no weights are read yet.

    Raises UnknownLLM for a name that is none, LLMUnavailable when a model, package or key is
    missing; the hint says what to type.
    """
    return LLM(backend(spec, settings), meter=meter, parallel=settings.llm_parallel)


def backend(spec: str, settings: LLMSettings) -> Backend:
    """The bare model called `spec`. Raises UnknownLLM, LLMUnavailable."""
    scheme, colon, rest = spec.strip().partition(":")
    open_it = _KINDS.get(scheme)
    if open_it is None or not colon or not rest:
        raise UnknownLLM(name=repr(spec), **_suggestion(spec))
    return open_it(rest, settings)


def _suggestion(spec: str) -> dict[str, str]:
    if ":" in spec or not spec.strip():
        return {}
    scheme = "local" if "/" in spec else "openai"
    what = "a model that runs here" if scheme == "local" else "a model behind an endpoint"
    return {"hint": f"Write `{scheme}:{spec}` for {what}; see `memos help llm`."}


def _openai(rest: str, settings: LLMSettings) -> Backend:
    from memos_cli.providers.chatendpoint import EndpointModel

    return EndpointModel.from_settings(rest, settings)


def _local(rest: str, settings: LLMSettings) -> Backend:
    from memos_cli.providers.chatlocal import LocalModel

    return LocalModel.from_settings(rest, settings)


def _record(rest: str, settings: LLMSettings) -> Backend:
    from memos_cli.providers.tape import Recorder

    folder, _, spec = rest.partition(":")
    if not folder:
        raise UnknownLLM(name=repr(f"record:{rest}"), hint="Write `record:DIR:MODEL`.")
    return Recorder(Path(folder).expanduser(), backend(spec, settings))


def _replay(rest: str, settings: LLMSettings) -> Backend:
    from memos_cli.providers.tape import Player

    return Player(Path(rest).expanduser())


_KINDS: dict[str, Callable[[str, LLMSettings], Backend]] = {
    "openai": _openai,
    "local": _local,
    "record": _record,
    "replay": _replay,
}


@contextmanager
def as_llm(name: str) -> Iterator[None]:
    """Failures of what embedders and language models share (the Hub, endpoints), which that code
    raises as an embedder's, as a language model's."""
    try:
        yield
    except EmbedderUnavailable as error:
        hint = None if error.next_step == EmbedderUnavailable.hint else error.next_step
        raise LLMUnavailable(name=name, reason=error.fields["reason"], hint=hint) from error
    except EmbedderFailed as error:
        raise LLMFailed(name=name, reason=error.fields["reason"]) from error
