"""Shape descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import UsageError
from cbir.descriptors.base import STEPS, Descriptor, Encoding
from cbir.images.pixels import WORKING_SIZES, Pixels

_CLIP = 0.2
"""Largest share of one orientation in a block, as in the paper ("L2-Hys")."""

_FAINT = 16.0
"""Length of a block, in gray levels a pixel, below which it counts less: it may be noise."""

_SOFT = 0.5
"""Keeps blocks of few orientations from being scaled up again after clipping."""


@dataclass(frozen=True)
class Hog(Descriptor):
    """Histogram of oriented gradients over a fixed square.

    The image is squeezed to a square and converted to gray. Each cell counts its gradients'
    orientations (unsigned, 0–180°), weighted by their magnitude; blocks of cells overlap by all
    but one cell and are normalized by L2-Hys. The values are stored in steps of 1/255.

    Parameters
    ----------
    size : int
        Side of the square, in pixels; a multiple of `cells`.
    cells : int
        Cells a side.
    blocks : int
        Cells a block's side.
    orientations : int
        Orientation bins a cell.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. It
    departs from the paper in that votes are not interpolated between neighboring cells and bins,
    and that faint blocks are not scaled to full length. With the paper's vanishing constants a
    few images of mere noise are near to everything; ``benchmarks/choices.py`` measures it.

    Examples
    --------
    >>> Hog().describe(np.zeros((64, 64, 3), np.uint8)).shape
    (1764,)
    """

    name: ClassVar[str] = "hog"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "outlines in fixed places: products, logos, framed objects"
    metrics: ClassVar[tuple[str, ...]] = ("euclidean", "cosine", "manhattan", "chi2")
    meaning: ClassVar[str] = "0 = the same outlines; unrelated images are about 3.6 apart"
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)
    encoding: ClassVar[Encoding] = STEPS

    size: int = 128
    cells: int = 8
    blocks: int = 2
    orientations: int = 9

    def __post_init__(self) -> None:
        if self.cells < 1 or self.size < self.cells or self.size % self.cells:
            raise UsageError(
                f"hog: size={self.size} must be a multiple of cells={self.cells}, above 0"
            )
        if not 1 <= self.blocks <= self.cells:
            raise UsageError(f"hog: blocks={self.blocks} must be 1 to cells={self.cells}")
        if not 1 <= self.orientations <= 180:
            raise UsageError(f"hog: orientations={self.orientations} must be 1 to 180")
        if self.size > WORKING_SIZES[-1]:
            raise UsageError(f"hog: size={self.size} must be {WORKING_SIZES[-1]} at most")

    @property
    def dimension(self) -> int:
        """Blocks × cells a block × orientations."""
        positions = self.cells - self.blocks + 1
        return positions**2 * self.blocks**2 * self.orientations

    @property
    def working_size(self) -> int:
        """The working size that leaves the square something to average."""
        return next((step for step in WORKING_SIZES if step >= 2 * self.size), WORKING_SIZES[-1])

    def describe(self, image: Pixels) -> NDArray[np.uint8]:
        """Describe an RGB image; see :meth:`Descriptor.describe`."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        square = cv2.resize(gray, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.rint(self.values(square) * 255).astype(np.uint8)

    def values(self, square: NDArray[Any]) -> NDArray[np.float64]:
        """Return the normalized blocks of a gray square, before rounding: values 0 to 1."""
        histograms = self._cell_histograms(*_gradients(square))
        shape = (self.blocks, self.blocks)
        blocks = np.lib.stride_tricks.sliding_window_view(histograms, shape, axis=(0, 1))
        blocks = blocks.transpose(0, 1, 3, 4, 2).reshape(-1, self.blocks**2 * self.orientations)
        blocks = np.minimum(_scaled(blocks, _FAINT**2), _CLIP)
        return _scaled(blocks, _SOFT).ravel()

    def _cell_histograms(
        self, magnitude: NDArray[np.float64], angle: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        bins = np.minimum(angle * (self.orientations / 180), self.orientations - 1).astype(np.intp)
        side = self.size // self.cells
        cell = np.arange(self.size) // side
        place = (cell[:, None] * self.cells + cell[None]) * self.orientations
        count = self.cells**2 * self.orientations
        votes = np.bincount((place + bins).ravel(), magnitude.ravel(), minlength=count)
        return votes.reshape(self.cells, self.cells, self.orientations) / side**2


def _gradients(gray: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the magnitude and the unsigned orientation (degrees, [0, 180)) at every pixel."""
    image = gray.astype(np.float64)
    across, down = np.zeros_like(image), np.zeros_like(image)
    across[:, 1:-1] = image[:, 2:] - image[:, :-2]
    down[1:-1] = image[2:] - image[:-2]
    return np.hypot(across, down), np.rad2deg(np.arctan2(down, across)) % 180


def _scaled(blocks: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Scale each row towards length 1; rows whose square is below `floor` stay short."""
    return blocks / np.sqrt(np.square(blocks).sum(axis=1, keepdims=True) + floor)
