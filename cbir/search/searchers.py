"""What searches an index: the interface of all searchers.

All are used alike: `describe` a query, or take the description of an `indexed` image; then
take the `top_k` images for it, or compute its `distances` to all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.checks import check_number
from cbir.core.errors import UsageError
from cbir.core.threads import one_thread_each
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.image_source import ImageSource, open_image
from cbir.images.open_image import OpenImage
from cbir.images.oriented_image import Orientation
from cbir.search import metrics
from cbir.search.candidates import (
    CandidateSource,
    Distances,
    RowMask,
    RowNumbers,
    ScannedSource,
    top_groups,
    top_k,
)
from cbir.search.request import checked_limit
from cbir.search.results import ScoreComponent
from cbir.search.row_distances import DistancesAmong

if TYPE_CHECKING:  # few searches verify
    from cbir.search.found_match import FoundMatch

D = TypeVar("D")

Components = Mapping[str, ScoreComponent]
"""What each descriptor of a fusion adds to a distance, by alias."""


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row of the index in the order of its distance.

    Attributes
    ----------
    row : int
    distance : float
    components : mapping of str to ScoreComponent, optional
        Of a fusion.
    orientation : Orientation, optional
        How the query had to be turned to be so near, if it was turned.
    found : FoundMatch, optional
        What verification found, if the row was verified.
    """

    row: int
    distance: float
    components: Components | None = None
    orientation: Orientation | None = None
    found: FoundMatch | None = None


