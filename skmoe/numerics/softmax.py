# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Softmax and log-sum-exp over the experts or the classes of each row."""

import numpy as np


def softmax(scores, axis=1):
    """Probabilities along an axis; memory in the order of `scores`."""
    proba = scores - scores.max(axis=axis, keepdims=True)
    np.exp(proba, out=proba)
    proba /= proba.sum(axis=axis, keepdims=True)
    return proba


def log_softmax(scores):
    """Row-wise ``scores - log sum exp(scores)``, (n, C)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_sum_exp(scores, axis=1):
    """Logarithm of the sum of exponentials along an axis, (n, C) to (n,) by default."""
    best = scores.max(axis=axis)
    exponentials = np.exp(scores - np.expand_dims(best, axis))
    return best + np.log(exponentials.sum(axis=axis))


def posterior(log_joint):
    """Posterior of each row's experts (n, K) and its log density (n,).

    What one pass over the exponentials of the log joint density (n, K) gives: its
    softmax and its log-sum-exp. Memory in the order of `log_joint`.
    """
    best = log_joint.max(axis=1, keepdims=True)
    shares = log_joint - best
    np.exp(shares, out=shares)
    sums = shares.sum(axis=1, keepdims=True)
    shares /= sums
    return shares, (best + np.log(sums))[:, 0]
