"""Fisher vectors of dense local descriptors, reduced to a few hundred numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.amounts import counted
from cbir.core.errors import CbirError, UsageError
from cbir.core.mapped_arrays import steps
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import Encoding
from cbir.descriptors.encoders.fisher_model import (
    KEYS,
    LARGEST_STEP,
    Model,
    are_sound,
    fewest_images,
    packed,
    train_model,
    unit,
)
from cbir.descriptors.local_features.dense import COLOR_PATCHES, GRADIENT_PATCHES, PatchExtractor
from cbir.descriptors.state import State
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.pixels import WORKING_SIZES, Pixels

_STEPS = 256
"""Steps of a stored number from 0 to 1. A row has the length 1, and of very many numbers none comes
up to 0.5 …"""

_MANY_NUMBERS = 256
"""… that is, of as many as this. Of fewer, one may be nearly 1."""

_DRIFT_ROWS = 4096
"""Rows that are added up at a time for their mean."""

_FEWEST_FOR_DRIFT = 50
"""Images whose mean says something of a collection."""


@dataclass(frozen=True)
class FisherVector(TrainedDescriptor):
    """What Fisher vectors of any dense local descriptors have in common.

    Parameters
    ----------
    gaussians : int
        Components of the mixture that models local descriptors.
    size : int
        Numbers an image.
    """

    version: ClassVar[int] = 1
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean", "manhattan")
    state_name: ClassVar[str] = "model"
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int8)
    working_size: ClassVar[int | None] = WORKING_SIZES[1]  # larger images were no better

    patches: ClassVar[PatchExtractor]
    """The local descriptors."""
    local_components: ClassVar[int]
    """Principal components of them that are kept."""

    gaussians: int = 64
    size: int = 256

    def __post_init__(self) -> None:
        for name, most in (("gaussians", 1024), ("size", 2048)):
            value = self.parameters[name]
            if not 1 <= value <= most:
                raise UsageError(f"{self.name}: {name}={value} must be 1 to {most:,}")
        if self.size > self._length:
            raise UsageError(
                f"{self.name}: size={self.size} must be up to {self._length:,} with"
                f" gaussians={self.gaussians}"
            )

    @property
    def dimension(self) -> int:
        """Principal components."""
        return self.size

    @property
    def encoding(self) -> Encoding:
        """256ths of a vector of length 1; 127ths if it has fewer than 256 numbers."""
        return Encoding(1 / self._steps)

    def describe(self, image: Pixels) -> NDArray[np.int8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        reduced = self._model.reduce(self._model.encode(self.patches.extract(image)))
        steps = np.rint(self._steps * unit(reduced))
        return np.clip(steps, -LARGEST_STEP, LARGEST_STEP).astype(np.int8)

    def training_sample(self, image: Pixels) -> NDArray[np.uint8]:
        """Return the local descriptors with their places, in 255ths."""
        return packed(self.patches.extract(image))

    def train(
        self, samples: Sequence[NDArray[Any]], listener: ProgressListener | None = None
    ) -> State:
        """Learn the mixture and the principal components.

        Parts of the images and mirror images count as images, so that a few hundred suffice.

        Raises
        ------
        CbirError
            When there are too few images for so many principal components, too few patches for
            so many Gaussians, or nothing to see in any image.
        """
        self._check_enough(samples)
        return train_model(
            samples,
            self.local_components,
            self.gaussians,
            self.size,
            self.patches.mirrored,
            listener or ProgressListener(),
        )

    def _check_enough(self, samples: Sequence[NDArray[Any]]) -> None:
        fewest = fewest_images(self.size)
        if len(samples) < fewest:
            raise CbirError(
                f"{self.name}: {counted(len(samples), 'image')} to train on: too few; give"
                f" at least {fewest:,}, or ask for fewer numbers with size="
            )
        patches = sum(map(len, samples))
        if patches < self.gaussians:
            raise CbirError(
                f"{self.name}: {counted(len(samples), 'image')} with"
                f" {counted(patches, 'patch')}: too few for"
                f" gaussians={self.gaussians}; give more or larger ones, or ask for fewer with"
                " gaussians="
            )
        first = samples[0][0, : self.patches.dimension]
        if all((sample[:, : self.patches.dimension] == first).all() for sample in samples):
            raise CbirError(
                f"{self.name}: there is nothing to see in any of"
                f" {counted(len(samples), 'image')}; train on others"
            )

    def check_state(self, state: State) -> str | None:
        """Say why a model does not fit."""
        if not set(state) >= KEYS:
            return f"it is not a model of {self.name}"
        if state["local_center"].shape != (self.patches.dimension,):
            return f"it is a model of other local descriptors than those of {self.name}"
        gaussians, size = state["weights"].size, state["scale"].size
        if (gaussians, size) != (self.gaussians, self.size):
            return (
                f"it has gaussians={gaussians} and size={size}; use the descriptor"
                f" {self.name}:gaussians={gaussians},size={size}"
            )
        width = self.local_components + 2
        shapes = {
            "local_axes": (self.patches.dimension, self.local_components),
            "place_scale": (),
            "weights": (gaussians,),
            "means": (gaussians, width),
            "variances": (gaussians, width),
            "center": (self._length,),
            "projection": (self._length, size),
            "scale": (size,),
        }
        arrays = [(state[key], shape) for key, shape in shapes.items()]
        sound = all(array.shape == shape and array.dtype.kind in "fi" for array, shape in arrays)
        return None if sound and are_sound(state) else "it is damaged"

    def drift(self, rows: NDArray[Any]) -> float:
        """Return the length of the mean row: 0 where rows point everywhere, 1 if all are equal.

        It is 0 for collections of fewer than 50 images, and of fewer than it takes to train
        again, which the warning of drift advises.
        """
        if len(rows) < max(_FEWEST_FOR_DRIFT, fewest_images(self.size)):
            return 0.0
        parts = steps(len(rows), _DRIFT_ROWS, [rows])
        total = sum(rows[some].sum(axis=0, dtype=np.float64) for some in parts)
        return min(1.0, float(np.linalg.norm(total / len(rows))) / self._steps)

    @property
    def _steps(self) -> int:
        """Steps of a stored number from 0 to 1."""
        return _STEPS if self.size >= _MANY_NUMBERS else LARGEST_STEP

    @property
    def _length(self) -> int:
        """Numbers of the whole Fisher vector."""
        return 2 * self.gaussians * (self.local_components + 2)

    @cached_property
    def _model(self) -> Model:
        assert self.state is not None, "bound to a model before describing"
        return Model(self.state)


@dataclass(frozen=True)
class ColorFisher(FisherVector):
    """Fisher vector of local color statistics.

    Patches of 4, 8 and 16 pixels, thousands of them, are each described by the means and
    deviations of L, a and b in 2 × 2 cells, reduced to 16 principal components, with the patch's
    place in the image. How these differ from a mixture of Gaussians that was fitted to
    unrelated photographs is the Fisher vector; its numbers are raised to the power 0.2 and
    reduced to principal components, halfway whitened. A model comes with the package.

    Parameters
    ----------
    gaussians : int
        Components of the mixture.
    size : int
        Numbers an image.

    References
    ----------
    F. Perronnin, J. Sánchez, T. Mensink, "Improving the Fisher kernel for large-scale image
    classification", ECCV 2010, for the vector and local color statistics; J. Sánchez et al.,
    "Modeling the spatial layout of images beyond spatial pyramids", PRL 33(16), 2012, for the
    place as a part of the patch; H. Jégou, O. Chum, "Negative evidences and co-occurrences in
    image retrieval", ECCV 2012, for whitening. It departs from them in smaller patches, the power
    0.2 instead of a root, half instead of all of the whitening, and training on crops.

    Examples
    --------
    >>> descriptor = ColorFisher()
    >>> bound = descriptor.bind(descriptor.shipped())
    >>> row = bound.describe(np.zeros((64, 64, 3), np.uint8))
    >>> row.shape, row.dtype
    ((256,), dtype('int8'))
    """

    name: ClassVar[str] = "colorfisher"
    summary: ClassVar[str] = "colors in their finest detail: scenes, and places seen again"
    meaning: ClassVar[str] = "0 = the same local colors, 1 = as unrelated photographs, 2 = opposite"
    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"colorfisher": MappingProxyType({"gaussians": 128, "size": 256})}
    )
    # No drift_limit: photographs of one kind of thing (0.33 to 0.71) drift as far as catalog
    # images (0.58), which a model of their own would serve better: benchmarks/drift.py.
    patches: ClassVar[PatchExtractor] = COLOR_PATCHES
    local_components: ClassVar[int] = 16

    gaussians: int = 128
    size: int = 256


@dataclass(frozen=True)
class Fisher(FisherVector):
    """Fisher vector of dense RootSIFT.

    Patches of 16 and 32 pixels are each described by the directions of their gradients in 4 × 4
    cells, reduced to 48 principal components, with the patch's place in the image. How these
    differ from a mixture of Gaussians that was fitted to unrelated photographs is the Fisher
    vector; its numbers are raised to the power 0.2 and reduced to principal components, halfway
    whitened. A model comes with the package.

    Parameters
    ----------
    gaussians : int
        Components of the mixture.
    size : int
        Numbers an image.

    References
    ----------
    F. Perronnin, J. Sánchez, T. Mensink, "Improving the Fisher kernel for large-scale image
    classification", ECCV 2010, for the vector; R. Arandjelović, A. Zisserman, "Three things
    everyone should know to improve object retrieval", CVPR 2012, for RootSIFT; J. Sánchez et al.,
    "Modeling the spatial layout of images beyond spatial pyramids", PRL 33(16), 2012, for the
    place as a part of the patch; H. Jégou, O. Chum, "Negative evidences and co-occurrences in
    image retrieval", ECCV 2012, for whitening. It departs from them in the power 0.2 instead of a
    root, half instead of all of the whitening, and training on crops.

    Examples
    --------
    >>> descriptor = Fisher()
    >>> bound = descriptor.bind(descriptor.shipped())
    >>> row = bound.describe(np.zeros((64, 64, 3), np.uint8))
    >>> row.shape, row.dtype
    ((512,), dtype('int8'))
    """

    name: ClassVar[str] = "fisher"
    summary: ClassVar[str] = "shapes and textures: products, things, and places seen again"
    meaning: ClassVar[str] = "0 = the same local shapes, 1 = as unrelated photographs, 2 = opposite"
    shipped_models: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {"fisher": MappingProxyType({"gaussians": 64, "size": 512})}
    )
    # Above what is measured of collections of photographs (0.21 to 0.36), below catalog images on
    # white (0.64), which a model trained on such images serves better. Photographs of one kind of
    # thing may come up to 0.73, and be warned of: benchmarks/drift.py.
    drift_limit: ClassVar[float] = 0.58
    patches: ClassVar[PatchExtractor] = GRADIENT_PATCHES
    local_components: ClassVar[int] = 48

    gaussians: int = 64
    size: int = 512
