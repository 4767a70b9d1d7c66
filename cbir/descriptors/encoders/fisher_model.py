"""What Fisher vectors learn: a mixture of local descriptors, and principal components."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.descriptors.arrays import FloatArray
from cbir.descriptors.encoders.gmm import Mixture, fit_mixture
from cbir.descriptors.local_features.dense import Patches
from cbir.descriptors.state import State

Mirror = Callable[[FloatArray], FloatArray]

_POWER = 0.2
"""Of the numbers of a Fisher vector. A root is customary; flatter was better on all kinds of
images, down to about here."""

_WHITENING = 0.25
"""Principal components are divided by this power of their variance: halfway to whitening, which
gives every component the same weight and was better on catalog images alone."""

_PLACE_WEIGHT = np.float32(np.sqrt(12))
"""So that a place has the deviation of an average component."""

_MIXTURE_ROWS = 240_000
"""Rows, from all images alike, that the mixture is fitted to."""

_VIEWS = 4800
"""Fisher vectors whose principal components are taken."""

VIEWS_PER_IMAGE = 16
"""At most: crops of the same image say less and less that is new."""

_SMALLEST_CROP = 0.5
"""Of the sides of an image."""

_FEWEST_PATCHES = 50
"""That a crop has to hold."""

LARGEST_STEP = 127
"""Of 8 bits with a sign."""

_LEVELS = 255
"""Of a training sample's numbers from 0 to 1."""

KEYS = frozenset(
    "local_center local_axes place_scale weights means variances center projection scale".split()
)
"""The arrays of a model's state."""


_LARGEST = 1e6
"""Beyond any number of a model."""


def are_sound(state: State) -> bool:
    """Say whether a model's numbers are possible: finite, and none of its parts all zeros.

    Weights are positive and sum up to 1, variances are positive.
    """
    arrays = {key: state[key] for key in KEYS}
    floats = [array for array in arrays.values() if array.dtype.kind == "f"]
    finite = all((np.abs(array) <= _LARGEST).all() for array in floats)
    return (
        finite
        and bool((arrays["weights"] > 0).all())
        and abs(float(arrays["weights"].sum()) - 1) < 0.01
        and bool((arrays["variances"] > 0).all())
        and bool((arrays["scale"] >= 0).all())
        and all(arrays[key].any() for key in ("local_axes", "projection", "scale"))
    )


