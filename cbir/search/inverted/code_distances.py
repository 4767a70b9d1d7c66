"""The distances among a query and some images of an index, by their stored codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cbir.core.threads import cores, ordered_map
from cbir.descriptors.encoders.sparse_code import SparseCode, WordKernel
from cbir.search.candidates import Distances, RowNumbers
from cbir.search.inverted.inverted_file import InvertedFile
from cbir.search.inverted.inverted_source import InvertedSource
from cbir.search.inverted.key_places import Keys
from cbir.search.inverted.stored_codes import stored_codes


class CodeDistances:
    """Compares images by their codes in an inverted file.

    A query has more words than an image of the index, so that images are compared among each other
    by another measure than with a query. Here the query, too, is compared as an image of the index
    would be: all distances are by one measure.

    Parameters
    ----------
    inverted : InvertedFile
    kernel : WordKernel
    keys : ndarray of uint8, shape (n, 32)
        The SHA-256 of the file of each row.
    scaled : callable
        What distances of the kernel become in results, given the similarities of what is compared
        to itself.
    """

    def __init__(
        self,
        inverted: InvertedFile,
        kernel: WordKernel,
        keys: Keys,
        scaled: Callable[[Distances, Distances], Distances],
    ) -> None:
        self._inverted = inverted
        self._kernel = kernel
        self._keys = keys
        self._scaled = scaled

    def around(self, code: SparseCode, rows: RowNumbers) -> NDArray[np.float32]:
        """Return the distances among a query and some rows.

        Their codes are compared in an inverted file of these alone, so that the cost does not
        depend on how many others there are.

        Parameters
        ----------
        code : SparseCode
            That of the query as an image of the index.
        rows : ndarray of int, shape (m,)

        Returns
        -------
        ndarray of float32, shape (m + 1, m + 1)
            The query is the first.
        """
        return self._compared([code, *stored_codes(self._inverted, self._keys[rows])])

    def among(self, rows: RowNumbers) -> NDArray[np.float32]:
        """Return the distances among some rows, in the same way; shape (m, m)."""
        return self._compared(stored_codes(self._inverted, self._keys[rows]))

    def _compared(self, codes: Sequence[SparseCode]) -> NDArray[np.float32]:
        keys = np.zeros((len(codes), 32), np.uint8)
        keys[:, :4] = np.arange(len(codes), dtype="<u4")[:, None].view(np.uint8)
        few = InvertedFile([], self._kernel, "codes")
        few.update(keys, lambda key: codes[int.from_bytes(key[:4], "little")], workers=1)
        source = InvertedSource(few, self._kernel, keys)
        found = np.array(list(ordered_map(source.compared, codes, cores())))
        is_empty = np.array([not len(one) for one in codes])
        found[np.ix_(is_empty, is_empty)] = source.farthest
        # As for queries, similarities are shares of those of images to themselves.
        found = self._scaled(found, 1 - np.diag(found)[:, None])
        np.fill_diagonal(found, 0)
        return found.astype(np.float32)
