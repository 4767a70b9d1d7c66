"""What a descriptor is.

Adding one takes a class and a line in :mod:`cbir.descriptors.registry`; from another package, an
entry point of the group ``cbir.descriptors``. A descriptor is a frozen dataclass whose fields are
its parameters, so ``hsv:layout=grid`` on the command line is ``HsvHistogram(layout="grid")``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.core.optional_packages import missing_of
from cbir.descriptors.parametrized import Parametrized
from cbir.descriptors.row_kinds import GLOBAL, RowKind
from cbir.images.open_image import OpenImage
from cbir.images.pixels import WORKING_SIZES, Pixels

Row = NDArray[Any]
"""What a descriptor stores of one image: a vector of small numbers, or packed bits, which the
quality may follow."""

NOTHING_KNOWN: Mapping[str, Row] = MappingProxyType({})
"""Rows of an image, by the fingerprints of descriptors, before it is described."""

HIGHEST_QUALITY = 100
"""Of a hash; the lowest is 0."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How stored numbers relate to the values that are compared: ``(stored * scale) ** power``.

    Examples
    --------
    >>> ROOTS.values(np.array([0, 255], np.uint8))
    array([0., 1.])
    """

    scale: float = 1.0
    power: Literal[1, 2] = 1

    def values(self, stored: Row, dtype: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
        """Return the values of `stored` numbers, as `dtype`."""
        values = stored.astype(dtype)
        if self.scale != 1.0:
            values *= dtype(self.scale)
        return np.square(values, out=values) if self.power == 2 else values

    def stored(self, values: NDArray[np.float64], dtype: np.dtype[Any]) -> Row:
        """Return the numbers of type `dtype` that are stored for values: :meth:`values`, backwards.

        Examples
        --------
        >>> ROOTS.stored(np.array([0.0, 0.25, 1.0]), np.dtype(np.uint8))
        array([  0, 128, 255], dtype=uint8)
        """
        numbers = (np.sqrt(values) if self.power == 2 else values) / self.scale
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            numbers = np.clip(np.rint(numbers), limits.min, limits.max)
        return numbers.astype(dtype)


PLAIN = Encoding()
"""The stored numbers are the values."""

STEPS = Encoding(1 / 255)
"""The values are 0 to 1, stored in 8 bits: roots that are compared as they are, and the like."""

ROOTS = Encoding(1 / 255, 2)
"""8-bit roots of an L1-normalized histogram, ``round(255 * sqrt(p))``, whose squares are
compared."""


def as_roots(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Store histograms as the 8-bit roots of their shares.

    Roots spread the 256 steps evenly over small and large shares: one byte a bin, and the
    rankings stay those of the unrounded histogram.

    Parameters
    ----------
    counts : ndarray, shape (..., bins)
        Each histogram is normalized by itself; one without any count stays zero.

    Examples
    --------
    >>> as_roots(np.array([1.0, 0.0, 3.0]))
    array([128,   0, 221], dtype=uint8)
    """
    shares = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return np.rint(255 * np.sqrt(shares)).astype(np.uint8)


@dataclass(frozen=True)
class Descriptor(Parametrized, ABC):
    """Base of all descriptors; subclasses are frozen dataclasses.

    What is a property here is a class attribute of descriptors whose parameters do not change it:
    ``dimension: ClassVar[int] = 64``.

    Attributes
    ----------
    kind : RowKind
        What its rows are: a vector unless told otherwise.
    dtype : numpy.dtype
        Type of the stored numbers.
    summary : str
        One line on what it is good for.
    metrics : tuple of str
        The metrics that make sense, the default first.
    has_quality : bool
        For a hash: one byte follows the bits, 0 to 100, that says how much of the image they
        rest on. The bits of a blank image are an accident of its noise.
    least_quality : int
        Below it, a hash says too little for two images to be called alike.
    modules : tuple of str
        Of optional packages, without which it describes nothing.
    extra : str
        Of cbir, which installs them.
    """

    kind: ClassVar[RowKind] = GLOBAL
    dtype: ClassVar[np.dtype[Any]]
    summary: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    has_quality: ClassVar[bool] = False
    least_quality: ClassVar[int] = 0
    modules: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Numbers an image, or bits for a hash."""

    @property
    @abstractmethod
    def meaning(self) -> str:
        """What a distance of the default metric means, with its range."""

    @property
    def missing(self) -> str | None:
        """What has to be installed before it describes anything, as the end of a sentence."""
        return missing_of(self.modules, self.extra)

    @property
    def encoding(self) -> Encoding:
        """How the stored numbers relate to the values that are compared."""
        return PLAIN

    @property
    def working_size(self) -> int | None:
        """The longest side, in pixels, of the image to describe: a working size."""
        return WORKING_SIZES[0]

    @abstractmethod
    def describe(self, image: Pixels) -> Row:
        """Describe an upright RGB image at the working size.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)

        Returns
        -------
        ndarray, shape (width,), of `dtype`
            The row that the index stores. The same image always gives the same bytes.
        """

    def describe_image(self, image: OpenImage, known: Mapping[str, Row] = NOTHING_KNOWN) -> Row:
        """Describe an image that is open, decoded for the working size.

        What is made of other descriptors overrides this: each decodes for its own working size, or
        its row is `known` already.

        Parameters
        ----------
        image : OpenImage
        known : mapping of str to ndarray
            Rows of this image, by the fingerprints of the descriptors that gave them.

        Raises
        ------
        UnreadableImageError
            When the image cannot be decoded.
        """
        return self.describe(image.pixels(self.working_size))

    @property
    def width(self) -> int:
        """Stored numbers an image: the dimension, or a hash's bytes and that of its quality."""
        return self.kind.width(self.dimension, self.has_quality)
