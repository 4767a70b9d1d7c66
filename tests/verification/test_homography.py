"""Homographies are compared with OpenCV's and with differences; which ones are refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cbir.verification.homography import is_line, is_plausible, jacobian, mapped

SQUARE = np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])
TILTED = np.array([[1.0, 0.1, 5], [0.05, 0.9, 3], [0.001, 0.002, 1]])


def test_points_are_mapped_as_by_opencv() -> None:
    expected = cv2.perspectiveTransform(SQUARE[None], TILTED)[0]
    assert mapped(TILTED, SQUARE) == pytest.approx(expected)


def test_the_jacobian_is_that_of_small_differences() -> None:
    point, step = np.array([30.0, 40]), 1e-4
    steps = mapped(TILTED, point + step * np.eye(2)) - mapped(TILTED, point[None])
    assert jacobian(TILTED, *point) == pytest.approx(steps.T / step, rel=1e-3)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (np.eye(3), True),
        (TILTED, True),
        (np.diag([-1.0, 1, 1]), False),  # mirrored
        (np.diag([1.0, 0.1, 1]), False),  # flat
        (np.diag([20.0, 20, 1]), False),  # a huge zoom
        (np.diag([0.02, 0.02, 1]), False),
        (np.array([[1.0, 0, 0], [0, 1, 0], [-0.02, 0, 1]]), False),  # behind the camera
        (np.array([[1.0, 0, 0], [0, 1, 0], [0.02, 0.01, 1]]), False),  # far too bent
        (np.full((3, 3), np.nan), False),
    ],
)
def test_what_no_camera_does_is_refused(transform: np.ndarray, expected: bool) -> None:
    assert is_plausible(transform, SQUARE) is expected


def test_points_on_a_line() -> None:
    line = np.column_stack([np.arange(9.0), 2 * np.arange(9.0)])
    assert is_line(line, 0.1) and not is_line(SQUARE, 10) and is_line(SQUARE, 60)
