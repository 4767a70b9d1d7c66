"""An image that is open, turned and mirrored, as an image of its own."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.images.open_image import OpenImage
from cbir.images.pixels import Pixels, upright

_TURNED = {0: (1, 2), 90: (6, 7), 180: (3, 4), 270: (8, 5)}
"""The EXIF orientations by what undoes them: a turn, of the image itself or of its mirror image."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways in which an image can lie: mirrored or not, and then turned.

    Attributes
    ----------
    turned : {0, 90, 180, 270}
        Degrees, clockwise.
    mirrored : bool
        Whether left and right are exchanged, before it is turned.

    Examples
    --------
    >>> print(Orientation(90, mirrored=True))
    mirrored, turned by 90°
    """

    turned: int = 0
    mirrored: bool = False

    def __str__(self) -> str:
        told = ["mirrored"] * self.mirrored + [f"turned by {self.turned}°"] * (self.turned > 0)
        return ", ".join(told) or "as it is"

    @property
    def is_other(self) -> bool:
        """Whether it is another one than that of the image as it is."""
        return self.mirrored or self.turned > 0

    def of(self, image: Pixels) -> Pixels:
        """Return an image, lying so.

        Examples
        --------
        >>> import numpy as np
        >>> Orientation(90).of(np.array([[1, 2], [3, 4]], np.uint8)).tolist()
        [[3, 1], [4, 2]]
        """
        return upright(image, _TURNED[self.turned][self.mirrored])

    def to_dict(self) -> dict[str, int | bool]:
        """Return what is printed as JSON."""
        return {"turned": self.turned, "mirrored": self.mirrored}


ORIENTATIONS = tuple(
    Orientation(turned, mirrored) for mirrored in (False, True) for turned in _TURNED
)
"""All eight, that of the image as it is first."""


class OrientedImage(OpenImage):
    """An image, turned and mirrored after it is decoded, as if its file were so.

    Parameters
    ----------
    image : OpenImage
        One that keeps what it has decoded: all orientations of it are decoded once.
    orientation : Orientation
    """

    def __init__(self, image: OpenImage, orientation: Orientation) -> None:
        self.path = image.path
        self._image = image
        self._orientation = orientation

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height, in pixels: those of the image, or exchanged."""
        width, height = self._image.dimensions
        return (width, height) if self._orientation.turned % 180 == 0 else (height, width)

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the image for a working size; see :meth:`OpenImage.pixels`."""
        return self._orientation.of(self._image.pixels(size))


def orientations_of(image: OpenImage) -> tuple[OpenImage, ...]:
    """Return an image in each of :data:`ORIENTATIONS`."""
    return image, *(OrientedImage(image, one) for one in ORIENTATIONS[1:])
