"""Bags of visual words: how often each word is among the local features of an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cbir.core.errors import UsageError
from cbir.descriptors.encoders.named_features import NamedFeatures
from cbir.descriptors.encoders.sparse_code import CountKernel, SparseCode, WordKernel
from cbir.descriptors.encoders.word_descriptor import MOST_WORDS, WordDescriptor
from cbir.descriptors.local_features.base import MOST_FEATURES, LocalExtractor, LocalFeatures
from cbir.descriptors.local_features.orb import OrbExtractor

_VOTES = (4, 2, 1)
"""What an ORB feature adds to its nearest, second and third nearest word."""

_METRICS = ("chi2", "manhattan", "cosine", "euclidean")


@dataclass(frozen=True)
class OrbBovw(WordDescriptor):
    """Bag of visual words of ORB features.

    ORB features, spread over the image, vote for the three nearest words of a vocabulary with
    4, 2 and 1 votes, which are weighted by tf-idf. The vocabulary is clustered by k-majority:
    binary centers, Hamming distances.

    Parameters
    ----------
    features : int
        Features an image, at most.
    words : int
        Words of the vocabulary.
    upright : bool
        Describe the surroundings of a keypoint without turning them: better for images taken
        upright, useless for rotated ones.

    References
    ----------
    J. Sivic, A. Zisserman, "Video Google", ICCV 2003, for visual words and tf-idf; C. Grana et
    al., "A fast approach for integrating ORB descriptors in the bag of words model", SPIE 8667,
    2013, for k-majority; J. Philbin et al., "Lost in quantization", CVPR 2008, for voting for
    several words (there by distance, here by rank).
    """

    name: ClassVar[str] = "orb"
    version: ClassVar[int] = 2
    summary: ClassVar[str] = "the same thing or place photographed again, also turned or cropped"
    metrics: ClassVar[tuple[str, ...]] = _METRICS
    meaning: ClassVar[str] = "0 = the same words as often, 1 = no word in common"
    assigned: ClassVar[int] = len(_VOTES)

    features: int = 1000
    words: int = 4000
    upright: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.features <= MOST_FEATURES:
            raise UsageError(f"orb: features={self.features} must be 1 to {MOST_FEATURES:,}")
        if not 1 <= self.words <= MOST_WORDS:
            raise UsageError(f"orb: words={self.words} must be 1 to {MOST_WORDS:,}")

    @cached_property
    def extractor(self) -> LocalExtractor[Any]:
        """What extracts the features."""
        return OrbExtractor(self.features, self.upright)

    def kernel(self, metric: str) -> WordKernel:
        """Return how bags are compared by a metric."""
        return CountKernel(self.idf, metric=metric)  # type: ignore[arg-type]

    def encode(self, features: LocalFeatures) -> SparseCode:
        """Count votes for words."""
        words = self.nearest_words(features.descriptors, len(_VOTES))
        votes = np.broadcast_to(_VOTES[: words.shape[1]], words.shape)
        return counted(words.ravel(), votes.ravel())

    def encode_query(self, features: LocalFeatures) -> SparseCode:
        """Count votes for words, as for an image of the index."""
        return self.encode(features)


@dataclass(frozen=True)
class Bovw(NamedFeatures):
    """Bag of visual words of local features, weighted by tf-idf.

    Each feature counts for its nearest word. The root of the counts is weighted, so that repeated
    structures, such as windows and leaves, do not outvote all else.

    References
    ----------
    J. Sivic, A. Zisserman, "Video Google: a text retrieval approach to object matching in videos",
    ICCV 2003; H. Jégou, M. Douze, C. Schmid, "On the burstiness of visual elements", CVPR 2009;
    H. Jégou et al., "Aggregating local image descriptors into compact codes", PAMI 34(9), 2012, for
    the root.
    """

    name: ClassVar[str] = "bovw"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "the classic of local features: a bag of visual words"
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "chi2", "manhattan", "euclidean")
    meaning: ClassVar[str] = "0 = the same words as often, 1 = no word in common"

    def kernel(self, metric: str) -> WordKernel:
        """Return how bags are compared by a metric."""
        return CountKernel(self.idf, power=0.5, metric=metric)  # type: ignore[arg-type]

    def encode(self, features: LocalFeatures) -> SparseCode:
        """Count words."""
        words = self.nearest_words(features.descriptors).ravel()
        return counted(words, np.ones(len(words), np.intp))

    def encode_query(self, features: LocalFeatures) -> SparseCode:
        """Count words, as for an image of the index."""
        return self.encode(features)


def counted(words: Any, votes: Any) -> SparseCode:
    """Add up votes for words.

    Examples
    --------
    >>> code = counted(np.array([7, 2, 7]), np.array([4, 2, 1]))
    >>> code.words, code.payloads.view("<u2").ravel()
    (array([2, 7], dtype=uint32), array([2, 5], dtype=uint16))
    """
    there, places = np.unique(words, return_inverse=True)
    counts = np.bincount(places, weights=votes, minlength=len(there)).astype("<u2")
    return SparseCode(there.astype(np.uint32), counts[:, None].view(np.uint8))
