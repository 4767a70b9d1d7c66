"""Which stages a search has, checked."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.arguments import one_of
from cbir.core.checks import check_whole

RERANKINGS = ("k-reciprocal", "diffusion")
"""The ways to re-rank what was found."""

EXPANDING = 5
"""Results that expand a query, unless told otherwise."""

MOST_EXPANDING = 1000
"""Results, at most, that expand a query."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a search does after it has compared the query with the images.

    Attributes
    ----------
    expand : int or None
        Search again by the query together with so many of its best results.
    rerank : {"k-reciprocal", "diffusion"} or None
        Rank the best results again by how they are like each other.

    Raises
    ------
    UsageError
        When one makes no sense.

    Examples
    --------
    >>> Stages(expand=5)
    Stages(expand=5, rerank=None)
    >>> bool(Stages(expand=5)), bool(Stages())
    (True, False)
    """

    expand: int | None = None
    rerank: str | None = None

    def __post_init__(self) -> None:
        if self.expand is not None:
            check_whole("expand", self.expand, 1, MOST_EXPANDING)
        if self.rerank is not None:
            one_of(self.rerank, RERANKINGS, "rerank")

    def __bool__(self) -> bool:
        return self != NO_STAGES


NO_STAGES = Stages()
"""A plain search."""
