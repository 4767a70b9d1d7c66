"""How sure a mean over queries is, and a difference of two.

Queries are drawn again and again, with replacement: the spread of the means of these draws is that
which other queries of the same kind would give. What the queries share is beyond it: queries of
one class, or of one group, are more alike than strangers, so the intervals are rather too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Share of the draws whose mean lies in an interval."""

RESAMPLES = 2000
"""Draws of the bootstrap: the ends of an interval then rest on 50 draws beyond each."""

PERMUTATIONS = 9999
"""Random changes of signs for a p-value, which so has 0.0002 as its smallest. Where there are fewer
changes in all, each of them is tried."""

_SEED = 0
_NUMBERS = 1 << 22
"""Numbers that are drawn at a time: 32 MB of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the mean of one run is than that of another.

    Attributes
    ----------
    queries : int
        Those that count in both.
    mean : float
        Of the differences; NaN for no query.
    low, high : float
        The 95 % bootstrap interval of the mean.
    p_value : float
        Of the two-sided permutation test: the share of random exchanges of the two runs, each
        query by itself, that give a mean as far from 0.
    """

    queries: int
    mean: float
    low: float
    high: float
    p_value: float


def bootstrap_intervals(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 95 % intervals of the means of several measures over the same queries.

    The percentile bootstrap with 2,000 draws of the queries. For a mean of bounded values the
    bias that BCa corrects is about 0, and the percentiles exist where BCa does not: for values that
    are all equal. The draws are always the same.

    Parameters
    ----------
    values : ndarray of float64, shape (measures, queries)

    Returns
    -------
    ndarray of float64, shape (measures, 2)
        The lower and the upper ends; NaN for no query, the value itself for one.

    References
    ----------
    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993, ch. 13.

    Examples
    --------
    >>> bootstrap_intervals(np.array([[0.5, 0.5, 0.5]]))
    array([[0.5, 0.5]])
    """
    if values.shape[1] < 2:
        only = values[:, 0] if values.shape[1] else np.full(len(values), np.nan)
        return np.stack([only, only], axis=1)
    from scipy.stats import bootstrap

    result = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, _NUMBERS // values.size),
        axis=1,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return np.stack(result.confidence_interval, axis=1)


def paired_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """Compare two runs on the same queries.

    The interval is the bootstrap's, of the mean of the differences. The p-value is that of the
    permutation test: if the runs are equally good, each difference might as well have the other
    sign. It tests the mean that is shown and assumes no distribution; the t-test agrees with it,
    Wilcoxon's test weighs ranks and may not (Smucker et al.).

    Parameters
    ----------
    first, second : ndarray of float64, shape (queries,)
        The same query at the same place; pairs with a NaN are left out.

    References
    ----------
    M. D. Smucker, J. Allan, B. Carterette, "A comparison of statistical significance tests for
    information retrieval evaluation", CIKM 2007.

    Examples
    --------
    >>> better = paired_difference(np.array([0.9, 0.8, 0.9]), np.array([0.5, 0.4, 0.5]))
    >>> round(better.mean, 3), better.p_value
    (0.4, 0.25)
    """
    differences = first - second
    differences = differences[~np.isnan(differences)]
    (low, high), p_value = bootstrap_intervals(differences[None])[0], _p_value(differences)
    mean = float(differences.mean()) if len(differences) else float("nan")
    return Difference(len(differences), mean, float(low), float(high), p_value)


def _p_value(differences: NDArray[np.float64]) -> float:
    if len(differences) < 2 or not differences.any():
        return 1.0
    from scipy.stats import permutation_test

    result = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=PERMUTATIONS,
        batch=max(1, _NUMBERS // len(differences)),
        axis=0,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)
