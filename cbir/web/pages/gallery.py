"""``/``: the images of the index, and the form by which to search for others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response

from cbir.core.errors import CbirError, UsageError, printable
from cbir.search.catalog import CatalogPage
from cbir.search.engine import Index
from cbir.web.filters import NAME, PREFIX, Filters
from cbir.web.page_comparison import with_usual_comparison
from cbir.web.pages.facets import Facet, check_typed, facets_of, why_no_filters
from cbir.web.problems import status_of
from cbir.web.query_string import Pairs, address, parsed
from cbir.web.rendering import render
from cbir.web.search_address import SearchAddress
from cbir.web.service import Service
from cbir.web.wording import told

router = APIRouter(include_in_schema=False)

GALLERY = "/"

PAGE = 60
"""Images of a page."""

_FIELDS = frozenset({"from", "where", NAME})
_LARGEST = 1 << 40


@dataclass(frozen=True, slots=True)
class GalleryView:
    """What the page of the index shows.

    Attributes
    ----------
    search : SearchAddress
        The search among the same images.
    start : int
        The number of its first image, from 1.
    filters : Filters
    facets : tuple of Facet
    page : CatalogPage
    problem : str
        What is wrong, in words.
    status : int
    """

    search: SearchAddress
    start: int
    filters: Filters
    facets: tuple[Facet, ...]
    page: CatalogPage
    problem: str = ""
    status: int = 200

    @property
    def end(self) -> int:
        """The number of the last image."""
        return self.start + len(self.page.entries) - 1

    @property
    def next_url(self) -> str:
        """The address of the images that follow; empty if none do."""
        more = self.page.entries and self.end < self.page.total
        return self._url(self.end + 1) if more else ""

    @property
    def previous_url(self) -> str:
        """The address of the images before; empty if there are none."""
        return self._url(max(1, self.start - PAGE)) if self.start > 1 else ""

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What each filter says, and the address without it."""
        return [(text, address(GALLERY, rest.pairs())) for text, rest in self.filters.each()]

    def _url(self, start: int) -> str:
        return address(GALLERY, [("from", str(start)), *self.filters.pairs()])


@router.get(GALLERY)
async def gallery(service: Service, request: Request) -> Response:
    """Show the images of the index, and the form of the search."""
    view = await service.pool.run(_view, service.index, request.scope["query_string"])
    return render(request, "gallery", view.status, view=view, why_no_filters=why_no_filters())


def _view(index: Index, query_string: bytes) -> GalleryView:
    search = with_usual_comparison(SearchAddress(), index)
    try:
        start, filters = _asked(parsed(query_string))
        check_typed(index, filters)
        page = index.catalog.page(start - 1, PAGE, filters.condition)
    except CbirError as error:
        page = index.catalog.page(0, PAGE)
        facets = facets_of(index, Filters())
        return GalleryView(search, 1, Filters(), facets, page, told(error), status_of(error))
    search = replace(search, filters=filters)
    return GalleryView(search, start, filters, facets_of(index, filters), page)


def _asked(pairs: Pairs) -> tuple[int, Filters]:
    """Return the number of the first image that is asked for, and of which images."""
    fields = {name: value.strip() for name, value in pairs if not name.startswith(PREFIX)}
    for name in fields.keys() - _FIELDS:
        raise UsageError(f"{printable(name)}: the list of images has no such option")
    start = fields.get("from") or "1"
    if not (start.isascii() and start.isdigit() and 0 < int(start[:20]) < _LARGEST):
        raise UsageError("the images are numbered from 1 on")
    return int(start), Filters.of(fields.get("where") or None, pairs)
