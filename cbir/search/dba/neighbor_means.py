r"""The mean of a description and its nearest neighbors in the index.

What a row and its neighbors have in common stays in their mean, what is an accident of one image
fades. The row itself counts 1, and a neighbor counts its similarity to the power of :data:`ALPHA`,
so that what is less like the row says less. The similarity is 1 at distance 0, and 0 at the median
distance of all rows, or of an even sample of them.

A neighbor is one of the `count` nearest that is at most :data:`RATIO` times as far as the nearest
of all that is no copy. The second condition, which the papers do not have, makes the neighborhood
as large as the image allows, as in :mod:`cbir.search.stages.neighbor_graph`: of a scene that was
photographed twice, the other photograph is much nearer than all else, and is the only neighbor.

References
----------
P. Turcot, D. G. Lowe, "Better matching with fewer features: the selection of useful features in
large database recognition problems", ICCV Workshops 2009; R. Arandjelović, A. Zisserman, "Three
things everyone should know to improve object retrieval", CVPR 2012: database-side augmentation.
F. Radenović, G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation", IEEE
PAMI 41, 2019: weights by similarity (there of queries, αQE).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.core.threads import cores, ordered_map
from cbir.descriptors.base import Encoding, Row
from cbir.search.candidates import CandidateSource, RowNumbers, top_k

ALPHA = 2.0
"""The power of the similarity. The paper's is 3, without :data:`RATIO`; see docs/reranking.md."""

RATIO = 1.25
"""Times that a neighbor may be as far as the nearest; that of re-ranking."""

VERSION = 1
"""Raised when means change: those that are kept under another one are not used."""

_COPIES = 16
"""Copies of an image that may be among its nearest."""

_SAMPLE = 256
"""Rows, at most, to which the median distance is taken."""


@dataclass(frozen=True, slots=True)
class NeighborMeans:
    """Averages descriptions with their neighbors in the index.

    Images at distance 0, which are the image itself and its copies, are no neighbors. So a query
    that is described as an image of the index is has the same mean as that image.

    Attributes
    ----------
    source : CandidateSource
        The rows of the index, ready to be compared.
    matrix : ndarray, shape (n, width)
        The same, as they are stored.
    encoding : Encoding
        How stored numbers relate to the values that are averaged, which are those compared.
    count : int
        How many neighbors a mean has, at most.
    """

    source: CandidateSource[Row]
    matrix: Row
    encoding: Encoding
    count: int

    def mean_of(self, row: Row) -> Row:
        """Return the mean of a description and its neighbors, as rows are stored.

        Parameters
        ----------
        row : ndarray, shape (width,)
            Of an image of the index, or of any other.
        """
        neighbors, weights = self._neighbors(row)
        if not len(neighbors):
            return row
        values = self.encoding.values(self.matrix[neighbors])
        # Not by a product of matrices, whose rounding would depend on the processor.
        total = self.encoding.values(row) + (weights[:, None] * values).sum(axis=0)
        return self.encoding.stored(total / (1 + weights.sum()), row.dtype)

    def of_all(self, listener: ProgressListener, name: str) -> Row:
        """Return the mean of every row; each takes as long as a search.

        Parameters
        ----------
        listener : ProgressListener
            Told of progress.
        name : str
            What the rows are, for the listener.

        Returns
        -------
        ndarray, shape (n, width), of the type of the stored rows
        """
        means = np.empty_like(self.matrix)
        listener.begin(f"averaging {name} with neighbors", len(means))
        for place, mean in enumerate(ordered_map(self.mean_of, self.matrix, cores())):
            means[place] = mean
            listener.advance()
        listener.end()
        return means

    def _neighbors(self, row: Row) -> tuple[RowNumbers, NDArray[np.float64]]:
        """Return the rows that are averaged with a description, and what each counts."""
        usual = float(np.median(self.source.exact(row, self._sample)))
        ranked = top_k(self.source, row, self.count + _COPIES)
        # What is at distance 0 is the image itself, or a copy of it, and says nothing new.
        others = [(one, distance) for one, distance in ranked if 0 < distance < usual][: self.count]
        rows = np.array([one for one, _ in others], np.intp)
        distances = np.array([distance for _, distance in others], np.float64)
        is_near = distances <= RATIO * distances.min(initial=np.inf)
        return rows[is_near], (1 - distances[is_near] / usual) ** ALPHA

    @property
    def _sample(self) -> RowNumbers:
        """An even sample of the rows."""
        count = len(self.matrix)
        taken = min(count, _SAMPLE)
        return np.arange(taken) * count // taken
