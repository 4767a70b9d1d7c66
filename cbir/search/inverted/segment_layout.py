"""What the bytes of a segment of an inverted file are, and how damaged ones are told.

A segment holds the codes of at most 65,536 images. It begins with a header of 128 bytes; then
follow, each at a multiple of 64 bytes and in this order, its sections:

========  =====================  ===================================================
section   items                  what they are
========  =====================  ===================================================
keys      32 bytes an image      SHA-256 of the image's file
counts    uint32 an image        entries of its code
norms     a record an image      what the scoring needs of it
words     uint32 a list          words that any image has, ascending
starts    uint64 a list, and 1   where the list of a word begins among the entries
images    uint16 an entry        number of the image in this segment, ascending
payloads  b bytes an entry       signature or count
========  =====================  ===================================================

Numbers are little-endian. The header has a checksum of each section and one of itself, and the
digest of what makes and compares the codes: other codes are foreign.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.stores.single_file.array_files import checksum

MOST_IMAGES = 1 << 16
"""Of a segment: what their numbers of 16 bits can tell apart."""

KEY_BYTES = 32
"""Of a SHA-256."""

HEADER_BYTES = 128

SECTIONS = ("keys", "counts", "norms", "words", "starts", "images", "payloads")

_ALIGNMENT = 64
_MAGIC = b"cbir inverted 1\n"
_HEAD = struct.Struct("<16s32sIIQII7I")
_CHECKSUM = struct.Struct("<I")

Bytes = NDArray[np.uint8]
Sections = Mapping[str, NDArray[Any]]


class DamagedSegmentError(ValueError):
    """Bytes that are no segment, or not one of these codes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is of everything in a segment."""

    images: int
    lists: int
    entries: int
    payload_bytes: int
    norms: np.dtype[Any]

    def items(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Return the shape and the type of each section."""
        return {
            "keys": ((self.images, KEY_BYTES), np.dtype("u1")),
            "counts": ((self.images,), np.dtype("<u4")),
            "norms": ((self.images,), self.norms),
            "words": ((self.lists,), np.dtype("<u4")),
            "starts": ((self.lists + 1,), np.dtype("<i8")),
            "images": ((self.entries,), np.dtype("<u2")),
            "payloads": ((self.entries, self.payload_bytes), np.dtype("u1")),
        }

    def offsets(self) -> dict[str, int]:
        """Return where each section begins, and as ``end`` where the segment ends."""
        places, offset = {}, HEADER_BYTES
        for name, (shape, kind) in self.items().items():
            places[name] = offset
            size = kind.itemsize
            for length in shape:
                size *= length
            offset += size + -size % _ALIGNMENT
        return places | {"end": offset}

    def sections(self, raw: Bytes) -> dict[str, NDArray[Any]]:
        """Return the sections that lie in the bytes of a segment, not copied and read-only."""
        offsets = self.offsets()
        parts: dict[str, NDArray[Any]] = {}
        for name, (shape, kind) in self.items().items():
            parts[name] = np.ndarray(shape, kind, raw.data, offsets[name])
            parts[name].flags.writeable = False
        return parts


def shape_of(sections: Sections) -> Shape:
    """Return the shape of a segment that has these sections."""
    entries, payload_bytes = sections["payloads"].shape
    images, lists = len(sections["keys"]), len(sections["words"])
    return Shape(images, lists, entries, payload_bytes, sections["norms"].dtype)


def header_of(shape: Shape, digest: bytes, sections: Sections) -> bytes:
    """Return the header of a segment."""
    head = _HEAD.pack(
        _MAGIC,
        digest,
        shape.images,
        shape.lists,
        shape.entries,
        shape.payload_bytes,
        shape.norms.itemsize,
        *(checksum(sections[name]) for name in SECTIONS),
    )
    head += bytes(HEADER_BYTES - _CHECKSUM.size - len(head))
    return head + _CHECKSUM.pack(zlib.crc32(head))


def packed(sections: Sections, digest: bytes) -> Bytes:
    """Return a segment's bytes, held in memory."""
    shape = shape_of(sections)
    offsets = shape.offsets()
    raw = np.zeros(offsets["end"], np.uint8)
    raw[:HEADER_BYTES] = np.frombuffer(header_of(shape, digest, sections), np.uint8)
    for name, (_, kind) in shape.items().items():
        flat = np.ascontiguousarray(sections[name], kind).reshape(-1).view(np.uint8)
        raw[offsets[name] : offsets[name] + len(flat)] = flat
    return raw


def unpacked(
    raw: Bytes, digest: bytes, payload_bytes: int, norms: np.dtype[Any], words: int
) -> tuple[dict[str, NDArray[Any]], tuple[int, ...]]:
    """Return the sections of a segment and their checksums, after a look that costs little.

    After it, no list leads out of the entries, whatever their checksums say.

    Raises
    ------
    DamagedSegmentError
        When they are not a segment of such codes.
    """
    head = raw[:HEADER_BYTES].tobytes()
    whole = len(head) == HEADER_BYTES
    if not whole or zlib.crc32(head[:-4]) != _CHECKSUM.unpack_from(head, HEADER_BYTES - 4)[0]:
        raise DamagedSegmentError("its header is damaged")
    magic, found, images, lists, entries, width, norm_bytes, *sums = _HEAD.unpack_from(head)
    if magic != _MAGIC or (found, width, norm_bytes) != (digest, payload_bytes, norms.itemsize):
        raise DamagedSegmentError("it holds other codes")
    shape = Shape(images, lists, entries, payload_bytes, norms)
    if shape.offsets()["end"] != len(raw) or images > MOST_IMAGES:
        raise DamagedSegmentError("it is not as long as it says")
    sections = shape.sections(raw)
    if not _is_directory(sections["words"], sections["starts"], entries, words):
        raise DamagedSegmentError("its directory is damaged")
    return sections, tuple(sums)


def _is_directory(words: NDArray[Any], starts: NDArray[Any], entries: int, most: int) -> bool:
    return bool(
        starts[0] == 0
        and starts[-1] == entries
        and (starts[1:] > starts[:-1]).all()
        and (words[1:] > words[:-1]).all()
        and (not len(words) or words[-1] < most)
    )
