"""Describe one image."""

from __future__ import annotations

from cbir.core import stderr_capture
from cbir.core.errors import UsageError
from cbir.core.threads import one_thread_each
from cbir.descriptors.base import Row
from cbir.descriptors.registry import NamedDescriptor, parse
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.image_source import ImageSource, open_image


def describe(image: ImageSource, descriptor: str = "hsv") -> Row:
    """Describe one image by one descriptor.

    Parameters
    ----------
    image : path, ndarray of uint8 of shape (height, width, 3), or PIL.Image.Image
        An image file, RGB pixels, or a Pillow image.
    descriptor : str
        ``NAME`` or ``NAME:key=value,…``; one that needs no training, or whose model comes with the
        package.

    Returns
    -------
    ndarray, shape (width,)
        The numbers that an index would store, of the descriptor's type; of a hash the packed bits,
        and one byte for the quality of those that have one.

    Raises
    ------
    UnreadableImageError
        When the file is no image.
    UsageError
        When there is no such descriptor, or it must be trained first.

    Examples
    --------
    >>> import numpy as np
    >>> describe(np.zeros((32, 32, 3), np.uint8), "hsv:layout=none").shape
    (256,)
    """
    named = _ready(parse(descriptor))
    with stderr_capture.capture(), one_thread_each():
        return named.describe(open_image(image))


def _ready(named: NamedDescriptor) -> NamedDescriptor:
    if not isinstance(named.descriptor, TrainedDescriptor):
        return named
    shipped = named.descriptor.shipped()
    if shipped is None:
        raise UsageError(
            f"{named.alias} needs a {named.descriptor.state_name}, and none comes with the package"
            " for these parameters: make an index with it, and use"
            " cbir.open(index).searcher(alias).describe(image)"
        )
    return NamedDescriptor(named.alias, named.descriptor.bind(shipped))
