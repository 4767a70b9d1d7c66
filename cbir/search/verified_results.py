"""Verifies results that are there already, by the images themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import attrgetter

from cbir.core import stderr_capture
from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError
from cbir.core.threads import cores, one_thread_each, ordered_map
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.images.encoded_image import EncodedImage
from cbir.images.oriented_image import AS_IT_IS, Orientation
from cbir.search.image_features import COUNT, ImageFeatures
from cbir.search.pair_verification import PairVerification
from cbir.search.results import Match, SearchResult
from cbir.search.verified_match import VerifiedMatch


def verified_result(
    result: SearchResult, top: int, features: ImageFeatures | None = None
) -> SearchResult:
    """Return a result whose first matches tell what they have in common with the query.

    Of several images that were searched by, each match is told of with the one that fits it best.
    Their order stays. Matches that were verified before keep what was found. What cannot be read
    any more has nothing in common.

    Parameters
    ----------
    result : SearchResult
        Of queries that are files.
    top : int
        Matches that are verified, at most.
    features : ImageFeatures, optional
        Those that the index keeps; all are extracted unless told.
    """
    check_whole("top", top)
    features = features or ImageFeatures(SiftExtractor(COUNT))
    first = result.matches[:top]
    missing = [place for place, match in enumerate(first) if match.verification is None]
    unverified = [first[place] for place in missing]
    matches = list(result.matches)
    with stderr_capture.capture(), one_thread_each():
        verify = partial(_verified, _verifications(result, unverified, features))
        found = ordered_map(verify, unverified, cores())
        for place, one in zip(missing, found, strict=True):
            matches[place] = replace(matches[place], verification=one)
    return replace(result, matches=tuple(matches))


def _verifications(
    result: SearchResult, matches: Sequence[Match], features: ImageFeatures
) -> list[PairVerification]:
    """Return what compares with each image, in each of the orientations that matches tell of."""
    orientations = dict.fromkeys([AS_IT_IS, *(_orientation(match) for match in matches)])
    found = []
    for example, image in enumerate(result.examples):
        with suppress(UnreadableImageError):
            file = EncodedImage.open(image.path)
            found += [
                PairVerification.of(file, image.region, features, example, orientation)
                for orientation in orientations
            ]
    return found


def _orientation(match: Match) -> Orientation:
    return match.orientation or AS_IT_IS


def _verified(verifications: Sequence[PairVerification], match: Match) -> VerifiedMatch | None:
    orientations = {AS_IT_IS, _orientation(match)}
    try:
        file = EncodedImage.open(match.path)
        found = [one.match(file) for one in verifications if one.orientation in orientations]
    except UnreadableImageError:
        return None
    return max(filter(None, found), key=attrgetter("score"), default=None)
