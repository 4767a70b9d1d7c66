"""Who may change something: only where the server allows it, and with the token for it."""

from __future__ import annotations

from fastapi import Depends, HTTPException, Request

from cbir.web.service import Service

CHANGE_HEADER = "X-CBIR-Token"
"""The header that carries the token for changes."""

CHANGE_FIELD = "change_token"
"""The field of a form that does."""


async def _check(service: Service, request: Request) -> None:
    if not service.settings.allow_changes:
        raise HTTPException(403, "this server does not allow changes; start it so that it does")
    given = request.headers.get(CHANGE_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(
        ("multipart/form-data", "application/x-www-form-urlencoded")
    ):
        field = (await request.form()).get(CHANGE_FIELD)
        given = field if isinstance(field, str) else None
    if not service.tokens.may_change(given):
        raise HTTPException(
            403, f"changes need the token for them, as the header {CHANGE_HEADER}; see /api/info"
        )


ChangesAllowed = Depends(_check)
"""The dependency of a route that changes something."""
