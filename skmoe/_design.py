# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The design matrix that the linear parts of the model are solved on."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import mean_variance_axis


class Design:
    """Standardised columns and an intercept, with the way back to the user's scale.

    ``matrix = [(X - center) / scale, 1]`` of shape (n_samples, n_features + 1). Linear
    scores are the same on both scales; the standardised one keeps the normal equations
    well conditioned and gives penalties and steps one unit. Sparse input is scaled but
    never centred (that would fill it), which changes no maximiser, because intercepts
    are not penalised.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,)
    centered : bool, default=True
        False where a model without an intercept must be expressed.
    """

    def __init__(self, X, weights, centered=True):
        mean, variance = weighted_moments(X, weights)
        deviation = np.sqrt(variance)
        # A constant column has only rounding left as its deviation.
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        constant |= deviation == 0
        self.scale = np.where(constant, 1.0, deviation)
        if sp.issparse(X) or not centered:
            self.center = np.zeros_like(mean)
        else:
            self.center = mean
        self.matrix = self._build(X, constant)

    def _build(self, X, constant):
        ones = np.ones((X.shape[0], 1))
        if sp.issparse(X):
            scaled = X @ sp.diags(1.0 / self.scale)
            return sp.csr_matrix(sp.hstack([scaled, ones]))
        matrix = np.empty((X.shape[0], X.shape[1] + 1))
        np.subtract(X, self.center, out=matrix[:, :-1])
        matrix[:, :-1] /= self.scale
        if self.center.any():  # centring leaves only rounding of a constant column
            matrix[:, :-1][:, constant] = 0.0
        matrix[:, -1:] = ones
        return matrix

    def to_user(self, coefficients):
        """Slopes (..., n_features) and intercepts (...) on the scale of `X`."""
        slopes = coefficients[..., :-1] / self.scale
        return slopes, coefficients[..., -1] - slopes @ self.center

    def from_user(self, slopes, intercepts):
        """The inverse of `to_user`: (..., n_features + 1)."""
        intercepts = intercepts + slopes @ self.center
        return np.concatenate([slopes * self.scale, intercepts[..., None]], axis=-1)


def weighted_moments(X, weights):
    """Weighted mean and variance of each column, each (n_features,)."""
    if sp.issparse(X):
        return mean_variance_axis(X, axis=0, weights=weights.astype(X.dtype))
    share = weights / weights.sum()
    mean = share @ X
    return mean, share @ (X - mean) ** 2


class Designs:
    """One `Design` per input array, so that gate and experts share theirs."""

    def __init__(self, weights):
        self.weights = weights
        self._cache = {}

    def get(self, X, centered=True):
        """Return the design of `X`, built once."""
        key = (id(X), centered)
        if key not in self._cache:
            # `X` is kept beside its design: an id is only unique among living objects.
            self._cache[key] = X, Design(X, self.weights, centered)
        return self._cache[key][1]
