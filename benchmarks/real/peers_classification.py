# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The other classification models, each with its defaults."""

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


class NGBoost:
    """ngboost's NGBClassifier, told the number of classes that the rows have."""

    def __init__(self, seed):
        from ngboost import NGBClassifier
        from ngboost.distns import k_categorical

        self.make = lambda n_classes: NGBClassifier(
            Dist=k_categorical(n_classes), verbose=False, random_state=seed
        )

    def fit(self, X, y):
        self.model = self.make(int(y.max()) + 1).fit(X, y)

    def predict(self, X):
        return self.model.predict(X)

    def predict_proba(self, X):
        return self.model.predict_proba(X)


MAKERS = {
    # 100 iterations, the default, end before the optimum on some of the sets.
    "LogisticRegression": lambda seed: LogisticRegression(max_iter=1000),
    "decision tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
    "HGB": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "LightGBM linear": _lightgbm,
    "linear-tree": _linear_tree,
    "NGBoost": NGBoost,
    "DESlib KNORA-E": _deslib,
    "neural-trees HMoE": _neural_trees,
}
LEGACY = ("linear-tree", "DESlib KNORA-E")
