"""The socket that a server listens on: bound before anything slow begins."""

from __future__ import annotations

import errno
import socket

from cbir.core.errors import CbirError, UsageError, printable, reason_of
from cbir.core.messages import Parameter

BACKLOG = 256
"""Connections that wait to be accepted."""

_PORTS = range(65536)
_BUFFER = 262_144


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; connections wait until :func:`cbir.web.server.run` takes them.

    Parameters
    ----------
    host : str
        A name or an address of this machine, of IPv6 with or without brackets; ``0.0.0.0`` and
        ``::`` are all addresses.
    port : int
        0: any that is free.

    Raises
    ------
    UsageError
        When there is no such port or host.
    CbirError
        When the port is in use or may not be used.

    Examples
    --------
    >>> with listen("127.0.0.1", 0) as listener:
    ...     url_of(listener).startswith("http://127.0.0.1:")
    True
    """
    if port not in _PORTS:
        raise UsageError(f"there is no port {port}; give ", Parameter("port"), " from 0 to 65535")
    family, address = _resolved(host, port)
    # With the protocol named, asyncio sends the parts of a response without delay.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Connections of a server that ended a moment ago do not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        # Otherwise the system lends each connection some megabytes, which many idle ones can hold,
        # and in which it does not show whether an answer is read.
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            listener.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER)
        listener.bind(address)
        # Already here: two sockets that are bound, but do not listen, can share a port.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _why_not(error, host, port) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of the first page, as it can be opened on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _resolved(host: str, port: int) -> tuple[int, tuple[str, int]]:
    bare = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        found = []
    if not (bare and found):
        raise UsageError(
            f"{printable(host) or 'an empty name'} is not a host; give ", Parameter("host"),
            " as a name or an address of this machine, such as 127.0.0.1",
        )  # fmt: skip
    # A name such as localhost may have both; what people type is the older one.
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address  # type: ignore[return-value]


def _why_not(error: OSError, host: str, port: int) -> CbirError:
    name = printable(host)
    if error.errno == errno.EADDRINUSE:
        other = ("; end what uses it, or give another ", Parameter("port"), ", 0 for any free one")
        return CbirError(f"port {port} of {name} is in use", *other)
    if error.errno == errno.EADDRNOTAVAIL:
        return CbirError(
            f"{name} is not an address of this machine; give another ", Parameter("host")
        )
    if error.errno == errno.EACCES:
        other = ("; give a ", Parameter("port"), " of 1024 or more")
        return CbirError(f"port {port} is for the administrator only", *other)
    return CbirError(f"cannot listen on port {port} of {name}: {reason_of(error)}")
