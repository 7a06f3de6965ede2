# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Weighted Gram matrices of K models in one pass, and solves with them."""

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_solve, cholesky
from sklearn.utils import gen_batches

# Rows per block: the scaled copy of a block stays in the second-level cache.
BLOCK_ROWS = 1024
# Below this share of the largest (unit) eigenvalue a direction counts as missing.
RANK_TOLERANCE = 1e-10


def product(X, W):
    """``X @ W`` (n, m), columns contiguous; X may be sparse.

    What follows a product with the stacked coefficients of K models runs along rows of
    K numbers, which is several times faster on contiguous columns; element-wise
    operations keep the order.
    """
    return (W.T @ X.T).T


def weighted_grams(A, weights):
    """``A' diag(weights[:, k]) A`` for all k.

    Parameters
    ----------
    A : {ndarray, CSR matrix} of shape (n, p)
    weights : ndarray of shape (n, K)

    Returns
    -------
    ndarray of shape (K, p, p)
    """
    n_models, n_columns = weights.shape[1], A.shape[1]
    if sp.issparse(A):
        return np.stack(
            [
                (A.T @ (sp.diags(w) @ A)).toarray()
                for w in np.ascontiguousarray(weights.T)
            ]
        )
    grams = np.zeros((n_models * n_columns, n_columns))
    # One product per block with the K scaled copies side by side: far faster than K
    # small products, and a block is read from cache K times, from memory once.
    for rows in gen_batches(A.shape[0], BLOCK_ROWS):
        # Rows last in memory: the products run along them, whatever K and p are.
        block = np.ascontiguousarray(A[rows].T)
        scaled = np.ascontiguousarray(weights[rows].T)[:, None, :] * block
        grams += scaled.reshape(n_models * n_columns, -1) @ block.T
    return grams.reshape(n_models, n_columns, n_columns)


class SymmetricSolver:
    """Solve ``G x = b`` for symmetric non-negative G; the minimum-norm x if singular.

    The matrix is brought to a unit diagonal, so that the test of its rank does not
    depend on the units of its rows. Cholesky where it is well conditioned, eigenvectors
    otherwise.
    """

    def __init__(self, G):
        diagonal = np.diagonal(G)
        floor = np.finfo(np.float64).tiny
        self.scale = 1.0 / np.sqrt(np.where(diagonal > floor, diagonal, 1.0))
        unit = G * self.scale[:, None] * self.scale
        self.null_space = np.empty((G.shape[0], 0))
        try:
            self.factor = cholesky(unit, lower=True)
            self.full_rank = np.diagonal(self.factor).min() ** 2 > RANK_TOLERANCE
        except np.linalg.LinAlgError:
            self.full_rank = False
        if not self.full_rank:
            self._decompose(unit)

    def _decompose(self, unit):
        values, vectors = np.linalg.eigh(unit)
        keep = values > RANK_TOLERANCE * max(values[-1], np.finfo(np.float64).tiny)
        self.factor = vectors[:, keep] / np.sqrt(values[keep])
        self.null_space = vectors[:, ~keep] * self.scale[:, None]

    def solve(self, b):
        """Return x (p,) or (p, m)."""
        scale = self.scale if b.ndim == 1 else self.scale[:, None]
        if self.full_rank:
            return scale * cho_solve((self.factor, True), scale * b, check_finite=False)
        return scale * (self.factor @ (self.factor.T @ (scale * b)))
