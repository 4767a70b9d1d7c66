"""What stands in image files beside the image that is shown, found in their bytes.

Only what Pillow does not tell: chunks of a PNG, depths of formats that Pillow reduces to 8 bits,
and what is appended to a file, as phones append the video of a motion photo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""A marker inside of a scan: neither a stuffed byte, nor a restart, nor a fill byte."""

_END, _SCAN = 0xD9, 0xDA
_FILLING = b"\0\xff\r\n\t "
_SAMSUNG = b"SEFT"
"""The end of notes that phones of this maker append to every photograph."""


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and content of each chunk that stands before a PNG's pixels.

    Examples
    --------
    >>> list(png_chunks(_PNG + bytes([0, 0, 0, 1]) + b"sRGB" + bytes(5)))
    [(b'sRGB', b'\\x00')]
    """
    for name, start, length in _png_places(data):
        if name == b"IDAT":
            return
        yield name, data[start : start + length]


def _png_places(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of the content of each whole chunk."""
    start = len(_PNG)
    while data.startswith(_PNG) and start + 12 <= len(data):
        length = int.from_bytes(data[start : start + 4])
        if start + 12 + length > len(data):
            return
        yield data[start + 4 : start + 8], start + 8, length
        start += 12 + length


def appended(data: bytes) -> bytes:
    """Return what stands behind the image in a JPEG, PNG, HEIC or AVIF file; mostly nothing.

    Filling, and notes of the camera, are nothing. Of a JPEG with several images by the
    multi-picture format, the others are appended, too.

    Examples
    --------
    >>> appended(bytes.fromhex("ffd8 ffda0002 11 ff00 22 ffd9") + b"....ftypmp42")
    b'....ftypmp42'
    """
    if data.startswith(b"\xff\xd8"):
        rest = data[_end_of_jpeg(data) :]
    elif data.startswith(_PNG):
        ends = [start + length + 4 for name, start, length in _png_places(data) if name == b"IEND"]
        rest = data[ends[0] :] if ends else b""
    else:
        rest = b"".join(data[start:end] for name, start, end in _boxes(data) if name in _VIDEOS)
    if not rest.strip(_FILLING) or (rest.rstrip(b"\0").endswith(_SAMSUNG) and b"ftyp" not in rest):
        return b""
    return rest


_VIDEOS = (b"mpvd", b"moov")
"""Boxes of a HEIC with a video or an image sequence."""


def _end_of_jpeg(data: bytes) -> int:
    """Return where the first image of a JPEG ends: the end of the file if it is damaged."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == _END:
            return start + 2
        if marker == 0xFF:
            start += 1
            continue
        start += 2 + int.from_bytes(data[start + 2 : start + 4])
        if marker == _SCAN:
            found = _JPEG_MARKER.search(data, start)
            start = found.start() if found else len(data)
    return len(data)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each outermost box of an ISO base media file."""
    start = 0
    while data[4:8] == b"ftyp" and start + 8 <= len(data):
        size, name = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8]
        if size == 1:
            size = int.from_bytes(data[start + 8 : start + 16])
        elif size == 0:
            size = len(data) - start
        if size < 8:
            return
        yield name, start, start + size
        start += size


def bmff_depth(data: bytes) -> int | None:
    """Return the most bits a channel that a HEIC or AVIF has, or None if it does not say so."""
    depths = [0]
    place = data.find(b"pixi")
    while place >= 0:
        count = data[place + 8] if place + 8 < len(data) else 0
        depths += [bits for bits in data[place + 9 : place + 9 + count] if bits <= 32]
        place = data.find(b"pixi", place + 4, 1 << 20)
    return max(depths) or None


def nclx_of(data: bytes) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer that a HEIC or AVIF names, or None."""
    place = data.find(b"colrnclx")
    if place < 0 or place + 12 > len(data):
        return None
    return int.from_bytes(data[place + 8 : place + 10]), int.from_bytes(
        data[place + 10 : place + 12]
    )


def jpeg2000_depth(data: bytes) -> int | None:
    """Return the most bits a channel that a JPEG 2000 has, or None if it does not say so."""
    place = data.find(b"\xff\x4f\xff\x51")
    if place < 0 or place + 42 > len(data):
        return None
    count = int.from_bytes(data[place + 40 : place + 42])
    return max(
        (1 + (bits & 0x7F) for bits in data[place + 42 : place + 42 + 3 * count : 3]), default=None
    )
