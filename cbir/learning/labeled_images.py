"""The images of an index whose classes are known, and how they are split to judge by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, UsageError
from cbir.evaluation.relevance import GroundTruth, about_truth
from cbir.search.engine import Index

MOST_IMAGES = 10_000
"""Images that are learned from and judged by, at most."""

_MOST_SPLITS = 5
_IMAGES_HELD_OUT = 4
"""Images of a class that are held out at a time, on average, unless that leaves too few."""

_CLASSES_HELD_OUT = 4
"""Classes that are held out at a time: among fewer, any ranking looks good."""

Places = NDArray[np.intp]
"""Numbers of labeled images."""


@dataclass(frozen=True, slots=True)
class Split:
    """Labeled images to learn from, and others to judge by."""

    learned: Places
    held_out: Places


@dataclass(frozen=True, slots=True)
class LabeledImages:
    """Images whose classes are known, each class with two of them or more.

    Attributes
    ----------
    rows : ndarray of intp, shape (n,)
        Their rows of the index, sorted.
    labels : ndarray of intp, shape (n,)
        Their classes, as numbers from 0 on.
    shuffled : ndarray of intp, shape (n,)
        All images in the order of the digests of their files: as good as random, always the same.
    """

    rows: NDArray[np.intp]
    labels: NDArray[np.intp]
    shuffled: Places

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.labels.max()) + 1

    def image_splits(self) -> list[Split]:
        """Split the images of each class evenly: every image is held out once.

        Two to five splits, by how many images a class has.
        """
        count = _clipped(len(self) // self.classes // _IMAGES_HELD_OUT)
        order = self.shuffled[np.argsort(self.labels[self.shuffled], kind="stable")]
        part = np.empty(len(self), np.intp)
        part[order] = np.arange(len(self)) % count
        return _splits(part, count)

    def class_splits(self) -> list[Split]:
        """Split by classes: every class is held out once, with all its images.

        Two to five splits of about as many images; none where there are fewer than four classes.
        """
        if self.classes < _CLASSES_HELD_OUT:
            return []
        count = _clipped(self.classes // _CLASSES_HELD_OUT)
        sizes = np.bincount(self.labels)
        part_of_class, part_sizes = np.empty(self.classes, np.intp), np.zeros(count, np.intp)
        for one in np.argsort(-sizes, kind="stable"):
            part_of_class[one] = part_sizes.argmin()
            part_sizes[part_of_class[one]] += sizes[one]
        return _splits(part_of_class[self.labels], count)


def labeled_images(index: Index, truth: GroundTruth) -> LabeledImages:
    """Return the images of an index whose classes are known.

    Files of the same content count once, classes of one image do not; of more than 10,000 images
    as many are taken, chosen by the digests of their files.

    Parameters
    ----------
    index : Index
    truth : GroundTruth
        With classes.

    Raises
    ------
    UsageError
        When the truth has no classes.
    CbirError
        When there are no two classes of two images.
    """
    if not truth.has_classes:
        reason = "it has no classes to learn from; give a CSV, folders or groups"
        raise UsageError(about_truth(truth.spec, reason))
    topics, digests = truth.topics(index.paths), index.hashes
    first_of = {digests[row]: row for row in reversed(range(len(digests))) if topics[row]}
    rows = [first_of[digest] for digest in sorted(first_of)]
    kept = _of_several([topics[row] for row in rows], rows)[:MOST_IMAGES]
    kept = _of_several([topics[row] for row in kept], kept)
    names = sorted({str(topics[row]) for row in kept})
    if len(names) < 2:
        reason = "learning takes two classes, each of two different images at least"
        raise CbirError(about_truth(truth.spec, reason))
    by_digest = np.array(kept, np.intp)
    order = np.argsort(by_digest)
    shuffled = np.empty(len(order), np.intp)
    shuffled[order] = np.arange(len(order))
    number = {name: place for place, name in enumerate(names)}
    labels = np.array([number[str(topics[row])] for row in by_digest[order]], np.intp)
    return LabeledImages(by_digest[order], labels, shuffled)


def _of_several(labels: Sequence[str | None], rows: Sequence[int]) -> list[int]:
    """Leave out the only images of their classes."""
    sizes = Counter(labels)
    return [row for label, row in zip(labels, rows, strict=True) if sizes[label] > 1]


def _clipped(count: int) -> int:
    return min(max(count, 2), _MOST_SPLITS)


def _splits(part: NDArray[np.intp], count: int) -> list[Split]:
    return [Split(np.flatnonzero(part != one), np.flatnonzero(part == one)) for one in range(count)]
