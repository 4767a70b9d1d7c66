"""Which vectors serve a descriptor best: measured on a sample of its rows.

For each row of a part of the sample, the nearest by the metric should be among the nearest by the
vectors. Of the forms that may serve the metric, the one with which they are most often is taken,
and of the projections the shortest that loses little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor, Row
from cbir.search.ann.engines.base import SEED
from cbir.search.ann.geometry import Geometry, forms_of
from cbir.search.ann.projection import Numbers, Projection
from cbir.search.ann.vectors import VectorMap, even_sample
from cbir.search.metrics import Metric
from cbir.search.sources import open_source

NEAREST = 10
"""How many of the nearest rows count."""

_AMONG = 50
"""Nearest by the vectors, among which they should be."""

FEW = 10_000
"""Rows up to which an exact search is as fast: then it is chosen and tuned on a smaller sample."""

_SAMPLE = 20_000
_SAMPLE_OF_FEW = 1000
_QUERIES = 100

_WIDTHS = (32, 64, 96, 128, 192, 256, 384, 512)
"""Of the projections that are tried."""

_ENOUGH = 0.96
"""Of the nearest that the whole vectors have, the share that a projection must keep."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What serves a descriptor, and what it was chosen from.

    Attributes
    ----------
    vector_map : VectorMap
    coverage : float
        The share of the :data:`NEAREST` that are among the first by the vectors, in the sample.
    """

    vector_map: VectorMap
    coverage: float


def choose_vectors(
    descriptor: Descriptor,
    metric: Metric,
    matrix: Row,
    width: int | None = None,
    multiple: int = 1,
) -> Choice | None:
    """Return the vectors that serve a descriptor best, or None where no engine can.

    Parameters
    ----------
    descriptor : Descriptor
    metric : Metric
    matrix : ndarray, shape (n, width)
        All rows; a sample of them is taken.
    width : int, optional
        Numbers that a projection is to leave; 0: nothing is projected. Unless told otherwise, as
        many as lose little.
    multiple : int
        Of it, such a projection leaves a multiple.
    """
    most = _SAMPLE if len(matrix) > FEW else _SAMPLE_OF_FEW
    sample = matrix[even_sample(len(matrix), most)]
    forms = forms_of(descriptor, metric.name, sample)
    geometries = [Geometry(descriptor, form) for form in forms]
    if not geometries:
        return None
    if geometries[0].packed:
        return Choice(VectorMap(geometries[0]), 1.0)
    truth = _Truth.of(descriptor, metric, sample)
    best = max(geometries, key=lambda one: truth.coverage(one.vectors(sample)))
    vectors = best.vectors(sample)
    whole = Choice(VectorMap(best), truth.coverage(vectors))
    if width is None:
        return _shortest(whole, vectors, truth, multiple)
    if not 0 < width < best.width:
        return whole
    projection = Projection.of(vectors, width)
    return Choice(VectorMap(best, projection), truth.coverage(projection(vectors)))


def _shortest(whole: Choice, vectors: Numbers, truth: _Truth, multiple: int) -> Choice:
    # Rows may have more numbers than the sample has rows, and then no more directions.
    most = min(vectors.shape[1] - 1, len(vectors))
    rounded = sorted({-(-width // multiple) * multiple for width in _WIDTHS})
    widths = [width for width in rounded if width <= most]
    for projection in Projection.each_of(vectors, widths) if widths else ():
        coverage = truth.coverage(projection(vectors))
        if coverage >= _ENOUGH * whole.coverage:
            return Choice(VectorMap(whole.vector_map.geometry, projection), coverage)
    return whole


@dataclass(frozen=True, slots=True)
class _Truth:
    """The nearest rows of some rows of a sample, by the metric.

    Attributes
    ----------
    queries : ndarray of int
        Rows of the sample.
    nearest : list of ndarray of int
        Of each query, without itself.
    """

    queries: NDArray[np.intp]
    nearest: list[NDArray[np.intp]]

    @classmethod
    def of(cls, descriptor: Descriptor, metric: Metric, sample: Row) -> _Truth:
        rng = np.random.default_rng(SEED)
        queries = rng.permutation(len(sample))[:_QUERIES]
        source = open_source(descriptor, sample, metric)
        everything = np.arange(len(sample))
        nearest = []
        for query in queries.tolist():
            candidates = source.candidates(sample[query], min(NEAREST + 1, len(sample)))
            distances = source.exact(sample[query], candidates)
            ranked = candidates[np.lexsort((candidates, distances))]
            nearest.append(everything[ranked[ranked != query]][:NEAREST])
        return cls(queries, nearest)

    def coverage(self, vectors: Numbers) -> float:
        """Return the share of the nearest that are among the first by some vectors."""
        squares = np.einsum("ij,ij->i", vectors, vectors)
        shares = []
        for query, nearest in zip(self.queries.tolist(), self.nearest, strict=True):
            distances = squares - 2 * (vectors @ vectors[query])
            distances[query] = np.inf
            first = np.argpartition(distances, min(_AMONG, len(distances)) - 1)[:_AMONG]
            shares.append(np.isin(nearest, first).mean() if len(nearest) else 1.0)
        return float(np.mean(shares))
