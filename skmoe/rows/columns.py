# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Columns of X that the gate and the experts see."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from skmoe._compat import _get_column_indices


class Columns(NamedTuple):
    """Columns by index, each None for all of X.

    Attributes
    ----------
    gate : ndarray of int or None
        What the gate sees.
    experts : ndarray of int or None
        Covariates of the experts.
    offset : int or None
        The column that is added to linear scores.
    """

    gate: np.ndarray | None
    experts: np.ndarray | None
    offset: int | None = None

    @property
    def scored(self):
        """Columns that experts' scores are made of: covariates, the offset last."""
        if self.offset is None or self.experts is None:
            return self.experts
        return np.append(self.experts, self.offset)

    def n_covariates(self, n_features):
        """Number of covariates that experts see of an X of `n_features` columns."""
        return n_features if self.experts is None else len(self.experts)


def resolve(X, gate_features, expert_features, offset_feature=None):
    """Return the `Columns` that the estimators' three parameters select of X.

    The offset is no covariate: gate and experts do not see it unless the gate's columns
    are named.
    """
    gate = resolve_columns(X, gate_features, "gate_features")
    experts = resolve_columns(X, expert_features, "expert_features")
    if offset_feature is None:
        return Columns(gate, experts)
    if not isinstance(offset_feature, (str, Integral)):
        raise TypeError(
            "offset_feature must be the name or the index of one column. Got "
            f"{offset_feature!r}."
        )
    (offset,) = resolve_columns(X, [offset_feature], "offset_feature")
    others = np.delete(np.arange(X.shape[1]), offset)
    gate = others if gate is None else gate
    experts = others if experts is None else experts
    # No covariate, also where a selection of columns takes it in.
    return Columns(gate, experts[experts != offset], offset)


def resolve_columns(X, features, parameter):
    """Return the indices of the columns that `features` selects, or None for all."""
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
