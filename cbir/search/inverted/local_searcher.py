"""Searches by local features: the query's visual words in the inverted file of an index."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type
from cbir.core.checks import check_whole
from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.local_descriptor import LocalDescriptor
from cbir.descriptors.encoders.sparse_code import SignatureKernel, SparseCode
from cbir.descriptors.local_features.base import LocalFeatures
from cbir.descriptors.registry import NamedDescriptor
from cbir.images.encoded_image import EncodedImage
from cbir.images.open_image import OpenImage
from cbir.search import metrics
from cbir.search.candidates import Distances, RowMask, RowNumbers, ScannedSource
from cbir.search.inverted.code_distances import CodeDistances
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from cbir.search.inverted.unused_files import remove_unused
from cbir.search.searchers import SingleSearcher, not_described
from cbir.stores.feature_inspection import missing_features
from cbir.stores.features.kept import KeptFeatures
from cbir.stores.model import Snapshot

_OWN_KEY = bytes(32)

_COMMON = 0.003
"""The similarity, as a share of that of an image to itself, from which distances fall noticeably:
ten times that of unrelated images, and half of the median of images of the same thing."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalDescription:
    """A query, described by its local features.

    Attributes
    ----------
    features : LocalFeatures
    code : SparseCode
        Their visual words.
    own : SparseCode
        The same as those of an image of the index.
    own_similarity : float
        What the code has in common with that of the same image in an index, from 0 to 1: less
        than 1 where a query has more words than an image of the index.
    sha256 : bytes
        Of its file, if it has no features and is a whole file; else nothing.
    """

    features: LocalFeatures
    code: SparseCode
    own: SparseCode
    own_similarity: float
    sha256: bytes = b""


class LocalSource(ScannedSource[LocalDescription]):
    r"""The rows of an inverted file, for queries with their features.

    What signatures have in common spans a thousandfold: a few right matches among thousands of
    features are rare and say much. So distances tell of it on a logarithmic scale: of the
    similarity :math:`s`, as a share of that of the query to itself, the distance is
    :math:`1 - \ln(1 + s/c) / \ln(1 + 1/c)`.

    Where there are no features, nothing is in common: a query without any is as far as can be from
    all rows, those without any as well, but for its own file.

    Parameters
    ----------
    rows : InvertedSource
    keys : ndarray of uint8, shape (n, 32)
        The SHA-256 of the file of each row.
    is_logarithmic : bool
        Whether that is so; else distances are those of the inverted file.
    """

    def __init__(self, rows: InvertedSource, keys: NDArray[np.uint8], is_logarithmic: bool) -> None:
        self._rows = rows
        self._keys = keys
        self._is_logarithmic = is_logarithmic

    def __len__(self) -> int:
        return len(self._rows)

    def estimate(self, query: LocalDescription) -> NDArray[Any]:
        """Return the distance of every row; not to be written to."""
        if not len(query.features):
            return self._without_features(query)
        return self._scaled(self._rows.estimate(query.code), query)

    def exact(self, query: LocalDescription, rows: RowNumbers) -> Distances:
        """Return the distances of some rows."""
        return self.estimate(query)[rows]

    def tolerance(self, query: LocalDescription, distance: float) -> float:
        """Return 0: nothing is estimated."""
        return 0.0

    def _without_features(self, query: LocalDescription) -> Distances:
        distances = np.full(len(self._keys), self._rows.farthest)
        if query.sha256:
            own = np.frombuffer(query.sha256, np.uint8)
            distances[(self._keys == own).all(axis=1)] = 0
        return distances

    def _scaled(self, distances: Distances, query: LocalDescription) -> Distances:
        return self.scaled(distances, query.own_similarity)

    def scaled(self, distances: Distances, own_similarity: float | Distances) -> Distances:
        """Return what distances of the kernel become in results.

        Parameters
        ----------
        distances : ndarray of float64
        own_similarity : float, or ndarray of float64 that fits
            As :attr:`LocalDescription.own_similarity`.
        """
        if not self._is_logarithmic:
            return distances
        shares = np.minimum((1 - distances) / np.maximum(own_similarity, 1e-9), 1)
        return 1 - np.log1p(shares / _COMMON) / np.log1p(1 / _COMMON)


