"""`openai:` against a real HTTP server on loopback that plays a script of good and bad answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from test_embedders import settings

from memos_cli.errors import EmbedderFailed, EmbedderMismatch, EmbedderUnavailable
from memos_cli.providers import remote
from memos_cli.providers.embedder import fingerprint, resolve, verify
from memos_cli.providers.hashing import HashEmbedder
from memos_cli.providers.remote import OpenAIEmbedder

DIMENSION = 64


def good(texts: list[str]) -> dict[str, Any]:
    vectors = HashEmbedder(DIMENSION).embed_documents(texts)
    # three times as long as a unit vector: what comes back must be scaled here
    data = [
        {"object": "embedding", "index": i, "embedding": (3 * v[0]).tolist()} for i, v in enumerate(vectors)
    ]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


@dataclass
class Answer:
    status: int = 200
    body: Callable[[list[str]], Any] | bytes = good
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drop: bool = False


@dataclass
class Script:
    """Answers in turn, then good ones for ever; what was asked is kept."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    limit: int | None = None


def handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.times.append(time.monotonic())
            script.requests.append({"path": self.path} | document)
            script.keys.append(self.headers.get("Authorization"))
            answer = script.answers.pop(0) if script.answers else Answer()
            if script.limit and max(map(len, document["input"])) > script.limit:
                answer = Answer(
                    400, b'{"error": {"message": "This model\'s maximum context length is 10 tokens"}}'
                )
            time.sleep(answer.wait)
            if answer.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = (
                answer.body
                if isinstance(answer.body, bytes)
                else json.dumps(answer.body(document["input"])).encode()
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", answer.headers.get("Content-Length", str(len(body))))
            for name, value in answer.headers.items():
                if name != "Content-Length":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if "Content-Length" in answer.headers:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(script))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield script
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model(script: Script) -> Iterator[OpenAIEmbedder]:
    embedder = OpenAIEmbedder("m", base_url=script.url, api_key="secret", timeout=5, retries=2)
    yield embedder
    embedder._client.close()


TEXTS = ["green tea", "red bicycle", "silver violin"]
EXPECTED = np.concatenate(HashEmbedder(DIMENSION).embed_documents(TEXTS))


def test_vectors_come_back_scaled_in_order(script: Script, model: OpenAIEmbedder) -> None:
    np.testing.assert_allclose(np.concatenate(model.embed_documents(TEXTS)), EXPECTED, atol=1e-6)
    np.testing.assert_allclose(model.embed_query("green tea"), EXPECTED[0], atol=1e-6)
    assert model.dimension == DIMENSION
    assert script.requests[0]["path"] == "/v1/embeddings"
    assert script.requests[0]["model"] == "m"
    assert script.keys[0] == "Bearer secret"
    assert len(script.requests) == 2


def test_dimension_is_asked_for_once(script: Script, model: OpenAIEmbedder) -> None:
    assert (model.dimension, model.dimension) == (DIMENSION, DIMENSION)
    assert len(script.requests) == 1


def test_order_is_by_index(script: Script, model: OpenAIEmbedder) -> None:
    script.answers = [Answer(body=lambda texts: good(texts) | {"data": good(texts)["data"][::-1]})]
    np.testing.assert_allclose(np.concatenate(model.embed_documents(TEXTS)), EXPECTED, atol=1e-6)


def test_many_texts_go_in_batches(script: Script, model: OpenAIEmbedder) -> None:
    texts = [f"memory number {i}" for i in range(300)]
    told: list[tuple[int, int]] = []
    vectors = model.embed_documents(texts, progress=lambda done, total: told.append((done, total)))
    assert [len(r["input"]) for r in script.requests] == [128, 128, 44]
    assert told == [(128, 300), (256, 300), (300, 300)]
    assert np.concatenate(vectors)[7] @ HashEmbedder(DIMENSION).embed_query(texts[7]) > 0.999


