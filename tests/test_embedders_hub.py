"""Models by their name on the Hub: from the cache, and from a small Hub on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_embedders import SHORT, settings

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import MODELS, resolve
from memos_cli.providers.hub import safetensors_of, weights_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "some-org/some-model"


def shipped() -> dict[str, bytes]:
    files = (p for p in (MODELS / "minilm").rglob("*") if p.is_file())
    return {p.relative_to(MODELS / "minilm").as_posix(): p.read_bytes() for p in files}


def put_into_cache(cache: Path, *, without: str = "") -> None:
    repository = cache / ("models--" + NAME.replace("/", "--"))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    for name, content in shipped().items():
        if name != without:
            place = repository / "snapshots" / COMMIT / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


class TestCache:
    def test_a_cached_model_is_used_offline(self, tmp_path: Path) -> None:
        put_into_cache(tmp_path)
        model = resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path))
        assert model.name == f"st:{NAME}"
        assert model.embed_query(SHORT) @ resolve("minilm", settings=settings()).embed_query(SHORT) > 0.9999

    def test_a_revision(self, tmp_path: Path) -> None:
        put_into_cache(tmp_path)
        assert resolve(f"onnx:{NAME}@{COMMIT}", settings=settings(models_dir=tmp_path)).dimension == 384
        with pytest.raises(EmbedderUnavailable):
            resolve(f"onnx:{NAME}@v2", settings=settings(models_dir=tmp_path))

    @pytest.mark.parametrize("without", ["model.onnx", "modules.json"])
    def test_half_a_model_is_none(self, tmp_path: Path, without: str) -> None:
        put_into_cache(tmp_path, without=without)
        with pytest.raises(EmbedderUnavailable, match="offline"):
            resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path))

    def test_not_there_and_offline(self, tmp_path: Path) -> None:
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path))
        assert "memos config set offline false" in caught.value.next_step


class TestWhatIsFetched:
    def test_one_onnx_model_and_no_other_weights(self) -> None:
        files = [
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "onnx/model_qint8.onnx",
            "model.safetensors",
            "pytorch_model.bin",
            "2_Dense/model.safetensors",
        ]
        assert weights_of(files, "st:x") == [
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "2_Dense/model.safetensors",
        ]

    def test_safetensors_where_there_is_no_onnx(self) -> None:
        files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "pytorch_model.bin"]
        assert weights_of(files, "st:x") == files[:2]

    def test_a_language_model_is_never_fetched_as_onnx(self) -> None:
        files = ["onnx/model.onnx", "model.safetensors", "draft/model.safetensors", "pytorch_model.bin"]
        assert safetensors_of(files, "local:x") == ["model.safetensors"]
        with pytest.raises(EmbedderUnavailable, match="safetensors"):
            safetensors_of(["onnx/model.onnx"], "local:x")

    def test_pickles_are_refused_by_name(self) -> None:
        with pytest.raises(EmbedderUnavailable, match=r"pytorch_model\.bin"):
            weights_of(["config.json", "pytorch_model.bin"], "st:x")
        with pytest.raises(EmbedderUnavailable, match="no ONNX"):
            weights_of(["config.json"], "st:x")


class Hub:
    """As much of the Hub as a download needs."""

    def __init__(self) -> None:
        self.files = shipped() | {"pytorch_model.bin": b"\x80\x04", "onnx/model_other.onnx": b"x"}
        self.fetched: list[str] = []
        self.refuse = 0

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        if self.refuse:
            return self.refuse, b"{}", {}
        if path.startswith(f"/api/models/{NAME}/tree/"):
            tree = [
                {"type": "file", "path": n, "size": len(c), "oid": self.etag(n)}
                for n, c in self.files.items()
            ]
            return 200, json.dumps(tree).encode(), {}
        if path.startswith(f"/api/models/{NAME}"):
            document = {
                "id": NAME,
                "modelId": NAME,
                "sha": COMMIT,
                "siblings": [{"rfilename": n} for n in self.files],
            }
            return 200, json.dumps(document).encode(), {}
        name = path.partition(f"/{NAME}/resolve/{COMMIT}/")[2]
        if name in self.files:
            return 200, self.files[name], {"ETag": f'"{self.etag(name)}"', "X-Repo-Commit": COMMIT}
        return 404, b"{}", {"X-Error-Code": "RepoNotFound"}

    def etag(self, name: str) -> str:
        return hashlib.sha1(self.files[name]).hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            status, body, headers = hub.answer(path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                if "/resolve/" in path:
                    hub.fetched.append(path.rpartition(f"{COMMIT}/")[2])
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()


class TestDownload:
    def test_it_is_fetched_once_and_then_works_offline(self, hub: Hub, tmp_path: Path) -> None:
        model = resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path, offline=False))
        assert model.embed_query(SHORT) @ resolve("minilm", settings=settings()).embed_query(SHORT) > 0.9999
        assert "model.onnx" in hub.fetched
        assert "tokenizer.json" in hub.fetched
        assert not {"pytorch_model.bin", "onnx/model_other.onnx"} & set(hub.fetched)
        hub.refuse = 500
        assert resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path)).dimension == 384

    def test_no_such_model(self, hub: Hub, tmp_path: Path) -> None:
        with pytest.raises(EmbedderUnavailable, match="no such model"):
            resolve("st:some-org/other-model", settings=settings(models_dir=tmp_path, offline=False))

    def test_a_hub_that_is_down(self, hub: Hub, tmp_path: Path) -> None:
        hub.refuse = 400
        with pytest.raises(EmbedderUnavailable, match="could not be reached"):
            resolve(f"st:{NAME}", settings=settings(models_dir=tmp_path, offline=False))
