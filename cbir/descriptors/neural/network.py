"""What descriptors by a network have alike: prepare the image, run, pool, normalize, store."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.base import Descriptor, Encoding
from cbir.descriptors.neural.pooling import Pooling, places
from cbir.images.pixels import Pixels

_HIGHEST = 127
"""Of a stored number."""

_REACH = 16.0
"""Up to how many times the usual size of a number, 1 / sqrt(dimension), numbers are told apart.
Steps are an eighth of the usual size, so that 500 numbers are off by 4 % together, in no direction
that means anything; of a thousand networks' numbers, hardly one is larger."""


class Preparation(Protocol):
    """What is done to an image before a network gets it."""

    @property
    def working_size(self) -> int | None:
        """The working size of images that it takes."""

    @property
    def channels_last(self) -> bool:
        """Whether maps that the network gives have their channels last."""

    def array(self, image: Pixels) -> NDArray[Any]:
        """Return what the network takes, with one image."""


@dataclass(frozen=True)
class Network(Descriptor):
    """Base of descriptors that a network computes.

    A subclass says where the network is from, what it takes, and runs it.
    """

    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int8)
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean")
    meaning: ClassVar[str] = "0 = the same to the network, 1 = nothing in common, 2 = opposite"

    @property
    @abstractmethod
    def preprocessing(self) -> Preparation:
        """What is done to an image before the network gets it."""

    @property
    @abstractmethod
    def pooling_of_map(self) -> Pooling:
        """How an output with many places becomes one vector."""

    @abstractmethod
    def forward(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the output of the network for a prepared array of one image."""

    @property
    def working_size(self) -> int | None:
        """The longest side of the image to describe, in pixels: what the network needs."""
        return self.preprocessing.working_size

    @property
    def encoding(self) -> Encoding:
        """How the stored numbers relate to those of a vector of the length 1."""
        return Encoding(min(1.0, _REACH / math.sqrt(self.dimension)) / _HIGHEST)

    def pooled(self, output: NDArray[Any]) -> NDArray[Any]:
        """Return the vector that the output of the network becomes, of any length."""
        return self.pooling_of_map.over(places(output, self.preprocessing.channels_last))

    def vector(self, image: Pixels) -> NDArray[np.float32]:
        """Return what the network says of an image, of length 1, before it is rounded.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            Upright RGB, at the working size.

        Returns
        -------
        ndarray of float32, shape (dimension,)
            Zeros, when the network gives nothing else.

        Raises
        ------
        ValueError
            When it gives what is no number, or no vector and no map.
        """
        output = self.forward(self.preprocessing.array(image)).astype(np.float32, copy=False)
        pooled = self.pooled(output)
        length = np.sqrt(np.square(pooled, dtype=np.float64).sum())
        if not np.isfinite(length):
            raise ValueError("the network gives what is no number")
        return (pooled / length if length else pooled).astype(np.float32)

    def describe(self, image: Pixels) -> NDArray[np.int8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        steps = np.rint(self.vector(image) / np.float32(self.encoding.scale))
        return np.clip(steps, -_HIGHEST, _HIGHEST).astype(np.int8)
