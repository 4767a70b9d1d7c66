"""What would be lost with a copy: what it shows, and the image that is kept does not.

One rule, wherever copies are listed or removed: a copy goes only if the kept image holds all that
it shows, or if what would be lost was named, and allowed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from cbir.core.arguments import one_of, tuple_of

LossKind = Literal["frames", "depth", "alpha", "color", "gamut", "area", "detail", "composite"]
LOSSES: tuple[LossKind, ...] = get_args(LossKind)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a copy shows, and the kept image does not.

    Attributes
    ----------
    kind : {"frames", "depth", "alpha", "color", "gamut", "area", "detail", "composite"}
        By which it is allowed. ``composite``: the copy is one of several parts of which the
        kept image is made.
    detail : str
        The measurement in words, for people.
    """

    kind: LossKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


def kinds_of(kinds: LossKind | Iterable[LossKind]) -> frozenset[LossKind]:
    """Return one kind of losses or several as a set.

    Raises
    ------
    UsageError
        When there is no such kind.

    Examples
    --------
    >>> kinds_of("area")
    frozenset({'area'})
    """
    named = [one_of(kind, LOSSES, "kind of loss") for kind in tuple_of(kinds, "a kind of loss")]
    return frozenset(cast("list[LossKind]", named))


def refused(losses: Iterable[Loss], allowed: Container[LossKind]) -> list[Loss]:
    """Return those of the losses that are not allowed.

    Examples
    --------
    >>> refused([Loss("frames", "2 further frames")], {"alpha"})
    [Loss(kind='frames', detail='2 further frames')]
    """
    return [loss for loss in losses if loss.kind not in allowed]
