"""How large the body of a request may be, and how slowly it may come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbir.web.security.answers import CLOSING, answer, values_of

_DISCONNECT: Message = {"type": "http.disconnect"}
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be like.

    Attributes
    ----------
    size : int
        Bytes.
    seconds : float
        That may be waited for the whole of it.
    rate : float
        Bytes a second that come at least, after the first few seconds.
    patience : float
        These seconds.
    """

    size: int
    seconds: float = 120.0
    rate: float = 16_384.0
    patience: float = 5.0

    def waited_at_most(self, received: int) -> float:
        """Return for how many seconds the next part of a body may be waited for, in all."""
        return min(self.seconds, self.patience + received / self.rate)


class LimitedBodies:
    """Middleware that refuses bodies: too large (413), too slow (408) or badly framed (400).

    A request is answered at once, whatever the application does. Only time in which the application
    waits for the sender counts.

    Parameters
    ----------
    app
        The application behind it.
    limits : BodyLimits
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on, with a body that ends early where it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refusal_by_headers(scope, self._limits.size)
        if refused is not None:
            await answer(scope, send, *refused, [CLOSING])
            return
        body = _Body(self._limits, scope, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            # What fails for want of a body is not an error of the application.
            if not body.broken_off:
                raise


class _Body:
    """The body of one request while it is read."""

    def __init__(self, limits: BodyLimits, scope: Scope, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received = 0
        self._waited = 0.0
        self._complete = False
        self._answered = False
        self._refused = False
        self.broken_off = False

    async def receive(self) -> Message:
        if self.broken_off:
            return _DISCONNECT
        if self._complete:
            return await self._receive()
        began = time.monotonic()
        left = self._limits.waited_at_most(self._received) - self._waited
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            return await self._break_off(408, "The body of the request came too slowly.")
        self._waited += time.monotonic() - began
        self._received += len(message.get("body", b""))
        if self._received > self._limits.size:
            return await self._break_off(413, _too_large(self._limits.size))
        self.broken_off = message["type"] == "http.disconnect"
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send what the application answers, unless its request has been refused."""
        if not self._refused:
            self._answered = True
            await self._send(message)

    async def _break_off(self, status: int, reason: str) -> Message:
        self.broken_off = True
        if not self._answered:
            self._refused = True
            await answer(self._scope, self._send, status, reason, [CLOSING])
        return _DISCONNECT


def _refusal_by_headers(scope: Scope, most: int) -> tuple[int, str] | None:
    lengths = values_of(scope, b"content-length")
    codings = values_of(scope, b"transfer-encoding")
    # Two who read the same bytes could take them for different requests.
    if len(lengths) + len(codings) > 1 or not all(map(_is_length, lengths)):
        return 400, "The request does not say properly how long its body is."
    if lengths and int(lengths[0]) > most:
        return 413, _too_large(most)
    return None


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= _DIGITS


def _too_large(most: int) -> str:
    return f"The body of the request is larger than {most / 1e6:,.1f} megabytes."
