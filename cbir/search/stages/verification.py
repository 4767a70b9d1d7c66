"""Verifies the best results by their local features, and ranks what shows the same thing first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from cbir.core.checks import check_whole
from cbir.core.threads import cores, ordered_map
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.open_image import OpenImage
from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource, top_k
from cbir.search.found_match import FoundMatch
from cbir.search.searchers import Components, Searcher, scanned
from cbir.search.stages.expansion import Expansion
from cbir.search.stages.stage import D, Stage, StagedSource
from cbir.search.stages.verified_ranking import verified_distances
from cbir.verification.spatial_matching import SpatialMatch, SpatialVerifier

VERIFYING = "verification"
"""What lacks features where no descriptor of the search does."""

FeaturesOfRow = Callable[[int], LocalFeatures]
"""Returns what is stored of an image of the index; may be called by several threads at once."""

FeaturesOfImage = Callable[[OpenImage], LocalFeatures]
"""Returns the features of a query, as those of the index were extracted."""


@dataclass(frozen=True, slots=True, eq=False)
class WithFeatures(Generic[D]):
    """A description, together with local features."""

    description: D
    features: LocalFeatures


class _Described(ScannedSource[WithFeatures[D]]):
    """The rows of another source, for queries that have features besides."""

    def __init__(self, before: ScannedSource[D]) -> None:
        self.before = before
        self.approximate = before.approximate

    def candidates(
        self, query: WithFeatures[D], k: int, eligible: RowMask | None = None
    ) -> RowNumbers:
        return self.before.candidates(query.description, k, eligible)

    def __len__(self) -> int:
        return len(self.before)

    def estimate(self, query: WithFeatures[D]) -> NDArray[Any]:
        return self.before.estimate(query.description)

    def exact(self, query: WithFeatures[D], rows: RowNumbers) -> Distances:
        return self.before.exact(query.description, rows)

    def tolerance(self, query: WithFeatures[D], distance: float) -> float:
        return self.before.tolerance(query.description, distance)


class VerifiedSource(StagedSource[WithFeatures[D]]):
    """Rows of which the nearest were verified.

    Attributes
    ----------
    matches : dict of int to SpatialMatch
        What was found, by row; rows without anything in common with the query are not in it.
    """

    def __init__(
        self,
        before: ScannedSource[D],
        rows: RowNumbers,
        distances: Distances,
        found: list[SpatialMatch | None],
    ) -> None:
        super().__init__(_Described(before), rows, distances)
        self.matches = {
            int(row): match for row, match in zip(rows, found, strict=True) if match is not None
        }

    def verified_rows(self) -> list[int]:
        """Return the rows that show the same thing, the best first: what may expand a query."""
        same = [(-match.score, row) for row, match in self.matches.items() if match.is_same]
        return [row for _, row in sorted(same)]


class VerificationStage(Stage[Any]):
    """A stage that verifies the best results; all others follow in their old order.

    Its descriptions are those of the inner searcher, :class:`WithFeatures`.

    Parameters
    ----------
    inner : Searcher
    count : int
        Results that are verified: the best of what was found.
    features_of : callable
        Returns the local features of a row of the index.
    extract : callable
        Returns those of an image that is open.
    is_binary : bool
        Whether descriptors are packed bits, as :attr:`LocalExtractor.is_binary` says.
    described : callable, optional
        Returns the features that are in a description of the inner searcher already.
    """

    def __init__(
        self,
        inner: Searcher[Any],
        count: int,
        features_of: FeaturesOfRow,
        extract: FeaturesOfImage,
        is_binary: bool = False,
        described: Callable[[Any], LocalFeatures] | None = None,
    ) -> None:
        super().__init__(inner)
        self._described = described
        self.count = check_whole("verify", count)
        self.metric_name = f"{inner.metric_name}, {count} verified"
        self.meaning = f"{inner.meaning}; of the best {count}, those verified first"
        self._features_of = features_of
        self._extract = extract
        self._is_binary = is_binary

    def describe_image(self, image: OpenImage) -> WithFeatures[Any]:
        """Describe an image as the inner searcher does, and extract its features."""
        description = self.inner.describe_image(image)
        known = self._described
        return WithFeatures(description, known(description) if known else self._extract(image))

    def indexed(self, row: int) -> WithFeatures[Any]:
        """Return what is stored of an image."""
        description = self.inner.indexed(row)
        known = self._described
        return WithFeatures(description, known(description) if known else self._features_of(row))

    def lacking(self, description: WithFeatures[Any]) -> tuple[str, ...]:
        """Return the aliases of the descriptors that found nothing to compare, or to verify by."""
        found = self.inner.lacking(description.description)
        return found if found or len(description.features) else (VERIFYING,)

    def base_description(self, description: WithFeatures[Any]) -> Any:
        """Return a description as the base searcher has it."""
        return super().base_description(description.description)

    def source_for(
        self, description: WithFeatures[Any], eligible: RowMask | None = None
    ) -> VerifiedSource[Any]:
        """Return the rows, the best of them verified."""
        before = self._before(description.description, eligible)
        ranked = top_k(before, description.description, self.count, None, eligible)
        rows = np.array([row for row, _ in ranked], np.intp)
        distances = np.array([distance for _, distance in ranked], np.float64)
        verifier = SpatialVerifier(description.features, self._is_binary)

        def match(row: int) -> SpatialMatch | None:
            return verifier.match(self._features_of(row))

        found = list(ordered_map(match, rows.tolist(), cores()))
        scores = np.array([0.0 if one is None else one.score for one in found])
        return VerifiedSource(before, rows, verified_distances(distances, scores), found)

    def components(
        self, source: Any, description: WithFeatures[Any], rows: RowNumbers
    ) -> list[Components | None]:
        """Return what the descriptors added to the distances of some rows before the stage."""
        return list(self.inner.components(source.before.before, description.description, rows))

    def found(
        self, source: Any, description: WithFeatures[Any], rows: RowNumbers
    ) -> list[FoundMatch | None]:
        """Return what was found in some rows."""
        matches = [source.matches.get(row) for row in rows.tolist()]
        return [
            None
            if match is None
            else FoundMatch(match, description.features, self._features_of(row))
            for row, match in zip(rows.tolist(), matches, strict=True)
        ]


class VerifiedExpansion(Expansion[WithFeatures[Any]]):
    """A stage that searches again by the query and those of its results that are verified.

    Without any, it changes nothing.

    Parameters
    ----------
    inner : VerificationStage
    count : int
        How many of the verified results expand the query, at most.
    """

    inner: VerificationStage

    def __init__(self, inner: VerificationStage, count: int) -> None:
        super().__init__(inner, count)
        self.meaning = f"{inner.meaning}; to the query and up to {count} of these together"

    def expanding(
        self,
        before: ScannedSource[WithFeatures[Any]],
        description: WithFeatures[Any],
        eligible: RowMask | None,
    ) -> list[tuple[int, float]]:
        """Return the best verified results with their distances before they were verified."""
        assert isinstance(before, VerifiedSource)
        rows = np.array(before.verified_rows(), np.intp)
        distances = before.before.exact(description, rows)
        found = zip(rows.tolist(), distances.tolist(), strict=True)
        # What is at distance 0 is the query itself, or a copy of it, and says nothing new.
        return [(row, distance) for row, distance in found if distance > 0][: self.count]

    def compared_with(self, row: int) -> tuple[ScannedSource[WithFeatures[Any]], WithFeatures[Any]]:
        """Return the rows, compared with one of them, and that one; nothing is verified again."""
        description = self.inner.indexed(row)
        searcher = self.inner.inner
        return _Described(scanned(searcher.source_for(description.description))), description
