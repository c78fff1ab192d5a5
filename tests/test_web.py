"""Pages from the web: a real server on loopback, limits on all it can do, and addresses never asked."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from memos_cli.errors import BadInput
from memos_cli.providers.web import Fetcher
from memos_cli.reader.files import ReadOptions, read_urls
from memos_cli.schema import Draft, Skipped

FILES = Path(__file__).parent / "data" / "files"
Answer = Callable[[BaseHTTPRequestHandler], None]


def plain(body: bytes, sort: str = "text/html; charset=utf-8", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", sort)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int, location: str | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"more and more " * 4096)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.05)


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<p>half a page")


PAGE = b"<!doctype html><h1>Pier</h1><p>The pier opens on 9 April.</p><script>steal()</script>"
BOMB = gzip.compress(b"x" * (8 << 20))
ANSWERS: dict[str, Answer] = {
    "/page": plain(PAGE),
    "/latin": plain("<p>Grüße aus Köln</p>".encode("latin-1"), "text/html; charset=iso-8859-1"),
    "/wrong": plain(b"\xff\xfe\xff", "text/plain; charset=ascii"),
    "/letter": plain((FILES / "letter.pdf").read_bytes(), "application/pdf"),
    "/book": plain((FILES / "book.epub").read_bytes(), "application/octet-stream"),
    "/seals": plain((FILES / "seals.csv").read_bytes(), "text/csv"),
    "/raw/tides.py": plain((FILES / "tides.py").read_bytes(), "text/plain"),
    "/chat": plain((FILES / "agent.json").read_bytes(), "application/json"),
    "/picture": plain((FILES / "garden.png").read_bytes(), "image/png"),
    "/packed": plain(gzip.compress(PAGE), Content_Encoding="gzip"),
    "/bomb": plain(BOMB, Content_Encoding="gzip"),
    "/odd": plain(PAGE, Content_Encoding="br"),
    "/large": plain(b"x" * (2 << 20), "text/plain"),
    "/empty": plain(b"", "text/plain"),
    "/endless": endless,
    "/dripping": dripping,
    "/headers": dripping_headers,
    "/short": cut_short,
    "/gone": status(404),
    "/hop": status(302, "/page"),
    "/loop": status(301, "/loop"),
    "/inside": status(302, "http://169.254.169.254/latest/meta-data"),
    "/home": status(307, "http://10.0.0.1/"),
    "/file": status(302, "file:///etc/passwd"),
    "/nowhere": status(302, "http://"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = ANSWERS.get(self.path.partition("?")[0], status(404))
        try:
            answer(self)
        except OSError:  # the client had enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """No line for each request."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


HERE = Fetcher(timeout=5.0, loopback=True, largest=1 << 20)


def read(url: str, fetch: Fetcher = HERE) -> list[Draft | Skipped]:
    return list(read_urls([url], ReadOptions(), fetch))


def texts(url: str) -> list[str]:
    found = read(url)
    assert all(isinstance(each, Draft) for each in found), found
    return [each.memory for each in found if isinstance(each, Draft)]


def refusal(url: str, fetch: Fetcher = HERE) -> str:
    (skipped,) = read(url, fetch)
    assert isinstance(skipped, Skipped)
    assert skipped.source == url
    return skipped.reason


def test_a_page_is_read_and_says_where_it_is_from(server: str) -> None:
    (draft,) = read(f"{server}/hop")
    assert isinstance(draft, Draft)
    assert (draft.memory, draft.key) == ("The pier opens on 9 April.", "Pier")
    source = draft.sources[0]
    assert (source.type, source.url, source.path) == ("web", f"{server}/page", None)


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/latin", "Grüße aus Köln"),
        ("/letter", "Dear Anna, the lighthouse keeper retired in May.\nHis name was Olav Brekke."),
        ("/book", "Ines Duarte"),
        ("/seals", "place: North rock; seals: 230; day: 2026-02-03"),
        ("/raw/tides.py?raw=1", '"""Reads tide tables."""\n\nimport csv\n\nHARBOURS = ("Porto", "Bergen")'),
        ("/chat", "What does the letter say?"),
        ("/packed", "The pier opens on 9 April."),
    ],
)
def test_the_type_decides_the_reader(server: str, path: str, first: str) -> None:
    assert texts(server + path)[0] == first


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/gone", "the server answered 404"),
        ("/loop", "it leads on more than 5 times"),
        ("/inside", "at 169.254.169.254, which is no public address"),
        ("/home", "at 10.0.0.1, which is no public address"),
        ("/file", "only http and https are fetched (it leads to file:///etc/passwd)"),
        ("/nowhere", "it leads on more than 5 times"),
        ("/large", "larger than the 1 MB that are fetched at most"),
        ("/endless", "larger than the 1 MB that are fetched at most"),
        ("/bomb", "larger than the 1 MB that are fetched at most"),
        ("/odd", "compressed in a way that was not asked for"),
        ("/short", "the connection ended before the page did"),
        ("/wrong", "not the ascii that the server says"),
        ("/picture", "a PNG image, and no model"),
        ("/empty", "it is empty"),
    ],
)
def test_what_cannot_be_fetched_is_named_with_the_limit(server: str, path: str, reason: str) -> None:
    assert reason in refusal(server + path)


