"""The image that is searched for, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cbir.core.errors import printable
from cbir.images.pixels import fitted_size
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
    thumbnails : mapping of str to int
        How wide each is, by its address; the small one first.
    page : str
        The address of the page about it, if it is one of the index.
    width, height : int
        Of the upright image.
    region : PixelRegion or None
        The part of it that is searched for.
    """

    name: str
    sha256: str
    thumbnails: Mapping[str, int]
    page: str
    width: int
    height: int
    region: PixelRegion | None


def query_view(service: ServiceState, index: Index, asked: SearchAddress) -> QueryView | None:
    """Return the image of a search; None if it is only by what results are to be like.

    Raises
    ------
    CbirError
        When it is not there, or its region makes no sense.
    """
    if asked.path is not None:
        entry = service.files(index).entry(asked.path)
        name, key, page = printable(asked.path), entry.sha256.hex(), page_url(asked.path)
        size = entry.width, entry.height
        urls = {longest: thumbnail_url(entry, longest) for longest in Size}
    elif asked.query is None:
        return None
    else:
        name, key, page = "your image", asked.query, ""
        size = service.queries.get(asked.query).dimensions
        urls = {longest: query_url(asked.query, longest) for longest in Size}
    region = asked.form.region
    part = None if region is None else Region.parse(region).in_pixels(name, size)
    widths = {url: fitted_size(*size, longest)[0] for longest, url in urls.items()}
    return QueryView(name, key, widths, page, *size, part)
