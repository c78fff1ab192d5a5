"""A real HTTP server on loopback that speaks `/chat/completions` from a script.

It answers what the script says, in turn, and then puts passages in the order of `Script.liking` for
ever; what it was asked is kept.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One answer: `body` as it stands, else a completion that says `says`."""

    says: str | None = None
    status: int = 200
    body: bytes | None = None
    message: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drop: bool = False


@dataclass
class Script:
    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    liking: Callable[[str], float] = len
    """The passage that this gives more comes first; the longest, if nothing is said."""
    schemas: bool = True
    """Without, a request that wants structured output is refused."""

    def document(self, at: int = 0) -> dict[str, Any]:
        """The question and the passages of a request."""
        found: dict[str, Any] = json.loads(self.requests[at]["messages"][1]["content"])
        return found

    def ranking(self, request: dict[str, Any]) -> list[int]:
        passages = json.loads(request["messages"][1]["content"])["passages"]
        return [p["passage"] for p in sorted(passages, key=lambda p: -self.liking(p["text"]))]


def _completion(text: str | None, message: dict[str, Any]) -> dict[str, Any]:
    said = {"role": "assistant", "content": text} | message
    choice = {"index": 0, "finish_reason": "stop", "message": said}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.times.append(time.monotonic())
            script.requests.append({"path": self.path} | request)
            script.keys.append(self.headers.get("Authorization"))
            if not script.schemas and "response_format" in request:
                answer = Answer(
                    status=400, body=b'{"error": {"message": "response_format is not supported"}}'
                )
            else:
                answer = script.answers.pop(0) if script.answers else Answer()
            time.sleep(answer.wait)
            if answer.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(answer, request)

        def _send(self, answer: Answer, request: dict[str, Any]) -> None:
            says = answer.says
            if says is None and not answer.message:
                says = json.dumps({"ranking": script.ranking(request)})
            body = answer.body
            if body is None:
                body = json.dumps(_completion(says, answer.message)).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:  # whoever asked waits no longer
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving() -> Iterator[Script]:
    script = Script()
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
