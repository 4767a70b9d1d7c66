"""What a result has in common with the image that was searched for: told, and drawn."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

from cbir.core import stderr_capture
from cbir.core.threads import one_thread_each
from cbir.images.encoded_image import EncodedImage
from cbir.images.region import PixelRegion, Region
from cbir.reports.explanation import MOST_LINES, draw_match
from cbir.search.engine import Index
from cbir.search.pair_verification import PairVerification
from cbir.search.verified_match import VerifiedMatch
from cbir.web.answers import Query
from cbir.web.image_files import ImageFiles
from cbir.web.service import ServiceState

MEDIA_TYPE = "image/jpeg"

_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Pair:
    """An image that is searched for, and one of the index.

    Attributes
    ----------
    query : Query
    result : str
        The path of the other one, in the index.
    region : str or None
        The part of the first that is searched for, as a search takes it.
    descriptor, preset : str or None
        What is searched by: if it has local features, they are compared.
    """

    query: Query
    result: str
    region: str | None = None
    descriptor: str | None = None
    preset: str | None = None


class Explanation:
    """What two images have in common.

    What was found and drawn before is kept, by what the images hold.

    Parameters
    ----------
    service : ServiceState
    index : Index
        The one that the request has taken.
    pair : Pair

    Attributes
    ----------
    key : str
        What tells it from others.

    Raises
    ------
    CbirError
        When the index has no such image, or the search makes no sense.
    """

    def __init__(self, service: ServiceState, index: Index, pair: Pair) -> None:
        self._service = service
        self._files = service.files(index)
        self._pair = pair
        self._digests = (
            self._digest_of_query(self._files),
            self._files.entry(pair.result).sha256.hex(),
        )
        self._region = None if pair.region is None else Region.parse(pair.region)
        self._features = index.image_features(pair.descriptor, pair.preset)
        extractor = self._features.extractor.fingerprint
        told = (*self._digests, str(self._region), extractor)
        self.key = hashlib.sha256("\n".join(told).encode()).hexdigest()

    def verification(self) -> VerifiedMatch | None:
        """Return what was found; None: nothing.

        Raises
        ------
        CbirError
            When an image cannot be read, or the region reaches beyond it.
        """
        # Who has not read the images now may not be told of them: they may be gone.
        return self._verified(*self._images())

    def image(self) -> bytes:
        """Return both images side by side, with lines and frames, as JPEG.

        Raises
        ------
        CbirError
            As :meth:`verification`.
        """
        key = f"explanation-{self.key}"
        found = self._service.drawings.find(key)
        if found is None:
            images = self._images()
            verification = self._verified(*images)
            found = _drawn(*images, verification)
            if self._are_supposed(*images):
                self._service.drawings.put(key, found)
        return found

    def _digest_of_query(self, files: ImageFiles) -> str:
        query = self._pair.query
        return files.entry(query.key).sha256.hex() if query.indexed else query.key

    def _images(self) -> tuple[EncodedImage, EncodedImage]:
        query = self._pair.query.source
        first = query if isinstance(query, EncodedImage) else self._files.image(query.path)
        return first, self._files.image(self._pair.result)

    def _are_supposed(self, *images: EncodedImage) -> bool:
        """Return whether the images are what was asked for: a file may have just been changed."""
        return tuple(hashlib.sha256(one.data).hexdigest() for one in images) == self._digests

    def _verified(self, query: EncodedImage, found: EncodedImage) -> VerifiedMatch | None:
        def verify() -> VerifiedMatch | None:
            region = self._in_pixels(query)
            with stderr_capture.capture(), one_thread_each():
                match = PairVerification.of(query, region, self._features).match(found)
            return match and replace(match, lines=match.lines[:MOST_LINES])

        if not self._are_supposed(query, found):
            return verify()
        verification: VerifiedMatch | None = self._service.answers.get(
            ("explanation", self.key), verify
        )
        return verification

    def _in_pixels(self, query: EncodedImage) -> PixelRegion | None:
        if self._region is None:
            return None
        return self._region.in_pixels(query.path, query.dimensions)


def _drawn(query: EncodedImage, found: EncodedImage, verification: VerifiedMatch | None) -> bytes:
    with one_thread_each():
        image = draw_match(query, found, verification)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
