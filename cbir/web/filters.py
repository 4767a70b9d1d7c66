"""Which images are wanted: values of columns that somebody chose from lists, and a condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

PREFIX = "is."
"""What the name of a field begins with that chooses a value of the column behind it."""


NAME = "name"
"""The name of the field for a part of the path."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which images are wanted.

    Parameters
    ----------
    where : str, optional
        An SQL condition.
    values : mapping of str to (tuple of str)
        By column, of which values one is to be there; the empty one: nothing is.
    name : str, optional
        What the path is to contain, in capitals or not.

    Examples
    --------
    >>> print(Filters("width > 100", {"kind": ("cat", "dog")}).condition)
    (width > 100) AND ("kind" IN ('cat', 'dog'))
    >>> print(Filters(name="Bob's").condition)
    (contains(lower("path"), lower('Bob''s')))
    """

    where: str | None = None
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str | None = None

    @classmethod
    def of(cls, where: str | None, pairs: Sequence[tuple[str, str]]) -> Filters:
        """Return the filters of an address or a form, of whose fields others are passed over."""
        chosen: dict[str, list[str]] = {}
        for name, value in pairs:
            if name.startswith(PREFIX):
                values = chosen.setdefault(name.removeprefix(PREFIX), [])
                if value not in values:
                    values.append(value)
        named = next((value.strip() for name, value in pairs if name == NAME), "")
        return cls(where, {name: tuple(values) for name, values in chosen.items()}, named or None)

    @property
    def condition(self) -> str | None:
        """All of it as one SQL condition; None: every image is wanted."""
        parts = [] if self.where is None else [self.where]
        if self.name is not None:
            text = quoted(self.name, "'")
            parts.append(f'contains(lower("path"), lower({text}))')
        parts += [_one_of(column, values) for column, values in self.values.items()]
        return " AND ".join(f"({part})" for part in parts) or None

    def without(self, column: str) -> Filters:
        """Return the same, but for what is chosen of one column."""
        others = {name: values for name, values in self.values.items() if name != column}
        return replace(self, values=others)

    def each(self) -> list[tuple[str, Filters]]:
        """Return in words what each filter says, and what is left without it."""
        told = [] if self.name is None else [(f"name: {self.name}", replace(self, name=None))]
        for column, values in self.values.items():
            for value in values:
                others = tuple(one for one in values if one != value)
                rest = {**self.values, column: others} if others else self.without(column).values
                told.append((f"{column}: {value or '(nothing)'}", replace(self, values=rest)))
        return told + ([] if self.where is None else [(self.where, replace(self, where=None))])

    def pairs(self) -> list[tuple[str, str]]:
        """Return them as fields of an address."""
        fields = [] if self.where is None else [("where", self.where)]
        fields += [] if self.name is None else [(NAME, self.name)]
        return fields + [
            (PREFIX + column, value) for column, values in self.values.items() for value in values
        ]


def _one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the SQL condition that a column has one of some values."""
    name = quoted(column, '"')
    listed = ", ".join(quoted(value, "'") for value in values if value)
    there = f"{name} IN ({listed})" if listed else ""
    missing = f"{name} IS NULL" if "" in values else ""
    return " OR ".join(part for part in (there, missing) if part)


def quoted(text: str, mark: str) -> str:
    """Return a text between quotation marks, as SQL has it."""
    return mark + text.replace(mark, mark * 2) + mark
