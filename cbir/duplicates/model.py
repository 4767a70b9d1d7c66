"""What a search for duplicates is about, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cbir.duplicates.loss import Loss

CopyLevel = Literal["exact", "near", "edited"]
COPY_LEVELS: tuple[CopyLevel, ...] = get_args(CopyLevel)
"""From strict to generous; each one includes those before it."""

KeepPolicy = Literal["best", "largest", "smallest", "oldest", "newest", "first", "sharpest"]
KEEP_POLICIES: tuple[KeepPolicy, ...] = get_args(KeepPolicy)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image that takes part.

    Attributes
    ----------
    path : str
        The file: the dataset as it was given, and the path below it.
    sha256 : bytes
        Of the file.
    bytes : int
        Size of the file.
    mtime : int
        Milliseconds since 1970.
    width, height : int
        Pixels, upright.
    quality : int
        Of its hash, 0 to 100.
    reference : bool
        It is kept whatever happens, and is never listed for removal.
    metadata : tuple of (str, str)
        What is known about it: names of columns that were asked for, and what these say.
    """

    path: str
    sha256: bytes
    bytes: int
    mtime: int
    width: int
    height: int
    quality: int
    reference: bool = False
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CopyMatch:
    """Why one image is a copy of another.

    Attributes
    ----------
    level : CopyLevel
        The strictest at which it is one.
    distance : int
        0 to 256: at ``near`` the bits of 256 in which the hashes differ, at ``edited`` the 256ths
        of what both images show that do not agree; at ``exact`` 0.
    evidence : str
        The measurement in words, for people.
    transform : ndarray of float64, shape (2, 3), or None
        Where the kept image lies in the copy: maps pixels of the kept image to pixels of the copy,
        each fitted into 512 × 512 pixels and upright. None at ``exact``, or where it is a mere
        scaling.
    mirrored : bool
        The copy is mirrored; `transform` leads to the copy as it is, so it has a negative
        determinant then.
    """

    level: CopyLevel
    distance: int
    evidence: str
    transform: NDArray[np.float64] | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An image that is a copy of the kept image of a group, or of a query.

    Attributes
    ----------
    record : ImageRecord
    match : CopyMatch
    losses : tuple of Loss
        What it shows, and the kept image or the query does not.
    stays : bool
        Because of losses that were not allowed; it may be the kept image of a group of its own.
    """

    record: ImageRecord
    match: CopyMatch
    losses: tuple[Loss, ...] = ()
    stays: bool = False

    @property
    def removable(self) -> bool:
        """Neither is it a reference, nor would anything be lost that must not be."""
        return not (self.record.reference or self.stays)


@dataclass(frozen=True, slots=True)
class Group:
    """An image that is kept, and its copies.

    Attributes
    ----------
    number : int
        Groups are numbered from 1.
    keep : ImageRecord
    duplicates : tuple of Duplicate
        At least one, in the order of the keep policy. References among them are kept too, and so
        are those that show more than `keep` does.
    """

    number: int
    keep: ImageRecord
    duplicates: tuple[Duplicate, ...]

    @property
    def max_distance(self) -> int:
        """The largest distance of a copy to the image that is kept."""
        return max(duplicate.match.distance for duplicate in self.duplicates)


@dataclass(frozen=True, slots=True)
class QueryCopies:
    """The copies of one query.

    Attributes
    ----------
    query : str
        Its path, as it was given.
    copies : tuple of Duplicate
        Possibly empty; the nearest first.
    """

    query: str
    copies: tuple[Duplicate, ...]
