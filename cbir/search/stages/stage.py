"""What the stages of a search share: a searcher that wraps another one, and its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.images.open_image import OpenImage
from cbir.search.candidates import CandidateSource, Distances, RowMask, RowNumbers, ScannedSource
from cbir.search.searchers import Components, Searcher, scanned

if TYPE_CHECKING:  # few searches verify
    from cbir.search.found_match import FoundMatch

D = TypeVar("D")


class StagedSource(ScannedSource[D]):
    """Rows of which some, the nearest, have other distances after a stage.

    All others keep theirs. So that they stay behind, no distance that a stage gives may be beyond
    that of the farthest row that it looked at.

    Parameters
    ----------
    before : CandidateSource
        The rows before the stage, for the same query.
    rows : ndarray of int, shape (m,)
        The nearest, each once.
    distances : ndarray of float64, shape (m,)
        Theirs, after the stage.

    Attributes
    ----------
    before : ScannedSource
    """

    def __init__(self, before: ScannedSource[D], rows: RowNumbers, distances: Distances) -> None:
        self.before = before
        order = np.argsort(rows)
        self._rows, self._distances = rows[order], distances[order]

    def __len__(self) -> int:
        return len(self.before)

    @property
    def approximate(self) -> bool:  # type: ignore[override]
        """Whether what was before the stage names few rows."""
        return self.before.approximate

    def candidates(self, query: D, k: int, eligible: RowMask | None = None) -> RowNumbers:
        """Return rows among which are the nearest of those that are eligible."""
        if not self.approximate:
            return super().candidates(query, k, eligible)
        # The stage may have moved all of its rows away: as many others may come in their place.
        count = len(self) if eligible is None else int(np.count_nonzero(eligible))
        others = self.before.candidates(query, min(count, k + len(self._rows)), eligible)
        staged = self._rows if eligible is None else self._rows[eligible[self._rows]]
        return np.union1d(staged, others)

    def estimate(self, query: D) -> NDArray[np.float64]:
        """Return the distance of every row: estimated, but for those of the stage."""
        estimates = np.array(self.before.estimate(query), np.float64)
        estimates[self._rows] = self._distances
        return estimates

    def exact(self, query: D, rows: RowNumbers) -> Distances:
        """Return the distances of some rows."""
        distances = np.empty(len(rows), np.float64)
        places = np.searchsorted(self._rows, rows)
        is_staged = places < len(self._rows)
        is_staged[is_staged] = self._rows[places[is_staged]] == rows[is_staged]
        distances[is_staged] = self._distances[places[is_staged]]
        distances[~is_staged] = self.before.exact(query, rows[~is_staged])
        return distances

    def tolerance(self, query: D, distance: float) -> float:
        """Return by how much an estimate near `distance` may be off."""
        return self.before.tolerance(query, distance)


def compared(source: CandidateSource[D]) -> CandidateSource[D]:
    """Return the rows as they were before all stages: only compared with the query."""
    while (before := getattr(source, "before", None)) is not None:
        source = before
    return source


class Stage(Searcher[D]):
    """A searcher that improves what another one finds.

    It describes as that one does. What it does to a search is in :meth:`source_for`, whose source
    has the distances after the stage.

    Parameters
    ----------
    inner : Searcher
        What searches before this stage; perhaps a stage, too.

    Attributes
    ----------
    inner : Searcher
    base : Searcher
        The innermost searcher, which only compares.
    """

    def __init__(self, inner: Searcher[D]) -> None:
        self.inner = inner
        self.base: Searcher[D] = inner.base if isinstance(inner, Stage) else inner
        self.label = inner.label
        self.metric_name = inner.metric_name
        self.meaning = inner.meaning
        self.weights = inner.weights
        self.adaptive = inner.adaptive
        self.tells_turns = inner.tells_turns
        self.approximate = inner.approximate
        self.notes = inner.notes

    @property
    def bytes_per_image(self) -> int:
        """Bytes that the matrices take an image."""
        return self.inner.bytes_per_image

    def describe_image(self, image: OpenImage) -> D:
        """Describe an image as the inner searcher does."""
        return self.inner.describe_image(image)

    def indexed(self, row: int) -> D:
        """Return what the index stores of an image."""
        return self.inner.indexed(row)

    def components(
        self, source: Any, description: D, rows: RowNumbers
    ) -> Sequence[Components | None]:
        """Return what the descriptors added to the distances of some rows before the stage."""
        return self.inner.components(source.before, description, rows)

    def found(self, source: Any, description: D, rows: RowNumbers) -> Sequence[FoundMatch | None]:
        """Return what a stage before this one found."""
        return self.inner.found(source.before, description, rows)

    def lacking(self, description: D) -> tuple[str, ...]:
        """Return the aliases of the descriptors that found nothing to compare in a query."""
        return self.inner.lacking(description)

    def base_description(self, description: D) -> Any:
        """Return a description as the base searcher has it."""
        inner = self.inner
        return inner.base_description(description) if isinstance(inner, Stage) else description

    def _before(self, description: D, eligible: RowMask | None) -> ScannedSource[D]:
        """Return the rows as the inner searcher has them."""
        return scanned(self.inner.source_for(description, eligible))
