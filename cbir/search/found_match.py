"""What spatial verification found in a row of an index, in pixels of the working images."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.verification.spatial_matching import SpatialMatch


@dataclass(frozen=True, slots=True, eq=False)
class FoundMatch:
    """What the query and a row have in common.

    Attributes
    ----------
    match : SpatialMatch
    query, candidate : LocalFeatures
        What was matched.
    """

    match: SpatialMatch
    query: LocalFeatures
    candidate: LocalFeatures
