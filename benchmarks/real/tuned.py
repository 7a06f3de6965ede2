# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The peers with a small tuning budget, the same for each: four settings.

The first setting is the default. Three folds of the training rows choose: by squared
error for models of the mean, by log loss for classes.
"""

import peers_classification
import peers_regression
from peers_regression import Point, PointWithVariance
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

FOREST = [{}, {"min_samples_leaf": 5}, {"max_features": 0.33}, {"max_features": 1.0}]
BOOSTING = [
    {},
    {"learning_rate": 0.05},
    {"max_leaf_nodes": 8},
    {"learning_rate": 0.05, "max_leaf_nodes": 8},
]
SETTINGS = {
    "Ridge": [{}, {"alpha": 0.1}, {"alpha": 10}, {"alpha": 100}],
    "LogisticRegression": [{}, {"C": 0.01}, {"C": 0.1}, {"C": 10}],
    "decision tree": [{}, *({"min_samples_leaf": rows} for rows in (5, 20, 50))],
    "random forest": FOREST,
    "HGB": BOOSTING,
    "HGB + variance": BOOSTING,
    "LightGBM linear": [
        {},
        {"learning_rate": 0.05},
        {"num_leaves": 8},
        {"learning_rate": 0.05, "num_leaves": 8, "linear_lambda": 1.0},
    ],
    "Cubist": [
        {},
        {"n_committees": 10},
        {"neighbors": 5},
        {"n_committees": 10, "neighbors": 5},
    ],
}


def _search(estimator, name, folds, scoring):
    settings = [
        {key: [value] for key, value in setting.items()} for setting in SETTINGS[name]
    ]
    return GridSearchCV(estimator, settings, cv=folds, scoring=scoring)


def _chosen(kind):
    """A model of the mean whose densities are made with the setting that was chosen."""

    class Tuned(kind):
        def __init__(self, model, name, seed):
            super().__init__(model.estimator, seed)
            folds = KFold(3, shuffle=True, random_state=seed)
            scoring = "neg_mean_squared_error"
            self.search = _search(model.estimator, name, folds, scoring)

        def fit(self, X, y):
            self.estimator = self.search.fit(X, y).best_estimator_

        def detail(self):
            return str(self.search.best_params_).replace(",", ";")

    return Tuned


def _regressor(name):
    def make(seed):
        model = peers_regression.MAKERS[name](seed)
        kind = PointWithVariance if isinstance(model, PointWithVariance) else Point
        return _chosen(kind)(model, name, seed)

    return make


def _classifier(name):
    def make(seed):
        model = peers_classification.MAKERS[name](seed)
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        return _search(model, name, folds, "neg_log_loss")

    return make


REGRESSORS = {
    f"{name}, tuned": _regressor(name)
    for name in peers_regression.MAKERS
    if name in SETTINGS
}
CLASSIFIERS = {
    f"{name}, tuned": _classifier(name)
    for name in peers_classification.MAKERS
    if name in SETTINGS
}