def test_a_request_is_not_too_large(
    script: Script, model: OpenAIEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "CHARACTERS_PER_REQUEST", 25)
    model.embed_documents(TEXTS)
    assert [r["input"] for r in script.requests] == [TEXTS[:2], TEXTS[2:]]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_is_asked_again_when_told_to_wait(script: Script, model: OpenAIEmbedder, status: int) -> None:
    script.answers = [Answer(status, b"{}", {"Retry-After": "0.05"})] * 2
    np.testing.assert_allclose(model.embed_query(TEXTS[0]), EXPECTED[0], atol=1e-6)
    assert len(script.requests) == 3


def test_retry_after_is_kept_to(script: Script, model: OpenAIEmbedder) -> None:
    script.answers = [Answer(429, b"{}", {"Retry-After": "1"})]
    model.embed_query("x")
    assert script.times[1] - script.times[0] >= 1.0


def test_a_dropped_connection_is_asked_again(script: Script, model: OpenAIEmbedder) -> None:
    script.answers = [Answer(drop=True)]
    np.testing.assert_allclose(model.embed_query(TEXTS[0]), EXPECTED[0], atol=1e-6)


def test_an_answer_that_breaks_off_is_asked_again(script: Script, model: OpenAIEmbedder) -> None:
    script.answers = [Answer(body=b'{"object": "list", "data": [{"index": 0, "embed')]
    np.testing.assert_allclose(model.embed_query(TEXTS[0]), EXPECTED[0], atol=1e-6)
    assert len(script.requests) == 2


def test_an_answer_shorter_than_it_says_is_asked_again(script: Script, model: OpenAIEmbedder) -> None:
    script.answers = [Answer(body=b'{"data": [', headers={"Content-Length": "5000"})]
    np.testing.assert_allclose(model.embed_query(TEXTS[0]), EXPECTED[0], atol=1e-6)


