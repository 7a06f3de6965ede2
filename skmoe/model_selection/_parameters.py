# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a fitted mixture, one row per expert, and whose row is whose."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skmoe.estimators.parameters import last_estimator

# Columns of `summary` that are no parameters.
_NOT_PARAMETERS = ("expert", "kind", "rows")


def expert_parameters(model):
    """Names (P,) and values (K, P) of what a model says of each expert.

    The numbers of `summary` (share, dispersions, and intercept and coefficients of
    linear experts), then the coefficients of a softmax gate or the proportions of a
    constant one.
    """
    columns = {
        name: np.asarray(column)
        for name, column in model.summary().items()
        if name not in _NOT_PARAMETERS
    }
    columns = {name: c for name, c in columns.items() if c.dtype.kind in "fiu"}
    columns |= _gate_columns(model)
    return list(columns), np.column_stack(list(columns.values())).astype(np.float64)


def _gate_columns(model):
    gate, n_experts = model.gate_, model.n_experts_
    if hasattr(gate, "proportions_"):
        return {"gate proportion": gate.proportions_}
    coef = np.asarray(getattr(gate, "coef_", np.nan))
    if coef.ndim != 2 or len(coef) != n_experts:
        return {}
    columns = {"gate intercept": np.broadcast_to(gate.intercept_, (n_experts,))}
    names = _gate_features(model, coef.shape[1])
    return columns | {f"gate {n}": c for n, c in zip(names, coef.T, strict=True)}


def _gate_features(model, width):
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        names = np.array([f"x{j}" for j in range(model.n_features_in_)], dtype=object)
    columns = model._mixture.reader.columns.gate
    if columns is not None:
        names = names[columns]
    return list(names) if len(names) == width else [f"x[{j}]" for j in range(width)]


def match_experts(reference, others, kinds=None):
    """Order of `others` in which they are most like `reference`, (K,).

    Parameters
    ----------
    reference, others : ndarray of shape (n, K)
        Responsibilities under two models at the same rows.
    kinds : list of length K or None
        Experts of different kinds are never exchanged.
    """
    likeness = _unit_columns(reference).T @ _unit_columns(others)
    if kinds is not None:
        same = np.array([[kind == other for other in kinds] for kind in kinds])
        likeness[~same] = -len(kinds)
    return linear_sum_assignment(likeness, maximize=True)[1]


def _unit_columns(values):
    norms = np.linalg.norm(values, axis=0)
    return values / np.where(norms > 0, norms, 1.0)


def kinds_of(model):
    """The classes of each expert and its family."""
    families = getattr(model, "families_", [None] * model.n_experts_)
    return [
        (type(last_estimator(expert)), type(family))
        for expert, family in zip(model.experts_, families, strict=True)
    ]
