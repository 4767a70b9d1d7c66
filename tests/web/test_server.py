"""The server starts at once or says why not, finishes what runs, and ends in order."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from cbir.core.errors import CbirError, UsageError
from cbir.web.listening import listen, url_of
from tests.conftest import can_be_interrupted
from tests.web.security.conftest import Answer, Serve, Served, rest, start_server

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[subprocess.Popen[str]] = []
    yield lambda **settings: start_server(running, settings)
    for process in running:
        process.kill()
        process.communicate()


def begin_slow(served: Served, seconds: float) -> socket.socket:
    client = served.connect()
    target = f"/api/slow?seconds={seconds}"
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    time.sleep(0.3)
    return client


@pytest.mark.parametrize("request_", SIGNALS)
def test_what_runs_is_finished(serve: Serve, request_: signal.Signals) -> None:
    served = serve()
    idle, half = served.connect(), served.connect()
    half.sendall(b"GET / HTTP/1.1\r\nHost: ")
    with begin_slow(served, 1.5) as client, idle, half:
        served.process.send_signal(request_)
        time.sleep(0.3)
        with pytest.raises(ConnectionError):
            served.connect()
        answer = Answer.parsed(rest(client))
    assert (answer.status, answer.body) == (200, b"done")
    assert served.process.communicate(timeout=30) == ("stopping\nfinished\n", "")
    assert served.process.returncode == 0


def test_what_does_not_finish_in_time_is_cut_off(serve: Serve) -> None:
    served = serve(grace=0.5)
    with begin_slow(served, 60) as client:
        served.process.terminate()
        began = time.monotonic()
        assert b"200 OK" not in rest(client)
        out, told = served.process.communicate(timeout=30)
    assert served.process.returncode == 0 and time.monotonic() - began < 20
    assert out == "stopping\ncut off\n"
    assert "Traceback" not in told and told.startswith("Error: Cancel 1 running task(s)")


@pytest.mark.parametrize("request_", SIGNALS)
def test_a_second_signal_ends_at_once(serve: Serve, request_: signal.Signals) -> None:
    served = serve()
    with begin_slow(served, 60):
        served.process.send_signal(signal.SIGTERM)
        assert served.process.stdout is not None
        assert served.process.stdout.readline() == "stopping\n"
        served.process.send_signal(request_)
        assert served.process.wait(timeout=20) == 128 + request_


INTERRUPTS = """
import logging, signal
from cbir.cli import interrupts
from cbir.web.listening import listen
from cbir.web.server import run
from tests.web.security.served import application

def state():
    loggers = map(logging.getLogger, ("uvicorn", "uvicorn.error", "asyncio"))
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    return [(one.level, one.propagate, one.handlers) for one in loggers] + handlers

interrupts.end_at_once()
with interrupts.raised():
    before = state()
    done = run(application({}), listen("127.0.0.1", 0), ready=lambda url: print(url, flush=True))
    after = state()
print(done, before == after)
"""


@pytest.mark.parametrize("request_", SIGNALS)
def test_signals_of_a_command_and_logging_are_as_before(request_: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTS], preexec_fn=can_be_interrupted,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline().startswith("http")
    process.send_signal(request_)
    assert process.communicate(timeout=30) == ("True True\n", "")
    assert process.returncode == 0


def test_a_signal_that_is_ignored_for_us_stays_ignored(serve: Serve) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        served = serve()
    finally:
        signal.signal(signal.SIGHUP, before)
    served.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert served.ask("GET", "/").status == 200


def test_an_error_of_the_application_is_one_line(serve: Serve) -> None:
    served = serve()
    answer = served.ask("GET", "/api/fail")
    assert answer.status == 500 and b"bug" not in answer.body
    assert "content-security-policy" in answer.headers
    assert served.ask("GET", "/").status == 200
    served.process.terminate()
    _, told = served.process.communicate(timeout=30)
    assert told.count("\n") == 1
    assert told.startswith("Error: Exception in ASGI application: ValueError: a\\nbug (served.py, ")


FAILING = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from cbir.core.errors import CbirError
from cbir.web.listening import listen
from cbir.web.server import run

@asynccontextmanager
async def lifespan(app):
    raise ValueError("no index")
    yield

try:
    run(Starlette(lifespan=lifespan), listen("127.0.0.1", 0), ready=print)
except CbirError as error:
    print(error)
"""


def test_an_application_that_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "the server did not start; its reason is above\n"
    assert "no index" in done.stderr


def test_a_port_in_use() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CbirError, match=f"port {port} of 127.0.0.1 is in use; .* port"):
            listen("127.0.0.1", port)


def test_a_port_of_a_server_that_just_ended_is_free(serve: Serve) -> None:
    served = serve()
    with served.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(4096)
        served.process.terminate()
        served.process.communicate(timeout=30)
    listen("127.0.0.1", served.port).close()


@pytest.mark.parametrize("port", [-1, 65536, 1 << 40])
def test_no_such_port(port: int) -> None:
    with pytest.raises(UsageError, match="there is no port"):
        listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["", "no such host", "a\nb", "1.2.3.4.5", "x" * 300, "ö" * 70])
def test_no_such_host(host: str) -> None:
    with pytest.raises(UsageError, match="is not a host"):
        listen(host, 0)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(CbirError, match=r"192\.0\.2\.1 is not an address of this machine"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "start"),
    [
        ("localhost", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("[::1]", "http://[::1]:"),
        ("::", "http://[::1]:"),
    ],
)
def test_addresses(host: str, start: str) -> None:
    with listen(host, 0) as listener:
        assert url_of(listener).startswith(start)


def test_the_parts_of_a_response_are_sent_without_delay() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio asks for before it says so


def test_connections_before_the_start_wait() -> None:
    with listen("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname()[:2], timeout=5).close()


def test_served_by_ipv6(serve: Serve) -> None:
    served = serve(listen="::1", bound="::1")
    with socket.create_connection(("::1", served.port), timeout=20) as client:
        host = f"[::1]:{served.port}"
        client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert Answer.parsed(rest(client)).status == 200


def test_many_at_once(serve: Serve) -> None:
    served = serve()
    statuses: list[int] = []

    def ask() -> None:
        statuses.extend(served.ask("GET", "/").status for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 160
