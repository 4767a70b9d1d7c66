"""Bodies that are too large, too slow or badly framed get an answer at once; others are read."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.web.security.conftest import Answer, Serve, Served, rest

LIMITS = {"size": 100_000, "seconds": 2.0, "rate": 20_000.0, "patience": 0.5}


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve(bodies=LIMITS)


def head(*lines: str, path: str = "/api/count") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


BADLY_FRAMED = {
    "both lengths": head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "both, other order": head("Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n",
    "negative": head("Content-Length: -5") + b"hello",
    "with a sign": head("Content-Length: +5") + b"hello",
    "hexadecimal": head("Content-Length: 0x5") + b"hello",
    "fraction": head("Content-Length: 5.0") + b"hello",
    "with a space": head("Content-Length: 5 5") + b"hello",
    "underscore": head("Content-Length: 1_0") + b"hellohello",
    "empty": head("Content-Length: ") + b"hello",
    "foreign digits": head("Content-Length: \u0665") + b"hello",
    "very long number": head("Content-Length: " + "9" * 1000),
    "two lengths": head("Content-Length: 5", "Content-Length: 6") + b"hello!",
    "list of lengths": head("Content-Length: 5, 6") + b"hello!",
    "unknown coding": head("Transfer-Encoding: gzip"),
    "coding hidden by a tab": head("Transfer-Encoding:\tchunked, identity"),
    "two codings": head("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "coding twice": head("Transfer-Encoding: chunked, chunked"),
    "space before the colon": head("Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "misspelled coding": head("Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "size of a chunk is none": head("Transfer-Encoding: chunked") + b"five\r\nhello\r\n0\r\n\r\n",
    "negative chunk": head("Transfer-Encoding: chunked") + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk of a huge size": head("Transfer-Encoding: chunked") + b"f" * 30 + b"\r\nhello",
    "chunk longer than said": head("Transfer-Encoding: chunked") + b"2\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_", BADLY_FRAMED.values(), ids=BADLY_FRAMED)
def test_a_badly_framed_body(served: Served, request_: bytes) -> None:
    answer = served.send(request_)
    assert answer.status == 400
    assert answer.headers["x-content-type-options"] == ["nosniff"]


def test_a_declared_body_that_is_too_large(served: Served) -> None:
    answer = served.send(head("Content-Length: 100001"))
    assert (answer.status, answer.headers["connection"]) == (413, ["close"])
    assert answer.body == b'{"detail": "The body of the request is larger than 0.1 megabytes."}'


def test_nobody_is_told_to_go_on_with_a_body_that_is_too_large(served: Served) -> None:
    answer = served.send(head("Content-Length: 9000000000", "Expect: 100-continue"))
    assert answer.status == 413


def test_an_undeclared_body_that_is_too_large(served: Served) -> None:
    with served.connect() as client:
        client.sendall(head("Transfer-Encoding: chunked") + chunk(bytes(100_001)))
        answer = Answer.parsed(rest(client))
    assert answer.status == 413


@pytest.mark.parametrize(
    ("start", "block", "status"),
    [
        (head("Transfer-Encoding: chunked"), chunk(bytes(60_000)), 413),
        (head("Content-Length: 9000000000"), bytes(60_000), 413),
        (head("Content-Length: 90000", path="/api/early"), bytes(10), 200),
    ],
    ids=["undeclared", "declared", "not wanted"],
)
def test_the_answer_arrives_while_the_body_still_comes(
    served: Served, start: bytes, block: bytes, status: int
) -> None:
    with served.connect() as client:
        client.sendall(start)
        for _ in range(10):
            client.sendall(block)
            time.sleep(0.02)
        assert Answer.parsed(rest(client)).status == status


def test_an_endless_body_is_not_read_for_ever(served: Served) -> None:
    with served.connect() as client:
        client.sendall(head("Transfer-Encoding: chunked"))
        began = time.monotonic()
        try:
            while time.monotonic() - began < 30:
                client.sendall(chunk(bytes(60_000)))
        except ConnectionError:
            pass
        else:
            raise AssertionError("the server still reads")


def test_a_body_that_comes_too_slowly(served: Served) -> None:
    with served.connect() as client:
        client.sendall(head("Content-Length: 50000"))
        client.settimeout(0.2)
        for _ in itertools.count():
            client.sendall(b"x" * 100)
            try:
                data = client.recv(1 << 16)
                break
            except TimeoutError:
                continue
    assert Answer.parsed(data).status == 408


def test_a_body_that_stops(served: Served) -> None:
    assert served.send(head("Content-Length: 50") + b"half").status == 408


def test_a_body_that_takes_too_long_although_it_comes_steadily(serve: Serve) -> None:
    served = serve(bodies={**LIMITS, "seconds": 1.0, "rate": 1.0})
    with served.connect() as client:
        client.sendall(head("Transfer-Encoding: chunked"))
        client.settimeout(0.05)
        while True:
            client.sendall(chunk(b"x" * 100))
            try:
                data = client.recv(1 << 16)
                break
            except TimeoutError:
                continue
    assert Answer.parsed(data).status == 408


def test_a_sender_who_goes_away_is_no_error_of_the_application(serve: Serve) -> None:
    served = serve()
    with served.connect() as client:
        client.sendall(head("Content-Length: 50") + b"half")
        time.sleep(0.2)
    assert served.ask("GET", "/").status == 200
    served.process.terminate()
    assert served.process.communicate(timeout=30)[1] == ""


def test_good_bodies(served: Served) -> None:
    assert served.ask("POST", "/api/count", bytes(100_000)).body == b'{"bytes":100000}'
    whole = chunk(bytes(60_000)) + chunk(bytes(40_000)) + b"0\r\n\r\n"
    answer = served.send(head("Transfer-Encoding: chunked", "Connection: close") + whole)
    assert answer.body == b'{"bytes":100000}'
    assert served.ask("POST", "/api/count").body == b'{"bytes":0}'


def test_a_body_that_is_asked_for(served: Served) -> None:
    with served.connect() as client:
        client.sendall(head("Content-Length: 5", "Expect: 100-continue", "Connection: close"))
        assert client.recv(4096).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hello")
        assert Answer.parsed(rest(client)).body == b'{"bytes":5}'


def test_two_requests_in_one_connection_are_two(served: Served) -> None:
    with served.connect() as client:
        one = head("Content-Length: 5") + b"hello"
        client.sendall(one + head("Content-Length: 3", "Connection: close") + b"you")
        data = rest(client)
    assert data.count(b"HTTP/1.1 200") == 2
    assert b'{"bytes":5}' in data and b'{"bytes":3}' in data


FIELDS = {"size": 2_000_000, "seconds": 5.0}
IMAGE_ROUTES = [
    ("POST", "/api/search"), ("POST", "/search"), ("POST", "/add"), ("PUT", "/api/images/a/b.jpg"),
    ("POST", "/api/explanation"),
]  # fmt: skip
OTHER_ROUTES = [
    ("POST", "/api/duplicates/plan"), ("POST", "/api/duplicates/act"), ("POST", "/api/index"),
    ("POST", "/duplicates/plan"), ("POST", "/logout"), ("POST", "/api/images/a.jpg"),
    ("DELETE", "/api/images/a.jpg"), ("PUT", "/search"), ("GET", "/api/search"), ("POST", "/"),
    ("POST", "/api/search/"), ("POST", "/add/more"), ("PATCH", "/add"), ("PUT", "/api/imagesque"),
    ("POST", "/api/changes/a/undo"), ("POST", "/remove/a.jpg"),
]  # fmt: skip


@pytest.fixture(scope="module")
def large(serve: Serve) -> Served:
    return serve(bodies=FIELDS)


@pytest.mark.parametrize(("method", "path"), IMAGE_ROUTES)
def test_a_route_for_images_takes_large_bodies(large: Served, method: str, path: str) -> None:
    assert large.ask(method, path, Content_Length="2000001").status == 413
    assert large.ask(method, path, bytes(300_000)).status == 200


@pytest.mark.parametrize(("method", "path"), OTHER_ROUTES)
def test_any_other_route_takes_small_bodies_only(large: Served, method: str, path: str) -> None:
    assert large.ask(method, path, bytes(262_144)).status == 200
    assert large.ask(method, path, Content_Length="262145").status == 413
    chunks = chunk(bytes(200_000)) * 2
    start = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with large.connect() as client:
        client.sendall(start.encode() + chunks)
        # Whoever does not read a body is not told that it is too large.
        assert Answer.parsed(rest(client)).status in (413, 200)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "size", "status"),
    [
        (FORM, 16_384, 200),
        (f"{FORM}; charset=utf-8", 100, 200),
        (FORM, 16_385, 413),
        ("multipart/form-data; boundary=B", 100, 415),
        ("multipart/form-data; boundary=B", 20_000, 413),
        ("application/json", 100, 415),
        ("", 100, 415),
    ],
)
def test_the_form_for_the_token_is_small_and_plain(
    large: Served, kind: str, size: int, status: int
) -> None:
    assert large.ask("POST", "/login", b"x" * size, Content_Type=kind).status == status


def test_an_undeclared_form_for_the_token_is_plain_too(large: Served) -> None:
    answer = large.send(head("Transfer-Encoding: chunked", path="/login"))
    assert answer.status == 415


def test_bodies_are_bounded_together(serve: Serve) -> None:
    served = serve(bodies={"size": 100_000, "together": 250_000, "seconds": 5.0})
    senders = [served.connect() for _ in range(2)]
    for sender in senders:
        sender.sendall(head("Content-Length: 100000", "Connection: close") + bytes(99_999))
    time.sleep(0.3)
    declared = served.send(head("Content-Length: 100000"))
    assert (declared.status, declared.headers["retry-after"]) == (429, ["2"])
    with served.connect() as client:
        client.sendall(head("Transfer-Encoding: chunked") + chunk(bytes(60_000)))
        undeclared = Answer.parsed(rest(client))
    assert (undeclared.status, undeclared.headers["connection"]) == (429, ["close"])
    assert served.ask("POST", "/api/count", bytes(40_000)).body == b'{"bytes":40000}'
    for sender in senders:
        sender.sendall(b"x")
        assert Answer.parsed(rest(sender)).body == b'{"bytes":100000}'
        sender.close()
    assert served.ask("POST", "/api/count", bytes(100_000)).status == 200


def test_what_was_only_announced_takes_no_room_from_others(serve: Serve) -> None:
    served = serve(bodies={"size": 100_000, "together": 100_000, "seconds": 5.0})
    with served.connect() as one, served.connect() as two:
        for client in (one, two):
            client.sendall(head("Content-Length: 100000"))
        time.sleep(0.2)
        assert served.ask("POST", "/api/count", bytes(100_000)).body == b'{"bytes":100000}'


def test_room_is_given_back_by_all_who_leave(serve: Serve) -> None:
    served = serve(bodies={"size": 100_000, "together": 100_000, "seconds": 1.0, "patience": 0.2})
    for _ in range(3):
        with served.connect() as client:
            client.sendall(head("Content-Length: 100000") + bytes(90_000))
        until = time.monotonic() + 10
        while served.ask("POST", "/api/count", bytes(100_000)).status == 429:
            assert time.monotonic() < until
    assert served.send(head("Content-Length: 100000") + bytes(90_000)).status == 408
    assert served.ask("POST", "/api/fail", bytes(90_000)).status == 500
    assert served.ask("POST", "/api/count", bytes(100_000)).body == b'{"bytes":100000}'
