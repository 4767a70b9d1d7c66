"""Visual words: local features counted by the words of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.core.progress import ProgressListener
from cbir.core.threads import cores, ordered_map
from cbir.descriptors.base import State, TrainedDescriptor
from cbir.descriptors.local_features.orb import ORB_BYTES, OrbExtractor
from cbir.descriptors.row_kinds import LOCAL, RowKind
from cbir.images.pixels import WORKING_SIZES, Pixels

PackedBits = NDArray[np.uint8]
"""Features or words of 256 bits, eight a byte: shape (n, 32)."""

_VOTES = (4, 2, 1)
"""What a feature adds to its nearest, second and third nearest word."""

_TRAINING_FEATURES = 200_000
_ITERATIONS = 5
"""More of either changed nothing that could be measured."""

_FEATURES_PER_BLOCK = 64
"""So that the distances of a block to all words stay in the processor's cache."""

_FEWEST_FOR_DRIFT = 50
"""Images below which the use of words says nothing of the collection."""

_MOST_FEATURES = 9_000
"""So that all votes for one word fit into 16 bits."""


@dataclass(frozen=True)
class OrbBovw(TrainedDescriptor):
    """Bag of visual words of ORB features.

    ORB features, spread over the image, vote for the three nearest words of a vocabulary with
    4, 2 and 1 votes. The index keeps the votes; search weights them by tf-idf, where a word's
    weight is the logarithm of how rare it is in the index. The vocabulary is clustered by
    k-majority: binary centers, Hamming distances.

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
    version: ClassVar[int] = 1
    kind: ClassVar[RowKind] = LOCAL
    summary: ClassVar[str] = "the same thing or place photographed again, also turned or cropped"
    metrics: ClassVar[tuple[str, ...]] = ("chi2", "manhattan", "cosine", "euclidean")
    meaning: ClassVar[str] = "0 = the same words as often, 1 = no word in common"
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint16)
    working_size: ClassVar[int | None] = WORKING_SIZES[2]
    # Above what is measured between collections of photographs of all kinds, below what is
    # measured from photographs to catalog images on white: benchmarks/drift.py.
    drift_limit: ClassVar[float] = 0.08

    # Of 100,000 words the bits and the usage.
    most_state_bytes: ClassVar[int] = 100_000 * (ORB_BYTES + 8) + (1 << 16)

    features: int = 1000
    words: int = 4000
    upright: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.features <= _MOST_FEATURES:
            raise UsageError(f"orb: features={self.features} must be 1 to {_MOST_FEATURES:,}")
        if not 1 <= self.words <= 100_000:
            raise UsageError(f"orb: words={self.words} must be 1 to 100,000")

    @property
    def dimension(self) -> int:
        """Words."""
        return self.words

    def describe(self, image: Pixels) -> NDArray[np.uint16]:
        """Count votes for words; see :meth:`Descriptor.describe`."""
        assert self.state is not None, "bound to a vocabulary before describing"
        features = self.training_sample(image)
        return count_votes(features, self.state["words"], self.words).astype(np.uint16)

    def training_sample(self, image: Pixels) -> PackedBits:
        """Extract ORB features."""
        return OrbExtractor(self.features, self.upright).extract(image).descriptors

    def train(
        self, samples: Sequence[NDArray[Any]], listener: ProgressListener | None = None
    ) -> State:
        """Cluster features of several images into words."""
        features = np.concatenate([np.empty((0, ORB_BYTES), np.uint8), *samples])
        if len(features) > _TRAINING_FEATURES:
            chosen = np.random.default_rng(0).choice(
                len(features), _TRAINING_FEATURES, replace=False
            )
            features = features[np.sort(chosen)]
        words = k_majority(features, self.words, listener)
        return {
            "words": words,
            "usage": count_votes(features, words, self.words),
            "words_asked": np.array(self.words),
            "upright": np.array(self.upright),
        }

    def check_state(self, state: State) -> str | None:
        """Say why a vocabulary does not fit."""
        words = state.get("words")
        if words is None or words.dtype != np.uint8 or words.shape[1:] != (ORB_BYTES,):
            return "it is not a vocabulary of ORB features"
        if not {"usage", "words_asked", "upright"} <= set(state):
            return "it is incomplete"
        asked, upright = state["words_asked"], state["upright"]
        if asked.shape or upright.shape or asked.dtype.kind not in "iu" or upright.dtype != bool:
            return "it is damaged"
        if int(asked) != self.words:
            return f"it has {asked} words, not {self.words}; use the descriptor orb:words={asked}"
        if not _is_sound(words, state["usage"], self.words):
            return "it is damaged"
        if bool(upright) != self.upright:
            return f"it was trained with upright={bool(upright)}"
        return None

    def check_given(self, state: State) -> str | None:
        """Say that a vocabulary has no words: all images would be equal by it."""
        return None if len(state["words"]) else "it was trained on images without any features"

    def drift(self, rows: NDArray[Any]) -> float:
        """Return the Jensen–Shannon divergence (in bits) of the words' use."""
        assert self.state is not None, "bound to a vocabulary"
        if len(rows) < _FEWEST_FOR_DRIFT:
            return 0.0
        now = rows.sum(axis=0, dtype=np.float64)
        return _jensen_shannon(self.state["usage"].astype(float), now)


