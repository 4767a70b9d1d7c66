"""What all descriptors have alike that assign local features to the words of a vocabulary."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import excerpt
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.clustering import Bytes, cluster, mean_numbers, nearest_numbers
from cbir.descriptors.encoders.hamming_clustering import majority_bits, nearest_bits, nearest_words
from cbir.descriptors.encoders.local_descriptor import LocalDescriptor
from cbir.descriptors.encoders.word_cells import WordCells
from cbir.descriptors.resumable import ResumableDescriptor, Rounds
from cbir.descriptors.state import State
from cbir.images.pixels import Pixels

MOST_WORDS = 1 << 16

_ROUNDS = 10

_FEATURES_PER_WORD = 50
"""Of training, at most; beyond that, words get no better."""

NearestWords = Callable[[Bytes, int], NDArray[np.intp]]
"""Returns so many nearest words of each descriptor."""


@dataclass(frozen=True)
class WordDescriptor(LocalDescriptor, ResumableDescriptor):
    """Base of descriptors that share vocabularies of visual words.

    Those with the same features and number of words take the same vocabulary, whichever of them it
    was trained for.

    Attributes
    ----------
    assigned : int
        Words that a feature of an indexed image is assigned to, the nearest ones.
    """

    most_state_bytes: ClassVar[int] = 1 << 25
    assigned: ClassVar[int] = 1

    @property
    @abstractmethod
    def words(self) -> int:
        """Words of the vocabulary."""

    @property
    def is_binary(self) -> bool:
        """Whether the descriptors of the features are packed bits."""
        return self.extractor.is_binary

    def training_sample(self, image: Pixels) -> Bytes:
        """Extract the descriptors of the features."""
        descriptors: Bytes = self.extractor.extract(image).descriptors
        return descriptors

    def train(
        self,
        samples: Sequence[NDArray[Any]],
        listener: ProgressListener | None = None,
        kept: Rounds | None = None,
    ) -> State:
        """Cluster features of several images into words."""
        every = [np.empty((0, self.extractor.descriptor_size), np.uint8), *samples]
        rows = np.concatenate(every)
        most = _FEATURES_PER_WORD * self.words
        if len(rows) > most:
            chosen = np.random.default_rng(0).choice(len(rows), most, replace=False)
            rows = rows[np.sort(chosen)]
        nearest = nearest_bits if self.is_binary else nearest_numbers
        centers = majority_bits if self.is_binary else mean_numbers
        words = cluster(rows, self.words, _ROUNDS, nearest, centers, listener, kept)
        state: dict[str, NDArray[Any]] = {
            "features": np.array(self.extractor.name),
            "upright": np.array(self.extractor.is_upright),
            "words_asked": np.array(self.words),
        }
        if self.is_binary:
            state["words"] = words
        else:
            cells = WordCells.of(words)
            words = cells.words
            state |= {"words": words, "cells": cells.cells, "starts": cells.starts}
        state["images"] = np.array(len(samples))
        state["usage"] = _usage(samples, self._finder(state), len(words), self.assigned)
        return state

    def check_state(self, state: State) -> str | None:
        """Say why a vocabulary does not fit."""
        expected = {"features", "upright", "words_asked", "words", "images", "usage"}
        cells = set() if self.is_binary else {"cells", "starts"}
        if not expected | cells <= set(state):
            return f"it is not a vocabulary of {self.extractor.name} features"
        if str(state["features"]) != self.extractor.name:
            features = excerpt(str(state["features"]))
            return f"it is a vocabulary of {features} features, not of {self.extractor.name}"
        asked, upright = state["words_asked"], state["upright"]
        if asked.shape or upright.shape or asked.dtype.kind not in "iu" or upright.dtype != bool:
            return "it is damaged"
        # Numbers lie in the same places of their space, turned or not; bits do not.
        if self.is_binary and bool(upright) != self.extractor.is_upright:
            return f"it was trained with upright={bool(upright)}"
        if int(asked) != self.words:
            return (
                f"it has {asked} words, not {self.words}; use the descriptor"
                f" {self.name}:words={asked}"
            )
        return None if self._is_sound(state) else "it is damaged"

    def _is_sound(self, state: State) -> bool:
        words, usage, images = state["words"], state["usage"], state["images"]
        if words.dtype != np.uint8 or words.shape[1:] != (self.extractor.descriptor_size,):
            return False
        if images.shape or images.dtype.kind not in "iu" or not 0 <= int(images) < 1 << 40:
            return False
        if len(words) > self.words or usage.shape != (len(words),) or usage.dtype != np.int64:
            return False
        if len(usage) and (usage.min() < 0 or usage.max() > int(images)):
            return False
        if self.is_binary:
            return True
        cells, starts = state["cells"], state["starts"]
        return bool(
            cells.dtype == np.uint8
            and cells.shape[1:] == words.shape[1:]
            and len(cells) <= min(max(len(words), 1), MOST_WORDS)
            and starts.dtype == np.int32
            and starts.shape == (len(cells) + 1,)
            and starts[0] == 0
            and starts[-1] == len(words)
            and (np.diff(starts) >= 0).all()
        )

    def check_given(self, state: State) -> str | None:
        """Say that a vocabulary has no words: all images would be equal by it."""
        return None if len(state["words"]) else "it was trained on images without any features"

    @property
    def vocabulary(self) -> State:
        """What was trained."""
        assert self.state is not None, "bound to a vocabulary before encoding"
        return self.state

    @cached_property
    def idf(self) -> NDArray[np.float32]:
        r"""The inverse document frequency of each word, :math:`\ln\frac{N + 1}{n + 0.5}`.

        It is that of the images that the vocabulary was trained on.
        """
        # The halves keep every weight positive.
        images, usage = int(self.vocabulary["images"]), self.vocabulary["usage"]
        return np.log((images + 1) / (usage + 0.5)).astype(np.float32)

    @cached_property
    def _nearest(self) -> NearestWords:
        return self._finder(self.vocabulary)

    def _finder(self, state: State) -> NearestWords:
        """Return what finds the nearest words of a vocabulary."""
        if self.is_binary:
            return lambda descriptors, count: nearest_words(descriptors, state["words"], count)[0]
        return WordCells(state["words"], state["cells"], state["starts"]).nearest

    def nearest_words(self, descriptors: Bytes, count: int = 1) -> NDArray[np.intp]:
        """Return the nearest words of descriptors, the nearest first; shape (n, count)."""
        return self._nearest(descriptors, min(count, len(self.vocabulary["words"])))


def _usage(
    samples: Sequence[Bytes], nearest: NearestWords, count: int, assigned: int
) -> NDArray[np.int64]:
    """Count the images in which each word is."""
    usage = np.zeros(count, np.int64)
    if count:
        for sample in samples:
            usage[np.unique(nearest(sample, min(assigned, count)))] += 1
    return usage
