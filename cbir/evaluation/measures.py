"""Measures of one ranking.

They take what was found in rank order: an array of shape (n,) over the whole ranking, with what
is set aside left out. `relevant` says which are right; it is boolean. At least one is, so that
every measure is defined: a query that has nothing to find is no query.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbir.evaluation.model import CUTOFFS, RECALLS, REVISITED_CUTOFFS

Relevant = NDArray[np.bool_]
Ranks = NDArray[np.integer] | NDArray[np.float64]

GROUP = 4
"""Images of one object in the UKBench data, and so the results that the N-S score looks at."""


def average_precision(relevant: Relevant) -> float:
    r"""Average precision, :math:`\frac1R \sum_{i=1}^{R} i / r_i`, for right ones at ranks r_i.

    Not interpolated, over all R right ones; its mean over queries is the mAP. From 0 to 1.

    References
    ----------
    TREC's ``map``: C. Buckley, E. M. Voorhees, "Retrieval system evaluation", in "TREC: Experiment
    and Evaluation in Information Retrieval", MIT Press, 2005.

    Examples
    --------
    >>> average_precision(np.array([True, False, True, False]))
    0.8333333333333333
    """
    ranks = _ranks(relevant)
    return _average(np.arange(1, len(ranks) + 1) / ranks)


def trapezoidal_average_precision(relevant: Relevant) -> float:
    r"""Area below the precision-recall line, as published for Oxford, Paris and INRIA Holidays.

    :math:`\frac1R \sum_{i=1}^{R} \frac12 \left(\frac{i-1}{r_i-1} + \frac{i}{r_i}\right)`, with
    0/0 = 1: the mean of the precision just before and at each right one. Never above the average
    precision.

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, "Hamming embedding and weak geometric consistency for large
    scale image search", ECCV 2008, and ``holidays_map.py`` of the data. J. Philbin, O. Chum,
    M. Isard, J. Sivic, A. Zisserman, "Object retrieval with large vocabularies and fast spatial
    matching", CVPR 2007, and ``compute_ap.cpp`` of the data, which adds up the same trapezoids
    rank by rank.

    Examples
    --------
    >>> trapezoidal_average_precision(np.array([True, False, True, False]))
    0.7916666666666666
    """
    ranks = _ranks(relevant)
    return _trapezoidal(ranks, np.arange(1, len(ranks) + 1) / ranks)


def precision(relevant: Relevant, cutoff: int) -> float:
    """P@k: right ones among the first k, over k, even where the ranking is shorter (TREC).

    P@1 is the accuracy of the nearest neighbor.

    Examples
    --------
    >>> precision(np.array([True, False, True, False]), 3)
    0.6666666666666666
    """
    return float(np.count_nonzero(relevant[:cutoff]) / cutoff)


def revisited_precision(relevant: Relevant, cutoff: int) -> float:
    """mP@k of revisited Oxford and Paris: P@k that does not ask for more than there is.

    The ranking is looked at no further than to the last right one, r_R: right ones among the first
    min(k, r_R), over min(k, r_R). So it is 1 where all right ones come first, however few.

    References
    ----------
    F. Radenović, A. Iscen, G. Tolias, Y. Avrithis, O. Chum, "Revisiting Oxford and Paris:
    large-scale image retrieval benchmarking", CVPR 2018, and ``evaluate.py`` of the data.

    Examples
    --------
    >>> ranking = np.array([True, True, False, False, False])
    >>> revisited_precision(ranking, 5), precision(ranking, 5)
    (1.0, 0.4)
    """
    return precision(relevant, min(cutoff, int(_ranks(relevant)[-1])))


def recall(relevant: Relevant, cutoff: int) -> float:
    """R@k: right ones among the first k, over all right ones.

    Examples
    --------
    >>> recall(np.array([True, False, True, False]), 1)
    0.5
    """
    return float(np.count_nonzero(relevant[:cutoff]) / np.count_nonzero(relevant))


def ns_score(relevant: Relevant) -> float:
    """N-S score: the number of right ones among the first four, 0 to 4.

    In UKBench the query is one of four images of an object and is not left out of the ranking,
    so that 4 is perfect and 1 is the query alone. With other protocols the query is left out.

    References
    ----------
    D. Nistér, H. Stewénius, "Scalable recognition with a vocabulary tree", CVPR 2006.

    Examples
    --------
    >>> ns_score(np.array([True, False, True, False, True]))
    2.0
    """
    return float(np.count_nonzero(relevant[:GROUP]))


def nmrr(relevant: Relevant, largest: int) -> float:
    r"""Normalized modified retrieval rank of MPEG-7; its mean over queries is the ANMRR.

    With NG right ones, :math:`K = \min(4\,NG, 2 \max NG)`. A right one at rank r counts as
    r if :math:`r \le K`, else as 1.25 K; AVR is the mean of these. Then
    :math:`MRR = AVR - \frac12 (1 + NG)` and :math:`NMRR = MRR / (1.25 K - \frac12 (1 + NG))`:
    0 if the right ones come first, 1 if none is among the first K. Lower is better.

    Parameters
    ----------
    relevant : ndarray of bool, shape (n,)
    largest : int
        The most right ones that a query of the run has, max NG.

    References
    ----------
    B. S. Manjunath, J.-R. Ohm, V. V. Vasudevan, A. Yamada, "Color and texture descriptors", IEEE
    Transactions on Circuits and Systems for Video Technology 11(6), 2001, section VI.

    Examples
    --------
    >>> nmrr(np.array([True, False, True, False]), largest=2)
    0.14285714285714285
    """
    return _retrieval_rank(_ranks(relevant), largest)


def ndcg(gains: NDArray[np.integer]) -> float:
    r"""Normalized discounted cumulative gain over the whole ranking.

    :math:`\sum_i g_i / \log_2(i + 1)` at ranks i, over the same sum of the best order. The gain is
    the grade itself: 0 and 1 where the truth has classes. From 0 to 1.

    Parameters
    ----------
    gains : ndarray of int, shape (n,)
        Not negative, in rank order; at least one is positive.

    References
    ----------
    K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20(4), 2002. The discount is that of C. Burges et al.,
    "Learning to rank using gradient descent", ICML 2005: it sets in at the second rank, not at the
    third.

    Examples
    --------
    >>> ndcg(np.array([1, 0, 1, 0]))
    0.9197207891481876
    """
    ranks = _ranks(gains > 0)
    return _discounted_gain(ranks, gains[ranks - 1])


def interpolated_precision(relevant: Relevant, missed: int = 0) -> NDArray[np.float64]:
    r"""Precision at a recall of 0, 0.01 … 1: the highest at that recall or a higher one.

    Parameters
    ----------
    relevant : ndarray of bool, shape (n,)
    missed : int
        Right ones that are not in the ranking at all.

    Returns
    -------
    ndarray of float64, shape (101,)
        Not increasing.

    References
    ----------
    C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval", Cambridge
    University Press, 2008, section 8.4.

    Examples
    --------
    >>> interpolated_precision(np.array([True, False, True, False]))[[0, 50, 51, 100]].round(3)
    array([1.   , 1.   , 0.667, 0.667])
    """
    ranks = _with_missed(_ranks(relevant), missed)
    precisions = np.arange(1, len(ranks) + 1) / ranks
    highest = np.maximum.accumulate(precisions[::-1])[::-1]
    steps = len(RECALLS) - 1
    # In whole numbers: the fewest right ones whose share of all is at least the recall.
    needed = -(-np.arange(steps + 1) * len(ranks) // steps)
    return np.asarray(highest[np.maximum(needed, 1) - 1])


def all_measures(
    gains: NDArray[np.integer], largest: int, missed: NDArray[np.integer] | None = None
) -> list[float]:
    """Return every measure of a ranking, in the order of :data:`cbir.evaluation.model.MEASURES`.

    Parameters
    ----------
    gains : ndarray of int, shape (n,)
        Grades in rank order: above 0 is right.
    largest : int
        The most right ones that a query of the run has.
    missed : ndarray of int, optional
        The grades of the right ones that are not in the ranking at all: infinitely far behind.
    """
    found = _ranks(gains > 0)
    others = np.empty(0, gains.dtype) if missed is None else missed
    ranks = _with_missed(found, len(others))
    precisions = np.arange(1, len(ranks) + 1) / ranks
    firsts = (*CUTOFFS, GROUP, *(int(min(k, ranks[-1])) for k in REVISITED_CUTOFFS))
    right = dict(zip(firsts, np.searchsorted(ranks, firsts, "right").tolist(), strict=True))
    return [
        _average(precisions),
        _trapezoidal(ranks, precisions),
        *(right[k] / k for k in CUTOFFS),
        *(right[k] / len(ranks) for k in CUTOFFS),
        float(right[GROUP]),
        _retrieval_rank(ranks, largest),
        _discounted_gain(found, np.concatenate([gains[found - 1], others])),
        *(right[k] / k for k in firsts[-len(REVISITED_CUTOFFS) :]),
    ]


def _ranks(relevant: Relevant) -> NDArray[np.intp]:
    """Return the ranks of the right ones, from 1."""
    return np.flatnonzero(relevant) + 1


def _with_missed(ranks: Ranks, missed: int) -> Ranks:
    return np.concatenate([ranks, np.full(missed, np.inf)]) if missed else ranks


def _average(precisions: NDArray[np.float64]) -> float:
    return float(np.mean(precisions))


def _trapezoidal(ranks: Ranks, precisions: NDArray[np.float64]) -> float:
    before = np.where(ranks == 1, 1.0, np.arange(len(ranks)) / np.maximum(ranks - 1, 1))
    return float(np.mean((before + precisions) / 2))


def _retrieval_rank(ranks: Ranks, largest: int) -> float:
    size = len(ranks)
    within = min(4 * size, 2 * largest)
    penalty = 1.25 * within
    ideal = 0.5 * (1 + size)
    mean_rank = np.where(ranks <= within, ranks, penalty).mean()
    return float((mean_rank - ideal) / (penalty - ideal))


def _discounted_gain(ranks: NDArray[np.intp], grades: NDArray[np.integer]) -> float:
    """Return the gain of what has a rank, over that of all grades in the best order."""
    discounts = _discounts(1 << int(max(ranks.max(initial=0), len(grades))).bit_length())
    # Summed alike, so that the best order gives exactly 1.
    gain = math.fsum((grades[: len(ranks)] / discounts[ranks - 1]).tolist())
    if grades.max() == 1:
        return gain / _best_gain(len(grades))
    return gain / math.fsum((np.sort(grades)[::-1] / discounts[: len(grades)]).tolist())


@lru_cache(maxsize=4)
def _discounts(size: int) -> NDArray[np.float64]:
    """Return by what the gains at the first ranks are divided."""
    return np.log2(np.arange(size) + 2)


@lru_cache(maxsize=1024)
def _best_gain(count: int) -> float:
    """Return the gain of so many images of grade 1, all before the others."""
    return math.fsum((1 / np.log2(np.arange(count) + 2)).tolist())
