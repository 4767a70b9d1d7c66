"""Describe one picture."""

from __future__ import annotations

import os

from cbir import native
from cbir.descriptors.base import Row, TrainedDescriptor
from cbir.descriptors.registry import parse
from cbir.errors import UsageError
from cbir.images import Pixels, open_picture


def describe(image: str | os.PathLike[str] | Pixels, descriptor: str = "hsv") -> Row:
    """Describe one picture by one descriptor.

    Parameters
    ----------
    image : path or ndarray of uint8, shape (height, width, 3)
        A picture file, or RGB pixels.
    descriptor : str
        ``NAME`` or ``NAME:key=value,…``; one that needs no vocabulary.

    Returns
    -------
    ndarray, shape (width,)
        The numbers that an index would store, of the descriptor's type; of a hash the packed bits,
        and one byte for the quality of those that have one.

    Raises
    ------
    UnreadableImageError
        When the file is no picture.
    UsageError
        When there is no such descriptor, or it needs training.

    Examples
    --------
    >>> import numpy as np
    >>> describe(np.zeros((32, 32, 3), np.uint8), "hsv:layout=none").shape
    (256,)
    """
    named = parse(descriptor)
    if isinstance(named.descriptor, TrainedDescriptor):
        raise UsageError(
            f"{named.alias} needs a {named.descriptor.state_name}: make an index with it, and use"
            " cbir.open(index).searcher(alias).describe(image)"
        )
    with native.caught():
        return named.describe(open_picture(image))
