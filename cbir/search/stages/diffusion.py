r"""Re-ranking by diffusion: similarity that flows through a graph of neighbors.

The query and its candidates are linked to their mutual neighbors, by weights :math:`a_{ij} =
e^{-d_{ij}^2 / (s_i s_j)}` where :math:`s_i` is the distance of image *i* to its nearest but six.
With the matrix :math:`S = D^{-1/2} A D^{-1/2}`, in which *D* has the sums of the rows of *A*, the
scores are the solution of :math:`(I - \alpha S) f = e`, where *e* is 1 for the query and 0 for all
others: what a random walk from the query, which goes on with the probability :math:`\alpha`, leaves
at each image. So an image is found by way of others that lie between.

It departs from the papers in that neighbors are not farther than a multiple of the nearest
(:mod:`cbir.search.stages.neighbor_graph`), and in a smaller :math:`\alpha`, both of which keep
the flow where it is sure; and the query is an image of the graph.

References
----------
M. Donoser, H. Bischof, "Diffusion processes for retrieval revisited", CVPR 2013.

A. Iscen, G. Tolias, Y. Avrithis, T. Furon, O. Chum, "Efficient diffusion on region manifolds:
recovering small objects with compact CNN representations", CVPR 2017; "Fast spectral ranking for
similarity search", CVPR 2018: mutual neighbors, conjugate gradients, truncation to candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from cbir.search.stages.neighbor_graph import Matrix, Neighborhoods

K = 30
RATIO = 1.25
ALPHA = 0.8
SCALE = 7

_ACCURACY = 1e-10


def diffused_scores(
    distances: Matrix, k: int = K, ratio: float = RATIO, alpha: float = ALPHA, scale: int = SCALE
) -> NDArray[np.float64]:
    """Return how much of the similarity of the first image arrives at each.

    Parameters
    ----------
    distances : ndarray of float, shape (n, n)
        Of a query, which is the first, and of its candidates, to each other.
    k : int
        Neighbors at most.
    ratio : float
        How many times as far as the nearest a neighbor may be.
    alpha : float
        The probability that the walk goes on; below 1.
    scale : int
        To which neighbor the distance is 1 for the weights.

    Returns
    -------
    ndarray of float64, shape (n,)
        0, for what cannot be reached, and more; the sum is at most 1 / (1 − `alpha`) times that of
        roots of degrees, so that only proportions mean something.

    Examples
    --------
    >>> places = np.array([0, 1, 2, 10, 11])
    >>> distances = np.abs(np.subtract.outer(places, places))
    >>> scores = diffused_scores(distances, k=2, ratio=2, scale=1)
    >>> bool(scores[1] > scores[2] > 0), scores[3:].tolist()
    (True, [0.0, 0.0])
    """
    neighborhoods = Neighborhoods.of(distances, k, ratio)
    links = _normalized(_affinities(neighborhoods, distances, scale))
    start = np.zeros(len(distances))
    start[0] = 1
    system = sparse.identity(len(distances), format="csr") - alpha * links
    scores, _ = cg(system, start, rtol=_ACCURACY, atol=0)
    return np.maximum(scores, 0)


def _affinities(neighborhoods: Neighborhoods, distances: Matrix, scale: int) -> sparse.csr_array:
    """Return the weights of the links between mutual neighbors."""
    links = neighborhoods.mutual().tocoo()
    one, other = links.coords
    is_other = one != other
    one, other = one[is_other], other[is_other]
    scales = neighborhoods.distances[:, min(scale, neighborhoods.distances.shape[1] - 1)]
    scales = np.maximum(scales, np.finfo(np.float32).tiny)
    between = (np.float64(1) * distances[one, other] + distances[other, one]) / 2
    weights = np.exp(-(between**2) / (scales[one] * scales[other]))
    return sparse.csr_array((weights, (one, other)), shape=links.shape)


def _normalized(affinities: sparse.csr_array) -> sparse.csr_array:
    """Divide each weight by the roots of the sums of its row and column."""
    degrees = np.asarray(affinities.sum(axis=1)).ravel()
    roots = np.zeros_like(degrees)
    roots[degrees > 0] = degrees[degrees > 0] ** -0.5
    scaling = sparse.diags_array(roots)
    return scaling @ affinities @ scaling
