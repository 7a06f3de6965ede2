# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Routing: experts of each row, and answers put together."""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.numerics.softmax import softmax

LOWEST = np.finfo(np.float64).min


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


def mix(weights, values):
    """Weighted means over the experts of finite (n, k) and (n, k, T): (n, T)."""
    if weights.shape[1] == 1:  # a single weight is one
        return values[:, 0]
    return (weights[:, :, None] * values).sum(axis=1)


def mix_present(weights, values):
    """`mix` of values that may be infinite: an expert without weight is absent."""
    if weights.shape[1] == 1:
        return values[:, 0]
    with np.errstate(invalid="ignore"):  # zero times infinity, mended below
        mixed = (weights[:, :, None] * values).sum(axis=1)
    if not np.isfinite(mixed).all():
        mixed = mix(weights, np.where(weights[:, :, None] > 0, values, 0.0))
    return mixed


def draw_experts(proba, rng):
    """One expert per row drawn from its probabilities (n, K), (n,)."""
    uniform = rng.uniform(size=(proba.shape[0], 1))
    drawn = (uniform > proba.cumsum(axis=1)).sum(axis=1)
    return np.minimum(drawn, proba.shape[1] - 1)


def check_n_draws(name, n_draws):
    """Raise ValueError unless a number of draws, none included, is asked for."""
    is_int = isinstance(n_draws, Integral) and not isinstance(n_draws, bool)
    if not is_int or n_draws < 0:
        raise ValueError(f"{name} must be an integer of at least 0. Got {n_draws!r}.")


def route_top_k(scores, top_k):
    """Keep each row's `top_k` most probable experts; ties go to the lower index.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Log probabilities, up to a constant per row. Rows contiguous in memory are
        searched several times faster.
    top_k : int

    Returns
    -------
    Routing
    """
    if top_k == 1:
        best = scores.argmax(axis=1)[:, None]
        return Routing(best, np.ones(best.shape))
    rows = np.arange(len(scores))
    experts = np.empty((top_k, len(scores)), dtype=np.intp)
    kept = np.empty((top_k, len(scores)))
    # As many searches for the best as experts are kept: far faster than sorting all.
    left = np.maximum(scores, LOWEST)
    for j in range(top_k):
        experts[j] = left.argmax(axis=1)
        kept[j] = scores[rows, experts[j]]
        left[rows, experts[j]] = -np.inf
    return Routing(experts.T, softmax(kept.T))


def dispatch(kept, predict_one, X):
    """Answers of the experts kept for each row, (n, k, ...).

    Rows are grouped by expert once; an expert runs once, on its rows only.

    Parameters
    ----------
    kept : ndarray of shape (n, k)
        Indices of experts.
    predict_one : callable
        ``predict_one(k, X)``: expert k's answer, (n_rows, ...).
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
    """
    n_samples, top_k = kept.shape
    n_experts = kept.max() + 1
    # Small integers are sorted in linear time.
    flat = kept.ravel().astype(np.min_scalar_type(n_experts))
    order = np.argsort(flat, kind="stable")
    bounds = np.concatenate([[0], np.bincount(flat, minlength=n_experts).cumsum()])
    predictions: Any = None  # as wide as the first answer
    for k, (start, stop) in enumerate(pairwise(bounds)):
        if start == stop:
            continue
        slots = order[start:stop]
        answer = predict_one(k, _safe_indexing(X, slots // top_k))
        if predictions is None:
            predictions = np.empty((flat.size, answer.shape[1]))
        predictions[slots] = answer
    return predictions.reshape(n_samples, top_k, -1)
