"""``/login``: the form for the token, where one is needed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from cbir.web.rendering import render
from cbir.web.security.authentication import LOGIN, local_path, sender_of
from cbir.web.service import Service

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Query(alias="next", max_length=4096)]


@router.get(LOGIN)
async def form(service: Service, request: Request, wanted: Next = "/") -> Response:
    """Show the form, or go on if no token is needed."""
    if not service.tokens.needed:
        return RedirectResponse(local_path(wanted), 303)
    return render(request, "login", wanted=local_path(wanted), wrong=False)


@router.post(LOGIN)
async def log_in(
    service: Service,
    request: Request,
    token: Annotated[str, Form(max_length=4096)],
    wanted: Annotated[str, Form(alias="next", max_length=4096)] = "/",
) -> Response:
    """Let in who has the token."""
    if service.tokens.is_token(token.strip()):
        answer: Response = RedirectResponse(local_path(wanted), 303)
        answer.headers["Set-Cookie"] = service.tokens.session_cookie(request.url.scheme)
        return answer
    service.tokens.failed.note(sender_of(request.scope))
    in_time = await service.tokens.pause()
    page = render(request, "login", 401 if in_time else 429, wanted=local_path(wanted), wrong=True)
    if not in_time:
        page.headers["Retry-After"] = "5"
    return page


@router.post("/logout")
async def log_out(service: Service) -> Response:
    """Forget who was let in by this browser."""
    answer = RedirectResponse(LOGIN, 303)
    answer.headers["Set-Cookie"] = service.tokens.ended_cookie()
    return answer
