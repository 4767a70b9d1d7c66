r"""Late fusion: one ranking from the distances of several descriptors.

Distances of different descriptors have nothing in common, so they are never added as they are.

**Normalized scores.** The background of a query is its own distances :math:`d_{i1}, d_{i2} \ldots`
by descriptor *i* to images that have nothing to do with it; :math:`m_i` and :math:`s_i` are their
mean and their deviation. With weights :math:`w_i`, an image at distances :math:`d_i` has the fused
distance

.. math:: \frac{\sum_i w_i d_i / s_i}{\sum_i w_i m_i / s_i}.

Its ranking is that of the weighted sum of z-scores :math:`(d_i - m_i) / s_i`; 0 is equal in
everything, 1 as far as unrelated images are.

**Ranks.** Reciprocal rank fusion needs no background and keeps of the distances their order only.

References
----------
R. Auckenthaler, M. Carey, H. Lloyd-Thomas, "Score normalization for text-independent speaker
verification systems", Digital Signal Processing 10, 2000: the test normalization.

G. V. Cormack, C. L. A. Clarke, S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and
individual rank learning methods", SIGIR 2009.

L. Zheng, S. Wang, L. Tian, F. He, Z. Liu, Q. Tian, "Query-adaptive late fusion for image search and
person re-identification", CVPR 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Row
from cbir.search.candidates import Distances, RowNumbers, ScannedSource

Rows = tuple[Row, ...]
"""An image as the descriptors of a fusion describe it, in their order."""

_IMAGINED = 2
_IMAGINED_DEVIATION = 0.1
"""The deviation is that of the background and of two imagined rows more, off the mean by a tenth of
it, which is what most descriptors have: a background of a few rows, or of rows that are all as far
away as each other, does not make a descriptor all-important."""

_RANK_OFFSET = 60
"""How much less the second rank is worth than the first; the paper's."""

CURVE = 300
"""Ranks of which the score curve is looked at."""


