"""The hosts of other sites that images may be fetched from, and the URLs that name them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Parameter
from cbir.web.security.remote_addresses import Address, is_public

_PORTS = {"http": 80, "https": 443}
_LONGEST = 4096
_PARAMETER = "url_hosts"
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_PORT = re.compile(r":([0-9]{1,5})$")
_UNESCAPED = "/?&=%:@!$'()*+,;~-._"

NOT_ALLOWED = "it is not an address from which images may be fetched; "
"""What is said of every address that is refused, whatever was found behind it."""


class RemoteImageError(CbirError):
    """An image that was not fetched from another site; the message says why, and nothing of it."""


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A URL that is allowed, taken apart.

    Attributes
    ----------
    scheme : str
    host : str
        A name in ASCII, or an address without brackets; in lower case.
    port : int
    target : str
        Path and query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as in the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The address that stands in place of a name."""
        return _address(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


class RemoteHosts:
    """The hosts that somebody allowed by name.

    Parameters
    ----------
    names : iterable of str
        A name allows this host, ``*.example.org`` all below it, ``localhost`` and an address just
        these, also where they are private; ``:8080`` after any of them that port in place of the
        usual ones. A name that leads to a private address needs this address beside it.

    Raises
    ------
    UsageError
        When one of them is none of that.

    Examples
    --------
    >>> hosts = RemoteHosts(["images.example.org", "*.example.com:8080"])
    >>> str(hosts.checked("http://Images.Example.org/a b.jpg#top"))
    'http://images.example.org/a%20b.jpg'
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._allowed = frozenset(map(_allowed, names))

    def __bool__(self) -> bool:
        """Return whether any are."""
        return bool(self._allowed)

    def checked(self, url: str) -> RemoteUrl:
        """Return a URL taken apart, if its host is one of these.

        Raises
        ------
        RemoteImageError
            When it is not, or the URL is not one that names a host plainly.
        """
        parsed = _parsed(url)
        if parsed is None or not self._allow(parsed):
            raise refusal(url)
        return parsed

    def may_connect(self, host: str, address: Address) -> bool:
        """Return whether a host that is allowed may be reached at an address."""
        if is_public(address) or self._names(str(address)):
            return True
        return host == "localhost" and address.is_loopback

    def _allow(self, url: RemoteUrl) -> bool:
        port = None if url.port == _PORTS[url.scheme] else url.port
        ports = (port, url.port)
        if url.address is not None:
            return any((url.host, one) in self._allowed for one in ports)
        labels = url.host.split(".")
        wildcards = ("*." + ".".join(labels[start:]) for start in range(1, len(labels)))
        return any((name, one) in self._allowed for name in (url.host, *wildcards) for one in ports)

    def _names(self, host: str) -> bool:
        return any(name == host for name, _ in self._allowed)


def refusal(url: str) -> RemoteImageError:
    """Return the error for a URL that is not allowed."""
    remedy = (
        "name its host, as host:port where that is not the usual port, and its address if that"
        " is private, in ",
        Parameter(_PARAMETER),
    )
    return RemoteImageError(f"{printable(url[:200])}: {NOT_ALLOWED}", *remedy)


def _parsed(url: str) -> RemoteUrl | None:
    # Programs disagree on what these mean; nobody needs them.
    if len(url) > _LONGEST or "\\" in url or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, netloc = parts.scheme.lower(), parts.netloc
    if scheme not in _PORTS or "@" in netloc or port == 0 or url.lstrip() != url:
        return None
    host = _host(netloc if port is None else netloc.rpartition(":")[0])
    if host is None:
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return RemoteUrl(scheme, host, port or _PORTS[scheme], quote(target, safe=_UNESCAPED))


def _allowed(text: str) -> tuple[str, int | None]:
    found = _PORT.search(text) if text.count(":") == 1 or "]:" in text else None
    port = int(found[1]) if found else None
    bare = text[: found.start()] if found else text
    bare = f"[{bare}]" if bare.count(":") > 1 and not bare.startswith("[") else bare
    wildcard = bare.startswith("*.")
    host = _host(bare.removeprefix("*."))
    named_widely = wildcard and (host is None or _address(host) is not None or "." not in host)
    if host is None or named_widely or port not in (None, *range(1, 65536)):
        raise UsageError(
            f"{printable(text)} is not a host; give ", Parameter(_PARAMETER, ...),
            " as names or addresses, such as images.example.org, *.example.org or "
            "images.example.org:8080",
        )  # fmt: skip
    return f"*.{host}" if wildcard else host, port


def _host(text: str) -> str | None:
    """Return a name in ASCII or an address in its usual form; None if it is neither plainly."""
    if text.startswith("[") and text.endswith("]"):
        address = _address(text[1:-1])
        return str(address) if address is not None and ":" in text else None
    try:
        # The final dot means the root of all names, which is there anyway.
        name = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    if len(name) > 253 or not _NAME.fullmatch(name):
        return None
    # Resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for addresses, too.
    if _NUMBER.fullmatch(name.rpartition(".")[2]) and _address(name) is None:
        return None
    return name


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id else address
