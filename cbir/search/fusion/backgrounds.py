"""Rows of unrelated images: the yardstick by which distances of different descriptors are added.

How far a query is from images that have nothing to do with it tells what a distance of a
descriptor is worth for this query. Rows of such images come with the package, for its own
descriptors with their default parameters and models; ``benchmarks/backgrounds.py`` makes the file.
For others, for models of an earlier version, and for bags of words, whose distances depend on the
collection, rows of the index stand in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cbir.descriptors.base import Descriptor, Row
from cbir.descriptors.models import load_shipped
from cbir.search.candidates import CandidateSource, Distances, RowNumbers
from cbir.search.metrics import Metric
from cbir.search.sources import open_source

FILE = "backgrounds"
"""Among what comes with the package: the rows of each descriptor under its fingerprint."""

_INDEX_ROWS = 256
"""Rows of an index that stand in, at most."""


@dataclass(frozen=True, slots=True)
class Background:
    """The rows that the distances of one descriptor are measured by.

    Attributes
    ----------
    source : CandidateSource
    rows : ndarray of int
        Which rows of the source.
    """

    source: CandidateSource[Row]
    rows: RowNumbers

    @classmethod
    def of(cls, descriptor: Descriptor, metric: Metric, source: CandidateSource[Row]) -> Background:
        """Return the background of a descriptor.

        Parameters
        ----------
        descriptor : Descriptor
            With its state, if it is a trained one.
        metric : Metric
        source : CandidateSource
            The rows of the index. An even sample of them is taken where the package has none.
        """
        rows = shipped(descriptor)
        if rows is None:
            taken = min(len(source), _INDEX_ROWS)
            return cls(source, np.arange(taken) * len(source) // taken)
        return cls(open_source(descriptor, rows, metric), np.arange(len(rows)))

    def distances(self, query: Row) -> Distances:
        """Return the distances of a query to unrelated images.

        What is at distance 0 is left out: it is the query itself or a copy of it, not unrelated.
        """
        distances = self.source.exact(query, self.rows)
        return distances[(distances > 0) & np.isfinite(distances)]


def shipped(descriptor: Descriptor) -> Row | None:
    """Return the rows of unrelated images that come with the package, or None.

    Parameters
    ----------
    descriptor : Descriptor
        One with other parameters, or trained on other images, has no rows here.

    Returns
    -------
    ndarray, shape (images, width), of the descriptor's type

    Raises
    ------
    CbirError
        When the package's file is missing or damaged.

    Examples
    --------
    >>> from cbir.descriptors.registry import create
    >>> shipped(create("hsv", {})).shape
    (200, 1536)
    >>> shipped(create("hsv", {"layout": "none"})) is None
    True
    """
    return load_shipped(FILE).get(descriptor.fingerprint)
