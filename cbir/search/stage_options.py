"""What a search does beside a plain comparison, checked."""

from __future__ import annotations

from dataclasses import dataclass

from cbir.core.arguments import one_of
from cbir.core.checks import check_whole
from cbir.descriptors import presets
from cbir.stores.model import MOST_AVERAGED

NO_RERANKING = "none"

RERANKINGS = ("k-reciprocal", "diffusion", NO_RERANKING)
"""The ways to re-rank what was found, and how to leave out that of a preset."""

EXPANDING = 5
"""Results that expand a query, unless told otherwise."""

MOST_EXPANDING = 1000
"""Results, at most, that expand a query."""

AVERAGED = 10
"""Neighbors that a row is averaged with, unless told otherwise."""

VERIFYING = 100
"""Results that are verified, unless told otherwise."""

MOST_VERIFYING = 10_000
"""Results, at most, that are verified."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a search does before and after it compares the query with the images.

    Attributes
    ----------
    expand : int or None
        Search again by the query together with so many of its best results.
    rerank : {"k-reciprocal", "diffusion"} or None
        Rank the best results again by how they are like each other.
    verify : int or None
        Look at so many of the best results whether they show the very thing of the query, and rank
        those that do first. 0: at none, whatever a preset says.
    dba : int or None
        Database-side augmentation: compare means of each image and so many of its neighbors in the
        index, instead of images themselves. 0: no means, whatever the index says.

    Raises
    ------
    UsageError
        When one makes no sense.

    Examples
    --------
    >>> Stages(expand=5)
    Stages(expand=5, rerank=None, verify=None, dba=None)
    >>> bool(Stages(expand=5)), bool(Stages())
    (True, False)
    """

    expand: int | None = None
    rerank: str | None = None
    verify: int | None = None
    dba: int | None = None

    def __post_init__(self) -> None:
        if self.expand is not None:
            check_whole("expand", self.expand, 1, MOST_EXPANDING)
        if self.rerank is not None:
            one_of(self.rerank, RERANKINGS, "rerank")
        if self.verify is not None:
            check_whole("verify", self.verify, 0, MOST_VERIFYING)
        if self.dba is not None:
            check_whole("dba", self.dba, 0, MOST_AVERAGED)

    def __bool__(self) -> bool:
        return bool(self.follow or self.dba)

    @property
    def follow(self) -> bool:
        """Whether anything is done after the query was compared."""
        return bool(self.expand or self.is_reranked or self.verify)

    @property
    def is_reranked(self) -> bool:
        """Whether results are ranked again by their neighbors."""
        return self.rerank not in (None, NO_RERANKING)

    def or_those_of(self, usual: Stages) -> Stages:
        """Return these stages, and the usual ones where nothing was said.

        Examples
        --------
        >>> Stages(rerank="none").or_those_of(Stages(rerank="diffusion", verify=50))
        Stages(expand=None, rerank='none', verify=50, dba=None)
        """
        return Stages(
            usual.expand if self.expand is None else self.expand,
            usual.rerank if self.rerank is None else self.rerank,
            usual.verify if self.verify is None else self.verify,
            usual.dba if self.dba is None else self.dba,
        )


def usual_stages(preset: str | None) -> Stages:
    """Return the stages that a preset has unless told otherwise.

    Examples
    --------
    >>> usual_stages("accurate").verify, usual_stages("photos").verify, usual_stages(None).verify
    (100, None, None)
    """
    if preset is None:
        return NO_STAGES
    chosen = presets.get(preset)
    return Stages(rerank=chosen.rerank, verify=chosen.verify)


NO_STAGES = Stages()
"""A plain search."""
