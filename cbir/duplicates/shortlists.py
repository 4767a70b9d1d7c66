"""Which contents each content is compared with: few enough, however many look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.duplicates.copy_classifier import Hypotheses

MOST_FIRST = 1000
"""Candidates a content, those that come first in the order of the keep policy: it joins the first
that it is a copy of, so that what is found among them is what would be found among all ..."""

MOST_NEAREST = 100
"""... and those with the nearest hashes besides: the copies of the later ones of many look-alikes,
as of the frames of a fixed camera."""

_ORIENTATIONS = 8

_MERGED_AT = 1 << 18
"""Waiting candidates from which on they are merged."""

# A key is the rank of a content, a distance, and the rank of a candidate: sorted by all three.
_RANK_BITS = 27
_LATER_SHIFT = np.uint64(_RANK_BITS + 9)
_DISTANCE_SHIFT = np.uint64(_RANK_BITS)
_EARLIER_MASK = np.uint64((1 << _RANK_BITS) - 1)
_PLACE_MASK = np.uint64((1 << (_RANK_BITS + 9)) - 1)

Ranks = NDArray[np.int64]
PackedHypotheses = NDArray[np.uint16]


def orientation_bit(orientation: int) -> int:
    """Return the bit that says that hashes are near in an orientation."""
    return 1 << orientation


def feature_vote_bit(mirrored: bool) -> int:
    """Return the bit that says that local features vote for a pair."""
    return 1 << (_ORIENTATIONS + mirrored)


def unpacked(hypotheses: int) -> Hypotheses:
    """Return the hypotheses that some bits stand for.

    Examples
    --------
    >>> unpacked(orientation_bit(0) | orientation_bit(5) | feature_vote_bit(True))
    Hypotheses(orientations={0, 5}, feature_votes={True})
    """
    return Hypotheses(
        {turn for turn in range(_ORIENTATIONS) if hypotheses & orientation_bit(turn)},
        {mirrored for mirrored in (False, True) if hypotheses & feature_vote_bit(mirrored)},
    )


@dataclass(frozen=True, slots=True, eq=False)
class Shortlists:
    """The candidates of all contents, in arrays.

    Attributes
    ----------
    starts : ndarray of int64, shape (contents + 1,)
        Where the candidates of each content begin, by its number.
    earlier : ndarray of int32, shape (pairs,)
        Contents before it in the order of the keep policy, in that order.
    hypotheses : ndarray of uint16, shape (pairs,)
        Why each may be a copy; see :func:`unpacked`.
    """

    starts: NDArray[np.int64]
    earlier: NDArray[np.int32]
    hypotheses: PackedHypotheses

    def of(self, content_id: int) -> list[tuple[int, int]]:
        """Return the candidates of a content, each with the bits of its reasons."""
        part = slice(self.starts[content_id], self.starts[content_id + 1])
        return list(zip(self.earlier[part].tolist(), self.hypotheses[part].tolist(), strict=True))

    def in_order(self, order: Sequence[int]) -> Shortlists:
        """Return the same pairs for contents in another order."""
        content_count = len(self.starts) - 1
        rank = np.empty(content_count, np.int64)
        rank[np.asarray(order, np.int64)] = np.arange(content_count)
        content_id = np.repeat(np.arange(content_count, dtype=np.int32), np.diff(self.starts))
        swapped = rank[self.earlier] > rank[content_id]
        later = np.where(swapped, self.earlier, content_id)
        earlier = np.where(swapped, content_id, self.earlier)
        sorting = np.lexsort((rank[earlier], later))
        counts = np.bincount(later, minlength=content_count)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Shortlists(starts, earlier[sorting], self.hypotheses[sorting])

    def later(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the same the other way round: where the contents begin that have each as a
        candidate, shape (contents + 1,), and those contents."""
        content_count = len(self.starts) - 1
        by_earlier = np.argsort(self.earlier, kind="stable")
        counts = np.bincount(self.earlier, minlength=content_count)
        later = np.repeat(np.arange(content_count, dtype=np.int32), np.diff(self.starts))
        return np.concatenate([[0], np.cumsum(counts)]), later[by_earlier]


