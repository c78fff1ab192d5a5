"""Fetching a page that a person named, without being led anywhere else.

Owns: which addresses are refused, the limits on size, time and redirects, what type a page is.
Does not own: reading it (`reader/formats`).

An address on the web may lead to this machine, to its network or to a cloud's metadata service,
by itself, by a redirect or by a name that resolves to one address for us and to another for the
connection. So each name is resolved once, every address it has must be public, and the connection
is made to the address that was checked. No proxy is used, no cookie kept, no credential sent.
Addresses: RFC 6890 and its registries, as Python's `ipaddress` has them.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote, unquote, urljoin, urlsplit

from memos_cli.errors import BadInput

if TYPE_CHECKING:
    from memos_cli.settings import Settings

LARGEST = 32 << 20
"""Bytes of the largest body that is fetched."""
REDIRECTS = 5
_CHUNK = 1 << 16
_AGENT = "memos (+fetch by a person's command)"
_MOVED = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "text/vtt": ".vtt",
    "application/x-subrip": ".srt",
    "message/rfc822": ".eml",
    "application/mbox": ".mbox",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_TEXT = ("text/", "application/xml", "application/javascript", "application/x-yaml", "application/toml")


@dataclass(frozen=True)
class Page:
    """What an address gave: the address it was found at in the end, its bytes, and the suffix of its type."""

    url: str
    suffix: str
    body: BinaryIO
    """Seekable; text in the encoding the server named, else as it came."""


@dataclass(frozen=True)
class Fetcher:
    """How pages are fetched on this machine.

    `timeout` is what one page may take in all, redirects included, in seconds. `loopback` lets
    this machine's own addresses through, for tests and for servers of one's own.
    """

    timeout: float = 30.0
    loopback: bool = False
    largest: int = LARGEST
    context: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Fetcher:
        return cls(timeout=settings.fetch_timeout, loopback=settings.fetch_loopback)

    @contextmanager
    def __call__(self, url: str) -> Iterator[Page]:
        """The page at `url`; its body is gone afterwards.

        Raises BadInput: an address that is refused, a limit that is passed, an answer that is no page.
        """
        with _Deadline(self.timeout, url) as deadline, tempfile.SpooledTemporaryFile(8 << 20) as body:
            here = url
            for _ in range(REDIRECTS + 1):
                connection, path = self._connected(here, url, deadline)
                with deadline.watching(connection):
                    target, sort = self._asked(connection, path, here, url, cast(BinaryIO, body))
                if target is None:
                    break
                here = target
            else:
                raise BadInput(source=url, reason=f"it leads on more than {REDIRECTS} times")
            deadline.stop()
            body.seek(0)
            yield Page(here, _suffix(sort, here), _decoded(cast(BinaryIO, body), sort, url))

    def _connected(self, here: str, url: str, deadline: _Deadline) -> tuple[http.client.HTTPConnection, str]:
        """A connection to the checked address of `here`, and the path to ask for."""
        try:
            parts = urlsplit(here)
            host, port = parts.hostname, parts.port
        except ValueError as exc:
            raise BadInput(source=url, reason=f"it is no address on the web: {exc}") from exc
        if parts.scheme not in ("http", "https") or not host:
            where = "" if here == url else f" (it leads to {here[:100]})"
            raise BadInput(source=url, reason=f"only http and https are fetched{where}")
        if parts.username is not None or parts.password is not None:
            raise BadInput(
                source=url, reason="no name and password are sent along; take them out of the address"
            )
        address = deadline.within(lambda: self._checked(host, port or _port(parts.scheme), url))
        secure = (self.context or ssl.create_default_context()) if parts.scheme == "https" else None
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        )
        return _Pinned(host, parts.port, address, deadline, secure), path

    def _checked(self, host: str, port: int, url: str) -> tuple[Any, ...]:
        """The first address of `host`, all of which are public."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise BadInput(source=url, reason=f"no server is called {host[:100]}") from exc
        if not found:
            raise BadInput(source=url, reason=f"no server is called {host[:100]}")
        for *_, address in found:
            self._refuse_private(str(address[0]), host, url)
        family, sort, protocol, _, address = found[0]
        return family, sort, protocol, address

    def _refuse_private(self, text: str, host: str, url: str) -> None:
        address = _plain(text)
        if address.is_loopback and self.loopback:
            return
        if not address.is_global or address.is_multicast or address.is_reserved:
            where = f"{host[:100]} is at {text}" if host != text else f"it is at {text}"
            raise BadInput(
                source=url,
                reason=f"{where}, which is no public address: pages of this machine and "
                "of private networks are not fetched",
            )

    def _asked(
        self, connection: http.client.HTTPConnection, path: str, here: str, url: str, body: BinaryIO
    ) -> tuple[str | None, Message]:
        """Where the answer leads to, or None with the body written and the answer's headers."""
        connection.request(
            "GET", path, headers={"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        answer = connection.getresponse()
        if answer.status in _MOVED and (location := answer.headers.get("Location")):
            return urljoin(here, location), answer.headers
        if answer.status != 200:
            said = f"{answer.status} {answer.reason}".strip()[:100]
            raise BadInput(source=url, reason=f"the server answered {said}")
        promised = answer.headers.get("Content-Length", "")
        if promised.isdecimal() and int(promised) > self.largest:
            raise self._too_large(url)
        coding = answer.headers.get("Content-Encoding", "identity").casefold().strip()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise BadInput(
                source=url, reason=f"it is compressed in a way that was not asked for ({coding[:40]})"
            )
        size = 0
        for chunk in _unpacked(answer, coding):
            size += len(chunk)
            if size > self.largest:
                raise self._too_large(url)
            body.write(chunk)
        if promised.isdecimal() and answer.length:
            raise BadInput(source=url, reason="the connection ended before the page did")
        return None, answer.headers

    def _too_large(self, url: str) -> BadInput:
        return BadInput(
            source=url, reason=f"it is larger than the {_megabytes(self.largest)} that are fetched at most"
        )


class _Pinned(http.client.HTTPConnection):
    """A connection that goes to the address that was checked, whatever the name means by now."""

    def __init__(
        self,
        host: str,
        port: int | None,
        address: tuple[Any, ...],
        deadline: _Deadline,
        secure: ssl.SSLContext | None,
    ) -> None:
        self.default_port = 443 if secure else 80
        super().__init__(host, port, timeout=deadline.seconds)
        self._deadline = deadline
        self._address = address
        self._secure = secure

    def connect(self) -> None:
        """Open the socket, encrypted for the server's name where that was asked for."""
        family, sort, protocol, address = self._address
        self.sock = socket.socket(family, sort, protocol)
        self.sock.settimeout(self.timeout)
        self.sock.connect(address)
        if self._secure is not None:
            # Not in one step with the handshake, during which the deadline would have no socket to cut.
            self.sock = self._secure.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
        self._deadline.hold(self.sock)
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()


class _Deadline:
    """The time that one page may take: when it is over, the connection is cut under whoever waits on it."""

    def __init__(self, seconds: float, url: str) -> None:
        self.seconds, self._url = seconds, url
        self._socket: socket.socket | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._timer.cancel()

    def hold(self, sock: socket.socket) -> None:
        """Watch a socket. Its connection lets go of it while the body is read, so it is kept here.

        Raises BadInput when the time is over already.
        """
        with self._lock:
            self._socket = sock
        self.check()

    def check(self) -> None:
        """Raises BadInput when the time is over."""
        with self._lock:
            if self._over.is_set():
                raise self._too_slow()

    def _cut(self) -> None:
        with self._lock:
            self._over.set()
            if self._socket is not None:
                with suppress(OSError):
                    # The plain socket's: an encrypted one would first forget its keys under its reader.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def within(self, work: Any) -> Any:
        """What `work` gives; a resolver that does not answer is left behind in its thread."""
        result: list[Any] = []

        def run() -> None:
            try:
                result.append((True, work()))
            except BadInput as exc:
                result.append((False, exc))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(self.seconds)
        if not result:
            raise self._too_slow()
        good, value = result[0]
        if not good:
            raise value
        return value

    @contextmanager
    def watching(self, connection: http.client.HTTPConnection) -> Iterator[None]:
        """Use a connection, which is closed afterwards; what goes wrong on it becomes BadInput."""
        try:
            self.check()
            yield
            self.check()
        except BadInput as exc:  # of a body that was cut here, "it ended early" is not the reason
            raise (self._too_slow() if self._over.is_set() else exc) from exc.__cause__
        except (OSError, http.client.HTTPException, zlib.error, ValueError) as exc:
            if self._over.is_set() or isinstance(exc, TimeoutError):
                raise self._too_slow() from exc
            raise BadInput(source=self._url, reason=f"it cannot be fetched: {_said(exc)}") from exc
        finally:
            with self._lock:
                self._socket = None
            connection.close()

    def _too_slow(self) -> BadInput:
        return BadInput(
            source=self._url, reason=f"it took longer than the {self.seconds:g} s that a page may take"
        )


def _said(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({exc.verify_message})"
    said = (exc.strerror if isinstance(exc, OSError) else None) or str(exc) or type(exc).__name__
    return said.strip().split("\n", 1)[0][:160].casefold().rstrip(".")


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address, an IPv4 one out of the IPv6 one that stands for it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        return inner or address
    return address


def _unpacked(answer: http.client.HTTPResponse, coding: str) -> Iterator[bytes]:
    """The body in pieces of at most 64 KB, whatever a small packed piece may grow to."""
    packed = coding not in ("", "identity")
    opener = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
    while chunk := answer.read(_CHUNK):
        if opener is None:
            yield chunk
            continue
        while chunk:
            yield opener.decompress(chunk, _CHUNK)
            chunk = opener.unconsumed_tail
    if opener is not None:
        yield opener.flush()
        if not opener.eof:
            raise ValueError("the packed page was cut off")


def _suffix(headers: Message, url: str) -> str:
    """The suffix of a page's type; of plain text and of unknown bytes the one in the address."""
    sort = headers.get_content_type() if "Content-Type" in headers else ""
    if sort in _SUFFIXES:
        return _SUFFIXES[sort]
    return PurePosixPath(unquote(urlsplit(url).path)).suffix.casefold()


def _decoded(body: BinaryIO, headers: Message, url: str) -> BinaryIO:
    """The body in UTF-8 where the server names another encoding for a text."""
    sort, charset = headers.get_content_type(), headers.get_content_charset()
    if charset in (None, "utf-8", "utf8", "us-ascii") or not sort.startswith((*_TEXT, "application/json")):
        return body
    import io

    try:
        text = body.read().decode(charset)
    except (LookupError, UnicodeDecodeError) as exc:
        raise BadInput(
            source=url, reason=f"it is not the {str(charset)[:40]} that the server says it is"
        ) from exc
    return io.BytesIO(text.encode("utf-8", "replace"))


def _megabytes(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size} bytes"
