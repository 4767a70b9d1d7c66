"""What spatial verification found in a row of an index, in pixels of the working images."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.descriptors.local_features.base import LocalFeatures
from cbir.images.oriented_image import AS_IT_IS, Orientation
from cbir.verification.spatial_matching import SpatialMatch


@dataclass(frozen=True, slots=True, eq=False)
class FoundMatch:
    """What the query and a row have in common.

    Attributes
    ----------
    match : SpatialMatch
    query, candidate : LocalFeatures
        What was matched.
    example : int
        Of a search by several images: which of those that results are to be like it is, from 0.
    orientation : Orientation
        How that image was turned.
    """

    match: SpatialMatch
    query: LocalFeatures
    candidate: LocalFeatures
    example: int = 0
    orientation: Orientation = AS_IT_IS
