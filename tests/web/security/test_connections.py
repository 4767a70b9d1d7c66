"""Connections that do nothing, or nothing good, end; the others are served meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.web.security.conftest import Answer, Serve, Served, rest

GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve(connections={"head_seconds": 1.0, "idle_seconds": 5, "reader_seconds": 1.0})


def test_one_that_sends_nothing(served: Served) -> None:
    with served.connect() as client:
        assert rest(client) == b""


def test_one_that_sends_half_a_head(served: Served) -> None:
    assert served.send(b"GET / HTTP/1.1\r\nHost: loc").status == 408


@pytest.mark.parametrize("before", [b"", GOOD], ids=["first request", "second request"])
def test_one_that_sends_a_head_byte_by_byte(served: Served, before: bytes) -> None:
    with served.connect() as client:
        client.sendall(before)
        if before:
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            client.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                assert client.recv(100) == b"served /"  # if it did not come with the head
        client.settimeout(0.1)
        sent = 0
        while sent < 600:
            try:
                client.sendall(GOOD[sent : sent + 1] or b"x")
                sent += 1
                data = client.recv(1 << 16)
                break
            except TimeoutError:
                continue
    assert Answer.parsed(data).status == 408


def test_one_that_asks_nothing_more(served: Served) -> None:
    with served.connect() as client:
        client.sendall(GOOD)
        assert rest(client).count(b"HTTP/1.1") == 1


def test_one_that_does_not_read_its_answer(served: Served) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", served.port))
        client.sendall(b"GET /api/much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(3)
        # Twenty megabytes were to come.
        assert len(rest(client)) < 10_000_000


def test_one_whose_request_takes_longer_than_a_head_may(served: Served) -> None:
    assert served.ask("GET", "/api/slow?seconds=1.5").body == b"done"
    with served.connect() as client:
        client.sendall(b"POST /api/count HTTP/1.1\r\nHost: localhost\r\n")
        client.sendall(b"Connection: close\r\nContent-Length: 4\r\n\r\nha")
        time.sleep(1.5)
        client.sendall(b"lf")
        assert Answer.parsed(rest(client)).body == b'{"bytes":4}'


def test_one_that_reads_slowly_gets_all(serve: Serve) -> None:
    served = serve(connections={"reader_seconds": 3.0})
    with socket.socket() as client:
        client.settimeout(20)
        client.connect(("127.0.0.1", served.port))
        client.sendall(b"GET /api/much HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        for _ in range(6):
            time.sleep(0.2)
            received += len(client.recv(1 << 20, socket.MSG_WAITALL))
        received += len(rest(client))
    assert received > 20_000_000


HUGE_HEADS = {
    "a huge header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "an endless header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 5_000_000,
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    "a huge target": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an endless first line": b"x" * 1_000_000,
    "huge trailers": (
        b"POST /api/count HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        + b"X: y\r\n" * 100_000
    ),
}


@pytest.mark.parametrize("request_", HUGE_HEADS.values(), ids=HUGE_HEADS)
def test_a_huge_head(served: Served, request_: bytes) -> None:
    assert served.send(request_).status in (400, 431)


def test_a_large_head_that_is_still_allowed(served: Served) -> None:
    assert served.ask("GET", "/", X="x" * 60_000).status == 200


NO_HTTP = {
    "zeros": bytes(100),
    "line ends": b"\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x7f" * 100,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "no version": b"GET / \r\nHost: localhost\r\n\r\n",
    "no method": b"/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab in the target": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "high bytes in the target": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nx\r\n\r\n",
    "a line end in a value": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
}


@pytest.mark.parametrize("request_", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_not_http(served: Served, request_: bytes) -> None:
    with served.connect() as client:
        client.sendall(request_)
        data = rest(client)
    assert data.startswith(b"HTTP/1.1 4") and b"traceback" not in data.lower()


def test_garbage_after_a_good_request(served: Served) -> None:
    data = b""
    with served.connect() as client:
        client.sendall(GOOD + b"\0garbage\r\n\r\n")
        data = rest(client)
    assert data.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 400" in data


def test_a_websocket_is_not_opened(served: Served) -> None:
    answer = served.ask("GET", "/", Upgrade="websocket", Sec_WebSocket_Version="13")
    assert answer.status == 200 and b"served" in answer.body


def test_too_many_connections_are_refused_without_harm_to_the_others(serve: Serve) -> None:
    served = serve(connections={"open_at_once": 20, "head_seconds": 30.0})
    open_ = [served.connect() for _ in range(20)]
    try:
        refused = served.send(b"")
        assert refused.status == 503 and refused.headers["retry-after"] == ["5"]
        assert refused.headers["x-content-type-options"] == ["nosniff"]
        open_[0].sendall(GOOD)
        assert open_[0].recv(1 << 16).startswith(b"HTTP/1.1 200")
        open_.pop().close()
        until = time.monotonic() + 20
        while (answer := served.send(GOOD[:-2] + b"Connection: close\r\n\r\n")).status == 503:
            assert time.monotonic() < until
        assert answer.status == 200
    finally:
        for client in open_:
            client.close()


def test_nothing_of_all_this_is_logged(serve: Serve) -> None:
    served = serve(connections={"head_seconds": 0.5, "idle_seconds": 1, "reader_seconds": 0.5})
    for request_ in [*NO_HTTP.values(), *HUGE_HEADS.values(), b"GET / HT", b""]:
        with served.connect() as client:
            try:
                client.sendall(request_)
            except ConnectionError:
                continue
            rest(client)
    served.process.terminate()
    out, err = served.process.communicate(timeout=30)
    assert (out, err) == ("stopping\nfinished\n", "")
