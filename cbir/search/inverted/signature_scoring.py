"""Distances between codes whose entries have binary signatures: ASMK*, Hamming embedding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import MOST_ENTRIES, SignatureKernel, SparseCode
from cbir.search.inverted.segment import Lists, Segment
from cbir.search.inverted.word_scoring import Units, WordScoring, blocks

_DIGITS = 39
"""Binary digits of what one entry of an image can count: with 65,535 of them, a sum has 55."""

_MOST_DIGITS = 62
"""Of any sum."""


@dataclass(frozen=True, slots=True, eq=False)
class SignatureQuery:
    """A query, ready to be compared.

    Attributes
    ----------
    signatures : ndarray of uint64, shape (n, bits / 64)
    units : ndarray of int64, shape (n, bits + 1)
        What an entry contributes that differs in 0, 1, … bits.
    digits : int
        Binary digits behind the point of a unit.
    square : float
        Of the query's norm.
    """

    signatures: NDArray[np.uint64]
    units: Units
    digits: int
    square: float


class SignatureScoring(WordScoring[SignatureQuery]):
    """Compares entries of the same word by how many bits of their signatures differ."""

    norms = np.dtype([("units", "<i8")])
    farthest = 1.0

    def __init__(self, kernel: SignatureKernel) -> None:
        self._idf = kernel.idf.astype(np.float64)
        self._similarities = kernel.similarities()
        self._beyond = int(np.count_nonzero(self._similarities))
        self._burstiness = kernel.burstiness
        self._matches = _most_matches(kernel)
        largest = float(np.square(self._idf).max(initial=0))
        self._digits = _DIGITS - math.frexp(largest)[1]

    def norm(self, code: SparseCode) -> tuple[float, ...]:
        return (int(self._squares(self._idf[code.words])),)

    def prepare(self, query: SparseCode) -> SignatureQuery:
        idf = self._idf[query.words]
        weights = idf if query.weights is None else query.weights.astype(np.float64)
        most = math.frexp(float((weights * idf).sum()) * self._matches)[1]
        digits = min(self._digits, _MOST_DIGITS - most)
        products = np.ldexp(weights * idf, digits)
        units = np.rint(products[:, None] * self._similarities).astype(np.int64)
        return SignatureQuery(
            np.ascontiguousarray(query.payloads).view("<u8"),
            units,
            digits,
            math.ldexp(self._squares(weights), -self._digits),
        )

    def add(self, query: SignatureQuery, segment: Segment, lists: Lists, sums: Units) -> None:
        signatures = segment.payloads.view("<u8")
        for entries, places in blocks(lists):
            differing = np.bitwise_count(signatures[places] ^ query.signatures[entries])
            bits = differing.sum(axis=1, dtype=np.intp)
            units, images = query.units[entries, bits], segment.images[places]
            if self._burstiness:
                units, images = self._calmed(entries, images, units, bits)
            np.add.at(sums, images, units)

    def add_compiled(
        self, query: SignatureQuery, segment: Segment, lists: Lists, sums: Units
    ) -> None:
        self.compiled(
            query.signatures,
            query.units,
            self._beyond,
            lists.entries,
            lists.first,
            lists.last,
            segment.images,
            segment.payloads.view("<u8"),
            sums,
        )

    @property
    def compiled(self) -> Any:
        from cbir.search.inverted import kernels

        return kernels.add_calmed if self._burstiness else kernels.add_signatures

    def distances(
        self, query: SignatureQuery, segment: Segment, sums: Units
    ) -> NDArray[np.float64]:
        units = segment.norms["units"].astype(np.float64)
        # One root of the product: of equal codes, it is exactly what they have in common.
        lengths = np.sqrt(query.square * np.ldexp(np.maximum(units, 0), -self._digits))
        scores = np.ldexp(sums.astype(np.float64), -query.digits)
        np.divide(scores, lengths, out=scores, where=lengths > 0)
        return np.clip(1 - np.where(lengths > 0, scores, 0), 0, 1)

    def _squares(self, weights: NDArray[np.float64]) -> float:
        return math.fsum(np.rint(np.ldexp(np.square(weights), self._digits)).tolist())

    def _calmed(
        self,
        entries: NDArray[np.intp],
        images: NDArray[np.uint16],
        units: Units,
        bits: NDArray[np.intp],
    ) -> tuple[Units, NDArray[np.uint16]]:
        """Return one image and its units for each entry of the query: a list has runs of images."""
        matched = bits < self._beyond
        entries, images, units = entries[matched], images[matched], units[matched]
        if not len(units):
            return units, images
        is_new = (entries[1:] != entries[:-1]) | (images[1:] != images[:-1])
        begins = np.flatnonzero(np.append(True, is_new))
        counts = np.diff(np.append(begins, len(units)))
        totals = np.add.reduceat(units, begins)
        return np.rint(totals / np.sqrt(counts)).astype(np.int64), images[begins]


def _most_matches(kernel: SignatureKernel) -> float:
    """Return how often an entry of a query may count in one image."""
    if not kernel.repeated:
        return 1.0
    return math.sqrt(MOST_ENTRIES) if kernel.burstiness else float(MOST_ENTRIES)
