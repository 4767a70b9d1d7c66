"""A query as it is searched by: the part of it that was asked for, described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cbir.core.errors import UnreadableImageError
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import open_image
from cbir.images.open_image import OpenImage
from cbir.search.locations import ImageLocations
from cbir.search.request import IndexedImage, QuerySource

if TYPE_CHECKING:
    from cbir.images.region import PixelRegion, RegionLike
    from cbir.search.searchers import Searcher


@dataclass(frozen=True, slots=True)
class DescribedQuery:
    """A query, described.

    Attributes
    ----------
    query : path, ndarray, PIL.Image.Image, EncodedImage or IndexedImage
        As it was given.
    region : PixelRegion or None
        The part of it that is described; None: all.
    description
        As the searcher describes it.
    size : tuple of two int, or None
        Width and height of the upright query; None where they are not known.
    """

    query: QuerySource
    region: PixelRegion | None
    description: Any
    size: tuple[int, int] | None = None


def describe_query(
    query: QuerySource,
    region: RegionLike | None,
    searcher: Searcher[Any],
    images: ImageLocations,
    decode: bool = False,
) -> DescribedQuery | UnreadableImageError:
    """Describe a query, or the region of it, as a searcher does; or say why that cannot be.

    Parameters
    ----------
    query : path, ndarray, PIL.Image.Image, EncodedImage or IndexedImage
    region : Region, str, or sequence of four numbers, optional
    searcher : Searcher
    images : ImageLocations
        Where the images of the index are: of one of them, all is stored, and a part is not.
    decode : bool
        Describe also images of the index by their files: what is stored is not enough.
    """
    try:
        if region is None:
            if isinstance(query, IndexedImage) and not decode:
                row = images.indexed_row(query.path)
                return DescribedQuery(query, None, searcher.indexed(row), images.size(row))
            image = _opened(query, images)
            return DescribedQuery(query, None, searcher.describe_image(image), image.dimensions)
        from cbir.images.region import Region  # few searches need it
        from cbir.images.region_of_image import region_of

        image = _opened(query, images)
        part = Region.of(region).in_pixels(image.path, image.dimensions)
        cut = region_of(image, part)
        is_stored = cut is image and not decode
        description = (
            searcher.indexed(images.indexed_row(query.path))
            if isinstance(query, IndexedImage) and is_stored
            else searcher.describe_image(cut)
        )
        return DescribedQuery(query, part, description, image.dimensions)
    except UnreadableImageError as error:
        return error


def _opened(query: QuerySource, images: ImageLocations) -> OpenImage:
    if isinstance(query, IndexedImage):
        return query.file or EncodedImage.open(images.path(images.indexed_row(query.path)))
    return query if isinstance(query, EncodedImage) else open_image(query)
