"""Descriptions of the images of one search, which are compared together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

D = TypeVar("D")
E = TypeVar("E")


@dataclass(frozen=True, slots=True, eq=False)
class Examples(Generic[D]):
    """What is searched for, described.

    Attributes
    ----------
    wanted : tuple of tuple
        Each image that is asked for or liked: one description, or one of each orientation that
        is compared, as it is first, of which the nearest counts.
    unwanted : tuple of tuple
        Likewise, what is disliked.
    """

    wanted: tuple[tuple[D, ...], ...]
    unwanted: tuple[tuple[D, ...], ...] = ()

    @classmethod
    def of(cls, wanted: Iterable[Examples[D]], unwanted: Iterable[Examples[D]] = ()) -> Examples[D]:
        """Return the images of some examples as one search."""
        found, others = (
            tuple(one for some in each for one in some.wanted) for each in (wanted, unwanted)
        )
        return cls(found, others)

    @property
    def count(self) -> int:
        """How many images they are."""
        return len(self.wanted) + len(self.unwanted)

    def each(self, make: Callable[[D], E]) -> Examples[E]:
        """Return what a function makes of each description, in the same order."""
        wanted, unwanted = (
            tuple(tuple(map(make, views)) for views in images)
            for images in (self.wanted, self.unwanted)
        )
        return Examples(wanted, unwanted)
