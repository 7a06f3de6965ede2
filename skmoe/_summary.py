# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted mixture looks like: parameters counted, experts in a table."""

from functools import singledispatch

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skmoe.gates import ClassifierGate, ConstantGate, PipelineGate, SoftmaxGate

# Attributes under which fitted meta-estimators keep the estimator that predicts.
_INNER = ("best_estimator_", "regressor_", "estimator_")


def last_estimator(estimator):
    """The estimator that predicts, inside Pipelines and meta-estimators."""
    if isinstance(estimator, Pipeline):
        return last_estimator(estimator.steps[-1][1])
    for attribute in _INNER:
        inner = getattr(estimator, attribute, None)
        if hasattr(inner, "predict"):
            return last_estimator(inner)
    return estimator


@singledispatch
def count_parameters(part):
    """Free parameters of a fitted gate or expert; NaN where nobody can say.

    Non-zero coefficients and intercepts of linear models, weights of neural networks,
    leaves of a tree; none in a frozen expert.
    """
    model = last_estimator(part)
    if isinstance(model, FrozenEstimator):
        return 0
    if hasattr(model, "coefs_"):
        return sum(array.size for array in [*model.coefs_, *model.intercepts_])
    if hasattr(model, "tree_"):
        return model.get_n_leaves() * np.size(model.tree_.value[0])
    if hasattr(model, "coef_") and hasattr(model, "intercept_"):
        return _count_linear(model)
    return np.nan


def _count_linear(model):
    coef = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    coef = np.atleast_2d(coef)
    n_rows, n_features = coef.shape
    fits_intercept = bool(getattr(model, "fit_intercept", True))
    if n_rows > 1 and n_rows == len(getattr(model, "classes_", ())):
        return (n_rows - 1) * (n_features + fits_intercept)
    return int(np.count_nonzero(coef)) + n_rows * fits_intercept


@count_parameters.register
def _(gate: SoftmaxGate):
    n_experts, n_features = gate.coef_.shape
    return (n_experts - 1) * (n_features + 1)


@count_parameters.register
def _(gate: ConstantGate):
    return len(gate.proportions_) - 1


@count_parameters.register
def _(gate: PipelineGate):
    return count_parameters(gate.pipeline_[-1])


@count_parameters.register
def _(gate: ClassifierGate):
    return count_parameters(gate.estimator_)


def summarise(model):
    """Columns of `summary`, as a DataFrame where pandas is there."""
    columns = {
        "expert": list(model.named_experts_),
        "kind": [type(last_estimator(e)).__name__ for e in model.experts_],
        "share": (model._totals / model._totals.sum()).tolist(),
        "rows": model._totals.tolist(),
    }
    dispersions = model._experts.dispersions
    if dispersions is not None:
        names = _numbered("dispersion", dispersions.shape[1])
        columns |= dict(zip(names, dispersions.T.tolist(), strict=True))
    columns |= _coefficient_columns(model)
    try:
        import pandas as pd
    except ImportError:
        return columns
    return pd.DataFrame(columns).set_index("expert")


def _numbered(name, count):
    return [name] if count == 1 else [f"{name}[{i}]" for i in range(count)]


def _coefficient_columns(model):
    """Intercepts and coefficients of the linear experts on the columns they see."""
    tables = [_linear_coefficients(expert) for expert in model.experts_]
    widths = {table.shape for table in tables if table is not None}
    if len(widths) != 1:
        return {}
    ((n_rows, width),) = widths
    terms = ["intercept", *_feature_names(model, width - 1)]
    missing = np.full((n_rows, width), np.nan)
    values = np.stack([missing if table is None else table for table in tables])
    names = [
        term if n_rows == 1 else f"{term}[{row}]"
        for row in range(n_rows)
        for term in terms
    ]
    flat = values.reshape(len(tables), -1).T.tolist()
    return dict(zip(names, flat, strict=True))


def _linear_coefficients(expert):
    """(rows, 1 + n_features) of a linear expert without a transformer in front."""
    if not hasattr(expert, "coef_") or not hasattr(expert, "intercept_"):
        return None
    coef = np.atleast_2d(np.asarray(expert.coef_, dtype=np.float64))
    intercept = np.broadcast_to(expert.intercept_, (len(coef),))
    return np.column_stack([intercept, coef])


def _feature_names(model, width):
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        names = np.array([f"x{j}" for j in range(model.n_features_in_)], dtype=object)
    if model._expert_columns is not None:
        names = names[model._expert_columns]
    return list(names) if len(names) == width else _numbered("x", width)
