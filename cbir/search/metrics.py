"""Distances between rows: a query against all rows of a matrix at once.

Each function takes a query of shape (d,) and rows of shape (n, d) of one floating type and
returns n distances of that type. In float64 they are exact and repeatable: every row is summed by
itself, so a distance does not depend on which other rows are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import text_of
from cbir.core.errors import UsageError
from cbir.core.suggestions import did_you_mean

Values = NDArray[Any]


def chi2(query: Values, rows: Values) -> Values:
    r"""Chi-squared distance, :math:`\frac12 \sum_i (a_i - b_i)^2 / (a_i + b_i)`, with 0/0 = 0.

    Parameters
    ----------
    query : ndarray of float, shape (d,)
        Not negative.
    rows : ndarray of float, shape (n, d)
        Not negative.

    Returns
    -------
    ndarray of float, shape (n,)
        From 0 (equal); at most 1 for histograms that each sum to 1.

    References
    ----------
    J. Puzicha, T. Hofmann, J. M. Buhmann, "Non-parametric similarity measures for unsupervised
    texture segmentation and image retrieval", CVPR 1997.

    Examples
    --------
    >>> chi2(np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    array([0., 1.])
    """
    total = rows + query
    # Where both are 0 the numerator is 0 as well: the smallest number makes that 0.
    np.maximum(total, np.finfo(total.dtype).tiny, out=total)
    terms = rows - query
    np.square(terms, out=terms)
    terms /= total
    return terms.sum(axis=1) * terms.dtype.type(0.5)


def euclidean(query: Values, rows: Values) -> Values:
    r"""Euclidean distance, :math:`\sqrt{\sum_i (a_i - b_i)^2}`: 0 for equal rows, no upper end.

    Examples
    --------
    >>> euclidean(np.array([0.0, 0.0]), np.array([[3.0, 4.0]]))
    array([5.])
    """
    terms = rows - query
    return np.sqrt(np.square(terms, out=terms).sum(axis=1))


def manhattan(query: Values, rows: Values) -> Values:
    r"""Manhattan distance, :math:`\sum_i |a_i - b_i|`: 0 for equal rows, no upper end.

    Examples
    --------
    >>> manhattan(np.array([0.0, 0.0]), np.array([[3.0, 4.0]]))
    array([7.])
    """
    terms = rows - query
    return np.abs(terms, out=terms).sum(axis=1)


def cosine(query: Values, rows: Values) -> Values:
    r"""Cosine distance, :math:`1 - a \cdot b / (|a| |b|)`: 0 (same direction) to 2 (opposite).

    A row of zeros has no direction: its distance is 0 to another one and 1 to anything else.

    Examples
    --------
    >>> cosine(np.array([1.0, 0.0]), np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    array([0., 1., 1.])
    """
    distances, lengths = _cosine(query, rows)
    # The squares of very small numbers have lost digits; their direction does not depend on size.
    faint = lengths < _FAINT
    if faint.any():
        distances[faint] = _cosine(_of_size_1(query[None])[0], _of_size_1(rows[faint]))[0]
    return distances


_FAINT = 1e-200


def _of_size_1(rows: Values) -> Values:
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    return rows / np.where(largest == 0, 1, largest)


_IMPRECISE = 1e-140
"""Lengths whose square has fewer digits than other numbers."""


def _cosine(query: Values, rows: Values) -> tuple[Values, Values]:
    products = (rows * query).sum(axis=1)
    # The query's square is summed like the rows', so that an equal row gives exactly 0.
    query_square = np.square(query)[None].sum(axis=1)
    squares = np.square(rows).sum(axis=1)
    lengths = np.sqrt(squares * query_square)
    if ((lengths > 0) & (lengths < _IMPRECISE)).any():
        with np.errstate(all="ignore"):
            other = query_square * np.sqrt(squares / query_square)
        lengths = np.where((lengths > 0) & (lengths < _IMPRECISE), other, lengths)
    nowhere = lengths == 0
    distances = 1 - products / np.where(nowhere, 1, lengths)
    if nowhere.any():
        distances[nowhere & (rows.any(axis=1) == query.any())] = 0
    return np.clip(distances, 0, 2), lengths


def hamming(query: NDArray[np.uint8], rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Hamming distance: the number of differing bits, 0 to the number of bits.

    Parameters
    ----------
    query : ndarray of uint8, shape (bytes,)
        Packed bits.
    rows : ndarray of uint8, shape (n, bytes)

    Examples
    --------
    >>> hamming(np.array([255], np.uint8), np.array([[255], [0], [1]], np.uint8))
    array([0, 8, 7])
    """
    word = np.uint64 if rows.shape[1] % 8 == 0 else np.uint8
    rows, query = np.ascontiguousarray(rows), np.ascontiguousarray(query)
    differing = rows.view(word) ^ query.view(word)
    return np.bitwise_count(differing).sum(axis=1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Metric:
    """A distance with what a user should know of it.

    Attributes
    ----------
    name : str
    between : callable
        Takes a query and a matrix of rows, returns their distances.
    formula, range : str
        In words.
    scale_free : bool
        Twice the numbers in both have the same distance.
    """

    name: str
    between: Callable[[Values, Values], Values]
    formula: str
    range: str
    scale_free: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "chi2",
            chi2,
            "1/2 sum (a-b)^2 / (a+b)",
            "0 = equal, half the sum of all numbers (of shares, 1) = nothing in common",
        ),
        Metric("euclidean", euclidean, "sqrt(sum (a-b)^2)", "0 = equal, no upper end"),
        Metric(
            "cosine",
            cosine,
            "1 - a.b / |a||b|",
            "0 = same direction, 1 = nothing in common, 2 = opposite",
            scale_free=True,
        ),
        Metric("manhattan", manhattan, "sum |a-b|", "0 = equal, no upper end"),
        Metric("hamming", hamming, "number of differing bits", "0 = equal, up to all bits"),
    )
}


OTHER_NAMES = {
    "chisq": "chi2",
    "chisquare": "chi2",
    "chisquared": "chi2",
    "cityblock": "manhattan",
    "euclid": "euclidean",
    "l1": "manhattan",
    "l2": "euclidean",
    "taxicab": "manhattan",
}
"""What the metrics are also called; hyphens, underscores, spaces and case do not matter."""


def usual_name(name: str) -> str:
    """Return the usual name of a metric that is called `name`; another word as it is.

    Examples
    --------
    >>> usual_name("L2"), usual_name("chi-squared"), usual_name("cosine"), usual_name("miles")
    ('euclidean', 'chi2', 'cosine', 'miles')
    """
    plain = re.sub("[-_ ]", "", name.lower())
    return plain if plain in METRICS else OTHER_NAMES.get(plain, name)


def get(name: str) -> Metric:
    """Return the metric called `name`, by its usual name or one of :data:`OTHER_NAMES`.

    Raises
    ------
    UsageError
        When there is none.
    """
    metric = METRICS.get(usual_name(text_of(name, "a metric")))
    if metric is None:
        raise UsageError(
            f"there is no metric {name!r}; there are: {', '.join(METRICS)}"
            f"{did_you_mean(name, [*METRICS, *OTHER_NAMES])}"
        )
    return metric
