"""A real HTTP server on loopback that speaks OpenAI's `/chat/completions` from a script.

It answers what the script says, in turn, then what `otherwise` makes of the request, for ever; what it
was asked is kept. It can be slow, broken, cut off, no JSON, refusing, filtered, overloaded; streams as
server-sent events where the request asks for a stream; and counts tokens (words).

    def test_it(llm_server: Script, settings: Settings) -> None:       # the fixture stands in conftest
        llm_server.answers = ["plain words", {"a": 1}, Answer(status=429, headers={"Retry-After": "1"})]
        llm_server.otherwise = lambda request: {"facts": []}
        session = open_cube(**llm_server.settings)                      # or dataclasses.replace(settings, …)
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]


@dataclass
class Answer:
    """One answer: `body` as it stands, else a completion that says `says` (a document is said as JSON)."""

    says: Any = None
    status: int = 200
    body: bytes | None = None
    message: dict[str, Any] = field(default_factory=dict)
    """More fields of the message, such as `refusal`."""
    finish: str | None = "stop"
    """None: the field is missing, and a stream ends without one."""
    usage: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    """Seconds before the answer, of a stream also before each piece."""
    drop: bool = False
    """The connection is closed without an answer."""
    cut: int | None = None
    """Only so many bytes of the body come, though more are announced; of a stream so many pieces."""
    event: bytes | None = None
    """Sent at the end of a stream in place of its last event."""

    @property
    def text(self) -> str | None:
        return self.says if self.says is None or isinstance(self.says, str) else json.dumps(self.says)


Said = Answer | str | dict[str, Any] | list[Any]
FILTERED = Answer(message={"content": None}, finish="content_filter")
REFUSED = Answer(message={"refusal": "I cannot help with that."})
NOT_JSON = Answer(body=b"<html>Bad gateway</html>")


@dataclass
class Script:
    url: str = ""
    answers: list[Said | Callable[[Request], Said]] = field(default_factory=list)
    otherwise: Callable[[Request], Said] = lambda request: "Yes."
    requests: list[Request] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    schemas: bool = True
    """Without, a request that wants structured output is refused."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Arguments that are refused with status 400, and what is said then."""
    most_at_once: int = 0
    """The most requests that were being answered at the same time."""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings under which this server is the language model."""
        return {"llm": "openai:m", "llm_base_url": self.url, "llm_timeout": 10.0}

    def said(self, at: int = -1) -> str:
        """All that the messages of a request say, one after the other."""
        return "\n".join(str(message["content"]) for message in self.requests[at]["messages"])

    def answer(self, request: Request) -> Answer:
        if not self.schemas and "response_format" in request:
            return complaint("response_format is not supported")
        for name, text in self.refuses.items():
            if name in request:
                return complaint(text)
        with self._lock:
            said = self.answers.pop(0) if self.answers else self.otherwise
        if callable(said):
            said = said(request)
        return said if isinstance(said, Answer) else Answer(said)

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


def complaint(text: str, status: int = 400) -> Answer:
    """An answer that is an error in OpenAI's form."""
    return Answer(status=status, body=json.dumps({"error": {"message": text}}).encode())


def overloaded(seconds: str = "0.05") -> Answer:
    return replace(complaint("slow down", 429), headers={"Retry-After": seconds})


def _usage(request: Request, text: str) -> dict[str, int]:
    prompt = sum(len(str(m["content"]).split()) for m in request["messages"])
    said = len(text.split())
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def _completion(answer: Answer, request: Request) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text} | answer.message
    choice = {"index": 0, "finish_reason": answer.finish, "message": message}
    document = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return document | ({"usage": _usage(request, answer.text or "")} if answer.usage else {})


def _chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
    document = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return f"data: {json.dumps(document | more)}\n\n".encode()


def _events(answer: Answer, request: Request) -> Iterator[bytes]:
    """A stream: the text word by word, the reason of its end, the usage, `[DONE]`."""
    text = answer.text or ""
    pieces = [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]
    for at, piece in enumerate(pieces):
        if at == answer.cut:
            return
        yield _chunk([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    if answer.message:
        yield _chunk([{"index": 0, "delta": answer.message, "finish_reason": None}])
    if answer.event is not None:
        yield answer.event
        return
    if answer.finish is not None:
        yield _chunk([{"index": 0, "delta": {}, "finish_reason": answer.finish}])
    if answer.usage and request.get("stream_options", {}).get("include_usage"):
        yield _chunk([], usage=_usage(request, text))
    yield b"data: [DONE]\n\n"


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.times.append(time.monotonic())
            script.requests.append({"path": self.path} | request)
            script.keys.append(self.headers.get("Authorization"))
            with script.counted():
                answer = script.answer(request)
                time.sleep(answer.wait)
                if answer.drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                try:
                    self._send(answer, request)
                except OSError:  # whoever asked waits no longer
                    self.close_connection = True

        def _send(self, answer: Answer, request: Request) -> None:
            if request.get("stream") and answer.body is None and answer.status == 200:
                self._stream(answer, request)
                return
            body = answer.body
            if body is None:
                body = json.dumps(_completion(answer, request)).encode()
            self._head(answer, "application/json", {"Content-Length": str(len(body))})
            self.wfile.write(body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        def _stream(self, answer: Answer, request: Request) -> None:
            self._head(answer, "text/event-stream", {"Connection": "close"})
            self.close_connection = True
            for event in _events(answer, request):
                self.wfile.write(event)
                time.sleep(answer.wait)

        def _head(self, answer: Answer, kind: str, more: dict[str, str]) -> None:
            self.send_response(answer.status)
            for name, value in ({"Content-Type": kind} | more | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(script: Script | None = None) -> Iterator[Script]:
    """The server of a script, until the block ends."""
    script = script or Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refused_url() -> str:
    """A URL on this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
