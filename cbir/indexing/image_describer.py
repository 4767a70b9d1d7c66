"""Describe one image, as far as it is not known."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.discovery import ImageFile
from cbir.images.encoded_image import EncodedImage
from cbir.indexing.local_features import LocalFeatureWriter
from cbir.indexing.reuse import IndexedImage, ReuseLookup


@dataclass(frozen=True, slots=True)
class DescribedImage:
    """An image with all that is wanted of it.

    Attributes
    ----------
    file : ImageFile
    known : IndexedImage
        With a row of each descriptor.
    is_new : bool
        This run described it; else its rows were known.
    is_suspect : bool
        Something was printed while it was decoded, perhaps about another image.
    features : LocalFeatures or None
        Its local features, if they were wanted and not kept.
    """

    file: ImageFile
    known: IndexedImage
    is_new: bool = False
    is_suspect: bool = False
    features: LocalFeatures | None = None


Outcome = DescribedImage | UnreadableImageError | None
"""What became of an image; None: it is a montage of our own."""

Outcomes = Generator[Outcome, None, None]


@dataclass(frozen=True, slots=True)
class ImageDescriber:
    """Describes images; any number of threads may use it at once.

    Attributes
    ----------
    dataset : str
        The folder of the images.
    named : sequence of NamedDescriptor
        What to describe them by.
    lookup : ReuseLookup
        What need not be computed.
    features : LocalFeatureWriter or None
        Says which local features are wanted.
    """

    dataset: str
    named: Sequence[NamedDescriptor]
    lookup: ReuseLookup
    features: LocalFeatureWriter | None

    def __call__(self, file: ImageFile) -> Outcome:
        """Describe an image, or return why it cannot be."""
        try:
            return self.describe(file)
        except UnreadableImageError as error:
            return error

    def describe(self, file: ImageFile) -> DescribedImage | None:
        """Describe an image as far as it is not known; None for a montage of our own.

        Raises
        ------
        UnreadableImageError
            When it cannot be read.
        """
        known = self.lookup.in_journal(file)
        if known is not None and self._is_whole(known):
            return DescribedImage(file, known)
        encoded = EncodedImage.open(os.path.join(self.dataset, file.path))
        sha256 = hashlib.sha256(encoded.data).digest()
        known = self.lookup.with_content(sha256)
        if self._is_whole(known):
            return DescribedImage(file, known)
        header = encoded.header
        if header.is_generated:
            return None
        missing = self._missing(known)
        rows = dict(known.rows)
        for one in missing:
            rows[one.descriptor.fingerprint] = one.describe(encoded, rows)
        features = None
        if self.features is not None and self._lacks_features(known):
            extractor = self.features.extractor
            features = extractor.extract(encoded.pixels(extractor.working_size))
        known = IndexedImage(sha256, header.width, header.height, rows, known.origin)
        return DescribedImage(file, known, bool(missing), encoded.may_be_damaged, features)

    def _is_whole(self, known: IndexedImage) -> bool:
        return not self._missing(known) and not self._lacks_features(known)

    def _missing(self, known: IndexedImage) -> list[NamedDescriptor]:
        return [one for one in self.named if one.descriptor.fingerprint not in known.rows]

    def _lacks_features(self, known: IndexedImage) -> bool:
        return self.features is not None and known.sha256 not in self.features.kept
