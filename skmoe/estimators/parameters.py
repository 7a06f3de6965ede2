# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Number of free parameters of a fitted part."""

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

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


def count_parameters(part):
    """Free parameters of a fitted gate or expert; NaN where the number is unknown.

    A gate counts its own. Of an expert: non-zero coefficients and intercepts of linear
    models, weights of neural networks, leaves of a tree, the constants of a dummy; all
    of a nested mixture; none of a frozen one.
    """
    if hasattr(part, "count_parameters"):
        return part.count_parameters()
    model = last_estimator(part)
    if isinstance(model, FrozenEstimator):
        return 0
    if hasattr(model, "n_parameters_"):
        return model.n_parameters_
    if isinstance(model, DummyRegressor):
        return 0 if model.strategy == "constant" else np.size(model.constant_)
    if isinstance(model, DummyClassifier):
        return model.n_classes_ - 1 if model.strategy == "prior" else np.nan
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
