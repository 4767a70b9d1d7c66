"""The image that is searched for, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cbir.core.errors import printable
from cbir.images.region import PixelRegion, Region
from cbir.search.engine import Index
from cbir.web.addresses import page_url, query_url, thumbnail_url
from cbir.web.search_address import SearchAddress
from cbir.web.service import ServiceState
from cbir.web.thumbnails import Size


@dataclass(frozen=True, slots=True)
class QueryView:
    """The image that is searched for.

    Attributes
    ----------
    name : str
        Its file name; of an image from outside, what it is called here.
    sha256 : str
    thumbnails : sequence of str
        Addresses: of the small one, then the large one.
    page : str
        The address of the page about it, if it is one of the index.
    width, height : int
        Of the upright image.
    region : PixelRegion or None
        The part of it that is searched for.
    """

    name: str
    sha256: str
    thumbnails: Sequence[str]
    page: str
    width: int
    height: int
    region: PixelRegion | None


def query_view(service: ServiceState, index: Index, asked: SearchAddress) -> QueryView:
    """Return the image of a search, which has one.

    Raises
    ------
    CbirError
        When it is not there, or its region makes no sense.
    """
    if asked.path is not None:
        entry = service.files(index).entry(asked.path)
        name, key, page = printable(asked.path), entry.sha256.hex(), page_url(asked.path)
        size = entry.width, entry.height
        thumbnails = [thumbnail_url(entry, size) for size in Size]
    else:
        assert asked.query is not None
        name, key, page = "your image", asked.query, ""
        size = service.queries.get(asked.query).dimensions
        thumbnails = [query_url(asked.query, size) for size in Size]
    region = asked.form.region
    part = None if region is None else Region.parse(region).in_pixels(name, size)
    return QueryView(name, key, thumbnails, page, *size, part)
