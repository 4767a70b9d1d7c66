"""Counts, sizes, times and rates as people read them: never "0.0 MB", never "1 images"."""

from __future__ import annotations

_SIZES = ("kB", "MB", "GB", "TB")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    Examples
    --------
    >>> counted(1, "image"), counted(1200, "image"), counted(0, "query"), counted(2, "match")
    ('1 image', '1,200 images', '0 queries', '2 matches')
    """
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("ch", "sh", "s", "x")) else f"{noun}s"


def size_text(size: int) -> str:
    """Return a number of bytes, in units of 1,000.

    Examples
    --------
    >>> size_text(999), size_text(12_345), size_text(123_456_789)
    ('999 bytes', '12 kB', '123 MB')
    >>> size_text(1_250_000), size_text(999_999)
    ('1.2 MB', '1.0 MB')
    """
    if size < 1000:
        return counted(size, "byte")
    value, unit = float(size), ""
    for unit in _SIZES:  # noqa: B007
        value /= 1000
        if value < 999.5:
            break
    return f"{_two_digits(value)} {unit}"


def percent_text(share: float) -> str:
    """Return a share in percent; what is not all is never called all, nor what is some none.

    Parameters
    ----------
    share : float
        0 to 1.

    Examples
    --------
    >>> percent_text(0.25), percent_text(0.999), percent_text(0.001), percent_text(1)
    ('25 %', '99 %', 'less than 1 %', '100 %')
    """
    if 0 < share < 0.01:
        return "less than 1 %"
    return f"{min(99, round(100 * share)) if share < 1 else 100} %"


def seconds_text(seconds: float) -> str:
    """Return a time.

    Examples
    --------
    >>> seconds_text(0.042), seconds_text(3.14), seconds_text(75.2)
    ('0.042 s', '3.1 s', '75 s')
    """
    return f"{_two_digits(seconds)} s"


def duration_text(seconds: float) -> str:
    """Return a time that need not be exact, in whole seconds, minutes or hours.

    Examples
    --------
    >>> duration_text(0.2), duration_text(42), duration_text(200), duration_text(9000)
    ('1 s', '42 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{_two_digits(seconds / 3600)} h"


def rate_text(number: int, seconds: float) -> str:
    """Return how many images a second.

    Examples
    --------
    >>> rate_text(1, 2.5), rate_text(45, 0.3), rate_text(5000, 1)
    ('0.4 images/s', '150 images/s', '5,000 images/s')
    """
    return f"{_two_digits(number / seconds)} images/s"


def _two_digits(value: float) -> str:
    """Return a positive number with two digits that count, or all that are before the point.

    Examples
    --------
    >>> _two_digits(0.0034), _two_digits(9.94), _two_digits(9.96), _two_digits(1234.5)
    ('0.0034', '9.9', '10', '1,234')
    """
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"
