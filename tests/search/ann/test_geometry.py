"""Vectors whose Euclidean neighbors are those of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cbir.descriptors.base import as_roots
from cbir.descriptors.registry import parse
from cbir.search import metrics
from cbir.search.ann.choosing import choose_vectors
from cbir.search.ann.geometry import Geometry, forms_of
from cbir.search.ann.projection import Projection
from tests.search.ann.helpers import rows_of

HSV = parse("hsv:layout=none").descriptor

ROWS = arrays.arrays(np.uint8, (2, HSV.dimension), elements=st.integers(0, 255))


@given(ROWS)
def test_roots_bound_the_chi_squared_distance(rows: np.ndarray) -> None:
    values = HSV.encoding.values(rows)
    exact = metrics.chi2(values[0], values[1:])[0]
    one, other = Geometry(HSV, "roots").vectors(rows)
    square = float(np.square(one.astype(float) - other).sum())
    assert square / 2 <= exact * (1 + 1e-5) + 1e-5
    assert exact <= square * (1 + 1e-5) + 1e-5


def test_unit_vectors_are_near_where_the_angle_is_small() -> None:
    rows = as_roots(np.random.default_rng(0).random((50, HSV.dimension)))
    values = HSV.encoding.values(rows)
    vectors = Geometry(HSV, "unit").vectors(rows)
    exact = metrics.cosine(values[0], values)
    assert np.allclose(np.square(vectors - vectors[0]).sum(axis=1) / 2, exact, atol=1e-5)
    nothing = Geometry(HSV, "unit").vectors(np.zeros((1, HSV.dimension), np.uint8))
    assert np.isfinite(nothing).all()


def test_the_quality_of_a_hash_is_no_bit() -> None:
    descriptor = parse("phash").descriptor
    rows = rows_of("phash", range(3))
    assert rows.shape[1] == 33
    assert Geometry(descriptor, "bits").vectors(rows).shape == (3, 32)


def test_negative_numbers_have_no_roots() -> None:
    sample = np.array([[-1, 2]], np.int8)
    assert forms_of(HSV, "manhattan", sample) == ("values",)
    assert forms_of(HSV, "manhattan", np.abs(sample)) == ("roots", "values")
    assert forms_of(parse("asmk").descriptor, "cosine", sample) == ()


def test_the_shortest_vectors_that_lose_little_are_chosen() -> None:
    rows = rows_of("hsv:layout=none", range(2000))
    chosen = choose_vectors(HSV, metrics.get("chi2"), rows)
    whole = choose_vectors(HSV, metrics.get("chi2"), rows, 0)
    asked = choose_vectors(HSV, metrics.get("chi2"), rows, 5)
    assert chosen and whole and asked
    assert chosen.vector_map.width <= whole.vector_map.width == HSV.dimension
    assert asked.vector_map.width == 5
    assert asked.coverage < 0.96 * whole.coverage <= chosen.coverage
    multiple = choose_vectors(HSV, metrics.get("chi2"), rows, None, 16)
    assert multiple and multiple.vector_map.width % 16 == 0


def test_a_projection_that_was_kept_is_the_same_and_nothing_else_is_taken_for_it() -> None:
    sample = np.random.default_rng(0).standard_normal((90, 6)).astype(np.float32)
    projection = Projection.of(sample, 3)
    again = Projection.from_arrays(projection.arrays, 6, 3)
    assert np.array_equal(again(sample), projection(sample))
    for wrong in ({}, {**projection.arrays, "mean": np.full(6, np.nan, np.float32)}):
        with pytest.raises(ValueError, match="not a projection"):
            Projection.from_arrays(wrong, 6, 3)
    with pytest.raises(ValueError, match="not a projection"):
        Projection.from_arrays(projection.arrays, 6, 2)
