"""`local:PLACE`: a language model that runs here, through transformers (the extra `[local]`).

Owns: opening a folder with safetensors weights, or a GGUF file, rendering messages with the model's own
chat template, and generating piece by piece. Does not own: finding the folder (`hub`), thoughts
(`thinking`), the form of an answer: transformers enforces no schema, so it is told to the model.
Weights are read at the first request. Code that comes with a model is never run, pickled weights are
never read.
"""

from __future__ import annotations

import importlib.util
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from memos_cli.errors import LLMFailed, LLMTooLong, LLMUnavailable
from memos_cli.providers import hub
from memos_cli.providers.llm import LLMSettings, Message, Reply, Request, as_llm
from memos_cli.providers.meter import Usage
from memos_cli.providers.structured import told
from memos_cli.providers.thinking import Thoughts

NEEDS = ("torch", "transformers")
GGUF_NEEDS = ("gguf", "sentencepiece", "accelerate")


class LocalModel:
    """The backend `local:PLACE`. Answers one request at a time."""

    parallel: int | None = 1

    def __init__(
        self, name: str, folder: Path, gguf: str | None = None, timeout: float | None = None
    ) -> None:
        """`gguf`: the file in `folder` that holds the model; None: safetensors. `timeout`: seconds for
        one answer."""
        self.name = name
        self._folder = folder
        self._gguf = gguf
        self._timeout = timeout
        self._lock = threading.Lock()
        self._opened: tuple[Any, Any] | LLMUnavailable | None = None

    @classmethod
    def from_settings(cls, rest: str, settings: LLMSettings) -> LocalModel:
        """The model at `rest`, a folder, a GGUF file or a name on the Hub; downloads it if it must and
        may. Raises LLMUnavailable, also when a package is missing."""
        path = Path(rest).expanduser()
        gguf = path.suffix == ".gguf" and path.is_file()
        _require(f"local:{rest}", NEEDS + (GGUF_NEEDS if gguf else ()))
        timeout = settings.llm_timeout or None
        if gguf:
            path = path.resolve()
            return cls(f"local:{path}", path.parent, path.name, timeout)
        with as_llm(f"local:{rest}"):
            place = hub.find("local", rest, settings, marker="config.json", weights=hub.safetensors_of)
        return cls(f"local:{place.stored}", place.folder, None, timeout)

    def complete(self, request: Request) -> Reply:
        *_, reply = self.stream(request)
        assert isinstance(reply, Reply)
        return reply

    def stream(self, request: Request) -> Iterator[str | Reply]:
        if request.schema is not None:
            request = replace(request, messages=tuple(told(request.messages, request.schema)))
        with self._lock:
            run = _Run(self, request)
            thoughts, said = Thoughts(), []
            for piece in _until(run.pieces(), request.stop):
                if answer := thoughts.feed(piece):
                    said.append(answer)
                    yield answer
            if rest := thoughts.end():
                said.append(rest)
                yield rest
        yield Reply("".join(said), run.finish, Usage(run.prompt_tokens, run.completion_tokens))

    def close(self) -> None:
        """Give the memory of the weights back."""
        self._opened = None

    @property
    def opened(self) -> tuple[Any, Any]:
        """Tokenizer and model. Raises LLMUnavailable, the second time at once."""
        if self._opened is None:
            try:
                self._opened = self._open()
            except LLMUnavailable as error:
                self._opened = error
        if isinstance(self._opened, LLMUnavailable):
            raise self._opened
        return self._opened

    def _open(self) -> tuple[Any, Any]:
        import safetensors
        import torch
        import transformers
        from transformers.utils import logging

        logging.disable_progress_bar()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        if self._gguf:
            from transformers import modeling_gguf_pytorch_utils

            # the one bar that disable_progress_bar does not reach
            modeling_gguf_pytorch_utils.tqdm = logging.tqdm  # type: ignore[attr-defined,assignment,unused-ignore]
            where["gguf_file"] = self._gguf
        else:
            self._require_safetensors()
        dtype: Any = "auto" if device == "cuda" else torch.float32
        weights = {} if self._gguf else {"use_safetensors": True}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(self._folder), **where)
            model, loaded = transformers.AutoModelForCausalLM.from_pretrained(
                str(self._folder), **where, **weights, dtype=dtype, output_loading_info=True
            )
        except (
            OSError,
            ValueError,
            KeyError,
            RuntimeError,
            ImportError,
            safetensors.SafetensorError,
        ) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
            raise LLMUnavailable(name=self.name, reason=reason) from error
        if loaded["missing_keys"]:  # transformers would make them up at random
            missing = ", ".join(sorted(loaded["missing_keys"])[:3])
            raise LLMUnavailable(name=self.name, reason=f"its weights lack {missing}")
        return tokenizer, model.eval().to(device)

    def _require_safetensors(self) -> None:
        if not any(self._folder.glob("*.safetensors")):
            raise LLMUnavailable(name=self.name, reason=f"{self._folder} holds no safetensors weights")

    def prompt(self, messages: Sequence[Message]) -> Any:
        """The tokens of the messages, (1, tokens), as the model's chat template puts them."""
        tokenizer, model = self.opened
        if any(not isinstance(message["content"], str) for message in messages):
            raise LLMFailed(name=self.name, reason="it reads text alone, and no images")
        text, template = self._rendered(messages)
        ids = tokenizer(text, add_special_tokens=not template, return_tensors="pt")["input_ids"]
        return ids.to(model.device)

    def _rendered(self, messages: Sequence[Message]) -> tuple[str, bool]:
        """The text, and whether a template made it, special tokens included."""
        from jinja2.exceptions import TemplateError

        tokenizer, _ = self.opened
        if not tokenizer.chat_template:
            turns = [f"{message['role']}: {message['content']}" for message in messages]
            return "\n\n".join([*turns, "assistant:"]), False
        problem: Exception | None = None
        for form in (list(messages), _without_system(messages)):
            try:
                text = tokenizer.apply_chat_template(form, tokenize=False, add_generation_prompt=True)
            except (TemplateError, ValueError) as error:  # some templates know no system's turn
                problem = error
            else:
                return str(text), True
        raise LLMFailed(name=self.name, reason=f"its chat template refuses the messages: {problem}")

    @property
    def longest(self) -> int | None:
        """Tokens that the model reads and writes together; None: it does not say."""
        config = self.opened[1].config.get_text_config()
        found = getattr(config, "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None

    @property
    def timeout(self) -> float | None:
        return self._timeout


@dataclass
class _Run:
    """One generation, in a thread of its own so that its pieces can be read as they come."""

    model: LocalModel
    request: Request
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _problem: Exception | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def pieces(self) -> Iterator[str]:
        import transformers

        tokenizer, _ = self.model.opened
        ids = self.model.prompt(self.request.messages)
        self.prompt_tokens = int(ids.shape[1])
        room = self._room()
        streamer = transformers.TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
        thread = threading.Thread(target=self._generate, args=(ids, room, streamer), daemon=True)
        started = time.monotonic()
        thread.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:  # also where nobody reads on
            self._stop.set()
            thread.join()
        if self._problem is not None:
            reason = str(self._problem).splitlines()[0] if str(self._problem) else repr(self._problem)
            raise LLMFailed(name=self.model.name, reason=reason) from self._problem
        late = time.monotonic() - started >= (self.model.timeout or math.inf)
        if late and self.finish == "length" and self.completion_tokens < room:
            raise LLMFailed(name=self.model.name, reason="it did not answer in time")

    def _room(self) -> int:
        longest = self.model.longest
        if longest is None:
            return self.request.max_tokens
        if self.prompt_tokens >= longest:
            reason = f"{self.prompt_tokens} tokens, and it reads {longest}"
            raise LLMTooLong(name=self.model.name, reason=reason)
        return min(self.request.max_tokens, longest - self.prompt_tokens)

    def _generate(self, ids: Any, room: int, streamer: Any) -> None:
        import torch

        tokenizer, model = self.model.opened
        options: dict[str, Any] = {"do_sample": False}
        if self.request.temperature > 0:
            options = {"do_sample": True, "temperature": self.request.temperature}
        if self.request.stop:
            options |= {"stop_strings": list(self.request.stop), "tokenizer": tokenizer}
        if self.model.timeout:
            options["max_time"] = self.model.timeout
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        try:
            with torch.inference_mode():
                out = model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=room,
                    pad_token_id=pad,
                    streamer=streamer,
                    stopping_criteria=[lambda *_, **__: self._stop.is_set()],
                    **options,
                )
            made = out[0, ids.shape[1] :]
            self.completion_tokens = len(made)
            self.finish = self._why(made, tokenizer)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:  # told to whoever reads the pieces
            self._problem = error
        finally:
            streamer.end()

    def _why(self, made: Any, tokenizer: Any) -> str:
        ends = self.model.opened[1].generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        text = tokenizer.decode(made, skip_special_tokens=True)
        stopped = any(stop in text for stop in self.request.stop)
        return "stop" if stopped or (len(made) and int(made[-1]) in ends) else "length"


def _require(name: str, packages: Sequence[str]) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            extra = package in GGUF_NEEDS
            hint = f"pip install {' '.join(GGUF_NEEDS)}" if extra else "pip install 'memoskit[local]'"
            reason = f"the package {package} is not installed"
            raise LLMUnavailable(name=name, reason=reason, hint=f"Install it with `{hint}`.")


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system's words at the head of the first turn of a person."""
    words = [str(m["content"]) for m in messages if m["role"] == "system"]
    rest = [dict(m) for m in messages if m["role"] != "system"]
    if words and rest:
        rest[0]["content"] = "\n\n".join([*words, str(rest[0]["content"])])
    return list(rest)


def _until(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """The text up to the first of `stops`, which is left out; what could be its beginning is held back."""
    held = ""
    keep = max(map(len, stops), default=0) - 1
    for piece in pieces:
        held += piece
        places = [at for stop in stops if (at := held.find(stop)) >= 0]
        if places:
            held = held[: min(places)]
            for _ in pieces:  # the model stops by itself, and then its counts are known
                pass
            break
        ready = len(held) - keep if keep > 0 else len(held)
        if ready > 0:
            yield held[:ready]
            held = held[ready:]
    if held:
        yield held
