"""Fisher vectors of dense DAISY descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from cbir.descriptors.encoders.fisher import FisherVector
from cbir.descriptors.local_features.daisy import DAISY_PATCHES
from cbir.descriptors.local_features.dense import PatchExtractor
from cbir.images.pixels import WORKING_SIZES


@dataclass(frozen=True)
class Daisy(FisherVector):
    """Fisher vector of dense DAISY descriptors.

    Surroundings of 30 pixels, one every 4 pixels, are each described by the directions of their
    gradients at the center and at two rings of six places, reduced to 48 principal components,
    with the place in the image. How these differ from a mixture of Gaussians that was fitted to
    unrelated photographs is the Fisher vector, which is made as that of `fisher`. A model comes
    with the package.

    Parameters
    ----------
    gaussians : int
        Components of the mixture.
    size : int
        Numbers an image.

    References
    ----------
    E. Tola, V. Lepetit, P. Fua, "DAISY: an efficient dense descriptor applied to wide-baseline
    stereo", PAMI 32(5), 2010, for the local descriptor; F. Perronnin, J. Sánchez, T. Mensink,
    "Improving the Fisher kernel for large-scale image classification", ECCV 2010, for the vector.
    Means and deviations of the descriptors by region, which need no model, found much less.

    Examples
    --------
    >>> import numpy as np
    >>> descriptor = Daisy()
    >>> bound = descriptor.bind(descriptor.shipped())
    >>> row = bound.describe(np.zeros((64, 64, 3), np.uint8))
    >>> row.shape, row.dtype
    ((256,), dtype('int8'))
    """

    name: ClassVar[str] = "daisy"
    summary: ClassVar[str] = "shapes and their surroundings: scenes, places seen again, things"
    meaning: ClassVar[str] = "0 = the same local shapes, 1 = as unrelated photographs, 2 = opposite"
    working_size: ClassVar[int | None] = WORKING_SIZES[0]  # what is larger takes too long
    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"daisy": MappingProxyType({"gaussians": 32, "size": 256})}
    )
    # No drift_limit: photographs of one kind of thing (0.35 to 0.75) drift as far as catalog images
    # (0.59): benchmarks/drift.py.
    patches: ClassVar[PatchExtractor] = DAISY_PATCHES
    local_components: ClassVar[int] = 48

    gaussians: int = 32
    size: int = 256
