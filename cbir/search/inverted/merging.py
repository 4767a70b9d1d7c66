"""When segments of an inverted file are merged, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_layout import MOST_IMAGES, SECTIONS, Shape, header_of

MOST_SEGMENT_ENTRIES = 1 << 27
"""Of a merged segment; with signatures of 128 bits it has 2.4 GB."""

_GONE = 0.25
"""Share of a segment's images that are not wanted, above which it is written anew."""

_POSTINGS = 1 << 20
"""That are merged at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A segment, and which of its images are wanted; shape (65536,), False behind the last."""

    segment: Segment
    wanted: NDArray[np.bool_]

    @property
    def images(self) -> int:
        """How many are wanted."""
        return int(np.count_nonzero(self.wanted))

    @property
    def is_outdated(self) -> bool:
        """Whether so few are wanted that the others should go."""
        return self.images < (1 - _GONE) * len(self.segment)

    @property
    def fill(self) -> float:
        """Return how full a segment of what is wanted would be."""
        entries = self.segment.counts[self.wanted[: len(self.segment)]].sum(dtype=np.int64)
        return max(self.images / MOST_IMAGES, float(entries) / MOST_SEGMENT_ENTRIES)


def due(segments: Sequence[Live]) -> list[list[Live]]:
    """Return groups of segments, each of which should become one.

    Small segments are merged with all that are smaller once these have as much together. So an
    image is written again only when its segment at least doubles: at most sixteen times, while
    thousands of images are in a few segments. Those that are more than half full stay as they are,
    so that no merge is large, however many images there are.

    Returns
    -------
    list of list of Live
        A group of one is a segment without what is not wanted; of none of them, nothing is left.
    """
    small = sorted((one for one in segments if one.fill <= 0.5), key=lambda one: one.fill)
    fills = np.array([one.fill for one in small])
    before = np.cumsum(fills) - fills
    last = int(np.max(np.flatnonzero(fills <= before), initial=-1))
    merged = {id(one) for one in small[: last + 1]} if last > 0 else set()
    groups = list(_packs([one for one in segments if id(one) in merged]))
    kept = {id(one) for group in groups if len(group) > 1 for one in group}
    alone = [[one] for one in segments if id(one) not in kept and one.is_outdated]
    return [group for group in groups if len(group) > 1] + alone


def _packs(segments: Sequence[Live]) -> Iterator[list[Live]]:
    """Cut a series of segments where one would be too full."""
    pack: list[Live] = []
    fill = 0.0
    for one in segments:
        if pack and fill + one.fill > 1:
            yield pack
            pack, fill = [], 0.0
        pack.append(one)
        fill += one.fill
    if pack:
        yield pack


def merge(group: Sequence[Live], digest: bytes, file: BinaryIO) -> None:
    """Write the segment of all images that are wanted of a group.

    Parameters
    ----------
    group : sequence of Live
        Their images follow one another in the new segment.
    digest : bytes
        Of the codes' format.
    file : binary file
        New, with a name by which it can be read.
    """
    lengths = _lengths(group)
    words = np.flatnonzero(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths[words])]).astype(np.int64)
    known: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(one.segment, name)[_kept(one)] for one in group])
        for name in ("keys", "counts", "norms")
    } | {"words": words.astype(np.uint32), "starts": starts}
    first = group[0].segment
    shape = Shape(
        len(known["keys"]), len(words), int(starts[-1]), first.payloads.shape[1], first.norms.dtype
    )
    offsets = shape.offsets()
    file.truncate(offsets["end"])
    for name, part in known.items():
        file.seek(offsets[name])
        file.write(part.tobytes())
    place = 0
    for images, payloads in _merged(group, words, starts):
        for name, part in (("images", images), ("payloads", payloads)):
            file.seek(offsets[name] + place * (part.nbytes // len(part)))
            file.write(part.tobytes())
        place += len(images)
    file.flush()
    raw = np.memmap(file.name, np.uint8, mode="r").view(np.ndarray)
    header = header_of(shape, digest, {name: shape.sections(raw)[name] for name in SECTIONS})
    file.seek(0)
    file.write(header)


def _kept(one: Live) -> NDArray[np.bool_]:
    return one.wanted[: len(one.segment)]


def _lengths(group: Sequence[Live]) -> NDArray[np.int64]:
    """Return how many entries each word is going to have."""
    most = max(int(one.segment.words[-1]) + 1 if len(one.segment.words) else 0 for one in group)
    lengths = np.zeros(most, np.int64)
    for one in group:
        segment = one.segment
        for lists, part in _parts(segment):
            kept = one.wanted[segment.images[part]]
            begins = segment.starts[lists] - part.start
            counts = np.add.reduceat(kept, begins, dtype=np.int64)
            lengths[segment.words[lists]] += counts
    return lengths


def _parts(segment: Segment) -> Iterator[tuple[slice, slice]]:
    """Yield lists of a segment, some at a time, and the entries that they hold."""
    starts, start = segment.starts, 0
    while start < len(segment.words):
        limit = starts[start] + _POSTINGS
        stop = max(int(np.searchsorted(starts, limit, "right")) - 1, start + 1)
        yield slice(start, stop), slice(int(starts[start]), int(starts[stop]))
        start = stop


def _merged(
    group: Sequence[Live], words: NDArray[np.intp], starts: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint8]]]:
    """Yield the entries of all words, word by word and some words at a time."""
    numbers, count = [], 0
    for one in group:
        numbers.append((np.cumsum(one.wanted) - 1 + count).astype(np.uint16))
        count += one.images
    start = 0
    while start < len(words):
        limit = starts[start] + _POSTINGS
        stop = max(int(np.searchsorted(starts, limit, "right")) - 1, start + 1)
        first, last = int(words[start]), int(words[stop - 1])
        narrow = np.uint16 if last - first < 1 << 16 else np.uint32
        parts = [
            _entries(one, number, first, last, narrow)
            for one, number in zip(group, numbers, strict=True)
        ]
        order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
        images = np.concatenate([part[1] for part in parts])[order]
        yield images, np.concatenate([part[2] for part in parts])[order]
        start = stop


def _entries(
    one: Live, numbers: NDArray[np.uint16], first: int, last: int, narrow: type[Any]
) -> tuple[NDArray[Any], NDArray[np.uint16], NDArray[np.uint8]]:
    """Return a segment's entries of some words: words from `first` on, new images, payloads."""
    segment = one.segment
    lists = slice(*np.searchsorted(segment.words, [first, last + 1]).tolist())
    begins = segment.starts[lists.start : lists.stop + 1]
    entries = slice(int(begins[0]), int(begins[-1]))
    words = np.repeat((segment.words[lists] - first).astype(narrow), np.diff(begins))
    images = segment.images[entries]
    kept = one.wanted[images]
    if kept.all():
        return words, numbers[images], segment.payloads[entries]
    return words[kept], numbers[images[kept]], segment.payloads[entries][kept]
