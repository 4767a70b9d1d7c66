"""Lists of the values that columns have, with counts, to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.errors import CbirError
from cbir.core.optional_packages import missing_of
from cbir.search.engine import Index
from cbir.stores.metadata import Value
from cbir.web.api.about import category_columns
from cbir.web.filters import PREFIX, Filters

_MOST = 60
"""Values of a column that are offered, beside those that are chosen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that can be chosen.

    Attributes
    ----------
    value : str
        As the form has it: empty for nothing.
    count : int
        Images that have it, and fulfill what else is chosen.
    chosen : bool
    place : int
        Its number from 1 by frequency, which stays when it is chosen.
    """

    value: str
    count: int
    chosen: bool
    place: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a column.

    Attributes
    ----------
    column : str
    field : str
        The name of its field in the form.
    choices : tuple of Choice
        Those that are chosen, then the most frequent.
    more : int
        How many rarer ones are not offered.
    """

    column: str
    field: str
    choices: tuple[Choice, ...]
    more: int


def facets_of(index: Index, filters: Filters) -> tuple[Facet, ...]:
    """Return the columns of categories, with counts among the images that all else admits.

    Where the filters themselves make no sense, which the search tells, all images are counted.
    """
    names = dict.fromkeys(category_columns(index))
    chosen = [name for name in filters.values if name in index.columns and name not in names]
    return tuple(_facet(index, name, filters) for name in [*names, *chosen])


def why_no_filters() -> str | None:
    """Say what is missing if images cannot be filtered here, and what installs it."""
    missing = missing_of(("duckdb",), "metadata")
    return None if missing is None else f"Filtering {missing}"


def check_typed(index: Index, filters: Filters) -> None:
    """Make sure that the condition that somebody typed makes sense by itself.

    So what is wrong is told of that alone, and not of what the other filters add to it.

    Raises
    ------
    CbirError
        When it makes none.
    """
    if filters.where is not None:
        index.matching(filters.where)


def _facet(index: Index, column: str, filters: Filters) -> Facet:
    counts = {_form_value(value): count for value, count in _counts(index, column, filters).items()}
    chosen = filters.values.get(column, ())
    offered = dict.fromkeys([*list(counts)[:_MOST], *chosen])
    choices = [
        Choice(value, counts.get(value, 0), value in chosen, place)
        for place, value in enumerate(offered, 1)
    ]
    choices.sort(key=lambda choice: not choice.chosen)
    return Facet(column, PREFIX + column, tuple(choices), len(counts.keys() - offered.keys()))


def _counts(index: Index, column: str, filters: Filters) -> dict[Value, int]:
    try:
        return dict(index.catalog.facets([column], filters.without(column).condition)[column])
    except CbirError:
        return dict(index.catalog.facets([column])[column])


def _form_value(value: Value) -> str:
    return "" if value is None else str(value)
