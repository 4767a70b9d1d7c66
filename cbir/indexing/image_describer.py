"""Describe one image, as far as it is not known."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cbir.core.errors import UnreadableImageError
from cbir.descriptors.encoders.local_descriptor import extractor_of, feature_count
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
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
    features : mapping of str to LocalFeatures
        The local features that are wanted and were not kept, by the fingerprints of the extractors.
    """

    file: ImageFile
    known: IndexedImage
    is_new: bool = False
    is_suspect: bool = False
    features: Mapping[str, LocalFeatures] = field(default_factory=dict)


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
    features : mapping of str to LocalFeatureWriter
        Say which local features are wanted, by the fingerprints of the extractors.
    """

    dataset: str
    named: Sequence[NamedDescriptor]
    lookup: ReuseLookup
    features: Mapping[str, LocalFeatureWriter]

    def __call__(self, file: ImageFile, image: EncodedImage | None = None) -> Outcome:
        """Describe an image, that may have been read, or return why it cannot be."""
        try:
            return self.describe(file, image)
        except UnreadableImageError as error:
            return error

    def read(self, file: ImageFile) -> EncodedImage | None:
        """Read an image's file; None if that is not needed or fails: describing will tell why."""
        if self._in_journal(file) is None:
            with contextlib.suppress(UnreadableImageError):
                return EncodedImage.open(os.path.join(self.dataset, file.path))
        return None

    def describe(self, file: ImageFile, image: EncodedImage | None = None) -> DescribedImage | None:
        """Describe an image as far as it is not known; None for a montage of our own.

        Parameters
        ----------
        file : ImageFile
        image : EncodedImage, optional
            What :meth:`read` gave.

        Raises
        ------
        UnreadableImageError
            When it cannot be read.
        """
        if image is None:
            known = self._in_journal(file)
            if known is not None:
                return DescribedImage(file, known)
        encoded = image or EncodedImage.open(os.path.join(self.dataset, file.path))
        sha256 = hashlib.sha256(encoded.data).digest()
        known = self.lookup.with_content(sha256)
        missing = self._missing(known)
        if not missing and not self._lacking(known):
            return DescribedImage(file, known)
        header = encoded.header
        if header.is_generated:
            return None
        features = self._extracted(encoded, known)
        rows = dict(known.rows)
        for one in missing:
            extractor = extractor_of(one.descriptor)
            rows[one.descriptor.fingerprint] = (
                one.describe(encoded, rows)
                if extractor is None
                else feature_count(self._features_of(encoded, sha256, extractor, features))
            )
        known = IndexedImage(sha256, header.width, header.height, rows, known.origin)
        return DescribedImage(file, known, bool(missing), encoded.may_be_damaged, features)

    def _in_journal(self, file: ImageFile) -> IndexedImage | None:
        """Return what an interrupted run told of a file, if that is all that is wanted."""
        known = self.lookup.in_journal(file)
        if known is None or self._missing(known) or self._lacking(known):
            return None
        return known

    def _missing(self, known: IndexedImage) -> list[NamedDescriptor]:
        return [one for one in self.named if one.descriptor.fingerprint not in known.rows]

    def _lacking(self, known: IndexedImage) -> list[LocalFeatureWriter]:
        return [one for one in self.features.values() if known.sha256 not in one.kept]

    def _extracted(self, image: EncodedImage, known: IndexedImage) -> dict[str, LocalFeatures]:
        """Extract the local features that are not kept."""
        return {
            writer.extractor.fingerprint: writer.extractor.extract(
                image.pixels(writer.extractor.working_size)
            )
            for writer in self._lacking(known)
        }

    def _features_of(
        self,
        image: EncodedImage,
        sha256: bytes,
        extractor: LocalExtractor[Any],
        extracted: Mapping[str, LocalFeatures],
    ) -> LocalFeatures:
        """Return features that were extracted just now, or kept before; else extract them again."""
        found = extracted.get(extractor.fingerprint)
        if found is None:
            found = self.features[extractor.fingerprint].before(sha256)
        return (
            found if found is not None else extractor.extract(image.pixels(extractor.working_size))
        )
