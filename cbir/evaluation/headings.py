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

_OF_PROTOCOLS = {
    "oxford": {
        "trapezoidal_map": "trapezoidal",
        "precision@1": "P@1",
        "precision@10": "P@10",
        "recall@100": "R@100",
    },
    "revisited": {
        "trapezoidal_map": "trapezoidal",
        "mp@1": "mP@1",
        "mp@5": "mP@5",
        "mp@10": "mP@10",
    },
}


def headings_of(protocol: str) -> dict[str, str]:
    """Return the measures of a table for a protocol: those that its papers have, if it has some.

    Examples
    --------
    >>> list(headings_of("revisited").values())
    ['trapezoidal', 'mP@1', 'mP@5', 'mP@10']
    """
    return _OF_PROTOCOLS.get(protocol, HEADINGS)


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
