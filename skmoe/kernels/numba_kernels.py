# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The hot loops compiled by numba: one thread, no fast maths.

What each function computes is documented once, in `skmoe.kernels.numpy_kernels`. Here a
wrapper in Python brings its arrays to one type, because numba compiles anew for every
other one, and a compiled function runs along rows, in tiles that stay in the cache.
Fast maths would license the compiler to assume that infinities never happen.
"""

import numpy as np
from numba import njit

from skmoe.kernels import numpy_kernels

#: Loops run as machine code.
COMPILED = True
FLOAT, INDEX = np.dtype(np.float64), np.dtype(np.int64)
# Rows of a tile.
TILE = 512
# Doubles of a tile of column pairs: a quarter of a common second-level cache.
PAIRS_SIZE = 2**16
# Columns per weight up to which their pairs pay (docs/benchmarks.md).
PAIRS_COLUMNS = 6
# Adding and subtracting it rounds a double to an integer, which is then to be found in
# the low bits of the sum.
ROUNDER = 1.5 * 2**52
# Where a double's exponent begins; the bits of 1.0 and of sqrt(0.5).
EXPONENT, ONE, ROOT_HALF = 52, 0x3FF0000000000000, 0x3FE6A09E667F3BCD
# log(2) in two parts, the first of so few digits that multiples of it are exact.
LOG_2_HIGH, LOG_2_LOW = 0.6931471805592082, 7.371002565167799e-13


def _jit(function):
    """Compile on the first call; the result stays on disk where that is possible."""
    options: dict = {"error_model": "numpy", "nogil": True}
    try:
        return njit(function, cache=True, **options)
    except RuntimeError:  # no writable cache directory: containers, zipped installs
        return njit(function, **options)


def _normal(a, dtype=FLOAT):
    """Return `a` as a writable array in C order, copied only where it is not one."""
    # Several times faster than np.require, which alone takes as long as small kernels.
    if type(a) is np.ndarray and a.dtype == dtype and a.flags.carray:
        return a
    return np.require(a, dtype, ["C", "A", "W", "E"])


@_jit
def _exp(x):
    """Exponential of ``x <= 0``, to about an ulp; zero where it is below 2.3e-308.

    Without branch or call, so that loops around it become vector instructions, which
    loops around `math.exp` do not.
    """
    shifted = np.float64(x * 1.4426950408889634 + ROUNDER)
    k = shifted - ROUNDER  # exp(x) is 2**k exp(r), |r| <= log(2) / 2
    r = (x - k * LOG_2_HIGH) - k * LOG_2_LOW
    # (exp(r) - 1 - r) / r**2, interpolated at Chebyshev's nodes.
    q = 2.510038549551032e-08 * r + 2.7620088445409746e-07
    q = q * r + 2.7557268459997064e-06
    q = q * r + 2.4801521295954376e-05
    q = q * r + 0.00019841269863053618
    q = q * r + 0.0013888888917213717
    q = q * r + 0.008333333333330062
    q = q * r + 0.04166666666662413
    q = q * r + 0.16666666666666669
    q = q * r + 0.5
    power = np.int64((shifted.view(np.int64) << EXPONENT) + ONE).view(np.float64)
    return 0.0 if x < -708.39 else (1.0 + (r + r * r * q)) * power


@_jit
def _log(x):
    """Logarithm of nan or of a finite ``x >= 1``, to about an ulp, as `_exp`."""
    bits = np.float64(x).view(np.int64)
    k = np.int64(bits - ROOT_HALF) >> EXPONENT  # x is 2**k m, 1/2 <= m**2 < 2
    f = np.int64(bits - (k << EXPONENT)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    # log(m) = f - s (f - q z), q = 2/3 + 2/5 z + 2/7 z**2 + ... from that of atanh(s).
    q = 2 / 23 * z + 2 / 21
    q = q * z + 2 / 19
    q = q * z + 2 / 17
    q = q * z + 2 / 15
    q = q * z + 2 / 13
    q = q * z + 2 / 11
    q = q * z + 2 / 9
    q = q * z + 2 / 7
    q = q * z + 2 / 5
    q = q * z + 2 / 3
    log = k * LOG_2_HIGH + (f - (s * (f - q * z) - k * LOG_2_LOW))
    return x if x != x else log


@_jit
def _softmax_tile(scores, log_proba, proba, best, sums, start):
    n_rows = len(best)
    best[:] = scores[0, start : start + n_rows]
    sums[:] = 0.0
    for c in range(1, len(scores)):
        s = scores[c, start : start + n_rows]
        for i in range(n_rows):
            best[i] = s[i] if s[i] > best[i] else best[i]
    for c in range(len(scores)):
        s = scores[c, start : start + n_rows]
        l = log_proba[c, start : start + n_rows]
        p = proba[c, start : start + n_rows]
        for i in range(n_rows):
            l[i] = s[i] - best[i]
            p[i] = _exp(l[i])
            sums[i] += p[i]
    log_sums = best
    for i in range(n_rows):
        log_sums[i] = _log(sums[i])
        sums[i] = 1.0 / sums[i]
    for c in range(len(scores)):
        l = log_proba[c, start : start + n_rows]
        p = proba[c, start : start + n_rows]
        for i in range(n_rows):
            l[i] -= log_sums[i]
            p[i] *= sums[i]


@_jit
def _softmax(scores, log_proba, proba):
    best, sums = np.empty(TILE), np.empty(TILE)
    n_samples = scores.shape[2]
    for g in range(len(scores)):
        for start in range(0, n_samples, TILE):
            n = min(TILE, n_samples - start)
            _softmax_tile(scores[g], log_proba[g], proba[g], best[:n], sums[:n], start)


def softmax(scores):
    """See `numpy_kernels`: log probabilities and probabilities of classes."""
    scores = _normal(scores)
    log_proba, proba = np.empty(scores.shape), np.empty(scores.shape)
    _softmax(scores, log_proba, proba)
    return log_proba, proba


@_jit
def _normal_log_density(y, means, sigma, log_density, residuals):
    for k in range(len(means)):
        density = log_density[k]
        density[:] = 0.0
        for t in range(len(y)):
            target, mean, residual = y[t], means[k, t], residuals[k, t]
            inverse = 1.0 / sigma[k, t]
            constant = 0.5 * np.log(2 * np.pi) + np.log(sigma[k, t])
            for i in range(len(target)):
                residual[i] = target[i] - mean[i]
                standardised = residual[i] * inverse
                density[i] -= 0.5 * (standardised * standardised) + constant


def normal_log_density(y, means, sigma):
    """See `numpy_kernels`: Gaussian log densities, and the residuals."""
    y, means, sigma = _normal(y), _normal(means), _normal(sigma)
    log_density = np.empty((means.shape[0], means.shape[2]))
    residuals = np.empty(means.shape)
    _normal_log_density(y, means, sigma, log_density, residuals)
    return log_density, residuals


@_jit
def _posterior_tile(log_gate, log_density, weights, joint, best, sums, start):
    n_rows = len(best)
    best[:] = -np.inf
    sums[:] = 0.0
    for k in range(len(joint)):
        a = log_gate[k, start : start + n_rows]
        b = log_density[k, start : start + n_rows]
        j = joint[k, start : start + n_rows]
        for i in range(n_rows):
            j[i] = a[i] + b[i]
            best[i] = j[i] if j[i] > best[i] else best[i]
    for k in range(len(joint)):
        j = joint[k, start : start + n_rows]
        for i in range(n_rows):
            j[i] = _exp(j[i] - best[i])
            sums[i] += j[i]
    w = weights[start : start + n_rows]
    for i in range(n_rows):
        best[i] = w[i] * (best[i] + _log(sums[i]))
        sums[i] = w[i] / sums[i]
    for k in range(len(joint)):
        j = joint[k, start : start + n_rows]
        for i in range(n_rows):
            j[i] *= sums[i]


@_jit
def _posterior(log_gate, log_density, weights, joint):
    best, sums = np.empty(TILE), np.empty(TILE)
    total = 0.0
    for start in range(0, len(weights), TILE):
        n = min(TILE, len(weights) - start)
        _posterior_tile(
            log_gate, log_density, weights, joint, best[:n], sums[:n], start
        )
        tile_total = 0.0
        for i in range(n):
            tile_total += best[i]
        total += tile_total
    return total


def posterior(log_gate, log_density, weights):
    """See `numpy_kernels`: weighted responsibilities and log likelihood."""
    log_gate, log_density = _normal(log_gate), _normal(log_density)
    joint = np.empty(log_gate.shape)
    log_likelihood = _posterior(log_gate, log_density, _normal(weights), joint)
    return joint, log_likelihood


@_jit
def _softmax_curvature(proba, weights, curvature):
    n_groups, n_classes, n_samples = proba.shape
    weighted = np.empty(n_samples)
    pair = 0
    for g in range(n_groups):
        for a in range(n_classes - 1):
            p, w, out = proba[g, a], weights[g], curvature[pair]
            for i in range(n_samples):
                weighted[i] = w[i] * p[i]
                out[i] = weighted[i] - weighted[i] * p[i]
            pair += 1
            for b in range(a + 1, n_classes - 1):
                p, out = proba[g, b], curvature[pair]
                for i in range(n_samples):
                    out[i] = -weighted[i] * p[i]
                pair += 1


def softmax_curvature(proba, weights):
    """See `numpy_kernels`: row weights of a softmax Hessian's Gram matrices."""
    n_groups, n_classes, n_samples = proba.shape
    n_pairs = n_classes * (n_classes - 1) // 2
    curvature = np.empty((n_groups * n_pairs, n_samples))
    _softmax_curvature(_normal(proba), _normal(weights), curvature)
    return curvature


