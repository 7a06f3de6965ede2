# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""X as gate and experts take it: float arrays for linear parts, else as given."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from skmoe._compat import _safe_indexing
from skmoe.rows.columns import Columns

# What the linear parts compute on without a copy; sums are taken in double precision.
FLOATS = (np.float64, np.float32)


class Inputs(NamedTuple):
    """Rows as the two roles see them; one object where both see the same.

    Attributes
    ----------
    gate : {ndarray, CSR matrix, dataframe} of shape (n, d_g)
    experts : {ndarray, CSR matrix, dataframe} of shape (n, d_e)
        With the offset, if there is one, as last column.
    """

    gate: Any
    experts: Any

    @property
    def n_samples(self):
        """Number of rows."""
        return self.experts.shape[0]


class InputReader(NamedTuple):
    """Turns X into `Inputs`, at fit and at every prediction.

    Attributes
    ----------
    columns : Columns
    gate_numeric, experts_numeric : bool
        Whether a role takes a finite float array; otherwise X reaches it as it is.
    allow_nan : bool
        Whether experts that are not numeric take missing values in arrays.
    owner : str
        Name of the estimator, for messages.
    n_features : int
        Columns of the X of the fit.
    feature_names : ndarray of str or None
        Their names, if all are strings.
    """

    columns: Columns
    gate_numeric: bool
    experts_numeric: bool
    allow_nan: bool
    owner: str
    n_features: int
    feature_names: np.ndarray | None = None

    @property
    def is_plain(self):
        """True if both roles see all columns, as one float array."""
        selects = self.columns.gate is not None or self.columns.experts is not None
        return self.gate_numeric and self.experts_numeric and not selects

    def read(self, X):
        """Return the `Inputs` of X, each number validated."""
        gate_X = select_columns(X, self.columns.gate)
        expert_X = select_columns(X, self.columns.scored)
        shared = expert_X is gate_X
        if self.gate_numeric:
            gate_X = as_numeric(gate_X, self.owner, "gate_features")
        if shared and self.gate_numeric and self.experts_numeric:
            return Inputs(gate_X, gate_X)
        if self.experts_numeric:
            expert_X = as_numeric(expert_X, self.owner, "expert_features")
        elif not is_frame(expert_X):
            expert_X = self._check_finite(expert_X)
        return Inputs(gate_X, expert_X)

    def read_gate(self, X):
        """Return what the gate sees of X, without looking at the experts' columns."""
        gate_X = select_columns(X, self.columns.gate)
        if self.gate_numeric:
            return as_numeric(gate_X, self.owner, "gate_features")
        return gate_X

    def _check_finite(self, X):
        return check_array(
            X,
            accept_sparse="csr",
            ensure_all_finite="allow-nan" if self.allow_nan else True,
            ensure_min_features=0,
            estimator=self.owner,
            input_name="X",
        )


def is_frame(X):
    """True if X is a dataframe (pandas, polars or alike) and not an array."""
    return (
        hasattr(X, "columns") and not isinstance(X, np.ndarray) and not sp.issparse(X)
    )


def as_numeric(X, owner, parameter):
    """X as a finite float array or CSR matrix; an error that says what to do."""
    if is_frame(X) and X.shape[1] == 0:  # a frame of no columns has no type
        return np.empty(X.shape)
    try:
        X = check_array(
            X,
            accept_sparse="csr",
            dtype=FLOATS,
            ensure_min_features=0,
            estimator=owner,
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
                f"{error}. {owner} needs numbers here: name the "
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


def select_columns(X, indices):
    """Return columns of X; X itself where `indices` is None."""
    if indices is None:
        return X
    if sp.issparse(X) or isinstance(X, np.ndarray):
        return X[:, _as_slice(indices)]
    return _safe_indexing(X, indices, axis=1)


def _as_slice(indices):
    """Return neighbouring columns as a slice, which is a view and no copy."""
    first = indices[0] if len(indices) else 0
    if np.array_equal(indices, np.arange(first, first + len(indices))):
        return slice(first, first + len(indices))
    return indices
