"""Which table of a database is meant."""

from __future__ import annotations

from collections.abc import Sequence

from cbir.core.errors import UsageError, first_few, printable
from cbir.core.messages import Parameter
from cbir.core.suggestions import did_you_mean


def the_table(name: str, there: Sequence[str], table: str | None) -> str:
    """Return the table that is named, or the only one.

    Parameters
    ----------
    name : str
        Of the database, for messages.
    there : sequence of str
        What it has.
    table : str or None

    Raises
    ------
    UsageError
        When there is no such table, or several and none is named.

    Examples
    --------
    >>> the_table("shop.db", ["products"], None)
    'products'
    """
    have = f"it has: {first_few(there)}" if there else "it has none"
    if table is None and len(there) == 1:
        return there[0]
    if table is None:
        raise UsageError(
            f"{printable(name)}: which table? Name it with ", Parameter("table"), f"; {have}"
        )
    if table not in there:
        raise UsageError(
            Parameter("table"),
            f" {printable(table)}: {printable(name)} has no such table; {have}"
            f"{did_you_mean(table, there)}",
        )
    return table
