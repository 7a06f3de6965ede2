# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""skmoe's entries."""

from inspect import signature

import numpy as np
from metrics import Mixtures
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

COUNTS = range(1, 7)
# An iteration fits every expert five times: two experts, and few iterations.
CROSS_FITTED = {"n_experts": 2, "cv": 5, "tol": 1e-2, "max_iter": 10}
# Boosting fits a model per class.
CLASSES_CROSS_FITTED = {**CROSS_FITTED, "max_iter": 5}


class Absent(Exception):
    """The installed skmoe does not have a parameter that an entry needs."""


class Regressor:
    """A MixtureOfExpertsRegressor or a search over one, Gaussian family."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y):
        self.model.fit(X, y)

    def predict(self, X):
        return self.model.predict(X)

    def distribution(self, X):
        mixture = getattr(self.model, "best_estimator_", self.model)
        gate = mixture.gate_proba(X)
        return Mixtures(
            gate,
            mixture.predict_experts(X),
            np.broadcast_to(mixture.dispersions_, gate.shape),
        )

    def detail(self):
        """Experts and iterations."""
        mixture = getattr(self.model, "best_estimator_", self.model)
        return f"K={mixture.n_experts_} iter={mixture.n_iter_}"


class CrossFitted(Regressor):
    """A MixtureOfExpertsRegressor with `cv`, whose intervals can be calibrated."""

    def intervals(self, X):
        kinds = "equal-tailed", "calibrated"
        return [self.model.predict_interval(X, 0.9, kind=kind) for kind in kinds]


class Classifier(Regressor):
    """A MixtureOfExpertsClassifier or a search over one."""

    def predict_proba(self, X):
        return self.model.predict_proba(X)


def _regressor(seed, *experts, **parameters):
    from skmoe import MixtureOfExpertsRegressor

    return _known(MixtureOfExpertsRegressor, experts, parameters, seed)


def _classifier(seed, *experts, **parameters):
    from skmoe import MixtureOfExpertsClassifier

    return _known(MixtureOfExpertsClassifier, experts, parameters, seed)


def _known(cls, experts, parameters, seed):
    missing = set(parameters) - set(signature(cls).parameters)
    if missing:
        raise Absent(f"{cls.__name__} has no parameter {sorted(missing)}")
    return cls(*experts, random_state=seed, **parameters)


def _by_bic(mixture, counts=COUNTS):
    from skmoe.model_selection import ExpertCountSearch

    return ExpertCountSearch(mixture, n_experts=counts)


class LinearByBIC(Regressor):
    """Linear experts, as many as BIC takes, of models with fewer parameters than rows.

    With several settings, three folds choose one by the log density of held-out rows.
    """

    def __init__(self, mixture, settings=()):
        self.mixture = mixture
        self.settings = settings

    def fit(self, X, y):
        n_samples, width = X.shape
        most = (n_samples + width + 1) // (2 * width + 3)
        counts = [count for count in COUNTS if count <= max(most, 1)]
        self.model = search = _by_bic(self.mixture, counts)
        if self.settings:
            folds = KFold(3, shuffle=True, random_state=0)
            grid = [
                {f"estimator__{key}": [value] for key, value in setting.items()}
                for setting in self.settings
            ]
            search = GridSearchCV(search, grid, cv=folds, scoring=mean_log_density)
            self.model = search.fit(X, y).best_estimator_
        else:
            search.fit(X, y)


def mean_log_density(model, X, y):
    """Mean log density of held-out rows."""
    return model.score_samples(X, y).mean()


def _linear(seed, *experts, **parameters):
    return LinearByBIC(_regressor(seed, *experts, **parameters))


def _tuned_linear(seed):
    from skmoe.gates import SoftmaxGate

    settings = [
        {"experts": experts, "gate": SoftmaxGate(alpha=alpha)}
        for experts, alpha in (
            (None, 1e-4),
            (Ridge(), 1e-4),
            (Ridge(), 1e-3),
            (Ridge(10), 1e-2),
        )
    ]
    return LinearByBIC(_regressor(seed, extrapolation="clip"), settings)


def _trees(seed, **parameters):
    tree = DecisionTreeRegressor(max_depth=4, min_samples_leaf=5, random_state=seed)
    return Regressor(_regressor(seed, tree, **parameters))


def _boosting(seed, max_leaf_nodes=15, **parameters):
    """At most 200 trees, of 15 leaves: how many is chosen out-of-fold."""
    return HistGradientBoostingRegressor(
        max_leaf_nodes=max_leaf_nodes, max_iter=200, random_state=seed, **parameters
    )


def _boosted(seed, cv=5):
    return CrossFitted(_regressor(seed, _boosting(seed), 3, **_grown(cv)))


class BoostedByOutOfFold(CrossFitted):
    """The default and three other settings of boosted experts, each fitted once.

    The out-of-fold likelihood that EM maximised chooses, corrected for the parameters
    of the gate and the dispersions: no folds beyond those of the fits.
    """

    SETTINGS = ({}, {"max_leaf_nodes": 8}, {"min_samples_leaf": 40}, {"n_experts": 2})

    def __init__(self, seed):
        self.searches = [self._search(seed, **setting) for setting in self.SETTINGS]

    def fit(self, X, y):
        scores = [search.fit(X, y).best_score_ for search in self.searches]
        best = np.argmin(scores)
        self.model = self.searches[best].best_estimator_
        self.setting = self.SETTINGS[best]

    def detail(self):
        return f"{super().detail()} {self.setting}".replace(",", ";")

    @staticmethod
    def _search(seed, n_experts=3, **setting):
        mixture = _regressor(seed, _boosting(seed, **setting), **_grown())
        return _out_of_fold(mixture, [n_experts])


def _mixed(seed):
    experts = [("linear", Ridge()), ("boosted", _boosting(seed))]
    return CrossFitted(_regressor(seed, experts, **_grown()))


def _grown(cv=5):
    """Settings of cross-fitted experts that grow by stages."""
    from skmoe.gates import SoftmaxGate

    gate = SoftmaxGate(alpha=1e-2)
    return {"gate": gate, "cv": cv, "tol": 1e-2, "max_iter": 8}


def _logistic(seed):
    """K by held-out log likelihood: BIC counts penalised coefficients as if free."""
    return Classifier(_by_folds(_classifier(seed, tol=1e-4), COUNTS, seed))


def _by_folds(mixture, counts, seed):
    from skmoe.model_selection import ExpertCountSearch

    # Shuffled, as the folds of the benchmark are: the rows of some sets have an order.
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return ExpertCountSearch(
        mixture, counts, criterion="cv", cv=folds, patience=2, parsimonious=True
    )


def _tree_classes(seed, **parameters):
    tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=seed)
    return Classifier(_classifier(seed, tree, **parameters))


def _boosted_classes(seed):
    boosting = HistGradientBoostingClassifier(random_state=seed)
    mixture = _classifier(seed, boosting, **CLASSES_CROSS_FITTED)
    return Classifier(_out_of_fold(mixture, [1, 2]))


def _out_of_fold(mixture, counts):
    """As many experts as have the best out-of-fold likelihood in their own fits."""
    from skmoe.model_selection import ExpertCountSearch

    return ExpertCountSearch(mixture, counts, criterion="out_of_fold", split=False)


def _mixed_classes(seed):
    experts = [
        ("logistic", LogisticRegression(max_iter=1000)),
        ("boosted", HistGradientBoostingClassifier(random_state=seed)),
    ]
    return Classifier(_classifier(seed, experts, **CLASSES_CROSS_FITTED))


REGRESSORS = {
    "skmoe linear": _linear,
    "skmoe linear, clip": lambda seed: _linear(seed, extrapolation="clip"),
    "skmoe ridge, clip": lambda seed: _linear(seed, Ridge(), extrapolation="clip"),
    "skmoe linear, tuned": _tuned_linear,
    "skmoe trees": _trees,
    "skmoe trees, cv": lambda seed: _trees(seed, **CROSS_FITTED),
    "skmoe boosted, cv": _boosted,
    "skmoe boosted, cv=10": lambda seed: _boosted(seed, cv=10),
    "skmoe boosted, cv, tuned": BoostedByOutOfFold,
    "skmoe mixed, cv": _mixed,
}
CLASSIFIERS = {
    "skmoe logistic": _logistic,
    "skmoe trees": _tree_classes,
    "skmoe trees, cv": lambda seed: _tree_classes(seed, **CLASSES_CROSS_FITTED),
    "skmoe boosted, cv": _boosted_classes,
    "skmoe mixed, cv": _mixed_classes,
}
