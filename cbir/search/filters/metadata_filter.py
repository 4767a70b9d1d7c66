"""Finds the images for which a condition holds, by DuckDB."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cbir.core.amounts import counted
from cbir.core.arguments import text_of
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.messages import Parameter
from cbir.core.optional_packages import optional_module
from cbir.search.candidates import RowMask
from cbir.search.filters.columns import ImageColumns
from cbir.search.filters.condition import TABLE, Condition, fault
from cbir.stores.metadata import MetadataColumn

if TYPE_CHECKING:
    import duckdb

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "lock_configuration": True,
    "memory_limit": "2GB",
    "python_enable_replacements": False,
    # A search may run on many threads, and its process be forked.
    "threads": 1,
}
"""Of the database, which is in memory and empty: a condition sees the columns and nothing else."""

_LONGEST = 30.0
"""Seconds that a condition may take."""

_MOST_TOLD = 10
"""Values of a column that a message names."""

_KEPT = 16
"""Conditions whose images are remembered."""


class MetadataFilter:
    """Filters the images of one index; threads may share it.

    Parameters
    ----------
    columns : ImageColumns
        What is known about the images.
    count : int
        How many there are.
    """

    def __init__(self, columns: ImageColumns, count: int) -> None:
        self._columns = columns
        self._count = count
        self._arrays = lru_cache(columns.arrays)
        self.matching = lru_cache(_KEPT)(self._find)

    def _find(self, where: str) -> RowMask:
        """Return for which images a condition holds.

        Parameters
        ----------
        where : str
            An SQL expression over the columns.

        Returns
        -------
        ndarray of bool, shape (n,)
            Not to be written to.

        Raises
        ------
        UsageError
            When it is no condition, names no column, or has something that is not allowed.
        CbirError
            When the optional package is missing, or it takes too long.
        """
        text_of(where, "a condition")
        with _cursor() as cursor:
            condition = Condition.parsed(where, cursor)
            rows = self._rows(cursor, where, condition)
        mask = np.zeros(self._count, bool)
        mask[rows] = True
        mask.setflags(write=False)
        return mask

    def about_nothing(self, where: str) -> str:
        """Say that a condition holds for no image, and what its columns have instead."""
        with _cursor() as cursor:
            names = self._named(where, Condition.parsed(where, cursor))
        values = [
            f"; {printable(name)} has: {listed}"
            for name in names
            if (listed := self._categories(self._columns[name]))
        ]
        return f"it holds for none of {counted(self._count, 'image')}{''.join(values)}"

    @staticmethod
    def _categories(column: MetadataColumn) -> str:
        """Return the most frequent values of a column of categories."""
        if column.type != "category":
            return ""
        frequent = np.argsort(-np.bincount(column.codes), kind="stable")[: _MOST_TOLD + 1].tolist()
        texts = [printable(column.distinct[code]) for code in frequent if column.distinct[code]]
        more = " and others" if len(column.distinct) > _MOST_TOLD else ""
        return ", ".join(texts[:_MOST_TOLD]) + more

    def _named(self, where: str, condition: Condition) -> list[str]:
        """Return the columns that a condition is about; capitals only count where they must."""
        found: dict[str, str] = {}
        for reference in condition.references:
            name = self._meant(where, reference.name, reference.place)
            if found.setdefault(name.lower(), name) != name:
                reason = f"{found[name.lower()]} and {name} differ in capitals only; rename one"
                raise fault(where, reason, reference.place)
        return list(found.values())

    def _meant(self, text: str, name: str, place: tuple[int, int]) -> str:
        if name in self._columns:
            return name
        alike = [one for one in self._columns if one.lower() == name.lower()]
        if len(alike) != 1:
            missing = self._columns.missing(name)
            hint = "" if missing.endswith("?") else "; text stands in quotation marks: 'text'"
            raise fault(text, missing + hint, place)
        return alike[0]

    def _rows(self, cursor: duckdb.DuckDBPyConnection, where: str, condition: Condition) -> Any:
        """Return the rows for which a condition holds."""
        names, number = self._named(where, condition), "row"
        while number in {name.lower() for name in names}:
            number += "_"
        arrays: dict[str, Any] = {"r": np.arange(self._count, dtype=np.int32)}
        selected = [f"r AS {number}"]
        for place, name in enumerate(names):
            values, is_there = self._arrays(name)
            arrays[f"v{place}"] = values
            value = f"v{place}"
            if is_there is not None:
                arrays[f"t{place}"] = is_there
                value = f"CASE WHEN t{place} THEN v{place} END"
            selected.append(f"{value} AS {_quoted(name)}")
        cursor.register("columns_of_images", arrays)
        before = f"WITH {TABLE} AS (SELECT {', '.join(selected)} FROM columns_of_images) "
        statement = f"{before}SELECT {number} FROM {TABLE} WHERE {condition.sql}"
        try:
            return _result(cursor, statement)[number]
        except UsageError as error:
            types = ", ".join(f"{printable(name)} is {self._type(name)}" for name in names)
            about = f" ({types})" if types else ""
            raise UsageError(Parameter("where"), f" {printable(where)}: ", error, about) from None

    def _type(self, name: str) -> str:
        type_ = self._columns[name].type
        return {"number": "a number", "date": "a date"}.get(type_, "text")


def _result(cursor: duckdb.DuckDBPyConnection, statement: str) -> dict[str, Any]:
    import duckdb

    timer = threading.Timer(_LONGEST, cursor.interrupt)
    timer.start()
    try:
        return cursor.execute(statement).fetchnumpy()
    except duckdb.InterruptException:
        raise CbirError(
            Parameter("where"), f": it took longer than {_LONGEST:.0f} seconds; make it simpler"
        ) from None
    except duckdb.Error as error:
        kind, _, reason = str(error).partition("\n")[0].partition(": ")
        raise UsageError(reason or kind) from None
    finally:
        timer.cancel()


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


_databases: dict[int, duckdb.DuckDBPyConnection] = {}
"""By process: a forked one makes its own."""

_lock = threading.Lock()


def _after_fork() -> None:
    """Take a new lock: another thread of the parent may have held the old one."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection to the database of this process, which is empty.

    Raises
    ------
    CbirError
        When the optional package is missing.
    """
    duckdb = optional_module("duckdb", Parameter("where"), "metadata")
    with _lock:
        process = os.getpid()
        if process not in _databases:
            database = _databases[process] = duckdb.connect(":memory:", config=_SETTINGS)
            # Never closed: a forked process, which does not have its threads, hangs or crashes when
            # it closes what it has inherited, also when it ends.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(database))
        cursor = _databases[process].cursor()
    try:
        yield cursor
    finally:
        cursor.close()
