# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Solves with symmetric matrices that may be singular."""

import numpy as np
from scipy.linalg.lapack import dtrtri

# Below this share of the largest (unit) eigenvalue a direction counts as missing.
RANK_TOLERANCE = 1e-10


def product(X, W):
    """``X @ W`` (n, m), columns contiguous; X may be sparse.

    What follows a product with the stacked coefficients of K models runs along rows of
    K numbers, which is several times faster on contiguous columns; element-wise
    operations keep the order.
    """
    return (W.T @ X.T).T


class SymmetricSolver:
    """Solve ``G_k x = b`` for K symmetric non-negative G; minimum norm if singular.

    The matrices are brought to a unit diagonal, so that the test of their rank does not
    depend on the units of their rows. The inverse is kept as a product F F': F is the
    inverse of the Cholesky factor where G is well conditioned, and made of the
    eigenvectors kept otherwise.

    Parameters
    ----------
    G : ndarray of shape (K, p, p)

    Attributes
    ----------
    null_spaces : list of ndarray of shape (p, number of directions missing)
    """

    def __init__(self, G):
        diagonal = np.diagonal(G, axis1=1, axis2=2)
        floor = np.finfo(np.float64).tiny
        self.scale = 1.0 / np.sqrt(np.where(diagonal > floor, diagonal, 1.0))
        unit = G * self.scale[:, :, None] * self.scale[:, None, :]
        self.null_spaces = [np.empty((G.shape[1], 0))] * len(G)
        full_rank = self._factorise(unit)
        for k in np.flatnonzero(~full_rank):
            self._decompose(k, unit[k])

    def _factorise(self, unit):
        """Inverse Cholesky factors, and which matrices have one, (K,)."""
        try:
            lower = np.linalg.cholesky(unit)
        except np.linalg.LinAlgError:  # one of them is enough
            self.factors = np.zeros_like(unit)
            return np.zeros(len(unit), dtype=bool)
        pivots = np.diagonal(lower, axis1=1, axis2=2)
        full_rank = pivots.min(axis=1, initial=1.0) ** 2 > RANK_TOLERANCE
        if not full_rank.all():
            lower[~full_rank] = np.eye(unit.shape[1])
        # Triangular inverses: a third of the cost of factorising a general matrix.
        self.factors = np.empty_like(lower)
        for k in range(len(lower) if lower.size else 0):  # LAPACK refuses no columns
            self.factors[k] = dtrtri(lower[k].T)[0]
        return full_rank

    def _decompose(self, k, unit):
        values, vectors = np.linalg.eigh(unit)
        keep = values > RANK_TOLERANCE * max(values[-1], np.finfo(np.float64).tiny)
        roots = np.sqrt(np.where(keep, values, np.inf))
        self.factors[k] = vectors / roots
        self.null_spaces[k] = vectors[:, ~keep] * self.scale[k][:, None]

    def solve(self, b):
        """Return x (K, p, m) for b (K, p, m)."""
        scale = self.scale[:, :, None]
        return scale * (self.factors @ (self.factors.transpose(0, 2, 1) @ (scale * b)))
