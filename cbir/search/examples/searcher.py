"""Searches by several examples, whatever compares them: a searcher that wraps another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core.errors import UsageError
from cbir.images.open_image import OpenImage
from cbir.images.oriented_image import (
    AS_IT_IS,
    ORIENTATIONS,
    UNTURNED,
    Orientation,
    oriented,
)
from cbir.search.candidates import CandidateSource, RowMask, RowNumbers
from cbir.search.examples.examples import D, Examples
from cbir.search.examples.source import Comparison, ExamplesSource
from cbir.search.searchers import Components, Searcher, scanned

if TYPE_CHECKING:  # few searches verify
    from cbir.search.found_match import FoundMatch


class ExamplesSearcher(Searcher[Examples[D]]):
    """Searches by what another searcher says of each example.

    Its stages are done for each example by itself. What one image, or one image of the index, is
    described as are examples, too: of that image alone.

    Parameters
    ----------
    inner : Searcher
        By one descriptor or a fusion, with or without stages.
    augment : bool
        Describe an image in all its orientations that are another query.
    """

    def __init__(self, inner: Searcher[D], augment: bool = False) -> None:
        self.inner = inner
        self.augment = augment
        self.label = inner.label
        self.metric_name = inner.metric_name
        self.meaning = inner.meaning
        self.weights = inner.weights
        self.adaptive = inner.adaptive
        self.notes = inner.notes
        self.tells_turns = inner.tells_turns and not augment
        self._orientations = ORIENTATIONS if augment else (AS_IT_IS,)
        if augment and not inner.tells_turns:
            self._orientations = UNTURNED

    @property
    def bytes_per_image(self) -> int:
        """Bytes that the matrices take an image."""
        return self.inner.bytes_per_image

    def describe_image(self, image: OpenImage) -> Examples[D]:
        """Describe an image, in one orientation or in all."""
        views = (oriented(image, one) for one in self._orientations)
        return Examples((tuple(map(self.inner.describe_image, views)),))

    def indexed(self, row: int) -> Examples[D]:
        """Return what the index stores of an image: as it lies."""
        return Examples(((self.inner.indexed(row),),))

    def source_for(
        self, description: Examples[D], eligible: RowMask | None = None
    ) -> ExamplesSource[D]:
        """Return the rows, at their distances to all examples."""
        if not isinstance(description, Examples):
            raise UsageError(f"{self.label}: give examples as describe() or indexed() returns them")

        def compared(one: D) -> Comparison:
            return Comparison(scanned(self.inner.source_for(one, eligible)), one)

        return ExamplesSource(description.each(compared))

    def components(
        self, source: CandidateSource[Examples[D]], description: Examples[D], rows: RowNumbers
    ) -> Sequence[Components | None]:
        """Return what the descriptors of a fusion add, if there is one example; else nothing.

        The distance to several is no sum of what the descriptors say.
        """
        assert isinstance(source, ExamplesSource)
        found: list[Any] = [None] * len(rows)
        if description.count > 1:
            return found
        nearest = source.nearest_views(rows)
        for view, comparison in enumerate(source.comparisons.wanted[0]):
            places = np.flatnonzero(nearest == view)
            parts = self.inner.components(*comparison, rows[places])
            for place, some in zip(places, parts, strict=True):
                found[place] = some
        return found

    def found(
        self, source: CandidateSource[Examples[D]], description: Examples[D], rows: RowNumbers
    ) -> Sequence[FoundMatch | None]:
        """Return what verification found with the example that fits each row best."""
        assert isinstance(source, ExamplesSource)
        best: list[FoundMatch | None] = [None] * len(rows)
        for example, views in enumerate(source.comparisons.wanted):
            for orientation, comparison in zip(self._orientations, views, strict=False):
                for place, one in enumerate(self.inner.found(*comparison, rows)):
                    before = best[place]
                    if one is None or (before and before.match.score >= one.match.score):
                        continue
                    best[place] = replace(one, example=example, orientation=orientation)
        return best

    def lacking(self, description: Examples[D]) -> tuple[str, ...]:
        """Return what found nothing to compare in one of the images, however it lies."""
        firsts = [views[0] for views in description.wanted]
        return tuple(dict.fromkeys(alias for one in firsts for alias in self.inner.lacking(one)))

    def orientations(
        self, source: CandidateSource[Examples[D]], description: Examples[D], rows: RowNumbers
    ) -> Sequence[Orientation | None]:
        """Return how the query had to be turned to be so near to some rows, if it was turned."""
        assert isinstance(source, ExamplesSource)
        if not self.augment:
            return [None] * len(rows)
        return [self._orientations[view] for view in source.nearest_views(rows)]
