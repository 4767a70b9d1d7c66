"""What two weights of the same word have in common, for distances by common words alone.

For bags whose weights are normalized, a distance follows from the sum of this over their common
words; see :mod:`cbir.search.inverted.count_scoring`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRODUCT, LEAST, HARMONIC = range(3)
"""The product of two weights, the smaller one, or their harmonic mean."""


def common_weight(
    one: NDArray[np.float64], other: NDArray[np.float64], way: int
) -> NDArray[np.float64]:
    """Return what weights have in common; the compiled loop takes the very same steps.

    Examples
    --------
    >>> two, six = np.array([2.0]), np.array([6.0])
    >>> [common_weight(two, six, way).item() for way in (PRODUCT, LEAST, HARMONIC)]
    [12.0, 2.0, 3.0]
    """
    if way == PRODUCT:
        return one * other
    if way == LEAST:
        return np.minimum(one, other)
    total, difference = one + other, one - other
    shares = np.divide(difference * difference, total, out=np.zeros_like(total), where=total > 0)
    return 0.5 * (total - shares)  # of equal weights exactly the weight
