"""The order in which the images of a group are preferred: the first one of a group is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key, partial

import cv2
import numpy as np

from cbir.core.errors import UnreadableImageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import ordered_map
from cbir.duplicates.collection import Collection
from cbir.duplicates.copy_names import copy_marks
from cbir.duplicates.coverage import shown_share
from cbir.duplicates.detail import DetailCache, ImageDetail
from cbir.duplicates.image_content import EXTRACTOR, Content, ContentCache, relative_resolution
from cbir.duplicates.model import CopyMatch, ImageRecord, KeepPolicy
from cbir.duplicates.preference import RelativeGeometry, compare_quality
from cbir.verification.geometry import Transform, inverted

Rank = tuple[float | bytes, ...]
"""Smaller is kept rather."""

_RANKS: dict[KeepPolicy, Callable[[ImageRecord], Rank]] = {
    "best": lambda record: (-record.width * record.height,),
    "largest": lambda record: (-record.width * record.height, -record.bytes),
    "smallest": lambda record: (record.width * record.height, record.bytes),
    "oldest": lambda record: (record.mtime,),
    "newest": lambda record: (-record.mtime,),
    "first": lambda record: (os.fsencode(record.path),),
}
"""What ranks an image by its record, before ties are broken."""

_PLACE_TOLERANCE = 0.5
"""Pixels of the working size by which a transform may miss its place and move nothing."""


def keep_order(collection: Collection, keep: KeepPolicy, workers: int) -> list[int]:
    """Return the images in the order in which they are preferred.

    References come first. Images that the policy ranks equally are ordered by
    :func:`originality`. Under ``best`` this is the order before :func:`order_by_detail` has looked
    at those that may be copies of each other: by the number of pixels.

    Parameters
    ----------
    collection : Collection
    keep : KeepPolicy
        The policy.
    workers : int
        Threads.

    Returns
    -------
    list of int
        Places in ``collection.records``. It does not depend on their order.
    """
    records = collection.records
    if keep == "sharpest":
        ranks: list[Rank] = [(-one,) for one in _sharpness(collection, workers)]
    else:
        ranks = [_RANKS[keep](record) for record in records]
    return sorted(
        range(len(records)),
        key=lambda i: (not records[i].reference, ranks[i], originality(records[i])),
    )


def originality(record: ImageRecord) -> tuple[int, int, int, bytes]:
    """Return what orders files that are as good as each other: the likely original first.

    It is the one changed first; then the one whose path has the fewest marks of copying; then
    the one with the shorter name; then the first by path.

    Examples
    --------
    >>> def file(path: str, mtime: int) -> ImageRecord:
    ...     return ImageRecord(path, b"", 1, mtime, 9, 9, 90)
    >>> files = [file("a (1).jpg", 7), file("b-again.jpg", 7), file("b.jpg", 7), file("z.jpg", 3)]
    >>> [file.path for file in sorted(files, key=originality)]
    ['z.jpg', 'b.jpg', 'b-again.jpg', 'a (1).jpg']
    """
    name = os.path.basename(record.path)
    return record.mtime, copy_marks(record.path), len(name), os.fsencode(record.path)


@dataclass(frozen=True, slots=True)
class CopyCluster:
    """Contents that show the same as one of them.

    Attributes
    ----------
    center : int
    joined : dict of int to Match
        Those that may go for the center.
    staying : dict of int to Match
        Those of which something would be lost.
    """

    center: int
    joined: dict[int, CopyMatch]
    staying: dict[int, CopyMatch]

    def geometries(self, collection: Collection) -> dict[int, RelativeGeometry]:
        """Return how the pixels of each content lie to those of the center."""
        center = collection.contents[self.center]
        found = {self.center: RelativeGeometry()}
        for content_id, match in (self.joined | self.staying).items():
            content = collection.contents[content_id]
            same_size = (content.width, content.height) == (center.width, center.height)
            scale = relative_resolution(content, center, match.transform)
            if match.transform is None:
                found[content_id] = RelativeGeometry(scale, same_size)
            elif same_size and not _moves(match.transform):
                found[content_id] = RelativeGeometry()
            else:
                shown = _shown(collection.cache, content, center, match.transform)
                found[content_id] = RelativeGeometry(scale, same_grid=False, shown=shown)
        return found


def _shown(cache: ContentCache, content: Content, center: Content, transform: Transform) -> float:
    """Return the share of the center that an image shows."""
    try:
        here, there = cache.gray(content), cache.gray(center)
    except UnreadableImageError:
        return 0.0  # comparing it will tell
    return shown_share(here, there, inverted(transform))


def _moves(transform: Transform) -> bool:
    """Say whether a transform puts any pixel of the working size at another place."""
    corner = np.array([EXTRACTOR.working_size, EXTRACTOR.working_size, 1])
    return bool((np.abs(transform - np.eye(2, 3)) @ corner > _PLACE_TOLERANCE).any())


def order_by_detail(
    collection: Collection,
    order: Sequence[int],
    clusters: Sequence[CopyCluster],
    details: DetailCache,
    workers: int,
    listener: ProgressListener,
) -> list[int]:
    """Put contents that are copies of each other into the order of ``best``.

    Real detail counts first, then color, then what a file holds besides, then less compression;
    what is equal is ordered by :func:`originality`. Only contents that show the same are
    compared: of others it means nothing.

    Parameters
    ----------
    collection : Collection
    order : sequence of int
        Images, in the order of :func:`keep_order`.
    clusters : sequence of CopyCluster
        What was found in that order, by center.
    details : DetailCache
    workers : int
    listener : ProgressListener

    Returns
    -------
    list of int
        The images. Those that cannot be read come last among their copies.
    """
    if not clusters:
        return list(order)
    firsts: dict[int, ImageRecord] = {}
    for i in order:
        firsts.setdefault(int(collection.content_ids[i]), collection.records[i])
    members = [
        content_id for one in clusters for content_id in (one.center, *one.joined, *one.staying)
    ]
    measured = _measured(collection, list(dict.fromkeys(members)), details, workers, listener)

    def better(geometries: Mapping[int, RelativeGeometry], first: int, second: int) -> int:
        one, other = firsts[first], firsts[second]
        if one.reference != other.reference:
            return -1 if one.reference else 1
        a, b = measured[first], measured[second]
        if a is None or b is None:
            found = int(a is None) - int(b is None)
        else:
            found = compare_quality(a, b, geometries[first].relative_to(geometries[second]))
        return found or (-1 if originality(one) < originality(other) else 1)

    place: dict[int, int] = {}
    # What stays beside a center may be a center too, and comes later than it: its own copies first.
    for cluster in reversed(clusters):
        order_of = partial(better, cluster.geometries(collection))
        same = sorted([cluster.center, *cluster.joined], key=cmp_to_key(order_of))
        before = [content_id for content_id in cluster.staying if order_of(content_id, same[0]) < 0]
        for content_id in (*before, *same, *cluster.staying):
            place.setdefault(content_id, len(place))
    for content_id in firsts:
        place.setdefault(content_id, len(place))
    return sorted(order, key=lambda i: place[int(collection.content_ids[i])])


def _measured(
    collection: Collection,
    content_ids: Sequence[int],
    details: DetailCache,
    workers: int,
    listener: ProgressListener,
) -> dict[int, ImageDetail | None]:
    def detail(content_id: int) -> ImageDetail | None:
        try:
            return details.of(collection.contents[content_id])
        except UnreadableImageError:
            return None  # comparing it will tell

    found: dict[int, ImageDetail | None] = {}
    listener.begin("measuring detail", len(content_ids))
    for content_id, one in zip(
        content_ids, ordered_map(detail, content_ids, workers, 1), strict=True
    ):
        found[content_id] = one
        listener.advance()
    listener.end()
    return found


def _sharpness(collection: Collection, workers: int) -> list[float]:
    """Return how sharp each image is: the variance of its Laplacian.

    References
    ----------
    J. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """

    def measure(content: Content) -> float:
        try:
            gray = collection.cache.gray(content)
        except UnreadableImageError:
            return -1.0
        return float(cv2.Laplacian(gray, cv2.CV_64F).var())

    of_content = list(ordered_map(measure, collection.contents, workers))
    return [of_content[content_id] for content_id in collection.content_ids]
