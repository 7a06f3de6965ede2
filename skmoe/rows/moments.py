# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Weighted means and variances of columns, in slices of rows."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import mean_variance_axis

from skmoe.numerics.batches import row_batches

# Rows per step of the sums that are taken once per fit.
MOMENT_ROWS = 2**14


# Numbers above this have squares that sums of them overflow on.
LARGEST = 1e140


def weighted_moments(X, weights):
    """Weighted mean and variance of each column, each (n_features,).

    Raises
    ------
    ValueError
        If the numbers of a column are too large to be squared.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if sp.issparse(X):
            share = (weights / weights.max()).astype(X.dtype)
            mean, variance = mean_variance_axis(X, axis=0, weights=share)
            mean, variance = mean.astype(np.float64), variance.astype(np.float64)
        else:
            mean, variance = moments_by_rows(X.__getitem__, weights)
        # Written so that what is not a number counts as too large.
        too_large = ~(np.abs(mean) < LARGEST) | ~(np.sqrt(variance) < LARGEST)
    if np.any(too_large):
        column = int(np.flatnonzero(too_large)[0])
        raise ValueError(
            f"The numbers of a column must be below {LARGEST:g}, so that their squares "
            f"can be added. Got a mean of {mean[column]:.3g} and a variance of "
            f"{variance[column]:.3g} in column {column} of those that the gate or the "
            "experts see: change its unit."
        )
    return mean, variance


def moments_by_rows(values, weights):
    """The same of ``values(rows)``, which are formed slice by slice."""
    batches = row_batches(0, len(weights), MOMENT_ROWS)
    total = weights.sum()
    mean = sum(weights[rows] @ values(rows) for rows in batches) / total
    rest = squares = 0.0
    for rows in batches:
        centered = values(rows) - mean
        rest = rest + weights[rows] @ centered
        squares = squares + weights[rows] @ centered**2
    # What rounding left of the first mean: a constant column is to be recognised.
    rest = rest / total
    return mean + rest, np.maximum(squares / total - rest**2, 0.0)