@pytest.mark.parametrize("path", ["/dripping", "/headers"])
def test_a_server_that_drips_is_left_when_the_time_is_over(server: str, path: str) -> None:
    begun = time.monotonic()
    reason = refusal(server + path, Fetcher(timeout=0.6, loopback=True))
    assert reason == "it took longer than the 0.6 s that a page may take"
    assert time.monotonic() - begun < 3


def test_a_server_that_never_answers_is_left_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert "longer than the 0.3 s" in refusal(url, Fetcher(timeout=0.3, loopback=True))


def test_nobody_listening_and_no_such_name(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "cannot be fetched: connection refused" in refusal(f"http://127.0.0.1:{port}/")
    assert "no server is called" in refusal("http://no-such-host.invalid/")
    assert "certificate" in (told := refusal(server.replace("http", "https"))) or "cannot be fetched" in told


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "file:///etc/passwd", "gopher://x", "example.org/page", "http://", "http://[::1", "http://a:99999/", "javascript:x"],
)  # fmt: skip
def test_what_is_no_address_on_the_web(url: str) -> None:
    assert refusal(url)


def test_no_password_is_sent_along() -> None:
    assert "no name and password" in refusal("http://anna:secret@example.org/")


_PRIVATE = """
127.0.0.1 127.9.9.9 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.2.1 198.18.0.1
224.0.0.1 240.0.0.1 255.255.255.255 [::1] [::] [fe80::1] [fc00::1] [::ffff:127.0.0.1] [::ffff:10.0.0.1]
[64:ff9b::7f00:1] [2002:7f00:1::] [2002:a00:1::] [ff02::1] [2001:db8::1] localhost 2130706433 0x7f.1 017700000001
"""


@pytest.mark.parametrize("host", _PRIVATE.split())
def test_addresses_that_are_not_public_are_never_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it was asked"))
    for url in (f"http://{host}/", f"https://{host}:8443/x"):
        reason = refusal(url, Fetcher())
        # A resolver may know no numbers like these, which is as well.
        assert "no public address" in reason or "no server is called" in reason


def test_loopback_alone_is_opened_by_the_setting() -> None:
    assert "no public address" in refusal("http://192.168.1.1/", HERE)
    assert "no public address" in refusal("http://169.254.169.254/", HERE)


def test_one_private_address_among_a_names_addresses_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, port)) for address in ("93.184.216.34", "192.168.0.9")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert "example.org is at 192.168.0.9" in refusal("http://example.org/", Fetcher())


def test_the_connection_goes_to_the_address_that_was_checked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means something else the second time is asked for once only."""
    port = int(server.rpartition(":")[2])
    asked: list[str] = []

    def rebinding(host: str, number: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.0.0.1", number))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert texts(f"http://name.example:{port}/page") == ["The pier opens on 9 April."]
    assert asked == ["name.example"]


def test_a_resolver_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    try:
        assert "longer than the 0.2 s" in refusal("http://slow.example/", Fetcher(timeout=0.2))
    finally:
        over.set()


def test_fetching_leaves_no_thread_and_no_socket(server: str) -> None:
    before = threading.active_count()
    with HERE(f"{server}/page") as page:
        assert page.body.read() == PAGE
    with pytest.raises(BadInput), HERE(f"{server}/gone"):
        pass
    deadline = time.monotonic() + 2
    while threading.active_count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before + 2  # the server's own
