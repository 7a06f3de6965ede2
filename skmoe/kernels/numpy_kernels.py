# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The hot loops in NumPy."""

import numpy as np
import scipy.sparse as sp

#: Loops run as NumPy's operations.
COMPILED = False
LOG_2_PI = np.log(2 * np.pi)
# Sparse blocks up to this many columns are cheaper as dense ones.
DENSE_COLUMNS = 64


def softmax(scores):
    """Log probabilities and probabilities of C classes in G groups.

    Parameters
    ----------
    scores : ndarray of shape (G, C, n)

    Returns
    -------
    log_proba, proba : ndarray of shape (G, C, n)
    """
    log_proba = scores - scores.max(axis=1, keepdims=True)
    proba = np.exp(log_proba)
    sums = proba.sum(axis=1, keepdims=True)
    log_proba -= np.log(sums)
    proba /= sums
    return log_proba, proba


def normal_log_density(y, means, sigma):
    """Gaussian log density summed over T targets, and the residuals.

    Parameters
    ----------
    y : ndarray of shape (T, n)
    means : ndarray of shape (K, T, n)
    sigma : ndarray of shape (K, T)

    Returns
    -------
    log_density : ndarray of shape (K, n)
    residuals : ndarray of shape (K, T, n)
    """
    residuals = y - means
    log_density = np.zeros((means.shape[0], means.shape[2]))
    for t in range(len(y)):
        standardised = residuals[:, t] / sigma[:, t, None]
        np.square(standardised, out=standardised)
        log_density += standardised
    log_density *= -0.5
    log_density -= np.sum(0.5 * LOG_2_PI + np.log(sigma), axis=1)[:, None]
    return log_density, residuals


def posterior(log_gate, log_density, weights):
    """Weighted responsibilities, and the weighted log likelihood of all rows.

    Parameters
    ----------
    log_gate, log_density : ndarray of shape (K, n)
    weights : ndarray of shape (n,)

    Returns
    -------
    responsibilities : ndarray of shape (K, n)
        They sum to the row's weight.
    log_likelihood : float
    """
    joint = log_gate + log_density
    best = joint.max(axis=0)
    joint -= best
    np.exp(joint, out=joint)
    sums = joint.sum(axis=0)
    joint *= weights / sums
    best += np.log(sums)
    return joint, float(weights @ best)


def softmax_curvature(proba, weights):
    """Row weights of the Gram matrices that make up a softmax Hessian.

    For each group the ``C (C - 1) / 2`` pairs a <= b of the first C - 1 classes, in the
    order of ``np.triu_indices(C - 1)``: ``w p_a (1 - p_a)`` and ``-w p_a p_b``.

    Parameters
    ----------
    proba : ndarray of shape (G, C, n)
    weights : ndarray of shape (G, n)

    Returns
    -------
    ndarray of shape (G C (C - 1) / 2, n)
    """
    n_groups, n_classes, n_samples = proba.shape
    weighted = proba * weights[:, None]
    curvature = np.empty((n_groups, n_classes * (n_classes - 1) // 2, n_samples))
    first = 0
    for a in range(n_classes - 1):
        pairs = curvature[:, first : first + n_classes - 1 - a]
        np.multiply(weighted[:, a : a + 1], -proba[:, a:-1], out=pairs)
        pairs[:, 0] += weighted[:, a]
        first += n_classes - 1 - a
    return curvature.reshape(-1, n_samples)


def weighted_grams(A, weights):
    """Upper triangles of ``A diag(w) A'`` for q weights per row.

    Parameters
    ----------
    A : ndarray of shape (p, n)
    weights : ndarray of shape (q, n)

    Returns
    -------
    ndarray of shape (p (p + 1) / 2, q)
        Pairs in the order of ``np.triu_indices(p)``.
    """
    n_columns, n_samples = A.shape
    n_weights = len(weights)
    if 2 * n_weights < n_columns:
        scaled = (weights[:, None] * A).reshape(-1, n_samples)
        full = (scaled @ A.T).reshape(n_weights, n_columns, n_columns)
        rows, columns = np.triu_indices(n_columns)
        return full[:, rows, columns].T
    # The products of all pairs of columns once, for all weights: half the arithmetic,
    # as long as forming them is shared by enough weights (docs/benchmarks.md).
    pairs = np.empty((n_columns * (n_columns + 1) // 2, n_samples))
    first = 0
    for a in range(n_columns):
        last = first + n_columns - a
        np.multiply(A[a], A[a:], out=pairs[first:last])
        first = last
    return pairs @ weights.T


def csr_weighted_grams(data, indices, indptr, n_columns, weights):
    """`weighted_grams` of the transpose of a CSR matrix with n rows.

    Parameters
    ----------
    data, indices, indptr : ndarray
        CSR of shape (n, n_columns), indices sorted in each row.
    n_columns : int
    weights : ndarray of shape (q, n)

    Returns
    -------
    ndarray of shape (n_columns (n_columns + 1) / 2, q)
    """
    X = sp.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
    if n_columns <= DENSE_COLUMNS:
        return weighted_grams(X.T.toarray(), weights)
    upper = np.triu_indices(n_columns)
    grams = np.empty((n_columns * (n_columns + 1) // 2, len(weights)))
    for q, row in enumerate(weights):
        grams[:, q] = (X.T @ (sp.diags(row) @ X)).toarray()[upper]
    return grams
