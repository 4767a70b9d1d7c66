"""The application: its routes, and with what guards them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbir.core.version import __version__
from cbir.web import problems
from cbir.web.api import (
    about,
    changes,
    duplicates,
    evaluations,
    explanation,
    images,
    jobs,
    search,
)
from cbir.web.dataset_changes import go_on
from cbir.web.head_requests import HeadRequests
from cbir.web.openapi import DescribedApp
from cbir.web.pages import about as about_page
from cbir.web.pages import add, downloads, evaluation, gallery, image, login, matching, queries
from cbir.web.pages import changes as changes_page
from cbir.web.pages import duplicates as duplicates_page
from cbir.web.pages import jobs as jobs_page
from cbir.web.pages import search as search_page
from cbir.web.pages.assets import add_assets
from cbir.web.security.body_limits import BodyLimits
from cbir.web.security.guard import guarded
from cbir.web.security.hosts import ServedHosts
from cbir.web.security.tokens import Tokens
from cbir.web.service import ServiceState
from cbir.web.settings import WebSettings


class WebApp:
    """The application that serves an index, as :func:`create_app` returns it: of ASGI.

    Attributes
    ----------
    service : ServiceState
        What all its routes share.
    """

    def __init__(self, guarded_app: ASGIApp, service: ServiceState) -> None:
        self._app = guarded_app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        await self._app(scope, receive, send)


def create_app(
    settings: WebSettings,
    tokens: Tokens,
    hosts: ServedHosts | None = None,
    bodies: BodyLimits | None = None,
) -> WebApp:
    """Return the application that serves an index, with all that protects it.

    Parameters
    ----------
    settings : WebSettings
    tokens : Tokens
        Who may use it, and who may change something.
    hosts : ServedHosts, optional
        Those that it answers for; only this machine unless told. Requests meant for other hosts,
        and those that pages of other sites send, are refused.
    bodies : BodyLimits, optional
        Those of `settings` unless told.

    Raises
    ------
    CbirError
        When the index cannot be opened.
    """
    app = unguarded_app(settings, tokens)
    whole = guarded(
        app,
        hosts or ServedHosts("127.0.0.1"),
        tokens,
        bodies or BodyLimits(settings.max_upload),
    )
    return WebApp(whole, app.state.service)


def unguarded_app(settings: WebSettings, tokens: Tokens) -> FastAPI:
    """Return the routes alone, to look at or to test: never to listen with.

    It asks for no token, and answers any page of any site that gets a browser to send a request.
    Its lifespan runs once; then all that it holds open is closed.

    Parameters
    ----------
    settings : WebSettings
    tokens : Tokens

    Raises
    ------
    CbirError
        When the index cannot be opened.
    """
    service = ServiceState(settings, tokens)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            if settings.allow_changes:
                go_on(service)
            yield

    # The pages that come with FastAPI for OpenAPI take scripts from the network.
    app = DescribedApp(
        tokens,
        title="cbir",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    problems.add_handlers(app)
    api = (search, explanation, changes, images, duplicates, about, jobs, evaluations)
    looking = (gallery, search_page, downloads, matching, image, queries, evaluation)
    changing = (duplicates_page, changes_page, jobs_page, add, login, about_page)
    for part in (*api, *looking, *changing):
        app.include_router(part.router)
    add_assets(app)
    app.add_middleware(_Counting, service=service)
    app.add_middleware(HeadRequests)
    return app


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are told apart: each one that is counted takes memory for ever."""


class _Counting:
    """Counts what was asked, how it was answered, and how long that took."""

    def __init__(self, app: ASGIApp, service: ServiceState) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - started
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._service.traffic.note(method, route, status, seconds)
