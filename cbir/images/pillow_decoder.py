"""Open and decode what Pillow reads, and turn whatever its plug-ins raise into one error."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from cbir.core.errors import CbirError, UnreadableImageError
from cbir.images.color_modes import to_rgb
from cbir.images.optional_formats import optional_format, register_reader
from cbir.images.pixels import MAX_PIXELS, Pixels

_BASIC = ("JPEG", "PNG", "GIF", "BMP", "PPM")
_FURTHER = ("WEBP", "TIFF", "DIB", "JPEG2000", "TGA", "AVIF", "HEIF", "JXL")
"""The formats that Pillow may read; not those, like PostScript, that are programs."""

# Pillow has a cap of its own, lower than ours. The size is checked here before a pixel is
# decoded, so its cap is only raised to ours, and never lowered when the host raised it further.
if Image.MAX_IMAGE_PIXELS is not None:
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)


@contextlib.contextmanager
def errors_as_unreadable(path: str) -> Iterator[None]:
    """Turn what is raised on damaged or hostile data, which may be anything, into one error.

    Raises
    ------
    UnreadableImageError
        Of the image at `path`, with the reason.
    """
    try:
        yield
    except CbirError:
        raise
    except Exception as error:
        raise UnreadableImageError(path, str(error) or type(error).__name__) from None


def open_with_pillow(path: str, data: bytes) -> Image.Image:
    """Open an image file without decoding it.

    Raises
    ------
    UnreadableImageError
        When it is no image, or its format needs a package that is missing.
    """
    optional = optional_format(data)
    readable = register_reader(optional) if optional else True
    with errors_as_unreadable(path):
        try:
            return _open_known(io.BytesIO(data))
        except Image.DecompressionBombError:
            raise too_many_pixels(path) from None
        except UnidentifiedImageError:
            if not readable:
                reason = f"{optional} needs an optional package"
                raise UnreadableImageError(path, reason, "pip install 'cbir[heif]'") from None
            raise UnreadableImageError(path, "not an image") from None


def decode_with_pillow(path: str, data: bytes) -> Pixels:
    """Decode an image file, not yet turned upright, shape (height, width, 3).

    Raises
    ------
    UnreadableImageError
        When it cannot be decoded.
    """
    image = open_with_pillow(path, data)
    with errors_as_unreadable(path):
        image.load()
        return to_rgb(image)


def too_many_pixels(path: str, size: str = "it") -> UnreadableImageError:
    """Return the error of an image with more than :data:`~cbir.images.pixels.MAX_PIXELS`."""
    return UnreadableImageError(
        path, f"{size} has more than {MAX_PIXELS // 1_000_000} million pixels"
    )


def _open_known(file: io.BytesIO) -> Image.Image:
    try:
        return Image.open(file, formats=_BASIC)
    except UnidentifiedImageError:
        Image.init()  # imports the other plug-ins
        return Image.open(file, formats=[name for name in _FURTHER if name in Image.OPEN])
