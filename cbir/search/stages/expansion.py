r"""Query expansion: searches again by the query together with its best results.

The distance of an image is the mean of its distances to the query and to the best results, each of
these weighted by its similarity to the query to the power of :data:`ALPHA`, so that what is less
like the query says less. The similarity is 1 for a distance of 0, and 0 for the median of all.
What is at a distance of 0 from the query, its own image and the copies of that, stays there:
nothing is before it, whatever the others are like.

References
----------
F. Radenović, G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation",
IEEE PAMI 41, 2019: weights by similarity (αQE).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource, top_k
from cbir.search.searchers import Components, Searcher, scanned
from cbir.search.stages.stage import D, Stage, StagedSource

if TYPE_CHECKING:  # few searches verify
    from cbir.search.found_match import FoundMatch

ALPHA = 3.0
"""The power of the similarity; the paper's."""

_USUAL = 1000
"""Rows that are enough to know which distance is usual: the median is off by 2 % of the ranks."""

_COPIES = 16
"""Copies of the query that may be among its best results."""


class MeanSource(ScannedSource[D], Generic[D]):
    """Rows at the weighted mean of their distances to several described images.

    Parameters
    ----------
    sources : sequence of ScannedSource
        The rows, ready to be compared with each of the images; the first is the query's own.
    descriptions : sequence
        The images.
    weights : ndarray of float64
        Above 0; of these, only the proportions matter.

    Attributes
    ----------
    before : ScannedSource
        The query's own.
    """

    def __init__(
        self,
        sources: Sequence[ScannedSource[D]],
        descriptions: Sequence[D],
        weights: NDArray[np.float64],
    ) -> None:
        self.before = sources[0]
        shares = (weights / weights.sum()).tolist()
        self._parts = list(zip(sources, descriptions, shares, strict=True))

    def __len__(self) -> int:
        return len(self.before)

    @property
    def approximate(self) -> bool:  # type: ignore[override]
        """Whether few rows are named for each of the images."""
        return self.before.approximate

    def candidates(self, query: D, k: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return rows among which are the nearest of those that are eligible."""
        if not self.approximate:
            return super().candidates(query, k, eligible)
        # What is near by the mean is near to one of the images, as a rule.
        named = [source.candidates(one, k, eligible) for source, one, _ in self._parts]
        return np.unique(np.concatenate(named))

    def estimate(self, query: D) -> NDArray[np.float64]:
        """Return the distance of every row, nearly."""
        return reduce(
            np.add,
            (
                share * np.asarray(source.estimate(one), np.float64)
                for source, one, share in self._parts
            ),
        )

    def exact(self, query: D, rows: RowNumbers) -> Distances:
        """Return the distances of some rows."""
        return reduce(
            np.add, (share * source.exact(one, rows) for source, one, share in self._parts)
        )

    def tolerance(self, query: D, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""
        # No part adds more than the whole.
        return sum(
            share * source.tolerance(one, distance / share)
            for source, one, share in self._parts
            if share > 0
        )


class Expansion(Stage[D]):
    """A stage that searches again by the query and its best results together.

    Parameters
    ----------
    inner : Searcher
    count : int
        How many of the best results expand the query.

    Attributes
    ----------
    count : int
    """

    def __init__(self, inner: Searcher[D], count: int) -> None:
        super().__init__(inner)
        self.count = count
        self.metric_name = f"{inner.metric_name}, expanded by {count}"
        self.meaning = f"{inner.meaning}; to the query and its best {count} results together"

    def source_for(self, description: D, eligible: RowMask | None = None) -> StagedSource[D]:
        """Return the rows, compared with the query and with what expands it."""
        before = self._before(description, eligible)
        same = self._same(before, description, eligible)
        mean = self._mean(before, description, eligible)
        return StagedSource(mean, same, np.zeros(len(same)))

    def components(
        self, source: Any, description: D, rows: RowNumbers
    ) -> Sequence[Components | None]:
        """Return what the descriptors added to the distances of some rows to the query alone."""
        return self.inner.components(source.before.before, description, rows)

    def found(self, source: Any, description: D, rows: RowNumbers) -> Sequence[FoundMatch | None]:
        """Return what a stage before this one found."""
        return self.inner.found(source.before.before, description, rows)

    def _same(
        self, before: ScannedSource[D], description: D, eligible: RowMask | None
    ) -> RowNumbers:
        """Return the rows at a distance of 0; where few rows are looked at, those among them."""
        if not before.approximate:
            return before.within(description, 0.0, eligible)
        nearest = top_k(before, description, self.count + _COPIES, 0.0, eligible)
        return np.array([row for row, _ in nearest], np.intp)

    def _mean(
        self, before: ScannedSource[D], description: D, eligible: RowMask | None
    ) -> MeanSource[D]:
        """Return the rows at their mean distances."""
        expanding = self.expanding(before, description, eligible)
        if not expanding:
            return MeanSource([before], [description], np.ones(1))
        usual = _usual_distance(before, description)
        distances = np.array([0.0, *(distance for _, distance in expanding)])
        similarities = np.clip(1 - distances / usual, 0, 1) if usual > 0 else distances == 0
        is_like = similarities > 0
        some = [row for (row, _), like in zip(expanding, is_like[1:].tolist(), strict=True) if like]
        compared = [(before, description), *map(self.compared_with, some)]
        sources, descriptions = zip(*compared, strict=True)
        return MeanSource(sources, descriptions, similarities[is_like] ** ALPHA)

    def compared_with(self, row: int) -> tuple[ScannedSource[D], D]:
        """Return the rows of the index, ready to be compared with one of them, and that one."""
        description = self.indexed(row)
        return scanned(self.inner.source_for(description)), description

    def expanding(
        self, before: ScannedSource[D], description: D, eligible: RowMask | None
    ) -> list[tuple[int, float]]:
        """Return the results that expand the query, with their distances to it.

        All of the best do here; where more is known of results, override this, to trust fewer.
        """
        ranked = top_k(before, description, self.count + _COPIES, None, eligible)
        # What is at distance 0 is the query itself, or a copy of it, and says nothing new.
        return [(row, distance) for row, distance in ranked if 0 < distance < np.inf][: self.count]


def _usual_distance(source: ScannedSource[D], description: D) -> float:
    """Return the median distance of all rows; where few are looked at, that of a sample."""
    if not source.approximate:
        return float(np.median(source.estimate(description)))
    rows = np.arange(0, len(source), max(1, len(source) // _USUAL))
    return float(np.median(source.exact(description, rows)))
