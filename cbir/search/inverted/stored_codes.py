"""The codes of some images, put together again from an inverted file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cbir.descriptors.encoders.sparse_code import MOST_ENTRIES, SparseCode
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.key_places import Keys
from cbir.search.inverted.segment import Segment

_BLOCK = 1 << 22
"""Entries that are looked through at a time."""


def stored_codes(inverted: InvertedFile, keys: Keys) -> list[SparseCode]:
    """Return the codes of some images, as they were encoded.

    All entries are looked through once, two bytes of each: that takes about as long as one search,
    and far less than to encode the features of the images again.

    Parameters
    ----------
    inverted : InvertedFile
    keys : ndarray of uint8, shape (n, 32)
        The SHA-256 of each image; all are in the inverted file.
    """
    places = inverted.places
    wanted, which = np.unique(places.find(keys), return_inverse=True)
    codes: list[SparseCode] = []
    for segment, start in zip(places.segments, places.starts.tolist(), strict=False):
        is_here = (wanted >= start) & (wanted < start + len(segment))
        codes += _codes_in(segment, wanted[is_here] - start)
    return [codes[place] for place in which.tolist()]


def _codes_in(segment: Segment, images: NDArray[np.intp]) -> Iterator[SparseCode]:
    """Yield the codes of some images of a segment, which are in order."""
    if not len(images):
        return
    numbers = np.full(len(segment), -1, np.int32)
    numbers[images] = np.arange(len(images))
    blocks = range(0, segment.entries, _BLOCK)
    found = [
        start + np.flatnonzero(numbers[segment.images[start : start + _BLOCK]] >= 0)
        for start in blocks
    ]
    entries = np.concatenate([np.empty(0, np.intp), *found])
    owners = numbers[segment.images[entries]]
    # Stable: the entries are in the order of their words, and stay in it.
    order = np.argsort(owners, kind="stable")
    entries, ends = entries[order], np.cumsum(np.bincount(owners, minlength=len(images)))
    lists = np.searchsorted(segment.starts, entries, "right") - 1
    words, payloads = segment.words[lists].astype(np.uint32), segment.payloads[entries]
    for end, start in zip(ends.tolist(), [0, *ends[:-1].tolist()], strict=True):
        # To count the entries of all images takes longer than their checksums: a forged segment
        # may have too many of one.
        part = slice(start, min(end, start + MOST_ENTRIES))
        yield SparseCode(words[part], payloads[part])
