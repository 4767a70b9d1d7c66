"""Which images may be copies of parts of each other: votes of their local features.

The features of all images lie in buckets, named by the first bits of their signatures. A
feature of a query looks into its own bucket and into those next to it, and votes for the images
of the features that it finds there. The number of buckets grows with the collection, so that a
look costs the same in a small one and in a large one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.local_features.binary_codes import BITS, LEADING, MIRRORING, signatures
from cbir.descriptors.local_features.sift import SiftFeatures

if TYPE_CHECKING:
    from cbir.search.inverted.vote_accumulator import VoteAccumulator

FARTHEST = 12
"""Bits of 64 by which two signatures of one feature may differ. Of right matches under the edits
of ``benchmarks/edits.py`` nine tenths are within 11; of random pairs one in ten thousand is."""

FEWEST_VOTES = 4
"""Below this a candidate is left out. Verification asks for more matches, but voting misses
some."""

MOST_CANDIDATES = 16
"""Candidates an image, those with most votes ..."""

CLEAR_SHARE = 0.25
"""... and all those beyond that so many of the query's features vote for: an image may have any
number of copies."""

_PROBES = 3
"""Unsure bits of which all combinations are tried: 8 buckets a feature."""

_A_BUCKET = 8
"""Features that a bucket holds on average."""

_FEWEST_BITS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be a copy.

    Attributes
    ----------
    image : int
        Its place in the index of features.
    votes : int
    mirrored : bool
        The query's mirrored features voted for it.
    """

    image: int
    votes: int
    mirrored: bool


class LshIndex:
    """The signatures of the features of many images, in buckets.

    Thirteen bytes a feature are held in memory, whatever else is known of it stays in the store.

    Parameters
    ----------
    images : iterable of SiftFeatures
        In order: the place of an image is its number.

    References
    ----------
    Q. Lv et al., "Multi-probe LSH", VLDB 2007, for looking into the next buckets; H. Jégou,
    M. Douze, C. Schmid, "Hamming embedding and weak geometric consistency", ECCV 2008, for the
    second look at bits and for counting votes by rotation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def image():
    ...     descriptors = rng.integers(0, 99, (50, 128), dtype=np.uint8)
    ...     return SiftFeatures(rng.random((50, 4), np.float32), descriptors, 100, 100)
    >>> some = [image() for _ in range(3)]
    >>> index = LshIndex(some)
    >>> [candidate.image for candidate in index.candidates(some[1])]
    [1]
    """

    def __init__(self, images: Iterable[SiftFeatures]) -> None:
        bits: list[NDArray[np.uint64]] = []
        turns: list[NDArray[np.uint8]] = []
        sizes: list[int] = []
        for features in images:
            bits.append(signatures(features.descriptors)[0])
            turns.append(_turns(features))
            sizes.append(len(features))
        self.images = len(sizes)
        self._local = threading.local()
        every = np.concatenate([np.empty(0, np.uint64), *bits])
        self._bucket_bits = _bucket_bits(len(every))
        order = np.argsort(every, kind="stable")
        self._signatures = every[order]
        self._owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]
        self._turns = np.concatenate([np.empty(0, np.uint8), *turns])[order]
        names = np.arange((1 << self._bucket_bits) + 1, dtype=np.uint64)
        firsts = names[:-1] << np.uint64(BITS - self._bucket_bits)
        self._starts = np.append(np.searchsorted(self._signatures, firsts), len(every))

    def candidates(self, query: SiftFeatures, excluded: int = -1) -> list[Candidate]:
        """Return the images that the query's features vote for, the most votes first.

        Parameters
        ----------
        query : SiftFeatures
        excluded : int, optional
            An image that is left out: the query itself.
        """
        accumulator = self._accumulator()
        bits, order = signatures(query.descriptors)
        flips = self._flips(order)
        turns = _turns(query)
        found: dict[int, Candidate] = {}
        for mirrored in (False, True):
            voted, votes = accumulator.count(
                bits ^ MIRRORING if mirrored else bits,
                (128 - turns.astype(np.int64)).astype(np.uint8) if mirrored else turns,
                flips,
                self._signatures,
                self._owners,
                self._turns,
                self._starts,
                BITS - self._bucket_bits,
                FARTHEST,
            )
            enough = votes >= FEWEST_VOTES
            for image, count in zip(voted[enough].tolist(), votes[enough].tolist(), strict=True):
                if image != excluded and (image not in found or count > found[image].votes):
                    found[image] = Candidate(image, count, mirrored)
        ranked = sorted(found.values(), key=lambda one: (-one.votes, one.image))
        clear = CLEAR_SHARE * len(query)
        return [
            one for place, one in enumerate(ranked) if place < MOST_CANDIDATES or one.votes > clear
        ]

    def _accumulator(self) -> VoteAccumulator:
        """Return this thread's room for counting."""
        if not hasattr(self._local, "accumulator"):
            from cbir.search.inverted.vote_accumulator import VoteAccumulator

            self._local.accumulator = VoteAccumulator(self.images)
        accumulator: VoteAccumulator = self._local.accumulator
        return accumulator

    def _flips(self, order: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """Return, for each feature, what turns its signature into those of the buckets to try."""
        unsure = np.array([row[row < self._bucket_bits][:_PROBES] for row in order], np.uint64)
        single = np.uint64(1) << (np.uint64(BITS - 1) - unsure.reshape(-1, _PROBES))
        flips = np.zeros((len(order), 1), np.uint64)
        for column in single.T:
            flips = np.concatenate([flips, flips ^ column[:, None]], axis=1)
        return flips


def _bucket_bits(features: int) -> int:
    wanted = int(np.log2(max(features / _A_BUCKET, 1)))
    return min(max(wanted, _FEWEST_BITS), LEADING)


def _turns(features: SiftFeatures) -> NDArray[np.uint8]:
    """Return the directions of features as 256ths of a turn."""
    return (np.rint(features.points[:, 3] * (128 / np.pi)).astype(np.int64) % 256).astype(np.uint8)
