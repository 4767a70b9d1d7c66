"""Whether two aligned images show the same pixels where both show something."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cbir.verification.geometry import Transform, inverted, scale_of
from cbir.verification.planes import Gray, Plane, blurred, reduced
from cbir.verification.tones import with_equal_tones

SMOOTHING = 1.2
"""Standard deviation, in pixels, of the blur before comparing: finer detail does not survive
strong compression."""

CELLS_ACROSS = 12
"""Cells along a square as large as what is shared."""

SMALLEST_CELL = 13
"""Pixels: fewer do not make a correlation."""

LEAST_CONTRAST = 4.0
"""Gray levels (standard deviation in a cell) below which a cell says nothing: compression with
JPEG quality 20 moves smooth areas by as much."""

AGREEING = 0.8
"""Correlation above which a cell agrees."""

FAITHFUL = 0.95
"""Correlation above which a cell agrees closely."""

BLOCKS = 4
"""Blocks along a side over which displacement is measured."""

SMALL = 192
"""Pixels across below which a displacement counts for more: reduced to 56 pixels, different catalog
images are displaced by a tenth of a pixel only."""

_MARGIN = 7
"""Pixels along the edges of what is shared that interpolation and padding make unsure."""

_FEWEST_PIXELS = 400
_FEWEST_CELLS = 6
_STEPS = 8

_HOPELESS = 0.25
"""Agreement before refining below which refining has never helped."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two aligned images agree.

    Attributes
    ----------
    agreement : float
        Share of the cells with some contrast that correlate by 0.8 or more: 0 to 1.
    displacement : float
        Median, over blocks, of how far what agrees is still shifted after the best affine
        transform, in pixels of the coarser image; where less than 192 × 192 of these are shared,
        in 192nds of the side of a square as large.
    fidelity : float
        Share of the cells that agree which correlate by 0.95 or more: 0 to 1.
    detail : float
        Median correlation of the finest detail in the cells that agree: -1 to 1.
    cells : int
        Cells that were compared.
    shared : tuple of float
        The share of either image that the other one shows: 0 to 1.
    transform : Transform
        Refined; from the first image to the second.
    """

    agreement: float
    displacement: float
    fidelity: float
    detail: float
    cells: int
    shared: tuple[float, float]
    transform: Transform


def compare(first: Gray, second: Gray, transform: Transform) -> Comparison | None:
    """Compare two images where they overlap.

    1. The finer image is brought into the coarser one's frame.
    2. The transform is refined by Gauss-Newton steps on the brightness, normalized cell by cell;
       cells that do not agree have no say.
    3. The correlation of each cell is computed, and the displacement that is left in each of 4 × 4
       blocks: an image that was taken again from nearly the same place agrees almost everywhere,
       but not to a tenth of a pixel.

    Parameters
    ----------
    first, second : ndarray of uint8, shape (height, width)
    transform : Transform
        From the first image to the second.

    Returns
    -------
    Comparison or None
        None when too little is shared, or nothing in it has contrast.

    References
    ----------
    B. Lucas, T. Kanade, "An iterative image registration technique with an application to stereo
    vision", IJCAI 1981.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    >>> image = cv2.GaussianBlur(image, (0, 0), 2)
    >>> same = compare(image, image, np.eye(3)[:2])
    >>> same.agreement, round(same.displacement, 2)
    (1.0, 0.0)
    """
    if scale_of(transform) > 1:
        back = compare(second, first, inverted(transform))
        return back and replace(back, shared=back.shared[::-1], transform=inverted(back.transform))
    overlap = _Overlap.of(first, second, transform)
    if overlap is None:
        return None
    for step in range(_STEPS + 1):
        state = overlap.look()
        if state.textured < _FEWEST_CELLS or (step == 0 and state.agreement < _HOPELESS):
            return None
        if step == _STEPS or overlap.refine(state, step / _STEPS) < 0.01:
            break
    state = overlap.look()
    return Comparison(
        agreement=state.agreement,
        displacement=overlap.displacement(state),
        fidelity=state.fidelity,
        detail=overlap.detail(state),
        cells=state.textured,
        shared=overlap.shared,
        transform=overlap.transform,
    )


@dataclass(slots=True)
class _State:
    """The overlap under one transform."""

    difference: Plane
    """Of the normalized images, in gray levels of the second."""
    correlation: Plane
    contrast: Plane
    """The larger standard deviation of the two."""
    textured: int
    agreement: float
    fidelity: float
    agreeing: NDArray[np.bool_]
    """On the grid of cells."""


@dataclass
class _Overlap:
    """The part of the coarser image that the finer one covers."""

    fine: Plane
    coarse: Plane
    inside: Plane
    """1 where both images are."""
    transform: Transform
    origin: tuple[int, int]
    shared: tuple[float, float]

    @classmethod
    def of(cls, first: Gray, second: Gray, transform: Transform) -> _Overlap | None:
        height, width = second.shape
        covered = cv2.warpAffine(
            np.full(first.shape, 255, np.uint8), transform, (width, height), flags=cv2.INTER_LINEAR
        )
        sure = (covered > 250).astype(np.uint8)
        area = int(sure.sum())
        footprint = scale_of(transform) ** 2 * first.size
        if area < _FEWEST_PIXELS or footprint < _FEWEST_PIXELS:
            return None
        shared = min(1.0, area / footprint), area / second.size
        edge = np.ones((_MARGIN, _MARGIN), np.uint8)
        sure = np.asarray(cv2.erode(sure, edge, borderValue=1), np.uint8)
        left, top, wide, high = cv2.boundingRect(sure)
        if int(sure.sum()) < _FEWEST_PIXELS:
            return None
        box = (slice(top, top + high), slice(left, left + wide))
        inside = sure[box].astype(np.float32)
        local = transform.astype(np.float64)
        local[:, 2] -= (left, top)
        fine = reduced(first, scale_of(transform))
        coarse = second[box].astype(np.float32)
        warped = cv2.warpAffine(fine, local, (wide, high), flags=cv2.INTER_CUBIC)
        fine, coarse = with_equal_tones(fine, np.asarray(warped, np.float32), coarse, inside > 0)
        return cls(fine, coarse, inside, transform.astype(np.float64), (left, top), shared)

    def __post_init__(self) -> None:
        area = float(self.inside.sum())
        self.cell = max(SMALLEST_CELL, round(area**0.5) // CELLS_ACROSS) | 1
        self._count = np.maximum(self._sums(self.inside), np.float32(1))
        self._smooth = blurred(self.coarse, SMOOTHING)
        self._mean = self._means(self._smooth)
        self._variance = np.maximum(self._means((self._smooth - self._mean) ** 2), 0)
        sobel = [
            cv2.Sobel(self._smooth, cv2.CV_32F, *way, ksize=3, scale=1 / 8)
            for way in ((1, 0), (0, 1))
        ]
        self._gradient = [np.asarray(plane, np.float32) for plane in sobel]

    def look(self) -> _State:
        """Bring the finer image into place, and correlate."""
        smooth = blurred(self._warped(), SMOOTHING)
        here, there = smooth - self._means(smooth), self._smooth - self._mean
        variance = np.maximum(self._means(here**2), 0)
        # One gray level keeps flat cells from correlating by noise.
        correlation = self._means(here * there) / (np.sqrt(variance * self._variance) + 1)
        difference = here * np.sqrt((self._variance + 1) / (variance + 1)) - there
        contrast = np.sqrt(np.maximum(variance, self._variance))
        grid = self._grid
        textured = (self._count[grid] > self.cell**2 / 2) & (contrast[grid] > LEAST_CONTRAST)
        agreeing = textured & (correlation[grid] > AGREEING)
        faithful = textured & (correlation[grid] > FAITHFUL)
        total, alike = int(textured.sum()), int(agreeing.sum())
        agreement, fidelity = alike / max(total, 1), int(faithful.sum()) / max(alike, 1)
        return _State(difference, correlation, contrast, total, agreement, fidelity, agreeing)

    def refine(self, state: _State, progress: float) -> float:
        """Improve the transform by one Gauss-Newton step; return its size in pixels."""
        high, wide = self.inside.shape
        weight = self._weight(state, progress) / (self._variance + 25)
        across = np.linspace(-1, 1, wide, dtype=np.float32)
        down = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
        ways = [g * place for g in self._gradient for place in (np.float32(1), across, down)]
        flat = np.stack([way.ravel() for way in ways])
        weighted = flat * weight.ravel()
        normal = (weighted @ flat.T).astype(np.float64) + 1e-3 * np.eye(6)
        step = np.linalg.solve(normal, (weighted @ state.difference.ravel()).astype(np.float64))
        to_unit = np.array(
            [[2 / max(wide - 1, 1), 0, -1], [0, 2 / max(high - 1, 1), -1], [0, 0, 1]]
        )
        shift = np.array([[step[1], step[2], step[0]], [step[4], step[5], step[3]]]) @ to_unit
        local = self._local()
        moved = local + shift @ np.vstack([local, [0, 0, 1]])
        moved[:, 2] += self.origin
        self.transform = moved
        return float(np.abs(step).max())

    def displacement(self, state: _State) -> float:
        """Return the median displacement of the blocks in which enough agrees."""
        weight = self._weight(state, 1.0)
        x, y = self._gradient
        planes = [weight, weight * x * x, weight * x * y, weight * y * y]
        planes += [weight * x * state.difference, weight * y * state.difference]
        high, wide = weight.shape
        rows = np.linspace(0, high, BLOCKS + 1).astype(int)
        columns = np.linspace(0, wide, BLOCKS + 1).astype(int)
        shifts = []
        for top, bottom in itertools.pairwise(rows):
            for left, right in itertools.pairwise(columns):
                block = (slice(top, bottom), slice(left, right))
                some, xx, xy, yy, xd, yd = (float(plane[block].sum()) for plane in planes)
                if some > 0.15 * (bottom - top) * (right - left):
                    shifts.append(_shift(xx + some / 2, xy, yy + some / 2, xd, yd))
        side = float(np.sqrt(self.inside.sum()))
        return float(np.median(shifts)) * max(1.0, SMALL / side) if shifts else np.inf

    def detail(self, state: _State) -> float:
        """Return the median correlation of the finest detail where the images agree."""
        here, there = _finest(self._warped()), _finest(self.coarse)
        grid = self._grid
        products = (here * here, there * there, here * there)
        first, second, both = (self._means(product)[grid] for product in products)
        correlation = both / (np.sqrt(np.maximum(first * second, 0)) + 0.5)
        return float(np.median(correlation[state.agreeing])) if state.agreeing.any() else 0.0

    @property
    def _grid(self) -> tuple[slice, slice]:
        half = self.cell // 2
        return slice(half, None, half), slice(half, None, half)

    def _sums(self, plane: Plane) -> Plane:
        """Return the sum over the cell around each pixel; running sums may end below 0."""
        size, border = (self.cell, self.cell), cv2.BORDER_CONSTANT
        sums = cv2.boxFilter(plane, -1, size, normalize=False, borderType=border)
        return np.asarray(sums, np.float32)

    def _means(self, plane: Plane) -> Plane:
        """Return the mean over the part of the cell around each pixel that is inside."""
        return np.asarray(self._sums(plane * self.inside) / self._count, np.float32)

    def _weight(self, state: _State, progress: float) -> Plane:
        """Weigh pixels by how well their cell agrees, more strictly as the work goes on."""
        least = 0.5 + 0.3 * progress
        trust = np.clip((state.correlation - least) / (0.95 - least), 0, 1)
        return np.asarray(self.inside * trust * (state.contrast > LEAST_CONTRAST), np.float32)

    def _local(self) -> Transform:
        local = self.transform.copy()
        local[:, 2] -= self.origin
        return local

    def _warped(self) -> Plane:
        high, wide = self.inside.shape
        return cv2.warpAffine(self.fine, self._local(), (wide, high), flags=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _shift(xx: float, xy: float, yy: float, xd: float, yd: float) -> float:
    determinant = xx * yy - xy * xy
    return float(np.hypot(yy * xd - xy * yd, xx * yd - xy * xd) / determinant)


def _finest(plane: Plane) -> Plane:
    return blurred(plane, 0.7) - blurred(plane, 1.6)
