"""Mixtures: against scikit-learn's, and against the derivatives of the likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from cbir.core.progress import ProgressListener
from cbir.descriptors.encoders.gmm import Mixture, fit_mixture


def some_mixture(components: int, dimensions: int, seed: int = 0) -> Mixture:
    rng = np.random.default_rng(seed)
    parts = (
        rng.dirichlet(np.full(components, 5)),
        rng.normal(0, 1, (components, dimensions)),
        rng.uniform(0.05, 2, (components, dimensions)),
    )
    return Mixture(*(part.astype(np.float32) for part in parts))


def some_rows(count: int, dimensions: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1.5, (count, dimensions)).astype(np.float32)


def as_scikit(mixture: Mixture) -> GaussianMixture:
    weights, means, variances = (
        part.astype(float) for part in (mixture.weights, mixture.means, mixture.variances)
    )
    same = GaussianMixture(len(weights), covariance_type="diag")
    same.weights_, same.means_, same.covariances_ = weights / weights.sum(), means, variances
    same.precisions_cholesky_ = 1 / np.sqrt(variances)
    return same


def clusters() -> np.ndarray:
    """Rows of five clusters that overlap, each of its own width."""
    rng = np.random.default_rng(2)
    centers, widths = rng.normal(0, 2, (5, 6)), rng.uniform(0.2, 1.5, (5, 6))
    owner = rng.integers(0, 5, 5000)
    return (centers[owner] + widths[owner] * rng.normal(size=(5000, 6))).astype(np.float32)


def plain_fisher_vector(mixture: Mixture, rows: np.ndarray) -> np.ndarray:
    """The published formulas, row by row and component by component."""
    weights, means, variances = (
        part.astype(float) for part in (mixture.weights, mixture.means, mixture.variances)
    )
    by_mean, by_deviation = np.zeros(means.shape), np.zeros(means.shape)
    for row in rows.astype(float):
        logs = [
            np.log(weight) + norm.logpdf(row, mean, np.sqrt(variance)).sum()
            for weight, mean, variance in zip(weights, means, variances, strict=True)
        ]
        posterior = np.exp(np.array(logs) - logsumexp(logs))
        for k, (mean, variance) in enumerate(zip(means, variances, strict=True)):
            by_mean[k] += posterior[k] * (row - mean) / np.sqrt(variance)
            by_deviation[k] += posterior[k] * ((row - mean) ** 2 / variance - 1)
    root = np.sqrt(weights)[:, None]
    parts = [by_mean / (len(rows) * root), by_deviation / (len(rows) * np.sqrt(2) * root)]
    return np.concatenate(parts).ravel()


def posteriors(mixture: Mixture, rows: np.ndarray) -> np.ndarray:
    """Return how probably each row is of each component: its share of the weighted counts."""
    return np.stack([mixture.weighted_sums(row[None])[:, 0] for row in rows])


@pytest.mark.parametrize(("components", "dimensions"), [(1, 1), (3, 2), (16, 30), (5, 1)])
def test_posteriors_are_those_of_scikit_learn(components: int, dimensions: int) -> None:
    mixture, rows = some_mixture(components, dimensions), some_rows(300, dimensions)
    found = posteriors(mixture, rows)
    assert found.shape == (300, components) and found.dtype == np.float32
    np.testing.assert_allclose(found, as_scikit(mixture).predict_proba(rows), atol=2e-5)


def test_rows_far_from_every_component_have_posteriors() -> None:
    found = posteriors(some_mixture(4, 3), np.float32(1000) * some_rows(50, 3))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 30), st.integers(0, 99))
def test_the_fisher_vector_is_that_of_the_formulas(
    components: int, dimensions: int, count: int, seed: int
) -> None:
    mixture, rows = some_mixture(components, dimensions, seed), some_rows(count, dimensions, seed)
    found = mixture.fisher_vector(rows)
    assert found.dtype == np.float32
    expected = plain_fisher_vector(mixture, rows)
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_the_fisher_vector_is_the_gradient_of_the_likelihood() -> None:
    mixture, rows = some_mixture(3, 4), some_rows(40, 4)
    weights = mixture.weights.astype(float)
    deviations = np.sqrt(mixture.variances.astype(float))

    def likelihood(parameters: np.ndarray) -> float:
        means, widths = parameters.reshape(2, 3, 4)
        logs = norm.logpdf(rows[:, None].astype(float), means, widths).sum(axis=2)
        return float(logsumexp(logs + np.log(weights), axis=1).mean())

    at = np.concatenate([mixture.means.astype(float), deviations]).ravel()
    gradient = approx_fprime(at, likelihood, 1e-6).reshape(2, 3, 4)
    # The diagonal of the Fisher information, by which the gradient is normalized.
    expected = gradient * deviations / np.sqrt(weights)[:, None] / [[[1]], [[np.sqrt(2)]]]
    np.testing.assert_allclose(mixture.fisher_vector(rows), expected.ravel(), atol=1e-4)


def test_of_what_the_mixture_was_fitted_to_it_is_almost_zero() -> None:
    rows = clusters()
    mixture = fit_mixture(rows, 5)
    assert np.abs(mixture.fisher_vector(rows)).max() < 0.01
    assert np.abs(mixture.fisher_vector(rows[:200] + 1)).max() > 0.3


@pytest.mark.parametrize("components", [1, 5, 12])
def test_a_fit_is_as_likely_as_that_of_scikit_learn(components: int) -> None:
    rows = clusters()
    theirs = GaussianMixture(components, covariance_type="diag", random_state=0).fit(rows)
    ours = as_scikit(fit_mixture(rows, components)).score(rows)
    assert ours > theirs.score(rows) - 0.01 * abs(theirs.score(rows))


def test_more_rows_than_a_block_count_all() -> None:
    rows = some_rows(45_000, 2)
    mixture = fit_mixture(rows, 1)
    np.testing.assert_allclose(mixture.means[0], rows.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(mixture.variances[0], rows.var(axis=0), rtol=1e-4)


def test_a_fit_is_always_the_same() -> None:
    rows = clusters()
    one, other = fit_mixture(rows, 7), fit_mixture(rows.copy(), 7)
    for name in ("weights", "means", "variances"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
        assert getattr(one, name).dtype == np.float32
    assert one.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "rows",
    [
        np.zeros((9, 2), np.float32),
        np.repeat(np.eye(2, dtype=np.float32), 20, axis=0),
        np.arange(8, dtype=np.float32).reshape(4, 2),
    ],
    ids=["alike", "of two kinds", "as many as components"],
)
def test_too_little_to_tell_apart_gives_a_mixture_still(rows: np.ndarray) -> None:
    mixture = fit_mixture(rows, 4)
    assert (mixture.variances > 0).all()
    np.testing.assert_allclose(posteriors(mixture, rows).sum(axis=1), 1, atol=1e-6)
    assert np.isfinite(mixture.fisher_vector(rows)).all()


def test_it_tells_its_rounds() -> None:
    class Counting(ProgressListener):
        rounds = 0

        def begin(self, task: str, total: int, unit: str = "images") -> None:
            assert (task, total, unit) == ("fitting a mixture", 25, "rounds")

        def advance(self, steps: int = 1) -> None:
            self.rounds += steps

    listener = Counting()
    fit_mixture(some_rows(50, 2), 2, listener)
    assert listener.rounds == 25
