"""``/``: the images of the index, and the form by which to search for others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cbir.web.api.images import Listed
from cbir.web.rendering import render
from cbir.web.service import Service

router = APIRouter(include_in_schema=False)


@router.get("/")
async def gallery(
    service: Service, request: Request, asked: Annotated[Listed, Query()]
) -> Response:
    """Show the images of the index, and the form of the search."""
    page = await service.pool.run(
        service.index.catalog.page, asked.offset, asked.limit, asked.where
    )
    return render(request, "gallery", page=page, asked=asked)
