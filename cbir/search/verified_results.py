"""Verifies results that are there already, by the images themselves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cbir.core import stderr_capture
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.images.encoded_image import EncodedImage
from cbir.search.image_features import COUNT, ImageFeatures
from cbir.search.pair_verification import PairVerification
from cbir.search.results import Match, SearchResult
from cbir.search.verified_match import VerifiedMatch


def verified_result(
    result: SearchResult, top: int, features: ImageFeatures | None = None
) -> SearchResult:
    """Return a result whose first matches tell what they have in common with the query.

    Their order stays. Matches that were verified before keep what was found. What cannot be read
    any more has nothing in common.

    Parameters
    ----------
    result : SearchResult
        Of a query that is a file.
    top : int
        Matches that are verified, at most.
    features : ImageFeatures, optional
        Those that the index keeps; all are extracted unless told.
    """
    check_whole("top", top)
    features = features or ImageFeatures(SiftExtractor(COUNT))
    first = result.matches[:top]
    missing = [place for place, match in enumerate(first) if match.verification is None]
    matches = list(result.matches)
    with stderr_capture.capture(), one_thread_each():
        try:
            verification = PairVerification.of(
                EncodedImage.open(result.query), result.region, features
            )
        except UnreadableImageError:
            return result
        verify = partial(_verified, verification)
        found = ordered_map(verify, [first[place] for place in missing], cores())
        for place, one in zip(missing, found, strict=True):
            matches[place] = replace(matches[place], verification=one)
    return replace(result, matches=tuple(matches))


def _verified(verification: PairVerification, match: Match) -> VerifiedMatch | None:
    try:
        return verification.match(EncodedImage.open(match.path))
    except UnreadableImageError:
        return None
