# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Blocks of rows that fit the cache: where products with the data happen."""

from contextlib import ExitStack
from functools import lru_cache
from threading import Lock

import numpy as np
from threadpoolctl import ThreadpoolController

# Doubles of a block's largest intermediate: half of a common second-level cache.
CACHE_SIZE = 2**17
# Rows handed to one thread at a time. It does not depend on the number of threads, so
# that neither does the order in which sums are added.
TASK_ROWS = 2**14


def block_batches(start, stop, n_columns, n_weights):
    """Slices from `start` to `stop`, as long as the cache holds what they grow to."""
    n_weights = max(n_weights, 1)
    width = n_columns * min((n_columns + 1) // 2, n_weights) + n_weights
    return row_batches(start, stop, min(max(CACHE_SIZE // width, 128), 2048))


def row_batches(start, stop, length):
    """Slices of `length` rows from `start` to `stop`."""
    # scikit-learn's gen_batches validates its parameters, which takes as long as an
    # E-step of some hundred rows.
    return [
        slice(first, min(first + length, stop)) for first in range(start, stop, length)
    ]


class OneBlasThread:
    """Context in which BLAS has one thread, for all threads of the process.

    The products of a block are too small to share: threads of BLAS would wait for one
    another (up to three times the time on a quiet machine, forty times on a busy one).
    The limit is the process's, so of fits that overlap in several threads the first one
    sets it and the last one lifts it.
    """

    def __init__(self):
        self.lock = Lock()
        self.n_inside = 0
        self.controller = None
        self.limit = ExitStack()

    def __enter__(self):
        with self.lock:
            if self.controller is None:  # to find the libraries takes milliseconds
                self.controller = ThreadpoolController()
            if self.n_inside == 0:
                one = self.controller.limit(limits=1, user_api="blas")
                self.limit.enter_context(one)
            self.n_inside += 1

    def __exit__(self, *exception):
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.limit.close()


one_blas_thread = OneBlasThread()


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


def unpack_grams(packed, n_columns):
    """Symmetric matrices (q, p, p) from their upper triangles (p (p + 1) / 2, q)."""
    return packed.T[:, triangle_positions(n_columns)]


@lru_cache(maxsize=8)
def triangle_positions(n_columns):
    """Where entry (a, b) stands in the upper triangle, (p, p)."""
    rows, columns = np.triu_indices(n_columns)
    positions = np.empty((n_columns, n_columns), dtype=np.intp)
    positions[rows, columns] = positions[columns, rows] = np.arange(len(rows))
    return positions
