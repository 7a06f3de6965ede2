# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Information criteria of weighted rows."""

import numpy as np

from skmoe.estimators.parameters import count_parameters

CRITERIA = ("aic", "bic", "icl")
# Metadata of `fit` with which rows are not independent draws from the mixture.
_KNOWN = {"groups", "expert_labels"}


def information(model, rows):
    """Log likelihood, number of parameters, AIC, BIC and ICL, as a dict.

    As the methods of the estimators, with a row of weight w in place of w equal rows.
    Rows of a group share one expert: groups then count in place of rows.
    """
    R, weights = rows.responsibilities(model), rows.all_weights
    if rows.params.keys() & _KNOWN:
        log_likelihood = model.log_likelihood_
    else:
        log_likelihood = float(weights @ model.score_samples(rows.X, rows.y))
    if rows.groups is not None:
        _, first = np.unique(rows.groups, return_index=True)
        R, weights = R[first], np.ones(len(first))
    n_parameters = model.n_parameters_
    logs = np.log(np.maximum(R, np.finfo(np.float64).tiny))
    entropy = -float(weights @ (R * logs).sum(axis=1))
    bic = -2 * log_likelihood + n_parameters * float(np.log(weights.sum()))
    return {
        "log_likelihood": log_likelihood,
        "n_parameters": n_parameters,
        "aic": -2 * log_likelihood + 2 * n_parameters,
        "bic": bic,
        "icl": bic + 2 * entropy,
    }


def out_of_fold(model):
    """Minus twice the out-of-fold log likelihood of a fit with `cv`, plus a correction.

    Its experts did not see the rows that they are judged by. Dispersions and a gate
    that is not cross-fitted did, so their parameters cost what AIC makes them cost.
    """
    n_parameters = model._mixture.noise.count_parameters()
    if not model.gate_.is_cross_fitted:
        n_parameters += count_parameters(model.gate_)
    return -2 * model.log_likelihood_ + 2 * n_parameters


def check_known(n_parameters, criterion, advice):
    """Raise where a criterion needs a number of parameters that is unknown."""
    if np.any(np.isnan(n_parameters)):
        raise ValueError(
            f"criterion={criterion!r} needs the number of parameters, which is unknown "
            f"for at least one expert or the gate. {advice}"
        )


def best_of(values, collapsed):
    """Index of the lowest value, collapsed fits only where there are no others."""
    values = np.asarray(values, dtype=np.float64)
    if not np.all(collapsed):
        values = np.where(collapsed, np.inf, values)
    return int(np.argmin(values))


def columns_of(rows):
    """A list of dicts as a dict of arrays."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
