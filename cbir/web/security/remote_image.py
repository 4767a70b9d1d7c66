"""Fetch an image from another site, without being led where its owner should not look.

Whoever can make a server fetch something can look through its eyes: at the network behind it, and
at the services of its own machine. So only hosts that are named are asked, each address is judged
before anything connects to it, the connection goes to just the address that was judged, and nothing
is told of what an address that is refused would have answered.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from urllib.parse import urljoin

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from cbir.core.errors import printable
from cbir.web.security.remote_addresses import Address
from cbir.web.security.remote_hosts import RemoteHosts, RemoteImageError, RemoteUrl, refusal

Resolve = Callable[[str, int], Sequence[str]]
"""From a name and a port to addresses."""

Channel = Callable[[], socket.socket | None]
"""To the socket that a connection has at the moment."""

REDIRECTS = 3
"""That are followed."""

_REDIRECTING = (301, 302, 303, 307, 308)
_BLOCK = 65_536
_GLANCE = 0.05
_HEADERS = {
    "Accept": "image/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "cbir",
}


def fetch_image(
    url: str,
    hosts: RemoteHosts,
    *,
    max_bytes: int,
    timeout: float,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
) -> bytes:
    """Return what a URL leads to.

    Parameters
    ----------
    url : str
        By http or https, without name and password.
    hosts : RemoteHosts
        Those that are allowed.
    max_bytes : int
        That it may have.
    timeout : float
        Seconds for all of it, redirects included.
    resolve : callable, optional
        The system's way from names to addresses.
    context : ssl.SSLContext, optional
        Whose certificates are believed; the system's.

    Raises
    ------
    RemoteImageError
        When an address on the way is not allowed, or the image cannot be fetched as it should.
    """
    fetch = _Fetch(url, hosts, max_bytes, timeout, resolve or _resolve, context)
    step = hosts.checked(url)
    for _ in range(REDIRECTS + 1):
        found = fetch.get(step)
        if isinstance(found, bytes):
            return found
        step = found
    raise fetch.failure(f"it is redirected more than {REDIRECTS} times")


class _Fetch:
    """One attempt to get an image."""

    def __init__(
        self,
        url: str,
        hosts: RemoteHosts,
        max_bytes: int,
        timeout: float,
        resolve: Resolve,
        context: ssl.SSLContext | None,
    ) -> None:
        self._url = url
        self._hosts = hosts
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._until = time.monotonic() + timeout
        self._resolve = resolve
        self._context = context

    def get(self, step: RemoteUrl) -> bytes | RemoteUrl:
        """Return the image, or where it is redirected to."""
        connection = self._connected(step, self._judged(step))
        # The connection gives it away to a response without a size.
        channel = connection.sock
        try:
            with self._cut_off(lambda: channel):
                found = self._exchanged(connection, step)
        except RemoteImageError:
            raise
        except Exception:
            # Whatever else: what is no HTTP, ends early, or was cut off.
            raise self._not_sent() from None
        finally:
            connection.close()
        # The end of a connection that was cut off looks like the end of an image.
        self._left()
        return found

    def _exchanged(self, connection: HTTPConnection, step: RemoteUrl) -> bytes | RemoteUrl:
        headers = {"Host": step.authority, **_HEADERS}
        # Otherwise urllib3 reads all that comes, and unpacks it.
        connection.request(
            "GET", step.target, headers=headers, preload_content=False, decode_content=False
        )
        with closing(connection.getresponse()) as response:
            if response.status in _REDIRECTING:
                return self._redirected(step, response.headers.get("Location", ""))
            return self._read(response)

    def failure(self, reason: str) -> RemoteImageError:
        return RemoteImageError(f"{printable(self._url[:200])}: {reason}")

    def _not_sent(self) -> RemoteImageError:
        self._left()
        return self.failure("its server did not send it")

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.failure(f"it did not come within {self._timeout:g} s")
        return left

    def _judged(self, step: RemoteUrl) -> list[Address]:
        """Return the addresses of a host, all of which may be connected to."""
        if step.address is not None:
            found = [step.address]
        else:
            found = [*map(ipaddress.ip_address, self._resolved(step))]
        # One that is allowed does not excuse another: a name can be given both.
        if not all(self._hosts.may_connect(step.host, address) for address in found):
            raise refusal(self._url)
        return found

    def _resolved(self, step: RemoteUrl) -> Sequence[str]:
        """Resolve in a thread, since nothing else limits the time that it takes."""
        answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(step.host, step.port))
            except (OSError, UnicodeError):
                answers.put(())

        threading.Thread(target=ask, daemon=True).start()
        try:
            found = answers.get(timeout=self._left())
        except queue.Empty:
            found = ()
        self._left()
        if not found:
            raise self.failure("its host is not known")
        return found

    def _connected(self, step: RemoteUrl, addresses: Sequence[Address]) -> HTTPConnection:
        for address in addresses:
            connection = self._connection(step, str(address))
            if self._connects(connection):
                return connection
        raise self.failure("its server cannot be reached")

    def _connects(self, connection: HTTPConnection) -> bool:
        try:
            with self._cut_off(lambda: connection.sock):
                connection.connect()
        except Exception:
            # Nobody there, or somebody who cannot prove to be the one.
            connection.close()
            self._left()
            return False
        return True

    def _connection(self, step: RemoteUrl, address: str) -> HTTPConnection:
        left = self._left()
        if step.scheme == "http":
            return HTTPConnection(address, step.port, timeout=left)
        return HTTPSConnection(
            address, step.port, timeout=left, ssl_context=self._context,
            cert_reqs="CERT_REQUIRED", server_hostname=step.host, assert_hostname=step.host,
        )  # fmt: skip

    @contextmanager
    def _cut_off(self, channel: Channel) -> Iterator[None]:
        """End what happens when the time is over, also for a server that sends byte after byte."""
        done = threading.Event()
        arguments = (channel, done, self._until)
        watch = threading.Thread(target=_end_when_late, args=arguments, daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()

    def _redirected(self, step: RemoteUrl, location: str) -> RemoteUrl:
        try:
            following = self._hosts.checked(urljoin(str(step), location))
        except (RemoteImageError, ValueError):
            raise refusal(self._url) from None
        if step.scheme == "https" and following.scheme != "https":
            raise refusal(self._url)
        return following

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        encoded = response.headers.get("Content-Encoding", "identity").strip().lower()
        if response.status != 200 or encoded not in ("", "identity"):
            raise self._not_sent()
        too_large = self.failure(f"it is larger than {self._max_bytes / 1e6:,.1f} megabytes")
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self._max_bytes:
            raise too_large
        data = bytearray()
        while block := response.read(_BLOCK, decode_content=False):
            data += block
            if len(data) > self._max_bytes:
                raise too_large
        if not data:
            raise self._not_sent()
        return bytes(data)


def _end_when_late(channel: Channel, done: threading.Event, until: float) -> None:
    """Shut a socket down at a time; again, should there be another one by then."""
    done.wait(max(0.0, until - time.monotonic()))
    while not done.wait(_GLANCE):
        connected = channel()
        if connected is not None:
            with suppress(OSError):
                # Not TLS's own, which would take the state away from the thread that reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