@dataclass(frozen=True, slots=True)
class ScoreNormalizer:
    """What a distance of one descriptor is worth for one query.

    Attributes
    ----------
    mean, deviation : float
        Of the distances to unrelated images; both above 0.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, background: Distances) -> ScoreNormalizer:
        """Measure the distances of a query to unrelated images, all above 0; perhaps none.

        Examples
        --------
        >>> normalizer = ScoreNormalizer.of(np.repeat([0.7, 0.9], 100))
        >>> round(normalizer.mean, 3), round(normalizer.deviation, 3)
        (0.8, 0.1)
        """
        mean = float(background.mean()) if len(background) else 1.0
        squares = float(np.square(background - mean).sum())
        squares += _IMAGINED * (_IMAGINED_DEVIATION * mean) ** 2
        return cls(mean, (squares / (len(background) + _IMAGINED)) ** 0.5)


def factors(weights: Sequence[float], normalizers: Sequence[ScoreNormalizer]) -> tuple[float, ...]:
    """Return by what each distance is multiplied before they are added up.

    Examples
    --------
    >>> factors([1, 3], [ScoreNormalizer(0.5, 0.1), ScoreNormalizer(100, 20)])
    (0.5, 0.0075)
    """
    pairs = list(zip(weights, normalizers, strict=True))
    unrelated = sum(weight * normalizer.mean / normalizer.deviation for weight, normalizer in pairs)
    return tuple(weight / normalizer.deviation / unrelated for weight, normalizer in pairs)


@dataclass(frozen=True, slots=True)
class WeightedSum(ScannedSource[Rows]):
    """The sources of several descriptors as one, for one query: distances are weighted and added.

    Parameters
    ----------
    sources : tuple of ScannedSource
    factors : tuple of float
        As :func:`factors` gives them.
    """

    sources: tuple[ScannedSource[Row], ...]
    factors: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.sources[0])

    def estimate(self, query: Rows) -> Distances:
        """Return the fused distance of every row, nearly."""
        parts = (
            factor * np.asarray(source.estimate(row), np.float64)
            for factor, source, row in zip(self.factors, self.sources, query, strict=True)
        )
        return reduce(np.add, parts)

    def exact(self, query: Rows, rows: RowNumbers) -> Distances:
        """Return the fused distances of some rows."""
        return reduce(np.add, (part for _, part in self.parts(query, rows)))

    def parts(self, query: Rows, rows: RowNumbers) -> list[tuple[Distances, Distances]]:
        """Return the distances of some rows by each descriptor, and their parts of the fused."""
        exact = [source.exact(row, rows) for source, row in zip(self.sources, query, strict=True)]
        return [(part, factor * part) for factor, part in zip(self.factors, exact, strict=True)]

    def tolerance(self, query: Rows, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""
        # No part adds more than the whole.
        return sum(
            factor * source.tolerance(row, distance / factor)
            for factor, source, row in zip(self.factors, self.sources, query, strict=True)
            if factor > 0
        )


class ReciprocalRanks(ScannedSource[Rows]):
    r"""The ranks that several descriptors give, fused, for one query.

    A row that descriptor *i* puts at rank :math:`r_i` has the score :math:`\sum_i w_i / (60 + r_i)`
    and the distance 1 − score / best possible score. Rows at one distance share the best of their
    ranks, so that their order plays no part. Every row has a rank, so that every distance has to
    be computed exactly.

    Parameters
    ----------
    sources : tuple of ScannedSource
    weights : sequence of float
    query : tuple of ndarray
    """

    def __init__(
        self, sources: tuple[ScannedSource[Row], ...], weights: Sequence[float], query: Rows
    ) -> None:
        everything = np.arange(len(sources[0]))
        self._parts = []
        for source, weight, row in zip(sources, weights, query, strict=True):
            distances = source.exact(row, everything)
            missed = 1 - (_RANK_OFFSET + 1) / (_RANK_OFFSET + ranks(distances))
            self._parts.append((distances, weight / sum(weights) * missed))
        self._distances: Distances = reduce(np.add, (part for _, part in self._parts))

    def __len__(self) -> int:
        return len(self._distances)

    def estimate(self, query: Rows) -> Distances:
        """Return the fused distance of every row."""
        return self._distances

    def exact(self, query: Rows, rows: RowNumbers) -> Distances:
        """Return the fused distances of some rows."""
        return self._distances[rows]

    def parts(self, query: Rows, rows: RowNumbers) -> list[tuple[Distances, Distances]]:
        """Return the distances of some rows by each descriptor, and their parts of the fused."""
        return [(distances[rows], part[rows]) for distances, part in self._parts]

    def tolerance(self, query: Rows, distance: float) -> float:
        """Return 0: nothing is estimated."""
        return 0.0


def ranks(distances: Distances) -> NDArray[np.intp]:
    """Return the rank of each distance, from 1; equal ones share the best.

    Examples
    --------
    >>> ranks(np.array([0.5, 0.1, 0.5, 0.9]))
    array([2, 1, 2, 4])
    """
    return np.searchsorted(np.sort(distances), distances, side="left") + 1


def adaptive_weight(nearest: Distances, background: Distances, count: int) -> float:
    """Return how good a descriptor is for a query, by the shape of its score curve.

    The scores of the ranking, from the first on, fall steeply where few images are much nearer
    than the rest, and the descriptor knows what it looks for; they fall slowly where it does not.
    From the curve a reference is subtracted: the scores of unrelated images, drawn out to the
    same number of images. What is left is stretched to 0 … 1, and the smaller the area under it,
    the better.

    It departs from the paper in that the reference is the query's own background, not the best
    fitting of a set of curves; in looking at the first :data:`CURVE` ranks only; in that the weight
    is one over the square root of the area, not over the area; and the weights are those of a sum,
    not exponents of a product. ``docs/results.md`` has figures.

    Parameters
    ----------
    nearest : ndarray of float64
        The distances of the first ranks, sorted.
    background : ndarray of float64
        Distances to unrelated images.
    count : int
        Images that are ranked.

    Returns
    -------
    float
        From 1, for a curve without any fall; weights mean something beside each other only.

    Examples
    --------
    >>> background = np.linspace(0.7, 0.9, 200)
    >>> flat = np.linspace(0.5, 0.9, 100)
    >>> steep = np.concatenate([[0.1, 0.2], np.linspace(0.7, 0.9, 98)])
    >>> adaptive_weight(steep, background, 100) > adaptive_weight(flat, background, 100) > 1
    True
    """
    nearest = nearest[np.isfinite(nearest)]
    if not (len(nearest) and len(background)):
        return 1.0
    places = (np.arange(len(nearest)) + 0.5) / count
    quantiles = (np.arange(len(background)) + 0.5) / len(background)
    curve = np.interp(places, quantiles, np.sort(background)) - nearest
    curve -= curve.min()
    highest = curve.max()
    return float((curve / highest).mean()) ** -0.5 if highest > 0 else 1.0
