"""Verifies images against a query, by local features that are kept or extracted."""

from __future__ import annotations

from cbir.images.encoded_image import EncodedImage
from cbir.images.oriented_image import AS_IT_IS, Orientation, OrientedImage
from cbir.images.region import PixelRegion
from cbir.images.region_of_image import region_of
from cbir.search.found_match import FoundMatch
from cbir.search.image_features import ImageFeatures
from cbir.search.verified_match import VerifiedMatch
from cbir.verification.spatial_matching import SpatialVerifier


class PairVerification:
    """Tells what images have in common with a query.

    Parameters
    ----------
    verifier : SpatialVerifier
        Of the query.
    region : PixelRegion
        The part of it that its features are of.
    features : ImageFeatures
    example : int
        Which of several images that results are to be like the query is, from 0.
    orientation : Orientation
        How it is turned.

    Attributes
    ----------
    orientation : Orientation
    """

    def __init__(
        self,
        verifier: SpatialVerifier,
        region: PixelRegion,
        features: ImageFeatures,
        example: int = 0,
        orientation: Orientation = AS_IT_IS,
    ) -> None:
        self._verifier = verifier
        self._region = region
        self._features = features
        self._example = example
        self.orientation = orientation

    @classmethod
    def of(
        cls,
        image: EncodedImage,
        region: PixelRegion | None,
        features: ImageFeatures,
        example: int = 0,
        orientation: Orientation = AS_IT_IS,
    ) -> PairVerification:
        """Return what compares images with a query, or with a region of it, turned or not.

        Raises
        ------
        UnreadableImageError
            When it cannot be decoded, or the region reaches beyond it.
        """
        part = region or PixelRegion(0, 0, *image.dimensions)
        cut = region_of(image, part)
        query = features.of(OrientedImage(cut, orientation) if orientation.is_other else cut)
        verifier = SpatialVerifier(query, features.extractor.is_binary)
        return cls(verifier, part, features, example, orientation)

    def match(self, image: EncodedImage) -> VerifiedMatch | None:
        """Return what an image has in common with the query; None: nothing.

        Raises
        ------
        UnreadableImageError
            When it cannot be decoded.
        """
        candidate = self._features.of(image)
        found = self._verifier.match(candidate)
        if found is None:
            return None
        match = FoundMatch(found, self._verifier.query, candidate, self._example, self.orientation)
        return VerifiedMatch.of(match, self._region, image.dimensions)
