# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The peers with a small tuning budget, the same for each: four settings.

The first setting is the default. Three folds of the training rows choose: by squared
error for models of the mean, by the log density of held-out rows for models of a
density, by log loss for classes. A setting that cannot be fitted loses.
"""

import numpy as np
import peers_classification
import peers_regression
from peers_regression import Point
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

TREE = [{}, *({"min_samples_leaf": rows} for rows in (5, 20, 50))]
LEAVES, SOME_COLUMNS = {"min_samples_leaf": 5}, {"max_features": 0.33}
FOREST = [{}, LEAVES, SOME_COLUMNS, LEAVES | SOME_COLUMNS]
BOOSTING = [
    {},
    {"learning_rate": 0.05},
    {"max_leaf_nodes": 8},
    {"learning_rate": 0.05, "max_leaf_nodes": 8},
]
LIGHTGBM = [
    {},
    {"learning_rate": 0.05},
    {"num_leaves": 8},
    {"learning_rate": 0.05, "num_leaves": 8, "linear_lambda": 1.0},
]
NGBOOST = [
    {},
    {"n_estimators": 200},
    {"learning_rate": 0.05},
    {"minibatch_frac": 0.5},
]
REGRESSION = {
    "Ridge": [{}, {"alpha": 0.1}, {"alpha": 10}, {"alpha": 100}],
    "decision tree": TREE,
    "random forest": FOREST,
    "HGB": BOOSTING,
    "HGB + variance": BOOSTING,
    "LightGBM linear": LIGHTGBM,
    "linear-tree": [
        {},
        {"max_depth": 3},
        {"min_samples_leaf": 0.2},
        {"max_depth": 3, "base_estimator": Ridge()},
    ],
    "Cubist": [
        {},
        {"n_committees": 10},
        {"neighbors": 5},
        {"n_committees": 10, "neighbors": 5},
    ],
    "NGBoost": NGBOOST,
    "quantile-forest": FOREST,
    # Not cgmm as released: the step that fits its gate fails, whatever the setting.
    "cgmm repaired": [{}, *({"n_components": count} for count in (2, 4, 6))],
    "smt LS": [{}, *({"n_clusters": count} for count in (3, 4, 6))],
    "gmr": [{}, *({"n_components": count} for count in (2, 5, 8))],
}
CLASSIFICATION = {
    "LogisticRegression": [{}, {"C": 0.01}, {"C": 0.1}, {"C": 10}],
    "decision tree": TREE,
    "random forest": [{}, LEAVES, SOME_COLUMNS, {"max_features": 1.0}],
    "HGB": BOOSTING,
    "LightGBM linear": LIGHTGBM,
    "NGBoost": [{"settings": setting} for setting in NGBOOST],
    "DESlib KNORA-E": [{}, *({"k": neighbors} for neighbors in (3, 15, 30))],
    "neural-trees HMoE": [
        {},
        {"depth": 3},
        {"branching_factor": 4},
        {"max_epochs": 200},
    ],
}


def _word(setting):
    """A setting as the results say it: they are separated by commas."""
    return str(setting).replace(",", ";")


class Search(GridSearchCV):
    """A GridSearchCV that says what it chose."""

    def detail(self):
        return _word(self.best_params_)


def _search(estimator, settings, folds, scoring):
    grid = [{key: [value] for key, value in setting.items()} for setting in settings]
    return Search(estimator, grid, cv=folds, scoring=scoring)


def _by_squared_error(kind):
    """A model of the mean whose densities are made with the setting that was chosen."""

    class Tuned(kind):
        def __init__(self, model, settings, seed):
            super().__init__(model.estimator, seed)
            folds = KFold(3, shuffle=True, random_state=seed)
            scoring = "neg_mean_squared_error"
            self.search = _search(model.estimator, settings, folds, scoring)

        def fit(self, X, y):
            self.estimator = self.search.fit(X, y).best_estimator_

        def detail(self):
            return self.search.detail()

    return Tuned


class ByDensity:
    """A model of a density, with the setting under which held-out rows have most.

    What a model calibrates, it calibrates for every setting and fold.
    """

    def __init__(self, make, settings, seed):
        self.make = lambda setting: make(seed, **setting)
        self.settings = settings
        self.folds = KFold(3, shuffle=True, random_state=seed)

    def fit(self, X, y):
        scores = [self._held_out(setting, X, y) for setting in self.settings]
        self.setting = self.settings[np.argmax(scores)]
        self.model = self._fitted(self.setting, X, y)

    def predict(self, X):
        return self.model.predict(X)

    def distribution(self, X):
        return self.model.distribution(X)

    def detail(self):
        return _word(self.setting)

    def _held_out(self, setting, X, y):
        try:
            score = np.mean(
                [
                    self._fitted(setting, X[train], y[train])
                    .distribution(X[test])
                    .log_density(y[test])
                    .mean()
                    for train, test in self.folds.split(X)
                ]
            )
        except ValueError:  # LinAlgError is one: too many components for a fold
            return -np.inf
        return score if np.isfinite(score) else -np.inf

    def _fitted(self, setting, X, y):
        model = self.make(setting)
        model.fit(X, y)
        if hasattr(model, "calibrate"):
            model.calibrate(X, y)
        return model


def _regressor(name):
    def make(seed):
        maker, settings = peers_regression.MAKERS[name], REGRESSION[name]
        model = maker(seed)
        if isinstance(model, Point):
            return _by_squared_error(type(model))(model, settings, seed)
        return ByDensity(maker, settings, seed)

    return make


def _classifier(name):
    def make(seed):
        model = peers_classification.MAKERS[name](seed)
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        return _search(model, CLASSIFICATION[name], folds, "neg_log_loss")

    return make


REGRESSORS = {f"{name}, tuned": _regressor(name) for name in REGRESSION}
CLASSIFIERS = {f"{name}, tuned": _classifier(name) for name in CLASSIFICATION}
LEGACY = [
    f"{name}, tuned"
    for name in (*peers_regression.LEGACY, *peers_classification.LEGACY)
]
