"""Descriptors whose rows stand for local features, searched by their visual words."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor
from cbir.descriptors.encoders.sparse_code import SparseCode, WordKernel
from cbir.descriptors.local_features.base import LocalExtractor, LocalFeatures
from cbir.descriptors.row_kinds import FEATURES, RowKind
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.pixels import Pixels


@dataclass(frozen=True)
class LocalDescriptor(TrainedDescriptor):
    """Base of descriptors that assign local features to the words of a vocabulary.

    An index keeps how many features an image has, and the features themselves in its feature
    store, where descriptors with the same extractor share them. From these, an inverted file of
    sparse codes is made, in which searches look.
    """

    kind: ClassVar[RowKind] = FEATURES
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint16)
    dimension: ClassVar[int] = 1

    @property
    @abstractmethod
    def extractor(self) -> LocalExtractor[Any]:
        """What extracts the features."""

    @abstractmethod
    def kernel(self, metric: str) -> WordKernel:
        """Return how codes are compared by a metric of :attr:`metrics`."""

    @abstractmethod
    def encode(self, features: LocalFeatures) -> SparseCode:
        """Return the code of an image of the index."""

    @abstractmethod
    def encode_query(self, features: LocalFeatures) -> SparseCode:
        """Return the code of a query, which may have more words than that of an indexed image."""

    def encode_both(self, features: LocalFeatures) -> tuple[SparseCode, SparseCode]:
        """Return the codes of one image: of the index, and as a query."""
        return self.encode(features), self.encode_query(features)

    @property
    def working_size(self) -> int:
        """That of the extractor."""
        return self.extractor.working_size

    @property
    def missing(self) -> str | None:
        """What the extractor lacks."""
        return self.extractor.missing

    def describe(self, image: Pixels) -> NDArray[np.uint16]:
        """Count the local features; see :meth:`Descriptor.describe`."""
        return feature_count(self.extractor.extract(image))

    def drift(self, rows: NDArray[Any]) -> float:
        """Return 0: how many features an image has says nothing of their words."""
        return 0.0


def extractor_of(descriptor: Descriptor) -> LocalExtractor[Any] | None:
    """Return what extracts the local features that rows stand for; None for other rows."""
    return descriptor.extractor if isinstance(descriptor, LocalDescriptor) else None


def feature_count(features: LocalFeatures) -> NDArray[np.uint16]:
    """Return the row of an image: how many local features it has.

    Examples
    --------
    >>> points, descriptors = np.zeros((3, 4), np.float32), np.zeros((3, 32), np.uint8)
    >>> feature_count(LocalFeatures(points, descriptors, 10, 10))
    array([3], dtype=uint16)
    """
    return np.array([len(features)], np.uint16)
