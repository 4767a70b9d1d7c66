"""``/api`` and ``/docs``: what programs may ask, for people who look there first."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from cbir.web.rendering import render

router = APIRouter(include_in_schema=False)

_METHODS = ("get", "put", "post", "delete")


@router.get("/api")
@router.get("/docs")
async def about_api(request: Request) -> Response:
    """List what there is, with the commands to try it."""
    paths = request.app.openapi()["paths"]
    operations = [
        (method.upper(), path, described["description"])
        for path, of_path in paths.items()
        for method, described in of_path.items()
        if method in _METHODS
    ]
    return render(request, "about_api", operations=operations, host=request.headers["host"])
