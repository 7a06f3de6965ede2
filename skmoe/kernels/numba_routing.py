# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The most probable expert of each row and its answer, in one compiled call.

`skmoe.numerics.routing.route_top_k` and `StackedExperts.kept_scores` are the
specification. It saves the traffic of the gate's scores: they are compared while a tile
of them is in the first cache.
"""

import numpy as np

from skmoe.kernels.numba_kernels import _jit, _normal

ROWS = 256


@_jit
def _best_of(scores, intercepts, best, index):
    """Largest score of each row, ties to the lower index."""
    n_rows = scores.shape[1]
    best[:n_rows] = -np.inf
    index[:n_rows] = 0
    for k in range(len(scores)):
        row, intercept = scores[k], intercepts[k]
        for i in range(n_rows):
            score = row[i] + intercept
            larger = score > best[i]
            best[i] = score if larger else best[i]
            index[i] = k if larger else index[i]


@_jit
def _best_linear(gate_X, X, gate_coef, gate_intercept, coef, intercept, index, answers):
    n_samples, n_scores = answers.shape
    best = np.empty(ROWS)
    scores = np.empty((len(gate_coef), min(ROWS, n_samples)))
    for start in range(0, n_samples, ROWS):
        stop = min(start + ROWS, n_samples)
        if stop - start < scores.shape[1]:
            scores = np.empty((len(gate_coef), stop - start))
        np.dot(gate_coef, gate_X[start:stop].T, out=scores)
        _best_of(scores, gate_intercept, best, index[start:stop])
        for i in range(start, stop):
            for s in range(n_scores):
                model = index[i] * n_scores + s
                answer = intercept[model]
                for j in range(X.shape[1]):
                    answer += X[i, j] * coef[model, j]
                answers[i, s] = answer


def best_linear(gate_X, X, gate_coef, gate_intercept, coef, intercept):
    """Most probable expert (n,) of each row, and its scores (n, m).

    Parameters
    ----------
    gate_X : ndarray of shape (n, d_g)
    X : ndarray of shape (n, d)
    gate_coef : ndarray of shape (K, d_g)
    gate_intercept : ndarray of shape (K,)
    coef : ndarray of shape (K m, d)
    intercept : ndarray of shape (K m,)
    """
    index = np.empty(len(X), dtype=np.int64)
    answers = np.empty((len(X), len(coef) // len(gate_coef)))
    arrays = gate_X, X, gate_coef, gate_intercept, coef, intercept
    _best_linear(*map(_normal, arrays), index, answers)
    return index, answers
