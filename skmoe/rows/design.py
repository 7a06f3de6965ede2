# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The design matrix that the linear parts of the model are solved on."""

import numpy as np
import scipy.sparse as sp

from skmoe.kernels import get_kernels
from skmoe.numerics.batches import block_batches
from skmoe.numerics.packed import unpack_grams
from skmoe.rows.blocks import DenseBlock, SparseBlock
from skmoe.rows.moments import weighted_moments


class Design:
    """Standardised columns and an intercept, with the way back to the user's scale.

    ``matrix = [(X - center) / scale, 1]`` of shape (n_samples, n_features + 1), of
    which only blocks of rows ever exist. Linear scores are the same on both scales; the
    standardised one keeps the normal equations well conditioned and gives penalties and
    steps one unit. Sparse input is never filled: its blocks are centred and scaled in
    what is made of them.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Kept, not copied.
    weights : ndarray of shape (n_samples,)
    centered : bool, default=True
        False where a model without an intercept must be expressed.
    kernels : module, default=None
        See `skmoe.kernels`; None: those in NumPy.
    """

    def __init__(self, X, weights, centered=True, kernels=None):
        self.X = X
        self.weights = weights
        self.kernels = get_kernels() if kernels is None else kernels
        mean, variance = weighted_moments(X, weights)
        deviation = np.sqrt(variance)
        # A constant column has only rounding left as its deviation.
        constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        constant |= deviation == 0
        self.scale = np.where(constant, 1.0, deviation)
        self.inverse_scale = 1.0 / self.scale
        if not centered:
            self.center = np.zeros_like(mean)
        else:
            self.center = mean
            self.inverse_scale[constant] = 0.0  # centring leaves rounding only

    @property
    def n_columns(self):
        """Number of columns, the intercept's included."""
        return self.X.shape[1] + 1

    def block(self, rows):
        """Return the block of some rows (a slice or indices)."""
        if sp.issparse(self.X):
            X = self.X[rows]
            return SparseBlock(X, self.center, self.inverse_scale, self.kernels)
        return DenseBlock(self.X[rows], self.center, self.inverse_scale, self.kernels)

    def gram(self, weights=None):
        """Weighted mean of ``a a'``, (p, p), with these or other weights."""
        weights = self.weights if weights is None else weights
        packed = 0.0
        for rows in block_batches(0, len(self.weights), self.n_columns, 1):
            packed = packed + self.block(rows).grams(weights[None, rows])
        return unpack_grams(packed, self.n_columns)[0] / weights.sum()

    def standardised(self):
        """Scaled columns, (n, d), centred where X is dense: a copy of the size of X."""
        if sp.issparse(self.X):
            return sp.csr_matrix(self.X @ sp.diags(self.inverse_scale))
        return (self.X - self.center) * self.inverse_scale

    def to_user(self, coefficients):
        """Slopes (..., n_features) and intercepts (...) on the scale of `X`."""
        slopes = coefficients[..., :-1] / self.scale
        # Rounding in what no row sees would be multiplied by the column's mean.
        slopes[..., self.inverse_scale == 0] = 0.0
        return slopes, coefficients[..., -1] - slopes @ self.center

    def from_user(self, slopes, intercepts):
        """The inverse of `to_user`: (..., n_features + 1)."""
        intercepts = intercepts + slopes @ self.center
        return np.concatenate([slopes * self.scale, intercepts[..., None]], axis=-1)


class Designs:
    """One `Design` per input array, so that gate and experts share theirs."""

    def __init__(self, weights, kernels=None):
        self.weights = weights
        self.kernels = kernels
        self._cache = {}

    def get(self, X, centered=True):
        """Return the design of `X`, built once."""
        key = (id(X), centered)
        if key not in self._cache:
            self._cache[key] = Design(X, self.weights, centered, self.kernels)
        return self._cache[key]