class LocalSearcher(SingleSearcher[LocalDescription]):
    """Searches by one descriptor of local features.

    Parameters
    ----------
    named : NamedDescriptor
    metric : Metric
    snapshot : Snapshot
    listener : ProgressListener, optional
        Told of the encoding of images that are not in the inverted file yet.

    Raises
    ------
    BrokenIndexError
        When local features are missing.
    """

    def __init__(
        self,
        named: NamedDescriptor,
        metric: metrics.Metric,
        snapshot: Snapshot,
        listener: ProgressListener | None = None,
    ) -> None:
        descriptor = named.descriptor
        assert isinstance(descriptor, LocalDescriptor)
        self._descriptor = descriptor
        self._snapshot = snapshot
        self._features = KeptFeatures(snapshot.features(descriptor.extractor), descriptor.extractor)
        self._hashes = snapshot.rows.facts["sha256"]
        self._kernel = kernel = descriptor.kernel(metric.name)
        folders = snapshot.inverted_folders
        self.inverted = InvertedFile(
            [folder / descriptor.fingerprint for folder in folders],
            kernel,
            descriptor.fingerprint,
        )
        keys = np.frombuffer(self._hashes.tobytes(), np.uint8).reshape(-1, 32)
        self.inverted.update(keys, self._code_of, progress=listener)
        remove_unused(snapshot)
        rows = InvertedSource(self.inverted, kernel, keys)
        if len(rows.missing):
            raise missing_features(snapshot, descriptor.extractor, rows.missing.tolist())
        source = LocalSource(rows, keys, isinstance(kernel, SignatureKernel))
        self._code_distances = CodeDistances(self.inverted, kernel, keys, source.scaled)
        super().__init__(named, metric, source, self._code_distances)
        self.is_binary = descriptor.extractor.is_binary
        self.tells_turns = descriptor.extractor.is_upright

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        named: NamedDescriptor,
        metric: metrics.Metric,
        listener: ProgressListener | None = None,
    ) -> LocalSearcher:
        """Return what searches an index by one of its descriptors."""
        return cls(named, metric, snapshot, listener)

    @property
    def bytes_per_image(self) -> int:
        """Bytes of an image in the inverted file, on average."""
        segments = self.inverted.segments
        images = sum(map(len, segments))
        return round(sum(segment.raw.nbytes for segment in segments) / images) if images else 0

    def describe_image(self, image: OpenImage) -> LocalDescription:
        """Extract the local features of an image, and find their words."""
        check_type(image, OpenImage, "an image that is open")
        found = self._described(self.extract(image))
        if len(found.features) or not isinstance(image, EncodedImage):
            return found
        return replace(found, sha256=hashlib.sha256(image.data).digest())

    def indexed(self, row: int) -> LocalDescription:
        """Return what the index keeps of an image."""
        found = self._described(self.features(row))
        return found if len(found.features) else replace(found, sha256=self._hashes[row].tobytes())

    def lacking(self, description: LocalDescription) -> tuple[str, ...]:
        """Return the alias if a query has no local features."""
        return () if len(description.features) else (self.label,)

    def extract(self, image: OpenImage) -> LocalFeatures:
        """Extract the local features of an image, as those of the index were."""
        extractor = self._descriptor.extractor
        features: LocalFeatures = extractor.extract(image.pixels(extractor.working_size))
        return features

    def features(self, row: int) -> LocalFeatures:
        """Return the local features of an image of the index.

        Raises
        ------
        BrokenIndexError
            When they are missing or damaged.
        """
        row = check_whole("row", row, 0, len(self._hashes) - 1)
        found = self._features.get(self._hashes[row].tobytes())
        if found is None:
            raise missing_features(self._snapshot, self._descriptor.extractor, [row])
        return found

    def source_for(
        self, description: LocalDescription, eligible: RowMask | None = None
    ) -> LocalSource:
        """Return the rows; they are the same for every query."""
        if not isinstance(description, LocalDescription):
            raise not_described(self.label)
        assert isinstance(self.source, LocalSource)
        return self.source

    def distances_around(
        self, description: LocalDescription, rows: RowNumbers
    ) -> NDArray[np.float32]:
        """Return the distances among a query and some rows, all as images of the index."""
        return self._code_distances.around(description.own, rows)

    def _described(self, features: LocalFeatures) -> LocalDescription:
        own, code = self._descriptor.encode_both(features)
        return LocalDescription(features, code, own, self._similarity(own, code))

    def _similarity(self, one: SparseCode, code: SparseCode) -> float:
        """Compare a query with what would be in the index of the same image."""
        own = InvertedFile([], self._kernel, self._descriptor.fingerprint)
        own.update([_OWN_KEY], lambda _: one, workers=1)
        return 1 - float(InvertedSource(own, self._kernel, [_OWN_KEY]).estimate(code)[0])

    def _code_of(self, sha256: bytes) -> SparseCode | None:
        features = self._features.get(sha256)
        return None if features is None else self._descriptor.encode(features)
