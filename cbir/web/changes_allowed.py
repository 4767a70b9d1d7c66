"""Who may change something: only where the server allows it, and with the token for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute

from cbir.core.errors import CbirError
from cbir.web.security.answers import is_page
from cbir.web.service import Service, ServiceState, service_of

CHANGE_HEADER = "X-CBIR-Token"
"""The header that carries the token for changes."""

CHANGE_FIELD = "change_token"
"""The field of a form that does."""

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class StaleFormError(CbirError):
    """A form was made by a server that was started before this one."""


class ChangingRoute(APIRoute):
    """A route which, if it changes something, asks whether it may before it reads the body.

    Only to pages, whose forms bring the token as a field, it matters what the body says.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers requests."""
        handler = super().get_route_handler()
        if ChangesAllowed not in self.dependencies:
            return handler

        async def checked(request: Request) -> Response:
            _check_head(await service_of(request), request)
            return await handler(request)

        return checked


def _check_head(service: ServiceState, request: Request) -> None:
    """Refuse a request by its headers, unless its form may have the token."""
    if not service.settings.allow_changes:
        raise HTTPException(403, "this server does not allow changes; start it so that it does")
    given = request.headers.get(CHANGE_HEADER)
    if given is None and _may_be_form_of_page(request):
        return
    if not service.tokens.may_change(given):
        raise _refusal()


async def _check(service: Service, request: Request) -> None:
    _check_head(service, request)
    if CHANGE_HEADER in request.headers:
        return
    field = (await request.form()).get(CHANGE_FIELD)
    if not (field and isinstance(field, str)):
        raise _refusal()
    if not service.tokens.may_change(field):
        raise StaleFormError("the server was started anew; load the page again and repeat it")


def _may_be_form_of_page(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return is_page(request.url.path) and kind.startswith(_FORMS)


def _refusal() -> HTTPException:
    return HTTPException(
        403, f"changes need the token for them, as the header {CHANGE_HEADER}; see /api/info"
    )


ChangesAllowed = Depends(_check)
"""The dependency of a route that changes something, on a router of :class:`ChangingRoute`."""
