"""Descriptors by visual words that take the features that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from cbir.core.errors import UsageError
from cbir.descriptors.encoders.clustering import Bytes
from cbir.descriptors.encoders.word_descriptor import MOST_WORDS, WordDescriptor
from cbir.descriptors.local_features.base import MOST_FEATURES, LocalExtractor
from cbir.descriptors.local_features.registry import extractor_of
from cbir.images.pixels import Pixels

_STEP = 16
"""Of the numbers of SIFT descriptors. Half of the bytes, and the quality of exact ones."""

_TRAINING_FEATURES = 1000
"""Of an image, at most: descriptors with other counts share a vocabulary."""

FeatureName = Literal["sift", "orb", "akaze", "surf"]


@dataclass(frozen=True)
class NamedFeatures(WordDescriptor):
    """Base of descriptors that share vocabularies and features.

    Parameters
    ----------
    features : {"sift", "orb", "akaze", "surf"}
        What is extracted.
    count : int
        Features an image, at most.
    upright : bool
        Do not turn features with their local orientation: better for images that are taken
        upright, useless for rotated ones.
    words : int
        Words of the vocabulary.
    """

    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"words": {"features": "sift", "words": 16384}}
    )

    features: FeatureName = "sift"
    count: int = 800
    upright: bool = False
    words: int = 16384

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_FEATURES:
            raise UsageError(f"{self.name}: count={self.count} must be 1 to {MOST_FEATURES:,}")
        if not 1 <= self.words <= MOST_WORDS:
            raise UsageError(f"{self.name}: words={self.words} must be 1 to {MOST_WORDS:,}")
        if self.features == "surf" and self.upright:
            raise UsageError(f"{self.name}: surf has no upright features; leave out upright")

    @cached_property
    def extractor(self) -> LocalExtractor[Any]:
        """What extracts the features."""
        return extractor_for(self.features, self.count, self.upright)

    def training_sample(self, image: Pixels) -> Bytes:
        """Extract the descriptors of as many features, whatever their count is elsewhere."""
        extractor = extractor_for(self.features, _TRAINING_FEATURES, self.upright)
        descriptors: Bytes = extractor.extract(image).descriptors
        return descriptors


def extractor_for(features: str, count: int, upright: bool) -> LocalExtractor[Any]:
    """Return the extractor of some features.

    Examples
    --------
    >>> extractor_for("orb", 500, True)
    OrbExtractor(count=500, upright=True)
    """
    parameters: dict[str, object] = {"count": count}
    if features != "surf":
        parameters["upright"] = upright
    if features == "sift":
        parameters["step"] = _STEP
        # Spread, the same things are found no better. Upright ones are described by themselves, so
        # that spreading them costs nothing.
        parameters["spread"] = upright
    given = ",".join(f"{key}={value}" for key, value in parameters.items())
    return extractor_of(f"{features}:{given}")
