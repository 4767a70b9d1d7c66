"""Let in those who bring the token, and lead the others to the form for it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from cbir.web.security.answers import answer, is_below, is_page, values_of
from cbir.web.security.tokens import Tokens

LOGIN = "/login"
"""Where the form for the token is."""

_OPEN = ("/healthz", LOGIN)
_OPEN_FOLDERS = ("/static",)
_LONGEST = 4096
_HOW = "; programs send it as the header Authorization: Bearer TOKEN"
_CHALLENGE = (b"www-authenticate", b'Bearer realm="cbir"')
_RELOADING = b"""<!doctype html>
<html lang="en">
<meta http-equiv="refresh" content="0">
<title>cbir</title>
<p>One moment. <a href="">Go on</a></p>
</html>
"""
_UNESCAPED = "/?&=%:@!$'()*+,;~-._"


def local_path(text: str) -> str:
    r"""Return where to go after logging in; the first page, if that is not a path of this server.

    Examples
    --------
    >>> local_path("/search?descriptor=hsv"), local_path("//evil.example"), local_path(r"/\evil")
    ('/search?descriptor=hsv', '/', '/')
    """
    sound = (
        text.startswith("/")
        and not text.startswith("//")
        # Browsers take backslashes for slashes, and leave out tabs and line ends.
        and "\\" not in text
        and text.isprintable()
        and len(text) <= _LONGEST
    )
    if not sound or is_below(text.partition("?")[0], LOGIN):
        return "/"
    return quote(text, safe=_UNESCAPED)


class Authentication:
    """Middleware that lets nobody in without the token or the cookie of a session.

    Programs get 401, people are sent to the form. The form, what it is made of, and whether the
    server is well, are open to all.

    Parameters
    ----------
    app
        The application behind it.
    tokens : Tokens
        If these are not needed, everybody is let in.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if scope["type"] != "http" or self._is_let_in(scope):
            await self._app(scope, receive, send)
        elif values_of(scope, b"authorization"):
            await self._refuse_wrong(scope, send)
        elif not is_page(scope["path"]):
            await answer(scope, send, 401, f"The token is needed{_HOW}.", [_CHALLENGE])
        elif _follows_a_link_of_another_site(scope):
            await _reload(send)
        else:
            await _send_to_login(scope, send)

    def _is_let_in(self, scope: Scope) -> bool:
        if not self._tokens.needed or is_open(scope["path"]):
            return True
        given = values_of(scope, b"authorization")
        if len(given) == 1 and self._tokens.is_bearer(given[0]):
            return True
        return any(map(self._tokens.has_session, values_of(scope, b"cookie")))

    async def _refuse_wrong(self, scope: Scope, send: Send) -> None:
        self._tokens.failed.note(sender_of(scope))
        if await self._tokens.pause():
            await answer(scope, send, 401, f"The token is wrong{_HOW}.", [_CHALLENGE])
        else:
            retry = (b"retry-after", b"5")
            await answer(scope, send, 429, "Too many wrong tokens; try again later.", [retry])


def sender_of(scope: Scope) -> str:
    """Return the address that a request came from."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else "this machine"


def is_open(path: str) -> bool:
    """Return whether a path is answered also to those who were not let in."""
    below = any(is_below(path, folder) for folder in _OPEN_FOLDERS)
    return path in _OPEN or (below and ".." not in path.split("/"))


def _follows_a_link_of_another_site(scope: Scope) -> bool:
    sites = values_of(scope, b"sec-fetch-site")
    return scope["method"] == "GET" and sites in ([b"cross-site"], [b"same-site"])


async def _reload(send: Send) -> None:
    """Let the browser ask again, by itself: it keeps the cookie back when another site sends it."""
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(_RELOADING)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _RELOADING})


async def _send_to_login(scope: Scope, send: Send) -> None:
    target = LOGIN
    if scope["method"] in ("GET", "HEAD"):
        query = scope["query_string"]
        asked = scope["raw_path"] + (b"?" + query if query else b"")
        wanted = local_path(asked.decode("latin-1"))
        target += f"?next={quote(wanted, safe='')}"
    await answer(scope, send, 303, "Log in first.", [(b"location", target.encode("latin-1"))])