class Model:
    """A trained model, ready to compute with."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._mixture = Mixture(state["weights"], state["means"], state["variances"])

    def encode(self, patches: Patches) -> FloatArray:
        """Return the Fisher vector, flattened by its power, of length 1."""
        vector = self._mixture.fisher_vector(_projected(patches, self.state))
        return unit(np.copysign(np.abs(vector) ** np.float32(_POWER), vector))

    def reduce(self, vector: FloatArray) -> FloatArray:
        """Project an encoded vector on the principal components."""
        center = self.state["center"].astype(np.float32, copy=False)
        return np.subtract(vector, center) @ self._projection

    @cached_property
    def _projection(self) -> FloatArray:
        return self.state["projection"] * self.state["scale"]


def train_model(
    samples: Sequence[NDArray[np.uint8]],
    local_components: int,
    gaussians: int,
    size: int,
    mirrored: Mirror,
    listener: ProgressListener,
) -> State:
    """Learn from the packed patches of images.

    Parts of the images and mirror images count as images, so that a few hundred suffice.

    Parameters
    ----------
    samples : sequence of ndarray of uint8, shape (n, d + 2)
        At least :func:`fewest_images`.
    local_components : int
        Principal components of a patch.
    gaussians : int
        Components of the mixture.
    size : int
        Principal components of an image.
    mirrored : callable
        Turns the values of patches into those of the mirrored image.
    listener : ProgressListener
        Told of the progress.

    Returns
    -------
    mapping of str to ndarray
        The arrays of :data:`KEYS`: float32, but the projection int8.
    """
    rows = unpacked(_some_rows(samples))
    center, axes, variances = _principal_axes(rows.values, local_components)
    spread = np.sqrt(variances.mean()) * _PLACE_WEIGHT
    state: dict[str, NDArray[Any]] = {
        "local_center": center,
        "local_axes": axes,
        "place_scale": np.array(spread, np.float32),
    }
    mixture = fit_mixture(_projected(rows, state), gaussians, listener)
    state |= {"weights": mixture.weights, "means": mixture.means, "variances": mixture.variances}
    model, vectors = Model(state), []
    views = min(VIEWS_PER_IMAGE, max(1, _VIEWS // len(samples)))
    listener.begin("encoding views of the images", len(samples))
    for sample in samples:
        vectors += [model.encode(view) for view in _views(unpacked(sample), views, mirrored)]
        listener.advance()
    listener.end()
    listener.note(f"Taking the principal components of {len(vectors):,} vectors …")
    return state | _reduction(np.stack(vectors, dtype=np.float64), size)


def fewest_images(size: int) -> int:
    """Return how many images it takes to learn so many principal components.

    Examples
    --------
    >>> fewest_images(512)
    64
    """
    return -(-2 * size // VIEWS_PER_IMAGE)


def _views(patches: Patches, count: int, mirrored: Mirror) -> Iterator[Patches]:
    """Yield an image, its mirror image, and alternately crops of both: always the same."""
    random = np.random.default_rng(0)
    away = np.array([[1, 0]], np.float32)
    mirror_image = Patches(mirrored(patches.values), np.abs(away - patches.places))
    for number in range(count):
        view = mirror_image if number % 2 else patches
        yield view if number < 2 else _crop(view, random)


def _projected(patches: Patches, local: Mapping[str, NDArray[Any]]) -> FloatArray:
    components = (patches.values - local["local_center"]) @ local["local_axes"]
    places = (patches.places - np.float32(0.5)) * local["place_scale"]
    return np.concatenate([components, places], axis=1)


def packed(patches: Patches) -> NDArray[np.uint8]:
    """Return patches with their places in 255ths: a quarter of the memory."""
    sample = np.concatenate([patches.values, patches.places], axis=1)
    return np.rint(_LEVELS * sample).astype(np.uint8)


def unpacked(sample: NDArray[np.uint8]) -> Patches:
    """Undo :func:`packed`."""
    scaled = sample.astype(np.float32) / np.float32(_LEVELS)
    return Patches(scaled[:, :-2], scaled[:, -2:])


def _some_rows(samples: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Choose as many rows of each image."""
    random = np.random.default_rng(0)
    each = max(1, _MIXTURE_ROWS // len(samples))
    chosen = [np.sort(random.permutation(len(sample))[:each]) for sample in samples]
    return np.concatenate([sample[rows] for sample, rows in zip(samples, chosen, strict=True)])


def _crop(patches: Patches, random: np.random.Generator) -> Patches:
    """Return the patches of a part of the image; all of them if hardly any are in it."""
    side = random.uniform(_SMALLEST_CROP, 1)
    corner = random.uniform(0, 1 - side, 2).astype(np.float32)
    places = (patches.places - corner) / np.float32(side)
    inside = ((places >= 0) & (places <= 1)).all(axis=1)
    if inside.sum() < _FEWEST_PATCHES:
        return patches
    return Patches(patches.values[inside], places[inside])


def _principal_axes(rows: FloatArray, count: int) -> tuple[FloatArray, ...]:
    """Return the first principal axes of rows that are more than their dimensions.

    These are their origin, their directions as columns, and the variances along them.
    """
    center = rows.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(rows - center, rowvar=False))
    first = np.argsort(-variances, kind="stable")[:count]
    parts = (center, directions[:, first], variances[first])
    return tuple(part.astype(np.float32) for part in parts)


def _reduction(vectors: NDArray[np.float64], size: int) -> dict[str, NDArray[Any]]:
    """Return the projection on principal components, in steps of 8 bits a column."""
    from scipy.linalg import eigh

    center = vectors.mean(axis=0)
    vectors -= center
    # The products of the vectors have the eigenvalues of their covariance, and may be fewer.
    products = vectors @ vectors.T
    last = len(products) - 1
    found, weights = eigh(products, subset_by_index=(last - size + 1, last))
    found, weights = np.maximum(found[::-1], found.max() * 1e-9), weights[:, ::-1]
    directions = vectors.T @ (weights / np.sqrt(found))
    directions /= (found / len(vectors)) ** _WHITENING
    scale = np.abs(directions).max(axis=0) / LARGEST_STEP
    return {
        "center": center.astype(np.float32),
        "projection": np.rint(directions / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
    }


def unit(vector: FloatArray) -> FloatArray:
    """Scale a vector to the length 1; one of zeros stays."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
