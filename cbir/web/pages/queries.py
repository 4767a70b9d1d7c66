"""``/queries``: previews of images from outside that are searched for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from cbir.web.service import Service, ServiceState
from cbir.web.thumbnails import MEDIA_TYPE, Size

router = APIRouter(include_in_schema=False)

_FOREVER = "private, max-age=31536000, immutable"


@router.get("/queries/{key}")
async def query(
    service: Service,
    key: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    size: Size = Size.GRID,
) -> Response:
    """Return a small JPEG of an image from outside."""
    data = await service.pool.run(_thumbnail, service, key, size)
    return Response(data, media_type=MEDIA_TYPE, headers={"Cache-Control": _FOREVER})


def _thumbnail(service: ServiceState, key: str, size: Size) -> bytes:
    return service.thumbnails.of(bytes.fromhex(key), size, lambda: service.queries.get(key))
