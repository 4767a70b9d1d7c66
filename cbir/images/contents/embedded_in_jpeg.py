"""What stands in a JPEG beside its images: behind them, or in segments of applications."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PIL import Image

from cbir.images.contents.containers import Segment, jpeg_segments
from cbir.images.contents.embedded_data import (
    CONTENT,
    LARGEST_NOTE,
    EmbeddedData,
    data_in_ranges,
    end_without_zeros,
    has_media,
)

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MEDIA = re.compile(rb"G(?:Depth|Image|Audio):Data\b")
_MAY_HAVE_PREVIEWS = (b"JFXX\0", b"Exif\0", b"Photoshop 3.0\0", b"ICC_PROFILE\0", _XMP)
_APPLICATIONS = (b"JFIF\0", b"MPF\0", b"Adobe", b"Ducky", b"JP", _EXTENDED_XMP)
"""What else the segments of applications hold that is no note, or looked at elsewhere."""


def embedded_in_jpeg(image: Image.Image, data: bytes) -> Iterator[EmbeddedData]:
    """Yield what a JPEG, or several in one file, hold beside the images."""
    segments, gaps = _segments(image, data)
    gaps = [gap for gap in gaps if CONTENT.search(data, *gap)]
    if gaps and _are_notes(data, *gaps[-1]):
        gaps.pop()
    yield from data_in_ranges(data, tuple(gaps))
    extended = tuple(one[1:] for one in segments if _is_extended_xmp(data, *one[1:]))
    if extended:
        yield EmbeddedData("extended XMP, such as a depth map", extended)
    others = [one for one in segments if _is_private(data, *one)]
    notes = [one for one in segments if one not in others and _is_note(data, *one[:2])]
    if sum(end - start for _, start, end in notes) > LARGEST_NOTE:
        others += notes
    if others:
        yield EmbeddedData("private segments", tuple((start, end) for _, start, end in others))


def _segments(image: Image.Image, data: bytes) -> tuple[list[Segment], list[tuple[int, int]]]:
    """Return the segments of all images, and what stands between and behind these."""
    segments, end = jpeg_segments(data, 0)
    gaps = list[tuple[int, int]]()
    for start in _further_images(image, data, segments):
        # Within another image, or none: then it counts as what stands behind.
        if start >= end and data[start : start + 2] == b"\xff\xd8":
            gaps.append((end, start))
            more, end = jpeg_segments(data, start)
            segments += more
    return segments, [*gaps, (end, len(data))]


def _further_images(image: Image.Image, data: bytes, segments: list[Segment]) -> list[int]:
    """Return where the further images of the multi-picture format begin."""
    indices = [start for _, start, _ in segments if data.startswith(b"MPF\0", start)]
    if image.format != "MPO" or not indices:
        return []
    entries = image.mpinfo[0xB002]  # type: ignore[attr-defined]
    return sorted(indices[-1] + 4 + entry["DataOffset"] for entry in entries[1:])


def _is_extended_xmp(data: bytes, start: int, end: int) -> bool:
    if data.startswith(_EXTENDED_XMP, start):
        return True
    return data.startswith(_XMP, start) and bool(_XMP_MEDIA.search(data, start, end))


def _is_private(data: bytes, marker: int, start: int, end: int) -> bool:
    """Say whether a segment holds an image that is not a preview."""
    if data.startswith(b"FLIR\0", start):
        return True
    if marker == 0xEB and data.startswith(b"JP", start):
        # Boxes: a manifest of origin may have previews, all others of JPEG XT are content.
        return data[start + 12 : start + 16] != b"jumb"
    if marker not in range(0xE0, 0xF0) and marker != 0xFE:
        return False
    return not data.startswith(_MAY_HAVE_PREVIEWS, start) and has_media(data, start, end)


def _is_note(data: bytes, marker: int, start: int) -> bool:
    """Say whether a segment is of a comment, or of an application that is not known."""
    if marker == 0xFE:
        return True
    known = _MAY_HAVE_PREVIEWS + _APPLICATIONS
    return marker in range(0xE0, 0xF0) and not data.startswith(known, start)


def _are_notes(data: bytes, start: int, end: int) -> bool:
    """Say whether the end of a file is Samsung's trailer, all of it, with nothing but notes."""
    end = end_without_zeros(data, start, end)
    if data[end - 4 : end] != b"SEFT" or end - start > LARGEST_NOTE or has_media(data, start, end):
        return False
    table = end - 8 - int.from_bytes(data[end - 8 : end - 4], "little")
    if table < start or data[table : table + 4] != b"SEFH":
        return False
    count = int.from_bytes(data[table + 8 : table + 12], "little")
    if table + 12 + 12 * count > end - 8:
        return False
    covered = 0
    for entry in range(table + 12, table + 12 + 12 * count, 12):
        before = int.from_bytes(data[entry + 4 : entry + 8], "little")
        size = int.from_bytes(data[entry + 8 : entry + 12], "little")
        if not size <= before <= table - start:
            return False
        covered += size
    return not CONTENT.search(data, start, max(start, table - covered))