class TopCandidates:
    """The best candidates of each content, of however many are added in whatever order.

    Contents are named by their ranks in the order of the keep policy. The best are the nearest,
    then the first. No more memory is used than for the best and as many besides.

    Parameters
    ----------
    content_count : int
    most : int
        Candidates a content.

    Attributes
    ----------
    crowded : ndarray of bool, shape (contents,)
        Which contents have more candidates; complete after :meth:`best`.
    """

    def __init__(self, content_count: int, most: int) -> None:
        self.crowded = np.zeros(content_count, bool)
        self._most = most
        self._worst = np.full(content_count, _PLACE_MASK)
        self._keys = np.empty(0, np.uint64)
        self._hypotheses = np.empty(0, np.uint16)
        self._added: list[tuple[NDArray[np.uint64], PackedHypotheses]] = []
        self._waiting = 0

    def add(
        self,
        later: Ranks,
        earlier: Ranks,
        hypotheses: PackedHypotheses,
        distance: NDArray[np.uint16],
    ) -> None:
        """Add candidates, one a place of the arrays; the reasons of equal ones are united.

        A candidate that is added again must come with the same distance.
        """
        keys = (distance.astype(np.uint64) << _DISTANCE_SHIFT) | earlier.astype(np.uint64)
        fit = keys <= self._worst[later]
        if not fit.all():
            self.crowded[later[~fit]] = True
            later, keys, hypotheses = later[fit], keys[fit], hypotheses[fit]
        keys |= later.astype(np.uint64) << _LATER_SHIFT
        self._added.append((keys, hypotheses))
        self._waiting += len(keys)
        if self._waiting > max(_MERGED_AT, len(self._keys)):
            self._merge()

    def best(self) -> tuple[Ranks, Ranks, PackedHypotheses]:
        """Return contents, their candidates and the reasons, sorted by content, best first."""
        self._merge()
        return (
            (self._keys >> _LATER_SHIFT).astype(np.int64),
            (self._keys & _EARLIER_MASK).astype(np.int64),
            self._hypotheses,
        )

    def __len__(self) -> int:
        """Return how many candidates are held."""
        return len(self._keys) + self._waiting

    def _merge(self) -> None:
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._added)])
        hypotheses = np.concatenate([self._hypotheses, *(added for _, added in self._added)])
        self._added, self._waiting = [], 0
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        keys, hypotheses = keys[order], hypotheses[order]
        del order
        distinct = _run_starts(keys)
        keys, hypotheses = keys[distinct], np.bitwise_or.reduceat(hypotheses, distinct)
        later = (keys >> _LATER_SHIFT).astype(np.int64)
        runs = _run_starts(later)
        place = np.arange(len(keys)) - np.repeat(runs, np.diff(runs, append=len(keys)))
        self.crowded[later[place == self._most]] = True
        last = place == self._most - 1
        self._worst[later[last]] = keys[last] & _PLACE_MASK
        kept = place < self._most
        self._keys, self._hypotheses = keys[kept], hypotheses[kept]


def _run_starts(values: NDArray[np.uint64] | Ranks) -> NDArray[np.int64]:
    """Return where sorted values change, and 0."""
    return np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])


class ShortlistBuilder:
    """Selects, of pairs that come in any order, those to compare.

    Parameters
    ----------
    order : ndarray of int64, shape (contents,)
        The contents in the order of the keep policy.
    most_first, most_nearest : int
        Candidates a content.
    """

    def __init__(self, order: Ranks, most_first: int, most_nearest: int) -> None:
        self._order = order
        self._most = most_first + most_nearest
        self._first = TopCandidates(len(order), most_first)
        self._nearest = TopCandidates(len(order), most_nearest)

    def add(
        self,
        one: Ranks,
        other: Ranks,
        hypotheses: int | PackedHypotheses,
        distance: NDArray[np.uint16] | None = None,
    ) -> None:
        """Add pairs of ranks, in either order.

        Parameters
        ----------
        one, other : ndarray of int64, shape (pairs,)
        hypotheses : int or ndarray of uint16, shape (pairs,)
            Of all, or of each.
        distance : ndarray of uint16, shape (pairs,), optional
            Of their upright hashes; a pair without is kept for coming first only.
        """
        later, earlier = np.maximum(one, other), np.minimum(one, other)
        why = np.broadcast_to(np.asarray(hypotheses, np.uint16), later.shape)
        self._first.add(later, earlier, why, np.zeros(len(later), np.uint16))
        if distance is not None:
            self._nearest.add(later, earlier, why, distance)

    def __len__(self) -> int:
        """Return how many candidates are held."""
        return len(self._first) + len(self._nearest)

    def finish(self) -> tuple[Shortlists, int]:
        """Return the shortlists, and of how many contents some candidates were left out."""
        content_count = len(self._order)
        both = TopCandidates(content_count, self._most)
        for some in (self._first, self._nearest):
            later, earlier, hypotheses = some.best()
            both.add(later, earlier, hypotheses, np.zeros(len(later), np.uint16))
        later, earlier, hypotheses = both.best()
        content_id = self._order[later]
        by_content = np.argsort(content_id, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(content_id, minlength=content_count))])
        lists = Shortlists(
            starts, self._order[earlier[by_content]].astype(np.int32), hypotheses[by_content]
        )
        return lists, int(self._first.crowded.sum())
