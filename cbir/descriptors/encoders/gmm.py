"""Mixtures of Gaussians, and Fisher vectors of what they model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbir.core.progress import ProgressListener
from cbir.descriptors.arrays import FloatArray

_ROUNDS = 25
"""Of expectation and maximization; more changed nothing that could be measured."""

_SEEDING_ROWS = 60_000
_SEEDING_ROUNDS = 15

_ROWS_PER_BLOCK = 20_000

_LEAST_VARIANCE = 1e-3
"""Of a component, as a share of the whole variance."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of k Gaussians with diagonal covariances, in d dimensions.

    Attributes
    ----------
    weights : ndarray of float32, shape (k,)
        Of the components; their sum is 1.
    means, variances : ndarray of float32, shape (k, d)
    """

    weights: FloatArray
    means: FloatArray
    variances: FloatArray

    def fisher_vector(self, rows: FloatArray) -> FloatArray:
        r"""Return the gradient of the rows' mean log-likelihood, by the means and the deviations.

        With the posteriors :math:`\gamma_i(k)` of row i:

        .. math::
            \frac{1}{n\sqrt{w_k}} \sum_i \gamma_i(k) \frac{x_i - \mu_k}{\sigma_k}, \qquad
            \frac{1}{n\sqrt{2 w_k}} \sum_i \gamma_i(k)
            \left[\frac{(x_i - \mu_k)^2}{\sigma_k^2} - 1\right]

        Parameters
        ----------
        rows : ndarray of float32, shape (n, d)
            At least one.

        Returns
        -------
        ndarray of float32, shape (2 k d,)
            All components by the means, then all by the deviations.

        References
        ----------
        F. Perronnin, J. Sánchez, T. Mensink, "Improving the Fisher kernel for large-scale image
        classification", ECCV 2010; J. Sánchez et al., "Image classification with the Fisher
        vector", IJCV 105(3), 2013.

        Examples
        --------
        >>> one = Mixture(*(np.array(a, np.float32) for a in ([1], [[0]], [[1]])))
        >>> one.fisher_vector(np.array([[1], [1]], np.float32)).tolist()
        [1.0, 0.0]
        """
        count, sums, squares = _split(self.weighted_sums(rows))
        by_mean = (sums - count * self.means) / np.sqrt(self.variances)
        by_deviation = squares - 2 * self.means * sums + np.square(self.means) * count
        by_deviation = by_deviation / self.variances - count
        scale = len(rows) * np.sqrt(self.weights)[:, None]
        # math.sqrt: a root of numpy's would make everything float64.
        return np.concatenate([by_mean / scale, by_deviation / (math.sqrt(2) * scale)]).ravel()

    def weighted_sums(self, rows: FloatArray) -> FloatArray:
        """Return the sums, weighted by each component's posteriors, of 1, the rows, their squares.

        Parameters
        ----------
        rows : ndarray of float32, shape (n, d)

        Returns
        -------
        ndarray of float32, shape (k, 1 + 2 d)
        """
        terms = _terms(rows)
        # How likely each component makes each row, beside the likeliest: shape (k, n).
        likelihoods: FloatArray = self._log_density @ terms.T
        likelihoods -= likelihoods.max(axis=0)
        np.exp(likelihoods, out=likelihoods)
        # There are fewer terms than likelihoods to be divided by what a row has of these.
        terms /= likelihoods.sum(axis=0)[:, None]
        return likelihoods @ terms

    @cached_property
    def _log_density(self) -> FloatArray:
        """What 1, each number of a row and its square count in the logarithm of the density."""
        squares = (np.square(self.means) / self.variances).sum(axis=1)
        volume = np.log(self.variances).sum(axis=1)
        constant = np.log(self.weights) - (squares + volume) / 2
        factors = [constant[:, None], self.means / self.variances, -0.5 / self.variances]
        return np.concatenate(factors, axis=1)


def _terms(rows: FloatArray) -> FloatArray:
    """Return 1, the rows and their squares, side by side: one matrix product serves them all."""
    ones = np.ones((len(rows), 1), np.float32)
    return np.concatenate([ones, rows, np.square(rows)], axis=1)


def _split(
    sums: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Return those of 1, as a column, of the rows, and of their squares."""
    size = sums.shape[1] // 2
    return sums[:, :1], sums[:, 1 : size + 1], sums[:, size + 1 :]


def fit_mixture(
    rows: FloatArray, components: int, listener: ProgressListener | None = None
) -> Mixture:
    """Fit a mixture by expectation and maximization, from k-means; always the same one.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
        In any fixed order; at least as many as components.
    components : int
    listener : ProgressListener, optional
        Told of the rounds.

    References
    ----------
    A. Dempster, N. Laird, D. Rubin, "Maximum likelihood from incomplete data via the EM
    algorithm", J. R. Stat. Soc. B 39(1), 1977.

    Examples
    --------
    >>> rows = np.array([[0.0], [0.2], [5.0], [5.2]], np.float32)
    >>> np.sort(fit_mixture(rows, 2).means, axis=None).round(1)
    array([0.1, 5.1], dtype=float32)
    """
    listener = listener or ProgressListener()
    least = np.float32(_LEAST_VARIANCE) * rows.var(axis=0) + np.float32(1e-8)
    mixture = _seeded(rows, components, least)
    listener.begin("fitting a mixture", _ROUNDS, "rounds")
    for _ in range(_ROUNDS):
        mixture = _improved(mixture, rows, least)
        listener.advance()
    listener.end()
    return mixture


def _seeded(rows: FloatArray, components: int, least: FloatArray) -> Mixture:
    """Cluster some rows, and take the clusters for components."""
    import cv2

    chosen = np.random.default_rng(0).permutation(len(rows))[:_SEEDING_ROWS]
    some = np.ascontiguousarray(rows[np.sort(chosen)])
    cv2.setRNGSeed(0)
    rounds = (cv2.TERM_CRITERIA_COUNT, _SEEDING_ROUNDS, 0)
    nobody = np.empty((0, 0), np.int32)
    _, labels, _ = cv2.kmeans(some, components, nobody, rounds, 1, cv2.KMEANS_PP_CENTERS)
    owner = np.eye(components, dtype=np.float32)[labels.ravel()]
    return _maximized(owner.T @ _terms(some), least)


def _improved(mixture: Mixture, rows: FloatArray, least: FloatArray) -> Mixture:
    sums = np.zeros((len(mixture.weights), 1 + 2 * rows.shape[1]))
    for start in range(0, len(rows), _ROWS_PER_BLOCK):
        sums += mixture.weighted_sums(rows[start : start + _ROWS_PER_BLOCK])
    return _maximized(sums, least)


def _maximized(weighted_sums: NDArray[np.floating], least: FloatArray) -> Mixture:
    """Return the likeliest mixture for what the components have; see `weighted_sums`."""
    count, sums, squares = _split(weighted_sums)
    count = np.maximum(count, 1e-6)
    means = sums / count
    variances = np.maximum(squares / count - np.square(means), least)
    weights = count.ravel() / count.sum()
    return Mixture(*(part.astype(np.float32) for part in (weights, means, variances)))
