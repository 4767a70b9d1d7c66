"""VLAD: what is left of local features after a few visual words, as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Encoding
from cbir.descriptors.encoders.clustering import Bytes, cluster, mean_numbers, nearest_numbers
from cbir.descriptors.encoders.named_features import extractor_for
from cbir.descriptors.local_features.base import MOST_FEATURES, LocalExtractor
from cbir.descriptors.resumable import ResumableDescriptor, Rounds
from cbir.descriptors.state import State
from cbir.images.pixels import Pixels

_ROUNDS = 25
_FEATURES_PER_WORD = 4000
_MOST_WORDS = 256

_STEPS = 127
"""Steps of a stored number from 0 to 1; a row has the length 1."""


@dataclass(frozen=True)
class Vlad(ResumableDescriptor):
    """Vector of locally aggregated descriptors: SIFT features, summed up after their words.

    Each feature is assigned to the nearest of a few words, and the residuals to a word are added
    up. The sum of each word is scaled to length 1 by itself (intra-normalization), so that no
    repeated structure rules the vector, and then the whole vector.

    Parameters
    ----------
    count : int
        Features an image, at most.
    upright : bool
        Do not turn features with their local orientation.
    words : int
        Words; a row has 128 numbers for each.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, P. Pérez, "Aggregating local descriptors into a compact image
    representation", CVPR 2010; R. Arandjelović, A. Zisserman, "All about VLAD", CVPR 2013.
    """

    name: ClassVar[str] = "vlad"
    version: ClassVar[int] = 1
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int8)
    summary: ClassVar[str] = "local features as one vector, for comparisons with what is published"
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean")
    meaning: ClassVar[str] = "0 = the same, 1 = as unlike as unrelated images, 2 = opposite"
    shipped_models: ClassVar[Any] = MappingProxyType({"vlad": {"upright": True, "words": 64}})

    count: int = 1000
    upright: bool = True
    words: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_FEATURES:
            raise UsageError(f"{self.name}: count={self.count} must be 1 to {MOST_FEATURES:,}")
        if not 1 <= self.words <= _MOST_WORDS:
            raise UsageError(f"{self.name}: words={self.words} must be 1 to {_MOST_WORDS:,}")

    @cached_property
    def _extractor(self) -> LocalExtractor[Any]:
        return extractor_for("sift", self.count, self.upright)

    @property
    def dimension(self) -> int:
        """Numbers an image."""
        return self.words * self._extractor.descriptor_size

    @property
    def encoding(self) -> Encoding:
        """127ths of a vector of length 1."""
        return Encoding(1 / _STEPS)

    @property
    def working_size(self) -> int:
        """That of the extractor."""
        return self._extractor.working_size

    def describe(self, image: Pixels) -> NDArray[np.int8]:
        """Aggregate the features of an RGB image; see :meth:`Descriptor.describe`."""
        assert self.state is not None, "bound to a vocabulary before describing"
        words, descriptors = self.state["words"], self.training_sample(image)
        sums = np.zeros((self.words, self._extractor.descriptor_size))
        if len(descriptors) and len(words):
            labels, _ = nearest_numbers(descriptors, words)
            np.add.at(sums, labels, descriptors.astype(np.float64) - words[labels])
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1)
        vector = sums.ravel() / max(float(np.linalg.norm(sums)), 1)
        return np.rint(_STEPS * vector).astype(np.int8)

    def training_sample(self, image: Pixels) -> Bytes:
        """Extract the descriptors of the features."""
        descriptors: Bytes = self._extractor.extract(image).descriptors
        return descriptors

    def train(
        self,
        samples: Sequence[NDArray[Any]],
        listener: ProgressListener | None = None,
        kept: Rounds | None = None,
    ) -> State:
        """Cluster features of several images into words."""
        rows = np.concatenate([np.empty((0, self._extractor.descriptor_size), np.uint8), *samples])
        most = _FEATURES_PER_WORD * self.words
        if len(rows) > most:
            chosen = np.random.default_rng(0).choice(len(rows), most, replace=False)
            rows = rows[np.sort(chosen)]
        words = cluster(rows, self.words, _ROUNDS, nearest_numbers, mean_numbers, listener, kept)
        return {
            "vlad_words": np.array(self.words),
            "upright": np.array(self.upright),
            "words": words,
        }

    def check_state(self, state: State) -> str | None:
        """Say why a vocabulary does not fit."""
        if not {"vlad_words", "upright", "words"} <= set(state):
            return "it is not a vocabulary of vlad"
        asked, upright, words = state["vlad_words"], state["upright"], state["words"]
        if asked.shape or upright.shape or asked.dtype.kind not in "iu" or upright.dtype != bool:
            return "it is damaged"
        if int(asked) != self.words:
            return f"it has {asked} words, not {self.words}; use the descriptor vlad:words={asked}"
        if bool(upright) != self.upright:
            return f"it was trained with upright={bool(upright)}"
        sound = words.dtype == np.uint8 and words.shape[1:] == (self._extractor.descriptor_size,)
        return None if sound and len(words) <= self.words else "it is damaged"

    def check_given(self, state: State) -> str | None:
        """Say that a vocabulary has no words: all images would be equal by it."""
        return None if len(state["words"]) else "it was trained on images without any features"

    def drift(self, rows: NDArray[Any]) -> float:
        """Return 0: sums of residuals do not tell how far words are from features."""
        return 0.0
