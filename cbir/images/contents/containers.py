"""The outer structure of image files: segments, chunks and boxes, found in their bytes.

Also what Pillow does not tell of them: the depths of formats that it reduces to 8 bits, and colors.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from cbir.images.contents.image_end import MOST_BLOCKS, bounded_loop

PNG = b"\x89PNG\r\n\x1a\n"

Chunk = tuple[bytes, int, int]
"""A chunk or box of a file: its name, and where its content begins and ends."""

Segment = tuple[int, int, int]
"""A segment of a JPEG: its marker, and where its content begins and ends."""

_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""A marker inside of a scan: neither a stuffed byte, nor a restart, nor a fill byte."""

_END, _SCAN = 0xD9, 0xDA
_TIMING = 0xF9
_BETWEEN_SCANS = frozenset((0xC4, _SCAN, _END, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)))


def png_chunks_before_pixels(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and content of each chunk that stands before a PNG's pixels.

    Examples
    --------
    >>> list(png_chunks_before_pixels(PNG + bytes([0, 0, 0, 1]) + b"sRGB" + bytes(5)))
    [(b'sRGB', b'\\x00')]
    """
    for name, start, end in _whole_png_chunks(data):
        if name == b"IDAT":
            return
        yield name, data[start:end]


def png_chunks(data: bytes) -> tuple[list[Chunk], int]:
    """Return the chunks of a PNG up to its end, and where that is.

    Examples
    --------
    >>> png_chunks(PNG + bytes(4) + b"IEND" + bytes(4) + b"more")
    ([(b'IEND', 16, 16)], 20)
    """
    chunks = list[Chunk]()
    for chunk in _whole_png_chunks(data):
        chunks.append(chunk)
        if chunk[0] == b"IEND":
            break
    return chunks, chunks[-1][2] + 4 if chunks else len(PNG)


def _whole_png_chunks(data: bytes) -> Iterator[Chunk]:
    """Yield each whole chunk."""
    start = len(PNG)
    for _ in bounded_loop():
        length = int.from_bytes(data[start : start + 4])
        if not data.startswith(PNG) or start + 12 + length > len(data):
            return
        yield data[start + 4 : start + 8], start + 8, start + 8 + length
        start += 12 + length


def riff_chunks(data: bytes) -> tuple[list[Chunk], int]:
    """Return the chunks of a WebP, and where it ends: at the end of the file if it is damaged."""
    whole = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    chunks, start = list[Chunk](), 12
    for _ in bounded_loop():
        if start + 8 > whole:
            break
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        end = min(start + 8 + length, whole)
        chunks.append((data[start : start + 4], start + 8, end))
        start = end + length % 2
    return chunks, whole


def jpeg_segments(data: bytes, start: int) -> tuple[list[Segment], int]:
    """Return the segments of the JPEG that begins at `start`, and where it ends.

    A damaged JPEG ends with the file.

    Examples
    --------
    >>> jpeg_segments(bytes.fromhex("ffd8 fffe000378 ffda0002 11 ff00 22 ffd9") + b"more", 0)
    ([(254, 6, 7), (218, 11, 11)], 17)
    """
    segments = list[Segment]()
    start += 2
    for _ in bounded_loop():
        if start + 2 > len(data) or data[start] != 0xFF:
            return segments, min(start, len(data)) if segments else len(data)
        marker = data[start + 1]
        if marker == _END:
            return segments, start + 2
        if marker == 0xFF:
            start += 1
            continue
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        segments.append((marker, start + 4, min(end, len(data))))
        start = end
        if marker == _SCAN:
            found = _IN_SCAN.search(data, end)
            start = found.start() if found else len(data)
            if found and data[start + 1] not in _BETWEEN_SCANS:
                break  # no JPEG anymore
    return segments, start


def gif_notes(data: bytes) -> tuple[list[tuple[int, int]], int]:
    """Return comments and the extensions of applications in a GIF, and where it ends.

    They begin with their name, behind its length. Something else than blocks ends the GIF, too.
    """
    notes, place = list[tuple[int, int]](), 13 + _palette_size(data, 10)
    blocks = bounded_loop(MOST_BLOCKS)
    for _ in bounded_loop():
        kind = data[place : place + 1]
        if kind == b",":
            place = _after_blocks(data, place + 11 + _palette_size(data, place + 9), blocks)
        elif kind == b"!":
            start = place + 2
            place = _after_blocks(data, start, blocks)
            if data[start - 1] != _TIMING:
                notes.append((start + 1, place))
        elif kind == b"\0":
            place += 1
        else:
            place += kind == b";"
            break
    return notes, place


def _palette_size(data: bytes, place: int) -> int:
    """Return the bytes of a palette, by the flags at `place`."""
    flags = data[place] if place < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int, blocks: Iterator[None]) -> int:
    for _ in blocks:
        if place >= len(data) or not data[place]:
            return place + 1
        place += data[place] + 1
    return place


def bmff_boxes(data: bytes) -> tuple[list[Chunk], int]:
    """Return the outermost boxes of a HEIC, AVIF, JPEG 2000 or JPEG XL, and where they end.

    Examples
    --------
    >>> bmff_boxes(bytes([0, 0, 0, 9]) + b"free" + bytes(1) + b"no")
    ([(b'free', 8, 9)], 9)
    """
    boxes, start = list[Chunk](), 0
    for _ in bounded_loop():
        if start + 8 > len(data):
            break
        size, name, head = int.from_bytes(data[start : start + 4]), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16]), 16
        elif size == 0:
            size = len(data) - start
        if size < head or not name.isascii() or min(name) < 32:
            break
        boxes.append((name, start + head, min(start + size, len(data))))
        start += size
    return boxes, min(start, len(data))


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
    return struct.unpack_from(">2H", data, place + 8)


def pnm_depth(data: bytes) -> int:
    r"""Return the bits a channel of a PBM, PGM or PPM, by the largest value that its header names.

    Examples
    --------
    >>> pnm_depth(b"P6 # a comment\n3 2 65535\n"), pnm_depth(b"P5 3 2 255 ")
    (16, 8)
    """
    header = re.match(rb"P[2356]((?:\s|#[^\n]*\n)+\d+){3}", data)
    return int(re.findall(rb"\d+", header[1])[-1]).bit_length() if header else 8


def bmp_profile(data: bytes) -> bytes:
    """Return the color profile in a BMP, or in another file: nothing where it is not there.

    Examples
    --------
    >>> bmp_profile(b"BM" + bytes(150))
    b''
    """
    if len(data) < 138 or data[70:74] not in (b"DEBM", b"KNIL"):
        return b""
    start = 14 + int.from_bytes(data[126:130], "little")
    return data[start : start + int.from_bytes(data[130:134], "little")]


def gif_profile(data: bytes) -> bytes:
    """Return the color profile of a GIF, in an extension called ICCRGBG1 012; mostly nothing."""
    place = data.find(b"\xff\x0bICCRGBG1012") + 13
    profile = bytearray()
    for _ in bounded_loop(MOST_BLOCKS) if place >= 13 else ():
        size = data[place] if place < len(data) else 0
        if not size:
            break
        profile += data[place + 1 : place + 1 + size]
        place += 1 + size
    return bytes(profile)


def jpeg2000_color(data: bytes) -> tuple[bytes, int]:
    """Return the color profile of a JPEG 2000, or nothing and the number of its color space.

    16 is sRGB, 17 gray (ISO/IEC 15444-1, I.5.3.3); 0 where nothing is said.
    """
    place = data.find(b"colr")
    if place < 4 or place + 11 > len(data):
        return b"", 0
    end = place - 4 + int.from_bytes(data[place - 4 : place])
    if data[place + 4] == 1:
        return b"", int.from_bytes(data[place + 7 : place + 11])
    return data[place + 7 : end], 0


def jpeg2000_depth(data: bytes) -> int | None:
    """Return the most bits a channel that a JPEG 2000 has, or None if it does not say so."""
    place = data.find(b"\xff\x4f\xff\x51")
    if place < 0 or place + 42 > len(data):
        return None
    count = int.from_bytes(data[place + 40 : place + 42])
    return max(
        (1 + (bits & 0x7F) for bits in data[place + 42 : place + 42 + 3 * count : 3]), default=None
    )
