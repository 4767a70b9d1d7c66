"""Where among many segments the code of an image is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.search.inverted.segment import Segment
from cbir.search.inverted.segment_layout import KEY_BYTES

Keys = NDArray[np.uint8]


class KeyPlaces:
    """Finds keys by their first eight bytes among those of all segments, sorted.

    Parameters
    ----------
    segments : sequence of Segment
        Of equal keys, the one that comes first counts.

    Attributes
    ----------
    segments : tuple of Segment
    starts : ndarray of intp, shape (segments + 1,)
        The place of the first image of each segment.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        none = np.empty((0, KEY_BYTES), np.uint8)
        self._keys = np.concatenate([none, *(segment.keys for segment in segments)])
        self.starts = np.cumsum([0, *(len(segment) for segment in segments)])
        prefixes = _prefixes(self._keys)
        self._order = np.argsort(prefixes, kind="stable")
        self._prefixes = prefixes[self._order]

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, keys: Keys) -> NDArray[np.intp]:
        """Return the place of each key among those of all segments, one after another, or -1.

        Parameters
        ----------
        keys : ndarray of uint8, shape (n, 32)
        """
        found = np.full(len(keys), -1, np.intp)
        if not len(self):
            return found
        prefixes = _prefixes(keys)
        places = np.searchsorted(self._prefixes, prefixes)
        asked = np.arange(len(keys))
        while len(asked):  # once, unless different keys begin alike
            inside = places < len(self)
            asked, places = asked[inside], places[inside]
            alike = self._prefixes[places] == prefixes[asked]
            asked, places = asked[alike], places[alike]
            same = (self._keys[self._order[places]] == keys[asked]).all(axis=1)
            found[asked[same]] = self._order[places[same]]
            asked, places = asked[~same], places[~same] + 1
        return found


def as_keys(keys: Sequence[bytes] | Keys) -> Keys:
    """Return SHA-256 digests as rows of 32 bytes.

    Raises
    ------
    ValueError
        When one has another length.
    """
    if isinstance(keys, np.ndarray):
        rows = np.ascontiguousarray(keys)
        rows = rows.view(np.uint8).reshape(len(rows), -1 if len(rows) else KEY_BYTES)
    else:
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        rows = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
    if rows.shape[1] != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {rows.shape[1]}")
    return rows


def _prefixes(keys: Keys) -> NDArray[np.uint64]:
    return np.ascontiguousarray(keys[:, :8]).view(np.uint64).reshape(-1)
