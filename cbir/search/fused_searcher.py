"""Searches an index by several descriptors at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cbir.core.errors import UsageError
from cbir.core.messages import Parameter
from cbir.images.open_image import OpenImage
from cbir.search.candidates import CandidateSource, Distances, RowMask, RowNumbers, top_k
from cbir.search.fusion.backgrounds import Background
from cbir.search.fusion.formulas import (
    CURVE,
    ReciprocalRanks,
    Rows,
    ScoreNormalizer,
    WeightedSum,
    adaptive_weight,
    factors,
)
from cbir.search.fusion.options import FUSED_METRICS, Fusion
from cbir.search.results import (
    FUSED_MEANINGS,
    ScoreComponent,
    approximate_name,
    between_means,
)
from cbir.search.searchers import Searcher, SingleSearcher, not_described, scanned


class FusedSearcher(Searcher[Rows]):
    """Searches by several descriptors, each by its default metric, and fuses their distances.

    Parameters
    ----------
    searchers : sequence of SingleSearcher
        Of one index.
    fusion : Fusion
    label : str, optional
        The name of the preset, if it is one.
    depth : int, optional
        Of an approximate search: how many candidates by each descriptor are compared, for the ten
        nearest images.

    Raises
    ------
    UsageError
        When ranks are to be fused in an approximate search.
    """

    def __init__(
        self,
        searchers: Sequence[SingleSearcher[Any]],
        fusion: Fusion,
        label: str | None = None,
        depth: int | None = None,
    ) -> None:
        aliases = [searcher.label for searcher in searchers]
        self.label = label or "+".join(aliases)
        self.metric_name = FUSED_METRICS[fusion.method]
        self.meaning = FUSED_MEANINGS[self.metric_name]
        if dba := max(searcher.dba for searcher in searchers):
            self.metric_name, self.meaning = between_means(self.metric_name, self.meaning, dba)
        self.weights = dict(zip(aliases, fusion.weights, strict=True))
        self.adaptive = fusion.adaptive
        self.tells_turns = any(searcher.tells_turns for searcher in searchers)
        self.fusion = fusion
        self.searchers = tuple(searchers)
        self.notes = tuple(note for searcher in searchers for note in searcher.notes)
        self._sources = tuple(scanned(searcher.source) for searcher in searchers)
        self._depth = depth
        if depth is not None:
            self.approximate = True
            self.metric_name = approximate_name(self.metric_name)
            if fusion.method == "ranks":
                raise UsageError(
                    Parameter("fusion", "ranks"), " needs the distance of every image, and ",
                    Parameter("approximate"), " looks at few; leave one out",
                )  # fmt: skip
        self._backgrounds = [
            Background.of(one.named.descriptor, one.metric, one.source)
            for one in (searchers if fusion.method == "scores" else ())
        ]

    @property
    def bytes_per_image(self) -> int:
        """Bytes of the rows of all descriptors."""
        return sum(searcher.bytes_per_image for searcher in self.searchers)

    def describe_image(self, image: OpenImage) -> Rows:
        """Describe an image by each descriptor; it is decoded once for each working size."""
        return tuple(searcher.describe_image(image) for searcher in self.searchers)

    def indexed(self, row: int) -> Rows:
        """Return a row of each matrix."""
        return tuple(searcher.indexed(row) for searcher in self.searchers)

    def source_for(
        self, description: Rows, eligible: RowMask | None = None
    ) -> WeightedSum | ReciprocalRanks:
        """Return the rows, weighted for this query."""
        if not isinstance(description, tuple) or len(description) != len(self.searchers):
            raise not_described(self.label)
        for searcher, row in zip(self.searchers, description, strict=True):
            searcher.source_for(row)
        weights = self.fusion.weights
        if self.fusion.method == "ranks":
            return ReciprocalRanks(self._sources, weights, description)
        backgrounds = [
            background.distances(row)
            for background, row in zip(self._backgrounds, description, strict=True)
        ]
        if self.fusion.adaptive:
            weights = self._adapted(description, backgrounds)
        shares = factors(weights, [ScoreNormalizer.of(one) for one in backgrounds])
        if self._depth is None:
            return WeightedSum(self._sources, shares)
        from cbir.search.ann.fused_source import ApproximateSum  # few searches need it

        return ApproximateSum(self._sources, shares, self._depth)

    def components(
        self, source: CandidateSource[Rows], description: Rows, rows: RowNumbers
    ) -> list[dict[str, ScoreComponent]]:
        """Return what each descriptor adds to the distances of some rows."""
        assert isinstance(source, WeightedSum | ReciprocalRanks)
        found: list[dict[str, ScoreComponent]] = [{} for _ in rows]
        parts = source.parts(description, rows)
        for searcher, (distances, contributions) in zip(self.searchers, parts, strict=True):
            for some, distance, contribution in zip(found, distances, contributions, strict=True):
                some[searcher.label] = ScoreComponent(float(distance), float(contribution))
        return found

    def lacking(self, description: Rows) -> tuple[str, ...]:
        """Return the aliases of the descriptors that found nothing to compare in a query."""
        pairs = zip(self.searchers, description, strict=True)
        return tuple(alias for searcher, row in pairs for alias in searcher.lacking(row))

    def _adapted(self, description: Rows, backgrounds: Sequence[Distances]) -> tuple[float, ...]:
        """Return the weights, multiplied by what the score curves say."""
        weights = []
        for weight, source, row, background in zip(
            self.fusion.weights, self._sources, description, backgrounds, strict=True
        ):
            # The query itself, and copies of it, say nothing of how well others are found.
            ranked = [distance for _, distance in top_k(source, row, CURVE) if distance > 0]
            weights.append(weight * adaptive_weight(np.array(ranked), background, len(source)))
        return tuple(weights)
