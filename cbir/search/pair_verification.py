"""Verifies images against a query, by local features that are kept or extracted."""

from __future__ import annotations

from cbir.images.encoded_image import EncodedImage
from cbir.images.region import PixelRegion
from cbir.images.region_of_image import region_of
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
    """

    def __init__(
        self, verifier: SpatialVerifier, region: PixelRegion, features: ImageFeatures
    ) -> None:
        self._verifier = verifier
        self._region = region
        self._features = features

    @classmethod
    def of(
        cls, image: EncodedImage, region: PixelRegion | None, features: ImageFeatures
    ) -> PairVerification:
        """Return what compares images with a query, or with a region of it.

        Raises
        ------
        UnreadableImageError
            When it cannot be decoded, or the region reaches beyond it.
        """
        part = region or PixelRegion(0, 0, *image.dimensions)
        query = features.of(region_of(image, part))
        return cls(SpatialVerifier(query, features.extractor.is_binary), part, features)

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
        return VerifiedMatch.of(
            found, self._verifier.query, candidate, self._region, image.dimensions
        )
