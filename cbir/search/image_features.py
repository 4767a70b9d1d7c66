"""Local features of images: those that an index keeps of their contents, or else of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from cbir.descriptors.encoders.local_descriptor import extractor_of
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.descriptors.local_features.sift import SiftExtractor
from cbir.descriptors.row_kinds import FEATURES
from cbir.images.encoded_image import EncodedImage
from cbir.images.open_image import OpenImage
from cbir.stores.features.kept import KeptFeatures
from cbir.stores.model import Snapshot

COUNT = 1000
"""Features an image where an index keeps none: twice as many as for copies, for a thing may fill a
small part of it."""


class ImageFeatures:
    """Local features of images, all by one extractor; threads may share it.

    Parameters
    ----------
    extractor : LocalExtractor
    kept : KeptFeatures, optional
        Features that are there already, by content.
    """

    def __init__(
        self, extractor: LocalExtractor[Any], kept: KeptFeatures[Any] | None = None
    ) -> None:
        self.extractor = extractor
        self._kept = kept

    @classmethod
    def of_index(cls, snapshot: Snapshot, preferred: Sequence[str] = ()) -> ImageFeatures:
        """Return the features that an index keeps; those it does not have are extracted.

        Parameters
        ----------
        snapshot : Snapshot
        preferred : sequence of str
            Aliases of descriptors whose features are taken first, as a search by them does.
        """
        entries = [one for one in snapshot.manifest.entries if one.row_kind == FEATURES]
        # Stable: others keep the order of the index.
        entries.sort(key=lambda one: one.alias not in preferred)
        extractors = [extractor_of(one.descriptor(snapshot.path)) for one in entries]
        usual = SiftExtractor(COUNT)
        # Those for copies may be there without a descriptor.
        for extractor in (*extractors, usual, SiftExtractor()):
            if extractor is not None and extractor.missing is None:
                store = snapshot.features(extractor)
                if next(iter(store.keys()), None) is not None:
                    return cls(extractor, KeptFeatures(store, extractor))
        return cls(usual)

    def of(self, image: OpenImage) -> LocalFeatures:
        """Return the features of an image, or of a part of one, which is never kept.

        Raises
        ------
        UnreadableImageError
            When it has to be decoded and cannot be.
        """
        if self._kept is not None and isinstance(image, EncodedImage):
            found: LocalFeatures | None = self._kept.get(hashlib.sha256(image.data).digest())
            if found is not None:
                return found
        features: LocalFeatures = self.extractor.extract(image.pixels(self.extractor.working_size))
        return features
