"""What local features are, and what extracts them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.parametrized import Parametrized
from cbir.images.pixels import Pixels


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """The local features of one image.

    Attributes
    ----------
    points : ndarray of float32, shape (n, 4)
        x, y and diameter in pixels of the working image, and direction in radians.
    descriptors : ndarray of uint8, shape (n, bytes)
        One row a keypoint: small numbers or packed bits.
    width, height : int
        Of the working image.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.points)


F = TypeVar("F", bound=LocalFeatures)


@dataclass(frozen=True)
class LocalExtractor(Parametrized, ABC, Generic[F]):
    """Extracts local features; subclasses are frozen dataclasses, as descriptors are.

    Attributes
    ----------
    working_size : int
        The longest side, in pixels, of the image that features are extracted from.
    descriptor_size : int
        Bytes that the descriptor of a keypoint takes.
    features_type : type
        What it extracts, a class of :class:`LocalFeatures`.
    """

    working_size: ClassVar[int]
    descriptor_size: ClassVar[int]
    features_type: ClassVar[type[Any]] = LocalFeatures

    @property
    def fields(self) -> Mapping[str, str]:
        """What a record in a feature store holds; see :mod:`cbir.stores.features.store`."""
        return {"points": "(4,)<f4", "descriptors": f"({self.descriptor_size},)u1", "size": "<i4"}

    @abstractmethod
    def extract(self, image: Pixels) -> F:
        """Extract the features of an upright RGB image at the working size.

        The same image always gives the same features.
        """

    def of(self, points: Any, descriptors: Any, width: int, height: int) -> F:
        """Put features together."""
        features: F = self.features_type(points, descriptors, width, height)
        return features

    def nothing(self, width: int = 1, height: int = 1) -> F:
        """Return the features of an image in which there is nothing to see."""
        descriptors = np.empty((0, self.descriptor_size), np.uint8)
        return self.of(np.empty((0, 4), np.float32), descriptors, width, height)

    @staticmethod
    def as_record(features: LocalFeatures) -> dict[str, NDArray[Any]]:
        """Return the arrays that a store keeps."""
        size = np.array([features.width, features.height], np.int32)
        return {"points": features.points, "descriptors": features.descriptors, "size": size}

    def from_record(self, record: Mapping[str, NDArray[Any]]) -> F:
        """Return the features that :meth:`as_record` took apart."""
        width, height = record["size"].tolist()
        return self.of(record["points"], record["descriptors"], width, height)
