"""Hamming embedding: visual words of local features, each with a binary signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cbir.descriptors.encoders.named_features import NamedFeatures
from cbir.descriptors.encoders.residual_signs import residuals, signs
from cbir.descriptors.encoders.sparse_code import SignatureKernel, SparseCode, WordKernel
from cbir.descriptors.local_features.base import LocalFeatures

_THRESHOLD = 0.25
"""Signatures that agree by less do not match: 48 of 128 bits may differ, as 24 of 64 in the
paper."""

_ALPHA = 3.0
"""How much more close signatures count than others."""

_QUERY_WORDS = 5
"""Words that a feature of the query is assigned to."""


@dataclass(frozen=True)
class HammingEmbedding(NamedFeatures):
    """Hamming embedding of local features.

    Each feature is assigned to its nearest visual word, and keeps the signs of its residual to it.
    Features match that have the same word and agree in most of the signs; close ones count more.
    What a feature of the query matches several times in an image counts by the root of that.

    It departs from the paper in the signs: of the descriptor itself less its word, in place of a
    random projection less the medians of the word.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, "Hamming embedding and weak geometric consistency for large scale
    image search", ECCV 2008; "On the burstiness of visual elements", CVPR 2009; "Improving
    bag-of-features for large scale image search", IJCV 87, 2010, for weights and several words.
    """

    name: ClassVar[str] = "hamming_embedding"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "the same thing photographed again: each feature by itself"
    metrics: ClassVar[tuple[str, ...]] = ("cosine",)
    meaning: ClassVar[str] = "0 = the same features, 1 = nothing in common"

    def kernel(self, metric: str) -> WordKernel:
        """Return how codes are compared."""
        bits = self.vocabulary["words"].shape[1] * (8 if self.is_binary else 1)
        return SignatureKernel(self.idf, bits, _ALPHA, _THRESHOLD, repeated=True, burstiness=True)

    def encode(self, features: LocalFeatures) -> SparseCode:
        """Return the words of all features with their signatures."""
        return self._embedded(features, 1)

    def encode_query(self, features: LocalFeatures) -> SparseCode:
        """Return the words of a query; each feature is assigned to several."""
        return self._embedded(features, _QUERY_WORDS)

    def _embedded(self, features: LocalFeatures, count: int) -> SparseCode:
        assigned = self.nearest_words(features.descriptors, count)
        words = assigned.ravel()
        order = np.argsort(words, kind="stable")
        descriptors = np.repeat(features.descriptors, assigned.shape[1], axis=0)[order]
        centers = self.vocabulary["words"][words[order]]
        residual = residuals(descriptors, centers, self.is_binary)
        return SparseCode(words[order].astype(np.uint32), signs(residual, self.is_binary))
