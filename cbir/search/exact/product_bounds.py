"""What a product of matrices says of the distances of many queries to many rows.

One pass over the rows serves all queries, and BLAS multiplies several times as fast as anything
else could compare. The Euclidean and the cosine distance follow from the product. Chi-squared does
not, but the product of the square roots bounds it from below, often closely: with
:math:`(a - b)^2 / (a + b) = (\\sqrt a - \\sqrt b)^2 \\, (\\sqrt a + \\sqrt b)^2 / (a + b)`,
whose last factor is from 1 to 2,

.. math:: \\tfrac12 \\sum_i (\\sqrt{a_i} - \\sqrt{b_i})^2
          \\le \\tfrac12 \\sum_i (a_i - b_i)^2 / (a_i + b_i).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.threads import in_parts, one_thread_each

_BLOCK = 1 << 19
"""Numbers that are turned into what is multiplied at a time: two megabytes."""

_WORTH_THREADS = 1 << 22
"""Numbers to multiply above which threads pay for themselves."""

_FAINT = 1e-12
"""Lengths whose square has lost digits in single precision, or all of them."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bound:
    """How a metric is bounded from below by a product.

    Attributes
    ----------
    multiplied : callable
        Turns values that are compared into what is multiplied, in their place.
    of_distance : callable
        Turns a distance of the metric into the scale of the bound: the square of the Euclidean
        distance of what is multiplied.
    """

    multiplied: Callable[[Values], Values]
    of_distance: Callable[[float], float]


def _directions(values: Values) -> Values:
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
    is_faint = lengths < _FAINT
    lengths[is_faint] = np.where(values[is_faint].any(axis=1), np.nan, 1)
    lengths[np.isinf(lengths)] = np.nan
    values *= (1 / lengths)[:, None]
    return values


BOUNDS = {
    "chi2": Bound(lambda values: np.sqrt(values, out=values), lambda distance: 2 * distance),
    "euclidean": Bound(lambda values: values, lambda distance: distance**2),
    "cosine": Bound(_directions, lambda distance: 2 * distance),
}
"""By the name of the metric. A row of zeros has no direction; see :func:`lower_bounds`."""


def lower_bounds(
    bound: Bound, queries: Values, rows: NDArray[Any], values: Callable[[NDArray[Any]], Values]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return lower bounds of the distances of all queries to all rows, in the scale of the bound.

    Parameters
    ----------
    bound : Bound
    queries : ndarray of float32, shape (q, d)
        The values that are compared; they are overwritten.
    rows : ndarray, shape (n, d)
        Stored rows.
    values : callable
        Turns stored rows into values, which are a copy.

    Returns
    -------
    ndarray of float32, shape (q, n)
        The squared lengths of what is multiplied, less twice the product. Of a row without a
        direction, the square of the query's length: half of its cosine distance.
    ndarray of float64, shape (q,)
        By how much each query's may be too high, at most: what rounding adds up to. Not finite
        where single precision does not hold the numbers; then nothing can be said.
    """
    multiplied = bound.multiplied(queries)
    squares = np.einsum("ij,ij->i", multiplied, multiplied)
    found = np.empty((len(queries), len(rows)), np.float32)
    largest: list[float] = [0.0]
    step = max(1, _BLOCK // max(1, rows.shape[1]))

    def multiply(part: slice) -> None:
        for start in range(part.start, min(part.stop, len(rows)), step):
            block = slice(start, min(start + step, part.stop, len(rows)))
            with np.errstate(over="ignore", invalid="ignore"):  # then no tolerance is finite
                some = bound.multiplied(values(rows[block]))
                lengths = np.einsum("ij,ij->i", some, some)
                largest.append(float(lengths.max()))
                out = found[:, block]
                np.matmul(multiplied, some.T, out=out)
                out *= -2
                out += lengths
                out += squares[:, None]

    with one_thread_each():
        in_parts(multiply, len(rows), rows.size > _WORTH_THREADS)
    # However d products are added up in single precision, the sum is off by d times the unit
    # roundoff times the lengths, at most; and there are four sums of that size.
    rounding, width = np.finfo(np.float32), 4 * rows.shape[1]
    sizes = np.maximum(squares.astype(np.float64), np.max(largest))
    return found, width * (float(rounding.eps) * sizes + float(rounding.tiny))
