"""Comparing: indifferent to brightness, exact to a small part of a pixel, and strict."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cbir.verification.comparison import Comparison, compare
from tests.edits import photo, photographed_again

SAME = np.eye(3)[:2]


def gray(name: str) -> np.ndarray:
    return np.asarray(photo(name).convert("L"))


CAT = gray("cats/cat-2")


def compared(first: np.ndarray, second: np.ndarray, transform: np.ndarray = SAME) -> Comparison:
    found = compare(first, second, transform)
    assert found is not None
    return found


def miss(found: np.ndarray, true: np.ndarray, shape: tuple[int, ...]) -> float:
    """The largest distance, over the corners, between where two transforms lead."""
    height, width = shape[:2]
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    return float(np.hypot(*((found - true) @ corners)).max())


@pytest.mark.parametrize("name", ["cats/cat-1", "windmills/windmill-1", "sky/galaxies-1"])
def test_an_image_agrees_with_itself(name: str) -> None:
    found = compared(gray(name), gray(name))
    assert found.agreement == 1 and found.shared == (1, 1)
    assert found.displacement < 0.002 and found.detail > 0.97 and found.cells > 30
    assert miss(found.transform, SAME, gray(name).shape) < 0.02


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 0.5 * x + 30,
        lambda x: 255 * (x / 255) ** 2.2,
        lambda x: 255 * (x / 255) ** 0.45,
        lambda x: 128 + 2.5 * (x - 118),
        lambda x: x + 90,
    ],
    ids=["faint", "gamma 2.2", "gamma 0.45", "contrast", "brightness"],
)
@pytest.mark.parametrize("name", ["cats/cat-2", "windmills/windmill-1"])
def test_brightness_gamma_and_clipped_contrast_do_not_matter(name: str, change: object) -> None:
    image = gray(name)
    changed = np.clip(change(image.astype(float)), 0, 255).astype(np.uint8)  # type: ignore[operator]
    for one, other in ((image, changed), (changed, image)):
        found = compared(one, other)
        assert found.agreement > 0.95 and found.displacement < 0.02


@settings(max_examples=15)
@given(
    scale=st.floats(0.55, 1.8),
    turn=st.floats(-0.3, 0.3),
    shear=st.floats(-0.05, 0.05),
    shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    off=st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
)
def test_known_transforms_are_refined_to_a_part_of_a_pixel(
    scale: float, turn: float, shear: float, shift: tuple[float, float], off: tuple[float, float]
) -> None:
    linear = scale * np.array([[np.cos(turn), -np.sin(turn) + shear], [np.sin(turn), np.cos(turn)]])
    true = np.column_stack([linear, np.add(shift, 40)])
    # The image is made from one that is twice as fine, so that nothing is lost by resampling.
    double = cv2.resize(CAT, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(double, (0, 0), 1.5)
    half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1]])
    sigma = 0.5 * np.sqrt(max(1 / scale**2 - 1, 0)) * 2
    source = cv2.GaussianBlur(fine, (0, 0), sigma) if sigma > 0.1 else fine
    moved = cv2.warpAffine(source, true @ half, (520, 500), flags=cv2.INTER_CUBIC)
    first = cv2.resize(fine, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    guess = true.copy()
    guess[:, 2] += off
    found = compared(first, moved, guess)
    assert found.agreement > 0.97 and found.displacement < 0.02
    assert miss(found.transform, true, first.shape) < 0.15


def test_both_directions_say_the_same() -> None:
    crop = np.ascontiguousarray(CAT[40:300, 30:330])
    small = np.asarray(Image.fromarray(crop).resize((200, 173), Image.Resampling.LANCZOS))
    linear = np.diag([200 / 300, 173 / 260])
    forth = np.column_stack([linear, linear @ [-29.5, -39.5] - 0.5])
    back = cv2.invertAffineTransform(forth)
    one, other = compared(CAT, small, forth), compared(small, CAT, back)
    assert one.agreement == other.agreement and one.displacement == other.displacement
    assert one.shared == pytest.approx(other.shared[::-1])
    area = crop.size / CAT.size
    assert one.shared == pytest.approx((area, 1), abs=0.02)
    assert miss(one.transform, cv2.invertAffineTransform(other.transform), CAT.shape) < 1e-6


def test_what_is_covered_does_not_agree_and_the_rest_does() -> None:
    """Half of the image is covered by another one."""
    covered = CAT.copy()
    other = gray("autumn/maple-leaf-2")
    covered[:, 200:] = cv2.resize(other, CAT.shape[::-1])[:, 200:]
    found = compared(CAT, covered)
    assert 0.35 < found.agreement < 0.65 and found.displacement < 0.01


def test_different_images_do_not_agree() -> None:
    names = ["cats/cat-1", "things/coffee-1", "forest/brook-1", "snow/snow-forest-1"]
    for name in names:
        other = cv2.resize(gray(name), CAT.shape[::-1])
        found = compare(CAT, other, SAME)
        assert found is None or found.agreement < 0.25
    found = compare(CAT, 255 - CAT, SAME)
    assert found is None or found.agreement < 0.25


@pytest.mark.parametrize("amplitude", [0.25, 0.5, 1.0])
def test_smooth_displacement_is_measured(amplitude: float) -> None:
    moved = photographed_again(CAT, amplitude)
    found = compared(CAT, moved)
    assert found.agreement > 0.8
    # The field's mean length is the amplitude; of a block, some of it cancels out.
    assert 0.2 * amplitude < found.displacement < 1.2 * amplitude


def test_compression_and_blur_cost_detail_but_hardly_displace() -> None:
    import io

    buffer = io.BytesIO()
    Image.fromarray(CAT).save(buffer, "JPEG", quality=15)
    compressed = np.asarray(Image.open(buffer).convert("L"))
    clean, lossy = compared(CAT, CAT), compared(CAT, compressed)
    assert lossy.agreement > 0.9 and lossy.detail < clean.detail - 0.05
    assert lossy.displacement < 0.05


@pytest.mark.parametrize(
    "shift", [(500, 0), (0, -400), (385, 360)], ids=["beside", "above", "a corner"]
)
def test_what_does_not_overlap_cannot_be_compared(shift: tuple[int, int]) -> None:
    assert compare(CAT, CAT, np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]])) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (10, 10), (90, 120)])
def test_flat_or_tiny_images_cannot_be_compared(size: tuple[int, int]) -> None:
    assert compare(np.full(size, 80, np.uint8), np.full(size, 80, np.uint8), SAME) is None
    assert compare(np.full(size, 80, np.uint8), CAT, SAME) is None


@pytest.mark.parametrize(
    "linear", [np.zeros((2, 2)), np.array([[1, 1], [1, 1]]), np.eye(2) * 1e-6, np.eye(2) * 1e6]
)
def test_senseless_transforms_are_refused(linear: np.ndarray) -> None:
    assert compare(CAT, CAT, np.column_stack([linear.astype(float), [0, 0]])) is None
