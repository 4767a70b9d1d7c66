"""An image that is open, turned and mirrored, as an image of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    def matrix(self, width: int, height: int) -> NDArray[np.float64]:
        """Return what leads from places in an image to the same places where it lies so.

        Places are counted from the upper left corner: the first pixel covers 0 to 1.

        Parameters
        ----------
        width, height : int
            Of the image, as it is.

        Returns
        -------
        ndarray of float64, shape (3, 3)

        Examples
        --------
        >>> (Orientation(90).matrix(640, 480) @ [0, 0, 1]).tolist()
        [480.0, 0.0, 1.0]
        """
        matrix = np.eye(3)
        if self.mirrored:
            matrix = np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])
        for _ in range(self.turned // 90):
            matrix = np.array([[0.0, -1, height], [1, 0, 0], [0, 0, 1]]) @ matrix
            width, height = height, width
        return matrix

    def to_dict(self) -> dict[str, int | bool]:
        """Return what is printed as JSON."""
        return {"turned": self.turned, "mirrored": self.mirrored}


AS_IT_IS = Orientation()

ORIENTATIONS = tuple(
    Orientation(turned, mirrored) for mirrored in (False, True) for turned in _TURNED
)
"""All eight, that of the image as it is first."""

UNTURNED = tuple(one for one in ORIENTATIONS if not one.turned)
"""As it is, and mirrored."""


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


def oriented(image: OpenImage, orientation: Orientation) -> OpenImage:
    """Return an image, lying so."""
    return OrientedImage(image, orientation) if orientation.is_other else image
