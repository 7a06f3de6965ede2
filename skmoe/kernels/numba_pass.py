# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A whole pass over rows in one compiled call: linear experts, softmax gate, dense X.

It adds up the sums of `skmoe.em.states.summed.SummedMixture`, whose way block by block
is its specification. It exists for the sake of threads: between the kernels of a block
they would contend for Python's lock, and two would be slower than one
(docs/benchmarks.md).
"""

import numpy as np

from skmoe.kernels.numba_kernels import (
    _column_pairs,
    _jit,
    _normal,
    _normal_log_density,
    _posterior,
    _softmax,
    _softmax_curvature,
    pairs_tile,
)

# Rows of a block, at most: what K experts have for it stays in the cache.
BLOCK_ROWS = 2048
MIN_ROWS = 128


@_jit
def _workspace(n_rows, n_columns, n_experts, n_targets, n_grams):
    """Arrays for a block; made once, for fresh memory costs more than the sums."""
    n_means = n_experts * n_targets
    return (
        np.ones((n_columns, n_rows)),  # A, its last row the intercept's
        np.empty((n_targets, n_rows)),  # y
        np.zeros((1, n_experts, n_rows)),  # gate scores, zero for the last expert
        np.empty((1, n_experts, n_rows)),  # log gate
        np.empty((1, n_experts, n_rows)),  # gate
        np.empty((n_means, n_rows)),  # means, then weighted residuals
        np.empty((n_experts, n_rows)),  # log density, then gate residuals
        np.empty((n_experts, n_targets, n_rows)),  # residuals
        np.empty((n_experts, n_rows)),  # responsibilities
        np.empty((n_grams, n_rows)),  # Gram weights
        np.empty((n_columns * (n_columns + 1) // 2, n_rows)),  # pairs of columns
        np.ones(n_rows),
    )


@_jit
def _pack(X, y, center, inverse_scale, start, A, targets):
    """Standardised rows and their targets, rows last in memory."""
    for i in range(A.shape[1]):
        for j in range(X.shape[1]):
            A[j, i] = (X[start + i, j] - center[j]) * inverse_scale[j]
        for t in range(y.shape[1]):
            targets[t, i] = y[start + i, t]


@_jit
def _gate_moments(gate, weights, share, is_newton, residuals, curvature):
    """Residuals of the gate, and the Gram weights of its information."""
    n_experts, n_rows = share.shape
    if is_newton:
        _softmax_curvature(gate, weights.reshape((1, n_rows)), curvature)
    for k in range(n_experts):
        g, r, out = gate[0, k], share[k], residuals[k]
        for i in range(n_rows):
            out[i] = r[i] - weights[i] * g[i]
        if not is_newton:
            for i in range(n_rows):
                curvature[k, i] = weights[i] * g[i]


@_jit
def _expert_moments(residuals, share, ones, weighted, squares, totals):
    """Weighted residuals; add to their squares and to the experts' totals."""
    n_experts, n_targets, n_rows = residuals.shape
    for k in range(n_experts):
        totals[k] += np.dot(share[k], ones)
        for t in range(n_targets):
            row, residual, r = weighted[k * n_targets + t], residuals[k, t], share[k]
            for i in range(n_rows):
                row[i] = r[i] * residual[i]
            squares[k, t] += np.dot(row, residual)


@_jit
def _pass(X, y, weights, center, inverse_scale, V, B, sigma, is_newton, block_rows):
    n_experts, n_targets = sigma.shape
    n_samples, n_columns = len(X), V.shape[1]
    n_gate = n_experts * (n_experts - 1) // 2 if is_newton else n_experts
    n_grams = n_gate + n_experts
    gradient, slope = np.zeros((n_experts, n_columns)), np.zeros(B.shape)
    squares, totals = np.zeros(sigma.shape), np.zeros(n_experts)
    grams = np.zeros((n_grams, n_columns * (n_columns + 1) // 2))
    log_likelihood, n_rows, start = 0.0, min(block_rows, n_samples), 0
    space = _workspace(n_rows, n_columns, n_experts, n_targets, n_grams)
    while start < n_samples:
        if n_samples - start < n_rows:
            n_rows = n_samples - start
            space = _workspace(n_rows, n_columns, n_experts, n_targets, n_grams)
        A, targets, scores, log_gate, gate, means = space[:6]
        density, residuals, share, gram_weights, pairs, ones = space[6:]
        w = weights[start : start + n_rows]
        _pack(X, y, center, inverse_scale, start, A, targets)
        np.dot(V, A, out=scores[0, : n_experts - 1])
        _softmax(scores, log_gate, gate)
        np.dot(B, A, out=means)
        by_expert = means.reshape((n_experts, n_targets, n_rows))
        _normal_log_density(targets, by_expert, sigma, density, residuals)
        log_likelihood += _posterior(log_gate[0], density, w, share)
        _gate_moments(gate, w, share, is_newton, density, gram_weights[:n_gate])
        gradient += np.dot(density, A.T)
        _expert_moments(residuals, share, ones, means, squares, totals)
        slope += np.dot(means, A.T)
        gram_weights[n_gate:] = share
        _column_pairs(A, 0, pairs)
        grams += np.dot(gram_weights, pairs.T)
        start += n_rows
    return log_likelihood, totals, gradient, slope, squares, grams


def normal_softmax_pass(X, weights, center, inverse_scale, gate, experts):
    """Sums over some rows, as `SummedMixture` nests them.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
    center, inverse_scale : ndarray of shape (d,)
        What standardises the columns.
    gate : (ndarray of shape (K - 1, d + 1), bool)
        Coefficients V relative to the last expert, and whether the gate's information
        is its Hessian or the block-diagonal bound.
    experts : (ndarray (n, T), ndarray (K T, d + 1), ndarray (K, T))
        Targets, coefficients B and standard deviations.

    Returns
    -------
    list
        Log likelihood, totals (K,), gate sums, expert sums, packed Gram matrices.
    """
    (V, is_newton), (y, B, sigma) = gate, experts
    n_columns = V.shape[1]
    block_rows = min(max(pairs_tile(n_columns), MIN_ROWS), BLOCK_ROWS)
    log_likelihood, totals, gradient, slope, squares, grams = _pass(
        _normal(X),
        _normal(y),
        _normal(weights),
        _normal(center),
        _normal(inverse_scale),
        _normal(V),
        _normal(B),
        _normal(sigma),
        bool(is_newton),
        block_rows,
    )
    sums = [totals.copy(), slope, squares]
    return [np.array(log_likelihood), totals, [gradient], sums, [grams.T]]