def _is_sound(words: PackedBits, usage: NDArray[Any], size: int) -> bool:
    """Say whether there are all words that were used, and not all of them equal."""
    if usage.shape != (size,) or usage.dtype.kind not in "iuf" or len(words) > size:
        return False
    if not np.isfinite(usage).all() or (usage < 0).any() or usage[len(words) :].any():
        return False
    if not len(words) or not usage.any():  # nothing was there to learn from
        return not len(words) and not usage.any()
    return len(words) == 1 or bool((words != words[0]).any())


def nearest_words(
    features: PackedBits, words: PackedBits, count: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the nearest words of each feature by Hamming distance, the lowest number first.

    Parameters
    ----------
    features : ndarray of uint8, shape (n, 32)
    words : ndarray of uint8, shape (k, 32)
    count : int
        How many words a feature; at most k.

    Returns
    -------
    ndarray of intp, shape (n, count), ndarray of int64, shape (n,)
        The words, nearest first and among equals the lower number, and the distances to the
        first.
    """
    columns = np.ascontiguousarray(words.view(np.uint64).T)
    packed = np.ascontiguousarray(features).view(np.uint64)
    nearest = np.empty((len(features), count), np.intp)
    distance = np.empty(len(features), np.int64)
    for start in range(0, len(features), _FEATURES_PER_BLOCK):
        block = packed[start : start + _FEATURES_PER_BLOCK]
        distances = np.zeros((len(block), len(words)), np.uint16)
        for part, column in zip(block.T, columns, strict=True):
            distances += np.bitwise_count(part[:, None] ^ column)
        every = np.arange(len(block))
        for place in range(count):
            best = distances.argmin(axis=1)
            nearest[start : start + len(block), place] = best
            if place == 0:
                distance[start : start + len(block)] = distances[every, best]
            distances[every, best] = np.iinfo(np.uint16).max
    return nearest, distance


def count_votes(features: PackedBits, words: PackedBits, size: int) -> NDArray[np.int64]:
    """Let features vote for their nearest words.

    Returns
    -------
    ndarray of int64, shape (size,)
        Votes a word; zeros without features or words.

    Examples
    --------
    >>> words = np.zeros((2, 32), np.uint8); words[1] = 255
    >>> count_votes(words[:1], words, 3)
    array([4, 2, 0])
    """
    votes = np.zeros(size, np.int64)
    nearest, _ = _in_threads(features, words, min(len(_VOTES), len(words)))
    for place, weight in zip(nearest.T, _VOTES, strict=False):
        votes += weight * np.bincount(place, minlength=size)
    return votes


def k_majority(
    features: PackedBits, count: int, listener: ProgressListener | None = None
) -> PackedBits:
    """Cluster binary features: centers are the majority of their members' bits.

    All arithmetic is on integers, so the result is the same on any number of threads.

    Parameters
    ----------
    features : ndarray of uint8, shape (n, 32)
    count : int
        Words wanted.
    listener : ProgressListener, optional
        Told of each round.

    Returns
    -------
    ndarray of uint8, shape (k, 32)
        The words; fewer than `count` if there are not as many distinct features.
    """
    listener = listener or ProgressListener()
    distinct = np.unique(features, axis=0)
    if len(distinct) <= count:
        return distinct
    chosen = np.random.default_rng(0).choice(len(distinct), count, replace=False)
    words = distinct[np.sort(chosen)]
    bits = np.unpackbits(features, axis=1)
    listener.begin("clustering", _ITERATIONS, "rounds")
    for _ in range(_ITERATIONS):
        nearest, distance = _in_threads(features, words, 1)
        moved = _majorities(bits, nearest[:, 0], words)
        empty = np.flatnonzero(np.bincount(nearest[:, 0], minlength=count) == 0)
        # A word that nobody wants takes the place of a feature that is served worst.
        moved[empty] = features[np.argsort(-distance, kind="stable")[: len(empty)]]
        if np.array_equal(moved, words):
            break
        words = moved
        listener.advance()
    listener.end()
    return words


def _majorities(bits: PackedBits, labels: NDArray[Any], words: PackedBits) -> PackedBits:
    order = np.argsort(labels, kind="stable")
    used, starts = np.unique(labels[order], return_index=True)
    sums = np.add.reduceat(bits[order], starts, axis=0, dtype=np.int32)
    sizes = np.diff(np.r_[starts, len(labels)])
    moved = words.copy()
    moved[used] = np.packbits(2 * sums > sizes[:, None], axis=1)
    return moved


def _in_threads(
    features: PackedBits, words: PackedBits, count: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute :func:`nearest_words`, on all cores if there are very many features."""
    per_task = 128 * _FEATURES_PER_BLOCK
    if len(features) <= 2 * per_task:
        return nearest_words(features, words, count)
    parts = [features[start : start + per_task] for start in range(0, len(features), per_task)]
    found = ordered_map(lambda part: nearest_words(part, words, count), parts, cores(), batch=1)
    nearest, distance = zip(*found, strict=True)
    return np.concatenate(nearest), np.concatenate(distance)


def _jensen_shannon(one: NDArray[Any], other: NDArray[Any]) -> float:
    if not one.sum() or not other.sum():
        return 0.0
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2

    def divergence(share: NDArray[Any]) -> float:
        used = share > 0
        return float((share[used] * np.log2(share[used] / middle[used])).sum())

    return (divergence(p) + divergence(q)) / 2
