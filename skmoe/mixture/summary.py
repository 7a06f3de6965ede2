# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A fitted mixture's experts in a table."""

import numpy as np

from skmoe.estimators.parameters import last_estimator


def summarise(model):
    """Columns of `summary`, as a DataFrame where pandas is there."""
    training = model._mixture.training
    columns = {
        "expert": list(model.named_experts_),
        "kind": [type(last_estimator(e)).__name__ for e in model.experts_],
        "share": training.shares.tolist(),
        "rows": training.totals.tolist(),
    }
    columns |= _noise_columns(model._mixture.noise)
    columns |= _coefficient_columns(model)
    try:
        import pandas as pd
    except ImportError:
        return columns
    return pd.DataFrame(columns).set_index("expert")


def _noise_columns(noise):
    """Parameters of the experts' families, NaN where a family has none of a name."""
    columns: dict[str, list] = {}
    n_targets = noise.parameters[0].shape[1]
    for k, family in enumerate(noise.families):
        for name, values in zip(
            family.parameter_names, noise.parameters[k], strict=True
        ):
            for column, value in zip(_numbered(name, n_targets), values, strict=True):
                missing = [float("nan")] * len(noise.families)
                columns.setdefault(column, missing)[k] = float(value)
    return columns


def _numbered(name, count):
    return [name] if count == 1 else [f"{name}[{i}]" for i in range(count)]


def _coefficient_columns(model):
    """Intercepts and coefficients of the linear experts on the columns they see."""
    tables = [_linear_coefficients(expert) for expert in model.experts_]
    widths = {table.shape for table in tables if table is not None}
    if len(widths) != 1:
        return {}
    ((n_rows, width),) = widths
    terms = [
        "intercept",
        *feature_names(model, model._mixture.reader.columns.experts, width - 1),
    ]
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


def feature_names(model, columns, width):
    """Names of the `width` columns that a gate or an expert sees."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        names = np.array([f"x{j}" for j in range(model.n_features_in_)], dtype=object)
    if columns is not None:
        names = names[columns]
    return list(names) if len(names) == width else _numbered("x", width)
