"""The local features that an index keeps, looked up by the content of an image."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.stores.features.store import FeatureStore

F = TypeVar("F", bound=LocalFeatures)


class KeptFeatures(Generic[F]):
    """Looks features up; threads may share it.

    Parameters
    ----------
    store : FeatureStore
    extractor : LocalExtractor
        What extracted them.
    """

    def __init__(self, store: FeatureStore, extractor: LocalExtractor[F]) -> None:
        self.extractor = extractor
        self._store = store
        self._lock = threading.Lock()

    def get(self, sha256: bytes) -> F | None:
        """Return the features of a content, or None where they are missing or damaged."""
        with self._lock:
            try:
                record = self._store.get(sha256)
            except KeyError:
                return None
        try:
            return self.extractor.from_record(record)
        except ValueError:  # the checksum is right: some other program wrote it
            return None
