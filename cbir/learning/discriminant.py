"""Fits a linear projection that brings images of a class near each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbir.core.errors import CbirError

SHRINKAGE = 0.3
"""How much of the scatter within classes is taken to be the same in all directions: of 0.1 to 0.95,
on four labeled sets and by three descriptors, this was near the best in all."""

RESIDUAL_WEIGHT = 0.5
"""What the directions count that do not tell the known classes apart. Without them, classes that
were not learned from were found much worse than before; with 1, the others were."""

_COMPONENTS = 1024
"""Principal components that the values are reduced to first: more make it slow, and no better."""

_TINY = 1e-9

_NOTHING = (
    "the images of each class have the same numbers, so that there is nothing to learn; give other"
    " labels, or another descriptor"
)


def fitted_projection(
    values: NDArray[np.floating[Any]], labels: NDArray[np.intp], dimension: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a regularized linear discriminant analysis, and what it leaves.

    The values are reduced to principal components. The discriminants of the classes, of which there
    are at most one less than classes, come first: within classes they have the variance 1. The
    principal components of what they leave, measured likewise and at half the weight, make up the
    rest, so that classes that were not learned from can still be told apart.

    Parameters
    ----------
    values : ndarray, shape (n, length)
        Of images.
    labels : ndarray of int, shape (n,)
        Their classes. Those of one image teach nothing and are left out.
    dimension : int
        Numbers of a projection.

    Returns
    -------
    mean : ndarray of float64, shape (length,)
    matrix : ndarray of float64, shape (length, dimension)
        What values less their mean are to be multiplied by; the last columns are 0 where there are
        fewer images or numbers.

    Raises
    ------
    CbirError
        When scikit-learn is missing, or the values give nothing to learn.

    References
    ----------
    J. H. Friedman, "Regularized discriminant analysis", Journal of the American Statistical
    Association 84(405), 1989; P. N. Belhumeur, J. P. Hespanha, D. J. Kriegman, "Eigenfaces vs.
    Fisherfaces", IEEE Transactions on Pattern Analysis and Machine Intelligence 19(7), 1997, for
    principal components before discriminants.
    """
    check_scikit_learn()
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    sizes = np.bincount(labels)
    several = sizes[labels] > 1
    values, labels = values[several], labels[several]
    if len(np.unique(labels)) < 2:
        raise CbirError("there are no two classes of two images to learn from; give more labels")
    if values.var(axis=0).sum() < _TINY:
        raise CbirError(_NOTHING)
    # The decomposition that is faster for the shape; the axes are the same.
    solver = "full" if 2 * len(values) < values.shape[1] else "covariance_eigh"
    reduction = PCA(min(_COMPONENTS, len(values) - 1, values.shape[1]), svd_solver=solver)
    reduced = reduction.fit_transform(values).astype(np.float64)
    variances = reduction.explained_variance_
    there = variances > _TINY * variances.sum()
    axes, reduced = reduction.components_[there].T.astype(np.float64), reduced[:, there]
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
    try:
        analysis.fit(reduced, labels)
    except np.linalg.LinAlgError:  # no scatter within the classes
        raise CbirError(_NOTHING) from None
    count = min(len(np.unique(labels)) - 1, dimension, reduced.shape[1])
    discriminants, rest = np.split(analysis.scalings_, [count], axis=1)
    left = min(dimension - count, rest.shape[1])
    if left:
        residual = PCA(left, svd_solver="covariance_eigh").fit(reduced @ rest)
        rest = RESIDUAL_WEIGHT * rest @ residual.components_.T
    matrix = np.zeros((len(axes), dimension))
    matrix[:, : count + left] = axes @ np.hstack([discriminants, rest[:, :left]])
    return reduction.mean_.astype(np.float64), matrix


def check_scikit_learn() -> None:
    """Make sure that scikit-learn is there.

    Raises
    ------
    CbirError
        When it is not.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise CbirError(
            "learning from labels needs the optional package scikit-learn; install it:"
            " pip install 'cbir[learn]'"
        ) from None
