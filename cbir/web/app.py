"""The application: its routes, and what guards them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cbir.core.version import __version__
from cbir.web import problems
from cbir.web.api import about, changes, duplicates, evaluations, images, jobs, search
from cbir.web.dataset_changes import go_on
from cbir.web.pages import add, downloads, evaluation, gallery, image, login, queries
from cbir.web.pages import changes as changes_page
from cbir.web.pages import duplicates as duplicates_page
from cbir.web.pages import jobs as jobs_page
from cbir.web.pages import search as search_page
from cbir.web.pages.assets import add_assets
from cbir.web.security.tokens import Tokens
from cbir.web.service import ServiceState
from cbir.web.settings import WebSettings


def create_app(settings: WebSettings, tokens: Tokens) -> FastAPI:
    """Return the application that serves an index.

    Parameters
    ----------
    settings : WebSettings
    tokens : Tokens
        Who may use it, and who may change something.

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
    app = FastAPI(
        title="cbir",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    problems.add_handlers(app)
    api = (search, changes, images, duplicates, about, jobs, evaluations)
    looking = (gallery, search_page, downloads, image, queries, evaluation)
    changing = (duplicates_page, changes_page, jobs_page, add, login)
    for part in (*api, *looking, *changing):
        app.include_router(part.router)
    add_assets(app)
    app.add_middleware(_Counting, service=service)
    return app


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
            self._service.traffic.note(scope["method"], route, status, seconds)
