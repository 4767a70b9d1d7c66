"""``/static``: the scripts of the pages, and the stylesheet that they share with the reports."""

from __future__ import annotations

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles

from cbir.reports.html import stylesheet

_STYLES = "cbir.css"


def add_assets(app: FastAPI) -> None:
    """Let an application serve the scripts and the stylesheet."""
    app.add_api_route(f"/static/{_STYLES}", _styles, include_in_schema=False)
    app.mount("/static", StaticFiles(packages=[("cbir.web", "static")]), "static")


async def _styles() -> Response:
    return Response(stylesheet(), media_type="text/css", headers={"Cache-Control": "no-cache"})
