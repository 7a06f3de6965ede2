# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The columns that gate and experts see, as arrays or as the user's dataframe."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from skmoe._compat import _get_column_indices, _safe_indexing

# What the linear parts compute on without a copy; sums are taken in double precision.
FLOATS = (np.float64, np.float32)


def is_frame(X):
    """Whether X is a dataframe (pandas, polars or alike) and not an array."""
    return (
        hasattr(X, "columns") and not isinstance(X, np.ndarray) and not sp.issparse(X)
    )


def resolve_columns(X, features, parameter):
    """Indices of the columns that `features` selects, or None for all."""
    if features is None:
        return None
    if callable(features):
        features = features(X)
    if isinstance(features, str):
        features = [features]
    elif not isinstance(features, slice):
        features = list(features)
    try:
        return np.asarray(_get_column_indices(X, features), dtype=np.intp)
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"{parameter}={features!r} selects no columns of X: {error}"
        ) from error


def select_columns(X, indices):
    """Columns of X; X itself where `indices` is None."""
    if indices is None:
        return X
    if sp.issparse(X) or isinstance(X, np.ndarray):
        return X[:, _as_slice(indices)]
    return _safe_indexing(X, indices, axis=1)


def single_column(X, index, estimator):
    """One column of X as a float vector (n,)."""
    column = as_numeric(select_columns(X, np.array([index])), estimator, "X")
    column = column.toarray() if sp.issparse(column) else column
    return column[:, 0].astype(np.float64)


def _as_slice(indices):
    """Neighbouring columns as a slice, which is a view and no copy."""
    first = indices[0] if len(indices) else 0
    if np.array_equal(indices, np.arange(first, first + len(indices))):
        return slice(first, first + len(indices))
    return indices


def as_numeric(X, estimator, parameter):
    """X as a finite float array or CSR matrix; an error that says what to do."""
    if is_frame(X) and X.shape[1] == 0:  # a frame of no columns has no type
        return np.empty(X.shape)
    try:
        X = check_array(
            X,
            accept_sparse="csr",
            dtype=FLOATS,
            ensure_min_features=0,
            estimator=estimator,
            input_name="X",
        )
    except ValueError as error:
        if "contains NaN" in str(error):
            raise ValueError(
                f"{error}\nThe linear parts of a mixture of experts want finite "
                f"numbers: leave columns with missing values out of {parameter}, "
                "impute them, or use a gate and experts that take them, such as "
                "HistGradientBoosting."
            ) from error
        if is_frame(X) and "could not convert" in str(error):
            raise ValueError(
                f"{error}. {type(estimator).__name__} needs numbers here: name the "
                f"numeric columns in {parameter}, or encode the others (for instance "
                "in a Pipeline with a ColumnTransformer)."
            ) from error
        raise
    if sp.issparse(X) and not X.has_canonical_format:
        X = X.copy()  # what was given stays as it is
        X.sum_duplicates()
    return X


def numeric_columns(X):
    """The columns of X that are numbers, missing values replaced by column means."""
    if sp.issparse(X):
        return X.astype(np.float64, copy=False)
    if is_frame(X):
        columns = [_as_float(_safe_indexing(X, [j], axis=1)) for j in range(X.shape[1])]
        columns = [column for column in columns if column is not None]
        X = np.hstack(columns) if columns else np.empty((X.shape[0], 0))
    X = np.asarray(X, dtype=np.float64)
    missing = ~np.isfinite(X)
    if missing.any():
        counts = np.maximum((~missing).sum(axis=0), 1)
        means = np.where(missing, 0.0, X).sum(axis=0) / counts
        X = np.where(missing, means, X)
    return X


def _as_float(column):
    try:
        return np.asarray(column, dtype=np.float64).reshape(-1, 1)
    except (TypeError, ValueError):  # strings, dates, categories of strings
        return None
