"""How large the bodies of requests may be, each and together, and how slowly they may come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbir.web.security.answers import CLOSING, Headers, answer, values_of
from cbir.web.security.body_kinds import BodyKind, body_kind

_DISCONNECT: Message = {"type": "http.disconnect"}
_DIGITS = 20
_KILOBYTE = 1 << 10
_LEAST_TOGETHER = 256 << 20
_URLENCODED = b"application/x-www-form-urlencoded"
_FULL = (429, "Too much is sent at once; try again later.", [(b"retry-after", b"2"), CLOSING])

Refusal = tuple[int, str, Headers]
"""The status of an answer, its reason, and its headers."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be like.

    Attributes
    ----------
    size : int
        Bytes of one that may bring images.
    fields : int
        Bytes of any other.
    token : int
        Bytes of the form for the token, which is open to all.
    together : int
        Bytes of all that are held at a time, in memory or in files; 0: eight of `size`, and 256
        megabytes at least.
    seconds : float
        That may be waited for the whole of one.
    rate : float
        Bytes a second that come at least, after the first few seconds.
    patience : float
        These seconds.
    """

    size: int
    fields: int = 256 * _KILOBYTE
    token: int = 16 * _KILOBYTE
    together: int = 0
    seconds: float = 120.0
    rate: float = 16_384.0
    patience: float = 5.0

    def waited_at_most(self, received: int) -> float:
        """Return for how many seconds the next part of a body may be waited for, in all."""
        return min(self.seconds, self.patience + received / self.rate)

    def size_of(self, kind: BodyKind) -> int:
        """Return how many bytes a body of some kind may have."""
        sizes = {BodyKind.FIELDS: self.fields, BodyKind.TOKEN: self.token}
        return min(self.size, sizes.get(kind, self.size))

    @property
    def most_together(self) -> int:
        """Bytes of all bodies that are held at a time."""
        return self.together or max(8 * self.size, _LEAST_TOGETHER)


class LimitedBodies:
    """Middleware that refuses bodies.

    Those that are too large (413), too slow (408), badly framed (400) or of a kind that is not
    taken (415), and those for which there is no room beside the others (429). A request is answered
    at once, whatever the application does. Only time in which the application waits for the sender
    counts.

    Parameters
    ----------
    app
        The application behind it.
    limits : BodyLimits
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits
        self._room = _Room(limits.most_together)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on, with a body that ends early where it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind = body_kind(scope["method"], scope["path"])
        size = self._limits.size_of(kind)
        refused = _refusal_by_headers(scope, kind, size, self._room)
        if refused is not None:
            await answer(scope, send, *refused)
            return
        body = _Body(self._limits, size, self._room, scope, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            # What fails for want of a body is not an error of the application.
            if not body.broken_off:
                raise
        finally:
            body.forget()


class _Room:
    """The room for all bodies that are held at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def has(self, size: int) -> bool:
        return self._taken + size <= self._most

    def take(self, size: int) -> None:
        self._taken += size


class _Body:
    """The body of one request, from its reading to the end of the request."""

    def __init__(
        self,
        limits: BodyLimits,
        size: int,
        room: _Room,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._limits = limits
        self._size = size
        self._room = room
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
            reason = "The body of the request came too slowly."
            return await self._break_off((408, reason, [CLOSING]))
        self._waited += time.monotonic() - began
        part = len(message.get("body", b""))
        if self._received + part > self._size:
            return await self._break_off(_too_large(self._size))
        if not self._room.has(part):
            return await self._break_off(_FULL)
        self._received += part
        self._room.take(part)
        self.broken_off = message["type"] == "http.disconnect"
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send what the application answers, unless its request has been refused."""
        if not self._refused:
            self._answered = True
            await self._send(message)

    def forget(self) -> None:
        """Give its room to others."""
        self._room.take(-self._received)

    async def _break_off(self, refused: Refusal) -> Message:
        self.broken_off = True
        if not self._answered:
            self._refused = True
            await answer(self._scope, self._send, *refused)
        return _DISCONNECT


def _refusal_by_headers(scope: Scope, kind: BodyKind, size: int, room: _Room) -> Refusal | None:
    lengths = values_of(scope, b"content-length")
    codings = values_of(scope, b"transfer-encoding")
    # Two who read the same bytes could take them for different requests.
    if len(lengths) + len(codings) > 1 or not all(map(_is_length, lengths)):
        return 400, "The request does not say properly how long its body is.", [CLOSING]
    length = int(lengths[0]) if lengths else 0
    if length > size:
        return _too_large(size)
    if kind is BodyKind.TOKEN and (length or codings) and not _is_urlencoded(scope):
        return 415, "The token is sent by a plain form.", [CLOSING]
    # Nobody begins what has no room; but what only was announced takes none from others.
    if not room.has(length):
        return _FULL
    return None


def _is_urlencoded(scope: Scope) -> bool:
    kinds = values_of(scope, b"content-type")
    return [kind.partition(b";")[0].strip().lower() for kind in kinds] == [_URLENCODED]


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= _DIGITS


def _too_large(most: int) -> Refusal:
    amount = f"{most / 1e6:,.1f} megabytes" if most >= 100_000 else f"{most / 1e3:,.0f} kilobytes"
    return 413, f"The body of the request is larger than {amount}.", [CLOSING]
