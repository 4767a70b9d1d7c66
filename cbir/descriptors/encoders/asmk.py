"""ASMK*: aggregated selective match kernels of local features, with binary signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.descriptors.encoders.bursts import merged
from cbir.descriptors.encoders.clustering import Bytes
from cbir.descriptors.encoders.named_features import NamedFeatures
from cbir.descriptors.encoders.residual_signs import aggregated, residuals
from cbir.descriptors.encoders.sparse_code import SignatureKernel, SparseCode, WordKernel
from cbir.descriptors.local_features.base import LocalFeatures

_ALPHA = 3.5
"""How much more close signatures count than others. The paper has 3 without a threshold."""

_THRESHOLD = 0.1
"""Signatures that agree by less do not match: 57 of 128 bits may differ."""

_QUERY_WORDS = 5
"""Words that a feature of the query is assigned to; the paper's."""


@dataclass(frozen=True)
class Asmk(NamedFeatures):
    """Aggregated selective match kernel, binarized (ASMK*), of local features.

    Each feature is assigned to its nearest visual word. Of the features of one word, the residuals
    to it are added up, so that repeated structures count once, and the signs of the sum are the
    word's signature. Two images are alike as far as the signatures of their common words agree,
    close ones by much more than others. Features of the query are assigned to the nearest five
    words.

    Parameters
    ----------
    burst : float
        The cosine of descriptors from which features of one image are merged before all that; 1:
        never. Images take less room and are found less well.

    References
    ----------
    G. Tolias, Y. Avrithis, H. Jégou, "To aggregate or not to aggregate: selective match kernels
    for image search", ICCV 2013, and "Image search with selective match kernels: aggregation
    across single and multiple images", IJCV 116, 2016.
    """

    name: ClassVar[str] = "asmk"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "the same thing or place photographed again, from another side"
    metrics: ClassVar[tuple[str, ...]] = ("cosine",)
    meaning: ClassVar[str] = "0 = the same features, 1 = nothing in common"

    burst: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.burst <= 1:
            raise UsageError(f"asmk: burst={self.burst} must be above 0, and at most 1")

    def kernel(self, metric: str) -> WordKernel:
        """Return how codes are compared."""
        bits = self.vocabulary["words"].shape[1] * (8 if self.is_binary else 1)
        return SignatureKernel(self.idf, bits, _ALPHA, _THRESHOLD)

    def encode(self, features: LocalFeatures) -> SparseCode:
        """Return the words of an image with their signatures."""
        descriptors = self._merged(features)
        return self._aggregated(descriptors, self.nearest_words(descriptors))

    def encode_query(self, features: LocalFeatures) -> SparseCode:
        """Return the words of a query; each feature is assigned to several."""
        return self.encode_both(features)[1]

    def encode_both(self, features: LocalFeatures) -> tuple[SparseCode, SparseCode]:
        """Return the codes of one image: of the index, and as a query."""
        descriptors = self._merged(features)
        assigned = self.nearest_words(descriptors, _QUERY_WORDS)
        return (
            self._aggregated(descriptors, assigned[:, :1]),
            self._aggregated(descriptors, assigned),
        )

    def _merged(self, features: LocalFeatures) -> Bytes:
        return merged(features.descriptors, self.burst, self.is_binary)

    def _aggregated(self, descriptors: Bytes, assigned: NDArray[np.intp]) -> SparseCode:
        words = assigned.ravel()
        repeated = np.repeat(descriptors, assigned.shape[1], axis=0)
        centers = self.vocabulary["words"][words]
        residual = residuals(repeated, centers, self.is_binary)
        return aggregated(words, residual, self.is_binary)
