"""All of the protection around one application."""

from __future__ import annotations

from starlette.types import ASGIApp

from cbir.web.security.authentication import Authentication
from cbir.web.security.body_limits import BodyLimits, LimitedBodies
from cbir.web.security.headers import StrictHeaders
from cbir.web.security.hosts import HostCheck, ServedHosts
from cbir.web.security.tokens import Tokens


def guarded(app: ASGIApp, hosts: ServedHosts, tokens: Tokens, bodies: BodyLimits) -> ASGIApp:
    """Return an application that is asked only what it may be asked.

    Parameters
    ----------
    app
        The application: as a whole, with the middlewares of its framework.
    hosts : ServedHosts
        That it answers for.
    tokens : Tokens
        That let users in.
    bodies : BodyLimits
        What a body may be like.
    """
    # From the inside out: nobody who is not let in gets to send a body, and no page of another site
    # gets to try tokens.
    return StrictHeaders(HostCheck(Authentication(LimitedBodies(app, bodies), tokens), hosts))