@_jit
def _column_pairs(A, start, pairs):
    n_columns, n_rows = len(A), pairs.shape[1]
    pair = 0
    for a in range(n_columns):
        left = A[a, start : start + n_rows]
        for b in range(a, n_columns):
            right, out = A[b, start : start + n_rows], pairs[pair]
            for i in range(n_rows):
                out[i] = left[i] * right[i]
            pair += 1


@_jit
def _weighted_grams(A, weights, tile):
    n_columns, n_samples = A.shape
    grams = np.zeros((len(weights), n_columns * (n_columns + 1) // 2))
    for start in range(0, n_samples, tile):
        n_rows = min(tile, n_samples - start)
        pairs = np.empty((grams.shape[1], n_rows))
        _column_pairs(A, start, pairs)
        chosen = np.empty((len(weights), n_rows))
        chosen[:] = weights[:, start : start + n_rows]
        grams += np.dot(chosen, pairs.T)  # BLAS, without a return to Python between
    return grams


def weighted_grams(A, weights):
    """See `numpy_kernels`: upper triangles of ``A diag(w) A'`` for q weights."""
    n_columns = len(A)
    if n_columns > PAIRS_COLUMNS * len(weights):
        return numpy_kernels.weighted_grams(A, weights)  # two products of matrices
    tile = pairs_tile(n_columns)
    return _weighted_grams(_normal(A), _normal(weights), tile).T


def pairs_tile(n_columns):
    """Rows whose column pairs are formed at a time."""
    return max(64, 2 * PAIRS_SIZE // (n_columns * (n_columns + 1)) // 8 * 8)


@_jit
def _csr_weighted_grams(data, indices, indptr, n_columns, weights, grams):
    n_samples, n_weights = weights.shape
    for i in range(n_samples):
        w = weights[i]
        for s in range(indptr[i], indptr[i + 1]):
            for t in range(s, indptr[i + 1]):
                a, b = min(indices[s], indices[t]), max(indices[s], indices[t])
                product = data[s] * data[t]
                if a == b and s != t:  # a duplicate: (u + v)**2 has u v twice
                    product += product
                out = grams[a * n_columns - a * (a + 1) // 2 + b]
                for q in range(n_weights):
                    out[q] += product * w[q]


def csr_weighted_grams(data, indices, indptr, n_columns, weights):
    """See `numpy_kernels`: `weighted_grams` of a CSR matrix; any CSR will do."""
    n_samples, few = weights.shape[1], n_columns <= numpy_kernels.DENSE_COLUMNS
    if few and 2 * len(data) > n_columns * n_samples:  # hardly sparse
        return numpy_kernels.csr_weighted_grams(
            data, indices, indptr, n_columns, weights
        )
    grams = np.zeros((n_columns * (n_columns + 1) // 2, len(weights)))
    _csr_weighted_grams(
        _normal(data),
        _normal(indices, INDEX),
        _normal(indptr, INDEX),
        n_columns,
        _normal(weights.T),
        grams,
    )
    return grams
