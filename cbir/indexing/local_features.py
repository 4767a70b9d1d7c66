"""Local features of the images, kept in the index's state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.stores.model import Writer


class LocalFeatureWriter:
    """Keeps the local features of images, by content.

    Parameters
    ----------
    writer : Writer
        Of the index.
    extractor : LocalExtractor

    Attributes
    ----------
    kept : frozenset of bytes
        The contents whose features are kept since before this run.
    """

    def __init__(self, writer: Writer, extractor: LocalExtractor[Any]) -> None:
        self.extractor = extractor
        self._store = writer.features(extractor)
        self._store.check_changed()  # what is damaged is missing from then on
        self.kept = frozenset(self._store.keys())

    def add(self, sha256: bytes, features: LocalFeatures) -> None:
        """Keep features; those of equal images are kept once."""
        self._store.append(sha256, self.extractor.as_record(features))

    def close(self) -> None:
        """Make everything durable."""
        self._store.close()

    def remove_others(self, contents: Iterable[bytes]) -> None:
        """Free the space of images that are gone, when it is worth the work."""
        self._store.compact(frozenset(bytes(content) for content in contents))
