"""Verifies results that are there already, by the files of the images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cbir.core import stderr_capture
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.encoded_image import EncodedImage
from cbir.images.open_image import OpenImage
from cbir.images.region import PixelRegion
from cbir.images.region_of_image import region_of
from cbir.search.results import Match, SearchResult
from cbir.search.verified_match import VerifiedMatch
from cbir.verification.spatial_matching import SpatialVerifier

FEATURES = 1000
"""Features an image: twice as many as for copies, for a thing may fill a small part of it."""


def verified_result(result: SearchResult, top: int) -> SearchResult:
    """Return a result whose first matches tell what they have in common with the query.

    Their order stays. Matches that were verified before keep what was found. What cannot be read
    any more has nothing in common.

    Parameters
    ----------
    result : SearchResult
        Of a query that is a file.
    top : int
        Matches that are verified, at most.
    """
    check_whole("top", top)
    extractor = SiftExtractor(FEATURES)
    first = result.matches[:top]
    missing = [place for place, match in enumerate(first) if match.verification is None]
    matches = list(result.matches)
    with stderr_capture.capture(), one_thread_each():
        try:
            image: OpenImage = EncodedImage.open(result.query)
            region = result.region or PixelRegion(0, 0, *image.dimensions)
            query = _features(extractor, region_of(image, region))
        except UnreadableImageError:
            return result
        verify = partial(_verified, extractor, SpatialVerifier(query), region)
        found = ordered_map(verify, [first[place] for place in missing], cores())
        for place, verification in zip(missing, found, strict=True):
            matches[place] = replace(matches[place], verification=verification)
    return replace(result, matches=tuple(matches))


def _verified(
    extractor: SiftExtractor, verifier: SpatialVerifier, region: PixelRegion, match: Match
) -> VerifiedMatch | None:
    try:
        image = EncodedImage.open(match.path)
        candidate = _features(extractor, image)
    except UnreadableImageError:
        return None
    found = verifier.match(candidate)
    if found is None:
        return None
    return VerifiedMatch.of(found, verifier.query, candidate, region, image.dimensions)


def _features(extractor: SiftExtractor, image: OpenImage) -> SiftFeatures:
    return extractor.extract(image.pixels(extractor.working_size))
