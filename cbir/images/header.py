"""What the header of an image file says, read before any decoding."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from cbir.core.errors import UnreadableImageError
from cbir.images.jpeg_header import read_jpeg_header
from cbir.images.opencv_decoder import LARGEST_SIDE
from cbir.images.pillow_decoder import open_with_pillow, too_many_pixels
from cbir.images.pixels import MAX_PIXELS

MONTAGE_MARKER, PLOT_MARKER = "cbir montage", "cbir plot"
EXPLANATION_MARKER = "cbir explanation"
"""The EXIF `Software` entries of images that the program makes: they are never indexed."""

ORIENTATION, SOFTWARE = 0x0112, 0x0131
"""Tags of EXIF."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an image's header says, before any decoding."""

    format: str
    width: int
    """Of the upright image, in pixels."""
    height: int
    orientation: int = 1
    """EXIF, 1 to 8: what is left to do after decoding."""
    for_opencv: bool = True
    """OpenCV decodes it right; Pillow has to decode the others."""
    software: str = ""
    """What made it, by its EXIF."""

    @property
    def is_generated(self) -> bool:
        """This program made it: it has one of its markers."""
        return self.software in (MONTAGE_MARKER, PLOT_MARKER, EXPLANATION_MARKER)


def exif_naming(software: str) -> Image.Exif:
    """Return EXIF that names what made an image."""
    exif = Image.Exif()
    exif[SOFTWARE] = software
    return exif


def read_header(path: str, data: bytes) -> Header:
    """Read the header of an image file.

    Raises
    ------
    UnreadableImageError
        When this is no image, or one over :data:`~cbir.images.pixels.MAX_PIXELS`.
    """
    if not data:
        raise UnreadableImageError(path, "the file is empty")
    size, has_many_scans = read_jpeg_header(data)
    header = Header("JPEG", *size) if size else _read_with_pillow(path, data)
    if header.width * header.height > MAX_PIXELS:
        raise too_many_pixels(path, f"{header.width}x{header.height}")
    if has_many_scans:
        raise UnreadableImageError(path, "a JPEG of more scans than any encoder makes")
    return header


def _read_with_pillow(path: str, data: bytes) -> Header:
    image = open_with_pillow(path, data)
    width, height = image.size
    orientation, software = 1, None
    # Only EXIF that stands before the pixels: asking further makes Pillow decode them.
    if "exif" in image.info or image.format in ("TIFF", "MPO"):
        try:
            exif = image.getexif()
            orientation, software = exif.get(ORIENTATION, 1), exif.get(SOFTWARE)
        except Exception:  # damaged EXIF: the image itself may be sound
            pass
    if orientation not in range(1, 9) or image.format == "TIFF":
        orientation = 1  # Pillow turns TIFF upright itself
    if orientation > 4:
        width, height = height, width
    for_opencv = (
        image.format in ("JPEG", "MPO", "PNG")
        and image.mode in ("RGB", "L")
        and not image.has_transparency_data
        and max(image.size) <= LARGEST_SIDE
    )
    format_ = "JPEG" if image.format == "MPO" else image.format or ""
    return Header(format_, width, height, int(orientation), for_opencv, str(software or ""))
