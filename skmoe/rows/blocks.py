# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of rows that fit the cache: where products with the data happen."""

import numpy as np


class DenseBlock:
    """Some rows of a standardised design, rows last: A (p, n), the last row one."""

    def __init__(self, X, center, inverse_scale, kernels):
        n_samples, n_features = X.shape
        self.kernels = kernels
        self.A = np.empty((n_features + 1, n_samples))
        np.subtract(X.T, center[:, None], out=self.A[:-1])
        self.A[:-1] *= inverse_scale[:, None]
        self.A[-1] = 1.0

    def scores(self, coefficients):
        """``coefficients @ A``: (m, p) to (m, n)."""
        return coefficients @ self.A

    def cross(self, values):
        """``values @ A'``: (m, n) to (m, p)."""
        return values @ self.A.T

    def grams(self, weights):
        """Upper triangles of ``A diag(w) A'``: (q, n) to (p (p + 1) / 2, q)."""
        return self.kernels.weighted_grams(self.A, weights)


class SparseBlock:
    """The same of CSR rows, never filled: products are centred and scaled after."""

    def __init__(self, X, center, inverse_scale, kernels):
        self.X = X
        self.center = center
        self.inverse_scale = inverse_scale
        self.kernels = kernels

    def scores(self, coefficients):
        """``coefficients @ A``: (m, p) to (m, n)."""
        slopes = coefficients[:, :-1] * self.inverse_scale
        intercepts = coefficients[:, -1] - slopes @ self.center
        return (self.X @ slopes.T).T + intercepts[:, None]

    def cross(self, values):
        """``values @ A'``: (m, n) to (m, p)."""
        totals = values.sum(axis=1, keepdims=True)
        slopes = (self.X.T @ values.T).T - totals * self.center
        return np.hstack([slopes * self.inverse_scale, totals])

    def grams(self, weights):
        """Upper triangles of ``A diag(w) A'``: (q, n) to (p (p + 1) / 2, q)."""
        n_features, center = self.X.shape[1], self.center
        X, scale = self.X, np.append(self.inverse_scale, 1.0)
        raw = self.kernels.csr_weighted_grams(
            X.data, X.indices, X.indptr, n_features, weights
        )
        first, second = np.triu_indices(n_features)
        totals, sums = weights.sum(axis=1), X.T @ weights.T
        # sum w (x - c)(x - c)' = sum w x x' - c s' - s c' + W c c'
        raw -= center[first, None] * (sums[second] - totals * center[second, None])
        raw -= sums[first] * center[second, None]
        rows, columns = np.triu_indices(n_features + 1)
        grams = np.empty((len(rows), len(weights)))
        grams[columns < n_features] = raw
        grams[columns == n_features, :] = np.vstack(
            [sums - totals * center[:, None], totals]
        )
        return grams * (scale[rows] * scale[columns])[:, None]
