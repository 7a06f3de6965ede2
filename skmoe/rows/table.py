# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""X, y and weights as the user gave them, validated; rows of weight zero left out."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.class_weight import compute_sample_weight

from skmoe._compat import (
    _check_feature_names,
    _check_n_features,
    _get_feature_names,
    _safe_indexing,
    check_sample_weight,
)
from skmoe.rows.inputs import is_frame

# Mean weights beyond this or its inverse are rescaled: squares of them overflow. Within
# it weights stay what they are, as penalties and priors are stated in their unit.
LARGEST_MEAN_WEIGHT = 1e9


class Table(NamedTuple):
    """The rows that count, as the user gave them.

    Attributes
    ----------
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
    y : ndarray of shape (n,) or (n, T)
    weights : ndarray of shape (n,)
        Positive, in units of `weight_unit`.
    weight_unit : float
        A power of two, so that nothing is rounded; one for ordinary weights.
    positions : slice or ndarray of shape (n,)
        Where these rows stand in what was given.
    n_given : int
        Number of rows that were given.
    feature_names : ndarray of str or None
        Of the columns of X, if all are strings.
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray
    weight_unit: float
    positions: slice | np.ndarray
    n_given: int
    feature_names: np.ndarray | None = None


def check_X(X, owner):
    """Return a dataframe as it is, anything else as an array or CSR matrix.

    Numbers are not looked at: that depends on who sees the column.
    """
    if not is_frame(X):
        return check_array(
            X,
            accept_sparse="csr",
            ensure_all_finite=False,
            estimator=owner,
            input_name="X",
        )
    if min(X.shape) == 0:
        raise ValueError(
            f"Found a dataframe with {X.shape[1]} feature(s) and {X.shape[0]} "
            f"sample(s) (shape={tuple(X.shape)}) while a minimum of 1 is required."
        )
    return X


def check_X_like(estimator, X):
    """Return X with the names and the width that an estimator was fitted to."""
    _check_feature_names(estimator, X, reset=False)
    X = check_X(X, type(estimator).__name__)
    _check_n_features(estimator, X, reset=False)
    return X


def read_table(
    X, y, sample_weight, targets, owner, *, class_weight=None, contiguous=False
):
    """Return the `Table` of what a user gave to `fit`, validated.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_given, d)
    y : array-like of shape (n_given,) or (n_given, T)
    sample_weight : array-like of shape (n_given,) or None
    targets : subclass of Targets
        Whose `check` validates y.
    owner : str
        Name of the estimator, for messages.
    class_weight : dict, 'balanced' or None
        Of a classifier.
    contiguous : bool
        Whether weights of one take memory: sums are then rounded as with any others.

    Raises
    ------
    ValueError
        If X, y or the weights are not what they should be, or all weights are zero.
    """
    names = _get_feature_names(X)
    X = check_X(X, owner)
    y = targets.check(y, X.shape[0], owner)
    if sample_weight is None:  # one number, not one per row
        weights = np.broadcast_to(1.0, y.shape[:1])
        if contiguous:
            weights = np.ascontiguousarray(weights)
    else:
        weights = check_sample_weight(sample_weight, X)
    unit = weight_unit(weights)
    if unit != 1.0:
        weights = weights / unit
    weights = class_weighted(weights, y, class_weight)
    positions: slice | np.ndarray = slice(None)
    n_given = len(y)
    if weights.min(initial=np.inf) <= 0:
        positions = np.flatnonzero(weights > 0)
        X, y = _safe_indexing(X, positions), y[positions]
        weights = weights[positions]
    return Table(X, y, weights, unit, positions, n_given, names)


def check_n_samples(n_samples, n_experts):
    """Raise ValueError unless there is a row for every expert."""
    if n_samples < n_experts:
        raise ValueError(
            f"n_samples={n_samples} should be >= n_experts={n_experts} (rows of weight "
            "zero and rows held out do not count)."
        )


def weight_unit(weights):
    """Return the power of two that brings far-off weights to a mean of about one."""
    largest = weights.max(initial=0.0)
    if not largest > 0 or 1 / LARGEST_MEAN_WEIGHT <= largest <= LARGEST_MEAN_WEIGHT:
        return 1.0
    mean = largest * float(np.mean(weights / largest))
    if 1 / LARGEST_MEAN_WEIGHT <= mean <= LARGEST_MEAN_WEIGHT:
        return 1.0
    return float(2.0 ** np.round(np.log2(mean)))


def class_weighted(weights, y, class_weight):
    """Return weights (n,) times those of each row's class."""
    if class_weight is None:
        return weights
    if class_weight == "balanced":
        _, index = np.unique(y, return_inverse=True)
        mass = np.bincount(index, weights=weights)
        present = np.maximum(mass, np.finfo(np.float64).tiny)
        return weights * (weights.sum() / (np.sum(mass > 0) * present))[index]
    return weights * compute_sample_weight(class_weight, y)
