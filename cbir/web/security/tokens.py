"""Who may use a server, and who may change something.

The *token* is a secret that the owner of the server gives to people and programs. The *change
token* is another one, new with each start, which only pages of this server know: a request that
changes something brings it along, so that no other site can send such a request.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from hashlib import sha256

from cbir.web.security.failed_logins import FailedLogins

_PAUSE = 0.25
"""Seconds between two answers to wrong tokens."""

_WAITING = 32
"""Wrong tokens that wait for their answer; more are told to come back."""

_SCHEME = b"bearer "


class Tokens:
    """The secrets of one run of a server.

    Parameters
    ----------
    token : bytes, optional
        That users bring; None: everybody is let in.
    cookie : str, optional
        Name of the cookie for those who logged in. Servers on other ports of the same host get it,
        too, and should have another name for theirs.

    Attributes
    ----------
    change_token : str
        Which requests that change something have to bring.
    failed : FailedLogins
        Is to be told of each wrong token.

    Examples
    --------
    >>> tokens = Tokens(b"correct horse battery")
    >>> tokens.is_token("correct horse battery"), tokens.is_token("wrong")
    (True, False)
    >>> tokens.is_session(tokens.session), tokens.is_session("correct horse battery")
    (True, False)
    >>> tokens.may_change(tokens.change_token), tokens.may_change(None)
    (True, False)
    """

    def __init__(self, token: bytes | None, cookie: str = "cbir_session") -> None:
        self._token = token
        self._secret = secrets.token_bytes(32)
        self._failing = asyncio.Lock()
        self._waiting = 0
        self.failed = FailedLogins()
        self.cookie = cookie
        self.change_token = secrets.token_urlsafe(32)

    @property
    def needed(self) -> bool:
        """Whether users have to bring the token."""
        return self._token is not None

    @property
    def session(self) -> str:
        """What the cookie of somebody who logged in holds; worthless after a restart."""
        return hmac.new(self._secret, self._token or b"", sha256).hexdigest()

    def is_token(self, given: str | bytes) -> bool:
        """Return whether it is the token; takes equally long for all wrong ones."""
        return self._token is not None and _equal(given, self._token)

    def is_bearer(self, header: bytes) -> bool:
        """Return whether the value of a header ``Authorization`` has the token."""
        scheme = header[: len(_SCHEME)].lower()
        return scheme == _SCHEME and self.is_token(header[len(_SCHEME) :].strip(b" "))

    def is_session(self, given: str | bytes) -> bool:
        """Return whether it is what the cookie of somebody who logged in holds."""
        return _equal(given, self.session.encode())

    def has_session(self, header: bytes) -> bool:
        """Return whether the value of a header ``Cookie`` has such a cookie."""
        name = self.cookie.encode()
        pairs = (pair.strip(b" ").partition(b"=") for pair in header.split(b";"))
        # Another server of this host may have set one of the same name.
        return any(self.is_session(value) for one, _, value in pairs if one == name)

    def session_cookie(self, scheme: str) -> str:
        """Return the header ``Set-Cookie`` for somebody who logs in.

        Parameters
        ----------
        scheme : str
            By which the request came: with https, the cookie is never sent without encryption.
        """
        secure = "; Secure" if scheme == "https" else ""
        return f"{self.cookie}={self.session}; HttpOnly; SameSite=Strict; Path=/{secure}"

    def ended_cookie(self) -> str:
        """Return the header ``Set-Cookie`` for somebody who logs out."""
        return f"{self.cookie}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"

    def may_change(self, given: str | bytes | None) -> bool:
        """Return whether a request that brought this may change something."""
        return given is not None and _equal(given, self.change_token.encode())

    async def pause(self) -> bool:
        """Wait, before a wrong token is answered.

        All wrong ones wait in one line, so that guessing does not get faster by many connections.
        Right ones never wait.

        Returns
        -------
        bool
            False when the line was too long to wait in it.
        """
        if self._waiting >= _WAITING:
            return False
        self._waiting += 1
        try:
            async with self._failing:
                await asyncio.sleep(_PAUSE)
        finally:
            self._waiting -= 1
        return True


def _equal(given: str | bytes, secret: bytes) -> bool:
    data = given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(data, secret)
