"""The fitted projection: beside scikit-learn's own, and on data whose answer is known."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from cbir.core.errors import CbirError
from cbir.learning.discriminant import SHRINKAGE, fitted_projection


def clouds(classes: int, each: int, noisy: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return classes that two numbers tell apart, among others that tell nothing."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    centers = random.normal(size=(classes, 2)) * 3
    informative = centers[labels] + random.normal(size=(len(labels), 2)) * 0.3
    return np.hstack([informative, random.normal(size=(len(labels), noisy))]), labels


def same_class_share(values: np.ndarray, labels: np.ndarray) -> float:
    """Return how often the nearest other vector, by cosine, is of the same class."""
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -2)
    return float((labels[likeness.argmax(axis=1)] == labels).mean())


def test_discriminants_are_those_of_scikit_learn() -> None:
    values, labels = clouds(5, 30, 20)
    mean, matrix = fitted_projection(values, labels, 128)
    reduced = PCA(22).fit_transform(values)
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
    expected = analysis.fit(reduced, labels).transform(reduced)
    found = ((values - mean) @ matrix)[:, :4]
    signs = np.sign((found * expected).sum(axis=0))
    assert np.allclose(found * signs, expected)


def test_it_finds_the_numbers_that_tell_classes_apart() -> None:
    values, labels = clouds(6, 40, 30)
    mean, matrix = fitted_projection(values, labels, 128)
    others, other_labels = clouds(6, 40, 30)
    others[:, 2:] = np.random.default_rng(9).normal(size=(240, 30))
    before = same_class_share(others - mean, other_labels)
    after = same_class_share((others - mean) @ matrix, other_labels)
    assert before < 0.6 and after > 0.8
    weights = np.abs(matrix[:, :2]).max(axis=1)
    assert weights[:2].min() > 10 * weights[2:].max()


def test_what_the_discriminants_leave_is_kept_too() -> None:
    values, labels = clouds(3, 40, 10)
    _, matrix = fitted_projection(values, labels, 12)
    assert matrix.shape == (12, 12) and np.linalg.matrix_rank(matrix) == 12


def test_numbers_are_as_many_as_are_asked_for() -> None:
    few, few_labels = clouds(3, 4, 200)
    many, many_labels = clouds(3, 100, 200)
    matrix = fitted_projection(few, few_labels, 30)[1]
    assert matrix.shape == (202, 30) and matrix[:, :11].any(axis=0).all()
    assert not matrix[:, 11:].any()
    assert fitted_projection(many, many_labels, 30)[1].any(axis=0).all()
    least = fitted_projection(many, many_labels, 1)[1]
    assert np.allclose(least[:, 0], fitted_projection(many, many_labels, 30)[1][:, 0])


def test_the_same_input_gives_the_same_bytes() -> None:
    values, labels = clouds(4, 20, 60)
    first, second = (fitted_projection(values, labels, 128) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_classes_of_one_image_are_left_out() -> None:
    values, labels = clouds(4, 20, 10)
    lonely = np.vstack([values, [[100.0] * 12]]), np.append(labels, 9)
    expected = fitted_projection(values, labels, 128)
    found = fitted_projection(*lonely, 128)
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 0, 0, 1]])
def test_one_class_teaches_nothing(labels: list[int]) -> None:
    with pytest.raises(CbirError, match="no two classes of two images"):
        fitted_projection(np.eye(4), np.array(labels), 8)


def test_equal_numbers_teach_nothing() -> None:
    with pytest.raises(CbirError, match="there is nothing to learn"):
        fitted_projection(np.ones((4, 3)), np.array([0, 0, 1, 1]), 8)
    with pytest.raises(CbirError, match="there is nothing to learn"):
        fitted_projection(np.array([[0.0, 1]] * 2 + [[1.0, 0]] * 2), np.array([0, 0, 1, 1]), 8)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(CbirError, match=r"scikit-learn; install it: pip install 'cbir\[learn\]'"):
        fitted_projection(np.eye(4), np.array([0, 0, 1, 1]), 8)


def test_scikit_learn_is_imported_only_to_learn() -> None:
    code = (
        "import sys, cbir.cli.train.labels\n"
        "heavy = {'sklearn', 'scipy', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
