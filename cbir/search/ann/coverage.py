"""Which rows of an index the vectors of a structure are of: images come and go.

A vector is known by the first eight bytes of the SHA-256 of its image. If two images share them,
one may be taken for the other as a candidate, and is then compared by its own row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.search.candidates import RowNumbers

Keys = NDArray[np.uint64]


def keys_of(facts: NDArray[Any]) -> Keys:
    """Return the key of each row.

    Parameters
    ----------
    facts : ndarray of FILE_DTYPE, shape (n,)
        Of :class:`~cbir.stores.model.Rows`.
    """
    digests = np.ascontiguousarray(facts["sha256"])
    return digests.view(np.uint8).reshape(len(facts), -1)[:, :8].copy().view("<u8").reshape(-1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The rows of the vectors of a structure.

    Attributes
    ----------
    rows : ndarray of intp or None
        Of each vector; -1 where the image has gone. None: the rows are in the order of the vectors.
    uncovered : ndarray of intp
        The rows that have no vector.
    gone : int
        Vectors without a row.
    """

    rows: RowNumbers | None
    uncovered: RowNumbers
    gone: int

    @classmethod
    def of(cls, vectors: Keys, rows: Keys) -> Coverage:
        """Return which row each vector is of; images with the same content have one each.

        Examples
        --------
        >>> one, two, three = np.arange(3, dtype=np.uint64)
        >>> found = Coverage.of(np.array([one, two, two]), np.array([two, three, one]))
        >>> found.rows.tolist(), found.uncovered.tolist(), found.gone
        ([2, 0, -1], [1], 1)
        """
        if np.array_equal(vectors, rows):
            return cls(None, np.empty(0, np.intp), 0)
        by_vector, by_row = np.argsort(vectors, kind="stable"), np.argsort(rows, kind="stable")
        wanted, there = vectors[by_vector], rows[by_row]
        # The second of several equal keys is that of the second row that has it.
        place = np.searchsorted(there, wanted)
        place += np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
        is_there = place < len(there)
        is_there[is_there] = there[place[is_there]] == wanted[is_there]
        found = np.full(len(vectors), -1, np.intp)
        found[by_vector[is_there]] = by_row[place[is_there]]
        is_covered = np.zeros(len(rows), bool)
        is_covered[found[found >= 0]] = True
        return cls(found, np.flatnonzero(~is_covered), int(np.count_nonzero(~is_there)))

    def rows_of(self, ids: NDArray[np.int64]) -> RowNumbers:
        """Return the rows of some vectors, without those that have gone."""
        if self.rows is None:
            return ids.astype(np.intp, copy=False)
        found = self.rows[ids]
        return found[found >= 0]
