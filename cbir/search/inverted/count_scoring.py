"""Distances between bags of visual words, from the words that two of them have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import CountKernel, SparseCode
from cbir.search.inverted.common_weight import HARMONIC, LEAST, PRODUCT, common_weight
from cbir.search.inverted.segment import Lists, Segment
from cbir.search.inverted.segment_layout import MOST_IMAGES
from cbir.search.inverted.word_scoring import Units, WordScoring, blocks

_DIGITS = 56
"""Binary digits behind the point of a unit. What normalized bags have in common is at most 1."""

_UNIT = 2.0**-_DIGITS

_FARTHEST = {"chi2": 1.0, "manhattan": 2.0, "cosine": 1.0, "euclidean": math.sqrt(2)}

_COMMON = {"chi2": HARMONIC, "manhattan": LEAST, "cosine": PRODUCT, "euclidean": PRODUCT}


@dataclass(frozen=True, slots=True, eq=False)
class CountQuery:
    """A query, ready to be compared.

    Attributes
    ----------
    weights : ndarray of float64, shape (n,)
        Normalized.
    idf : ndarray of float64, shape (n,)
        Of the words.
    units : int
        What the query has in common with itself.
    """

    weights: NDArray[np.float64]
    idf: NDArray[np.float64]
    units: int


class CountScoring(WordScoring[CountQuery]):
    """Compares how much words weigh."""

    norms = np.dtype([("sum", "<f8"), ("sum_units", "<i8"), ("root", "<f8"), ("root_units", "<i8")])

    def __init__(self, kernel: CountKernel) -> None:
        self._idf = kernel.idf.astype(np.float64)
        self._strengths = kernel.strengths()
        self._dtype = np.dtype(f"<u{kernel.payload_bytes}")
        self._metric = kernel.metric
        self._common = _COMMON[kernel.metric]
        self._size = "root" if self._common == PRODUCT else "sum"
        self.farthest = _FARTHEST[kernel.metric]

    def norm(self, code: SparseCode) -> tuple[float, ...]:
        weights = self._strengths[self._counts(code.payloads)] * self._idf[code.words]
        total, root = _sum(weights), math.sqrt(_sum(np.square(weights)))
        return (total, _units(weights, total), root, _units(weights, root, 2))

    def prepare(self, query: SparseCode) -> CountQuery:
        idf = self._idf[query.words]
        factors = idf if query.weights is None else query.weights.astype(np.float64)
        weights = self._strengths[self._counts(query.payloads)] * factors
        power = 2 if self._common == PRODUCT else 1
        size = math.sqrt(_sum(np.square(weights))) if power == 2 else _sum(weights)
        return CountQuery(weights / (size or 1), idf, _units(weights, size, power))

    def add(self, query: CountQuery, segment: Segment, lists: Lists, sums: Units) -> None:
        counts, sizes = self._counts(segment.payloads), self._sizes(segment)
        for entries, places in blocks(lists):
            images = segment.images[places]
            weights = self._strengths[counts[places]] * query.idf[entries] / sizes[images]
            common = common_weight(query.weights[entries], weights, self._common)
            with np.errstate(invalid="ignore"):  # of forged norms
                np.add.at(sums, images, np.rint(np.ldexp(common, _DIGITS)).astype(np.int64))

    def add_compiled(self, query: CountQuery, segment: Segment, lists: Lists, sums: Units) -> None:
        self.compiled(
            query.weights[lists.entries],
            query.idf[lists.entries],
            lists.first,
            lists.last,
            segment.images,
            self._counts(segment.payloads),
            self._strengths,
            self._sizes(segment),
            self._common,
            sums,
        )

    @property
    def compiled(self) -> Any:
        from cbir.search.inverted import kernels

        return kernels.add_counts

    def distances(self, query: CountQuery, segment: Segment, sums: Units) -> NDArray[np.float64]:
        own: Units = segment.norms[f"{self._size}_units"]
        if self._metric == "cosine":
            lengths = np.sqrt(np.maximum(own, 0).astype(np.float64) * query.units)
            scores = np.divide(sums, lengths, out=np.zeros(len(sums)), where=lengths > 0)
            distances = 1 - scores
        else:
            distances = (own + query.units - 2 * sums).astype(np.float64) * _UNIT
            if self._metric == "chi2":
                distances /= 2
            elif self._metric == "euclidean":
                distances = np.sqrt(np.maximum(distances, 0))
        distances[sums == 0] = self.farthest
        return np.clip(distances, 0, self.farthest)

    def _counts(self, payloads: NDArray[np.uint8]) -> NDArray[Any]:
        return np.ascontiguousarray(payloads).view(self._dtype)[:, 0]

    def _sizes(self, segment: Segment) -> NDArray[np.float64]:
        """Return what the weights of each image are divided by, for every number of 16 bits."""
        sizes = np.ones(MOST_IMAGES)
        known = segment.norms[self._size]
        sizes[: len(known)] = np.where(known > 0, known, 1)
        return sizes


def _sum(values: NDArray[np.float64]) -> float:
    return math.fsum(values.tolist())


def _units(weights: NDArray[np.float64], size: float, power: int = 1) -> int:
    """Return what a bag has in common with itself."""
    if not size:
        return 0
    own = weights / size
    return int(np.rint(np.ldexp(own * own if power == 2 else own, _DIGITS)).astype(np.int64).sum())
