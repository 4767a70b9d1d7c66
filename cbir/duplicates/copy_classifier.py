"""Whether two images are copies of each other, and at which level."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from cbir.core.arguments import one_of
from cbir.core.checks import check_whole
from cbir.descriptors.hashes.dihedral import ORIENTATIONS
from cbir.duplicates.image_content import EXTRACTOR, Content, ContentCache
from cbir.duplicates.model import COPY_LEVELS, CopyLevel, CopyMatch
from cbir.search.metrics import hamming
from cbir.verification import (
    COVERED,
    DAMAGED,
    EDITED,
    WHOLE,
    Limits,
    Verification,
    View,
    closeness,
    verify,
)
from cbir.verification.comparison import Comparison, compare
from cbir.verification.geometry import Transform, orientation_transform

NEAR_DISTANCE = 40
"""Bits of 256 by which the hashes of near copies may differ; the pixels are compared then. Strong
contrast moves up to 34 bits in 99 of 100 images, the other edits fewer; different catalog
images may differ in 14 only."""

NEAR = (Limits(0.6, 0.0, 0.13), Limits(0.85, 0.0, 0.25))
"""What is asked of near copies. They show the same in the same place, and no rotation or crop was
fitted, so that less is asked than of edited ones: strong compression and clipped whites cost cells,
and sharpening and blur displace edges. Different catalog images whose hashes are near agree in
0.71 of the cells at most, and come within a tenth of the limits: ``benchmarks/closest.py``."""

ORIENTED_DISTANCE = 44
"""The same for hashes that are derived for another orientation: the derivation itself is off by up
to 20 bits in 99 of 100 images."""

PLACE_TOLERANCE = 1.0
"""Pixels of 512 by which a corner may lie aside when a copy is said to be a mere scaling."""

SAME_PIXELS_DISTANCE = 4
"""Bits by which the hashes of equal pixels may differ: a JPEG is decoded at a reduced size for its
hash, another format is not."""

LARGEST_DISTANCE = 256
"""What a distance of the level ``edited`` is a part of."""


@dataclass(slots=True)
class Hypotheses:
    """In which ways a candidate may be a copy: what is to be verified.

    Attributes
    ----------
    orientations : set of int
        Orientations, as numbers of :data:`cbir.descriptors.hashes.dihedral.ORIENTATIONS`, in which
        the second image's hash is near to the first one's.
    feature_votes : set of bool
        Whether local features vote for the pair: as it is (False), or mirrored (True).
    """

    orientations: set[int] = field(default_factory=set)
    feature_votes: set[bool] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class CopyClassifier:
    """Decides whether a pair of images are copies, and at which level.

    Parameters
    ----------
    cache : ContentCache
    level : CopyLevel
        The most generous that counts.
    threshold : int, optional
        The largest distance at `level`, instead of the default.

    Raises
    ------
    UsageError
        When there is no such level, or the threshold is not 0 to 256.
    """

    cache: ContentCache
    level: CopyLevel
    threshold: int | None = None

    def __post_init__(self) -> None:
        one_of(self.level, COPY_LEVELS, "level")
        if self.threshold is not None:
            check_whole("threshold", self.threshold, 0, LARGEST_DISTANCE)

    @property
    def near_distance(self) -> int:
        """Bits by which the hashes of near copies may differ."""
        chosen = self.threshold if self.level == "near" else None
        return NEAR_DISTANCE if chosen is None else chosen

    @property
    def hash_radius(self) -> int:
        """Bits within which hashes of upright copies are looked for."""
        if self.level == "exact":
            return SAME_PIXELS_DISTANCE
        return max(self.near_distance, SAME_PIXELS_DISTANCE)

    @property
    def limits(self) -> tuple[Limits, ...]:
        """What is asked of edited copies."""
        if self.level != "edited" or self.threshold is None:
            return EDITED
        least = 1 - self.threshold / LARGEST_DISTANCE
        # The first two get stricter with it, but not laxer: there, less is asked otherwise.
        return (
            *(replace(one, agreement=max(one.agreement, least)) for one in (WHOLE, DAMAGED)),
            replace(COVERED, agreement=least),
        )

    def classify(self, first: Content, second: Content, hypotheses: Hypotheses) -> CopyMatch | None:
        """Return the strictest match of two images, or None.

        Raises
        ------
        UnreadableImageError
            When one of them cannot be read any more.
        """
        if first.sha256 == second.sha256:
            return CopyMatch("exact", 0, "same bytes")
        distance = int(hamming(first.bits, second.bits[None])[0])
        if self._same_pixels(first, second, distance):
            return CopyMatch("exact", 0, "same pixels")
        if self.level == "exact" or first.textureless or second.textureless:
            return None
        upright = self._compared(first, second, 0) if distance <= self.near_distance else None
        if upright is not None and closeness(upright, NEAR) >= 1:
            agreement = _percent(upright.agreement)
            evidence = f"phash {distance}/256, {agreement} of it agrees"
            return CopyMatch(
                "near", distance, evidence, self._beyond_scaling(first, second, upright.transform)
            )
        return self._edited(first, second, hypotheses, upright) if self.level == "edited" else None

    def _same_pixels(self, first: Content, second: Content, distance: int) -> bool:
        return (
            distance <= SAME_PIXELS_DISTANCE
            and (first.width, first.height) == (second.width, second.height)
            and self.cache.pixels_digest(first) == self.cache.pixels_digest(second)
        )

    def _edited(
        self, first: Content, second: Content, hypotheses: Hypotheses, upright: Comparison | None
    ) -> CopyMatch | None:
        for orientation in sorted(hypotheses.orientations):
            compared = self._compared(first, second, orientation) if orientation else upright
            if compared is not None and closeness(compared, self.limits) >= 1:
                name = f"{ORIENTATIONS[orientation]}, " if orientation else ""
                return _edited_match(compared, name, orientation in (1, 3, 4, 6))
        for mirrored in sorted(hypotheses.feature_votes):
            found = self._verified(first, second, mirrored)
            if found.copy and found.comparison and found.alignment:
                name = "mirrored, " if mirrored else ""
                name = f"{found.alignment.inliers} features, {name}"
                return _edited_match(found.comparison, name, mirrored)
        return None

    def _beyond_scaling(
        self, first: Content, second: Content, transform: Transform
    ) -> Transform | None:
        """Return a transform that is more than a scaling of the whole image, or None."""
        a, b = self.cache.gray(first).shape, self.cache.gray(second).shape
        corners = np.array([(x, y, 1) for x in (0, a[1] - 1) for y in (0, a[0] - 1)])
        aside = np.abs(corners @ (transform - orientation_transform(a, b, 0)).T).max()
        tolerance = PLACE_TOLERANCE * min(1.0, min(b) / EXTRACTOR.working_size)
        return transform if aside > tolerance else None

    def _compared(self, first: Content, second: Content, orientation: int) -> Comparison | None:
        a, b = self.cache.gray(first), self.cache.gray(second)
        return compare(a, b, orientation_transform(a.shape, b.shape, orientation))

    def _verified(self, first: Content, second: Content, mirrored: bool) -> Verification:
        a = View(self.cache.features(first), lambda: self.cache.gray(first))
        b = View(self.cache.features(second), lambda: self.cache.gray(second))
        return verify(a, b, mirrored, self.limits)


def _edited_match(compared: Comparison, how: str, mirrored: bool) -> CopyMatch:
    part = max(compared.shared)
    shown = f"shows {_percent(min(compared.shared))}" if min(compared.shared) < 0.97 else "whole"
    evidence = f"{how}{shown}, {_percent(compared.agreement)} of it agrees"
    if part < 0.97:
        evidence += f", {_percent(part)} of the other"
    distance = round(LARGEST_DISTANCE * (1 - compared.agreement))
    return CopyMatch("edited", distance, evidence, compared.transform, mirrored)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
