# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Softmax and log-sum-exp over the experts or the classes."""

import numpy as np


def log_softmax(scores):
    """Row-wise ``scores - log sum exp(scores)``, (n, C)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(scores, axis=1):
    """Probabilities along an axis; memory in the order of `scores`."""
    proba = scores - scores.max(axis=axis, keepdims=True)
    np.exp(proba, out=proba)
    proba /= proba.sum(axis=axis, keepdims=True)
    return proba
