"""The header of a JPEG, in a third of the time that Pillow takes.

Pillow reads every segment of a header in Python, which for small images is a good part of all
that is done with them. Most have the same few kinds of segments; the rest is left to Pillow.
"""

from __future__ import annotations

import ctypes

from cbir.core.machine_code import AwaitedLoop, Loop

_Facts = 3 * ctypes.c_int64
"""What :func:`parse` writes; to make an array of NumPy's takes longer than to parse."""

_START_OF_IMAGE = b"\xff\xd8\xff"
_APP0, _COMMENT, _HUFFMAN, _QUANTIZATION, _RESTART, _SCAN = 0xE0, 0xFE, 0xC4, 0xDB, 0xDD, 0xDA
_FRAMES, _SEQUENTIAL = (0xC0, 0xC1, 0xC2), (0xC0, 0xC1)
"""Baseline, extended and progressive."""

_SCAN_MARKER, _MOST_SCANS = b"\xff\xda", 256
"""How a scan begins, and how many are decoded: a hostile file may have thousands, each of which
costs as much as decoding a usual one."""

_SHORTEST_APP0, _SHORTEST_RESTART, _ANY_LENGTH = 14, 2, (_COMMENT, _HUFFMAN)
"""Bytes of a sound segment's content, at least."""

_TABLE = 65
"""Bytes of a table for quantization in 8 bits: its number, below 16, and 64 steps."""


def read_jpeg_header(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Read the header of a file that may be a JPEG.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    plain_size : (int, int) or None
        Width and height of a plain JPEG: an 8-bit image in gray or of three components whose header
        is whole, and holds nothing but JFIF, comments and what decoding needs; no EXIF, color
        profile or second image. None when another reader should be asked.
    has_many_scans : bool
        A decoder would go over the image unreasonably often. A progressive image is refined by each
        scan, of which encoders make ten or so, and so is a sequential one whose first scan has not
        all components. Of others, only the first scan counts.

    References
    ----------
    ITU-T T.81, annex B: a segment is 0xFF, a marker, the length in two bytes, and the content.

    Examples
    --------
    >>> read_jpeg_header(b"GIF89a")
    (None, False)
    >>> frame = "ffd8 ffc2000b 08 0001 0002 01 011100"
    >>> read_jpeg_header(bytes.fromhex(frame + 999 * "ffda0002"))
    ((2, 1), True)
    """
    if not data.startswith(_START_OF_IMAGE):
        return None, False
    facts = _Facts()
    (_PARSING.after(1) or parse)(data, len(data), facts)
    width, height, in_one_scan = facts
    has_many_scans = not in_one_scan and data.count(_SCAN_MARKER) > _MOST_SCANS
    return (width, height) if width else None, has_many_scans


def parse(data, length, facts):  # type: ignore[no-untyped-def] # noqa: C901 - a loop to compile
    """Write width and height of a plain JPEG, else 0, and whether its first scan has everything."""
    width, height, is_plain = 0, 0, True
    start, marker, frame, components = 2, -1, -1, 0
    while marker != _SCAN and start + 4 <= length and data[start] == 0xFF:
        marker, size = int(data[start + 1]), 256 * data[start + 2] + data[start + 3]
        if marker == 0xFF:  # filling
            start, is_plain = start + 1, False
            continue
        first = start + 4
        count = min(max(0, size - 2), length - first)
        start += 2 + max(2, size)
        if count != size - 2:
            is_plain = False
        if marker in _FRAMES:
            is_plain = is_plain and frame < 0
            frame, components = marker, data[first + 5] if count > 5 else 0
            width = height = 0
            is_usual = count > 5 and data[first] == 8 and (components == 1 or components == 3)
            if is_usual and count == 6 + 3 * components:
                height = 256 * data[first + 1] + data[first + 2]
                width = 256 * data[first + 3] + data[first + 4]
        elif marker == _QUANTIZATION:
            is_plain = is_plain and count > 0 and count % _TABLE == 0
            for table in range(first, first + count, _TABLE):
                is_plain = is_plain and data[table] < 16
        elif marker == _APP0:
            is_plain = is_plain and count >= _SHORTEST_APP0
        elif marker == _RESTART:
            is_plain = is_plain and count >= _SHORTEST_RESTART
        elif marker == _SCAN:
            if count > 0:
                components -= data[first]
        elif marker not in _ANY_LENGTH:
            is_plain = False
    if is_plain and marker == _SCAN and width * height > 0:
        facts[0], facts[1] = width, height
    facts[2] = marker == _SCAN and frame in _SEQUENTIAL and components <= 0


_PARSING = AwaitedLoop(
    Loop(parse, ("uint8*", "int64", "int64*"), is_short=True),
    worth_loading=200,
    worth_compiling=1000,
)
"""Work is images."""
