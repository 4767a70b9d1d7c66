"""Local features of the images, kept in the index's state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cbir.descriptors.encoders.local_descriptor import extractor_of
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.descriptors.registry import NamedDescriptor
from cbir.stores.features.kept import KeptFeatures, check_features
from cbir.stores.model import Writer


class LocalFeatureWriter:
    """Keeps the local features of images that one extractor gives, by content.

    Parameters
    ----------
    writer : Writer
        Of the index.
    extractor : LocalExtractor
    believe_stamps : bool
        What was found sound before, and has not been written since, is not read again.

    Attributes
    ----------
    kept : frozenset of bytes
        The contents whose features are kept since before this run.
    """

    def __init__(
        self, writer: Writer, extractor: LocalExtractor[Any], believe_stamps: bool = True
    ) -> None:
        self.extractor = extractor
        self._store = writer.features(extractor)
        check_features(self._store, extractor, believe_stamps)
        self._before = KeptFeatures(writer.features(extractor), extractor)
        self.kept = frozenset(self._store.keys())

    def before(self, sha256: bytes) -> LocalFeatures | None:
        """Return what was kept of a content before this run; any thread may ask."""
        return self._before.get(sha256) if sha256 in self.kept else None

    def add(self, sha256: bytes, features: LocalFeatures) -> None:
        """Keep features; those of equal images are kept once."""
        self._store.append(sha256, self.extractor.as_record(features))

    def close(self) -> None:
        """Make everything durable."""
        self._store.close()

    def remove_others(self, contents: Iterable[bytes]) -> None:
        """Free the space of images that are gone, when it is worth the work."""
        self._store.compact(frozenset(bytes(content) for content in contents))


def feature_writers(
    writer: Writer,
    named: Sequence[NamedDescriptor],
    asked: LocalExtractor[Any] | None,
    believe_stamps: bool,
) -> dict[str, LocalFeatureWriter]:
    """Return what keeps local features, by the fingerprints of the extractors.

    Parameters
    ----------
    writer : Writer
    named : sequence of NamedDescriptor
        Descriptors, some of which may stand for local features.
    asked : LocalExtractor or None
        What else is to be extracted.
    believe_stamps : bool
        See :class:`LocalFeatureWriter`.
    """
    wanted = [extractor_of(one.descriptor) for one in named]
    different = {one.fingerprint: one for one in (*wanted, asked) if one is not None}
    return {
        fingerprint: LocalFeatureWriter(writer, extractor, believe_stamps)
        for fingerprint, extractor in different.items()
    }
