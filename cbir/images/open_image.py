"""An image that is open: whatever descriptors can take pixels from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from cbir.images.pixels import Pixels


class ReducedImage(NamedTuple):
    """An image each of whose pixels is a square of those that the file has.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
        Upright RGB.
    left, top : int
        By how many of the file's pixels the first square reaches beyond the image.
    """

    pixels: Pixels
    left: int = 0
    top: int = 0


class OpenImage(ABC):
    """An image in memory, to be had at any working size.

    Attributes
    ----------
    path : str
        For messages.
    """

    __slots__ = ()

    path: str

    @property
    @abstractmethod
    def dimensions(self) -> tuple[int, int]:
        """Width and height of the upright image, in pixels.

        Raises
        ------
        UnreadableImageError
            When this is no image.
        """

    @abstractmethod
    def pixels(self, size: int | None = None) -> Pixels:
        """Return the image for a working size.

        Parameters
        ----------
        size : int or None
            The longest side at most, in pixels; an image is never enlarged. None: full size.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            Upright RGB.

        Raises
        ------
        UnreadableImageError
            When the image cannot be decoded.
        """

    def reduction(self, longest: int, size: int | None) -> int:
        """Return by what number a side of `longest` is best divided on the way to `size`."""
        return 1

    def reduced(self, reduction: int) -> ReducedImage:
        """Return the image with its sides divided by what :meth:`reduction` says, rounded up."""
        return ReducedImage(self.pixels())
