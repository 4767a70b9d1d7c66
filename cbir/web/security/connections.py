"""Connections that can be held open only by those who do something with them.

uvicorn reads what comes for as long as it comes. :class:`GuardedConnection` adds what it lacks: a
time for the head of a request and for reading an answer, a limit of open connections, and an end to
those whose answer was given before their request was complete.
"""

from __future__ import annotations

import asyncio
import http
from dataclasses import dataclass
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cbir.web.security.answers import CLOSING
from cbir.web.security.headers import strict

HEAD_BYTES = 65_536
"""Size of a request line with its headers."""

_PIECE = 8_192
_DRAINED = 16_384
"""Bytes of an answer that its reader takes between two looks at it."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may cost.

    Attributes
    ----------
    open_at_once : int
        Connections; further ones are told to come back.
    head_seconds : float
        From the opening of a connection, or from the last answer, to the end of the next head.
    idle_seconds : int
        That a connection is kept for a next request that does not begin.
    reader_seconds : float
        In which something of a waiting answer has to be read.
    farewell_seconds : float
        That somebody who still sends has to read why he should not.
    """

    open_at_once: int = 512
    head_seconds: float = 10.0
    idle_seconds: int = 10
    reader_seconds: float = 30.0
    farewell_seconds: float = 3.0


class GuardedConnection(H11Protocol):
    """One connection of uvicorn, with limits; made by :func:`guarded_connections`."""

    limits = ConnectionLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._plain: asyncio.Transport | None = None
        self._leaving = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._farewell_timer: asyncio.TimerHandle | None = None
        self._was_drained = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, unless there are too many connections."""
        if len(self.connections) >= self.limits.open_at_once:
            transport.write(_plain_answer(503, "There are too many connections; try again later."))
            transport.close()
            return
        self._plain = transport
        super().connection_made(cast(asyncio.Transport, _Leaving(transport, self)))
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all that was waited for."""
        for timer in (self._head_timer, self._reader_timer, self._farewell_timer):
            if timer is not None:
                timer.cancel()
        if self._plain is not None:
            self._leaving = True
            self._unset_keepalive_if_required()
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, in pieces: h11 looks only at the size of an incomplete head."""
        if self._plain is None:
            return
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return  # whoever is told to leave may go on, but is not listened to
            super().data_received(data[start : start + _PIECE])
        self._watch_head()

    def on_response_complete(self) -> None:
        """Wait for the next head, or leave if the rest of this request would have to be read."""
        if self.conn.their_state is h11.SEND_BODY:
            self.leave()
        super().on_response_complete()
        self._watch_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, if it is not too late for an answer."""
        self._refuse(400, msg)

    def shutdown(self) -> None:
        """Leave as soon as what runs is done."""
        if not self.transport.is_closing():
            super().shutdown()

    def pause_writing(self) -> None:
        """Give the reader of the answer some time."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Note that something was read."""
        self._was_drained = True
        super().resume_writing()

    def leave(self) -> None:
        """Close the connection, so that the answer arrives even where the other side still sends.

        Closing at once would reset such a connection, and the answer with it.
        """
        if self._leaving or self._plain is None:
            return
        self._leaving = True
        still_sends = self.conn.their_state in (h11.SEND_BODY, h11.ERROR)
        if still_sends and not self._plain.is_closing():
            seconds = self.limits.farewell_seconds
            self._farewell_timer = self.loop.call_later(seconds, self._plain.abort)
            self._plain.write_eof()
            self.flow.resume_reading()
        else:
            self._plain.close()
            self._watch_reader()

    def _watch_head(self) -> None:
        waits = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if waits and self._head_timer is None:
            seconds = self.limits.head_seconds
            self._head_timer = self.loop.call_later(seconds, self._give_up_head)
        elif not waits and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self.conn.trailing_data[0]:
            self._refuse(408, "The head of the request came too slowly.")
        else:
            self.leave()

    def _refuse(self, status: int, reason: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            # The application must not answer, too.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_plain_answer(status, reason))
        self.leave()

    def _watch_reader(self) -> None:
        if self._reader_timer is None and self._plain is not None:
            waiting = self._plain.get_write_buffer_size()
            self._was_drained = False
            seconds = self.limits.reader_seconds
            self._reader_timer = self.loop.call_later(seconds, self._judge_reader, waiting)

    def _judge_reader(self, before: int) -> None:
        self._reader_timer = None
        assert self._plain is not None
        waiting = self._plain.get_write_buffer_size()
        if not self._was_drained and before - waiting < min(before, _DRAINED):
            self._plain.abort()
        elif waiting or self._leaving:
            self._watch_reader()


class _Leaving:
    """A transport that is closed in the connection's own way."""

    def __init__(self, transport: asyncio.Transport, connection: GuardedConnection) -> None:
        self._transport = transport
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._connection.leave()

    def is_closing(self) -> bool:
        return self._connection._leaving or self._transport.is_closing()


def guarded_connections(chosen: ConnectionLimits) -> type[GuardedConnection]:
    """Return the class of connections that uvicorn is to make, with limits of one's own."""

    class Limited(GuardedConnection):
        limits = chosen

    return Limited


def _plain_answer(status: int, reason: str) -> bytes:
    """Return a whole answer, for those whose request never reaches the application."""
    body = f"{reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        CLOSING,
    ]
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"5"))
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in strict(headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
