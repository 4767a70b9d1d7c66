"""The header of a plain JPEG, in a third of the time that Pillow takes.

Pillow reads every segment of a header in Python, which for small images is a good part of all
that is done with them. Most have the same few kinds of segments; the rest is left to Pillow.
"""

from __future__ import annotations

_APP0, _COMMENT, _HUFFMAN, _QUANTIZATION, _RESTART, _SCAN = 0xE0, 0xFE, 0xC4, 0xDB, 0xDD, 0xDA
_FRAMES, _SEQUENTIAL = (0xC0, 0xC1, 0xC2), (0xC0, 0xC1)
"""Baseline, extended and progressive."""

_SCAN_MARKER, _MOST_SCANS = b"\xff\xda", 256
"""How a scan begins, and how many are decoded: a hostile file may have thousands, each of which
costs as much as decoding a usual one."""

_SHORTEST = {_APP0: 14, _COMMENT: 0, _HUFFMAN: 0, _QUANTIZATION: 65, _RESTART: 2, _SCAN: 0}
"""Bytes of a sound segment's content, at least."""

_TABLE = 65
"""Bytes of a table for quantization in 8 bits: its number, below 16, and 64 steps."""


def plain_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a plain JPEG, or None when another reader should be asked.

    Plain is an 8-bit image in gray or of three components whose header is whole, and holds
    nothing but JFIF, comments and what decoding needs: no EXIF, color profile or second image.

    Parameters
    ----------
    data : bytes
        The file.

    References
    ----------
    ITU-T T.81, annex B: a segment is 0xFF, a marker, the length in two bytes, and the content.

    Examples
    --------
    >>> plain_size(b"GIF89a") is None
    True
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    size = None
    start, marker = 2, -1
    while marker != _SCAN:
        if len(data) < start + 4 or data[start] != 0xFF:
            return None
        marker, length = data[start + 1], int.from_bytes(data[start + 2 : start + 4])
        if length < 2 or len(data) < start + 2 + length:
            return None
        content, start = data[start + 4 : start + 2 + length], start + 2 + length
        if marker in _FRAMES and size is None:
            size = _frame_size(content)
            if size is None:
                return None
        elif not _is_plain(marker, content):
            return None
    return size


def has_many_scans(data: bytes) -> bool:
    """Say whether a JPEG makes a decoder go over its image unreasonably often.

    A progressive image is refined by each scan, of which encoders make ten or so, and so is a
    sequential one whose first scan has not all components. Of others, only the first scan counts.

    Parameters
    ----------
    data : bytes
        The file, which begins as a JPEG.

    Examples
    --------
    >>> has_many_scans(bytes.fromhex("ffd8 ffc2000b 08 0001 0001 01 011100" + 999 * "ffda0002"))
    True
    """
    start, marker, frame, components = 2, -1, 0, 0
    while marker != _SCAN and start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF:
            start += 1
            continue
        if marker in _FRAMES and start + 10 <= len(data):
            frame, components = marker, data[start + 9]
        elif marker == _SCAN and start + 5 <= len(data):
            components -= data[start + 4]
        start += 2 + max(2, int.from_bytes(data[start + 2 : start + 4]))
    in_one_scan = marker == _SCAN and frame in _SEQUENTIAL and components <= 0
    return not in_one_scan and data.count(_SCAN_MARKER) > _MOST_SCANS


def _frame_size(frame: bytes) -> tuple[int, int] | None:
    if len(frame) < 6 or frame[0] != 8 or frame[5] not in (1, 3) or len(frame) != 6 + 3 * frame[5]:
        return None
    width, height = int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])
    return (width, height) if width and height else None


def _is_plain(marker: int, content: bytes) -> bool:
    if marker not in _SHORTEST or len(content) < _SHORTEST[marker]:
        return False
    if marker == _QUANTIZATION:
        return len(content) % _TABLE == 0 and max(content[::_TABLE]) < 16
    return True
