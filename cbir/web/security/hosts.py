"""Which site a request was meant for, and which one sent it.

A page of another site can make a browser send requests here, and a name of that site can be pointed
at this machine (DNS rebinding). Both tell on themselves: by the header ``Host``, which has the name
that the browser believes in, and by ``Origin`` and ``Sec-Fetch-Site``, which no script can change.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from cbir.core.errors import UsageError, printable
from cbir.core.messages import Parameter
from cbir.web.security.answers import answer, is_page, values_of

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_FOREIGN = (b"cross-site", b"same-site")
_PORTS = {"http": "80", "https": "443"}

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?")

BAD_HOST = "The request does not say properly which host it is meant for."
WRONG_HOST = "This server does not answer for the host that the request names."
FOREIGN = "Requests that other sites send are refused."


def is_loopback(address: str) -> bool:
    """Return whether an address is reached from this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("cat")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Authority:
    """Host and port, as in a header or an address; in lower case.

    Attributes
    ----------
    host : str
        A name or an address; one of IPv6 in brackets.
    port : str
        Empty: none was given.
    """

    host: str
    port: str

    @classmethod
    def parsed(cls, text: bytes) -> Authority | None:
        """Take a header apart; None if it is malformed.

        Examples
        --------
        >>> Authority.parsed(b"Localhost:8000")
        Authority(host='localhost', port='8000')
        >>> Authority.parsed(b"me@localhost")
        """
        found = _AUTHORITY.fullmatch(text.decode("latin-1").lower())
        if not found or int(found[2] or 1) not in range(1, 65536):
            return None
        return cls(found[1], found[2] or "")

    def on(self, scheme: str) -> Authority:
        """Return it without the port that the scheme implies."""
        return Authority(self.host, "" if self.port == _PORTS.get(scheme) else self.port)


class ServedHosts:
    """The hosts that a server answers for.

    Parameters
    ----------
    bound : str
        Name or address that the server was told to listen on.
    names : iterable of str, optional
        Further ones.

    Raises
    ------
    UsageError
        When one of `names` is not the name or the address of a host.

    Examples
    --------
    >>> hosts = ServedHosts("127.0.0.1", ["images.example.org"])
    >>> "localhost" in hosts, "images.example.org" in hosts, "evil.example" in hosts
    (True, True, False)
    """

    def __init__(self, bound: str, names: Iterable[str] = ()) -> None:
        self._names = frozenset(map(_named, names))
        self._hosts = _LOCAL | {_host(bound)} | self._names
        # Nobody else can point an address at this machine, as they can a name of their own.
        self._any_address = bound != "localhost" and not is_loopback(bound)

    def __contains__(self, host: object) -> bool:
        """Return whether a host, in lower case, is one of them."""
        return host in self._hosts or (self._any_address and _is_address(str(host)))

    def schemes(self, host: str, scheme: str) -> tuple[str, ...]:
        """Return by which schemes pages of a host are got, if requests come here by `scheme`.

        A proxy in front of the server, which passes on a name of its own, may speak https.
        """
        return (scheme, "https") if host in self._names else (scheme,)


class HostCheck:
    """Middleware that refuses requests meant for another host or sent by another site.

    A request of a page that was got by https is passed on as one by https, too: a proxy
    in front speaks that, and what it says in headers of its own anybody can say.

    Parameters
    ----------
    app
        The application behind it.
    hosts : ServedHosts
    """

    def __init__(self, app: ASGIApp, hosts: ServedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._app(self._as_sent(scope), receive, send)
        elif refused[0] == 405:
            allowed = (b"allow", ", ".join(sorted(_METHODS)).encode())
            await answer(scope, send, *refused, [allowed])
        else:
            await answer(scope, send, *refused)

    def _as_sent(self, scope: Scope) -> Scope:
        host = Authority.parsed(values_of(scope, b"host")[0])
        if host is None or "https" not in self._hosts.schemes(host.host, scope["scheme"]):
            return scope
        pages = values_of(scope, b"origin") or map(_origin, values_of(scope, b"referer"))
        if any(_is_own(page, "https", host) for page in pages):
            return {**scope, "scheme": "https"}
        return scope

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        given = values_of(scope, b"host")
        host = Authority.parsed(given[0]) if len(given) == 1 else None
        # A target with a host of its own is for proxies, and could name another host.
        if host is None or not scope.get("raw_path", b"/").startswith(b"/"):
            return 400, BAD_HOST
        if host.host not in self._hosts:
            return 421, WRONG_HOST
        if _is_foreign(scope, host, self._hosts.schemes(host.host, scope["scheme"])):
            return 403, FOREIGN
        if scope["method"] not in _METHODS:
            return 405, "This method is not served."
        return None


def _is_foreign(scope: Scope, host: Authority, schemes: Iterable[str]) -> bool:
    """Return whether a page of another site made the browser send this."""
    origins = values_of(scope, b"origin")
    if len(origins) > 1:
        return True
    if origins and not any(_is_own(origins[0], scheme, host) for scheme in schemes):
        return True
    sites = values_of(scope, b"sec-fetch-site")
    return any(site.lower() in _FOREIGN for site in sites) and not _follows_a_link(scope)


def _follows_a_link(scope: Scope) -> bool:
    return (
        scope["method"] in ("GET", "HEAD")
        and values_of(scope, b"sec-fetch-mode") == [b"navigate"]
        # Frames navigate, too.
        and values_of(scope, b"sec-fetch-dest") in ([], [b"document"])
        and is_page(scope["path"])
    )


def _origin(address: bytes) -> bytes:
    return b"/".join(address.split(b"/")[:3])


def _is_own(origin: bytes, scheme: str, host: Authority) -> bool:
    prefix = f"{scheme}://".encode()
    sender = Authority.parsed(origin[len(prefix) :]) if origin.startswith(prefix) else None
    return sender is not None and sender.on(scheme) == host.on(scheme)


def _named(name: str) -> str:
    host = _host(name)
    if not (_is_address(host) or (len(host) <= 253 and _NAME.fullmatch(host))):
        raise UsageError(
            f"{printable(name)} is not the name of a host; give ", Parameter("allowed_hosts", ...),
            " as browsers show them, without scheme and port, for instance images.example.org",
        )  # fmt: skip
    return host


def _host(text: str) -> str:
    """Return a name or an address as it stands in a header."""
    bare = text.lower().removeprefix("[").removesuffix("]")
    return f"[{bare}]" if ":" in bare else bare


def _is_address(host: str) -> bool:
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        version = ipaddress.ip_address(host[1:-1] if bracketed else host).version
    except ValueError:
        return False
    return version == (6 if bracketed else 4)
