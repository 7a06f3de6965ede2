# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Which expert sees which row."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skmoe._compat import _safe_indexing


@dataclass
class Routing:
    """Experts kept for each row and their weights.

    Attributes
    ----------
    experts : ndarray of shape (n, k)
        Indices of the experts kept, most probable first.
    weights : ndarray of shape (n, k)
        Their gate probabilities, renormalised.
    """

    experts: np.ndarray
    weights: np.ndarray


def route_top_k(log_proba, top_k):
    """Keep each row's `top_k` most probable experts; ties go to the lower index."""
    experts = np.argsort(-log_proba, axis=1, kind="stable")[:, :top_k]
    kept = np.take_along_axis(log_proba, experts, axis=1)
    weights = np.exp(kept - kept[:, :1])
    return Routing(experts, weights / weights.sum(axis=1, keepdims=True))


def dispatch(routing, experts, X):
    """Predictions of the experts kept for each row, (n, k, ...).

    Rows are grouped by expert once; an expert runs once, on its rows only.
    """
    n_samples, top_k = routing.experts.shape
    flat = routing.experts.ravel()
    order = np.argsort(flat, kind="stable")
    bounds = np.searchsorted(flat[order], np.arange(len(experts.estimators) + 1))
    predictions = None
    for k, (start, stop) in enumerate(pairwise(bounds)):
        if start == stop:
            continue
        slots = order[start:stop]
        answer = experts.predict_one(k, _safe_indexing(X, slots // top_k))
        if predictions is None:
            predictions = np.empty((flat.size, answer.shape[1]))
        predictions[slots] = answer
    return predictions.reshape(n_samples, top_k, -1)
