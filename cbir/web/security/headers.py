"""What every response tells the browser to be strict about."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbir.web.security.answers import CLOSING, answer

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline, nothing from elsewhere, nothing framed."""

_UNUSED = (
    "accelerometer", "autoplay", "browsing-topics", "display-capture",
    "encrypted-media", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts",
    "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: with that, browsers send "Origin: null" even to the page's own server.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", f"camera=(self), {'=(), '.join(_UNUSED)}=()".encode()),
)
"""On every response, whoever gives it."""

_UNCACHED = (b"cache-control", b"no-store")
_OURS = frozenset({b"server", *(name for name, _ in SECURITY_HEADERS)})
_CONTENT_POLICY_NAME = b"content-security-policy"


def strict(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response with those of security.

    A policy for content that is there stays beside ours, since browsers obey both. Nothing is
    cached unless the response says how, and nothing is shared with other sites.
    """
    kept = [(name.lower(), value) for name, value in headers]
    kept = [
        (name, value)
        for name, value in kept
        if name == _CONTENT_POLICY_NAME
        or not (name in _OURS or name.startswith(b"access-control-"))
    ]
    cached = any(name == b"cache-control" for name, _ in kept)
    return [*kept, *SECURITY_HEADERS, *(() if cached else (_UNCACHED,))]


class StrictHeaders:
    """Middleware that adds the headers of security to every response.

    It stands outside of all others. An error that nobody handled is answered here, and raised again
    for the server to log.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and make the response strict."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_strict(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": strict(list(message.get("headers", ())))}
            await send(message)

        try:
            await self._app(scope, receive, send_strict)
        except Exception:
            if not started:
                await answer(
                    scope, send_strict, 500, "The server failed; its log says why.", [CLOSING]
                )
            raise
