"""What local features are, and what extracts them."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.core.optional_packages import missing_of
from cbir.descriptors.parametrized import Parametrized
from cbir.images.pixels import Pixels

MOST_FEATURES = 9_000
"""Of one image."""

_PLACES = 32
"""Steps of a pixel."""

_SIZES = 16
"""Steps of a doubling of the diameter, from one pixel on."""

_DIRECTIONS = 256
"""Steps of a turn."""

_POINT_BYTES = 6


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
    is_binary : bool
        Descriptors are packed bits, compared by Hamming distance; else numbers, by Euclidean.
    features_type : type
        What it extracts, a class of :class:`LocalFeatures`.
    modules : tuple of str
        Of optional packages, without which it extracts nothing.
    extra : str
        Of cbir, which installs them.
    """

    working_size: ClassVar[int]
    descriptor_size: ClassVar[int]
    is_binary: ClassVar[bool] = False
    features_type: ClassVar[type[Any]] = LocalFeatures
    modules: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    fields: ClassVar[Mapping[str, str]] = {"size": "<i4", "features": "u1"}
    """What a record in a feature store holds; see :mod:`cbir.stores.features.store`."""

    @property
    def missing(self) -> str | None:
        """What has to be installed before it extracts anything, as the end of a sentence."""
        return missing_of(self.modules, self.extra)

    @property
    def is_upright(self) -> bool:
        """Whether features are described as they lie: else they turn with what they show."""
        return bool(self.parameters.get("upright", False))

    @abstractmethod
    def extract(self, image: Pixels) -> F:
        """Extract the features of an upright RGB image at the working size.

        The same image always gives the same features.
        """

    def of(self, points: Any, descriptors: Any, width: int, height: int) -> F:
        """Put features together, their points as exact as a store keeps them."""
        features: F = self.features_type(
            _unpacked_points(_packed_points(points)), descriptors, width, height
        )
        return features

    def nothing(self, width: int = 1, height: int = 1) -> F:
        """Return the features of an image in which there is nothing to see."""
        descriptors = np.empty((0, self.descriptor_size), np.uint8)
        return self.of(np.empty((0, 4), np.float32), descriptors, width, height)

    @staticmethod
    def as_record(features: LocalFeatures) -> dict[str, NDArray[Any]]:
        """Return the arrays that a store keeps: compressed, and nothing is lost.

        Descriptors are compressed by how often each number is there (Huffman): nothing repeats.
        """
        size = np.array([features.width, features.height, len(features)], np.int32)
        # The first numbers of all features, then the second ones: each has its own few values.
        planes = np.concatenate([_packed_points(features.points), features.descriptors], axis=1).T
        compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
        packed = compressor.compress(np.ascontiguousarray(planes).data) + compressor.flush()
        return {"size": size, "features": np.frombuffer(packed, np.uint8)}

    def from_record(self, record: Mapping[str, NDArray[Any]]) -> F:
        """Return the features that :meth:`as_record` took apart.

        Raises
        ------
        ValueError
            When they are none of this extractor's.
        """
        if record["size"].shape != (3,):
            raise ValueError("a record has three sizes")
        width, height, count = record["size"].tolist()
        if not (0 <= count <= MOST_FEATURES and width > 0 and height > 0):
            raise ValueError("a size is out of range")
        shape = _POINT_BYTES + self.descriptor_size, count
        expected = shape[0] * count
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            packed = decompressor.decompress(record["features"].data, expected + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(packed) != expected:
            raise ValueError(f"{len(packed):,} bytes of features, not {expected:,}")
        columns = np.ascontiguousarray(np.frombuffer(packed, np.uint8).reshape(shape).T)
        points = _unpacked_points(columns[:, :_POINT_BYTES])
        descriptors = np.ascontiguousarray(columns[:, _POINT_BYTES:])
        features: F = self.features_type(points, descriptors, width, height)
        return features


def check_count(name: str, count: int) -> None:
    """Refuse a number of features that an extractor cannot be asked for.

    Raises
    ------
    UsageError
    """
    if not 1 <= count <= MOST_FEATURES:
        raise UsageError(f"{name}: count={count} must be 1 to {MOST_FEATURES:,}")


def _packed_points(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return points in six bytes: x, y, diameter and direction."""
    x, y, diameter, direction = points.astype(np.float64).T
    places = np.rint(np.clip(np.stack([x, y], axis=1) * _PLACES, 0, 2**16 - 1)).astype("<u2")
    size = np.rint(np.clip(_SIZES * np.log2(np.maximum(diameter, 1)), 0, 255))
    turn = np.rint(direction * (_DIRECTIONS / (2 * np.pi))) % _DIRECTIONS
    shapes = np.stack([size, turn], axis=1).astype(np.uint8)
    return np.concatenate([places.view(np.uint8).reshape(-1, 4), shapes], axis=1)


def _unpacked_points(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    places = np.ascontiguousarray(packed[:, :4]).view("<u2")
    points = np.empty((len(packed), 4))
    points[:, :2] = places / _PLACES
    points[:, 2] = np.exp2(packed[:, 4] / _SIZES)
    points[:, 3] = packed[:, 5] * (2 * np.pi / _DIRECTIONS)
    return points.astype(np.float32)
