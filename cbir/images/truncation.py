"""Files that lack nothing but their end, which every viewer shows.

A file that was cut off further up is not shown whole by anybody: it stays unreadable.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_MISSING = 0.02
"""Of an image's area: what may be missing at its end."""

_END_OF_IMAGE = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _FRAMES = 0xDA, (0xC0, 0xC1, 0xC2)
_COEFFICIENTS = 64

_MCU = 16
"""Pixels: the largest height and width of a minimum coded unit of a JPEG."""

_FILLER = bytes(97 * place % 255 for place in range(2048))
"""Anything without the byte 255, which begins a marker."""

_PNG_HEAD = 8
_PNG_FRAME = 12
"""Bytes of a chunk around its content: length and kind before it, checksum behind."""


def restore_end(format_: str, data: bytes) -> tuple[bytes, str] | None:
    """Put the end to a file that lacks it.

    Parameters
    ----------
    format_ : str
        As Pillow calls it.
    data : bytes
        The file, which was found to be incomplete.

    Returns
    -------
    (bytes, str) or None
        The whole file, and what was missing in words. None when more of the image is missing
        than :data:`MOST_MISSING`, or when something else is wrong.
    """
    try:
        if format_ == "JPEG":
            return _restore_jpeg(data)
        if format_ == "PNG":
            return _restore_png(data)
    except Exception:  # Pillow raises anything at all on damaged data
        pass
    return None


def _restore_jpeg(data: bytes) -> tuple[bytes, str] | None:
    """Complete a JPEG, if its data reach the end of the image.

    Decoders make something up for data that are missing, and something else for data that are
    wrong. So the image is decoded with nothing at its end, and with noise: where both are the
    same, it is what the file says.
    """
    body = data.removesuffix(b"\xff")
    if body.endswith(_END_OF_IMAGE) or not _has_all_coefficients(body):
        return None
    whole = body + _END_OF_IMAGE
    missing = _missing_share(_decoded(whole), _decoded(body + _FILLER + _END_OF_IMAGE))
    if missing > MOST_MISSING:
        return None
    what = f", and the last {max(100 * missing, 0.1):.1f} % of the image with it" if missing else ""
    return whole, f"the end of the file is missing{what}"


def _decoded(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)


def _missing_share(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the share of an image from the first unit on in which two decodings differ."""
    height, width = one.shape[:2]
    rows = np.flatnonzero([not np.array_equal(a, b) for a, b in zip(one, other, strict=True)])
    if len(rows) == 0:
        return 0.0
    top = _mcu_at(int(rows[0]), height)
    strip = one[top : top + _MCU] != other[top : top + _MCU]
    columns = np.flatnonzero(strip.reshape(len(strip), width, -1).any(axis=(0, 2)))
    left = _mcu_at(int(columns[0]), width) if len(columns) else 0
    beside, below = len(strip) * (width - left), max(0, height - top - _MCU) * width
    return (beside + below) / (height * width)


def _mcu_at(place: int, size: int) -> int:
    """Return where the unit begins; its colors, enlarged, reach a pixel into the one before."""
    return min(place + 1, size - 1) // _MCU * _MCU


def _has_all_coefficients(data: bytes) -> bool:
    """Say whether the scans of a JPEG are for all components and, to the last bit, for all sizes.

    A progressive one is sent in many scans, and the first of them make a blurred image already.
    """
    components = b""
    missing: dict[int, set[int]] = {}
    start = 2
    while (found := _MARKER.search(data, start)) is not None:
        marker = data[found.end() - 1]
        length = int.from_bytes(data[found.end() : found.end() + 2])
        content = data[found.end() + 2 : found.end() + length]
        if marker in _FRAMES:
            components = content[6::3]
            missing = {component: set(range(_COEFFICIENTS)) for component in components}
        elif marker == _SCAN and content:
            first, last, bits = content[-3:]
            if bits & 15 == 0:
                for component in content[1 : 1 + 2 * content[0] : 2]:
                    missing[component] -= set(range(first, last + 1))
        start = found.end() + length
    return bool(components) and not any(missing.values())


def _restore_png(data: bytes) -> tuple[bytes, str] | None:
    """Complete a PNG whose pixels are all there."""
    pixels = zlib.decompressobj()
    start = _PNG_HEAD
    kept = data[:start]
    while start + 8 <= len(data) and not pixels.eof:
        length, kind = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8]
        content = data[start + 8 : start + 8 + length]
        if kind == b"IDAT":
            _decompress(pixels, content)
        elif len(content) < length or kind == b"IEND":
            return None
        kept += _png_chunk(kind, content)
        start += length + _PNG_FRAME
    if not pixels.eof or data.endswith(_png_chunk(b"IEND", b"")):
        return None
    return kept + _png_chunk(b"IEND", b""), "the end of the file is missing"


def _decompress(stream: Any, data: bytes) -> None:
    """Follow a stream to its end, and keep nothing of it."""
    while data and not stream.eof:
        stream.decompress(data, 1 << 20)
        data = stream.unconsumed_tail


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content).to_bytes(4)
    return len(content).to_bytes(4) + kind + content + checksum
