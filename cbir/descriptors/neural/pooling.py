"""From what a network gives to one vector an image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Way = Literal["average", "max", "gem", "first"]
"""Over the places of a map: the mean; the highest; the generalized mean, which lies between both;
or the first place, where transformers gather what they know of the whole image."""


@dataclass(frozen=True, slots=True)
class Pooling:
    """How the values at all places are put together, channel by channel.

    Attributes
    ----------
    way : Way
    p : float
        Of the generalized mean, the p-th root of the mean of p-th powers: 1 is the mean (of values
        that are not negative), and the larger, the nearer to the highest.

    References
    ----------
    F. Radenović, G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation",
    TPAMI 41(7), 2019, for the generalized mean.

    Examples
    --------
    >>> values = np.array([[1.0, 0.0], [3.0, 0.0]])
    >>> Pooling("average").over(values), Pooling("max").over(values)
    (array([2., 0.]), array([3., 0.]))
    >>> Pooling("gem", 3.0).over(values).round(3)
    array([2.41, 0.  ])
    """

    way: Way = "average"
    p: float = 3.0

    def over(self, values: NDArray[Any]) -> NDArray[Any]:
        """Pool the values of all places.

        Parameters
        ----------
        values : ndarray of float, shape (places, channels)

        Returns
        -------
        ndarray of float, shape (channels,)
        """
        if self.way == "average":
            return values.mean(axis=0)
        if self.way == "max":
            return values.max(axis=0)
        if self.way == "first":
            return values[0]
        return np.mean(np.maximum(values, 0) ** self.p, axis=0) ** (1 / self.p)

    @property
    def identity(self) -> dict[str, Any]:
        """All on which the numbers depend."""
        return {"way": self.way} | ({"p": self.p} if self.way == "gem" else {})


def over_regions(values: NDArray[Any], p: float = 3.0) -> NDArray[Any]:
    """Pool square regions of a map by the generalized mean, and add them up, each of length 1.

    So every region counts alike, and a thing in one of them as much as a wide background. The
    squares are as wide as the shorter side, and half as wide; both kinds lie evenly and cover the
    map, with one and three of them along the shorter side.

    Parameters
    ----------
    values : ndarray of float, shape (channels, height, width)
        Those below 0 count as 0.
    p : float
        See :class:`Pooling`.

    Returns
    -------
    ndarray of float, shape (channels,)

    References
    ----------
    G. Tolias, R. Sicre, H. Jégou, "Particular object retrieval with integral max-pooling of CNN
    activations", ICLR 2016, for regions, of which it takes the highest values, and more sizes.

    Examples
    --------
    >>> values = np.zeros((2, 2, 4))
    >>> values[0, :, :2] = 1
    >>> values[1, :, 2:] = 10
    >>> over_regions(values)
    array([5., 5.])
    """
    powers = np.maximum(values, 0) ** p
    shorter = min(values.shape[1:])
    total = np.zeros_like(powers[:, 0, 0])
    for across in (1, 3):
        side = max(1, 2 * shorter // (across + 1))
        tops, lefts = (
            np.unique(np.linspace(0, length - side, -(-across * length // shorter)).round())
            for length in values.shape[1:]
        )
        for top, left in product(tops.astype(int), lefts.astype(int)):
            region = powers[:, top : top + side, left : left + side].mean(axis=(1, 2)) ** (1 / p)
            length = np.linalg.norm(region)
            total += region / length if length else 0
    return total


def places(output: NDArray[Any], channels_last: bool) -> NDArray[Any]:
    """Return the values of the first image of an output as (places, channels).

    Parameters
    ----------
    output : ndarray
        (images, channels), (images, places, channels) of a transformer, or a map: with channels
        first or last, (images, channels, height, width) or (images, height, width, channels).
        An array without images is one vector.
    channels_last : bool
        Of a map.

    Raises
    ------
    ValueError
        When it is nothing of that.

    Examples
    --------
    >>> places(np.zeros((1, 5, 2, 3), np.float32), channels_last=False).shape
    (6, 5)
    """
    if output.ndim == 1:
        return output[None]
    if output.ndim not in (2, 3, 4) or not output.size:
        raise ValueError(f"an output of the shape {output.shape} is no vector and no map")
    values = output[0]
    if values.ndim == 3 and not channels_last:
        values = values.reshape(len(values), -1).T
    return values.reshape(-1, values.shape[-1])
