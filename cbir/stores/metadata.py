"""What is known about the images beside what they show: columns of text, and what types they have.

A column keeps each text once. What is looked at to find out its type are these texts, so that a
million images cost little more than a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cbir.core.packed_text import PackedText

ColumnType = Literal["number", "date", "category", "text"]
"""What the cells of a column are."""

Value = int | float | str | None
"""A cell as a program reads it; None for a missing one."""

_NOT_A_VALUE = frozenset(["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"])
"""What stands for a missing number or date. In a column of text, only the empty one is missing."""

_LONGEST_MISSING = max(map(len, _NOT_A_VALUE))

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_TOO_LARGE = 1 << 63

_SURE_DIGITS = 15
"""That double precision always holds."""

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-][0-9]+)?")
"""With a leading zero, or as 12e45, it is the code of something, not a number."""

_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
"""A day or a time by ISO 8601."""

_MOST_CATEGORIES = 1000
"""Texts above which a column is no longer one of categories."""


class MetadataColumn:
    """What one column says of each image.

    Parameters
    ----------
    codes : ndarray of int32, shape (n,)
        Which of the distinct texts each image has.
    distinct : PackedText
        The texts, in the order of the first image that has each.
    typed : ndarray of int64, float64 or datetime64[us], shape (distinct,), optional
        Their values, where all are numbers or all are dates; NaN, or not a time, and any whole
        number for missing ones. Found out unless given.

    Examples
    --------
    >>> column = MetadataColumn.of(["7.5", "", "12"])
    >>> column.type, column.values([0, 1, 2])
    ('number', [7.5, None, 12.0])
    """

    def __init__(
        self, codes: NDArray[np.int32], distinct: PackedText, typed: NDArray[Any] | None = None
    ) -> None:
        self.codes = codes
        self.distinct = distinct
        if typed is not None:
            self.__dict__["typed"] = typed

    @classmethod
    def of(cls, texts: Iterable[str]) -> MetadataColumn:
        """Return a column of the texts of all images; an empty one says nothing."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(text, len(numbers)) for text in texts]
        return cls(np.array(codes, np.int32), PackedText.of(numbers))

    def __len__(self) -> int:
        return len(self.codes)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MetadataColumn)
            and np.array_equal(self.codes, other.codes)
            and self.distinct == other.distinct
        )

    @cached_property
    def typed(self) -> NDArray[Any]:
        """The values of the distinct texts; of a column of text, nothing."""
        return _typed(self.distinct)

    @cached_property
    def is_missing(self) -> NDArray[np.bool_]:
        """Which of the distinct texts say nothing, shape (distinct,)."""
        is_short = np.diff(self.distinct.ends, prepend=0) <= _LONGEST_MISSING * (not self.is_text)
        for place in np.flatnonzero(is_short):
            is_short[place] = self.distinct[int(place)] in _NOT_A_VALUE
        return is_short

    @property
    def is_text(self) -> bool:
        """Whether it is neither of numbers nor of dates."""
        return not len(self.typed)

    @property
    def type(self) -> ColumnType:
        """What its cells are."""
        if not self.is_text:
            return "date" if self.typed.dtype.kind == "M" else "number"
        distinct = len(self.distinct)
        return "category" if distinct <= min(_MOST_CATEGORIES, len(self) // 2) else "text"

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Which images have a text that is not empty, shape (n,)."""
        return np.diff(self.distinct.ends, prepend=0)[self.codes] > 0

    def texts(self, rows: slice | Sequence[int] | NDArray[np.intp] = slice(None)) -> list[str]:
        """Return the texts of some images, as they stand in the index."""
        return [self.distinct[code] for code in self.codes[rows].tolist()]

    def values(self, rows: slice | Sequence[int] | NDArray[np.intp] = slice(None)) -> list[Value]:
        """Return the values of some images: numbers, texts (of dates, too), None for missing."""
        return self.distinct_values(self.codes[rows].tolist())

    def distinct_values(self, codes: Sequence[int]) -> list[Value]:
        """Return the values of some of the distinct texts."""
        numbers = None if self.is_text or self.type == "date" else self.typed
        return [
            None
            if self.is_missing[code]
            else self.distinct[code]
            if numbers is None
            else numbers[code].item()
            for code in codes
        ]

    def take(self, rows: NDArray[np.intp]) -> MetadataColumn:
        """Return the column of other images, of which each had a row here, or none (-1)."""
        distinct = list(self.distinct)
        codes = np.append(self.codes, len(distinct))[rows]  # -1 is the last one
        return MetadataColumn.of_distinct(codes, [*distinct, ""])

    @classmethod
    def of_distinct(cls, codes: NDArray[Any], texts: Sequence[str]) -> MetadataColumn:
        """Return a column by numbers of texts, of which some may be equal, or of no image."""
        numbers, firsts = np.unique(codes, return_index=True)
        number_of: dict[str, int] = {}
        renumbered = np.zeros(len(texts), np.int32)
        for number in numbers[np.argsort(firsts)].tolist():
            renumbered[number] = number_of.setdefault(texts[number], len(number_of))
        return cls(renumbered[codes], PackedText.of(number_of))


class LazyColumns(Mapping[str, MetadataColumn]):
    """Columns by name, each loaded when it is asked for.

    Parameters
    ----------
    names : sequence of str
    load : callable
        Returns a column by its name.
    """

    def __init__(self, names: Sequence[str], load: Callable[[str], MetadataColumn]) -> None:
        self._names = dict.fromkeys(names)
        self._load = load
        self._loaded: dict[str, MetadataColumn] = {}

    def __getitem__(self, name: str) -> MetadataColumn:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _typed(texts: PackedText) -> NDArray[Any]:
    """Return the values of texts that are all numbers or all dates; else nothing."""
    told = [text for text in texts if text not in _NOT_A_VALUE]
    if _all_match(_WHOLE, told):
        whole = [int(text) for text in told]
        fits = min(whole) >= -_TOO_LARGE and max(whole) < _TOO_LARGE
        return _filled_in(texts, 0, int, np.int64) if fits else np.empty(0, np.int64)
    if _all_match(_NUMBER, told) and all(map(_is_exact, told)):
        numbers = _filled_in(texts, np.nan, float, np.float64)
        return np.empty(0, np.int64) if np.isinf(numbers).any() else numbers
    if _all_match(_DATE, told):
        try:
            return _filled_in(texts, None, _instant, "datetime64[us]")
        except (ValueError, OverflowError):  # a 30th of February
            pass
    return np.empty(0, np.int64)


def _is_exact(text: str) -> bool:
    """Say whether a number in double precision is the one that a text says, to its last digit."""
    return len(text) <= _SURE_DIGITS or Decimal(text) == Decimal(repr(float(text)))


def _all_match(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    return bool(texts) and all(map(pattern.fullmatch, texts))


def _filled_in(
    texts: PackedText, missing: object, parse: Callable[[str], Any], dtype: Any
) -> NDArray[Any]:
    return np.array([missing if text in _NOT_A_VALUE else parse(text) for text in texts], dtype)


def _instant(text: str) -> datetime:
    """Return a time; one with a zone in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
