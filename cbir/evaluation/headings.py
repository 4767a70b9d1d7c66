"""The measures that tables show, with their headings; files for programs have all of them."""

from __future__ import annotations

HEADINGS = {
    "precision@1": "P@1",
    "precision@10": "P@10",
    "recall@10": "R@10",
    "ns_score": "N-S",
    "ndcg": "nDCG",
}
"""Measures of a table besides mAP, which comes first and with its interval."""


def with_interval(mean: float, low: float, high: float) -> str:
    """Return a mean with half its interval, as tables show it.

    Examples
    --------
    >>> with_interval(0.75, 0.7, 0.81)
    '0.750 ±0.055'
    """
    return f"{three_decimals(mean)} ±{three_decimals((high - low) / 2)}"


def three_decimals(value: float) -> str:
    """Return a measure as tables show it; a dash where there is none.

    Examples
    --------
    >>> three_decimals(0.4711), three_decimals(float("nan"))
    ('0.471', '–')
    """
    return "–" if value != value else f"{value:.3f}"
