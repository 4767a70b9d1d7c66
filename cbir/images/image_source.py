"""What an image can be given as: a file's path, an array of pixels, or an image of Pillow."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

from cbir.core.checks import check_whole
from cbir.core.errors import UnreadableImageError
from cbir.images.color_modes import on_white, to_rgb
from cbir.images.encoded_image import EncodedImage
from cbir.images.header import ORIENTATION
from cbir.images.open_image import OpenImage
from cbir.images.pillow_decoder import errors_as_unreadable
from cbir.images.pixels import Pixels, fit, upright

ImageSource = str | os.PathLike[str] | Pixels | Image.Image
"""What an image can be given as."""


def open_image(image: ImageSource) -> OpenImage:
    """Return an image for a file's path, or for pixels that are in memory already.

    Parameters
    ----------
    image : path, ndarray of uint8, or PIL.Image.Image
        A Pillow image is turned upright as its EXIF says.

    Raises
    ------
    UnreadableImageError
        When the file cannot be read, or the array is not 8-bit gray, RGB or RGBA.
    UsageError
        When it is none of these.
    """
    if isinstance(image, np.ndarray):
        return ArrayImage(image)
    if isinstance(image, Image.Image):
        return ArrayImage(_pixels_of(image))
    return EncodedImage.open(image)


class ArrayImage(OpenImage):
    """Pixels that are in memory already.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width), (height, width, 3) or (height, width, 4)
        Gray, RGB or RGBA; transparency is composited on white.
    """

    path = "<array>"

    def __init__(self, image: Pixels) -> None:
        if image.dtype != np.uint8 or image.size == 0:
            raise UnreadableImageError(
                self.path, "not an 8-bit image", "give a uint8 array of gray, RGB or RGBA pixels"
            )
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        if image.ndim != 3 or image.shape[2] not in (3, 4):
            raise UnreadableImageError(self.path, f"shape {image.shape} is not an image's")
        self._image = np.asarray(on_white(Image.fromarray(image)))

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        height, width = self._image.shape[:2]
        return width, height

    def pixels(self, size: int | None = None) -> Pixels:
        """Return the image at a working size; see :meth:`OpenImage.pixels`."""
        return self._image if size is None else fit(self._image, check_whole("size", size))


def _pixels_of(image: Image.Image) -> Pixels:
    """Return the upright pixels of a Pillow image, as if it were read from a file."""
    with errors_as_unreadable(ArrayImage.path):  # the file behind it may be damaged or gone
        image.load()
        orientation = image.getexif().get(ORIENTATION, 1)
        pixels = to_rgb(image)
    if orientation not in range(1, 9) or image.format == "TIFF":
        return pixels
    return upright(pixels, int(orientation))
