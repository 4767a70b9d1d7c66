"""``/api/images`` and ``/api/thumbnails``: the images of the index."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from io import FileIO
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from cbir.search.catalog import CatalogEntry
from cbir.search.engine import Index
from cbir.search.results import path_fields
from cbir.web.addresses import NamedPath, image_url, thumbnail_url
from cbir.web.problems import ANY_ROUTE, problem
from cbir.web.search_form import Text, names_of
from cbir.web.service import Service, ServiceState
from cbir.web.thumbnails import MEDIA_TYPE, Size

router = APIRouter(tags=["images"])

MOST_LISTED = 1000

_BLOCK = 1 << 18
"""Bytes of a file that are read at a time."""

_FOREVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"

_GONE: dict[int | str, dict[str, Any]] = {
    **ANY_ROUTE,
    404: problem("The index has no such image."),
    410: problem("The file is not there any more, or not what was indexed."),
}


class Listed(BaseModel):
    """Which images are listed."""

    model_config = ConfigDict(extra="forbid")

    offset: int = Field(0, ge=0, description="How many images to pass over.")
    limit: int = Field(50, ge=1, le=MOST_LISTED, description="How many to list at most.")
    where: Text = Field(None, description="An SQL condition on metadata.")
    columns: Text = Field(None, description="Columns to tell of each: `name,price`.")


_PAGE = {
    "generation": "5f0c2a9e4b1d7788",
    "total": 103,
    "offset": 0,
    "images": [
        {
            "path": "cats/cat-1.jpg",
            "sha256": "3f…",
            "bytes": 53017,
            "mtime": 1764500000000,
            "width": 640,
            "height": 427,
            "image": "/api/images/cats/cat-1.jpg",
            "thumbnail": "/api/thumbnails/cats/cat-1.jpg?size=320&version=1f0a",
            "metadata": {"kind": "cats"},
        }
    ],
}


@router.get(
    "/api/images",
    name="list_images",
    responses={**ANY_ROUTE, 200: {"content": {"application/json": {"example": _PAGE}}}},
)
async def images(service: Service, asked: Annotated[Listed, Query()]) -> dict[str, Any]:
    """List the images of the index, in the order of their paths."""
    return await service.pool.run(_page, service.index, asked)


@router.get(
    "/api/images/{path:image}",
    name="get_image",
    response_class=Response,
    responses={**_GONE, 200: {"description": "The file.", "content": {"image/*": {}}}},
)
async def image(service: Service, path: NamedPath) -> Response:
    """Return the file of an image, as it was indexed."""
    file = await service.pool.run(service.files(service.index).open, path)
    kind = mimetypes.guess_type(path)[0] or ""
    return StreamingResponse(
        _Blocks(file),
        media_type=kind if kind.startswith("image/") else "application/octet-stream",
        headers={
            "Content-Length": str(os.fstat(file.fileno()).st_size),
            "Cache-Control": _ASK_AGAIN,
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


@router.get(
    "/api/thumbnails/{path:image}",
    name="get_thumbnail",
    response_class=Response,
    responses={**_GONE, 200: {"description": "The thumbnail.", "content": {MEDIA_TYPE: {}}}},
)
async def thumbnail(
    service: Service,
    request: Request,
    path: NamedPath,
    size: Annotated[Size, Query(description="The longest side, in pixels.")] = Size.GRID,
    version: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Return a small JPEG of an image."""
    index = service.index
    entry = service.files(index).entry(path)
    tag = f'"{entry.sha256.hex()[:32]}-{size}"'
    sure = version is not None and entry.sha256.hex().startswith(version)
    headers = {"ETag": tag, "Cache-Control": _FOREVER if sure else _ASK_AGAIN}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    data = await service.pool.run(_thumbnail, service, index, entry, size)
    return Response(data, media_type=MEDIA_TYPE, headers=headers)


def _page(index: Index, asked: Listed) -> dict[str, Any]:
    columns = names_of(asked.columns)
    page = index.catalog.page(asked.offset, asked.limit, asked.where, columns)
    return {
        "generation": index.generation,
        "total": page.total,
        "offset": asked.offset,
        "images": [image_document(entry) for entry in page.entries],
    }


def image_document(entry: CatalogEntry) -> dict[str, Any]:
    """Return what the index says of an image, for JSON."""
    document: dict[str, Any] = {
        **path_fields("path", entry.path),
        "sha256": entry.sha256.hex(),
        "bytes": entry.bytes,
        "mtime": entry.mtime,
        "width": entry.width,
        "height": entry.height,
        "image": image_url(entry.path),
        "thumbnail": thumbnail_url(entry, Size.GRID),
    }
    if entry.metadata:
        document["metadata"] = dict(entry.metadata)
    return document


def _thumbnail(service: ServiceState, index: Index, entry: CatalogEntry, size: int) -> bytes:
    files = service.files(index)
    return service.thumbnails.of(entry.sha256, size, lambda: files.image(entry.path))


class _Blocks:
    """The parts of a file, which is closed also if nobody takes the first of them."""

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        with self._file as file:
            while block := file.read(_BLOCK):
                yield block

    def __del__(self) -> None:
        self._file.close()
