"""`record:DIR:MODEL` and `replay:DIR`: a model's answers kept as files, and given again without it.

Owns: the files of a folder, one JSON document an answer, named after the hash of its request. Does not
own: any model.

The name of a file does not depend on the model, so that a replay needs none. Equal requests are
numbered in the order in which a process makes them; a replay asked more often than was recorded gives
the last answer again. Failures are not recorded. The files hold the prompts, and so what is private in
them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memos_cli.errors import LLMFailed, LLMUnavailable
from memos_cli.providers.llm import Backend, Reply, Request
from memos_cli.providers.meter import Usage


def request_hash(request: Request) -> str:
    """The same for the same request, in every process."""
    return hashlib.sha256(json.dumps(_document(request), sort_keys=True).encode()).hexdigest()[:24]


def _document(request: Request) -> dict[str, Any]:
    return {
        "messages": [dict(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop),
        "schema": request.schema,
    }


class _Turns:
    """Which of several equal requests of this process one is, from 1."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def next(self, key: str) -> int:
        with self._lock:
            self._counts[key] += 1
            return self._counts[key]


class Recorder:
    """The backend `record:DIR:MODEL`: MODEL, whose answers are kept."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        """Raises LLMUnavailable when the folder cannot be made."""
        self.name = f"record:{folder}:{backend.name}"
        self.parallel = backend.parallel
        self._folder = folder
        self._backend = backend
        self._turns = _Turns()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"the folder cannot be made: {error.strerror or error}"
            raise LLMUnavailable(name=self.name, reason=reason) from error

    def complete(self, request: Request) -> Reply:
        reply = self._backend.complete(request)
        self._keep(request, reply)
        return reply

    def stream(self, request: Request) -> Iterator[str | Reply]:
        for piece in self._backend.stream(request):
            if isinstance(piece, Reply):
                self._keep(request, piece)
            yield piece

    def close(self) -> None:
        self._backend.close()

    def _keep(self, request: Request, reply: Reply) -> None:
        key = request_hash(request)
        usage = reply.usage and [reply.usage.prompt_tokens, reply.usage.completion_tokens]
        answer = {"text": reply.text, "finish": reply.finish, "usage": usage}
        document = {"model": self._backend.name, "request": _document(request), "answer": answer}
        path = self._folder / f"{key}-{self._turns.next(key)}.json"
        temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            reason = f"its answer cannot be recorded in {self._folder}: {error.strerror or error}"
            raise LLMFailed(name=self.name, reason=reason) from error


class Player:
    """The backend `replay:DIR`: the answers that were kept, and no model."""

    parallel: int | None = None

    def __init__(self, folder: Path) -> None:
        """Raises LLMUnavailable when there is no such folder."""
        self.name = f"replay:{folder}"
        self._folder = folder
        self._turns = _Turns()
        if not folder.is_dir():
            raise LLMUnavailable(name=self.name, reason=f"there is no folder {folder}")

    def complete(self, request: Request) -> Reply:
        """Raises LLMFailed for a request that was not recorded."""
        key = request_hash(request)
        for turn in range(self._turns.next(key), 0, -1):
            path = self._folder / f"{key}-{turn}.json"
            if path.exists():
                return self._read(path)
        raise LLMFailed(
            name=self.name,
            reason=f"this request was not recorded ({key})",
            hint="Record again, with the same inputs and the same version of memos.",
        )

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Line by line."""
        reply = self.complete(request)
        yield from reply.text.splitlines(keepends=True)
        yield reply

    def close(self) -> None:
        """Nothing is open."""

    def _read(self, path: Path) -> Reply:
        try:
            answer = json.loads(path.read_text(encoding="utf-8"))["answer"]
            prompt, completion = answer["usage"] or (0, 0)
            usage = Usage(int(prompt), int(completion)) if answer["usage"] else None
            return Reply(str(answer["text"]), str(answer["finish"]), usage)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LLMFailed(name=self.name, reason=f"{path.name} cannot be read: {error}") from error
