"""The order in which the images of a group are preferred: the first one of a group is kept."""

from __future__ import annotations

import os
from collections.abc import Callable

import cv2

from cbir.duplicates.collection import Collection
from cbir.duplicates.copy_names import copy_marks
from cbir.duplicates.model import Entry, Keep
from cbir.duplicates.sights import Sight
from cbir.errors import UnreadableImageError
from cbir.parallel import ordered_map

Rank = tuple[float, ...]
"""Smaller is kept rather."""


def keep_order(collection: Collection, keep: Keep, workers: int) -> list[int]:
    """Return the entries in the order in which they are preferred.

    References come first. Entries that the policy ranks equally are ordered by
    :func:`originality`.

    Parameters
    ----------
    collection : Collection
    keep : Keep
        The policy.
    workers : int
        Threads.

    Returns
    -------
    list of int
        Places in ``collection.entries``. It does not depend on their order.
    """
    entries = collection.entries
    rank = _rank(collection, keep, workers)
    return sorted(
        range(len(entries)),
        key=lambda i: (not entries[i].reference, rank(i), originality(entries[i])),
    )


def originality(entry: Entry) -> tuple[int, int, int, bytes]:
    """Return what orders files that are as good as each other: the likely original first.

    It is the one changed first; then the one whose path has the fewest marks of copying; then
    the one with the shorter name; then the first by path.

    Examples
    --------
    >>> def file(path: str, mtime: int) -> Entry:
    ...     return Entry(path, b"", 1, mtime, 9, 9, 90)
    >>> files = [file("a (1).jpg", 7), file("b-again.jpg", 7), file("b.jpg", 7), file("z.jpg", 3)]
    >>> [file.path for file in sorted(files, key=originality)]
    ['z.jpg', 'b.jpg', 'b-again.jpg', 'a (1).jpg']
    """
    name = os.path.basename(entry.path)
    return entry.mtime, copy_marks(entry.path), len(name), os.fsencode(entry.path)


def _rank(collection: Collection, keep: Keep, workers: int) -> Callable[[int], Rank | bytes]:
    """Return what ranks an entry under a policy, before ties are broken."""
    entries = collection.entries
    if keep == "largest":
        return lambda i: (-entries[i].width * entries[i].height, -entries[i].bytes)
    if keep == "smallest":
        return lambda i: (entries[i].width * entries[i].height, entries[i].bytes)
    if keep == "oldest":
        return lambda i: (entries[i].mtime,)
    if keep == "newest":
        return lambda i: (-entries[i].mtime,)
    if keep == "first":
        return lambda i: os.fsencode(entries[i].path)
    sharpness = _sharpness(collection, workers)
    return lambda i: (-sharpness[i],)


def _sharpness(collection: Collection, workers: int) -> list[float]:
    """Return how sharp each image is: the variance of its Laplacian.

    References
    ----------
    J. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """

    def measure(sight: Sight) -> float:
        try:
            gray = collection.eyes.gray(sight)
        except UnreadableImageError:
            return -1.0
        return float(cv2.Laplacian(gray, cv2.CV_64F).var())

    of_content = list(ordered_map(measure, collection.sights, workers))
    return [of_content[content] for content in collection.content]
