"""Geometric verification: whether one image is a copy of another, or of a part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbir.core.arguments import check_type, each_of
from cbir.core.errors import UsageError
from cbir.descriptors.local_features.sift import SiftExtractor, SiftFeatures
from cbir.images.image_source import ArrayImage
from cbir.images.pixels import Pixels
from cbir.verification.alignment import Alignment, align
from cbir.verification.comparison import Comparison, compare
from cbir.verification.geometry import unmirrored
from cbir.verification.planes import gray_of

LEAST_SHARED = 0.5
"""One of the two images shows at least so much of the other: a crop shows nothing else, and what
is pasted into a larger image is shown whole. Two different crops of one image may fail."""

DISPLACEMENT_ALLOWANCE = 0.2
"""Pixels more of displacement that are allowed for detail that is lost altogether: where
compression or blur takes detail away, displacement is measured less well."""

LARGEST_STRETCH = 2.0
"""How much more a copy may be enlarged in one direction than in another."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of a comparison.

    Attributes
    ----------
    agreement : float
        Share of the cells that agree, at least.
    fidelity : float
        Share of those that agree closely, at least.
    displacement : float
        Pixels of displacement, at most, where no detail is lost.
    """

    agreement: float
    fidelity: float
    displacement: float


WHOLE = Limits(0.95, 0.0, 0.06)
"""Nothing is covered, and little is lost but detail. Edited photographs are displaced by less than
0.05 pixels, as far as their detail is kept; the same scene taken twice from one place, even with a
tripod, by 0.1 or more."""

DAMAGED = Limits(0.75, 0.0, 0.03)
"""A quarter of the cells may be covered, clipped or blurred away. Two photographs of a scene in
which people walk about are displaced by 0.036 in what stands still."""

COVERED = Limits(0.4, 0.75, 0.03)
"""A caption and a logo cover up to half of the cells; the others agree closely, in at least 0.84 of
them but for strong compression. Other images that agree in half of the cells do so closely in
0.61 of these at most: clothes of one cut, a scene with other people in it."""

EDITED = (WHOLE, DAMAGED, COVERED)
"""What is asked of edited copies: one of these."""


@dataclass(frozen=True, slots=True)
class View:
    """What verification needs of one image.

    Attributes
    ----------
    features : SiftFeatures
    gray : callable
        Returns the image from which the features were extracted, as an ndarray of uint8, shape
        (height, width); called only when the features of both images align.
    """

    features: SiftFeatures
    gray: Callable[[], NDArray[np.uint8]]

    @classmethod
    def of(cls, image: Pixels, extractor: SiftExtractor | None = None) -> View:
        """Look at an RGB image of the extractor's working size.

        Raises
        ------
        UnreadableImageError
            When the array is not 8-bit gray, RGB or RGBA.
        UsageError
            When it is no array.
        """
        extractor = SiftExtractor() if extractor is None else extractor
        check_type(image, np.ndarray, "an image")
        check_type(extractor, SiftExtractor, "an extractor")
        pixels = ArrayImage(image).pixels()
        gray = gray_of(pixels)
        return cls(extractor.extract(pixels), lambda: gray)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found out about two images.

    Attributes
    ----------
    copy : bool
        One is a copy of the other or of a part of it.
    alignment : Alignment or None
        How they lie in each other; None when no transform explains enough matches.
    comparison : Comparison or None
        How far they agree; None when there was nothing to compare.
    mirrored : bool
        The second image is mirrored.
    """

    copy: bool
    alignment: Alignment | None = None
    comparison: Comparison | None = None
    mirrored: bool = False


