"""A real server in a process of its own, and raw bytes sent to it."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import PROJECT, can_be_interrupted


@dataclass
class Answer:
    """A response, taken apart without the help of a library."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    @classmethod
    def parsed(cls, data: bytes) -> Answer:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return cls(int(first.split()[1]), headers, body)


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int

    def connect(self, seconds: float = 20) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def send(self, data: bytes) -> Answer:
        """Send bytes, and return what comes until the server ends the connection."""
        with self.connect() as client:
            client.sendall(data)
            return Answer.parsed(rest(client))

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request; underscores in the names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Host", f"127.0.0.1:{self.port}")
        if body:
            named["Content-Length"] = str(len(body))
        lines = [f"{name}: {value}" for name, value in named.items()]
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "Connection: close", "", ""])
        return self.send(head.encode("latin-1") + body)


def rest(client: socket.socket) -> bytes:
    """Return what comes until the end of a connection, in order or not."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while block := client.recv(1 << 16):
            data += block
    return data


Serve = Callable[..., Served]


def start_server(running: list[subprocess.Popen[str]], settings: dict[str, Any]) -> Served:
    """Start a server, and note it among those that run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.security.served", json.dumps(settings)],
        cwd=PROJECT, preexec_fn=can_be_interrupted,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running.append(process)
    assert process.stdout is not None
    url = process.stdout.readline()
    assert url.endswith("/\n"), process.communicate()
    return Served(process, int(url.rstrip("/\n").rpartition(":")[2]))


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Start servers; those that still run in the end are killed."""
    running: list[subprocess.Popen[str]] = []
    yield lambda **settings: start_server(running, settings)
    for process in running:
        process.kill()
        process.communicate()
