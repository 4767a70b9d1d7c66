"""Data in an image file that are not of its images, and how they are told from filling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

CONTENT = re.compile(rb"[^\0\xff\r\n\t ]")
"""A byte that is not filling."""

_MEDIA = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....(?:WEBP|AVI |WAVE)"
    rb"|ftyp[a-z0-9 ]{4}|%PDF-|PK\x03\x04",
    re.DOTALL,
)
"""How images, videos, documents and archives begin."""

LARGEST_NOTE = 1 << 16
"""Bytes of texts and other notes that cannot be another image."""


@dataclass(frozen=True, slots=True)
class EmbeddedData:
    """Something in a file: its description for people, and where it stands."""

    description: str
    ranges: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(end - start for start, end in self.ranges)


def data_behind(data: bytes, start: int | None, end: int | None = None) -> Iterator[EmbeddedData]:
    """Yield what stands behind an image, unless that is filling or its start is not known."""
    end = len(data) if end is None else end
    if start is not None and CONTENT.search(data, start, end):
        yield from data_in_ranges(data, ((start, end),))


def data_in_ranges(data: bytes, ranges: tuple[tuple[int, int], ...]) -> Iterator[EmbeddedData]:
    """Yield what stands in some ranges as one, if there are any."""
    if ranges:
        video = any(_is_video(data, *one) for one in ranges)
        yield EmbeddedData(f"{'a video' if video else 'more data'} behind the image", ranges)


def _is_video(data: bytes, start: int, end: int) -> bool:
    return data.find(b"ftyp", start, min(end, start + 1024)) >= 0 or (
        data.find(b"moov", start, end) >= 0
    )


def has_media(data: bytes, start: int, end: int) -> bool:
    """Say whether an image, a video, a document or an archive begins in a range."""
    return bool(_MEDIA.search(data, start, end))


def end_without_zeros(data: bytes, start: int, end: int) -> int:
    """Return where the zeros begin that end a part of a file."""
    while start < end:
        block = data[max(start, end - (1 << 20)) : end]
        kept = len(block.rstrip(b"\0"))
        end -= len(block) - kept
        if kept:
            break
    return end
