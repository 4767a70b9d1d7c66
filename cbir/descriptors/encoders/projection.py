"""A linear projection of other descriptors that was learned from labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError, UsageError, excerpt
from cbir.core.messages import Call, Parameter
from cbir.core.progress import ProgressListener
from cbir.descriptors.base import NOTHING_KNOWN, Descriptor, Encoding, Row
from cbir.descriptors.parametrized import file_parameters
from cbir.descriptors.registry import create
from cbir.descriptors.row_kinds import GLOBAL
from cbir.descriptors.state import ORIGIN, State
from cbir.descriptors.trained import TrainedDescriptor
from cbir.images.image_source import ArrayImage
from cbir.images.open_image import OpenImage
from cbir.images.pixels import Pixels

MOST_DIMENSIONS = 2048
"""Numbers an image, at most."""

_STEPS = 127
"""Steps of a stored number from 0 to 1; a row has the length 1."""

_KEYS = frozenset(("bases", "weights", "mean", "matrix"))
_BASE_KEYS = frozenset(("name", "parameters", "version", "fingerprint"))
_TINY = 1e-12


@dataclass(frozen=True)
class Projection(TrainedDescriptor):
    """A learned projection of other descriptors, its bases.

    The values of each base are scaled to the length 1 and weighted, those of several bases joined,
    centered and projected by a matrix, and the projection scaled to the length 1. Weights, mean and
    matrix are learned from labeled images, such that images of a class come near each other:
    :func:`cbir.learning.projection.learn_projection`. The model says what the bases are and holds
    what they learned themselves. It names no files, so that a base that reads one is refused.

    Parameters
    ----------
    dimension : int
        Numbers an image; those of the model.

    Examples
    --------
    >>> from cbir.descriptors.global_features.hsv_histogram import HsvHistogram
    >>> base = HsvHistogram(layout="none")
    >>> state = packed([base], np.ones(1), np.zeros(256), np.eye(256)[:, :8])
    >>> bound = Projection(dimension=8).bind(state)
    >>> bound.describe(np.zeros((32, 32, 3), np.uint8)).shape
    (8,)
    """

    name: ClassVar[str] = "projection"
    version: ClassVar[int] = 1
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int8)
    summary: ClassVar[str] = "what your labels teach about other descriptors"
    metrics: ClassVar[tuple[str, ...]] = ("cosine", "euclidean")
    meaning: ClassVar[str] = "0 = the same, 1 = as unlike as images of other classes, 2 = opposite"
    state_name: ClassVar[str] = "model"
    learns_from_labels: ClassVar[bool] = True

    dimension: int = 128

    def __post_init__(self) -> None:
        if not 1 <= self.dimension <= MOST_DIMENSIONS:
            raise UsageError(
                f"{self.name}: dimension={self.dimension} must be 1 to {MOST_DIMENSIONS:,}"
            )

    @property
    def encoding(self) -> Encoding:
        """127ths of a vector of length 1."""
        return Encoding(1 / _STEPS)

    @property
    def working_size(self) -> int | None:
        """The largest that a base asks for; each is given the size of its own."""
        if self.state is None:
            return super().working_size
        sizes = [base.working_size for base in self.bases]
        return (
            max((size for size in sizes if size is not None), default=None) if all(sizes) else None
        )

    def describe(self, image: Pixels) -> NDArray[np.int8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        return self.describe_image(ArrayImage(image))

    def describe_image(
        self, image: OpenImage, known: Mapping[str, Row] = NOTHING_KNOWN
    ) -> NDArray[np.int8]:
        """Describe an image by the bases, as far as that is not known, and project that."""
        rows = [
            known[base.fingerprint]
            if base.fingerprint in known
            else base.describe_image(image, known)
            for base in self.bases
        ]
        return self.project([row[None] for row in rows])[0]

    def project(self, rows: Sequence[Row]) -> NDArray[np.int8]:
        """Project stored rows of the bases.

        Parameters
        ----------
        rows : sequence of ndarray, each of shape (n, width)
            Of the same images, a matrix for each base.

        Returns
        -------
        ndarray of int8, shape (n, dimension)
        """
        assert self.state is not None, "bound to a model before describing"
        values = joined_values(self.bases, rows, self.state["weights"])
        projected = (values - self._mean) @ self._matrix
        return np.rint(_STEPS * unit_rows(projected)).astype(np.int8)

    def training_sample(self, image: Pixels) -> NDArray[Any]:
        """Refuse: images alone teach it nothing."""
        raise self._needs_labels()

    def train(
        self, samples: Sequence[NDArray[Any]], listener: ProgressListener | None = None
    ) -> State:
        """Refuse: images alone teach it nothing."""
        raise self._needs_labels()

    def _needs_labels(self) -> CbirError:
        return CbirError(
            f"{self.name} learns from labels; make a model by ",
            Call(
                "learning.projection.learn_projection",
                index=...,
                descriptor=...,
                truth=...,
                output=...,
            ),
            ", and give it with ",
            Parameter("vocabulary"),
        )

    def check_state(self, state: State) -> str | None:
        """Say why a model does not fit."""
        if not set(state) >= _KEYS:
            return f"it is not a model of {self.name}"
        try:
            bases = _unpacked_bases(state)
        except CbirError as error:
            return f"what it is made of cannot be used: {excerpt(str(error), 400)}"
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return "it is damaged"
        matrix, length = state["matrix"], sum(base.dimension for base in bases)
        if matrix.ndim == 2 and matrix.shape[1] != self.dimension:
            dimension = matrix.shape[1]
            return (
                f"it has dimension={dimension}; use the descriptor"
                f" {self.name}:dimension={dimension}"
            )
        shapes = {"weights": (len(bases),), "mean": (length,), "matrix": (length, self.dimension)}
        arrays = [(state[key], shape) for key, shape in shapes.items()]
        sound = all(array.shape == shape and array.dtype == np.float32 for array, shape in arrays)
        is_finite = sound and all(np.isfinite(array).all() for array, _ in arrays)
        return None if is_finite else "it is damaged"

    def drift(self, rows: NDArray[Any]) -> float:
        """Return 0: rows do not tell whether their classes are those that it was learned from."""
        return 0.0

    @cached_property
    def bases(self) -> tuple[Descriptor, ...]:
        """What is projected, ready to describe."""
        assert self.state is not None, "bound to a model before describing"
        return _unpacked_bases(self.state)

    # In double precision: sums of another order then round to the same steps.

    @cached_property
    def _mean(self) -> NDArray[np.float64]:
        assert self.state is not None
        return self.state["mean"].astype(np.float64)

    @cached_property
    def _matrix(self) -> NDArray[np.float64]:
        assert self.state is not None
        return self.state["matrix"].astype(np.float64)


def joined_values(
    bases: Sequence[Descriptor], rows: Sequence[Row], weights: NDArray[Any]
) -> NDArray[np.float64]:
    """Return what is projected of images, before it is centered.

    Parameters
    ----------
    bases : sequence of Descriptor
    rows : sequence of ndarray, each of shape (n, width)
        What the bases store of the same images.
    weights : ndarray, shape (bases,)
        What the values of each base, scaled to the length 1, are multiplied by.

    Returns
    -------
    ndarray of float64, shape (n, length)
    """
    parts = [
        weight * unit_rows(base.encoding.values(matrix))
        for base, matrix, weight in zip(bases, rows, weights.tolist(), strict=True)
    ]
    return np.concatenate(parts, axis=1)


def unit_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each row to the length 1; one of zeros stays.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _TINY)


def check_base(alias: str, descriptor: Descriptor) -> None:
    """Make sure that a descriptor can be projected.

    Raises
    ------
    UsageError
        When its rows are no vectors of numbers, but bits or counts of visual words; or when a
        parameter of it is a file.
    """
    if descriptor.kind is not GLOBAL:
        raise UsageError(
            f"{alias} is no vector of numbers ({descriptor.kind.name}), so that it cannot be"
            " projected; name descriptors that are, such as hsv, hog or fisher"
        )
    # A model is passed on: it would say which file of whoever uses it is opened, and miss its own.
    files = [name for name in file_parameters(type(descriptor)) if getattr(descriptor, name)]
    if files:
        raise UsageError(
            f"{alias} needs a file beside the model ({files[0]}=…), so that it cannot be projected;"
            " name descriptors without one, such as hsv, cnn or fisher"
        )


def packed(
    bases: Sequence[Descriptor],
    weights: NDArray[Any],
    mean: NDArray[Any],
    matrix: NDArray[Any],
) -> State:
    """Put a model together.

    Parameters
    ----------
    bases : sequence of Descriptor
        With what they learned.
    weights : ndarray, shape (bases,)
    mean : ndarray, shape (length,)
        Of the joined values of the bases.
    matrix : ndarray, shape (length, dimension)
    """
    described = [
        {
            "name": base.name,
            "parameters": base.parameters,
            "version": base.version,
            "fingerprint": base.fingerprint,
        }
        for base in bases
    ]
    learned = {
        f"{_prefix(place)}{key}": array
        for place, base in enumerate(bases)
        if isinstance(base, TrainedDescriptor) and base.state is not None
        for key, array in base.state.items()
        if key != ORIGIN
    }
    numbers = {"weights": weights, "mean": mean, "matrix": matrix}
    return {
        "bases": np.array(json.dumps(described, sort_keys=True)),
        **{key: array.astype(np.float32) for key, array in numbers.items()},
        **learned,
    }


def _unpacked_bases(state: State) -> tuple[Descriptor, ...]:
    """Make the bases of a model.

    Raises
    ------
    CbirError
        When there is no such descriptor, or what it learned does not fit, or its numbers are others
        in this version.
    ValueError, TypeError, AttributeError, OverflowError, RecursionError
        When the model is damaged.
    """
    described = json.loads(str(state["bases"]))
    if not (isinstance(described, list) and described):
        raise ValueError("no bases")
    return tuple(_base(state, place, one) for place, one in enumerate(described))


def _base(state: State, place: int, described: Mapping[str, Any]) -> Descriptor:
    if not (isinstance(described, dict) and set(described) >= _BASE_KEYS):
        raise ValueError("not a base")
    base = create(described["name"], described["parameters"])
    check_base(base.name, base)
    if isinstance(base, TrainedDescriptor):
        prefix = _prefix(place)
        base = base.bind(
            {
                key.removeprefix(prefix): array
                for key, array in state.items()
                if key.startswith(prefix)
            }
        )
    if base.fingerprint != described["fingerprint"]:
        raise CbirError(
            f"it was learned from {base.name} of version {described['version']}, this is version"
            f" {base.version}, and their numbers differ; learn it again"
        )
    return base


def _prefix(place: int) -> str:
    """Return what the names of the arrays begin with that a base learned."""
    return f"base{place}_"
