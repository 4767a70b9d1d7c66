"""What is asked of a search."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from PIL.Image import Image

from cbir.core.arguments import each_of, tuple_of
from cbir.core.checks import check_number, check_whole
from cbir.images.encoded_image import EncodedImage
from cbir.images.image_source import ImageSource
from cbir.search.fusion.options import Weights
from cbir.search.stage_options import Stages, usual_stages

if TYPE_CHECKING:
    from cbir.images.region import RegionLike


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """An image of the index as a query: what is stored of it is compared, and no file is read.

    Only for a region of it its file is read, unless that is given.

    Parameters
    ----------
    path : str
        Relative to the dataset, as :attr:`Index.paths` has it.
    file : EncodedImage, optional
        Its file, by whoever has a say in which files are read.
    """

    path: str
    file: EncodedImage | None = field(default=None, repr=False, compare=False)


QuerySource = ImageSource | EncodedImage | IndexedImage
"""What a query can be given as."""


MOST_EXAMPLES = 100
"""Images of one search at most: each of them is compared with the whole index."""


class SearchOptions(TypedDict, total=False):
    """The keywords of :class:`SearchRequest` beside the queries and `top`."""

    descriptor: str | None
    metric: str | None
    max_distance: float | None
    exclude_self: bool
    exclude_identical: bool
    preset: str | None
    fusion: str | None
    weights: Weights | None
    adaptive: bool
    where: str | None
    columns: Sequence[str]
    group_by: str | None
    facets: Sequence[str]
    region: RegionLike | None
    together: bool
    augment: bool
    like: Sequence[QuerySource]
    unlike: Sequence[QuerySource]
    expand: int | None
    rerank: str | None
    verify: int | None
    dba: int | None
    approximate: bool


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search, from whatever asks for it: the command line, Python or a page.

    Parameters
    ----------
    queries : iterable of path, ndarray of uint8 of shape (height, width, 3), PIL.Image.Image, \
            EncodedImage or IndexedImage
        Image files, RGB pixels, Pillow images, files in memory, or images of the index.
    top : int
        How many images to return at most.
    descriptor : str, optional
        An alias, the index's first unless told otherwise; or several joined by ``+``, whose
        distances are fused.
    metric : str, optional
        The descriptor's own unless told otherwise; always in a fusion.
    max_distance : float, optional
        Leave out what is farther.
    exclude_self : bool
        Leave out the query's own row. A copy of it under another path stays, and is counted
        by :attr:`SearchResult.identical`.
    exclude_identical : bool
        Leave out the query's own row, and all images that have its very bytes.
    preset : str, optional
        Fuse the descriptors of a preset, with its weights.
    fusion : {"scores", "ranks"}, optional
        By normalized scores unless told otherwise.
    weights : sequence of float, or mapping of str to float, optional
        What each descriptor counts, in their order or by alias; unless told otherwise 1, or
        what the preset says.
    adaptive : bool
        Give more weight to the descriptors that seem to be good for the query.
    where : str, optional
        An SQL expression over what is known about the images, as in ``"year >= 2012"``: only
        images for which it holds may be found.
    columns : sequence of str
        Columns of metadata that each match is to have; see :attr:`Match.metadata`.
    group_by : str, optional
        A column of metadata: of the images that have the same in it, only the nearest is found.
    facets : sequence of str
        Columns of metadata whose values are counted: among all images within `max_distance`, or
        else among the matches; see :attr:`SearchResult.facets`.
    region : Region, str, or sequence of four numbers, optional
        The part of each query that is searched by: left, top, width and height, in pixels of the
        upright image; as text also in percent of it, as in ``"25%,0,50%,100%"``. It becomes a
        :class:`~cbir.images.region.Region`.
    together : bool
        Search once for all queries together: the result is one, of what is near to any of them,
        and nearer to several. If one cannot be read, the result is why.
    augment : bool
        Search also for what is like the query turned by 90, 180 and 270 degrees, and mirrored:
        the nearest orientation counts; see :attr:`Match.orientation`. Images of the index are
        decoded for that.
    like, unlike : sequence of images
        Feedback: images, given as queries are, that are like what is wanted, and such that are
        not. Results are nearer to the first and farther from the others, which are not found
        themselves. With `like`, there need be no query.
    expand : int, optional
        Search again by the query together with so many of its best results.
    rerank : {"k-reciprocal", "diffusion"}, optional
        Rank the best results again by how they are like each other.
    verify : int, optional
        Look at so many of the best results whether they show the very thing of the query, maybe
        from another side, and rank those that do first: see :attr:`Match.verification`. The index
        needs a descriptor of local features.
    dba : int, optional
        Database-side augmentation: instead of images, compare means of each image and so many of
        its neighbors in the index; see :mod:`cbir.search.dba.neighbor_means`. Distances are those
        of the means. The first search takes long in a large index: the means are made, and kept.
    approximate : bool
        Look at few images only, named by what :func:`cbir.optimize` has made: fast in a large
        index. Distances are exact; some of the nearest images may be missing.

    Raises
    ------
    UsageError
        When `top` is below 1, `max_distance` is negative or not finite, `region` is none, or a
        stage makes no sense.

    Examples
    --------
    >>> SearchRequest(["cat.jpg"], top=5, descriptor="hsv+hog").top
    5
    """

    queries: Iterable[QuerySource]
    top: int = 3
    descriptor: str | None = None
    metric: str | None = None
    max_distance: float | None = None
    exclude_self: bool = False
    exclude_identical: bool = False
    preset: str | None = None
    fusion: str | None = None
    weights: Weights | None = None
    adaptive: bool = False
    where: str | None = None
    columns: Sequence[str] = ()
    group_by: str | None = None
    facets: Sequence[str] = ()
    region: RegionLike | None = None
    together: bool = False
    augment: bool = False
    like: Sequence[QuerySource] = ()
    unlike: Sequence[QuerySource] = ()
    expand: int | None = None
    rerank: str | None = None
    verify: int | None = None
    dba: int | None = None
    approximate: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "max_distance", checked_limit(self.top, self.max_distance))
        for name in ("columns", "facets"):
            object.__setattr__(self, name, tuple_of(getattr(self, name), "a column"))
        if self.region is not None:
            from cbir.images.region import Region  # few searches need it

            object.__setattr__(self, "region", Region.of(self.region))
        for name in ("like", "unlike"):
            object.__setattr__(self, name, images_of(getattr(self, name), name))
        self.stages  # noqa: B018  # refuses what makes no sense

    @property
    def has_examples(self) -> bool:
        """Whether a search may be by several images, or by one in several orientations."""
        return bool(self.together or self.augment or self.like or self.unlike)

    @property
    def stages(self) -> Stages:
        """What is done after the query was compared with the images."""
        asked = Stages(self.expand, self.rerank, self.verify, self.dba)
        return asked.or_those_of(usual_stages(self.preset))


def images_of(images: object, parameter: str) -> tuple[QuerySource, ...]:
    """Return several images, or the one that is given.

    Parameters
    ----------
    images
    parameter : str
        What asks for them, for the message.

    Raises
    ------
    UsageError
        When it is nothing that can be gone through.
    """
    if isinstance(images, str | os.PathLike | np.ndarray | Image | EncodedImage | IndexedImage):
        return (images,)
    return tuple(each_of(images, f"an image for {parameter}"))


def checked_limit(top: int, max_distance: float | None) -> float | None:
    """Return the limit of distances; refuse limits with which nothing could be found.

    Raises
    ------
    UsageError
    """
    check_whole("top", top)
    return None if max_distance is None else check_number("max_distance", max_distance)
