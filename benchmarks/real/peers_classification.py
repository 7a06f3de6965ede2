# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The other classification models, each with its defaults."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier


def _lightgbm(seed):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(linear_tree=True, random_state=seed, n_jobs=1, verbose=-1)


def _linear_tree(seed):
    from lineartree import LinearTreeClassifier

    return LinearTreeClassifier(LogisticRegression(max_iter=1000))


def _deslib(seed):
    from deslib.des import KNORAE

    return KNORAE(random_state=seed, n_jobs=1)


def _neural_trees(seed):
    from neural_trees import HierarchicalMixtureOfExperts

    return HierarchicalMixtureOfExperts(random_state=seed)


class NGBoost(ClassifierMixin, BaseEstimator):
    """ngboost's NGBClassifier, told the number of classes that the rows have.

    `settings` are parameters of the NGBClassifier, as a dict.
    """

    def __init__(self, settings=None, random_state=None):
        self.settings = settings
        self.random_state = random_state

    def fit(self, X, y):
        from ngboost import NGBClassifier
        from ngboost.distns import k_categorical

        self.classes_ = np.unique(y)
        self.model_ = NGBClassifier(
            Dist=k_categorical(int(y.max()) + 1),
            verbose=False,
            random_state=self.random_state,
            **(self.settings or {}),
        ).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def _ngboost(seed):
    import ngboost  # noqa: F401  where it is not installed, this entry is skipped

    return NGBoost(random_state=seed)


MAKERS = {
    # 100 iterations, the default, end before the optimum on some of the sets.
    "LogisticRegression": lambda seed: LogisticRegression(max_iter=1000),
    "decision tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
    "HGB": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "LightGBM linear": _lightgbm,
    "linear-tree": _linear_tree,
    "NGBoost": _ngboost,
    "DESlib KNORA-E": _deslib,
    "neural-trees HMoE": _neural_trees,
}
LEGACY = ("linear-tree", "DESlib KNORA-E")
