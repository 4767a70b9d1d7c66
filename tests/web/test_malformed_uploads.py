"""A real server that gets what is no image: refused, and in bounded memory."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.web.malformed import file_part, form, malformed, photo, request
from tests.web.serving import Served, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MOST_MEGABYTES = 1000
"""What the server may ever take: its own, the budget for decoding, and a few bodies of 32 MB."""

MOST_KEPT = 400
"""What it may keep of that."""


@pytest.fixture
def server(collection: Path) -> Iterator[Served]:
    with served(collection, "-i", "index.csv") as running:
        good_request_is_answered(running)
        yield running


def address(server: Served) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").rstrip("/").partition(":")
    return host, int(port)


def status_of(server: Served, data: bytes) -> int | None:
    """Send bytes; return the status of the answer, or None if the connection ends without one."""
    named = data.replace(b"HOST", "{}:{}".format(*address(server)).encode(), 1)
    with socket.create_connection(address(server), timeout=60) as client:
        # Whoever is refused early may lose the connection while still sending.
        with contextlib.suppress(ConnectionError):
            client.sendall(named)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while block := client.recv(1 << 16):
                answer += block
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else None


def megabytes(server: Served, name: str) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def good_request_is_answered(server: Served) -> None:
    answer = server.request("POST", "/api/search", fields={"image": ("a.jpg", photo())})
    assert answer.status == 200, answer.data
    assert answer.json()["answers"][0]["results"][0]["distance"] == 0


def memory_is_bounded(server: Served) -> None:
    assert megabytes(server, "VmHWM") < MOST_MEGABYTES
    assert megabytes(server, "VmRSS") < MOST_KEPT


def test_a_thousand_malformed_uploads_are_refused(server: Served) -> None:
    requests = malformed()
    assert len(requests) >= 1000
    with ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(lambda one: status_of(server, one.data), requests))
    wrong = [
        (one.name, status)
        for one, status in zip(requests, statuses, strict=True)
        if not (status is None or status in range(400, 500) or (status == 200 and one.may_be_fine))
    ]
    assert wrong == []
    # Closed without an answer is only what is no HTTP, or not complete.
    assert Counter(statuses)[None] < 60
    good_request_is_answered(server)
    memory_is_bounded(server)
    assert server.end() == (0, "")  # nobody can fill a log


def test_uploads_without_end_are_broken_off(server: Served) -> None:
    head = request(b"", "multipart/form-data; boundary=x", "Transfer-Encoding: chunked", length="")
    block = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    with socket.create_connection(address(server), timeout=60) as client:
        client.sendall(head.replace(b"HOST", "{}:{}".format(*address(server)).encode()))
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(block)
    good_request_is_answered(server)
    memory_is_bounded(server)


def test_slow_senders_are_broken_off_and_hold_nobody_up(server: Served) -> None:
    whole = form(file_part(photo())).replace(b"HOST", "{}:{}".format(*address(server)).encode(), 1)
    body = whole.index(b"\r\n\r\n") + 4
    clients = []
    for number in range(12):
        client = socket.create_connection(address(server), timeout=60)
        client.sendall(whole[: 20 if number % 2 else body])
        clients.append(client)
    ended: set[socket.socket] = set()
    until, place = time.monotonic() + 40, 0
    while len(ended) < len(clients) and time.monotonic() < until:
        for client in set(clients) - ended:
            try:
                client.send(b"x" if client in clients[::2] else b"")
                client.settimeout(0.01)
                if not client.recv(1 << 16):
                    ended.add(client)
            except TimeoutError:
                pass
            except ConnectionError:
                ended.add(client)
        place += 1
        if place % 10 == 0:
            good_request_is_answered(server)
        time.sleep(0.1)
    for client in clients:
        client.close()
    assert len(ended) == len(clients)
    memory_is_bounded(server)
