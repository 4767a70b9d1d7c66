"""By what images are filtered, grouped and told of: metadata, and facts of their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError, printable
from cbir.core.messages import Parameter
from cbir.core.suggestions import did_you_mean
from cbir.stores.metadata import MetadataColumn
from cbir.stores.model import Rows

_FACTS = ("path", "bytes", "width", "height", "mtime")
"""What an index knows of each file, as far as it is of use in a condition."""

_MICROSECONDS = 1000
"""In the unit of ``mtime``."""


class ImageColumns(Mapping[str, MetadataColumn]):
    """The columns of an index that say something of its images, by name.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._fact = cache(self._make_fact)

    def __getitem__(self, name: str) -> MetadataColumn:
        if name in _FACTS and name not in self._rows.metadata:
            return self._fact(name)
        return self._rows.metadata[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._rows.metadata, *_FACTS])

    def __len__(self) -> int:
        return len(self._rows.metadata) + len(_FACTS)

    def named(self, name: str, parameter: str) -> MetadataColumn:
        """Return a column that somebody asked for.

        Raises
        ------
        UsageError
            When there is none; the message names those that there are.
        """
        if name not in self:
            raise UsageError(Parameter(parameter), f": {self.missing(name)}")
        return self[name]

    def missing(self, name: str) -> str:
        """Say that there is no such column, and which there are."""
        listed = ", ".join(printable(one) for one in self)
        question = did_you_mean(name, self)
        none = "" if self._rows.metadata else ", and nothing of a table was joined to it"
        return f"the index has no column {printable(name)!r}; it has: {listed}{none}{question}"

    def arrays(self, name: str) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Return the values of all images, and which of these there are (None: all).

        Returns
        -------
        ndarray of int64, float64, datetime64[us] or str as object, shape (n,)
            A text that is missing is None.
        ndarray of bool, shape (n,), or None
        """
        if name in _FACTS and name not in self._rows.metadata:
            return self._fact_values(name), None
        column = self[name]
        missing = column.is_missing
        if column.is_text:
            texts = [
                None if is_missing else text
                for text, is_missing in zip(column.distinct, missing, strict=True)
            ]
            return np.array(texts, object)[column.codes], None
        return column.typed[column.codes], ~missing[column.codes] if missing.any() else None

    def _fact_values(self, name: str) -> NDArray[Any]:
        if name == "path":
            return np.array(list(self._rows.paths), object)
        numbers: NDArray[np.int64] = self._rows.facts[name].astype(np.int64)
        return (numbers * _MICROSECONDS).view("datetime64[us]") if name == "mtime" else numbers

    def _make_fact(self, name: str) -> MetadataColumn:
        if name == "path":
            return MetadataColumn.of(self._rows.paths)
        values, codes = np.unique(self._fact_values(name), return_inverse=True)
        return MetadataColumn.of_distinct(codes, [str(value) for value in values])
