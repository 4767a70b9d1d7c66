"""Images are fetched from real servers, most of them bad; names lead where the tests like."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme

from cbir.web.security.remote_hosts import NOT_ALLOWED, RemoteHosts, RemoteImageError
from cbir.web.security.remote_image import fetch_image

IMAGE = bytes(range(256)) * 40
Answering = Callable[[socket.socket, bytes], None]


def response(body: bytes = IMAGE, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(location: str) -> bytes:
    return response(b"", "302 Found", f"Location: {location}")


class Site:
    """A server that answers each connection by a function, and remembers what it was asked."""

    def __init__(self, answering: Answering | bytes, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[bytes] = []
        self._answering = answering
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(20)
                with suppress(OSError), client:
                    self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        if self._context:
            client = self._context.wrap_socket(client, server_side=True)
        with client:
            request = b""
            while b"\r\n\r\n" not in request:
                block = client.recv(4096)
                if not block:
                    return
                request += block
            self.asked.append(request)
            if isinstance(self._answering, bytes):
                client.sendall(self._answering)
            else:
                self._answering(client, request)


@contextmanager
def site(answering: Answering | bytes, context: ssl.SSLContext | None = None) -> Iterator[Site]:
    running = Site(answering, context)
    try:
        yield running
    finally:
        running.stop()


def everything_here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def fetch(port: int, timeout: float = 10, max_bytes: int = 100_000, path: str = "/a.jpg") -> bytes:
    """Fetch from a host whose name leads to this machine, which is allowed."""
    hosts = RemoteHosts([f"images.example:{port}", "127.0.0.1"])
    url = f"http://images.example:{port}{path}"
    return fetch_image(url, hosts, max_bytes=max_bytes, timeout=timeout, resolve=everything_here)


def test_an_image() -> None:
    with site(response()) as there:
        assert fetch(there.port, path="/b/a b.jpg?c=d#e") == IMAGE
    [request] = there.asked
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /b/a%20b.jpg?c=d HTTP/1.1"
    assert f"Host: images.example:{there.port}" in lines
    assert "Accept-Encoding: identity" in lines
    assert "cookie" not in request.lower().decode()


def test_an_image_whose_size_is_not_declared() -> None:
    chunks = b"2000\r\n" + IMAGE[:8192] + b"\r\n800\r\n" + IMAGE[8192:] + b"\r\n0\r\n\r\n"
    for head, body in [("Transfer-Encoding: chunked", chunks), ("X: y", IMAGE)]:
        with site(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body) as there:
            assert fetch(there.port) == IMAGE


def test_an_address_that_is_named() -> None:
    with site(response()) as there:
        hosts = RemoteHosts([f"127.0.0.1:{there.port}", f"localhost:{there.port}"])
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{there.port}/"
            assert fetch_image(url, hosts, max_bytes=100_000, timeout=10) == IMAGE


def test_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with site(response()) as there:
        assert fetch(there.port) == IMAGE


PRIVATE = [
    ["127.0.0.1"],
    ["127.0.0.2"],
    ["0.0.0.0"],
    ["10.0.0.1"],
    ["169.254.169.254"],
    ["100.100.100.200"],
    ["::1"],
    ["::ffff:127.0.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::"],
    ["fe80::1"],
    ["fd00:ec2::254"],
    ["93.184.215.14", "127.0.0.1"],
    ["127.0.0.1", "93.184.215.14"],
    ["2606:2800:21f::1", "::1"],
]


@pytest.mark.parametrize("addresses", PRIVATE, ids="+".join)
def test_a_name_that_leads_to_a_private_address(addresses: list[str]) -> None:
    with site(response()) as there:
        hosts = RemoteHosts([f"images.example:{there.port}"])
        url = f"http://images.example:{there.port}/"
        with pytest.raises(RemoteImageError, match=NOT_ALLOWED):
            fetch_image(url, hosts, max_bytes=9, timeout=10, resolve=lambda *_: addresses)
    assert there.asked == []


def test_a_name_is_resolved_once() -> None:
    calls = []

    def rebinding(host: str, port: int) -> list[str]:
        calls.append(host)
        return ["127.0.0.1"] if len(calls) == 1 else ["127.0.0.9"]

    with site(response()) as there:
        hosts = RemoteHosts([f"images.example:{there.port}", "127.0.0.1"])
        url = f"http://images.example:{there.port}/"
        assert fetch_image(url, hosts, max_bytes=100_000, timeout=9, resolve=rebinding) == IMAGE
    assert calls == ["images.example"]


def test_the_next_address_if_one_is_not_reached() -> None:
    with site(response()) as there:
        hosts = RemoteHosts([f"images.example:{there.port}", "127.0.0.1", "127.0.0.9"])
        both = ["127.0.0.9", "127.0.0.1"]
        url = f"http://images.example:{there.port}/"
        fetched = fetch_image(url, hosts, max_bytes=100_000, timeout=9, resolve=lambda *_: both)
    assert fetched == IMAGE


FORBIDDEN_TARGETS = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.2:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://localhost:{port}/",
    "http://evil.example:{port}/",
    "//evil.example:{port}/",
    "\\\\evil.example:{port}\\",
    "/\\evil.example:{port}/",
    "http://images.example:{port}@evil.example/",
    "http://user@images.example:{port}/",
    "http://images.example:22/",
    "http://images.example/",
    "file:///etc/passwd",
    "ftp://images.example:{port}/",
    "gopher://images.example:{port}/",
    "data:image/gif;base64,R0lGOD",
    "http://[",
]


@pytest.mark.parametrize("location", FORBIDDEN_TARGETS)
def test_a_redirect_to_what_is_not_allowed(location: str) -> None:
    def answer(client: socket.socket, _: bytes) -> None:
        client.sendall(redirect(location.format(port=there.port)))

    with site(answer) as there, pytest.raises(RemoteImageError, match=NOT_ALLOWED) as raised:
        fetch(there.port)
    assert len(there.asked) == 1
    assert str(raised.value).startswith(f"http://images.example:{there.port}/a.jpg: ")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(status: int) -> None:
    def answer(client: socket.socket, request: bytes) -> None:
        moved = response(b"", f"{status} Moved", "Location: ../c.jpg", "Set-Cookie: a=b")
        client.sendall(response() if b"GET /c.jpg" in request else moved)

    with site(answer) as there:
        assert fetch(there.port, path="/b/a.jpg") == IMAGE
    assert b"ookie" not in there.asked[1]


def test_redirects_for_ever() -> None:
    too_often = pytest.raises(RemoteImageError, match="redirected more than 3 times")
    with site(redirect("/a.jpg")) as there, too_often:
        fetch(there.port)
    assert len(there.asked) == 4


BAD = {
    "not found": response(b"secret", "404 Not Found"),
    "failure": response(b"secret", "500 Internal secret"),
    "forbidden": response(b"secret", "403 Forbidden"),
    "part": response(b"secret", "206 Partial Content"),
    "nothing": response(b"", "204 No Content"),
    "unchanged": response(b"", "304 Not Modified"),
    "compressed": response(b"secret", "200 OK", "Content-Encoding: gzip"),
    "compressed oddly": response(b"secret", "200 OK", "Content-Encoding: identity, br"),
    "no answer": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_secret\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nX-Secret: ",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsecret",
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"secret" * 100_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: secret\r\n" * 1000 + b"\r\n",
    "redirect to nowhere": response(b"", "302 Found"),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_bad_answer_is_not_told(answer: bytes) -> None:
    with site(answer) as there, pytest.raises(RemoteImageError) as raised:
        fetch(there.port, timeout=20)
    reason = str(raised.value).partition("/a.jpg: ")[2]
    assert reason in (
        "its server did not send it",
        "it is redirected more than 3 times",
    )


def endless(start: bytes, block: bytes, pause: float) -> Answering:
    def answer(client: socket.socket, _: bytes) -> None:
        client.sendall(start)
        for _ in range(2000):
            client.sendall(block)
            time.sleep(pause)

    return answer


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = {
    "declared": b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n",
    "chunked": endless(CHUNKED, b"2000\r\n" + bytes(8192) + b"\r\n", 0),
    "until the end": endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(8192), 0),
    "a huge chunk": endless(CHUNKED + b"fffffff\r\n", bytes(8192), 0),
}


@pytest.mark.parametrize("answer", TOO_LARGE.values(), ids=TOO_LARGE)
def test_an_image_that_is_too_large(answer: Answering | bytes) -> None:
    too_large = pytest.raises(RemoteImageError, match=r"it is larger than 0\.1 megabytes")
    with site(answer) as there, too_large:
        fetch(there.port)


DRIPS = {
    "nothing": lambda client, _: client.recv(1),
    "first line": endless(b"HTTP/1.1 200 O", b"K", 0.02),
    "headers": endless(b"HTTP/1.1 200 OK\r\n", b"X", 0.02),
    "body": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"x", 0.02),
    "body without a size": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.02),
    "chunks": endless(CHUNKED, b"1\r\nx\r\n", 0.02),
}


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
def test_an_image_that_comes_too_slowly(answer: Answering) -> None:
    too_late = pytest.raises(RemoteImageError, match=r"it did not come within 0\.5 s")
    with site(answer) as there, too_late:
        fetch(there.port, timeout=0.5)


def test_a_name_that_takes_too_long() -> None:
    hosts = RemoteHosts(["images.example"])
    over = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        over.wait(20)
        return ["127.0.0.1"]

    with pytest.raises(RemoteImageError, match="did not come within"):
        url = "http://images.example/"
        fetch_image(url, hosts, max_bytes=9, timeout=0.3, resolve=resolve)
    over.set()


def test_a_host_that_is_not_known_or_not_there() -> None:
    hosts = RemoteHosts(["images.example:9", "127.0.0.1"])

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "secret")

    for resolve, reason in [(unknown, "is not known"), (everything_here, "cannot be reached")]:
        with pytest.raises(RemoteImageError, match=reason):
            url = "http://images.example:9/"
            fetch_image(url, hosts, max_bytes=9, timeout=9, resolve=resolve)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def fetch_by_tls(port: int, context: ssl.SSLContext | None) -> bytes:
    hosts = RemoteHosts([f"images.example:{port}", "127.0.0.1"])
    url = f"https://images.example:{port}/"
    return fetch_image(
        url, hosts, max_bytes=100_000, timeout=10, resolve=everything_here, context=context
    )


def test_the_certificate_is_that_of_the_name(authority: trustme.CA) -> None:
    with site(response(), certified(authority, "images.example")) as there:
        assert fetch_by_tls(there.port, trusting(authority)) == IMAGE


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1"])
def test_the_certificate_of_another_name(authority: trustme.CA, name: str) -> None:
    refused = pytest.raises(RemoteImageError, match="cannot be reached")
    with site(response(), certified(authority, name)) as there, refused:
        fetch_by_tls(there.port, trusting(authority))
    assert there.asked == []


def test_a_certificate_that_nobody_believes(authority: trustme.CA) -> None:
    refused = pytest.raises(RemoteImageError, match="cannot be reached")
    with site(response(), certified(authority, "images.example")) as there, refused:
        fetch_by_tls(there.port, None)


def test_a_redirect_away_from_tls(authority: trustme.CA) -> None:
    def answer(client: socket.socket, _: bytes) -> None:
        client.sendall(redirect(f"http://images.example:{there.port}/"))

    refused = pytest.raises(RemoteImageError, match=NOT_ALLOWED)
    with site(answer, certified(authority, "images.example")) as there, refused:
        fetch_by_tls(there.port, trusting(authority))
    assert len(there.asked) == 1
