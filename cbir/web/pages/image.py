"""``/image/…``: one image of the index, and what is known about it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from cbir.core.amounts import size_text
from cbir.core.errors import printable
from cbir.search.catalog import CatalogEntry
from cbir.web.addresses import NamedPath
from cbir.web.dataset_changes import removing_log
from cbir.web.image_files import NoSuchImageError
from cbir.web.page_comparison import with_usual_comparison
from cbir.web.rendering import render
from cbir.web.search_address import SearchAddress
from cbir.web.service import Service
from cbir.web.thumbnails import Size

router = APIRouter(include_in_schema=False)


@router.get("/image/{path:image}")
async def image_page(service: Service, request: Request, path: NamedPath) -> Response:
    """Show one image of the index."""
    index = service.index
    try:
        entry = await service.pool.run(service.files(index).entry, path, tuple(index.columns))
    except NoSuchImageError:
        log = await service.pool.run(removing_log, service, path)
        if log is None:
            raise
        return render(request, "removed", 410, name=printable(path), log=log)
    before, after = index.catalog.neighbors(path)
    return render(
        request,
        "image",
        entry=entry,
        facts=_facts(entry),
        known=_known(entry),
        before=before,
        after=after,
        large=Size.ALONE,
        like=with_usual_comparison(SearchAddress(), index).about(path=path),
    )


def _facts(entry: CatalogEntry) -> list[tuple[str, str]]:
    """Return what is known of the file."""
    changed = datetime.fromtimestamp(entry.mtime / 1000, UTC)
    return [
        ("Pixels", f"{entry.width:,} × {entry.height:,}"),
        ("Size", size_text(entry.bytes)),
        ("Changed", f"{changed:%Y-%m-%d %H:%M} UTC"),
    ]


def _known(entry: CatalogEntry) -> list[tuple[str, str]]:
    """Return what the metadata says, as it stands in the index."""
    told = {"path", "bytes", "width", "height", "mtime"}
    return [(name, text) for name, text in entry.texts.items() if text and name not in told]
