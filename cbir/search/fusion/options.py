"""What was asked for of a fusion of descriptors, completed and checked.

:mod:`cbir.search.fusion.formulas` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cbir.core.amounts import counted
from cbir.core.arguments import each_of, one_of, text_of
from cbir.core.checks import check_number
from cbir.core.errors import UsageError
from cbir.core.messages import Parameter
from cbir.search.results import FUSED, RECIPROCAL_RANKS

Weights = Sequence[float] | Mapping[str, float]
"""What the descriptors of a fusion count: in their order, or by alias."""

_MOST = 1_000_000
"""A weight at most: what is added up stays far from what numbers can hold."""

FUSED_METRICS = {"scores": FUSED, "ranks": RECIPROCAL_RANKS}
"""What each way to fuse calls its distances."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the descriptors of a search are fused; see :mod:`cbir.search.fusion.formulas`.

    Attributes
    ----------
    method : {"scores", "ranks"}
        By normalized scores, or by ranks.
    weights : tuple of float
        What each descriptor counts.
    adaptive : bool
        Multiply the weights by how good the descriptors seem to be for the query; by scores only.
    """

    method: str
    weights: tuple[float, ...]
    adaptive: bool = False

    @classmethod
    def of(
        cls,
        usual: Mapping[str, float],
        method: str | None = None,
        weights: Weights | None = None,
        adaptive: bool = False,
    ) -> Fusion:
        """Complete and check what was asked for.

        Parameters
        ----------
        usual : mapping of str to float
            By alias, what the descriptors count unless told otherwise.
        method : {"scores", "ranks"}, optional
            By normalized scores unless told otherwise.
        weights : sequence of float, or mapping of str to float, optional
            Others than the usual ones: all in the order of the descriptors, or some by alias.
        adaptive : bool

        Raises
        ------
        UsageError
            When it makes no sense.

        Examples
        --------
        >>> Fusion.of({"hsv": 1, "hog": 0.5}, weights={"hsv": 3})
        Fusion(method='scores', weights=(3.0, 0.5), adaptive=False)
        """
        method = "scores" if method is None else one_of(method, FUSED_METRICS, "fusion")
        if adaptive and method != "scores":
            raise UsageError(
                Parameter("adaptive"), " weighs scores, and ", Parameter("fusion", method),
                " has none; leave one out",
            )  # fmt: skip
        return cls(method, _checked_weights(usual, usual if weights is None else weights), adaptive)


def equal_weights(label: str) -> dict[str, float]:
    """Return the aliases that ``+`` joins, all with the weight 1.

    Raises
    ------
    UsageError
        When one is missing, or there twice.

    Examples
    --------
    >>> equal_weights("hsv+hog")
    {'hsv': 1.0, 'hog': 1.0}
    """
    aliases = [alias.strip() for alias in text_of(label, "a descriptor").split("+")]
    if not all(aliases) or len(set(aliases)) < len(aliases):
        raise UsageError(
            Parameter("descriptor", label),
            ": name each descriptor once, with + between them, as in hsv+hog",
        )
    return dict.fromkeys(aliases, 1.0)


def _checked_weights(usual: Mapping[str, float], weights: Weights) -> tuple[float, ...]:
    if isinstance(weights, Mapping):
        unknown = [alias for alias in weights if alias not in usual]
        if unknown:
            raise UsageError(
                Parameter("weights"),
                f": {unknown[0]!r} is not fused; these are: {', '.join(usual)}",
            )
        weights = [weights.get(alias, weight) for alias, weight in usual.items()]
    weights = tuple(each_of(weights, "a weight"))
    if len(weights) != len(usual):
        raise UsageError(
            Parameter("weights"),
            f": {len(weights)} for {counted(len(usual), 'descriptor')}; give one for each of"
            f" {', '.join(usual)}, or some by name, as in {next(iter(usual))}=2",
        )
    numbers = tuple(check_number("weight", weight) for weight in weights)
    if max(numbers) > _MOST:
        raise UsageError(
            Parameter("weights"), f": {max(numbers):g} is too much; give numbers up to {_MOST:,}"
        )
    if not any(numbers):
        raise UsageError(Parameter("weights"), ": give numbers from 0 on, and not only zeros")
    return numbers