def verify(
    first: View, second: View, mirrored: bool | None = None, limits: Sequence[Limits] = EDITED
) -> Verification:
    """Say whether two images are copies of each other, or one of a part of the other.

    1. SiftFeatures are matched: each other's nearest, and clearly nearer than the second nearest
       (:func:`cbir.verification.descriptor_matching.match_descriptors`).
    2. Every clear match predicts a similarity; the one that most matches agree with is taken
       (:func:`cbir.verification.alignment.align`).
    3. It is fitted to these by least squares, as a similarity and then as an affine transform, and
       at least 6 matches must stay within 3 pixels.
    4. The finer image is brought into the coarser one's frame, and the transform is refined on
       the pixels (:func:`cbir.verification.comparison.compare`).
    5. The shared part is divided into cells. A cell agrees when its brightness correlates by 0.8:
       so no change of brightness or contrast matters, and a caption costs only the cells that it
       covers.
    6. A copy agrees in enough cells, is not displaced within them, shows enough of the other
       image and is not stretched much (:func:`closeness`). The same scene taken again is
       displaced: by depth, by the lens, by what moves.

    Parameters
    ----------
    first, second : View
    mirrored : bool, optional
        Whether to take the second image as mirrored; by default both are tried.
    limits : sequence of Limits
        Copies keep all of one of these.

    Returns
    -------
    Verification

    References
    ----------
    J. Philbin et al., "Object retrieval with large vocabularies and fast spatial matching", CVPR
    2007, for steps 1 to 3; M. Douze et al., "Evaluation of GIST descriptors for web-scale image
    search", CIVR 2009, for the setting. Steps 4 to 6 are not in them. The limits were chosen with
    ``benchmarks/duplicates.py``, between edited photographs and the groups of INRIA Holidays.

    Examples
    --------
    >>> import cv2
    >>> noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    >>> image = cv2.GaussianBlur(cv2.resize(noise, (320, 240)), (0, 0), 2)
    >>> part = np.ascontiguousarray(image[40:200, 200:60:-1])
    >>> found = verify(View.of(image), View.of(part))
    >>> found.copy, found.mirrored
    (True, True)
    """
    for view in (first, second):
        check_type(view, View, "a view")
    limits = tuple(each_of(limits, "limits"))
    for one in limits:
        check_type(one, Limits, "a limit")
    if not limits:
        raise UsageError("limits: give one at least; copies keep all of one of them")
    found = Verification(False)
    for flipped in (False, True) if mirrored is None else (mirrored,):
        features = second.features.mirrored() if flipped else second.features
        alignment = align(first.features, features)
        if alignment is None or (found.alignment and found.alignment.inliers >= alignment.inliers):
            continue
        transform = alignment.transform
        if flipped:
            transform = unmirrored(transform, second.features.width)
        comparison = compare(first.gray(), second.gray(), transform)
        found = Verification(closeness(comparison, limits) >= 1, alignment, comparison, flipped)
        if found.copy:
            break
    return found


def closeness(comparison: Comparison | None, limits: Sequence[Limits]) -> float:
    """Say how near a comparison is to that of copies: 1 at the limit, more for copies.

    Parameters
    ----------
    comparison : Comparison or None
    limits : sequence of Limits
        Copies keep all of one of these.

    Returns
    -------
    float
        The least, over the measurements, of how often one keeps its limit; 0 for None.

    Examples
    --------
    >>> half = Comparison(0.5, 0.0, 1.0, 1.0, 99, (1.0, 1.0), np.eye(3)[:2])
    >>> closeness(half, [COVERED]), closeness(half, [Limits(1, 0, 1)]), closeness(None, [WHOLE])
    (1.25, 0.5, 0.0)
    """
    if comparison is None:
        return 0.0
    stretch = float(np.linalg.cond(comparison.transform[:, :2]))
    common = min(max(comparison.shared) / LEAST_SHARED, LARGEST_STRETCH / stretch)
    return max(
        min(
            common,
            _times(comparison.agreement, one.agreement),
            _times(comparison.fidelity, one.fidelity),
            (one.displacement + DISPLACEMENT_ALLOWANCE * (1 - comparison.detail))
            / max(comparison.displacement, 1e-9),
        )
        for one in limits
    )


def _times(share: float, least: float) -> float:
    return share / least if least > 0 else np.inf