class TestFailures:
    def failed(self, model: OpenAIEmbedder) -> str:
        with pytest.raises(EmbedderFailed) as caught:
            model.embed_documents(TEXTS)
        assert caught.value.exit_code == 1
        assert "secret" not in caught.value.message
        return caught.value.message

    def test_answers_that_never_become_whole(self, script: Script, model: OpenAIEmbedder) -> None:
        script.answers = [Answer(body=b'{"data": [')] * 3
        assert "not JSON" in self.failed(model)
        assert len(script.requests) == 3

    def test_an_error_that_stays(self, script: Script, model: OpenAIEmbedder) -> None:
        script.answers = [Answer(500, b'{"error": {"message": "out of order"}}', {"Retry-After": "0.01"})] * 3
        assert "out of order" in self.failed(model)

    def test_too_slow(self, script: Script) -> None:
        script.answers = [Answer(wait=0.6)]
        model = OpenAIEmbedder("m", base_url=script.url, api_key=None, timeout=0.2, retries=0)
        assert "in time" in self.failed(model)
        model._client.close()

    def test_nobody_there(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        model = OpenAIEmbedder(
            "m", base_url=f"http://127.0.0.1:{port}/v1", api_key=None, timeout=2, retries=0
        )
        assert "cannot be reached" in self.failed(model)
        model._client.close()

    def test_another_dimension_than_before(self, script: Script, model: OpenAIEmbedder) -> None:
        assert model.dimension == DIMENSION
        script.answers = [
            Answer(
                body=lambda texts: {
                    "data": [{"index": i, "embedding": [1.0, 2.0]} for i in range(len(texts))]
                }
            )
        ]
        assert "2 dimensions, and with 64 before" in self.failed(model)

    @pytest.mark.parametrize(
        "body",
        [
            lambda texts: {"data": good(texts)["data"][:2]},
            lambda texts: {"data": [*good(texts)["data"], *good(texts[:1])["data"]]},
            lambda texts: {"data": [row | {"index": 0} for row in good(texts)["data"]]},
            lambda texts: {"data": [{"index": i, "embedding": [1.0] * (i + 1)} for i in range(len(texts))]},
            lambda texts: {"data": [{"index": i, "embedding": None} for i in range(len(texts))]},
            lambda texts: {"data": [{"index": i, "embedding": []} for i in range(len(texts))]},
            lambda texts: {
                "data": [{"index": i, "embedding": [float("nan")] * 3} for i in range(len(texts))]
            },
            lambda texts: {"data": None},
            lambda texts: {"object": "list"},
            lambda texts: ["data"],
            lambda texts: "data",
            lambda texts: None,
        ],
    )
    def test_answers_that_are_no_embeddings(self, script: Script, model: OpenAIEmbedder, body: Any) -> None:
        script.answers = [Answer(body=body)]
        self.failed(model)
        assert len(script.requests) == 1

    def test_a_bad_request_is_not_repeated(self, script: Script, model: OpenAIEmbedder) -> None:
        script.answers = [Answer(404, b'{"error": {"message": "no model called m"}}')]
        assert "no model called m" in self.failed(model)
        assert len(script.requests) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_key(self, script: Script, model: OpenAIEmbedder, status: int) -> None:
        script.answers = [Answer(status, b"{}")]
        with pytest.raises(EmbedderUnavailable, match="key"):
            model.embed_query("x")


class TestLongTexts:
    def test_cut_at_characters(self, script: Script, model: OpenAIEmbedder) -> None:
        [vectors] = model.embed_documents(["word " * 4000])
        sent = [text for r in script.requests for text in r["input"]]
        assert len(vectors) == len(sent) == 3
        assert max(map(len, sent)) <= remote.SPAN_CHARACTERS
        assert sum(map(len, sent)) >= 20_000

    def test_cut_shorter_when_the_endpoint_complains(self, script: Script, model: OpenAIEmbedder) -> None:
        script.limit = 1000
        long, short = model.embed_documents(["word " * 1000, "green tea"])
        assert len(long) >= 5
        np.testing.assert_allclose(short[0], EXPECTED[0], atol=1e-6)

    def test_it_gives_up_at_some_length(self, script: Script, model: OpenAIEmbedder) -> None:
        script.limit = 10
        with pytest.raises(EmbedderFailed, match="context length"):
            model.embed_documents(["word " * 100])


def test_empty_texts_are_not_sent(script: Script, model: OpenAIEmbedder) -> None:
    vectors = model.embed_documents(["", "green tea", "  "])
    assert script.requests[0]["input"] == ["green tea"]
    assert not vectors[0].any()
    assert not vectors[2].any()
    np.testing.assert_allclose(vectors[1][0], EXPECTED[0], atol=1e-6)


def test_another_model_behind_the_same_name_is_noticed(script: Script, model: OpenAIEmbedder) -> None:
    info = fingerprint(model)
    verify(model, info)
    script.answers = [
        Answer(body=lambda texts: {"data": [{"index": 0, "embedding": list(range(DIMENSION))}]})
    ]
    with pytest.raises(EmbedderMismatch):
        verify(model, info)


class TestSettings:
    def test_no_key_for_openai_itself(self) -> None:
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve("openai:text-embedding-3-small", settings=settings(offline=False))
        assert "OPENAI_API_KEY" in caught.value.next_step

    @pytest.mark.parametrize("url", ["https://api.example.org/v1", "http://10.0.0.7/v1"])
    def test_offline_allows_only_this_machine(self, url: str) -> None:
        with pytest.raises(EmbedderUnavailable, match="offline"):
            resolve("openai:m", settings=settings(embed_base_url=url))
        for local in ("http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1/v1"):
            assert resolve("openai:m", settings=settings(embed_base_url=local)).name == "openai:m"

    @pytest.mark.parametrize(
        ("given", "key"),
        [
            ({"openai_base_url": "URL", "openai_api_key": "a"}, "Bearer a"),
            (
                {
                    "openai_base_url": "http://other/v1",
                    "openai_api_key": "a",
                    "embed_base_url": "URL",
                    "embed_api_key": "b",
                },
                "Bearer b",
            ),
            ({"openai_api_key": "a", "embed_base_url": "URL"}, "Bearer none"),
            ({"openai_base_url": "URL", "embed_base_url": "URL", "openai_api_key": "a"}, "Bearer a"),
        ],
    )
    def test_a_key_goes_where_it_belongs(self, script: Script, given: dict[str, str], key: str) -> None:
        given = {k: script.url if v == "URL" else v for k, v in given.items()}
        model = resolve("openai:m", settings=settings(**given))
        model.embed_query("x")
        assert script.keys == [key]
        model._client.close()  # type: ignore[attr-defined]
