"""Where the image ends in files whose format does not say so in one place.

What stands behind it was appended. The readers follow the structure of a file, never its pixels,
as far as that is possible; they do not check it: a damaged file ends at the end of its data.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Literal

import numpy as np
from PIL import Image

MOST_PARTS, MOST_BLOCKS = 1 << 18, 1 << 22
"""Parts of a file, and small blocks of its pixels, that are followed at most; more are an attack,
or damage."""

_TIFF_TYPES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value of each type; one of those that are not here."""

_IFDS = (330, 34665, 34853, 40965)
_STORED = {273: 279, 324: 325, 513: 514}
"""Tags with places of pixels, and those with their lengths: strips, tiles, JPEG."""

_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by the color type."""

_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
"""First column and row of each pass of an interlaced PNG, and the steps across and down."""

_PNG_BLOCK = 1 << 18
"""Bytes of pixels that are looked at a time."""

_OLD_JPEG = 6
_NO_NUMBER = re.compile(rb"[^0-9\s]")


def bounded_loop(most: int = MOST_PARTS) -> Iterator[None]:
    """Yield as often as a file may have parts, for loops that a hostile file must not prolong.

    Raises
    ------
    ValueError
        When it has more.
    """
    for _ in range(most):
        yield
    raise ValueError("too many parts")


def end_of_bmp(data: bytes) -> int | None:
    """Return where a BMP ends; None if its header does not say so.

    Examples
    --------
    >>> header = b"BM" + bytes(8) + bytes([26, 0, 0, 0, 12, 0, 0, 0, 2, 0, 3, 0, 1, 0, 24, 0])
    >>> end_of_bmp(header + bytes(24) + b"more")
    50
    """
    if not data.startswith(b"BM"):
        return None
    start, size = _number(data, 10, 4), _number(data, 14, 4)
    if size == 12:
        width, height, bits = (_number(data, place, 2) for place in (18, 20, 24))
        return start + (width * bits + 31) // 32 * 4 * height
    width, height = (_number(data, place, 4, signed=True) for place in (18, 22))
    bits, compression, stored = _number(data, 28, 2), _number(data, 30, 4), _number(data, 34, 4)
    plain = compression in (0, 3, 6)
    end = start + ((width * bits + 31) // 32 * 4 * abs(height) if plain else stored)
    if size >= 124 and data[70:74] == b"DEBM":  # a color profile
        place = 14 + _number(data, 126, 4)
        if data[place + 36 : place + 40] == b"acsp":
            end = max(end, place + int.from_bytes(data[place : place + 4]))
    return end if plain or stored else None


def ends_with_pixels(header: bytes, stored: bytes) -> bool:
    """Say whether the image data of a PNG is its pixels and nothing else, but for zeros.

    Parameters
    ----------
    header : bytes, 13
        The content of the chunk IHDR.
    stored : bytes
        That of all chunks IDAT.

    Raises
    ------
    zlib.error
        When it is damaged.

    Examples
    --------
    >>> header = bytes([0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0, 0, 0])
    >>> stored = zlib.compress(bytes(7))
    >>> ends_with_pixels(header, stored), ends_with_pixels(header, stored + b"more")
    (True, False)
    """
    left, stream = _png_bytes(header), zlib.decompressobj()
    while stored and not stream.eof:
        block = stream.decompress(stored, _PNG_BLOCK)
        behind = block[max(left, 0) :]
        left -= len(block)
        if behind.strip(b"\0") or left < -_PNG_BLOCK:
            return False
        stored = stream.unconsumed_tail
    return not stream.unused_data.strip(b"\0")


def _png_bytes(header: bytes) -> int:
    """Return how many bytes the rows of a PNG have, each with its filter, in all passes."""
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits = header[8] * _PNG_SAMPLES.get(header[9], 4)
    passes = _ADAM7 if header[12] else ((0, 0, 1, 1),)
    total = 0
    for x, y, across, down in passes:
        columns, rows = -(-(width - x) // across), -(-(height - y) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def end_of_pnm(image: Image.Image, data: bytes) -> int:
    """Return where the first image of a PNM ends, by where Pillow says that its pixels begin."""
    codec, _, start, args = image.tile[0]  # type: ignore[attr-defined]
    if codec == "ppm_plain":
        return _end_of_numbers(data, start)
    if data.startswith(b"P4"):
        return start + (image.width + 7) // 8 * image.height
    if image.mode == "F":
        size = 4
    elif codec == "ppm":
        size = 1 if args[-1] < 256 else 2
    else:
        size = 2 if args == "I;16B" else 1
    return start + image.width * image.height * len(image.getbands()) * size


def _end_of_numbers(data: bytes, start: int) -> int:
    """Return where something else than numbers, spaces and comments begins."""
    for _ in bounded_loop():
        found = _NO_NUMBER.search(data, start)
        if not found:
            return len(data)
        start = found.start()
        line = data.find(b"\n", start)
        if data[start] != ord("#") or line < 0:
            return start
        start = line
    return start


def end_of_tga(data: bytes) -> int | None:
    """Return where the pixels of a TGA end."""
    width, height = _number(data, 12, 2), _number(data, 14, 2)
    bits, kind = data[16], data[2]
    start = 18 + data[0]
    if data[1]:
        start += _number(data, 5, 2) * ((data[7] + 7) // 8)
    size = (bits + 7) // 8
    if kind in (1, 2, 3):
        return start + ((width + 7) // 8 if bits == 1 else width * size) * height
    left = width * height
    for _ in bounded_loop(MOST_BLOCKS):
        if left <= 0 or start >= len(data):
            return start
        count = (data[start] & 127) + 1
        start += 1 + (size if data[start] & 128 else count * size)
        left -= count
    return None


def end_of_codestream(data: bytes, start: int) -> int:
    """Return where the codestream of a JPEG 2000 ends that begins at `start`."""
    place = start + 2
    for _ in bounded_loop():
        marker = data[place : place + 2]
        if marker == b"\xff\xd9":
            return place + 2
        if len(marker) < 2 or marker[0] != 0xFF:
            return place
        if marker == b"\xff\x90":  # a part of a tile; 0 is said of the last one only
            length = int.from_bytes(data[place + 6 : place + 10])
            if length == 0:
                last = data.rfind(b"\xff\xd9", place)
                return last + 2 if last >= 0 else len(data)
            place += max(length, 12)
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return place


def end_of_tiff(data: bytes) -> int | None:
    """Return the end of the last thing to which a directory of a TIFF refers.

    None where that cannot be known: where the length of the pixels is not said, or with JPEG as in
    TIFF 6.0.
    """
    return _TiffDirectories(data).end()


class _TiffDirectories:
    """The directories of a TIFF or BigTIFF file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
        self._big = self._number(2, 2) == 43
        self._last = self._values = 0
        self._entries = bounded_loop()

    def end(self) -> int | None:
        found, seen = [self._number(8, 8) if self._big else self._number(4, 4)], set[int]()
        while found:
            place = found.pop()
            if place in seen or not 0 < place < len(self._data):
                continue
            seen.add(place)
            below = self._directory(place)
            if below is None:
                return None
            found += below
        return self._last

    def _directory(self, place: int) -> list[int] | None:
        """Follow what one directory refers to; return the places of further ones."""
        head, entry, word = (8, 20, 8) if self._big else (2, 12, 4)
        count = self._number(place, head)
        if place + head + count * entry > len(self._data):
            return []
        tags = dict(self._entry(place + head + i * entry, word) for i in range(count))
        after = place + head + count * entry
        self._reach(after + word)
        if 259 in tags and tags[259][:1].tolist() == [_OLD_JPEG]:
            return None
        for places, lengths in _STORED.items():
            if places not in tags:
                continue
            if len(tags.get(lengths, ())) != len(tags[places]):
                return None
            if len(tags[places]):
                self._reach(int((tags[places] + tags[lengths]).max()))
        below = [int(one) for tag in _IFDS for one in tags.get(tag, ())]
        return [*below, self._number(after, word)]

    def _entry(self, place: int, word: int) -> tuple[int, np.ndarray]:
        """Return tag and values of an entry; the values of whole numbers only."""
        next(self._entries)
        tag, kind = self._number(place, 2), self._number(place + 2, 2)
        count, size = self._number(place + 4, word), _TIFF_TYPES.get(kind, 1)
        start = place + 4 + word
        if count * size > word:
            start = self._number(start, word)
        if start + count * size > len(self._data):
            return tag, np.zeros(0, np.int64)
        self._reach(start + count * size)
        whole = {3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}.get(kind)
        if whole is None or (tag not in _IFDS and tag not in _NUMBERS):
            return tag, np.zeros(0, np.int64)
        self._values += count
        if self._values > MOST_BLOCKS:
            raise ValueError("too many strips")
        values = np.frombuffer(self._data, np.dtype(whole).newbyteorder(self._order), count, start)
        return tag, np.minimum(values.astype(np.uint64), len(self._data)).astype(np.int64)

    def _reach(self, end: int) -> None:
        self._last = max(self._last, end)

    def _number(self, place: int, size: int) -> int:
        return int.from_bytes(self._data[place : place + size], self._order)


_NUMBERS = {259, *_STORED, *_STORED.values()}


def _number(data: bytes, place: int, size: int, signed: bool = False) -> int:
    return int.from_bytes(data[place : place + size], "little", signed=signed)
