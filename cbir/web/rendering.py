"""Render the templates of pages: everything escaped, with what each page needs."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from cbir.core.version import __version__
from cbir.reports import html as reports
from cbir.web.addresses import image_url, page_url, query_url, quoted_path, thumbnail_url
from cbir.web.security.authentication import is_open
from cbir.web.service import ServiceState
from cbir.web.settings import MEGABYTE


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
    template : str
        The name of the file, without ``.html.jinja``.
    status : int
    **values
        What the template gets, beside what all get: the service, and the address of the page.
    """
    service: ServiceState = request.app.state.service
    # What is open to all says nothing that is not.
    allowed = service.settings.allow_changes and not is_open(request.url.path)
    text = (
        environment()
        .get_template(f"{template}.html.jinja")
        .render(
            service=service,
            index=service.index,
            change_token=service.tokens.change_token if allowed else "",
            here=request.url.path,
            **values,
        )
    )
    return HTMLResponse(text, status)


@cache
def environment() -> jinja2.Environment:
    """Return what renders the templates: those of pages, and the components of reports."""
    environment = reports.environment(jinja2.PackageLoader("cbir.web"))
    environment.auto_reload = False
    environment.globals.update(version=__version__)
    environment.filters.update(
        quoted_path=quoted_path,
        image_url=image_url,
        page_url=page_url,
        query_url=query_url,
        thumbnail_url=thumbnail_url,
        megabytes=_megabytes,
    )
    return environment


def _megabytes(size: int) -> str:
    """Return a limit by the number that whoever starts the server gives for it."""
    return f"{size / MEGABYTE:,.1f} MB".replace(".0 ", " ")
