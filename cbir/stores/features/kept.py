"""The local features that an index keeps, looked up by the content of an image."""

from __future__ import annotations

import threading
from typing import Any, Generic, TypeVar

from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.stores.features.store import Features, FeatureStore

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
        return decoded(self.extractor, record)


def decoded(extractor: LocalExtractor[F], record: Features) -> F | None:
    """Return the features that a record has, or None where it is none of this extractor's.

    Its checksum is right then: some other program wrote it.
    """
    try:
        return extractor.from_record(record)
    except ValueError:
        return None


def check_features(
    store: FeatureStore, extractor: LocalExtractor[Any], believe_stamps: bool = True
) -> None:
    """Read what has changed of a store; what is damaged or no features is missing from then on."""
    store.check_changed(lambda record: decoded(extractor, record) is not None, believe_stamps)