class Searcher(ABC, Generic[D]):
    """Searches an index; a query is described as something of type `D`.

    Attributes
    ----------
    label : str
        The alias of the descriptor, several joined by ``+``, or the name of a preset.
    metric_name : str
        Of its distances, and the stages that change them, in their order: it tells two searches
        by the same descriptor apart.
    meaning : str
        What a distance of 0 and what a large one says, in words.
    weights : mapping of str to float
        Of a fusion: what each descriptor counts, by alias. Of one descriptor: empty.
    adaptive : bool
        Of a fusion: whether each query changes these weights.
    tells_turns : bool
        Whether a query that is turned, by 90, 180 or 270 degrees, is another query. Mirrored ones
        always are.
    approximate : bool
        Whether it looks at few images, so that some of the nearest may be missing.
    notes : tuple of str
        What is good to know before a search: of one that is approximate, what it does not keep.
    """

    label: str
    metric_name: str
    meaning: str
    weights: Mapping[str, float] = MappingProxyType({})
    adaptive: bool = False
    tells_turns: bool = True
    approximate: bool = False
    notes: tuple[str, ...] = ()

    @property
    @abstractmethod
    def bytes_per_image(self) -> int:
        """Bytes that the matrices take an image."""

    def describe(self, query: ImageSource) -> D:
        """Describe a query as the index describes its images.

        Raises
        ------
        UnreadableImageError
            When it is no image.
        """
        with one_thread_each():
            return self.describe_image(open_image(query))

    @abstractmethod
    def describe_image(self, image: OpenImage) -> D:
        """Describe an image that is open already."""

    @abstractmethod
    def indexed(self, row: int) -> D:
        """Return what the index stores of an image, by its number in the order of the paths.

        Raises
        ------
        UsageError
            When there is no such number.
        """

    @abstractmethod
    def source_for(self, description: D, eligible: RowMask | None = None) -> CandidateSource[D]:
        """Return the rows of the index, ready to be compared with a described query.

        Parameters
        ----------
        description : D
            As :meth:`describe` or :meth:`indexed` returns it.
        eligible : ndarray of bool, shape (n,), optional
            Which images may be found: all unless told otherwise. Ask the source for no others:
            what looks at the best results looks at the best of these.

        Raises
        ------
        UsageError
            When that is nothing that :meth:`describe` or :meth:`indexed` returns.
        """

    def components(
        self, source: CandidateSource[D], description: D, rows: RowNumbers
    ) -> Sequence[Components | None]:
        """Return what the descriptors of a fusion add to the distances of some rows."""
        return [None] * len(rows)

    def orientations(
        self, source: CandidateSource[D], description: D, rows: RowNumbers
    ) -> Sequence[Orientation | None]:
        """Return how the query had to be turned to be so near to some rows, if it was turned."""
        return [None] * len(rows)

    def found(
        self, source: CandidateSource[D], description: D, rows: RowNumbers
    ) -> Sequence[FoundMatch | None]:
        """Return what verification found in some rows; None in those that were not verified."""
        return [None] * len(rows)

    def lacking(self, description: D) -> tuple[str, ...]:
        """Return the aliases of the descriptors that found nothing to compare in a query.

        Those of local features find none in a blank image; most others always find something.
        """
        return ()

    def distances_around(self, description: D, rows: RowNumbers) -> NDArray[Any] | None:
        """Return the distances among a query and some rows, where these have a way of their own.

        Returns
        -------
        ndarray of float, shape (m + 1, m + 1), or None
            The query is the first; None where queries and rows are described alike.
        """
        return None

    def distances(self, description: D) -> Distances:
        """Return the exact distances of a described query to all images.

        Returns
        -------
        ndarray of float64, shape (n,)
            In the order of the paths. Those of :meth:`top_k` are the same.
        """
        source = self.source_for(description)
        return source.exact(description, np.arange(len(source)))

    def within(
        self, description: D, max_distance: float, eligible: RowMask | None = None
    ) -> RowNumbers:
        """Return the rows of all images that are no farther from a described query.

        Parameters
        ----------
        description : D
            As :meth:`describe` or :meth:`indexed` returns it.
        max_distance : float
        eligible : ndarray of bool, shape (n,), optional
            Which images may be found: all unless told otherwise.
        """
        limit = check_number("max_distance", max_distance)
        return self.source_for(description, eligible).within(description, limit, eligible)

    def top_k(
        self,
        description: D,
        top: int = 3,
        max_distance: float | None = None,
        eligible: RowMask | None = None,
        groups: NDArray[np.integer[Any]] | None = None,
    ) -> list[RankedRow]:
        """Return the images nearest to a described query.

        Parameters
        ----------
        description : D
            As :meth:`describe` or :meth:`indexed` returns it.
        top : int
            How many to return at most.
        max_distance : float, optional
            Leave out what is farther.
        eligible : ndarray of bool, shape (n,), optional
            Which images may be found: all unless told otherwise.
        groups : ndarray of int, shape (n,), optional
            The group of each image, of which only the nearest image is returned.
        """
        max_distance = checked_limit(top, max_distance)
        source = self.source_for(description, eligible)
        if groups is None:
            ranked = top_k(source, description, top, max_distance, eligible)
        else:
            ranked = top_groups(source, description, top, groups, max_distance, eligible)
        return self._told(source, description, ranked)

    def top_k_of_each(
        self,
        descriptions: Sequence[D],
        top: int = 3,
        max_distance: float | None = None,
        eligible: Sequence[RowMask | None] = (),
        groups: NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[list[RankedRow]]:
        """Yield what :meth:`top_k` returns for each of several described queries.

        Some read the rows once for many queries.

        Parameters
        ----------
        descriptions : sequence of D
        eligible : sequence of ndarray of bool or None
            Which images may be found, for each query.
        top, max_distance, groups
            As for :meth:`top_k`.
        """
        for description, mask in zip(descriptions, eligible, strict=True):
            yield self.top_k(description, top, max_distance, mask, groups)

    def _told(
        self, source: CandidateSource[D], description: D, ranked: Sequence[tuple[int, float]]
    ) -> list[RankedRow]:
        """Return ranked rows with what else is known of them."""
        rows = np.array([row for row, _ in ranked], np.intp)
        components = self.components(source, description, rows)
        orientations = self.orientations(source, description, rows)
        found = self.found(source, description, rows)
        return [
            RankedRow(*one, some, orientation, match)
            for one, some, orientation, match in zip(
                ranked, components, orientations, found, strict=True
            )
        ]


class SingleSearcher(Searcher[D]):
    """Searches by one descriptor and one metric.

    Parameters
    ----------
    named : NamedDescriptor
        The descriptor.
    metric : Metric
    source : CandidateSource
        The rows of the index, ready to be compared.
    row_distances : DistancesAmong
        The distances among the rows.

    Attributes
    ----------
    dba : int
        How many of its neighbors each row is averaged with.
    """

    dba: int = 0

    def __init__(
        self,
        named: NamedDescriptor,
        metric: metrics.Metric,
        source: CandidateSource[D],
        row_distances: DistancesAmong,
    ) -> None:
        self.named = named
        self.metric = metric
        self.label = named.alias
        self.metric_name = metric.name
        is_usual = metric.name == named.descriptor.metrics[0]
        self.meaning = named.descriptor.meaning if is_usual else metric.range
        self.source = source
        self.row_distances = row_distances


def not_described(label: str) -> UsageError:
    return UsageError(f"{label}: give a description as describe() or indexed() returns it")


def scanned(source: CandidateSource[D]) -> ScannedSource[D]:
    """Return a source that can be fused, or followed by a stage: one that sees every row.

    Raises
    ------
    UsageError
        When it does not.
    """
    if not isinstance(source, ScannedSource):
        raise UsageError(f"{type(source).__name__} cannot be fused: it does not see every row")
    return source
